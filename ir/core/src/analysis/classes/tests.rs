//! Classes that are possible, and those that are not.

use super::possible_classes;
use crate::module::Int;
use crate::text::parse;
use crate::validate::Validator;

/// The classes that the first label of a module of integers can be.
fn check(body: &str, expect: &[bool]) {
    let classes: Vec<String> = (0..expect.len()).map(|class| class.to_string()).collect();
    let text = format!(
        "int m\n@c0 = column a [0, 255]\n@c1 = column b [-3, 3]\n@l0 = labels [{}]\n{body}",
        classes.join(", ")
    );
    let module = parse::<Int>(&text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    let module = Validator::validate(module).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    let label = module.label_output().expect("there is a label").value;
    assert_eq!(possible_classes(&module, label), expect, "{text}");
}

/// One test, and the weights of its two leaves.
fn stump(targets: usize, yes: &str, no: &str) -> String {
    format!(
        "@t0 = forest q8.20, 1 features, {targets} targets
  roots [n0]
  n0 = if x0 <= 63 then n1 else n2
  n1 = leaf [{yes}]
  n2 = leaf [{no}]
end
%0 = input [a] : i64[1x1]
%1 = tree_ensemble @t0, %0 : q8.20[1x{targets}]
"
    )
}

const END: &str = "output \"label\" label %3\n";

#[test]
fn a_comparison_is_decided_by_the_range_of_its_side() {
    let greater = |threshold: i64| {
        format!(
            "%0 = input [a] : i64[1x1]
%1 = greater %0, {threshold} : bool[1x1]
%2 = reshape %1 : bool[1]
%3 = label @l0, %2 : label(@l0)[1]
{END}"
        )
    };
    check(&greater(254), &[true, true]);
    check(&greater(255), &[true, false]);
    check(&greater(-1), &[false, true]);
}

#[test]
fn the_leaves_of_one_tree_are_tried_each() {
    let label = "%2 = argmax %1, margin 0 : i64[1]\n%3 = label @l0, %2 : label(@l0)[1]\n";
    let tree = |yes, no| stump(3, yes, no) + label + END;
    check(&tree("0: 5, 1: 3", "0: 1, 2: 4"), &[true, false, true]);
    // Equal sums: the lowest index.
    check(&tree("0: 5, 1: 5", "0: 1, 2: 1"), &[true, false, false]);
    let margin = tree("0: 5, 1: 7", "0: 1, 2: 4").replace("margin 0", "margin 2");
    check(&margin, &[true, false, true]);
}

#[test]
fn sums_of_trees_are_compared_tree_by_tree() {
    // Each tree gives class 0 at least as much as class 1, though their ranges overlap.
    let forest = |more: i64| {
        format!(
            "@t0 = forest q8.20, 2 features, 2 targets
  roots [n0, n3]
  n0 = if x0 <= 63 then n1 else n2
  n1 = leaf [0: 9, 1: 9]
  n2 = leaf [0: 1, 1: {more}]
  n3 = if x1 <= 0 then n4 else n5
  n4 = leaf [0: 8, 1: 7]
  n5 = leaf [0: 3, 1: 2]
end
%0 = input [a, b] : i64[1x2]
%1 = tree_ensemble @t0, %0 : q8.20[1x2]
%2 = argmax %1, margin 0 : i64[1]
%3 = label @l0, %2 : label(@l0)[1]
{END}"
        )
    };
    check(&forest(2), &[true, false]);
    check(&forest(3), &[true, true]);
}

#[test]
fn rows_of_a_linear_map_are_compared_by_their_difference() {
    let map = |base: i64| {
        format!(
            "@m0 = matrix q40.8, 2 inputs
  r0 = base 0, rounding 0.0 [0: 100, 1: 7]
  r1 = base {base}, rounding 0.0 [0: 100, 1: 5]
end
%0 = input [a, b] : i64[1x2]
%1 = linear @m0, [%0] : q40.8[1x2]
%2 = argmax %1, margin 0 : i64[1]
%3 = label @l0, %2 : label(@l0)[1]
{END}"
        )
    };
    check(&map(0), &[true, true]);
    check(&map(6), &[true, true]);
    check(&map(-6), &[true, false]);
    check(&map(7), &[false, true]);
}

#[test]
fn classes_are_counted_chosen_and_taken() {
    // The number of cuts that are not above `a`: 1 at least, since `a` is not below 0.
    let cuts = "%0 = input [a] : i64[1x1]
%1 = greater %0, -1 : bool[1x1]
%2 = greater %0, 99 : bool[1x1]
%3 = greater %0, 300 : bool[1x1]
%4 = concat [%1, %2, %3] : bool[1x3]
%5 = rescale %4, truncate : i64[1x3]
%6 = reduce_sum %5 : i64[1]
%7 = label @l0, %6 : label(@l0)[1]
output \"label\" label %7
";
    check(cuts, &[false, true, true, false]);
    let chosen = |threshold: i64| {
        format!(
            "@w0 = constant i64[3] [0, 1, 3]
@w1 = constant i64[1] [2]
%0 = input [a] : i64[1x1]
%1 = greater %0, 99 : bool[1x1]
%2 = reshape %1 : bool[1]
%3 = constant @w0 : i64[3]
%4 = take %3, %2 : i64[1]
%5 = constant @w1 : i64[1]
%6 = greater %0, {threshold} : bool[1x1]
%7 = reshape %6 : bool[1]
%8 = select %7, %5, %4 : i64[1]
%9 = label @l0, %8 : label(@l0)[1]
output \"label\" label %9
"
        )
    };
    check(&chosen(200), &[true, true, true, false]);
    check(&chosen(255), &[true, true, false, false]);
    check(&chosen(-1), &[false, false, true, false]);
}

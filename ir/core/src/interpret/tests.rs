//! Tests of the interpreter.

use proptest::prelude::*;

use super::*;
use crate::ops::{Binary, Unary};
use crate::testing::{int_chain, int_modules, real_chain, real_modules, rows};
use crate::text::parse;
use crate::types::ElementType;
use crate::validate::Validator;

/// Interprets the module whose lines, without the header, are `text`.
#[track_caller]
fn check_float(text: &str, row: &[Option<i64>], expect: &str) {
    let module = parse::<Real>(&format!("real a\n{text}")).expect("the text is a module");
    assert_eq!(Validator::check(&module), []);
    assert_eq!(format!("{:?}", float(&module, row)), expect);
}

#[track_caller]
fn check_int(text: &str, row: &[Option<i64>], expect: &str) {
    let module = parse::<Int>(&format!("int a\n{text}")).expect("the text is a module");
    assert_eq!(Validator::check(&module), []);
    assert_eq!(format!("{:?}", integer(&module, row)), expect);
}

/// The ends of each number as floats; `?` where it is undecided.
#[track_caller]
fn check_enclosed(text: &str, row: &[Option<i64>], expect: &str) {
    let module = parse::<Real>(&format!("real a\n{text}")).expect("the text is a module");
    assert_eq!(Validator::check(&module), []);
    let shown = real(&module, row).into_iter().map(|outcome| match outcome {
        Err(undecided) => format!("?%{}", undecided.at.index()),
        Ok(Outcome::Label(label)) => format!("label {label}"),
        Ok(Outcome::Numbers(numbers)) => {
            let ends = numbers.iter().map(|x| format!("[{:?}, {:?}]", x.lower(), x.upper()));
            ends.collect::<Vec<_>>().join(" ")
        }
    });
    assert_eq!(shown.collect::<Vec<_>>().join("; "), expect);
}

const COLUMN: &str = "@c0 = column x [-10, 4611686018427387903] missing -1\n";

#[test]
fn inputs_round_once_to_nearest_even() {
    let text = format!("{COLUMN}%0 = input [x] : f32[1x1]\noutput \"x\" value %0\n");
    check_float(&text, &[Some((1 << 24) + 1)], "[Numbers([16777216.0])]");
    check_float(&text, &[Some((1 << 24) + 3)], "[Numbers([16777220.0])]");
    // To f64 and then to f32 would round the tie the other way.
    check_float(&text, &[Some((1 << 60) + (1 << 36) + 1)], "[Numbers([1.1529216420458004e18])]");
    check_float(&text, &[None], "[Numbers([NaN])]");
    check_float(&text, &[Some(-1)], "[Numbers([NaN])]");
    let text = format!("{COLUMN}%0 = input [x] : i64[1x1]\noutput \"x\" value %0\n");
    check_float(&text, &[None], "[Numbers([-1.0])]");
    check_int(&text, &[None], "[Numbers([-1])]");
    check_int(&text, &[Some(4611686018427387903)], "[Numbers([4611686018427387903])]");
}

#[test]
fn casts() {
    let cast = |from: &str, to: &str| {
        format!(
            "{COLUMN}%0 = input [x] : {from}[1x1]\n%1 = cast %0 : {to}[1x1]\noutput \"x\" value %1\n"
        )
    };
    check_float(&cast("i64", "f32"), &[Some((1 << 24) + 1)], "[Numbers([16777216.0])]");
    check_float(&cast("f64", "f32"), &[Some((1 << 24) + 1)], "[Numbers([16777216.0])]");
    check_enclosed(&cast("f64", "f32"), &[Some((1 << 24) + 1)], "[16777216.0, 16777216.0]");
    check_float(&cast("f32", "i64"), &[Some(-7)], "[Numbers([-7.0])]");
    check_float(&cast("f32", "i64"), &[None], "[Numbers([-9.223372036854776e18])]");
    assert_eq!(number::truncate(-2.9), -2);
    assert_eq!(number::truncate(f64::exp2(63.0)), i64::MIN);
}

const SUM: &str = "@c0 = column x [0, 9]
@l0 = labels [5, 6]
@t0 = forest f32, 1 features, 2 targets
  base [1.0, 0.0]
  roots [n0, n0, n3]
  n0 = if x0 < 3.0 then n1 else n2
  n1 = leaf [0: 5.960464477539063e-8]
  n2 = leaf [1: 0.5, 0: 0.5]
  n3 = leaf [1: 1.0]
end
%0 = input [x] : f32[1x1]
%1 = tree_ensemble @t0, %0 : f32[1x2]
%2 = argmax %1 : i64[1]
%3 = label @l0, %2 : label(@l0)[1]
output \"label\" label %3
output \"sum\" score raw %1
";

#[test]
fn sums_round_after_each_tree_and_end_with_the_base_value() {
    // Twice 2^-24 is seen beside 1; once would be a tie that goes to even.
    check_float(SUM, &[Some(2)], "[Label(0), Numbers([1.0000001192092896, 1.0])]");
    check_enclosed(SUM, &[Some(2)], "label 0; [1.0000001192092896, 1.0000001192092896] [1.0, 1.0]");
    // Equal sums: the first wins.
    check_float(SUM, &[Some(3)], "[Label(0), Numbers([2.0, 2.0])]");
    check_enclosed(SUM, &[Some(3)], "label 0; [2.0, 2.0] [2.0, 2.0]");
}

#[test]
fn what_128_bits_do_not_hold_is_enclosed_or_undecided() {
    let text = "@c0 = column x [0, 9]
@l0 = labels [5, 6]
@w0 = constant f64[1x1] [1.0]
@t0 = forest f64, 1 features, 1 targets
  roots [n0, n1]
  n0 = leaf [0: 1.0]
  n1 = leaf [0: 1e-60]
end
%0 = input [x] : f64[1x1]
%1 = tree_ensemble @t0, %0 : f64[1x1]
%2 = constant @w0 : f64[1x1]
%3 = subtract %1, %2 : f64[1x1]
%4 = greater %1, %2 : bool[1x1]
%5 = label @l0, %4 : label(@l0)[1x1]
output \"difference\" score raw %3
output \"label\" label %5
";
    // 1e-60 is about 2^-199: the interval is [1, 1 + 2^-127].
    check_enclosed(text, &[Some(2)], "[-0.0, 5.877471754111438e-39]; ?%4");
    check_float(text, &[Some(2)], "[Numbers([0.0]), Label(0)]");
    check_enclosed(
        &text.replace("1e-60", "7.888609052210118e-31"),
        &[Some(2)],
        "[7.888609052210118e-31, 7.888609052210118e-31]; label 1",
    );
}

#[test]
fn a_missing_value_takes_its_way() {
    let text = "@c0 = column x [-1, 9] missing -1
@t0 = forest f32, 1 features, 1 targets
  roots [n0, n1, n2]
  n0 = if x0 < 3.0 or missing then n3 else n4
  n1 = if x0 < 3.0 then n3 else n4
  n2 = if x0 != 3.0 then n3 else n4
  n3 = leaf [0: 1.0]
  n4 = leaf [0: 10.0]
end
%0 = input [x] : f32[1x1]
%1 = tree_ensemble @t0, %0 : f32[1x1]
output \"sum\" value %1
";
    check_float(text, &[None], "[Numbers([12.0])]");
    check_enclosed(text, &[None], "[12.0, 12.0]");
    check_float(text, &[Some(3)], "[Numbers([30.0])]");
}

#[test]
fn integers_decide_with_a_margin() {
    let text = "@c0 = column x [0, 9]
@l0 = labels [5, 6, 7]
@w0 = constant q62.0[1x2] [20, 23]
@w1 = constant q62.0[1x1] [3]
@t0 = forest q62.0, 1 features, 1 targets
  roots [n0]
  n0 = if x0 <= 3 then n1 else n2
  n1 = leaf [0: 24]
  n2 = leaf [0: 26]
end
%0 = input [x] : i64[1x1]
%1 = tree_ensemble @t0, %0 : q62.0[1x1]
%2 = constant @w0 : q62.0[1x2]
%3 = concat [%2, %1] : q62.0[1x3]
%4 = argmax %3, margin 2 : i64[1]
%5 = label @l0, %4 : label(@l0)[1]
%6 = constant @w1 : q62.0[1x1]
%7 = subtract %3, %6 : q62.0[1x3]
%8 = gather %7 [2, 0] : q62.0[1x2]
output \"label\" label %5
output \"score\" score raw %8
";
    check_int(text, &[Some(3)], "[Label(1), Numbers([21, 17])]");
    check_int(text, &[Some(4)], "[Label(2), Numbers([23, 17])]");
}

#[test]
fn a_chain_is_walked_to_its_end() {
    let module = real_chain(100_000);
    let trace = float_trace(&module, &[Some(100_000)]);
    assert_eq!(trace.leaves[0].1, [200_000]);
    let trace = integer_trace(&int_chain(100_000), &[Some(99_999)]);
    assert_eq!(trace.leaves[0].1, [199_999]);
    assert_eq!(trace.outcomes[1], Outcome::Label(1));
}

#[test]
fn the_distance_to_a_stored_number_is_rounded_up() {
    let x = <Enclosure as number::Number>::exact(0.75);
    assert_eq!(x.distance_max(3, 2), 0.0);
    assert_eq!(x.distance_max(2, 2), 0.25);
    assert_eq!(x.distance_max(i64::MAX, 62), 1.25);
}

#[test]
fn an_enclosure_is_within_a_bound_or_beyond_it_or_too_wide_to_tell() {
    let exact = <Enclosure as number::Number>::exact;
    let divide =
        |a, b| number::Number::binary(&exact(a), Binary::Divide, &exact(b), ElementType::F64);
    // 3 * (1/3), which 128 bits do not hold.
    let one =
        number::Number::binary(&divide(1.0, 3.0), Binary::Multiply, &exact(3.0), ElementType::F64);
    assert!(one.distance_max(1 << 60, 60) > 0.0);
    // What 128 bits do not tell from a stored number is within every bound.
    assert_eq!(one.is_within(0.0, 1 << 60, 60), Some(true));
    assert_eq!(one.is_within(0.0, (1 << 60) + 1, 60), Some(false));
    let wide = Enclosure::between(0.5, 1.5);
    assert_eq!(wide.is_within(0.5, 1, 0), Some(true));
    assert_eq!(wide.is_within(0.25, 1, 0), None);
    assert_eq!(wide.is_within(0.25, 2, 0), Some(false));
    assert_eq!(wide.is_within(0.25, 0, 0), Some(false));
    assert_eq!(exact(f64::NAN).is_within(1.0, 1, 0), Some(false));
    assert_eq!(exact(f64::INFINITY).is_within(1.0, 1, 0), Some(false));
    assert_eq!(Enclosure::unknown().is_within(1.0, 1, 0), None);
}

#[test]
fn a_number_is_narrow_within_the_finite_floats_only() {
    let exp = |x| {
        let x = <Enclosure as number::Number>::exact(x);
        number::Number::unary(&x, Unary::Exp, ElementType::F64)
    };
    assert!(exp(1.0).is_narrow());
    assert!(!exp(1000.0).is_narrow());
    assert!(!Enclosure::between(0.0, 1.0).is_narrow());
}

proptest! {
    /// Floats lie near the interval of the reals, and both reach the same leaves.
    #[test]
    fn modes_agree((module, row) in real_modules().prop_flat_map(|module| {
        let row = rows(&module, &[0, 128, 1 << 24]);
        (Just(module), row)
    })) {
        let floats = float(&module, &row);
        for (float, real) in floats.iter().zip(real(&module, &row)) {
            let (Outcome::Numbers(floats), Ok(Outcome::Numbers(reals))) = (float, real) else { continue };
            for (x, enclosure) in floats.iter().zip(reals) {
                prop_assert!(enclosure.lower() <= enclosure.upper());
                // 7 additions of numbers below 1e6 in f32.
                prop_assert!((x - enclosure.lower()).abs() <= 7e6 * f64::exp2(-23.0));
                prop_assert!((x - enclosure.upper()).abs() <= 7e6 * f64::exp2(-23.0));
            }
        }
    }

    #[test]
    fn walks_reach_the_traced_leaves((module, row) in int_modules().prop_flat_map(|module| {
        let row = rows(&module, &[0, 128, 1 << 24]);
        (Just(module), row)
    })) {
        let trace = integer_trace(&module, &row);
        for (forest, leaves) in trace.leaves {
            prop_assert_eq!(leaves.len(), module.forests[forest].roots.len());
            for leaf in leaves {
                let is_leaf = matches!(module.forests[forest].nodes[leaf as usize], TreeNode::Leaf { .. });
                prop_assert!(is_leaf);
            }
        }
    }
}

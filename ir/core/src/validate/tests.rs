//! Tests of the validator: a valid module, one thing changed.

use proptest::prelude::*;

use super::*;
use crate::arena::Handle;
use crate::forest::TreeNode;
use crate::module::{Domain, Interval, Value};
use crate::ops::{IntOp, RealOp};
use crate::testing::{int_chain, int_modules, real_chain, real_modules, tensor_modules};
use crate::text::{Notation, parse};
use crate::types::{ElementType, Type};

const REAL: &str = r#"real a
@c0 = column x [0, 255]
@c1 = column y [-5, 10] missing -1
@l0 = labels ["p", "q"]
@w0 = constant f32[1x1] [0.5]
@t0 = forest f32, 2 features, 2 targets
  roots [n0]
  n0 = if x1 <= 12.5 then n1 else n2
  n1 = leaf [0: 0.25, 1: 0.75]
  n2 = leaf [0: 1.0]
end
%0 = input [x, y] : f32[1x2]
%1 = tree_ensemble @t0, %0 : f32[1x2]
%2 = argmax %1 : i64[1]
%3 = label @l0, %2 : label(@l0)[1]
%4 = constant @w0 : f32[1x1]
%5 = subtract %4, %1 : f32[1x2]
%6 = greater %5, %4 : bool[1x2]
%7 = cast %6 : i64[1x2]
%8 = cast %3 : label(@l0)[1]
output "label" label %8
output "score" score raw %5
"#;

const INT: &str = r#"int a
@c0 = column x [0, 255]
@l0 = labels [0, 1]
@t0 = forest q1.61, 1 features, 1 targets
  roots [n0, n0]
  n0 = if x0 <= 12 then n1 else n2
  n1 = leaf [0: 1152921504606846976]
  n2 = leaf [0: -3]
end
%0 = input [x] : i64[1x1]
%1 = tree_ensemble @t0, %0 : q1.61[1x1]
%2 = argmax %1, margin 2 : i64[1]
%3 = greater %1, 9 : bool[1x1]
%4 = reshape %3 : bool[1]
%5 = label @l0, %4 : label(@l0)[1]
output "label" label %5
output "score" score raw %1
"#;

#[track_caller]
fn check<D: Notation + Rules>(text: &str, change: impl FnOnce(&mut Module<D>), expect: &[&str]) {
    let mut module = parse::<D>(text).expect("the text is a module");
    assert_eq!(Validator::check(&module), []);
    change(&mut module);
    let found: Vec<_> = Validator::check(&module).iter().map(ToString::to_string).collect();
    assert_eq!(found, expect);
    assert_eq!(Validator::validate(module).is_ok(), expect.is_empty());
}

#[track_caller]
fn check_real(change: impl FnOnce(&mut Module<Real>), expect: &[&str]) {
    check(REAL, change, expect);
}

#[track_caller]
fn check_int(change: impl FnOnce(&mut Module<Int>), expect: &[&str]) {
    check(INT, change, expect);
}

fn value(index: usize) -> Value {
    Handle::from_index(index)
}

fn first<T>() -> Handle<T> {
    Handle::from_index(0)
}

#[test]
fn names_and_columns() {
    check_real(|m| m.name = "A".to_owned(), &["module: `A` is not in lower case"]);
    check_real(|m| m.name = "a-b".to_owned(), &["module: `a-b` is not a C identifier"]);
    check_real(|m| m.columns[first()].name = "y".to_owned(), &["@c1: the name `y` is taken"]);
    check_real(|m| m.columns[first()].name = String::new(), &["@c0: `` is not a C identifier"]);
    check_real(
        |m| m.columns[first()].range = Interval { min: 1, max: 0 },
        &["@c0: the interval [1, 0] is empty"],
    );
    check_real(
        |m| m.columns[first()].range.max = 1 << 62,
        &["@c0: 4611686018427387904 lies outside [-4611686018427387903, 4611686018427387903]"],
    );
    check_real(|m| m.columns[first()].missing = Some(256), &["@c0: 256 lies outside [0, 255]"]);
    check_real(|m| m.outputs.clear(), &["module: outputs are missing"]);
}

#[test]
fn handles_and_order() {
    check_real(
        |m| m.node_mut(value(2)).op = RealOp::ArgMax { input: value(2) },
        &["%2: the operand %2 is not older than its user"],
    );
    check_real(
        |m| {
            m.node_mut(value(0)).op = RealOp::Input { columns: vec![Handle::from_index(7)] };
            m.node_mut(value(4)).op = RealOp::Constant { constant: Handle::from_index(1) };
        },
        &["%0: column 7 does not exist, there are 2", "%4: constant 1 does not exist, there are 1"],
    );
    check_real(
        |m| m.node_mut(value(3)).ty.elem = ElementType::Label(Handle::from_index(4)),
        &["%3: label table 4 does not exist, there are 1"],
    );
    check_real(
        |m| m.outputs[1].value = value(9),
        &["output 1: value 9 does not exist, there are 9"],
    );
    check_real(
        |m| m.node_mut(value(0)).origin = Handle::from_index(8),
        &["%0: origin 8 does not exist, there are 1"],
    );
}

#[test]
fn forests() {
    let branch = |m: &mut Module<Real>, change: fn(&mut u32, &mut u32)| {
        let node = &mut m.forests[first()].nodes[0];
        if let TreeNode::Branch { yes, no, .. } = node {
            change(yes, no);
        }
    };
    check_real(
        |m| branch(m, |yes, no| (*yes, *no) = (0, 3)),
        &[
            "@t0 n0: the child n0 does not follow its parent",
            "@t0 n0: tree node 3 does not exist, there are 3",
        ],
    );
    check_real(
        |m| m.forests[first()].roots.push(3),
        &["@t0: tree node 3 does not exist, there are 3"],
    );
    check_real(
        |m| m.forests[first()].nodes[1] = leaf(u32::MAX, 2),
        &["@t0 n1: the weights 4294967295.. of 2 end behind the 3 weights of the forest"],
    );
    check_real(
        |m| m.forests[first()].weights[2].target = 2,
        &["@t0 n2: target 2 does not exist, there are 2"],
    );
    check_real(
        |m| m.forests[first()].weights[0].weight = 0.1,
        &["@t0: 0.1 is not a number that `f32` can hold"],
    );
    check_real(
        |m| m.forests[first()].weights[0].weight = f64::INFINITY,
        &["@t0: inf is not a number that `f32` can hold"],
    );
    check_real(
        |m| {
            if let TreeNode::Branch { test, .. } = &mut m.forests[first()].nodes[0] {
                test.threshold = f64::NAN;
            }
        },
        &["@t0 n0: a comparison with NaN is not allowed"],
    );
    check_int(
        |m| {
            if let TreeNode::Branch { test, .. } = &mut m.forests[first()].nodes[0] {
                test.at_most = 1 << 62;
            }
        },
        &["@t0 n0: a comparison with 4611686018427387904 is not allowed"],
    );
    check_real(
        |m| m.forests[first()].base.push(0.0),
        &["@t0: there are 3 base values, and there must be 2"],
    );
    check_real(
        |m| m.forests[first()].rounding_half_units[1] = 1,
        &["@t0: the rounding bound of target 1 is 1, which only the integer domain has"],
    );
    check_int(
        |m| {
            m.forests[first()].nodes[1] = leaf(0, 2);
        },
        &["@t0 n1: the leaf has two weights for target 0"],
    );
}

fn leaf<D: Domain>(first: u32, count: u32) -> TreeNode<D> {
    TreeNode::Leaf { first, count, origin: Handle::from_index(0) }
}

#[test]
fn types() {
    check_real(
        |m| m.node_mut(value(1)).ty = Type::new(ElementType::F64, &[1, 2]),
        &[
            "%1: the type is `f64[1x2]`, the operation makes `f32[1x2]`",
            "%5: the shapes `f32[1x1]` and `f64[1x2]` do not go together",
        ],
    );
    check_real(
        |m| m.node_mut(value(0)).ty.elem = ElementType::Fixed { bits: 8, frac_bits: 0 },
        &["%0: `q8.0` is not a type of this domain"],
    );
    check_real(
        |m| m.node_mut(value(2)).op = RealOp::Gather { input: value(1), indices: vec![2] },
        &["%2: element 2 does not exist, there are 2"],
    );
    check_real(|m| m.node_mut(value(2)).op = RealOp::ArgMax { input: value(0) }, &[]);
    check_real(
        |m| m.outputs[0].value = value(2),
        &["output 0: an output of this kind cannot be `i64[1]`, it must be a single label"],
    );
    check_real(
        |m| m.node_mut(value(5)).ty.shape.0 = vec![u32::MAX; 3],
        &[&format!("%5: {} elements, at most 16777216 are allowed", usize::MAX)],
    );
    check_int(
        |m| m.node_mut(value(1)).ty.elem = ElementType::Fixed { bits: 61, frac_bits: 61 },
        &["%1: the type is `q0.61[1x1]`, the operation makes `q1.61[1x1]`"],
    );
    check_int(
        |m| m.node_mut(value(2)).op = IntOp::ArgMax { input: value(1), margin: -1 },
        &["%2: the margin -1 is negative or above 2^62"],
    );
}

#[test]
fn ranges() {
    // 2^60 twice is below 2^62; 2^61 twice is not.
    check_int(
        |m| m.forests[first()].weights[0].weight = 1 << 61,
        &[
            "@t0: the sum 0 can be 4611686018427387904 on the way, which does not fit 62 bits",
            "%1: element 0 can be 4611686018427387904, which does not fit `q1.61`",
        ],
    );
    // The total fits, but the sum on the way depends on the order.
    check_int(
        |m| {
            let forest = &mut m.forests[first()];
            forest.weights[0].weight = (1 << 61) + 1;
            forest.weights[1].weight = -((1 << 61) + 1);
            forest.roots = vec![1, 1, 2, 2];
        },
        &["@t0: the sum 0 can be 4611686018427387906 on the way, which does not fit 62 bits"],
    );
    check_int(
        |m| m.labels[first()] = crate::module::LabelTable::Integers(vec![7]),
        &["%5: a class can be 1, and the label table has 1"],
    );
    check_real(
        |m| m.labels[first()] = crate::module::LabelTable::Integers(vec![7]),
        &[
            "%3: a class can be 1, and the label table has 1",
            "%8: a class can be 1, and the label table has 1",
        ],
    );
    check_int(
        |m| m.node_mut(value(3)).op = IntOp::Greater { a: value(1), threshold: i64::MIN },
        &["%3: element 0 can be -9223372036854775808, which does not fit `q1.61`"],
    );
}

#[test]
fn what_a_leaf_uses_is_bounded_and_errors_are_too() {
    check_real(
        |m| {
            let forest = &mut m.forests[first()];
            forest.weights = vec![forest.weights[0]; 1 << 20];
            forest.nodes = vec![leaf(0, 1 << 20); 20];
        },
        &["@t0 n15: 16777216 leaf weights, at most 16000000 are allowed"],
    );
    let mut module = parse::<Real>(REAL).expect("the text is a module");
    module.forests[first()].nodes = vec![leaf(9, 9); 1000];
    assert_eq!(Validator::check(&module).len(), ERRORS_MAX);
}

#[test]
fn what_the_trees_reach_together_is_bounded() {
    let mut module = int_chain(500_000);
    module.forests[first()].roots = vec![0; 20];
    let found: Vec<_> = Validator::check(&module).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["@t0: 16000016 nodes reached, at most 16000000 are allowed"]);
}

#[test]
fn a_tree_may_be_as_deep_as_it_has_nodes() {
    assert_eq!(Validator::check(&real_chain(500_000)), []);
    assert_eq!(Validator::check(&int_chain(500_000)), []);
}

proptest! {
    #[test]
    fn random_modules_are_valid(
        real in real_modules(),
        tensors in tensor_modules(),
        int in int_modules(),
    ) {
        prop_assert_eq!(Validator::check(&real), []);
        prop_assert_eq!(Validator::check(&tensors), []);
        prop_assert_eq!(Validator::check(&int), []);
    }
}

//! Error bounds of single operations.

use super::*;
use crate::ops::{IntBinary, Rounding as RoundTo};

fn operand(min: i128, max: i128, error: f64) -> Operand {
    let elem = ElementType::Fixed { bits: 62, frac_bits: 4 };
    Operand { bounds: Bounds { min, max }, error, elem }
}

/// Is `bound` at least `exact`, and by no more than a few roundings?
fn check(bound: f64, exact: f64) {
    assert!(bound >= exact && bound <= exact * (1.0 + 1e-14), "{bound} bounds {exact}");
}

#[test]
fn arithmetic_adds_the_errors_of_its_operands() {
    let (a, b) = (operand(-32, 16, 0.25), operand(16, 64, 0.5));
    check(elementwise::binary(IntBinary::Subtract, a, b), 0.75);
    check(elementwise::binary(IntBinary::Minimum, a, b), 0.5);
    // |a| is at most 2, |b| at most 4.
    check(elementwise::multiply(a, b), 2.0 * 0.5 + 4.0 * 0.25 + 0.25 * 0.5);
    // |b'| is at least 1, |b| at least 0.5.
    check(elementwise::divide(a, b), (0.25 + 2.0 * 0.5) / 0.5);
    assert_eq!(elementwise::divide(a, operand(16, 64, 1.0)), f64::INFINITY);
}

#[test]
fn a_decision_is_certain_only_if_errors_cannot_turn_it() {
    let (low, high) = (operand(0, 16, 0.25), operand(24, 32, 0.125));
    assert_eq!(elementwise::compare(low, high), 0.0);
    assert_eq!(elementwise::compare(low, operand(24, 32, 0.25)), 1.0);
    assert_eq!(elementwise::compare(low, operand(0, 16, 0.0)), 1.0);
    let certain = Operand { error: 0.0, ..operand(0, 1, 0.0) };
    let open = Operand { error: 1.0, ..certain };
    check(elementwise::select(certain, low, high), 0.25);
    check(elementwise::select(open, low, high), 0.25 + 2.0);
}

#[test]
fn only_rounding_to_nearest_is_an_error_of_its_own() {
    let to = ElementType::I64;
    check(elementwise::rescale(operand(0, 99, 0.25), to, RoundTo::Nearest), 0.75);
    assert_eq!(elementwise::rescale(operand(0, 99, 0.0), to, RoundTo::Floor), 0.0);
    check(elementwise::rescale(operand(0, 99, 0.25), to, RoundTo::Floor), 1.25);
}

#[test]
fn a_position_that_errors_could_move_may_be_any() {
    let bounds = [Bounds { min: 0, max: 16 }, Bounds { min: 32, max: 48 }];
    let elem = operand(0, 0, 0.0).elem;
    let row = Row { bounds: &bounds, error: &[0.25, 0.5], elem };
    let at = |error| Operand { bounds: Bounds { min: 0, max: 1 }, error, elem: ElementType::I64 };
    assert_eq!(row.position(), 1.0);
    check(row.taken(at(0.0)), 0.5);
    check(row.taken(at(1.0)), 3.5);
}

/// What a class of a rounded sum looks up may be that of the other class.
#[test]
fn what_is_looked_up_by_a_class_has_the_error_of_the_class() {
    let text = "int a
@c0 = column x [0, 9]
@l0 = labels [0, 1]
@w0 = constant q62.0[2] [0, 5]
@m0 = matrix q9.53, 1 inputs
  r0 = base 0, rounding 0.5 [0: 1]
end
%0 = input [x] : i64[1x1]
%1 = linear @m0, [%0] : q9.53[1x1]
%2 = greater %1, 0 : bool[1x1]
%3 = reshape %2 : bool[1]
%4 = label @l0, %3 : label(@l0)[1]
%5 = constant @w0 : q62.0[2]
%6 = take %5, %4 : q62.0[1]
output \"a\" value %6
";
    let module = crate::text::parse::<Int>(text).expect("the text is a module");
    let rounding = Rounding::of(&module, &Ranges::of(&module));
    check(rounding.of_value(Value::from_index(6))[0], 5.0);
}

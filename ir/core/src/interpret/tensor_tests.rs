//! Tests of elementwise operations, reductions, orders and look-ups.

use proptest::prelude::*;

use super::*;
use crate::testing::{rows, tensor_modules};
use crate::text::parse;
use crate::validate::Validator;

/// The numbers of the last value of a module over `x`, a row of three floats
/// that holds -2, 0.5 and 3 (`%3`), and their integers -2, 1 and 3 (`%1`).
#[track_caller]
fn check(lines: &str, expect: &[f64]) {
    let text = format!(
        "real a
@c0 = column x [0, 1]
@w0 = constant i64[1x3] [-2, 1, 3]
@w1 = constant f32[1x3] [-2, 0.5, 3]
@w2 = constant i64[2] [3, -2]
@w3 = constant f32[3] [0.5, 1.5, 9]
@w4 = constant i64[2x1] [7, 0]
@l0 = labels [4, 5]
%0 = input [x] : i64[1x1]
%1 = constant @w0 : i64[1x3]
%2 = constant @w4 : i64[2x1]
%3 = constant @w1 : f32[1x3]
{lines}
output \"y\" value %{}\n",
        3 + lines.lines().count()
    );
    let module = parse::<Real>(&text).expect("the text is a module");
    assert_eq!(Validator::check(&module), []);
    let [Outcome::Numbers(numbers)] = &float(&module, &[Some(0)])[..] else {
        panic!("the output is of kind value")
    };
    assert_eq!(numbers, expect);
    let [Ok(Outcome::Numbers(enclosures))] = &real(&module, &[Some(0)])[..] else {
        panic!("nothing is undecided between these numbers")
    };
    for (enclosure, &x) in enclosures.iter().zip(expect) {
        let slack = 1e-6 * x.abs();
        assert!(enclosure.lower() - slack <= x && x <= enclosure.upper() + slack, "{enclosure:?}");
    }
}

#[test]
fn shapes_broadcast() {
    check("%4 = add %1, %2 : i64[2x3]", &[5.0, 8.0, 10.0, -2.0, 1.0, 3.0]);
    check(
        "%4 = less_or_equal %1, %2 : bool[2x3]\n%5 = cast %4 : i64[2x3]",
        &[1.0, 1.0, 1.0, 1.0, 0.0, 0.0],
    );
    check(
        "%4 = greater %1, %2 : bool[2x3]\n%5 = select %4, %1, %2 : i64[2x3]",
        &[7.0, 7.0, 7.0, 0.0, 1.0, 3.0],
    );
}

#[test]
fn integers_are_divided_towards_zero_and_by_zero() {
    check("%4 = divide %1, %2 : i64[2x3]", &[0.0; 6]);
    check("%4 = divide %2, %1 : i64[2x3]", &[-3.0, 7.0, 2.0, 0.0, 0.0, 0.0]);
}

#[test]
fn rows_are_reduced() {
    check("%4 = reduce_sum %3 : f32[1]", &[1.5]);
    check("%4 = reduce_product %1 : i64[1]", &[-6.0]);
    check("%4 = reduce_minimum %3 : f32[1]", &[-2.0]);
    check("%4 = reduce_maximum %1 : i64[1]", &[3.0]);
    check("%4 = cumulative_sum %3 : f32[1x3]", &[-2.0, -1.5, 1.5]);
    check("%4 = argmin %2 : i64[2]", &[0.0, 0.0]);
}

#[test]
fn matrices_are_multiplied() {
    // The second operand holds 7 and 0, one a row.
    check("%4 = matmul %2, %1 : i64[2x3]", &[-14.0, 7.0, 21.0, 0.0, 0.0, 0.0]);
    check("%4 = reshape %3 : f32[3x1]\n%5 = matmul %3, %4 : f32[1x1]", &[4.0 + 0.25 + 9.0]);
}

#[test]
fn a_softmax_does_not_overflow() {
    let text = "%4 = multiply %1, %2 : i64[2x3]\n%5 = cast %4 : f32[2x3]";
    let thousands = format!("{text}\n%6 = exp %5 : f32[2x3]\n%7 = softmax %5 : f32[2x3]");
    let powers: Vec<f64> = [-35.0, -14.0, 0.0].map(|x: f64| f64::from(x.exp() as f32)).to_vec();
    let sum = f64::from((powers[0] as f32 + powers[1] as f32) + 1.0);
    let share = |power: f64| f64::from((power / sum) as f32);
    let third = f64::from(1.0_f32 / 3.0);
    let expect = [share(powers[0]), share(powers[1]), share(1.0), third, third, third];
    check(&thousands, &expect);
}

#[test]
fn equal_elements_stay_in_order() {
    let text = "%4 = absolute %1 : i64[1x3]\n%5 = minimum %4, %2 : i64[2x3]";
    check(
        &format!("{text}\n%6 = argsort %5, greatest first : i64[2x3]"),
        &[2.0, 0.0, 1.0, 0.0, 1.0, 2.0],
    );
    check(
        &format!("{text}\n%6 = argsort %5, least first : i64[2x3]"),
        &[1.0, 0.0, 2.0, 0.0, 1.0, 2.0],
    );
    check(
        &format!(
            "{text}\n%6 = argsort %5, greatest first : i64[2x3]\n%7 = take_along %5, %6 : i64[2x3]"
        ),
        &[3.0, 2.0, 1.0, 0.0, 0.0, 0.0],
    );
}

#[test]
fn positions_outside_count_as_the_nearest_inside() {
    check("%4 = take %3, %1 : f32[1x3]", &[-2.0, 0.5, 3.0]);
    check("%4 = take %3, %2 : f32[2x1]", &[3.0, -2.0]);
}

#[test]
fn keys_are_looked_up() {
    check("%4 = lookup %1, @w2, @w3 : f32[1x3]", &[1.5, 9.0, 0.5]);
}

#[test]
fn an_open_comparison_is_undecided() {
    // 1/3 * 3 is 1 in the reals, but no interval says so.
    let text = "real a
@c0 = column x [3, 3]
@c1 = column y [3, 3]
%0 = input [x] : f64[1x1]
%1 = input [y] : f64[1x1]
%2 = reciprocal %0 : f64[1x1]
%3 = multiply %2, %1 : f64[1x1]
%4 = divide %0, %0 : f64[1x1]
%5 = less %3, %4 : bool[1x1]
%6 = select %5, %3, %4 : f64[1x1]
%7 = round %3 : f64[1x1]
output \"a\" value %6
output \"b\" value %7
";
    let module = parse::<Real>(text).expect("the text is a module");
    let outcomes = real(&module, &[Some(3), Some(3)]);
    assert_eq!(outcomes[0].clone().map_err(|undecided| undecided.at.index()), Err(5));
    let Ok(Outcome::Numbers(rounded)) = &outcomes[1] else { panic!("rounding is decided") };
    assert_eq!((rounded[0].lower(), rounded[0].upper()), (1.0, 1.0));
}

#[test]
fn what_one_column_decides_is_decided_by_floats() {
    // f32(0.1) is above a tenth, and f32(0.1) * 1000 rounds to 100.
    let text = "real a
@c0 = column x [0, 9999]
@w0 = constant f32[1x1] [0.10000000149011612]
@w1 = constant f32[1x1] [100]
@t0 = forest f32, 1 features, 1 targets
  roots [n0]
  n0 = if x0 > 100.0 then n1 else n2
  n1 = leaf [0: 1.0]
  n2 = leaf [0: 2.0]
end
%0 = input [x] : f32[1x1]
%1 = constant @w0 : f32[1x1]
%2 = constant @w1 : f32[1x1]
%3 = multiply %0, %1 : f32[1x1]
%4 = greater %3, %2 : bool[1x1]
%5 = cast %4 : f32[1x1]
%6 = tree_ensemble @t0, %3 : f32[1x1]
output \"a\" value %5
output \"b\" value %6
output \"c\" value %3
";
    let module = parse::<Real>(text).expect("the text is a module");
    let numbers = real(&module, &[Some(1000)]).into_iter().map(|outcome| match outcome {
        Ok(Outcome::Numbers(numbers)) => numbers[0].lower(),
        other => panic!("{other:?}"),
    });
    let numbers: Vec<f64> = numbers.collect();
    assert_eq!(numbers[..2], [0.0, 2.0]);
    assert!(numbers[2] > 100.0, "what is no decision is not rounded");
}

proptest! {
    /// Neither mode stops, and intervals are in order.
    #[test]
    fn any_module_is_computed((module, row) in tensor_modules().prop_flat_map(|module| {
        let row = rows(&module, &[0, 1]);
        (Just(module), row)
    })) {
        let floats = float(&module, &row);
        for (float, real) in floats.iter().zip(real(&module, &row)) {
            let (Outcome::Numbers(floats), Ok(Outcome::Numbers(reals))) = (float, real) else { continue };
            prop_assert_eq!(floats.len(), reals.len());
            for enclosure in reals {
                let ends = (enclosure.lower(), enclosure.upper());
                prop_assert!(ends.0 <= ends.1 || ends.0.is_nan() && ends.1.is_nan());
            }
        }
    }
}

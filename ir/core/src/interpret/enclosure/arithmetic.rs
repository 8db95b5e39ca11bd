//! Functions of intervals. Monotone ones go from end to end, each end rounded
//! outwards: dashu rounds every function used here correctly, in the direction
//! of the context.

use std::cmp::Ordering;

use dashu_float::round::{ErrorBounds, Round};
use dashu_float::{Context, FBig, Repr};

use super::{Between, DOWN, Enclosure, Exactly, PRECISION, UP, Unknown, negative, order, sum};
use crate::interpret::functions::{self, PROBIT_A, PROBIT_PI, PROBIT_ROOT};
use crate::interpret::number::Number;
use crate::ops::{Binary, Unary};
use crate::types::ElementType;

/// An end of an interval.
type End = Repr<2>;

/// Powers of e beyond plus and minus this are not computed.
const EXPONENT_MAX: i64 = 1 << 32;
/// Arguments of the transcendental functions that lie between 0 and plus or minus
/// 2^this count as that end which lies outwards: what `e^x` is off 1 for them has
/// as many zeros before its first digit as correct rounding must look through.
const TINY_EXPONENT: isize = -512;
/// From here on `tanh` counts as between its value here and 1, for the same reason.
const TANH_MAX: i64 = 512;
/// Integer exponents up to this are powers, exactly.
const INTEGER_POWER_MAX: f64 = 1024.0;

pub(super) fn unary(function: Unary, x: &Enclosure) -> Enclosure {
    let Some((min, max)) = x.ends() else {
        return match x.0 {
            // At NaN and infinities the functions are NaN, infinite or whole.
            Exactly(x) => Enclosure(Exactly(functions::unary(function, x, ElementType::F64))),
            Between(..) | Unknown => Enclosure(Unknown),
        };
    };
    match function {
        Unary::Negate => between(negative(&max), negative(&min)),
        Unary::Absolute if sign(&min) == Ordering::Less => {
            let least = if sign(&max) == Ordering::Less { negative(&max) } else { Repr::zero() };
            between(least, greatest(negative(&min), max))
        }
        Unary::Absolute => x.clone(),
        Unary::Sign => between(whole(sign(&min) as i64), whole(sign(&max) as i64)),
        Unary::Exp => exp(&min, &max),
        Unary::Log => log(&min, &max),
        Unary::SquareRoot => square_root(&min, &max),
        Unary::Reciprocal => binary(Binary::Divide, &Enclosure::exact(1.0), x),
        Unary::Floor => between(floor(&min), floor(&max)),
        Unary::Ceil => between(ceil(&min), ceil(&max)),
        Unary::Round => between(round(&min), round(&max)),
        Unary::Logistic => within(joint(logistic(&min), logistic(&max)), 0, 1),
        Unary::Tanh => between(negative(&tanh_above(&negative(&min))), tanh_above(&max)),
        Unary::Erf => within(joint(erf(&min), erf(&max)), -1, 1),
        Unary::Probit => probit(x),
        Unary::Relu => between(greatest(min, Repr::zero()), greatest(max, Repr::zero())),
        Unary::Softplus => joint(softplus(&min), softplus(&max)),
        Unary::Not => unreachable!("numbers are not truth values"),
    }
}

pub(super) fn binary(function: Binary, a: &Enclosure, b: &Enclosure) -> Enclosure {
    let (Some((min, max)), Some((other_min, other_max))) = (a.ends(), b.ends()) else {
        return special(function, a, b);
    };
    match function {
        Binary::Add => between(sum(DOWN, &min, &other_min), sum(UP, &max, &other_max)),
        Binary::Subtract => {
            let (negative_min, negative_max) = (negative(&other_max), negative(&other_min));
            between(sum(DOWN, &min, &negative_min), sum(UP, &max, &negative_max))
        }
        Binary::Multiply => {
            let ends =
                [(&min, &other_min), (&min, &other_max), (&max, &other_min), (&max, &other_max)];
            let least = ends.iter().map(|(a, b)| product(DOWN, a, b)).reduce(least);
            let most = ends.iter().map(|(a, b)| product(UP, a, b)).reduce(greatest);
            between(least.expect("four products"), most.expect("four products"))
        }
        Binary::Divide if holds_zero(&other_min, &other_max) => special(function, a, b),
        Binary::Divide => {
            let ends =
                [(&min, &other_min), (&min, &other_max), (&max, &other_min), (&max, &other_max)];
            let least = ends.iter().map(|(a, b)| quotient(DOWN, a, b)).reduce(least);
            let most = ends.iter().map(|(a, b)| quotient(UP, a, b)).reduce(greatest);
            between(least.expect("four quotients"), most.expect("four quotients"))
        }
        Binary::Minimum => between(least(min, other_min), least(max, other_max)),
        Binary::Maximum => between(greatest(min, other_min), greatest(max, other_max)),
        Binary::Power => power(a, b),
        Binary::And | Binary::Or | Binary::Xor => unreachable!("numbers are not truth values"),
    }
}

/// Where an operand is no number, or a divisor may be 0.
fn special(function: Binary, a: &Enclosure, b: &Enclosure) -> Enclosure {
    let is_nan = Number::is_nan(a) || Number::is_nan(b);
    let is_infinite = |x: &Enclosure| matches!(x.0, Exactly(x) if x.is_infinite());
    match (&a.0, &b.0, function) {
        (_, _, Binary::Divide) if is_zero(a) && is_zero(b) => Enclosure(Exactly(f64::NAN)),
        (_, _, Binary::Multiply)
            if is_zero(a) && is_infinite(b) || is_infinite(a) && is_zero(b) =>
        {
            Enclosure(Exactly(f64::NAN))
        }
        (Exactly(a), Exactly(b), _) => {
            Enclosure(Exactly(functions::binary(function, *a, *b, ElementType::F64)))
        }
        _ if is_nan => Enclosure(Exactly(f64::NAN)),
        (Exactly(x), Between(..), Binary::Add | Binary::Subtract)
        | (Between(..), Exactly(x), Binary::Add) => Enclosure(Exactly(*x)),
        (Between(..), Exactly(x), Binary::Subtract) => Enclosure(Exactly(-x)),
        (Between(..), Exactly(x), Binary::Divide) if x.is_infinite() => Enclosure(Exactly(0.0)),
        (Exactly(x), Between(..), Binary::Minimum) => lesser(*x, b),
        (Between(..), Exactly(x), Binary::Minimum) => lesser(*x, a),
        (Exactly(x), Between(..), Binary::Maximum) => greater(*x, b),
        (Between(..), Exactly(x), Binary::Maximum) => greater(*x, a),
        _ => Enclosure(Unknown),
    }
}

/// The lesser of an infinity and a number.
fn lesser(infinity: f64, x: &Enclosure) -> Enclosure {
    if infinity > 0.0 { x.clone() } else { Enclosure(Exactly(infinity)) }
}

/// The greater of an infinity and a number.
fn greater(infinity: f64, x: &Enclosure) -> Enclosure {
    if infinity < 0.0 { x.clone() } else { Enclosure(Exactly(infinity)) }
}

fn exp(min: &End, max: &End) -> Enclosure {
    let bound = whole(EXPONENT_MAX);
    if order(max, &bound) == Ordering::Greater {
        return Enclosure(Unknown);
    }
    let least = if order(min, &negative(&bound)) == Ordering::Less {
        Repr::zero()
    } else {
        power_of_e(DOWN, &below(min))
    };
    let most = greatest(max.clone(), negative(&bound));
    between(least, power_of_e(UP, &above(&most)))
}

fn power_of_e<R: ErrorBounds>(context: Context<R>, x: &End) -> End {
    context.exp(x, None).expect("the exponent is bounded").value().into_repr()
}

fn log(min: &End, max: &End) -> Enclosure {
    match (sign(min), sign(max)) {
        (Ordering::Greater, _) => between(ln(DOWN, min), ln(UP, max)),
        (_, Ordering::Less) => Enclosure(Exactly(f64::NAN)),
        (Ordering::Equal, Ordering::Equal) => Enclosure(Exactly(f64::NEG_INFINITY)),
        _ => Enclosure(Unknown),
    }
}

fn ln<R: ErrorBounds>(context: Context<R>, x: &End) -> End {
    context.ln(x, None).expect("the argument is positive").value().into_repr()
}

fn square_root(min: &End, max: &End) -> Enclosure {
    fn root<R: ErrorBounds>(context: Context<R>, x: &End) -> End {
        context.sqrt(x).expect("the argument is not negative").value().into_repr()
    }
    match (sign(min), sign(max)) {
        (_, Ordering::Less) => Enclosure(Exactly(f64::NAN)),
        (Ordering::Less, _) => Enclosure(Unknown),
        _ => between(root(DOWN, min), root(UP, max)),
    }
}

/// A number that is not below `tanh(x)`, which is odd.
fn tanh_above(x: &End) -> End {
    let far = whole(TANH_MAX);
    if order(x, &far) == Ordering::Greater {
        return Repr::one();
    }
    let x = above(&greatest(x.clone(), negative(&far)));
    UP.tanh(&x, None).expect("the argument is a number").value().into_repr()
}

/// `x`, or below it where it is tiny.
fn below(x: &End) -> End {
    negative(&above(&negative(x)))
}

/// `x`, or above it where it is tiny.
fn above(x: &End) -> End {
    let tiny = Repr::new(1.into(), TINY_EXPONENT);
    let is_tiny =
        order(x, &tiny) == Ordering::Less && order(x, &negative(&tiny)) == Ordering::Greater;
    match sign(x) {
        Ordering::Greater if is_tiny => tiny,
        Ordering::Less if is_tiny => Repr::zero(),
        _ => x.clone(),
    }
}

/// `1 / (1 + e^-x)`, which is between 0 and `e^x` where `x` is below all that
/// [`exp`] takes.
fn logistic(x: &End) -> Enclosure {
    let most = whole(EXPONENT_MAX);
    if order(x, &negative(&most)) == Ordering::Less {
        let power = exp(&negative(&most), &negative(&most));
        return joint(Enclosure::exact(0.0), power);
    }
    let power = exp(&negative(x), &negative(x));
    let one = Enclosure::exact(1.0);
    binary(Binary::Divide, &one, &binary(Binary::Add, &one, &power))
}

/// `ln(1 + e^x)`, which is between `x` and `x + e^-x` where `x` is large.
fn softplus(x: &End) -> Enclosure {
    let large = whole(4 * PRECISION as i64);
    if order(x, &large) != Ordering::Less {
        let excess = exp(&negative(&large), &negative(&large));
        return joint(
            between(x.clone(), x.clone()),
            binary(Binary::Add, &between(x.clone(), x.clone()), &excess),
        );
    }
    let Some((min, max)) = exp(x, x).ends() else {
        unreachable!("the exponent is bounded");
    };
    fn ln_1p<R: ErrorBounds>(context: Context<R>, x: &End) -> End {
        context.ln_1p(x, None).expect("the argument is not negative").value().into_repr()
    }
    between(ln_1p(DOWN, &below(&min)), ln_1p(UP, &above(&max)))
}

/// The error function of a number, by
/// `2 / sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (1 * 3 * .. * (2n+1))`
/// (Abramowitz and Stegun, 7.1.6), whose terms all have the sign of `x`. From
/// `n` = `x^2` on each term is less than the one before by a factor of
/// `2 x^2 / (2n + 3)` at most, which bounds the rest.
fn erf(x: &End) -> Enclosure {
    // 1 - erf(12) < 2^-209.
    let far = whole(12);
    if order(x, &far) != Ordering::Less {
        return between(erf_far(), Repr::one());
    }
    if order(x, &negative(&far)) != Ordering::Greater {
        return between(negative(&Repr::one()), negative(&erf_far()));
    }
    let x = between(x.clone(), x.clone());
    let double_square = scaled(&binary(Binary::Multiply, &x, &x), 1);
    let (mut total, mut term) = (x.clone(), x);
    let magnitude = |x: &Enclosure| x.lower().abs().max(x.upper().abs());
    // 2 x^2 < 288, so from n = 300 on terms are halved at least each time.
    for n in 1..=700 {
        let odd = between(whole(2 * n + 1), whole(2 * n + 1));
        term = binary(Binary::Divide, &binary(Binary::Multiply, &term, &double_square), &odd);
        total = binary(Binary::Add, &total, &term);
        let halves = 2.0 * double_square.upper() <= n as f64;
        if halves && magnitude(&term) <= magnitude(&total) * f64::EPSILON.powi(3) {
            break;
        }
    }
    // The rest is less than the last term.
    total = joint(total.clone(), binary(Binary::Add, &total, &term));
    let half = unary(Unary::Negate, &scaled(&double_square, -1));
    let pi = between(DOWN.pi(None).value().into_repr(), UP.pi(None).value().into_repr());
    let factor = binary(
        Binary::Divide,
        &scaled(&unary(Unary::Exp, &half), 1),
        &unary(Unary::SquareRoot, &pi),
    );
    binary(Binary::Multiply, &factor, &total)
}

/// A number below the error function of whatever is far.
fn erf_far() -> End {
    sum(DOWN, &Repr::one(), &Repr::new((-1).into(), -200))
}

/// The approximation that ONNX Runtime has (ml_common.h, `ComputeProbit`).
fn probit(x: &Enclosure) -> Enclosure {
    let exact = |x: f32| Enclosure::exact(x.into());
    let one = Enclosure::exact(1.0);
    let (a, pi) = (exact(PROBIT_A), exact(PROBIT_PI));
    let x = binary(Binary::Subtract, &scaled(x, 1), &one);
    let sides = [binary(Binary::Subtract, &one, &x), binary(Binary::Add, &one, &x)];
    let log = unary(Unary::Log, &binary(Binary::Multiply, &sides[0], &sides[1]));
    let two = Enclosure::exact(2.0);
    let first = binary(Binary::Divide, &two, &binary(Binary::Multiply, &pi, &a));
    let v = binary(Binary::Add, &first, &scaled(&log, -1));
    let square = binary(Binary::Multiply, &v, &v);
    let radicand = binary(Binary::Subtract, &square, &binary(Binary::Divide, &log, &a));
    let v3 = binary(Binary::Subtract, &unary(Unary::SquareRoot, &radicand), &v);
    let magnitude = unary(Unary::SquareRoot, &v3);
    let signed = match x.compare(crate::forest::Mode::Less, &Enclosure::exact(0.0)) {
        Some(true) => unary(Unary::Negate, &magnitude),
        Some(false) => magnitude,
        None => joint(unary(Unary::Negate, &magnitude), magnitude),
    };
    binary(Binary::Multiply, &exact(PROBIT_ROOT), &signed)
}

/// `a` to the power of `b`.
fn power(a: &Enclosure, b: &Enclosure) -> Enclosure {
    if let Exactly(exponent) = b.0
        && exponent.fract() == 0.0
        && exponent.abs() <= INTEGER_POWER_MAX
    {
        return integer_power(a, exponent as i64);
    }
    let (Some((min, max)), Some((least_exponent, _))) = (a.ends(), b.ends()) else {
        return Enclosure(Unknown);
    };
    let of = |x: &End| {
        let x = between(x.clone(), x.clone());
        unary(Unary::Exp, &binary(Binary::Multiply, b, &unary(Unary::Log, &x)))
    };
    match (sign(&min), sign(&least_exponent)) {
        (Ordering::Greater, _) => joint(of(&min), of(&max)),
        // 0 to a positive power is 0.
        (Ordering::Equal, Ordering::Greater) if sign(&max) == Ordering::Equal => {
            between(Repr::zero(), Repr::zero())
        }
        (Ordering::Equal, Ordering::Greater) => {
            joint(between(Repr::zero(), Repr::zero()), of(&max))
        }
        _ => Enclosure(Unknown),
    }
}

fn integer_power(a: &Enclosure, exponent: i64) -> Enclosure {
    let one = Enclosure::exact(1.0);
    let base = if exponent % 2 == 0 { unary(Unary::Absolute, a) } else { a.clone() };
    let magnitude =
        (0..exponent.abs()).fold(one.clone(), |power, _| binary(Binary::Multiply, &power, &base));
    if exponent < 0 { binary(Binary::Divide, &one, &magnitude) } else { magnitude }
}

/// `x` times 2^`power`, exactly.
fn scaled(x: &Enclosure, power: isize) -> Enclosure {
    let scale = |x: &End| Repr::new(x.significand().clone(), x.exponent() + power);
    match (x.ends(), &x.0) {
        (Some((min, max)), _) => between(scale(&min), scale(&max)),
        (None, _) => x.clone(),
    }
}

fn floor(x: &End) -> End {
    FBig::from_repr(x.clone(), DOWN).floor().into_repr()
}

fn ceil(x: &End) -> End {
    negative(&floor(&negative(x)))
}

/// To the nearest integer, halves to even.
fn round(x: &End) -> End {
    let half = Repr::new(1.into(), -1);
    if order(x, &half) != Ordering::Greater && order(x, &negative(&half)) != Ordering::Less {
        return Repr::zero();
    }
    if x.exponent() >= 0 {
        return x.clone();
    }
    let below = floor(x);
    // Twice the distance to it, less 1: exact, as the digits of `x` are few.
    let exact = Context::<dashu_float::round::mode::Down>::new(0);
    let distance = sum(exact, x, &negative(&below));
    let above = sum(exact, &below, &Repr::one());
    let is_odd = !below.significand().is_zero() && below.exponent() == 0;
    match order(&distance, &half) {
        Ordering::Less => below,
        Ordering::Greater => above,
        Ordering::Equal => {
            if is_odd {
                above
            } else {
                below
            }
        }
    }
}

fn between(min: End, max: End) -> Enclosure {
    debug_assert!(order(&min, &max) != Ordering::Greater, "the ends are in order");
    Enclosure(Between(min, max))
}

/// The least interval that holds both.
pub(super) fn joint(a: Enclosure, b: Enclosure) -> Enclosure {
    match (a.ends(), b.ends()) {
        (Some((a_min, a_max)), Some((b_min, b_max))) => {
            between(least(a_min, b_min), greatest(a_max, b_max))
        }
        _ => Enclosure(Unknown),
    }
}

/// What of `x` lies from `min` to `max`, where its number is known to lie.
fn within(x: Enclosure, min: i64, max: i64) -> Enclosure {
    let (min, max) = (whole(min), whole(max));
    match x.ends() {
        Some((least_end, greatest_end)) => {
            between(greatest(least_end, min), least(greatest_end, max))
        }
        None => between(min, max),
    }
}

fn product<R: Round>(context: Context<R>, a: &End, b: &End) -> End {
    context.mul(a, b).expect("ends are finite").value().into_repr()
}

fn quotient<R: Round>(context: Context<R>, a: &End, b: &End) -> End {
    context.div(a, b).expect("the divisor is not 0").value().into_repr()
}

fn whole(x: i64) -> End {
    Repr::new(x.into(), 0)
}

fn sign(x: &End) -> Ordering {
    order(x, &Repr::zero())
}

fn is_zero(x: &Enclosure) -> bool {
    x.ends()
        .is_some_and(|(min, max)| sign(&min) == Ordering::Equal && sign(&max) == Ordering::Equal)
}

fn holds_zero(min: &End, max: &End) -> bool {
    sign(min) != Ordering::Greater && sign(max) != Ordering::Less
}

fn least(a: End, b: End) -> End {
    if order(&b, &a) == Ordering::Less { b } else { a }
}

fn greatest(a: End, b: End) -> End {
    if order(&b, &a) == Ordering::Greater { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Numbers that lie in the domain of most functions and at their edges.
    fn samples() -> Vec<f64> {
        let mut samples = vec![0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 8.0, 30.0, 700.0, 1e-30];
        samples.extend(samples.clone().iter().map(|x| -x));
        let mut random = Random::new(7);
        samples.extend((0..200).map(|_| unit(&mut random) * 20.0 - 10.0));
        samples
    }

    fn holds(enclosure: &Enclosure, y: f64, what: &str) {
        // What the float function itself may be off.
        let slack = 1e-14 * y.abs().max(f64::MIN_POSITIVE);
        let (lower, upper) = (enclosure.lower(), enclosure.upper());
        let is_same = lower == y && y == upper || y.is_nan() && Number::is_nan(enclosure);
        let fits = is_same || lower <= y + slack && y - slack <= upper;
        assert!(fits || *enclosure == Enclosure(Unknown), "{what} is {y}: [{lower}, {upper}]");
    }

    #[test]
    fn a_logistic_function_far_from_0_is_0_or_1() {
        for x in [1e9, 1e10, 1e300] {
            let [low, high] = [-x, x].map(|x| unary(Unary::Logistic, &Enclosure::exact(x)));
            assert!(low.lower() >= 0.0 && low.upper() < 1e-300, "{low:?}");
            assert!(high.lower() > 1.0 - 1e-15 && high.upper() <= 1.0, "{high:?}");
            let all = unary(Unary::Logistic, &Enclosure::between(-x, x));
            assert_eq!((all.lower(), all.upper()), (0.0, 1.0));
        }
    }

    #[test]
    fn functions_of_a_number_are_enclosed_tightly() {
        for function in Unary::ALL.into_iter().filter(|&function| function != Unary::Not) {
            // These cancel in floats, or are computed otherwise.
            let is_stable = !matches!(function, Unary::Probit | Unary::Logistic);
            for x in samples() {
                let enclosed = unary(function, &Enclosure::exact(x));
                let y = functions::unary(function, x, ElementType::F64);
                let what = format!("{} of {x}", function.name());
                if is_stable {
                    holds(&enclosed, y, &what);
                } else if enclosed.ends().is_some() && y.is_finite() {
                    let distance = (enclosed.lower() - y).abs();
                    assert!(distance < 1e-7, "{what}: {y}, {enclosed:?}");
                }
                if let Some((min, max)) = enclosed.ends() {
                    let width = FBig::from_repr(sum(UP, &max, &negative(&min)), UP);
                    let magnitude = enclosed.upper().abs().max(1.0);
                    let part = if is_stable { 1e-20 } else { 1e-9 };
                    assert!(width.to_f64().value() <= magnitude * part, "{what}: {enclosed:?}");
                }
            }
        }
    }

    #[test]
    fn functions_of_an_interval_hold_those_of_its_numbers() {
        let mut random = Random::new(3);
        for function in Unary::ALL.into_iter().filter(|&function| function != Unary::Not) {
            for _ in 0..100 {
                let (a, b) = (unit(&mut random) * 8.0 - 4.0, unit(&mut random) * 8.0 - 4.0);
                let interval =
                    joint(between(ends_of(a), ends_of(a)), between(ends_of(b), ends_of(b)));
                let enclosed = unary(function, &interval);
                for part in [0.0, 0.3, 0.9] {
                    let x = a + (b - a) * part;
                    let inside = unary(function, &Enclosure::exact(x));
                    let what = format!("{} of {x} in {a}..{b}", function.name());
                    if enclosed != Enclosure(Unknown) && !Number::is_nan(&inside) {
                        assert!(enclosed.lower() <= inside.upper(), "{what}");
                        assert!(inside.lower() <= enclosed.upper(), "{what}");
                    }
                }
            }
        }
    }

    #[test]
    fn functions_of_two_numbers_are_enclosed() {
        let samples = samples();
        for function in Binary::ALL.into_iter().filter(|function| !function.is_logical()) {
            for &a in &samples[..40] {
                for &b in &samples[..40] {
                    let enclosed = binary(function, &Enclosure::exact(a), &Enclosure::exact(b));
                    let y = functions::binary(function, a, b, ElementType::F64);
                    // Beyond the floats there are still reals.
                    if y.is_finite() {
                        holds(&enclosed, y, &format!("{} of {a} and {b}", function.name()));
                    }
                }
            }
        }
    }

    /// Correct rounding of `e^x` to 128 bits would look at as many digits as `x`
    /// has zeros.
    #[test]
    fn functions_of_the_very_small_and_the_very_large_end() {
        let magnitudes = [1_000, 1_600_000, 100_000_000, 1 << 30, 1 << 31, 1 << 33];
        for exponent in magnitudes.into_iter().flat_map(|magnitude| [-magnitude, magnitude]) {
            for significand in [1, 5, -3] {
                let x = Repr::new(significand.into(), exponent);
                let x = between(x.clone(), x);
                for function in Unary::ALL.into_iter().filter(|&function| function != Unary::Not) {
                    let enclosed = unary(function, &x);
                    let (lower, upper) = (enclosed.lower(), enclosed.upper());
                    let what = format!("{} of {x:?}: {enclosed:?}", function.name());
                    assert!(lower <= upper || Number::is_nan(&enclosed), "{what}");
                }
            }
        }
        let tiny = between(whole(0), Repr::new(1.into(), -1_600_000));
        let one = unary(Unary::Exp, &unary(Unary::Negate, &tiny));
        assert_eq!((one.lower().next_up(), one.upper()), (1.0, 1.0));
    }

    #[test]
    fn infinities_and_nan_stay() {
        let infinity = Enclosure::exact(f64::INFINITY);
        let number = between(whole(-3), whole(5));
        let of = |function, a: &Enclosure, b: &Enclosure| binary(function, a, b);
        assert_eq!(of(Binary::Add, &infinity, &number), infinity);
        assert_eq!(of(Binary::Subtract, &number, &infinity), Enclosure::exact(f64::NEG_INFINITY));
        assert_eq!(of(Binary::Minimum, &number, &infinity), number);
        assert_eq!(of(Binary::Maximum, &number, &infinity), infinity);
        assert_eq!(of(Binary::Divide, &number, &infinity), Enclosure::exact(0.0));
        assert_eq!(of(Binary::Multiply, &number, &infinity), Enclosure(Unknown));
        assert_eq!(of(Binary::Divide, &number, &number), Enclosure(Unknown));
        let zero = between(whole(0), whole(0));
        assert!(Number::is_nan(&of(Binary::Divide, &zero, &zero)));
        assert!(Number::is_nan(&of(Binary::Multiply, &zero, &infinity)));
        assert_eq!(of(Binary::Divide, &number, &zero), Enclosure(Unknown));
        assert!(Number::is_nan(&of(Binary::Minimum, &number, &Enclosure::exact(f64::NAN))));
        assert!(Number::is_nan(&unary(Unary::Log, &between(whole(-2), whole(-1)))));
        assert_eq!(unary(Unary::Log, &number), Enclosure(Unknown));
        assert_eq!(unary(Unary::Exp, &between(whole(1 << 40), whole(1 << 41))), Enclosure(Unknown));
    }

    /// From 0 to 1.
    fn unit(random: &mut Random) -> f64 {
        random.below(1 << 30) as f64 / f64::exp2(30.0)
    }

    fn ends_of(x: f64) -> End {
        Repr::try_from(x).expect("the sample is a number")
    }
}

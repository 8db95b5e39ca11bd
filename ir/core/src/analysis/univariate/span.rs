//! What the steps of a function can be while the column runs through an
//! interval: ends that hold for the very floats, each operation rounded.
//!
//! Rounding to nearest is monotone, so an operation that is monotone over the
//! reals and correctly rounded goes from end to end: no slack is needed, and a
//! monotone chain of such operations has exactly its two end values as ends.
//! Functions of the crate `libm` are not known to be monotone: their ends are
//! moved outwards by [`SLACK`], many times the error that their authors state
//! (below one unit of the last place), before they are rounded.

use crate::forest::Mode;
use crate::interpret::element::{self, Element};
use crate::interpret::{Number, Scalar, functions};
use crate::module::Interval;
use crate::ops::{Binary, Extreme, Relation, Unary};
use crate::types::ElementType;

/// What a function of `libm` may be off by, relatively: four units of the last place.
const SLACK: f64 = 4.0 * f64::EPSILON;

/// What an element can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    /// A float between the ends, or NaN.
    Number(Numbers),
    /// An integer, truth value or class.
    Integer(Interval),
}

/// Floats from `min` to `max`; none if `min` is above `max`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// The least number.
    pub min: f64,
    /// The greatest number.
    pub max: f64,
    /// Can it be NaN as well?
    pub nan: bool,
}

const WHOLE: Interval = Interval { min: i64::MIN, max: i64::MAX };

impl Span {
    /// An element that is known.
    pub fn of(element: &Element) -> Self {
        match element {
            Scalar::Number(x) if x.is_nan() => Self::Number(Numbers::NAN),
            Scalar::Number(x) => Self::Number(Numbers::between(*x, *x)),
            Scalar::Integer(x) => Self::Integer(Interval { min: *x, max: *x }),
        }
    }

    /// What holds both.
    pub(super) fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Self::Number(a.union(b)),
            (Self::Integer(a), Self::Integer(b)) => Self::Integer(a.union(b)),
            _ => unreachable!("both have one element type"),
        }
    }

    fn truth(can_fail: bool, can_hold: bool) -> Self {
        Self::Integer(Interval { min: i64::from(!can_fail), max: i64::from(can_hold) })
    }

    /// The truth value, if it is one and decided.
    pub(super) fn as_truth(self) -> Option<bool> {
        self.as_integer().map(|x| x != 0)
    }

    /// The integer, truth value or class, if it is one and decided.
    pub fn as_integer(self) -> Option<i64> {
        match self {
            Self::Integer(Interval { min, max }) => (min == max).then_some(min),
            Self::Number(_) => None,
        }
    }

    /// Can it be this element?
    #[cfg(test)]
    pub(super) fn holds(self, element: &Element) -> bool {
        match (self, element) {
            (Self::Number(span), Scalar::Number(x)) if x.is_nan() => span.nan,
            (Self::Number(span), Scalar::Number(x)) => span.holds(*x),
            (Self::Integer(span), Scalar::Integer(x)) => span.contains(*x),
            _ => false,
        }
    }

    pub(super) fn integers(self) -> Interval {
        match self {
            Self::Integer(interval) => interval,
            Self::Number(_) => unreachable!("positions and truth values are integers"),
        }
    }
}

impl Numbers {
    const NAN: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, nan: true };
    const ANY: Self = Self { min: f64::NEG_INFINITY, max: f64::INFINITY, nan: true };

    fn between(min: f64, max: f64) -> Self {
        Self { min, max, nan: false }
    }

    fn union(self, other: Self) -> Self {
        let (min, max) = (self.min.min(other.min), self.max.max(other.max));
        Self { min, max, nan: self.nan || other.nan }
    }

    fn is_empty(self) -> bool {
        self.min > self.max
    }

    fn or_nan(self, nan: bool) -> Self {
        Self { nan: self.nan || nan, ..self }
    }

    fn negated(self) -> Self {
        Self { min: -self.max, max: -self.min, ..self }
    }

    fn rounded(self, elem: ElementType) -> Self {
        let round = |x| functions::round(x, elem);
        Self { min: round(self.min), max: round(self.max), ..self }
    }

    fn holds(self, x: f64) -> bool {
        self.min <= x && x <= self.max
    }

    fn is_infinite(self) -> bool {
        self.min.is_infinite() || self.max.is_infinite()
    }

    /// The ends, each off by what `libm` may be.
    fn loosened(self) -> Self {
        // A result that overflowed may be the greatest finite number beside it.
        let down = |x: f64| if x == f64::INFINITY { f64::MAX } else { x - slack(x) };
        let up = |x: f64| if x == f64::NEG_INFINITY { x } else { x + slack(x) };
        Self { min: down(self.min), max: up(self.max), ..self }
    }

    fn within(self, min: f64, max: f64) -> Self {
        Self { min: self.min.clamp(min, max), max: self.max.clamp(min, max), ..self }
    }

    /// Does `mode` hold between an element and `threshold`, a number? Whether it
    /// can fail, and whether it can hold.
    pub fn compared(self, mode: Mode, threshold: f64) -> (bool, bool) {
        compared(self, mode, Self::between(threshold, threshold))
    }
}

fn slack(x: f64) -> f64 {
    if x.is_infinite() { 0.0 } else { (x.abs() * SLACK).max(f64::MIN_POSITIVE) }
}

/// Whether `a mode b` can fail, and whether it can hold.
fn compared(a: Numbers, mode: Mode, b: Numbers) -> (bool, bool) {
    let (mut can_fail, mut can_hold) = (false, false);
    if a.nan || b.nan {
        let holds = mode.holds(f64::NAN, 0.0);
        (can_fail, can_hold) = (!holds, holds);
    }
    if !a.is_empty() && !b.is_empty() {
        let (fail, hold) = match mode {
            Mode::LessOrEqual => (a.max > b.min, a.min <= b.max),
            Mode::Less => (a.max >= b.min, a.min < b.max),
            Mode::GreaterOrEqual => (a.min < b.max, a.max >= b.min),
            Mode::Greater => (a.min <= b.max, a.max > b.min),
            Mode::Equal | Mode::NotEqual => {
                let apart = a.max < b.min || b.max < a.min;
                let same = a.min == a.max && b.min == b.max && a.min == b.min;
                if mode == Mode::Equal { (!same, !apart) } else { (!apart, !same) }
            }
        };
        can_fail |= fail;
        can_hold |= hold;
    }
    (can_fail, can_hold)
}

pub(super) fn compare(relation: Relation, a: Span, b: Span, same: bool) -> Span {
    let mode = element::mode(relation);
    match (a, b) {
        (Span::Number(a), Span::Number(_)) if same => {
            // A number is equal to itself, and NaN is not.
            let holds = mode.holds(0.0, 0.0);
            let is_number = !a.is_empty();
            Span::truth(a.nan || (is_number && !holds), is_number && holds)
        }
        (Span::Integer(_), Span::Integer(_)) if same => {
            let holds = mode.holds(0.0, 0.0);
            Span::truth(!holds, holds)
        }
        (Span::Number(a), Span::Number(b)) => {
            let (can_fail, can_hold) = compared(a, mode, b);
            Span::truth(can_fail, can_hold)
        }
        (Span::Integer(a), Span::Integer(b)) => {
            let (can_fail, can_hold) = match relation {
                Relation::Less => (a.max >= b.min, a.min < b.max),
                Relation::LessOrEqual => (a.max > b.min, a.min <= b.max),
                Relation::Greater => (a.min <= b.max, a.max > b.min),
                Relation::GreaterOrEqual => (a.min < b.max, a.max >= b.min),
                Relation::Equal => {
                    let one = a.min == a.max && a == b;
                    (!one, a.min <= b.max && b.min <= a.max)
                }
            };
            Span::truth(can_fail, can_hold)
        }
        _ => unreachable!("both operands have one element type"),
    }
}

pub(super) fn cast(x: Span, elem: ElementType) -> Span {
    match x {
        Span::Number(x) if elem.is_float() => Span::Number(x.rounded(elem)),
        Span::Number(x) if elem == ElementType::Bool => {
            let (can_fail, can_hold) = x.compared(Mode::NotEqual, 0.0);
            Span::truth(can_fail, can_hold)
        }
        Span::Number(x) => {
            let end = f64::exp2(63.0);
            let fits = !x.nan && !x.is_empty() && -end <= x.min && x.max < end;
            // A cast truncates, which is monotone.
            Span::Integer(if fits {
                Interval { min: x.min as i64, max: x.max as i64 }
            } else if x.is_empty() {
                Interval { min: i64::MIN, max: i64::MIN }
            } else {
                WHOLE
            })
        }
        Span::Integer(x) if elem.is_float() => {
            let float = |x: i64| functions_of_integer(x, elem);
            Span::Number(Numbers::between(float(x.min), float(x.max)))
        }
        Span::Integer(x) if elem == ElementType::Bool => {
            let zero = x.contains(0);
            Span::truth(zero, x.min != 0 || x.max != 0)
        }
        Span::Integer(x) => Span::Integer(x),
    }
}

/// An integer as a float, rounded once.
fn functions_of_integer(x: i64, elem: ElementType) -> f64 {
    if elem == ElementType::F32 { f64::from(x as f32) } else { x as f64 }
}

/// `sum + a * b` of floats, rounded once.
pub(super) fn fused(sum: Span, a: Span, b: Span, elem: ElementType) -> Span {
    let (Span::Number(sum), Span::Number(a), Span::Number(b)) = (sum, a, b) else {
        unreachable!("floats are added and multiplied")
    };
    let all = [sum, a, b];
    if all.iter().any(|x| x.is_empty()) {
        return Span::Number(Numbers::NAN);
    }
    if all.iter().any(|x| x.is_infinite()) {
        return Span::Number(Numbers::ANY);
    }
    // A product is least and greatest at ends of its factors.
    let at = |sum: f64, a: f64, b: f64| Number::fused(&sum, &a, &b, elem);
    let ends = [a.min, a.max].into_iter().flat_map(|a| [b.min, b.max].map(|b| (a, b)));
    let least = ends.clone().map(|(a, b)| at(sum.min, a, b)).fold(f64::INFINITY, f64::min);
    let greatest = ends.map(|(a, b)| at(sum.max, a, b)).fold(f64::NEG_INFINITY, f64::max);
    let nan = all.iter().any(|x| x.nan);
    Span::Number(Numbers::between(least, greatest).or_nan(nan))
}

pub(super) fn unary(function: Unary, x: Span, elem: ElementType) -> Span {
    match x {
        Span::Number(x) if x.is_empty() => Span::Number(x),
        Span::Number(x) => Span::Number(unary_of_numbers(function, x, elem).or_nan(x.nan)),
        Span::Integer(x) => Span::Integer(match function {
            Unary::Not => Interval { min: (x.max == 0).into(), max: (x.min == 0).into() },
            Unary::Sign => Interval { min: x.min.signum(), max: x.max.signum() },
            _ if x.min == i64::MIN => WHOLE,
            Unary::Negate => Interval { min: -x.max, max: -x.min },
            Unary::Absolute if x.min >= 0 => x,
            Unary::Absolute if x.max <= 0 => Interval { min: -x.max, max: -x.min },
            Unary::Absolute => Interval { min: 0, max: x.max.max(-x.min) },
            _ => WHOLE,
        }),
    }
}

fn unary_of_numbers(function: Unary, x: Numbers, elem: ElementType) -> Numbers {
    let at = |y: f64, elem| functions::unary(function, y, elem);
    let upwards = |x: Numbers| Numbers::between(at(x.min, elem), at(x.max, elem));
    // Not yet rounded to the element type.
    let loosely = |x: Numbers| {
        Numbers::between(at(x.min, ElementType::F64), at(x.max, ElementType::F64)).loosened()
    };
    match function {
        Unary::Floor | Unary::Ceil | Unary::Round | Unary::Relu | Unary::Sign => upwards(x),
        Unary::Negate => x.negated(),
        Unary::Absolute if x.min >= 0.0 => x,
        Unary::Absolute if x.max <= 0.0 => x.negated(),
        Unary::Absolute => Numbers::between(0.0, x.max.max(-x.min)),
        Unary::SquareRoot | Unary::Log if x.max < 0.0 => Numbers::NAN,
        Unary::SquareRoot | Unary::Log => {
            let inside = Numbers { min: x.min.max(0.0), max: x.max, nan: x.min < 0.0 };
            let ends = if function == Unary::Log {
                loosely(inside).rounded(elem)
            } else {
                upwards(inside)
            };
            ends.or_nan(inside.nan)
        }
        Unary::Reciprocal if x.min > 0.0 || x.max < 0.0 => {
            Numbers::between(at(x.max, elem), at(x.min, elem))
        }
        Unary::Exp => loosely(x).within(0.0, f64::INFINITY).rounded(elem),
        Unary::Tanh | Unary::Erf => loosely(x).within(-1.0, 1.0).rounded(elem),
        Unary::Logistic => logistic(x, elem),
        Unary::Softplus => softplus(x).rounded(elem),
        Unary::Reciprocal | Unary::Probit | Unary::Not => Numbers::ANY,
    }
}

/// `e^-|x|`, and `|x|` on the way.
fn power_of_magnitude(x: Numbers) -> Numbers {
    let magnitude = unary_of_numbers(Unary::Absolute, x, ElementType::F64);
    unary_of_numbers(Unary::Exp, magnitude.negated(), ElementType::F64)
}

/// As [`functions::unary`] has it, step by step.
fn logistic(x: Numbers, elem: ElementType) -> Numbers {
    let round = |x| functions::round(x, elem);
    let upper = |x: Numbers| {
        let power = power_of_magnitude(x).rounded(elem);
        let quotient = |power: f64| round(1.0 / round(1.0 + power));
        Numbers::between(quotient(power.max), quotient(power.min))
    };
    let lower = |x: Numbers| {
        let upper = upper(x);
        Numbers::between(round(1.0 - upper.max), round(1.0 - upper.min))
    };
    if x.min >= 0.0 {
        upper(x)
    } else if x.max < 0.0 {
        lower(x)
    } else {
        upper(Numbers::between(0.0, x.max)).union(lower(Numbers::between(x.min, 0.0)))
    }
}

fn softplus(x: Numbers) -> Numbers {
    let power = power_of_magnitude(x);
    let log = Numbers::between(libm::log1p(power.min), libm::log1p(power.max)).loosened();
    let log = log.within(0.0, 1.0);
    Numbers::between(x.min.max(0.0) + log.min, x.max.max(0.0) + log.max)
}

/// `same` says that both operands are the same element.
pub(super) fn binary(function: Binary, a: Span, b: Span, elem: ElementType, same: bool) -> Span {
    match (a, b) {
        (Span::Number(a), Span::Number(b)) if a.is_empty() || b.is_empty() => {
            let is_power = function == Binary::Power;
            // NaN to the power of 0 is 1, and so is 1 to that of NaN.
            Span::Number(if is_power { Numbers::ANY } else { Numbers::NAN })
        }
        (Span::Number(a), Span::Number(b)) => {
            Span::Number(binary_of_numbers(function, a, b, elem, same).or_nan(a.nan || b.nan))
        }
        (Span::Integer(a), Span::Integer(b)) => Span::Integer(binary_of_integers(function, a, b)),
        _ => unreachable!("both operands have one element type"),
    }
}

fn binary_of_numbers(
    function: Binary,
    a: Numbers,
    b: Numbers,
    elem: ElementType,
    same: bool,
) -> Numbers {
    let corners = |of: fn(f64, f64) -> f64| {
        let all = [of(a.min, b.min), of(a.min, b.max), of(a.max, b.min), of(a.max, b.max)];
        let (min, max) = all
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), x| (min.min(*x), max.max(*x)));
        Numbers::between(min, max).rounded(elem)
    };
    match function {
        Binary::Subtract if same && !a.is_infinite() => Numbers::between(0.0, 0.0),
        Binary::Subtract => binary_of_numbers(Binary::Add, a, b.negated(), elem, false),
        Binary::Add => {
            let opposite =
                |x: Numbers, y: Numbers| x.max == f64::INFINITY && y.min == f64::NEG_INFINITY;
            if opposite(a, b) || opposite(b, a) {
                return Numbers::ANY;
            }
            Numbers::between(a.min + b.min, a.max + b.max).rounded(elem)
        }
        Binary::Multiply => {
            let undefined = |x: Numbers, y: Numbers| x.is_infinite() && y.holds(0.0);
            if undefined(a, b) || undefined(b, a) {
                return Numbers::ANY;
            }
            let product = corners(|x, y| x * y);
            match same {
                true if a.holds(0.0) => Numbers { min: 0.0, ..product },
                true => {
                    let (x, y) = (a.min * a.min, a.max * a.max);
                    Numbers::between(x.min(y), x.max(y)).rounded(elem)
                }
                false => product,
            }
        }
        Binary::Divide if b.holds(0.0) || (a.is_infinite() && b.is_infinite()) => Numbers::ANY,
        Binary::Divide => corners(|x, y| x / y),
        Binary::Minimum => Numbers::between(a.min.min(b.min), a.max.min(b.max)),
        Binary::Maximum => Numbers::between(a.min.max(b.min), a.max.max(b.max)),
        Binary::Power => power(a, b).rounded(elem),
        Binary::And | Binary::Or | Binary::Xor => unreachable!("numbers are not truth values"),
    }
}

/// Of a constant exponent or a constant positive base.
fn power(a: Numbers, b: Numbers) -> Numbers {
    if a.is_infinite() || b.is_infinite() {
        return Numbers::ANY;
    }
    let exponent = (b.min == b.max).then_some(b.min);
    let positive = |x: f64, y: f64| {
        let (x, y) = (x.min(y), x.max(y));
        Numbers::between(x, y).loosened().within(0.0, f64::INFINITY)
    };
    match exponent {
        Some(by) if a.min > 0.0 || (a.min >= 0.0 && by > 0.0) => {
            positive(libm::pow(a.min, by), libm::pow(a.max, by))
        }
        Some(by)
            if by.fract() == 0.0 && by.abs() < f64::exp2(52.0) && (by > 0.0 || a.max < 0.0) =>
        {
            let is_odd = by % 2.0 != 0.0;
            let mirrored = |low: f64, high: f64| {
                let ends = positive(libm::pow(low, by).abs(), libm::pow(high, by).abs());
                if is_odd { ends.negated() } else { ends }
            };
            if a.max <= 0.0 {
                mirrored(a.min, a.max)
            } else {
                mirrored(a.min, 0.0).union(positive(0.0, libm::pow(a.max, by)))
            }
        }
        None if a.min == a.max && a.min > 0.0 => {
            positive(libm::pow(a.min, b.min), libm::pow(a.min, b.max))
        }
        _ => Numbers::ANY,
    }
}

fn binary_of_integers(function: Binary, a: Interval, b: Interval) -> Interval {
    let corners = |of: fn(i128, i128) -> i128| {
        let wide = |x: i64| i128::from(x);
        let all = [(a.min, b.min), (a.min, b.max), (a.max, b.min), (a.max, b.max)];
        let all = all.map(|(x, y)| of(wide(x), wide(y)));
        let ends = (all.iter().min(), all.iter().max());
        let end = |x: Option<&i128>| x.and_then(|&x| i64::try_from(x).ok());
        match (end(ends.0), end(ends.1)) {
            (Some(min), Some(max)) => Interval { min, max },
            // It can wrap.
            _ => WHOLE,
        }
    };
    match function {
        Binary::Add => corners(|x, y| x + y),
        Binary::Subtract => corners(|x, y| x - y),
        Binary::Multiply => corners(|x, y| x * y),
        Binary::Divide if b.contains(0) => WHOLE,
        Binary::Divide => corners(|x, y| x / y),
        Binary::Minimum | Binary::And => Interval { min: a.min.min(b.min), max: a.max.min(b.max) },
        Binary::Maximum | Binary::Or => Interval { min: a.min.max(b.min), max: a.max.max(b.max) },
        Binary::Xor if a.min == a.max && b.min == b.max => {
            Interval { min: a.min ^ b.min, max: a.min ^ b.min }
        }
        Binary::Xor => Interval { min: 0, max: 1 },
        Binary::Power => WHOLE,
    }
}

pub(super) fn select(condition: Span, a: Span, b: Span) -> Span {
    match condition.as_truth() {
        Some(true) => a,
        Some(false) => b,
        None => a.union(b),
    }
}

/// The elements of a row at positions of an interval, the nearest where there is none.
pub(super) fn take(row: &[Span], at: Interval) -> Span {
    let last = row.len() as i64 - 1;
    let (first, last) = (at.min.clamp(0, last) as usize, at.max.clamp(0, last) as usize);
    let taken = row[first..=last].iter().copied();
    taken.reduce(Span::union).expect("a row has elements")
}

/// Positions that can hold the first element at this end.
pub(super) fn extreme(row: &[Span], end: Extreme) -> Span {
    let all = Interval { min: 0, max: row.len() as i64 - 1 };
    let above = |x: Span, y: Span| {
        let relation = match end {
            Extreme::Greatest => Relation::Greater,
            Extreme::Least => Relation::Less,
        };
        compare(relation, x, y, false).as_truth()
    };
    let is_nan = |x: &Span| matches!(x, Span::Number(x) if x.nan);
    if row.iter().any(is_nan) {
        return Span::Integer(all);
    }
    let possible = |i: &usize| {
        let mut others = row.iter().enumerate();
        // An earlier one wins if it is equal, a later one if it is beyond.
        !others.any(|(j, &other)| match j.cmp(i) {
            std::cmp::Ordering::Less => above(row[*i], other) == Some(false),
            std::cmp::Ordering::Equal => false,
            std::cmp::Ordering::Greater => above(other, row[*i]) == Some(true),
        })
    };
    let first = (0..row.len()).find(possible).map_or(all.min, |i| i as i64);
    let last = (0..row.len()).rev().find(possible).map_or(all.max, |i| i as i64);
    Span::Integer(Interval { min: first, max: last })
}

/// Values of the keys that an element can be, and of none of them.
pub(super) fn lookup(x: Span, keys: &[Element], values: &[Element]) -> Span {
    let known = match x {
        Span::Number(x) if x.min == x.max && !x.nan => Some(Scalar::Number(x.min)),
        Span::Integer(x) if x.min == x.max => Some(Scalar::Integer(x.min)),
        Span::Number(_) | Span::Integer(_) => None,
    };
    if let Some(x) = known {
        return Span::of(&element::lookup(&x, keys, values));
    }
    let can_be = |key: &Element| {
        compare(Relation::Equal, x, Span::of(key), false) != Span::truth(true, false)
    };
    let found = keys.iter().zip(values).filter(|(key, _)| can_be(key)).map(|(_, value)| value);
    let all = found.chain(values.last()).map(Span::of);
    all.reduce(Span::union).expect("there is a default")
}

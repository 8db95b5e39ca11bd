//! Intervals of the `real` mode.

mod arithmetic;

use std::cmp::Ordering;

use dashu_float::round::{Round, mode};
use dashu_float::{Context, FBig, Repr};

use super::number::{Number, truncate};
use crate::forest::Mode;
use crate::ops::{Binary, Unary};
use crate::types::ElementType;

/// Bits of the ends of an interval.
const PRECISION: usize = 128;
const DOWN: Context<mode::Down> = Context::new(PRECISION);
const UP: Context<mode::Up> = Context::new(PRECISION);
/// Width of an interval, relative to its ends, that is taken for one number: of
/// the 128 bits, what some thousand operations round is less.
const NARROW_WIDTH: f64 = 1.0 / (1u128 << 100) as f64;

/// A real number between two ends of 128 bits that are rounded outwards, or
/// NaN or an infinity.
#[derive(Clone, Debug, PartialEq)]
pub struct Enclosure(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// This number, which need not be finite.
    Exactly(f64),
    /// Some number from the first to the second.
    Between(Repr<2>, Repr<2>),
    /// Nothing is known; it need not be a number.
    Unknown,
}
use Kind::{Between, Exactly, Unknown};

impl Enclosure {
    /// Some number from `min` to `max`, which are finite.
    #[must_use]
    pub fn between(min: f64, max: f64) -> Self {
        let end = |x: f64| Repr::try_from(x).expect("a finite number has a representation");
        Self(Between(end(min), end(max)))
    }

    /// Anything, not even a number.
    #[must_use]
    pub fn unknown() -> Self {
        Self(Unknown)
    }

    /// An `f64` that is not above the number.
    #[must_use]
    pub fn lower(&self) -> f64 {
        match &self.0 {
            Exactly(x) => *x,
            Between(min, _) => FBig::from_repr(min.clone(), DOWN).to_f64().value(),
            Unknown => f64::NEG_INFINITY,
        }
    }

    /// Is the number known to be above 0, be it below every float?
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.ends().is_some_and(|(min, _)| order(&min, &Repr::zero()) == Ordering::Greater)
    }

    /// Is it known to be a number, and finite?
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.ends().is_some()
    }

    /// Is it the same enclosure, the sign of 0 included?
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Exactly(a), Exactly(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }

    /// Is it one number, as far as 128 bits tell, and within the finite floats?
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        let magnitude = self.lower().abs().max(self.upper().abs());
        magnitude.is_finite() && self.width() <= magnitude * NARROW_WIDTH
    }

    /// The distance between the ends, rounded up; infinite if one is not finite.
    fn width(&self) -> f64 {
        let Some((min, max)) = self.ends() else { return f64::INFINITY };
        FBig::from_repr(sum(UP, &max, &negative(&min)), UP).to_f64().value()
    }

    /// The greatest multiple of 2^-`frac_bits` that is not above the number, in
    /// these units, as far as 63 bits hold it.
    ///
    /// # Panics
    /// If the number is not finite.
    #[must_use]
    pub fn units_below(&self, frac_bits: u8) -> i64 {
        let (min, _) = self.ends().expect("the number is finite");
        let units = Repr::new(min.significand().clone(), min.exponent() + isize::from(frac_bits));
        integer_of(&FBig::from_repr(units, DOWN).floor().into_repr())
    }

    /// The least enclosure that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        arithmetic::joint(self.clone(), other.clone())
    }

    /// An `f64` that is not below the number.
    #[must_use]
    pub fn upper(&self) -> f64 {
        match &self.0 {
            Exactly(x) => *x,
            Between(_, max) => FBig::from_repr(max.clone(), UP).to_f64().value(),
            Unknown => f64::INFINITY,
        }
    }

    /// A bound on the distance between the number and `stored` times
    /// 2^-`frac_bits`, rounded up. NaN if the number is NaN.
    #[must_use]
    pub fn distance_max(&self, stored: i64, frac_bits: u8) -> f64 {
        let Some((min, max)) = self.ends() else {
            return if Number::is_nan(self) { f64::NAN } else { f64::INFINITY };
        };
        let at = Repr::new(stored.into(), -isize::from(frac_bits));
        let above = FBig::from_repr(sum(UP, &max, &negative(&at)), UP);
        let below = FBig::from_repr(sum(UP, &at, &negative(&min)), UP);
        above.to_f64().value().max(below.to_f64().value()).max(0.0)
    }

    /// A bound on the distance between the number and `stored` times 2^-`frac_bits` from
    /// below, rounded down; 0 if the enclosure holds it, or is not finite.
    fn distance_min(&self, stored: i64, frac_bits: u8) -> f64 {
        let Some((min, max)) = self.ends() else { return 0.0 };
        let at = Repr::new(stored.into(), -isize::from(frac_bits));
        let above = FBig::from_repr(sum(DOWN, &at, &negative(&max)), DOWN);
        let below = FBig::from_repr(sum(DOWN, &min, &negative(&at)), DOWN);
        above.to_f64().value().max(below.to_f64().value()).max(0.0)
    }

    /// Does the number lie within `bound` of `stored` times 2^-`frac_bits`? `None` if
    /// the enclosure is too wide to tell. One narrower than a unit of `stored` is given
    /// the benefit of the doubt: its 128 bits round what the integers may hold exactly.
    #[must_use]
    pub fn is_within(&self, bound: f64, stored: i64, frac_bits: u8) -> Option<bool> {
        let distance = self.distance_max(stored, frac_bits);
        let width = self.width();
        let is_narrow = width < f64::exp2(-f64::from(frac_bits));
        if distance <= bound || is_narrow && distance <= (bound + width).next_up() {
            return Some(true);
        }
        match self.0 {
            Unknown => None,
            // It has no width: it was not within the bound, or is NaN or infinite.
            Exactly(_) => Some(false),
            Between(..) => (self.distance_min(stored, frac_bits) > bound).then_some(false),
        }
    }

    /// Both ends, if they are finite.
    fn ends(&self) -> Option<(Repr<2>, Repr<2>)> {
        match &self.0 {
            Exactly(x) => Repr::try_from(*x).ok().filter(Repr::is_finite).map(|x| (x.clone(), x)),
            Between(min, max) => Some((min.clone(), max.clone())),
            Unknown => None,
        }
    }
}

impl Number for Enclosure {
    const ROUNDS: bool = false;

    fn exact(x: f64) -> Self {
        Self(Exactly(x))
    }

    fn of_integer(x: i64) -> Self {
        let x = Repr::new(x.into(), 0);
        Self(Between(x.clone(), x))
    }

    fn add(&self, x: f64, elem: ElementType) -> Self {
        self.binary(Binary::Add, &Self::exact(x), elem)
    }

    fn unary(&self, function: Unary, _elem: ElementType) -> Self {
        arithmetic::unary(function, self)
    }

    fn binary(&self, function: Binary, other: &Self, _elem: ElementType) -> Self {
        arithmetic::binary(function, self, other)
    }

    /// Rounding what is stored belongs to the model (`f32(x)` of an input);
    /// rounding what is computed is an error of floats, which reals lack.
    fn cast(&self, elem: ElementType, stored: bool) -> Self {
        match &self.0 {
            Exactly(x) if stored => Self::exact(Number::cast(x, elem, stored)),
            Exactly(_) | Between(..) | Unknown => self.clone(),
        }
    }

    fn truncate(&self) -> Option<i64> {
        match &self.0 {
            Exactly(x) => Some(truncate(*x)),
            Between(min, max) => {
                let (min, max) = (integer_of(min), integer_of(max));
                (min == max).then_some(min)
            }
            Unknown => None,
        }
    }

    fn compare(&self, mode: Mode, other: &Self) -> Option<bool> {
        if let (Exactly(a), Exactly(b)) = (&self.0, &other.0) {
            return Some(mode.holds(*a, *b));
        }
        let (Some((min, max)), Some((other_min, other_max))) = (self.ends(), other.ends()) else {
            let (a, b) = (self.representative()?, other.representative()?);
            return Some(mode.holds(a, b));
        };
        let can_be = |side: Ordering| match side {
            Ordering::Less => order(&min, &other_max) == Ordering::Less,
            Ordering::Equal => {
                order(&min, &other_max) != Ordering::Greater
                    && order(&max, &other_min) != Ordering::Less
            }
            Ordering::Greater => order(&max, &other_min) == Ordering::Greater,
        };
        let sides = [Ordering::Less, Ordering::Equal, Ordering::Greater];
        let mut answers = sides.into_iter().filter(|&side| can_be(side)).map(|side| {
            // Any two numbers in this order give the answer.
            mode.holds(f64::from(side as i8), 0.0)
        });
        let first = answers.next().expect("two numbers are in some order");
        answers.all(|answer| answer == first).then_some(first)
    }

    fn is_nan(&self) -> bool {
        matches!(self.0, Exactly(x) if x.is_nan())
    }

    fn widened(self, error: f64) -> Self {
        if error == 0.0 {
            return self;
        }
        let error = Self::between(-error, error);
        self.binary(Binary::Add, &error, ElementType::F64)
    }
}

impl Enclosure {
    /// A float that compares with infinities and NaN as the number does.
    fn representative(&self) -> Option<f64> {
        match &self.0 {
            Exactly(x) => Some(*x),
            Between(..) => Some(0.0),
            Unknown => None,
        }
    }
}

/// `a + b` in the rounding of `context`.
fn sum<R: Round>(context: Context<R>, a: &Repr<2>, b: &Repr<2>) -> Repr<2> {
    context.add(a, b).expect("ends are finite").value().into_repr()
}

fn negative(x: &Repr<2>) -> Repr<2> {
    Repr::new(-x.significand(), x.exponent())
}

/// The order of two numbers; both zeros are equal.
fn order(a: &Repr<2>, b: &Repr<2>) -> Ordering {
    if a.significand().is_zero() && b.significand().is_zero() { Ordering::Equal } else { a.cmp(b) }
}

/// The integer of [`truncate`].
fn integer_of(x: &Repr<2>) -> i64 {
    // Bounds the size of the integer, which the exponent does not.
    let fits = truncate(x.to_f64().value()) != i64::MIN;
    if fits { i64::try_from(x.to_int().value()).unwrap_or(i64::MIN) } else { i64::MIN }
}

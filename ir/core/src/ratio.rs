//! Exact rational numbers, for the coefficients of linear forms: the mean of
//! three votes is no binary fraction, and a decision must not hang on how a
//! third is rounded.

use std::cmp::Ordering;

use dashu_base::{BitTest, DivRemEuclid, Gcd, PowerOfTwo, Signed, UnsignedAbs};
use dashu_int::{IBig, UBig};

/// Bits of the numerator that [`Ratio::scale`] keeps: with the 53 of a weight
/// they fit an `i128`.
const SCALE_BITS: usize = 74;

/// An exact rational number, in lowest terms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: IBig,
    /// The denominator, above 0.
    denominator: UBig,
}

/// A ratio as `mantissa` times 2^`exponent`, to multiply floats with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    mantissa: i128,
    exponent: i64,
    /// Nothing was cut off. Else it is off by less than one part in 2^73.
    exact: bool,
}

impl Ratio {
    /// The number 0.
    pub fn zero() -> Self {
        Self { numerator: IBig::ZERO, denominator: UBig::ONE }
    }

    /// The number 1.
    pub fn one() -> Self {
        Self { numerator: IBig::ONE, denominator: UBig::ONE }
    }

    /// The number `x` exactly; `None` if it is not finite.
    pub fn of(x: f64) -> Option<Self> {
        if !x.is_finite() {
            return None;
        }
        let (mantissa, exponent) = parts(x);
        let power = UBig::ONE << exponent.unsigned_abs() as usize;
        Some(if exponent < 0 {
            Self::reduced(mantissa.into(), power)
        } else {
            Self { numerator: IBig::from(mantissa) * IBig::from(power), denominator: UBig::ONE }
        })
    }

    fn reduced(numerator: IBig, denominator: UBig) -> Self {
        let common = numerator.clone().unsigned_abs().gcd(&denominator);
        Self {
            numerator: numerator / IBig::from(common.clone()),
            denominator: denominator / common,
        }
    }

    /// Is it 0?
    pub fn is_zero(&self) -> bool {
        self.numerator.is_zero()
    }

    /// Is it below 0?
    pub fn is_negative(&self) -> bool {
        self.numerator.is_negative()
    }

    /// The number times -1.
    pub fn negated(&self) -> Self {
        Self { numerator: -self.numerator.clone(), denominator: self.denominator.clone() }
    }

    /// Without its sign.
    pub fn magnitude(&self) -> Self {
        if self.is_negative() { self.negated() } else { self.clone() }
    }

    /// Sum of both numbers.
    pub fn plus(&self, other: &Self) -> Self {
        if self.denominator == other.denominator {
            let numerator = &self.numerator + &other.numerator;
            return Self::reduced(numerator, self.denominator.clone());
        }
        let numerator = &self.numerator * IBig::from(other.denominator.clone())
            + &other.numerator * IBig::from(self.denominator.clone());
        Self::reduced(numerator, &self.denominator * &other.denominator)
    }

    /// Product of both numbers.
    pub fn times(&self, other: &Self) -> Self {
        if *self == Self::one() {
            return other.clone();
        }
        let numerator = &self.numerator * &other.numerator;
        Self::reduced(numerator, &self.denominator * &other.denominator)
    }

    /// The quotient; `None` if `other` is 0.
    pub fn over(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let inverse = Self {
            numerator: IBig::from_parts(other.numerator.sign(), other.denominator.clone()),
            denominator: other.numerator.clone().unsigned_abs(),
        };
        Some(self.times(&inverse))
    }

    /// The greatest integer not above it in units of 2^-`frac_bits`, and
    /// whether it is that; saturates.
    pub fn floor_units(&self, frac_bits: u8) -> (i64, bool) {
        let numerator = &self.numerator << usize::from(frac_bits);
        let (floor, rest) = numerator.div_rem_euclid(IBig::from(self.denominator.clone()));
        let end = if self.is_negative() { i64::MIN } else { i64::MAX };
        (i64::try_from(floor).unwrap_or(end), rest.is_zero())
    }

    /// The least number of fraction bits that hold it exactly, if there is one.
    pub fn fraction_bits(&self) -> Option<u32> {
        self.denominator.is_power_of_two().then(|| self.denominator.bit_len() as u32 - 1)
    }

    /// An `f64` at least as large as its magnitude.
    pub fn magnitude_max(&self) -> f64 {
        self.scale().magnitude_max()
    }

    /// The nearest `f64`, or a neighbour of it.
    pub fn nearest(&self) -> f64 {
        let scale = self.scale();
        power_of_two(scale.mantissa as f64, scale.exponent)
    }

    /// It in units of 2^-`frac_bits`, to nearest even, and whether nothing was
    /// rounded; off as [`Scale::units`] says.
    ///
    /// # Panics
    /// If it does not fit 63 bits.
    pub fn units(&self, frac_bits: i64) -> (i64, bool) {
        let Scale { mantissa, exponent, exact } = self.scale();
        let (units, is_whole) = shifted(mantissa, exponent + frac_bits);
        (i64::try_from(units).expect("a weight fits its format"), is_whole && exact)
    }

    /// As a factor of floats.
    pub fn scale(&self) -> Scale {
        if self.is_zero() {
            return Scale { mantissa: 0, exponent: 0, exact: true };
        }
        let magnitude = self.numerator.clone().unsigned_abs();
        let zeros = magnitude.trailing_zeros().unwrap_or(0);
        if self.denominator.is_power_of_two() && magnitude.bit_len() - zeros <= SCALE_BITS {
            let shift = self.denominator.bit_len() as i64 - 1;
            let mantissa = i128::try_from(&magnitude >> zeros).expect("74 bits fit 127");
            return self.signed(mantissa, zeros as i64 - shift, true);
        }
        // As many bits before the point as are kept, give or take one.
        let shift =
            SCALE_BITS as i64 - magnitude.bit_len() as i64 + self.denominator.bit_len() as i64 - 1;
        let (numerator, denominator) = if shift >= 0 {
            (magnitude << shift as usize, self.denominator.clone())
        } else {
            (magnitude, &self.denominator << shift.unsigned_abs() as usize)
        };
        let mantissa = i128::try_from(numerator / denominator).expect("75 bits fit 127");
        self.signed(mantissa, -shift, false)
    }

    fn signed(&self, magnitude: i128, exponent: i64, exact: bool) -> Scale {
        let mantissa = if self.is_negative() { -magnitude } else { magnitude };
        Scale { mantissa, exponent, exact }
    }
}

impl Scale {
    /// An `f64` at least as large as its magnitude.
    pub fn magnitude_max(self) -> f64 {
        let magnitude = self.mantissa.unsigned_abs() as f64;
        if self.exact && magnitude as u128 == self.mantissa.unsigned_abs() {
            return power_of_two(magnitude, self.exponent);
        }
        // Two roundings to nearest, and what was cut off.
        power_of_two(magnitude.next_up(), self.exponent).next_up()
    }

    /// `x` times the ratio in units of 2^-`frac_bits`, to nearest even, and
    /// whether nothing was rounded. An inexact product is off by at most half
    /// a unit and one part in 2^73 of it.
    ///
    /// # Panics
    /// If the product does not fit 63 bits: the format was chosen so that it does.
    pub fn units(self, x: f64, frac_bits: u8) -> (i64, bool) {
        let (mantissa, exponent) = parts(x);
        let product = self.mantissa * i128::from(mantissa);
        let shift = self.exponent + i64::from(exponent) + i64::from(frac_bits);
        let (units, exact) = shifted(product, shift);
        (i64::try_from(units).expect("a weight fits its format"), exact && (self.exact || x == 0.0))
    }
}

/// `x` times 2^`shift`, to nearest even, and whether that is exact.
fn shifted(x: i128, shift: i64) -> (i128, bool) {
    if x == 0 {
        return (0, true);
    }
    if shift >= 0 {
        let units = x.checked_mul(1_i128.checked_shl(shift as u32).unwrap_or(0));
        return (units.filter(|units| *units != 0).expect("a weight fits its format"), true);
    }
    let by = shift.unsigned_abs();
    if by > 126 {
        // Below half a unit.
        return (0, false);
    }
    let (floor, rest) = (x >> by, x & ((1 << by) - 1));
    let half = 1_i128 << (by - 1);
    let up = match rest.cmp(&half) {
        Ordering::Less => 0,
        Ordering::Equal => floor & 1,
        Ordering::Greater => 1,
    };
    (floor + up, rest == 0)
}

/// `x` as an odd mantissa, or 0, times a power of 2.
fn parts(x: f64) -> (i64, i32) {
    let bits = x.to_bits();
    let biased = (bits >> 52 & 0x7ff) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let magnitude = if biased == 0 { fraction } else { fraction | 1 << 52 };
    if magnitude == 0 {
        return (0, 0);
    }
    let zeros = magnitude.trailing_zeros();
    let exponent = biased.max(1) - 1075 + zeros as i32;
    let mantissa = magnitude >> zeros;
    (if x < 0.0 { -mantissa } else { mantissa }, exponent)
}

/// `x` times 2^`exponent`.
fn power_of_two(x: f64, exponent: i64) -> f64 {
    // In two steps, so that neither factor overflows where the product does not.
    let half = exponent / 2;
    let factor = |exponent: i64| f64::exp2(exponent.clamp(-1074, 1023) as f64);
    x * factor(half) * factor(exponent - half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(x: f64) -> Ratio {
        Ratio::of(x).expect("the number is finite")
    }

    #[test]
    fn arithmetic_is_exact() {
        let third = ratio(1.0).over(&ratio(3.0)).expect("3 is not 0");
        let one = third.plus(&third).plus(&third);
        assert_eq!(one, Ratio::one());
        assert_eq!(ratio(0.1).times(&ratio(10.0)).plus(&ratio(-1.0)).nearest(), f64::exp2(-54.0));
        assert_eq!(ratio(-6.0).over(&ratio(-4.0)), Ratio::of(1.5));
        assert_eq!(third.over(&Ratio::zero()), None);
        assert_eq!(Ratio::of(f64::NAN), None);
        assert!(third.negated().is_negative() && !third.is_negative());
    }

    #[test]
    fn floats_are_what_they_were() {
        for x in [0.0, 1.0, -2.5, 0.1, 1e300, -1e-300, 5e-324, f64::MAX] {
            assert_eq!(ratio(x).nearest(), x, "{x:e}");
            assert_eq!(ratio(x).magnitude_max(), x.abs(), "{x:e}");
        }
        let third = ratio(1.0).over(&ratio(3.0)).expect("3 is not 0");
        assert!(third.magnitude_max() > 1.0 / 3.0);
        assert!((third.nearest() - 1.0 / 3.0).abs() < 1e-16);
    }

    #[test]
    fn floors_go_down_and_saturate() {
        assert_eq!(ratio(0.75).floor_units(2), (3, true));
        assert_eq!(ratio(-0.7).floor_units(0), (-1, false));
        assert_eq!(ratio(-1e30).floor_units(4), (i64::MIN, true));
        assert_eq!(ratio(0.75).fraction_bits(), Some(2));
        assert_eq!(ratio(1.0).over(&ratio(3.0)).and_then(|third| third.fraction_bits()), None);
    }

    #[test]
    fn products_round_once_to_nearest_even() {
        let units = |x: f64, of: f64, frac_bits| ratio(x).scale().units(of, frac_bits);
        assert_eq!(units(1.0, 0.75, 1), (2, false));
        assert_eq!(units(1.0, 0.25, 1), (0, false));
        assert_eq!(units(-1.0, 0.75, 2), (-3, true));
        assert_eq!(units(-1.0, 0.75, 1), (-2, false));
        assert_eq!(units(1.0, 1e-300, 126), (0, false));
        let third = ratio(1.0).over(&ratio(3.0)).expect("3 is not 0").scale();
        assert_eq!(third.units(3.0, 60), (1 << 60, false));
        assert_eq!(third.units(-1.0, 4), (-5, false));
        assert_eq!(third.units(0.0, 4), (0, true));
    }
}

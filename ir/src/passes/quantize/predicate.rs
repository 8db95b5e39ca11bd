//! Integer predicates: the exact set of integers for which a test holds.
//!
//! A test compares `convert(x)` with a threshold, where `convert` is the
//! model's own conversions of the column, one after the other (`f32(x)` rounds
//! to nearest even and so loses integers beyond 2^24; `f32(f64(x))` rounds
//! twice). Conversions are monotone, so the integers
//! with `convert(x) <= t` are an initial segment, and its end is found by
//! binary search over the very conversion. Every mode is made of the two
//! segments `<= t` and `< t`; a missing value adds or removes one point.

use crate::forest::{IntTest, Mode, RealTest};
use crate::module::{Column, Interval};
use crate::types::ElementType;

/// What a test reads.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The column.
    pub column: &'a Column,
    /// What it is converted to, one conversion after the other, before the
    /// comparison. A missing value is NaN if the first is a float.
    pub conversions: &'a [ElementType],
}

/// A set of integers within a column's range, as the ascending ends of
/// alternating runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// Is the first run, from the least value on, within the set?
    pub starts_inside: bool,
    /// Last element of each run but the last one.
    pub ends: Vec<i64>,
}

impl Predicate {
    /// The integers of the column for which `test` holds.
    #[must_use]
    pub fn of(test: &RealTest, source: Source<'_>) -> Self {
        let Source { column, conversions } = source;
        let at_most = last_where(column.range, |x| compare(x, conversions, test.threshold).is_le());
        let below = last_where(column.range, |x| compare(x, conversions, test.threshold).is_lt());
        let initial = |end: i64| vec![Interval { min: column.range.min, max: end }];
        let (set, inverted) = match test.mode {
            Mode::LessOrEqual => (initial(at_most), false),
            Mode::Less => (initial(below), false),
            Mode::Greater => (initial(at_most), true),
            Mode::GreaterOrEqual => (initial(below), true),
            Mode::Equal => (vec![Interval { min: below + 1, max: at_most }], false),
            Mode::NotEqual => (vec![Interval { min: below + 1, max: at_most }], true),
        };
        let mut predicate = Self::of_runs(column.range, &set);
        predicate.starts_inside ^= inverted;
        let has_nan = matches!(conversions.first(), Some(ElementType::F32 | ElementType::F64));
        let missing = column.missing.filter(|&missing| column.range.contains(missing));
        if let (true, Some(missing)) = (has_nan, missing) {
            let nan_holds = test.mode.holds(f64::NAN, test.threshold);
            predicate.set_point(column.range, missing, nan_holds || test.missing_is_yes);
        }
        predicate
    }

    /// The set that consists of `runs`, ascending and apart; a run whose end
    /// lies before its start is empty.
    fn of_runs(range: Interval, runs: &[Interval]) -> Self {
        let runs: Vec<_> = runs.iter().filter(|run| run.min <= run.max).collect();
        let starts_inside = runs.first().is_some_and(|run| run.min == range.min);
        let ends = runs.iter().flat_map(|run| [run.min - 1, run.max]);
        let ends = ends.filter(|&end| range.min <= end && end < range.max).collect();
        Self { starts_inside, ends }
    }

    /// Is `x` in the set?
    #[must_use]
    pub fn contains(&self, x: i64) -> bool {
        let runs_before = self.ends.partition_point(|&end| end < x);
        self.starts_inside ^ (runs_before % 2 == 1)
    }

    /// Puts one element in or out.
    fn set_point(&mut self, range: Interval, x: i64, inside: bool) {
        if self.contains(x) == inside {
            return;
        }
        // Flipping one point toggles the ends on both sides of it.
        if x == range.min {
            self.starts_inside = !self.starts_inside;
        } else {
            self.toggle_end(x - 1);
        }
        if x < range.max {
            self.toggle_end(x);
        }
    }

    fn toggle_end(&mut self, end: i64) {
        match self.ends.binary_search(&end) {
            Ok(at) => drop(self.ends.remove(at)),
            Err(at) => self.ends.insert(at, end),
        }
    }

    /// The set as tests of the form `x <= t`: entry 0 is asked first, and each
    /// way leads to a later entry or out.
    #[must_use]
    pub fn decision(&self, feature: u32) -> Vec<Step> {
        // Runs are asked from below: a set has one run, two for `==`, three
        // with a missing value, so a chain is as good as a search.
        let steps = self.ends.iter().enumerate().map(|(run, &end)| {
            let inside = self.starts_inside ^ (run % 2 == 1);
            let last = run + 1 == self.ends.len();
            let above = if last { Way::Out { holds: !inside } } else { Way::Next };
            Step {
                test: IntTest { feature, at_most: end },
                below: Way::Out { holds: inside },
                above,
            }
        });
        steps.collect()
    }
}

/// One test of a [`Predicate::decision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The test.
    pub test: IntTest,
    /// Where to go if it holds.
    pub below: Way,
    /// Where to go if it does not.
    pub above: Way,
}

/// Where a test leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the next step.
    Next,
    /// The predicate is decided.
    Out {
        /// Does it hold?
        holds: bool,
    },
}

/// The last element of `range` for which `holds` is true, if it is true for an
/// initial segment; one before `range` if for none.
fn last_where(range: Interval, holds: impl Fn(i64) -> bool) -> i64 {
    let (mut known, mut above) = (range.min - 1, range.max + 1);
    while known + 1 < above {
        // Their difference can take 64 bits, their middle cannot.
        let middle = i64::midpoint(known, above);
        if holds(middle) { known = middle } else { above = middle }
    }
    known
}

/// Compares `convert(x)` with a threshold that is not NaN.
fn compare(x: i64, conversions: &[ElementType], threshold: f64) -> std::cmp::Ordering {
    let converted = conversions.iter().fold(None, |float: Option<f64>, elem| match elem {
        ElementType::F32 => Some(f64::from(float.map_or(x as f32, |float| float as f32))),
        ElementType::F64 => Some(float.unwrap_or(x as f64)),
        // An integer is itself.
        ElementType::I64
        | ElementType::Bool
        | ElementType::Label(_)
        | ElementType::Fixed { .. } => float,
    });
    match converted {
        Some(float) => float.partial_cmp(&threshold).expect("thresholds are not NaN"),
        None => compare_exactly(x, threshold),
    }
}

/// Compares an integer with a threshold without rounding either.
fn compare_exactly(x: i64, threshold: f64) -> std::cmp::Ordering {
    let whole = threshold.floor();
    // 2^63 and beyond saturate, which keeps the order: features are smaller.
    let order = x.cmp(&(whole as i64));
    let has_fraction = threshold > whole;
    if order.is_eq() && has_fraction { std::cmp::Ordering::Less } else { order }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicate(
        range: Interval,
        missing: Option<i64>,
        conversions: &[ElementType],
        test: RealTest,
    ) -> Predicate {
        let column = Column { name: "x".into(), range, missing };
        Predicate::of(&test, Source { column: &column, conversions })
    }

    fn test(mode: Mode, threshold: f64, missing_is_yes: bool) -> RealTest {
        RealTest { feature: 0, mode, threshold, missing_is_yes }
    }

    /// The decision as a walk over its steps.
    fn decide(predicate: &Predicate, x: i64) -> bool {
        for step in predicate.decision(0) {
            let way = if x <= step.test.at_most { step.below } else { step.above };
            if let Way::Out { holds } = way {
                return holds;
            }
        }
        predicate.starts_inside
    }

    #[test]
    fn every_mode_threshold_and_missing_value_agrees_with_the_float_test() {
        let range = Interval::new(-5, 5);
        for mode in Mode::ALL {
            for threshold in [-6.0, -5.0, -2.5, -1.0, -0.0, 0.0, 0.5, 3.0, 4.5, 5.0, 9.0] {
                for missing in [None, Some(-5), Some(0), Some(3), Some(5)] {
                    for missing_is_yes in [false, true] {
                        let test = test(mode, threshold, missing_is_yes);
                        let predicate = predicate(range, missing, &[ElementType::F32], test);
                        for x in range.min..=range.max {
                            let is_missing = missing == Some(x);
                            let number = if is_missing { f64::NAN } else { x as f64 };
                            let want =
                                mode.holds(number, threshold) || (is_missing && missing_is_yes);
                            let case =
                                format!("{x} {mode:?} {threshold} {missing:?} {missing_is_yes}");
                            assert_eq!(predicate.contains(x), want, "{case}");
                            assert_eq!(decide(&predicate, x), want, "{case}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn beyond_2_to_the_24_the_boundary_is_where_f32_rounds() {
        let range = Interval::new(0, u32::MAX.into());
        let le = |threshold| {
            predicate(range, None, &[ElementType::F32], test(Mode::LessOrEqual, threshold, false))
        };
        // 2^24 + 1 rounds to even, to 2^24; 2^24 + 3 rounds up to 2^24 + 4.
        assert_eq!(le(16_777_216.0).ends, [16_777_217]);
        assert_eq!(le(16_777_218.0).ends, [16_777_218]);
        // Just below 2^32, neighbours are 256 apart.
        assert_eq!(le(4_294_967_040.0).ends, [4_294_967_167]);
        // The greatest values round up to 2^32, above the threshold.
        assert!(!le(4_294_967_040.0).contains(u32::MAX.into()));
    }

    #[test]
    fn integers_compare_without_rounding() {
        let range = Interval::new(-(1 << 61), 1 << 61);
        let set = predicate(range, None, &[ElementType::I64], test(Mode::Less, -0.5, false));
        assert_eq!(set.ends, [-1]);
        let all = predicate(range, None, &[ElementType::I64], test(Mode::Less, 1e300, false));
        assert_eq!(all, Predicate { starts_inside: true, ends: vec![] });
    }

    #[test]
    fn rounding_twice_is_not_rounding_once() {
        // Above 2^60 + 2^36, halfway between two `f32`, by too little for `f64`.
        let (x, below) = ((1 << 60) + (1 << 36) + 1, 2.0_f64.powi(60));
        let range = Interval::new(0, 1 << 61);
        let le = |conversions: &[ElementType]| {
            predicate(range, None, conversions, test(Mode::LessOrEqual, below, false))
        };
        assert!(!le(&[ElementType::F32]).contains(x));
        assert!(!le(&[ElementType::I64, ElementType::F32]).contains(x));
        assert!(le(&[ElementType::F64, ElementType::F32]).contains(x));
    }

    #[test]
    fn a_missing_value_that_was_an_integer_is_a_number() {
        let (range, not_zero) = (Interval::new(0, 9), test(Mode::NotEqual, 0.0, true));
        let of = |first| predicate(range, Some(0), &[first, ElementType::F32], not_zero);
        assert!(of(ElementType::F64).contains(0));
        assert!(!of(ElementType::I64).contains(0));
    }
}

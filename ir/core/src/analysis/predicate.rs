//! Integer predicates: the exact set of integers for which a test holds.
//!
//! A test compares `f(x)` with a threshold, where `f` is what the model makes of
//! the column, operation by operation, each rounded (`f32(x)` rounds to nearest
//! even and so loses integers beyond 2^24; `f32(f64(x))` rounds twice; a scaler
//! multiplies the result and rounds again). The set is found with these very
//! operations: by binary search for the end of each run where they are monotone,
//! by looking at every integer where they are not and the range is small
//! ([`Function::runs`]). A missing value is a point of its own.

use crate::analysis::univariate::{Budget, Function, NotTabled, Numbers, Span};
use crate::forest::{IntTest, RealTest};
use crate::module::{Column, Interval};

/// What a test reads.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The column that is tested.
    pub column: &'a Column,
    /// What becomes of it before the comparison.
    pub function: &'a Function,
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
    ///
    /// # Errors
    /// If the function is neither tame nor the range of the column small.
    pub fn of(test: &RealTest, source: Source<'_>, budget: &mut Budget) -> Result<Self, NotTabled> {
        let Source { column, function } = source;
        Ok(Self::of_runs(&function.runs(column, budget, |span| holds(test, span))?))
    }

    /// The set of the runs that are `true`. They are in order, each given by its
    /// last element, and neighbours differ.
    pub fn of_runs(runs: &[(i64, bool)]) -> Self {
        let (_, before) = runs.split_last().expect("a range is not empty");
        Self { starts_inside: runs[0].1, ends: before.iter().map(|(end, _)| *end).collect() }
    }

    /// Is `x` in the set?
    #[must_use]
    pub fn contains(&self, x: i64) -> bool {
        let runs_before = self.ends.partition_point(|&end| end < x);
        self.starts_inside ^ (runs_before % 2 == 1)
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
    /// The test of the column.
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

/// Does the test hold for every element of `span`? `None` if that is open.
fn holds(test: &RealTest, span: Span) -> Option<bool> {
    let (can_fail, can_hold) = match span {
        Span::Number(numbers) => {
            let (fail, hold) =
                Numbers { nan: false, ..numbers }.compared(test.mode, test.threshold);
            let nan_holds = test.missing_is_yes || test.mode.holds(f64::NAN, test.threshold);
            (fail || (numbers.nan && !nan_holds), hold || (numbers.nan && nan_holds))
        }
        Span::Integer(Interval { min, max }) => {
            let order = |x| compare_exactly(x, test.threshold) as i8;
            let holds = |order: i8| test.mode.holds(order.into(), 0.0);
            let mut orders = order(min)..=order(max);
            (orders.clone().any(|order| !holds(order)), orders.any(holds))
        }
    };
    (can_fail != can_hold).then_some(can_hold)
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
    use crate::forest::Mode;
    use crate::types::ElementType;

    fn predicate(
        range: Interval,
        missing: Option<i64>,
        conversions: &[ElementType],
        test: RealTest,
    ) -> Predicate {
        let column = Column { name: "x".into(), range, missing };
        let function = Function::of_conversions(conversions);
        let source = Source { column: &column, function: &function };
        Predicate::of(&test, source, &mut Budget::default()).expect("conversions are monotone")
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

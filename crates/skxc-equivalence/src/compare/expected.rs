//! The trainer's own labels against the integer module.

use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::analysis::rounding::Rounding;
use skxc_ir::{Int, Module, OutputKind};

use crate::decision::{Decision, Place, allows_everything, decide, label_text, spans, unit};
use crate::inputs::Rows;
use crate::report::{Report, Tally};
use crate::verdict::{Comparison, Counterexample, Part};

/// Compares `wanted`, for each row what the trainer says in its own words, with
/// what the integer module says: its labels, or its predictions.
///
/// Labels are compared as text or as numbers, so that a trainer may write `1.0`
/// for class 1. A prediction may differ by the proven bound on its error and by
/// one unit in the last place of the trainer's largest number as a `float`:
/// models are exported in these, and their sums pass through numbers as large. Where
/// the bound is as large as the range of the predictions, what differs by more than
/// that unit is undecided.
///
/// # Panics
/// If there are fewer rows of words than rows, a row of words has not one for
/// each label, or a row is outside the ranges.
#[must_use]
pub fn expected(module: &Module<Int>, rows: &Rows, wanted: &[Vec<String>]) -> Report {
    assert!(wanted.len() >= rows.len(), "each row has labels");
    let said = Said::of(module);
    let numbers = wanted.iter().flatten().filter_map(|word| word.trim().parse::<f64>().ok());
    let tolerance = float_ulp(numbers.map(f64::abs).fold(0.0, f64::max));
    let mut tally = Tally::new(Comparison::Expected);
    for (index, ((kind, row), wanted)) in rows.iter().zip(wanted).enumerate() {
        tally.count(kind);
        assert_eq!(wanted.len(), said.0.len(), "each label has a word");
        let decision = decide(module, row);
        let agrees = |at: usize| said.0[at].is(module, &decision, &wanted[at], tolerance);
        let agreements: Vec<Option<bool>> = (0..wanted.len()).map(agrees).collect();
        if let Some(at) = agreements.iter().position(|agrees| *agrees == Some(false)) {
            tally.mismatch(|| Counterexample {
                comparison: Comparison::Expected,
                kind,
                row: row.to_vec(),
                frame: None,
                index: Some(index as u64),
                part: Part::label(at, wanted.len()),
                expected: wanted[at].clone(),
                got: said.0[at].text(module, &decision),
            });
        } else {
            tally.undecided += u64::from(agreements.contains(&None));
        }
    }
    tally.report()
}

/// What a module says of a row.
struct Said(Vec<Word>);

/// One thing of it.
enum Word {
    /// The class of the label at this position among the labels.
    Class(usize),
    /// The number at this position among the scores, in this unit, which is
    /// off by no more than `bound`; none if that would allow any number.
    Number { at: usize, unit: f64, bound: Option<f64> },
}

impl Said {
    fn of(module: &Module<Int>) -> Self {
        let (rounding, ranges) = (Rounding::of(module), Ranges::of(module));
        let (mut words, mut labels, mut scores) = (Vec::new(), 0, 0);
        for output in &module.outputs {
            let is_said = Place::of(module, output) == Place::Label;
            match output.kind {
                OutputKind::Label => {
                    words.extend(is_said.then_some(Word::Class(labels)));
                    labels += 1;
                }
                OutputKind::Score(_) | OutputKind::Value => {
                    let unit = unit(module.ty(output.value).elem);
                    let spans = spans(module, &ranges, output.value);
                    for (&bound, span) in rounding.of_value(output.value).iter().zip(spans) {
                        let bound = (!allows_everything(bound, span)).then_some(bound);
                        words.extend(is_said.then_some(Word::Number { at: scores, unit, bound }));
                        scores += 1;
                    }
                }
            }
        }
        Self(words)
    }
}

impl Word {
    fn text(&self, module: &Module<Int>, decision: &Decision) -> String {
        match *self {
            Self::Class(at) => label_text(module, at, decision.labels[at] as usize),
            Self::Number { at, unit, .. } => (decision.scores[at] as f64 * unit).to_string(),
        }
    }

    /// Is it what the trainer wants? A number may be off by `tolerance` beyond
    /// its bound; none where only a bound could tell, and there is none.
    fn is(
        &self,
        module: &Module<Int>,
        decision: &Decision,
        wanted: &str,
        tolerance: f64,
    ) -> Option<bool> {
        match *self {
            Self::Class(_) => Some(same(wanted, &self.text(module, decision))),
            Self::Number { at, unit, bound } => {
                let got = decision.scores[at] as f64 * unit;
                let Ok(wanted) = wanted.trim().parse::<f64>() else { return Some(false) };
                let error = (got - wanted).abs();
                match bound {
                    Some(bound) => Some(error <= bound + tolerance),
                    None => (error <= tolerance).then_some(true),
                }
            }
        }
    }
}

/// From the `float` nearest to `x` to the next one away from 0.
fn float_ulp(x: f64) -> f64 {
    let nearest = (x as f32).abs();
    f64::from(nearest.next_up()) - f64::from(nearest)
}

/// White space at the ends says nothing: files of rows lose it.
fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim(), b.trim());
    let number = |text: &str| text.parse::<f64>().ok();
    a == b || number(a).is_some_and(|a| number(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_equal_as_text_or_as_numbers() {
        for (a, b, equal) in [
            ("attack", "attack", true),
            ("1.0", "1", true),
            ("-1", "-1", true),
            (" drop\t", "drop", true),
            ("", "drop", false),
            ("attack", "1", false),
            ("0", "1", false),
        ] {
            assert_eq!(same(a, b), equal, "{a} {b}");
        }
    }

    #[test]
    fn the_last_place_of_a_float() {
        assert_eq!(float_ulp(1.0), f64::from(f32::EPSILON));
        assert_eq!(float_ulp(-3.0), 2.0 * f64::from(f32::EPSILON));
        assert!(float_ulp(0.0) > 0.0);
    }
}

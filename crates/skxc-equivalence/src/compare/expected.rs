//! The trainer's own labels against the integer module, and where they differ
//! against the ONNX file: a file that was exported wrong is told apart from a
//! program that does not do what the file does.

use std::cell::OnceCell;

use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::analysis::rounding::Rounding;
use skxc_ir::interpret::{self, Outcome};
use skxc_ir::{Int, Module, OutputKind, Real};

use super::model::{Judge, Standing};
use crate::decision::{
    Decision, Place, allows_everything, cells, decide, label_text, labels, spans, unit,
};
use crate::inputs::Rows;
use crate::report::{Report, Tally};
use crate::verdict::{Comparison, Counterexample, Part};

/// Compares `wanted`, for each row what the trainer says in its own words, with
/// what `int` says, which the passes made of `real`: its labels, or its predictions.
///
/// Labels are compared as text or as numbers, so that a trainer may write `1.0`
/// for class 1. A prediction may differ by the proven bound on its error and by
/// one unit in the last place of the trainer's number as a `float`, since models are
/// exported in these; and by what roundings of other floats may change on its row. Where
/// the bound is as large as the range of the predictions, what differs by more than
/// that unit is undecided.
///
/// Where they differ, the rules of ONNX say what the file makes of the row. If that
/// is not what the trainer says, by more than the floats of the model are off, the
/// file differs from the trainer ([`Report::file_mismatches`]).
///
/// # Panics
/// If there are fewer rows of words than rows, a row of words has not one for
/// each label, a row is outside the ranges, or the modules have other outputs.
#[must_use]
pub fn expected(
    real: &Module<Real>,
    int: &Module<Int>,
    rows: &Rows,
    wanted: &[Vec<String>],
) -> Report {
    assert!(wanted.len() >= rows.len(), "each row has labels");
    let judge = Judge::new(real, int);
    let words = words(int);
    let mut tally = Tally::new(Comparison::Expected);
    let mut of_file = None;
    for (index, ((kind, row), wanted)) in rows.iter().zip(wanted).enumerate() {
        tally.count(kind);
        assert_eq!(wanted.len(), words.len(), "each label has a word");
        let decision = decide(int, row);
        let asked = Asked { judge: &judge, int, row, decision, floats: OnceCell::new() };
        let agreements = words.iter().zip(wanted).map(|(word, wanted)| word.judge(&asked, wanted));
        let worst = agreements.enumerate().max_by_key(|&(at, it)| (it, std::cmp::Reverse(at)));
        let Some((at, agreement)) = worst else { continue };
        let found = || Counterexample {
            comparison: Comparison::Expected,
            kind,
            row: row.to_vec(),
            frame: None,
            index: Some(index as u64),
            part: Part::label(at, wanted.len()),
            expected: wanted[at].clone(),
            got: words[at].text(int, &asked.decision),
        };
        match agreement {
            Agreement::Same => {}
            Agreement::NearTie => tally.near_ties += 1,
            Agreement::Changed => {
                let found = found();
                tally.changed.add(kind, row, vec![(found.part, found.expected, found.got)]);
            }
            Agreement::Undecided => tally.undecided += 1,
            Agreement::FileDiffers => {
                tally.mismatches += 1;
                tally.file_mismatches += 1;
                of_file.get_or_insert_with(found);
            }
            Agreement::ProgramDiffers => tally.mismatch(found),
        }
    }
    // A program that does not do what the file does is shown before all else.
    tally.counterexample = tally.counterexample.or(of_file);
    tally.report()
}

/// How what the trainer says is what the program says, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Agreement {
    /// It is the same.
    Same,
    /// The model's floats are too coarse to tell who is right.
    NearTie,
    /// The file says what the trainer says, and the program does not, within its
    /// proven bound.
    Changed,
    /// Only a bound on the error of the program could tell, and there is none.
    Undecided,
    /// The ONNX file does not say what the trainer says.
    FileDiffers,
    /// The file says what the trainer says, and the program does not.
    ProgramDiffers,
}

/// A row, and what is said of it.
struct Asked<'a> {
    judge: &'a Judge<'a>,
    int: &'a Module<Int>,
    row: &'a [i64],
    /// What the integer module says.
    decision: Decision,
    /// What the file says by the rules of ONNX, once that is asked for.
    floats: OnceCell<Vec<Outcome<f64>>>,
}

impl Asked<'_> {
    /// Would exact arithmetic, or a trainer with other roundings, give this label where
    /// the file's floats do not?
    fn file_may_say(&self, output: usize, label: usize) -> bool {
        let cells = cells(self.judge.real, self.row);
        self.judge.exact_label(output, &cells) == Some(label)
            || self.judge.deciders.trainer_may_say(output, self.row, label)
    }

    /// Could a trainer have given this label to an output, and not only because the
    /// file's floats are equal there, of which every runtime takes the first?
    fn trainer_may_give(&self, output: usize, label: usize) -> bool {
        let deciders = &self.judge.deciders;
        deciders.trainer_may_say(output, self.row, label)
            && !deciders.ties_in_floats(output, self.row, label)
    }

    /// What the file says of an output.
    fn file(&self, output: usize) -> &Outcome<f64> {
        let real = self.judge.real;
        &self.floats.get_or_init(|| interpret::float(real, &cells(real, self.row)))[output]
    }
}

/// One thing that a module says of a row.
enum Word {
    /// The class of a label: its position among the outputs and among the labels.
    Class { output: usize, label: usize },
    /// An element of an output, which is the number `at` among the scores, in this
    /// unit, and off by no more than `bound`; none if that would allow any number.
    Number { output: usize, element: usize, at: usize, unit: f64, bound: Option<f64> },
}

/// All that a module says of a row, in order.
fn words(module: &Module<Int>) -> Vec<Word> {
    let ranges = Ranges::of(module);
    let rounding = Rounding::of(module, &ranges);
    let (mut words, mut label, mut at) = (Vec::new(), 0, 0);
    for (output, it) in module.outputs.iter().enumerate() {
        let is_said = Place::of(module, it) == Place::Label;
        match it.kind {
            OutputKind::Label => {
                words.extend(is_said.then_some(Word::Class { output, label }));
                label += 1;
            }
            OutputKind::Score(_) | OutputKind::Value => {
                let unit = unit(module.ty(it.value).elem);
                let spans = spans(module, &ranges, it.value);
                let bounds = rounding.of_value(it.value).iter().zip(spans);
                for (element, (&bound, span)) in bounds.enumerate() {
                    let bound = (!allows_everything(bound, span)).then_some(bound);
                    let word = Word::Number { output, element, at, unit, bound };
                    words.extend(is_said.then_some(word));
                    at += 1;
                }
            }
        }
    }
    words
}

impl Word {
    fn text(&self, module: &Module<Int>, decision: &Decision) -> String {
        match *self {
            Self::Class { label, .. } => label_text(module, label, decision.labels[label] as usize),
            Self::Number { at, unit, .. } => (decision.scores[at] as f64 * unit).to_string(),
        }
    }

    /// Is it what the trainer wants, and if not, who is to blame?
    fn judge(&self, asked: &Asked<'_>, wanted: &str) -> Agreement {
        match *self {
            Self::Class { output, label } => {
                if same(wanted, &self.text(asked.int, &asked.decision)) {
                    return Agreement::Same;
                }
                let classes = labels(asked.int).nth(label).map_or(0, |(_, table)| table.len());
                let is_wanted = |&class: &usize| same(wanted, &label_text(asked.int, label, class));
                let class = (0..classes).find(is_wanted);
                match (class, asked.file(output)) {
                    (Some(class), &Outcome::Label(file)) if class == file => {
                        let int = asked.decision.labels[label] as usize;
                        match asked.judge.standing(output, asked.row, file, int) {
                            Standing::Changed => Agreement::Changed,
                            // The trainer's floats may be as noisy as the model's.
                            Standing::FloatNoise | Standing::NearTie
                                if asked.trainer_may_give(output, int) =>
                            {
                                Agreement::NearTie
                            }
                            Standing::FloatNoise
                            | Standing::NearTie
                            | Standing::Undecided { .. }
                            | Standing::Differ => Agreement::ProgramDiffers,
                        }
                    }
                    (Some(class), _) if asked.file_may_say(output, class) => Agreement::NearTie,
                    _ => Agreement::FileDiffers,
                }
            }
            Self::Number { output, element, at, unit, bound } => {
                let Ok(wanted) = wanted.trim().parse::<f64>() else {
                    return Agreement::FileDiffers;
                };
                let error = (asked.decision.scores[at] as f64 * unit - wanted).abs();
                let tolerance = float_ulp(wanted);
                if error <= bound.unwrap_or(0.0) + tolerance {
                    return Agreement::Same;
                }
                let Outcome::Numbers(file) = asked.file(output) else {
                    unreachable!("both modules have the same outputs")
                };
                let noise = asked.judge.trainer_noise(output, element, asked.row);
                let allowed = tolerance + noise;
                // A distance that is not a number is no agreement.
                let file_agrees = (file[element] - wanted).abs() <= allowed;
                match bound {
                    _ if !file_agrees => Agreement::FileDiffers,
                    None => Agreement::Undecided,
                    // Other roundings of floats give the trainer's number.
                    Some(bound) if error <= bound + allowed => Agreement::Same,
                    Some(_) => Agreement::ProgramDiffers,
                }
            }
        }
    }
}

/// The distance from the `float` nearest to `x` to the next one away from 0, or of the
/// greatest finite one to that before; 0 for NaN.
fn float_ulp(x: f64) -> f64 {
    if x.is_nan() {
        return 0.0;
    }
    let nearest = (x as f32).abs();
    let next = nearest.next_up();
    if next.is_finite() {
        f64::from(next) - f64::from(nearest)
    } else {
        f64::from(f32::MAX) - f64::from(f32::MAX.next_down())
    }
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
        // Beyond the floats: the last place of the greatest.
        let most = f64::exp2(104.0);
        assert_eq!([1e39, f64::INFINITY, f64::NEG_INFINITY].map(float_ulp), [most; 3]);
        assert_eq!(float_ulp(f64::NAN), 0.0);
    }
}

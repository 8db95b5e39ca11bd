//! When a row of a case is right.
//!
//! | what | right |
//! |---|---|
//! | label | that of trainer and ONNX Runtime; where they differ the row is undecided |
//! | prediction | within the stated bound and one `float32` ulp of either of them, an ulp of the largest prediction |
//! | score | within the stated bound and one `float32` ulp of either, an ulp of the score or of 1, whichever is larger |
//!
//! Trainers compute in `float64` and ONNX Runtime in `float32`, whose sums pass through numbers
//! as large as the largest prediction, so that a result near 0 can be off by many
//! of its own ulps. Where ONNX Runtime cannot run a model its trainer alone is asked.
//!
//! What is wrong only as far as `float32` is blunt counts as close, apart from
//! mismatches:
//! - a number that is off by at most [`NOISE_FACTOR`] times what trainer and ONNX
//!   Runtime differ by in this very number, or by no more than its bound, the ulp
//!   and the noise of the model: the most, over all rows and numbers, that the
//!   model computed with its own roundings is off from exact arithmetic (`skxc
//!   predict --engine reference` against `--engine exact`, neither of which is the
//!   program that is judged);
//! - a label whose margin is within the stated bound and the noise of the model in
//!   its raw scores. The margin is what the raw score of the program is away from 0, or of several
//!   the difference of the two greatest, each of which may be off. Where the program
//!   has no scores, because their transform has no integer form, it is that of the
//!   exact ones of the model, and their noise. It is one only
//!   if labels follow from it: where rows with a margin beyond all doubt have the
//!   same greatest score, or the same sign, and different labels, no row is close.

use std::collections::BTreeMap;
use std::error::Error;

/// A number in a row is close within so many times the difference of trainer and
/// ONNX Runtime there: two results of `float32` noise can be near to each other.
const NOISE_FACTOR: f64 = 16.0;

/// What became of the rows of a case.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Judgement {
    /// Rows that were looked at.
    pub(super) rows: usize,
    /// Rows that are wrong.
    pub(super) mismatches: usize,
    /// Rows that are wrong by no more than `float32` allows.
    pub(super) close: usize,
    /// Rows on which trainer and ONNX Runtime differ.
    pub(super) undecided: usize,
    /// The first row that is wrong, in words.
    pub(super) first: String,
    /// Of numbers the most that one is off, from the nearer of the two.
    pub(super) error_max: Option<f64>,
    /// The rows that are wrong.
    wrong: Vec<usize>,
}

/// How a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Undecided,
    Close,
    Wrong,
}

/// Judges the labels of `got`. They are numbers if there are `bounds`, with some
/// `noise`.
pub(super) fn labels(
    got: &[u8],
    expected: &[u8],
    bounds: Option<&[f64]>,
    noise: f64,
) -> Result<Judgement, Box<dyn Error>> {
    let got = columns(got, "label")?;
    let numbers = columns(expected, "ort_label")?.into_iter().flatten();
    let sizes = numbers.filter_map(|cell| cell.parse::<f64>().ok()).map(f64::abs);
    let largest = sizes.fold(0.0, f64::max);
    judge(&got, expected, "label", |cells| match bounds {
        Some(bounds) => worst(cells, bounds, noise, |_| ulp(largest)),
        None => (label(cells), None),
    })
}

/// Judges the scores of `got`, of a model with some `noise` in them.
pub(super) fn scores(
    got: &[u8],
    expected: &[u8],
    bounds: &[f64],
    noise: f64,
) -> Result<Judgement, Box<dyn Error>> {
    let got = columns(got, "score")?;
    judge(&got, expected, "score", |cells| {
        worst(cells, bounds, noise, |number| ulp(number.abs().max(1.0)))
    })
}

/// The most that numbers of a model (`prefix` is the name of their columns) are,
/// computed with its roundings (`float`), off from exact ones, in all rows where
/// these are known.
pub(super) fn noise(float: &[u8], exact: &[u8], prefix: &str) -> Result<f64, Box<dyn Error>> {
    let (float, exact) = (columns(float, prefix)?, columns(exact, prefix)?);
    let pairs = float.iter().flatten().zip(exact.iter().flatten());
    let off = |(float, exact): (&String, &String)| {
        let numbers = (float.parse::<f64>(), exact.parse::<f64>());
        let (Ok(float), Ok(exact)) = numbers else { return None };
        Some((float - exact).abs()).filter(|off| off.is_finite())
    };
    Ok(pairs.filter_map(off).fold(0.0, f64::max))
}

impl Judgement {
    /// Takes the wrong labels of `got` whose margin, by these scores, is within
    /// `doubt` in each score for close ones.
    pub(super) fn excuse(
        &mut self,
        got: &[u8],
        scores: &[u8],
        doubt: f64,
    ) -> Result<(), Box<dyn Error>> {
        let (labels, scores) = (columns(got, "label")?, columns(scores, "score")?);
        if labels.len() != scores.len() {
            return Ok(());
        }
        let leads: Option<Vec<Lead>> = scores.iter().map(|row| Lead::of(row)).collect();
        let Some(leads) = leads.filter(|_| doubt.is_finite()) else { return Ok(()) };
        let mut label_of = BTreeMap::new();
        for (lead, label) in leads.iter().zip(&labels) {
            let is_one = label.len() == 1;
            let known = label_of.entry(lead.greatest).or_insert(label);
            if !is_one || (lead.margin > doubt * lead.scores && *known != label) {
                return Ok(());
            }
        }
        let is_close = |row: usize| leads[row].margin <= doubt * leads[row].scores;
        let before = self.wrong.len();
        self.wrong.retain(|&row| !is_close(row));
        self.close += before - self.wrong.len();
        self.mismatches -= before - self.wrong.len();
        if self.wrong.is_empty() {
            self.first.clear();
        }
        Ok(())
    }
}

/// By how much the greatest score of a row leads.
struct Lead {
    /// Its place; of one score, whether it is above 0.
    greatest: usize,
    margin: f64,
    /// Scores whose error is in the margin.
    scores: f64,
}

impl Lead {
    fn of(row: &[String]) -> Option<Self> {
        let scores = row.iter().map(|cell| cell.parse().ok()).collect::<Option<Vec<f64>>>()?;
        if let [score] = scores[..] {
            let greatest = usize::from(score > 0.0);
            return Some(Self { greatest, margin: score.abs(), scores: 1.0 });
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let [greatest, next, ..] = order[..] else { return None };
        Some(Self { greatest, margin: scores[greatest] - scores[next], scores: 2.0 })
    }
}

/// Are there scores in what a program or a model gives?
pub(super) fn gives_scores(csv: &[u8]) -> Result<bool, Box<dyn Error>> {
    Ok(columns(csv, "score")?.iter().any(|row| !row.is_empty()))
}

/// Does anybody say what the scores should be?
pub(super) fn has_scores(expected: &[u8]) -> Result<bool, Box<dyn Error>> {
    let told = |prefix: &str| -> Result<bool, Box<dyn Error>> {
        Ok(columns(expected, prefix)?.iter().flatten().any(|cell| !cell.is_empty()))
    };
    Ok(told("sk_score")? || told("ort_score")?)
}

/// The cells of a row: ours, the trainer's, and ONNX Runtime's, or the
/// trainer's again.
type Cells<'a> = [&'a [String]; 3];

fn judge(
    got: &[Vec<String>],
    expected: &[u8],
    what: &str,
    verdict: impl Fn(Cells<'_>) -> (Verdict, Option<f64>),
) -> Result<Judgement, Box<dyn Error>> {
    let sk = columns(expected, &format!("sk_{what}"))?;
    let ort = columns(expected, &format!("ort_{what}"))?;
    let told = |rows: &[Vec<String>]| rows.iter().flatten().any(|cell| !cell.is_empty());
    let sk = if told(&sk) { &sk } else { &ort };
    let ort = if told(&ort) { &ort } else { sk };
    let mut judgement = Judgement { rows: sk.len(), ..Judgement::default() };
    if got.len() != sk.len() {
        judgement.mismatches = got.len().abs_diff(sk.len());
        judgement.first = format!("{} rows came back", got.len());
        return Ok(judgement);
    }
    for (row, (got, (sk, ort))) in got.iter().zip(sk.iter().zip(ort)).enumerate() {
        let is_whole = got.len() == ort.len();
        let (verdict, error) =
            if is_whole { verdict([got, sk, ort]) } else { (Verdict::Wrong, None) };
        if let Some(error) = error {
            judgement.error_max = Some(judgement.error_max.unwrap_or(0.0).max(error));
        }
        match verdict {
            Verdict::Right => {}
            Verdict::Undecided => judgement.undecided += 1,
            Verdict::Close => judgement.close += 1,
            Verdict::Wrong => {
                judgement.mismatches += 1;
                judgement.wrong.push(row);
                if judgement.first.is_empty() {
                    let (got, ort) = (got.join(","), ort.join(","));
                    judgement.first = format!("first at row {row}: {got} for {ort}");
                }
            }
        }
    }
    Ok(judgement)
}

fn label([got, sk, ort]: Cells<'_>) -> Verdict {
    match () {
        () if !same(sk, ort) => Verdict::Undecided,
        () if same(got, ort) => Verdict::Right,
        () => Verdict::Wrong,
    }
}

/// Equal as text, or as numbers.
pub(super) fn same(a: &[String], b: &[String]) -> bool {
    let number = |text: &String| text.parse::<f64>().ok();
    let same =
        |(a, b): (&String, &String)| a == b || number(a).is_some_and(|a| number(b) == Some(a));
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// The worst verdict on the numbers of a row, and the most that one is off; each
/// may be off by its bound and by what `tolerance` makes of the number that is
/// expected, and is close within `noise` more.
fn worst(
    [got, sk, ort]: Cells<'_>,
    bounds: &[f64],
    noise: f64,
    tolerance: impl Fn(f64) -> f64,
) -> (Verdict, Option<f64>) {
    let (mut worst, mut error): (_, f64) = (Verdict::Right, 0.0);
    for (at, ((got, sk), ort)) in got.iter().zip(sk).zip(ort).enumerate() {
        let numbers = (got.parse::<f64>(), sk.parse::<f64>(), ort.parse::<f64>());
        let (Ok(got), Ok(sk), Ok(ort)) = numbers else { return (Verdict::Wrong, None) };
        let allowed = bounds.get(at).copied().unwrap_or(0.0) + tolerance(ort);
        let nearest = (got - sk).abs().min((got - ort).abs());
        error = error.max(nearest);
        if nearest <= allowed {
            continue;
        }
        let is_close = nearest <= NOISE_FACTOR * (sk - ort).abs() || nearest <= allowed + noise;
        worst = if is_close && worst != Verdict::Wrong { Verdict::Close } else { Verdict::Wrong };
    }
    (worst, Some(error))
}

/// From the `float32` nearest to a number to the next one away from 0.
fn ulp(number: f64) -> f64 {
    let nearest = (number as f32).abs();
    f64::from(nearest.next_up()) - f64::from(nearest)
}

/// The cells of all columns whose name is `prefix`, or `prefix` and a number.
pub(super) fn columns(csv: &[u8], prefix: &str) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers()?.clone();
    let numbered = |name: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let wanted: Vec<usize> =
        (0..header.len()).filter(|&column| numbered(&header[column])).collect();
    let cells = |record: csv::StringRecord| {
        wanted.iter().map(|&column| record[column].to_owned()).collect()
    };
    Ok(reader.records().map(|record| record.map(cells)).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_what_the_labels_say() {
        let expected = b"kind,sk_label,ort_label,sk_score0\nreal,0,0,1\nreal,0,1,1\nreal,1,1,0\n";
        let found = labels(b"label,score0\n0,1\n1,1\n0,0\n", expected, None, 0.0).unwrap();
        assert_eq!((found.rows, found.mismatches, found.undecided), (3, 1, 1));
        assert_eq!(found.first, "first at row 2: 0 for 1");
    }

    #[test]
    fn a_model_that_no_runtime_runs_is_judged_by_its_trainer() {
        let expected = b"kind,sk_label,ort_label\nreal,yes,\nreal,no,\n";
        let found = labels(b"label\nyes\nyes\n", expected, None, 0.0).unwrap();
        assert_eq!((found.mismatches, found.undecided), (1, 0));
    }

    #[test]
    fn several_outputs_are_one_row() {
        let expected = b"sk_label0,sk_label1,ort_label0,ort_label1\n0,1,0,1\n1,1,1,1\n";
        let found = labels(b"label0,label1\n0,1\n1,0\n", expected, None, 0.0).unwrap();
        assert_eq!((found.rows, found.mismatches), (2, 1));
    }

    #[test]
    fn numbers_may_be_off_by_the_bound_and_an_ulp() {
        let check = |got: &str, bound: f64, expect: (usize, usize)| {
            let expected = b"sk_label,ort_label\n1.000001,1.000003\n";
            let got = format!("label\n{got}\n");
            let found = labels(got.as_bytes(), expected, Some(&[bound]), 0.0).unwrap();
            assert_eq!((found.mismatches, found.close), expect, "{got}");
        };
        check("1.000001", 0.0, (0, 0));
        check("1.0000031", 0.0, (0, 0));
        check("1.000002", 0.0, (0, 1));
        check("1.00001", 0.0, (0, 1));
        check("1.0001", 0.0, (1, 0));
        check("1.0001", 1e-4, (0, 0));
    }

    #[test]
    fn labels_may_be_wrong_where_scores_are_in_doubt() {
        let expected = b"sk_label,ort_label\nno,no\nyes,yes\nyes,yes\n";
        let check = |got: &str, doubt: f64, expect: (usize, usize)| {
            let got = format!("label,score0\n{got}");
            let mut found = labels(got.as_bytes(), expected, None, 0.0).unwrap();
            found.excuse(got.as_bytes(), got.as_bytes(), doubt).unwrap();
            assert_eq!((found.mismatches, found.close), expect, "{got}");
        };
        check("no,-1\nyes,2\nno,-0.25\n", 0.5, (0, 1));
        check("no,-1\nyes,2\nno,-0.25\n", 0.125, (1, 0));
        check("no,-1\nyes,2\nno,-0.25\n", f64::INFINITY, (1, 0));
        // The sign of the score does not say the label.
        check("no,1\nyes,2\nno,-0.25\n", 0.5, (1, 0));
        let two = b"label,score0,score1\nno,1,0\nyes,0,1\nno,0.5,0.25\n";
        let mut found = labels(two, expected, None, 0.0).unwrap();
        found.excuse(two, two, 0.125).unwrap();
        assert_eq!((found.mismatches, found.close), (0, 1));
    }

    #[test]
    fn noise_is_the_most_that_floats_are_off() {
        let float = b"label,score0,score1\na,1,0.5\na,1.25,0.5\n";
        let exact = b"label,score0,score1\na,1,0.5\na,1.0,\n";
        assert_eq!(noise(float, exact, "score").unwrap(), 0.25);
    }

    #[test]
    fn scores_are_compared_where_somebody_tells_them() {
        let expected = b"sk_label,sk_score0,sk_score1,ort_score0,ort_score1\n1,0.25,0.75,,\n";
        assert!(has_scores(expected).unwrap());
        assert!(!has_scores(b"sk_label,ort_score0\n1,\n").unwrap());
        let judged = |got: &[u8]| scores(got, expected, &[0.0, 0.0], 0.0).unwrap().mismatches;
        assert_eq!(judged(b"label,score0,score1\n1,0.25,0.7500001\n"), 0);
        assert_eq!(judged(b"label,score0,score1\n1,0.25,0.7501\n"), 1);
        assert_eq!(judged(b"label,score0\n1,0.25\n"), 1);
    }
}

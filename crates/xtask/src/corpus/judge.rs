//! When a row of a case is right.
//!
//! | what | right |
//! |---|---|
//! | label | that of trainer and ONNX Runtime; where they differ the row is undecided |
//! | prediction | within the stated bound and one `float32` ulp of either of them, an ulp of the largest prediction |
//! | score | within the stated bound and four `float32` ulps of either, ulps of the score or of 1, whichever is larger |
//!
//! Trainers compute in `float64` and ONNX Runtime in `float32`, whose sums pass through numbers
//! as large as the largest prediction, so that a result near 0 can be off by many
//! of its own ulps. A number that is as near to one of them as they are to each
//! other is undecided. Where ONNX Runtime cannot run a model its trainer alone is asked.

use std::error::Error;

/// Ulps that a score may be off: ONNX Runtime evaluates transforms in `float32`.
const SCORE_ULPS: f64 = 4.0;

/// What became of the rows of a case.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Judgement {
    /// Rows that were looked at.
    pub(super) rows: usize,
    /// Rows that are wrong.
    pub(super) mismatches: usize,
    /// Rows on which trainer and ONNX Runtime differ.
    pub(super) undecided: usize,
    /// The first row that is wrong, in words.
    pub(super) first: String,
}

/// How a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Undecided,
    Wrong,
}

/// Judges the labels of `got`. They are numbers if there are `bounds`.
pub(super) fn labels(
    got: &[u8],
    expected: &[u8],
    bounds: Option<&[f64]>,
) -> Result<Judgement, Box<dyn Error>> {
    let got = columns(got, "label")?;
    let numbers = columns(expected, "ort_label")?.into_iter().flatten();
    let sizes = numbers.filter_map(|cell| cell.parse::<f64>().ok()).map(f64::abs);
    let largest = sizes.fold(0.0, f64::max);
    judge(&got, expected, "label", |cells| match bounds {
        Some(bounds) => worst(cells, bounds, |_| ulp(largest)),
        None => label(cells),
    })
}

/// Judges the scores of `got`.
pub(super) fn scores(
    got: &[u8],
    expected: &[u8],
    bounds: &[f64],
) -> Result<Judgement, Box<dyn Error>> {
    let got = columns(got, "score")?;
    judge(&got, expected, "score", |cells| {
        worst(cells, bounds, |number| SCORE_ULPS * ulp(number.abs().max(1.0)))
    })
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
    verdict: impl Fn(Cells<'_>) -> Verdict,
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
        let verdict = if got.len() == ort.len() { verdict([got, sk, ort]) } else { Verdict::Wrong };
        match verdict {
            Verdict::Right => {}
            Verdict::Undecided => judgement.undecided += 1,
            Verdict::Wrong => {
                judgement.mismatches += 1;
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
fn same(a: &[String], b: &[String]) -> bool {
    let number = |text: &String| text.parse::<f64>().ok();
    let same =
        |(a, b): (&String, &String)| a == b || number(a).is_some_and(|a| number(b) == Some(a));
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// The worst verdict on the numbers of a row; each may be off by its bound and
/// by what `tolerance` makes of the number that is expected.
fn worst([got, sk, ort]: Cells<'_>, bounds: &[f64], tolerance: impl Fn(f64) -> f64) -> Verdict {
    let mut worst = Verdict::Right;
    for (at, ((got, sk), ort)) in got.iter().zip(sk).zip(ort).enumerate() {
        let numbers = (got.parse::<f64>(), sk.parse::<f64>(), ort.parse::<f64>());
        let (Ok(got), Ok(sk), Ok(ort)) = numbers else { return Verdict::Wrong };
        let allowed = bounds.get(at).copied().unwrap_or(0.0) + tolerance(ort);
        let nearest = (got - sk).abs().min((got - ort).abs());
        if nearest <= allowed {
            continue;
        }
        if nearest <= allowed + (sk - ort).abs() {
            worst = Verdict::Undecided;
        } else {
            return Verdict::Wrong;
        }
    }
    worst
}

/// From the `float32` nearest to a number to the next one away from 0.
fn ulp(number: f64) -> f64 {
    let nearest = (number as f32).abs();
    f64::from(nearest.next_up()) - f64::from(nearest)
}

/// The cells of all columns whose name is `prefix`, or `prefix` and a number.
fn columns(csv: &[u8], prefix: &str) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
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
        let found = labels(b"label,score0\n0,1\n1,1\n0,0\n", expected, None).unwrap();
        assert_eq!((found.rows, found.mismatches, found.undecided), (3, 1, 1));
        assert_eq!(found.first, "first at row 2: 0 for 1");
    }

    #[test]
    fn a_model_that_no_runtime_runs_is_judged_by_its_trainer() {
        let expected = b"kind,sk_label,ort_label\nreal,yes,\nreal,no,\n";
        let found = labels(b"label\nyes\nyes\n", expected, None).unwrap();
        assert_eq!((found.mismatches, found.undecided), (1, 0));
    }

    #[test]
    fn several_outputs_are_one_row() {
        let expected = b"sk_label0,sk_label1,ort_label0,ort_label1\n0,1,0,1\n1,1,1,1\n";
        let found = labels(b"label0,label1\n0,1\n1,0\n", expected, None).unwrap();
        assert_eq!((found.rows, found.mismatches), (2, 1));
    }

    #[test]
    fn numbers_may_be_off_by_the_bound_and_an_ulp() {
        let check = |got: &str, bound: f64, expect: (usize, usize)| {
            let expected = b"sk_label,ort_label\n1.000001,1.000003\n";
            let got = format!("label\n{got}\n");
            let found = labels(got.as_bytes(), expected, Some(&[bound])).unwrap();
            assert_eq!((found.mismatches, found.undecided), expect, "{got}");
        };
        check("1.000001", 0.0, (0, 0));
        check("1.0000031", 0.0, (0, 0));
        check("1.000002", 0.0, (0, 1));
        check("1.00001", 0.0, (1, 0));
        check("1.00001", 1e-5, (0, 0));
    }

    #[test]
    fn scores_are_compared_where_somebody_tells_them() {
        let expected = b"sk_label,sk_score0,sk_score1,ort_score0,ort_score1\n1,0.25,0.75,,\n";
        assert!(has_scores(expected).unwrap());
        assert!(!has_scores(b"sk_label,ort_score0\n1,\n").unwrap());
        let judged = |got: &[u8]| scores(got, expected, &[0.0, 0.0]).unwrap().mismatches;
        assert_eq!(judged(b"label,score0,score1\n1,0.25,0.7500003\n"), 0);
        assert_eq!(judged(b"label,score0,score1\n1,0.25,0.7501\n"), 1);
        assert_eq!(judged(b"label,score0\n1,0.25\n"), 1);
    }
}

//! Ranges of predictions, by which packets are acted upon when a model gives
//! numbers instead of classes.
//!
//! What must hold: a range is half open, `LO..HI` is every prediction that is
//! at least LO and below HI; either end may be empty. Ranges of one prediction
//! do not overlap, so that the order in which they are written is no matter.

use std::fmt;
use std::str::FromStr;

use skxc_diagnostics::{Diagnostic, codes};

/// A range; no end is infinity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    /// The least number in it.
    pub(crate) low: Option<f64>,
    /// The least number above it.
    pub(crate) high: Option<f64>,
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = || format!("`{text}` is no range of predictions such as `0.5..2` or `10..`");
        let end = |text: &str| match text.trim() {
            "" => Ok(None),
            // 0 and -0 are one number and are written in one way.
            text => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Some(number + 0.0)),
                Ok(_) | Err(_) => Err(wanted()),
            },
        };
        let (low, high) = text.split_once("..").ok_or_else(wanted)?;
        let range = Self { low: end(low)?, high: end(high)? };
        match range {
            Self { low: Some(low), high: Some(high) } if low >= high => Err(format!(
                "the range `{text}` is empty: it holds what is at least {low} and below {high}"
            )),
            _ => Ok(range),
        }
    }
}

/// In one form, whatever the form it was written in.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(low) = self.low {
            write!(f, "{low}")?;
        }
        f.write_str("..")?;
        match self.high {
            Some(high) => write!(f, "{high}"),
            None => Ok(()),
        }
    }
}

impl Range {
    fn overlaps(self, other: Self) -> bool {
        let below = |high: Option<f64>, low: Option<f64>| {
            high.zip(low).is_some_and(|(high, low)| high <= low)
        };
        !below(self.high, other.low) && !below(other.high, self.low)
    }
}

/// What a prediction is divided into.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Division {
    /// Where one interval ends and the next begins, rising.
    pub(crate) cuts: Vec<f64>,
    /// The intervals by name: those asked for and those between.
    pub(crate) intervals: Vec<String>,
}

/// Divides a prediction at the ends of all ranges.
pub(crate) fn divide(ranges: &[Range]) -> Result<Division, Diagnostic> {
    for (index, &a) in ranges.iter().enumerate() {
        if let Some(b) = ranges[..index].iter().find(|&&b| a.overlaps(b)) {
            let message = format!("the ranges `{b}` and `{a}` overlap");
            return Err(Diagnostic::error(codes::RANGE, message)
                .note("a prediction in both would have two actions"));
        }
    }
    let mut cuts: Vec<f64> = ranges.iter().flat_map(|it| [it.low, it.high]).flatten().collect();
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let lows = std::iter::once(None).chain(cuts.iter().copied().map(Some));
    let highs = cuts.iter().copied().map(Some).chain([None]);
    let intervals = lows.zip(highs).map(|(low, high)| Range { low, high }.to_string()).collect();
    Ok(Division { cuts, intervals })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_written_in_one_form() {
        for (text, form) in [
            ("0.5..2", Some("0.5..2")),
            (" 0.50 .. 2.0", Some("0.5..2")),
            ("..5", Some("..5")),
            ("1e3..", Some("1000..")),
            ("-2..-1", Some("-2..-1")),
            ("-0..1", Some("0..1")),
            ("1...5", None),
            ("..", Some("..")),
            ("2..1", None),
            ("1..1", None),
            ("nan..1", None),
            ("inf..", None),
            ("attack", None),
        ] {
            let found = text.parse::<Range>().ok().map(|range| range.to_string());
            assert_eq!(found.as_deref(), form, "{text}");
        }
    }

    #[test]
    fn a_prediction_is_divided_at_every_end() {
        let divided = |texts: &[&str]| {
            let ranges: Vec<Range> = texts.iter().map(|text| text.parse().unwrap()).collect();
            divide(&ranges).map(|division| division.intervals.join(" "))
        };
        assert_eq!(divided(&[]).unwrap(), "..");
        assert_eq!(divided(&["5.."]).unwrap(), "..5 5..");
        assert_eq!(divided(&["5..", "1..2"]).unwrap(), "..1 1..2 2..5 5..");
        assert_eq!(divided(&["1..2", "2..3"]).unwrap(), "..1 1..2 2..3 3..");
        assert!(divided(&["1..3", "2..4"]).is_err());
        assert!(divided(&["..", "2..4"]).is_err());
        assert!(divided(&["1..2", "1..2"]).is_err());
    }
}

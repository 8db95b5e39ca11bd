//! The trainer's own labels against the integer module.

use skxc_ir::{Int, Module};

use crate::decision::{decide, label_text};
use crate::inputs::Rows;
use crate::report::{Report, Tally};
use crate::verdict::{Comparison, Counterexample, Part};

/// Compares `labels`, one a row and in the words of the trainer, with the
/// label of the integer module. Numbers are compared as numbers, so that a
/// trainer may write `1.0` for class 1.
///
/// # Panics
/// If there are fewer labels than rows, or a row is outside the ranges.
#[must_use]
pub fn expected(module: &Module<Int>, rows: &Rows, labels: &[String]) -> Report {
    assert!(labels.len() >= rows.len(), "each row has a label");
    let mut tally = Tally::new(Comparison::Expected);
    for (index, ((kind, row), label)) in rows.iter().zip(labels).enumerate() {
        tally.count(kind);
        let class = decide(module, row).label as usize;
        let got = label_text(module, class);
        if !same(label, &got) {
            tally.mismatch(|| Counterexample {
                comparison: Comparison::Expected,
                kind,
                row: row.to_vec(),
                frame: None,
                index: Some(index as u64),
                part: Part::Label,
                expected: label.clone(),
                got,
            });
        }
    }
    tally.report()
}

fn same(a: &str, b: &str) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok();
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
            ("attack", "1", false),
            ("0", "1", false),
        ] {
            assert_eq!(same(a, b), equal, "{a} {b}");
        }
    }
}

//! A threshold on one class: how it is written, and which class it is for.
//!
//! What must hold:
//! - a threshold belongs to a class that is named, or that is beyond doubt:
//!   class 1 of the labels 0 and 1, else the one class whose action is not to
//!   pass. Nothing else is guessed: on the wrong class a threshold drops what it
//!   was to spare;
//! - a program decides by one threshold: two could ask for two classes;
//! - options hold it with its class, in the form in which actions name classes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};
use skxc_ir::{Module, Real, ScoreKind};
use skxc_passes::threshold::{ClassThreshold, ThresholdError, set_threshold};

use crate::actions::{self, Action, Label};
use crate::session::Stop;
use crate::shell;

/// `--threshold CLASS=P`: the class iff its probability is greater than P.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Threshold {
    /// The class as `--action` names it; none if it was left out and [`set`] has
    /// not found it yet.
    pub(crate) class: Option<String>,
    /// The probability, or the score where the model has no probabilities, that
    /// decides for the class where it is exceeded.
    pub(crate) above: f64,
}

impl FromStr for Threshold {
    type Err = String;

    /// Splits at the last `=`, since a label may hold one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (class, number) = match text.rsplit_once('=') {
            Some((class, number)) => (Some(class.to_owned()), number),
            None => (None, text),
        };
        let above = number.trim().parse().map_err(|_| {
            format!("`{number}` is not a number; wanted CLASS=P, such as attack=0.9")
        })?;
        Ok(Self { class, above })
    }
}

/// As on the command line, not yet quoted for a shell.
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.class {
            Some(class) => write!(f, "{class}={}", self.above),
            None => write!(f, "{}", self.above),
        }
    }
}

/// Reads the threshold of a project file: `0.9` or `{ attack = 0.9 }`.
pub(crate) fn of_project<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Threshold>, D::Error> {
    struct Written;

    impl<'de> Visitor<'de> for Written {
        type Value = Threshold;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number such as 0.9, or one class with a number: { attack = 0.9 }")
        }

        fn visit_f64<E: Error>(self, above: f64) -> Result<Threshold, E> {
            Ok(Threshold { class: None, above })
        }

        fn visit_i64<E: Error>(self, above: i64) -> Result<Threshold, E> {
            Ok(Threshold { class: None, above: above as f64 })
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Threshold, M::Error> {
            let one = || M::Error::custom("wanted one class, as in { attack = 0.9 }");
            let (class, above) = map.next_entry()?.ok_or_else(one)?;
            match map.next_key::<String>()? {
                None => Ok(Threshold { class: Some(class), above }),
                Some(_) => Err(one()),
            }
        }
    }

    from.deserialize_any(Written).map(Some)
}

/// The threshold of the flags, of which there may be one.
pub(crate) fn only(given: &[Threshold]) -> Result<Option<Threshold>, Stop> {
    match given {
        [] => Ok(None),
        [threshold] => Ok(Some(threshold.clone())),
        several => Err(Stop::input(too_many(several))),
    }
}

fn too_many(several: &[Threshold]) -> Diagnostic {
    let words = |it: &Threshold| format!("--threshold {}", shell::word(&it.to_string()));
    let lines: Vec<String> = several.iter().map(words).collect();
    let message = format!("{} thresholds are given; a program decides by one", several.len());
    Diagnostic::error(codes::SEVERAL_THRESHOLDS, message)
        .note("where the probabilities of two classes are greater than theirs, each would be decided for")
        .help(format!("keep one of:\n{}", lines.join("\n")))
        .help("decide by several in a program of your own, on the probabilities: --hook none --output score")
}

/// Makes `module` decide by `threshold`, which gets the name of its class; says
/// what the number is compared with.
///
/// `wanted` are the actions by class that were asked for.
pub(crate) fn set(
    module: &mut Module<Real>,
    threshold: &mut Threshold,
    wanted: &BTreeMap<String, Action>,
) -> Result<ScoreKind, Diagnostic> {
    let labels = actions::labels(module);
    if labels.is_empty() {
        return Err(ThresholdError::NoLabel.diagnostic());
    }
    let (label, class) = match &threshold.class {
        Some(name) => {
            actions::find(&labels, name).ok_or_else(|| actions::unknown_class(name, &labels))?
        }
        None => beyond_doubt(&labels, wanted).ok_or_else(|| ambiguous(threshold, &labels))?,
    };
    threshold.class = Some(actions::name(&labels, label, class));
    let wanted = ClassThreshold { label, class, above: threshold.above };
    set_threshold(module, wanted).map_err(|error| match error {
        ThresholdError::OtherClass { scored } => {
            let other = actions::name(&labels, label, scored);
            let message = format!(
                "the model gives no score for class `{}`, only for `{}`",
                escape_to_one_line(threshold.class.as_deref().unwrap_or_default()),
                escape_to_one_line(&other)
            );
            Diagnostic::error(codes::NO_THRESHOLD, message)
                .help(format!("put it on that class: {}", flag(&other, threshold.above)))
        }
        error => error.diagnostic(),
    })
}

/// The class that a threshold without one can only be for.
fn beyond_doubt(labels: &[Label], wanted: &BTreeMap<String, Action>) -> Option<(usize, usize)> {
    if let [label] = labels
        && label.is_zero_one
    {
        return Some((0, 1));
    }
    let acted = wanted.iter().filter(|(_, action)| **action != Action::Pass);
    let acted: Vec<_> = acted.map(|(name, _)| actions::find(labels, name)).collect();
    match acted[..] {
        [only] => only,
        _ => None,
    }
}

/// Classes that are listed.
const CLASSES_SHOWN_MAX: usize = 20;

fn ambiguous(threshold: &Threshold, labels: &[Label]) -> Diagnostic {
    let names = actions::names(labels);
    let message = format!("the threshold {} does not say which class it is for", threshold.above);
    let lines = names.iter().take(CLASSES_SHOWN_MAX).map(|name| flag(name, threshold.above));
    let mut lines: Vec<String> = lines.collect();
    if names.len() > CLASSES_SHOWN_MAX {
        lines.push(format!("and so on for {} more", names.len() - CLASSES_SHOWN_MAX));
    }
    Diagnostic::error(codes::THRESHOLD_CLASS, message)
        .note("a class is decided for only if its probability is greater than the threshold")
        .help(format!("name the class, by one of:\n{}", lines.join("\n")))
}

/// The flag for a class, as it is typed.
fn flag(class: &str, above: f64) -> String {
    format!("--threshold {}", shell::word(&format!("{class}={above}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(classes: &[&str], is_zero_one: bool) -> Label {
        let classes = classes.iter().map(|&class| class.to_owned()).collect();
        Label { name: "label".to_owned(), classes, is_zero_one }
    }

    #[test]
    fn a_threshold_is_split_at_the_last_equals_sign() {
        for (text, class, above) in [
            ("0.9", None, 0.9),
            ("-0.5", None, -0.5),
            ("attack=0.9", Some("attack"), 0.9),
            ("a=b=0.9", Some("a=b"), 0.9),
            ("-1=0.9", Some("-1"), 0.9),
            ("a,b=1e-3", Some("a,b"), 1e-3),
        ] {
            let found: Threshold = text.parse().unwrap();
            assert_eq!(found, Threshold { class: class.map(str::to_owned), above });
        }
        assert!("attack".parse::<Threshold>().is_err());
        assert!("attack=much".parse::<Threshold>().is_err());
        assert!("".parse::<Threshold>().is_err());
    }

    #[test]
    fn the_class_is_left_out_only_where_it_is_beyond_doubt() {
        let check = |label: Label, wanted: &[(&str, Action)], expect: Option<usize>| {
            let wanted = wanted.iter().map(|&(name, action)| (name.to_owned(), action)).collect();
            let found = beyond_doubt(&[label], &wanted);
            assert_eq!(found, expect.map(|class| (0, class)), "{wanted:?}");
        };
        use Action::{Drop, Pass, Tx};
        check(label(&["0", "1"], true), &[], Some(1));
        check(label(&["0", "1"], true), &[("0", Drop)], Some(1));
        let words = || label(&["attack", "benign", "odd"], false);
        check(words(), &[], None);
        check(words(), &[("attack", Drop)], Some(0));
        check(words(), &[("benign", Pass), ("attack", Drop)], Some(0));
        check(words(), &[("benign", Tx), ("attack", Drop)], None);
        check(words(), &[("benign", Pass)], None);
        check(words(), &[("nothing", Drop)], None);
    }
}

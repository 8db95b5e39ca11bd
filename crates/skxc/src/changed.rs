//! How many labels a program may change (`--max-changed`), and what is said of those
//! that it does change.
//!
//! What must hold: a label that changed is never passed over in silence, whatever the
//! limit.

use std::fmt::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};
use skxc_equivalence::{Changed, ChangedClass, Comparison, Report};

use crate::reports::{Timed, counted};

/// How many rows may change their label: `5`, or a part of the rows as in `0.1%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MaxChanged {
    /// So many rows of the caller.
    Rows(u64),
    /// So many of a hundred rows, of those of the caller and of those that were made.
    Percent(f64),
}

/// Of made rows, where a precision was asked for and nothing else is said.
const MADE_PERCENT: f64 = 0.1;

impl FromStr for MaxChanged {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted =
            || format!("`{text}` is not a number of rows, as 5, or a part of them, as 0.1%");
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Rows).map_err(|_| wanted()),
            Some(number) => match number.trim().parse() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                Ok(_) | Err(_) => Err(wanted()),
            },
        }
    }
}

/// Reads `max-changed` from a project file: a number of rows, or text.
pub(crate) fn of_project<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<MaxChanged>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "expected a number of rows such as 5, or a part such as \"0.1%\""
    )]
    enum Said {
        Rows(u64),
        Text(String),
    }
    match Said::deserialize(from)? {
        Said::Rows(rows) => Ok(Some(MaxChanged::Rows(rows))),
        Said::Text(text) => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

/// What may change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// As was asked for.
    pub(crate) most: Option<MaxChanged>,
    /// Was a precision asked for? Without one nothing is lost on purpose, and made rows,
    /// some of which lie on class boundaries, have no limit.
    pub(crate) precision: bool,
}

/// Rows of one origin.
struct Group {
    /// What they are called.
    name: &'static str,
    rows: u64,
    changed: u64,
    allowed: Option<u64>,
}

impl Group {
    fn is_exceeded(&self) -> bool {
        self.allowed.is_some_and(|allowed| self.changed > allowed)
    }

    fn text(&self) -> String {
        let Self { name, rows, changed, allowed } = self;
        let allowed = match allowed {
            Some(0) => "none may".to_owned(),
            Some(1) => "1 may".to_owned(),
            Some(allowed) => format!("{allowed} may"),
            None => "no limit without --precision".to_owned(),
        };
        format!("{changed} of {rows} {name} ({allowed})")
    }
}

/// So many of a hundred of the rows, rounded down. 29% of 100 rows are 29, though the
/// product of floats is less.
fn part(percent: f64, rows: u64) -> u64 {
    (percent * rows as f64 / 100.0 * (1.0 + 4.0 * f64::EPSILON)) as u64
}

impl Limits {
    fn groups(self, report: &Report) -> [Group; 2] {
        let (given, all) = (report.given(), report.vectors());
        let made = all - given;
        let of_given = match self.most {
            None => 0,
            Some(MaxChanged::Rows(rows)) => rows,
            Some(MaxChanged::Percent(percent)) => part(percent, given),
        };
        let of_made = match self.most {
            Some(MaxChanged::Percent(percent)) => part(percent, made),
            None | Some(MaxChanged::Rows(_)) => part(MADE_PERCENT, made),
        };
        let Changed { given: changed_given, made: changed_made, .. } = report.changed;
        [
            Group {
                name: "rows of --input and --capture",
                rows: given,
                changed: changed_given,
                allowed: Some(of_given),
            },
            Group {
                name: "made rows",
                rows: made,
                changed: changed_made,
                allowed: self.precision.then_some(of_made),
            },
        ]
    }

    /// The rows whose labels changed, more than may.
    fn exceeded(self, comparisons: &[Timed]) -> Vec<Group> {
        let Some(report) = of_model(comparisons) else { return Vec::new() };
        self.groups(report).into_iter().filter(Group::is_exceeded).collect()
    }

    /// Did any label change?
    pub(crate) fn has_changes(self, comparisons: &[Timed]) -> bool {
        of_model(comparisons).is_some_and(|report| report.changed.given + report.changed.made > 0)
    }

    /// Did more labels change than may?
    pub(crate) fn are_exceeded(self, comparisons: &[Timed]) -> bool {
        !self.exceeded(comparisons).is_empty()
    }

    /// What the comparisons amount to, if that is all that is wrong.
    pub(crate) fn conclusion(self, comparisons: &[Timed]) -> Option<String> {
        let exceeded = self.exceeded(comparisons);
        let texts: Vec<String> = exceeded.iter().map(Group::text).collect();
        (!texts.is_empty()).then(|| format!("labels changed: {}", texts.join(", ")))
    }

    /// The lines that a report begins with; none if no label changed.
    pub(crate) fn lines(self, comparisons: &[Timed], columns: &[String]) -> String {
        let mut text = String::new();
        let Some(report) = of_model(comparisons) else { return text };
        for group in self.groups(report).iter().filter(|group| group.changed > 0) {
            let sign = if group.is_exceeded() { "LABELS CHANGED" } else { "labels changed" };
            let _ = writeln!(text, "  {sign}: {}", group.text());
        }
        let Changed { classes, example, .. } = &report.changed;
        for class in most_frequent(classes) {
            let _ = writeln!(text, "      {class}");
        }
        if let Some(row) = example {
            let cells: Vec<String> =
                columns.iter().zip(row).map(|(name, x)| format!("{name}={x}")).collect();
            let _ = writeln!(text, "      for example {}", cells.join(" "));
        }
        text
    }

    /// For a machine.
    pub(crate) fn json(self, comparisons: &[Timed]) -> Value {
        let Some(report) = of_model(comparisons) else { return Value::Null };
        let [given, made] = self.groups(report).map(|group| {
            json!({ "rows": group.rows, "changed": group.changed, "allowed": group.allowed })
        });
        json!({ "given": given, "made": made, "exceeded": self.are_exceeded(comparisons) })
    }

    /// What `--max-changed` would say to accept a report: a number of rows of the caller
    /// where that is enough, or else a part of all.
    fn accepting(self, report: &Report) -> String {
        let [given, made] = self.groups(report);
        let number = MaxChanged::Rows(given.changed);
        let with_number = Self { most: Some(number), ..self };
        if !with_number.groups(report).iter().any(Group::is_exceeded) {
            return given.changed.to_string();
        }
        let limited = [given, made].into_iter().filter(|it| it.rows > 0 && it.allowed.is_some());
        let parts = limited.map(|it| 1000.0 * it.changed as f64 / it.rows as f64);
        format!("{}%", parts.fold(0.0, f64::max).ceil() / 10.0)
    }

    /// What to do if more labels changed than may.
    pub(crate) fn diagnostic(self, comparisons: &[Timed]) -> Option<Diagnostic> {
        let exceeded = self.exceeded(comparisons);
        let texts: Vec<String> = exceeded.iter().map(Group::text).collect();
        if exceeded.is_empty() {
            return None;
        }
        let accepted = self.accepting(of_model(comparisons)?);
        let more_bits = "compile with more bits, or without `--precision`";
        let message = format!("the program changes labels: {}", texts.join(", "));
        let diagnostic = Diagnostic::error(codes::LABELS_CHANGED, message).note(
            "exact arithmetic on the weights decides as the model does, and the program otherwise, \
             within its proven bound",
        );
        let diagnostic = if self.precision { diagnostic.help(more_bits) } else { diagnostic };
        Some(diagnostic.help(format!("`--max-changed {accepted}` accepts them")))
    }
}

/// The comparison that says which labels changed.
fn of_model(comparisons: &[Timed]) -> Option<&Report> {
    let mut reports = comparisons.iter().map(|timed| &timed.report);
    reports.find(|report| report.comparison == Comparison::Model)
}

/// Changes that are told one by one; of the others how many they are.
const CLASSES_SHOWN_MAX: usize = 8;

/// The most frequent changes, in words.
fn most_frequent(classes: &[ChangedClass]) -> Vec<String> {
    let mut classes: Vec<&ChangedClass> = classes.iter().collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.rows));
    let others: u64 = classes.iter().skip(CLASSES_SHOWN_MAX).map(|class| class.rows).sum();
    let line = |class: &&ChangedClass| {
        let (from, to) = (escape_to_one_line(&class.from), escape_to_one_line(&class.to));
        let rows = counted(class.rows, "row", "rows");
        format!("{}: {rows} from `{from}` to `{to}`", class.part)
    };
    let mut lines: Vec<String> = classes.iter().take(CLASSES_SHOWN_MAX).map(line).collect();
    if others > 0 {
        lines.push(format!("{} between other classes", counted(others, "row", "rows")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use skxc_equivalence::{Kind, Reason};

    #[test]
    fn a_limit_is_a_number_of_rows_or_a_part_of_them() {
        for (text, expect) in [
            ("5", Some(MaxChanged::Rows(5))),
            ("0", Some(MaxChanged::Rows(0))),
            ("0.1%", Some(MaxChanged::Percent(0.1))),
            ("100 %", Some(MaxChanged::Percent(100.0))),
            ("101%", None),
            ("-1", None),
            ("0.1", None),
            ("%", None),
            ("nan%", None),
        ] {
            assert_eq!(text.parse().ok(), expect, "{text}");
        }
    }

    /// For every part of some rows, given and made, what is said to be accepted is.
    #[test]
    fn what_is_said_to_accept_the_changes_does() {
        for (rows, changed) in (1..=120).flat_map(|rows| (0..=rows).map(move |it| (rows, it))) {
            for (precision, changed_made) in [(true, 0), (true, 300), (false, 300)] {
                let mut report = Report::not_made(Comparison::Model, Reason::NotRun);
                report.tried.extend([(Kind::Csv, rows), (Kind::Random, 1000)]);
                report.changed.given = changed;
                report.changed.made = changed_made;
                let asked = Limits { most: None, precision };
                let said = asked.accepting(&report);
                let most = said.parse().expect("it can be typed");
                let groups = Limits { most: Some(most), precision }.groups(&report);
                assert!(!groups.iter().any(Group::is_exceeded), "{changed} of {rows}: {said}");
            }
        }
        assert_eq!(part(29.0, 100), 29);
    }
}

//! What happens to packets of each class.
//!
//! What must hold:
//! - a class that nothing names passes;
//! - without any action there is a default only when the labels are exactly
//!   the integers 0 and 1 (then 1 drops): a guess would drop the wrong half.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};
use skxc_ir::LabelTable;

use crate::names::closest;

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// On to the network stack
    Pass,
    /// Thrown away
    Drop,
    /// Thrown away, with a trace point
    Aborted,
    /// Back out of the interface it came in by
    Tx,
}

impl Action {
    /// `enum xdp_action` of linux/bpf.h.
    pub(crate) fn xdp(self) -> u32 {
        match self {
            Self::Aborted => 0,
            Self::Drop => 1,
            Self::Pass => 2,
            Self::Tx => 3,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Drop => "drop",
            Self::Aborted => "aborted",
            Self::Tx => "tx",
        })
    }
}

/// `CLASS=ACTION` of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClassAction {
    /// The label of the class, as a person writes it.
    pub(crate) class: String,
    /// What happens to its packets.
    pub(crate) action: Action,
}

impl FromStr for ClassAction {
    type Err = String;

    /// Splits at the last `=`, since a label may hold one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((class, action)) = text.rsplit_once('=') else {
            return Err("wanted CLASS=ACTION, such as attack=drop".to_owned());
        };
        let action = Action::from_str(action, true).map_err(|_| {
            format!("unknown action `{action}`; there are pass, drop, aborted and tx")
        })?;
        Ok(Self { class: class.to_owned(), action })
    }
}

/// The action of each class, by class index.
///
/// `wanted` is by label; later entries have won already. `shadow` says that
/// verdicts are not acted upon, so that no mapping is needed.
pub(crate) fn resolve(
    labels: &LabelTable,
    wanted: &BTreeMap<String, Action>,
    shadow: bool,
) -> Result<Vec<Action>, Vec<Diagnostic>> {
    let texts: Vec<String> = (0..labels.len()).map(|class| labels.text(class)).collect();
    let mut actions = vec![Action::Pass; texts.len()];
    if wanted.is_empty() {
        if let LabelTable::Integers(integers) = labels
            && integers == &[0, 1]
        {
            actions[1] = Action::Drop;
        } else if !shadow {
            return Err(vec![ambiguous(&texts)]);
        }
        return Ok(actions);
    }
    let mut problems = Vec::new();
    for (class, &action) in wanted {
        match texts.iter().position(|text| text == class) {
            Some(index) => actions[index] = action,
            None => problems.push(unknown_class(class, &texts)),
        }
    }
    if problems.is_empty() { Ok(actions) } else { Err(problems) }
}

fn ambiguous(labels: &[String]) -> Diagnostic {
    let example = labels.last().map_or("attack", String::as_str);
    Diagnostic::error(codes::ACTION_REQUIRED, "nothing says what happens to packets of which class")
        .note(format!("the classes are {}", listed(labels)))
        .help(format!("say it: --action {example}=drop"))
        .help("or only decide and count: --shadow")
}

fn unknown_class(class: &str, labels: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        codes::UNKNOWN_CLASS,
        format!("the model has no class `{}`", escape_to_one_line(class)),
    )
    .note(format!("the classes are {}", listed(labels)));
    match closest(class, labels.iter().map(String::as_str)).first() {
        Some(near) => diagnostic.help(format!("did you mean `{}`?", escape_to_one_line(near))),
        None => diagnostic,
    }
}

/// At most twenty labels in backticks.
fn listed(labels: &[String]) -> String {
    const SHOWN_MAX: usize = 20;
    let mut text: Vec<String> = labels
        .iter()
        .take(SHOWN_MAX)
        .map(|label| format!("`{}`", escape_to_one_line(label)))
        .collect();
    if labels.len() > SHOWN_MAX {
        text.push(format!("and {} more", labels.len() - SHOWN_MAX));
    }
    text.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        labels: LabelTable,
        wanted: &[&str],
        shadow: bool,
        expect: Result<&[Action], skxc_diagnostics::Code>,
    ) {
        let wanted = wanted
            .iter()
            .map(|text| text.parse::<ClassAction>().unwrap())
            .map(|pair| (pair.class, pair.action))
            .collect();
        let found = resolve(&labels, &wanted, shadow);
        match (found, expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect),
            (Err(found), Err(expect)) => assert_eq!(found[0].code, expect),
            (found, expect) => panic!("found {found:?}, wanted {expect:?}"),
        }
    }

    #[test]
    fn a_default_exists_for_zero_and_one_only() {
        use Action::{Drop, Pass, Tx};
        let zero_one = || LabelTable::Integers(vec![0, 1]);
        let words = || LabelTable::Strings(vec!["attack".into(), "a=b".into()]);
        check(zero_one(), &[], false, Ok(&[Pass, Drop]));
        check(zero_one(), &["0=drop"], false, Ok(&[Drop, Pass]));
        check(LabelTable::Integers(vec![1, 0]), &[], false, Err(codes::ACTION_REQUIRED));
        check(LabelTable::Integers(vec![0, 1, 2]), &[], false, Err(codes::ACTION_REQUIRED));
        check(words(), &[], false, Err(codes::ACTION_REQUIRED));
        check(words(), &[], true, Ok(&[Pass, Pass]));
        check(words(), &["attack=drop", "a=b=tx"], false, Ok(&[Drop, Tx]));
        check(words(), &["atack=drop"], false, Err(codes::UNKNOWN_CLASS));
    }
}

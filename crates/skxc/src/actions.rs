//! What happens to packets of each class.
//!
//! What must hold:
//! - a class that nothing names passes;
//! - of several labels the first, in the order of the outputs, whose action is
//!   not to pass decides;
//! - without any action there is a default only when the labels are exactly
//!   the integers 0 and 1 (then 1 drops): a guess would drop the wrong half.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};
use skxc_ir::{Domain, ElementType, LabelTable, Module, Output, OutputKind};

use crate::names::closest;
use crate::ranges::Range;

/// The verdict about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// On to the network stack
    Pass,
    /// The packet is thrown away
    Drop,
    /// Thrown away, with a trace point
    Aborted,
    /// Back out of the interface it came in by
    Tx,
}

impl Action {
    /// What a program with this action does, before the packets.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Pass => "passes",
            Self::Drop => "drops",
            Self::Aborted => "aborts",
            Self::Tx => "sends back",
        }
    }

    /// `enum xdp_action` of linux/bpf.h.
    pub(crate) fn xdp(self) -> u32 {
        match self {
            Self::Aborted => 0,
            Self::Drop => 1,
            Self::Pass => 2,
            Self::Tx => 3,
        }
    }

    /// The action with that number.
    pub(crate) fn of_xdp(number: u32) -> Option<Self> {
        Self::value_variants().iter().copied().find(|action| action.xdp() == number)
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
        let action = Action::from_str(action, true).map_err(|_| unknown_action(action))?;
        Ok(Self { class: class.to_owned(), action })
    }
}

/// As one word of a command line, not yet quoted for a shell.
impl fmt::Display for ClassAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.class, self.action)
    }
}

/// Says that there is no such action.
pub(crate) fn unknown_action(action: &str) -> String {
    format!("unknown action `{action}`; there are pass, drop, aborted and tx")
}

/// `CLASS=ACTION,...`: the value of one `--action`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClassActions(pub(crate) Vec<ClassAction>);

impl FromStr for ClassActions {
    type Err = String;

    /// A comma ends a pair if an action stands before it; any other is part of a
    /// class. (A class that itself reads as a pair and a comma can be named in a
    /// project file.)
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut pairs = Vec::new();
        let mut rest = text;
        let mut from = 0;
        while let Some(comma) = rest[from..].find(',').map(|at| from + at) {
            let pair: Result<ClassAction, _> = rest[..comma].parse();
            from = comma + 1;
            match pair {
                Ok(pair) => {
                    pairs.push(pair);
                    (rest, from) = (&rest[from..], 0);
                }
                Err(_) => no_mistyped_action(&rest[..comma])?,
            }
        }
        pairs.push(rest.parse()?);
        Ok(Self(pairs))
    }
}

/// The pairs of a command line by class; of one class the last.
pub(crate) fn by_class(flags: &[ClassActions]) -> BTreeMap<String, Action> {
    let pairs = flags.iter().flat_map(|ClassActions(pairs)| pairs);
    pairs.map(|pair| (pair.class.clone(), pair.action)).collect()
}

/// Refuses `CLASS=WORD` before a comma if the word is nearly an action.
fn no_mistyped_action(pair: &str) -> Result<(), String> {
    let Some((_, word)) = pair.rsplit_once('=') else { return Ok(()) };
    let names = Action::value_variants().iter().map(Action::to_string).collect::<Vec<_>>();
    match closest(word, names.iter().map(String::as_str)).first() {
        Some(_) => Err(unknown_action(word)),
        None => Ok(()),
    }
}

/// A label of a model, with what can be said of its classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// Name of the output.
    pub(crate) name: String,
    /// The classes by index, as a person writes them.
    pub(crate) classes: Vec<String>,
    /// Is there a class to drop by default: are the labels exactly 0 and 1?
    pub(crate) is_zero_one: bool,
}

impl Label {
    /// The label of an output.
    pub(crate) fn new(output: &Output, table: &LabelTable) -> Self {
        Self {
            name: output.name.clone(),
            classes: (0..table.len()).map(|class| table.text(class)).collect(),
            is_zero_one: matches!(table, LabelTable::Integers(labels) if labels == &[0, 1]),
        }
    }

    /// The class that `text` names. A range of predictions may be written in
    /// any form.
    fn class(&self, text: &str) -> Option<usize> {
        let position = |text: &str| self.classes.iter().position(|class| class == text);
        let canonical = || position(&text.parse::<Range>().ok()?.to_string());
        position(text).or_else(canonical)
    }
}

/// The labels of a module, with their classes.
pub(crate) fn labels<D: Domain>(module: &Module<D>) -> Vec<Label> {
    let labels = module.outputs.iter().filter(|output| output.kind == OutputKind::Label);
    let label = |output: &Output| {
        let ElementType::Label(table) = module.ty(output.value).elem else {
            unreachable!("the type of a label output is label");
        };
        Label::new(output, &module.labels[table])
    };
    labels.map(label).collect()
}

/// The action of each class of each label, those of the first label first.
///
/// `wanted` is by class, or by `OUTPUT.CLASS` where there are several labels;
/// later entries have won already. `shadow` says that verdicts are not acted
/// upon, so that no mapping is needed.
pub(crate) fn resolve(
    labels: &[Label],
    wanted: &BTreeMap<String, Action>,
    shadow: bool,
) -> Result<Vec<Action>, Vec<Diagnostic>> {
    let mut actions: Vec<Vec<Action>> =
        labels.iter().map(|label| vec![Action::Pass; label.classes.len()]).collect();
    if wanted.is_empty() {
        match labels {
            [label] if label.is_zero_one => actions[0][1] = Action::Drop,
            _ if !shadow => return Err(vec![ambiguous(labels)]),
            _ => {}
        }
        return Ok(actions.concat());
    }
    let mut problems = Vec::new();
    for (name, &action) in wanted {
        match find(labels, name) {
            Some((label, class)) => actions[label][class] = action,
            None => problems.push(unknown_class(name, labels)),
        }
    }
    if problems.is_empty() { Ok(actions.concat()) } else { Err(problems) }
}

/// The label and the class that a name means, by their indices.
pub(crate) fn find(labels: &[Label], name: &str) -> Option<(usize, usize)> {
    if let [label] = labels {
        return label.class(name).map(|class| (0, class));
    }
    labels.iter().enumerate().find_map(|(index, label)| {
        let class = name.strip_prefix(&label.name)?.strip_prefix('.')?;
        label.class(class).map(|class| (index, class))
    })
}

/// Every class as `--action` names it.
pub(crate) fn names(labels: &[Label]) -> Vec<String> {
    let of_label = |label: usize| {
        let classes = 0..labels[label].classes.len();
        classes.map(move |class| name(labels, label, class))
    };
    (0..labels.len()).flat_map(of_label).collect()
}

/// A class as `--action` names it: `CLASS`, or `OUTPUT.CLASS` where there are
/// several labels.
pub(crate) fn name(labels: &[Label], label: usize, class: usize) -> String {
    let Label { name, classes, .. } = &labels[label];
    match labels.len() {
        1 => classes[class].clone(),
        _ => format!("{name}.{}", classes[class]),
    }
}

fn ambiguous(labels: &[Label]) -> Diagnostic {
    let names = names(labels);
    let problem = |message: &str| Diagnostic::error(codes::ACTION_REQUIRED, message);
    let watch = "or only decide and count: --shadow";
    if let Some(label) = labels.iter().find(|label| label.classes == [UNDIVIDED]) {
        let of_label = if labels.len() > 1 { format!("{}.", label.name) } else { String::new() };
        return problem("nothing says what happens to packets of which predictions")
            .note("the model gives numbers: actions go by ranges of them")
            .help(format!(
                "name a range: --action '{of_label}0.5..=drop' drops what is at least 0.5"
            ))
            .help(watch);
    }
    problem("nothing says what happens to packets of which class")
        .note(format!("the classes are {}", listed(&names)))
        .help("name the class to drop: --action CLASS=drop; the others pass")
        .help(watch)
}

/// The only class of a prediction that no action divides.
pub(crate) const UNDIVIDED: &str = "..";

/// Says that no class has this name.
pub(crate) fn unknown_class(name: &str, labels: &[Label]) -> Diagnostic {
    let names = names(labels);
    let message = format!("the model has no class `{}`", escape_to_one_line(name));
    let diagnostic = Diagnostic::error(codes::UNKNOWN_CLASS, message)
        .note(format!("the classes are {}", listed(&names)));
    match closest(name, names.iter().map(String::as_str)).first() {
        Some(near) => diagnostic.help(format!("did you mean `{}`?", escape_to_one_line(near))),
        None => diagnostic,
    }
}

/// At most twenty labels in backticks.
pub(crate) fn listed(labels: &[String]) -> String {
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

    fn label(name: &str, classes: &[&str]) -> Label {
        Label {
            name: name.to_owned(),
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
            is_zero_one: classes == ["0", "1"],
        }
    }

    fn check(
        labels: &[Label],
        wanted: &[&str],
        shadow: bool,
        expect: Result<&[Action], skxc_diagnostics::Code>,
    ) {
        let wanted = wanted
            .iter()
            .map(|text| text.parse::<ClassAction>().unwrap())
            .map(|pair| (pair.class, pair.action))
            .collect();
        let found = resolve(labels, &wanted, shadow);
        match (found, expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect),
            (Err(found), Err(expect)) => assert_eq!(found[0].code, expect),
            (found, expect) => panic!("found {found:?}, wanted {expect:?}"),
        }
    }

    #[test]
    fn a_default_exists_for_zero_and_one_only() {
        use Action::{Drop, Pass, Tx};
        let zero_one = [label("label", &["0", "1"])];
        let words = [label("label", &["attack", "a=b"])];
        let none = Err(codes::ACTION_REQUIRED);
        check(&zero_one, &[], false, Ok(&[Pass, Drop]));
        check(&zero_one, &["0=drop"], false, Ok(&[Drop, Pass]));
        check(&[label("label", &["1", "0"])], &[], false, none);
        check(&[label("label", &["0", "1", "2"])], &[], false, none);
        check(&words, &[], false, none);
        check(&words, &[], true, Ok(&[Pass, Pass]));
        check(&words, &["attack=drop", "a=b=tx"], false, Ok(&[Drop, Tx]));
        check(&words, &["atack=drop"], false, Err(codes::UNKNOWN_CLASS));
    }

    #[test]
    fn of_several_labels_the_name_of_the_output_comes_first() {
        use Action::{Drop, Pass};
        let two = [label("label0", &["0", "1"]), label("label1", &["a", "b", "c.d"])];
        check(&two, &[], false, Err(codes::ACTION_REQUIRED));
        check(&two, &["label1.c.d=drop"], false, Ok(&[Pass, Pass, Pass, Pass, Drop]));
        check(
            &two,
            &["label0.1=drop", "label1.a=drop"],
            false,
            Ok(&[Pass, Drop, Drop, Pass, Pass]),
        );
        check(&two, &["1=drop"], false, Err(codes::UNKNOWN_CLASS));
        check(&two, &["label1.1=drop"], false, Err(codes::UNKNOWN_CLASS));
    }

    #[test]
    fn a_comma_ends_a_pair_only_behind_an_action() {
        let check = |text: &str, expect: &[&str]| {
            let found = text.parse::<ClassActions>().unwrap().0;
            assert_eq!(found.iter().map(ClassAction::to_string).collect::<Vec<_>>(), expect);
        };
        check("attack=drop", &["attack=drop"]);
        check("attack=drop,b=tx,c=pass", &["attack=drop", "b=tx", "c=pass"]);
        check("tcp,udp=drop,-1=DROP", &["tcp,udp=drop", "-1=drop"]);
        check("a=b,c=drop", &["a=b,c=drop"]);
        check(",=drop", &[",=drop"]);
        for text in ["attack", "a=drop,", "a=drop,b", "a=dorp,b=tx", "a=drpo", ""] {
            assert!(text.parse::<ClassActions>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_may_be_written_in_any_form() {
        use Action::{Drop, Pass};
        let ranges = [label("label", &["..0.5", "0.5..2", "2.."])];
        check(&ranges, &["0.50..2.0=drop"], false, Ok(&[Pass, Drop, Pass]));
        check(&ranges, &[], false, Err(codes::ACTION_REQUIRED));
    }
}

//! What an attached program says of itself, read back from the kernel.
//!
//! What must hold: nothing here comes from a file. Names, actions and shadow mode
//! are the constants that the program runs with.

use skxc_backend_bpf::read_class_names;
use skxc_bpf::{Counter, Resident};
use skxc_runtime::Reason;

use crate::actions::Action;

/// The constants of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// What the program was made from; empty if it does not say.
    pub(crate) build_id: String,
    /// The names of its classes; none in objects of versions that left them out.
    pub(crate) classes: Option<Vec<String>>,
    /// The action of each class.
    actions: Vec<u32>,
    /// The action of each reason, from number 0, which is none.
    fallbacks: Vec<u32>,
    /// Decide and count, but pass.
    pub(crate) shadow: bool,
}

/// A counter with what it counts.
#[derive(Debug)]
pub(crate) struct Count {
    /// Label, or reason.
    pub(crate) name: String,
    /// What happens to such packets, if it is known.
    pub(crate) action: String,
    /// Packets and bytes.
    pub(crate) counter: Counter,
    /// Are they packets that could not be classified?
    pub(crate) is_unclassified: bool,
}

impl Description {
    /// What a program in the kernel says.
    pub(crate) fn of(program: &Resident) -> Self {
        let text = |what| program.constant(what).unwrap_or_default();
        let build_id = text("build_id").split(|&byte| byte == 0).next().unwrap_or_default();
        let actions = program.words("actions").unwrap_or_default();
        let classes = program.constant("classes").and_then(read_class_names);
        Self {
            build_id: String::from_utf8_lossy(build_id).into_owned(),
            classes: classes.filter(|classes| classes.len() == actions.len()),
            actions,
            fallbacks: program.words("fallbacks").unwrap_or_default(),
            shadow: program.words("shadow").is_some_and(|words| words != [0]),
        }
    }

    /// Counters by name: of the classes by index, then of the reasons. Reason 0 is
    /// none and never counted, and so is one that this version does not know.
    pub(crate) fn name(&self, counters: &[Counter]) -> Vec<Count> {
        let (of_classes, of_reasons) = counters.split_at(self.actions.len().min(counters.len()));
        let classes =
            of_classes.iter().zip(&self.actions).enumerate().map(|(index, (&counter, &action))| {
                Count {
                    name: match &self.classes {
                        Some(classes) => classes[index].clone(),
                        None => class_by_number(index),
                    },
                    action: action_name(action),
                    counter,
                    is_unclassified: false,
                }
            });
        let action = |number: usize| self.fallbacks.get(number).copied().map(action_name);
        classes
            .chain(unclassified(of_reasons, |number| action(number).unwrap_or_default()))
            .collect()
    }
}

/// Counters of a program that cannot be asked, as this version would make it.
pub(crate) fn by_number(counters: &[Counter]) -> Vec<Count> {
    let classes = counters.len().saturating_sub(Reason::COUNT as usize);
    let (of_classes, of_reasons) = counters.split_at(classes);
    let classes = of_classes.iter().enumerate().map(|(index, &counter)| Count {
        name: class_by_number(index),
        action: String::new(),
        counter,
        is_unclassified: false,
    });
    classes.chain(unclassified(of_reasons, |_| String::new())).collect()
}

fn class_by_number(index: usize) -> String {
    format!("class {index}")
}

fn unclassified(
    counters: &[Counter],
    action: impl Fn(usize) -> String,
) -> impl Iterator<Item = Count> {
    counters.iter().enumerate().filter_map(move |(number, &counter)| {
        let reason = Reason::from_number(u32::try_from(number).ok()?)?;
        let name = format!("cannot classify: {reason}");
        Some(Count { name, action: action(number), counter, is_unclassified: true })
    })
}

/// As `--action` names it; a number that skxc never writes as it is.
fn action_name(number: u32) -> String {
    match Action::of_xdp(number) {
        Some(action) => action.to_string(),
        None => format!("action {number}"),
    }
}

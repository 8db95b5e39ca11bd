//! Warnings about decisions that never come up: a class that no input gets, and a
//! program that does the same whatever it is given.
//!
//! What must hold: what is warned about is proven from the integers that the
//! program computes, for every input within the ranges of the columns. A program
//! without a warning may still decide for a class very rarely.

use std::collections::BTreeSet;

use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};
use skxc_ir::analysis::classes::possible_classes;
use skxc_ir::{Int, Module, OutputKind, ScoreKind};

use crate::actions::{self, Action, UNDIVIDED, listed};
use crate::cli::Hook;
use crate::manifest::{ClassEntry, Manifest};
use crate::ranges::Range;

/// A label, with its classes and which of them can be decided for.
struct Decided<'a> {
    classes: &'a [ClassEntry],
    possible: Vec<bool>,
}

impl Decided<'_> {
    fn with(&self, possible: bool) -> impl Iterator<Item = &ClassEntry> {
        let pairs = self.classes.iter().zip(&self.possible);
        pairs.filter(move |(_, it)| **it == possible).map(|(class, _)| class)
    }

    fn are_ranges(&self) -> bool {
        self.classes.iter().all(|class| class.label.parse::<Range>().is_ok())
    }
}

/// What there is to warn about. `threshold` is what the threshold of the options
/// is compared with, if there is one.
pub(crate) fn warnings(
    module: &Module<Int>,
    manifest: &Manifest,
    threshold: Option<ScoreKind>,
) -> Vec<Diagnostic> {
    let labels = actions::labels(module);
    let outputs = module.outputs.iter().filter(|output| output.kind == OutputKind::Label);
    let mut rest = &manifest.classes[..];
    let mut decided = Vec::new();
    for (label, output) in labels.iter().zip(outputs) {
        let (classes, behind) = rest.split_at(label.classes.len());
        decided.push(Decided { classes, possible: possible_classes(module, output.value) });
        rest = behind;
    }
    let mut found: Vec<Diagnostic> =
        decided.iter().filter_map(|label| of_classes(label, manifest, threshold)).collect();
    found.extend(of_actions(&decided, manifest));
    found
}

/// Warns about classes that are never decided for.
fn of_classes(
    label: &Decided<'_>,
    manifest: &Manifest,
    threshold: Option<ScoreKind>,
) -> Option<Diagnostic> {
    if label.classes.iter().all(|class| class.label == UNDIVIDED) {
        return None;
    }
    let are_ranges = label.are_ranges();
    // Of ranges those between the ones with an action were never asked for.
    let is_wanted = |class: &&ClassEntry| !are_ranges || class.action != Action::Pass;
    let never: Vec<String> = label.with(false).filter(is_wanted).map(ClassEntry::name).collect();
    let always: Vec<String> = label.with(true).map(ClassEntry::name).collect();
    let problem = match (&always[..], &never[..]) {
        ([only], _) if !are_ranges => {
            let only = escape_to_one_line(only);
            let message = format!("the program decides for class `{only}` whatever the input");
            Diagnostic::warning(codes::ALWAYS_SAME, message)
        }
        (_, []) => return None,
        (_, never) if are_ranges => {
            let message = format!("no prediction lies in {}", listed(never));
            Diagnostic::warning(codes::CLASS_NEVER, message)
        }
        (_, [one]) => {
            let message = format!("class `{}` is never decided for", escape_to_one_line(one));
            Diagnostic::warning(codes::CLASS_NEVER, message)
        }
        (_, several) => {
            let message = format!("classes {} are never decided for", listed(several));
            Diagnostic::warning(codes::CLASS_NEVER, message)
        }
    };
    Some(because(problem, &never, manifest, threshold))
}

/// Names the threshold, where that is what the class fails to exceed.
fn because(
    problem: Diagnostic,
    never: &[String],
    manifest: &Manifest,
    threshold: Option<ScoreKind>,
) -> Diagnostic {
    let proven =
        "proven for every input, from the leaves of the trees and the ranges of the scores";
    let wanted = manifest.options.threshold.as_ref();
    let Some((wanted, kind)) = wanted.zip(threshold) else { return problem.note(proven) };
    let Some(class) = &wanted.class else { return problem.note(proven) };
    let (what, above, shown) = (score_name(kind), wanted.above, escape_to_one_line(class));
    if never.contains(class) {
        return problem
            .note(format!("no {what} of `{shown}` is greater than the threshold {above}"))
            .help("lower the threshold");
    }
    problem.note(format!(
        "the threshold decides for `{shown}` where its {what} is greater than {above}"
    ))
}

fn score_name(kind: ScoreKind) -> &'static str {
    match kind {
        ScoreKind::Raw => "score",
        ScoreKind::Probability => "probability",
    }
}

/// Warns if every packet that can be classified has the same end. Where every
/// label is always the same class, that was said.
fn of_actions(labels: &[Decided<'_>], manifest: &Manifest) -> Option<Diagnostic> {
    let options = &manifest.options;
    let is_said = |label: &Decided<'_>| label.with(true).count() == 1 && !label.are_ranges();
    if options.hook == Hook::None || options.shadow || labels.iter().all(is_said) {
        return None;
    }
    let verdicts = verdicts(labels);
    let &[only] = &verdicts.iter().copied().collect::<Vec<_>>()[..] else { return None };
    let message = format!("the program {} every packet that it can classify", only.verb());
    let problem = Diagnostic::warning(codes::ALWAYS_SAME, message)
        .note(format!("whatever it can decide for has the action `{only}`"));
    Some(match only {
        Action::Pass => problem.help("to watch without acting, use `--shadow`, which says so"),
        Action::Drop | Action::Aborted | Action::Tx => {
            problem.help("leave out the action of the class that is to pass")
        }
    })
}

/// The actions that a packet can get: that of the first label whose action is not
/// to pass.
fn verdicts(labels: &[Decided<'_>]) -> BTreeSet<Action> {
    let mut verdicts = BTreeSet::new();
    for label in labels {
        let actions: BTreeSet<Action> = label.with(true).map(|class| class.action).collect();
        let acts = actions.iter().copied().filter(|action| *action != Action::Pass);
        verdicts.extend(acts);
        if !actions.contains(&Action::Pass) {
            return verdicts;
        }
    }
    verdicts.insert(Action::Pass);
    verdicts
}

//! What clang refuses for its size: `auto` does without the lowering that takes
//! most of what there is too much of, and plans again.
//!
//! What must hold:
//! - what is given up is in the options, and so in the manifest and the build id:
//!   `check` makes the same program without a compiler;
//! - the same program and the same clang end with the same plan;
//! - what was asked for by name is not replaced: the error names what compiles.

use skxc_diagnostics::{Diagnostic, codes};
use skxc_lowering::{Choice, Cost, Plan};

use super::Build;
use crate::clang::{Clang, Excess};
use crate::options::Options;
use crate::session::{Session, Stop};

/// Plans `build` again, without what makes it too large for clang, and says so.
///
/// # Errors
/// [`Stop`] if nothing else fits, or if the lowering was asked for by name;
/// `refused` is what clang said.
pub(crate) fn plan_again(
    build: &mut Build,
    session: &Session,
    clang: &Clang,
    excess: Excess,
    refused: Diagnostic,
) -> Result<(), Stop> {
    let mut options = build.manifest.options.clone();
    if options.lowering != Choice::Auto {
        return Err(asked_for(build, session, clang, excess));
    }
    let Some(blamed) = largest(&build.program.plan, &options, excess) else {
        return Err(Stop::environment(refused));
    };
    let given_up = build.program.plan.lowerings().collect::<Vec<_>>().join(" ");
    options.given_up.push(blamed);
    if build.plan_with(&options).is_err() {
        return Err(Stop::environment(refused.note("no other lowering fits")));
    }
    let taken = build.program.plan.lowerings().collect::<Vec<_>>().join(" ");
    let message = format!("lowering `{blamed}` was given up: clang refused `{given_up}`");
    session.report(&[Diagnostic::warning(codes::GIVEN_UP, message)
        .note(format!("the program took {}", excess.what()))
        .note(format!("`{taken}` takes its place; the manifest says so, and `check` follows it"))]);
    Ok(())
}

/// The lowering of the part that takes most of what there is too much of; of equals
/// the first. Of the two lowerings of linear maps one is given up at most.
fn largest(plan: &Plan, options: &Options, excess: Excess) -> Option<Choice> {
    let figure = |cost: Cost| match excess {
        Excess::Stack => cost.stack_bytes,
        Excess::Jump => cost.program_insns,
    };
    let trees = plan.forests.values().flat_map(|forest| &forest.parts);
    let trees = trees.map(|part| (figure(part.shape.cost()), Choice::Only(part.shape.lowering())));
    let is_of_maps = |choice: &Choice| choice.of_maps().is_some();
    let has_another = !options.given_up.iter().any(is_of_maps);
    let maps = plan.maps.values().filter(|_| has_another);
    let maps = maps.map(|map| (figure(map.cost), Choice::Maps(map.lowering())));
    let (mut most, mut largest) = (0, None);
    for (figure, choice) in trees.chain(maps) {
        if largest.is_none() || figure > most {
            (most, largest) = (figure, Some(choice));
        }
    }
    largest
}

/// The error for a lowering that was asked for, with one that compiles.
fn asked_for(build: &mut Build, session: &Session, clang: &Clang, excess: Excess) -> Stop {
    let asked = build.manifest.options.lowering;
    let message = format!("clang refused lowering `{asked}`");
    let diagnostic = Diagnostic::error(codes::LOWERING_REFUSED, message)
        .note(format!("the program takes {}", excess.what()));
    let help = match fitting(build, session, clang) {
        Some(choice) => format!("--lowering {choice} compiles"),
        None => "no lowering compiles: train with fewer trees, or on fewer columns".to_owned(),
    };
    Stop::input(diagnostic.help(help))
}

/// The lowering that is predicted to be best among those that clang takes.
fn fitting(build: &mut Build, session: &Session, clang: &Clang) -> Option<Choice> {
    let options = build.manifest.options.clone();
    let mut plans = Vec::new();
    let choices: Vec<Choice> = Choice::of(&build.lowered.int).collect();
    for lowering in choices {
        let options = Options { lowering, ..options.clone() };
        if lowering != build.manifest.options.lowering && build.plan_with(&options).is_ok() {
            plans.push((options.optimize.figure(&build.program.plan.cost()), options));
        }
    }
    plans.sort_by_key(|(figure, _)| *figure);
    let compiles = |options: &Options| {
        build.plan_with(options).is_ok() && build.try_clang(session, clang).is_ok()
    };
    let mut fitting = plans.into_iter().map(|(_, options)| options);
    fitting.find(compiles).map(|options| options.lowering)
}

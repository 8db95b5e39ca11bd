//! The order of the passes, and what happens around them.

use crate::analysis::affine::Affine;
use crate::module::{Domain, Int, Module, Output, OutputKind, Real};
use crate::passes::dead_code::DeadCode;
use crate::passes::fold_inputs::FoldInputs;
use crate::passes::fold_leaves::FoldLeaves;
use crate::passes::guarded_values::GuardedValues;
use crate::passes::identities::Identities;
use crate::passes::keep_decision::KeepDecision;
use crate::passes::known_values::KnownValues;
use crate::passes::merge_subtrees::MergeSubtrees;
use crate::passes::merge_trees::MergeTrees;
use crate::passes::output_plumbing::OutputPlumbing;
use crate::passes::own_extremes::OwnExtremes;
use crate::passes::prune_branches::PruneBranches;
use crate::passes::prune_features::PruneFeatures;
use crate::passes::quantize::{self, QuantizeError};
use crate::passes::{Pass, preserves};
use crate::validate::{Validated, ValidationError, Validator};

/// Passes over the model as exported, in order.
pub const REAL_PASSES: &[&dyn Pass<Real>] = &[
    // Columns first, so that forests read inputs directly.
    &FoldInputs,
    // Then what stands between the ensemble and the outputs.
    &OutputPlumbing,
    // What a single tree decides is known at its leaves.
    &FoldLeaves,
    // What is left is functions of sums, some of them constant.
    &KnownValues,
    // What is left of the others chooses what is computed for some rows alone.
    &GuardedValues,
    // A value and its own extreme are compared as they are.
    &OwnExtremes,
    // Sums that are never 0 then need no guard.
    &Identities,
    &KeepDecision,
    // All leave nodes behind that nothing reads.
    &DeadCode,
];

/// Passes over the integers, in order; [`quantize`] stands before them.
pub const INT_PASSES: &[&dyn Pass<Int>] = &[
    // Dead branches first: they keep subtrees from being equal.
    &PruneBranches,
    // Then equal subtrees, which make equal trees.
    &MergeSubtrees,
    &MergeTrees,
    // What the trees no longer read.
    &PruneFeatures,
    &DeadCode,
];

/// Names and summaries of all passes, in order.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let real = REAL_PASSES.iter().map(|pass| (pass.name(), pass.summary()));
    let quantize = (quantize::NAME, "floating point to integers, exactly or within a bound");
    let int = INT_PASSES.iter().map(|pass| (pass.name(), pass.summary()));
    real.chain([quantize]).chain(int)
}

/// Which passes run, and how closely they are watched.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only these, in pipeline order; `None` for all. [`quantize`] always runs.
    pub only: Option<Vec<String>>,
    /// Stop changing the module after so many passes, to find the one at fault.
    pub bisect_limit: Option<usize>,
    /// As [`quantize::quantize`] takes it.
    pub precision: Option<u8>,
    /// Validate after each pass, and interpret the module before and after it
    /// on random rows.
    pub watch: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { only: None, bisect_limit: None, precision: None, watch: cfg!(debug_assertions) }
    }
}

/// A module between two passes.
#[derive(Clone, Copy, Debug)]
pub enum Snapshot<'a> {
    /// Before quantization.
    Real(&'a Module<Real>),
    /// After it.
    Int(&'a Module<Int>),
}

/// Why there is no integer module.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PipelineError {
    /// `only` names no pass.
    #[error("there is no pass `{name}`")]
    UnknownPass {
        /// The name.
        name: String,
    },
    /// The model has no integer form.
    #[error("the model has no integer form")]
    Quantize(Vec<QuantizeError>),
    /// The integer module is refused, say for an accumulator without a bound.
    #[error("the integer module is not valid")]
    Invalid(Vec<ValidationError>),
}

/// Runs the passes. `observe` is called after each pass that ran, with its name
/// and whether it changed anything.
///
/// # Errors
/// See [`PipelineError`].
///
/// # Panics
/// When watched, if a pass breaks the module or its meaning.
pub fn run(
    mut real: Module<Real>,
    options: &Options,
    observe: &mut dyn FnMut(&'static str, bool, Snapshot<'_>),
) -> Result<Validated<Int>, PipelineError> {
    check_names(options)?;
    let mut schedule = Schedule { options, ran: 0 };
    for pass in REAL_PASSES {
        if schedule.takes(pass.name()) {
            let same_meaning =
                if pass.keeps_floats() { preserves::real } else { preserves::decisions };
            let changed = run_pass(*pass, &mut real, options.watch, same_meaning);
            observe(pass.name(), changed, Snapshot::Real(&real));
        }
    }
    let mut int = quantize::quantize(&real, options.precision).map_err(PipelineError::Quantize)?;
    if options.watch {
        preserves::quantization(&real, &int);
    }
    observe(quantize::NAME, true, Snapshot::Int(&int));
    for pass in INT_PASSES {
        if schedule.takes(pass.name()) {
            let changed = run_pass(*pass, &mut int, options.watch, preserves::int);
            observe(pass.name(), changed, Snapshot::Int(&int));
        }
    }
    Validator::validate(int).map_err(PipelineError::Invalid)
}

/// Removes the scores that have no integer form, as long as another output is
/// left; says why of each. Scores that are sums have one, so that the others
/// alone are tried.
pub fn drop_refused_scores(module: &mut Module<Real>) -> Vec<(String, QuantizeError)> {
    let doubtful: Vec<usize> = {
        let affine = Affine::of(module);
        let bends = |output: &Output| {
            matches!(output.kind, OutputKind::Score(_)) && !affine.is_affine(output.value)
        };
        (0..module.outputs.len()).filter(|&at| bends(&module.outputs[at])).collect()
    };
    let mut refused = std::collections::VecDeque::new();
    for at in doubtful.into_iter().rev() {
        if module.outputs.len() == 1 {
            break;
        }
        let mut alone = module.clone();
        alone.outputs = vec![module.outputs[at].clone()];
        for pass in REAL_PASSES {
            pass.run(&mut alone);
        }
        let Err(errors) = quantize::quantize(&alone, None) else { continue };
        if let Some(error) = errors.into_iter().next() {
            refused.push_front((module.outputs.remove(at).name, error));
        }
    }
    refused.into()
}

fn check_names(options: &Options) -> Result<(), PipelineError> {
    let unknown = options.only.iter().flatten().find(|name| all().all(|(known, _)| known != *name));
    unknown.map_or(Ok(()), |name| Err(PipelineError::UnknownPass { name: name.clone() }))
}

fn run_pass<D: Domain>(
    pass: &dyn Pass<D>,
    module: &mut Module<D>,
    watch: bool,
    same_meaning: fn(&str, &Module<D>, &Module<D>),
) -> bool {
    if !watch {
        return pass.run(module);
    }
    let before = module.clone();
    let changed = pass.run(module);
    same_meaning(pass.name(), &before, module);
    changed
}

/// Which passes still run.
struct Schedule<'a> {
    options: &'a Options,
    ran: usize,
}

impl Schedule<'_> {
    fn takes(&mut self, name: &str) -> bool {
        let chosen = self.options.only.as_ref().is_none_or(|only| only.iter().any(|it| it == name));
        let within = self.options.bisect_limit.is_none_or(|limit| self.ran < limit);
        let takes = chosen && within;
        self.ran += usize::from(takes);
        takes
    }
}

//! The order of the passes, and what happens around them.

use crate::dead_code::DeadCode;
use crate::fold_inputs::FoldInputs;
use crate::fold_leaves::FoldLeaves;
use crate::guarded_values::GuardedValues;
use crate::identities::Identities;
use crate::keep_decision::KeepDecision;
use crate::known_values::KnownValues;
use crate::merge_subtrees::MergeSubtrees;
use crate::merge_trees::MergeTrees;
use crate::output_plumbing::OutputPlumbing;
use crate::own_extremes::OwnExtremes;
use crate::prune_branches::PruneBranches;
use crate::prune_features::PruneFeatures;
use crate::quantize::{self, QuantizeError};
use crate::round_choices::RoundChoices;
use crate::saturation::Saturation;
use crate::{Pass, PassContext, preserves};
use skxc_ir::analysis::affine::Affine;
use skxc_ir::module::{Int, Module, Output, OutputKind, Real};
use skxc_ir::validate::{InvalidModule, Rules, Validated, Validator};

/// Passes over the model as exported, in order.
pub const REAL_PASSES: &[&dyn Pass<Real>] = &[
    // Columns first, so that forests read inputs directly.
    &FoldInputs,
    // Then the conversions that are left round nothing but columns.
    &RoundChoices,
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
    // Where floats are equal is read off the operations of the model, before they change.
    &Saturation,
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
    /// The module before quantization.
    Real(&'a Module<Real>),
    /// The module after quantization.
    Int(&'a Module<Int>),
}

/// Why there is no integer module.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PipelineError {
    /// `only` names no pass.
    #[error("there is no pass `{name}`")]
    UnknownPass {
        /// The name that was given.
        name: String,
    },
    /// The model has no integer form.
    #[error("the model has no integer form")]
    Quantize(Vec<QuantizeError>),
    /// A pass broke the module: an error of skxc.
    #[error(transparent)]
    Invalid(Box<InvalidModule>),
}

/// Runs the passes. `observe` is called after each pass that ran, with its name
/// and whether it changed anything.
///
/// # Errors
/// See [`PipelineError`].
///
/// # Panics
/// When watched, if a pass changes what the module means.
pub fn run(
    real: Module<Real>,
    options: &Options,
    observe: &mut dyn FnMut(&'static str, bool, Snapshot<'_>),
) -> Result<Validated<Int>, PipelineError> {
    check_names(options)?;
    let mut schedule = Schedule { options, ran: 0, validates: options.watch };
    // The module at the start, to find the pass at fault.
    let again = (!options.watch).then(|| real.clone());
    match (run_passes(real, &mut schedule, observe), again) {
        (Err(PipelineError::Invalid(_)), Some(again)) => {
            let mut schedule = Schedule { options, ran: 0, validates: true };
            run_passes(again, &mut schedule, &mut |_, _, _| {})
        }
        (result, _) => result,
    }
}

fn run_passes(
    mut real: Module<Real>,
    schedule: &mut Schedule<'_>,
    observe: &mut dyn FnMut(&'static str, bool, Snapshot<'_>),
) -> Result<Validated<Int>, PipelineError> {
    let options = schedule.options;
    let mut context = PassContext::new();
    for pass in REAL_PASSES {
        if schedule.takes(pass.name()) {
            let same_meaning =
                if pass.keeps_floats() { preserves::real } else { preserves::decisions };
            let changed = schedule.run(*pass, &mut real, &mut context, same_meaning)?;
            observe(pass.name(), changed, Snapshot::Real(&real));
        }
    }
    let ranges = context.ranges(&real);
    let int = quantize::quantize(&real, &ranges, options.precision);
    let mut int = int.map_err(PipelineError::Quantize)?;
    if schedule.validates {
        still_valid(quantize::NAME, &int)?;
    }
    if options.watch {
        preserves::quantization(&real, &int);
    }
    observe(quantize::NAME, true, Snapshot::Int(&int));
    let mut context = PassContext::new();
    for pass in INT_PASSES {
        if schedule.takes(pass.name()) {
            let changed = schedule.run(*pass, &mut int, &mut context, preserves::int)?;
            observe(pass.name(), changed, Snapshot::Int(&int));
        }
    }
    let last = INT_PASSES.last().map_or(quantize::NAME, |pass| pass.name());
    Validator::validate_after(last, int).map_err(PipelineError::Invalid)
}

/// Removes the scores that have no integer form, as long as another output is
/// left; says why of each. Scores that are sums have one, so that the others
/// alone are tried.
pub fn drop_refused_scores(module: &mut Module<Real>) -> Vec<(String, QuantizeError)> {
    let doubtful: Vec<usize> = {
        let affine = Affine::of(module);
        let nonlinear = |output: &Output| {
            matches!(output.kind, OutputKind::Score(_)) && !affine.is_affine(output.value)
        };
        (0..module.outputs.len()).filter(|&at| nonlinear(&module.outputs[at])).collect()
    };
    let mut refused = std::collections::VecDeque::new();
    for at in doubtful.into_iter().rev() {
        if module.outputs.len() == 1 {
            break;
        }
        let mut alone = module.clone();
        alone.outputs = vec![module.outputs[at].clone()];
        let ranges = simplify(&mut alone).ranges(&alone);
        let Err(errors) = quantize::quantize(&alone, &ranges, None) else { continue };
        if let Some(error) = errors.into_iter().next() {
            refused.push_front((module.outputs.remove(at).name, error));
        }
    }
    refused.into()
}

/// Runs all passes over the real module; returns what is known of the result.
pub fn simplify(module: &mut Module<Real>) -> PassContext<Real> {
    let mut context = PassContext::new();
    for pass in REAL_PASSES {
        if pass.run(module, &mut context) {
            context.changed();
        }
    }
    context
}

fn check_names(options: &Options) -> Result<(), PipelineError> {
    let unknown = options.only.iter().flatten().find(|name| all().all(|(known, _)| known != *name));
    unknown.map_or(Ok(()), |name| Err(PipelineError::UnknownPass { name: name.clone() }))
}

fn still_valid<D: Rules>(pass: &'static str, module: &Module<D>) -> Result<(), PipelineError> {
    InvalidModule::of(pass, module).map_or(Ok(()), |it| Err(PipelineError::Invalid(it)))
}

/// Which passes still run.
struct Schedule<'a> {
    options: &'a Options,
    ran: usize,
    /// Validate the module after each pass.
    validates: bool,
}

impl Schedule<'_> {
    fn takes(&mut self, name: &str) -> bool {
        let chosen = self.options.only.as_ref().is_none_or(|only| only.iter().any(|it| it == name));
        let within = self.options.bisect_limit.is_none_or(|limit| self.ran < limit);
        let takes = chosen && within;
        self.ran += usize::from(takes);
        takes
    }

    /// Runs a pass and says whether it changed anything.
    fn run<D: Rules>(
        &self,
        pass: &dyn Pass<D>,
        module: &mut Module<D>,
        context: &mut PassContext<D>,
        same_meaning: fn(&str, &Module<D>, &Module<D>),
    ) -> Result<bool, PipelineError> {
        let before = self.options.watch.then(|| module.clone());
        let changed = pass.run(module, context);
        if changed {
            context.changed();
        }
        if self.validates {
            still_valid(pass.name(), module)?;
        }
        if let Some(before) = before {
            same_meaning(pass.name(), &before, module);
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skxc_ir::text::parse;

    /// A pass that leaves a number that is none.
    struct Breaks;

    impl Pass<Real> for Breaks {
        fn name(&self) -> &'static str {
            "breaks"
        }

        fn summary(&self) -> &'static str {
            "make constants NaN"
        }

        fn run(&self, module: &mut Module<Real>, _: &mut PassContext<Real>) -> bool {
            let handles: Vec<_> = module.constants.iter().map(|(handle, _)| handle).collect();
            handles.iter().for_each(|&it| module.constants[it].elements.fill(f64::NAN));
            true
        }
    }

    #[test]
    fn a_pass_that_breaks_the_module_is_named() {
        let text = "real a
onnx0 = \"Add bias\"
@c0 = column x [0, 9]
@w0 = constant f32[1] [1.0]
%0 = input [x] : f32[1x1]
%1 = constant @w0 : f32[1] !onnx0
%2 = add %0, %1 : f32[1x1] !onnx0
output \"y\" value %2
";
        let mut module = parse::<Real>(text).expect("the text is a module");
        let options = Options { watch: false, ..Options::default() };
        let schedule = Schedule { options: &options, ran: 0, validates: true };
        let Err(PipelineError::Invalid(invalid)) =
            schedule.run(&Breaks, &mut module, &mut PassContext::new(), preserves::real)
        else {
            panic!("NaN is no constant");
        };
        assert_eq!(invalid.step, "breaks");
        assert_eq!(invalid.node.map(|node| node.name).as_deref(), Some("Add bias"));
    }
}

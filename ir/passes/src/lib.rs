//! Passes: each makes a module smaller or moves it towards the kernel, and
//! none changes what it means.
//!
//! One pass a file. [`pipeline`] is the only place that orders them.
//!
//! What must hold for every pass:
//! - a module that was valid stays valid;
//! - on every row within the column ranges the outputs are the same: bit for
//!   bit within a domain, unless the pass says otherwise
//!   ([`Pass::keeps_floats`]), and within the stated bounds across [`quantize`];
//! - origins are carried: what is merged has the origin of both;
//! - the declared columns stay; only what reads them changes.

mod choices;
pub mod context;
pub mod dead_code;
mod float_places;
pub mod fold_inputs;
pub mod fold_leaves;
pub mod guarded_values;
pub mod identities;
pub mod intervals;
pub mod keep_decision;
pub mod known_values;
pub mod merge_subtrees;
pub mod merge_trees;
mod order;
pub mod output_plumbing;
pub mod own_extremes;
pub mod pipeline;
mod preserves;
pub mod prune_branches;
pub mod prune_features;
pub mod quantize;
pub mod raw_scores;
mod rebuild;
pub mod round_choices;
pub mod saturation;
pub mod threshold;

#[cfg(test)]
mod tests;

pub use context::PassContext;
use skxc_ir::module::Module;
use skxc_ir::validate::Rules;

/// A transformation within domain `D`.
pub trait Pass<D: Rules>: Sync {
    /// Name for `--passes` and `--print-after`: lower case, hyphens.
    fn name(&self) -> &'static str;

    /// What it does, in one line.
    fn summary(&self) -> &'static str;

    /// Does it keep what every output gives, bit for bit? Else it keeps labels
    /// and outputs of the same kind over the real numbers.
    fn keeps_floats(&self) -> bool {
        true
    }

    /// Transforms the module, about which `context` knows nothing that is not true;
    /// says whether anything changed.
    fn run(&self, module: &mut Module<D>, context: &mut PassContext<D>) -> bool;
}

//! Modules that no program within the target's limits can compute: what is to
//! blame, and what would fit.

use skxc_diagnostics::{Diagnostic, codes};

use crate::cost::{Cost, Exceeded, Refusal};
use crate::node_name;
use crate::select::Refusals;
use crate::target::Target;
use crate::tree_code::{Choice, Lowering};
use skxc_ir::module::{Int, Module, Operation as _, Value};

/// A part of a module that cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A forest that no lowering can take.
    #[error(transparent)]
    Forest(#[from] ForestDoesNotFit),
    /// The operations beside the forests are too many.
    #[error(transparent)]
    Operations(#[from] OperationsDoNotFit),
}

/// A forest that no lowering can take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the forest of `{name}` does not fit any lowering that was asked for")]
pub struct ForestDoesNotFit {
    /// Its ONNX node, as a reader would name it; empty if unknown.
    pub name: String,
    /// What was asked for.
    pub choice: Choice,
    /// Trees of the forest.
    pub trees: usize,
    /// Nodes of the forest.
    pub nodes: usize,
    /// Each lowering with its reason.
    pub refusals: Refusals,
}

/// Operations that exceed a limit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operations beside the trees do not fit")]
pub struct OperationsDoNotFit {
    /// The costliest: its ONNX node, as a reader would name it; empty if unknown.
    pub name: String,
    /// Name of its operation.
    pub operation: &'static str,
    /// The limit, with what all operations need and what there is.
    pub refusal: Refusal,
    /// What the costliest needs of it.
    pub costliest: u64,
}

impl Refused {
    /// As a diagnostic.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Forest(forest) => forest.diagnostic(),
            Self::Operations(operations) => operations.diagnostic(),
        }
    }
}

impl ForestDoesNotFit {
    fn diagnostic(&self) -> Diagnostic {
        let name = if self.name.is_empty() { "the forest" } else { self.name.as_str() };
        let size = format!("{} trees, {} nodes", self.trees, self.nodes);
        let (code, message) = match self.choice.of_trees() {
            None => (codes::FOREST_DOES_NOT_FIT, format!("`{name}` ({size}) does not fit")),
            Some(lowering) => (
                codes::LOWERING_DOES_NOT_FIT,
                format!("`{name}` ({size}) does not fit lowering `{lowering}`"),
            ),
        };
        let mut diagnostic = Diagnostic::error(code, message);
        for (lowering, refusal) in &self.refusals {
            diagnostic = diagnostic.note(format!("`{lowering}`{refusal}"));
        }
        diagnostic.help(self.help())
    }

    fn help(&self) -> String {
        if self.choice.of_trees().is_some() {
            return "leave `--lowering` at `auto`".to_owned();
        }
        // What one tree alone exceeds, fewer trees exceed as well.
        let by_number = self.refusals.iter().filter(|(_, refusal)| refusal.tree.is_none());
        let share = |(_, refusal): &(Lowering, Refusal)| {
            u128::from(refusal.allowed) * self.trees as u128 / u128::from(refusal.needs.max(1))
        };
        let fitting = by_number.map(share).max().unwrap_or(0);
        if fitting == 0 {
            return "train with a smaller `max_depth` or `max_leaf_nodes`".to_owned();
        }
        format!("about {fitting} trees like these would fit: lower `n_estimators` or `max_depth`")
    }
}

impl OperationsDoNotFit {
    /// What the operations of all values, with the cost of each, exceed together,
    /// if anything.
    pub(super) fn check(module: &Module<Int>, costs: &[Cost], target: &Target) -> Option<Self> {
        type Figure = fn(&Cost) -> u64;
        let limits: [(Exceeded, Figure, u64); 4] = [
            (Exceeded::VerifierInsns, |cost| cost.verifier_insns, target.verifier_insns_max),
            (Exceeded::TableBytes, |cost| cost.table_bytes, target.table_bytes_max),
            (Exceeded::ScratchBytes, |cost| cost.scratch_bytes, target.scratch_bytes_max),
            (Exceeded::Functions, |cost| cost.functions, target.functions_free()),
        ];
        let cost = costs.iter().fold(Cost::default(), |sum, &cost| sum + cost);
        let exceeded = limits.into_iter().find(|(_, figure, allowed)| figure(&cost) > *allowed);
        let (exceeded, figure, allowed) = exceeded?;
        let needs = |value: &Value| figure(&costs[value.index()]);
        let value = module.values().max_by_key(needs)?;
        Some(Self {
            name: node_name(module, value).unwrap_or_default().to_owned(),
            operation: module.node(value).op.name(),
            refusal: Refusal { exceeded, needs: figure(&cost), allowed, tree: None },
            costliest: needs(&value),
        })
    }

    fn diagnostic(&self) -> Diagnostic {
        let Self { name, operation, refusal, costliest } = self;
        let Refusal { exceeded, needs, allowed, tree: _ } = refusal;
        let what = exceeded.what();
        let name = if name.is_empty() { *operation } else { name };
        Diagnostic::error(codes::OPERATIONS_DO_NOT_FIT, format!("`{name}` does not fit"))
            .note(format!(
                "the operations beside the trees need {needs} {what}; {allowed} are allowed"
            ))
            .note(format!("{costliest} of them are of its `{operation}`"))
            .help("a model of fewer columns or classes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skxc_ir::text::parse;

    #[test]
    fn functions_of_all_operations_are_limited_together() {
        let text = "int sum
@c0 = column a [0, 255]
%0 = input [a] : i64[1x1]
%1 = add %0, %0 : i64[1x1]
%2 = add %1, %0 : i64[1x1]
output \"sum\" value %2
";
        let module = parse::<Int>(text).expect("the text is a module");
        let costs = [0, 100, 200].map(|functions| Cost { functions, ..Cost::default() });
        let target = Target::default();
        let refused = OperationsDoNotFit::check(&module, &costs, &target).expect("300 are many");
        let allowed = target.functions_free();
        let refusal = Refusal { exceeded: Exceeded::Functions, needs: 300, allowed, tree: None };
        assert_eq!((refused.refusal, refused.costliest), (refusal, 200));
        assert_eq!(OperationsDoNotFit::check(&module, &costs[..2], &target), None);
        let costs = [0, 1 << 20, 8].map(|scratch_bytes| Cost { scratch_bytes, ..Cost::default() });
        let refused = OperationsDoNotFit::check(&module, &costs, &target).expect("it is too much");
        assert_eq!(refused.refusal.exceeded, Exceeded::ScratchBytes);
        assert_eq!((refused.refusal.needs, refused.costliest), ((1 << 20) + 8, 1 << 20));
    }
}

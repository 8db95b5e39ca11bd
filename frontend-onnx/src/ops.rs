//! The operators that are lowered, one family a file.
//!
//! To add one: write `ops/<family>.rs` with its [`Operator`] and its `lower`,
//! and list it in [`OPERATORS`].

mod arg_max;
mod array_feature_extractor;
mod cast;
mod concat;
mod constant;
mod gather;
mod identity;
mod reshape;
mod shape;
mod slice;
mod tree_ensemble;
mod tree_ensemble_classifier;
mod tree_ensemble_regressor;
mod trees;
mod zip_map;

use std::ops::RangeInclusive;

use crate::lower::Lowering;
use crate::node::{Lowered, Node};

/// An operator that is lowered.
#[derive(Debug)]
pub(crate) struct Operator {
    /// `ai.onnx` or `ai.onnx.ml`.
    pub(crate) domain: &'static str,
    /// `op_type` of its nodes.
    pub(crate) name: &'static str,
    /// First operator set that has it.
    pub(crate) since: u32,
    /// Number of inputs, optional ones included.
    pub(crate) inputs: RangeInclusive<usize>,
    /// The attributes it has in any version.
    pub(crate) attributes: &'static [&'static str],
    /// What of it is supported, for the table of operators.
    pub(crate) supported: &'static str,
    /// Makes its results. No operand is [`Operand::Refused`](crate::node::Operand::Refused).
    pub(crate) lower: fn(&mut Lowering<'_>, &Node<'_>) -> Lowered,
}

/// All operators, by domain and name.
pub(crate) static OPERATORS: &[&Operator] = &[
    &arg_max::ARG_MAX,
    &cast::CAST,
    &concat::CONCAT,
    &constant::CONSTANT,
    &constant::CONSTANT_OF_SHAPE,
    &reshape::FLATTEN,
    &gather::GATHER,
    &identity::IDENTITY,
    &reshape::RESHAPE,
    &shape::SHAPE,
    &slice::SLICE,
    &reshape::SQUEEZE,
    &reshape::UNSQUEEZE,
    &array_feature_extractor::ARRAY_FEATURE_EXTRACTOR,
    &tree_ensemble::TREE_ENSEMBLE,
    &tree_ensemble_classifier::TREE_ENSEMBLE_CLASSIFIER,
    &tree_ensemble_regressor::TREE_ENSEMBLE_REGRESSOR,
    &zip_map::ZIP_MAP,
];

/// The operator of this name.
pub(crate) fn find(domain: &str, name: &str) -> Option<&'static Operator> {
    OPERATORS.iter().copied().find(|operator| operator.domain == domain && operator.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_are_in_order() {
        let keys: Vec<_> = OPERATORS.iter().map(|o| (o.domain, o.name)).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }
}

//! The operators that are imported, one family a file.
//!
//! To add one: write `ops/<family>.rs` with its [`Operator`] and its `import`,
//! and list it in [`OPERATORS`].

mod activations;
mod arg_max;
mod arithmetic;
mod array_feature_extractor;
mod cast;
mod category_mapper;
mod choose;
mod compare;
mod concat;
mod constant;
mod cum_sum;
mod einsum;
mod elementwise;
mod expand;
mod feature_vectorizer;
mod gather;
mod gather_elements;
mod identity;
mod imputer;
mod label_encoder;
mod linear;
mod mat_mul;
mod normalize;
mod one_hot;
mod one_hot_encoder;
mod patterns;
mod reduce;
mod reshape;
mod scaler;
mod scan;
mod sequence;
mod shape;
mod slice;
mod softmax;
mod svm;
mod top_k;
mod transpose;
mod tree_ensemble;
mod tree_ensemble_classifier;
mod tree_ensemble_regressor;
mod trees;
mod zip_map;

use std::ops::RangeInclusive;

use crate::import::Importer;
use crate::node::{Imported, Node};

/// An operator that is imported.
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
    pub(crate) import: fn(&mut Importer<'_>, &Node<'_>) -> Imported,
}

/// All operators, by domain and name.
pub(crate) static OPERATORS: &[&Operator] = &[
    &elementwise::ABS,
    &arithmetic::ADD,
    &arithmetic::AND,
    &arg_max::ARG_MAX,
    &arg_max::ARG_MIN,
    &cast::CAST,
    &elementwise::CEIL,
    &choose::CLIP,
    &concat::CONCAT,
    &constant::CONSTANT,
    &constant::CONSTANT_OF_SHAPE,
    &cum_sum::CUM_SUM,
    &arithmetic::DIV,
    &identity::DROPOUT,
    &einsum::EINSUM,
    &activations::ELU,
    &compare::EQUAL,
    &elementwise::ERF,
    &elementwise::EXP,
    &expand::EXPAND,
    &patterns::EYE_LIKE,
    &reshape::FLATTEN,
    &elementwise::FLOOR,
    &gather::GATHER,
    &gather_elements::GATHER_ELEMENTS,
    &mat_mul::GEMM,
    &compare::GREATER,
    &compare::GREATER_OR_EQUAL,
    &activations::HARD_SIGMOID,
    &softmax::HARDMAX,
    &identity::IDENTITY,
    &elementwise::IS_NAN,
    &activations::LEAKY_RELU,
    &compare::LESS,
    &compare::LESS_OR_EQUAL,
    &elementwise::LOG,
    &softmax::LOG_SOFTMAX,
    &normalize::LP_NORMALIZATION,
    &mat_mul::MAT_MUL,
    &arithmetic::MAX,
    &arithmetic::MEAN,
    &arithmetic::MIN,
    &arithmetic::MUL,
    &elementwise::NEG,
    &elementwise::NOT,
    &one_hot::ONE_HOT,
    &arithmetic::OR,
    &arithmetic::POW,
    &patterns::RANGE,
    &elementwise::RECIPROCAL,
    &reduce::REDUCE_L1,
    &reduce::REDUCE_L2,
    &reduce::REDUCE_LOG_SUM,
    &reduce::REDUCE_LOG_SUM_EXP,
    &reduce::REDUCE_MAX,
    &reduce::REDUCE_MEAN,
    &reduce::REDUCE_MIN,
    &reduce::REDUCE_PROD,
    &reduce::REDUCE_SUM,
    &reduce::REDUCE_SUM_SQUARE,
    &elementwise::RELU,
    &reshape::RESHAPE,
    &elementwise::ROUND,
    &scan::SCAN,
    &activations::SELU,
    &sequence::SEQUENCE_CONSTRUCT,
    &shape::SHAPE,
    &elementwise::SIGMOID,
    &elementwise::SIGN,
    &patterns::SIZE,
    &slice::SLICE,
    &softmax::SOFTMAX,
    &elementwise::SOFTPLUS,
    &elementwise::SQRT,
    &reshape::SQUEEZE,
    &arithmetic::SUB,
    &arithmetic::SUM,
    &elementwise::TANH,
    &expand::TILE,
    &top_k::TOP_K,
    &transpose::TRANSPOSE,
    &patterns::TRILU,
    &reshape::UNSQUEEZE,
    &choose::WHERE,
    &arithmetic::XOR,
    &array_feature_extractor::ARRAY_FEATURE_EXTRACTOR,
    &choose::BINARIZER,
    &category_mapper::CATEGORY_MAPPER,
    &feature_vectorizer::FEATURE_VECTORIZER,
    &imputer::IMPUTER,
    &label_encoder::LABEL_ENCODER,
    &linear::LINEAR_CLASSIFIER,
    &linear::LINEAR_REGRESSOR,
    &normalize::NORMALIZER,
    &one_hot_encoder::ONE_HOT_ENCODER,
    &svm::SVM_CLASSIFIER,
    &svm::SVM_REGRESSOR,
    &scaler::SCALER,
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

//! Replaces the decision of a two-class model by a threshold on the
//! probability of the positive class, which is the second: positive iff it is
//! greater than the threshold.
//!
//! Not part of the pipeline, since it changes what the model means; it runs
//! before, when the user asks for it.

use skxc_diagnostics::{Diagnostic, codes};

use crate::module::{Constant, Module, Output, OutputKind, Real, ScoreKind};
use crate::ops::{RealOp, Relation};
use crate::types::{ElementType, Type};

/// Why a model has no such decision.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ThresholdError {
    /// The threshold is not between 0 and 1.
    #[error("the threshold {threshold} does not lie between 0 and 1")]
    OutOfRange {
        /// The threshold asked for.
        threshold: f64,
    },
    /// There are more or fewer than two classes.
    #[error("a threshold needs a model of two classes; this one has {classes}")]
    NotBinary {
        /// Their number.
        classes: usize,
    },
    /// No output holds the probabilities of both classes.
    #[error("the model has no output with the probabilities of both classes")]
    NoProbabilities,
}

impl ThresholdError {
    /// What the user is told.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error(codes::NO_THRESHOLD, self.to_string()).help(
            "give a number such as 0.9 for a classifier of two classes that exports probabilities",
        )
    }
}

/// Makes the label of `module` the second class iff its probability is greater
/// than `threshold`.
///
/// # Errors
/// If the model is not a classifier of two classes with probabilities.
pub fn set_threshold(module: &mut Module<Real>, threshold: f64) -> Result<(), ThresholdError> {
    if !(threshold > 0.0 && threshold < 1.0) {
        return Err(ThresholdError::OutOfRange { threshold });
    }
    let label = module.outputs.iter().position(|output| output.kind == OutputKind::Label);
    let label = label.ok_or(ThresholdError::NotBinary { classes: 0 })?;
    let ElementType::Label(table) = module.ty(module.outputs[label].value).elem else {
        unreachable!("the type of a label output is label");
    };
    let classes = module.labels[table].len();
    if classes != 2 {
        return Err(ThresholdError::NotBinary { classes });
    }
    let is_probabilities = |output: &&Output| {
        let both = module.shape(output.value).elements() == classes;
        output.kind == OutputKind::Score(ScoreKind::Probability) && both
    };
    let scores = module.outputs.iter().find(is_probabilities);
    let scores = scores.ok_or(ThresholdError::NoProbabilities)?.value;

    let origin = module.node(module.outputs[label].value).origin;
    let one = Type::new(module.ty(scores).elem, &[1, 1]);
    let limit = Constant { ty: one.clone(), elements: vec![rounded(threshold, one.elem)] };
    let limit = module.constants.push(limit);
    let limit = module.push(RealOp::Constant { constant: limit }, one.clone(), origin);
    let positive = RealOp::Gather { input: scores, indices: vec![1] };
    let positive = module.push(positive, one, origin);
    let class = RealOp::Compare { relation: Relation::Greater, a: positive, b: limit };
    let class = module.push(class, Type::new(ElementType::Bool, &[1, 1]), origin);
    let class = RealOp::Reshape { input: class };
    let class = module.push(class, Type::new(ElementType::Bool, &[1]), origin);
    let ty = Type::new(ElementType::Label(table), &[1]);
    module.outputs[label].value = module.push(RealOp::Label { table, class }, ty, origin);
    Ok(())
}

/// The threshold as the scores are stored.
fn rounded(threshold: f64, elem: ElementType) -> f64 {
    if elem == ElementType::F32 { f64::from(threshold as f32) } else { threshold }
}

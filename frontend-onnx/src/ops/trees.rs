//! What the operators of tree ensembles share: from attributes to a forest of
//! the IR, and from its sums to the results.
//!
//! Decisions:
//! - the nodes of a tree stand together, and the first of them is its root, as
//!   in ONNX Runtime (tree_ensemble_common.h);
//! - branches may share where they lead, but no node leads back to itself;
//!   nodes that no walk reaches are dropped, with a warning, and so are weights
//!   of nodes that are no leaves;
//! - a leaf that names a sum twice adds both weights, rounded once to the type
//!   of the sums; where there is a single sum the first counts, with a warning;
//! - an infinite threshold becomes the greatest finite one of its type: a
//!   feature is an integer below 2^62 in magnitude, so every comparison with
//!   it says the same;
//! - of `nodes_missing_value_tracks_true` only 1 says that NaN takes the way of
//!   yes, as in ONNX Runtime;
//! - `nodes_hitrates` is not used.
//!
//! All work is linear in the lists but for sorting, and no step recurses: a
//! tree may be as deep as it has nodes.

mod aggregate;
mod attributes;
mod draft;
mod faults;
mod leaf_arrays;
mod leaves;
mod node_lists;
mod order;
mod post_transform;
mod question;
#[cfg(test)]
mod tests;
pub(super) mod totals;
mod weights;

use skxc_diagnostics::codes::{IGNORED_PART, TYPE_MISMATCH};
use skxc_ir::{ElementType, Forest, Real, Value};

use crate::import::Importer;
use crate::listing::counted;
use crate::node::{Imported, Node};
use faults::Faults;

pub(super) use aggregate::Aggregate;
pub(super) use attributes::{CLASS, TARGET, Trees};
pub(super) use draft::Frame;
pub(super) use post_transform::{NAME as POST_TRANSFORM_NAME, PostTransform};

/// The forest of TreeEnsembleClassifier or TreeEnsembleRegressor. `target` maps
/// a class or target id to the index of its sum.
pub(super) fn build(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    trees: &Trees<'_>,
    frame: Frame,
    target: &dyn Fn(i64) -> Option<u32>,
) -> Imported<Forest<Real>> {
    let mut faults = Faults::new(node);
    let (mut draft, ignored) = node_lists::read(trees, frame.features, target, &mut faults)?;
    leaves::check(importer, node, trees, frame, &mut draft, &mut faults);
    faults.check()?;
    let forest = draft.forest(importer, node, frame)?;
    if ignored > 0 {
        let message = format!("{} of no leaf", counted(ignored, "weight"));
        let warning = node.attribute_warning(trees.leaves.names.node_ids, IGNORED_PART, message);
        importer.warn(warning.note("dropped: only leaves add weights"));
    }
    Ok(forest)
}

/// The forest of TreeEnsemble.
pub(super) fn build_from_arrays(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    frame: Frame,
) -> Imported<Forest<Real>> {
    let draft = leaf_arrays::read(node, frame.elem, frame.features, frame.targets)?;
    draft.forest(importer, node, frame)
}

/// The row of features of the first operand and its width, in the type in which
/// TreeEnsembleClassifier and TreeEnsembleRegressor compare thresholds.
pub(super) fn features(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported<(Value, u32)> {
    let input = importer.value(node, 0)?;
    let (elem, width) = row(importer, node, input)?;
    let has_double_thresholds = node.tensor("nodes_values_as_tensor")?.is_some();
    match elem {
        ElementType::F32 => Ok((input, width)),
        ElementType::F64 if has_double_thresholds => Ok((input, width)),
        ElementType::F64 | ElementType::I64 => {
            Ok((importer.cast(input, ElementType::F32, node.origin), width))
        }
        ElementType::Bool | ElementType::Label(_) | ElementType::Fixed { .. } => {
            let message = format!("`{}` cannot compare `{elem}`", node.name());
            Err(node.operand_error(0, TYPE_MISMATCH, message).into())
        }
    }
}

/// Element type and width of a row.
pub(super) fn row(
    importer: &Importer<'_>,
    node: &Node<'_>,
    input: Value,
) -> Imported<(ElementType, u32)> {
    let ty = importer.module.ty(input);
    let [1, width] = ty.shape.0[..] else {
        let message = format!("`{}` needs a row of features, not `{ty}`", node.name());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    };
    Ok((ty.elem, width))
}

//! FeatureVectorizer (ai.onnx.ml 1): rows joined to one row of `float`.
//!
//! `inputdimensions` says how many columns of the result belong to each input.
//! Decision: what an input has more is dropped, and what it lacks is 0, as ONNX
//! Runtime does (feature_vectorizer.cc); without the attribute, which it needs,
//! all columns are kept.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, LIMIT_EXCEEDED, TYPE_MISMATCH};
use skxc_ir::limits::COLUMNS_MAX;
use skxc_ir::{ElementType, RealOp, Type, Value};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

const DIMENSIONS: &str = "inputdimensions";

pub(super) static FEATURE_VECTORIZER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "FeatureVectorizer",
    since: 1,
    inputs: 1..=usize::MAX,
    attributes: &[DIMENSIONS],
    supported: "everything",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let count = node.operands.len();
    let dimensions = node.ints(DIMENSIONS)?;
    if !dimensions.is_empty() {
        node.check_length(DIMENSIONS, dimensions.len(), count, &format!("{count} inputs"))?;
    }
    let mut parts = Vec::new();
    let mut width = 0usize;
    for position in 0..count {
        let row = row(importer, node, position)?;
        let found = importer.module.shape(row).0[1];
        let wanted = match dimensions.get(position) {
            Some(&wanted) => dimension(node, wanted)?,
            None => found,
        };
        width = width.saturating_add(wanted as usize);
        if width > COLUMNS_MAX {
            let message = format!("`FeatureVectorizer` makes more than {COLUMNS_MAX} columns");
            return Err(node.error(LIMIT_EXCEEDED, message).into());
        }
        if wanted.min(found) > 0 {
            parts.push(importer.gather(row, (0..wanted.min(found)).collect(), node.origin));
        }
        if wanted > found {
            let ty = Type::new(ElementType::F32, &[1, wanted - found]);
            parts.push(importer.constant(0.0, ty, node.origin));
        }
    }
    let Some(&first) = parts.first() else {
        let message = "`FeatureVectorizer` makes no columns";
        return Err(node.attribute_error(DIMENSIONS, ATTRIBUTE_INVALID, message).into());
    };
    if parts.len() == 1 {
        return Ok(vec![Operand::Value(first)]);
    }
    let width = u32::try_from(width).expect("the limits bound every extent");
    let ty = Type::new(ElementType::F32, &[1, width]);
    let op = RealOp::Concat { inputs: parts };
    Ok(vec![Operand::Value(importer.module.push(op, ty, node.origin))])
}

/// An operand as `f32[1xn]`: its first axis counts rows, if it has several.
fn row(importer: &mut Importer<'_>, node: &Node<'_>, position: usize) -> Imported<Value> {
    let input = importer.numbers(node, position)?;
    let ty = importer.module.ty(input).clone();
    let rows = if ty.shape.0.len() > 1 { ty.shape.0[0] } else { 1 };
    if rows != 1 || ty.elem == ElementType::Bool {
        let message = format!("`FeatureVectorizer` cannot join `{ty}`");
        return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
    }
    let extent = u32::try_from(ty.shape.elements()).expect("the limits bound every extent");
    let input = importer.cast(input, ElementType::F32, node.origin);
    Ok(importer.reshape(input, &[1, extent], node.origin))
}

fn dimension(node: &Node<'_>, wanted: i64) -> Imported<u32> {
    let found = u32::try_from(wanted).ok().filter(|&wanted| wanted as usize <= COLUMNS_MAX);
    found.ok_or_else(|| {
        let message = format!("`{DIMENSIONS}` holds {wanted}; it must be 0 to {COLUMNS_MAX}");
        node.attribute_error(DIMENSIONS, ATTRIBUTE_INVALID, message).into()
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, numbers, said};

    #[test]
    fn rows_are_joined_cut_and_filled() {
        let joined = |dimensions: &[i64]| {
            let nodes = vec![
                node("Concat", &["X", "X"], &["two"]).int("axis", 1),
                node("FeatureVectorizer", &["two", "X"], &["Y"])
                    .ints("inputdimensions", dimensions),
            ];
            model(1, nodes, &["Y"])
        };
        assert_eq!(numbers(&joined(&[2, 1]), 2)[1], [1.0, 1.0, 1.0]);
        assert_eq!(numbers(&joined(&[1, 3]), 2)[1], [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(numbers(&joined(&[]), 2)[1], [1.0, 1.0, 1.0]);
        assert_eq!(
            said(&joined(&[1])),
            ["SKX0105: `inputdimensions` has 1 element; 2 inputs need 2"]
        );
        assert_eq!(
            said(&joined(&[1, -1])),
            ["SKX0104: `inputdimensions` holds -1; it must be 0 to 4096"]
        );
        assert_eq!(said(&joined(&[0, 0])), ["SKX0104: `FeatureVectorizer` makes no columns"]);
    }
}

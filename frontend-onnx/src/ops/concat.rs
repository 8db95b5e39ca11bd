//! Concat (ai.onnx 4 to 28): joins along the last axis.

use skxc_diagnostics::codes::{LIMIT_EXCEEDED, TYPE_MISMATCH, UNSUPPORTED_FORM};
use skxc_ir::limits::{COLUMNS_MAX, ELEMENTS_MAX};
use skxc_ir::{RealOp, Type, Value};

use super::Operator;
use crate::lower::{Lowering, Scores, known};
use crate::node::{Lowered, Node, Operand};
use crate::tensor::{Data, Tensor};

pub(super) static CONCAT: Operator = Operator {
    domain: "ai.onnx",
    name: "Concat",
    since: 4,
    inputs: 1..=usize::MAX,
    attributes: &["axis"],
    supported: "along the last axis",
    lower,
};

fn lower(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let axis = node.int("axis")?.ok_or_else(|| node.missing("axis"))?;
    if node.operands.len() > COLUMNS_MAX {
        let message = format!(
            "`Concat` joins {} values; at most {COLUMNS_MAX} are allowed",
            node.operands.len()
        );
        return Err(node.error(LIMIT_EXCEEDED, message).into());
    }
    if let Some(tensor) = fold(node) {
        return Ok(vec![known(tensor)]);
    }
    let mut inputs = Vec::with_capacity(node.operands.len());
    for position in 0..node.operands.len() {
        inputs.push(lowering.value(node, position)?);
    }
    let first = lowering.module.ty(inputs[0]).clone();
    let rank = first.shape.0.len();
    let axis = node.axis(axis, rank)?;
    if axis == 0 || axis + 1 != rank {
        let message = format!("`Concat` along axis {axis} is not supported");
        let error = node.attribute_error("axis", UNSUPPORTED_FORM, message);
        return Err(error.note("axis 0 counts rows, and skxc sees one row at a time").into());
    }
    let mut width = 0u64;
    for (position, &input) in inputs.iter().enumerate() {
        let ty = lowering.module.ty(input);
        let (leading, last) = ty.shape.0.split_at(ty.shape.0.len().saturating_sub(1));
        if ty.elem != first.elem || leading != &first.shape.0[..axis] || last.is_empty() {
            let message = format!("`Concat` cannot join `{ty}` to `{first}`");
            return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
        }
        width += u64::from(last[0]);
    }
    let mut shape = first.shape.0.clone();
    shape[axis] =
        u32::try_from(width).ok().filter(|&w| w as usize <= ELEMENTS_MAX).ok_or_else(|| {
            let message = format!("`Concat` makes {width} columns");
            node.error(LIMIT_EXCEEDED, message)
        })?;
    let scores = joined_scores(lowering, &inputs);
    let ty = Type::new(first.elem, &shape);
    let value = lowering.module.push(RealOp::Concat { inputs }, ty, node.origin);
    if let Some(scores) = scores {
        lowering.scores.insert(value, scores);
    }
    Ok(vec![Operand::Value(value)])
}

/// The scores that the joined values hold, if all are of one classifier.
fn joined_scores(lowering: &Lowering<'_>, inputs: &[Value]) -> Option<Scores> {
    let mut joined: Option<Scores> = None;
    for input in inputs {
        let scores = lowering.scores.get(input)?;
        match &mut joined {
            None => joined = Some(scores.clone()),
            Some(joined) if joined.whole == scores.whole => {
                joined.classes.extend(&scores.classes);
            }
            Some(_) => return None,
        }
    }
    joined
}

/// A list of integers made of lists of integers: a shape that is put together.
fn fold(node: &Node<'_>) -> Option<Tensor> {
    let mut elements = Vec::new();
    let mut per_row = false;
    for operand in &node.operands {
        let Some(Operand::Constant(tensor)) = operand else { return None };
        let Data::Integers(values) = &tensor.data else { return None };
        if tensor.shape.len() != 1 {
            return None;
        }
        elements.extend(values);
        per_row |= tensor.per_row;
    }
    (elements.len() <= ELEMENTS_MAX).then(|| Tensor { per_row, ..Tensor::integers(elements) })
}

#[cfg(test)]
mod tests {
    use crate::proto::DataType;
    use crate::testing::{WithAttributes, graph, input, model, node, operations, said};

    #[test]
    fn inputs_of_one_column_are_joined() {
        let join = node("Concat", &["X", "Z", "X"], &["Y"]).int("axis", 1);
        let mut model = model(1, vec![join], &["Y"]);
        graph(&mut model).input.push(input("Z", DataType::Float, &[-1, 2]));
        let expected = [
            "%0 = input [c0] : f32[1x1]",
            "%1 = input [c1, c2] : f32[1x2]",
            "%2 = concat [%0, %1, %0] : f32[1x4]",
            "output \"Y\" value %2",
        ];
        assert_eq!(operations(&model), expected);
    }

    #[test]
    fn types_must_fit() {
        let join = node("Concat", &["X", "Z"], &["Y"]).int("axis", 1);
        let mut model = model(1, vec![join.clone()], &["Y"]);
        graph(&mut model).input.push(input("Z", DataType::Int64, &[-1, 1]));
        assert_eq!(said(&model), ["SKX0107: `Concat` cannot join `i64[1x1]` to `f32[1x1]`"]);
        graph(&mut model).node[0] = join.int("axis", 0);
        assert_eq!(said(&model), ["SKX0108: `Concat` along axis 0 is not supported"]);
    }
}

//! Gather (ai.onnx 1 to 28) with constant positions, and the look-up of labels.

use skxc_diagnostics::codes::{
    CLASS_LABELS, INDEX_OUT_OF_RANGE, LIMIT_EXCEEDED, TYPE_MISMATCH, UNSUPPORTED_FORM,
};
use skxc_ir::limits::{COLUMNS_MAX, ELEMENTS_MAX};
use skxc_ir::{LabelTable, Value};

use super::Operator;
use crate::lower::{Lowering, known};
use crate::node::{Lowered, Node, Operand};
use crate::tensor::{Data, Tensor};

pub(super) static GATHER: Operator = Operator {
    domain: "ai.onnx",
    name: "Gather",
    since: 1,
    inputs: 2..=2,
    attributes: &["axis"],
    supported: "columns by constant positions; labels by the index of a class",
    lower,
};

fn lower(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Lowered {
    let axis = node.int("axis")?.unwrap_or(0);
    match (node.operand(0)?, node.operand(1)?) {
        (Operand::Constant(labels), Operand::Value(class)) if labels.shape.len() == 1 => {
            let (labels, class) = (labels.clone(), *class);
            Ok(vec![Operand::Value(look_up_label(lowering, node, &labels, class)?)])
        }
        (Operand::Value(data), Operand::Constant(positions)) => {
            let (data, outer) = (*data, positions.shape.clone());
            let mut shape = lowering.module.shape(data).0.clone();
            let axis = node.axis(axis, shape.len())?;
            if axis == 0 || axis + 1 != shape.len() {
                let message = format!("`Gather` along axis {axis} is not supported");
                let error = node.attribute_error("axis", UNSUPPORTED_FORM, message);
                return Err(error.note("skxc sees one row at a time, and picks columns").into());
            }
            let indices = indices(node, shape[axis])?;
            let picked = lowering.gather(data, indices, node.origin);
            shape.pop();
            shape.extend(outer);
            Ok(vec![Operand::Value(lowering.reshape(picked, &shape, node.origin))])
        }
        (Operand::Constant(tensor), Operand::Constant(positions)) => {
            let (tensor, positions) = (tensor.clone(), positions.clone());
            fold(node, &tensor, &positions, axis)
        }
        _ => {
            let message = "`Gather` needs constant positions or constant labels";
            Err(node.operand_error(1, TYPE_MISMATCH, message).into())
        }
    }
}

/// The labels of `class`, which must be the index of a class.
pub(super) fn look_up_label(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    labels: &Tensor,
    class: Value,
) -> Lowered<Value> {
    let Some(&count) = lowering.classes.get(&class) else {
        let message = "the position is computed, but it is not the index of a class";
        return Err(node
            .operand_error(1, UNSUPPORTED_FORM, message)
            .note("nothing bounds it: only the result of `ArgMax` is known to be within its row")
            .into());
    };
    let table = match &labels.data {
        Data::Integers(values) => LabelTable::Integers(values.clone()),
        Data::Text(texts) => LabelTable::Strings(texts.clone()),
        Data::F32(_) | Data::F64(_) | Data::Bool(_) => {
            let message = "labels are integers or text";
            return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
        }
    };
    if table.len() != count as usize {
        let message = format!("there are {} labels for {count} classes", table.len());
        return Err(node.operand_error(0, CLASS_LABELS, message).into());
    }
    let table = lowering.module.labels.push(table);
    Ok(lowering.label(table, class, node.origin))
}

/// The constant positions, counted from 0, each below `extent`.
fn indices(node: &Node<'_>, extent: u32) -> Lowered<Vec<u32>> {
    let positions = node.constant_integers(1, "indices")?;
    if positions.len() > COLUMNS_MAX {
        let message =
            format!("{} columns are picked; at most {COLUMNS_MAX} are allowed", positions.len());
        return Err(node.operand_error(1, LIMIT_EXCEEDED, message).into());
    }
    let index = |&position: &i64| {
        let counted =
            if position < 0 { position.saturating_add(i64::from(extent)) } else { position };
        u32::try_from(counted).ok().filter(|&index| index < extent).ok_or_else(|| {
            let message = format!("position {position} is not within the extent {extent}");
            node.operand_error(1, INDEX_OUT_OF_RANGE, message).into()
        })
    };
    positions.iter().map(index).collect()
}

fn fold(node: &Node<'_>, tensor: &Tensor, positions: &Tensor, axis: i64) -> Lowered {
    let axis = node.axis(axis, tensor.shape.len())?;
    let indices = indices(node, tensor.shape[axis])?;
    let product = |extents: &[u32]| extents.iter().map(|&extent| extent as usize).product();
    let outer: usize = product(&tensor.shape[..axis]);
    let inner: usize = product(&tensor.shape[axis + 1..]);
    if outer.saturating_mul(inner).saturating_mul(indices.len()) > ELEMENTS_MAX {
        let message = format!("`Gather` makes more than {ELEMENTS_MAX} elements");
        return Err(node.error(LIMIT_EXCEEDED, message).into());
    }
    let extent = tensor.shape[axis] as usize;
    let mut picked = Vec::with_capacity(outer * inner * indices.len());
    for row in 0..outer {
        for &index in &indices {
            let start = (row * extent + index as usize) * inner;
            picked.extend(start..start + inner);
        }
    }
    let mut shape = tensor.shape[..axis].to_vec();
    shape.extend(&positions.shape);
    shape.extend(&tensor.shape[axis + 1..]);
    Ok(vec![known(tensor.pick(shape, &picked))])
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, integers, model, node, operations, said, with_integers};

    #[test]
    fn columns_are_picked() {
        let pick = node("Gather", &["X", "at"], &["Y"]).int("axis", -1);
        let model = with_integers(model(3, vec![pick], &["Y"]), "at", &[-1]);
        assert_eq!(operations(&model)[1], "%1 = gather %0 [2] : f32[1x1]");
    }

    #[test]
    fn rows_are_not() {
        let pick = node("Gather", &["X", "at"], &["Y"]);
        let model = with_integers(model(3, vec![pick], &["Y"]), "at", &[0]);
        assert_eq!(said(&model), ["SKX0108: `Gather` along axis 0 is not supported"]);
    }

    #[test]
    fn constants_are_folded() {
        let nodes = vec![
            node("Constant", &[], &["c"]).tensor("value", integers(&[3, 1, 2])),
            node("Gather", &["c", "at"], &["shape"]),
            node("Reshape", &["X", "shape"], &["Y"]),
        ];
        let model = with_integers(model(2, nodes, &["Y"]), "at", &[1, -1, 1]);
        assert_eq!(operations(&model)[1], "%1 = reshape %0 : f32[1x2x1]");
    }
}

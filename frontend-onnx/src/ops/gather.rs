//! Gather (ai.onnx 1 to 28), the look-up of labels, and reads at computed
//! positions.
//!
//! Decision: a computed position outside the axis, which is an error in ONNX
//! Runtime, counts as the nearest inside; a negative one counts from the end.

use skxc_diagnostics::codes::{CLASS_LABELS, INDEX_OUT_OF_RANGE, LIMIT_EXCEEDED, TYPE_MISMATCH};
use skxc_ir::limits::COLUMNS_MAX;
use skxc_ir::{Binary, ElementType, LabelTable, RealOp, Relation, Type, Value};

use super::Operator;
use crate::build::{is_bounded, too_large};
use crate::import::{Importer, known};
use crate::limits::RESULT_ELEMENTS_MAX;
use crate::node::{Imported, Node, Operand};
use crate::tensor::{Data, Tensor};

pub(super) static GATHER: Operator = Operator {
    domain: "ai.onnx",
    name: "Gather",
    since: 1,
    inputs: 2..=2,
    attributes: &["axis"],
    supported: "along any axis, not across rows; labels by the index of a class",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let axis = node.int("axis")?.unwrap_or(0);
    if let (Operand::Constant(tensor), Operand::Constant(positions)) =
        (node.operand(0)?, node.operand(1)?)
    {
        let (tensor, positions) = (tensor.clone(), positions.clone());
        return fold(node, &tensor, &positions, axis);
    }
    if let Some(label) = look_up_label(importer, node)? {
        return Ok(vec![Operand::Value(label)]);
    }
    let data = importer.value(node, 0)?;
    let shape = importer.module.shape(data).0.clone();
    let axis = node.axis(axis, shape.len())?;
    importer.check_axis(node, &shape, axis)?;
    if let Operand::Constant(positions) = node.operand(1)? {
        let extents = positions.shape.clone();
        let indices = indices(node, shape[axis])?;
        return pick(importer, node, data, axis, &indices, &extents);
    }
    let index = position(importer, node, 1, shape[axis])?;
    let value = at_computed(importer, node, data, axis, index)?;
    Ok(vec![Operand::Value(value)])
}

/// The labels of the index of a class, if the operands are a constant list of
/// labels and such an index.
pub(super) fn look_up_label(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
) -> Imported<Option<Value>> {
    let (Operand::Constant(labels), Operand::Value(class)) = (node.operand(0)?, node.operand(1)?)
    else {
        return Ok(None);
    };
    let table = match &labels.data {
        Data::Integers(values) if labels.shape.len() == 1 => LabelTable::Integers(values.clone()),
        Data::Text(texts) => LabelTable::Strings(texts.clone()),
        Data::Integers(_) | Data::F32(_) | Data::F64(_) | Data::Bool(_) => return Ok(None),
    };
    let is_text = matches!(table, LabelTable::Strings(_));
    let (class, count) = (*class, table.len());
    match importer.classes.get(&class) {
        Some(&classes) if classes as usize == count => {
            let table = importer.module.labels.push(table);
            Ok(Some(importer.label(table, class, node.origin)))
        }
        Some(classes) if is_text => {
            let message = format!("there are {count} labels for {classes} classes");
            Err(node.operand_error(0, CLASS_LABELS, message).into())
        }
        None if is_text => {
            let message = "the position is computed, but it is not the index of a class";
            let error = node.operand_error(1, TYPE_MISMATCH, message);
            Err(error.note("text is found only by the result of `ArgMax` or a classifier").into())
        }
        Some(_) | None => Ok(None),
    }
}

/// The operand at `operand` as positions in an axis of `extent` elements: all
/// within it, or brought there.
pub(super) fn position(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    operand: usize,
    extent: u32,
) -> Imported<Value> {
    let index = importer.numbers(node, operand)?;
    let ty = importer.module.ty(index);
    if ty.elem != ElementType::I64 {
        let message = format!("positions are integers, not `{ty}`");
        return Err(node.operand_error(operand, TYPE_MISMATCH, message).into());
    }
    if counts_from_zero(importer, index) {
        return Ok(index);
    }
    let mut scalar = |x: u32| importer.scalar(x.into(), ElementType::I64, node.origin);
    let (zero, extent) = (scalar(0), scalar(extent));
    let is_negative = importer.compare(node, Relation::Less, index, zero)?;
    let from_end = importer.binary(node, Binary::Add, index, extent)?;
    importer.select(node, is_negative, from_end, index)
}

/// Is it the result of an operation that makes positions?
fn counts_from_zero(importer: &Importer<'_>, mut index: Value) -> bool {
    loop {
        match &importer.module.node(index).op {
            RealOp::ArgMax { .. } | RealOp::ArgMin { .. } | RealOp::ArgSort { .. } => return true,
            RealOp::Constant { constant } => {
                return importer.module.constants[*constant].elements.iter().all(|&x| x >= 0.0);
            }
            RealOp::Cast { input } if importer.module.ty(*input).elem == ElementType::Bool => {
                return true;
            }
            RealOp::Cast { input } if importer.module.ty(*input).elem != ElementType::I64 => {
                return false;
            }
            RealOp::Cast { input }
            | RealOp::Reshape { input }
            | RealOp::Gather { input, .. }
            | RealOp::Take { input, .. }
            | RealOp::TakeAlong { input, .. } => index = *input,
            _ => return false,
        }
    }
}

/// The elements of `data` along `axis` at computed positions, by their
/// positions in the flat tensor: `(outer * extent + index) * inner + rest`.
pub(super) fn at_computed(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    data: Value,
    axis: usize,
    index: Value,
) -> Imported<Value> {
    let shape = importer.module.shape(data).0.clone();
    let positions = importer.module.shape(index).0.clone();
    let to: Vec<u32> =
        shape[..axis].iter().chain(&positions).chain(&shape[axis + 1..]).copied().collect();
    if !is_bounded(&to) {
        return Err(too_large(node).into());
    }
    let outer: u32 = shape[..axis].iter().product();
    let inner: u32 = shape[axis + 1..].iter().product();
    let count: u32 = shape.iter().product();
    let flat = importer.reshape(data, &[count], node.origin);
    if (outer, inner) == (1, 1) {
        let taken = importer.take(flat, index, node.origin);
        return Ok(importer.reshape(taken, &to, node.origin));
    }
    let origin = node.origin;
    // Brought inside before the positions of the other axes are added.
    let zero = importer.scalar(0.0, ElementType::I64, origin);
    let last = importer.scalar((shape[axis] - 1).into(), ElementType::I64, origin);
    let index = importer.binary(node, Binary::Maximum, index, zero)?;
    let index = importer.binary(node, Binary::Minimum, index, last)?;
    let index = importer.reshape(index, &[1, positions.iter().product(), 1], origin);
    let step = importer.scalar(inner.into(), ElementType::I64, origin);
    let start = importer.binary(node, Binary::Multiply, index, step)?;
    let step_outer = shape[axis] * inner;
    let others = (0..outer)
        .flat_map(|outer| (0..inner).map(move |rest| f64::from(outer * step_outer + rest)));
    let others: Vec<f64> = others.collect();
    let others =
        importer.constant_of(others, Type::new(ElementType::I64, &[outer, 1, inner]), origin);
    let at = importer.binary(node, Binary::Add, start, others)?;
    let taken = importer.take(flat, at, origin);
    Ok(importer.reshape(taken, &to, origin))
}

/// The elements of `data` along `axis` at `indices`, which have the shape `extents`.
fn pick(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    data: Value,
    axis: usize,
    indices: &[u32],
    extents: &[u32],
) -> Imported {
    let shape = importer.module.shape(data).0.clone();
    let (picked, to) = picked(node, &shape, axis, indices, extents)?;
    if axis + 1 == shape.len() && shape[..axis].iter().all(|&extent| extent == 1) {
        let row = importer.gather(data, indices.to_vec(), node.origin);
        return Ok(vec![Operand::Value(importer.reshape(row, &to, node.origin))]);
    }
    let picked = picked.into_iter().map(|at| at as u32).collect();
    Ok(vec![Operand::Value(importer.pick(data, picked, &to, node.origin))])
}

/// The constant positions, counted from 0, each below `extent`.
fn indices(node: &Node<'_>, extent: u32) -> Imported<Vec<u32>> {
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

fn fold(node: &Node<'_>, tensor: &Tensor, positions: &Tensor, axis: i64) -> Imported {
    let axis = node.axis(axis, tensor.shape.len())?;
    let indices = indices(node, tensor.shape[axis])?;
    let (picked, shape) = picked(node, &tensor.shape, axis, &indices, &positions.shape)?;
    Ok(vec![known(tensor.pick(shape, &picked))])
}

/// The row-major positions of what is gathered, and its shape.
fn picked(
    node: &Node<'_>,
    from: &[u32],
    axis: usize,
    indices: &[u32],
    extents: &[u32],
) -> Imported<(Vec<usize>, Vec<u32>)> {
    let product = |extents: &[u32]| extents.iter().map(|&extent| extent as usize).product();
    let outer: usize = product(&from[..axis]);
    let inner: usize = product(&from[axis + 1..]);
    if outer.saturating_mul(inner).saturating_mul(indices.len()) > RESULT_ELEMENTS_MAX {
        return Err(too_large(node).into());
    }
    let extent = from[axis] as usize;
    let mut picked = Vec::with_capacity(outer * inner * indices.len());
    for row in 0..outer {
        for &index in indices {
            let start = (row * extent + index as usize) * inner;
            picked.extend(start..start + inner);
        }
    }
    let shape = from[..axis].iter().chain(extents).chain(&from[axis + 1..]);
    Ok((picked, shape.copied().collect()))
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

    #[test]
    fn positions_may_be_computed() {
        let nodes = vec![
            node("ArgMax", &["X"], &["i"]).int("axis", 1),
            node("Gather", &["X", "i"], &["Y"]).int("axis", 1),
        ];
        let expected = ["%3 = reshape %0 : f32[3]", "%4 = take %3, %2 : f32[1x1]"];
        assert_eq!(operations(&model(3, nodes, &["Y"]))[3..5], expected);
        let nodes = vec![
            node("Cast", &["X"], &["i"]).int("to", 7),
            node("Gather", &["X", "i"], &["Y"]).int("axis", 1),
        ];
        let names: Vec<String> = operations(&model(1, nodes, &["Y"]))
            .iter()
            .map(|line| line.split(' ').nth(2).unwrap_or_default().to_owned())
            .collect();
        let expected =
            ["input", "cast", "constant", "constant", "less", "add", "select", "reshape", "take"];
        assert_eq!(names[..9], expected);
    }
}

//! Reshape (ai.onnx 5 to 28), Flatten, Squeeze and Unsqueeze (1 to 28): the
//! same elements in another shape.
//!
//! Decision: an export for a fixed batch of `B` rows counts them in its
//! shapes; where `B` leads and does not fit one row, it is taken as 1.

use skxc_diagnostics::Diagnostic;
use skxc_diagnostics::codes::TYPE_MISMATCH;

use super::Operator;
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};
use crate::tensor::Tensor;

pub(super) static RESHAPE: Operator = Operator {
    domain: "ai.onnx",
    name: "Reshape",
    since: 5,
    inputs: 2..=2,
    attributes: &["allowzero"],
    supported: "to a constant shape",
    import,
};

pub(super) static FLATTEN: Operator = Operator {
    domain: "ai.onnx",
    name: "Flatten",
    since: 1,
    inputs: 1..=1,
    attributes: &["axis"],
    supported: "everything",
    import: import_flatten,
};

pub(super) static SQUEEZE: Operator = Operator {
    domain: "ai.onnx",
    name: "Squeeze",
    since: 1,
    inputs: 1..=2,
    attributes: &["axes"],
    supported: "of constant axes",
    import: import_squeeze,
};

pub(super) static UNSQUEEZE: Operator = Operator {
    domain: "ai.onnx",
    name: "Unsqueeze",
    since: 1,
    inputs: 1..=2,
    attributes: &["axes"],
    supported: "of constant axes",
    import: import_unsqueeze,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let from = shape_of(importer, node)?;
    let wanted = node.constant_integers(1, "shape")?;
    let keeps_zero = node.int("allowzero")?.unwrap_or(0) == 0;
    let batch = importer.batch.map(i64::from);
    let one_row = |wanted: &[i64]| match wanted.split_first() {
        Some((first, rest)) if Some(*first) == batch => {
            let mut wanted = vec![1];
            wanted.extend(rest);
            wanted
        }
        _ => wanted.to_vec(),
    };
    let to = resolve(&from, wanted, keeps_zero)
        .or_else(|| resolve(&from, &one_row(wanted), keeps_zero))
        .ok_or_else(|| {
            let shown = &wanted[..wanted.len().min(8)];
            let message = format!("`Reshape` of {from:?} to {shown:?} does not keep its elements");
            node.operand_error(1, TYPE_MISMATCH, message)
        })?;
    finish(importer, node, &to)
}

/// The shape that `wanted` means for an operand of shape `from`: 0 keeps an
/// extent, -1 is what remains (ONNX Reshape).
fn resolve(from: &[u32], wanted: &[i64], keeps_zero: bool) -> Option<Vec<u32>> {
    if wanted.len() > skxc_ir::limits::AXES_MAX {
        return None;
    }
    let elements: u64 = from.iter().map(|&extent| u64::from(extent)).product();
    let mut shape = Vec::with_capacity(wanted.len());
    let mut inferred = None;
    for (axis, &extent) in wanted.iter().enumerate() {
        shape.push(match extent {
            0 if keeps_zero => *from.get(axis)?,
            -1 if inferred.is_none() => {
                inferred = Some(axis);
                1
            }
            extent => u32::try_from(extent).ok()?,
        });
    }
    let known = shape.iter().try_fold(1u64, |n, &extent| n.checked_mul(u64::from(extent)))?;
    match inferred {
        Some(axis) if known > 0 && elements.is_multiple_of(known) => {
            shape[axis] = u32::try_from(elements / known).ok()?;
        }
        None if known == elements => {}
        Some(_) | None => return None,
    }
    Some(shape)
}

fn import_flatten(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let from = shape_of(importer, node)?;
    let axis = node.int("axis")?.unwrap_or(1);
    let rank = from.len();
    let split = if axis == rank as i64 { rank } else { node.axis(axis, rank)? };
    let to = [from[..split].iter().product(), from[split..].iter().product()];
    finish(importer, node, &to)
}

fn import_squeeze(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let from = shape_of(importer, node)?;
    let axes = axes(node, from.len())?;
    let mut to = Vec::with_capacity(from.len());
    for (axis, &extent) in from.iter().enumerate() {
        let listed = axes.contains(&axis);
        if listed && extent != 1 {
            let message = format!("`Squeeze` of axis {axis}, whose extent is {extent}");
            return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
        }
        // Without a list every extent of 1 goes.
        if !(listed || axes.is_empty() && extent == 1) {
            to.push(extent);
        }
    }
    finish(importer, node, &to)
}

fn import_unsqueeze(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let from = shape_of(importer, node)?;
    let listed = if node.version < 13 { node.ints("axes")?.len() } else { axis_list(node)?.len() };
    let rank = from.len() + listed;
    if rank > skxc_ir::limits::AXES_MAX {
        return Err(too_many_axes(node, rank).into());
    }
    let axes = axes(node, rank)?;
    let mut rest = from.iter();
    let to: Vec<u32> = (0..rank)
        .map(|axis| if axes.contains(&axis) { 1 } else { rest.next().copied().unwrap_or(1) })
        .collect();
    if rest.next().is_some() || axes.len() != listed {
        let message = "`Unsqueeze` lists an axis twice";
        return Err(node.error(TYPE_MISMATCH, message).into());
    }
    finish(importer, node, &to)
}

fn too_many_axes(node: &Node<'_>, rank: usize) -> Diagnostic {
    let most = skxc_ir::limits::AXES_MAX;
    let message = format!("`{}` makes {rank} axes; at most {most} are allowed", node.name());
    node.error(skxc_diagnostics::codes::LIMIT_EXCEEDED, message)
}

/// `axes`: an attribute before operator set 13, an input since.
fn axis_list<'n>(node: &'n Node<'_>) -> Imported<&'n [i64]> {
    if node.version < 13 {
        node.ints("axes")
    } else if node.optional(1).is_some() {
        node.constant_integers(1, "axes")
    } else {
        Ok(&[])
    }
}

/// The listed axes, counted from 0, in order, each once.
fn axes(node: &Node<'_>, rank: usize) -> Imported<Vec<usize>> {
    let listed = axis_list(node)?;
    let mut axes = Vec::new();
    for &axis in listed {
        let axis = node.axis(axis, rank)?;
        if !axes.contains(&axis) {
            axes.push(axis);
        }
    }
    Ok(axes)
}

fn shape_of(importer: &Importer<'_>, node: &Node<'_>) -> Imported<Vec<u32>> {
    match node.operand(0)? {
        Operand::Value(value) => Ok(importer.module.shape(*value).0.clone()),
        Operand::Constant(tensor) => Ok(tensor.shape.clone()),
        Operand::Results(_) | Operand::Refused => {
            let message = format!("`{}` of a map is not supported", node.name());
            Err(node.operand_error(0, TYPE_MISMATCH, message).into())
        }
    }
}

fn finish(importer: &mut Importer<'_>, node: &Node<'_>, to: &[u32]) -> Imported {
    Ok(vec![match node.operand(0)? {
        Operand::Value(value) => Operand::Value(importer.reshape(*value, to, node.origin)),
        Operand::Constant(tensor) => known(Tensor { shape: to.to_vec(), ..(**tensor).clone() }),
        other @ (Operand::Results(_) | Operand::Refused) => other.clone(),
    }])
}

#[cfg(test)]
mod tests {
    use super::resolve;
    use crate::proto::DataType;
    use crate::testing::{
        WithAttributes, graph, input, model, node, operations, said, with_integers,
    };

    #[test]
    fn shapes_are_resolved() {
        assert_eq!(resolve(&[1, 6], &[0, -1], true), Some(vec![1, 6]));
        assert_eq!(resolve(&[1, 6], &[-1, 3], true), Some(vec![2, 3]));
        assert_eq!(resolve(&[1, 6], &[-1, 4], true), None);
        assert_eq!(resolve(&[1, 6], &[-1, -1], true), None);
        assert_eq!(resolve(&[1, 6], &[0, -1], false), None);
        assert_eq!(resolve(&[1, 6], &[i64::MAX, i64::MAX], true), None);
        assert_eq!(resolve(&[1, 6], &[1; 9], true), None);
    }

    #[test]
    fn axes_come_and_go() {
        let nodes = vec![
            node("Flatten", &["X"], &["a"]).int("axis", 0),
            node("Squeeze", &["a", "axis"], &["b"]),
            node("Unsqueeze", &["b", "axis"], &["Y"]),
        ];
        let expected = [
            "%0 = input [c0, c1] : f32[1x2]",
            "%1 = reshape %0 : f32[2]",
            "%2 = reshape %1 : f32[1x2]",
            "output \"Y\" value %2",
        ];
        let model = with_integers(model(2, nodes, &["Y"]), "axis", &[0]);
        assert_eq!(operations(&model), expected);
    }

    #[test]
    fn a_fixed_batch_is_one_row() {
        let reshape = node("Reshape", &["X", "shape"], &["Y"]);
        let mut batch = with_integers(model(2, vec![reshape], &["Y"]), "shape", &[4, 2, 1]);
        let open = batch.clone();
        graph(&mut batch).input[0] = input("X", DataType::Float, &[4, 2]);
        assert_eq!(operations(&batch)[1], "%1 = reshape %0 : f32[1x2x1]");
        assert_eq!(
            said(&open),
            ["SKX0107: `Reshape` of [1, 2] to [4, 2, 1] does not keep its elements"]
        );
    }

    #[test]
    fn the_shape_is_constant() {
        let nodes = vec![node("Reshape", &["X", "X"], &["Y"])];
        assert_eq!(said(&model(2, nodes, &["Y"])), ["SKX0102: `Reshape` needs a constant `shape`"]);
    }
}

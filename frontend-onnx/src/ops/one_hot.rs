//! OneHot (ai.onnx 9 to 28): a new axis with one value at a position and
//! another elsewhere; and Hardmax by it, in `softmax.rs`.
//!
//! A negative position counts from the end; one outside is nowhere.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, TYPE_MISMATCH};
use skxc_ir::limits::COLUMNS_MAX;
use skxc_ir::{Binary, ElementType, Relation, Value};

use super::Operator;
use crate::build::{is_bounded, too_large};
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};
use crate::tensor::Data;

pub(super) static ONE_HOT: Operator = Operator {
    domain: "ai.onnx",
    name: "OneHot",
    since: 9,
    inputs: 3..=3,
    attributes: &["axis"],
    supported: "of a constant depth",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let depth = depth(node)?;
    let positions = importer.numbers(node, 0)?;
    let positions = importer.cast(positions, ElementType::I64, node.origin);
    let values = importer.numbers(node, 2)?;
    if importer.module.shape(values).elements() != 2 {
        let message = "`OneHot` needs two values";
        return Err(node.operand_error(2, TYPE_MISMATCH, message).into());
    }
    let off = importer.pick(values, vec![0], &[], node.origin);
    let on = importer.pick(values, vec![1], &[], node.origin);
    let extent = importer.scalar(depth.into(), ElementType::I64, node.origin);
    let zero = importer.scalar(0.0, ElementType::I64, node.origin);
    let is_negative = importer.compare(node, Relation::Less, positions, zero)?;
    let from_end = importer.binary(node, Binary::Add, positions, extent)?;
    let positions = importer.select(node, is_negative, from_end, positions)?;
    let mut shape = importer.module.shape(positions).0.clone();
    let axis = node.axis(node.int("axis")?.unwrap_or(-1), shape.len() + 1)?;
    shape.insert(axis, 1);
    let positions = importer.reshape(positions, &shape, node.origin);
    let is_there = is_at(importer, node, positions, axis, depth)?;
    Ok(vec![Operand::Value(importer.select(node, is_there, on, off)?)])
}

/// Truth values along `axis`, of extent 1 in `positions`: is it there?
pub(super) fn is_at(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    positions: Value,
    axis: usize,
    depth: u32,
) -> Imported<Value> {
    let mut shape = importer.module.shape(positions).0.clone();
    shape[axis] = depth;
    if !is_bounded(&shape) {
        return Err(too_large(node).into());
    }
    let all = importer.list((0..depth).map(f64::from).collect(), ElementType::I64, node.origin);
    let mut column = vec![1; shape.len() - axis];
    column[0] = depth;
    let all = importer.reshape(all, &column, node.origin);
    importer.compare(node, Relation::Equal, positions, all)
}

fn depth(node: &Node<'_>) -> Imported<u32> {
    let depth = match &node.constant(1, "depth")?.data {
        Data::Integers(values) => values.first().copied(),
        Data::F32(values) | Data::F64(values) => values.first().map(|&depth| depth as i64),
        Data::Bool(_) | Data::Text(_) => None,
    };
    let found = depth.and_then(|depth| u32::try_from(depth).ok());
    found.filter(|&depth| (1..=COLUMNS_MAX).contains(&(depth as usize))).ok_or_else(|| {
        let message = format!("the depth of `OneHot` must be 1 to {COLUMNS_MAX}");
        node.operand_error(1, ATTRIBUTE_INVALID, message).into()
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, floats, graph, integers, model, node, numbers, said};

    #[test]
    fn a_position_is_a_column() {
        let mut model = model(1, vec![node("OneHot", &["X", "depth", "values"], &["Y"])], &["Y"]);
        let named =
            |name: &str, tensor| crate::proto::TensorProto { name: name.to_owned(), ..tensor };
        graph(&mut model).initializer =
            vec![named("depth", integers(&[3])), named("values", floats(&[-1.0, 2.0]))];
        assert_eq!(
            numbers(&model, 4),
            [[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0], [-1.0, -1.0, 2.0], [-1.0; 3]]
        );
        graph(&mut model).initializer[0] = named("depth", integers(&[-3]));
        assert_eq!(said(&model), ["SKX0104: the depth of `OneHot` must be 1 to 4096"]);
    }

    #[test]
    fn hardmax_is_one_hot() {
        let nodes = vec![
            node("Neg", &["X"], &["n"]),
            node("Concat", &["n", "X", "n"], &["row"]).int("axis", 1),
            node("Hardmax", &["row"], &["Y"]),
        ];
        assert_eq!(numbers(&model(1, nodes, &["Y"]), 2), [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    }
}

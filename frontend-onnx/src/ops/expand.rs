//! Expand (ai.onnx 8 to 28) and Tile (6 to 28): elements repeated.

use skxc_diagnostics::codes::{LENGTHS_DIFFER, TYPE_MISMATCH};
use skxc_ir::{Shape, Value};

use super::Operator;
use crate::build::{is_bounded, strides, too_large};
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

pub(super) static EXPAND: Operator = Operator {
    domain: "ai.onnx",
    name: "Expand",
    since: 8,
    inputs: 2..=2,
    attributes: &[],
    supported: "to a constant shape",
    import,
};

pub(super) static TILE: Operator = Operator {
    domain: "ai.onnx",
    name: "Tile",
    since: 6,
    inputs: 2..=2,
    attributes: &[],
    supported: "constant numbers of times",
    import: import_tile,
};

/// To the shape that both broadcast to.
fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.value(node, 0)?;
    let wanted = extents(node, "shape")?;
    let own = importer.module.shape(input).clone();
    let Some(to) = own.broadcast(&Shape(wanted)) else {
        let message = format!("`Expand` cannot bring `{own}` to that shape");
        return Err(node.operand_error(1, TYPE_MISMATCH, message).into());
    };
    if !is_bounded(&to.0) {
        return Err(too_large(node).into());
    }
    let picked = own.positions_in(&to);
    Ok(vec![Operand::Value(pick(importer, node, input, picked, &to.0))])
}

fn import_tile(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.value(node, 0)?;
    let times = extents(node, "repeats")?;
    let from = importer.module.shape(input).0.clone();
    if times.len() != from.len() {
        let message = format!("`Tile` repeats {} axes of {}", times.len(), from.len());
        return Err(node.operand_error(1, LENGTHS_DIFFER, message).into());
    }
    let to: Option<Vec<u32>> =
        from.iter().zip(&times).map(|(&extent, &times)| extent.checked_mul(times)).collect();
    let Some(to) = to.filter(|to| is_bounded(to)) else { return Err(too_large(node).into()) };
    let strides = strides(&from);
    let mut picked = vec![0usize];
    for (axis, &extent) in to.iter().enumerate() {
        let (own, stride) = (from[axis].max(1), strides[axis]);
        let along = |&outer: &usize| (0..extent).map(move |i| outer + (i % own * stride) as usize);
        picked = picked.iter().flat_map(along).collect();
    }
    Ok(vec![Operand::Value(pick(importer, node, input, picked, &to))])
}

fn pick(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    input: Value,
    picked: Vec<usize>,
    shape: &[u32],
) -> Value {
    let position = |at| u32::try_from(at).expect("the limits bound every position");
    importer.pick(input, picked.into_iter().map(position).collect(), shape, node.origin)
}

/// The second operand as extents.
fn extents(node: &Node<'_>, what: &str) -> Imported<Vec<u32>> {
    let listed = node.constant_integers(1, what)?;
    if listed.len() > skxc_ir::limits::AXES_MAX {
        let message = format!("`{what}` lists {} axes", listed.len());
        return Err(node.operand_error(1, skxc_diagnostics::codes::LIMIT_EXCEEDED, message).into());
    }
    let extents: Result<Vec<u32>, _> = listed.iter().map(|&extent| u32::try_from(extent)).collect();
    extents.map_err(|_| {
        let message = format!("`{what}` {listed:?} is not supported");
        node.operand_error(1, TYPE_MISMATCH, message).into()
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{model, node, operations, said, with_integers};

    #[test]
    fn elements_are_repeated() {
        let expand = model(2, vec![node("Expand", &["X", "to"], &["Y"])], &["Y"]);
        let expected = ["%1 = gather %0 [0, 1, 0, 1] : f32[1x4]", "%2 = reshape %1 : f32[2x2]"];
        assert_eq!(operations(&with_integers(expand.clone(), "to", &[2, 1]))[1..3], expected);
        assert_eq!(
            said(&with_integers(expand, "to", &[3])),
            ["SKX0107: `Expand` cannot bring `[1x2]` to that shape"]
        );
        let tile = model(2, vec![node("Tile", &["X", "to"], &["Y"])], &["Y"]);
        assert_eq!(
            operations(&with_integers(tile.clone(), "to", &[1, 2]))[1],
            "%1 = gather %0 [0, 1, 0, 1] : f32[1x4]"
        );
        assert_eq!(said(&with_integers(tile, "to", &[1])), ["SKX0105: `Tile` repeats 1 axes of 2"]);
    }
}

//! Transpose (ai.onnx 1 to 28): the axes in another order, reversed by default.

use skxc_diagnostics::codes::ATTRIBUTE_INVALID;

use super::Operator;
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};

pub(super) static TRANSPOSE: Operator = Operator {
    domain: "ai.onnx",
    name: "Transpose",
    since: 1,
    inputs: 1..=1,
    attributes: &["perm"],
    supported: "everything",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.value(node, 0)?;
    let rank = importer.module.shape(input).0.len();
    let listed = node.ints("perm")?;
    let order =
        if listed.is_empty() { (0..rank).rev().collect() } else { order(node, listed, rank)? };
    Ok(vec![match node.operand(0)? {
        Operand::Constant(tensor) if !importer.folds => known(tensor.as_ref().clone()),
        _ => Operand::Value(importer.permute(input, &order, node.origin)),
    }])
}

/// The listed axes, each of which must be there once.
fn order(node: &Node<'_>, listed: &[i64], rank: usize) -> Imported<Vec<usize>> {
    let axes: Option<Vec<usize>> =
        listed.iter().map(|&axis| usize::try_from(axis).ok().filter(|&a| a < rank)).collect();
    let axes = axes.filter(|axes| axes.len() == rank && (0..rank).all(|axis| axes.contains(&axis)));
    axes.ok_or_else(|| {
        let shown = &listed[..listed.len().min(8)];
        let message = format!("`perm` {shown:?} is no order of the {rank} axes");
        node.attribute_error("perm", ATTRIBUTE_INVALID, message).into()
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, operations, said, with_integers};

    #[test]
    fn axes_change_places() {
        let turn = |order: &[i64]| {
            let nodes = vec![
                node("Reshape", &["X", "shape"], &["m"]),
                node("Transpose", &["m"], &["Y"]).ints("perm", order),
            ];
            with_integers(model(6, nodes, &["Y"]), "shape", &[1, 2, 3])
        };
        let expected =
            ["%3 = gather %2 [0, 3, 1, 4, 2, 5] : f32[1x6]", "%4 = reshape %3 : f32[3x2x1]"];
        assert_eq!(operations(&turn(&[]))[3..5], expected);
        assert_eq!(operations(&turn(&[1, 0, 2]))[2], "%2 = reshape %1 : f32[2x1x3]");
        assert_eq!(
            said(&turn(&[0, 0, 1])),
            ["SKX0104: `perm` [0, 0, 1] is no order of the 3 axes"]
        );
    }
}

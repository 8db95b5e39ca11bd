//! TopK (ai.onnx 1 to 28): the greatest or least elements along an axis, with
//! their positions.
//!
//! Of equals the one with the lower position comes first. Decision: elements
//! are sorted also where `sorted` = 0 leaves their order open.

use skxc_diagnostics::codes::ATTRIBUTE_INVALID;
use skxc_ir::{ElementType, Extreme, RealOp, Type};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

pub(super) static TOP_K: Operator = Operator {
    domain: "ai.onnx",
    name: "TopK",
    since: 1,
    inputs: 1..=2,
    attributes: &["axis", "k", "largest", "sorted"],
    supported: "a constant number along any axis, not across rows",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.numbers(node, 0)?;
    let mut shape = importer.module.shape(input).0.clone();
    let axis = node.axis(node.int("axis")?.unwrap_or(-1), shape.len())?;
    importer.check_axis(node, &shape, axis)?;
    let count = count(node, shape[axis])?;
    let first = match node.int("largest")?.unwrap_or(1) {
        0 => Extreme::Least,
        _ => Extreme::Greatest,
    };
    let rows = importer.axis_last(input, axis, node.origin);
    let ty = Type { elem: ElementType::I64, ..importer.module.ty(rows).clone() };
    let order = importer.module.push(RealOp::ArgSort { input: rows, first }, ty, node.origin);
    let extent = shape[axis];
    shape[axis] = count;
    let mut kept = importer.module.shape(rows).0.clone();
    kept.pop();
    kept.push(count);
    let elements: u32 = importer.module.shape(rows).0.iter().product();
    let picked = (0..elements).filter(|at| at % extent < count).collect();
    let indices = importer.pick(order, picked, &kept, node.origin);
    let ty = Type { elem: importer.module.ty(rows).elem, ..importer.module.ty(indices).clone() };
    let op = RealOp::TakeAlong { input: rows, indices };
    let values = importer.module.push(op, ty, node.origin);
    let results = [values, indices].map(|value| importer.axis_back(value, axis, node.origin));
    Ok(results.into_iter().map(Operand::Value).collect())
}

/// How many: an attribute before operator set 10, an input since.
fn count(node: &Node<'_>, extent: u32) -> Imported<u32> {
    let listed = match node.optional(1) {
        Some(_) => node.constant_integers(1, "K")?.first().copied(),
        None => node.int("k")?,
    };
    let count = listed.ok_or_else(|| node.missing("k"))?;
    u32::try_from(count).ok().filter(|count| (1..=extent).contains(count)).ok_or_else(|| {
        let message = format!("`TopK` of {count} elements among {extent}");
        node.error(ATTRIBUTE_INVALID, message).into()
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{model, node, operations, said, with_integers};

    #[test]
    fn the_greatest_come_first() {
        let top = model(3, vec![node("TopK", &["X", "k"], &["Y", "at"])], &["Y"]);
        let expected = [
            "%1 = argsort %0, greatest first : i64[1x3]",
            "%2 = gather %1 [0, 1] : i64[1x2]",
            "%3 = take_along %0, %2 : f32[1x2]",
        ];
        assert_eq!(operations(&with_integers(top.clone(), "k", &[2]))[1..4], expected);
        assert_eq!(said(&with_integers(top, "k", &[4])), ["SKX0104: `TopK` of 4 elements among 3"]);
    }
}

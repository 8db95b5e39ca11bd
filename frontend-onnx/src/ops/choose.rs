//! Where (ai.onnx 9 to 28), Clip (6 to 28) and Binarizer (ai.onnx.ml 1): one
//! number or another, by a comparison.

use skxc_diagnostics::codes::TYPE_MISMATCH;
use skxc_ir::{Binary, ElementType, Relation, Value};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

pub(super) static WHERE: Operator = Operator {
    domain: "ai.onnx",
    name: "Where",
    since: 9,
    inputs: 3..=3,
    attributes: &[],
    supported: "of numbers and truth values",
    import: import_where,
};

pub(super) static CLIP: Operator = Operator {
    domain: "ai.onnx",
    name: "Clip",
    since: 6,
    inputs: 1..=3,
    attributes: &["min", "max"],
    supported: "everything",
    import: import_clip,
};

pub(super) static BINARIZER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "Binarizer",
    since: 1,
    inputs: 1..=1,
    attributes: &["threshold"],
    supported: "everything",
    import: import_binarizer,
};

fn import_where(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let condition = importer.value(node, 0)?;
    let ty = importer.module.ty(condition);
    if ty.elem != ElementType::Bool {
        let message = format!("`Where` needs truth values as its condition, not `{ty}`");
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    let (a, b) = (importer.numbers(node, 1)?, importer.numbers(node, 2)?);
    Ok(vec![Operand::Value(importer.select(node, condition, a, b)?)])
}

/// The bounds are attributes before operator set 11 and inputs since; the
/// upper one is applied last, so it wins where they cross.
fn import_clip(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let mut value = importer.numbers(node, 0)?;
    let elem = importer.module.ty(value).elem;
    let bounds = [("min", 1, Binary::Maximum), ("max", 2, Binary::Minimum)];
    for (name, position, function) in bounds {
        if let Some(bound) = bound(importer, node, name, position, elem)? {
            value = importer.binary(node, function, value, bound)?;
        }
    }
    Ok(vec![Operand::Value(value)])
}

fn bound(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    name: &str,
    position: usize,
    elem: ElementType,
) -> Imported<Option<Value>> {
    if node.version >= 11 {
        return match node.optional(position) {
            Some(_) => importer.numbers(node, position).map(Some),
            None => Ok(None),
        };
    }
    // The defaults of operator set 6 are the greatest floats.
    Ok(node
        .float(name)?
        .filter(|bound| bound.is_finite())
        .map(|bound| importer.scalar(bound.into(), elem, node.origin)))
}

/// 1 where the element is above the threshold, else 0, in the type of the input.
fn import_binarizer(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let input = importer.numbers(node, 0)?;
    let elem = importer.module.ty(input).elem;
    let threshold = node.finite_float("threshold")?.unwrap_or(0.0);
    // An integer is above a number iff it is above its floor.
    let threshold = if elem == ElementType::I64 { threshold.floor() } else { threshold };
    let threshold = importer.scalar(threshold, elem, node.origin);
    let above = importer.compare(node, Relation::Greater, input, threshold)?;
    Ok(vec![Operand::Value(importer.cast(above, elem, node.origin))])
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, operations, said, with_integers};

    #[test]
    fn a_condition_chooses() {
        let nodes =
            vec![node("Less", &["X", "X"], &["less"]), node("Where", &["less", "X", "X"], &["Y"])];
        assert_eq!(operations(&model(2, nodes, &["Y"]))[2], "%2 = select %1, %0, %0 : f32[1x2]");
        let wrong = model(1, vec![node("Where", &["X", "X", "X"], &["Y"])], &["Y"]);
        assert_eq!(
            said(&wrong),
            ["SKX0107: `Where` needs truth values as its condition, not `f32[1x1]`"]
        );
    }

    #[test]
    fn bounds_are_inputs_since_operator_set_11() {
        let nodes = vec![
            node("Cast", &["X"], &["i"]).int("to", 7),
            node("Clip", &["i", "", "top"], &["Y"]),
        ];
        let clip = with_integers(model(1, nodes, &["Y"]), "top", &[9]);
        assert_eq!(operations(&clip)[3], "%3 = minimum %1, %2 : i64[1x1]");
        let mut clip = model(1, vec![node("Clip", &["X"], &["Y"]).floats("none", &[])], &["Y"]);
        clip.opset_import[0].version = 10;
        assert_eq!(said(&clip), ["SKX0104: `Clip` has no attribute `none`"]);
    }

    #[test]
    fn a_binarizer_compares() {
        let expected = [
            "%1 = constant @w0 : f32[]",
            "%2 = greater %0, %1 : bool[1x2]",
            "%3 = cast %2 : f32[1x2]",
        ];
        let model = model(2, vec![node("Binarizer", &["X"], &["Y"])], &["Y"]);
        assert_eq!(operations(&model)[1..4], expected);
    }
}

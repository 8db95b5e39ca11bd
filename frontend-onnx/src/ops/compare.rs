//! Comparisons, with broadcasting: Equal, Less, Greater (ai.onnx 7 to 28),
//! LessOrEqual, GreaterOrEqual (12). NaN equals nothing and is in no order.

use skxc_diagnostics::codes::TYPE_MISMATCH;
use skxc_ir::{ElementType, Relation};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

macro_rules! relation {
    ($name:ident, $relation:ident, $since:literal) => {
        pub(super) static $name: Operator = Operator {
            domain: "ai.onnx",
            name: stringify!($relation),
            since: $since,
            inputs: 2..=2,
            attributes: &[],
            supported: "everything but text",
            import: |importer, node| import(importer, node, Relation::$relation),
        };
    };
}

relation!(EQUAL, Equal, 7);
relation!(LESS, Less, 7);
relation!(LESS_OR_EQUAL, LessOrEqual, 12);
relation!(GREATER, Greater, 7);
relation!(GREATER_OR_EQUAL, GreaterOrEqual, 12);

fn import(importer: &mut Importer<'_>, node: &Node<'_>, relation: Relation) -> Imported {
    let (a, b) = (importer.numbers(node, 0)?, importer.numbers(node, 1)?);
    if importer.module.ty(a).elem == ElementType::Bool && relation != Relation::Equal {
        let message = format!("`{}` needs numbers, not truth values", node.name());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    Ok(vec![Operand::Value(importer.compare(node, relation, a, b)?)])
}

#[cfg(test)]
mod tests {
    use crate::testing::{model, node, operations, said};

    #[test]
    fn a_comparison_is_a_truth_value() {
        let nodes = vec![
            node("Less", &["X", "X"], &["less"]),
            node("GreaterOrEqual", &["X", "X"], &["more"]),
            node("Equal", &["less", "more"], &["same"]),
            node("Not", &["same"], &["Y"]),
        ];
        let expected = [
            "%1 = less %0, %0 : bool[1x1]",
            "%2 = greater_or_equal %0, %0 : bool[1x1]",
            "%3 = equal %1, %2 : bool[1x1]",
            "%4 = not %3 : bool[1x1]",
        ];
        assert_eq!(operations(&model(1, nodes.clone(), &["Y"]))[1..5], expected);
        let mut order = nodes;
        order[2] = node("Less", &["less", "more"], &["same"]);
        assert_eq!(
            said(&model(1, order, &["Y"])),
            ["SKX0107: `Less` needs numbers, not truth values"]
        );
    }
}

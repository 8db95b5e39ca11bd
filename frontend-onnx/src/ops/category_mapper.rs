//! CategoryMapper (ai.onnx.ml 1): text becomes the integer of its category, an
//! integer the text.
//!
//! It is a LabelEncoder with the keys of one list and the values of another,
//! whichever way the type of the input asks for.

use skxc_diagnostics::codes::{LENGTHS_DIFFER, TYPE_MISMATCH};
use skxc_ir::ElementType;

use super::Operator;
use super::label_encoder::{Encoding, encode};
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};
use crate::tensor::Data;

const INTEGERS: &str = "cats_int64s";
const STRINGS: &str = "cats_strings";

pub(super) static CATEGORY_MAPPER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "CategoryMapper",
    since: 1,
    inputs: 1..=1,
    attributes: &[INTEGERS, STRINGS, "default_int64", "default_string"],
    supported: "between integers and labels",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    if let Operand::Value(value) = node.operand(0)? {
        let ty = importer.module.ty(*value);
        if matches!(ty.elem, ElementType::F32 | ElementType::F64 | ElementType::Bool) {
            let message = format!("`CategoryMapper` needs integers or text, not `{ty}`");
            return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
        }
    }
    encode(importer, node, &|from_text| encoding(node, from_text))
}

fn encoding(node: &Node<'_>, from_text: bool) -> Imported<Encoding> {
    let (mut texts, integers) = (node.strings(STRINGS)?, node.ints(INTEGERS)?);
    for (name, is_empty) in [(STRINGS, texts.is_empty()), (INTEGERS, integers.is_empty())] {
        if is_empty {
            return Err(node.missing(name).into());
        }
    }
    let mut integers = integers.to_vec();
    if texts.len() != integers.len() {
        let message =
            format!("`CategoryMapper` has {} integers and {} texts", integers.len(), texts.len());
        return Err(node.attribute_error(STRINGS, LENGTHS_DIFFER, message).into());
    }
    Ok(if from_text {
        integers.push(node.int("default_int64")?.unwrap_or(-1));
        Encoding { keys: Data::Text(texts), values: Data::Integers(integers) }
    } else {
        texts.push(node.string("default_string")?.unwrap_or_else(|| "_Unused".to_owned()));
        Encoding { keys: Data::Integers(integers), values: Data::Text(texts) }
    })
}

#[cfg(test)]
mod tests {
    use crate::proto::NodeProto;
    use crate::testing::{WithAttributes, imported, model, node, numbers, operations, said, stump};

    fn mapper(input: &str) -> NodeProto {
        node("CategoryMapper", &[input], &["Y"])
            .ints("cats_int64s", &[3, 5])
            .strings("cats_strings", &["a", "b"])
    }

    #[test]
    fn integers_become_labels() {
        let cast = node("Cast", &["X"], &["i"]).int("to", 7);
        let model_of = model(1, vec![cast, mapper("i")], &["Y"]);
        let expected =
            ["%2 = lookup %1, @w0, @w1 : i64[1x1]", "%3 = label @l0, %2 : label(@l0)[1x1]"];
        assert_eq!(operations(&model_of)[2..4], expected);
        let module = imported(&model_of);
        let table = module.labels.iter().next().unwrap().1;
        assert_eq!([0, 1, 2].map(|class| table.text(class)), ["a", "b", "_Unused"]);
    }

    #[test]
    fn labels_become_integers() {
        let mut trees = stump(&[], &[(0, 0.25)], &[(0, 0.75)]);
        trees.attribute.retain(|attribute| attribute.name != "classlabels_int64s");
        let trees = trees.strings("classlabels_strings", &["b", "c"]);
        let nodes = vec![trees, mapper("label"), node("Cast", &["Y"], &["y"]).int("to", 1)];
        assert_eq!(numbers(&model(1, nodes, &["y"]), 2), [[5.0], [-1.0]]);
    }

    #[test]
    fn lists_must_fit() {
        let say = |mapper| said(&model(1, vec![mapper], &["Y"]));
        assert_eq!(
            say(mapper("X")),
            ["SKX0107: `CategoryMapper` needs integers or text, not `f32[1x1]`"]
        );
        let nodes =
            vec![node("Cast", &["X"], &["i"]).int("to", 7), mapper("i").ints("cats_int64s", &[1])];
        assert_eq!(
            said(&model(1, nodes, &["Y"])),
            ["SKX0105: `CategoryMapper` has 1 integers and 2 texts"]
        );
    }
}

//! OneHotEncoder (ai.onnx.ml 1): a new last axis with a 1 where the element
//! equals a category, `float`.
//!
//! Numbers become integers first, rounded towards 0. Text is found in what has
//! a label table. Decision: an element that is no category is all 0, also where
//! `zeros` = 0 makes it an error.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, LIMIT_EXCEEDED, TYPE_MISMATCH};
use skxc_ir::limits::COLUMNS_MAX;
use skxc_ir::{ElementType, LabelTable, Relation, Value};

use super::Operator;
use crate::build::INTEGER_MAX;
use crate::import::Importer;
use crate::listing::short;
use crate::node::{Imported, Node, Operand};

const INTEGERS: &str = "cats_int64s";
const STRINGS: &str = "cats_strings";

pub(super) static ONE_HOT_ENCODER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "OneHotEncoder",
    since: 1,
    inputs: 1..=1,
    attributes: &[INTEGERS, STRINGS, "zeros"],
    supported: "of numbers and labels",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let texts = node.strings(STRINGS)?;
    let (keys, categories) = if texts.is_empty() {
        of_numbers(importer, node)?
    } else {
        of_text(importer, node, &texts)?
    };
    let mut shape = importer.module.shape(keys).0.clone();
    shape.push(1);
    let keys = importer.reshape(keys, &shape, node.origin);
    let categories = importer.list(categories, ElementType::I64, node.origin);
    let equal = importer.compare(node, Relation::Equal, keys, categories)?;
    Ok(vec![Operand::Value(importer.cast(equal, ElementType::F32, node.origin))])
}

/// The elements as integers, and the categories.
#[allow(clippy::cast_precision_loss, reason = "checked: every integer is exact")]
fn of_numbers(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported<(Value, Vec<f64>)> {
    let categories = node.ints(INTEGERS)?;
    if categories.is_empty() {
        let help = format!("it needs `{INTEGERS}` or `{STRINGS}`");
        return Err(node.missing(INTEGERS).help(help).into());
    }
    check(node, INTEGERS, categories)?;
    if let Some(beyond) = categories.iter().find(|x| x.unsigned_abs() > INTEGER_MAX) {
        let message = format!("the category {beyond} is beyond 2^53");
        return Err(node.attribute_error(INTEGERS, ATTRIBUTE_INVALID, message).into());
    }
    let input = importer.numbers(node, 0)?;
    let keys = importer.cast(input, ElementType::I64, node.origin);
    Ok((keys, categories.iter().map(|&category| category as f64).collect()))
}

/// The position of each text among the categories, -1 if it is none of them,
/// and these positions.
fn of_text(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    categories: &[String],
) -> Imported<(Value, Vec<f64>)> {
    check(node, STRINGS, categories)?;
    let input = importer.value(node, 0)?;
    let ty = importer.module.ty(input);
    let table = match ty.elem {
        ElementType::Label(table) => Some(&importer.module.labels[table]),
        _ => None,
    };
    let Some(LabelTable::Strings(labels)) = table else {
        let message = format!("`OneHotEncoder` looks for text in `{ty}`");
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    };
    let position = |label: &String| {
        let found = categories.iter().position(|category| category == label);
        found.map_or(-1.0, |at| at as f64)
    };
    let positions = labels.iter().map(position).collect();
    let keys = importer.table(positions, ElementType::I64, input, node.origin);
    Ok((keys, (0..categories.len()).map(|at| at as f64).collect()))
}

/// Not too many, and each once.
fn check<T: Ord + Clone + ToString>(node: &Node<'_>, name: &str, categories: &[T]) -> Imported<()> {
    if categories.len() > COLUMNS_MAX {
        let message =
            format!("there are {} categories; at most {COLUMNS_MAX} are allowed", categories.len());
        return Err(node.attribute_error(name, LIMIT_EXCEEDED, message).into());
    }
    let mut sorted = categories.to_vec();
    sorted.sort_unstable();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        let message = format!("the category `{}` is there twice", short(&pair[0].to_string()));
        return Err(node.attribute_error(name, ATTRIBUTE_INVALID, message).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, numbers, operations, said, stump};

    #[test]
    fn a_category_is_a_column() {
        let encoder = node("OneHotEncoder", &["X"], &["Y"]).ints("cats_int64s", &[2, 0]);
        let encoder = model(1, vec![encoder], &["Y"]);
        assert_eq!(numbers(&encoder, 3), [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]);
        assert_eq!(operations(&encoder)[5], "%5 = cast %4 : f32[1x1x2]");
    }

    #[test]
    fn text_is_found_in_labels() {
        let mut trees = stump(&[], &[(0, 0.25)], &[(0, 0.75)]);
        trees.attribute.retain(|attribute| attribute.name != "classlabels_int64s");
        let trees = trees.strings("classlabels_strings", &["a", "b"]);
        let encoder =
            node("OneHotEncoder", &["label"], &["Y"]).strings("cats_strings", &["b", "c", "a"]);
        let model_of = model(1, vec![trees, encoder.clone()], &["Y"]);
        assert_eq!(numbers(&model_of, 2), [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
        let mut of_numbers = encoder;
        of_numbers.input = vec!["X".to_owned()];
        assert_eq!(
            said(&model(1, vec![of_numbers], &["Y"])),
            ["SKX0107: `OneHotEncoder` looks for text in `f32[1x1]`"]
        );
    }

    #[test]
    fn categories_differ() {
        let say = |ints: &[i64]| {
            let encoder = node("OneHotEncoder", &["X"], &["Y"]).ints("cats_int64s", ints);
            said(&model(1, vec![encoder], &["Y"]))
        };
        assert_eq!(say(&[3, 3]), ["SKX0104: the category `3` is there twice"]);
        assert_eq!(say(&[]), ["SKX0103: `ai.onnx.ml.OneHotEncoder` lacks attribute `cats_int64s`"]);
    }
}

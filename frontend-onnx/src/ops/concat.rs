//! Concat (ai.onnx 4 to 28): joins along an axis.
//!
//! Labels of different tables are joined as integers, or as labels of one table
//! of all their texts.
//!
//! Decision: matrices with one row are joined along axis 0 too. ONNX counts
//! rows of the batch there, but what is joined belongs to one of them: skl2onnx
//! makes a matrix with a row a class so, and turns it.

use skxc_diagnostics::codes::{LIMIT_EXCEEDED, TYPE_MISMATCH};
use skxc_ir::limits::COLUMNS_MAX;
use skxc_ir::{ElementType, LabelTable, RealOp, Type, Value};

use super::Operator;
use crate::build::is_bounded;
use crate::import::{Importer, Scores, known};
use crate::limits::RESULT_ELEMENTS_MAX;
use crate::node::{Imported, Node, Operand};
use crate::tensor::{Data, Tensor};

pub(super) static CONCAT: Operator = Operator {
    domain: "ai.onnx",
    name: "Concat",
    since: 4,
    inputs: 1..=usize::MAX,
    attributes: &["axis"],
    supported: "along any axis",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let axis = node.int("axis")?.ok_or_else(|| node.missing("axis"))?;
    if node.operands.len() > COLUMNS_MAX {
        let message = format!(
            "`Concat` joins {} values; at most {COLUMNS_MAX} are allowed",
            node.operands.len()
        );
        return Err(node.error(LIMIT_EXCEEDED, message).into());
    }
    if let Some(tensor) = fold(node) {
        return Ok(vec![known(tensor)]);
    }
    let mut inputs = Vec::with_capacity(node.operands.len());
    for position in 0..node.operands.len() {
        inputs.push(importer.value(node, position)?);
    }
    let inputs = of_one_type(importer, node, inputs)?;
    let first = importer.module.ty(inputs[0]).clone();
    let axis = node.axis(axis, first.shape.0.len())?;
    let shape = joined_shape(importer, node, &inputs, axis)?;
    if shape[..axis].iter().all(|&extent| extent == 1) && axis + 1 == shape.len() {
        let scores = joined_scores(importer, &inputs);
        let ty = Type::new(first.elem, &shape);
        let value = importer.module.push(RealOp::Concat { inputs }, ty, node.origin);
        if let Some(scores) = scores {
            importer.scores.insert(value, scores);
        }
        return Ok(vec![Operand::Value(value)]);
    }
    Ok(vec![Operand::Value(join(importer, node, inputs, axis, &shape))])
}

/// Labels of several tables become those of one, or integers.
fn of_one_type(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    inputs: Vec<Value>,
) -> Imported<Vec<Value>> {
    let elem = |importer: &Importer<'_>, value: &Value| importer.module.ty(*value).elem;
    let first = elem(importer, &inputs[0]);
    let is_label = |value: &Value| matches!(elem(importer, value), ElementType::Label(_));
    if !inputs.iter().any(is_label) || inputs.iter().all(|input| elem(importer, input) == first) {
        return Ok(inputs);
    }
    let mut texts: Vec<String> = Vec::new();
    let mut same = Vec::with_capacity(inputs.len());
    for (position, &input) in inputs.iter().enumerate() {
        if let Some(number) = importer.as_numbers(input, node.origin) {
            same.push(number);
            continue;
        }
        let ElementType::Label(table) = elem(importer, &input) else {
            unreachable!("only text labels are no numbers");
        };
        let own = importer.module.labels[table].clone();
        let LabelTable::Strings(own) = own else {
            let message = "`Concat` cannot join labels beyond 2^53";
            return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
        };
        let mut classes = Vec::with_capacity(own.len());
        for text in own {
            let known = texts.iter().position(|other| *other == text);
            classes.push(known.unwrap_or(texts.len()) as f64);
            if known.is_none() {
                texts.push(text);
            }
        }
        same.push(importer.table(classes, ElementType::I64, input, node.origin));
    }
    if texts.is_empty() {
        return Ok(same);
    }
    let table = importer.module.labels.push(LabelTable::Strings(texts));
    Ok(same.into_iter().map(|class| importer.label(table, class, node.origin)).collect())
}

/// The shape of the joined values, which differ along `axis` only.
fn joined_shape(
    importer: &Importer<'_>,
    node: &Node<'_>,
    inputs: &[Value],
    axis: usize,
) -> Imported<Vec<u32>> {
    let first = importer.module.ty(inputs[0]);
    let mut extent = 0u64;
    for (position, &input) in inputs.iter().enumerate() {
        let ty = importer.module.ty(input);
        let mut expected = first.shape.0.clone();
        if let Some(own) = ty.shape.0.get(axis) {
            expected[axis] = *own;
            extent += u64::from(*own);
        }
        if ty.elem != first.elem || ty.shape.0 != expected {
            let message = format!("`Concat` cannot join `{ty}` to `{first}`");
            return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
        }
    }
    let mut shape = first.shape.0.clone();
    shape[axis] = u32::try_from(extent).unwrap_or(u32::MAX);
    if !is_bounded(&shape) {
        let message = format!("`Concat` makes {extent} columns");
        return Err(node.error(LIMIT_EXCEEDED, message).into());
    }
    Ok(shape)
}

/// Joins along an axis that is not the last of a row: the flat tensors are
/// joined and their elements put in order.
fn join(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    inputs: Vec<Value>,
    axis: usize,
    shape: &[u32],
) -> Value {
    let inner: u32 = shape[axis + 1..].iter().product();
    let outer: u32 = shape[..axis].iter().product();
    let mut flat = Vec::with_capacity(inputs.len());
    // Start of each part in the joined row, and its length for one outer position.
    let mut parts = Vec::with_capacity(inputs.len());
    let mut start = 0;
    for &input in &inputs {
        let length = importer.module.shape(input).0[axis] * inner;
        parts.push((start, length));
        start += outer * length;
        flat.push(importer.reshape(input, &[1, outer * length], node.origin));
    }
    let ty = Type::new(importer.module.ty(inputs[0]).elem, &[1, start]);
    let joined = importer.module.push(RealOp::Concat { inputs: flat }, ty, node.origin);
    let picked = (0..outer)
        .flat_map(|outer| {
            parts.iter().map(move |&(start, length)| (start + outer * length, length))
        })
        .flat_map(|(start, length)| start..start + length);
    importer.pick(joined, picked.collect(), shape, node.origin)
}

/// The scores that the joined values hold, if all are of one classifier.
fn joined_scores(importer: &Importer<'_>, inputs: &[Value]) -> Option<Scores> {
    let mut joined: Option<Scores> = None;
    for input in inputs {
        let scores = importer.scores.get(input)?;
        match &mut joined {
            None => joined = Some(scores.clone()),
            Some(joined) if joined.whole == scores.whole => {
                joined.classes.extend(&scores.classes);
            }
            Some(_) => return None,
        }
    }
    joined
}

/// A list of integers made of lists of integers: a shape that is put together.
fn fold(node: &Node<'_>) -> Option<Tensor> {
    let mut elements = Vec::new();
    let mut per_row = false;
    for operand in &node.operands {
        let Some(Operand::Constant(tensor)) = operand else { return None };
        let Data::Integers(values) = &tensor.data else { return None };
        if tensor.shape.len() != 1 {
            return None;
        }
        elements.extend(values);
        per_row |= tensor.per_row;
    }
    (elements.len() <= RESULT_ELEMENTS_MAX)
        .then(|| Tensor { per_row, ..Tensor::integers(elements) })
}

#[cfg(test)]
mod tests {
    use crate::proto::DataType;
    use crate::testing::{
        WithAttributes, graph, imported, input, model, node, operations, said, stump, with_integers,
    };

    #[test]
    fn inputs_of_one_column_are_joined() {
        let join = node("Concat", &["X", "Z", "X"], &["Y"]).int("axis", 1);
        let mut model = model(1, vec![join], &["Y"]);
        graph(&mut model).input.push(input("Z", DataType::Float, &[-1, 2]));
        let expected = [
            "%0 = input [c0] : f32[1x1]",
            "%1 = input [c1, c2] : f32[1x2]",
            "%2 = concat [%0, %1, %0] : f32[1x4]",
            "output \"Y\" value %2",
        ];
        assert_eq!(operations(&model), expected);
    }

    #[test]
    fn parts_are_put_in_order() {
        let nodes = vec![
            node("Reshape", &["X", "shape"], &["m"]),
            node("Concat", &["m", "m"], &["Y"]).int("axis", 2),
        ];
        let model = with_integers(model(4, nodes, &["Y"]), "shape", &[1, 2, 2]);
        let expected = [
            "%2 = reshape %1 : f32[1x4]",
            "%3 = reshape %1 : f32[1x4]",
            "%4 = concat [%2, %3] : f32[1x8]",
            "%5 = gather %4 [0, 1, 4, 5, 2, 3, 6, 7] : f32[1x8]",
            "%6 = reshape %5 : f32[1x2x4]",
        ];
        assert_eq!(operations(&model)[2..7], expected);
    }

    #[test]
    fn labels_become_those_of_one_table() {
        let join = node("Concat", &["label", "label2"], &["Y"]).int("axis", 0);
        let text = |name: &str, labels: &[&str]| {
            let mut trees = stump(&[], &[(0, 0.25)], &[(0, 0.75)]);
            trees.attribute.retain(|attribute| attribute.name != "classlabels_int64s");
            let mut trees = trees.strings("classlabels_strings", labels);
            trees.output[0] = name.to_owned();
            trees.output.truncate(1);
            trees
        };
        let nodes = vec![text("label", &["a", "b"]), text("label2", &["b", "c"]), join];
        let module = imported(&model(1, nodes, &["Y"]));
        let labels: Vec<_> = module.outputs.iter().map(|output| output.name.clone()).collect();
        assert_eq!(labels, ["Y0", "Y1"]);
    }

    #[test]
    fn types_must_fit() {
        let join = node("Concat", &["X", "Z"], &["Y"]).int("axis", 1);
        let mut model = model(1, vec![join.clone()], &["Y"]);
        graph(&mut model).input.push(input("Z", DataType::Int64, &[-1, 1]));
        assert_eq!(said(&model), ["SKX0107: `Concat` cannot join `i64[1x1]` to `f32[1x1]`"]);
    }

    #[test]
    fn rows_of_classes_are_joined() {
        let nodes = vec![
            node("Neg", &["X"], &["Z"]),
            node("Concat", &["X", "Z"], &["rows"]).int("axis", 0),
            node("Transpose", &["rows"], &["Y"]),
        ];
        let expected = ["%2 = concat [%0, %1] : f32[1x2]", "output \"Y\" value %4"];
        let operations = operations(&model(1, nodes, &["Y"]));
        assert_eq!([&operations[2], operations.last().unwrap()], expected);
    }
}

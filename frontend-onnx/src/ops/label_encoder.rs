//! LabelEncoder (ai.onnx.ml 1 to 5): each element is replaced by the value
//! that belongs to the key it equals, or by a default.
//!
//! Keys and values are `classes_strings` and their positions in version 1,
//! lists of one type each since version 2, and tensors too since version 4.
//!
//! Decisions:
//! - of equal keys the first counts;
//! - a float key NaN is found by every NaN (version 4 says so);
//! - a value that is NaN or infinite is refused: no integer of the program stands
//!   for it;
//! - text is found only by what has a label table: a table of text becomes
//!   another table, and numbers that become text become a label.

use skxc_diagnostics::codes::{BAD_NUMBER, LENGTHS_DIFFER, LIMIT_EXCEEDED, TYPE_MISMATCH};
use skxc_ir::limits::MODEL_CLASSES_MAX;
use skxc_ir::{ElementType, LabelTable, RealOp, Relation, Type, Value};

use super::Operator;
use crate::build::INTEGER_MAX;
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};
use crate::tensor::{Data, Tensor, decode};

pub(super) static LABEL_ENCODER: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "LabelEncoder",
    since: 1,
    inputs: 1..=1,
    attributes: &[
        "classes_strings",
        "default_float",
        "default_int64",
        "default_string",
        "default_tensor",
        "keys_floats",
        "keys_int64s",
        "keys_strings",
        "keys_tensor",
        "values_floats",
        "values_int64s",
        "values_strings",
        "values_tensor",
    ],
    supported: "from numbers and labels to numbers and labels",
    import,
};

/// Keys, their values, and the value of everything else, which is last.
pub(super) struct Encoding {
    pub(super) keys: Data,
    pub(super) values: Data,
}

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    encode(importer, node, &|from_text| encoding(node, from_text))
}

/// Replaces the elements of the operand by what `encoding` says; it is told
/// whether they are text.
pub(super) fn encode(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    encoding: &dyn Fn(bool) -> Imported<Encoding>,
) -> Imported {
    if let Operand::Constant(tensor) = node.operand(0)? {
        let tensor = tensor.clone();
        let encoding = encoding(is_text(&tensor.data))?;
        let found: Vec<usize> =
            (0..count(&tensor.data)).map(|at| find(&encoding, &tensor.data, at)).collect();
        let values = Tensor { data: encoding.values, ..(*tensor).clone() };
        return Ok(vec![known(values.pick(tensor.shape.clone(), &found))]);
    }
    let value = importer.value(node, 0)?;
    let elem = importer.module.ty(value).elem;
    let ElementType::Label(table) = elem else {
        let encoding = encoding(false)?;
        return Ok(vec![Operand::Value(look_up(importer, node, value, &encoding)?)]);
    };
    let labels = match &importer.module.labels[table] {
        LabelTable::Integers(labels) => Data::Integers(labels.clone()),
        LabelTable::Strings(labels) => Data::Text(labels.clone()),
    };
    let encoding = encoding(is_text(&labels))?;
    let found: Vec<usize> = (0..count(&labels)).map(|at| find(&encoding, &labels, at)).collect();
    let extent = u32::try_from(found.len()).expect("the limits bound a label table");
    let values = Tensor { shape: vec![1], data: encoding.values, per_row: false };
    Ok(vec![Operand::Value(encoded(importer, node, value, values.pick(vec![extent], &found))?)])
}

/// The elements of a list at the positions that `index` holds: text as labels.
fn encoded(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    index: Value,
    list: Tensor,
) -> Imported<Value> {
    if let Data::Text(texts) = list.data {
        let class = match importer.module.node(index).op {
            RealOp::Label { class, .. } => class,
            _ => importer.table(
                (0..texts.len()).map(|at| at as f64).collect(),
                ElementType::I64,
                index,
                node.origin,
            ),
        };
        let table = importer.module.labels.push(LabelTable::Strings(texts));
        return Ok(importer.label(table, class, node.origin));
    }
    let (elements, elem) = values(node, &list.data)?;
    Ok(importer.table(elements, elem, index, node.origin))
}

/// Numbers are looked up when the program runs.
fn look_up(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    input: Value,
    encoding: &Encoding,
) -> Imported<Value> {
    let ty = importer.module.ty(input).clone();
    let (keys, elem) = numbers(node, &encoding.keys)?;
    if elem != ty.elem {
        let message = format!("`{}` has keys of type `{elem}` for `{ty}`", node.name());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    let texts = match &encoding.values {
        Data::Text(texts) => Some(texts),
        _ => None,
    };
    // Text and floats are looked up by position, and taken from a list: the list
    // of floats then gets the format of what is computed with them.
    let (values, value_elem) = match &encoding.values {
        Data::Integers(_) | Data::Bool(_) => numbers(node, &encoding.values)?,
        values @ (Data::Text(_) | Data::F32(_) | Data::F64(_)) => {
            ((0..count(values)).map(|at| at as f64).collect(), ElementType::I64)
        }
    };
    let nan = keys.iter().position(|key| key.is_nan());
    let of_nan = nan.map(|at| values[at]);
    let is_key = |at: &usize| !keys[*at].is_nan();
    let kept: Vec<usize> = (0..keys.len()).filter(is_key).collect();
    let mut kept_values: Vec<f64> = kept.iter().map(|&at| values[at]).collect();
    kept_values.extend(values.last());
    let keys: Vec<f64> = kept.iter().map(|&at| keys[at]).collect();
    let mut constant = |elements: Vec<f64>, elem| {
        let extent = u32::try_from(elements.len()).expect("the limits bound every list");
        let ty = Type::new(elem, &[extent]);
        importer.module.constants.push(skxc_ir::Constant { ty, elements })
    };
    let (keys, values) = (constant(keys, elem), constant(kept_values, value_elem));
    let found = Type { elem: value_elem, shape: ty.shape };
    let op = RealOp::Lookup { input, keys, values };
    let mut found = importer.module.push(op, found, node.origin);
    if let Some(of_nan) = of_nan {
        let of_nan = importer.scalar(of_nan, value_elem, node.origin);
        let is_number = importer.compare(node, Relation::Equal, input, input)?;
        found = importer.select(node, is_number, found, of_nan)?;
    }
    let Some(texts) = texts else {
        if matches!(encoding.values, Data::Integers(_) | Data::Bool(_)) {
            return Ok(found);
        }
        let (values, elem) = self::values(node, &encoding.values)?;
        return Ok(importer.table(values, elem, found, node.origin));
    };
    if texts.len() > MODEL_CLASSES_MAX {
        let message = format!(
            "`{}` has {} labels; at most {MODEL_CLASSES_MAX} are allowed",
            node.name(),
            texts.len()
        );
        return Err(node.error(LIMIT_EXCEEDED, message).into());
    }
    let table = importer.module.labels.push(LabelTable::Strings(texts.clone()));
    Ok(importer.label(table, found, node.origin))
}

/// The lists of the node. Version 1 has one list, which goes both ways.
fn encoding(node: &Node<'_>, from_text: bool) -> Imported<Encoding> {
    let classes = node.strings("classes_strings")?;
    let (keys, values, default) = if classes.is_empty() {
        let keys = list(node, "keys")?.ok_or_else(|| node.missing("keys_int64s"))?;
        let values = list(node, "values")?.ok_or_else(|| node.missing("values_int64s"))?;
        let default = default(node, &values)?;
        (keys, values, default)
    } else {
        let positions = Data::Integers((0..classes.len() as i64).collect());
        let classes = Data::Text(classes);
        let (keys, values) = if from_text { (classes, positions) } else { (positions, classes) };
        let default = default(node, &values)?;
        (keys, values, default)
    };
    if count(&keys) != count(&values) {
        let message =
            format!("`LabelEncoder` has {} keys and {} values", count(&keys), count(&values));
        return Err(node.error(LENGTHS_DIFFER, message).into());
    }
    let Some(values) = joined(values, default) else {
        let message = "the default of `LabelEncoder` is of another type than its values";
        return Err(node.error(TYPE_MISMATCH, message).into());
    };
    if is_text(&keys) != from_text {
        let message = "`LabelEncoder` has keys of another type than its input";
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    Ok(Encoding { keys, values })
}

/// The list of this name, in whichever type it is given.
fn list(node: &Node<'_>, name: &str) -> Imported<Option<Data>> {
    let integers = node.ints(&format!("{name}_int64s"))?;
    if !integers.is_empty() {
        return Ok(Some(Data::Integers(integers.to_vec())));
    }
    let floats = node.floats(&format!("{name}_floats"))?;
    if !floats.is_empty() {
        return Ok(Some(Data::F32(floats.iter().map(|&x| f64::from(x)).collect())));
    }
    let strings = node.strings(&format!("{name}_strings"))?;
    if !strings.is_empty() {
        return Ok(Some(Data::Text(strings)));
    }
    let name = format!("{name}_tensor");
    tensor(node, &name)
}

fn tensor(node: &Node<'_>, name: &str) -> Imported<Option<Data>> {
    let Some(tensor) = node.tensor(name)? else { return Ok(None) };
    let tensor = decode(tensor).map_err(|fault| {
        let message = format!("attribute `{name}` {}", fault.what);
        node.attribute_error(name, fault.code, message)
    })?;
    Ok(Some(tensor.data.clone()))
}

/// What belongs to no key: -1, -0.0 and `_Unused` unless said otherwise.
fn default(node: &Node<'_>, values: &Data) -> Imported<Data> {
    if let Some(default) = tensor(node, "default_tensor")? {
        return Ok(default);
    }
    let float = || -> Imported<f64> { Ok(node.finite_float("default_float")?.unwrap_or(-0.0)) };
    Ok(match values {
        Data::Text(_) => {
            let text = node.string("default_string")?;
            Data::Text(vec![text.unwrap_or_else(|| "_Unused".to_owned())])
        }
        Data::Integers(_) | Data::Bool(_) => {
            Data::Integers(vec![node.int("default_int64")?.unwrap_or(-1)])
        }
        Data::F32(_) => Data::F32(vec![float()?]),
        Data::F64(_) => Data::F64(vec![float()?]),
    })
}

/// The values with the default behind them, if it is one of their type.
fn joined(values: Data, default: Data) -> Option<Data> {
    Some(match (values, default) {
        (Data::Text(mut values), Data::Text(default)) => {
            values.push(default.into_iter().next()?);
            Data::Text(values)
        }
        (Data::Integers(mut values), Data::Integers(default)) => {
            values.push(*default.first()?);
            Data::Integers(values)
        }
        (Data::F32(mut values), Data::F32(default)) => {
            values.push(*default.first()?);
            Data::F32(values)
        }
        (Data::F64(mut values), Data::F64(default)) => {
            values.push(*default.first()?);
            Data::F64(values)
        }
        _ => return None,
    })
}

/// The values of a table, of which none is NaN.
fn values(node: &Node<'_>, data: &Data) -> Imported<(Vec<f64>, ElementType)> {
    let (elements, elem) = numbers(node, data)?;
    let Some(at) = elements.iter().position(|element| element.is_nan()) else {
        return Ok((elements, elem));
    };
    let what =
        if at + 1 == elements.len() { "its default".to_owned() } else { format!("value {at}") };
    let list = ["values_floats", "values_tensor"];
    let is_given = |name: &&str| node.proto.attribute.iter().any(|it| it.name == **name);
    let list = list.into_iter().find(is_given).unwrap_or("values_floats");
    let message = format!("`{}` makes NaN of some inputs: {what} is NaN", node.name());
    let error = node.attribute_error(list, BAD_NUMBER, message);
    Err(error
        .note("the program computes in integers, and none of them stands for NaN")
        .help("train the encoder with a number in place of NaN (`unknown_value`, `encoded_missing_value`)")
        .into())
}

/// Numbers as constants of the IR hold them: finite, or NaN among keys.
fn numbers(node: &Node<'_>, data: &Data) -> Imported<(Vec<f64>, ElementType)> {
    let refuse = |what: String| {
        let message = format!("`{}` holds {what}", node.name());
        Err(node.error(BAD_NUMBER, message).into())
    };
    match data {
        Data::F32(values) | Data::F64(values) => {
            if let Some(value) = values.iter().find(|value| value.is_infinite()) {
                return refuse(value.to_string());
            }
            let is_f32 = matches!(data, Data::F32(_));
            let elem = if is_f32 { ElementType::F32 } else { ElementType::F64 };
            Ok((values.clone(), elem))
        }
        Data::Integers(values) | Data::Bool(values) => {
            match values.iter().find(|value| value.unsigned_abs() > INTEGER_MAX) {
                Some(value) => refuse(format!("{value}, an integer beyond 2^53")),
                None => Ok((values.iter().map(|&x| x as f64).collect(), ElementType::I64)),
            }
        }
        Data::Text(_) => refuse("text where numbers are needed".to_owned()),
    }
}

/// The position of the first key that equals element `at` of `data`, or that
/// of the default.
fn find(encoding: &Encoding, data: &Data, at: usize) -> usize {
    let last = count(&encoding.keys);
    let position = match (&encoding.keys, data) {
        (Data::Text(keys), Data::Text(texts)) => keys.iter().position(|key| *key == texts[at]),
        (Data::Integers(keys), Data::Integers(values) | Data::Bool(values)) => {
            keys.iter().position(|&key| key == values[at])
        }
        (Data::F32(keys) | Data::F64(keys), Data::F32(values) | Data::F64(values)) => {
            let x = values[at];
            keys.iter().position(|&key| key == x || (key.is_nan() && x.is_nan()))
        }
        _ => None,
    };
    position.unwrap_or(last)
}

fn is_text(data: &Data) -> bool {
    matches!(data, Data::Text(_))
}

fn count(data: &Data) -> usize {
    match data {
        Data::F32(values) | Data::F64(values) => values.len(),
        Data::Integers(values) | Data::Bool(values) => values.len(),
        Data::Text(texts) => texts.len(),
    }
}

#[cfg(test)]
mod tests {
    use crate::proto::NodeProto;
    use crate::testing::{WithAttributes, floats, imported, model, node, operations, said, stump};
    use skxc_ir::interpret::{self, Outcome};

    fn of_integers(encoder: NodeProto) -> crate::proto::ModelProto {
        let cast = node("Cast", &["X"], &["i"]).int("to", 7);
        model(1, vec![cast, encoder], &["Y"])
    }

    #[test]
    fn numbers_are_looked_up() {
        let encoder = node("LabelEncoder", &["i"], &["Y"])
            .ints("keys_int64s", &[3, 5])
            .floats("values_floats", &[0.5, 1.5]);
        let encoder = of_integers(encoder);
        let expected = [
            "%2 = lookup %1, @w0, @w1 : i64[1x1]",
            "%3 = constant @w2 : f32[3]",
            "%4 = take %3, %2 : f32[1x1]",
        ];
        assert_eq!(operations(&encoder)[2..5], expected);
        let module = imported(&encoder);
        let constants: Vec<_> = module.constants.iter().map(|(_, c)| c.elements.clone()).collect();
        assert_eq!(constants, [vec![3.0, 5.0], vec![0.0, 1.0, 2.0], vec![0.5, 1.5, -0.0]]);
    }

    #[test]
    fn text_becomes_a_label() {
        let encoder = node("LabelEncoder", &["i"], &["Y"])
            .ints("keys_int64s", &[3, 5])
            .strings("values_strings", &["a", "b"]);
        let expected =
            ["%2 = lookup %1, @w0, @w1 : i64[1x1]", "%3 = label @l0, %2 : label(@l0)[1x1]"];
        assert_eq!(operations(&of_integers(encoder))[2..4], expected);
    }

    #[test]
    fn no_value_is_nan() {
        let encoder = node("LabelEncoder", &["i"], &["Y"])
            .ints("keys_int64s", &[3, 5])
            .floats("values_floats", &[0.5, f32::NAN]);
        assert_eq!(
            said(&of_integers(encoder)),
            ["SKX0111: `ai.onnx.ml.LabelEncoder` makes NaN of some inputs: value 1 is NaN"]
        );
        // Labels too become numbers.
        let encoder = node("LabelEncoder", &["label"], &["Y"])
            .ints("keys_int64s", &[7, 8])
            .floats("values_floats", &[f32::NAN, 1.0]);
        let trees = stump(&[7, 8], &[(0, 0.25)], &[(0, 0.75)]);
        assert_eq!(
            said(&model(1, vec![trees, encoder], &["Y"])),
            ["SKX0111: `ai.onnx.ml.LabelEncoder` makes NaN of some inputs: value 0 is NaN"]
        );
    }

    #[test]
    fn keys_may_be_floats_that_are_computed() {
        let half = node("Constant", &[], &["half"]).tensor("value", floats(&[0.5]));
        let encoder = node("LabelEncoder", &["x"], &["Y"])
            .floats("keys_floats", &[0.5, 4.5])
            .strings("values_strings", &["a", "b"]);
        let nodes = vec![half, node("Mul", &["X", "half"], &["x"]), encoder];
        let module = imported(&model(1, nodes, &["Y"]));
        let class = |x| interpret::float(&module, &[Some(x)]);
        assert_eq!([1, 9, 2].map(class), [0, 1, 2].map(|it| vec![Outcome::Label(it)]));
    }

    #[test]
    fn labels_change_their_table() {
        let encoder = node("LabelEncoder", &["label"], &["Y"])
            .ints("keys_int64s", &[7])
            .strings("values_strings", &["seven"]);
        let trees = stump(&[7, 8], &[(0, 0.25)], &[(0, 0.75)]);
        let module = imported(&model(1, vec![trees, encoder], &["Y"]));
        let last = module.labels.iter().last().unwrap().1;
        assert_eq!([last.text(0), last.text(1)], ["seven", "_Unused"]);
    }

    #[test]
    fn lists_must_fit() {
        let encoder = node("LabelEncoder", &["i"], &["Y"])
            .ints("keys_int64s", &[3, 5])
            .floats("values_floats", &[0.5]);
        assert_eq!(
            said(&of_integers(encoder)),
            ["SKX0105: `LabelEncoder` has 2 keys and 1 values"]
        );
        let encoder = node("LabelEncoder", &["i"], &["Y"])
            .floats("keys_floats", &[3.0])
            .floats("values_floats", &[0.5]);
        assert_eq!(
            said(&of_integers(encoder)),
            ["SKX0107: `ai.onnx.ml.LabelEncoder` has keys of type `f32` for `i64[1x1]`"]
        );
    }
}

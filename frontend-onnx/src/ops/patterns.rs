//! Tensors made of a pattern: Range (ai.onnx 11 to 28), EyeLike (9), Size (1),
//! and Trilu (14), which keeps one triangle of a matrix.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, LIMIT_EXCEEDED, TYPE_MISMATCH};
use skxc_ir::limits::ELEMENTS_MAX;
use skxc_ir::{ElementType, Type};

use super::Operator;
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};
use crate::proto::DataType;
use crate::tensor::{Data, Tensor};

pub(super) static RANGE: Operator = Operator {
    domain: "ai.onnx",
    name: "Range",
    since: 11,
    inputs: 3..=3,
    attributes: &[],
    supported: "of constants",
    import: import_range,
};

pub(super) static EYE_LIKE: Operator = Operator {
    domain: "ai.onnx",
    name: "EyeLike",
    since: 9,
    inputs: 1..=1,
    attributes: &["dtype", "k"],
    supported: "of float, double and integers",
    import: import_eye_like,
};

pub(super) static SIZE: Operator = Operator {
    domain: "ai.onnx",
    name: "Size",
    since: 1,
    inputs: 1..=1,
    attributes: &[],
    supported: "everything",
    import: import_size,
};

pub(super) static TRILU: Operator = Operator {
    domain: "ai.onnx",
    name: "Trilu",
    since: 14,
    inputs: 1..=2,
    attributes: &["upper"],
    supported: "of a constant diagonal",
    import: import_trilu,
};

/// `start + i delta` up to `limit`, which is not in it.
fn import_range(_: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let parts = [(0, "start"), (1, "limit"), (2, "delta")];
    let parts = parts.map(|(position, name)| node.constant(position, name));
    let [start, limit, delta] = parts;
    let (start, limit, delta) = (&start?.data, &limit?.data, &delta?.data);
    let message = "`Range` needs three numbers of one type";
    let refuse = || node.error(TYPE_MISMATCH, message);
    let data = match (start, limit, delta) {
        (Data::Integers(start), Data::Integers(limit), Data::Integers(delta)) => {
            let (&[start], &[limit], &[delta]) = (&start[..], &limit[..], &delta[..]) else {
                return Err(refuse().into());
            };
            let span = i128::from(limit) - i128::from(start);
            let delta = i128::from(delta);
            if delta == 0 {
                return Err(node.operand_error(2, ATTRIBUTE_INVALID, "`Range` by 0").into());
            }
            let is_forward = (span > 0) == (delta > 0);
            let count = span / delta + i128::from(span % delta != 0);
            let count = if is_forward { count } else { 0 };
            let count = count_of(node, usize::try_from(count).ok())?;
            let element = |at: usize| start.wrapping_add((delta * at as i128) as i64);
            Data::Integers((0..count).map(element).collect())
        }
        (Data::F32(start), Data::F32(limit), Data::F32(delta)) => {
            Data::F32(steps(node, start, limit, delta, |x| f64::from(x as f32))?)
        }
        (Data::F64(start), Data::F64(limit), Data::F64(delta)) => {
            Data::F64(steps(node, start, limit, delta, |x| x)?)
        }
        _ => return Err(refuse().into()),
    };
    let count = match &data {
        Data::Integers(values) => values.len(),
        Data::F32(values) | Data::F64(values) => values.len(),
        Data::Bool(_) | Data::Text(_) => 0,
    };
    let extent = u32::try_from(count).expect("the limits bound every extent");
    Ok(vec![known(Tensor { shape: vec![extent], data, per_row: false })])
}

fn steps(
    node: &Node<'_>,
    start: &[f64],
    limit: &[f64],
    delta: &[f64],
    round: impl Fn(f64) -> f64,
) -> Imported<Vec<f64>> {
    let (&[start], &[limit], &[delta]) = (start, limit, delta) else {
        return Err(node.error(TYPE_MISMATCH, "`Range` needs three numbers").into());
    };
    let count = ((limit - start) / delta).ceil();
    let is_counted = count <= ELEMENTS_MAX as f64;
    let count = count_of(node, is_counted.then_some(count.max(0.0) as usize))?;
    Ok((0..count).map(|at| round(start + round(at as f64 * delta))).collect())
}

fn count_of(node: &Node<'_>, count: Option<usize>) -> Imported<usize> {
    count.filter(|&count| count <= ELEMENTS_MAX).ok_or_else(|| {
        let message = format!("`Range` makes more than {ELEMENTS_MAX} elements");
        node.error(LIMIT_EXCEEDED, message).into()
    })
}

/// 1 on a diagonal of a matrix, else 0.
fn import_eye_like(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let (shape, elem) = match node.operand(0)? {
        Operand::Constant(tensor) => (tensor.shape.clone(), of_data(&tensor.data)),
        _ => {
            let value = importer.value(node, 0)?;
            let ty = importer.module.ty(value);
            (ty.shape.0.clone(), ty.elem)
        }
    };
    let &[rows, columns] = &shape[..] else {
        let message = "`EyeLike` needs a matrix";
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    };
    let diagonal = node.int("k")?.unwrap_or(0);
    let elements = (0..i64::from(rows)).flat_map(|row| {
        (0..i64::from(columns)).map(move |column| column == row.saturating_add(diagonal))
    });
    let elem = match node.int("dtype")? {
        None => elem,
        Some(number) => element_type(node, number)?,
    };
    let numbers = elements.clone().map(|is_on| f64::from(u8::from(is_on))).collect();
    let integers = || elements.map(i64::from).collect();
    let data = match elem {
        ElementType::F32 => Data::F32(numbers),
        ElementType::F64 => Data::F64(numbers),
        ElementType::Bool => Data::Bool(integers()),
        ElementType::I64 | ElementType::Label(_) | ElementType::Fixed { .. } => {
            Data::Integers(integers())
        }
    };
    Ok(vec![known(Tensor { shape, data, per_row: false })])
}

fn of_data(data: &Data) -> ElementType {
    match data {
        Data::F32(_) => ElementType::F32,
        Data::F64(_) => ElementType::F64,
        Data::Bool(_) => ElementType::Bool,
        Data::Integers(_) | Data::Text(_) => ElementType::I64,
    }
}

fn element_type(node: &Node<'_>, number: i64) -> Imported<ElementType> {
    let ty = i32::try_from(number).ok().and_then(|number| DataType::try_from(number).ok());
    match ty {
        Some(DataType::Float) => Ok(ElementType::F32),
        Some(DataType::Double) => Ok(ElementType::F64),
        Some(DataType::Bool) => Ok(ElementType::Bool),
        Some(DataType::Int64 | DataType::Int32) => Ok(ElementType::I64),
        _ => {
            let message = format!("`EyeLike` of elements of type {number} is not supported");
            Err(node.attribute_error("dtype", ATTRIBUTE_INVALID, message).into())
        }
    }
}

/// The number of elements.
fn import_size(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let (count, per_row) = match node.operand(0)? {
        Operand::Constant(tensor) => (tensor.shape.iter().map(|&n| i64::from(n)).product(), false),
        _ => {
            let value = importer.value(node, 0)?;
            (importer.module.shape(value).elements() as i64, true)
        }
    };
    let data = Data::Integers(vec![count]);
    Ok(vec![known(Tensor { shape: Vec::new(), data, per_row })])
}

/// The upper or lower triangle of each matrix, 0 elsewhere.
fn import_trilu(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let diagonal = match node.optional(1) {
        Some(_) => node.constant_integers(1, "k")?.first().copied().unwrap_or(0),
        None => 0,
    };
    let is_upper = node.int("upper")?.unwrap_or(1) != 0;
    let input = importer.numbers(node, 0)?;
    let ty = importer.module.ty(input).clone();
    let &[.., rows, columns] = &ty.shape.0[..] else {
        let message = format!("`Trilu` needs a matrix, not `{ty}`");
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    };
    let is_kept = |row: u32, column: u32| {
        let edge = i64::from(row).saturating_add(diagonal);
        if is_upper { i64::from(column) >= edge } else { i64::from(column) <= edge }
    };
    let kept = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let kept = kept.map(|(row, column)| f64::from(u8::from(is_kept(row, column)))).collect();
    let mask = Type::new(ElementType::Bool, &[rows, columns]);
    let mask = importer.constant_of(kept, mask, node.origin);
    let zero = importer.scalar(0.0, ty.elem, node.origin);
    Ok(vec![Operand::Value(importer.select(node, mask, input, zero)?)])
}

#[cfg(test)]
mod tests {
    use crate::proto::{ModelProto, NodeProto, TensorProto};
    use crate::testing::{WithAttributes, floats, graph, integers, model, node, numbers, said};

    /// The model that adds 0 times `X` to what the nodes make of the constants.
    fn with(nodes: Vec<NodeProto>, constants: Vec<(&str, TensorProto)>) -> ModelProto {
        let mut all = nodes;
        all.push(node("Cast", &["made"], &["number"]).int("to", 1));
        all.push(node("Sub", &["X", "X"], &["zero"]));
        all.push(node("Add", &["zero", "number"], &["Y"]));
        let mut model = model(1, all, &["Y"]);
        graph(&mut model).initializer = constants
            .into_iter()
            .map(|(name, tensor)| TensorProto { name: name.to_owned(), ..tensor })
            .collect();
        model
    }

    #[test]
    fn a_range_is_listed() {
        let of = |parts: [TensorProto; 3]| {
            let range = node("Range", &["a", "b", "c"], &["made"]);
            let [a, b, c] = parts;
            with(vec![range], vec![("a", a), ("b", b), ("c", c)])
        };
        let scalars = |parts: [i64; 3]| parts.map(|x| integers(&[x]));
        assert_eq!(numbers(&of(scalars([1, 6, 2])), 1)[0], [1.0, 3.0, 5.0]);
        assert_eq!(numbers(&of(scalars([3, 0, -2])), 1)[0], [3.0, 1.0]);
        let halves = of([0.0, 1.25, 0.5].map(|x| floats(&[x])));
        assert_eq!(numbers(&halves, 1)[0], [0.0, 0.5, 1.0]);
        assert_eq!(said(&of(scalars([1, 6, 0]))), ["SKX0104: `Range` by 0"]);
        assert_eq!(
            said(&of(scalars([0, i64::MAX, 1]))),
            ["SKX0002: `Range` makes more than 16777216 elements"]
        );
        let nan = of([0.0, f32::NAN, 0.5].map(|x| floats(&[x])));
        assert_eq!(said(&nan), ["SKX0002: `Range` makes more than 16777216 elements"]);
    }

    #[test]
    fn a_diagonal_and_a_triangle() {
        let nodes = vec![
            node("Range", &["a", "b", "c"], &["list"]),
            node("Reshape", &["list", "shape"], &["matrix"]),
            node("EyeLike", &["matrix"], &["eye"]).int("k", 1),
            node("Trilu", &["matrix"], &["upper"]),
            node("Add", &["eye", "upper"], &["sum"]),
            node("Size", &["sum"], &["count"]),
            node("Add", &["count", "sum"], &["made"]),
        ];
        let parts = [("a", 1), ("b", 5), ("c", 1)].map(|(name, x)| (name, integers(&[x])));
        let mut constants = parts.to_vec();
        constants.push(("shape", integers(&[2, 2])));
        assert_eq!(numbers(&with(nodes, constants), 1)[0], [5.0, 7.0, 4.0, 8.0]);
    }
}

//! Products of matrices: MatMul (ai.onnx 1 to 28) and Gemm (7 to 28).
//!
//! The products of an element are added in the order of the shared axis.
//! MatMul of operands with more axes than two multiplies the matrices of their
//! last two, and the others broadcast; a list counts as a row on the left and
//! as a column on the right, and that axis is not in the result.
//!
//! Decision: Gemm multiplies the sum by `alpha` and adds `beta` times `C` last,
//! as ONNX Runtime does (MLAS, sgemm.cpp).

use skxc_diagnostics::codes::TYPE_MISMATCH;
use skxc_ir::{Binary, ElementType, Reduction, Value};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};
use crate::tensor::Tensor;

pub(super) static MAT_MUL: Operator = Operator {
    domain: "ai.onnx",
    name: "MatMul",
    since: 1,
    inputs: 2..=2,
    attributes: &[],
    supported: "everything",
    import: import_mat_mul,
};

pub(super) static GEMM: Operator = Operator {
    domain: "ai.onnx",
    name: "Gemm",
    since: 7,
    inputs: 2..=3,
    attributes: &["alpha", "beta", "transA", "transB"],
    supported: "everything",
    import: import_gemm,
};

fn import_mat_mul(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let (a, b) = (factor(importer, node, 0)?, factor(importer, node, 1)?);
    let shape_a = importer.module.shape(a).0.clone();
    let shape_b = importer.module.shape(b).0.clone();
    if shape_a.is_empty() || shape_b.is_empty() {
        let message = "`MatMul` of a number, not a matrix";
        return Err(node.error(TYPE_MISMATCH, message).into());
    }
    let (is_row, is_column) = (shape_a.len() == 1, shape_b.len() == 1);
    let a = if is_row { importer.reshape(a, &[1, shape_a[0]], node.origin) } else { a };
    let b = if is_column { importer.reshape(b, &[shape_b[0], 1], node.origin) } else { b };
    let product = product(importer, node, a, b)?;
    let mut shape = importer.module.shape(product).0.clone();
    if is_column {
        shape.pop();
    }
    if is_row {
        shape.remove(shape.len() - 1 - usize::from(!is_column));
    }
    Ok(vec![Operand::Value(importer.reshape(product, &shape, node.origin))])
}

/// The product of operands with two axes or more.
fn product(importer: &mut Importer<'_>, node: &Node<'_>, a: Value, b: Value) -> Imported<Value> {
    let of_a = importer.module.ty(a).clone();
    let of_b = importer.module.ty(b).clone();
    let (outer_a, matrix_a) = of_a.shape.0.split_at(of_a.shape.0.len() - 2);
    let (outer_b, matrix_b) = of_b.shape.0.split_at(of_b.shape.0.len() - 2);
    if matrix_a[1] != matrix_b[0] || of_a.elem != of_b.elem {
        let message = format!("`MatMul` cannot multiply `{of_a}` and `{of_b}`");
        return Err(node.error(TYPE_MISMATCH, message).into());
    }
    // One matrix on the right takes all rows on the left at once.
    if outer_b.iter().all(|&extent| extent == 1) {
        let rows = of_a.shape.0[..of_a.shape.0.len() - 1].iter().product();
        let flat = importer.reshape(a, &[rows, matrix_a[1]], node.origin);
        let right = importer.reshape(b, matrix_b, node.origin);
        let product = importer.matmul(node, flat, right)?;
        let ones = outer_b.len().saturating_sub(outer_a.len());
        let mut shape = vec![1; ones];
        shape.extend(outer_a);
        shape.extend([matrix_a[0], matrix_b[1]]);
        return Ok(importer.reshape(product, &shape, node.origin));
    }
    // Every row meets every column, and their products are added up.
    let mut rows = outer_a.to_vec();
    rows.extend([matrix_a[0], 1, matrix_a[1]]);
    let mut columns = outer_b.to_vec();
    columns.extend([1, matrix_b[1], matrix_b[0]]);
    let rows = importer.reshape(a, &rows, node.origin);
    let rank = of_b.shape.0.len();
    let turned = importer.axis_last(b, rank - 2, node.origin);
    let columns = importer.reshape(turned, &columns, node.origin);
    let products = importer.binary(node, Binary::Multiply, rows, columns)?;
    Ok(importer.reduce(Reduction::Sum, products, node.origin))
}

/// An operand as numbers.
fn factor(importer: &mut Importer<'_>, node: &Node<'_>, position: usize) -> Imported<Value> {
    let value = importer.numbers(node, position)?;
    if importer.module.ty(value).elem == ElementType::Bool {
        let message = format!("`{}` needs numbers, not truth values", node.name());
        return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
    }
    Ok(value)
}

fn import_gemm(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let turns = |name| Ok::<_, crate::node::Problems>(node.int(name)?.unwrap_or(0) != 0);
    let a = matrix(importer, node, 0, turns("transA")?)?;
    let b = matrix(importer, node, 1, turns("transB")?)?;
    let product = importer.matmul(node, a, b)?;
    let product = scaled(importer, node, product, "alpha")?;
    if node.optional(2).is_none() {
        return Ok(vec![Operand::Value(product)]);
    }
    let added = factor(importer, node, 2)?;
    let added = scaled(importer, node, added, "beta")?;
    let sum = importer.binary(node, Binary::Add, product, added)?;
    let (of_sum, of_product) = (importer.module.ty(sum), importer.module.ty(product));
    if of_sum != of_product {
        let message = format!("`Gemm` cannot add `{}` to it", importer.module.ty(added));
        let error = node.operand_error(2, TYPE_MISMATCH, message);
        return Err(error.note(format!("the product is `{of_product}`")).into());
    }
    Ok(vec![Operand::Value(sum)])
}

/// A matrix, transposed if `turns`.
fn matrix(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    position: usize,
    turns: bool,
) -> Imported<Value> {
    if let Operand::Constant(tensor) = node.operand(position)?
        && turns
        && let Some(turned) = transposed(tensor)
    {
        return turned.to_value(&mut importer.module, node.origin).map_err(|fault| {
            let message = format!("input {position} of `{}` {}", node.name(), fault.what);
            node.operand_error(position, fault.code, message).into()
        });
    }
    let value = factor(importer, node, position)?;
    let ty = importer.module.ty(value);
    if ty.shape.0.len() != 2 {
        let message = format!("`Gemm` needs a matrix, not `{ty}`");
        return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
    }
    Ok(if turns { importer.permute(value, &[1, 0], node.origin) } else { value })
}

/// A known matrix with its axes exchanged, so that nothing has to do it later.
fn transposed(tensor: &Tensor) -> Option<Tensor> {
    let [rows, width] = tensor.shape[..] else { return None };
    let (rows, width) = (rows as usize, width as usize);
    let picked: Vec<usize> =
        (0..width).flat_map(|column| (0..rows).map(move |row| row * width + column)).collect();
    Some(tensor.pick(vec![tensor.shape[1], tensor.shape[0]], &picked))
}

/// `value` times the attribute `name`, 1 by default.
fn scaled(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    value: Value,
    name: &str,
) -> Imported<Value> {
    let factor = f64::from(node.float(name)?.unwrap_or(1.0));
    if factor == 1.0 {
        return Ok(value);
    }
    let elem = importer.module.ty(value).elem;
    let is_whole = factor.trunc() == factor || elem != ElementType::I64;
    if !factor.is_finite() || !is_whole {
        let message = format!("attribute `{name}` is {factor}, for elements of type `{elem}`");
        return Err(node.attribute_error(name, TYPE_MISMATCH, message).into());
    }
    let factor = importer.scalar(factor, elem, node.origin);
    importer.binary(node, Binary::Multiply, value, factor)
}

#[cfg(test)]
mod tests {
    use crate::proto::{DataType, ModelProto, NodeProto, TensorProto};
    use crate::testing::{WithAttributes, graph, integers, model, node, numbers, operations, said};

    /// A model of `width` floats with the constant `W` of 1, 2, 3, ...
    fn with_weights(width: i64, nodes: Vec<NodeProto>, dims: &[i64]) -> ModelProto {
        let mut model = model(width, nodes, &["Y"]);
        let count = dims.iter().product::<i64>();
        let tensor = TensorProto {
            name: "W".to_owned(),
            dims: dims.to_vec(),
            data_type: DataType::Float.into(),
            float_data: (1..=count).map(|x| x as f32).collect(),
            ..Default::default()
        };
        graph(&mut model).initializer.push(tensor);
        model
    }

    #[test]
    fn matrices_are_multiplied() {
        let product = node("MatMul", &["X", "W"], &["Y"]);
        let product_of = |dims: &[i64]| with_weights(2, vec![product.clone()], dims);
        assert_eq!(operations(&product_of(&[2, 3]))[2], "%2 = matmul %0, %1 : f32[1x3]");
        let expected = ["%3 = matmul %0, %2 : f32[1x1]", "%4 = reshape %3 : f32[1]"];
        assert_eq!(operations(&product_of(&[2]))[3..5], expected);
        assert_eq!(
            said(&product_of(&[3, 2])),
            ["SKX0107: `MatMul` cannot multiply `f32[1x2]` and `f32[3x2]`"]
        );
    }

    #[test]
    fn outer_axes_broadcast() {
        let nodes = vec![
            node("Concat", &["X", "X"], &["two"]).int("axis", 1),
            node("MatMul", &["two", "W"], &["Y"]),
        ];
        // [1, 2] times [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]] for x = 1
        let found = numbers(&with_weights(1, nodes, &[2, 2, 3]), 2);
        assert_eq!(found[1], [5.0, 7.0, 9.0, 17.0, 19.0, 21.0]);
        let nodes = vec![
            node("Concat", &["X", "X"], &["two"]).int("axis", 1),
            node("Reshape", &["two", "shape"], &["column"]),
            node("MatMul", &["W", "column"], &["Y"]),
        ];
        let mut model = with_weights(1, nodes, &[3, 1, 2]);
        graph(&mut model)
            .initializer
            .push(TensorProto { name: "shape".to_owned(), ..integers(&[2, 1]) });
        assert_eq!(numbers(&model, 2)[1], [3.0, 7.0, 11.0]);
    }

    #[test]
    fn a_product_is_scaled_and_moved() {
        let gemm = node("Gemm", &["X", "W", "X"], &["Y"]).float("alpha", 2.0).float("beta", 3.0);
        let found = numbers(&with_weights(1, vec![gemm.clone()], &[1, 1]), 3);
        assert_eq!(found, [[0.0], [5.0], [10.0]]);
        let wide = with_weights(1, vec![gemm.clone()], &[1, 3]);
        assert_eq!(numbers(&wide, 2)[1], [5.0, 7.0, 9.0]);
        let turned =
            with_weights(2, vec![node("Gemm", &["X", "W"], &["Y"]).int("transB", 1)], &[3, 2]);
        assert_eq!(operations(&turned)[2], "%2 = matmul %0, %1 : f32[1x3]");
        let module = crate::testing::imported(&turned);
        assert_eq!(
            module.constants.iter().next().unwrap().1.elements,
            [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]
        );
    }

    #[test]
    fn what_is_added_has_the_shape_of_the_product() {
        let gemm = node("Gemm", &["X", "W", "C"], &["Y"]);
        let mut model = with_weights(2, vec![gemm], &[2, 1]);
        let tensor = TensorProto { name: "C".to_owned(), ..crate::testing::floats(&[1.0, 2.0]) };
        graph(&mut model).initializer.push(tensor);
        assert_eq!(said(&model), ["SKX0107: `Gemm` cannot add `f32[2]` to it"]);
        let flat = with_weights(2, vec![node("Gemm", &["X", "W"], &["Y"])], &[2]);
        assert_eq!(said(&flat), ["SKX0107: `Gemm` needs a matrix, not `f32[2]`"]);
    }
}

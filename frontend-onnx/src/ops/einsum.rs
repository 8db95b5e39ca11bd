//! Einsum (ai.onnx 12 to 28): products of one or two operands, whose axes have
//! letters, added up over the letters that the result does not have.
//!
//! A product of matrices becomes one; anything else is an elementwise product
//! of operands with all axes. What is added is in the order of the letters that
//! are not in the result, as they come in the equation.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, TYPE_MISMATCH, UNSUPPORTED_FORM};
use skxc_ir::limits::AXES_MAX;
use skxc_ir::{Binary, ElementType, Reduction, Value};

use super::Operator;
use crate::import::Importer;
use crate::listing::short;
use crate::node::{Imported, Node, Operand};

pub(super) static EINSUM: Operator = Operator {
    domain: "ai.onnx",
    name: "Einsum",
    since: 12,
    inputs: 1..=usize::MAX,
    attributes: &["equation"],
    supported: "of one or two operands, each letter once in each; no ellipsis",
    import,
};

/// The letters of an equation.
struct Equation {
    operands: Vec<Vec<char>>,
    result: Vec<char>,
}

/// An operand with the letters of its axes.
struct Term {
    value: Value,
    letters: Vec<char>,
}

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let equation = read(node)?;
    let mut terms = Vec::with_capacity(equation.operands.len());
    for (position, letters) in equation.operands.into_iter().enumerate() {
        let value = importer.numbers(node, position)?;
        let ty = importer.module.ty(value);
        if ty.elem == ElementType::Bool || ty.shape.0.len() != letters.len() {
            let letters: String = letters.into_iter().collect();
            let message = format!("`Einsum` has the letters `{letters}` for `{ty}`");
            return Err(node.operand_error(position, TYPE_MISMATCH, message).into());
        }
        terms.push(Term { value, letters });
    }
    let product = match &terms[..] {
        [a, b] => matrix_product(importer, node, a, b, &equation.result)?,
        _ => None,
    };
    let value = match product {
        Some(product) => product,
        None => elementwise(importer, node, &terms, &equation.result)?,
    };
    Ok(vec![Operand::Value(value)])
}

/// The product of matrices, if it is one: each letter is in the result and one
/// operand, or in both operands and not in the result.
fn matrix_product(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    a: &Term,
    b: &Term,
    result: &[char],
) -> Imported<Option<Value>> {
    let shared: Vec<char> = a.letters.iter().copied().filter(|l| b.letters.contains(l)).collect();
    let kept = |term: &Term| -> Vec<char> {
        term.letters.iter().copied().filter(|letter| !shared.contains(letter)).collect()
    };
    let (rows, columns) = (kept(a), kept(b));
    let is_one = !shared.is_empty()
        && !shared.iter().any(|letter| result.contains(letter))
        && rows.iter().chain(&columns).all(|letter| result.contains(letter))
        && shared.iter().all(|&letter| extent(importer, a, letter) == extent(importer, b, letter));
    if !is_one {
        return Ok(None);
    }
    let size = |term: &Term, letters: &[char]| -> u32 {
        letters.iter().map(|&letter| extent(importer, term, letter)).product()
    };
    let (m, k, n) = (size(a, &rows), size(a, &shared), size(b, &columns));
    let mut shape: Vec<u32> = rows.iter().map(|&l| extent(importer, a, l)).collect();
    shape.extend(columns.iter().map(|&l| extent(importer, b, l)));
    let left = turned(importer, node, a, &[&rows[..], &shared].concat());
    let left = importer.reshape(left, &[m, k], node.origin);
    let right = turned(importer, node, b, &[&shared[..], &columns].concat());
    let right = importer.reshape(right, &[k, n], node.origin);
    let product = importer.matmul(node, left, right)?;
    let value = importer.reshape(product, &shape, node.origin);
    let term = Term { value, letters: [rows, columns].concat() };
    Ok(Some(turned(importer, node, &term, result)))
}

fn elementwise(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    terms: &[Term],
    result: &[char],
) -> Imported<Value> {
    let mut letters = result.to_vec();
    for letter in terms.iter().flat_map(|term| &term.letters) {
        if !letters.contains(letter) {
            letters.push(*letter);
        }
    }
    if letters.len() > AXES_MAX {
        let message = format!("`Einsum` has {} letters", letters.len());
        let error = node.attribute_error("equation", UNSUPPORTED_FORM, message);
        return Err(error.note(format!("a value has at most {AXES_MAX} axes")).into());
    }
    let mut product: Option<Value> = None;
    for term in terms {
        let own: Vec<char> =
            letters.iter().copied().filter(|letter| term.letters.contains(letter)).collect();
        let value = turned(importer, node, term, &own);
        let extents = letters.iter().map(|&letter| match term.letters.contains(&letter) {
            true => extent(importer, term, letter),
            false => 1,
        });
        let extents: Vec<u32> = extents.collect();
        let value = importer.reshape(value, &extents, node.origin);
        product = Some(match product {
            Some(product) => importer.binary(node, Binary::Multiply, product, value)?,
            None => value,
        });
    }
    let product = product.expect("there is an operand");
    if letters.len() == result.len() {
        return Ok(product);
    }
    let shape = importer.module.shape(product).0.clone();
    let mut rows = shape[..result.len()].to_vec();
    rows.push(shape[result.len()..].iter().product());
    let rows = importer.reshape(product, &rows, node.origin);
    Ok(importer.reduce(Reduction::Sum, rows, node.origin))
}

/// An operand with its axes in the order of `letters`.
fn turned(importer: &mut Importer<'_>, node: &Node<'_>, term: &Term, letters: &[char]) -> Value {
    let position = |letter| term.letters.iter().position(|own| own == letter);
    let order: Option<Vec<usize>> = letters.iter().map(position).collect();
    let order = order.expect("these are the letters of the operand");
    importer.permute(term.value, &order, node.origin)
}

fn extent(importer: &Importer<'_>, term: &Term, letter: char) -> u32 {
    let axis = term.letters.iter().position(|&own| own == letter);
    importer.module.shape(term.value).0[axis.expect("the operand has the letter")]
}

fn read(node: &Node<'_>) -> Imported<Equation> {
    let text = node.string("equation")?.ok_or_else(|| node.missing("equation"))?;
    let refuse = |why: &str| {
        let message = format!("`Einsum` of the equation `{}`", short(&text));
        let error = node.attribute_error("equation", UNSUPPORTED_FORM, message);
        error.note(why.to_owned())
    };
    let spaceless: String = text.chars().filter(|character| *character != ' ').collect();
    let (left, right) = match spaceless.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (spaceless.as_str(), None),
    };
    let operands: Vec<Vec<char>> = left.split(',').map(|part| part.chars().collect()).collect();
    let count = node.operands.len();
    if operands.len() != count {
        let message = format!("`equation` is of {} operands, not {count}", operands.len());
        return Err(node.attribute_error("equation", ATTRIBUTE_INVALID, message).into());
    }
    if count > 2 {
        return Err(refuse("supported are one or two operands").into());
    }
    let all: Vec<char> = operands.iter().flatten().copied().collect();
    let result: Vec<char> = match right {
        Some(right) => right.chars().collect(),
        // The letters that come once, sorted.
        None => {
            let once = |letter: &&char| all.iter().filter(|other| other == letter).count() == 1;
            let mut letters: Vec<char> = all.iter().filter(once).copied().collect();
            letters.sort_unstable();
            letters
        }
    };
    for letters in operands.iter().chain([&result]) {
        let is_known =
            |at: usize| letters[at].is_ascii_alphabetic() && !letters[..at].contains(&letters[at]);
        if letters.len() > AXES_MAX || !(0..letters.len()).all(is_known) {
            return Err(refuse("supported are letters, each once in an operand").into());
        }
    }
    if !result.iter().all(|letter| all.contains(letter)) {
        return Err(refuse("the result has a letter that no operand has").into());
    }
    Ok(Equation { operands, result })
}

#[cfg(test)]
mod tests {
    use crate::proto::{DataType, ModelProto, TensorProto};
    use crate::testing::{WithAttributes, graph, model, node, numbers, operations, said};

    /// `Einsum(X, W)` of a row of two and the matrix `[[1, 2], [3, 4]]`.
    fn of(equation: &str) -> ModelProto {
        let einsum = node("Einsum", &["X", "W"], &["Y"]).string("equation", equation);
        let mut model = model(2, vec![einsum], &["Y"]);
        graph(&mut model).input.truncate(1);
        graph(&mut model).initializer.push(TensorProto {
            name: "W".to_owned(),
            dims: vec![2, 2],
            data_type: DataType::Float.into(),
            float_data: vec![1.0, 2.0, 3.0, 4.0],
            ..Default::default()
        });
        model
    }

    #[test]
    fn products_of_matrices_are_one_operation() {
        assert_eq!(operations(&of("ij,jk->ik"))[2], "%2 = matmul %0, %1 : f32[1x2]");
        assert_eq!(operations(&of("ij, jk"))[2], "%2 = matmul %0, %1 : f32[1x2]");
        let turned = operations(&of("ij,kj->ki"));
        assert!(turned.iter().any(|line| line.contains("= matmul %0")), "{turned:?}");
        assert_eq!(turned.last().unwrap(), "output \"Y\" value %6");
    }

    #[test]
    fn other_sums_are_elementwise() {
        let join = node("Concat", &["X", "X"], &["two"]).int("axis", 1);
        let einsum = |equation| {
            let mut model = of(equation);
            graph(&mut model).node[0].input[0] = "two".to_owned();
            graph(&mut model).node.insert(0, join.clone());
            graph(&mut model).input[0] = crate::testing::input("X", DataType::Float, &[-1, 1]);
            numbers(&model, 2)[1].clone()
        };
        assert_eq!(einsum("ij,kj->k"), [3.0, 7.0]);
        assert_eq!(einsum("ij,jk->jk"), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(einsum("ij,jk->"), [10.0]);
    }

    #[test]
    fn equations_are_checked() {
        let form = |equation: &str| format!("SKX0108: `Einsum` of the equation `{equation}`");
        for equation in ["ii,jk->ik", "...j,jk->k", "ij,jk->ikz"] {
            assert_eq!(said(&of(equation)), [form(equation)]);
        }
        assert_eq!(said(&of("ij->i")), ["SKX0104: `equation` is of 1 operands, not 2"]);
        assert_eq!(said(&of("i,jk->i")), ["SKX0107: `Einsum` has the letters `i` for `f32[1x2]`"]);
    }
}

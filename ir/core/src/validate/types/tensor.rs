//! What elementwise operations, reductions and look-ups make of their operands.

use super::{bad_operand, is_number};
use crate::module::{Constant, Domain};
use crate::ops::{Binary, Relation, Unary};
use crate::types::{ElementType, Shape, Type};
use crate::validate::error::Problem;

pub(super) fn unary(function: Unary, input: &Type) -> Result<Type, Problem> {
    let (fits, expected) = match function {
        Unary::Negate | Unary::Absolute | Unary::Sign => (is_number(input.elem), "numbers"),
        Unary::Not => (input.elem == ElementType::Bool, "truth values"),
        Unary::Exp
        | Unary::Log
        | Unary::SquareRoot
        | Unary::Reciprocal
        | Unary::Floor
        | Unary::Ceil
        | Unary::Round
        | Unary::Logistic
        | Unary::Tanh
        | Unary::Erf
        | Unary::Probit
        | Unary::Relu
        | Unary::Softplus => (input.elem.is_float(), "floats"),
    };
    if fits { Ok(input.clone()) } else { Err(bad_operand(input, expected)) }
}

pub(super) fn binary(function: Binary, a: &Type, b: &Type) -> Result<Type, Problem> {
    let (fits, expected) = match function {
        Binary::Add
        | Binary::Subtract
        | Binary::Multiply
        | Binary::Divide
        | Binary::Minimum
        | Binary::Maximum => (is_number(a.elem), "numbers"),
        Binary::Power => (a.elem.is_float(), "floats"),
        Binary::And | Binary::Or | Binary::Xor => (a.elem == ElementType::Bool, "truth values"),
    };
    if fits { broadcast(a, b) } else { Err(bad_operand(a, expected)) }
}

pub(super) fn compare(relation: Relation, a: &Type, b: &Type) -> Result<Type, Problem> {
    let is_identity = matches!(a.elem, ElementType::Bool | ElementType::Label(_));
    if is_number(a.elem) || (is_identity && relation == Relation::Equal) {
        Ok(Type { elem: ElementType::Bool, shape: broadcast(a, b)?.shape })
    } else {
        Err(bad_operand(a, "numbers"))
    }
}

pub(super) fn select(condition: &Type, a: &Type, b: &Type) -> Result<Type, Problem> {
    if condition.elem != ElementType::Bool {
        return Err(bad_operand(condition, "truth values"));
    }
    let either = broadcast(a, b)?;
    let mismatch = || Problem::BadShapes { a: condition.clone(), b: either.clone() };
    let shape = either.shape.broadcast(&condition.shape).ok_or_else(mismatch)?;
    Ok(Type { elem: either.elem, shape })
}

/// The type without its last axis, which has at least one element.
pub(super) fn reduced(input: &Type) -> Result<Type, Problem> {
    let numbers = last_axis(input)?;
    let leading = &numbers.shape.0[..numbers.shape.0.len() - 1];
    Ok(Type::new(numbers.elem, leading))
}

/// The type itself, of numbers, with a last axis of at least one element.
pub(super) fn last_axis(input: &Type) -> Result<&Type, Problem> {
    let has_elements = input.shape.0.last().is_some_and(|&extent| extent > 0);
    if has_elements && is_number(input.elem) {
        Ok(input)
    } else {
        Err(bad_operand(input, "numbers along an axis"))
    }
}

/// As [`last_axis`], of floats.
pub(super) fn last_axis_of_floats(input: &Type) -> Result<&Type, Problem> {
    if input.elem.is_float() { last_axis(input) } else { Err(bad_operand(input, "floats")) }
}

pub(super) fn take(input: &Type, index: &Type) -> Result<Type, Problem> {
    if !super::is_row(&input.shape) || input.shape.elements() == 0 {
        return Err(bad_operand(input, "one row that is not empty"));
    }
    if !matches!(index.elem, ElementType::I64 | ElementType::Bool | ElementType::Label(_)) {
        return Err(bad_operand(index, "positions, `i64`, `bool` or label"));
    }
    Ok(Type { elem: input.elem, shape: index.shape.clone() })
}

pub(super) fn take_along(input: &Type, indices: &Type) -> Result<Type, Problem> {
    let (Some((&extent, rows)), Some((_, index_rows))) =
        (input.shape.0.split_last(), indices.shape.0.split_last())
    else {
        return Err(bad_operand(input, "a tensor with an axis"));
    };
    if indices.elem != ElementType::I64 || extent == 0 {
        return Err(bad_operand(indices, "positions, `i64`, in an axis that is not empty"));
    }
    if rows != index_rows {
        return Err(Problem::BadShapes { a: input.clone(), b: indices.clone() });
    }
    Ok(Type { elem: input.elem, shape: indices.shape.clone() })
}

pub(super) fn lookup<D: Domain>(
    input: &Type,
    keys: &Constant<D>,
    values: &Constant<D>,
) -> Result<Type, Problem> {
    let (key_count, value_count) = (keys.elements.len(), values.elements.len());
    if keys.ty.elem != input.elem || matches!(input.elem, ElementType::Fixed { .. }) {
        return Err(Problem::BadShapes { a: input.clone(), b: keys.ty.clone() });
    }
    if value_count != key_count + 1 {
        return Err(Problem::BadShapes { a: keys.ty.clone(), b: values.ty.clone() });
    }
    Ok(Type { elem: values.ty.elem, shape: input.shape.clone() })
}

/// The product of two matrices.
pub(super) fn matmul(a: &Type, b: &Type) -> Result<Type, Problem> {
    let mismatch = || Problem::BadShapes { a: a.clone(), b: b.clone() };
    let (&[m, k], &[k_b, n]) = (&a.shape.0[..], &b.shape.0[..]) else { return Err(mismatch()) };
    if a.elem != b.elem || k != k_b || k == 0 || !is_number(a.elem) {
        return Err(mismatch());
    }
    // As many products as a broadcast multiplication would have elements.
    let (found, max) = (elements(&[m, k, n]), crate::limits::ELEMENTS_MAX);
    if found > max {
        return Err(Problem::TooMany { what: "products", found, max });
    }
    Ok(Type::new(a.elem, &[m, n]))
}

/// The type of both, which have one element type, at the shape they broadcast to.
pub(super) fn broadcast(a: &Type, b: &Type) -> Result<Type, Problem> {
    let shape = if a.elem == b.elem { a.shape.broadcast(&b.shape) } else { None };
    match shape {
        Some(Shape(extents)) if elements(&extents) <= crate::limits::ELEMENTS_MAX => {
            Ok(Type::new(a.elem, &extents))
        }
        Some(Shape(extents)) => {
            let (found, max) = (elements(&extents), crate::limits::ELEMENTS_MAX);
            Err(Problem::TooMany { what: "elements", found, max })
        }
        None => Err(Problem::BadShapes { a: a.clone(), b: b.clone() }),
    }
}

/// Their product, as far as it can be counted.
fn elements(extents: &[u32]) -> usize {
    extents.iter().fold(1usize, |product, &extent| product.saturating_mul(extent as usize))
}

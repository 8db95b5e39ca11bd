//! Single elements in float mode, for analyses that compute ahead: the very
//! operations that [`crate::interpret::float`] does.

use super::{Scalar, cast as cast_number, compare as compare_numbers, constant_element, tensor};
use crate::forest::Mode;
use crate::interpret::number::float_of;
use crate::module::{Column, Constant, Real};
use crate::ops::{Binary, Extreme, Relation, Unary};
use crate::types::ElementType;

/// An element of a tensor in float mode.
pub(crate) type Element = Scalar<f64>;

/// A column at `x`, as an `elem`.
pub(crate) fn input(column: &Column, x: i64, elem: ElementType) -> Element {
    match elem {
        ElementType::F32 | ElementType::F64 if column.missing == Some(x) => {
            Scalar::Number(f64::NAN)
        }
        ElementType::F32 | ElementType::F64 => Scalar::Number(float_of(x, elem)),
        ElementType::I64
        | ElementType::Bool
        | ElementType::Label(_)
        | ElementType::Fixed { .. } => Scalar::Integer(x),
    }
}

/// The elements of a constant.
pub(crate) fn constant(constant: &Constant<Real>) -> Vec<Element> {
    constant.elements.iter().map(|&x| constant_element(x, constant.ty.elem)).collect()
}

/// An element of a constant.
pub(crate) fn constant_at(constant: &Constant<Real>, element: usize) -> Element {
    constant_element(constant.elements[element], constant.ty.elem)
}

pub(crate) fn cast(x: &Element, elem: ElementType) -> Element {
    decided(cast_number(x, elem, false))
}

pub(crate) fn unary(function: Unary, x: &Element, elem: ElementType) -> Element {
    tensor::unary(function, x, elem)
}

pub(crate) fn binary(function: Binary, a: &Element, b: &Element, elem: ElementType) -> Element {
    tensor::binary(function, a, b, elem)
}

/// `sum + a * b`, as a matrix product has it.
pub(crate) fn fused(sum: &Element, a: &Element, b: &Element, elem: ElementType) -> Element {
    tensor::fused(sum, a, b, elem)
}

pub(crate) fn compare(relation: Relation, a: &Element, b: &Element) -> bool {
    decided(compare_numbers(a, mode(relation), b))
}

/// The element of `row` at a position.
pub(crate) fn at(row: &[Element], position: &Element) -> Element {
    tensor::at(row, position)
}

/// The position of the first element at this end.
pub(crate) fn extreme(row: &[Element], end: Extreme) -> Element {
    super::position(decided(tensor::extreme(row, end)))
}

pub(crate) fn lookup(x: &Element, keys: &[Element], values: &[Element]) -> Element {
    decided(tensor::lookup(x, keys, values))
}

/// The mode that asks the same.
pub(crate) fn mode(relation: Relation) -> Mode {
    tensor::mode(relation)
}

fn decided<T>(answer: Option<T>) -> T {
    answer.expect("floats decide every comparison")
}

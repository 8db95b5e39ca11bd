//! Support vector machines (ai.onnx.ml 1): SVMClassifier and SVMRegressor.
//!
//! What both share: the kernel, a function of a row and each support vector.
//! All of it is computed in `float`, whatever the features are (svmclassifier.h,
//! `batched_kernel_dot`); with `x` the row and `v` the vector
//!
//! - LINEAR is `x . v`, POLY `(gamma x . v + coef0) ^ degree`, SIGMOID
//!   `tanh(gamma x . v + coef0)`, RBF `e ^ (-gamma |x - v|^2)`;
//! - POLY multiplies for the degrees 2 and 3;
//! - `kernel_params` are gamma, coef0 and degree, 0 where there are none.

mod classifier;
mod regressor;

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, LENGTHS_DIFFER};
use skxc_ir::{Binary, ElementType, Reduction, Type, Unary, Value};

use super::linear::transposed;
use crate::import::Importer;
use crate::node::{Imported, Node};

pub(super) use classifier::SVM_CLASSIFIER;
pub(super) use regressor::SVM_REGRESSOR;

/// What is made of a row and a support vector.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kernel {
    Linear,
    Poly { gamma: f64, coef0: f64, degree: f64 },
    Rbf { gamma: f64 },
    Sigmoid { gamma: f64, coef0: f64 },
}

impl Kernel {
    /// Reads `kernel_type` and `kernel_params`.
    fn read(node: &Node<'_>) -> Imported<Self> {
        const PARAMS: &str = "kernel_params";
        let params = node.finite_floats(PARAMS)?;
        let (gamma, coef0, degree) = match params[..] {
            [] => (0.0, 0.0, 0.0),
            [gamma, coef0, degree] => (gamma, coef0, degree),
            _ => {
                let message = format!(
                    "`{PARAMS}` has {} elements; they are gamma, coef0 and degree",
                    params.len()
                );
                return Err(node.attribute_error(PARAMS, LENGTHS_DIFFER, message).into());
            }
        };
        match node.string("kernel_type")?.as_deref() {
            None | Some("LINEAR") => Ok(Self::Linear),
            Some("POLY") => Ok(Self::Poly { gamma, coef0, degree }),
            Some("RBF") => Ok(Self::Rbf { gamma }),
            Some("SIGMOID") => Ok(Self::Sigmoid { gamma, coef0 }),
            Some(_) => {
                let message =
                    format!("`{}` knows the kernels LINEAR, POLY, RBF and SIGMOID", node.name());
                Err(node.attribute_error("kernel_type", ATTRIBUTE_INVALID, message).into())
            }
        }
    }

    /// `f32[1xcount]`: the kernel of `row` and each of `count` vectors.
    fn of(
        self,
        importer: &mut Importer<'_>,
        node: &Node<'_>,
        row: Value,
        vectors: &[f64],
        count: usize,
    ) -> Imported<Value> {
        let origin = node.origin;
        let elem = ElementType::F32;
        let (gamma, coef0) = match self {
            Self::Linear => return products(importer, node, row, vectors, count),
            Self::Rbf { gamma } => return radial(importer, node, row, vectors, count, gamma),
            Self::Poly { gamma, coef0, .. } | Self::Sigmoid { gamma, coef0 } => (gamma, coef0),
        };
        let products = products(importer, node, row, vectors, count)?;
        let gamma = importer.scalar(gamma, elem, origin);
        let mut inner = importer.binary(node, Binary::Multiply, products, gamma)?;
        if coef0 != 0.0 {
            let coef0 = importer.scalar(coef0, elem, origin);
            inner = importer.binary(node, Binary::Add, inner, coef0)?;
        }
        match self {
            Self::Poly { degree, .. } => power(importer, node, inner, degree),
            Self::Linear | Self::Rbf { .. } | Self::Sigmoid { .. } => {
                Ok(importer.unary(Unary::Tanh, inner, origin))
            }
        }
    }
}

/// `x . v` of each vector.
fn products(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    row: Value,
    vectors: &[f64],
    count: usize,
) -> Imported<Value> {
    let columns = matrix(importer, node, transposed(vectors, count), vectors.len() / count);
    importer.matmul(node, row, columns)
}

/// A constant `f32` matrix of `rows` rows.
fn matrix(importer: &mut Importer<'_>, node: &Node<'_>, elements: Vec<f64>, rows: usize) -> Value {
    let extent = |count: usize| u32::try_from(count).expect("the limits bound every list");
    let ty = Type::new(ElementType::F32, &[extent(rows), extent(elements.len() / rows)]);
    importer.constant_of(elements, ty, node.origin)
}

fn power(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    base: Value,
    degree: f64,
) -> Imported<Value> {
    if degree != 2.0 && degree != 3.0 {
        let degree = importer.scalar(degree, ElementType::F32, node.origin);
        return importer.binary(node, Binary::Power, base, degree);
    }
    let mut power = importer.binary(node, Binary::Multiply, base, base)?;
    if degree > 2.0 {
        power = importer.binary(node, Binary::Multiply, power, base)?;
    }
    Ok(power)
}

fn radial(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    row: Value,
    vectors: &[f64],
    count: usize,
    gamma: f64,
) -> Imported<Value> {
    let vectors = matrix(importer, node, vectors.to_vec(), count);
    let away = importer.binary(node, Binary::Subtract, row, vectors)?;
    let squares = importer.binary(node, Binary::Multiply, away, away)?;
    let sums = importer.reduce(Reduction::Sum, squares, node.origin);
    let gamma = importer.scalar(-gamma, ElementType::F32, node.origin);
    let exponents = importer.binary(node, Binary::Multiply, sums, gamma)?;
    let kernels = importer.unary(Unary::Exp, exponents, node.origin);
    let extent = u32::try_from(count).expect("the limits bound every list");
    Ok(importer.reshape(kernels, &[1, extent], node.origin))
}

/// The vectors of `support_vectors`, of which there are `count` of `width`.
fn support_vectors(node: &Node<'_>, count: usize, width: u32) -> Imported<Vec<f64>> {
    const NAME: &str = "support_vectors";
    let vectors = node.finite_floats(NAME)?;
    let expected = count.saturating_mul(width as usize);
    let why = format!("{count} vectors of {width} features");
    node.check_length(NAME, vectors.len(), expected, &why)?;
    Ok(vectors)
}

fn coefficients(node: &Node<'_>) -> Imported<Vec<f64>> {
    required(node, "coefficients")
}

fn rho(node: &Node<'_>) -> Imported<Vec<f64>> {
    required(node, "rho")
}

fn required(node: &Node<'_>, name: &str) -> Imported<Vec<f64>> {
    let list = node.finite_floats(name)?;
    if list.is_empty() { Err(node.missing(name).into()) } else { Ok(list) }
}

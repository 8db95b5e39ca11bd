//! The sums of pairs of classes, and their votes.

use skxc_diagnostics::codes::LIMIT_EXCEEDED;
use skxc_ir::limits::ELEMENTS_MAX;
use skxc_ir::{Binary, ElementType, RealOp, Relation, Type, Value};

use super::{coefficients, rho};
use crate::import::Importer;
use crate::node::{Imported, Node};
use crate::ops::linear::transposed;

/// `f64[1xpairs]`: the sum of each pair of classes, in the order (0, 1), (0, 2),
/// ..., (1, 2), ...
///
/// The kernels of the vectors of a class, times their coefficients, make a row
/// with an element for each other class; a sum is one element of the row of
/// each of its classes, and `rho`.
pub(super) fn sums(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    kernels: Value,
    vectors: &[usize],
) -> Imported<Value> {
    let (coefficients, mut rho) = (coefficients(node)?, rho(node)?);
    let classes = vectors.len();
    let (rows, count) = (classes - 1, vectors.iter().sum::<usize>());
    let why = format!("{count} support vectors and {classes} classes");
    node.check_length("coefficients", coefficients.len(), rows * count, &why)?;
    let pairs = pairs(classes);
    check_size(node, pairs.len() * classes)?;
    node.check_length("rho", rho.len(), pairs.len(), &format!("{classes} classes"))?;
    let kernels = importer.cast(kernels, ElementType::F64, node.origin);
    let sums = if classes == 2 {
        product(importer, node, kernels, &coefficients, 1)?
    } else {
        let parts = parts(importer, node, kernels, &coefficients, vectors)?;
        let at = |class: usize, row: usize| extent(class * rows + row);
        let first = pairs.iter().map(|&(i, j)| at(i, j - 1)).collect();
        let second = pairs.iter().map(|&(i, j)| at(j, i)).collect();
        let first = importer.gather(parts, first, node.origin);
        let second = importer.gather(parts, second, node.origin);
        importer.binary(node, Binary::Add, first, second)?
    };
    rho.truncate(pairs.len());
    let rho = importer.list(rho, ElementType::F64, node.origin);
    importer.binary(node, Binary::Add, sums, rho)
}

/// The rows of all classes, joined.
fn parts(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    kernels: Value,
    coefficients: &[f64],
    vectors: &[usize],
) -> Imported<Value> {
    let (classes, rows) = (vectors.len(), vectors.len() - 1);
    let count = coefficients.len() / rows;
    let mut inputs = Vec::with_capacity(classes);
    let mut start = 0;
    for &own in vectors {
        let range = start..start + own;
        start = range.end;
        inputs.push(if own == 0 {
            importer.constant(0.0, Type::new(ElementType::F64, &[1, extent(rows)]), node.origin)
        } else {
            let weights: Vec<f64> = (0..rows)
                .flat_map(|row| &coefficients[row * count..][range.clone()])
                .copied()
                .collect();
            let picked = range.map(extent).collect();
            let own = importer.gather(kernels, picked, node.origin);
            product(importer, node, own, &weights, rows)?
        });
    }
    let ty = Type::new(ElementType::F64, &[1, extent(classes * rows)]);
    Ok(importer.module.push(RealOp::Concat { inputs }, ty, node.origin))
}

/// `f64[1xrows]`: the product with each row of a matrix.
fn product(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    row: Value,
    weights: &[f64],
    rows: usize,
) -> Imported<Value> {
    let ty = Type::new(ElementType::F64, &[extent(weights.len() / rows), extent(rows)]);
    let columns = importer.constant_of(transposed(weights, rows), ty, node.origin);
    importer.matmul(node, row, columns)
}

/// The class that most pairs vote for, `[1]`.
pub(super) fn winner(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    sums: Value,
    classes: usize,
) -> Imported<Value> {
    let zero = importer.scalar(0.0, ElementType::F64, node.origin);
    if classes == 2 {
        // One vote, for the second class unless the sum is above 0.
        let first = importer.compare(node, Relation::Greater, sums, zero)?;
        let second = importer.unary(skxc_ir::Unary::Not, first, node.origin);
        return Ok(importer.reshape(second, &[1], node.origin));
    }
    let first = importer.compare(node, Relation::Greater, sums, zero)?;
    let first = importer.cast(first, ElementType::F64, node.origin);
    // Floats count so few votes exactly. A pair gives its first class 1 more than
    // nothing, its second 1 less than 1.
    let pairs = pairs(classes);
    let mut changes = vec![0.0; pairs.len() * classes];
    let mut least = vec![0.0; classes];
    for (at, &(i, j)) in pairs.iter().enumerate() {
        changes[at * classes + i] = 1.0;
        changes[at * classes + j] = -1.0;
        least[j] += 1.0;
    }
    let ty = Type::new(ElementType::F64, &[extent(pairs.len()), extent(classes)]);
    let changes = importer.constant_of(changes, ty, node.origin);
    let votes = importer.matmul(node, first, changes)?;
    let least = importer.list(least, ElementType::F64, node.origin);
    let votes = importer.binary(node, Binary::Add, votes, least)?;
    let ty = Type::new(ElementType::I64, &[1]);
    Ok(importer.module.push(RealOp::ArgMax { input: votes }, ty, node.origin))
}

fn pairs(classes: usize) -> Vec<(usize, usize)> {
    (0..classes).flat_map(|i| (i + 1..classes).map(move |j| (i, j))).collect()
}

fn check_size(node: &Node<'_>, elements: usize) -> Imported<()> {
    if elements <= ELEMENTS_MAX {
        return Ok(());
    }
    let message = format!("`SVMClassifier` counts {elements} votes; at most {ELEMENTS_MAX}");
    Err(node.error(LIMIT_EXCEEDED, message).into())
}

fn extent(count: usize) -> u32 {
    u32::try_from(count).expect("the limits bound every list")
}

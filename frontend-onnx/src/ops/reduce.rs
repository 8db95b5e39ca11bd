//! Reductions: ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd,
//! ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSum, ReduceLogSumExp (ai.onnx
//! 1 to 28).
//!
//! The axes are an attribute before operator set 18 (ReduceSum: 13) and an
//! input since; without any, all axes are reduced, unless
//! `noop_with_empty_axes` leaves the operand as it is.
//!
//! A product of a few elements is one of two and two, which polynomial features
//! have.
//!
//! Decisions: elements are added in row-major order of the reduced axes; a mean
//! divides the sum by their number; ReduceLogSumExp subtracts the greatest
//! element before the powers and adds it after the logarithm, as ONNX Runtime
//! does (reduction_ops.h, `ReduceAggregatorLogSumExp`).

use skxc_diagnostics::codes::TYPE_MISMATCH;
use skxc_ir::{Binary, ElementType, Reduction, Unary, Value};

use super::Operator;
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};

/// Products of so many elements are written out.
const FACTORS_MAX: u32 = 8;

/// What is reduced, of the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain(Reduction),
    Mean,
    L1,
    L2,
    SumSquare,
    LogSum,
    LogSumExp,
}

macro_rules! reduction {
    ($name:ident, $onnx:literal, $kind:expr) => {
        pub(super) static $name: Operator = Operator {
            domain: "ai.onnx",
            name: $onnx,
            since: 1,
            inputs: 1..=2,
            attributes: &["axes", "keepdims", "noop_with_empty_axes"],
            supported: "along constant axes, not across rows",
            import: |importer, node| import(importer, node, $kind),
        };
    };
}

reduction!(REDUCE_SUM, "ReduceSum", Kind::Plain(Reduction::Sum));
reduction!(REDUCE_MAX, "ReduceMax", Kind::Plain(Reduction::Maximum));
reduction!(REDUCE_MIN, "ReduceMin", Kind::Plain(Reduction::Minimum));
reduction!(REDUCE_PROD, "ReduceProd", Kind::Plain(Reduction::Product));
reduction!(REDUCE_MEAN, "ReduceMean", Kind::Mean);
reduction!(REDUCE_L1, "ReduceL1", Kind::L1);
reduction!(REDUCE_L2, "ReduceL2", Kind::L2);
reduction!(REDUCE_SUM_SQUARE, "ReduceSumSquare", Kind::SumSquare);
reduction!(REDUCE_LOG_SUM, "ReduceLogSum", Kind::LogSum);
reduction!(REDUCE_LOG_SUM_EXP, "ReduceLogSumExp", Kind::LogSumExp);

fn import(importer: &mut Importer<'_>, node: &Node<'_>, kind: Kind) -> Imported {
    let input = match kind {
        Kind::Plain(_) | Kind::L1 | Kind::SumSquare => importer.numbers(node, 0)?,
        Kind::Mean | Kind::L2 | Kind::LogSum | Kind::LogSumExp => importer.floats(node, 0)?,
    };
    let ty = importer.module.ty(input).clone();
    if ty.elem == ElementType::Bool {
        let message = format!("`{}` needs numbers, not truth values", node.name());
        return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
    }
    let shape = &ty.shape.0;
    let axes = axes(node, shape.len())?;
    if axes.is_empty() {
        return Ok(vec![Operand::Value(input)]);
    }
    for &axis in &axes {
        importer.check_axis(node, shape, axis)?;
    }
    let rest: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let order: Vec<usize> = rest.iter().chain(&axes).copied().collect();
    let moved = importer.permute(input, &order, node.origin);
    let mut rows: Vec<u32> = rest.iter().map(|&axis| shape[axis]).collect();
    rows.push(axes.iter().map(|&axis| shape[axis]).product());
    let rows = importer.reshape(moved, &rows, node.origin);
    let reduced = reduce(importer, node, kind, rows)?;
    let keeps = node.int("keepdims")?.unwrap_or(1) != 0;
    let kept: Vec<u32> = shape
        .iter()
        .enumerate()
        .filter(|(axis, _)| keeps || !axes.contains(axis))
        .map(|(axis, &extent)| if axes.contains(&axis) { 1 } else { extent })
        .collect();
    Ok(vec![Operand::Value(importer.reshape(reduced, &kept, node.origin))])
}

/// The last axis of `rows` reduced.
fn reduce(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    kind: Kind,
    rows: Value,
) -> Imported<Value> {
    let origin = node.origin;
    Ok(match kind {
        Kind::Plain(Reduction::Product) => product(importer, node, rows)?,
        Kind::Plain(function) => importer.reduce(function, rows, origin),
        Kind::Mean => {
            let count = importer.module.shape(rows).0.last().copied().unwrap_or(1);
            let sum = importer.reduce(Reduction::Sum, rows, origin);
            let elem = importer.module.ty(rows).elem;
            let count = importer.scalar(count.into(), elem, origin);
            importer.binary(node, Binary::Divide, sum, count)?
        }
        Kind::L1 => {
            let magnitudes = importer.unary(Unary::Absolute, rows, origin);
            importer.reduce(Reduction::Sum, magnitudes, origin)
        }
        Kind::L2 | Kind::SumSquare => {
            let squares = importer.binary(node, Binary::Multiply, rows, rows)?;
            let sum = importer.reduce(Reduction::Sum, squares, origin);
            if kind == Kind::L2 { importer.unary(Unary::SquareRoot, sum, origin) } else { sum }
        }
        Kind::LogSum => {
            let sum = importer.reduce(Reduction::Sum, rows, origin);
            importer.unary(Unary::Log, sum, origin)
        }
        Kind::LogSumExp => {
            let greatest = importer.reduce(Reduction::Maximum, rows, origin);
            let mut column = importer.module.shape(greatest).0.clone();
            column.push(1);
            let column = importer.reshape(greatest, &column, origin);
            let below = importer.binary(node, Binary::Subtract, rows, column)?;
            let powers = importer.unary(Unary::Exp, below, origin);
            let sum = importer.reduce(Reduction::Sum, powers, origin);
            let log = importer.unary(Unary::Log, sum, origin);
            importer.binary(node, Binary::Add, log, greatest)?
        }
    })
}

/// The reduced axes, counted from 0, in order, each once; none if the operand
/// stays as it is.
fn axes(node: &Node<'_>, rank: usize) -> Imported<Vec<usize>> {
    let listed = match node.optional(1) {
        Some(_) => node.constant_integers(1, "axes")?,
        None => node.ints("axes")?,
    };
    if listed.is_empty() {
        let stays = node.int("noop_with_empty_axes")?.unwrap_or(0) != 0;
        return Ok(if stays { Vec::new() } else { (0..rank).collect() });
    }
    let mut axes = Vec::new();
    for &axis in listed {
        axes.push(node.axis(axis, rank)?);
    }
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}

/// The product along the last axis; of the few elements of one row, as products
/// of two.
fn product(importer: &mut Importer<'_>, node: &Node<'_>, rows: Value) -> Imported<Value> {
    let shape = importer.module.shape(rows).0.clone();
    let (width, count) = (shape.last().copied().unwrap_or(1), shape.iter().product::<u32>());
    if width != count || width > FACTORS_MAX {
        return Ok(importer.reduce(Reduction::Product, rows, node.origin));
    }
    let mut product = importer.gather(rows, vec![0], node.origin);
    for position in 1..width {
        let factor = importer.gather(rows, vec![position], node.origin);
        product = importer.binary(node, Binary::Multiply, product, factor)?;
    }
    Ok(importer.reshape(product, &shape[..shape.len() - 1], node.origin))
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, model, node, operations, said, with_integers};

    #[test]
    fn axes_are_an_attribute_or_an_input() {
        let attribute = node("ReduceSum", &["X"], &["Y"]).ints("axes", &[-1]);
        let expected =
            ["%1 = reduce_sum %0 : f32[1]", "%2 = reshape %1 : f32[1x1]", "output \"Y\" value %2"];
        assert_eq!(operations(&model(3, vec![attribute], &["Y"]))[1..], expected);
        let input = node("ReduceSum", &["X", "axes"], &["Y"]).int("keepdims", 0);
        let input = with_integers(model(3, vec![input], &["Y"]), "axes", &[1]);
        assert_eq!(operations(&input)[1], "%1 = reduce_sum %0 : f32[1]");
    }

    #[test]
    fn no_axes_are_all_or_none() {
        let none = node("ReduceMax", &["X"], &["Y"]).int("noop_with_empty_axes", 1);
        assert_eq!(operations(&model(3, vec![none], &["Y"]))[1], "output \"Y\" value %0");
        let all = node("ReduceMax", &["X"], &["Y"]);
        assert_eq!(
            said(&model(3, vec![all], &["Y"])),
            ["SKX0108: `ReduceMax` along axis 0 is not supported"]
        );
    }

    #[test]
    fn another_axis_is_moved_behind_the_others() {
        let nodes = vec![
            node("Reshape", &["X", "shape"], &["m"]),
            node("ReduceMean", &["m"], &["Y"]).ints("axes", &[1]).int("keepdims", 0),
        ];
        let model = with_integers(model(6, nodes, &["Y"]), "shape", &[1, 2, 3]);
        let expected = [
            "%1 = reshape %0 : f32[1x2x3]",
            "%2 = reshape %1 : f32[1x6]",
            "%3 = gather %2 [0, 3, 1, 4, 2, 5] : f32[1x6]",
            "%4 = reshape %3 : f32[1x3x2]",
            "%5 = reduce_sum %4 : f32[1x3]",
            "%6 = constant @w0 : f32[]",
            "%7 = divide %5, %6 : f32[1x3]",
        ];
        assert_eq!(operations(&model)[1..8], expected);
    }

    #[test]
    fn a_log_sum_exp_is_stable() {
        let log = node("ReduceLogSumExp", &["X"], &["Y"]).ints("axes", &[1]).int("keepdims", 0);
        let names: Vec<String> = operations(&model(3, vec![log], &["Y"]))
            .iter()
            .filter_map(|line| line.split(' ').nth(2).map(str::to_owned))
            .collect();
        let expected =
            ["input", "reduce_maximum", "reshape", "subtract", "exp", "reduce_sum", "log", "add"];
        assert_eq!(names[..8], expected);
    }
}

//! What operations of the integer domain compute on the way to their results,
//! and what they carry beside their operands.

use super::error::{Errors, Location, Problem};
use super::ranges::{check_storage, farthest};
use crate::analysis::ranges::{Bounds, Ranges, numerator, prefixes, row_steps};
use crate::matrix::Matrix;
use crate::module::{Int, Interval, Module, Value};
use crate::ops::{IntBinary, IntOp, IntReduction};
use crate::types::ElementType;

/// Numbers on the way are below 2^62 in magnitude, so that what rounds can
/// add half a unit and a difference of two fits 64 bits.
const STEP_MAX: i128 = (1 << 62) - 1;

/// Checks the operation that makes `value`.
pub(super) fn check(
    module: &Module<Int>,
    value: Value,
    op: &IntOp,
    ranges: &Ranges,
    errors: &mut Errors,
) {
    let location = Location::Value(value);
    let narrow = |operands: &[Value], errors: &mut Errors| {
        check_steps(location, wide_integers(module, ranges, operands), errors);
    };
    match op {
        IntOp::Greater { a, threshold } => {
            let threshold = Bounds::exactly((*threshold).into());
            check_storage(value, module.ty(*a).elem, &[threshold], errors);
            narrow(&[*a], errors);
            if module.ty(*a).elem == ElementType::I64 {
                check_steps(location, std::iter::once(threshold), errors);
            }
        }
        IntOp::ArgMax { input, margin } => {
            narrow(&[*input], errors);
            check_margin(module, ranges, location, *input, *margin, errors);
        }
        IntOp::Divide { a, b, shift } => {
            let numerators = ranges.of_value(*a).iter();
            check_steps(location, numerators.map(|&a| numerator(a, *shift)), errors);
            narrow(&[*b], errors);
            check_divisors(location, ranges.of_value(*b), errors);
        }
        IntOp::Multiply { a, b, .. }
        | IntOp::Binary { function: IntBinary::Minimum | IntBinary::Maximum, a, b }
        | IntOp::Compare { a, b, .. } => {
            // Orders are signs of differences, and wide products have halves.
            narrow(&[*a, *b], errors);
        }
        IntOp::Rescale { input, .. }
        | IntOp::ArgSort { input, .. }
        | IntOp::Take { index: input, .. }
        | IntOp::TakeAlong { indices: input, .. }
        | IntOp::Reduce { function: IntReduction::Minimum | IntReduction::Maximum, input } => {
            narrow(&[*input], errors);
        }
        IntOp::Reduce { function: IntReduction::Sum, input } => {
            let rows = ranges.of_value(*input).chunks_exact(module.shape(*input).row());
            check_steps(location, rows.flat_map(prefixes), errors);
        }
        IntOp::Linear { matrix, inputs } => {
            let inputs = ranges.joined(inputs);
            check_steps(location, linear(&module.matrices[*matrix], &inputs), errors);
        }
        IntOp::Function { function, input } => {
            let domain = module.functions[*function].domain;
            check_domain(location, domain, ranges.of_value(*input), errors);
        }
        IntOp::Input { .. }
        | IntOp::Constant { .. }
        | IntOp::Reshape { .. }
        | IntOp::Gather { .. }
        | IntOp::Concat { .. }
        | IntOp::Binary { .. }
        | IntOp::Not { .. }
        | IntOp::Select { .. }
        | IntOp::CumulativeSum { .. }
        | IntOp::Lookup { .. }
        | IntOp::TreeEnsemble { .. }
        | IntOp::Label { .. } => {}
    }
}

/// Integers, which may take 64 bits: fixed point has at most 62 wherever it comes
/// from.
fn wide_integers(
    module: &Module<Int>,
    ranges: &Ranges,
    operands: &[Value],
) -> impl Iterator<Item = Bounds> {
    let integers = operands.iter().filter(|&&it| module.ty(it).elem == ElementType::I64);
    integers.flat_map(|&it| ranges.of_value(it)).copied()
}

/// The sums of all rows on their way.
fn linear(matrix: &Matrix, inputs: &[Bounds]) -> impl Iterator<Item = Bounds> {
    matrix.rows.iter().flat_map(|row| row_steps(matrix, row, inputs))
}

/// The greatest element of each row less the margin fits 64 bits.
fn check_margin(
    module: &Module<Int>,
    ranges: &Ranges,
    location: Location,
    input: Value,
    margin: i64,
    errors: &mut Errors,
) {
    let rows = ranges.of_value(input).chunks_exact(module.shape(input).row());
    let greatest = rows.filter_map(|row| row.iter().map(|bounds| bounds.min).max());
    let least = greatest.map(|greatest| greatest - i128::from(margin)).min();
    if least.is_some_and(|least| least < i64::MIN.into()) {
        errors.add(location, Problem::BadMargin { margin });
    }
}

/// Divisors are not 0.
fn check_divisors(location: Location, bounds: &[Bounds], errors: &mut Errors) {
    let zero = |bounds: &Bounds| bounds.min <= 0 && bounds.max >= 0;
    if let Some(element) = bounds.iter().position(zero) {
        errors.add(location, Problem::ZeroDivisor { element });
    }
}

/// Inputs of a table lie within its domain.
fn check_domain(location: Location, domain: Interval, bounds: &[Bounds], errors: &mut Errors) {
    let (min, max) = (i128::from(domain.min), i128::from(domain.max));
    if let Some(bounds) = bounds.iter().find(|bounds| bounds.min < min || bounds.max > max) {
        let value = if bounds.min < min { bounds.min } else { bounds.max };
        errors.add(location, Problem::OutOfRange { value, min, max });
    }
}

fn check_steps(location: Location, steps: impl Iterator<Item = Bounds>, errors: &mut Errors) {
    for (element, bounds) in steps.enumerate() {
        if bounds.min < -STEP_MAX || bounds.max > STEP_MAX {
            errors.add(location, Problem::WideStep { element, value: farthest(bounds) });
        }
    }
}

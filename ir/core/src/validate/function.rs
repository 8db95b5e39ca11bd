//! Tables of functions: segments follow each other, and no number on the way
//! leaves 62 bits.

use super::error::{Errors, Location, Problem};
use super::{Rules, rules};
use crate::function::Function;
use crate::limits;
use crate::module::{Domain, Int, Module};

pub(super) fn check<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    for (handle, function) in module.functions.iter() {
        let what = "the real domain has functions, but no tables of them";
        let domain = if D::NAME == Int::NAME { Ok(()) } else { Err(Problem::BadFunction { what }) };
        if let Err(problem) = domain.and_then(|()| check_one(function)) {
            errors.add(Location::Function(handle.index()), problem);
        }
    }
}

fn check_one(function: &Function) -> Result<(), Problem> {
    for elem in [function.input, function.output] {
        if !is_number(elem) {
            return Err(Problem::TypeNotOfDomain { ty: elem.to_string() });
        }
    }
    for interval in [function.domain, function.range] {
        if interval.min > interval.max {
            return Err(Problem::EmptyInterval { min: interval.min, max: interval.max });
        }
    }
    for number in [function.range.min, function.range.max] {
        if !<Int as rules::Rules>::represents(function.output, number) {
            let (number, elem) = (number.to_string(), function.output.to_string());
            return Err(Problem::NotRepresentable { number, elem });
        }
    }
    let bad = |what| Err(Problem::BadFunction { what });
    let is_bound = |bound: f64| bound >= 0.0;
    let bounds = [function.error, function.slope, function.log_slope, function.reach];
    if !bounds.into_iter().all(is_bound) {
        return bad("a bound is negative or no number");
    }
    if function.segments.is_empty() || function.segments.len() > limits::SEGMENTS_MAX {
        return bad("it has no segments or too many");
    }
    if function.position_bits > 31 || function.gain > 31 || function.shift > 62 {
        return bad("positions or gains have more than 31 bits, or the shift is above 62");
    }
    check_segments(function)
}

fn check_segments(function: &Function) -> Result<(), Problem> {
    let bad = |what| Err(Problem::BadFunction { what });
    let degree = function.segments[0].coefficients.len();
    if degree == 0 || degree > limits::DEGREE_MAX + 1 {
        return bad("a segment has no coefficients or too many");
    }
    let magnitude_max = i128::from(limits::FEATURE_MAGNITUDE_MAX);
    let mut next = None;
    for segment in &function.segments {
        let start = i128::from(segment.start);
        if segment.width_bits > 62 {
            return bad("a segment is wider than 2^62");
        }
        if next.is_some_and(|next| next != start) {
            return bad("a segment does not begin where the one before ends");
        }
        let end = start + (1i128 << segment.width_bits);
        if start < -magnitude_max || end - 1 > magnitude_max {
            return bad("a segment leaves 62 bits");
        }
        if segment.coefficients.len() != degree {
            return bad("segments differ in their degree");
        }
        if !function.steps_fit(segment) {
            return bad("a product can leave 62 bits");
        }
        next = Some(end);
    }
    Ok(())
}

fn is_number(elem: crate::types::ElementType) -> bool {
    use crate::types::ElementType::{Fixed, I64};
    matches!(elem, I64 | Fixed { .. }) && <Int as rules::Rules>::allows(elem)
}

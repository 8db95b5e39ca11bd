//! Where a model can come to what is no number: a quotient whose divisor can be 0,
//! and the logarithm of what can be 0.
//!
//! The integers that stand for such a result mean nothing, so that whoever compiles
//! the model must know of it. Ranges over the reals say what can be 0 ([`RealRanges`]):
//! what they cannot tell from 0 is named too. What a choice guards, on its way in or
//! on its way out, is not.

use std::collections::BTreeSet;

use skxc_diagnostics::{Diagnostic, GraphListing, codes};

use crate::analysis::real_ranges::{Range, RealRanges};
use crate::module::{Module, Operation as _, Real, Value};
use crate::ops::{Binary, RealOp, Unary};

/// An operation that can be undefined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undefined {
    /// The value of its result.
    pub value: Value,
    /// What must not be 0.
    pub operand: Value,
    /// Is an element of the operand 0 in every row?
    pub always: bool,
}

/// A warning for each ONNX node with operations that can be undefined for some
/// rows, and are not for all. It points into the listing of the graph.
#[must_use]
pub fn warnings(module: &Module<Real>, listing: Option<&GraphListing>) -> Vec<Diagnostic> {
    if module.values().all(|value| must_not_be_zero(module, value).is_none()) {
        return Vec::new();
    }
    let mut found = of(module, &RealRanges::of(module));
    let mut seen = BTreeSet::new();
    found.retain(|found| !found.always && seen.insert(module.onnx_node(found.value)));
    let warning = |found: &Undefined| {
        let node = module.onnx_node(found.value);
        let by = module.onnx_node(found.operand);
        let op = module.node(found.value).op.name();
        let why = match op {
            "log" => "what it is the logarithm of can be 0",
            _ => "its divisor can be 0",
        };
        let message = format!("`{node}` ({op}) can be no number: {why}");
        let diagnostic = Diagnostic::warning(codes::CAN_BE_NO_NUMBER, message);
        by.mark_context(node.mark(diagnostic, listing, ""), listing, "can be 0")
            .note("for such rows the program computes with the least number of its format")
            .help("`skxc check --input ROWS.csv` counts the rows in which a score is no number")
    };
    found.iter().map(warning).collect()
}

/// The operations of a module, all of which its outputs read, that can be undefined;
/// `ranges` are those of its values.
#[must_use]
pub fn of(module: &Module<Real>, ranges: &RealRanges) -> Vec<Undefined> {
    let asked: Vec<(Value, Value)> = module
        .values()
        .filter_map(|value| Some((value, must_not_be_zero(module, value)?)))
        .collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let guarded = guarded(module);
    let found = asked.into_iter().filter_map(|(value, operand)| {
        let of_operand = ranges.of_value(operand);
        let always = of_operand.iter().any(|range| range.ends() == Some((0.0, 0.0)));
        let can_be = !guarded[value.index()]
            && !is_chosen(module, operand)
            && of_operand.iter().any(touches_zero);
        (always || can_be).then_some(Undefined { value, operand, always })
    });
    found.collect()
}

/// The divisor of a quotient of floats, or what a logarithm is taken of.
fn must_not_be_zero(module: &Module<Real>, value: Value) -> Option<Value> {
    if !module.ty(value).elem.is_float() {
        return None;
    }
    match module.node(value).op {
        RealOp::Binary { function: Binary::Divide, b, .. } => Some(b),
        RealOp::Unary { function: Unary::Reciprocal | Unary::Log, input } => Some(input),
        _ => None,
    }
}

/// Ranges that hold 0 inside have no integer form; those that end at it have one.
fn touches_zero(range: &Range) -> bool {
    range.ends().is_some_and(|(min, max)| (min == 0.0 || max == 0.0) && !range.is_positive())
}

/// Is the operand, moved at most, what a choice or the greater of two numbers gives?
fn is_chosen(module: &Module<Real>, mut value: Value) -> bool {
    loop {
        match &module.node(value).op {
            RealOp::Reshape { input } | RealOp::Gather { input, .. } | RealOp::Cast { input } => {
                value = *input;
            }
            RealOp::Select { .. } => return true,
            _ => return false,
        }
    }
}

/// Which values are read by choices alone.
fn guarded(module: &Module<Real>) -> Vec<bool> {
    let mut guarded = vec![true; module.nodes.len()];
    let mut is_read = vec![false; module.nodes.len()];
    for user in module.values() {
        let is_choice = matches!(module.node(user).op, RealOp::Select { .. });
        module.node(user).op.operands(&mut |operand| {
            is_read[operand.index()] = true;
            guarded[operand.index()] &= is_choice;
        });
    }
    for output in &module.outputs {
        guarded[output.value.index()] = false;
    }
    guarded.into_iter().zip(is_read).map(|(guarded, is_read)| guarded && is_read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::parse;

    /// The values that can be undefined, and whether they always are.
    #[track_caller]
    fn check(lines: &str, expect: &[(usize, bool)]) {
        let text = format!(
            "real a
@c0 = column a [0, 9]
@c1 = column b [-9, 9]
@w0 = constant f32[1] [0.0]
@w1 = constant f32[1] [1.0]
%0 = input [a] : f32[1x1]
%1 = input [b] : f32[1x1]
%2 = constant @w0 : f32[1]
%3 = constant @w1 : f32[1]
{lines}output \"y\" value %{}\n",
            3 + lines.lines().count()
        );
        let module = parse::<Real>(&text).expect("the text is a module");
        let found = of(&module, &RealRanges::of(&module))
            .into_iter()
            .map(|found| (found.value.index(), found.always));
        assert_eq!(found.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn divisors_and_arguments_that_can_be_0_are_found() {
        check("%4 = divide %1, %0 : f32[1x1]\n", &[(4, false)]);
        check("%4 = log %0 : f32[1x1]\n", &[(4, false)]);
        check("%4 = divide %1, %2 : f32[1x1]\n", &[(4, true)]);
        check("%4 = multiply %0, %2 : f32[1x1]\n%5 = divide %4, %4 : f32[1x1]\n", &[(5, true)]);
    }

    #[test]
    fn what_is_never_0_or_guarded_is_not() {
        check("%4 = add %0, %3 : f32[1x1]\n%5 = divide %1, %4 : f32[1x1]\n", &[]);
        check("%4 = divide %1, %3 : f32[1x1]\n", &[]);
        check(
            "%4 = equal %0, %2 : bool[1x1]\n%5 = select %4, %3, %0 : f32[1x1]\n\
             %6 = divide %1, %5 : f32[1x1]\n",
            &[],
        );
        check(
            "%4 = equal %0, %2 : bool[1x1]\n%5 = divide %1, %0 : f32[1x1]\n\
             %6 = select %4, %3, %5 : f32[1x1]\n",
            &[],
        );
    }
}

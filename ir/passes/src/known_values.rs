//! Replaces values that are the same whatever the inputs, as their ranges show, or
//! all that one column can be: guards of exporters against sums that are never 0,
//! comparisons that always hold, casts of constants.
//!
//! Obligation: over the real numbers the integer or truth value is this for every
//! row, and each number is one that its type holds. What depends on one column
//! belongs to floats, so it is what floats say.

use std::collections::BTreeMap;

use crate::{Pass, PassContext};
use skxc_ir::analysis::real_ranges::Range;
use skxc_ir::analysis::univariate::{Budget, Span, Univariate};
use skxc_ir::module::{Constant, Module, Real, Value};
use skxc_ir::ops::RealOp;
use skxc_ir::types::ElementType;

/// Replaces values that are the same for every row by constants.
#[derive(Clone, Copy, Debug)]
pub struct KnownValues;

impl Pass<Real> for KnownValues {
    fn name(&self) -> &'static str {
        "known-values"
    }

    fn summary(&self) -> &'static str {
        "replace what no input changes by constants"
    }

    fn keeps_floats(&self) -> bool {
        false
    }

    fn run(&self, module: &mut Module<Real>, context: &mut PassContext<Real>) -> bool {
        let ranges = context.ranges(module);
        let univariate = Univariate::of(module);
        let mut budget = Budget::default();
        let mut known: BTreeMap<Value, Vec<f64>> = BTreeMap::new();
        for value in module.values().filter(|&value| is_discrete(module, value)) {
            let elem = module.ty(value).elem;
            let numbers = ranges.of_value(value).iter().map(|range| number(range, elem));
            let numbers: Option<Vec<f64>> = numbers.collect();
            let numbers = numbers.or_else(|| match module.node(value).op {
                // 0 and 1 are numbers that every type holds.
                RealOp::Cast { input } if module.ty(input).elem == ElementType::Bool => {
                    known.get(&input).cloned()
                }
                _ => of_columns(module, &univariate, &mut budget, value),
            });
            known.extend(numbers.map(|numbers| (value, numbers)));
        }
        let changed = !known.is_empty();
        for (value, elements) in known {
            let ty = module.ty(value).clone();
            let constant = module.constants.push(Constant { ty, elements });
            module.node_mut(value).op = RealOp::Constant { constant };
        }
        changed
    }
}

/// The elements of truth values, each of one column, if they are the same whatever
/// the column is.
fn of_columns(
    module: &Module<Real>,
    univariate: &Univariate<'_>,
    budget: &mut Budget,
    value: Value,
) -> Option<Vec<f64>> {
    let is_moved = || module.sources(&module.node(value).op).is_some();
    if module.ty(value).elem != ElementType::Bool || !univariate.is_univariate(value) || is_moved()
    {
        return None;
    }
    let mut of_element = |element: usize| {
        let column = &module.columns[univariate.column(value, element)??];
        let function = univariate.function(value, element)?;
        match function.runs(column, budget, Span::as_integer).ok()?[..] {
            [(_, holds)] => Some(holds as f64),
            _ => None,
        }
    };
    (0..module.shape(value).elements()).map(&mut of_element).collect()
}

/// Is it made of integers or truth values, and neither written nor a label?
fn is_discrete(module: &Module<Real>, value: Value) -> bool {
    let is_float = |value: Value| module.ty(value).elem.is_float();
    match module.node(value).op {
        RealOp::Constant { .. } | RealOp::Label { .. } | RealOp::Input { .. } => false,
        RealOp::Cast { input } if is_float(value) => !is_float(input),
        _ => !is_float(value) && !matches!(module.ty(value).elem, ElementType::Label(_)),
    }
}

/// The number that a range holds, if it is one that `elem` holds.
fn number(range: &Range, elem: ElementType) -> Option<f64> {
    match range {
        Range::Integer(min, max) => {
            let x = *min as f64;
            // A constant is below 2^63, which an integer made of infinity is not.
            let is_constant = x as i64 == *min && x.abs() < f64::exp2(63.0);
            (min == max && is_constant).then_some(x)
        }
        Range::Number(_) => {
            let (min, max) = range.ends()?;
            let fits = elem == ElementType::F64 || f64::from(min as f32) == min;
            // The ends are rounded outwards, so that equal ends are the number.
            (min.to_bits() == max.to_bits() && fits).then_some(min)
        }
    }
}

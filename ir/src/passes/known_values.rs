//! Replaces values that are the same whatever the inputs, as their ranges show:
//! guards of exporters against sums that are never 0, comparisons that always
//! hold, casts of constants.
//!
//! Obligation: over the real numbers the integer or truth value is this for every
//! row, and each number is one that its type holds.

use crate::analysis::real_ranges::{Range, RealRanges};
use crate::module::{Constant, Module, Real, Value};
use crate::ops::RealOp;
use crate::passes::Pass;
use crate::types::ElementType;

/// The pass.
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

    fn run(&self, module: &mut Module<Real>) -> bool {
        let ranges = RealRanges::of(module);
        let mut changed = false;
        for value in module.values() {
            if !is_discrete(module, value) {
                continue;
            }
            let node = module.node(value);
            let numbers = ranges.of_value(value).iter().map(|range| number(range, node.ty.elem));
            let Some(elements) = numbers.collect::<Option<Vec<f64>>>() else { continue };
            let constant = Constant { ty: node.ty.clone(), elements };
            let constant = module.constants.push(constant);
            module.node_mut(value).op = RealOp::Constant { constant };
            changed = true;
        }
        changed
    }
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
            (min == max && x as i64 == *min).then_some(x)
        }
        Range::Number(_) => {
            let (min, max) = range.ends()?;
            let fits = elem == ElementType::F64 || f64::from(min as f32) == min;
            // The ends are rounded outwards, so that equal ends are the number.
            (min.to_bits() == max.to_bits() && fits).then_some(min)
        }
    }
}

//! Ranges: no value leaves its storage and no class leaves its table,
//! whatever the inputs.

use super::error::{Errors, Location, Problem};
use super::steps;
use crate::analysis::ranges::{Bounds, Ranges, forest_sums};
use crate::analysis::real_ranges::{Range, RealRanges};
use crate::forest::{Forest, TreeNode};
use crate::module::Operation as _;
use crate::module::{Int, Module, Real, Value};
use crate::types::ElementType;

/// Every accumulator stays below 2^62, in whatever order a lowering adds, so
/// that adding one more weight cannot wrap.
const PARTIAL_BITS_MAX: u32 = 62;

pub(super) fn check_int(module: &Module<Int>, errors: &mut Errors) -> Option<Ranges> {
    for (handle, forest) in module.forests.iter() {
        check_distinct_targets(handle.index(), forest, errors);
    }
    if !errors.is_empty() {
        // The analysis takes the weights of a leaf for different targets.
        return None;
    }
    for (handle, forest) in module.forests.iter() {
        for (target, sum) in forest_sums(forest).into_iter().enumerate() {
            if sum.partial.magnitude_bits() > PARTIAL_BITS_MAX {
                let problem = Problem::PartialOverflow { target, value: farthest(sum.partial) };
                errors.add(Location::Forest(handle.index()), problem);
            }
        }
    }
    let ranges = Ranges::of(module);
    for (value, (_, node)) in module.values().zip(module.nodes.iter()) {
        let bounds = ranges.of_value(value);
        // What only moves has the storage of its operands.
        if node.op.movement().is_none() {
            check_storage(value, node.ty.elem, bounds, errors);
        }
        let classes = match node.ty.elem {
            ElementType::Label(table) => Some(module.labels[table].len()),
            _ => None,
        };
        if let Some(classes) = classes {
            check_classes(value, classes, bounds.iter().copied(), errors);
        }
        steps::check(module, value, &node.op, &ranges, errors);
    }
    Some(ranges)
}

/// Real modules: classes lie within their tables, weights carry no rounding.
pub(super) fn check_real(module: &Module<Real>, errors: &mut Errors) -> Option<RealRanges> {
    for (handle, forest) in module.forests.iter() {
        for (target, &half_units) in forest.rounding_half_units.iter().enumerate() {
            if half_units != 0 {
                let problem = Problem::RoundingInReal { target, half_units };
                errors.add(Location::Forest(handle.index()), problem);
            }
        }
        for (target, &error) in forest.folding_error.iter().enumerate() {
            if !(0.0..f64::INFINITY).contains(&error) {
                let problem = Problem::FoldingError { target, error };
                errors.add(Location::Forest(handle.index()), problem);
            }
        }
    }
    if !errors.is_empty() {
        return None;
    }
    let ranges = RealRanges::of(module);
    for (value, (_, node)) in module.values().zip(module.nodes.iter()) {
        if let ElementType::Label(table) = node.ty.elem {
            let bounds = ranges.of_value(value).iter().map(|range| match range {
                Range::Integer(min, max) => Bounds { min: (*min).into(), max: (*max).into() },
                Range::Number(_) => unreachable!("classes are integers"),
            });
            check_classes(value, module.labels[table].len(), bounds, errors);
        }
    }
    Some(ranges)
}

/// The end that is farther from 0.
pub(super) fn farthest(bounds: Bounds) -> i128 {
    if bounds.min.unsigned_abs() > bounds.max.unsigned_abs() { bounds.min } else { bounds.max }
}

pub(super) fn check_storage(
    value: Value,
    elem: ElementType,
    bounds: &[Bounds],
    errors: &mut Errors,
) {
    let bits_max = match elem {
        ElementType::Fixed { bits, .. } => u32::from(bits),
        ElementType::I64 => i64::BITS - 1,
        ElementType::Bool => 1,
        ElementType::Label(_) => return,
        ElementType::F32 | ElementType::F64 => unreachable!("no type of the integer domain"),
    };
    let wide = |bounds: &&Bounds| bounds.magnitude_bits() > bits_max;
    for (element, bounds) in bounds.iter().enumerate().filter(|(_, bounds)| wide(bounds)) {
        let (value_at, elem) = (farthest(*bounds), elem.to_string());
        let problem = Problem::Overflow { element, value: value_at, elem };
        errors.add(Location::Value(value), problem);
    }
}

fn check_classes(
    value: Value,
    classes: usize,
    bounds: impl Iterator<Item = Bounds>,
    errors: &mut Errors,
) {
    for bounds in bounds {
        for class in [bounds.min, bounds.max] {
            if class < 0 || class >= classes as i128 {
                let problem = Problem::ClassOutOfTable { class, classes };
                errors.add(Location::Value(value), problem);
                return;
            }
        }
    }
}

/// A leaf names a target at most once: the proof of a sum rests on it.
fn check_distinct_targets(index: usize, forest: &Forest<Int>, errors: &mut Errors) {
    let mut seen_by = vec![usize::MAX; forest.targets as usize];
    for (id, node) in forest.nodes.iter().enumerate() {
        let TreeNode::Leaf { first, count, .. } = *node else { continue };
        for weight in forest.leaf_weights(first, count) {
            let target = weight.target;
            if std::mem::replace(&mut seen_by[target as usize], id) == id {
                errors.add(Location::TreeNode(index, id), Problem::RepeatedTarget { target });
            }
        }
    }
}

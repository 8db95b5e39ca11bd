//! Forests: acyclic, and every index within its list. Linear in the number of
//! nodes and weights, whatever the depth.

use super::Rules;
use super::error::{Errors, Location, Problem};
use super::structure::check_origin;
use crate::analysis::reach::Reach;
use crate::forest::{Forest, TreeNode};
use crate::limits;
use crate::module::Module;

pub(super) fn check<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    for (handle, forest) in module.forests.iter() {
        let index = handle.index();
        check_whole(Location::Forest(index), forest, errors);
        check_numbers(Location::Forest(index), forest, errors);
        check_nodes(module, index, forest, errors);
        if errors.is_empty() {
            check_reached(Location::Forest(index), forest, errors);
        }
    }
}

/// Counts and roots.
fn check_whole<D: Rules>(location: Location, forest: &Forest<D>, errors: &mut Errors) {
    let mut add = |problem| errors.add(location, problem);
    let targets = forest.targets as usize;
    let counts = [
        ("features", forest.features as usize, limits::COLUMNS_MAX),
        ("targets", targets, D::CLASSES_MAX),
        ("trees", forest.roots.len(), limits::TREES_MAX),
        ("tree nodes", forest.nodes.len(), limits::TREE_NODES_MAX),
        ("leaf weights", forest.weights.len(), limits::LEAF_WEIGHTS_MAX),
    ];
    for (what, found, max) in counts {
        if found > max {
            add(Problem::TooMany { what, found, max });
        }
    }
    if targets == 0 {
        add(Problem::Empty { what: "targets" });
    }
    let of_targets = [
        ("base values", forest.base.len()),
        ("rounding bounds", forest.rounding_half_units.len()),
        ("folding errors", forest.folding_error.len()),
    ];
    for (what, found) in of_targets {
        if found != targets {
            add(Problem::WrongCount { what, found, expected: targets });
        }
    }
    let (what, count) = ("tree node", forest.nodes.len());
    for root in &forest.roots {
        let index = *root as usize;
        if index >= count {
            add(Problem::OutOfBounds { what, index, count });
        }
    }
}

/// The type of weights and sums holds each of them.
fn check_numbers<D: Rules>(location: Location, forest: &Forest<D>, errors: &mut Errors) {
    let elem = forest.elem;
    if !D::allows_sums(elem) {
        errors.add(location, Problem::TypeNotOfDomain { ty: elem.to_string() });
        return;
    }
    let weights = forest.weights.iter().map(|weight| weight.weight);
    for number in forest.base.iter().copied().chain(weights) {
        if !D::represents(elem, number) {
            let (number, elem) = (format!("{number:?}"), elem.to_string());
            errors.add(location, Problem::NotRepresentable { number, elem });
        }
    }
}

fn check_nodes<D: Rules>(
    module: &Module<D>,
    index: usize,
    forest: &Forest<D>,
    errors: &mut Errors,
) {
    let mut used = 0;
    for (id, node) in forest.nodes.iter().enumerate() {
        if errors.is_full() {
            return;
        }
        let location = Location::TreeNode(index, id);
        match *node {
            TreeNode::Branch { test, yes, no, origin } => {
                check_branch(forest, location, id, test, [yes, no], errors);
                check_origin(module, location, origin, errors);
            }
            TreeNode::Leaf { first, count, origin } => {
                // Leaves may share weights. Work, and the text form, grow with
                // what they use rather than with what there is.
                used += count as usize;
                let (what, found, max) = ("leaf weights", used, limits::LEAF_WEIGHTS_MAX);
                if found > max {
                    return errors.add(location, Problem::TooMany { what, found, max });
                }
                check_leaf(forest, location, first, count, errors);
                check_origin(module, location, origin, errors);
            }
        }
    }
}

/// How much a walk over each tree visits, given that all nodes are sound.
fn check_reached<D: Rules>(location: Location, forest: &Forest<D>, errors: &mut Errors) {
    let mut reach = Reach::new(forest.nodes.len());
    let (what, mut found, max) = ("nodes reached", 0, limits::TREE_NODES_REACHED_MAX);
    for &root in &forest.roots {
        reach.each(forest, root, |_, _| found += 1);
        if found > max {
            return errors.add(location, Problem::TooMany { what, found, max });
        }
    }
}

fn check_branch<D: Rules>(
    forest: &Forest<D>,
    location: Location,
    id: usize,
    test: D::Test,
    children: [u32; 2],
    errors: &mut Errors,
) {
    let (what, index, count) = ("feature", D::feature(test) as usize, forest.features as usize);
    if index >= count {
        errors.add(location, Problem::OutOfBounds { what, index, count });
    }
    if !D::allows_test(test) {
        errors.add(location, Problem::BadThreshold { threshold: D::threshold(test) });
    }
    for child in children {
        let (what, index, count) = ("tree node", child as usize, forest.nodes.len());
        if index >= count {
            errors.add(location, Problem::OutOfBounds { what, index, count });
        } else if index <= id {
            errors.add(location, Problem::ChildNotAfterParent { child });
        }
    }
}

fn check_leaf<D: Rules>(
    forest: &Forest<D>,
    location: Location,
    first: u32,
    count: u32,
    errors: &mut Errors,
) {
    let len = forest.weights.len();
    // As `u64` the end cannot wrap.
    if u64::from(first) + u64::from(count) > len as u64 {
        errors.add(location, Problem::LeafRun { first, count, len });
        return;
    }
    for weight in forest.leaf_weights(first, count) {
        let (what, index, count) = ("target", weight.target as usize, forest.targets as usize);
        if index >= count {
            errors.add(location, Problem::OutOfBounds { what, index, count });
        }
    }
}

//! Which lowering a forest gets.
//!
//! The rule for `auto`: of the lowerings that fit the limits, the one whose
//! predicted time is least. In measured terms that is branch code for a lone
//! tree and for a few deep uneven ones, and the table walk for everything else:
//! branch code reads only what is on its way but mispredicts, and how often
//! depends on the traffic, an attacker's included; a walk takes the same time
//! for every packet, hides the latency of one tree behind fifteen others, and
//! must step every tree as deep as the deepest of its group.
//!
//! Measured on Linux 6.18 (clang 19, JIT, Zen 4), ns per decision of
//! `NAME_batch`, 5 of which are its own; "rows" are recorded packets in random
//! order, "noise" is uniform over the range of every feature:
//!
//! | trees | branch, rows | branch, noise | walk, rows | walk, noise |
//! |---|---|---|---|---|
//! | 1, depth 4 or 5 | 17 | 22 | 20 | 14 |
//! | 1, unlimited | 21 | | 97 | |
//! | 5, unlimited | 48 | | 137 | |
//! | 10, depth 6 | | 187 | | 50 |
//! | 10, depth 8 | 52 | | 70 | |
//! | 100, depth 6 | | | | 430 |
//! | 100, depth 10 | | | 734 | 878 |
//! | 100, unlimited | | | 1626 | 1928 |

use crate::lowering::cost::Refusal;
use crate::lowering::shape::{Choice, Lowering, Shape};
use crate::lowering::target::Target;
use crate::lowering::trees::Trees;
use crate::lowering::{ForestPlan, Part};

/// Why each lowering that was asked for cannot take the forest.
pub type Refusals = Vec<(Lowering, Refusal)>;

/// Plans one forest.
///
/// # Errors
/// Every lowering tried, with its [`Refusal`].
pub fn select(trees: &Trees<'_>, choice: Choice, target: &Target) -> Result<ForestPlan, Refusals> {
    let shape = match choice {
        Choice::Only(lowering) => {
            lowering.plan(trees, target).map_err(|refusal| vec![(lowering, refusal)])?
        }
        Choice::Auto => fastest(trees, target)?,
    };
    Ok(ForestPlan { parts: vec![Part { trees: trees.positions.clone(), shape }] })
}

/// The shape for all trees whose predicted time is least; the first of equals.
fn fastest(trees: &Trees<'_>, target: &Target) -> Result<Shape, Refusals> {
    let (mut shapes, mut refusals) = (Vec::new(), Vec::new());
    for lowering in Lowering::ALL {
        match lowering.plan(trees, target) {
            Ok(shape) => shapes.push(shape),
            Err(refusal) => refusals.push((lowering, refusal)),
        }
    }
    shapes.into_iter().min_by_key(|shape| shape.cost().tenth_ns).ok_or(refusals)
}

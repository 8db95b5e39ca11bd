//! Which lowering a forest gets.
//!
//! The rule for `auto`, by the predicted figure of the goal
//! ([`Optimize`](crate::Optimize)):
//!
//! 1. Every lowering plans the whole forest. The best that fits is the first
//!    candidate; of equals, the first in [`Lowering::ALL`].
//! 2. Trees that differ much need not share a shape. In order of their depth,
//!    the forest is cut where depth grows most from one tree to the next, and
//!    where trees stop to fit the bits of a word. Both sides get the best that
//!    fits each. A cut is taken if the sides get different lowerings and are
//!    predicted to beat the whole by a tenth: predictions are off by as much.
//! 3. The larger side may be cut once more in the same way.
//! 4. With a profile, [`exits`] may put what is left of the trees behind an exit.
//!
//! How often that picks what is fastest when measured, and how far off it is
//! where not, is what `cargo xtask calibrate --check` and `cargo xtask ensembles`
//! print.

use std::cmp::Reverse;

use crate::cost::{Cost, Refusal};
use crate::target::Target;
use crate::tree_code::{Lowering, TreeCode};
use crate::trees::Trees;
use crate::{ForestPlan, Options, Part, exits};
use skxc_ir::module::{Int, Module, Value};

/// Why each lowering that was asked for cannot take the forest.
pub type Refusals = Vec<(Lowering, Refusal)>;

/// Cuts that are tried.
const CUTS_MAX: usize = 3;
/// A cut lies where the next tree is deeper by this share at least.
const DEEPER_PERCENT: u32 = 125;
/// Leaves that a word has bits for.
const WORD_LEAVES: u64 = 64;
/// Larger forests are not cut: each try plans all of it again.
const CUT_NODES_MAX: usize = 200_000;
/// Of the figure of the whole, what a cut may take.
const CUT_PERCENT_MAX: u64 = 90;
/// Parts of a forest.
const PARTS_MAX: usize = 3;

/// Plans one forest, which computes `sums`, within what is left of a target.
///
/// # Errors
/// Every lowering tried, with its [`Refusal`].
pub fn select(
    module: &Module<Int>,
    sums: Value,
    trees: &Trees<'_>,
    options: &Options,
    target: &Target,
) -> Result<ForestPlan, Refusals> {
    let whole = without_exit(trees, options, target)?;
    let stage = |trees: &Trees<'_>, target: &Target| match options.choice.of_trees() {
        Some(lowering) => lowering.plan(trees, target).ok(),
        None => best(trees, options, target).ok().map(|part| part.shape),
    };
    let staged = exits::split(module, sums, trees, options, target, &whole, stage);
    Ok(staged.unwrap_or(whole))
}

fn without_exit(
    trees: &Trees<'_>,
    options: &Options,
    target: &Target,
) -> Result<ForestPlan, Refusals> {
    let plan = |parts| ForestPlan { parts, exit: None };
    match options.choice.of_trees() {
        Some(lowering) => {
            let shape = lowering.plan(trees, target);
            let shape = shape.map_err(|refusal| vec![(lowering, refusal)])?;
            Ok(plan(vec![part(trees, shape)]))
        }
        None => {
            let whole = best(trees, options, target);
            match cut(trees, options, target, whole.as_ref().ok()) {
                Some(parts) => Ok(plan(parts)),
                None => whole.map(|part| plan(vec![part])),
            }
        }
    }
}

/// What each lowering that is not given up makes of all trees in view.
pub fn candidates<'a>(
    trees: &'a Trees<'a>,
    options: &Options,
    target: &'a Target,
) -> impl Iterator<Item = (Lowering, Result<TreeCode, Refusal>)> + use<'a> {
    let given_up = options.given_up;
    let left = Lowering::ALL.into_iter().filter(move |&lowering| !given_up.has(lowering));
    left.map(|lowering| (lowering, lowering.plan(trees, target)))
}

fn part(trees: &Trees<'_>, shape: TreeCode) -> Part {
    Part { trees: trees.positions.clone(), shape }
}

/// The best shape for all trees in view; the first of equals.
fn best(trees: &Trees<'_>, options: &Options, target: &Target) -> Result<Part, Refusals> {
    let (mut best, mut refusals): (Option<TreeCode>, _) = (None, Vec::new());
    let figure = |shape: &TreeCode| options.optimize.figure(&shape.cost());
    for (lowering, shape) in candidates(trees, options, target) {
        match shape {
            Ok(shape) if best.as_ref().is_none_or(|best| figure(&shape) < figure(best)) => {
                best = Some(shape);
            }
            Ok(_) => {}
            Err(refusal) => refusals.push((lowering, refusal)),
        }
    }
    best.map(|shape| part(trees, shape)).ok_or(refusals)
}

/// Parts that beat `whole`, or that fit where nothing takes the whole.
fn cut(
    trees: &Trees<'_>,
    options: &Options,
    target: &Target,
    whole: Option<&Part>,
) -> Option<Vec<Part>> {
    let figure = |cost: Cost| options.optimize.figure(&cost);
    let is_large = trees.forest.nodes.len() > CUT_NODES_MAX;
    if trees.positions.len() < 2 || (is_large && whole.is_some()) {
        return None;
    }
    let order = by_depth(trees);
    let mut best: Option<Vec<Part>> = None;
    let mut most = whole
        .map_or(u64::MAX, |part| figure(part.shape.cost()).saturating_mul(CUT_PERCENT_MAX) / 100);
    for at in cuts(&order) {
        let (small, large) = (view(trees, &order[..at]), view(trees, &order[at..]));
        let Some(sides) = sides(&small, &large, options, target) else { continue };
        let figure = figure(sides.iter().fold(Cost::default(), |sum, it| sum + it.shape.cost()));
        if figure < most {
            (best, most) = (Some(sides), figure);
        }
    }
    let mut parts = best?;
    if parts.len() < PARTS_MAX {
        again(trees, options, target, &mut parts);
    }
    Some(parts)
}

/// Both sides of a cut, if they get different lowerings.
fn sides(
    small: &Trees<'_>,
    large: &Trees<'_>,
    options: &Options,
    target: &Target,
) -> Option<Vec<Part>> {
    let large = best(large, options, target).ok()?;
    let small = best(small, options, &target.less(&large.shape.cost())).ok()?;
    (small.shape.lowering() != large.shape.lowering()).then(|| vec![small, large])
}

/// Cuts the part with most to gain once more.
fn again(trees: &Trees<'_>, options: &Options, target: &Target, parts: &mut Vec<Part>) {
    let costliest = (0..parts.len())
        .max_by_key(|&at| (options.optimize.figure(&parts[at].shape.cost()), Reverse(at)));
    let at = costliest.expect("a cut has two sides");
    let others = parts.iter().enumerate().filter(|&(other, _)| other != at);
    let target = others.fold(*target, |left, (_, part)| left.less(&part.shape.cost()));
    let view = trees.subset(&parts[at].trees);
    let order = by_depth(&view);
    let most = options.optimize.figure(&parts[at].shape.cost()) * CUT_PERCENT_MAX / 100;
    let cost = |sides: &[Part]| {
        let cost = sides.iter().fold(Cost::default(), |sum, part| sum + part.shape.cost());
        options.optimize.figure(&cost)
    };
    let tried = cuts(&order).into_iter().filter_map(|cut| {
        let (small, large) = (self::view(&view, &order[..cut]), self::view(&view, &order[cut..]));
        sides(&small, &large, options, &target)
    });
    let best = tried.min_by_key(|sides| cost(sides));
    if let Some(sides) = best.filter(|sides| cost(sides) < most) {
        parts.splice(at..=at, sides);
    }
}

/// A tree and what decides where to cut.
#[derive(Clone, Copy, Debug)]
struct Sized {
    position: u32,
    levels: u32,
    leaves: u64,
}

/// The trees in view, shallow ones first.
fn by_depth(trees: &Trees<'_>) -> Vec<Sized> {
    let (levels, leaves) = (trees.levels_below(), trees.leaves_below());
    let sized = |(&position, root): (&u32, u32)| Sized {
        position,
        levels: levels[root as usize],
        leaves: leaves[root as usize],
    };
    let mut order: Vec<Sized> = trees.positions.iter().zip(trees.roots()).map(sized).collect();
    order.sort_by_key(|tree| (tree.levels, tree.leaves, tree.position));
    order
}

/// Where to cut, as numbers of trees on the shallow side.
fn cuts(order: &[Sized]) -> Vec<usize> {
    let mut cuts: Vec<(Reverse<u32>, usize)> = Vec::new();
    for (at, pair) in (1..).zip(order.windows(2)) {
        let percent = pair[1].levels.saturating_mul(100) / pair[0].levels.max(1);
        if percent >= DEEPER_PERCENT {
            cuts.push((Reverse(percent), at));
        }
    }
    cuts.sort_unstable();
    cuts.truncate(CUTS_MAX);
    let mut cuts: Vec<usize> = cuts.into_iter().map(|(_, at)| at).collect();
    let word = order.iter().take_while(|tree| tree.leaves <= WORD_LEAVES).count();
    if word > 0 && word < order.len() && !cuts.contains(&word) {
        cuts.push(word);
    }
    cuts
}

fn view<'a>(trees: &Trees<'a>, part: &[Sized]) -> Trees<'a> {
    let mut positions: Vec<u32> = part.iter().map(|tree| tree.position).collect();
    positions.sort_unstable();
    trees.subset(&positions)
}

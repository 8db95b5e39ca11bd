//! Early exits: the trees of a forest in two stages, between which a row that
//! is decided leaves.
//!
//! Where a sum is only asked for its side of a number ([`decision`]), a row is
//! decided as soon as what the other trees can add leaves it on its side. A
//! profile says for how many rows that is when ([`EarlyDecisions`]). A row that leaves
//! gets the end of the rest that keeps it on its side, so that what follows
//! reads a sum as it might have been.
//!
//! The rule: of a few numbers of trees for the first stage, those that promise
//! most if time grows with the trees are planned, and the fastest is taken if
//! it is predicted to take a tenth less than no exit does. Exits are for time:
//! other goals have none, nor has a forest without a profile.
//!
//! What must hold: both sums with which a row may leave lie within the range
//! of the sum, which the validator proved to fit.

use std::rc::Rc;

use crate::cost::Cost;
use crate::early::{self, EarlyDecisions};
use crate::optimize::Optimize;
use crate::target::Target;
use crate::tree_code::TreeCode;
use crate::trees::Trees;
use crate::{ForestPlan, Options, Part, decision};
use skxc_ir::module::{Int, Interval, Module, Value};

/// Numbers of trees that are looked at.
const LOOKS: usize = 64;
/// Of these, how many are planned.
const PLANS: usize = 4;
/// Of the time without an exit, what one may take.
const PERCENT_MAX: u64 = 90;
/// Larger forests have no exit: each try plans all of it again.
const NODES_MAX: usize = 200_000;
/// The test of a sum, both ways.
const CHECK: Cost = Cost {
    program_insns: 24,
    verifier_insns: 48,
    table_bytes: 0,
    scratch_bytes: 0,
    stack_bytes: 0,
    functions: 0,
    tenth_ns: 10,
};
/// A branch that the processor did not foresee.
const MISS_TENTH_NS: u64 = 50;

/// Where rows may leave, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Parts that every row goes through; those behind are the rest.
    pub parts: usize,
    /// The number whose side decides.
    pub threshold: i64,
    /// What the rest can add.
    pub rest: Interval,
    /// Rows of the profile that leave.
    pub leaving: u64,
    /// Rows of the profile.
    pub rows: u64,
}

impl Exit {
    /// A row is above the threshold, whatever comes, if its sum is above this.
    #[must_use]
    pub fn surely_above(&self) -> i64 {
        saturated(i128::from(self.threshold) - i128::from(self.rest.min))
    }

    /// A row is not above the threshold, whatever comes, if its sum is not above
    /// this.
    #[must_use]
    pub fn surely_not_above(&self) -> i64 {
        saturated(i128::from(self.threshold) - i128::from(self.rest.max))
    }

    /// Percent of the rows of the profile that leave, rounded down.
    #[must_use]
    pub fn percent(&self) -> u64 {
        share(self.leaving, 100, self.rows)
    }

    /// What a plan with this exit costs: the rest counts its time for the rows
    /// that go on, and all else in full.
    #[must_use]
    pub(super) fn cost(&self, parts: &[Part]) -> Cost {
        let (first, rest) = parts.split_at(self.parts);
        let sum = |parts: &[Part]| {
            parts.iter().fold(Cost::default(), |sum, part| sum + part.shape.cost())
        };
        let (first, mut rest) = (sum(first), sum(rest));
        let going_on = self.rows - self.leaving;
        rest.tenth_ns = share(rest.tenth_ns, going_on, self.rows);
        let mut check = CHECK;
        check.tenth_ns += share(MISS_TENTH_NS, going_on.min(self.leaving), self.rows);
        first + rest + check
    }
}

/// No sum is beyond, so that a comparison with it is the same.
fn saturated(x: i128) -> i64 {
    x.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// `x * part / whole`, rounded down.
fn share(x: u64, part: u64, whole: u64) -> u64 {
    let share = u128::from(x) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).expect("a share is not above the whole")
}

/// A plan with an exit that is predicted to beat `whole`, which has none.
/// `shape` plans a stage.
pub(super) fn split(
    module: &Module<Int>,
    sums: Value,
    trees: &Trees<'_>,
    options: &Options,
    target: &Target,
    whole: &ForestPlan,
    shape: impl Fn(&Trees<'_>, &Target) -> Option<TreeCode>,
) -> Option<ForestPlan> {
    let visits = Rc::clone(trees.visits.as_ref()?);
    let decisions = visits.early.as_ref()?;
    if options.optimize != Optimize::Speed || trees.forest.nodes.len() > NODES_MAX {
        return None;
    }
    let threshold = decision::threshold(module, sums)?;
    let spans = early::spans(trees.forest);
    let time = whole.cost().tenth_ns;
    let mut most = share(time, PERCENT_MAX, 100);
    let mut best = None;
    for first in promising(decisions, visits.rows) {
        let stage = |positions: &[u32], target: &Target| {
            let mut positions = positions.to_vec();
            positions.sort_unstable();
            let view = trees.subset(&positions);
            shape(&view, target).map(|shape| Part { trees: positions, shape })
        };
        let (early, late) = decisions.order.split_at(first);
        let Some(early) = stage(early, &target.less(&CHECK)) else { continue };
        let Some(late) = stage(late, &target.less(&(CHECK + early.shape.cost()))) else { continue };
        let rest = late.trees.iter().map(|&tree| spans[tree as usize]);
        let rest = rest.fold(Interval::new(0, 0), |sum, span| {
            Interval::new(sum.min + span.min, sum.max + span.max)
        });
        let (leaving, rows) = (decisions.decided[first], visits.rows);
        let exit = Exit { parts: 1, threshold, rest, leaving, rows };
        let plan = ForestPlan { parts: vec![early, late], exit: Some(exit) };
        let time = plan.cost().tenth_ns;
        if time < most {
            (best, most) = (Some(plan), time);
        }
    }
    best
}

/// Sizes of a first stage, the most promising first.
fn promising(decisions: &EarlyDecisions, rows: u64) -> Vec<usize> {
    let trees = decisions.order.len();
    let mut sizes: Vec<usize> = (1..LOOKS).map(|look| trees * look / LOOKS).collect();
    sizes.dedup();
    sizes.retain(|&first| first > 0 && first < trees);
    // Trees that a row meets, summed over the rows.
    let met = |first: usize| {
        let going_on = u128::from(rows - decisions.decided[first]);
        u128::from(rows) * first as u128 + going_on * (trees - first) as u128
    };
    sizes.sort_by_key(|&first| (met(first), first));
    sizes.truncate(PLANS);
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Choice, Lowering, Profile, plan_for};
    use skxc_ir::testing::int_chain;
    use skxc_ir::text;
    use skxc_ir::validate::Validator;

    /// Trees of two leaves, the first of which weighs as much as all others.
    fn module(trees: usize) -> Module<Int> {
        let mut text = String::from("int m\n@c0 = column x [0, 255]\n@l0 = labels [0, 1]\n");
        text += "@t0 = forest q1.40, 1 features, 1 targets\n  roots [";
        let roots: Vec<String> = (0..trees).map(|tree| format!("n{}", 3 * tree)).collect();
        text += &(roots.join(", ") + "]\n");
        for tree in 0..trees {
            let (id, weight) = (3 * tree, if tree + 1 == trees { trees } else { 1 });
            text += &format!(
                "  n{id} = if x0 <= {} then n{} else n{}\n  n{} = leaf [0: 0]\n  n{} = leaf [0: {weight}]\n",
                tree % 200,
                id + 1,
                id + 2,
                id + 1,
                id + 2,
            );
        }
        text += "end\n%0 = input [x] : i64[1x1]\n%1 = tree_ensemble @t0, %0 : q1.40[1x1]\n";
        text += &format!("%2 = greater %1, {} : bool[1x1]\n%3 = reshape %2 : bool[1]\n", trees - 1);
        text += "%4 = label @l0, %3 : label(@l0)[1]\noutput \"label\" label %4\n";
        text::parse::<Int>(&text).expect("it reads")
    }

    fn plan(module: &Module<Int>, optimize: Optimize, rows: &[[i64; 1]]) -> ForestPlan {
        let module = Validator::validate(module.clone()).expect("it is valid");
        let profile = Profile::of(&module, rows.iter().map(<[i64; 1]>::as_slice));
        let choice = Choice::Only(Lowering::Walk);
        let options = Options { choice, optimize, ..Options::default() };
        let plan = plan_for(&module, &options, profile).expect("it fits");
        plan.forests.into_values().next().expect("there is a forest")
    }

    #[test]
    fn the_tree_that_decides_is_in_the_first_stage() {
        let rows = [[0], [255], [3], [250]];
        let found = plan(&module(128), Optimize::Speed, &rows);
        let exit = found.exit.as_ref().expect("it pays");
        assert!(found.parts[0].trees.contains(&127), "{:?}", found.parts[0].trees);
        assert_eq!((exit.parts, exit.threshold, exit.leaving, exit.rows), (1, 127, 4, 4));
        assert_eq!(exit.rest, Interval::new(0, found.parts[1].trees.len() as i64));
        let all = found.parts[0].trees.len() + found.parts[1].trees.len();
        assert_eq!(all, 128);
    }

    #[test]
    fn no_exit_without_rows_or_for_another_goal_or_beside_a_score() {
        let rows = [[0], [255]];
        assert_eq!(plan(&module(128), Optimize::Speed, &[]).exit, None);
        assert_eq!(plan(&module(128), Optimize::Size, &rows).exit, None);
        assert_eq!(plan(&int_chain(8), Optimize::Speed, &[[0], [8]]).exit, None);
    }
}

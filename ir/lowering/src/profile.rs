//! What rows of real traffic do in the trees: how often each test is made, how
//! often it holds, and how often its answer is not the one before.
//!
//! Branch code is as fast as a processor can foresee its tests, which depends on
//! the traffic. A profile says so in numbers: it lets the cost of branch code be
//! told, marks the likely side of a test, lays tables out with what is read
//! often together, and says how soon rows are decided
//! ([`early`](crate::early)). It never changes what a program computes.
//!
//! What must hold: the same rows in the same order give the same profile.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use crate::early::{Counter, EarlyDecisions};
use skxc_ir::forest::{NodeId, TreeNode};
use skxc_ir::interpret;
use skxc_ir::module::{Int, Module, Value};
use skxc_ir::ops::IntOp;

/// The side of a test that this share of rows takes is the likely one.
const LIKELY_PERCENT: u64 = 80;

/// Visits of all forests of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    forests: BTreeMap<Value, Rc<Visits>>,
}

/// Visits of one forest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visits {
    /// Rows that were seen.
    pub rows: u64,
    /// The counts by node.
    pub nodes: Vec<Visit>,
    /// How soon they are decided, if the sums are only asked for their side of
    /// one number.
    pub early: Option<EarlyDecisions>,
}

/// Visits of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// How often a row came by.
    pub count: u64,
    /// How often the test held; 0 for a leaf.
    pub yes: u64,
    /// How often the answer was not that of the row that came by before.
    pub turns: u64,
    last: Option<bool>,
}

impl Profile {
    /// Runs rows, one value a column, through the forests of a module.
    ///
    /// # Panics
    /// If a row does not fit the module.
    #[must_use]
    pub fn of<'r>(module: &Module<Int>, rows: impl Iterator<Item = &'r [i64]> + Clone) -> Self {
        let inputs: Vec<_> = module
            .values()
            .filter_map(|value| match module.node(value).op {
                IntOp::TreeEnsemble { forest, input } => Some((value, forest, input)),
                _ => None,
            })
            .collect();
        let counters = inputs.iter().filter_map(|&(value, forest, _)| {
            Some((value, Counter::new(module, value, &module.forests[forest])?))
        });
        let mut counters: BTreeMap<Value, Counter<'_>> = counters.collect();
        let mut all: BTreeMap<Value, Visits> = BTreeMap::new();
        for row in rows.clone() {
            let values = values(module, row);
            for &(value, forest, input) in &inputs {
                let forest = &module.forests[forest];
                let visits = all.entry(value).or_default();
                visits.nodes.resize(forest.nodes.len(), Visit::default());
                visits.rows += 1;
                let walk = |&root| visits.walk(&forest.nodes, root, &values[input.index()]);
                let leaves: Vec<NodeId> = forest.roots.iter().map(walk).collect();
                if let Some(counter) = counters.get_mut(&value) {
                    counter.weigh(&leaves);
                }
            }
        }
        counters.values_mut().for_each(Counter::order);
        let again = (!counters.is_empty()).then_some(rows);
        for row in again.into_iter().flatten() {
            let values = values(module, row);
            for &(value, forest, input) in &inputs {
                let Some(counter) = counters.get_mut(&value) else { continue };
                let forest = &module.forests[forest];
                counter.decide(&interpret::walk(forest, &values[input.index()]));
            }
        }
        for (value, counter) in counters {
            if let Some(visits) = all.get_mut(&value) {
                visits.early = Some(counter.finish());
            }
        }
        let forests = all.into_iter().map(|(value, visits)| (value, Rc::new(visits))).collect();
        Self { forests }
    }

    /// The visits of the forest that computes `value`, if there was a row.
    #[must_use]
    pub fn visits(&self, value: Value) -> Option<Rc<Visits>> {
        self.forests.get(&value).cloned()
    }

    /// All numbers as text, to be digested.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (value, visits) in &self.forests {
            let done = writeln!(text, "%{} {}", value.index(), visits.rows);
            done.expect("a string takes all text");
            for visit in &visits.nodes {
                let done = writeln!(text, "{} {} {}", visit.count, visit.yes, visit.turns);
                done.expect("a string takes all text");
            }
            if let Some(early) = &visits.early {
                let done = writeln!(text, "{:?} {:?}", early.order, early.decided);
                done.expect("a string takes all text");
            }
        }
        text
    }
}

impl Visits {
    /// Counts a row; returns the leaf where it ends.
    fn walk(&mut self, nodes: &[TreeNode<Int>], root: NodeId, features: &[i64]) -> NodeId {
        let mut id = root;
        while let TreeNode::Branch { test, yes, no, .. } = nodes[id as usize] {
            let holds = features[test.feature as usize] <= test.at_most;
            self.nodes[id as usize].answer(holds);
            id = if holds { yes } else { no };
        }
        self.nodes[id as usize].count += 1;
        id
    }

    /// How often a node was visited.
    #[must_use]
    pub fn count(&self, id: NodeId) -> u64 {
        self.nodes[id as usize].count
    }

    /// The answer of most rows, if it is likely.
    #[must_use]
    pub fn likely(&self, id: NodeId) -> Option<bool> {
        let Visit { count, yes, .. } = self.nodes[id as usize];
        let holds = yes.max(count - yes) * 100 >= count * LIKELY_PERCENT;
        (count > 0 && holds).then_some(2 * yes > count)
    }

    /// How often a predictor misses the test: it learns the likelier side, or
    /// that answers repeat, whichever fits better.
    #[must_use]
    pub fn missed(&self, id: NodeId) -> u64 {
        let Visit { count, yes, turns, .. } = self.nodes[id as usize];
        yes.min(count - yes).min(turns)
    }
}

/// All values for a row.
fn values(module: &Module<Int>, row: &[i64]) -> Vec<Vec<i64>> {
    let row: Vec<Option<i64>> = row.iter().copied().map(Some).collect();
    interpret::integer_values(module, &row)
}

impl Visit {
    fn answer(&mut self, holds: bool) {
        self.count += 1;
        self.yes += u64::from(holds);
        self.turns += u64::from(self.last.replace(holds).is_some_and(|last| last != holds));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_repeat_are_foreseen() {
        let mut visits = Visits { rows: 6, nodes: vec![Visit::default(); 2], early: None };
        for holds in [true, true, true, false, false, false] {
            visits.nodes[0].answer(holds);
        }
        for holds in [true, false, true, true, true, true] {
            visits.nodes[1].answer(holds);
        }
        let found = |id| (visits.count(id), visits.missed(id), visits.likely(id));
        assert_eq!(found(0), (6, 1, None));
        assert_eq!(found(1), (6, 1, Some(true)));
    }
}

//! What the columns of a module mean to its forests: which column a feature of
//! a forest is, and which thresholds a column is compared with.

use skxc_ir::{Forest, Handle, Int, IntOp, Interval, Module, TreeNode, Value};

use super::Rows;
use skxc_ir::random::Random;

/// Rows of the caller kept as background of made-up rows.
const BACKGROUND_ROWS: usize = 1024;
/// Thresholds kept for one column; beyond that they are dense enough.
const THRESHOLDS_MAX: usize = 65_536;

/// Where each element of a row of features comes from: a column, or nothing
/// that an input could change.
pub(super) fn columns_of(module: &Module<Int>, value: Value) -> Vec<Option<usize>> {
    // Operands are older than their users, so one pass over the nodes up to
    // `value` does it without recursion.
    let mut of_value: Vec<Vec<Option<usize>>> = Vec::with_capacity(value.index() + 1);
    for older in module.values().take(value.index() + 1) {
        let of = |value: Value| &of_value[value.index()];
        let node = module.node(older);
        let elements = if let IntOp::Input { columns } = &node.op {
            columns.iter().map(|column| Some(column.index())).collect()
        } else if let Some(sources) = module.sources(&node.op) {
            sources.into_iter().map(|(value, i)| of(value)[i]).collect()
        } else {
            vec![None; node.ty.shape.elements()]
        };
        of_value.push(elements);
    }
    of_value.pop().expect("the value itself was visited last")
}

/// A forest and the columns behind its features.
pub(super) type Reading = (Handle<Forest<Int>>, Vec<Option<usize>>);

/// Each forest of the module with the columns behind its features.
pub(super) fn forests_of(module: &Module<Int>) -> Vec<Reading> {
    let mut forests = Vec::new();
    for (_, node) in module.nodes.iter() {
        if let IntOp::TreeEnsemble { forest, input } = &node.op {
            forests.push((*forest, columns_of(module, *input)));
        }
    }
    forests
}

/// The thresholds that each column is compared with, in order.
#[derive(Debug)]
pub(super) struct Thresholds {
    pub(super) of_column: Vec<Vec<i64>>,
}

impl Thresholds {
    pub(super) fn of(module: &Module<Int>) -> Self {
        let mut of_column = vec![Vec::new(); module.columns.len()];
        for (forest, columns) in forests_of(module) {
            for node in &module.forests[forest].nodes {
                let TreeNode::Branch { test, .. } = node else { continue };
                if let Some(column) = columns[test.feature as usize] {
                    of_column[column].push(test.at_most);
                }
            }
        }
        for thresholds in &mut of_column {
            thresholds.sort_unstable();
            thresholds.dedup();
            if thresholds.len() > THRESHOLDS_MAX {
                let step = thresholds.len().div_ceil(THRESHOLDS_MAX);
                *thresholds = thresholds.iter().copied().step_by(step).collect();
            }
        }
        Self { of_column }
    }
}

/// Rows to start made-up rows from: given ones, evenly chosen, and some drawn.
pub(super) fn background(ranges: &[Interval], given: &Rows, random: &mut Random) -> Vec<Vec<i64>> {
    let step = given.len().div_ceil(BACKGROUND_ROWS).max(1);
    let mut rows: Vec<Vec<i64>> =
        (0..given.len()).step_by(step).map(|index| given.row(index).to_vec()).collect();
    let drawn = (rows.len() / 8).max(16);
    for turn in 0..drawn {
        let row = ranges.iter().map(|&range| {
            if turn % 2 == 0 { random.log_within(range) } else { random.within(range) }
        });
        rows.push(row.collect());
    }
    rows
}

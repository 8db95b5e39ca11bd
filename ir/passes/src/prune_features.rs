//! Leaves only those columns in a forest's row of features that some test
//! reads. The C struct has a member for each column that remains.
//!
//! Obligation: every test reads the column it read before. The declared
//! columns of the module stay, since they decide what the parser needs.

use crate::{Pass, PassContext};
use skxc_ir::forest::{Forest, TreeNode};
use skxc_ir::module::{Int, Module, Operation, Value};
use skxc_ir::ops::IntOp;
use skxc_ir::types::{ElementType, Type};

/// Removes features that no tree reads.
#[derive(Clone, Copy, Debug)]
pub struct PruneFeatures;

impl Pass<Int> for PruneFeatures {
    fn name(&self) -> &'static str {
        "prune-features"
    }

    fn summary(&self) -> &'static str {
        "drop the features that no test reads"
    }

    fn run(&self, module: &mut Module<Int>, _: &mut PassContext<Int>) -> bool {
        let mut changed = false;
        for value in module.values() {
            let IntOp::TreeEnsemble { forest, input } = module.node(value).op else { continue };
            // Another user of the row needs it as it is.
            let users = module.values().filter(|&user| reads(module, user, input)).count();
            let IntOp::Input { columns } = &module.node(input).op else { continue };
            let new_index = numbered(&read_features(&module.forests[forest]));
            let kept: Vec<_> = (0..columns.len()).filter(|&i| new_index[i].is_some()).collect();
            if users > 1 || kept.len() == columns.len() {
                continue;
            }
            let columns = kept.iter().map(|&i| columns[i]).collect::<Vec<_>>();
            let width = columns.len() as u32;
            let row = module.node_mut(input);
            row.op = IntOp::Input { columns };
            row.ty = Type::new(ElementType::I64, &[1, width]);
            renumber(&mut module.forests[forest], &new_index, width);
            changed = true;
        }
        changed
    }
}

fn reads(module: &Module<Int>, user: Value, row: Value) -> bool {
    let mut found = false;
    module.node(user).op.operands(&mut |operand| found |= operand == row);
    found
}

fn read_features(forest: &Forest<Int>) -> Vec<bool> {
    let mut read = vec![false; forest.features as usize];
    for node in &forest.nodes {
        if let TreeNode::Branch { test, .. } = node {
            read[test.feature as usize] = true;
        }
    }
    read
}

/// Counts through what is kept.
fn numbered(kept: &[bool]) -> Vec<Option<u32>> {
    let mut next = 0;
    let number = |&kept: &bool| {
        let index = next;
        next += u32::from(kept);
        kept.then_some(index)
    };
    kept.iter().map(number).collect()
}

fn renumber(forest: &mut Forest<Int>, new_index: &[Option<u32>], width: u32) {
    forest.features = width;
    for node in &mut forest.nodes {
        if let TreeNode::Branch { test, .. } = node {
            let index = new_index[test.feature as usize];
            test.feature = index.expect("a feature that is read is kept");
        }
    }
}

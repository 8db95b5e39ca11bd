//! Tests of the streams: what they reach, and what they cost.

use std::collections::BTreeSet;

use skxc_ir::{
    Column, ElementType, Forest, Int, IntOp, IntTest, Interval, LeafWeight, Module, Origin,
    TreeNode, Type,
};

use super::*;

/// A module over `columns` of 16 bits with one forest of `nodes`.
fn module(columns: usize, roots: &[u32], nodes: Vec<TreeNode<Int>>) -> Module<Int> {
    let mut module = Module::new("tested");
    let columns: Vec<_> = (0..columns)
        .map(|index| {
            let range = Interval::new(0, 65_535);
            module.columns.push(Column { name: format!("c{index}"), range, missing: None })
        })
        .collect();
    let origin = module.origins.add(Origin::Node { node: 0 });
    let width = columns.len() as u32;
    let input =
        module.push(IntOp::Input { columns }, Type::new(ElementType::I64, &[1, width]), origin);
    let elem = ElementType::Fixed { bits: 20, frac_bits: 10 };
    let mut forest = Forest::new(width, 1, elem, 0);
    forest.roots = roots.to_vec();
    forest.nodes = nodes;
    let forest = module.forests.push(forest);
    module.push(IntOp::TreeEnsemble { forest, input }, Type::new(elem, &[1, 1]), origin);
    module
}

fn branch(feature: u32, at_most: i64, yes: u32, no: u32) -> TreeNode<Int> {
    let origin = skxc_ir::Handle::from_index(0);
    TreeNode::Branch { test: IntTest { feature, at_most }, yes, no, origin }
}

fn leaf() -> TreeNode<Int> {
    TreeNode::Leaf { first: 0, count: 0, origin: skxc_ir::Handle::from_index(0) }
}

fn all(inputs: &mut Inputs) -> Vec<(Kind, Vec<i64>)> {
    let (mut rows, mut all) = (Rows::new(inputs.given.rows.columns), Vec::new());
    while inputs.next_batch(&mut rows, 100) {
        assert!(rows.len() <= 100);
        all.extend(rows.iter().map(|(kind, row)| (kind, row.to_vec())));
    }
    all
}

/// The leaf that a row ends in, by the plain meaning of a tree.
fn walk(module: &Module<Int>, row: &[i64]) -> u32 {
    let forest = &module.forests[skxc_ir::Handle::from_index(0)];
    let mut node = forest.roots[0];
    while let TreeNode::Branch { test, yes, no, .. } = forest.nodes[node as usize] {
        node = if row[test.feature as usize] <= test.at_most { yes } else { no };
    }
    node
}

fn inputs(module: &Module<Int>, options: Options) -> Inputs {
    Inputs::new(module, Rows::new(module.columns.len()), options)
}

#[test]
fn every_leaf_and_both_sides_of_every_threshold_are_reached() {
    let nodes = vec![
        branch(0, 1024, 1, 2),
        branch(1, 7, 3, 4),
        branch(0, 2000, 5, 6),
        leaf(),
        leaf(),
        leaf(),
        leaf(),
    ];
    let module = module(2, &[0], nodes);
    let mut inputs = inputs(&module, Options { random_rows: 0, ..Options::default() });
    let vectors = all(&mut inputs);
    let of_leaves = vectors.iter().filter(|(kind, _)| *kind == Kind::Leaf);
    let reached: BTreeSet<u32> = of_leaves.map(|(_, row)| walk(&module, row)).collect();
    assert_eq!(reached, BTreeSet::from([3, 4, 5, 6]));
    for (column, t) in [(0, 1024), (0, 2000), (1, 7)] {
        for side in [t, t + 1] {
            let there =
                |(kind, row): &(Kind, Vec<i64>)| *kind == Kind::Threshold && row[column] == side;
            assert!(vectors.iter().any(there), "column {column} at {side}");
        }
    }
    let coverage = inputs.coverage();
    assert_eq!((coverage.leaves_reached, coverage.leaves), (4, 4));
    assert_eq!((coverage.thresholds_reached, coverage.thresholds), (3, 3));
}

#[test]
fn a_leaf_behind_contradictory_tests_is_not_claimed() {
    let nodes = vec![branch(0, 10, 1, 2), branch(0, 20, 3, 4), leaf(), leaf(), leaf()];
    let module = module(1, &[0], nodes);
    let mut inputs = inputs(&module, Options { exhaustive_rows_max: 0, ..Options::default() });
    all(&mut inputs);
    let coverage = inputs.coverage();
    assert_eq!((coverage.leaves_reached, coverage.leaves), (2, 3));
    assert_eq!((coverage.thresholds_reached, coverage.thresholds), (1, 2));
}

#[test]
fn few_rows_are_all_tried() {
    let nodes = vec![branch(0, 10, 1, 2), leaf(), leaf()];
    let mut module = module(1, &[0], nodes);
    let column = skxc_ir::Handle::from_index(0);
    module.columns[column].range = Interval::new(0, 15);
    let mut inputs = inputs(&module, Options::default());
    let vectors = all(&mut inputs);
    let tried: Vec<i64> = vectors
        .iter()
        .filter(|(kind, _)| *kind == Kind::Exhaustive)
        .map(|(_, row)| row[0])
        .collect();
    assert_eq!(tried, (0..16).collect::<Vec<_>>());
    assert!(inputs.coverage().exhaustive);
}

#[test]
fn a_deep_chain_costs_no_more_than_its_nodes() {
    let depth = 10_000u32;
    let mut nodes = Vec::new();
    for level in 0..depth {
        nodes.push(branch(0, 60_000 - i64::from(level), 2 * level + 2, 2 * level + 1));
        nodes.push(leaf());
    }
    nodes.push(leaf());
    let module = module(1, &[0], nodes);
    let mut inputs =
        inputs(&module, Options { random_rows: 0, exhaustive_rows_max: 0, ..Options::default() });
    let vectors = all(&mut inputs);
    assert!(vectors.len() < 6 * depth as usize, "{} vectors", vectors.len());
    assert_eq!(inputs.coverage().leaves_reached, u64::from(depth) + 1);
}

#[test]
fn sharing_does_not_multiply_the_walk() {
    // 64 levels, both ways of each to the next: 2^64 ways.
    let levels = 64u32;
    let mut nodes: Vec<_> = (0..levels)
        .map(|level| branch(level % 7, 1000 + i64::from(level), level + 1, level + 1))
        .collect();
    nodes.push(leaf());
    let module = module(7, &[0], nodes);
    let mut inputs = inputs(&module, Options { random_rows: 0, ..Options::default() });
    assert!(all(&mut inputs).len() < 10_000);
    assert_eq!(inputs.coverage().leaves_reached, 1);
}

#[test]
fn the_cap_is_stated_as_coverage() {
    let nodes: Vec<_> = (0..1000u32)
        .flat_map(|level| {
            [branch(level % 3, 30_000 - i64::from(level), 2 * level + 2, 2 * level + 1), leaf()]
        })
        .chain([leaf()])
        .collect();
    let module = module(3, &[0], nodes);
    let mut inputs =
        inputs(&module, Options { random_rows: 0, tree_rows_max: 100, ..Options::default() });
    let of_trees = all(&mut inputs)
        .iter()
        .filter(|(kind, _)| matches!(kind, Kind::Leaf | Kind::Threshold))
        .count();
    assert!(of_trees <= 120, "{of_trees}");
    let coverage = inputs.coverage();
    assert!(coverage.leaves_reached > 0 && coverage.leaves_reached < coverage.leaves);
}

#[test]
fn given_rows_come_first_and_the_stream_repeats_itself() {
    let module = module(2, &[0], vec![branch(1, 3, 1, 2), leaf(), leaf()]);
    let mut given = Rows::new(2);
    given.push(Kind::Csv, &[5, 6]);
    given.push(Kind::Capture, &[7, 8]);
    let options = Options { random_rows: 500, ..Options::default() };
    let first = all(&mut Inputs::new(&module, given.clone(), options));
    assert_eq!(first[..2], [(Kind::Csv, vec![5, 6]), (Kind::Capture, vec![7, 8])]);
    assert_eq!(first, all(&mut Inputs::new(&module, given, options)));
    assert_eq!(first.iter().filter(|(kind, _)| *kind == Kind::Random).count(), 500);
}

#[test]
fn a_near_tie_of_sums_is_found() {
    // Sums differ by 2^20 less what every test that holds takes off: they are
    // closest where all eight hold.
    let mut nodes = Vec::new();
    let mut roots = Vec::new();
    for tree in 0..8u32 {
        roots.push(3 * tree);
        nodes.push(branch(tree, 1000 + i64::from(tree), 3 * tree + 1, 3 * tree + 2));
        let origin = skxc_ir::Handle::from_index(0);
        nodes.push(TreeNode::Leaf { first: 0, count: 1, origin });
        nodes.push(leaf());
    }
    let mut module = module(8, &roots, nodes);
    let forest = skxc_ir::Handle::from_index(0);
    module.forests[forest].weights = vec![LeafWeight { target: 0, weight: 1 << 10 }];
    let sum = skxc_ir::Handle::from_index(1);
    let origin = skxc_ir::Handle::from_index(0);
    let above = IntOp::Greater { a: sum, threshold: 8 << 10 };
    module.push(above, Type::new(ElementType::Bool, &[1, 1]), origin);
    let options = Options { random_rows: 0, ..Options::default() };
    let close: Vec<Vec<i64>> = all(&mut inputs(&module, options))
        .into_iter()
        .filter_map(|(kind, row)| (kind == Kind::Close).then_some(row))
        .collect();
    let all_hold = |row: &Vec<i64>| (0..).zip(row).all(|(tree, &x)| x <= 1000 + tree);
    assert!(close.iter().any(all_hold), "{} rows", close.len());
    assert!(close.len() < 1000, "{} rows", close.len());
}

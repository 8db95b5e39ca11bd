//! The grid: sizes of forests, and the modules they become.

use std::fmt::Write as _;

use skxc_ir::validate::{Validated, Validator};
use skxc_ir::{Int, text};

use crate::growth::{self, Node};
use crate::population::Population;

/// Trees of a forest.
const TREES: [u32; 7] = [1, 2, 5, 10, 20, 50, 100];
/// Levels of a tree; the last is as good as unlimited.
const DEPTHS: [u32; 5] = [4, 6, 8, 10, 64];
/// Nodes of a forest that is worth its time.
const NODES_MAX: usize = 400_000;
/// Bits of a weight, and of a sum.
const WEIGHT_BITS: u32 = 40;

/// A point of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// Trees of the forest.
    pub(crate) trees: u32,
    /// Levels of each tree, at most.
    pub(crate) depth: u32,
    /// Number of sums.
    pub(crate) targets: u32,
    /// Do features take 62 bits rather than at most 32?
    pub(crate) wide: bool,
}

/// All points, small forests first.
pub(crate) fn points() -> Vec<Point> {
    let mut points = Vec::new();
    for trees in TREES {
        for depth in DEPTHS {
            points.push(Point { trees, depth, targets: 1, wide: false });
        }
    }
    for trees in [1, 10, 100] {
        points.push(Point { trees, depth: 6, targets: 3, wide: false });
        points.push(Point { trees, depth: 8, targets: 10, wide: false });
        points.push(Point { trees, depth: 8, targets: 1, wide: true });
    }
    for depth in [6, 10] {
        points.push(Point { trees: 500, depth, targets: 1, wide: false });
    }
    points
}

impl Point {
    /// Name of the point, as in `t10-d6-s1` and `t10-d6-s1-wide`.
    pub(crate) fn name(self) -> String {
        let Self { trees, depth, targets, wide } = self;
        format!("t{trees}-d{depth}-s{targets}{}", if wide { "-wide" } else { "" })
    }

    /// The point of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        points().into_iter().find(|point| point.name() == name)
    }

    /// Grows the forest; none if it gets too large.
    pub(crate) fn module(self, population: &Population) -> Option<Validated<Int>> {
        let forest = growth::forest(population, self.trees, self.depth, self.targets);
        if forest.nodes.len() > NODES_MAX {
            return None;
        }
        let module = text::parse::<Int>(&self.skir(population, &forest));
        let module = module.expect("what is printed here is the text form of a module");
        Some(Validator::validate(module).expect("weights are small and children follow parents"))
    }

    fn skir(self, population: &Population, forest: &growth::Forest) -> String {
        let mut skir = String::from("int model\n");
        let mut line = |line: String| {
            skir.push_str(&line);
            skir.push('\n');
        };
        let names: Vec<String> = (0..population.bits.len()).map(|i| format!("x{i}")).collect();
        for (index, bits) in population.bits.iter().enumerate() {
            let max = (1_i64 << bits) - 1;
            line(format!("@c{index} = column x{index} [0, {max}]"));
        }
        let elem = format!("q22.{WEIGHT_BITS}");
        let (features, targets) = (names.len(), self.targets);
        line(format!("@t0 = forest {elem}, {features} features, {targets} targets"));
        let roots: Vec<String> = forest.roots.iter().map(|root| format!("n{root}")).collect();
        line(format!("  roots [{}]", roots.join(", ")));
        for (id, node) in forest.nodes.iter().enumerate() {
            line(match *node {
                Node::Branch { feature, at_most, yes, no } => {
                    format!("  n{id} = if x{feature} <= {at_most} then n{yes} else n{no}")
                }
                Node::Leaf { seed } => format!("  n{id} = leaf [{}]", self.weights(seed)),
            });
        }
        line("end".to_owned());
        line(format!("%0 = input [{}] : i64[1x{features}]", names.join(", ")));
        line(format!("%1 = tree_ensemble @t0, %0 : {elem}[1x{targets}]"));
        line("output \"sums\" value %1".to_owned());
        skir
    }

    /// What a leaf adds: as in a classifier, shares that make 1 together.
    fn weights(self, seed: u64) -> String {
        let mut weights = String::new();
        for target in 0..self.targets {
            let share = seed.rotate_left(7 * target) >> (u64::BITS - WEIGHT_BITS);
            let comma = if target > 0 { ", " } else { "" };
            write!(weights, "{comma}{target}: {share}").expect("writing to a string");
        }
        weights
    }
}

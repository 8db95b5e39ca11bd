//! Ranges of the values of an integer module, whatever the inputs.
//!
//! Interval arithmetic over `i128`, which no sum of a module within
//! [`crate::limits`] can leave: 2^22 weights of 2^63 are below 2^86.

use crate::analysis::reach::Reach;
use crate::forest::{Forest, TreeNode};
use crate::module::{Int, Module, Value};
use crate::ops::IntOp;

/// Inclusive bounds of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Not below this.
    pub min: i128,
    /// Not above this.
    pub max: i128,
}

impl Bounds {
    /// The bounds of a number that is known.
    #[must_use]
    pub fn exactly(x: i128) -> Self {
        Self { min: x, max: x }
    }

    /// Bits of the greatest magnitude, without the sign.
    #[must_use]
    pub fn magnitude_bits(self) -> u32 {
        let magnitude = self.min.unsigned_abs().max(self.max.unsigned_abs());
        u128::BITS - magnitude.leading_zeros()
    }

    fn plus(self, other: Self) -> Self {
        Self { min: self.min + other.min, max: self.max + other.max }
    }

    fn minus(self, other: Self) -> Self {
        Self { min: self.min - other.max, max: self.max - other.min }
    }
}

/// Bounds of each element of each value of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
    of_value: Vec<Vec<Bounds>>,
}

impl Ranges {
    /// Analyses a module whose handles and shapes are sound.
    #[must_use]
    pub fn of(module: &Module<Int>) -> Self {
        let mut ranges = Self { of_value: Vec::with_capacity(module.nodes.len()) };
        for (_, node) in module.nodes.iter() {
            let bounds = ranges.of_op(module, &node.op, node.ty.shape.elements());
            ranges.of_value.push(bounds);
        }
        ranges
    }

    /// Bounds of the elements of `value`, row-major.
    #[must_use]
    pub fn of_value(&self, value: Value) -> &[Bounds] {
        &self.of_value[value.index()]
    }

    fn of_op(&self, module: &Module<Int>, op: &IntOp, elements: usize) -> Vec<Bounds> {
        match op {
            IntOp::Input { columns } => {
                let ranges = columns.iter().map(|&column| module.columns[column].range);
                ranges
                    .map(|range| Bounds { min: range.min.into(), max: range.max.into() })
                    .collect()
            }
            IntOp::Constant { constant } => {
                let elements = &module.constants[*constant].elements;
                elements.iter().map(|&x| Bounds::exactly(x.into())).collect()
            }
            IntOp::Reshape { input } => self.of_value(*input).to_vec(),
            IntOp::Gather { input, indices } => {
                let bounds = self.of_value(*input);
                indices.iter().map(|&index| bounds[index as usize]).collect()
            }
            IntOp::Concat { inputs } => {
                inputs.iter().flat_map(|&input| self.of_value(input)).copied().collect()
            }
            IntOp::Subtract { a, b } => {
                let (a, b) = (self.of_value(*a), self.of_value(*b));
                (0..elements).map(|i| a[i % a.len()].minus(b[i % b.len()])).collect()
            }
            IntOp::Greater { .. } => vec![Bounds { min: 0, max: 1 }; elements],
            IntOp::TreeEnsemble { forest, .. } => {
                let sums = forest_sums(&module.forests[*forest]);
                sums.into_iter().map(|sum| sum.total).collect()
            }
            IntOp::ArgMax { input, .. } => {
                let classes = self.of_value(*input).len() as i128;
                vec![Bounds { min: 0, max: classes - 1 }; elements]
            }
            IntOp::Label { class, .. } => self.of_value(*class).to_vec(),
        }
    }
}

/// What one sum of a forest can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumBounds {
    /// The sum of all trees and the base value.
    pub total: Bounds,
    /// The base value and any subset of the trees: the accumulator, in
    /// whatever order a lowering adds.
    pub partial: Bounds,
}

/// Bounds of each sum of a forest.
#[must_use]
pub fn forest_sums(forest: &Forest<Int>) -> Vec<SumBounds> {
    let base = forest.base.iter().map(|&base| Bounds::exactly(base.into()));
    let mut sums: Vec<_> = base.map(|base| SumBounds { total: base, partial: base }).collect();
    let mut reach = Reach::new(forest.nodes.len());
    for &root in &forest.roots {
        let tree = tree_sums(forest, root, &mut reach);
        for (sum, tree) in sums.iter_mut().zip(tree) {
            sum.total = sum.total.plus(tree);
            sum.partial.min += tree.min.min(0);
            sum.partial.max += tree.max.max(0);
        }
    }
    sums
}

/// What one tree can add to each sum. A leaf without a weight for a target
/// adds 0 to it.
fn tree_sums(forest: &Forest<Int>, root: u32, reach: &mut Reach) -> Vec<Bounds> {
    let mut weighted: Vec<Option<Bounds>> = vec![None; forest.targets as usize];
    let mut leaves_with = vec![0u64; forest.targets as usize];
    let mut leaves = 0u64;
    reach.each(forest, root, |_, node| {
        let TreeNode::Leaf { first, count, .. } = *node else { return };
        leaves += 1;
        for weight in forest.leaf_weights(first, count) {
            let target = weight.target as usize;
            let x = i128::from(weight.weight);
            let bounds = weighted[target].get_or_insert(Bounds::exactly(x));
            *bounds = Bounds { min: bounds.min.min(x), max: bounds.max.max(x) };
            leaves_with[target] += 1;
        }
    });
    let of_target = weighted.into_iter().zip(leaves_with).map(|(weighted, leaves_with)| {
        let Some(bounds) = weighted else { return Bounds::exactly(0) };
        let all = leaves_with == leaves;
        if all { bounds } else { Bounds { min: bounds.min.min(0), max: bounds.max.max(0) } }
    });
    of_target.collect()
}

//! Ranges of the values of an integer module, whatever the inputs.
//!
//! Interval arithmetic over `i128`, which no sum of a module within
//! [`crate::limits`] can leave: 2^24 weights of 2^63 are below 2^88. Bounds are
//! cut at plus and minus 2^64, so that products cannot leave it either: where
//! that happens the module is not valid, and the bounds still say so.

mod elementwise;
mod rows;

use crate::analysis::reach::Reach;
use crate::forest::{Forest, TreeNode};
use crate::matrix::{Matrix, MatrixRow, MatrixWeight};
use crate::module::{Int, Module, Value};
use crate::ops::IntOp;
use crate::types::Type;

pub use elementwise::{numerator, product};
pub use rows::prefixes;

/// Bounds are cut to plus and minus this, which no storage holds.
const LIMIT: i128 = 1 << 64;

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

    /// The least bounds that hold both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// The length of the interval.
    #[must_use]
    pub fn span(self) -> u128 {
        self.max.abs_diff(self.min)
    }

    /// The greatest magnitude.
    #[must_use]
    pub fn magnitude(self) -> u128 {
        self.min.unsigned_abs().max(self.max.unsigned_abs())
    }

    /// Bits of the greatest magnitude, without the sign.
    #[must_use]
    pub fn magnitude_bits(self) -> u32 {
        u128::BITS - self.magnitude().leading_zeros()
    }

    fn plus(self, other: Self) -> Self {
        Self { min: self.min + other.min, max: self.max + other.max }
    }

    fn minus(self, other: Self) -> Self {
        Self { min: self.min - other.max, max: self.max - other.min }
    }

    fn cut(self) -> Self {
        let limit = |x: i128| x.clamp(-LIMIT, LIMIT);
        Self { min: limit(self.min), max: limit(self.max) }
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
        ranges.extend(module);
        ranges
    }

    /// Analyses the nodes that `module` has got since.
    pub fn extend(&mut self, module: &Module<Int>) {
        for (_, node) in module.nodes.iter().skip(self.of_value.len()) {
            let bounds = self.of_op(module, &node.op, &node.ty);
            self.of_value.push(bounds.into_iter().map(Bounds::cut).collect());
        }
    }

    /// Bounds of the elements of `value`, row-major.
    #[must_use]
    pub fn of_value(&self, value: Value) -> &[Bounds] {
        &self.of_value[value.index()]
    }

    fn of_op(&self, module: &Module<Int>, op: &IntOp, ty: &Type) -> Vec<Bounds> {
        let elements = ty.shape.elements();
        let rows = |value: Value| rows::of(module, self, value);
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
            IntOp::Reshape { .. }
            | IntOp::Gather { .. }
            | IntOp::Concat { .. }
            | IntOp::Label { .. } => {
                let sources = module.sources(op).expect("the operation moves elements");
                sources.into_iter().map(|(value, i)| self.of_value(value)[i]).collect()
            }
            IntOp::Binary { function, a, b } => {
                self.pairs(module, [*a, *b], ty, |a, b| elementwise::binary(*function, a, b))
            }
            IntOp::Multiply { a, b, shift } => {
                self.pairs(module, [*a, *b], ty, |a, b| elementwise::multiply(a, b, *shift))
            }
            IntOp::Divide { a, b, shift } => {
                self.pairs(module, [*a, *b], ty, |a, b| elementwise::divide(a, b, *shift))
            }
            IntOp::Rescale { input, rounding } => {
                let from = module.ty(*input).elem;
                let of = |&x| elementwise::rescale(x, from, ty.elem, *rounding);
                self.of_value(*input).iter().map(of).collect()
            }
            IntOp::Select { a, b, .. } => self.pairs(module, [*a, *b], ty, Bounds::union),
            IntOp::Function { function, .. } => {
                let range = module.functions[*function].range;
                vec![Bounds { min: range.min.into(), max: range.max.into() }; elements]
            }
            IntOp::Linear { matrix, inputs } => self.linear(&module.matrices[*matrix], inputs),
            IntOp::Not { .. } | IntOp::Compare { .. } | IntOp::Greater { .. } => {
                vec![Bounds { min: 0, max: 1 }; elements]
            }
            IntOp::Reduce { function, input } => {
                rows(*input).map(|row| rows::reduce(*function, row)).collect()
            }
            IntOp::CumulativeSum { input } => rows(*input).flat_map(rows::prefixes).collect(),
            IntOp::ArgSort { input, .. } | IntOp::ArgMax { input, .. } => {
                let count = module.shape(*input).row() as i128;
                vec![Bounds { min: 0, max: count - 1 }; elements]
            }
            IntOp::Take { input, index } => {
                let row = self.of_value(*input);
                self.of_value(*index).iter().map(|&at| rows::taken(row, at)).collect()
            }
            IntOp::TakeAlong { input, indices } => {
                let pairs = rows(*input).zip(rows(*indices));
                pairs.flat_map(|(row, at)| at.iter().map(|&at| rows::taken(row, at))).collect()
            }
            IntOp::Lookup { values, .. } => {
                vec![hull(&module.constants[*values].elements); elements]
            }
            IntOp::TreeEnsemble { forest, .. } => {
                let sums = forest_sums(&module.forests[*forest]);
                sums.into_iter().map(|sum| sum.total).collect()
            }
        }
    }
}

/// Bounds of all of some numbers.
fn hull(numbers: &[i64]) -> Bounds {
    let all = numbers.iter().map(|&x| Bounds::exactly(x.into())).reduce(Bounds::union);
    all.unwrap_or(Bounds::exactly(0))
}

impl Ranges {
    fn linear(&self, matrix: &Matrix, inputs: &[Value]) -> Vec<Bounds> {
        let inputs = self.joined(inputs);
        matrix.rows.iter().map(|row| row_result(matrix, row, &inputs)).collect()
    }

    /// Bounds of the elements of values, one value after the other.
    #[must_use]
    pub fn joined(&self, values: &[Value]) -> Vec<Bounds> {
        values.iter().flat_map(|&value| self.of_value(value)).copied().collect()
    }

    /// The bounds that meet in each element of a result of type `ty`, combined.
    fn pairs(
        &self,
        module: &Module<Int>,
        operands: [Value; 2],
        ty: &Type,
        combine: impl Fn(Bounds, Bounds) -> Bounds,
    ) -> Vec<Bounds> {
        let [a, b] = operands.map(|operand| {
            let bounds = self.of_value(operand);
            let positions = module.shape(operand).positions_in(&ty.shape);
            positions.into_iter().map(move |i| bounds[i])
        });
        a.zip(b).map(|(a, b)| combine(a, b)).collect()
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

/// Bounds of the result of a row of a linear map whose inputs have the bounds `inputs`.
#[must_use]
pub fn row_result(matrix: &Matrix, row: &MatrixRow, inputs: &[Bounds]) -> Bounds {
    let mut narrow = Bounds::exactly(row.base.into());
    let mut wide = Bounds::exactly(matrix.half().into());
    for MatrixWeight { input, weight } in &row.weights {
        let term = product(inputs[*input as usize], Bounds::exactly((*weight).into()));
        let sum = if matrix.is_wide(*input) { &mut wide } else { &mut narrow };
        *sum = sum.plus(term);
    }
    let low_bits = matrix.low_bits;
    narrow.plus(Bounds { min: wide.min >> low_bits, max: wide.max >> low_bits })
}

/// Bounds of what a row of a linear map computes on the way, in whatever order
/// it adds: the sum over narrow inputs and the high parts of wide ones, and that
/// over the low parts.
#[must_use]
pub fn row_steps(matrix: &Matrix, row: &MatrixRow, inputs: &[Bounds]) -> [Bounds; 2] {
    let mut high = Bounds::exactly(row.base.into());
    let mut low = Bounds::exactly(matrix.half().into());
    let add = |sum: &mut Bounds, part: Bounds, weight: i64| {
        let term = product(part, Bounds::exactly(weight.into()));
        sum.min = (sum.min + term.min.min(0)).max(-LIMIT);
        sum.max = (sum.max + term.max.max(0)).min(LIMIT);
    };
    let low_bits = matrix.low_bits;
    for MatrixWeight { input, weight } in &row.weights {
        let bounds = inputs[*input as usize];
        if matrix.is_wide(*input) {
            let whole = Bounds { min: bounds.min >> low_bits, max: bounds.max >> low_bits };
            add(&mut high, whole, *weight);
            add(&mut low, Bounds { min: 0, max: (1 << low_bits) - 1 }, *weight);
        } else {
            add(&mut high, bounds, *weight);
        }
    }
    [high, low]
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

#[cfg(test)]
mod tests;

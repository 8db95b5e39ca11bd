//! Bounds on what rounding to fixed point changes in the values of an integer
//! module, against exact arithmetic on the weights of the model.
//!
//! Forest weights round once each and sums of integers are exact, so the error
//! of a sum is at most the error of its leaves (Higham, Accuracy and Stability
//! of Numerical Algorithms, section 3.1, with no error in the additions).

use crate::module::{Int, Module, Value};
use crate::ops::IntOp;
use crate::types::ElementType;

/// Error bound of each element of each value, in real units.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounding {
    of_value: Vec<Vec<f64>>,
}

impl Rounding {
    /// Analyses a module whose handles and shapes are sound.
    #[must_use]
    pub fn of(module: &Module<Int>) -> Self {
        let mut rounding = Self { of_value: Vec::with_capacity(module.nodes.len()) };
        for (_, node) in module.nodes.iter() {
            let bounds = rounding.of_op(module, &node.op, node.ty.shape.elements());
            rounding.of_value.push(bounds);
        }
        rounding
    }

    /// Bounds of the elements of `value`, row-major. 0 where the value is
    /// exact; decisions (`bool`, classes, labels) have no error of their own.
    #[must_use]
    pub fn of_value(&self, value: Value) -> &[f64] {
        &self.of_value[value.index()]
    }

    fn of_op(&self, module: &Module<Int>, op: &IntOp, elements: usize) -> Vec<f64> {
        match op {
            IntOp::Input { .. }
            | IntOp::Constant { .. }
            | IntOp::Greater { .. }
            | IntOp::ArgMax { .. }
            | IntOp::Label { .. } => vec![0.0; elements],
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
                (0..elements).map(|i| sum_up(a[i % a.len()], b[i % b.len()])).collect()
            }
            IntOp::TreeEnsemble { forest, .. } => {
                let forest = &module.forests[*forest];
                let half_units = forest.rounding_half_units.iter();
                half_units.map(|&halves| from_half_units(halves, forest.elem)).collect()
            }
        }
    }
}

/// The sum of two bounds, rounded up; nothing to round if one is 0.
fn sum_up(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { a + b } else { (a + b).next_up() }
}

/// `halves` half units of the last place of `elem`, rounded up.
fn from_half_units(halves: u64, elem: ElementType) -> f64 {
    let ElementType::Fixed { frac_bits, .. } = elem else { return 0.0 };
    // Exact for fewer than 2^53 halves, far above `limits::LEAF_WEIGHTS_MAX`.
    halves as f64 * f64::exp2(-1.0 - f64::from(frac_bits))
}

//! Error bounds of shares: powers over their sum, as a softmax is computed.
//!
//! Of positive functions `f` whose logarithms have a slope of at most `L`, where no
//! argument moves by more than `e`, the share `p = f(x) / max(sum of all f, c)` is
//! between 0 and 1, and moves by at most `2 p (1 - p) L e` where the sum is greater
//! than `c`, by at most `p L e` where it is not: by `L e` at most, however many there
//! are, and never by more than 1.
//!
//! What is stored moves it further: `f` by its error `d`, the sum of `n` of them by
//! `n d`, and rounding the sum by `r`; as `p <= 1`, by at most
//! `(d + n d + r) / least stored sum`.

use super::{Given, Operand, product_up, sum_up, unit};
use crate::function::Function;
use crate::module::Value;
use crate::ops::{IntBinary, IntOp, IntReduction, Rounding};

impl Given<'_> {
    /// The bound of each quotient of `a` and `b` before it is rounded, if `a` are
    /// positive functions of one row, and `b` is their sum or a constant that is
    /// greater.
    pub(super) fn share(&self, a: Value, b: Value) -> Option<f64> {
        let IntOp::Function { function, input } = self.module.node(a).op else { return None };
        let Function { error, log_slope, reach, .. } = self.module.functions[function];
        let moved = self.error(input).iter().copied().fold(0.0, f64::max);
        if !log_slope.is_finite() || moved > reach || !self.is_one_row(a) {
            return None;
        }
        let rounded = self.sum_of(b, a)?;
        let least = self.operands(b).map(least).fold(f64::INFINITY, f64::min);
        if least <= 0.0 {
            return None;
        }
        let terms = self.module.shape(a).elements() as f64;
        let stored = sum_up(product_up(terms + 1.0, error), rounded);
        Some(sum_up(product_up(log_slope, moved).min(1.0), (stored / least).next_up()))
    }

    /// What `value`, which is the sum of all elements of `of` or a constant that is
    /// greater, was rounded by on the way.
    fn sum_of(&self, value: Value, of: Value) -> Option<f64> {
        let node = self.module.node(value);
        match node.op {
            IntOp::Reduce { function: IntReduction::Sum, input } => (input == of).then_some(0.0),
            IntOp::Reshape { input } => self.sum_of(input, of),
            IntOp::Rescale { input, rounding: Rounding::Nearest } => {
                let rounding = 0.5 * unit(node.ty.elem);
                Some(sum_up(self.sum_of(input, of)?, rounding))
            }
            IntOp::Binary { function: IntBinary::Maximum, a, b } => {
                let is_constant =
                    |value: Value| matches!(self.module.node(value).op, IntOp::Constant { .. });
                match (is_constant(a), is_constant(b)) {
                    (false, true) => self.sum_of(a, of),
                    (true, false) => self.sum_of(b, of),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn is_one_row(&self, value: Value) -> bool {
        let shape = self.module.shape(value);
        shape.row() == shape.elements()
    }
}

/// The least that is stored, in real units.
fn least(operand: Operand) -> f64 {
    (operand.bounds.min as f64).next_down() * unit(operand.elem)
}

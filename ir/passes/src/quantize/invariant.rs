//! Numbers that no input changes: what a model computes from constants alone, and
//! sums of columns whose weights are all 0, as a regression has them that found
//! nothing to learn.
//!
//! Obligation: an element is within its row's `rounding` of the real number that
//! it is for every input.

use super::weights::{FRAC_BITS_MAX, SUM_BITS, integer_bits};
use super::{QuantizeError, Quantizer, format};
use skxc_ir::analysis::real_ranges::{Range, RealRanges};
use skxc_ir::interpret::Enclosure;
use skxc_ir::matrix::MatrixRow;
use skxc_ir::module::{Module, Real, Value};
use skxc_ir::ops::RealOp;

/// Is `value` made of floats, computed, and the same for every input? Sums of
/// trees are left to the forests.
pub(super) fn is_invariant(module: &Module<Real>, ranges: &RealRanges, value: Value) -> bool {
    let is_computed = match module.node(value).op {
        RealOp::Constant { .. } | RealOp::Input { .. } | RealOp::TreeEnsemble { .. } => false,
        _ => module.ty(value).elem.is_float(),
    };
    let is_known = |range: &Range| match range {
        Range::Number(number) => number.is_narrow(),
        Range::Integer(..) => false,
    };
    is_computed && ranges.of_value(value).iter().all(is_known)
}

impl Quantizer<'_> {
    /// An invariant value, in the least format that holds it exactly, or else in the
    /// finest, with its rounding counted.
    pub(super) fn invariant(&mut self, value: Value) -> Option<Value> {
        let numbers = self.invariant_numbers(value);
        let magnitude = numbers.iter().map(|x| x.lower().abs().max(x.upper().abs()));
        let magnitude = magnitude.fold(f64::MIN_POSITIVE, f64::max);
        let finest = (i32::from(SUM_BITS) - integer_bits(magnitude)).min(FRAC_BITS_MAX);
        let Ok(finest) = u8::try_from(finest) else {
            let node = self.real.onnx_node(value);
            self.errors.push(QuantizeError::TooLarge { node, magnitude });
            return None;
        };
        let rows_in = |frac_bits| numbers.iter().map(move |x| row(x, frac_bits));
        let is_exact = |frac_bits: &u8| rows_in(*frac_bits).all(|row| row.rounding == 0.0);
        let exactly = (0..=finest).find(is_exact);
        let frac_bits = exactly.unwrap_or(finest);
        let rows: Vec<MatrixRow> = rows_in(frac_bits).collect();
        let (elem, shape) = (format(frac_bits), self.real.shape(value).clone());
        if exactly.is_some() {
            let elements = rows.iter().map(|row| row.base).collect();
            return Some(self.push_constant(value, elements, elem, &shape));
        }
        let whole = self.push_numbers(value, elem, rows);
        Some(self.reshape(whole, &shape, self.real.node(value).origin))
    }

    fn invariant_numbers(&self, value: Value) -> Vec<Enclosure> {
        let number = |range: &Range| match range {
            Range::Number(number) => number.clone(),
            Range::Integer(..) => unreachable!("an invariant value is made of floats"),
        };
        self.real_ranges.of_value(value).iter().map(number).collect()
    }
}

/// A number as a row of a linear map without inputs.
fn row(number: &Enclosure, frac_bits: u8) -> MatrixRow {
    let below = number.units_below(frac_bits);
    let nearest = [below, below + 1].map(|units| (number.distance_max(units, frac_bits), units));
    let [first, second] = nearest;
    let (rounding, base) = if second.0 < first.0 { second } else { first };
    MatrixRow { base, weights: Vec::new(), rounding }
}

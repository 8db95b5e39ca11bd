//! Tables: chains of operations on one number, and softmax.

use super::{Quantizer, chains::Chain, format};
use crate::quantize::weights::{FRAC_BITS_MAX, SUM_BITS, integer_bits};
use skxc_ir::analysis::ranges::Bounds;
use skxc_ir::arena::Handle;
use skxc_ir::function::{Expression, Function, Request, tabulate};
use skxc_ir::module::{Interval, Value};
use skxc_ir::ops::{IntBinary, IntOp, IntReduction, Unary};
use skxc_ir::types::{Shape, Type};

/// Bits of the span of results: a table is within some 2^-36 of it.
const RESULT_BITS: i32 = 40;

impl Quantizer<'_> {
    /// The value at the end of a chain.
    pub(super) fn chain(&mut self, value: Value, chain: &Chain) -> Option<Value> {
        let origin = self.real.node(value).origin;
        match chain {
            Chain::Each(input, expression) => {
                let x = self.own_format(value, *input)?;
                let x = self.within_reals(value, *input, x);
                let reals = self.reals(*input);
                let result = self.function(value, x, reals, expression)?;
                Some(self.reshape(result, self.real.shape(value), origin))
            }
            Chain::Several(parts) => {
                let results = parts.iter().map(|part| {
                    let x = self.element(value, part.input, part.element)?;
                    let reals = self.reals(part.input);
                    self.function(value, x, reals, &part.expression)
                });
                let results: Vec<Value> = results.collect::<Option<_>>()?;
                let frac_bits = results.iter().map(|&result| self.frac_bits(result)).min()?;
                let parts = results.into_iter().map(|part| self.rescaled(value, part, frac_bits));
                let inputs: Vec<Value> = parts.collect();
                let ty = Type::new(format(frac_bits), &[1, inputs.len() as u32]);
                let whole = self.int.push(IntOp::Concat { inputs }, ty, origin);
                Some(self.reshape(whole, self.real.shape(value), origin))
            }
        }
    }

    /// One element of a translated value.
    fn element(&mut self, user: Value, input: Value, element: usize) -> Option<Value> {
        let origin = self.real.node(user).origin;
        let row = self.own_format(user, input)?;
        let elem = self.int.ty(row).elem;
        let width = self.int.shape(row).elements() as u32;
        let row = self.reshape(row, &Shape(vec![1, width]), origin);
        let gather = IntOp::Gather { input: row, indices: vec![element as u32] };
        let x = self.int.push(gather, Type::new(elem, &[1, 1]), origin);
        Some(self.within_reals(user, input, x))
    }

    /// A function of each element of an integer value, which stands for numbers
    /// within `reals`.
    fn function(
        &mut self,
        user: Value,
        x: Value,
        reals: (f64, f64),
        expression: &Expression,
    ) -> Option<Value> {
        let (x, function) = match self.table(x, reals, expression, 0.0) {
            Some(function) => (x, function),
            None => match self.table_from(user, x, reals, expression) {
                Some(found) => found,
                None => return self.no_form(user, user),
            },
        };
        let elem = self.int.functions[function].output;
        Some(self.push_beside(user, x, elem, IntOp::Function { function, input: x }))
    }

    /// A table over inputs from some small number on, where the function is steep
    /// or ends at 0, as roots do, and what smaller inputs are off by.
    fn table_from(
        &mut self,
        user: Value,
        x: Value,
        reals: (f64, f64),
        expression: &Expression,
    ) -> Option<(Value, Handle<Function>)> {
        self.ranges.extend(&self.int);
        self.rounding.extend(&self.int, &self.ranges);
        let bounds = self.ranges.of_value(x).iter().copied().reduce(|a, b| a.union(b))?;
        if bounds.min < 0 || bounds.max <= 1 {
            return None;
        }
        let reach = self.rounding.of_value(x).iter().copied().fold(0.0, f64::max);
        let unit = f64::exp2(-f64::from(self.frac_bits(x)));
        let least = (4.0 * reach / unit).ceil().max(1.0);
        let end = least * unit;
        let (min, max) = expression.bounds(0.0, end);
        if !(max - min).is_finite() || least >= bounds.max as f64 {
            return None;
        }
        let x = self.at_least(user, x, least as i64);
        let reals = (reals.0.max(end), reals.1.max(end));
        let function = self.table(x, reals, expression, (max - min).next_up())?;
        Some((x, function))
    }

    /// The table of a function over all that `x` can be; `excess` is added to its
    /// error.
    fn table(
        &mut self,
        x: Value,
        reals: (f64, f64),
        expression: &Expression,
        excess: f64,
    ) -> Option<Handle<Function>> {
        self.ranges.extend(&self.int);
        self.rounding.extend(&self.int, &self.ranges);
        let bounds = self.ranges.of_value(x).iter().copied().reduce(|a, b| a.union(b))?;
        let domain =
            Interval::new(i64::try_from(bounds.min).ok()?, i64::try_from(bounds.max).ok()?);
        let reach = self.rounding.of_value(x).iter().copied().fold(0.0, f64::max);
        let input = self.int.ty(x).elem;
        let request = Request { input, domain, reach, reals, output: input };
        let (from, to) = request.numbers();
        let (min, max) = expression.bounds(from, to);
        let magnitude = min.abs().max(max.abs());
        if !magnitude.is_finite() {
            return None;
        }
        let span = (max - min).max(f64::MIN_POSITIVE);
        let fits = i32::from(SUM_BITS) - 1 - integer_bits(magnitude.max(f64::MIN_POSITIVE));
        let frac_bits = fits.min(RESULT_BITS - integer_bits(span)).min(FRAC_BITS_MAX);
        let output = format(u8::try_from(frac_bits).ok()?);
        let request = Request { output, ..request };
        let mut function = tabulate(expression, &request).ok()?;
        if excess > 0.0 {
            function.error = (function.error + excess).next_up();
        }
        let known = self.int.functions.iter().find(|(_, known)| **known == function);
        Some(match known {
            Some((handle, _)) => handle,
            None => self.int.functions.push(function),
        })
    }

    /// `e^(x - m) / sum of e^(x - m)` along the last axis, with `m` its greatest
    /// element: every power is at most 1, and their sum at least that.
    pub(super) fn softmax(&mut self, value: Value, input: Value) -> Option<Value> {
        let x = self.own_format(value, input)?;
        let x = self.with_differences(value, x);
        let (elem, origin) = (self.int.ty(x).elem, self.real.node(value).origin);
        let shape = self.int.shape(x).clone();
        let mut one_a_row = shape.clone();
        *one_a_row.0.last_mut()? = 1;
        let mut rows = shape.clone();
        rows.0.pop();
        let reduce = IntOp::Reduce { function: IntReduction::Maximum, input: x };
        let greatest = self.int.push(reduce, Type { elem, shape: rows.clone() }, origin);
        let greatest = self.reshape(greatest, &one_a_row, origin);
        let less = IntOp::Binary { function: IntBinary::Subtract, a: x, b: greatest };
        let less = self.int.push(less, Type { elem, shape: shape.clone() }, origin);
        let zero = self.number_beside(value, less, 0);
        // Nothing is above the greatest, which bounds do not show.
        let less = IntOp::Binary { function: IntBinary::Minimum, a: less, b: zero };
        let less = self.int.push(less, Type { elem, shape }, origin);
        let powers =
            self.function(value, less, (f64::NEG_INFINITY, 0.0), &Expression::of(Unary::Exp))?;
        self.normalised(value, powers, &rows, &one_a_row)
    }

    /// The value with so many bits behind the point that the difference of any
    /// two of its elements fits too.
    fn with_differences(&mut self, user: Value, x: Value) -> Value {
        self.fitting(user, x, |bounds| bounds.max.abs_diff(bounds.min))
    }

    /// The value with so many bits behind the point that the sum of any `count` of
    /// its elements fits too.
    fn with_sums(&mut self, user: Value, x: Value, count: usize) -> Value {
        self.fitting(user, x, |bounds| {
            bounds.max.unsigned_abs().max(bounds.min.unsigned_abs()).saturating_mul(count as u128)
        })
    }

    /// The value with so many bits behind the point that a number fits which
    /// `greatest` makes of its bounds, in its units.
    fn fitting(&mut self, user: Value, x: Value, greatest: impl Fn(Bounds) -> u128) -> Value {
        self.ranges.extend(&self.int);
        let bounds = self.ranges.of_value(x).iter().copied().reduce(|a, b| a.union(b));
        let bits = u128::BITS - bounds.map_or(0, greatest).leading_zeros();
        let excess = bits.saturating_sub(u32::from(SUM_BITS)) as u8;
        self.rescaled(user, x, self.frac_bits(x).saturating_sub(excess))
    }

    /// Each of some powers over the sum of its row, which holds a power of 1.
    fn normalised(
        &mut self,
        value: Value,
        powers: Value,
        rows: &Shape,
        one_a_row: &Shape,
    ) -> Option<Value> {
        let powers = self.with_sums(value, powers, self.real.shape(value).row());
        let (elem, origin) = (self.int.ty(powers).elem, self.real.node(value).origin);
        let reduce = IntOp::Reduce { function: IntReduction::Sum, input: powers };
        let sum = self.int.push(reduce, Type { elem, shape: rows.clone() }, origin);
        let sum = self.reshape(sum, one_a_row, origin);
        let one = 1_i64.checked_shl(self.frac_bits(powers).into())?;
        let one = self.number_beside(value, sum, one);
        let at_least = IntOp::Binary { function: IntBinary::Maximum, a: sum, b: one };
        let sum = self.int.push(at_least, Type { elem, shape: one_a_row.clone() }, origin);
        let sum = self.as_denominator(value, sum)?;
        Some(self.quotient(value, powers, sum))
    }
}

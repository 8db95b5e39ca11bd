//! What is computed from sums and from decisions, operation by operation.
//!
//! Each value has the finest format that its operands and its own bounds allow;
//! the bounds are those of the integer module, which the validator proves again.
//! Where an operand must lose bits, [`IntOp::Rescale`] says so, and
//! [`skxc_ir::analysis::rounding`] counts it; constants that no format holds
//! exactly come through one, too.

use super::{Key, Quantizer, format, is_integer};
use crate::quantize::weights::{FRAC_BITS_MAX, SUM_BITS, integer_bits};
use skxc_ir::analysis::affine::Kind;
use skxc_ir::analysis::ranges::Bounds;
use skxc_ir::function::EVERYTHING;
use skxc_ir::limits;
use skxc_ir::matrix::{Matrix, MatrixRow};
use skxc_ir::module::{Constant, Value};
use skxc_ir::ops::{
    Binary, IntBinary, IntOp, IntReduction, RealOp, Reduction, Relation, Rounding, Unary,
};
use skxc_ir::ratio::Ratio;
use skxc_ir::types::{ElementType, Shape, Type};

/// Bits of a factor that has more: the shift of a product is at most 62.
const FACTOR_BITS: u32 = 60;
/// Bits of a denominator that has more.
const DENOMINATOR_BITS: u32 = SUM_BITS as u32 / 2;

/// A float operand.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// A fixed-point value.
    Fixed(Value),
    /// Numbers, in whatever format is asked for.
    Constant(Vec<Ratio>, Shape),
}

/// What rounding a number to the nearest unit changes at most, in units: a half, and
/// what the 74 bits of a factor ([`skxc_ir::ratio::Scale`]) do not hold.
const ROUNDED_UNIT: f64 = 0.5 + 1.0 / 1024.0;

impl Quantizer<'_> {
    /// Translates an operation that neither moves elements nor decides on sums.
    pub(super) fn computed(&mut self, value: Value) -> Option<Value> {
        let op = self.real.node(value).op.clone();
        match op {
            RealOp::Concat { inputs } => self.concat(value, &inputs),
            RealOp::Cast { input } => self.cast(value, input),
            RealOp::Unary { function, input } => self.unary(value, function, input),
            RealOp::Binary { function, a, b } => self.binary(value, function, a, b),
            RealOp::Select { condition, a, b } => {
                let condition = self.operand(condition)?;
                let [a, b] = self.in_common(value, [a, b], 0)?;
                let elem = self.int.ty(a).elem;
                Some(self.push_as(value, elem, IntOp::Select { condition, a, b }))
            }
            RealOp::Reduce { function, input } => self.reduce(value, function, input),
            RealOp::CumulativeSum { input } => {
                let width = self.real.shape(input).row();
                let [input] = self.in_common(value, [input], bits_of(width))?;
                let elem = self.int.ty(input).elem;
                Some(self.push_as(value, elem, IntOp::CumulativeSum { input }))
            }
            RealOp::ArgSort { input, first } => {
                let [input] = self.in_common(value, [input], 0)?;
                Some(self.push_like(value, IntOp::ArgSort { input, first }))
            }
            RealOp::ArgMin { input } => {
                let margin = match self.sums.get(&Key::Value(input)) {
                    Some(computed) => self.margin_of_rows(input, computed),
                    None => 0,
                };
                let [row] = self.in_common(value, [input], 0)?;
                let row = self.negated(value, row);
                Some(self.push_like(value, IntOp::ArgMax { input: row, margin }))
            }
            RealOp::Take { input, index } => {
                let index = self.operand(index)?;
                let [input] = self.in_common(value, [input], 0)?;
                let elem = self.int.ty(input).elem;
                Some(self.push_as(value, elem, IntOp::Take { input, index }))
            }
            RealOp::TakeAlong { input, indices } => {
                let indices = self.operand(indices)?;
                let [input] = self.in_common(value, [input], 0)?;
                let elem = self.int.ty(input).elem;
                Some(self.push_as(value, elem, IntOp::TakeAlong { input, indices }))
            }
            RealOp::Softmax { input } => self.softmax(value, input),
            RealOp::Input { .. }
            | RealOp::Constant { .. }
            | RealOp::Reshape { .. }
            | RealOp::Gather { .. }
            | RealOp::Compare { .. }
            | RealOp::MatMul { .. }
            | RealOp::Lookup { .. }
            | RealOp::TreeEnsemble { .. }
            | RealOp::ArgMax { .. }
            | RealOp::Label { .. } => self.no_form(value, value),
        }
    }

    pub(super) fn no_form(&mut self, user: Value, operand: Value) -> Option<Value> {
        self.refuse(user, operand);
        None
    }

    /// A node of this element type, with the shape and the origin of a real one.
    pub(super) fn push_as(&mut self, like: Value, elem: ElementType, op: IntOp) -> Value {
        let ty = self.shaped(like, elem);
        self.int.push(op, ty, self.real.node(like).origin)
    }

    /// A node with the type of an integer one, and the origin of a real one.
    pub(super) fn push_beside(
        &mut self,
        user: Value,
        like: Value,
        elem: ElementType,
        op: IntOp,
    ) -> Value {
        let ty = Type { elem, shape: self.int.shape(like).clone() };
        self.int.push(op, ty, self.real.node(user).origin)
    }

    /// An operand of an operation on numbers.
    fn float(&self, value: Value) -> Option<Operand> {
        if self.affine.kind(value) == Kind::Constant {
            let shape = self.real.shape(value).clone();
            let numbers = (0..shape.elements()).map(|i| self.affine.form(value, i).constant);
            return Some(Operand::Constant(numbers.collect(), shape));
        }
        self.operand(value).map(Operand::Fixed)
    }

    /// A value that is the same for every row, in a format of its own: an
    /// output, or a class.
    pub(super) fn known(&mut self, value: Value) -> Option<Value> {
        let Some(Operand::Constant(numbers, shape)) = self.float(value) else { return None };
        let elem = self.real.ty(value).elem;
        if is_integer(elem) {
            let elements = numbers.iter().map(|number| number.floor_units(0).0).collect();
            return Some(self.push_constant(value, elements, elem, &shape));
        }
        let frac_bits = u8::try_from(constant_frac_bits(&numbers)).ok()?;
        Some(self.constant(value, &numbers, &shape, frac_bits.saturating_sub(1)))
    }

    /// Magnitude bits that the elements of an integer value can take.
    pub(super) fn bits(&mut self, value: Value) -> u32 {
        self.ranges.extend(&self.int);
        let bounds = self.ranges.of_value(value).iter();
        bounds.map(|bounds| bounds.magnitude_bits()).max().unwrap_or(0)
    }

    /// Operands in one format, in which `headroom` bits stay free; integers and
    /// truth values are what they are.
    pub(super) fn in_common<const N: usize>(
        &mut self,
        user: Value,
        operands: [Value; N],
        headroom: u32,
    ) -> Option<[Value; N]> {
        let values = self.all_in_common(user, &operands, headroom)?;
        Some(std::array::from_fn(|i| values[i]))
    }

    fn all_in_common(
        &mut self,
        user: Value,
        operands: &[Value],
        headroom: u32,
    ) -> Option<Vec<Value>> {
        if operands.iter().all(|&operand| is_integer(self.real.ty(operand).elem)) {
            return operands.iter().map(|&operand| self.operand(operand)).collect();
        }
        let floats: Option<Vec<Operand>> =
            operands.iter().map(|&operand| self.float(operand)).collect();
        let floats = floats?;
        let mut finest = 0;
        let mut allowed = FRAC_BITS_MAX;
        for float in &floats {
            let (frac_bits, room) = self.precision(float);
            finest = finest.max(frac_bits);
            allowed = allowed.min(frac_bits + room - headroom as i32);
        }
        let frac_bits = finest.min(allowed);
        if frac_bits < 0 {
            self.refuse(user, user);
            return None;
        }
        Some(floats.iter().map(|float| self.in_format(user, float, frac_bits as u8)).collect())
    }

    /// Fraction bits of an operand that are worth having, and how many more its
    /// magnitude allows.
    fn precision(&mut self, operand: &Operand) -> (i32, i32) {
        match operand {
            Operand::Fixed(value) => {
                let room = i32::from(SUM_BITS) - self.bits(*value) as i32;
                (i32::from(self.frac_bits(*value)), room)
            }
            Operand::Constant(numbers, _) => {
                let allowed = constant_frac_bits(numbers);
                let needed = numbers.iter().map(Ratio::fraction_bits).collect::<Option<Vec<_>>>();
                let needed = needed.and_then(|needed| needed.into_iter().max());
                let frac_bits = needed.map_or(allowed, |needed| allowed.min(needed as i32));
                (frac_bits, allowed - frac_bits)
            }
        }
    }

    pub(super) fn frac_bits(&self, value: Value) -> u8 {
        self.int.ty(value).elem.frac_bits()
    }

    fn in_format(&mut self, user: Value, operand: &Operand, frac_bits: u8) -> Value {
        match operand {
            Operand::Fixed(value) => self.rescaled(user, *value, frac_bits),
            Operand::Constant(numbers, shape) => self.constant(user, numbers, shape, frac_bits),
        }
    }

    /// The same number with so many fraction bits, rounded to nearest.
    pub(super) fn rescaled(&mut self, user: Value, value: Value, frac_bits: u8) -> Value {
        let elem = format(frac_bits);
        if self.int.ty(value).elem == elem {
            return value;
        }
        self.rounded(user, value, elem, Rounding::Nearest)
    }

    /// The same number in another format, in steps where a shift would be too far.
    /// What has 62 bits is then below half a unit of the format: steps give what
    /// one shift would, but that to nearest it may be a unit, which is counted as
    /// the rounding of both.
    fn rounded(
        &mut self,
        user: Value,
        mut value: Value,
        elem: ElementType,
        rounding: Rounding,
    ) -> Value {
        let to = elem.frac_bits();
        loop {
            let from = self.frac_bits(value);
            let (least, most) =
                (from.saturating_sub(limits::SHIFT_MAX), from.saturating_add(limits::SHIFT_MAX));
            let step = to.clamp(least, most);
            let next = if step == to { elem } else { format(step) };
            let op = IntOp::Rescale { input: value, rounding };
            value = self.push_beside(user, value, next, op);
            if step == to {
                return value;
            }
        }
    }

    /// A constant in a format. What the format does not hold exactly is written
    /// in the finest format of each element and rescaled, so that the rounding
    /// is counted; and so is that to the finest format.
    fn constant(&mut self, user: Value, numbers: &[Ratio], shape: &Shape, frac_bits: u8) -> Value {
        let exact = |number: &Ratio, frac_bits| number.floor_units(frac_bits);
        let units = numbers.iter().map(|number| exact(number, frac_bits));
        if units.clone().all(|(_, exact)| exact) {
            let elements = units.map(|(units, _)| units).collect();
            return self.push_constant(user, elements, format(frac_bits), shape);
        }
        let row = Shape(vec![1, 1]);
        let parts = numbers.iter().map(|number| {
            let finest = constant_frac_bits(std::slice::from_ref(number)).max(frac_bits.into());
            let finest = finest as u8;
            let (units, is_exact) = number.scale().units(1.0, finest);
            let part = if is_exact {
                self.push_constant(user, vec![units], format(finest), &row)
            } else {
                let rounding = ROUNDED_UNIT * (-f64::from(finest)).exp2();
                let row = MatrixRow { base: units, weights: Vec::new(), rounding };
                self.push_numbers(user, format(finest), vec![row])
            };
            self.rescaled(user, part, frac_bits)
        });
        let parts: Vec<Value> = parts.collect();
        let origin = self.real.node(user).origin;
        let whole = match parts[..] {
            [part] => part,
            _ => {
                let ty = Type::new(format(frac_bits), &[1, numbers.len() as u32]);
                self.int.push(IntOp::Concat { inputs: parts }, ty, origin)
            }
        };
        self.reshape(whole, shape, origin)
    }

    /// Numbers that no input changes, whose rounding is counted: a row of a linear map
    /// without inputs each.
    pub(super) fn push_numbers(
        &mut self,
        user: Value,
        elem: ElementType,
        rows: Vec<MatrixRow>,
    ) -> Value {
        let ty = Type::new(elem, &[1, rows.len() as u32]);
        let matrix = Matrix { elem, low_bits: 0, wide: Vec::new(), inputs: 0, rows };
        let matrix = self.int.matrices.push(matrix);
        let op = IntOp::Linear { matrix, inputs: Vec::new() };
        self.int.push(op, ty, self.real.node(user).origin)
    }

    pub(super) fn push_constant(
        &mut self,
        user: Value,
        elements: Vec<i64>,
        elem: ElementType,
        shape: &Shape,
    ) -> Value {
        let ty = Type { elem, shape: shape.clone() };
        let constant = self.int.constants.push(Constant { ty: ty.clone(), elements });
        self.int.push(IntOp::Constant { constant }, ty, self.real.node(user).origin)
    }

    /// A stored number in the format of `x`, beside which it stands in an operation.
    pub(super) fn number_beside(&mut self, user: Value, x: Value, stored: i64) -> Value {
        self.push_constant(user, vec![stored], self.int.ty(x).elem, &self.one_beside(x))
    }

    /// The shape of one element that meets all elements of `x` and adds no axis to it.
    fn one_beside(&self, x: Value) -> Shape {
        let axes = self.int.shape(x).0.len();
        Shape(vec![1; axes.min(1)])
    }

    /// `0 - x`.
    fn negated(&mut self, user: Value, x: Value) -> Value {
        let elem = self.int.ty(x).elem;
        let zero = self.number_beside(user, x, 0);
        let op = IntOp::Binary { function: IntBinary::Subtract, a: zero, b: x };
        self.push_beside(user, x, elem, op)
    }

    /// `x`, or a stored number where that is greater.
    pub(super) fn at_least(&mut self, user: Value, x: Value, least: i64) -> Value {
        self.bounded(user, x, IntBinary::Maximum, least)
    }

    fn bounded(&mut self, user: Value, x: Value, function: IntBinary, end: i64) -> Value {
        let elem = self.int.ty(x).elem;
        let end = self.number_beside(user, x, end);
        self.push_beside(user, x, elem, IntOp::Binary { function, a: x, b: end })
    }

    /// What any element of a value of the model can be over the reals.
    pub(super) fn reals(&self, value: Value) -> (f64, f64) {
        self.real_ranges.hull(value).unwrap_or(EVERYTHING)
    }

    /// The translated `value` within what it can be over the reals: bounds of
    /// integers do not show that squares are positive, nor what sums leave out.
    pub(super) fn within_reals(&mut self, user: Value, value: Value, x: Value) -> Value {
        let (min, max) = self.reals(value);
        let unit = f64::exp2(-f64::from(self.frac_bits(x)));
        self.ranges.extend(&self.int);
        let bounds = self.ranges.of_value(x).iter().copied().reduce(Bounds::union);
        let Some(Bounds { min: least, max: most }) = bounds else { return x };
        let (low, high) = ((min / unit).floor(), (max / unit).ceil());
        let mut x = x;
        if (least as f64) < low {
            x = self.at_least(user, x, low as i64);
        }
        if (most as f64) > high {
            x = self.bounded(user, x, IntBinary::Minimum, high as i64);
        }
        x
    }

    fn concat(&mut self, value: Value, inputs: &[Value]) -> Option<Value> {
        let inputs = self.all_in_common(value, inputs, 0)?;
        let elem = self.int.ty(*inputs.first()?).elem;
        Some(self.push_as(value, elem, IntOp::Concat { inputs }))
    }

    /// Between floats nothing is rounded; to integers as the model does.
    fn cast(&mut self, value: Value, input: Value) -> Option<Value> {
        let (from, to) = (self.real.ty(input).elem, self.real.ty(value).elem);
        let new = self.operand(input)?;
        Some(match (from, to) {
            (from, to) if from == to || (from.is_float() && to.is_float()) => new,
            (_, to) if to.is_float() => {
                if matches!(from, ElementType::I64) && self.bits(new) > exact_bits(to) {
                    return self.no_form(value, input);
                }
                self.rescaled(value, new, 0)
            }
            (_, ElementType::Bool) => {
                let zero = self.number_beside(value, new, 0);
                let op = IntOp::Compare { relation: Relation::Equal, a: new, b: zero };
                let is_zero = self.push_like(value, op);
                self.push_like(value, IntOp::Not { input: is_zero })
            }
            (_, ElementType::I64) => self.rounded(value, new, ElementType::I64, Rounding::Truncate),
            _ => return self.no_form(value, input),
        })
    }

    fn unary(&mut self, value: Value, function: Unary, input: Value) -> Option<Value> {
        let x = self.operand(input)?;
        let elem = self.int.ty(x).elem;
        Some(match function {
            Unary::Not => self.push_like(value, IntOp::Not { input: x }),
            Unary::Negate => self.negated(value, x),
            Unary::Absolute => {
                let negative = self.negated(value, x);
                let op = IntOp::Binary { function: IntBinary::Maximum, a: x, b: negative };
                let magnitude = self.push_as(value, elem, op);
                // Bounds do not show that one of both is not negative.
                self.at_least(value, magnitude, 0)
            }
            Unary::Relu => self.at_least(value, x, 0),
            Unary::Floor => self.rounded(value, x, format(0), Rounding::Floor),
            Unary::Ceil => self.rounded(value, x, format(0), Rounding::Ceil),
            Unary::Round => self.rounded(value, x, format(0), Rounding::NearestEven),
            Unary::Sign
            | Unary::Exp
            | Unary::Log
            | Unary::SquareRoot
            | Unary::Reciprocal
            | Unary::Logistic
            | Unary::Tanh
            | Unary::Erf
            | Unary::Probit
            | Unary::Softplus => return self.no_form(value, input),
        })
    }

    fn binary(&mut self, value: Value, function: Binary, a: Value, b: Value) -> Option<Value> {
        let exact = match function {
            Binary::Add => (IntBinary::Add, 1),
            Binary::Subtract => (IntBinary::Subtract, 1),
            Binary::Minimum => (IntBinary::Minimum, 0),
            Binary::Maximum => (IntBinary::Maximum, 0),
            Binary::And => (IntBinary::And, 0),
            Binary::Or => (IntBinary::Or, 0),
            Binary::Xor => (IntBinary::Xor, 0),
            Binary::Multiply => return self.multiply(value, a, b),
            Binary::Divide => return self.divide(value, a, b),
            Binary::Power => return self.no_form(value, a),
        };
        let (function, headroom) = exact;
        let [a, b] = self.in_common(value, [a, b], headroom)?;
        let elem = self.int.ty(a).elem;
        Some(self.push_as(value, elem, IntOp::Binary { function, a, b }))
    }

    fn multiply(&mut self, value: Value, a: Value, b: Value) -> Option<Value> {
        if is_integer(self.real.ty(value).elem) {
            let (a, b) = (self.operand(a)?, self.operand(b)?);
            if self.bits(a) + self.bits(b) > SUM_BITS.into() {
                return self.no_form(value, value);
            }
            return Some(self.push_like(value, IntOp::Multiply { a, b, shift: 0 }));
        }
        let (a, b) = (self.own_format(value, a)?, self.own_format(value, b)?);
        let mut narrow = |x: Value| {
            let bits = self.bits(x);
            self.narrowed(value, x, bits, FACTOR_BITS)
        };
        let (a, b) = (narrow(a)?, narrow(b)?);
        let bits = self.bits(a) + self.bits(b);
        let excess = match bits.saturating_sub(SUM_BITS.into()) {
            0 => 0,
            // Rounding up can take one bit more.
            excess => excess + 1,
        };
        let frac_bits = u32::from(self.frac_bits(a)) + u32::from(self.frac_bits(b));
        let shift = excess.max(frac_bits.saturating_sub(FRAC_BITS_MAX as u32));
        if shift > frac_bits || shift > SUM_BITS.into() {
            return self.no_form(value, value);
        }
        let elem = format((frac_bits - shift) as u8);
        Some(self.push_as(value, elem, IntOp::Multiply { a, b, shift: shift as u8 }))
    }

    /// The value with at most `kept` of its `bits`.
    fn narrowed(&mut self, user: Value, value: Value, bits: u32, kept: u32) -> Option<Value> {
        if bits <= kept {
            return Some(value);
        }
        let drop = bits - kept + 1;
        match u32::from(self.frac_bits(value)).checked_sub(drop) {
            Some(frac_bits) => Some(self.rescaled(user, value, frac_bits as u8)),
            None => self.no_form(user, user),
        }
    }

    /// A denominator with so few bits that a quotient keeps as many.
    pub(super) fn as_denominator(&mut self, user: Value, value: Value) -> Option<Value> {
        let bits = self.bits(value);
        self.narrowed(user, value, bits, DENOMINATOR_BITS)
    }

    /// A float operand in the format that it has, or that suits it.
    pub(super) fn own_format(&mut self, user: Value, value: Value) -> Option<Value> {
        let operand = self.float(value)?;
        let (frac_bits, _) = self.precision(&operand);
        if frac_bits < 0 {
            return self.no_form(user, value);
        }
        Some(self.in_format(user, &operand, frac_bits as u8))
    }

    fn divide(&mut self, value: Value, a: Value, b: Value) -> Option<Value> {
        if is_integer(self.real.ty(value).elem) {
            return self.no_form(value, a);
        }
        let (real, a) = (b, self.own_format(value, a)?);
        let b = self.own_format(value, b)?;
        let b = self.as_denominator(value, b)?;
        let b = self.apart_from_zero(value, real, b);
        self.ranges.extend(&self.int);
        if self.ranges.of_value(b).iter().any(|bounds| bounds.min <= 0 && bounds.max >= 0) {
            return self.no_form(value, value);
        }
        Some(self.quotient(value, a, b))
    }

    /// A denominator that is positive over the reals, as a positive integer: what
    /// is smaller than half a unit would be 0.
    ///
    /// The least of an inexact one may be above the least of the reals, which are
    /// then as far off as that.
    fn apart_from_zero(&mut self, user: Value, value: Value, b: Value) -> Value {
        let ranges = self.real_ranges.of_value(value);
        let ends = ranges.iter().map(|range| range.ends().map(|(min, _)| min));
        let is_positive = ranges.iter().all(|it| it.ends().is_some() || it.is_positive());
        let real = ends.map(|min| min.unwrap_or(0.0)).fold(f64::INFINITY, f64::min);
        self.ranges.extend(&self.int);
        let is_apart = self.ranges.of_value(b).iter().all(|bounds| bounds.min > 0);
        if is_apart || !is_positive || real < 0.0 {
            return b;
        }
        self.rounding.extend(&self.int, &self.ranges);
        if self.rounding.of_value(b).iter().all(|&error| error == 0.0) {
            return self.at_least(user, b, 1);
        }
        let (elem, unit) = (self.int.ty(b).elem, f64::exp2(-f64::from(self.frac_bits(b))));
        let units = (real / unit).next_down().floor().max(1.0) as i64;
        let rounding = (units as f64 * unit - real).next_up().max(0.0);
        let least = MatrixRow { base: units, weights: Vec::new(), rounding };
        let matrix = Matrix { elem, low_bits: 0, wide: Vec::new(), inputs: 0, rows: vec![least] };
        let matrix = self.int.matrices.push(matrix);
        let op = IntOp::Linear { matrix, inputs: Vec::new() };
        let origin = self.real.node(user).origin;
        let least = self.int.push(op, Type::new(elem, &[1, 1]), origin);
        let least = self.reshape(least, &self.one_beside(b), origin);
        let op = IntOp::Binary { function: IntBinary::Maximum, a: b, b: least };
        self.push_beside(user, b, elem, op)
    }

    /// `a / b`, with `b` apart from 0, as fine as the numerator allows.
    pub(super) fn quotient(&mut self, value: Value, a: Value, b: Value) -> Value {
        let (a_frac, b_frac) = (i32::from(self.frac_bits(a)), i32::from(self.frac_bits(b)));
        let room = i32::from(SUM_BITS) - self.bits(a) as i32;
        // The result has `a_frac + shift - b_frac` bits behind the point.
        let shift = room.min(FRAC_BITS_MAX + b_frac - a_frac).max(b_frac - a_frac).clamp(0, 62);
        let (a, shift) = if shift > room {
            let a = self.rescaled(value, a, (a_frac - (shift - room)).max(0) as u8);
            (a, shift)
        } else {
            (a, shift)
        };
        let frac_bits = i32::from(self.frac_bits(a)) + shift - b_frac;
        let elem = format(frac_bits.max(0) as u8);
        self.push_as(value, elem, IntOp::Divide { a, b, shift: shift as u8 })
    }

    fn reduce(&mut self, value: Value, function: Reduction, input: Value) -> Option<Value> {
        let width = self.real.shape(input).row();
        let (function, headroom) = match function {
            Reduction::Sum => (IntReduction::Sum, bits_of(width)),
            Reduction::Minimum => (IntReduction::Minimum, 0),
            Reduction::Maximum => (IntReduction::Maximum, 0),
            Reduction::Product => return self.no_form(value, input),
        };
        let [input] = self.in_common(value, [input], headroom)?;
        let elem = self.int.ty(input).elem;
        Some(self.push_as(value, elem, IntOp::Reduce { function, input }))
    }

    /// A comparison of what is no sum.
    pub(super) fn compare_fixed(
        &mut self,
        value: Value,
        relation: Relation,
        a: Value,
        b: Value,
    ) -> Option<Value> {
        let [a, b] = self.in_common(value, [a, b], 0)?;
        Some(self.push_like(value, IntOp::Compare { relation, a, b }))
    }
}

/// Fraction bits that the magnitude of constants allows; negative if their
/// integer part is too wide.
fn constant_frac_bits(numbers: &[Ratio]) -> i32 {
    let magnitude = numbers.iter().map(Ratio::magnitude_max).fold(f64::MIN_POSITIVE, f64::max);
    (i32::from(SUM_BITS) - integer_bits(magnitude)).min(FRAC_BITS_MAX)
}

/// Bits that a sum of so many numbers can have more than each.
fn bits_of(count: usize) -> u32 {
    count.next_power_of_two().trailing_zeros()
}

/// Integers of so many bits are exact as floats.
fn exact_bits(elem: ElementType) -> u32 {
    if elem == ElementType::F32 { f32::MANTISSA_DIGITS } else { f64::MANTISSA_DIGITS }
}

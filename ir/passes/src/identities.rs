//! Drops what changes nothing over the real numbers: normalisations of what is
//! normalised, guards that never hold, sums with 0, products with 1 and with 0,
//! quotients by 1 and by itself. A
//! quotient by a quotient becomes a product: a density of neighbours, which is a
//! reciprocal over many decades, is not computed to be divided by (local outliers).
//!
//! Powers over their sum, and the power of what is above the logarithm of such a
//! sum (naive Bayes), become a softmax. So do logistic functions over their sum
//! (one against the rest), of their logarithms: where all of them vanish, a
//! quotient of what is left of them would mean nothing. The sum of the votes of
//! neighbours is their number ([`votes`]).
//!
//! Obligation: over the real numbers each element is what it was, for every row
//! without a missing value. Where floats vanish or overflow, they may differ.

mod votes;

use std::rc::Rc;

use crate::rebuild::Rebuild;
use crate::{Pass, PassContext};
use skxc_ir::analysis::affine::Affine;
use skxc_ir::analysis::dependence::stored;
use skxc_ir::analysis::real_ranges::RealRanges;
use skxc_ir::module::{Constant, Module, Node, Operation as _, Real, Value};
use skxc_ir::ops::{Binary, RealOp, Reduction, Unary};
use skxc_ir::types::ElementType;

/// Applies identities over the real numbers.
#[derive(Clone, Copy, Debug)]
pub struct Identities;

impl Pass<Real> for Identities {
    fn name(&self) -> &'static str {
        "identities"
    }

    fn summary(&self) -> &'static str {
        "drop what changes nothing over the real numbers"
    }

    fn keeps_floats(&self) -> bool {
        false
    }

    fn run(&self, module: &mut Module<Real>, context: &mut PassContext<Real>) -> bool {
        if !module.values().any(|value| is_candidate(&module.node(value).op)) {
            return false;
        }
        let (affine, ranges) = (Affine::of(module), context.ranges(module));
        let facts = Facts { module, affine, ranges };
        let (stored, converted) = (stored(module), converted(module));
        let mut found = Vec::with_capacity(module.nodes.len());
        for value in module.values() {
            // Exact arithmetic rounds a column where the model converts it, and takes
            // the conversion of `|x|` for nothing.
            let becomes_stored = |identity: &Identity| match *identity {
                Identity::Same(older) => stored[older.index()] && !stored[value.index()],
                _ => false,
            };
            let identity = facts.identity(&found, value);
            found.push(identity.filter(|it| !(converted[value.index()] && becomes_stored(it))));
        }
        if found.iter().all(Option::is_none) {
            return false;
        }
        Rebuild::run(module, |rebuild, module, value| match found[value.index()] {
            None => rebuild.copy(module, value),
            Some(Identity::Same(older)) => rebuild.of(older),
            Some(Identity::Number(number)) => {
                let Node { ty, origin, .. } = module.node(value).clone();
                let elements = vec![number; ty.shape.elements()];
                let constant = module.constants.push(Constant { ty: ty.clone(), elements });
                rebuild.push(Node { op: RealOp::Constant { constant }, ty, origin })
            }
            Some(Identity::ProductOver([a, b, by])) => {
                let Node { ty, origin, .. } = module.node(value).clone();
                let (a, b, by) = (rebuild.of(a), rebuild.of(b), rebuild.of(by));
                let op = RealOp::Binary { function: Binary::Multiply, a, b };
                let a = rebuild.push(Node { op, ty: ty.clone(), origin });
                let op = RealOp::Binary { function: Binary::Divide, a, b: by };
                rebuild.push(Node { op, ty, origin })
            }
            Some(Identity::Softmax(input)) => {
                let Node { ty, origin, .. } = module.node(value).clone();
                let op = RealOp::Softmax { input: rebuild.of(input) };
                rebuild.push(Node { op, ty, origin })
            }
            Some(Identity::SoftmaxOfLogarithms(shares)) => {
                let odds = odds_against(rebuild, module, &found, shares);
                softmax_of_logarithms(rebuild, module, value, odds)
            }
        });
        true
    }
}

/// What is the same as a value.
#[derive(Clone, Copy, Debug)]
enum Identity {
    /// An older value of the same type.
    Same(Value),
    /// This number, in every element.
    Number(f64),
    /// The first times the second, over the third.
    ProductOver([Value; 3]),
    /// The softmax of this.
    Softmax(Value),
    /// The softmax of the logarithms of these logistic functions.
    SoftmaxOfLogarithms(Value),
}

/// Is there an identity of the operation?
fn is_candidate(op: &RealOp) -> bool {
    matches!(
        op,
        RealOp::Select { .. }
            | RealOp::Reduce { function: Reduction::Sum, .. }
            | RealOp::Unary { function: Unary::Absolute | Unary::Exp, .. }
            | RealOp::Binary { function: Binary::Add | Binary::Multiply | Binary::Divide, .. }
    )
}

/// By value, whether its elements are converted from `f64` to `f32`, by themselves or
/// after they are moved and chosen from.
fn converted(module: &Module<Real>) -> Vec<bool> {
    let mut converted = vec![false; module.nodes.len()];
    for value in module.values().rev() {
        let is_converted = converted[value.index()];
        match &module.node(value).op {
            RealOp::Cast { input } => {
                let is_narrowing = module.ty(*input).elem == ElementType::F64
                    && module.ty(value).elem == ElementType::F32;
                converted[input.index()] |= is_narrowing || is_converted;
            }
            RealOp::Reshape { input }
            | RealOp::Gather { input, .. }
            | RealOp::Take { input, .. }
            | RealOp::TakeAlong { input, .. } => converted[input.index()] |= is_converted,
            RealOp::Concat { inputs } => {
                inputs.iter().for_each(|input| converted[input.index()] |= is_converted);
            }
            RealOp::Select { a, b, .. } => {
                [a, b].into_iter().for_each(|side| converted[side.index()] |= is_converted);
            }
            RealOp::Input { .. }
            | RealOp::Constant { .. }
            | RealOp::Unary { .. }
            | RealOp::Binary { .. }
            | RealOp::Compare { .. }
            | RealOp::Reduce { .. }
            | RealOp::MatMul { .. }
            | RealOp::Softmax { .. }
            | RealOp::CumulativeSum { .. }
            | RealOp::ArgSort { .. }
            | RealOp::Lookup { .. }
            | RealOp::TreeEnsemble { .. }
            | RealOp::ArgMax { .. }
            | RealOp::ArgMin { .. }
            | RealOp::Label { .. } => {}
        }
    }
    converted
}

/// What is known of a module.
struct Facts<'m> {
    module: &'m Module<Real>,
    affine: Affine<'m>,
    ranges: Rc<RealRanges>,
}

impl Facts<'_> {
    /// The identity of a value, if there is one, where those of older values are
    /// `found`.
    fn identity(&self, found: &[Option<Identity>], value: Value) -> Option<Identity> {
        let same = |older: Value| {
            let older = follow(found, older);
            (self.module.ty(older) == self.module.ty(value)).then_some(Identity::Same(older))
        };
        match self.module.node(value).op {
            RealOp::Select { condition, a, b } => match constant(self.module, condition)? {
                0.0 => self.chosen(found, value, b),
                _ => self.chosen(found, value, a),
            },
            RealOp::Unary { function: Unary::Absolute, input } => {
                let ranges = self.ranges.of_value(input).iter();
                let is_magnitude = |range: Option<(f64, f64)>| range.is_some_and(|it| it.0 >= 0.0);
                ranges.map(|range| range.ends()).all(is_magnitude).then(|| same(input))?
            }
            RealOp::Binary { function: Binary::Add, a, b } => {
                match (constant(self.module, a), constant(self.module, b)) {
                    (Some(0.0), _) => same(b),
                    (_, Some(0.0)) => same(a),
                    _ => None,
                }
            }
            RealOp::Binary { function: Binary::Multiply, a, b } => {
                match (constant(self.module, a), constant(self.module, b)) {
                    (Some(1.0), _) => same(b),
                    (_, Some(1.0)) => same(a),
                    (Some(0.0), _) => self.is_finite(b).then_some(Identity::Number(0.0)),
                    (_, Some(0.0)) => self.is_finite(a).then_some(Identity::Number(0.0)),
                    _ => None,
                }
            }
            RealOp::Binary { function: Binary::Divide, a, b } => {
                if constant(self.module, b) == Some(1.0) {
                    return same(a);
                }
                if follow(found, a) == follow(found, b) && self.is_never_zero(a) {
                    return Some(Identity::Number(1.0));
                }
                if let Some([by, b]) = self.quotient(found, b) {
                    return Some(Identity::ProductOver([follow(found, a), b, by]));
                }
                let a = follow(found, a);
                if !self.is_row_sum(found, b, a) {
                    None
                } else if self.is_normalised(found, a) {
                    same(a)
                } else {
                    let power = self.power(found, a).map(Identity::Softmax);
                    power.or_else(|| {
                        self.is_logistic(found, a).then_some(Identity::SoftmaxOfLogarithms(a))
                    })
                }
            }
            RealOp::Reduce { function: Reduction::Sum, .. } => {
                self.votes(value).map(Identity::Number)
            }
            RealOp::Unary { function: Unary::Exp, input } => {
                let (x, above) = self.difference(found, input)?;
                self.is_log_sum(found, above, x).then_some(Identity::Softmax(x))
            }
            _ => None,
        }
    }

    /// What a choice is that always falls on `side`.
    fn chosen(&self, found: &[Option<Identity>], value: Value, side: Value) -> Option<Identity> {
        let side = follow(found, side);
        if self.module.ty(side) == self.module.ty(value) {
            return Some(Identity::Same(side));
        }
        constant(self.module, side).map(Identity::Number)
    }

    /// Is no element 0, for any row without a missing value?
    fn is_never_zero(&self, value: Value) -> bool {
        let ends = self.ranges.of_value(value).iter().map(|range| range.ends());
        ends.into_iter().all(|ends| ends.is_some_and(|(min, max)| min > 0.0 || max < 0.0))
    }

    /// `a` and `b` of `a / b`, where `a` is a constant other than 0.
    fn quotient(&self, found: &[Option<Identity>], value: Value) -> Option<[Value; 2]> {
        let value = follow(found, value);
        let RealOp::Binary { function: Binary::Divide, a, b } = self.module.node(value).op else {
            return None;
        };
        let is_whole = self.module.shape(b) == self.module.shape(value);
        (is_whole && constant(self.module, a)? != 0.0).then(|| [follow(found, a), follow(found, b)])
    }

    /// Are all elements numbers, for every row without a missing value?
    fn is_finite(&self, value: Value) -> bool {
        !self.module.ty(value).elem.is_float()
            || self.ranges.of_value(value).iter().all(|range| range.ends().is_some())
    }

    /// `x` of `e^x`, of the same type.
    fn power(&self, found: &[Option<Identity>], value: Value) -> Option<Value> {
        match self.module.node(value).op {
            RealOp::Unary { function: Unary::Exp, input } => Some(follow(found, input)),
            _ => None,
        }
    }

    /// `a` and `b` of `a - b`, where `b` is one number for each row.
    fn difference(&self, found: &[Option<Identity>], value: Value) -> Option<(Value, Value)> {
        match self.module.node(follow(found, value)).op {
            RealOp::Binary { function: Binary::Subtract, a, b } => {
                let a = follow(found, a);
                let has_type = self.module.ty(a) == self.module.ty(value);
                (has_type && self.is_one_a_row(b, a)).then_some((a, b))
            }
            _ => None,
        }
    }

    /// Is `value` the logarithm of the sum of the powers of each row of `x`? It may
    /// be written as `log(sum(e^(x - m))) + m`, whatever `m` is.
    fn is_log_sum(&self, found: &[Option<Identity>], value: Value, x: Value) -> bool {
        let powers = |logarithm: Value| {
            let RealOp::Unary { function: Unary::Log, input } =
                self.module.node(self.unshaped(found, logarithm)).op
            else {
                return None;
            };
            match self.module.node(self.unshaped(found, input)).op {
                RealOp::Reduce { function: Reduction::Sum, input } => {
                    self.power(found, follow(found, input))
                }
                _ => None,
            }
        };
        if powers(value) == Some(x) {
            return true;
        }
        let RealOp::Binary { function: Binary::Add, a, b } =
            self.module.node(self.unshaped(found, value)).op
        else {
            return false;
        };
        [(a, b), (b, a)].into_iter().any(|(logarithm, taken)| {
            let below = powers(logarithm).and_then(|power| self.difference(found, power));
            below.is_some_and(|(above, m)| {
                above == x && self.unshaped(found, m) == self.unshaped(found, taken)
            })
        })
    }

    /// The value without reshapes.
    fn unshaped(&self, found: &[Option<Identity>], value: Value) -> Value {
        let mut at = follow(found, value);
        while let RealOp::Reshape { input } = self.module.node(at).op {
            at = follow(found, input);
        }
        at
    }

    /// Does `value` meet each row of `of` as one number?
    fn is_one_a_row(&self, value: Value, of: Value) -> bool {
        let (rows, shape) = (self.module.shape(of), self.module.shape(value));
        let count = rows.elements() / rows.row();
        let meets = || match (shape.0.split_last(), rows.0.split_last()) {
            (Some((1, each)), Some((_, all))) => each == all,
            _ => false,
        };
        shape.elements() == count && (count == 1 || meets())
    }

    /// Does `value` hold the sum of each row of `of`, for all of the row?
    fn is_row_sum(&self, found: &[Option<Identity>], value: Value, of: Value) -> bool {
        let sum = &self.module.node(self.unshaped(found, value)).op;
        let RealOp::Reduce { function: Reduction::Sum, input } = *sum else { return false };
        self.is_one_a_row(value, of) && follow(found, input) == of
    }

    /// Does each row sum to 1?
    fn is_normalised(&self, found: &[Option<Identity>], value: Value) -> bool {
        match self.module.node(value).op {
            _ if matches!(found[value.index()], Some(Identity::Softmax(_))) => true,
            RealOp::Softmax { .. } => true,
            RealOp::Binary { function: Binary::Divide, a, b } => {
                self.is_row_sum(found, b, follow(found, a))
            }
            RealOp::Concat { ref inputs } => match inputs[..] {
                [first, second] => {
                    self.is_pair(value)
                        && (self.is_complement(first, second) || self.is_complement(second, first))
                }
                _ => false,
            },
            // A logistic function of odds and of their negative.
            RealOp::Unary { function: Unary::Logistic, input } => {
                self.is_pair(value) && self.affine.is_affine(input) && self.is_mirrored(input)
            }
            _ => false,
        }
    }

    /// Is it one row of two elements?
    fn is_pair(&self, value: Value) -> bool {
        let shape = self.module.shape(value);
        shape.row() == 2 && shape.elements() == 2
    }

    /// Do two elements sum to 0?
    fn is_mirrored(&self, value: Value) -> bool {
        let sum = self.affine.form(value, 0).plus(&self.affine.form(value, 1));
        sum.terms.is_empty() && sum.constant.is_zero()
    }

    /// Is `a` what is missing of `b` to 1?
    fn is_complement(&self, a: Value, b: Value) -> bool {
        match self.module.node(a).op {
            RealOp::Binary { function: Binary::Subtract, a: one, b: part } => {
                part == b && constant(self.module, one) == Some(1.0)
            }
            RealOp::Reshape { input } => self.is_complement(input, b),
            _ => false,
        }
    }

    /// Are all elements logistic functions?
    fn is_logistic(&self, found: &[Option<Identity>], value: Value) -> bool {
        let op = &self.module.node(value).op;
        if op.movement().is_some() {
            let mut are_logistic = true;
            op.operands(&mut |operand| {
                are_logistic &= self.is_logistic(found, follow(found, operand));
            });
            return are_logistic;
        }
        exponent(self.module, found, value).is_some()
    }
}

/// `x` of `1 / (1 + e^x)`, or what it is the negative of.
enum Exponent {
    Itself(Value),
    Negative(Value),
}

fn exponent(module: &Module<Real>, found: &[Option<Identity>], value: Value) -> Option<Exponent> {
    match module.node(value).op {
        RealOp::Unary { function: Unary::Logistic, input } => Some(Exponent::Negative(input)),
        RealOp::Unary { function: Unary::Reciprocal, input } => {
            let RealOp::Binary { function: Binary::Add, a, b } = module.node(input).op else {
                return None;
            };
            let power = match (constant(module, a), constant(module, b)) {
                (Some(1.0), _) => b,
                (_, Some(1.0)) => a,
                _ => return None,
            };
            match module.node(follow(found, power)).op {
                RealOp::Unary { function: Unary::Exp, input }
                    if module.ty(input) == module.ty(value) =>
                {
                    Some(Exponent::Itself(input))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The number that all elements of a constant are.
fn constant(module: &Module<Real>, value: Value) -> Option<f64> {
    match module.node(value).op {
        RealOp::Constant { constant } => {
            let elements = &module.constants[constant].elements;
            let first = *elements.first()?;
            elements.iter().all(|x| x.to_bits() == first.to_bits()).then_some(first)
        }
        RealOp::Cast { input } if !module.ty(input).elem.is_float() => constant(module, input),
        RealOp::Binary { function: Binary::Multiply, a, b } => {
            match (constant(module, a), constant(module, b)) {
                (Some(0.0), Some(_)) | (Some(_), Some(0.0)) => Some(0.0),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The oldest value that is the same.
fn follow(found: &[Option<Identity>], value: Value) -> Value {
    match found[value.index()] {
        Some(Identity::Same(older)) => older,
        Some(
            Identity::Number(_)
            | Identity::ProductOver(_)
            | Identity::Softmax(_)
            | Identity::SoftmaxOfLogarithms(_),
        )
        | None => value,
    }
}

/// `x` of all elements of `shares`, which are `1 / (1 + e^x)`.
fn odds_against(
    rebuild: &mut Rebuild<Real>,
    module: &Module<Real>,
    found: &[Option<Identity>],
    shares: Value,
) -> Value {
    let shares = follow(found, shares);
    let Node { mut op, ty, origin } = module.node(shares).clone();
    match exponent(module, found, shares) {
        Some(Exponent::Itself(x)) => rebuild.of(x),
        Some(Exponent::Negative(x)) => {
            let op = RealOp::Unary { function: Unary::Negate, input: rebuild.of(x) };
            rebuild.push(Node { op, ty, origin })
        }
        None => {
            op.map_operands(&mut |operand| odds_against(rebuild, module, found, operand));
            rebuild.push(Node { op, ty, origin })
        }
    }
}

/// `softmax(-log(1 + e^x))`: the logarithm of `1 / (1 + e^x)` is that.
fn softmax_of_logarithms(
    rebuild: &mut Rebuild<Real>,
    module: &Module<Real>,
    value: Value,
    odds: Value,
) -> Value {
    let Node { ty, origin, .. } = module.node(value).clone();
    let mut push = |op| rebuild.push(Node { op, ty: ty.clone(), origin });
    let softplus = push(RealOp::Unary { function: Unary::Softplus, input: odds });
    let logarithm = push(RealOp::Unary { function: Unary::Negate, input: softplus });
    push(RealOp::Softmax { input: logarithm })
}

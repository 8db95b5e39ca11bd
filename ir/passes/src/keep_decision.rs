//! Keeps what decisions need: softmax, exponentials, logistic functions and
//! normalisation disappear under argmax, and a comparison of what is computed
//! from one sum becomes a comparison of the sum.
//!
//! The boundary of such a comparison is found by bisection over the floats of
//! the sum, with the very operations of the model; where the chain of operations
//! is shown to be monotone, there is one boundary. Sums are compared with the
//! middle between the floats on its two sides, so that an exact sum decides as
//! the float nearest to it would.
//!
//! Obligation: a bisected decision is the same for every float of the sum. An
//! argmax is the same over the real numbers: floats can make equal what differs,
//! as two probabilities that both round to 1.

use crate::float_places::{float_at, place, rounded};
use crate::order::{self, Direction, Scalar};
use crate::rebuild::Rebuild;
use crate::{Pass, PassContext};
use skxc_ir::analysis::affine::Affine;
use skxc_ir::analysis::real_ranges::RealRanges;
use skxc_ir::interpret::{Partial, Scalar as Element};
use skxc_ir::module::{Constant, Module, Node, Operation, Real, Value};
use skxc_ir::ops::{RealOp, Relation};
use skxc_ir::types::{ElementType, Type};

/// Moves decisions in front of monotone functions.
#[derive(Clone, Copy, Debug)]
pub struct KeepDecision;

impl Pass<Real> for KeepDecision {
    fn name(&self) -> &'static str {
        "keep-decision"
    }

    fn summary(&self) -> &'static str {
        "drop what does not change a decision"
    }

    fn keeps_floats(&self) -> bool {
        false
    }

    fn run(&self, module: &mut Module<Real>, context: &mut PassContext<Real>) -> bool {
        let argmax = shorten_argmax(module, context);
        if argmax {
            context.changed();
        }
        compare_sums(module, context) | argmax
    }
}

/// Lets every argmax and every sort read the value in the same order that is nearest to the
/// inputs, or a sum.
fn shorten_argmax(module: &mut Module<Real>, context: &mut PassContext<Real>) -> bool {
    let reads = |module: &Module<Real>, value| match module.node(value).op {
        RealOp::ArgMax { input } | RealOp::ArgMin { input } | RealOp::ArgSort { input, .. } => {
            Some(input)
        }
        _ => None,
    };
    let users: Vec<Value> =
        module.values().filter(|&value| reads(module, value).is_some()).collect();
    if users.is_empty() {
        return false;
    }
    let (affine, ranges) = (Affine::of(module), context.ranges(module));
    let shorter = users.into_iter().filter_map(|user| {
        let input = reads(module, user)?;
        let below = order::in_same_order(module, &affine, &ranges, input);
        (below != input).then_some((user, input, below))
    });
    let shorter: Vec<_> = shorter.collect();
    for &(user, input, below) in &shorter {
        let replace = &mut |operand| if operand == input { below } else { operand };
        module.node_mut(user).op.map_operands(replace);
    }
    !shorter.is_empty()
}

/// A decision that depends on one sum alone.
struct Decision {
    /// Of a truth value or a class, one element.
    value: Value,
    /// The sum, one element.
    sum: Value,
    /// What it is below the boundary, and from it on.
    answers: [i64; 2],
    /// The least float from which on it is the second; `None` if it is always
    /// the first.
    boundary: Option<f64>,
}

/// Lets decisions about what is computed from one sum ask the sum.
fn compare_sums(module: &mut Module<Real>, context: &mut PassContext<Real>) -> bool {
    let affine = Affine::of(module);
    let decides = |value: &Value| {
        let node = module.node(*value);
        let one = node.ty.shape.elements() == 1;
        let mut on_sums = true;
        node.op.operands(&mut |operand| {
            on_sums &= affine.is_affine(operand) || affine.is_constant(operand);
        });
        let kind = matches!(node.op, RealOp::Compare { .. } | RealOp::ArgMax { .. });
        one && kind && !on_sums
    };
    let candidates: Vec<Value> = module.values().filter(decides).collect();
    if candidates.is_empty() {
        return false;
    }
    let ranges = context.ranges(module);
    let decisions = candidates.into_iter();
    let decisions: Vec<Decision> =
        decisions.filter_map(|value| decision(module, &affine, &ranges, value)).collect();
    if decisions.is_empty() {
        return false;
    }
    Rebuild::run(module, |rebuild, module, value| {
        match decisions.iter().find(|decision| decision.value == value) {
            Some(decision) => replace(rebuild, module, decision),
            None => rebuild.copy(module, value),
        }
    });
    true
}

fn decision(
    module: &Module<Real>,
    affine: &Affine<'_>,
    ranges: &RealRanges,
    value: Value,
) -> Option<Decision> {
    let scalar = Scalar::of(module, affine, value)?;
    let known = scalar.directions(module, affine, ranges);
    let (a, b) = match module.node(value).op {
        RealOp::Compare { relation, a, b } if relation != Relation::Equal => {
            (*known.get(&a)?.first()?, *known.get(&b)?.first()?)
        }
        RealOp::ArgMax { input } => match known.get(&input)?[..] {
            [a, b] => (a, b),
            _ => return None,
        },
        _ => return None,
    };
    let apart = [(Direction::Up, Direction::Down), (Direction::Down, Direction::Up)];
    let still = |direction| direction == Direction::Still;
    let moves = |direction| matches!(direction, Direction::Up | Direction::Down);
    if !(apart.contains(&(a, b)) || (still(a) && moves(b)) || (moves(a) && still(b))) {
        return None;
    }
    let elem = module.ty(scalar.input).elem;
    let (min, max) = ranges.of_value(scalar.input)[0].ends()?;
    // Sums of floats can leave the range of the reals by their roundings.
    let slack = min.abs().max(max.abs()) / 256.0;
    let mut answers = Answers::new(module, &scalar, value);
    let (low, high) = (rounded(min - slack, elem), rounded(max + slack, elem));
    let (first, last) = (answers.at(low)?, answers.at(high)?);
    let boundary = if first == last { None } else { Some(answers.boundary(low, high, elem)?) };
    Some(Decision { value, sum: scalar.input, answers: [first, last], boundary })
}

/// The decisions that floats give.
struct Answers<'m> {
    partial: Partial<'m, f64>,
    scalar: &'m Scalar,
    value: Value,
}

impl<'m> Answers<'m> {
    fn new(module: &'m Module<Real>, scalar: &'m Scalar, value: Value) -> Self {
        Self { partial: Partial::new(module), scalar, value }
    }

    /// What is decided where the sum is `x`; `None` where something is no number.
    fn at(&mut self, x: f64) -> Option<i64> {
        self.partial.set(self.scalar.input, vec![Element::Number(x)]);
        let mut answer = None;
        for &value in &self.scalar.inside {
            let elements = self.partial.compute(value).ok()?;
            let is_nan =
                |element: &Element<f64>| matches!(element, Element::Number(x) if x.is_nan());
            if elements.iter().any(is_nan) {
                return None;
            }
            if let (true, [Element::Integer(x)]) = (value == self.value, elements.as_slice()) {
                answer = Some(*x);
            }
        }
        answer
    }

    /// The least float above `low` where the answer is that at `high`.
    fn boundary(&mut self, low: f64, high: f64, elem: ElementType) -> Option<f64> {
        let last = self.at(high)?;
        let (mut below, mut above) = (place(low, elem), place(high, elem));
        while below + 1 < above {
            // Their difference can take 64 bits, their middle cannot.
            let middle = i64::midpoint(below, above);
            if self.at(float_at(middle, elem))? == last {
                above = middle;
            } else {
                below = middle;
            }
        }
        Some(float_at(above, elem))
    }
}

/// The comparison with the boundary, in the place of the decision.
fn replace(rebuild: &mut Rebuild<Real>, module: &mut Module<Real>, decision: &Decision) -> Value {
    let Node { ty, origin, .. } = module.node(decision.value).clone();
    let mut constant = |rebuild: &mut Rebuild<Real>, ty: Type, x: f64| {
        let constant = module.constants.push(Constant { ty: ty.clone(), elements: vec![x] });
        rebuild.push(Node { op: RealOp::Constant { constant }, ty, origin })
    };
    let Some(boundary) = decision.boundary else {
        return constant(rebuild, ty, decision.answers[0] as f64);
    };
    let sum = rebuild.of(decision.sum);
    let shape = rebuild.node(sum).ty.shape.clone();
    let wide = Type { elem: ElementType::F64, shape: shape.clone() };
    let (limit, a) = if rebuild.node(sum).ty.elem == ElementType::F32 {
        let cast = RealOp::Cast { input: sum };
        (middle_below(boundary), rebuild.push(Node { op: cast, ty: wide.clone(), origin }))
    } else {
        ((boundary, true), sum)
    };
    let (limit, inclusive) = limit;
    let b = constant(rebuild, wide, limit);
    // Of two answers, the second is 1 if the decision turns on, else the first.
    let turns_on = decision.answers[1] > decision.answers[0];
    let relation = match (turns_on, inclusive) {
        (true, true) => Relation::GreaterOrEqual,
        (true, false) => Relation::Greater,
        (false, true) => Relation::Less,
        (false, false) => Relation::LessOrEqual,
    };
    let op = RealOp::Compare { relation, a, b };
    let bool = Type { elem: ElementType::Bool, shape };
    let mut decided = rebuild.push(Node { op, ty: bool, origin });
    if rebuild.node(decided).ty.shape != ty.shape {
        let bool = Type { elem: ElementType::Bool, shape: ty.shape.clone() };
        decided = rebuild.push(Node { op: RealOp::Reshape { input: decided }, ty: bool, origin });
    }
    if ty.elem != ElementType::Bool {
        decided = rebuild.push(Node { op: RealOp::Cast { input: decided }, ty, origin });
    }
    decided
}

/// The middle between an `f32` and the one below it, which is exact as `f64`,
/// and whether it rounds up: to the one with an even mantissa.
fn middle_below(boundary: f64) -> (f64, bool) {
    let above = boundary as f32;
    let below = above.next_down();
    if !below.is_finite() {
        return (boundary, true);
    }
    (f64::midpoint(boundary, f64::from(below)), above.to_bits().is_multiple_of(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_rounds_to_even() {
        let one = (1.0 - f64::exp2(-25.0), true);
        assert_eq!(middle_below(1.0), one);
        let next = f64::from(1.0_f32.next_up());
        assert_eq!(middle_below(next), (1.0 + f64::exp2(-24.0), false));
    }
}

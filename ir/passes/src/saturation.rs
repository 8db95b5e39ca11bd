//! Lets a class be chosen among scores as far as the floats of the model tell them
//! apart. Logistic functions of two large sums are both 1, those of two far below 0
//! both 0: the model takes the first such class, and not that of the greater sum.
//!
//! Where the elements that an argmax reads are made from numbers below by one and
//! the same function, the argmax reads these numbers instead, held between the
//! floats from which on the function stays what it is at the ends of their range.
//! Those are found by bisection with the operations of the model. Only the argmax
//! reads them: scores that are given out are what they were. Where the numbers
//! cannot get so far, or only one of them can, nothing is held.
//!
//! Where an argmax reads a sum of such rows, as that of a soft vote is, each row
//! is computed anew from its numbers, held in the same way ([`parts`]).
//!
//! Obligation: the label is that of the floats of the model where elements are
//! equal by saturation, and else that of the real numbers.

mod chain;
mod parts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::float_places::{float_at, place, rounded};
use crate::rebuild::Rebuild;
use crate::{Pass, PassContext};
use skxc_ir::analysis::affine::Affine;
use skxc_ir::module::{Constant, Module, Node, Real, Value};
use skxc_ir::ops::{Binary, RealOp};
use skxc_ir::types::{ElementType, Shape, Type};

use self::chain::{Chain, Element, Facts};
use self::parts::Parts;

/// Holds sums where functions of them saturate in floats.
#[derive(Clone, Copy, Debug)]
pub struct Saturation;

impl Pass<Real> for Saturation {
    fn name(&self) -> &'static str {
        "saturation"
    }

    fn summary(&self) -> &'static str {
        "choose classes among scores as far as floats tell them apart"
    }

    fn keeps_floats(&self) -> bool {
        false
    }

    fn run(&self, module: &mut Module<Real>, context: &mut PassContext<Real>) -> bool {
        let is_choice = |value: &Value| matches!(module.node(*value).op, RealOp::ArgMax { .. });
        let choices: Vec<Value> = module.values().filter(is_choice).collect();
        if choices.is_empty() {
            return false;
        }
        let facts = Facts { module, affine: Affine::of(module), ranges: context.ranges(module) };
        let mut found: BTreeMap<Value, Found> = BTreeMap::new();
        for choice in choices {
            let whole = Held::of(&facts, choice).map(Found::Whole);
            if let Some(held) = whole.or_else(|| Parts::of(&facts, choice).map(Found::Parts)) {
                found.insert(choice, held);
            }
        }
        if found.is_empty() {
            return false;
        }
        Rebuild::run(module, |rebuild, module, value| match found.get(&value) {
            Some(Found::Whole(held)) => held.rebuilt(rebuild, module),
            Some(Found::Parts(parts)) => parts.rebuilt(rebuild, module, value),
            None => rebuild.copy(module, value),
        });
        true
    }
}

/// What an argmax reads instead.
#[derive(Debug)]
enum Found {
    /// The numbers below all that it read.
    Whole(Held),
    /// What it read, computed from numbers that are held on the way.
    Parts(Parts),
}

/// An argmax, and what it reads instead.
#[derive(Debug)]
struct Held {
    choice: Value,
    below: Vec<Element>,
    elem: ElementType,
    /// From here on down, all floats give the same.
    low: Option<f64>,
    /// From here on up, all floats give the same.
    high: Option<f64>,
}

impl Held {
    fn of(facts: &Facts<'_>, choice: Value) -> Option<Self> {
        let module = facts.module;
        let RealOp::ArgMax { input } = module.node(choice).op else { return None };
        let shape = module.shape(input);
        if shape.row() != shape.elements() || shape.row() < 2 {
            return None;
        }
        let chain = Chain::of(facts, input)?;
        let elem = chain.elem(module)?;
        let ends = chain.below.iter().map(|&(value, at)| facts.ranges.of_value(value)[at].ends());
        let ends: Vec<(f64, f64)> = ends.collect::<Option<_>>()?;
        // Sums of floats can leave the range of the reals by their roundings.
        let slack = slack(&ends);
        let [low, high] = plateaus(module, &chain, elem);
        // Two must get so far up to be equal, and all of them so far down.
        let reach = |high: &f64| ends.iter().filter(|(_, max)| max + slack > *high).count() > 1;
        let high = high.filter(reach);
        let all_reach = |low: &f64| ends.iter().all(|(min, _)| min - slack < *low);
        let low = low.filter(all_reach);
        let is_held = low.is_some() || high.is_some();
        is_held.then_some(Self { choice, below: chain.below, elem, low, high })
    }

    /// The argmax of the numbers below, held.
    fn rebuilt(&self, rebuild: &mut Rebuild<Real>, module: &mut Module<Real>) -> Value {
        let Node { ty, origin, .. } = module.node(self.choice).clone();
        let input = self.row(rebuild, module);
        let input = held(rebuild, module, input, [self.low, self.high]);
        rebuild.push(Node { op: RealOp::ArgMax { input }, ty, origin })
    }

    /// The numbers below, in the shape of what the argmax read.
    fn row(&self, rebuild: &mut Rebuild<Real>, module: &Module<Real>) -> Value {
        let RealOp::ArgMax { input } = module.node(self.choice).op else {
            unreachable!("only an argmax is held");
        };
        let origin = module.node(self.choice).origin;
        let shape = module.shape(input).clone();
        let (value, _) = self.below[0];
        let is_whole = self.below.iter().enumerate().all(|(i, it)| *it == (value, i));
        let mut row = if is_whole && module.shape(value).elements() == self.below.len() {
            rebuild.of(value)
        } else {
            let parts = self.below.iter().map(|it| self.part(rebuild, module, *it, origin));
            let inputs = parts.collect();
            let ty = Type::new(self.elem, &[1, self.below.len() as u32]);
            rebuild.push(Node { op: RealOp::Concat { inputs }, ty, origin })
        };
        if rebuild.node(row).ty.shape != shape {
            let ty = Type { elem: self.elem, shape };
            row = rebuild.push(Node { op: RealOp::Reshape { input: row }, ty, origin });
        }
        row
    }

    /// One number, as a row of its own.
    fn part(
        &self,
        rebuild: &mut Rebuild<Real>,
        module: &Module<Real>,
        (value, at): Element,
        origin: skxc_ir::origin::OriginId,
    ) -> Value {
        let flat = Shape(vec![1, module.shape(value).elements() as u32]);
        let ty = Type { elem: self.elem, shape: flat };
        let op = RealOp::Reshape { input: rebuild.of(value) };
        let input = rebuild.push(Node { op, ty, origin });
        let op = RealOp::Gather { input, indices: vec![at as u32] };
        rebuild.push(Node { op, ty: Type::new(self.elem, &[1, 1]), origin })
    }
}

/// What sums of floats can leave the range of the reals by, through their roundings.
fn slack(ends: &[(f64, f64)]) -> f64 {
    let slack = ends.iter().map(|(min, max)| min.abs().max(max.abs()) / 256.0);
    slack.fold(0.0, f64::max)
}

/// From where on down, and from where on up, all floats give the same.
fn plateaus(module: &Module<Real>, chain: &Chain, elem: ElementType) -> [Option<f64>; 2] {
    let [least, greatest] = [-f64::MAX, f64::MAX].map(|end| rounded(end, elem));
    [(least, greatest), (greatest, least)]
        .map(|(from, to)| end_of_plateau(module, chain, elem, from, to))
}

/// `input`, which is new, no less than the first end and no more than the second.
fn held(
    rebuild: &mut Rebuild<Real>,
    module: &mut Module<Real>,
    mut input: Value,
    [low, high]: [Option<f64>; 2],
) -> Value {
    let Node { ty, origin, .. } = rebuild.node(input).clone();
    let ends = [(Binary::Maximum, low), (Binary::Minimum, high)];
    for (function, end) in ends.into_iter().filter_map(|(it, end)| Some((it, end?))) {
        let one = Type::new(ty.elem, &[1]);
        let constant = Constant { ty: one.clone(), elements: vec![end] };
        let op = RealOp::Constant { constant: module.constants.push(constant) };
        let end = rebuild.push(Node { op, ty: one, origin });
        let op = RealOp::Binary { function, a: input, b: end };
        input = rebuild.push(Node { op, ty: ty.clone(), origin });
    }
    input
}

/// The float farthest from `from`, on the way to `to`, of those that give what `from`
/// gives; `None` if all floats do, or what it gives is not finite.
fn end_of_plateau(
    module: &Module<Real>,
    chain: &Chain,
    elem: ElementType,
    from: f64,
    to: f64,
) -> Option<f64> {
    let last = chain.at(module, from).filter(|last| last.is_finite())?;
    if chain.at(module, to)? == last {
        return None;
    }
    let (mut inside, mut outside) = (place(from, elem), place(to, elem));
    while inside.abs_diff(outside) > 1 {
        // Their difference can take 64 bits, their middle cannot.
        let middle = i64::midpoint(inside, outside);
        if chain.at(module, float_at(middle, elem))? == last {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    let end = float_at(inside, elem);
    (end != from).then_some(end)
}

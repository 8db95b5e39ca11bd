//! The function that makes all elements of a row from numbers below it: one and
//! the same for each of them, operation by operation.
//!
//! What must hold: what [`Chain::of`] finds in the place of a row has its order, or
//! is equal where the row is, over the real numbers; and two elements of the row
//! are equal floats where [`Chain::at`] gives equal floats for theirs.

use std::rc::Rc;

use crate::order::is_increasing;
use skxc_ir::analysis::affine::Affine;
use skxc_ir::analysis::real_ranges::{Range, RealRanges};
use skxc_ir::interpret::{Partial, Scalar};
use skxc_ir::module::{Module, Operation as _, Real, Value};
use skxc_ir::ops::{Binary, RealOp, Unary};
use skxc_ir::types::ElementType;

/// From here on the logistic function of ONNX Runtime is 1 in single floats.
const LOGISTIC_END: f64 = 18.0;

/// An element of a value, by its position.
pub(super) type Element = (Value, usize);

/// A row as a function of numbers below it.
#[derive(Debug)]
pub(super) struct Chain {
    /// The number that each element of the row is computed from.
    pub(super) below: Vec<Element>,
    /// The values that compute the first element and their operand on the way,
    /// from the row down. Operations that bring in a number of the row, such as a
    /// sum over it, lie above.
    steps: Vec<(Value, Value)>,
}

/// One operation, as it is done to one element.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    operation: Operation,
    /// The type of the result.
    elem: ElementType,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    Cast,
    Unary(Unary),
    /// With a number; is the number on the left?
    Number(Binary, f64, bool),
    /// With an element that is no number of the model's.
    Common(Binary, Element, bool),
    Softmax(Value),
}

/// What an element is computed from.
#[derive(Clone, Copy, Debug)]
struct Below {
    step: Step,
    next: Element,
    /// Is it more than a factor or an addend?
    nonlinear: bool,
    /// Does it shrink where the operand grows?
    reverses: bool,
}

/// What is known of a module.
pub(super) struct Facts<'m> {
    pub(super) module: &'m Module<Real>,
    pub(super) affine: Affine<'m>,
    pub(super) ranges: Rc<RealRanges>,
}

impl Chain {
    /// What the elements of `row` are all computed from in the same way, as far down
    /// as their order is not turned; `None` if nothing nonlinear them.
    pub(super) fn of(facts: &Facts<'_>, row: Value) -> Option<Self> {
        let count = facts.module.shape(row).elements();
        let mut at: Vec<Element> = (0..count).map(|i| facts.origin((row, i))).collect();
        let mut steps = Vec::new();
        let (mut is_reversed, mut is_nonlinear, mut found) = (false, false, None);
        loop {
            let is_sum = |element: &Element| facts.affine.is_affine(element.0);
            if !is_reversed && at.iter().all(is_sum) {
                return found;
            }
            let below: Option<Vec<Below>> = at.iter().map(|&it| facts.below(it)).collect();
            let Some(below) = below else { return found };
            let first = *below.first()?;
            if below.iter().any(|other| other.step != first.step) {
                return found;
            }
            match first.step.operation {
                Operation::Common(..) | Operation::Softmax(_) => steps.clear(),
                Operation::Cast | Operation::Unary(_) | Operation::Number(..) => {
                    steps.push((at[0].0, first.next.0));
                }
            }
            at = below.iter().map(|below| facts.origin(below.next)).collect();
            is_reversed ^= first.reverses;
            is_nonlinear |= first.nonlinear;
            if is_nonlinear && !is_reversed && (first.nonlinear || first.reverses) {
                found = Some(Self { below: at.clone(), steps: steps.clone() });
            }
        }
    }

    /// The type of the numbers below, if all have one.
    pub(super) fn elem(&self, module: &Module<Real>) -> Option<ElementType> {
        let elem = module.ty(self.below.first()?.0).elem;
        self.below.iter().all(|below| module.ty(below.0).elem == elem).then_some(elem)
    }

    /// Does the function make `row` itself, each element from one number alone?
    pub(super) fn is_of_each(&self, row: Value) -> bool {
        self.steps.first().is_some_and(|&(value, _)| value == row)
    }

    /// What the floats of the model make of `x`; a logistic function is 0 or 1 only where it
    /// is in ONNX Runtime, too.
    pub(super) fn at(&self, module: &Module<Real>, x: f64) -> Option<f64> {
        let mut x = x;
        for &(value, operand) in self.steps.iter().rev() {
            let mut partial = Partial::new(module);
            let elements = vec![Scalar::Number(x); module.shape(operand).elements()];
            let mut others = Vec::new();
            module.node(value).op.operands(&mut |other| others.push(other));
            for other in others.into_iter().filter(|other| *other != operand) {
                constant(module, &mut partial, other)?;
            }
            partial.set(operand, elements);
            let Scalar::Number(y) = partial.compute(value).ok()?.into_iter().next()? else {
                return None;
            };
            x = told_apart(module, value, x).unwrap_or(y);
        }
        Some(x)
    }
}

impl Facts<'_> {
    /// Where an element comes from that was only moved.
    fn origin(&self, (mut value, mut at): Element) -> Element {
        while let Some(sources) = self.module.sources(&self.module.node(value).op) {
            (value, at) = sources[at];
        }
        (value, at)
    }

    /// What an element is computed from, if its order is that of the operand.
    fn below(&self, (value, at): Element) -> Option<Below> {
        let node = self.module.node(value);
        let elem = node.ty.elem;
        let one = |operation, next, nonlinear, reverses| {
            Some(Below { step: Step { operation, elem }, next: (next, at), nonlinear, reverses })
        };
        match node.op {
            RealOp::Softmax { input } => one(Operation::Softmax(value), input, true, false),
            RealOp::Cast { input } if self.module.ty(input).elem.is_float() => {
                one(Operation::Cast, input, false, false)
            }
            RealOp::Unary { function, input } => {
                let operation = Operation::Unary(function);
                let is_positive = self.ranges.of_value(input)[at].is_positive();
                match function {
                    Unary::Negate => one(operation, input, false, true),
                    Unary::Reciprocal if is_positive => one(operation, input, true, true),
                    function if is_increasing(function) => one(operation, input, true, false),
                    _ => None,
                }
            }
            RealOp::Binary { function, a, b } => self.below_pair((value, at), function, [a, b]),
            _ => None,
        }
    }

    /// As [`Self::below`], of an operation on two operands: one is written in the
    /// model, or is computed from the row.
    fn below_pair(
        &self,
        (value, at): Element,
        function: Binary,
        operands: [Value; 2],
    ) -> Option<Below> {
        let whole = self.module.shape(value);
        let of = |side: Value| (side, self.module.shape(side).positions_in(whole)[at]);
        let elements = operands.map(of);
        let numbers = elements.map(|element| self.number(element));
        let is_common = |side: Value| {
            let shape = self.module.shape(side);
            shape.row() == 1 && whole.row() > 1
        };
        let left = match (numbers, operands.map(is_common)) {
            ([Some(_), None], _) => true,
            ([None, Some(_)], _) => false,
            ([None, None], [is_left, is_right]) if is_left != is_right => is_left,
            _ => return None,
        };
        let [by, next] = if left { [0, 1] } else { [1, 0] };
        let range = &self.ranges.of_value(elements[by].0)[elements[by].1];
        let reverses = reverses(function, range, left)?;
        let operation = match numbers[by] {
            Some(number) => Operation::Number(function, number, left),
            None => Operation::Common(function, self.origin(elements[by]), left),
        };
        let step = Step { operation, elem: self.module.ty(value).elem };
        Some(Below { step, next: elements[next], nonlinear: numbers[by].is_none(), reverses })
    }

    /// The number that an element is, if no input changes it.
    fn number(&self, (value, at): Element) -> Option<f64> {
        if !self.affine.is_constant(value) {
            return None;
        }
        let mut partial = Partial::new(self.module);
        constant(self.module, &mut partial, value)?;
        match partial.compute(value).ok()?.get(at)? {
            Scalar::Number(x) => Some(*x),
            Scalar::Integer(_) => None,
        }
    }
}

/// Does the result of an operation with something in `range` shrink where the other
/// operand grows? `None` where that is open.
fn reverses(function: Binary, range: &Range, is_left: bool) -> Option<bool> {
    let is_negative = range.ends().is_some_and(|(_, max)| max < 0.0);
    let by_sign = match (range.is_positive(), is_negative) {
        (true, _) => Some(false),
        (_, true) => Some(true),
        _ => None,
    };
    match function {
        Binary::Add => Some(false),
        Binary::Subtract => Some(is_left),
        Binary::Multiply => by_sign,
        Binary::Divide if !is_left => by_sign,
        Binary::Divide
        | Binary::Power
        | Binary::Minimum
        | Binary::Maximum
        | Binary::And
        | Binary::Or
        | Binary::Xor => None,
    }
}

/// A logistic function of `x` in single floats, where ONNX Runtime tells it from 0 and 1
/// and its formula need not: the kernel of ONNX Runtime (MLAS, `logistic.cpp`) is a
/// quotient of polynomials that ends at -18 and 18.
fn told_apart(module: &Module<Real>, value: Value, x: f64) -> Option<f64> {
    let is_logistic =
        matches!(module.node(value).op, RealOp::Unary { function: Unary::Logistic, .. });
    let is_apart =
        is_logistic && module.ty(value).elem == ElementType::F32 && x.abs() < LOGISTIC_END;
    is_apart.then(|| 1.0 / (1.0 + (-x).exp()))
}

/// Computes what no input changes, and what it is made of.
fn constant(module: &Module<Real>, partial: &mut Partial<'_, f64>, value: Value) -> Option<()> {
    let mut needed = std::collections::BTreeSet::new();
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        if needed.insert(value) {
            if matches!(module.node(value).op, RealOp::Input { .. }) {
                return None;
            }
            module.node(value).op.operands(&mut |operand| pending.push(operand));
        }
    }
    for value in needed {
        partial.compute(value).ok()?;
    }
    Some(())
}

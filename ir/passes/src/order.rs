//! What keeps the order of numbers: for the passes `keep-decision` and
//! `raw-scores`, which leave out what a decision does not need.

use std::collections::{BTreeSet, HashMap};

use skxc_ir::analysis::affine::{Affine, Kind};
use skxc_ir::analysis::real_ranges::{Range, RealRanges};
use skxc_ir::module::{Module, Operation, Real, Value};
use skxc_ir::ops::{Binary, RealOp, Unary};

/// How a number follows another one that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// The value does not change.
    Still,
    /// It grows or stays.
    Up,
    /// It shrinks or stays.
    Down,
    /// The direction is unknown.
    Unknown,
}

impl Direction {
    fn turned(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
            Self::Still | Self::Unknown => self,
        }
    }

    /// Of a sum, or of the greater of two.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Still, direction) | (direction, Self::Still) => direction,
            (a, b) if a == b => a,
            _ => Self::Unknown,
        }
    }
}

/// A value whose elements, row by row, are in the same order as those of
/// `value`, before whatever nonlinear them; of the same shape. It is `value` where
/// nothing nonlinear.
///
/// Softmax, increasing functions of one element, and positive factors and
/// addends that a row has in common keep the order of its elements.
pub(super) fn in_same_order(
    module: &Module<Real>,
    affine: &Affine<'_>,
    ranges: &RealRanges,
    value: Value,
) -> Value {
    let (mut at, mut kept) = (value, value);
    let (mut is_reversed, mut is_nonlinear) = (false, false);
    // Where the order is turned, a negative factor before it may turn it back.
    while !affine.is_affine(at) || is_reversed {
        let Some(Below { next, nonlinear, reverses }) = one_step(module, affine, ranges, at) else {
            break;
        };
        if module.shape(next) != module.shape(value) {
            break;
        }
        at = next;
        is_reversed ^= reverses;
        is_nonlinear |= nonlinear;
        if is_nonlinear && !is_reversed && (nonlinear || reverses) {
            kept = at;
        }
    }
    kept
}

/// An operand whose order a value has.
struct Below {
    next: Value,
    /// Lies more than a constant factor or addend between?
    nonlinear: bool,
    /// Is the order the other way round?
    reverses: bool,
}

/// The operand in the same order, or in the opposite one.
fn one_step(
    module: &Module<Real>,
    affine: &Affine<'_>,
    ranges: &RealRanges,
    value: Value,
) -> Option<Below> {
    let same = |next: Value, nonlinear: bool| Some(Below { next, nonlinear, reverses: false });
    let opposite = |next: Value, nonlinear: bool| Some(Below { next, nonlinear, reverses: true });
    let is_common = |operand: Value| {
        let (shape, whole) = (module.shape(operand), module.shape(value));
        shape.row() == 1 && (shape.elements() == 1 || shape.0.len() == whole.0.len())
    };
    let positive = |operand: Value| ranges.of_value(operand).iter().all(Range::is_positive);
    let negative = |operand: Value| {
        ranges.of_value(operand).iter().all(|range| range.ends().is_some_and(|(_, max)| max < 0.0))
    };
    let nonlinear = |operand: Value| !affine.is_constant(operand);
    match module.node(value).op {
        RealOp::Softmax { input } => same(input, true),
        RealOp::Cast { input } if module.ty(input).elem.is_float() => same(input, false),
        RealOp::Unary { function, input } if is_increasing(function) => same(input, true),
        RealOp::Unary { function: Unary::Negate, input } => opposite(input, false),
        RealOp::Unary { function: Unary::Reciprocal, input } if positive(input) => {
            opposite(input, true)
        }
        // What is not negative is its own magnitude.
        RealOp::Unary { function: Unary::Absolute, input } if positive(input) => same(input, false),
        RealOp::Binary { function: Binary::Divide, a, b } if is_common(b) && positive(b) => {
            same(a, nonlinear(b))
        }
        RealOp::Binary { function: Binary::Multiply, a, b } => match (is_common(a), is_common(b)) {
            (_, true) if positive(b) => same(a, nonlinear(b)),
            (true, _) if positive(a) => same(b, nonlinear(a)),
            (_, true) if negative(b) => opposite(a, nonlinear(b)),
            (true, _) if negative(a) => opposite(b, nonlinear(a)),
            _ => None,
        },
        RealOp::Binary { function: Binary::Add, a, b } => match (is_common(a), is_common(b)) {
            (_, true) => same(a, nonlinear(b)),
            (true, _) => same(b, nonlinear(a)),
            _ => None,
        },
        RealOp::Binary { function: Binary::Subtract, a, b } => match (is_common(a), is_common(b)) {
            (_, true) => same(a, nonlinear(b)),
            (true, _) => opposite(b, nonlinear(a)),
            _ => None,
        },
        _ => None,
    }
}

/// Does it grow strictly where it is defined?
pub(super) fn is_increasing(function: Unary) -> bool {
    match function {
        Unary::Exp
        | Unary::Log
        | Unary::SquareRoot
        | Unary::Logistic
        | Unary::Tanh
        | Unary::Erf
        | Unary::Probit
        | Unary::Softplus => true,
        Unary::Negate
        | Unary::Absolute
        | Unary::Sign
        | Unary::Reciprocal
        | Unary::Floor
        | Unary::Ceil
        | Unary::Round
        | Unary::Relu
        | Unary::Not => false,
    }
}

/// What is computed from one number alone.
#[derive(Debug)]
pub(super) struct Scalar {
    /// The number: a sum of trees with one element.
    pub(super) input: Value,
    /// What is computed from it, constants too, in order.
    pub(super) inside: Vec<Value>,
}

impl Scalar {
    /// The number that `value` is a function of, if there is one.
    pub(super) fn of(module: &Module<Real>, affine: &Affine<'_>, value: Value) -> Option<Self> {
        let mut inputs = BTreeSet::new();
        let mut inside = BTreeSet::new();
        let mut pending = vec![value];
        while let Some(value) = pending.pop() {
            let op = &module.node(value).op;
            if matches!(op, RealOp::Input { .. }) && !affine.is_affine(value) {
                return None;
            }
            if affine.is_affine(value) {
                inputs.insert(value);
                if inputs.len() > 1 {
                    return None;
                }
            } else if inside.insert(value) {
                op.operands(&mut |operand| pending.push(operand));
            }
        }
        let input = inputs.pop_first().filter(|&input| module.shape(input).elements() == 1)?;
        Some(Self { input, inside: inside.into_iter().collect() })
    }

    /// How each element of what is computed follows the number.
    pub(super) fn directions(
        &self,
        module: &Module<Real>,
        affine: &Affine<'_>,
        ranges: &RealRanges,
    ) -> HashMap<Value, Vec<Direction>> {
        let mut known = HashMap::from([(self.input, vec![Direction::Up])]);
        for &value in &self.inside {
            let count = module.shape(value).elements();
            let directions = if affine.kind(value) == Kind::Constant || is_written(module, value) {
                vec![Direction::Still; count]
            } else {
                direction_of(module, ranges, &known, value)
            };
            known.insert(value, directions);
        }
        known
    }
}

fn is_written(module: &Module<Real>, value: Value) -> bool {
    matches!(module.node(value).op, RealOp::Constant { .. })
}

fn direction_of(
    module: &Module<Real>,
    ranges: &RealRanges,
    known: &HashMap<Value, Vec<Direction>>,
    value: Value,
) -> Vec<Direction> {
    let node = module.node(value);
    let count = node.ty.shape.elements();
    if let Some(sources) = module.sources(&node.op) {
        return sources.into_iter().map(|(value, i)| known[&value][i]).collect();
    }
    match &node.op {
        RealOp::Cast { input } if node.ty.elem.is_float() => known[input].clone(),
        RealOp::Unary { function, input } => {
            let pairs = known[input].iter().zip(ranges.of_value(*input));
            pairs.map(|(&x, range)| through(*function, x, range)).collect()
        }
        RealOp::Binary { function, a, b } => {
            let at = |operand: &Value| module.shape(*operand).positions_in(&node.ty.shape);
            let pairs = at(a).into_iter().zip(at(b));
            let one = |(i, j): (usize, usize)| {
                let a = (known[a][i], &ranges.of_value(*a)[i]);
                let b = (known[b][j], &ranges.of_value(*b)[j]);
                through_pair(*function, a, b)
            };
            pairs.map(one).collect()
        }
        _ => vec![Direction::Unknown; count],
    }
}

fn through(function: Unary, x: Direction, range: &Range) -> Direction {
    match function {
        Unary::Negate => x.turned(),
        Unary::Reciprocal if range.is_positive() => x.turned(),
        Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round | Unary::Relu => x,
        function if is_increasing(function) => x,
        _ if x == Direction::Still => x,
        _ => Direction::Unknown,
    }
}

fn through_pair(
    function: Binary,
    (a, a_range): (Direction, &Range),
    (b, b_range): (Direction, &Range),
) -> Direction {
    let still = Direction::Still;
    match function {
        Binary::Add | Binary::Minimum | Binary::Maximum => a.with(b),
        Binary::Subtract => a.with(b.turned()),
        Binary::Multiply if b == still => times(a, b_range),
        Binary::Multiply if a == still => times(b, a_range),
        Binary::Divide if b == still => times(a, b_range),
        Binary::Divide if a == still && b_range.is_positive() => times(b.turned(), a_range),
        // A base above 1 grows with its exponent.
        Binary::Power if a == still && a_range.ends().is_some_and(|(min, _)| min > 1.0) => b,
        Binary::Power
            if a == still && a_range.ends().is_some_and(|(min, max)| min > 0.0 && max < 1.0) =>
        {
            b.turned()
        }
        _ if a == still && b == still => still,
        _ => Direction::Unknown,
    }
}

/// A number times one that stays.
fn times(x: Direction, factor: &Range) -> Direction {
    match factor.ends() {
        Some((min, _)) if min > 0.0 => x,
        Some((_, max)) if max < 0.0 => x.turned(),
        _ => Direction::Unknown,
    }
}

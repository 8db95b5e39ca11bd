//! Gives the scores of a classifier as its trees sum them, where the model
//! makes probabilities of them by a softmax or another increasing function: what
//! the decision rests on, without the function.
//!
//! Not part of the pipeline, since it changes what the model gives; it runs
//! before, unless probabilities are asked for.
//!
//! Obligation: the scores that take the place of probabilities are in the same
//! order, and of kind raw. Where nothing simpler is in that order, probabilities
//! stay.

use crate::order::{self, Direction, Scalar};
use skxc_ir::analysis::affine::Affine;
use skxc_ir::analysis::real_ranges::RealRanges;
use skxc_ir::module::{Module, OutputKind, Real, ScoreKind, Value};
use skxc_ir::ops::{RealOp, Unary};
use skxc_ir::types::Type;

/// Makes scores of kind raw of those probabilities that are increasing functions
/// of something; says whether there were any.
pub fn give_raw_scores(module: &mut Module<Real>) -> bool {
    let is_probability = |kind: OutputKind| kind == OutputKind::Score(ScoreKind::Probability);
    if !module.outputs.iter().any(|output| is_probability(output.kind)) {
        return false;
    }
    let ranges = RealRanges::of(module);
    let raw: Vec<Option<Raw>> = {
        let affine = Affine::of(module);
        let of = |value| raw(module, &affine, &ranges, value);
        let outputs = module.outputs.iter();
        outputs.map(|output| is_probability(output.kind).then(|| of(output.value))?).collect()
    };
    for (at, raw) in raw.iter().enumerate() {
        let value = match *raw {
            None => continue,
            Some(Raw::Value(value)) => value,
            Some(Raw::Mirrored { sum, first }) => {
                mirrored(module, module.outputs[at].value, sum, first)
            }
        };
        module.outputs[at].value = value;
        module.outputs[at].kind = OutputKind::Score(ScoreKind::Raw);
    }
    raw.iter().any(Option::is_some)
}

/// What stands for probabilities.
#[derive(Clone, Copy)]
enum Raw {
    /// The sums themselves.
    Value(Value),
    /// A sum of one element and its negative, which is the first of the two or not.
    Mirrored { sum: Value, first: bool },
}

fn raw(
    module: &Module<Real>,
    affine: &Affine<'_>,
    ranges: &RealRanges,
    value: Value,
) -> Option<Raw> {
    if affine.is_affine(value) {
        return None;
    }
    let below = order::in_same_order(module, affine, ranges, value);
    if below != value {
        return Some(Raw::Value(below));
    }
    let scalar = Scalar::of(module, affine, value)?;
    match scalar.directions(module, affine, ranges).get(&value)?[..] {
        [Direction::Down, Direction::Up] => Some(Raw::Mirrored { sum: scalar.input, first: true }),
        [Direction::Up, Direction::Down] => Some(Raw::Mirrored { sum: scalar.input, first: false }),
        _ => None,
    }
}

/// `[-sum, sum]`, or the other way round.
fn mirrored(module: &mut Module<Real>, like: Value, sum: Value, first: bool) -> Value {
    let (origin, elem) = (module.node(like).origin, module.ty(sum).elem);
    let one = Type::new(elem, &[1, 1]);
    let sum = module.push(RealOp::Reshape { input: sum }, one.clone(), origin);
    let negate = RealOp::Unary { function: Unary::Negate, input: sum };
    let negative = module.push(negate, one, origin);
    let inputs = if first { vec![negative, sum] } else { vec![sum, negative] };
    module.push(RealOp::Concat { inputs }, Type::new(elem, &[1, 2]), origin)
}

//! What the operations between the forests and the result cost.
//!
//! The figures are those of loops over elements, which the verifier walks round
//! by round. They are rough: beside forests the operations of a model are few.

use crate::cost::Cost;
use crate::order;
use skxc_ir::function::Function;
use skxc_ir::module::{Constant, Int, Module, Value};
use skxc_ir::ops::{IntBinary, IntOp};

/// Instructions of one round of a loop, and what it takes, in tenths of a nanosecond.
#[derive(Clone, Copy, Debug)]
struct Round {
    insns: u64,
    tenth_ns: u64,
}

const fn round(insns: u64, tenth_ns: u64) -> Round {
    Round { insns, tenth_ns }
}

/// The greater or lesser of two, by a mask.
const EXTREME: Round = round(22, 10);
/// A product of 128 bits.
const WIDE_PRODUCT: Round = round(34, 40);
/// Arithmetic and comparisons, which back ends may do on the way to others.
const SIMPLE: Round = round(6, 5);
/// Two elements whose order is asked for.
const PAIR: Round = round(8, 5);
/// An element that may be the least: ten instructions, of which four wait for those of
/// the element before.
const SELECTION: Round = round(11, 11);
/// A 64-bit division (`div` of x86-64) and the rounding around it.
const DIVISION: Round = round(80, 90);
/// Time of a segment that is found by bits or by a binary search, and of its polynomial.
const FUNCTION_TENTH_NS: u64 = 120;
/// Instructions around a polynomial.
const FUNCTION_INSNS: u64 = 24;
/// Instructions of a term of a polynomial, and of a step of the search.
const TERM_INSNS: u64 = 8;
const STEP_INSNS: u64 = 7;
/// A masked load.
const LOAD: Round = round(10, 12);

/// The cost of the node of `value`; nothing for a forest or a linear map, whose
/// plan tells it, and for what only names elements ([`Elements`](crate::Elements)).
#[must_use]
pub fn cost(module: &Module<Int>, value: Value) -> Cost {
    let elements = |value: Value| module.shape(value).elements() as u64;
    let width = |value: Value| u64::from(module.shape(value).0.last().copied().unwrap_or(1));
    let here = elements(value);
    match &module.node(value).op {
        IntOp::Input { .. }
        | IntOp::Constant { .. }
        | IntOp::Reshape { .. }
        | IntOp::Gather { .. }
        | IntOp::Concat { .. }
        | IntOp::Label { .. }
        | IntOp::Linear { .. }
        | IntOp::TreeEnsemble { .. } => Cost::default(),
        IntOp::Binary { function: IntBinary::Minimum | IntBinary::Maximum, .. } => {
            rounds(EXTREME, here)
        }
        IntOp::Multiply { shift, .. } if *shift > 0 => rounds(WIDE_PRODUCT, here),
        IntOp::Binary { .. }
        | IntOp::Multiply { .. }
        | IntOp::Rescale { .. }
        | IntOp::Not { .. }
        | IntOp::Compare { .. }
        | IntOp::Greater { .. }
        | IntOp::Select { .. } => rounds(SIMPLE, here),
        IntOp::Divide { .. } => rounds(DIVISION, here),
        IntOp::Function { function, .. } => {
            let function = &module.functions[*function];
            let coefficients = function.segments.iter();
            let bytes = coefficients.map(|segment| 16 + 8 * segment.coefficients.len() as u64);
            Cost { table_bytes: bytes.sum(), ..rounds(evaluation(function), here) }
        }
        IntOp::Reduce { input, .. } | IntOp::CumulativeSum { input } => {
            rounds(SIMPLE, elements(*input))
        }
        // Every pair is compared, or every element for each position that is read.
        IntOp::ArgSort { input, .. } => match order::first_read(module, value) {
            Some(first) => rounds(SELECTION, elements(*input) * first as u64),
            None => rounds(PAIR, elements(*input) * width(*input)),
        },
        // Once for the greatest, once for the first that is close.
        IntOp::ArgMax { input, .. } => rounds(SIMPLE, 2 * elements(*input)),
        IntOp::Take { .. } | IntOp::TakeAlong { .. } => rounds(LOAD, here),
        IntOp::Lookup { keys, values, .. } => {
            let size = |constant: &Constant<Int>| constant.elements.len() as u64;
            let (keys, values) = (&module.constants[*keys], &module.constants[*values]);
            let table_bytes = 8 * (size(keys) + size(values));
            Cost { table_bytes, ..rounds(SIMPLE, here * size(keys)) }
        }
    }
}

/// A function at one place: segments of equal width are found without a search.
fn evaluation(function: &Function) -> Round {
    let segments = &function.segments;
    let terms = segments.first().map_or(0, |segment| segment.coefficients.len() as u64);
    let is_equal = segments.windows(2).all(|pair| pair[0].width_bits == pair[1].width_bits);
    let steps = if is_equal { 0 } else { segments.len().next_power_of_two().ilog2() };
    let insns = FUNCTION_INSNS + TERM_INSNS * terms + STEP_INSNS * u64::from(steps);
    Round { insns, tenth_ns: FUNCTION_TENTH_NS }
}

fn rounds(round: Round, count: u64) -> Cost {
    let insns = round.insns.saturating_mul(count);
    Cost {
        // Loops of a few rounds are unrolled, longer ones are not.
        program_insns: insns.min(round.insns * 16),
        verifier_insns: insns,
        scratch_bytes: if count > 1 { 8 * count } else { 0 },
        tenth_ns: round.tenth_ns.saturating_mul(count),
        ..Cost::default()
    }
}

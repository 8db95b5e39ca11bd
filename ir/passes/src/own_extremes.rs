//! Lets what asks for the sign of `x - m` compare `x` with `m`, where `m` is
//! chosen from the elements of `x` (an extreme, an element at a computed position)
//! or the other way round: a mixture model without ArgMax finds its component as
//! the one for which `x - max(x)` is 0.
//!
//! A difference is a number of its own: `quantize` rounds it once for all the
//! operations that lead to it, and so not as it rounds `m`. The comparison of both
//! reads one rounding of `x`, in which an element is equal to itself.
//!
//! Obligation: the same truth values, over the reals and over floats that are
//! finite: by gradual underflow a difference is 0 only of equal floats.

use crate::choices::are_of_one_value;
use crate::rebuild::Rebuild;
use crate::{Pass, PassContext};
use skxc_ir::module::{Module, Node, Real, Value};
use skxc_ir::ops::{Binary, RealOp, Relation, Unary};
use skxc_ir::types::{ElementType, Type};

/// Compares a value and its own extreme without a difference.
#[derive(Clone, Copy, Debug)]
pub struct OwnExtremes;

impl Pass<Real> for OwnExtremes {
    fn name(&self) -> &'static str {
        "own-extremes"
    }

    fn summary(&self) -> &'static str {
        "compare values with their own elements, not differences with 0"
    }

    fn keeps_floats(&self) -> bool {
        false
    }

    fn run(&self, module: &mut Module<Real>, _: &mut PassContext<Real>) -> bool {
        let found: Vec<Option<Sign>> =
            module.values().map(|value| sign_asked_for(module, value)).collect();
        if found.iter().all(Option::is_none) {
            return false;
        }
        Rebuild::run(module, |rebuild, module, value| match found[value.index()] {
            Some(sign) => compared(rebuild, module, value, sign),
            None => rebuild.copy(module, value),
        });
        true
    }
}

/// What is asked about `a - b`.
#[derive(Clone, Copy, Debug)]
struct Sign {
    a: Value,
    b: Value,
    asked: Asked,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    /// Does it have this relation to 0?
    Relation(Relation),
    /// Is it another number than 0?
    Apart,
    /// Its sign, as a number.
    Number,
}

/// What `value` asks about a difference of elements of one value.
fn sign_asked_for(module: &Module<Real>, value: Value) -> Option<Sign> {
    let (input, asked) = match module.node(value).op {
        RealOp::Compare { relation, a, b } if is_zero(module, b) => (a, Asked::Relation(relation)),
        RealOp::Compare { relation, a, b } if is_zero(module, a) => {
            (b, Asked::Relation(relation.mirrored()))
        }
        RealOp::Cast { input } if module.ty(value).elem == ElementType::Bool => {
            (input, Asked::Apart)
        }
        RealOp::Unary { function: Unary::Sign, input } => (input, Asked::Number),
        _ => return None,
    };
    if module.shape(input) != module.shape(value) {
        return None;
    }
    let (input, asked) = match (module.node(input).op.clone(), asked) {
        // A magnitude is above 0 where it is not 0, and never below.
        (RealOp::Unary { function: Unary::Absolute, input }, asked) => match asked {
            Asked::Relation(Relation::Equal | Relation::LessOrEqual) => {
                (input, Asked::Relation(Relation::Equal))
            }
            Asked::Relation(Relation::Greater) | Asked::Apart => (input, Asked::Apart),
            Asked::Relation(Relation::Less | Relation::GreaterOrEqual) | Asked::Number => {
                return None;
            }
        },
        _ => (input, asked),
    };
    let (a, b, asked) = match module.node(input).op {
        RealOp::Binary { function: Binary::Subtract, a, b } => (a, b, asked),
        _ => return None,
    };
    let is_float = module.ty(input).elem.is_float();
    (is_float && are_of_one_value(module, a, b)).then_some(Sign { a, b, asked })
}

fn is_zero(module: &Module<Real>, value: Value) -> bool {
    match module.node(value).op {
        RealOp::Constant { constant } => {
            module.constants[constant].elements.iter().all(|&x| x == 0.0)
        }
        _ => false,
    }
}

/// The comparisons that answer, in the place of `value`.
fn compared(
    rebuild: &mut Rebuild<Real>,
    module: &mut Module<Real>,
    value: Value,
    Sign { a, b, asked }: Sign,
) -> Value {
    let Node { ty, origin, .. } = module.node(value).clone();
    let (a, b) = (rebuild.of(a), rebuild.of(b));
    let bools = Type { elem: ElementType::Bool, shape: ty.shape.clone() };
    let mut push = |op, ty: &Type| rebuild.push(Node { op, ty: ty.clone(), origin });
    let related = |relation| RealOp::Compare { relation, a, b };
    match asked {
        Asked::Relation(relation) => push(related(relation), &bools),
        Asked::Apart => {
            let input = push(related(Relation::Equal), &bools);
            push(RealOp::Unary { function: Unary::Not, input }, &bools)
        }
        Asked::Number => {
            let [a, b] = [Relation::Greater, Relation::Less].map(|relation| {
                let input = push(related(relation), &bools);
                push(RealOp::Cast { input }, &ty)
            });
            push(RealOp::Binary { function: Binary::Subtract, a, b }, &ty)
        }
    }
}

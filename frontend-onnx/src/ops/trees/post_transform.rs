//! `post_transform` of the operators of tree ensembles: what is done to the sums
//! at the end. All of them are computed in `f32`, as in ONNX Runtime
//! (ml_common.h), whatever the type of the sums. Decisions:
//!
//! - a single sum knows NONE and PROBIT only; the others leave it as it is;
//! - SOFTMAX_ZERO is SOFTMAX over the sums beyond 10^-7 in magnitude; a sum `s`
//!   that is nearer to 0 becomes `s * e^-m` over the same divisor, with `m` the
//!   greatest sum. All of them near 0 divide 0 by 0.

use skxc_diagnostics::codes::{AMBIGUOUS_LABEL, POST_TRANSFORM};
use skxc_ir::{Binary, ElementType, OriginId, RealOp, Reduction, Relation, Type, Unary, Value};

use crate::lower::Lowering;
use crate::node::{Lowered, Node};

/// What is done to the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum PostTransform {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

/// In the order of their numbers in TreeEnsemble 5.
const NAMES: [(&str, PostTransform); 5] = [
    ("NONE", PostTransform::None),
    ("SOFTMAX", PostTransform::Softmax),
    ("LOGISTIC", PostTransform::Logistic),
    ("SOFTMAX_ZERO", PostTransform::SoftmaxZero),
    ("PROBIT", PostTransform::Probit),
];

/// The attribute.
pub(in crate::ops) const NAME: &str = "post_transform";

/// What counts as 0 for SOFTMAX_ZERO.
const NEAR_ZERO: f32 = 1e-7;

impl PostTransform {
    /// Reads the attribute of TreeEnsembleClassifier and TreeEnsembleRegressor.
    pub(in crate::ops) fn by_name(node: &Node<'_>) -> Lowered<Self> {
        let Some(name) = node.string(NAME)? else { return Ok(Self::None) };
        let found = NAMES.iter().find(|known| known.0 == name);
        found.map(|known| known.1).ok_or_else(|| unknown(node, &crate::listing::short(&name)))
    }

    /// Reads the attribute of TreeEnsemble.
    pub(in crate::ops) fn by_number(node: &Node<'_>) -> Lowered<Self> {
        let number = node.int(NAME)?.unwrap_or(0);
        let found = usize::try_from(number).ok().and_then(|number| NAMES.get(number));
        found.map(|known| known.1).ok_or_else(|| unknown(node, &number.to_string()))
    }

    /// As the specification names it.
    pub(in crate::ops) fn name(self) -> &'static str {
        let found = NAMES.iter().find(|known| known.1 == self);
        found.expect("every transform has a name").0
    }

    /// Applies it to a row of sums; the result is of the type of the sums.
    pub(in crate::ops) fn apply(
        self,
        lowering: &mut Lowering<'_>,
        node: &Node<'_>,
        sums: Value,
    ) -> Value {
        let ty = lowering.module.ty(sums).clone();
        let is_single = ty.shape.elements() == 1;
        if self == Self::None {
            return sums;
        }
        if is_single && self != Self::Probit {
            self.warn_of_single(lowering, node);
            return sums;
        }
        let row = lowering.cast(sums, ElementType::F32, node.origin);
        let op = match self {
            Self::None => return sums,
            Self::Logistic => RealOp::Unary { function: Unary::Logistic, input: row },
            Self::Probit => RealOp::Unary { function: Unary::Probit, input: row },
            Self::Softmax => RealOp::Softmax { input: row },
            Self::SoftmaxZero => {
                let result = softmax_zero(lowering, row, node.origin);
                return lowering.cast(result, ty.elem, node.origin);
            }
        };
        let single = Type { elem: ElementType::F32, shape: ty.shape };
        let result = lowering.module.push(op, single, node.origin);
        lowering.cast(result, ty.elem, node.origin)
    }

    fn warn_of_single(self, lowering: &mut Lowering<'_>, node: &Node<'_>) {
        let message = format!("`{NAME}` {} has no effect on a single sum", self.name());
        let warning = node.attribute_warning(NAME, AMBIGUOUS_LABEL, message);
        lowering.warn(warning.note("as in ONNX Runtime; the specification would apply it"));
    }
}

fn unknown(node: &Node<'_>, found: &str) -> crate::node::Problems {
    let message = format!("`{NAME}` {found} of `{}` is not one of the specification", node.name());
    let names = NAMES.map(|known| known.0).join(", ");
    node.attribute_error(NAME, POST_TRANSFORM, message).help(format!("it knows {names}")).into()
}

/// SOFTMAX_ZERO of `row`, `f32[1xn]`.
fn softmax_zero(lowering: &mut Lowering<'_>, row: Value, origin: OriginId) -> Value {
    let ty = lowering.module.ty(row).clone();
    let single = Type::new(ElementType::F32, &[1, 1]);
    let mut push = |op, ty: &Type| lowering.module.push(op, ty.clone(), origin);
    let reduced = Type::new(ElementType::F32, &[1]);
    let most = push(RealOp::Reduce { function: Reduction::Maximum, input: row }, &reduced);
    let most = push(RealOp::Reshape { input: most }, &single);
    let below = push(RealOp::Binary { function: Binary::Subtract, a: row, b: most }, &ty);
    let powers = push(RealOp::Unary { function: Unary::Exp, input: below }, &ty);
    let size = push(RealOp::Unary { function: Unary::Absolute, input: row }, &ty);
    let negated = push(RealOp::Unary { function: Unary::Negate, input: most }, &single);
    let scale = push(RealOp::Unary { function: Unary::Exp, input: negated }, &single);
    let small = push(RealOp::Binary { function: Binary::Multiply, a: row, b: scale }, &ty);
    let near_zero = lowering.constant(f64::from(NEAR_ZERO), single.clone(), origin);
    let zero = lowering.constant(0.0, single.clone(), origin);
    let mut push = |op, ty: &Type| lowering.module.push(op, ty.clone(), origin);
    let truth = Type { elem: ElementType::Bool, shape: ty.shape.clone() };
    let relation = Relation::Greater;
    let counts = push(RealOp::Compare { relation, a: size, b: near_zero }, &truth);
    let counted = push(RealOp::Select { condition: counts, a: powers, b: zero }, &ty);
    let sum = push(RealOp::Reduce { function: Reduction::Sum, input: counted }, &reduced);
    let sum = push(RealOp::Reshape { input: sum }, &single);
    let either = push(RealOp::Select { condition: counts, a: powers, b: small }, &ty);
    push(RealOp::Binary { function: Binary::Divide, a: either, b: sum }, &ty)
}

//! `post_transform` of the operators of tree ensembles: what is done to the sums
//! at the end. All of them are computed in `f32`, as in ONNX Runtime
//! (ml_common.h), whatever the type of the sums. Decisions:
//!
//! - the numbers in TreeEnsemble 5 are those of the specification;
//! - a single sum knows NONE and PROBIT only; the others leave it as it is;
//! - SOFTMAX_ZERO is SOFTMAX over the sums beyond 10^-7 in magnitude; a sum `s`
//!   that is nearer to 0 becomes `s * e^-m` over the same divisor, with `m` the
//!   greatest sum. All of them near 0 divide 0 by 0.

use skxc_diagnostics::codes::{AMBIGUOUS_LABEL, POST_TRANSFORM};
use skxc_ir::{Binary, ElementType, OriginId, RealOp, Reduction, Relation, Type, Unary, Value};

use crate::import::Importer;
use crate::node::{Imported, Node};

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

/// Name of the attribute.
pub(in crate::ops) const NAME: &str = "post_transform";

/// What counts as 0 for SOFTMAX_ZERO.
const NEAR_ZERO: f32 = 1e-7;

impl PostTransform {
    /// Reads the attribute of TreeEnsembleClassifier and TreeEnsembleRegressor.
    pub(in crate::ops) fn by_name(node: &Node<'_>) -> Imported<Self> {
        let Some(name) = node.string(NAME)? else { return Ok(Self::None) };
        let found = NAMES.iter().find(|known| known.0 == name);
        found.map(|known| known.1).ok_or_else(|| unknown(node, &crate::listing::short(&name)))
    }

    /// Reads the attribute of TreeEnsemble.
    ///
    /// ONNX Runtime 1.32 has LOGISTIC for 1 and SOFTMAX for 2, the other way
    /// round than the specification.
    pub(in crate::ops) fn by_number(
        importer: &mut Importer<'_>,
        node: &Node<'_>,
    ) -> Imported<Self> {
        let number = node.int(NAME)?.unwrap_or(0);
        let found = usize::try_from(number).ok().and_then(|number| NAMES.get(number));
        let (name, transform) = *found.ok_or_else(|| unknown(node, &number.to_string()))?;
        if matches!(transform, Self::Softmax | Self::Logistic) {
            let message = format!("`{NAME}` {number} is {name}, as the specification says");
            let warning = node.attribute_warning(NAME, AMBIGUOUS_LABEL, message);
            importer.warn(warning.note("ONNX Runtime has 1 for LOGISTIC and 2 for SOFTMAX"));
        }
        Ok(transform)
    }

    /// As the specification names it.
    pub(in crate::ops) fn name(self) -> &'static str {
        let found = NAMES.iter().find(|known| known.1 == self);
        found.expect("every transform has a name").0
    }

    /// Applies it to a row of sums; the result is of the type of the sums.
    pub(in crate::ops) fn apply(
        self,
        importer: &mut Importer<'_>,
        node: &Node<'_>,
        sums: Value,
    ) -> Value {
        let ty = importer.module.ty(sums).clone();
        let is_single = ty.shape.elements() == 1;
        if self == Self::None {
            return sums;
        }
        if is_single && self != Self::Probit {
            self.warn_of_single(importer, node);
            return sums;
        }
        let row = importer.cast(sums, ElementType::F32, node.origin);
        let op = match self {
            Self::None => return sums,
            Self::Logistic => RealOp::Unary { function: Unary::Logistic, input: row },
            Self::Probit => RealOp::Unary { function: Unary::Probit, input: row },
            Self::Softmax => RealOp::Softmax { input: row },
            Self::SoftmaxZero => {
                let result = softmax_zero(importer, row, node.origin);
                return importer.cast(result, ty.elem, node.origin);
            }
        };
        let single = Type { elem: ElementType::F32, shape: ty.shape };
        let result = importer.module.push(op, single, node.origin);
        importer.cast(result, ty.elem, node.origin)
    }

    pub(in crate::ops) fn warn_of_single(self, importer: &mut Importer<'_>, node: &Node<'_>) {
        let message = format!("`{NAME}` {} has no effect on a single sum", self.name());
        let warning = node.attribute_warning(NAME, AMBIGUOUS_LABEL, message);
        importer.warn(warning.note("as in ONNX Runtime; the specification would apply it"));
    }
}

fn unknown(node: &Node<'_>, found: &str) -> crate::node::Problems {
    let message = format!("`{NAME}` {found} of `{}` is not one of the specification", node.name());
    let names = NAMES.map(|known| known.0).join(", ");
    node.attribute_error(NAME, POST_TRANSFORM, message).help(format!("it knows {names}")).into()
}

/// SOFTMAX_ZERO of `row`, `f32[1xn]`.
fn softmax_zero(importer: &mut Importer<'_>, row: Value, origin: OriginId) -> Value {
    let ty = importer.module.ty(row).clone();
    let single = Type::new(ElementType::F32, &[1, 1]);
    let mut push = |op, ty: &Type| importer.module.push(op, ty.clone(), origin);
    let reduced = Type::new(ElementType::F32, &[1]);
    let most = push(RealOp::Reduce { function: Reduction::Maximum, input: row }, &reduced);
    let most = push(RealOp::Reshape { input: most }, &single);
    let below = push(RealOp::Binary { function: Binary::Subtract, a: row, b: most }, &ty);
    let powers = push(RealOp::Unary { function: Unary::Exp, input: below }, &ty);
    let size = push(RealOp::Unary { function: Unary::Absolute, input: row }, &ty);
    let negated = push(RealOp::Unary { function: Unary::Negate, input: most }, &single);
    let scale = push(RealOp::Unary { function: Unary::Exp, input: negated }, &single);
    let small = push(RealOp::Binary { function: Binary::Multiply, a: row, b: scale }, &ty);
    let near_zero = importer.constant(f64::from(NEAR_ZERO), single.clone(), origin);
    let zero = importer.constant(0.0, single.clone(), origin);
    let mut push = |op, ty: &Type| importer.module.push(op, ty.clone(), origin);
    let truth = Type { elem: ElementType::Bool, shape: ty.shape.clone() };
    let relation = Relation::Greater;
    let counts = push(RealOp::Compare { relation, a: size, b: near_zero }, &truth);
    let counted = push(RealOp::Select { condition: counts, a: powers, b: zero }, &ty);
    let sum = push(RealOp::Reduce { function: Reduction::Sum, input: counted }, &reduced);
    let sum = push(RealOp::Reshape { input: sum }, &single);
    let either = push(RealOp::Select { condition: counts, a: powers, b: small }, &ty);
    push(RealOp::Binary { function: Binary::Divide, a: either, b: sum }, &ty)
}

#[cfg(test)]
mod tests {
    //! What ONNX Runtime 1.32 makes of the same models is in the comments.

    use crate::proto::NodeProto;
    use crate::testing::{WithAttributes, model, numbers, regressor, said};

    fn assert_near(trees: NodeProto, expected: &[&[f64]]) {
        let found = numbers(&model(1, vec![trees], &["Y"]), 2);
        for (found, expected) in found.iter().zip(expected) {
            let is_near =
                |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 || (a.is_nan() && b.is_nan());
            assert!(found.iter().zip(*expected).all(is_near), "{found:?} {expected:?}");
        }
    }

    #[test]
    fn of_several_sums() {
        let trees = |name| {
            let (yes, no) = ([(0, 0.25), (1, 0.5), (2, 0.0)], [(0, 0.125), (1, -1.0), (2, 2.0)]);
            regressor(3, &yes, &no).string("post_transform", name)
        };
        // The numbers are those of ONNX Runtime.
        let logistic: [&[f64]; 2] =
            [&[0.5621765, 0.62245935, 0.5], &[0.5312094, 0.2689414, 0.880797]];
        assert_near(trees("LOGISTIC"), &logistic);
        let softmax: [&[f64]; 2] =
            [&[0.32649586, 0.41922897, 0.25427523], &[0.12746207, 0.04138087, 0.831157]];
        assert_near(trees("SOFTMAX"), &softmax);
        let softmax_zero: [&[f64]; 2] =
            [&[0.4378235, 0.5621765, 0.0], &[0.12746207, 0.04138087, 0.831157]];
        assert_near(trees("SOFTMAX_ZERO"), &softmax_zero);
        let infinite = f64::NEG_INFINITY;
        let probit = numbers(&model(1, vec![trees("PROBIT")], &["Y"]), 1);
        assert!(
            (probit[0][0] + 0.674_574_3).abs() < 1e-6 && probit[0][2] == infinite,
            "{probit:?}"
        );
    }

    #[test]
    fn softmax_zero_of_sums_near_zero() {
        let zeros = [(0, 0.0), (1, 0.0), (2, 0.0)];
        let trees = regressor(3, &zeros, &[(0, 0.0), (1, -1.0), (2, 1e-8)]);
        // [nan, nan, nan] and [0, 1, 2.7182818e-08]
        let expected: [&[f64]; 2] = [&[f64::NAN; 3], &[0.0, 1.0, 2.718_281_8e-8]];
        assert_near(trees.string("post_transform", "SOFTMAX_ZERO"), &expected);
    }

    #[test]
    fn a_single_sum_knows_probit_only() {
        let trees = |name| regressor(1, &[(0, 0.25)], &[(0, 0.75)]).string("post_transform", name);
        for name in ["LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"] {
            assert_eq!(
                said(&model(1, vec![trees(name)], &["Y"])),
                [format!("SKX0116: `post_transform` {name} has no effect on a single sum")]
            );
            assert_near(trees(name), &[&[0.25], &[0.75]]);
        }
        // [[-0.6745743], [0.6745743]]
        assert_near(trees("PROBIT"), &[&[-0.674_574_3], &[0.674_574_3]]);
    }
}

//! Elements that are whole numbers by construction: positions, counts, truth values,
//! columns, and what is added, multiplied, compared or chosen of these. Rounding
//! cannot move such a number a little: it is right, or a decision behind it was
//! taken otherwise.
//!
//! What must hold: over the real numbers an element that is called whole is an
//! integer in every row, or not a number.

use crate::arena::Handle;
use crate::forest::Forest;
use crate::module::{Constant, Module, Operation as _, Real, Value};
use crate::ops::{Binary, RealOp, Unary};
use crate::types::Type;

/// By value, whether each of its elements is a whole number, row-major.
#[derive(Clone, Debug)]
pub struct Whole {
    of_value: Vec<Vec<bool>>,
}

impl Whole {
    /// Analyses a valid module.
    #[must_use]
    pub fn of(module: &Module<Real>) -> Self {
        let mut whole = Self { of_value: Vec::with_capacity(module.nodes.len()) };
        for (_, node) in module.nodes.iter() {
            let of_node = whole.of_op(module, &node.op, &node.ty);
            whole.of_value.push(of_node);
        }
        whole
    }

    /// Of the elements of `value`, row-major.
    #[must_use]
    pub fn of_value(&self, value: Value) -> &[bool] {
        &self.of_value[value.index()]
    }

    fn of_op(&self, module: &Module<Real>, op: &RealOp, ty: &Type) -> Vec<bool> {
        let count = ty.shape.elements();
        if !ty.elem.is_float() {
            return vec![true; count];
        }
        if let Some(sources) = module.sources(op) {
            return sources.into_iter().map(|(value, i)| self.of_value(value)[i]).collect();
        }
        match op {
            RealOp::Input { .. } => vec![true; count],
            RealOp::Constant { constant } => {
                module.constants[*constant].elements.iter().map(|&x| is_whole(x)).collect()
            }
            RealOp::Cast { input } => self.of_value(*input).to_vec(),
            RealOp::Unary { function, input } => {
                self.of_value(*input).iter().map(|&it| is_whole_of(*function, it)).collect()
            }
            RealOp::Binary { function, a, b } if is_ring(*function) => {
                self.pairs(module, [*a, *b], ty)
            }
            RealOp::Select { a, b, .. } => self.pairs(module, [*a, *b], ty),
            RealOp::Reduce { input, .. } => {
                self.rows(module, *input).map(|row| row.iter().all(|&it| it)).collect()
            }
            RealOp::CumulativeSum { input } => {
                let rows = self.rows(module, *input);
                rows.flat_map(|row| vec![row.iter().all(|&it| it); row.len()]).collect()
            }
            RealOp::Take { input, .. } | RealOp::TakeAlong { input, .. } => {
                vec![self.of_value(*input).iter().all(|&it| it); count]
            }
            RealOp::MatMul { a, b } => {
                let all = [a, b].into_iter().all(|it| self.of_value(*it).iter().all(|&it| it));
                vec![all; count]
            }
            RealOp::Lookup { values, .. } => vec![has_whole(module, *values); count],
            RealOp::TreeEnsemble { forest, .. } => sums(&module.forests[*forest]),
            RealOp::Binary { .. } | RealOp::Softmax { .. } => vec![false; count],
            RealOp::Compare { .. }
            | RealOp::ArgSort { .. }
            | RealOp::ArgMax { .. }
            | RealOp::ArgMin { .. } => unreachable!("{} gives no floats", op.name()),
            RealOp::Reshape { .. }
            | RealOp::Gather { .. }
            | RealOp::Concat { .. }
            | RealOp::Label { .. } => unreachable!("{} moves elements", op.name()),
        }
    }

    /// Where the elements that meet are whole.
    fn pairs(&self, module: &Module<Real>, operands: [Value; 2], ty: &Type) -> Vec<bool> {
        let [a, b] = operands
            .map(|operand| (operand, module.shape(operand).positions_in(&ty.shape)))
            .map(|(operand, at)| at.into_iter().map(move |i| self.of_value(operand)[i]));
        a.zip(b).map(|(a, b)| a && b).collect()
    }

    fn rows(&self, module: &Module<Real>, value: Value) -> impl Iterator<Item = &[bool]> {
        self.of_value(value).chunks(module.shape(value).row())
    }
}

fn is_whole(x: f64) -> bool {
    x.fract() == 0.0
}

fn has_whole(module: &Module<Real>, constant: Handle<Constant<Real>>) -> bool {
    module.constants[constant].elements.iter().copied().all(is_whole)
}

/// Is the function of a number whole, if the number is whole or not?
fn is_whole_of(function: Unary, is_whole: bool) -> bool {
    match function {
        Unary::Negate | Unary::Absolute | Unary::Relu => is_whole,
        Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round | Unary::Not => true,
        Unary::Exp
        | Unary::Log
        | Unary::SquareRoot
        | Unary::Reciprocal
        | Unary::Logistic
        | Unary::Tanh
        | Unary::Erf
        | Unary::Probit
        | Unary::Softplus => false,
    }
}

/// Is the result of two integers an integer?
fn is_ring(function: Binary) -> bool {
    match function {
        Binary::Add
        | Binary::Subtract
        | Binary::Multiply
        | Binary::Minimum
        | Binary::Maximum
        | Binary::And
        | Binary::Or
        | Binary::Xor => true,
        Binary::Divide | Binary::Power => false,
    }
}

/// Sums of a forest whose base values and weights are whole: votes.
fn sums(forest: &Forest<Real>) -> Vec<bool> {
    let is_exact = forest.folding_error.iter().all(|&error| error == 0.0);
    let weights = forest.weights.iter().all(|weight| is_whole(weight.weight));
    forest.base.iter().map(|&base| is_exact && weights && is_whole(base)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A position and a count of votes are whole; a share and a half are not; a row
    /// has both kinds.
    #[test]
    fn positions_and_counts_are_whole_and_shares_are_not() {
        let text = "real a
@c0 = column x [0, 9]
@w0 = constant f32[1x1] [0.5]
@w1 = constant f32[1x1] [3.0]
%0 = input [x, x] : f32[1x2]
%1 = softmax %0 : f32[1x2]
%2 = argmax %1 : i64[1]
%3 = cast %2 : f32[1]
%4 = reshape %3 : f32[1x1]
%5 = constant @w0 : f32[1x1]
%6 = multiply %4, %5 : f32[1x1]
%7 = constant @w1 : f32[1x1]
%8 = multiply %4, %7 : f32[1x1]
%9 = concat [%8, %6, %1] : f32[1x4]
%10 = floor %9 : f32[1x4]
output \"a\" value %9
output \"b\" value %10
";
        let module = crate::text::parse::<Real>(text).expect("the text is a module");
        let whole = Whole::of(&module);
        let of = |index| whole.of_value(Value::from_index(index)).to_vec();
        assert_eq!(of(9), [true, false, false, false]);
        assert_eq!(of(10), [true; 4]);
        assert_eq!((of(0), of(1)), (vec![true; 2], vec![false; 2]));
    }
}

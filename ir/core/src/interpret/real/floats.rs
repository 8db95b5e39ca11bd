//! The floats of a row, for exact arithmetic: decisions about one column are those
//! that floats take ([`dependence`](crate::analysis::dependence)).

use super::{Machine, Number, Scalar, Tensor};
use crate::analysis::dependence::{Dependence, stored};
use crate::interpret::Undecided;
use crate::module::{Module, Real, Value};
use crate::ops::RealOp;

/// The floats of a row, for the decisions that belong to them.
#[derive(Debug)]
pub(super) struct Floats {
    dependence: Dependence,
    values: Vec<Tensor<f64>>,
}

impl Floats {
    /// The floats of `row`, if the module has decisions that need them.
    pub(super) fn of(module: &Module<Real>, row: &[Option<i64>]) -> Option<Self> {
        let stored = stored(module);
        let may_need = |value: Value| match module.node(value).op {
            RealOp::TreeEnsemble { input, .. } => !stored[input.index()],
            _ => Dependence::decides(module, value).iter().any(|operand| !stored[operand.index()]),
        };
        if !module.values().any(may_need) {
            return None;
        }
        let dependence = Dependence::of(module);
        let needs = |value: Value| match module.node(value).op {
            RealOp::TreeEnsemble { input, .. } => {
                (0..dependence.of_value(input).len()).any(|i| dependence.is_of_floats(input, i))
            }
            _ => dependence.is_decided(module, value),
        };
        if !module.values().any(needs) {
            return None;
        }
        Some(Self { values: Machine::<f64>::run(module, row).values, dependence })
    }

    /// The result of an operation, if it is a decision of floats.
    pub(super) fn decided<N: Number>(
        &self,
        module: &Module<Real>,
        value: Value,
    ) -> Option<Tensor<N>> {
        let decides = self.dependence.is_decided(module, value);
        let exactly = |floats: Vec<Scalar<f64>>| floats.into_iter().map(exactly).collect();
        decides.then(|| self.values[value.index()].clone().map(exactly))
    }

    /// A row of features with those of one column as floats have them.
    pub(super) fn features<N: Number>(
        &self,
        value: Value,
        row: &Tensor<N>,
    ) -> Result<Vec<Scalar<N>>, Undecided> {
        let floats = self.values[value.index()].clone()?;
        let is_of_floats = |i| self.dependence.is_of_floats(value, i);
        if (0..floats.len()).all(is_of_floats) {
            return Ok(floats.into_iter().map(exactly).collect());
        }
        let pairs = row.clone()?.into_iter().zip(floats).enumerate();
        let feature = |(i, (x, float))| if is_of_floats(i) { exactly(float) } else { x };
        Ok(pairs.map(feature).collect())
    }
}

fn exactly<N: Number>(x: Scalar<f64>) -> Scalar<N> {
    match x {
        Scalar::Number(x) => Scalar::Number(N::exact(x)),
        Scalar::Integer(x) => Scalar::Integer(x),
    }
}

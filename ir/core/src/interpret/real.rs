//! The real domain, in either of its modes.

pub(crate) mod element;
mod floats;
pub(super) mod partial;
mod tensor;

use std::borrow::Cow;

use self::floats::Floats;
use super::number::{Number, float_of};
use super::{Outcome, Trace, Undecided, is_label, leaf_of, weights_of};
use crate::analysis::dependence;
use crate::arena::Handle;
use crate::forest::{Forest, Mode, NodeId, RealTest};
use crate::module::{Column, Constant, Module, Real, Value};
use crate::ops::{Extreme, RealOp};
use crate::types::{ElementType, Type};

type Result<T> = std::result::Result<T, Undecided>;

/// One element of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<N> {
    /// Of type `f32` or `f64`.
    Number(N),
    /// Of type `i64`, `bool` or label.
    Integer(i64),
}

/// A value, row-major; undecided as a whole.
type Tensor<N> = Result<Vec<Scalar<N>>>;

#[derive(Debug)]
struct Machine<'m, N> {
    module: &'m Module<Real>,
    row: &'m [Option<i64>],
    values: Vec<Tensor<N>>,
    /// Which values are inputs and constants, and not results of arithmetic.
    stored: Vec<bool>,
    /// For exact arithmetic, what belongs to floats.
    floats: Option<Floats>,
    leaves: Vec<(Handle<Forest<Real>>, Vec<NodeId>)>,
}

/// Runs `module` on `row`. The leaves of an undecided ensemble are missing.
pub(super) fn run<N: Number>(
    module: &Module<Real>,
    row: &[Option<i64>],
) -> Trace<Real, Result<Outcome<N>>> {
    let machine = Machine::<N>::run(module, row);
    let outcome = |output: &crate::module::Output| {
        let elements = machine.values[output.value.index()].clone()?;
        Ok(outcome(elements, is_label(output.kind)))
    };
    let outcomes = module.outputs.iter().map(outcome).collect();
    Trace { outcomes, leaves: machine.leaves }
}

fn outcome<N: Number>(elements: Vec<Scalar<N>>, is_label: bool) -> Outcome<N> {
    if is_label {
        let label = integer(&elements[0]);
        Outcome::Label(usize::try_from(label).expect("a label is an index of its table"))
    } else {
        let number = |element| match element {
            Scalar::Number(x) => x,
            Scalar::Integer(x) => N::of_integer(x),
        };
        Outcome::Numbers(elements.into_iter().map(number).collect())
    }
}

impl<'m, N: Number> Machine<'m, N> {
    fn run(module: &'m Module<Real>, row: &'m [Option<i64>]) -> Self {
        let floats = if N::ROUNDS { None } else { Floats::of(module, row) };
        let (values, leaves) = (Vec::new(), Vec::new());
        let stored = dependence::stored(module);
        let mut machine = Self { module, row, values, stored, floats, leaves };
        for (value, (_, node)) in module.values().zip(module.nodes.iter()) {
            let decided = machine.floats.as_ref().and_then(|floats| floats.decided(module, value));
            let result = decided.unwrap_or_else(|| machine.compute(value, &node.op, &node.ty));
            machine.values.push(result);
        }
        machine
    }

    fn get(&self, value: Value) -> Result<&[Scalar<N>]> {
        match &self.values[value.index()] {
            Ok(elements) => Ok(elements),
            Err(undecided) => Err(*undecided),
        }
    }

    fn compute(&mut self, value: Value, op: &RealOp, ty: &Type) -> Tensor<N> {
        let at = Undecided { at: value };
        match op {
            RealOp::Input { columns } => {
                Ok(columns.iter().map(|&column| self.input(column, ty.elem)).collect())
            }
            RealOp::Constant { constant } => Ok(self.constant(*constant)),
            RealOp::Cast { input } => {
                let stored = self.stored[input.index()];
                let elements = self.get(*input)?.iter();
                elements.map(|x| cast(x, ty.elem, stored).ok_or(at)).collect()
            }
            RealOp::Reshape { input } => Ok(self.get(*input)?.to_vec()),
            RealOp::Gather { input, indices } => {
                let elements = self.get(*input)?;
                Ok(indices.iter().map(|&index| elements[index as usize].clone()).collect())
            }
            RealOp::Concat { inputs } => {
                let mut elements = Vec::new();
                for &input in inputs {
                    elements.extend_from_slice(self.get(input)?);
                }
                Ok(elements)
            }
            RealOp::Unary { function, input } => {
                let elements = self.get(*input)?.iter();
                Ok(elements.map(|x| tensor::unary(*function, x, ty.elem)).collect())
            }
            RealOp::Binary { function, a, b } => {
                let pairs = self.broadcast(*a, ty)?.zip(self.broadcast(*b, ty)?);
                Ok(tensor::binaries(*function, pairs, ty.elem))
            }
            RealOp::Compare { relation, a, b } => {
                let mode = tensor::mode(*relation);
                let pairs = self.broadcast(*a, ty)?.zip(self.broadcast(*b, ty)?);
                let answer = |(a, b)| compare(a, mode, b).ok_or(at);
                pairs.map(|pair| Ok(Scalar::Integer(answer(pair)?.into()))).collect()
            }
            RealOp::Select { condition, a, b } => self.select(*condition, *a, *b, ty),
            RealOp::Reduce { function, input } => {
                let elem = ty.elem;
                Ok(self.rows(*input)?.map(|row| tensor::reduce(*function, row, elem)).collect())
            }
            RealOp::Softmax { input } => {
                Ok(self.rows(*input)?.flat_map(|row| tensor::softmax(row, ty.elem)).collect())
            }
            RealOp::CumulativeSum { input } => {
                let sums = |row| tensor::cumulative_sum(row, ty.elem);
                Ok(self.rows(*input)?.flat_map(sums).collect())
            }
            RealOp::ArgSort { input, first } => self.orders(*input, *first, at),
            RealOp::Take { input, index } => {
                let row = self.get(*input)?;
                Ok(self.get(*index)?.iter().map(|index| tensor::at(row, index)).collect())
            }
            RealOp::TakeAlong { input, indices } => self.taken_along(*input, *indices),
            RealOp::Lookup { input, keys, values } => {
                let (keys, values) = (self.constant(*keys), self.constant(*values));
                let elements = self.get(*input)?.iter();
                elements.map(|x| tensor::lookup(x, &keys, &values).ok_or(at)).collect()
            }
            RealOp::MatMul { a, b } => self.matmul(*a, *b, ty.elem),
            RealOp::TreeEnsemble { forest, input } => self.ensemble(*forest, *input, at),
            RealOp::ArgMax { input } => self.extremes(*input, Extreme::Greatest, at),
            RealOp::ArgMin { input } => self.extremes(*input, Extreme::Least, at),
            RealOp::Label { class, .. } => Ok(self.get(*class)?.to_vec()),
        }
    }

    /// The elements of `value`, each as often as it meets one of a tensor of type `ty`.
    fn broadcast(&self, value: Value, ty: &Type) -> Result<impl Iterator<Item = &Scalar<N>>> {
        let elements = self.get(value)?;
        let positions = self.module.shape(value).positions_in(&ty.shape);
        Ok(positions.into_iter().map(|position| &elements[position]))
    }

    /// The rows of `value` along its last axis.
    fn rows(&self, value: Value) -> Result<impl Iterator<Item = &[Scalar<N>]>> {
        Ok(tensor::rows(self.get(value)?, self.module.shape(value)))
    }

    fn constant(&self, constant: Handle<Constant<Real>>) -> Vec<Scalar<N>> {
        let constant = &self.module.constants[constant];
        constant.elements.iter().map(|&x| constant_element(x, constant.ty.elem)).collect()
    }

    fn select(&self, condition: Value, a: Value, b: Value, ty: &Type) -> Tensor<N> {
        let sides = self.broadcast(a, ty)?.zip(self.broadcast(b, ty)?);
        let choose = |(condition, (a, b)): (&Scalar<N>, (&Scalar<N>, &Scalar<N>))| {
            if integer(condition) != 0 { a.clone() } else { b.clone() }
        };
        Ok(self.broadcast(condition, ty)?.zip(sides).map(choose).collect())
    }

    fn orders(&self, input: Value, first: Extreme, at: Undecided) -> Tensor<N> {
        let orders = self.rows(input)?.map(|row| tensor::argsort(row, first).ok_or(at));
        let orders: Vec<Vec<usize>> = orders.collect::<Result<_>>()?;
        Ok(orders.into_iter().flatten().map(position).collect())
    }

    fn taken_along(&self, input: Value, indices: Value) -> Tensor<N> {
        let rows = self.rows(input)?.zip(self.rows(indices)?);
        let taken = |(row, indices): (&[Scalar<N>], &[Scalar<N>])| {
            indices.iter().map(|index| tensor::at(row, index)).collect::<Vec<_>>()
        };
        Ok(rows.flat_map(taken).collect())
    }

    fn extremes(&self, input: Value, end: Extreme, at: Undecided) -> Tensor<N> {
        self.rows(input)?.map(|row| tensor::extreme(row, end).map(position).ok_or(at)).collect()
    }

    fn input(&self, column: Handle<Column>, elem: ElementType) -> Scalar<N> {
        let missing = self.module.columns[column].missing;
        let x = self.row[column.index()].or(missing);
        match (x, elem) {
            (Some(x), ElementType::I64) => Scalar::Integer(x),
            (None, ElementType::I64) => {
                panic!("a row has no missing value where its column declares none")
            }
            (Some(x), _) if Some(x) != missing => Scalar::Number(N::exact(float_of(x, elem))),
            (_, _) => Scalar::Number(N::exact(f64::NAN)),
        }
    }

    /// The row of an ensemble, whose tests of one column are those of floats.
    fn features(&self, input: Value) -> Result<Cow<'_, [Scalar<N>]>> {
        match &self.floats {
            Some(floats) => floats.features(input, &self.values[input.index()]).map(Cow::Owned),
            None => self.get(input).map(Cow::Borrowed),
        }
    }

    fn matmul(&self, a: Value, b: Value, elem: ElementType) -> Tensor<N> {
        let width = self.module.shape(b).row();
        Ok(tensor::matmul(self.get(a)?, self.get(b)?, width, elem))
    }

    fn ensemble(&mut self, handle: Handle<Forest<Real>>, input: Value, at: Undecided) -> Tensor<N> {
        let forest = &self.module.forests[handle];
        let features = self.features(input)?;
        let mut sums = vec![N::exact(0.0); forest.targets as usize];
        let mut leaves = Vec::with_capacity(forest.roots.len());
        for &root in &forest.roots {
            let leaf = leaf_of(forest, root, |test| holds(test, &features).ok_or(at))?;
            let (first, count) = weights_of(forest, leaf);
            for weight in forest.leaf_weights(first, count) {
                let sum = &mut sums[weight.target as usize];
                *sum = sum.add(weight.weight, forest.elem);
            }
            leaves.push(leaf);
        }
        for ((sum, &base), &error) in sums.iter_mut().zip(&forest.base).zip(&forest.folding_error) {
            *sum = sum.add(base, forest.elem).widened(error);
        }
        self.leaves.push((handle, leaves));
        Ok(sums.into_iter().map(Scalar::Number).collect())
    }
}

fn holds<N: Number>(test: RealTest, features: &[Scalar<N>]) -> Option<bool> {
    let Scalar::Number(x) = &features[test.feature as usize] else {
        unreachable!("trees read rows of floats")
    };
    if x.is_nan() && test.missing_is_yes {
        return Some(true);
    }
    x.compare(test.mode, &N::exact(test.threshold))
}

fn constant_element<N: Number>(x: f64, elem: ElementType) -> Scalar<N> {
    if elem.is_float() { Scalar::Number(N::exact(x)) } else { Scalar::Integer(x as i64) }
}

fn cast<N: Number>(x: &Scalar<N>, elem: ElementType, stored: bool) -> Option<Scalar<N>> {
    Some(match x {
        Scalar::Number(x) if elem.is_float() => Scalar::Number(x.cast(elem, stored)),
        Scalar::Number(x) if elem == ElementType::Bool => {
            Scalar::Integer(x.compare(Mode::NotEqual, &N::exact(0.0))?.into())
        }
        Scalar::Number(x) => Scalar::Integer(x.truncate()?),
        Scalar::Integer(x) if elem.is_float() => Scalar::Number(N::exact(float_of(*x, elem))),
        Scalar::Integer(x) if elem == ElementType::Bool => Scalar::Integer((*x != 0).into()),
        Scalar::Integer(x) => Scalar::Integer(*x),
    })
}

fn position<N>(position: usize) -> Scalar<N> {
    Scalar::Integer(position as i64)
}

fn integer<N>(x: &Scalar<N>) -> i64 {
    match x {
        Scalar::Integer(x) => *x,
        Scalar::Number(_) => unreachable!("classes and labels are integers"),
    }
}

fn compare<N: Number>(a: &Scalar<N>, mode: Mode, b: &Scalar<N>) -> Option<bool> {
    match (a, b) {
        (Scalar::Number(a), Scalar::Number(b)) => a.compare(mode, b),
        (Scalar::Integer(a), Scalar::Integer(b)) => {
            // Their order, as numbers that any comparison can tell apart.
            Some(mode.holds(f64::from(a.cmp(b) as i8), 0.0))
        }
        _ => unreachable!("both operands have one element type"),
    }
}

//! Random modules of the real domain without trees: elementwise operations,
//! comparisons, reductions, orders, look-ups and the movement of data.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{columns, frame, handles, labels};
use crate::module::{Column, Constant, LabelTable, Module, Output, OutputKind, Real, Value};
use crate::ops::{Binary, Extreme, RealOp, Reduction, Relation, Unary};
use crate::origin::OriginId;
use crate::types::{ElementType, Type};
use crate::validate::Validator;

/// What one step tries to add.
#[derive(Clone, Copy, Debug)]
enum Step {
    Cast(ElementType),
    Flatten,
    Column,
    Twice,
    Reversed,
    Unary(Unary),
    Binary(Binary),
    Compare(Relation),
    Select,
    Reduce(Reduction),
    Softmax,
    CumulativeSum,
    ArgSort(Extreme),
    Best(Extreme),
    Take,
    TakeAlong,
    Lookup,
    MatMul,
}

/// A step and which of the values so far it works on.
type Choice = (Step, [prop::sample::Index; 3]);

/// Random modules whose outputs are the numbers of every value.
pub fn tensor_modules() -> BoxedStrategy<Module<Real>> {
    let elem = prop_oneof![Just(ElementType::F32), Just(ElementType::F64), Just(ElementType::I64)];
    let number = (-12i32..12).prop_map(|x| f64::from(x) / 4.0);
    let steps = vec((steps(), any::<[prop::sample::Index; 3]>()), 1..12);
    (columns(), elem, vec(number, 1..5), steps, labels(2))
        .prop_map(|(columns, elem, numbers, steps, labels)| {
            build(&columns, elem, &numbers, &steps, labels)
        })
        .boxed()
}

fn steps() -> BoxedStrategy<Step> {
    let elem = prop_oneof![
        Just(ElementType::F32),
        Just(ElementType::F64),
        Just(ElementType::I64),
        Just(ElementType::Bool)
    ];
    let end = prop_oneof![Just(Extreme::Greatest), Just(Extreme::Least)];
    prop_oneof![
        2 => elem.prop_map(Step::Cast),
        1 => Just(Step::Flatten),
        1 => Just(Step::Column),
        1 => Just(Step::Twice),
        1 => Just(Step::Reversed),
        4 => proptest::sample::select(Unary::ALL.as_slice()).prop_map(Step::Unary),
        4 => proptest::sample::select(Binary::ALL.as_slice()).prop_map(Step::Binary),
        2 => proptest::sample::select(Relation::ALL.as_slice()).prop_map(Step::Compare),
        2 => Just(Step::Select),
        2 => proptest::sample::select(Reduction::ALL.as_slice()).prop_map(Step::Reduce),
        1 => Just(Step::Softmax),
        1 => Just(Step::CumulativeSum),
        1 => end.clone().prop_map(Step::ArgSort),
        2 => end.prop_map(Step::Best),
        1 => Just(Step::Take),
        1 => Just(Step::TakeAlong),
        1 => Just(Step::Lookup),
        1 => Just(Step::MatMul),
    ]
    .boxed()
}

fn build(
    columns: &[Column],
    elem: ElementType,
    numbers: &[f64],
    steps: &[Choice],
    labels: LabelTable,
) -> Module<Real> {
    let (mut module, origin) = frame::<Real>(columns, labels);
    let columns = handles(module.columns.len());
    let row = Type::new(elem, &[1, columns.len() as u32]);
    module.push(RealOp::Input { columns }, row, origin);
    let integers = Type::new(ElementType::I64, &[1, numbers.len() as u32]);
    constant(&mut module, numbers.iter().map(|x| x.round()).collect(), integers, origin);
    let list = Type::new(ElementType::F32, &[numbers.len() as u32]);
    constant(&mut module, numbers.to_vec(), list, origin);
    for (step, at) in steps {
        add(&mut module, *step, at, numbers, origin);
    }
    // Numbers, or 0 and 1.
    for (index, value) in module.values().enumerate().collect::<Vec<_>>() {
        let ty = module.ty(value).clone();
        let value = if ty.elem == ElementType::Bool {
            let ty = Type { elem: ElementType::I64, ..ty };
            module.push(RealOp::Cast { input: value }, ty, origin)
        } else {
            value
        };
        let name = format!("v{index}");
        module.outputs.push(Output { name, kind: OutputKind::Value, value });
    }
    module
}

/// Adds what the step asks for, if the values fit it.
fn add(
    module: &mut Module<Real>,
    step: Step,
    at: &[prop::sample::Index; 3],
    numbers: &[f64],
    origin: OriginId,
) {
    let [a, b, c] = at.map(|at| Value::from_index(at.index(module.nodes.len())));
    let ty = module.ty(a).clone();
    let extent = ty.shape.0.last().copied().unwrap_or(0);
    let mut declared = ty.clone();
    let op = match step {
        Step::Cast(elem) => {
            declared.elem = elem;
            RealOp::Cast { input: a }
        }
        Step::Flatten => {
            declared = Type::new(ty.elem, &[ty.shape.elements() as u32]);
            RealOp::Reshape { input: a }
        }
        Step::Column => {
            declared = Type::new(ty.elem, &[ty.shape.elements() as u32, 1]);
            RealOp::Reshape { input: a }
        }
        Step::Twice => RealOp::Concat { inputs: vec![a, a] },
        Step::Reversed => RealOp::Gather { input: a, indices: (0..extent).rev().collect() },
        Step::Unary(function) => RealOp::Unary { function, input: a },
        Step::Binary(function) => RealOp::Binary { function, a, b },
        Step::Compare(relation) => RealOp::Compare { relation, a, b },
        Step::Select => RealOp::Select { condition: c, a, b },
        Step::Reduce(function) => RealOp::Reduce { function, input: a },
        Step::Softmax => RealOp::Softmax { input: a },
        Step::CumulativeSum => RealOp::CumulativeSum { input: a },
        Step::ArgSort(first) => RealOp::ArgSort { input: a, first },
        Step::Best(Extreme::Greatest) => RealOp::ArgMax { input: a },
        Step::Best(Extreme::Least) => RealOp::ArgMin { input: a },
        Step::Take => RealOp::Take { input: a, index: b },
        Step::TakeAlong => RealOp::TakeAlong { input: a, indices: b },
        Step::MatMul => RealOp::MatMul { a, b },
        Step::Lookup => {
            let keys = if ty.elem == ElementType::I64 { [-1.0, 2.0] } else { [0.5, 1.0] };
            let keys = Constant { ty: Type::new(ty.elem, &[2]), elements: keys.to_vec() };
            let values = numbers.iter().copied().cycle().take(3).collect();
            let values = Constant { ty: Type::new(ElementType::F32, &[3]), elements: values };
            if ty.elem == ElementType::Bool {
                return;
            }
            let keys = module.constants.push(keys);
            RealOp::Lookup { input: a, keys, values: module.constants.push(values) }
        }
    };
    if let Ok(ty) = Validator::type_of(module, &op, &declared)
        && ty.shape.elements() <= 64
        && ty.shape.0.len() <= 4
    {
        module.push(op, ty, origin);
    }
}

fn constant(module: &mut Module<Real>, elements: Vec<f64>, ty: Type, origin: OriginId) -> Value {
    let constant = module.constants.push(Constant { ty: ty.clone(), elements });
    module.push(RealOp::Constant { constant }, ty, origin)
}

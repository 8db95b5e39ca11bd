//! Random modules of the integer domain without forests: arithmetic, linear maps,
//! rows, look-ups and tables of functions over columns and constants.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{columns, frame, handles};
use crate::function::{EVERYTHING, Expression, Request, tabulate};
use crate::matrix::{Matrix, MatrixRow, MatrixWeight};
use crate::module::{Constant, Int, Interval, LabelTable, Module, Output, OutputKind, Value};
use crate::ops::{Extreme, IntBinary, IntOp, IntReduction, Relation, Rounding, Unary};
use crate::types::{ElementType, Type};
use crate::validate::Validator;

/// Operations that are tried; those that would not be valid are left out.
const STEPS_MAX: usize = 24;
/// Elements of a value; concatenations would grow without bound.
const ELEMENTS_MAX: usize = 64;
/// Kinds of operations that a step chooses from.
const KINDS: u8 = 21;
/// Format of the inputs of tables.
const TABLE_INPUT: ElementType = ElementType::Fixed { bits: 40, frac_bits: 20 };
/// Format of their results.
const TABLE_OUTPUT: ElementType = ElementType::Fixed { bits: 45, frac_bits: 30 };

/// An operation to try.
#[derive(Clone, Debug)]
struct Step {
    kind: u8,
    operands: [prop::sample::Index; 3],
    numbers: [u8; 2],
    constants: Vec<i64>,
}

/// Random modules of tensor operations.
pub fn int_tensor_modules() -> BoxedStrategy<Module<Int>> {
    let constants = prop_oneof![vec(-9i64..9, 1..12), vec(-70_000i64..70_000, 1..12)];
    let operands = any::<[prop::sample::Index; 3]>();
    let step = (0..KINDS, operands, any::<[u8; 2]>(), constants);
    let step = step.prop_map(|(kind, operands, numbers, constants)| Step {
        kind,
        operands,
        numbers,
        constants,
    });
    (columns(), vec(step, 1..STEPS_MAX))
        .prop_map(|(columns, steps)| {
            let labels = LabelTable::Integers(vec![0, 1]);
            let (mut module, origin) = frame::<Int>(&columns, labels);
            let op = IntOp::Input { columns: handles(module.columns.len()) };
            let ty = Type::new(ElementType::I64, &[1, columns.len() as u32]);
            let input = module.push(op, ty, origin);
            module.outputs.push(Output {
                name: "x".to_owned(),
                kind: OutputKind::Value,
                value: input,
            });
            for step in &steps {
                if let Some(longer) = step.append(&module) {
                    module = longer;
                }
            }
            finish(&mut module);
            module
        })
        .boxed()
}

/// The newest numbers become the outputs, and what they do not need goes.
fn finish(module: &mut Module<Int>) {
    let is_number = |elem| matches!(elem, ElementType::I64 | ElementType::Fixed { .. });
    let numbers = module.values().rev().filter(|&value| is_number(module.ty(value).elem));
    let last: Vec<Value> = numbers.take(4).collect();
    let outputs = last.into_iter().enumerate().map(|(i, value)| Output {
        name: format!("out{i}"),
        kind: OutputKind::Value,
        value,
    });
    module.outputs = outputs.collect();
    module.sweep();
}

impl Step {
    /// The module with the operation, if it is valid.
    fn append(&self, module: &Module<Int>) -> Option<Module<Int>> {
        let mut longer = module.clone();
        let (op, declared) = self.op(&mut longer)?;
        let ty = Validator::type_of(&longer, &op, &declared).ok()?;
        let origin = longer.nodes.iter().next()?.1.origin;
        let elements = ty.shape.elements();
        longer.push(op, ty, origin);
        let is_small = (1..=ELEMENTS_MAX).contains(&elements);
        (is_small && Validator::check(&longer).is_empty()).then_some(longer)
    }

    fn op(&self, module: &mut Module<Int>) -> Option<(IntOp, Type)> {
        let count = module.nodes.len();
        let [a, b, c] = self.operands.map(|index| Value::from_index(index.index(count)));
        let [first, second] = self.numbers;
        let ty = module.ty(a).clone();
        let shift = first % 31;
        let scaled = |frac_bits: i16| {
            let elem = ElementType::Fixed { bits: 62, frac_bits: u8::try_from(frac_bits).ok()? };
            Some(Type { elem, ..ty.clone() })
        };
        let frac = |value: Value| match module.ty(value).elem {
            ElementType::Fixed { frac_bits, .. } => i16::from(frac_bits),
            _ => 0,
        };
        Some(match self.kind {
            0 => (
                self.constant(module, &[self.constants.len() as u32]),
                Type::new(ElementType::I64, &[]),
            ),
            1 => {
                let elements = ty.shape.elements() as u32;
                let shape = if first % 2 == 0 { vec![1, elements] } else { vec![elements, 1] };
                (IntOp::Reshape { input: a }, Type::new(ty.elem, &shape))
            }
            2 => {
                let row = ty.shape.row().max(1) as u32;
                let indices = self.constants.iter().map(|&x| x.unsigned_abs() as u32 % row);
                (IntOp::Gather { input: a, indices: indices.collect() }, ty)
            }
            3 => (IntOp::Concat { inputs: vec![a, b, a] }, ty),
            4 | 5 => {
                let function = IntBinary::ALL[first as usize % IntBinary::ALL.len()];
                (IntOp::Binary { function, a, b }, ty)
            }
            6 => {
                let to = frac(a) + frac(b) - i16::from(shift);
                (IntOp::Multiply { a, b, shift }, scaled(to)?)
            }
            7 => {
                let to = frac(a) + i16::from(shift) - frac(b);
                (IntOp::Divide { a, b, shift }, scaled(to)?)
            }
            8 => {
                let rounding = Rounding::ALL[second as usize % Rounding::ALL.len()];
                let to = if first % 4 == 0 {
                    Type { elem: ElementType::I64, ..ty }
                } else {
                    scaled(i16::from(shift))?
                };
                (IntOp::Rescale { input: a, rounding }, to)
            }
            9 => self.function(module, a)?,
            _ => self.decision(module, [a, b, c])?,
        })
    }

    /// Comparisons, choices, orders and look-ups.
    fn decision(&self, module: &mut Module<Int>, [a, b, c]: [Value; 3]) -> Option<(IntOp, Type)> {
        let first = self.numbers[0];
        let extreme = if first.is_multiple_of(2) { Extreme::Least } else { Extreme::Greatest };
        let ty = module.ty(a).clone();
        Some(match self.kind {
            10 => (IntOp::Not { input: a }, ty),
            11 => {
                let relation = Relation::ALL[first as usize % Relation::ALL.len()];
                (IntOp::Compare { relation, a, b }, ty)
            }
            12 => (IntOp::Greater { a, threshold: self.constants[0] }, ty),
            13 => (IntOp::Select { condition: a, a: b, b: c }, ty),
            14 => {
                let function = IntReduction::ALL[first as usize % IntReduction::ALL.len()];
                (IntOp::Reduce { function, input: a }, ty)
            }
            15 => (IntOp::CumulativeSum { input: a }, ty),
            16 => (IntOp::ArgSort { input: a, first: extreme }, ty),
            17 if first.is_multiple_of(3) => (IntOp::Take { input: a, index: b }, ty),
            17 if first % 3 == 1 => (IntOp::TakeAlong { input: a, indices: b }, ty),
            17 => {
                let shape = [self.constants.len() as u32];
                let IntOp::Constant { constant: keys } = self.constant(module, &shape) else {
                    return None;
                };
                let mut values = self.constants.clone();
                values.push(first.into());
                let elements = Type::new(ElementType::I64, &[values.len() as u32]);
                let values = module.constants.push(Constant { ty: elements, elements: values });
                (IntOp::Lookup { input: a, keys, values }, ty)
            }
            18 | 19 => return self.linear(module, [a, b]),
            _ => (IntOp::ArgMax { input: a, margin: i64::from(first % 4) }, ty),
        })
    }

    fn constant(&self, module: &mut Module<Int>, shape: &[u32]) -> IntOp {
        let ty = Type::new(ElementType::I64, shape);
        let constant = Constant { ty, elements: self.constants.clone() };
        IntOp::Constant { constant: module.constants.push(constant) }
    }

    /// A linear map of two values, with sums of a few bits or of many.
    fn linear(&self, module: &mut Module<Int>, inputs: [Value; 2]) -> Option<(IntOp, Type)> {
        let count = inputs.map(|value| module.shape(value).elements() as u32);
        let count = count[0] + count[1];
        let [first, second] = self.numbers;
        let (low_bits, wide) = match second % 4 {
            0 => (20, (0..count).step_by(2).collect()),
            _ => (0, Vec::new()),
        };
        let mut numbers = self.constants.iter().cycle();
        let mut number = move || numbers.next().copied().unwrap_or_default();
        let rows = (0..1 + second % 7).map(|_| {
            let weights =
                (0..count).map(|input| MatrixWeight { input, weight: number() << (first % 6 * 5) });
            let weights = weights.filter(|weight| weight.weight % 3 != 0).collect();
            MatrixRow { base: number(), weights, rounding: 0.0 }
        });
        let rows: Vec<MatrixRow> = rows.collect();
        let elem = ElementType::Fixed { bits: 62, frac_bits: first % 31 };
        let ty = Type::new(elem, &[1, rows.len() as u32]);
        let matrix = Matrix { elem, low_bits, wide, inputs: count, rows };
        let matrix = module.matrices.push(matrix);
        Some((IntOp::Linear { matrix, inputs: inputs.to_vec() }, ty))
    }

    /// A table over the format that `a` has, or over what a rescaling makes of it.
    fn function(&self, module: &mut Module<Int>, a: Value) -> Option<(IntOp, Type)> {
        let ty = module.ty(a).clone();
        let bits = 10 + i64::from(self.numbers[1] % 20);
        let domain = Interval::new(-1 << bits, 1 << bits);
        if ty.elem != TABLE_INPUT {
            // Numbers within the domain of a table, for the next one.
            let ElementType::I64 = ty.elem else { return None };
            let ty = Type { elem: TABLE_INPUT, ..ty };
            return Some((IntOp::Rescale { input: a, rounding: Rounding::Nearest }, ty));
        }
        let functions = [Unary::Logistic, Unary::Exp, Unary::Absolute, Unary::Floor, Unary::Tanh];
        let function = functions[self.numbers[0] as usize % functions.len()];
        let domain = Interval::new(domain.min.max(-1 << 23), domain.max.min(1 << 23));
        let reals = EVERYTHING;
        let (input, output) = (TABLE_INPUT, TABLE_OUTPUT);
        let request = Request { input, domain, reach: 0.0, reals, output };
        let table = tabulate(&Expression::of(function), &request).ok()?;
        let function = module.functions.push(table);
        Some((IntOp::Function { function, input: a }, ty))
    }
}

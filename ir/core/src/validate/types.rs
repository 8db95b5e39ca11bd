//! Types: that of a value is what its operation makes of its operands.

mod int;
mod tensor;

use super::Rules;
use super::error::{Errors, Location, Problem};
use super::rules;
use crate::analysis::real_ranges::RealRanges;
use crate::arena::Handle;
use crate::forest::{Forest, RealTest, TreeNode};
use crate::limits;
use crate::module::{LabelTable, Module, OutputKind, Real, Value};
use crate::ops::RealOp;
use crate::types::{ElementType, Shape, Type};

/// `Fixed::bits` is at most this: a difference of two then fits an `i64`.
const FIXED_BITS_MAX: u8 = 62;

pub(super) fn check<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    for (value, (_, node)) in module.values().zip(module.nodes.iter()) {
        let found = &node.ty;
        match D::result_type(module, &node.op, found) {
            Ok(expected) if expected == *found => {}
            Ok(expected) => {
                let problem = Problem::TypeMismatch { found: found.clone(), expected };
                errors.add(Location::Value(value), problem);
            }
            Err(problem) => errors.add(Location::Value(value), problem),
        }
    }
    for (index, output) in module.outputs.iter().enumerate() {
        let found = module.ty(output.value);
        let (fits, expected) = match output.kind {
            OutputKind::Label => (is_label(found), "a single label"),
            OutputKind::Score(_) | OutputKind::Value => (is_number(found.elem), "numbers"),
        };
        if !fits {
            let problem = Problem::BadOutput { found: found.clone(), expected };
            errors.add(Location::Output(index), problem);
        }
    }
}

impl rules::Rules for Real {
    const CLASSES_MAX: usize = limits::MODEL_CLASSES_MAX;

    fn allows(elem: ElementType) -> bool {
        !matches!(elem, ElementType::Fixed { .. })
    }

    fn allows_sums(elem: ElementType) -> bool {
        elem.is_float()
    }

    fn represents(elem: ElementType, number: f64) -> bool {
        match elem {
            ElementType::F32 => f64::from(number as f32) == number && number.is_finite(),
            ElementType::F64 => number.is_finite(),
            ElementType::Bool => number == 0.0 || number == 1.0,
            // Every integer among the elements is exact: below 2^63, and as an `f64`.
            ElementType::I64 | ElementType::Label(_) => {
                number.fract() == 0.0 && number.abs() < f64::exp2(63.0)
            }
            ElementType::Fixed { .. } => false,
        }
    }

    fn feature(test: RealTest) -> u32 {
        test.feature
    }

    fn threshold(test: RealTest) -> String {
        test.threshold.to_string()
    }

    fn allows_test(test: RealTest) -> bool {
        !test.threshold.is_nan()
    }

    fn result_type(module: &Module<Real>, op: &RealOp, declared: &Type) -> Result<Type, Problem> {
        use ElementType::{Bool, F32, F64, I64, Label};
        let ty = |value: Value| module.ty(value);
        match op {
            RealOp::Input { columns } => {
                let elem = declared.elem;
                let elem = if matches!(elem, F32 | F64 | I64) { elem } else { F32 };
                Ok(Type::new(elem, &[1, columns.len() as u32]))
            }
            RealOp::Constant { constant } => Ok(module.constants[*constant].ty.clone()),
            RealOp::Cast { input } => {
                let input = ty(*input);
                let elem = match (input.elem, declared.elem) {
                    (F32 | F64 | I64 | Bool, to @ (F32 | F64 | I64 | Bool)) => to,
                    (Label(table), _) => Label(table),
                    _ => return Err(bad_operand(input, "numbers, or labels of the same table")),
                };
                Ok(Type { elem, shape: input.shape.clone() })
            }
            RealOp::Reshape { input } => reshape(ty(*input), declared),
            RealOp::Gather { input, indices } => gather(ty(*input), indices),
            RealOp::Concat { inputs } => concat(inputs.iter().map(|&input| ty(input))),
            RealOp::Unary { function, input } => tensor::unary(*function, ty(*input)),
            RealOp::Binary { function, a, b } => tensor::binary(*function, ty(*a), ty(*b)),
            RealOp::Compare { relation, a, b } => tensor::compare(*relation, ty(*a), ty(*b)),
            RealOp::Select { condition, a, b } => tensor::select(ty(*condition), ty(*a), ty(*b)),
            RealOp::Reduce { input, .. } => tensor::reduced(ty(*input)),
            RealOp::Softmax { input } => tensor::last_axis_of_floats(ty(*input)).cloned(),
            RealOp::CumulativeSum { input } => tensor::last_axis(ty(*input)).cloned(),
            RealOp::ArgSort { input, .. } => {
                Ok(Type { elem: I64, ..tensor::last_axis(ty(*input))?.clone() })
            }
            RealOp::Take { input, index } => tensor::take(ty(*input), ty(*index)),
            RealOp::TakeAlong { input, indices } => tensor::take_along(ty(*input), ty(*indices)),
            RealOp::Lookup { input, keys, values } => {
                tensor::lookup(ty(*input), &module.constants[*keys], &module.constants[*values])
            }
            RealOp::MatMul { a, b } => tensor::matmul(ty(*a), ty(*b)),
            RealOp::TreeEnsemble { forest, input } => {
                let forest = &module.forests[*forest];
                let input = ty(*input);
                if !input.elem.is_float() || input.shape.0 != [1, forest.features] {
                    return Err(bad_operand(input, "a row of floats, one a feature of the forest"));
                }
                check_thresholds(forest, input.elem)?;
                Ok(Type::new(forest.elem, &[1, forest.targets]))
            }
            RealOp::ArgMax { input } | RealOp::ArgMin { input } => {
                Ok(Type { elem: I64, ..tensor::reduced(ty(*input))? })
            }
            RealOp::Label { table, class } => label(*table, ty(*class)),
        }
    }

    type Ranges = RealRanges;

    fn ranges(module: &Module<Real>) -> RealRanges {
        RealRanges::of(module)
    }

    fn check_ranges(module: &Module<Real>, errors: &mut Errors) -> Option<RealRanges> {
        super::ranges::check_real(module, errors)
    }
}

/// Rows of `f32` are compared with thresholds of `f32`.
fn check_thresholds(forest: &Forest<Real>, elem: ElementType) -> Result<(), Problem> {
    let test = |node: &TreeNode<Real>| match *node {
        TreeNode::Branch { test, .. } => Some(test.threshold),
        TreeNode::Leaf { .. } => None,
    };
    let holds = |x: f64| elem != ElementType::F32 || f64::from(x as f32) == x;
    match forest.nodes.iter().filter_map(test).find(|&threshold| !holds(threshold)) {
        Some(number) => {
            let (number, elem) = (number.to_string(), elem.to_string());
            Err(Problem::NotRepresentable { number, elem })
        }
        None => Ok(()),
    }
}

fn is_number(elem: ElementType) -> bool {
    elem.is_float() || matches!(elem, ElementType::I64 | ElementType::Fixed { .. })
}

fn is_label(ty: &Type) -> bool {
    matches!(ty.elem, ElementType::Label(_)) && ty.shape.elements() == 1
}

/// Are all leading extents 1? Then the elements are those of the last axis.
fn is_row(shape: &Shape) -> bool {
    shape.0.split_last().is_some_and(|(_, leading)| leading.iter().all(|&extent| extent == 1))
}

fn bad_operand(found: &Type, expected: &'static str) -> Problem {
    Problem::BadOperand { found: found.clone(), expected }
}

fn reshape(input: &Type, declared: &Type) -> Result<Type, Problem> {
    if input.shape.elements() == declared.shape.elements() {
        Ok(Type { elem: input.elem, shape: declared.shape.clone() })
    } else {
        Err(Problem::BadShapes { a: input.clone(), b: declared.clone() })
    }
}

fn gather(input: &Type, indices: &[u32]) -> Result<Type, Problem> {
    if !is_row(&input.shape) {
        return Err(bad_operand(input, "a tensor of one row"));
    }
    let count = input.shape.elements();
    if let Some(index) = indices.iter().map(|&i| i as usize).find(|&index| index >= count) {
        return Err(Problem::OutOfBounds { what: "element", index, count });
    }
    Ok(with_last(input, indices.len()))
}

fn concat<'a>(mut inputs: impl Iterator<Item = &'a Type>) -> Result<Type, Problem> {
    let first = inputs.next().ok_or(Problem::Empty { what: "operands" })?;
    if !is_row(&first.shape) {
        return Err(bad_operand(first, "tensors of one row"));
    }
    let mut elements = first.shape.elements();
    for input in inputs {
        if input.elem != first.elem
            || input.shape.0.len() != first.shape.0.len()
            || !is_row(&input.shape)
        {
            return Err(Problem::BadShapes { a: first.clone(), b: input.clone() });
        }
        elements += input.shape.elements();
        if elements > limits::ELEMENTS_MAX {
            let (what, max) = ("elements", limits::ELEMENTS_MAX);
            return Err(Problem::TooMany { what, found: elements, max });
        }
    }
    Ok(with_last(first, elements))
}

/// The type with another last extent.
fn with_last(ty: &Type, extent: usize) -> Type {
    let mut ty = ty.clone();
    if let Some(last) = ty.shape.0.last_mut() {
        *last = extent as u32;
    }
    ty
}

fn label(table: Handle<LabelTable>, class: &Type) -> Result<Type, Problem> {
    match class.elem {
        ElementType::I64 | ElementType::Bool => {
            Ok(Type { elem: ElementType::Label(table), shape: class.shape.clone() })
        }
        ElementType::F32 | ElementType::F64 | ElementType::Label(_) | ElementType::Fixed { .. } => {
            Err(bad_operand(class, "class indices, `i64` or `bool`"))
        }
    }
}

//! The integer domain: its element types, and what its operations make of
//! their operands.

use super::tensor::{self, broadcast};
use super::{FIXED_BITS_MAX, bad_operand, concat, gather, is_number, label, reshape};
use crate::analysis::ranges::Ranges;
use crate::arena::Handle;
use crate::forest::IntTest;
use crate::limits;
use crate::matrix::Matrix;
use crate::module::{Int, Module, Value};
use crate::ops::{IntBinary, IntOp};
use crate::types::{ElementType, Type};
use crate::validate::error::{Errors, Problem};
use crate::validate::ranges;
use crate::validate::rules;

impl rules::Rules for Int {
    const CLASSES_MAX: usize = limits::CLASSES_MAX;

    fn allows(elem: ElementType) -> bool {
        match elem {
            ElementType::F32 | ElementType::F64 => false,
            ElementType::I64 | ElementType::Bool | ElementType::Label(_) => true,
            ElementType::Fixed { bits, .. } => (1..=FIXED_BITS_MAX).contains(&bits),
        }
    }

    fn allows_sums(elem: ElementType) -> bool {
        matches!(elem, ElementType::Fixed { .. }) && Self::allows(elem)
    }

    fn represents(elem: ElementType, number: i64) -> bool {
        match elem {
            ElementType::F32 | ElementType::F64 => false,
            ElementType::I64 | ElementType::Label(_) => true,
            ElementType::Bool => number == 0 || number == 1,
            ElementType::Fixed { bits, .. } => {
                u32::from(bits) >= u64::BITS - number.unsigned_abs().leading_zeros()
            }
        }
    }

    fn feature(test: IntTest) -> u32 {
        test.feature
    }

    fn threshold(test: IntTest) -> String {
        test.at_most.to_string()
    }

    /// `feature - at_most` must fit an `i64`.
    fn allows_test(test: IntTest) -> bool {
        let max = limits::FEATURE_MAGNITUDE_MAX;
        (-max - 1..=max).contains(&test.at_most)
    }

    fn result_type(module: &Module<Int>, op: &IntOp, declared: &Type) -> Result<Type, Problem> {
        use ElementType::{Bool, I64};
        let ty = |value: Value| module.ty(value);
        match op {
            IntOp::Input { columns } => Ok(Type::new(I64, &[1, columns.len() as u32])),
            IntOp::Constant { constant } => Ok(module.constants[*constant].ty.clone()),
            IntOp::Reshape { input } => reshape(ty(*input), declared),
            IntOp::Gather { input, indices } => gather(ty(*input), indices),
            IntOp::Concat { inputs } => concat(inputs.iter().map(|&input| ty(input))),
            IntOp::Binary { function, a, b } => binary(*function, ty(*a), ty(*b)),
            IntOp::Multiply { a, b, shift } => {
                let (a, b) = (ty(*a), ty(*b));
                scaled(a, b, frac_bits(a)? + frac_bits(b)? - i16::from(*shift), *shift, declared)
            }
            IntOp::Divide { a, b, shift } => {
                let (a, b) = (ty(*a), ty(*b));
                scaled(a, b, frac_bits(a)? + i16::from(*shift) - frac_bits(b)?, *shift, declared)
            }
            IntOp::Rescale { input, .. } => rescale(ty(*input), declared),
            IntOp::Function { function, input } => {
                let (function, input) = (&module.functions[*function], ty(*input));
                if input.elem != function.input {
                    return Err(bad_operand(input, "numbers in the input format of the function"));
                }
                Ok(Type { elem: function.output, shape: input.shape.clone() })
            }
            IntOp::Linear { matrix, inputs } => linear(module, *matrix, inputs),
            IntOp::Not { input } => {
                let input = ty(*input);
                if input.elem == Bool { Ok(input.clone()) } else { Err(not_truth_values(input)) }
            }
            IntOp::Compare { relation, a, b } => tensor::compare(*relation, ty(*a), ty(*b)),
            IntOp::Greater { a, .. } => {
                let a = ty(*a);
                if !is_number(a.elem) {
                    return Err(bad_operand(a, "numbers"));
                }
                Ok(Type { elem: Bool, shape: a.shape.clone() })
            }
            IntOp::Select { condition, a, b } => tensor::select(ty(*condition), ty(*a), ty(*b)),
            IntOp::Reduce { input, .. } => tensor::reduced(ty(*input)),
            IntOp::CumulativeSum { input } => tensor::last_axis(ty(*input)).cloned(),
            IntOp::ArgSort { input, .. } => {
                Ok(Type { elem: I64, ..tensor::last_axis(ty(*input))?.clone() })
            }
            IntOp::Take { input, index } => tensor::take(ty(*input), ty(*index)),
            IntOp::TakeAlong { input, indices } => tensor::take_along(ty(*input), ty(*indices)),
            IntOp::Lookup { input, keys, values } => {
                tensor::lookup(ty(*input), &module.constants[*keys], &module.constants[*values])
            }
            IntOp::TreeEnsemble { forest, input } => {
                let forest = &module.forests[*forest];
                let input = ty(*input);
                if input.elem != I64 || input.shape.0 != [1, forest.features] {
                    return Err(bad_operand(input, "a row of `i64`, one a feature of the forest"));
                }
                Ok(Type::new(forest.elem, &[1, forest.targets]))
            }
            IntOp::ArgMax { input, margin } => {
                if *margin < 0 || *margin > 1 << FIXED_BITS_MAX {
                    return Err(Problem::BadMargin { margin: *margin });
                }
                Ok(Type { elem: I64, ..tensor::reduced(ty(*input))? })
            }
            IntOp::Label { table, class } => label(*table, ty(*class)),
        }
    }

    type Ranges = Ranges;

    fn ranges(module: &Module<Int>) -> Ranges {
        Ranges::of(module)
    }

    fn check_ranges(module: &Module<Int>, errors: &mut Errors) -> Option<Ranges> {
        ranges::check_int(module, errors)
    }
}

fn linear(module: &Module<Int>, matrix: Handle<Matrix>, inputs: &[Value]) -> Result<Type, Problem> {
    let matrix = &module.matrices[matrix];
    let types = || inputs.iter().map(|&input| module.ty(input));
    let is_numeric = |elem| elem == ElementType::Bool || is_number(elem);
    if let Some(input) = types().find(|input| !is_numeric(input.elem)) {
        return Err(bad_operand(input, "numbers or truth values"));
    }
    let found = types().map(|input| input.shape.elements()).sum();
    let expected = matrix.inputs as usize;
    if found != expected {
        return Err(Problem::WrongCount { what: "inputs", found, expected });
    }
    Ok(Type::new(matrix.elem, &[1, matrix.rows.len() as u32]))
}

fn binary(function: IntBinary, a: &Type, b: &Type) -> Result<Type, Problem> {
    if function.is_logical() {
        if a.elem == ElementType::Bool { broadcast(a, b) } else { Err(not_truth_values(a)) }
    } else if is_number(a.elem) {
        broadcast(a, b)
    } else {
        Err(bad_operand(a, "numbers"))
    }
}

/// The result of a multiplication or division: as declared, if that has so many
/// bits behind the point.
fn scaled(a: &Type, b: &Type, expected: i16, shift: u8, declared: &Type) -> Result<Type, Problem> {
    if shift > limits::SHIFT_MAX || frac_bits(declared)? != expected {
        return Err(Problem::BadShift { shift, expected, found: declared.elem.to_string() });
    }
    let b = Type { elem: a.elem, shape: b.shape.clone() };
    Ok(Type { elem: declared.elem, ..broadcast(a, &b)? })
}

fn rescale(input: &Type, declared: &Type) -> Result<Type, Problem> {
    let from = if input.elem == ElementType::Bool { 0 } else { frac_bits(input)? };
    let to = frac_bits(declared)?;
    let shift = to.abs_diff(from);
    if shift > limits::SHIFT_MAX.into() {
        let (shift, found) = (shift as u8, declared.elem.to_string());
        return Err(Problem::BadShift { shift, expected: from, found });
    }
    Ok(Type { elem: declared.elem, shape: input.shape.clone() })
}

/// Bits behind the point of numbers.
fn frac_bits(ty: &Type) -> Result<i16, Problem> {
    match ty.elem {
        ElementType::Fixed { frac_bits, .. } => Ok(frac_bits.into()),
        ElementType::I64 => Ok(0),
        ElementType::F32 | ElementType::F64 | ElementType::Bool | ElementType::Label(_) => {
            Err(bad_operand(ty, "numbers"))
        }
    }
}

fn not_truth_values(found: &Type) -> Problem {
    bad_operand(found, "truth values")
}

//! Functions of one number: what of a model becomes a table.
//!
//! A chain of operations on one value, such as `1 / (1 + e^-x)` as the exporter
//! writes it, is one function, whatever it consists of. It begins at a sum of
//! trees or at another value that the program computes. There are two kinds:
//!
//! - the same function of each element of a value;
//! - a function for each element, of one number: where all elements of the
//!   operands are multiples of it, as in the softmax of `[-s, s]`, or where the
//!   constants of each element are its own, as in a power transform.

use std::collections::{BTreeSet, HashMap};

use skxc_ir::analysis::affine::{Affine, Form, is_smooth};
use skxc_ir::function::{Expression, TermId};
use skxc_ir::module::{Module, Operation, Real, Value};
use skxc_ir::ops::{Binary, RealOp, Reduction, Unary};
use skxc_ir::ratio::Ratio;

/// So many functions of one number are worth a table each.
const FUNCTIONS_MAX: usize = 8;
/// So many elements are worth a function each.
const ELEMENTS_MAX: usize = 64;

/// A chain of operations as functions.
#[derive(Clone, Debug)]
pub(super) enum Chain {
    /// This function of each element of the value.
    Each(Value, Expression),
    /// A function for each element.
    Several(Vec<Part>),
}

/// One element of a chain.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The value of whose element it is a function.
    pub(super) input: Value,
    /// Position of the element.
    pub(super) element: usize,
    /// The function of the element.
    pub(super) expression: Expression,
}

impl Chain {
    /// The values that it is a function of.
    pub(super) fn inputs(&self) -> Vec<Value> {
        match self {
            Self::Each(input, _) => vec![*input],
            Self::Several(parts) => parts.iter().map(|part| part.input).collect(),
        }
    }

    /// Is it more than products and sums, which are exact without a table?
    fn is_curved(&self) -> bool {
        match self {
            Self::Each(_, expression) => expression.is_curved(),
            Self::Several(parts) => parts.iter().any(|part| part.expression.is_curved()),
        }
    }

    /// The chain that ends in `value`, if it is one and not just sums.
    pub(super) fn of(module: &Module<Real>, affine: &Affine<'_>, value: Value) -> Option<Self> {
        if !module.ty(value).elem.is_float() || !nonlinear(module, affine, value) {
            return None;
        }
        let chain = each(module, affine, value)
            .or_else(|| one(module, affine, value))
            .or_else(|| element_by_element(module, affine, value))?;
        chain.is_curved().then_some(chain)
    }
}

/// Is the operation something that sums and shifts cannot do? Else it stands
/// behind the table.
fn nonlinear(module: &Module<Real>, affine: &Affine<'_>, value: Value) -> bool {
    match &module.node(value).op {
        RealOp::Unary { function, .. } => is_smooth(*function) && *function != Unary::Negate,
        RealOp::Binary { function, a, b } => match function {
            Binary::Multiply => !affine.is_constant(*a) && !affine.is_constant(*b),
            Binary::Divide => !affine.is_constant(*b),
            Binary::Power => true,
            _ => false,
        },
        RealOp::Softmax { .. } => true,
        _ => false,
    }
}

fn is_arithmetic(function: Binary) -> bool {
    match function {
        Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Power => true,
        Binary::Minimum | Binary::Maximum | Binary::And | Binary::Or | Binary::Xor => false,
    }
}

/// The number that each element of a constant is, if a float holds it; with
/// `element`, the number that meets that one of as many or of one.
fn constant(
    module: &Module<Real>,
    affine: &Affine<'_>,
    value: Value,
    element: Option<(usize, usize)>,
) -> Option<f64> {
    let count = module.shape(value).elements();
    let number = match element {
        None => super::sums::one_number(module, affine, value)?,
        Some((element, whole)) if count == whole => affine.form(value, element).constant,
        Some(_) if count == 1 => affine.form(value, 0).constant,
        Some(_) => return None,
    };
    float(&number)
}

fn float(number: &Ratio) -> Option<f64> {
    let nearest = number.nearest();
    (Ratio::of(nearest)? == *number).then_some(nearest)
}

/// The same function of each element of a value.
fn each(module: &Module<Real>, affine: &Affine<'_>, value: Value) -> Option<Chain> {
    let (input, expression) = elementwise(module, affine, value, None)?;
    Some(Chain::Each(input, expression))
}

/// A function of its own for each element.
fn element_by_element(module: &Module<Real>, affine: &Affine<'_>, value: Value) -> Option<Chain> {
    let count = module.shape(value).elements();
    if count > ELEMENTS_MAX {
        return None;
    }
    let part = |element: usize| {
        let (input, expression) = elementwise(module, affine, value, Some((element, count)))?;
        Some(Part { input, element, expression })
    };
    Some(Chain::Several((0..count).map(part).collect::<Option<_>>()?))
}

/// The function of elements, or of one of so many, and the value whose elements
/// it is a function of.
fn elementwise(
    module: &Module<Real>,
    affine: &Affine<'_>,
    value: Value,
    element: Option<(usize, usize)>,
) -> Option<(Value, Expression)> {
    let count = module.shape(value).elements();
    let mut inside = BTreeSet::new();
    let mut input: Option<Value> = None;
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        if affine.is_constant(value) {
            constant(module, affine, value, element)?;
            inside.insert(value);
            continue;
        }
        if module.shape(value).elements() != count {
            return None;
        }
        let operands = match &module.node(value).op {
            _ if affine.is_affine(value) => vec![],
            RealOp::Unary { function, input } if is_smooth(*function) => vec![*input],
            RealOp::Binary { function, a, b } if is_arithmetic(*function) => vec![*a, *b],
            RealOp::Cast { input } if module.ty(*input).elem.is_float() => vec![*input],
            RealOp::Reshape { input } => vec![*input],
            _ => vec![],
        };
        if operands.is_empty() {
            if *input.get_or_insert(value) != value {
                return None;
            }
        } else if inside.insert(value) {
            pending.extend(operands);
        }
    }
    // The chain ends in an operation that nonlinear, so it is not the input.
    let input = input.filter(|_| !inside.is_empty())?;
    let mut expression = Expression::new();
    let mut terms = HashMap::from([(input, expression.variable())]);
    for value in inside {
        let term = match &module.node(value).op {
            _ if affine.is_constant(value) => {
                expression.constant(constant(module, affine, value, element)?)
            }
            RealOp::Unary { function, input } => expression.unary(*function, terms[input]),
            RealOp::Binary { function, a, b } => expression.binary(*function, terms[a], terms[b]),
            RealOp::Cast { input } | RealOp::Reshape { input } => terms[input],
            op => unreachable!("{} is in no chain", op.name()),
        };
        terms.insert(value, term);
    }
    Some((input, expression.ending_in(terms[&value])))
}

/// Functions of one number.
fn one(module: &Module<Real>, affine: &Affine<'_>, value: Value) -> Option<Chain> {
    let mut inputs = BTreeSet::new();
    let mut inside = BTreeSet::new();
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        if affine.is_affine(value) {
            inputs.insert(value);
        } else if inside.insert(value) && !affine.is_constant(value) {
            pending.extend(operands_inside(module, value)?);
        }
    }
    if module.shape(value).elements() > FUNCTIONS_MAX {
        return None;
    }
    let (base, element) = base(module, affine, &inputs)?;
    let form = affine.form(base, element);
    let (expression, terms) = (Expression::new(), HashMap::new());
    let mut builder = Builder { module, affine, form: &form, expression, terms };
    let variable = builder.expression.variable();
    for &input in &inputs {
        builder.multiples(input, variable)?;
    }
    for &value in &inside {
        builder.compute(value)?;
    }
    let ends = builder.terms[&value].iter();
    let part = |&end| Part { input: base, element, expression: builder.expression.ending_in(end) };
    Some(Chain::Several(ends.map(part).collect()))
}

/// The element that all others are multiples of, up to constants.
fn base(
    module: &Module<Real>,
    affine: &Affine<'_>,
    inputs: &BTreeSet<Value>,
) -> Option<(Value, usize)> {
    let first = *inputs.first()?;
    let element = (0..module.shape(first).elements())
        .find(|&element| !affine.form(first, element).terms.is_empty())?;
    Some((first, element))
}

fn operands_inside(module: &Module<Real>, value: Value) -> Option<Vec<Value>> {
    match &module.node(value).op {
        RealOp::Unary { function, input } if is_smooth(*function) => Some(vec![*input]),
        RealOp::Binary { function, a, b } if is_arithmetic(*function) => Some(vec![*a, *b]),
        RealOp::Cast { input } if module.ty(*input).elem.is_float() => Some(vec![*input]),
        RealOp::Reshape { input }
        | RealOp::Gather { input, .. }
        | RealOp::Softmax { input }
        | RealOp::Reduce { function: Reduction::Sum, input } => Some(vec![*input]),
        RealOp::Concat { inputs } => Some(inputs.clone()),
        _ => None,
    }
}

/// Terms of the elements of values.
struct Builder<'m> {
    module: &'m Module<Real>,
    affine: &'m Affine<'m>,
    /// What the variable stands for.
    form: &'m Form,
    expression: Expression,
    terms: HashMap<Value, Vec<TermId>>,
}

impl Builder<'_> {
    /// The elements of a sum as multiples of the variable.
    fn multiples(&mut self, input: Value, variable: TermId) -> Option<()> {
        let mut terms = Vec::new();
        for element in 0..self.module.shape(input).elements() {
            let form = self.affine.form(input, element);
            let factor = factor(&form, self.form)?;
            let offset = self.form.constant.times(&factor).negated().plus(&form.constant);
            let (factor, offset) = (float(&factor)?, float(&offset)?);
            let mut term = variable;
            if factor == -1.0 {
                term = self.expression.unary(Unary::Negate, term);
            } else if factor != 1.0 {
                let factor = self.expression.constant(factor);
                term = self.expression.binary(Binary::Multiply, term, factor);
            }
            if offset != 0.0 {
                let offset = self.expression.constant(offset);
                term = self.expression.binary(Binary::Add, term, offset);
            }
            terms.push(term);
        }
        self.terms.insert(input, terms);
        Some(())
    }

    fn compute(&mut self, value: Value) -> Option<()> {
        let node = self.module.node(value);
        let terms = if self.affine.is_constant(value) {
            let count = node.ty.shape.elements();
            let number = |element| float(&self.affine.form(value, element).constant);
            let numbers: Option<Vec<f64>> = (0..count).map(number).collect();
            numbers?.into_iter().map(|x| self.expression.constant(x)).collect()
        } else if let Some(sources) = self.module.sources(&node.op) {
            sources.into_iter().map(|(value, i)| self.terms[&value][i]).collect()
        } else {
            match &node.op {
                RealOp::Cast { input } => self.terms[input].clone(),
                RealOp::Unary { function, input } => {
                    let input = self.terms[input].clone();
                    input.into_iter().map(|x| self.expression.unary(*function, x)).collect()
                }
                RealOp::Binary { function, a, b } => {
                    let at = |operand: &Value| {
                        let positions = self.module.shape(*operand).positions_in(&node.ty.shape);
                        positions.into_iter().map(|i| self.terms[operand][i]).collect::<Vec<_>>()
                    };
                    let pairs = at(a).into_iter().zip(at(b)).collect::<Vec<_>>();
                    pairs
                        .into_iter()
                        .map(|(a, b)| self.expression.binary(*function, a, b))
                        .collect()
                }
                RealOp::Reduce { input, .. } => {
                    let width = self.module.shape(*input).row();
                    let input = self.terms[input].clone();
                    input.chunks(width).map(|row| self.sum(row)).collect()
                }
                RealOp::Softmax { input } => {
                    let width = self.module.shape(*input).row();
                    let input = self.terms[input].clone();
                    input.chunks(width).flat_map(|row| self.softmax(row)).collect()
                }
                op => unreachable!("{} is in no chain", op.name()),
            }
        };
        self.terms.insert(value, terms);
        Some(())
    }

    fn sum(&mut self, row: &[TermId]) -> TermId {
        let sum = row.iter().copied().reduce(|a, b| self.expression.binary(Binary::Add, a, b));
        sum.expect("a row has an element")
    }

    /// `1 / sum of e^(y - x)` over the elements `y` of the row, for each `x`.
    fn softmax(&mut self, row: &[TermId]) -> Vec<TermId> {
        let one = |this: &mut Self, x: TermId| {
            let others = row.iter().filter(|y| **y != x).copied().collect::<Vec<_>>();
            let mut sum = this.expression.constant((row.len() - others.len()) as f64);
            for y in others {
                let difference = this.expression.binary(Binary::Subtract, y, x);
                let power = this.expression.unary(Unary::Exp, difference);
                sum = this.expression.binary(Binary::Add, sum, power);
            }
            this.expression.unary(Unary::Reciprocal, sum)
        };
        row.iter().map(|&x| one(self, x)).collect()
    }
}

/// How many times the sums of `of` those of `form` are.
fn factor(form: &Form, of: &Form) -> Option<Ratio> {
    let Some((_, first)) = form.terms.first() else { return Some(Ratio::zero()) };
    let (_, base) = of.terms.first()?;
    let factor = first.over(base)?;
    let same = form.terms.len() == of.terms.len()
        && form
            .terms
            .iter()
            .zip(&of.terms)
            .all(|((sum, by), (sum_of, by_of))| sum == sum_of && by_of.times(&factor) == *by);
    same.then_some(factor)
}

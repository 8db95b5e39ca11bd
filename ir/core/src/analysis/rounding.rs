//! Bounds on what fixed point changes in the values of an integer module,
//! against exact arithmetic on the weights of the model.
//!
//! Each operation is taken with its operands off by at most their bounds:
//! sums and differences add them (Higham, Accuracy and Stability of Numerical
//! Algorithms, section 3.1, with no error in the additions), and what rounds
//! adds its own share. A decision (`bool`, position) that the errors of its
//! operands could turn has the error 1 or the length of the axis; what depends
//! on it differs by at most the span of its alternatives. The bounds are
//! computed upwards.

mod elementwise;
mod rows;
mod shares;

use crate::analysis::ranges::{Bounds, Ranges};
use crate::matrix::MatrixRow;
use crate::module::{Int, Module, Value};
use crate::ops::IntOp;
use crate::types::{ElementType, Type};

/// Error bound of each element of each value, in real units.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounding {
    of_value: Vec<Vec<f64>>,
}

/// What the bounds of an operation are computed from.
struct Given<'m> {
    module: &'m Module<Int>,
    ranges: &'m Ranges,
    known: &'m Rounding,
}

/// What is known of one element.
#[derive(Clone, Copy, Debug)]
struct Operand {
    bounds: Bounds,
    error: f64,
    elem: ElementType,
}

/// What is known of the elements along the last axis.
struct Row<'m> {
    bounds: &'m [Bounds],
    error: &'m [f64],
    elem: ElementType,
}

impl Rounding {
    /// Analyses a valid module, whose values have `ranges`.
    #[must_use]
    pub fn of(module: &Module<Int>, ranges: &Ranges) -> Self {
        let mut rounding = Self::none();
        rounding.extend(module, ranges);
        rounding
    }

    /// Of a module without nodes.
    #[must_use]
    pub fn none() -> Self {
        Self { of_value: Vec::new() }
    }

    /// Analyses the nodes that `module` has got since.
    pub fn extend(&mut self, module: &Module<Int>, ranges: &Ranges) {
        for (_, node) in module.nodes.iter().skip(self.of_value.len()) {
            let given = Given { module, ranges, known: self };
            let bounds = given.of_op(&node.op, &node.ty);
            self.of_value.push(bounds);
        }
    }

    /// Bounds of the elements of `value`, row-major. 0 where the value is
    /// exact. That of a label is of its class: what is looked up by it may be of another.
    #[must_use]
    pub fn of_value(&self, value: Value) -> &[f64] {
        &self.of_value[value.index()]
    }
}

impl Given<'_> {
    fn error(&self, value: Value) -> &[f64] {
        self.known.of_value(value)
    }

    fn operand(&self, value: Value, i: usize) -> Operand {
        let (bounds, error) = (self.ranges.of_value(value)[i], self.error(value)[i]);
        Operand { bounds, error, elem: self.module.ty(value).elem }
    }

    fn operands(&self, value: Value) -> impl Iterator<Item = Operand> {
        (0..self.error(value).len()).map(move |i| self.operand(value, i))
    }

    /// What `bound` says of the operands that meet in each element of a result.
    fn each<const N: usize>(
        &self,
        ty: &Type,
        operands: [Value; N],
        bound: impl Fn([Operand; N]) -> f64,
    ) -> Vec<f64> {
        let positions = operands.map(|operand| self.module.shape(operand).positions_in(&ty.shape));
        let meet = |i| std::array::from_fn(|n| self.operand(operands[n], positions[n][i]));
        (0..ty.shape.elements()).map(|i| bound(meet(i))).collect()
    }

    /// The rows of a value along its last axis.
    fn rows(&self, value: Value) -> impl Iterator<Item = Row<'_>> {
        let shape = self.module.shape(value);
        (0..shape.elements() / shape.row()).map(move |row| Row::of(self, value, row))
    }

    fn of_op(&self, op: &IntOp, ty: &Type) -> Vec<f64> {
        match op {
            IntOp::Input { .. } | IntOp::Constant { .. } => vec![0.0; ty.shape.elements()],
            // What is looked up by a class may be that of another one.
            IntOp::Label { class, .. } => self.error(*class).to_vec(),
            IntOp::Reshape { .. } | IntOp::Gather { .. } | IntOp::Concat { .. } => {
                let sources = self.module.sources(op).expect("the operation moves elements");
                sources.into_iter().map(|(value, i)| self.error(value)[i]).collect()
            }
            IntOp::Binary { function, a, b } => {
                self.each(ty, [*a, *b], |[a, b]| elementwise::binary(*function, a, b))
            }
            IntOp::Multiply { a, b, shift } => {
                let rounding = if *shift == 0 { 0.0 } else { 0.5 * unit(ty.elem) };
                self.each(ty, [*a, *b], |[a, b]| sum_up(elementwise::multiply(a, b), rounding))
            }
            IntOp::Divide { a, b, .. } => {
                let rounding = 0.5 * unit(ty.elem);
                let share = self.share(*a, *b);
                self.each(ty, [*a, *b], |[a, b]| {
                    let quotient = elementwise::divide(a, b);
                    sum_up(share.map_or(quotient, |share| share.min(quotient)), rounding)
                })
            }
            IntOp::Rescale { input, rounding } => {
                self.each(ty, [*input], |[x]| elementwise::rescale(x, ty.elem, *rounding))
            }
            IntOp::Function { function, input } => {
                let function = &self.module.functions[*function];
                self.each(ty, [*input], |[x]| elementwise::function(function, x.error))
            }
            IntOp::Linear { matrix, inputs } => {
                let units = inputs.iter().flat_map(|&input| {
                    let unit = unit(self.module.ty(input).elem);
                    self.error(input).iter().map(move |error| error / unit)
                });
                let units: Vec<f64> = units.collect();
                let matrix = &self.module.matrices[*matrix];
                let result = unit(ty.elem);
                let finer = f64::exp2(-f64::from(matrix.low_bits));
                let error = |row: &MatrixRow| {
                    row.weights.iter().fold(row.rounding, |sum, weight| {
                        let magnitude = weight.weight.unsigned_abs() as f64;
                        let term = product_up(magnitude.next_up(), units[weight.input as usize]);
                        let unit =
                            if matrix.is_wide(weight.input) { result * finer } else { result };
                        sum_up(sum, term * unit)
                    })
                };
                matrix.rows.iter().map(error).collect()
            }
            IntOp::Not { input } => self.error(*input).to_vec(),
            IntOp::Compare { a, b, .. } => {
                self.each(ty, [*a, *b], |[a, b]| elementwise::compare(a, b))
            }
            IntOp::Greater { a, threshold } => {
                let threshold = Bounds::exactly((*threshold).into());
                self.each(ty, [*a], |[a]| {
                    let threshold = Operand { bounds: threshold, error: 0.0, elem: a.elem };
                    elementwise::compare(a, threshold)
                })
            }
            IntOp::Select { condition, a, b } => {
                self.each(ty, [*condition, *a, *b], |[c, a, b]| elementwise::select(c, a, b))
            }
            IntOp::Lookup { input, values, .. } => {
                let values = &self.module.constants[*values];
                let all = values.elements.iter().map(|&x| Bounds::exactly(x.into()));
                let all = all.reduce(Bounds::union).unwrap_or(Bounds::exactly(0));
                let jump = span(all, values.ty.elem);
                self.each(ty, [*input], |[x]| if x.error == 0.0 { 0.0 } else { jump })
            }
            IntOp::Reduce { function, input } => {
                self.rows(*input).map(|row| rows::reduce(*function, row.error)).collect()
            }
            IntOp::CumulativeSum { input } => {
                self.rows(*input).flat_map(|row| rows::prefixes(row.error)).collect()
            }
            IntOp::ArgSort { input, .. } => {
                self.rows(*input).flat_map(|row| vec![row.position(); row.error.len()]).collect()
            }
            IntOp::ArgMax { input, .. } => self.rows(*input).map(|row| row.position()).collect(),
            IntOp::Take { input, index } => {
                let row = Row::of(self, *input, 0);
                self.operands(*index).map(|at| row.taken(at)).collect()
            }
            IntOp::TakeAlong { input, indices } => {
                let width = self.module.shape(*indices).row();
                let at = self.operands(*indices).enumerate();
                at.map(|(i, at)| Row::of(self, *input, i / width).taken(at)).collect()
            }
            IntOp::TreeEnsemble { forest, .. } => {
                let forest = &self.module.forests[*forest];
                let half_units = forest.rounding_half_units.iter();
                let rounding = half_units.map(|&halves| from_half_units(halves, forest.elem));
                rounding
                    .zip(&forest.folding_error)
                    .map(|(x, &folding)| sum_up(x, folding))
                    .collect()
            }
        }
    }
}

/// The sum of two bounds, rounded up; nothing to round if one is 0.
fn sum_up(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { a + b } else { (a + b).next_up() }
}

/// The product of two bounds, rounded up; 0 times anything is 0.
fn product_up(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { (a * b).next_up() }
}

/// The unit of the last place of `elem`.
fn unit(elem: ElementType) -> f64 {
    match elem {
        ElementType::Fixed { frac_bits, .. } => f64::exp2(-f64::from(frac_bits)),
        _ => 1.0,
    }
}

/// The length of `bounds` of an `elem`, in real units.
fn span(bounds: Bounds, elem: ElementType) -> f64 {
    product_up(bounds.span() as f64, unit(elem)).next_up()
}

/// `halves` half units of the last place of `elem`, rounded up.
fn from_half_units(halves: u64, elem: ElementType) -> f64 {
    let ElementType::Fixed { .. } = elem else { return 0.0 };
    // Exact for fewer than 2^53 halves, far above `limits::LEAF_WEIGHTS_MAX`.
    halves as f64 * 0.5 * unit(elem)
}

#[cfg(test)]
mod tests;

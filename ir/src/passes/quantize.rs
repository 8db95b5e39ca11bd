//! From floating point to integers: the only way from [`Real`] to [`Int`].
//!
//! - [`predicate`]: tests become integer tests, exactly;
//! - [`weights`]: leaf weights become fixed point, as fine as cannot overflow;
//! - [`margin`]: decisions of votes get the tie margin;
//! - here: the operations around them.
//!
//! Obligation: labels are those of exact arithmetic on the weights of the model
//! with ties by the margin; scores are within [`crate::analysis::rounding`] of
//! exact arithmetic.

pub mod margin;
pub mod predicate;
pub mod weights;

use std::collections::{HashMap, HashSet};

use skxc_diagnostics::{Diagnostic, codes};

use crate::analysis::ranges::{Ranges, forest_sums};
use crate::arena::Handle;
use crate::module::{Column, Constant, Int, Module, Operation, Real, Value};
use crate::ops::{Binary, IntOp, RealOp, Relation};
use crate::types::{ElementType, Type};

/// Name for `--passes` and `--print-after`.
pub const NAME: &str = "quantize";

/// Magnitude bits of a sum: one less than an `i64` has, so that a difference
/// of two sums still fits.
pub const SUM_BITS: u8 = 62;

/// What stands in the way of integers.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuantizeError {
    /// A forest reads computed values; its tests cannot become tests on columns.
    #[error("the trees of `{node}` read computed values, not input columns")]
    ComputedFeatures {
        /// The ONNX node.
        node: String,
    },
    /// An operation has no integer form.
    #[error("`{node}` ({op} of {operand}) has no integer form")]
    NoIntegerForm {
        /// The ONNX node.
        node: String,
        /// Name of the operation.
        op: &'static str,
        /// Type of its operand.
        operand: Type,
    },
    /// The weights are so large that not even their integer part fits.
    #[error("sums of `{node}` reach {magnitude:e}, beyond 2^62")]
    TooLarge {
        /// The ONNX node.
        node: String,
        /// Bound on the magnitude of a sum.
        magnitude: f64,
    },
}

impl QuantizeError {
    /// What the user is told.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let message = self.to_string();
        match self {
            Self::ComputedFeatures { .. } => Diagnostic::error(codes::COMPUTED_FEATURES, message)
                .note("a tree test is exact only on the integers that a packet holds")
                .help("train the trees on the raw columns: trees need no scaling"),
            Self::NoIntegerForm { .. } => Diagnostic::error(codes::NO_INTEGER_FORM, message)
                .note("the operation stands where only a decision or a sum of trees can")
                .help("see `skxc inspect` for what each part of the model becomes"),
            Self::TooLarge { .. } => Diagnostic::error(codes::SUM_TOO_LARGE, message)
                .note("sums are 64-bit integers; 62 bits hold the magnitude")
                .help("rescale the targets before training"),
        }
    }
}

/// Makes the integer module of a real one.
///
/// # Errors
/// All reasons why there is none.
pub fn quantize(real: &Module<Real>) -> Result<Module<Int>, Vec<QuantizeError>> {
    let mut frac_bits = weights::frac_bits_estimate(real)?;
    loop {
        let int = Quantizer::new(real, frac_bits).run()?;
        // The estimate bounds the sums; what is computed from them may need
        // a bit more.
        if fits(&int) || frac_bits == 0 {
            return Ok(int);
        }
        frac_bits -= 1;
    }
}

/// Do all fixed-point values, and the sums on their way, fit [`SUM_BITS`]?
fn fits(module: &Module<Int>) -> bool {
    let ranges = Ranges::of(module);
    let fixed = module.values().filter(|&value| is_fixed(module.ty(value).elem));
    let mut values = fixed.flat_map(|value| ranges.of_value(value));
    let mut sums = module.forests.iter().flat_map(|(_, forest)| forest_sums(forest));
    values.all(|bounds| bounds.magnitude_bits() <= u32::from(SUM_BITS))
        && sums.all(|sum| sum.partial.magnitude_bits() <= u32::from(SUM_BITS))
}

fn is_integer(elem: ElementType) -> bool {
    matches!(elem, ElementType::I64 | ElementType::Bool | ElementType::Label(_))
}

fn is_fixed(elem: ElementType) -> bool {
    matches!(elem, ElementType::Fixed { .. })
}

/// Values that something other than a tree or a conversion reads.
fn read_as_numbers(module: &Module<Real>) -> HashSet<Value> {
    let mut read: HashSet<Value> = module.outputs.iter().map(|output| output.value).collect();
    for value in module.values() {
        let op = &module.node(value).op;
        if !matches!(op, RealOp::Cast { .. } | RealOp::TreeEnsemble { .. }) {
            op.operands(&mut |operand| {
                read.insert(operand);
            });
        }
    }
    read
}

/// State of the translation of one module with one format of sums.
struct Quantizer<'a> {
    real: &'a Module<Real>,
    int: Module<Int>,
    frac_bits: u8,
    of: HashMap<Value, Value>,
    /// The rows of columns that trees can read.
    rows: HashMap<Value, ColumnRow<'a>>,
    read_as_numbers: HashSet<Value>,
    errors: Vec<QuantizeError>,
}

/// Columns, and what they were converted to on the way.
#[derive(Clone)]
struct ColumnRow<'a> {
    columns: &'a [Handle<Column>],
    /// At most one of a kind, each coarser than the one before.
    conversions: Vec<ElementType>,
}

impl ColumnRow<'_> {
    /// The row after one conversion more, to a float.
    fn converted(mut self, elem: ElementType) -> Self {
        // An `f32` is the same number in every float, an `f64` in `f64`.
        let is_coarser = match self.conversions.last() {
            Some(ElementType::F32) => false,
            last => last != Some(&elem),
        };
        if is_coarser {
            self.conversions.push(elem);
        }
        self
    }
}

impl<'a> Quantizer<'a> {
    fn new(real: &'a Module<Real>, frac_bits: u8) -> Self {
        let mut int = Module::new(&real.name);
        int.columns = real.columns.clone();
        int.labels = real.labels.clone();
        int.origins = real.origins.clone();
        Self {
            real,
            int,
            frac_bits,
            of: HashMap::new(),
            rows: HashMap::new(),
            read_as_numbers: read_as_numbers(real),
            errors: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Module<Int>, Vec<QuantizeError>> {
        for value in self.real.values() {
            if let Some(new) = self.node(value) {
                self.of.insert(value, new);
            }
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        self.int.outputs = self.real.outputs.clone();
        for output in &mut self.int.outputs {
            output.value = self.of[&output.value];
        }
        Ok(self.int)
    }

    fn fixed(&self) -> ElementType {
        ElementType::Fixed { bits: SUM_BITS, frac_bits: self.frac_bits }
    }

    /// Translates one node. `None` where it failed, or hangs on what failed.
    fn node(&mut self, value: Value) -> Option<Value> {
        let node = self.real.node(value);
        let shape = node.ty.shape.clone();
        let (op, elem) = match &node.op {
            RealOp::Input { columns } => {
                let row = ColumnRow { columns, conversions: vec![node.ty.elem] };
                self.rows.insert(value, row);
                (IntOp::Input { columns: columns.clone() }, ElementType::I64)
            }
            RealOp::Constant { constant } if is_integer(node.ty.elem) => {
                (self.integers(*constant), node.ty.elem)
            }
            RealOp::Constant { constant } => self.constant(value, *constant)?,
            RealOp::Cast { input } => return self.cast(value, *input),
            RealOp::Reshape { input } => {
                let input = self.operand(*input)?;
                (IntOp::Reshape { input }, self.int.ty(input).elem)
            }
            RealOp::Gather { input, indices } => {
                let input = self.operand(*input)?;
                let indices = indices.clone();
                (IntOp::Gather { input, indices }, self.int.ty(input).elem)
            }
            RealOp::Concat { inputs } => {
                let inputs: Option<Vec<_>> =
                    inputs.iter().map(|&input| self.operand(input)).collect();
                let inputs = inputs?;
                let elem = self.int.ty(*inputs.first()?).elem;
                (IntOp::Concat { inputs }, elem)
            }
            RealOp::Binary { function: Binary::Subtract, a, b } => {
                (IntOp::Subtract { a: self.sum(value, *a)?, b: self.sum(value, *b)? }, self.fixed())
            }
            RealOp::Compare { relation: Relation::Greater, a, b } => {
                (self.greater(value, *a, *b)?, ElementType::Bool)
            }
            RealOp::TreeEnsemble { forest, input } => {
                (self.tree_ensemble(value, *forest, *input)?, self.fixed())
            }
            RealOp::ArgMax { input } if !matches!(self.real.shape(*input).0[..], [1, _]) => {
                self.refuse(value, *input);
                return None;
            }
            RealOp::ArgMax { input } => {
                let margin = margin::of_row(self.real, *input, self.frac_bits);
                (IntOp::ArgMax { input: self.sum(value, *input)?, margin }, ElementType::I64)
            }
            RealOp::Label { table, class } => {
                let class = self.operand(*class)?;
                (IntOp::Label { table: *table, class }, node.ty.elem)
            }
            RealOp::Unary { input, .. }
            | RealOp::Binary { a: input, .. }
            | RealOp::Compare { a: input, .. }
            | RealOp::Select { a: input, .. }
            | RealOp::Reduce { input, .. }
            | RealOp::Softmax { input }
            | RealOp::CumulativeSum { input }
            | RealOp::ArgSort { input, .. }
            | RealOp::Take { input, .. }
            | RealOp::TakeAlong { input, .. }
            | RealOp::Lookup { input, .. }
            | RealOp::ArgMin { input } => {
                self.refuse(value, *input);
                return None;
            }
        };
        Some(self.int.push(op, Type { elem, shape }, node.origin))
    }

    /// The translated operand, unless it failed.
    fn operand(&self, value: Value) -> Option<Value> {
        self.of.get(&value).copied()
    }

    /// The translated operand, which must be a sum or a constant.
    fn sum(&mut self, user: Value, operand: Value) -> Option<Value> {
        let new = self.operand(operand)?;
        if is_fixed(self.int.ty(new).elem) {
            return Some(new);
        }
        self.refuse(user, operand);
        None
    }

    fn refuse(&mut self, user: Value, operand: Value) {
        self.errors.push(QuantizeError::NoIntegerForm {
            node: onnx_node(self.real, user),
            op: self.real.node(user).op.name(),
            operand: self.real.ty(operand).clone(),
        });
    }

    /// Sums, labels and truth values are the same in every type that holds them.
    /// Columns are not, but the tests of trees can take their conversion over.
    fn cast(&mut self, value: Value, input: Value) -> Option<Value> {
        let new = self.operand(input)?;
        let elem = self.real.ty(value).elem;
        let is_float = matches!(elem, ElementType::F32 | ElementType::F64);
        if let (true, Some(row)) = (is_float, self.rows.get(&input))
            && !self.read_as_numbers.contains(&value)
        {
            let row = row.clone().converted(elem);
            self.rows.insert(value, row);
            return Some(new);
        }
        let from_column = self.int.ty(new).elem == ElementType::I64
            && matches!(self.int.node(new).op, IntOp::Input { .. } | IntOp::Gather { .. });
        if from_column {
            self.refuse(value, input);
            return None;
        }
        Some(new)
    }

    /// Integers, truth values and classes are what they are.
    fn integers(&mut self, constant: Handle<Constant<Real>>) -> IntOp {
        let real = &self.real.constants[constant];
        let elements = real.elements.iter().map(|&x| x as i64).collect();
        let constant = self.int.constants.push(Constant { ty: real.ty.clone(), elements });
        IntOp::Constant { constant }
    }

    /// Floats become sums, exactly; classes and truth values stay integers.
    fn constant(
        &mut self,
        value: Value,
        constant: Handle<Constant<Real>>,
    ) -> Option<(IntOp, ElementType)> {
        let real = &self.real.constants[constant];
        let (elem, frac_bits) = match real.ty.elem {
            ElementType::F32 | ElementType::F64 => (self.fixed(), self.frac_bits),
            integer => (integer, 0),
        };
        let elements = real.elements.iter().map(|&x| weights::exact(x, frac_bits));
        let Some(elements) = elements.collect() else {
            self.refuse(value, value);
            return None;
        };
        let ty = Type { elem, shape: real.ty.shape.clone() };
        let constant = self.int.constants.push(Constant { ty, elements });
        Some((IntOp::Constant { constant }, elem))
    }

    /// `a > b` for a constant `b`: `a`, an integer, is above its floor.
    fn greater(&mut self, value: Value, a: Value, b: Value) -> Option<IntOp> {
        let threshold = match &self.real.node(b).op {
            RealOp::Constant { constant } => match self.real.constants[*constant].elements[..] {
                [threshold] => threshold,
                _ => return self.no_form(value, b),
            },
            _ => return self.no_form(value, b),
        };
        let margin = margin::of_sum(self.real, a, self.frac_bits);
        let a = self.sum(value, a)?;
        let threshold = weights::floor(threshold, self.frac_bits).saturating_add(margin);
        Some(IntOp::Greater { a, threshold })
    }

    fn no_form(&mut self, user: Value, operand: Value) -> Option<IntOp> {
        self.refuse(user, operand);
        None
    }

    fn tree_ensemble(
        &mut self,
        value: Value,
        forest: Handle<crate::forest::Forest<Real>>,
        input: Value,
    ) -> Option<IntOp> {
        let Some(ColumnRow { columns, conversions }) = self.rows.get(&input) else {
            let node = onnx_node(self.real, value);
            self.errors.push(QuantizeError::ComputedFeatures { node });
            return None;
        };
        let columns: Vec<&Column> =
            columns.iter().map(|&column| &self.real.columns[column]).collect();
        let row = predicate::Row { columns: &columns, conversions };
        let input = self.operand(input)?;
        let forest = weights::quantize_forest(&self.real.forests[forest], &row, self.frac_bits);
        let forest = self.int.forests.push(forest);
        Some(IntOp::TreeEnsemble { forest, input })
    }
}

/// The ONNX node that a value comes from, as a reader would name it.
fn onnx_node(module: &Module<Real>, value: Value) -> String {
    let places = module.origins.places(module.node(value).origin, 1);
    let node = places
        .first()
        .and_then(|place| module.origins.graph_nodes.get(place.node as usize).cloned());
    node.unwrap_or_else(|| format!("%{}", value.index()))
}

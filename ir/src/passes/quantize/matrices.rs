//! Linear maps: sums of columns and of computed numbers.
//!
//! A wanted value is a linear form over atoms, element by element, however many
//! scalers, products with matrices and additions of the model made it. It becomes
//! one [`Matrix`] whose format is as fine as its greatest sum allows in 62 bits.
//! Columns are read as they are. A computed number has up to 62 bits itself, so
//! the bits of a product are divided: half of what the number of terms leaves is
//! for the number, half for its weight, so that both round about the same. The
//! weight of a wide column has few bits beside it; what rounding it leaves out is
//! a small map of its own, in a finer format, which is added.
//!
//! Obligation: an element is within its row's `rounding`, and what its inputs are
//! off by times the weights, of the form over the real numbers.

use std::collections::{BTreeMap, HashMap};

use super::weights::{self, SUM_BITS};
use super::{QuantizeError, Quantizer, format, onnx_node};
use crate::analysis::affine::{Affine, Atom, Form, Kind};
use crate::analysis::ranges::{Bounds, row_sums};
use crate::arena::Handle;
use crate::matrix::{Matrix, MatrixRow, MatrixWeight};
use crate::module::{Column, Interval, Module, Real, Value};
use crate::ops::{IntBinary, IntOp, RealOp, Unary};
use crate::ratio::Ratio;
use crate::types::{ElementType, Type};

/// A computed number keeps at least so many bits.
const INPUT_BITS_MIN: u32 = 24;
/// Columns of more bits than this have what their weights round added.
const COLUMN_BITS_MAX: u32 = 20;
/// Terms of all rows of a map, at most; what has more goes operation by operation.
const TERMS_MAX: usize = 1 << 18;

/// The forms of a value that is best computed as one linear map: it is made of
/// its operands by arithmetic, and not just moved or negated.
pub(super) fn forms_of(
    module: &Module<Real>,
    affine: &Affine<'_>,
    value: Value,
) -> Option<Vec<Form>> {
    let is_arithmetic = match &module.node(value).op {
        RealOp::Binary { .. } | RealOp::Reduce { .. } | RealOp::MatMul { .. } => true,
        RealOp::Unary { function, .. } => *function != Unary::Negate,
        _ => false,
    };
    if !is_arithmetic || affine.is_atom(value) || !is_float(module.ty(value).elem) {
        return None;
    }
    let mut terms = 0;
    let mut forms = Vec::new();
    for element in 0..module.shape(value).elements() {
        let form = affine.form(value, element);
        terms += form.terms.len() + 1;
        if terms > TERMS_MAX {
            return None;
        }
        forms.push(form);
    }
    Some(forms)
}

/// The differences that a comparison of floats asks for, if they are worth a
/// linear map: neither side is a constant, and one is computed linearly.
pub(super) fn differences_of(
    module: &Module<Real>,
    affine: &Affine<'_>,
    value: Value,
) -> Option<Vec<Form>> {
    let RealOp::Compare { a, b, .. } = module.node(value).op else { return None };
    let sides = [a, b];
    let floats = sides.iter().all(|&side| {
        is_float(module.ty(side).elem)
            && !affine.is_constant(side)
            && affine.kind(side) == Kind::Affine
    });
    if !floats || sides.iter().all(|&side| affine.is_atom(side)) {
        return None;
    }
    if module.shape(value).elements() > TERMS_MAX {
        return None;
    }
    let forms: Vec<Form> = super::sums::differences(module, affine, value);
    let terms: usize = forms.iter().map(|form| form.terms.len()).sum();
    (terms <= TERMS_MAX).then_some(forms)
}

fn is_float(elem: ElementType) -> bool {
    matches!(elem, ElementType::F32 | ElementType::F64)
}

/// Where a term comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Input {
    Column(Handle<Column>),
    /// An element of a value of the integer module.
    Element(Value, u32),
}

/// A form with its inputs.
struct Row<'f> {
    constant: &'f Ratio,
    terms: BTreeMap<Input, Ratio>,
    /// What the rounding of columns to floats changes at most, in real units.
    slack: f64,
}

/// What all rows of a map read, in order.
struct Inputs {
    /// The values, to be joined.
    values: Vec<Value>,
    place: HashMap<Input, u32>,
    bounds: Vec<Bounds>,
    frac_bits: Vec<u8>,
}

impl Quantizer<'_> {
    /// The linear map of a wanted value; its elements are in the shape of `value`.
    pub(super) fn matrix(&mut self, value: Value, forms: &[Form]) -> Option<Value> {
        let rows = self.rows_of(value, forms)?;
        let rows = self.narrowed_rows(value, rows)?;
        let inputs = self.inputs(value, &rows);
        let (matrix, left_out) = self.fitted(value, &rows, &inputs)?;
        let whole = self.linear(value, matrix, &inputs);
        let whole = match left_out {
            Some(left_out) => {
                let small = self.linear(value, left_out, &inputs);
                let small = self.rescaled(value, small, self.frac_bits(whole));
                let op = IntOp::Binary { function: IntBinary::Add, a: whole, b: small };
                self.push_beside(value, whole, self.int.ty(whole).elem, op)
            }
            None => whole,
        };
        let origin = self.real.node(value).origin;
        Some(self.reshape(whole, self.real.shape(value), origin))
    }

    fn linear(&mut self, user: Value, matrix: Matrix, inputs: &Inputs) -> Value {
        let ty = Type::new(matrix.elem, &[1, matrix.rows.len() as u32]);
        let matrix = self.int.matrices.push(matrix);
        let op = IntOp::Linear { matrix, inputs: inputs.values.clone() };
        self.int.push(op, ty, self.real.node(user).origin)
    }

    /// Columns of floats as they are, or where floats cannot hold all their
    /// integers, with the rounding counted.
    pub(super) fn columns(&mut self, value: Value, columns: &[Handle<Column>]) -> Option<Value> {
        let elem = self.real.ty(value).elem;
        let wide =
            |&&column: &&Handle<Column>| half_ulp(elem, self.real.columns[column].range) > 0.0;
        if columns.iter().find(wide).is_none() {
            return Some(self.input(columns.to_vec(), self.real.node(value).origin));
        }
        let atom = |element: usize| Atom { value, element: element as u32 };
        let form =
            |element| Form { constant: Ratio::zero(), terms: vec![(atom(element), Ratio::one())] };
        let forms: Vec<Form> = (0..columns.len()).map(form).collect();
        self.matrix(value, &forms)
    }

    /// The inputs of each form.
    fn rows_of<'f>(&mut self, user: Value, forms: &'f [Form]) -> Option<Vec<Row<'f>>> {
        forms.iter().map(|form| self.row_of(user, form)).collect()
    }

    fn row_of<'f>(&mut self, user: Value, form: &'f Form) -> Option<Row<'f>> {
        let mut row = Row { constant: &form.constant, terms: BTreeMap::new(), slack: 0.0 };
        for (atom, by) in &form.terms {
            let input = match stored_column(self.real, *atom) {
                Some((column, half_ulps)) => {
                    if half_ulps > 0.0 {
                        row.slack = (row.slack + by.magnitude_max() * half_ulps).next_up();
                    }
                    if self.real.columns[column].missing.is_some() {
                        self.refuse(user, atom.value);
                        return None;
                    }
                    Input::Column(column)
                }
                None => Input::Element(self.operand(atom.value)?, atom.element),
            };
            let sum = row.terms.entry(input).or_insert_with(Ratio::zero);
            *sum = sum.plus(by);
        }
        row.terms.retain(|_, by| !by.is_zero());
        Some(row)
    }

    /// The same rows over inputs that leave their weights enough bits.
    fn narrowed_rows<'f>(&mut self, user: Value, rows: Vec<Row<'f>>) -> Option<Vec<Row<'f>>> {
        let widest = rows.iter().map(|row| row.terms.len() + 1).max().unwrap_or(1);
        let terms_bits = widest.next_power_of_two().trailing_zeros();
        let kept = (u32::from(SUM_BITS).saturating_sub(terms_bits) / 2).max(INPUT_BITS_MIN);
        let mut narrow: HashMap<Value, Value> = HashMap::new();
        for row in &rows {
            for input in row.terms.keys() {
                let &Input::Element(value, _) = input else { continue };
                if narrow.contains_key(&value) {
                    continue;
                }
                let excess = (self.bits(value) + 1).saturating_sub(kept) as u8;
                let frac_bits = self.frac_bits(value).saturating_sub(excess);
                let is_wide = self.bits(value) > kept && frac_bits < self.frac_bits(value);
                let new = if is_wide { self.rescaled(user, value, frac_bits) } else { value };
                narrow.insert(value, new);
            }
        }
        let over = |input: Input| match input {
            Input::Element(value, element) => Input::Element(narrow[&value], element),
            Input::Column(_) => input,
        };
        let terms = |row: Row<'f>| Row {
            terms: row.terms.into_iter().map(|(input, by)| (over(input), by)).collect(),
            ..row
        };
        Some(rows.into_iter().map(terms).collect())
    }

    /// All inputs of the rows, columns first.
    fn inputs(&mut self, user: Value, rows: &[Row<'_>]) -> Inputs {
        let mut columns: Vec<Handle<Column>> = Vec::new();
        let mut others: Vec<Value> = Vec::new();
        for input in rows.iter().flat_map(|row| row.terms.keys()) {
            match *input {
                Input::Column(column) => columns.push(column),
                Input::Element(value, _) => others.push(value),
            }
        }
        columns.sort_unstable();
        columns.dedup();
        others.sort_unstable();
        others.dedup();
        let mut inputs = Inputs {
            values: Vec::new(),
            place: HashMap::new(),
            bounds: Vec::new(),
            frac_bits: Vec::new(),
        };
        if !columns.is_empty() {
            for (place, &column) in columns.iter().enumerate() {
                inputs.place.insert(Input::Column(column), place as u32);
            }
            inputs.frac_bits = vec![0; columns.len()];
            inputs.values.push(self.input(columns, self.real.node(user).origin));
        }
        for value in others {
            let first = inputs.frac_bits.len() as u32;
            let count = self.int.shape(value).elements() as u32;
            for element in 0..count {
                inputs.place.insert(Input::Element(value, element), first + element);
                inputs.frac_bits.push(self.frac_bits(value));
            }
            inputs.values.push(value);
        }
        self.ranges.extend(&self.int);
        inputs.bounds = self.ranges.joined(&inputs.values);
        inputs
    }

    /// The map in the finest format in which no sum leaves its bits, and what
    /// its weights leave out, if that is worth it.
    fn fitted(
        &mut self,
        user: Value,
        rows: &[Row<'_>],
        inputs: &Inputs,
    ) -> Option<(Matrix, Option<Matrix>)> {
        let magnitude =
            rows.iter().map(|row| row.magnitude(inputs)).fold(f64::MIN_POSITIVE, f64::max);
        let mut frac_bits = weights::frac_bits(magnitude);
        // Rounded weights can take a little more than exact ones.
        while let Some(bits) = frac_bits {
            let left_out = inputs.left_out_frac_bits(rows, bits);
            let both: Vec<_> =
                rows.iter().map(|row| row.in_units(inputs, bits, left_out)).collect();
            let (main, small): (Vec<_>, Vec<_>) = both.into_iter().unzip();
            // The sum of both is a number of this format, too.
            let headroom = 1_i128 << u32::from(left_out.is_some()) * (u32::from(SUM_BITS) - 4);
            let limit = (1_i128 << SUM_BITS) - headroom;
            let fits = main.iter().all(|row| {
                let partial = row_sums(row, &inputs.bounds).partial;
                -limit <= partial.min && partial.max <= limit
            });
            if fits {
                let matrix = |rows, frac_bits| Matrix {
                    elem: format(frac_bits),
                    inputs: inputs.bounds.len() as u32,
                    rows,
                };
                let left_out = left_out.map(|frac_bits| matrix(small, frac_bits));
                return Some((matrix(main, bits), left_out));
            }
            frac_bits = bits.checked_sub(1);
        }
        self.errors.push(QuantizeError::TooLarge { node: onnx_node(self.real, user), magnitude });
        None
    }
}

impl Inputs {
    /// Is it a column so wide that its weights are short?
    fn is_wide(&self, input: &Input) -> bool {
        let bits = self.bounds[self.place[input] as usize].magnitude_bits();
        matches!(input, Input::Column(_)) && bits > COLUMN_BITS_MAX
    }

    /// Fraction bits of the map of what weights of wide columns leave out, beside
    /// a map with `frac_bits`; `None` if there are none or no more bits.
    fn left_out_frac_bits(&self, rows: &[Row<'_>], frac_bits: u8) -> Option<u8> {
        let wide = |row: &Row<'_>| row.terms.keys().filter(|input| self.is_wide(input)).count();
        let terms = rows.iter().map(wide).max().filter(|&terms| terms > 0)?;
        let bits = self.bounds.iter().map(|bounds| bounds.magnitude_bits()).max()?;
        // Weights are half a unit of the other map at most.
        let sum_bits = bits + terms.next_power_of_two().trailing_zeros();
        let more = u32::from(SUM_BITS).saturating_sub(sum_bits + 1).min(30);
        let finer = (i32::from(frac_bits) + more as i32).min(weights::FRAC_BITS_MAX);
        u8::try_from(finer).ok().filter(|&finer| finer > frac_bits)
    }
}

impl Row<'_> {
    /// A bound on the magnitude of the sum and of every sum on its way, in real units.
    fn magnitude(&self, inputs: &Inputs) -> f64 {
        self.terms.iter().fold(self.constant.magnitude_max(), |sum, (input, by)| {
            let place = inputs.place[input] as usize;
            let magnitude = magnitude(inputs.bounds[place]);
            let unit = f64::exp2(-f64::from(inputs.frac_bits[place]));
            (sum + (by.magnitude_max() * magnitude * unit).next_up()).next_up()
        })
    }

    /// Weights in units of a result with so many fraction bits, and what those of
    /// wide columns leave out in units of `left_out`.
    fn in_units(
        &self,
        inputs: &Inputs,
        frac_bits: u8,
        left_out: Option<u8>,
    ) -> (MatrixRow, MatrixRow) {
        let unit = f64::exp2(-f64::from(frac_bits));
        let (base, is_exact) = self.constant.units(frac_bits.into());
        let mut half_units = f64::from(u8::from(!is_exact));
        let mut weights = Vec::with_capacity(self.terms.len());
        let mut small = MatrixRow { base: 0, weights: Vec::new(), rounding: 0.0 };
        for (input, by) in &self.terms {
            let place = inputs.place[input];
            let magnitude = magnitude(inputs.bounds[place as usize]);
            if magnitude == 0.0 {
                continue;
            }
            let shift = i64::from(frac_bits) - i64::from(inputs.frac_bits[place as usize]);
            let (weight, is_exact) = by.units(shift);
            if let (false, Some(finer), true) = (is_exact, left_out, inputs.is_wide(input)) {
                let rest = by.plus(&Ratio::of_units(weight, frac_bits).negated());
                let (rest, is_exact) = rest.units(finer.into());
                if rest != 0 {
                    small.weights.push(MatrixWeight { input: place, weight: rest });
                }
                if !is_exact {
                    let half_unit = f64::exp2(-f64::from(finer) - 1.0);
                    small.rounding = (small.rounding + magnitude * half_unit).next_up();
                }
            } else if !is_exact {
                half_units = (half_units + magnitude).next_up();
            }
            if weight != 0 {
                weights.push(MatrixWeight { input: place, weight });
            }
        }
        weights.sort_unstable_by_key(|weight| weight.input);
        small.weights.sort_unstable_by_key(|weight| weight.input);
        // A coefficient that is cut off adds one part in 2^73 of a sum below 2^62.
        let rounding = if half_units == 0.0 {
            self.slack
        } else {
            ((half_units + 1.0) * 0.5 * unit + self.slack).next_up()
        };
        (MatrixRow { base, weights, rounding }, small)
    }
}

/// The column that an atom is, and what conversions to floats on the way change
/// in it at most.
fn stored_column(real: &Module<Real>, atom: Atom) -> Option<(Handle<Column>, f64)> {
    let (mut value, mut element) = (atom.value, atom.element as usize);
    let mut conversions = Vec::new();
    loop {
        let node = real.node(value);
        match &node.op {
            RealOp::Input { columns } => {
                let column = columns[element];
                conversions.push(node.ty.elem);
                let range = real.columns[column].range;
                let halves = conversions.into_iter().map(|elem| half_ulp(elem, range));
                return Some((column, halves.sum()));
            }
            RealOp::Cast { input } => {
                conversions.push(node.ty.elem);
                value = *input;
            }
            op => (value, element) = *real.sources(op)?.get(element)?,
        }
    }
}

fn magnitude(bounds: Bounds) -> f64 {
    (bounds.min.unsigned_abs().max(bounds.max.unsigned_abs()) as f64).next_up()
}

/// What an integer of a range changes at most where it becomes a float.
fn half_ulp(elem: ElementType, range: Interval) -> f64 {
    let digits = match elem {
        ElementType::F32 => f32::MANTISSA_DIGITS,
        ElementType::F64 => f64::MANTISSA_DIGITS,
        _ => return 0.0,
    };
    let magnitude = range.min.unsigned_abs().max(range.max.unsigned_abs());
    let bits = u64::BITS - magnitude.leading_zeros();
    if bits <= digits { 0.0 } else { f64::exp2(f64::from(bits - digits) - 1.0) }
}

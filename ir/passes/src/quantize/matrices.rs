//! Linear maps: sums of columns, of products of two columns and of computed
//! numbers.
//!
//! A wanted value is a linear form over atoms, element by element, however many
//! scalers, products with matrices and additions of the model made it. A product
//! of two columns that were scaled and moved, such as the square of a distance
//! along one axis, is multiplied out: products of integers are exact, and those
//! of many rows are the same.
//!
//! All of it becomes one [`Matrix`] whose format is as fine as its greatest sum
//! allows in 62 bits. The bits behind the point of a product are divided between
//! input and weight so that the bound on what rounding both changes is least; where
//! they are too few, or a column is wide, inputs are multiplied in two parts.
//!
//! With a precision, computed inputs and weights take at most so many bits, and
//! nothing is multiplied in two parts.
//!
//! Obligation: an element is within its row's `rounding`, and what its inputs are
//! off by times the weights, of the form over the real numbers.

use std::collections::{BTreeMap, HashMap};

use super::sums::{Key, Place};
use super::weights::{self, SUM_BITS};
use super::{QuantizeError, Quantizer, format};
use crate::choices::are_of_one_value;
use skxc_ir::analysis::affine::{Affine, Atom, Form, Kind};
use skxc_ir::analysis::ranges::{Bounds, row_result, row_steps};
use skxc_ir::arena::Handle;
use skxc_ir::matrix::{Matrix, MatrixRow, MatrixWeight};
use skxc_ir::module::{Column, Interval, Module, Real, Value};
use skxc_ir::ops::{Binary, IntOp, RealOp, Unary};
use skxc_ir::ratio::Ratio;
use skxc_ir::types::{ElementType, Type};

/// Columns and products of columns of up to so many bits are multiplied whole.
const WHOLE_BITS_MAX: u32 = 20;
/// So many bits behind the point are enough for computed numbers and their weights.
const FRAC_BITS_ENOUGH: i32 = 22;
/// Products of columns have at most so many bits.
const PRODUCT_BITS_MAX: u32 = 48;
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
    if !is_arithmetic || affine.is_atom(value) || !module.ty(value).elem.is_float() {
        return None;
    }
    let elements = 0..module.shape(value).elements();
    let forms = not_too_many(elements.map(|element| affine.form(value, element)))?;
    // A computed number and a constant are added exactly without a product.
    let is_moved = |form: &Form| match form.terms.as_slice() {
        [] => true,
        [(atom, by)] => by.magnitude() == Ratio::one() && stored_column(module, *atom).is_none(),
        _ => false,
    };
    // Nothing else computes a product of matrices.
    let is_product = matches!(module.node(value).op, RealOp::MatMul { .. });
    (is_product || !forms.iter().all(is_moved)).then_some(forms)
}

/// The differences that a comparison of floats asks for, if they are worth a
/// linear map: neither side is a constant or chosen from the other, and one is computed
/// linearly.
pub(super) fn differences_of(
    module: &Module<Real>,
    affine: &Affine<'_>,
    value: Value,
) -> Option<Vec<Form>> {
    let RealOp::Compare { a, b, .. } = module.node(value).op else { return None };
    let sides = [a, b];
    // Of a difference an element and itself would be rounded apart.
    if are_of_one_value(module, a, b) {
        return None;
    }
    let floats = sides.iter().all(|&side| {
        module.ty(side).elem.is_float()
            && !affine.is_constant(side)
            && affine.kind(side) == Kind::Affine
    });
    if !floats || sides.iter().all(|&side| affine.is_atom(side)) {
        return None;
    }
    not_too_many(super::sums::differences(module, affine, value))
}

/// The forms, if their terms and constants are at most [`TERMS_MAX`]; what comes
/// after these is not computed.
fn not_too_many(forms: impl Iterator<Item = Form>) -> Option<Vec<Form>> {
    let mut terms = 0;
    let counted = forms.map(|form| {
        terms += form.terms.len() + 1;
        (terms <= TERMS_MAX).then_some(form)
    });
    counted.collect()
}

/// Where a term comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Input {
    Column(Handle<Column>),
    /// The first is not the greater one.
    Product(Handle<Column>, Handle<Column>),
    /// An element of a value of the integer module.
    Element(Value, u32),
}

/// A form with its inputs.
struct Row {
    constant: Ratio,
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

/// How the bits of products are divided.
#[derive(Clone, Copy, Debug)]
struct Division {
    /// Bits behind the point that computed inputs keep.
    frac_bits: i32,
    /// As of [`Matrix::low_bits`].
    low_bits: u8,
}

/// A computed number and its weight.
struct Computed {
    /// A bound on the number, in real units.
    magnitude: f64,
    /// Bits behind its point.
    frac_bits: i32,
    /// The magnitude of the weight.
    weight: f64,
    /// Bits behind the point from which on the weight is exact.
    exact_from: i32,
}

impl Computed {
    /// What the product changes at most where the number keeps so many bits behind
    /// the point and the product has so many.
    fn rounding(&self, kept: i32, frac_bits: i32) -> f64 {
        let half = |frac_bits: i32| f64::exp2(f64::from(-frac_bits - 1));
        let kept = kept.min(self.frac_bits);
        let left = frac_bits - kept;
        let of_number = if kept < self.frac_bits { half(kept) * self.weight } else { 0.0 };
        let of_weight = if left < self.exact_from { half(left) * self.magnitude } else { 0.0 };
        of_number + of_weight
    }
}

impl Quantizer<'_> {
    /// The linear map of a wanted value; its elements are in the shape of `value`.
    pub(super) fn matrix(&mut self, value: Value, forms: &[Form]) -> Option<Value> {
        let (distinct, places) = shared(forms);
        let rows = distinct.into_iter().map(|form| self.row_of(value, form));
        let rows = rows.collect::<Option<Vec<Row>>>()?;
        let division = self.division(&rows);
        let rows = self.narrowed_rows(value, rows, division.frac_bits);
        let inputs = self.inputs(value, &rows);
        let matrix = self.fitted(value, &rows, &inputs, division.low_bits)?;
        let ty = Type::new(matrix.elem, &[1, matrix.rows.len() as u32]);
        let matrix = self.int.matrices.push(matrix);
        let op = IntOp::Linear { matrix, inputs: inputs.values };
        let whole = self.int.push(op, ty, self.real.node(value).origin);
        Some(self.take(Key::Value(value), whole, &places))
    }

    /// Columns of floats as they are, or where floats cannot hold all their
    /// integers, with the rounding counted.
    pub(super) fn columns(&mut self, value: Value, columns: &[Handle<Column>]) -> Option<Value> {
        let elem = self.real.ty(value).elem;
        let is_wide =
            |column: &Handle<Column>| half_ulp(elem, self.real.columns[*column].range) > 0.0;
        if !columns.iter().any(is_wide) {
            return Some(self.input(columns.to_vec(), self.real.node(value).origin));
        }
        let form = |element: usize| Form {
            constant: Ratio::zero(),
            terms: vec![(Atom { value, element: element as u32 }, Ratio::one())],
        };
        let forms: Vec<Form> = (0..columns.len()).map(form).collect();
        self.matrix(value, &forms)
    }

    fn row_of(&mut self, user: Value, form: &Form) -> Option<Row> {
        let mut row = Row { constant: form.constant.clone(), terms: BTreeMap::new(), slack: 0.0 };
        for (atom, by) in &form.terms {
            if let Some(product) = Product::of(self.real, self.affine, *atom) {
                product.add_to(&mut row, by);
                continue;
            }
            if let Some(column) = self.missing.column(atom.value, atom.element as usize) {
                self.refuse_missing(user, column);
                return None;
            }
            let input = match stored_column(self.real, *atom) {
                Some((column, half_ulps)) => {
                    row.widen(by, half_ulps);
                    Input::Column(column)
                }
                None => Input::Element(self.operand(atom.value)?, atom.element),
            };
            row.add(input, by);
        }
        row.terms.retain(|_, by| !by.is_zero());
        Some(row)
    }

    /// How to divide the bits of products.
    fn division(&mut self, rows: &[Row]) -> Division {
        let widest = rows.iter().map(|row| row.terms.len() + 1).max().unwrap_or(1);
        let terms_bits = widest.next_power_of_two().trailing_zeros() as i32;
        let (mut integer_bits, mut weight_bits, mut column_bits) = (i32::MIN, i32::MIN, 0);
        for (input, by) in rows.iter().flat_map(|row| &row.terms) {
            match *input {
                Input::Element(value, _) => {
                    let bits = self.bits(value) as i32 - i32::from(self.frac_bits(value));
                    integer_bits = integer_bits.max(bits);
                    let magnitude = by.magnitude_max().max(f64::MIN_POSITIVE);
                    weight_bits = weight_bits.max(weights::integer_bits(magnitude));
                }
                Input::Column(column) => column_bits = column_bits.max(self.column_bits(column)),
                Input::Product(a, b) => {
                    column_bits = column_bits.max(self.column_bits(a) + self.column_bits(b));
                }
            }
        }
        let low_of_columns = if column_bits <= WHOLE_BITS_MAX || self.precision.is_some() {
            0
        } else {
            column_bits.div_ceil(2)
        };
        if integer_bits == i32::MIN {
            return Division { frac_bits: 0, low_bits: low_of_columns as u8 };
        }
        let room = i32::from(SUM_BITS) - terms_bits - weight_bits;
        let whole = (room - integer_bits) / 2;
        if let Some(precision) = self.precision {
            let within = self.frac_bits_within(rows, precision);
            return Division { frac_bits: within.min(whole), low_bits: 0 };
        }
        if whole >= FRAC_BITS_ENOUGH && low_of_columns == 0 {
            return Division { frac_bits: self.balanced(rows), low_bits: 0 };
        }
        // Of an input of `b` bits, half is multiplied at once: the weight has
        // `room - b / 2` bits behind the point, and the input `b - integer_bits`.
        let bits = ((room + integer_bits) * 2 / 3).clamp(2, i32::from(SUM_BITS));
        let bits = bits.max(column_bits as i32);
        Division { frac_bits: bits - integer_bits, low_bits: (bits as u32).div_ceil(2) as u8 }
    }

    /// Bits behind the point of computed inputs with which rounding them and their
    /// weights changes rows least, by its bound, all of them together. What products
    /// have is given; weights have what is left of it, and many need less.
    fn balanced(&mut self, rows: &[Row]) -> i32 {
        let of_row = |row: &Row| {
            let products =
                row.terms.iter().map(|(input, by)| by.magnitude_max() * self.magnitude(input));
            row.constant.magnitude_max() + products.sum::<f64>()
        };
        let greatest = rows.iter().map(of_row).fold(f64::MIN_POSITIVE, f64::max);
        let frac_bits = i32::from(SUM_BITS) - weights::integer_bits(greatest);
        let computed = rows.iter().flat_map(|row| &row.terms).filter_map(|(input, by)| {
            let &Input::Element(value, _) = input else { return None };
            Some(Computed {
                magnitude: self.magnitude(input),
                frac_bits: self.frac_bits(value).into(),
                weight: by.magnitude_max(),
                exact_from: by.fraction_bits().map_or(i32::MAX, |bits| bits as i32),
            })
        });
        let computed: Vec<Computed> = computed.collect();
        let changes =
            |kept: i32| -> f64 { computed.iter().map(|term| term.rounding(kept, frac_bits)).sum() };
        let least = (0..=frac_bits).map(|kept| (changes(kept), kept));
        least.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(0, |(_, kept)| kept)
    }

    /// The greatest magnitude of an input, in real units.
    fn magnitude(&self, input: &Input) -> f64 {
        let of_column = |column: Handle<Column>| self.real.columns[column].range.magnitude() as f64;
        match *input {
            Input::Column(column) => of_column(column),
            Input::Product(a, b) => of_column(a) * of_column(b),
            Input::Element(value, element) => {
                let unit = f64::exp2(-f64::from(self.frac_bits(value)));
                self.ranges.of_value(value)[element as usize].magnitude() as f64 * unit
            }
        }
    }

    /// Bits behind the point with which no computed input, rounded to nearest,
    /// takes more than `precision` bits, if those before the point fit.
    fn frac_bits_within(&mut self, rows: &[Row], precision: u8) -> i32 {
        let inputs = rows.iter().flat_map(|row| row.terms.keys());
        let values: std::collections::BTreeSet<Value> = inputs
            .filter_map(|input| match *input {
                Input::Element(value, _) => Some(value),
                Input::Column(_) | Input::Product(..) => None,
            })
            .collect();
        self.ranges.extend(&self.int);
        let within = |value: Value| {
            let bounds = self.ranges.of_value(value).iter();
            let most = bounds.map(|bounds| bounds.magnitude());
            let most = most.max().unwrap_or(0);
            let rounded = |cut: u32| (most + (1_u128 << cut >> 1)) >> cut;
            let fits = |cut: &u32| rounded(*cut) >> precision == 0;
            let cut = (0..u64::BITS).find(fits).unwrap_or(u64::BITS);
            i32::from(self.frac_bits(value)) - cut as i32
        };
        values.into_iter().map(within).min().unwrap_or(0)
    }

    fn column_bits(&self, column: Handle<Column>) -> u32 {
        bits_of(self.real.columns[column].range)
    }

    /// The same rows over inputs with at most so many bits behind the point.
    fn narrowed_rows(&mut self, user: Value, rows: Vec<Row>, frac_bits: i32) -> Vec<Row> {
        let kept = frac_bits.clamp(0, weights::FRAC_BITS_MAX) as u8;
        let mut narrow: HashMap<Value, Value> = HashMap::new();
        for input in rows.iter().flat_map(|row| row.terms.keys()) {
            let &Input::Element(value, _) = input else { continue };
            if narrow.contains_key(&value) {
                continue;
            }
            let is_wide = self.frac_bits(value) > kept;
            let new = if is_wide { self.rescaled(user, value, kept) } else { value };
            narrow.insert(value, new);
        }
        let over = |input: Input| match input {
            Input::Element(value, element) => Input::Element(narrow[&value], element),
            Input::Column(_) | Input::Product(..) => input,
        };
        let terms = |row: Row| Row {
            terms: row.terms.into_iter().map(|(input, by)| (over(input), by)).collect(),
            ..row
        };
        rows.into_iter().map(terms).collect()
    }

    /// All inputs of the rows: columns, products of columns, other values.
    fn inputs(&mut self, user: Value, rows: &[Row]) -> Inputs {
        let all: std::collections::BTreeSet<Input> =
            rows.iter().flat_map(|row| row.terms.keys().copied()).collect();
        let (mut columns, mut products, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for &input in &all {
            match input {
                Input::Column(column) => columns.push(column),
                Input::Product(a, b) => products.push((a, b)),
                Input::Element(value, _) => others.push(value),
            }
        }
        others.dedup();
        let mut inputs = Inputs {
            values: Vec::new(),
            place: HashMap::new(),
            bounds: Vec::new(),
            frac_bits: Vec::new(),
        };
        let origin = self.real.node(user).origin;
        if !columns.is_empty() {
            inputs.name(columns.iter().map(|&column| Input::Column(column)), 0);
            inputs.values.push(self.input(columns, origin));
        }
        if !products.is_empty() {
            inputs.name(products.iter().map(|&(a, b)| Input::Product(a, b)), 0);
            let (a, b): (Vec<_>, Vec<_>) = products.into_iter().unzip();
            let ty = Type::new(ElementType::I64, &[1, a.len() as u32]);
            let (a, b) = (self.input(a, origin), self.input(b, origin));
            inputs.values.push(self.int.push(IntOp::Multiply { a, b, shift: 0 }, ty, origin));
        }
        for value in others {
            let count = self.int.shape(value).elements() as u32;
            let elements = (0..count).map(|element| Input::Element(value, element));
            inputs.name(elements, self.frac_bits(value));
            inputs.values.push(value);
        }
        self.ranges.extend(&self.int);
        inputs.bounds = self.ranges.joined(&inputs.values);
        inputs
    }

    /// The map in the finest format in which nothing leaves its bits.
    fn fitted(
        &mut self,
        user: Value,
        rows: &[Row],
        inputs: &Inputs,
        low_bits: u8,
    ) -> Option<Matrix> {
        let magnitude = rows.iter().map(|row| row.magnitude(inputs));
        let magnitude = magnitude.fold(f64::MIN_POSITIVE, f64::max);
        let wide = inputs.wide(low_bits);
        let low_bits = if wide.is_empty() { 0 } else { low_bits };
        let mut frac_bits = weights::frac_bits(magnitude);
        if let Some(precision) = self.precision {
            let within = inputs.frac_bits_within(rows, precision.into());
            let within = within.clamp(0, weights::FRAC_BITS_MAX) as u8;
            frac_bits = frac_bits.map(|bits| bits.min(within));
        }
        // Rounded weights can take a little more than exact ones.
        while let Some(bits) = frac_bits {
            let empty = Matrix {
                elem: format(bits),
                low_bits,
                wide: wide.clone(),
                inputs: inputs.bounds.len() as u32,
                rows: Vec::new(),
            };
            let rows = rows.iter().map(|row| row.in_units(inputs, bits, &empty)).collect();
            let matrix = Matrix { rows, ..empty };
            let is_within = |precision: u8| matrix.weight_bits() <= precision.into();
            let is_narrow = bits == 0 || self.precision.is_none_or(is_within);
            if is_narrow && fits(&matrix, &inputs.bounds) {
                return Some(matrix);
            }
            frac_bits = bits.checked_sub(1);
        }
        self.errors.push(QuantizeError::TooLarge { node: self.real.onnx_node(user), magnitude });
        None
    }
}

/// The forms that differ in more than their sign, and where each form is.
fn shared(forms: &[Form]) -> (Vec<&Form>, Vec<Place>) {
    let mut distinct: Vec<&Form> = Vec::new();
    let mut known: HashMap<Form, usize> = HashMap::new();
    let mut places = Vec::with_capacity(forms.len());
    for form in forms {
        let same = known.get(form).map(|&target| (target, false));
        let mirrored = || known.get(&form.negated()).map(|&target| (target, true));
        let (target, negated) = same.or_else(mirrored).unwrap_or_else(|| {
            distinct.push(form);
            known.insert(form.clone(), distinct.len() - 1);
            (distinct.len() - 1, false)
        });
        places.push(Place { target, negated, offset: 0 });
    }
    (distinct, places)
}

fn fits(matrix: &Matrix, inputs: &[Bounds]) -> bool {
    let limit = (1_i128 << SUM_BITS) - 1;
    let within = |bounds: Bounds| -limit <= bounds.min && bounds.max <= limit;
    matrix.rows.iter().all(|row| {
        within(row_result(matrix, row, inputs))
            && row_steps(matrix, row, inputs).into_iter().all(within)
    })
}

impl Inputs {
    fn name(&mut self, inputs: impl Iterator<Item = Input>, frac_bits: u8) {
        for input in inputs {
            self.place.insert(input, self.frac_bits.len() as u32);
            self.frac_bits.push(frac_bits);
        }
    }

    /// Bits behind the point of results with which no weight takes more than
    /// `precision` bits before it is rounded.
    fn frac_bits_within(&self, rows: &[Row], precision: i32) -> i32 {
        let terms = rows.iter().flat_map(|row| &row.terms);
        let within = |(input, by): (&Input, &Ratio)| {
            let magnitude = by.magnitude_max().max(f64::MIN_POSITIVE);
            let frac_bits = i32::from(self.frac_bits[self.place[input] as usize]);
            precision + frac_bits - weights::integer_bits(magnitude)
        };
        terms.map(within).min().unwrap_or(weights::FRAC_BITS_MAX)
    }

    /// A bound on what an input is, in its units. An element that rounds to 0 may
    /// be off from it, and its factor counts.
    fn magnitude(&self, input: &Input) -> f64 {
        let magnitude = match (input, self.bounds[self.place[input] as usize].magnitude()) {
            (Input::Column(_) | Input::Product(..), 0) => return 0.0,
            (Input::Element(..), magnitude) => magnitude.max(1),
            (_, magnitude) => magnitude,
        };
        (magnitude as f64).next_up()
    }

    /// Inputs that take more than `low_bits` bits, if that is above 0.
    fn wide(&self, low_bits: u8) -> Vec<u32> {
        let low = 1_i128 << low_bits;
        let is_wide = |bounds: &Bounds| low_bits > 0 && (bounds.min < -low || bounds.max > low);
        let wide = self.bounds.iter().zip(0..).filter(|(bounds, _)| is_wide(bounds));
        wide.map(|(_, place)| place).collect()
    }
}

impl Row {
    fn add(&mut self, input: Input, by: &Ratio) {
        let sum = self.terms.entry(input).or_insert_with(Ratio::zero);
        *sum = sum.plus(by);
    }

    /// Counts what is off in something that has this factor.
    fn widen(&mut self, by: &Ratio, error: f64) {
        if error > 0.0 {
            self.slack = (self.slack + (by.magnitude_max() * error).next_up()).next_up();
        }
    }

    /// A bound on the magnitude of the sum and of every sum on its way, in real units.
    fn magnitude(&self, inputs: &Inputs) -> f64 {
        self.terms.iter().fold(self.constant.magnitude_max(), |sum, (input, by)| {
            let place = inputs.place[input] as usize;
            let unit = f64::exp2(-f64::from(inputs.frac_bits[place]));
            let magnitude = inputs.magnitude(input) * unit;
            (sum + (by.magnitude_max() * magnitude).next_up()).next_up()
        })
    }

    /// The row of a map whose results have `frac_bits` behind the point.
    fn in_units(&self, inputs: &Inputs, frac_bits: u8, matrix: &Matrix) -> MatrixRow {
        let unit = f64::exp2(-f64::from(frac_bits));
        let (base, is_exact) = self.constant.units(frac_bits.into());
        let mut half_units = if is_exact { 0.0 } else { 1.0 };
        if matrix.low_bits > 0 {
            half_units += 1.0;
        }
        let mut weights = Vec::with_capacity(self.terms.len());
        for (input, by) in &self.terms {
            let place = inputs.place[input];
            let mut magnitude = inputs.magnitude(input);
            if magnitude == 0.0 {
                // The factor of nothing is not bounded by the format.
                continue;
            }
            let mut shift = i64::from(frac_bits) - i64::from(inputs.frac_bits[place as usize]);
            if matrix.is_wide(place) {
                shift += i64::from(matrix.low_bits);
                magnitude *= f64::exp2(-f64::from(matrix.low_bits));
            }
            let (weight, is_exact) = by.units(shift);
            if !is_exact {
                half_units = (half_units + magnitude).next_up();
            }
            if weight != 0 {
                weights.push(MatrixWeight { input: place, weight });
            }
        }
        weights.sort_unstable_by_key(|weight| weight.input);
        // A coefficient that is cut off adds one part in 2^73 of a sum below 2^62.
        let rounding = if half_units == 0.0 {
            self.slack
        } else {
            ((half_units + 1.0) * 0.5 * unit + self.slack).next_up()
        };
        MatrixRow { base, weights, rounding }
    }
}

/// A product of two columns, each with a factor and an addend.
struct Product([Factor; 2]);

struct Factor {
    column: Handle<Column>,
    by: Ratio,
    constant: Ratio,
    /// Bounds on the column, and on what conversions change in it.
    magnitude: f64,
    half_ulps: f64,
}

impl Product {
    /// The product that an atom is, if its columns are narrow enough.
    fn of(real: &Module<Real>, affine: &Affine<'_>, atom: Atom) -> Option<Self> {
        let node = real.node(atom.value);
        let RealOp::Binary { function: Binary::Multiply, a, b } = node.op else { return None };
        let factor = |operand: Value| {
            let at = affine.position(operand, atom.value, atom.element as usize);
            let form = affine.form(operand, at);
            let [(atom, by)] = form.terms.as_slice() else { return None };
            let (column, half_ulps) = stored_column(real, *atom)?;
            let Column { range, missing: None, .. } = real.columns[column] else { return None };
            let magnitude = range.magnitude() as f64;
            let (by, constant) = (by.clone(), form.constant.clone());
            Some(Factor { column, by, constant, magnitude, half_ulps })
        };
        let factors = [factor(a)?, factor(b)?];
        let bits = |factor: &Factor| bits_of(real.columns[factor.column].range);
        let fits = factors.iter().map(bits).sum::<u32>() <= PRODUCT_BITS_MAX;
        fits.then_some(Self(factors))
    }

    /// Is the atom one that needs no operation of its own?
    fn is(real: &Module<Real>, affine: &Affine<'_>, atom: Atom) -> bool {
        Self::of(real, affine, atom).is_some()
    }

    /// Adds `by` times the product, multiplied out.
    fn add_to(&self, row: &mut Row, by: &Ratio) {
        let Self([a, b]) = self;
        let (first, last) = (a.column.min(b.column), a.column.max(b.column));
        let both = a.by.times(&b.by).times(by);
        row.add(Input::Product(first, last), &both);
        row.add(Input::Column(a.column), &a.by.times(&b.constant).times(by));
        row.add(Input::Column(b.column), &b.by.times(&a.constant).times(by));
        row.constant = row.constant.plus(&a.constant.times(&b.constant).times(by));
        // (x + e) (y + f) is off by x f + y e + e f.
        let halves = (a.half_ulps, b.half_ulps);
        row.widen(&both, a.magnitude * halves.1 + b.magnitude * halves.0 + halves.0 * halves.1);
        row.widen(&a.by.times(&b.constant).times(by), halves.0);
        row.widen(&b.by.times(&a.constant).times(by), halves.1);
    }
}

/// The values that the atoms of forms must be computed from.
pub(super) fn operands_of(
    module: &Module<Real>,
    affine: &Affine<'_>,
    forms: &[Form],
) -> std::collections::BTreeSet<Value> {
    let atoms = forms.iter().flat_map(|form| &form.terms).map(|(atom, _)| *atom);
    let needs =
        |atom: &Atom| stored_column(module, *atom).is_none() && !Product::is(module, affine, *atom);
    atoms.filter(needs).map(|atom| atom.value).collect()
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
                let half_ulps = conversions.into_iter().map(|elem| half_ulp(elem, range)).sum();
                return Some((column, half_ulps));
            }
            // Whether a column is 0 is not the column.
            RealOp::Cast { .. } if node.ty.elem == ElementType::Bool => return None,
            RealOp::Cast { input } => {
                conversions.push(node.ty.elem);
                value = *input;
            }
            op => (value, element) = *real.sources(op)?.get(element)?,
        }
    }
}

/// What an integer of a range changes at most where it becomes a float.
fn half_ulp(elem: ElementType, range: Interval) -> f64 {
    let digits = match elem {
        ElementType::F32 => f32::MANTISSA_DIGITS,
        ElementType::F64 => f64::MANTISSA_DIGITS,
        _ => return 0.0,
    };
    let bits = bits_of(range);
    if bits <= digits { 0.0 } else { f64::exp2(f64::from(bits - digits) - 1.0) }
}

/// Bits of the greatest magnitude of a range.
fn bits_of(range: Interval) -> u32 {
    u64::BITS - range.magnitude().leading_zeros()
}

//! From floating point to integers: the only way from [`Real`] to [`Int`].
//!
//! - [`sums`]: which sums over trees are needed; they become forests of fixed
//!   point, however many additions, constant factors and movements made them;
//! - [`rows`], [`predicate`]: tests of functions of one column become integer
//!   tests, exactly;
//! - [`weights`]: leaf weights become fixed point, as fine as cannot overflow;
//! - [`margin`]: decisions of votes get the tie margin;
//! - [`univariate`]: decisions about one column become comparisons of the column;
//! - [`decisions`]: comparisons and argmax of sums;
//! - [`matrices`]: sums of columns and of computed numbers become linear maps;
//! - [`chains`], [`functions`]: functions of one number become tables;
//! - [`invariant`]: numbers that are the same for every input become constants;
//! - [`fixed`]: what is computed from sums otherwise;
//! - [`error`]: what stands in the way;
//! - here: groups of sums, and the operations that move elements.
//!
//! Obligation: labels are those of exact arithmetic on the weights of the model
//! with ties by the margin; scores are within [`skxc_ir::analysis::rounding`] of
//! exact arithmetic.

mod chains;
mod decisions;
mod error;
mod fixed;
mod functions;
mod invariant;
pub mod margin;
mod matrices;
mod missing;
mod rows;
mod sums;
mod univariate;
mod weights;

use std::collections::HashMap;

use crate::quantize::sums::{Group, Key, Needs, Place, Targets};
use crate::quantize::univariate::Decided;
use crate::quantize::weights::{Ensemble, SUM_BITS, TreeMerger};
use skxc_ir::analysis::affine::{Affine, Form, Kind};
use skxc_ir::analysis::predicate::Source;
use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::analysis::real_ranges::RealRanges;
use skxc_ir::analysis::rounding::Rounding;
use skxc_ir::analysis::undefined::{self, Undefined};
use skxc_ir::analysis::univariate::{Budget, NotTabled, Univariate};
use skxc_ir::arena::Handle;
use skxc_ir::forest::{Forest, TreeNode};
use skxc_ir::limits::CLASSES_MAX;
use skxc_ir::module::{Column, Constant, Int, Module, Operation, Real, Value};
use skxc_ir::ops::{IntBinary, IntOp, RealOp};
use skxc_ir::origin::OriginId;
use skxc_ir::types::{ElementType, Shape, Type};

pub use error::QuantizeError;

/// Name for `--passes` and `--print-after`.
pub const NAME: &str = "quantize";

/// Makes the integer module of a real one, whose values have `ranges`. With a `precision`, what linear maps
/// compute from and their weights keep at most so many bits, whatever that
/// costs; bits before the point are kept in any case.
///
/// # Errors
/// All reasons why there is none.
pub fn quantize(
    real: &Module<Real>,
    ranges: &RealRanges,
    precision: Option<u8>,
) -> Result<Module<Int>, Vec<QuantizeError>> {
    let never = undefined::of(real, ranges).into_iter().filter(|found| found.always);
    let never = never.map(|Undefined { value, operand, .. }| QuantizeError::NeverANumber {
        node: real.onnx_node(value),
        op: real.node(value).op.name(),
        by: real.onnx_node(operand),
    });
    let never: Vec<QuantizeError> = never.collect();
    if !never.is_empty() {
        return Err(never);
    }
    let affine = Affine::of(real);
    let univariate = Univariate::of(real);
    let mut budget = Budget::default();
    let needs = Needs::of(real, &affine, &univariate, ranges, &mut budget);
    let quantizer = Quantizer::new(real, &affine, &univariate, ranges, &needs, budget);
    let int = Quantizer { precision, ..quantizer };
    let int = int.run()?;
    let errors = too_many(&int);
    if errors.is_empty() { Ok(int) } else { Err(errors) }
}

/// What is beyond the limits of a program. A model may have more.
fn too_many(int: &Module<Int>) -> Vec<QuantizeError> {
    let classes = int.labels.iter().map(|(_, table)| ("classes", table.len()));
    let sums = int.forests.iter().map(|(_, forest)| ("sums", forest.targets as usize));
    let beyond = classes.chain(sums).filter(|&(_, found)| found > CLASSES_MAX);
    beyond.map(|(what, found)| QuantizeError::TooMany { what, found }).collect()
}

/// State of the translation of one module.
struct Quantizer<'m> {
    real: &'m Module<Real>,
    affine: &'m Affine<'m>,
    univariate: &'m Univariate<'m>,
    needs: &'m Needs,
    rows: rows::Rows,
    missing: missing::Missing,
    budget: Budget,
    /// Bits that linear maps are held to.
    precision: Option<u8>,
    int: Module<Int>,
    /// Of the integer module, as far as it was needed.
    ranges: Ranges,
    rounding: Rounding,
    /// Of the real module.
    real_ranges: &'m RealRanges,
    /// What became of the values that are not sums.
    of: HashMap<Value, Value>,
    /// What became of the sums.
    sums: HashMap<Key, Computed<'m>>,
    errors: Vec<QuantizeError>,
}

/// Sums that the program computes.
#[derive(Clone)]
struct Computed<'m> {
    value: Value,
    ensembles: std::rc::Rc<[Ensemble<'m>]>,
    frac_bits: u8,
    /// For each element, what rounding of the weights has changed in it, in
    /// half units.
    inexact: Vec<u64>,
}

impl<'m> Quantizer<'m> {
    fn new(
        real: &'m Module<Real>,
        affine: &'m Affine<'m>,
        univariate: &'m Univariate<'m>,
        real_ranges: &'m RealRanges,
        needs: &'m Needs,
        budget: Budget,
    ) -> Self {
        let mut int = Module::new(&real.name);
        int.columns = real.columns.clone();
        int.labels = real.labels.clone();
        int.origins = real.origins.clone();
        let ranges = Ranges::of(&int);
        Self {
            real,
            affine,
            univariate,
            needs,
            rows: rows::of(real, univariate),
            missing: missing::Missing::of(real),
            budget,
            precision: None,
            int,
            ranges,
            rounding: Rounding::none(),
            real_ranges,
            of: HashMap::new(),
            sums: HashMap::new(),
            errors: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Module<Int>, Vec<QuantizeError>> {
        for group in sums::groups(self.needs) {
            self.group(&group);
        }
        for &value in &self.needs.operations {
            if let Some(new) = self.node(value) {
                self.of.insert(value, new);
            }
        }
        for output in &self.real.outputs {
            match self.operand(output.value).or_else(|| self.known(output.value)) {
                Some(value) => {
                    self.int.outputs.push(skxc_ir::module::Output { value, ..output.clone() });
                }
                None if self.errors.is_empty() => self.refuse(output.value, output.value),
                None => {}
            }
        }
        if self.errors.is_empty() { Ok(self.int) } else { Err(self.errors) }
    }

    /// Translates one operation. `None` where it failed, or hangs on what failed.
    fn node(&mut self, value: Value) -> Option<Value> {
        let node = self.real.node(value);
        if self.affine.kind(value) == Kind::Constant {
            // Whoever reads it says in which format.
            return None;
        }
        let is_decided = self.needs.decided.contains_key(&value);
        if let Some(column) = self.missing_operand(value).filter(|_| !is_decided) {
            self.refuse_missing(value, column);
            return None;
        }
        if self.needs.invariant.contains(&value) {
            return self.invariant(value);
        }
        if let Some(chain) = self.needs.chains.get(&value) {
            return self.chain(value, chain);
        }
        match self.needs.decided.get(&value) {
            Some(Decided::By(runs)) => return Some(self.decided(value, runs)),
            Some(Decided::NotTabled(column, reason)) => {
                let (node, op) = (self.real.onnx_node(value), node.op.name());
                let column = self.real.columns[*column].name.clone();
                self.errors.push(QuantizeError::UntabledDecision {
                    node,
                    op,
                    column,
                    reason: *reason,
                });
                return None;
            }
            None => {}
        }
        let (shape, origin) = (&node.ty.shape, node.origin);
        if let Some(forms) = self.needs.matrices.get(&Key::Value(value)) {
            return self.matrix(value, forms);
        }
        match &node.op {
            RealOp::Input { columns } if node.ty.elem == ElementType::I64 => {
                Some(self.input(columns.clone(), origin))
            }
            RealOp::Input { columns } => self.columns(value, columns),
            RealOp::Constant { constant } if is_integer(node.ty.elem) => {
                let op = self.integers(*constant);
                Some(self.int.push(op, node.ty.clone(), origin))
            }
            RealOp::Reshape { input } => {
                let input = self.operand(*input)?;
                Some(self.reshape(input, shape, origin))
            }
            RealOp::Gather { input, indices } => {
                let input = self.operand(*input)?;
                let op = IntOp::Gather { input, indices: indices.clone() };
                let ty = Type { elem: self.int.ty(input).elem, shape: shape.clone() };
                Some(self.int.push(op, ty, origin))
            }
            RealOp::Compare { relation, a, b } => self.compare(value, *relation, *a, *b),
            RealOp::ArgMax { input } => self.argmax(value, *input),
            RealOp::Label { table, class } => {
                let class = self.operand(*class).or_else(|| self.known(*class))?;
                let op = IntOp::Label { table: *table, class };
                Some(self.int.push(op, node.ty.clone(), origin))
            }
            _ => self.computed(value),
        }
    }

    /// The translated operand, unless it failed.
    fn operand(&self, value: Value) -> Option<Value> {
        match self.sums.get(&Key::Value(value)) {
            Some(sums) => Some(sums.value),
            None => self.of.get(&value).copied(),
        }
    }

    fn refuse(&mut self, user: Value, operand: Value) {
        self.errors.push(QuantizeError::NoIntegerForm {
            node: self.real.onnx_node(user),
            op: self.real.node(user).op.name(),
            operand: self.real.ty(operand).clone(),
        });
    }

    /// Integers, truth values and classes are what they are.
    fn integers(&mut self, constant: Handle<Constant<Real>>) -> IntOp {
        let real = &self.real.constants[constant];
        let elements = real.elements.iter().map(|&x| x as i64).collect();
        let constant = self.int.constants.push(Constant { ty: real.ty.clone(), elements });
        IntOp::Constant { constant }
    }

    fn reshape(&mut self, input: Value, shape: &Shape, origin: OriginId) -> Value {
        if self.int.shape(input) == shape {
            return input;
        }
        let ty = Type { elem: self.int.ty(input).elem, shape: shape.clone() };
        self.int.push(IntOp::Reshape { input }, ty, origin)
    }

    fn input(&mut self, columns: Vec<Handle<Column>>, origin: OriginId) -> Value {
        let ty = Type::new(ElementType::I64, &[1, columns.len() as u32]);
        self.int.push(IntOp::Input { columns }, ty, origin)
    }

    /// Makes one forest of the ensembles of a group, and the wanted values of
    /// its sums.
    fn group(&mut self, group: &Group) {
        let Some(ensembles) = self.ensembles(group) else { return };
        let forms = || group.keys.iter().flat_map(|key| &self.needs.sums[key]);
        let distinct: Vec<&Form> =
            forms().collect::<std::collections::HashSet<_>>().into_iter().collect();
        let magnitude = weights::magnitude(&ensembles, &distinct);
        let Some(frac_bits) = weights::frac_bits(magnitude) else {
            let node = self.real.onnx_node(*group.ensembles.last().unwrap_or(&self.first(group)));
            self.errors.push(QuantizeError::TooLarge { node, magnitude });
            return;
        };
        let targets = Targets::of(forms(), frac_bits);
        let Some((sums, inexact)) = self.join(group, &ensembles, &targets, frac_bits) else {
            return;
        };
        for &key in &group.keys {
            let forms = &self.needs.sums[&key];
            let places = forms.iter().map(|form| targets.place(form, frac_bits));
            let places: Vec<Place> =
                places.map(|place| place.expect("every wanted form has a target")).collect();
            let value = self.take(key, sums, &places);
            let inexact = places.iter().map(|place| inexact[place.target]).collect();
            let ensembles = std::rc::Rc::clone(&ensembles);
            self.sums.insert(key, Computed { value, ensembles, frac_bits, inexact });
        }
    }

    fn first(&self, group: &Group) -> Value {
        match group.keys[0] {
            Key::Value(value) | Key::Difference(value) => value,
        }
    }

    /// The ensembles of a group, if they read columns.
    fn ensembles(&mut self, group: &Group) -> Option<std::rc::Rc<[Ensemble<'m>]>> {
        let real = self.real;
        let mut ensembles = Vec::with_capacity(group.ensembles.len());
        for &value in &group.ensembles {
            let (forest, input) = ensemble(real, value);
            let node = real.onnx_node(value);
            match &self.rows[&input] {
                Ok(_) => ensembles.push(Ensemble { value, forest }),
                Err(Some(column)) => {
                    let column = real.columns[*column].name.clone();
                    let reason = NotTabled::Size;
                    self.errors.push(QuantizeError::UntabledFeature { node, column, reason });
                }
                Err(None) => {
                    let by = self.univariate.blocker(input);
                    let (by, op) = (real.onnx_node(by), real.node(by).op.name());
                    self.errors.push(QuantizeError::ComputedFeatures { node, by, op });
                }
            }
        }
        (ensembles.len() == group.ensembles.len()).then(|| ensembles.into())
    }

    /// The sums of all trees of a group, and what rounding of the weights has
    /// changed in each.
    fn join(
        &mut self,
        group: &Group,
        ensembles: &[Ensemble<'m>],
        targets: &Targets,
        frac_bits: u8,
    ) -> Option<(Value, Vec<u64>)> {
        let real = self.real;
        let mut columns: Vec<Handle<Column>> = Vec::new();
        let mut index_of: HashMap<Handle<Column>, u32> = HashMap::new();
        for ensemble in ensembles {
            let (_, input) = self::ensemble(real, ensemble.value);
            for feature in self.row(input).iter() {
                index_of.entry(feature.column).or_insert_with(|| {
                    columns.push(feature.column);
                    columns.len() as u32 - 1
                });
            }
        }
        let mut merger =
            TreeMerger::new(columns.len() as u32, ensembles, &targets.forms, frac_bits);
        for pairing in paired_trees(real, ensembles) {
            let [first, paired @ ..] = pairing.as_slice() else { continue };
            let features = self.row(self::ensemble(real, first.value).1);
            let row: Vec<(u32, Source<'_>)> = features
                .iter()
                .map(|feature| {
                    let column = &real.columns[feature.column];
                    let source = Source { column, function: &feature.function };
                    (index_of[&feature.column], source)
                })
                .collect();
            if let Err((feature, reason)) = merger.add(*first, paired, &row, &mut self.budget) {
                let column = features[feature as usize].column;
                let (node, column) =
                    (real.onnx_node(first.value), real.columns[column].name.clone());
                self.errors.push(QuantizeError::UntabledFeature { node, column, reason });
                return None;
            }
        }
        let joined = merger.finish();
        let origins = group.ensembles.iter().map(|&value| real.node(value).origin);
        let first = real.node(self.first(group)).origin;
        let origin = origins.reduce(|a, b| self.int.origins.union(a, b)).unwrap_or(first);
        let input_origin = ensembles
            .first()
            .map_or(origin, |first| real.node(self::ensemble(real, first.value).1).origin);
        let input = self.input(columns, input_origin);
        let ty = Type::new(joined.forest.elem, &[1, joined.forest.targets]);
        let forest = self.int.forests.push(joined.forest);
        Some((self.int.push(IntOp::TreeEnsemble { forest, input }, ty, origin), joined.inexact))
    }

    /// The features of an ensemble that has been found to read columns.
    fn row(&self, input: Value) -> std::rc::Rc<[rows::Feature]> {
        self.rows[&input].clone().expect("the row is made of functions of columns")
    }

    /// The elements of a wanted value.
    fn take(&mut self, key: Key, sums: Value, places: &[Place]) -> Value {
        let (Key::Value(value) | Key::Difference(value)) = key;
        let Type { shape, .. } = self.real.ty(value).clone();
        let origin = self.real.node(value).origin;
        let runs = places.chunk_by(|a, b| {
            a.negated == b.negated && (a.negated || (a.offset == 0) == (b.offset == 0))
        });
        let parts: Vec<Value> = runs.map(|run| self.take_run(sums, run, origin)).collect();
        let whole = match parts[..] {
            [part] => part,
            _ => {
                let ty = Type::new(self.int.ty(sums).elem, &[1, places.len() as u32]);
                self.int.push(IntOp::Concat { inputs: parts }, ty, origin)
            }
        };
        self.reshape(whole, &shape, origin)
    }

    /// Elements that are all as they are, all moved, or all mirrored.
    fn take_run(&mut self, sums: Value, run: &[Place], origin: OriginId) -> Value {
        let ty = Type::new(self.int.ty(sums).elem, &[1, run.len() as u32]);
        let indices: Vec<u32> = run.iter().map(|place| place.target as u32).collect();
        let all = indices.iter().copied().eq(0..self.int.shape(sums).elements() as u32);
        let part = if all {
            sums
        } else {
            self.int.push(IntOp::Gather { input: sums, indices }, ty.clone(), origin)
        };
        if run.iter().all(|place| !place.negated && place.offset == 0) {
            return part;
        }
        let elements = run.iter().map(|place| place.offset).collect();
        let constant = self.int.constants.push(Constant { ty: ty.clone(), elements });
        let offsets = self.int.push(IntOp::Constant { constant }, ty.clone(), origin);
        let function = if run[0].negated { IntBinary::Subtract } else { IntBinary::Add };
        self.int.push(IntOp::Binary { function, a: offsets, b: part }, ty, origin)
    }
}

fn is_integer(elem: ElementType) -> bool {
    matches!(elem, ElementType::I64 | ElementType::Bool | ElementType::Label(_))
}

/// The format of sums with so many fraction bits.
fn format(frac_bits: u8) -> ElementType {
    ElementType::Fixed { bits: SUM_BITS, frac_bits }
}

/// The forest and the row of an ensemble.
fn ensemble(real: &Module<Real>, value: Value) -> (&Forest<Real>, Value) {
    let RealOp::TreeEnsemble { forest, input } = real.node(value).op else {
        unreachable!("a sum is of an ensemble")
    };
    (&real.forests[forest], input)
}

/// Puts ensembles together whose trees are the same but for the weights.
fn paired_trees<'m>(real: &Module<Real>, ensembles: &[Ensemble<'m>]) -> Vec<Vec<Ensemble<'m>>> {
    let mut pairings: Vec<Vec<Ensemble<'m>>> = Vec::new();
    for one in ensembles {
        let input = ensemble(real, one.value).1;
        let known = pairings.iter_mut().find(|pairing| {
            ensemble(real, pairing[0].value).1 == input && same_trees(pairing[0].forest, one.forest)
        });
        match known {
            Some(pairing) => pairing.push(*one),
            None => pairings.push(vec![*one]),
        }
    }
    pairings
}

fn same_trees(a: &Forest<Real>, b: &Forest<Real>) -> bool {
    a.roots == b.roots
        && a.nodes.len() == b.nodes.len()
        && a.nodes.iter().zip(&b.nodes).all(|(a, b)| match (*a, *b) {
            (
                TreeNode::Branch { test, yes, no, .. },
                TreeNode::Branch { test: test_b, yes: yes_b, no: no_b, .. },
            ) => (test, yes, no) == (test_b, yes_b, no_b),
            (TreeNode::Leaf { .. }, TreeNode::Leaf { .. }) => true,
            _ => false,
        })
}

//! Computes what is chosen for some integers of a column for those alone.
//!
//! A power transform divides its input by itself and replaces what is no number
//! afterwards; what it computes is undefined for the rows that it replaces, and so
//! has no range. Between the least and the greatest integer for which it is chosen
//! it has one: there a column is cut to these before the model reads it.
//!
//! Obligation: floats are the same for every row. A row for which the choice falls
//! on the operand has its columns within the cut, and other rows do not read it.

use std::collections::{BTreeMap, HashMap};

use crate::rebuild::Rebuild;
use crate::{Pass, PassContext};
use skxc_ir::analysis::real_ranges::RealRanges;
use skxc_ir::analysis::univariate::{Budget, Span, Univariate};
use skxc_ir::arena::Handle;
use skxc_ir::module::{Column, Constant, Interval, Module, Node, Operation as _, Real, Value};
use skxc_ir::ops::{Binary, RealOp};
use skxc_ir::types::{ElementType, Type};

/// Nodes that are computed once more, in all.
const COPIES_MAX: usize = 1 << 12;

/// Gives operands of a choice a range where they are undefined for some rows.
#[derive(Clone, Copy, Debug)]
pub struct GuardedValues;

/// What columns are cut to.
type Cuts = BTreeMap<Handle<Column>, Interval>;

/// The operands of a choice that are computed with cut columns.
#[derive(Clone, Debug, Default)]
struct Guards {
    a: Option<Cuts>,
    b: Option<Cuts>,
}

impl Pass<Real> for GuardedValues {
    fn name(&self) -> &'static str {
        "guarded-values"
    }

    fn summary(&self) -> &'static str {
        "compute what is chosen for some integers for those alone"
    }

    fn run(&self, module: &mut Module<Real>, context: &mut PassContext<Real>) -> bool {
        let is_choice = |value: Value| matches!(module.node(value).op, RealOp::Select { .. });
        if !module.values().any(is_choice) {
            return false;
        }
        let found = guards(module, &context.ranges(module));
        if found.is_empty() {
            return false;
        }
        let mut left = COPIES_MAX;
        Rebuild::run(module, |rebuild, module, value| {
            let mut node = module.node(value).clone();
            let (RealOp::Select { condition, a, b }, Some(guards)) =
                (&mut node.op, found.get(&value))
            else {
                return rebuild.copy(module, value);
            };
            *condition = rebuild.of(*condition);
            *a = cut(rebuild, module, &mut left, *a, guards.a.as_ref());
            *b = cut(rebuild, module, &mut left, *b, guards.b.as_ref());
            rebuild.push(node)
        });
        true
    }
}

/// The choices that columns decide, of which an operand is undefined for some rows.
fn guards(module: &Module<Real>, ranges: &RealRanges) -> HashMap<Value, Guards> {
    let univariate = Univariate::of(module);
    let mut budget = Budget::default();
    let mut found = HashMap::new();
    for value in module.values() {
        let RealOp::Select { condition, a, b } = module.node(value).op else { continue };
        if !univariate.is_univariate(condition) {
            continue;
        }
        let mut cuts = |side: Value, chosen: i64| {
            let is_undefined = module.ty(side).elem.is_float()
                && ranges.of_value(side).iter().any(|range| range.ends().is_none());
            if !is_undefined || !reads_whole_inputs(module, side) {
                return None;
            }
            let choice = Choice { value, condition, side, chosen };
            choice.cuts(module, &univariate, &mut budget)
        };
        let guards = Guards { a: cuts(a, 1), b: cuts(b, 0) };
        if guards.a.is_some() || guards.b.is_some() {
            found.insert(value, guards);
        }
    }
    found
}

/// Does anything that `value` is computed from read an input other than by an extreme
/// with a constant, as this pass leaves inputs?
fn reads_whole_inputs(module: &Module<Real>, value: Value) -> bool {
    let is_end = |value: Value| matches!(module.node(value).op, RealOp::Constant { .. });
    let is_input = |value: Value| matches!(module.node(value).op, RealOp::Input { .. });
    let needed = needed(module, value);
    let mut is_cut = needed.iter().map(|&value| match module.node(value).op {
        RealOp::Binary { function: Binary::Maximum | Binary::Minimum, b, .. } if is_end(b) => true,
        ref op => {
            let mut reads_input = false;
            op.operands(&mut |operand| reads_input |= is_input(operand));
            !reads_input
        }
    });
    is_input(value) || !is_cut.all(|is_cut| is_cut)
}

/// What a value is computed from and itself, in order.
fn needed(module: &Module<Real>, value: Value) -> Vec<Value> {
    let mut is_needed = vec![false; value.index() + 1];
    is_needed[value.index()] = true;
    let all: Vec<Value> = module.values().take(value.index() + 1).collect();
    for value in all.iter().rev() {
        if is_needed[value.index()] {
            module.node(*value).op.operands(&mut |operand| is_needed[operand.index()] = true);
        }
    }
    all.into_iter().filter(|value| is_needed[value.index()]).collect()
}

/// An operand of a choice, and what the condition is where it is chosen.
struct Choice {
    value: Value,
    condition: Value,
    side: Value,
    chosen: i64,
}

impl Choice {
    /// Between which integers of its column each element is chosen, if every element
    /// depends on the column that decides it, and some column is cut.
    fn cuts(
        &self,
        module: &Module<Real>,
        univariate: &Univariate<'_>,
        budget: &mut Budget,
    ) -> Option<Cuts> {
        let whole = module.shape(self.value);
        let conditions = module.shape(self.condition).positions_in(whole);
        let operands = module.shape(self.side).positions_in(whole);
        let mut cuts = Cuts::new();
        for (condition, operand) in conditions.into_iter().zip(operands) {
            let handle = univariate.column(self.condition, condition)??;
            let column = &module.columns[handle];
            if univariate.column(self.side, operand)?? != handle || column.missing.is_some() {
                return None;
            }
            let function = univariate.function(self.condition, condition)?;
            let runs = function.runs(column, budget, Span::as_integer).ok()?;
            let starts = std::iter::once(column.range.min).chain(runs.iter().map(|run| run.0 + 1));
            let chosen = starts.zip(&runs).filter(|(_, (_, holds))| *holds == self.chosen);
            for (start, (end, _)) in chosen {
                let cut = cuts.entry(handle).or_insert(Interval::new(start, *end));
                *cut = Interval::new(cut.min.min(start), cut.max.max(*end));
            }
        }
        let is_cut =
            |(column, cut): (&Handle<Column>, &Interval)| *cut != module.columns[*column].range;
        cuts.iter().any(is_cut).then_some(cuts)
    }
}

/// The operand anew, computed with cut columns; as it was where none are, or where
/// that would be too much.
fn cut(
    rebuild: &mut Rebuild<Real>,
    module: &mut Module<Real>,
    left: &mut usize,
    operand: Value,
    cuts: Option<&Cuts>,
) -> Value {
    let Some(cuts) = cuts else { return rebuild.of(operand) };
    let needed = needed(module, operand);
    let Some(rest) = left.checked_sub(needed.len()) else { return rebuild.of(operand) };
    *left = rest;
    let mut new: HashMap<Value, Value> = HashMap::new();
    for value in needed {
        let mut node = module.node(value).clone();
        if let RealOp::Input { columns } = &node.op {
            let columns = columns.clone();
            new.insert(value, cut_input(rebuild, module, value, &columns, cuts));
            continue;
        }
        let mut is_other = false;
        node.op.operands(&mut |operand| is_other |= new[&operand] != rebuild.of(operand));
        node.op.map_operands(&mut |operand| new[&operand]);
        let copy = if is_other { rebuild.push(node) } else { rebuild.of(value) };
        new.insert(value, copy);
    }
    new[&operand]
}

/// An input with its columns cut.
fn cut_input(
    rebuild: &mut Rebuild<Real>,
    module: &mut Module<Real>,
    value: Value,
    columns: &[Handle<Column>],
    cuts: &Cuts,
) -> Value {
    let Node { ty, origin, .. } = module.node(value).clone();
    let mut x = rebuild.of(value);
    type End = fn(&Interval) -> i64;
    let ends: [(Binary, End); 2] =
        [(Binary::Maximum, |range| range.min), (Binary::Minimum, |range| range.max)];
    for (function, end) in ends {
        let range = |column: &Handle<Column>| &module.columns[*column].range;
        let is_cut = |column: &Handle<Column>| {
            cuts.get(column).is_some_and(|cut| end(cut) != end(range(column)))
        };
        if !columns.iter().any(is_cut) {
            continue;
        }
        let of = |column| stored(end(cuts.get(column).unwrap_or(range(column))), ty.elem);
        let elements = columns.iter().map(of).collect();
        let constant = module.constants.push(Constant { ty: ty.clone(), elements });
        let mut push = |op, ty: &Type| rebuild.push(Node { op, ty: ty.clone(), origin });
        let end = push(RealOp::Constant { constant }, &ty);
        x = push(RealOp::Binary { function, a: x, b: end }, &ty);
    }
    x
}

/// An integer as an input has it.
fn stored(x: i64, elem: ElementType) -> f64 {
    if elem == ElementType::F32 { f64::from(x as f32) } else { x as f64 }
}

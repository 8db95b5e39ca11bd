//! Which elements are functions of one input column, as steps that say for each
//! integer of the column what the element is.
//!
//! A scaler, an imputer, the edges of bins and their sum: whatever stands
//! between one column and a decision makes of the decision a set of integers.
//! The pass `quantize` asks for these sets, and so needs no arithmetic for them.
//!
//! What must hold: a [`Function`] is for each integer of its column's range the
//! very element that [`crate::interpret::float`] computes, and depends on the
//! columns that [`crate::interpret`] says for this element ([`Of`]).

mod function;
mod span;

use std::collections::HashMap;
use std::rc::Rc;

pub use self::function::{Budget, RUNS_MAX};
pub use self::function::{Function, NotTabled};
use self::function::{Step, StepId, Table};
pub use self::span::{Numbers, Span};
use crate::analysis::dependence::{Dependence, DependsOn};
use crate::arena::Handle;
use crate::interpret::Scalar;
use crate::interpret::element::{self, Element};
use crate::module::{Column, Constant, Module, Operation, Real, Value};
use crate::ops::{Binary, Extreme, RealOp, Reduction, Unary};
use crate::types::{ElementType, Type};

/// Steps of all functions of a module, and elements that are looked at.
const STEPS_MAX: usize = 1 << 20;

/// Steps of one function.
const FUNCTION_STEPS_MAX: usize = 1 << 12;

/// The elements of a value.
#[derive(Clone, Debug)]
enum Elements {
    /// None of them is a function of one column, or there are too many.
    Unknown,
    /// They are those of a constant.
    Constant(Handle<Constant<Real>>),
    /// The steps that are the elements; `None` where there is no function.
    Steps(Rc<[Option<StepId>]>),
}

/// The constants of a look-up.
type KeysAndValues = (Handle<Constant<Real>>, Handle<Constant<Real>>);

/// The functions of a module.
#[derive(Debug)]
pub struct Univariate<'m> {
    module: &'m Module<Real>,
    dependence: Dependence,
    /// Each after its operands.
    steps: Vec<Step>,
    known: HashMap<Step, StepId>,
    tables: Vec<Rc<Table>>,
    table_of: HashMap<KeysAndValues, u32>,
    of: Vec<Elements>,
    /// Elements looked at so far.
    elements: usize,
}

impl<'m> Univariate<'m> {
    /// Analyses a valid module.
    #[must_use]
    pub fn of(module: &'m Module<Real>) -> Self {
        let mut this = Self {
            module,
            dependence: Dependence::of(module),
            steps: Vec::new(),
            known: HashMap::new(),
            tables: Vec::new(),
            table_of: HashMap::new(),
            of: Vec::with_capacity(module.nodes.len()),
            elements: 0,
        };
        for value in module.values() {
            let elements = this.elements(value);
            this.of.push(elements);
        }
        this
    }

    /// The column that an element depends on; `Some(None)` if on none. `None` if
    /// it depends on several, or on trees.
    #[must_use]
    pub fn column(&self, value: Value, element: usize) -> Option<Option<Handle<Column>>> {
        match self.dependence.of_value(value)[element] {
            DependsOn::Nothing => Some(None),
            DependsOn::Column(column) => Some(Some(column)),
            DependsOn::Several => None,
        }
    }

    /// The function that an element is. `None` if it is not of one column, or
    /// has too many steps.
    #[must_use]
    pub fn function(&self, value: Value, element: usize) -> Option<Function> {
        self.column(value, element)?;
        let steps = match &self.of[value.index()] {
            Elements::Unknown => return None,
            Elements::Constant(constant) => {
                let constant = &self.module.constants[*constant];
                vec![literal(&element::constant_at(constant, element))]
            }
            Elements::Steps(of) => self.compiled(of[element]?)?,
        };
        Some(Function { steps: steps.into(), tables: self.tables.as_slice().into() })
    }

    /// Does every element depend on at most one column?
    pub fn is_univariate(&self, value: Value) -> bool {
        self.dependence.of_value(value).iter().all(|of| *of != DependsOn::Several)
    }

    /// Do floats decide the value in every mode?
    pub fn is_of_floats(&self, value: Value) -> bool {
        self.dependence.is_decided(self.module, value)
    }

    /// The oldest value that an element depends on and that brings several
    /// columns together, or is made of trees.
    pub fn blocker(&self, value: Value) -> Value {
        let mut blocker = value;
        loop {
            let mut older = None;
            self.module.node(blocker).op.operands(&mut |operand| {
                if older.is_none() && !self.is_univariate(operand) {
                    older = Some(operand);
                }
            });
            match older {
                Some(older) => blocker = older,
                None => return blocker,
            }
        }
    }

    /// The steps that `last` needs, numbered anew.
    fn compiled(&self, last: StepId) -> Option<Vec<Step>> {
        let mut needed = std::collections::BTreeSet::from([last]);
        let mut pending = vec![last];
        while let Some(id) = pending.pop() {
            self.steps[id as usize].operands(|operand| {
                if needed.insert(operand) {
                    pending.push(operand);
                }
            });
            if needed.len() > FUNCTION_STEPS_MAX {
                return None;
            }
        }
        let place: HashMap<StepId, StepId> = needed.iter().copied().zip(0..).collect();
        let step = |id: &StepId| self.steps[*id as usize].map_operands(|operand| place[&operand]);
        Some(needed.iter().map(step).collect())
    }

    fn elements(&mut self, value: Value) -> Elements {
        let node = self.module.node(value);
        let count = node.ty.shape.elements();
        if let RealOp::Constant { constant } = node.op {
            return Elements::Constant(constant);
        }
        let mut operands = Vec::new();
        node.op.operands(&mut |operand| operands.push(operand));
        let several = self.dependence.of_value(value).iter().all(|of| *of == DependsOn::Several);
        if several || self.elements + count > STEPS_MAX || self.steps.len() > STEPS_MAX {
            return Elements::Unknown;
        }
        self.elements += count;
        let dependence: Vec<bool> =
            self.dependence.of_value(value).iter().map(|of| *of != DependsOn::Several).collect();
        let steps = self.of_op(&node.op, &node.ty, &dependence);
        Elements::Steps(steps.into())
    }

    /// The steps of the elements, as far as `wanted`.
    fn of_op(&mut self, op: &RealOp, ty: &Type, wanted: &[bool]) -> Vec<Option<StepId>> {
        let elem = ty.elem;
        let module = self.module;
        if let Some(sources) = module.sources(op) {
            let sources = sources.into_iter().zip(wanted);
            return sources.map(|((value, i), wanted)| self.step(value, i, *wanted)).collect();
        }
        let all = |this: &mut Self, value: Value| -> Vec<Option<StepId>> {
            (0..module.shape(value).elements()).map(|i| this.step(value, i, true)).collect()
        };
        match op {
            RealOp::Input { columns } => {
                // Which column it is, is said beside the steps.
                columns.iter().map(|_| self.push(Step::Column(elem))).collect()
            }
            RealOp::Cast { input } => {
                let input = all(self, *input).into_iter();
                input.map(|x| self.push(Step::Cast(x?, elem))).collect()
            }
            RealOp::Unary { function, input } => {
                let input = all(self, *input).into_iter();
                input.map(|x| self.push(Step::Unary(*function, x?, elem))).collect()
            }
            RealOp::Lookup { input, keys, values } => {
                let table = self.table(*keys, *values);
                let input = all(self, *input).into_iter();
                input.map(|x| self.push(Step::Lookup(x?, table))).collect()
            }
            RealOp::Binary { function, a, b } => {
                self.met(ty, wanted, [*a, *b], |[a, b]| Step::Binary(*function, a, b, elem))
            }
            RealOp::Compare { relation, a, b } => {
                self.met(ty, wanted, [*a, *b], |[a, b]| Step::Compare(*relation, a, b))
            }
            RealOp::Select { condition, a, b } => {
                self.met(ty, wanted, [*condition, *a, *b], |[condition, a, b]| {
                    Step::Select(condition, a, b)
                })
            }
            RealOp::MatMul { a, b } => self.products([*a, *b], elem, wanted),
            RealOp::ArgSort { .. } | RealOp::TreeEnsemble { .. } => vec![None; wanted.len()],
            _ => self.of_rows(op, elem),
        }
    }

    /// The steps of an operation along the last axis.
    fn of_rows(&mut self, op: &RealOp, elem: ElementType) -> Vec<Option<StepId>> {
        let module = self.module;
        let all = |this: &mut Self, value: Value| -> Vec<Option<StepId>> {
            (0..module.shape(value).elements()).map(|i| this.step(value, i, true)).collect()
        };
        match op {
            RealOp::Reduce { function, input } => {
                let function = reducing(*function);
                let (input, width) = (all(self, *input), module.shape(*input).row());
                input.chunks(width).map(|row| self.fold(function, row, elem)).collect()
            }
            RealOp::CumulativeSum { input } => {
                let (input, width) = (all(self, *input), module.shape(*input).row());
                input.chunks(width).flat_map(|row| self.sums(row, elem)).collect()
            }
            RealOp::Softmax { input } => {
                let (input, width) = (all(self, *input), module.shape(*input).row());
                let softmax = |row: &[Option<StepId>]| match self.softmax(row, elem) {
                    Some(row) => row,
                    None => vec![None; row.len()],
                };
                input.chunks(width).flat_map(softmax).collect()
            }
            RealOp::ArgMax { input } | RealOp::ArgMin { input } => {
                let greatest = matches!(op, RealOp::ArgMax { .. });
                let end = if greatest { Extreme::Greatest } else { Extreme::Least };
                let (input, width) = (all(self, *input), module.shape(*input).row());
                let extreme = |row: &[Option<StepId>]| {
                    let row: Option<Rc<[StepId]>> = row.iter().copied().collect();
                    self.push(Step::Extreme(end, row?))
                };
                input.chunks(width).map(extreme).collect()
            }
            RealOp::Take { input, index } => {
                let row: Option<Rc<[StepId]>> = all(self, *input).into_iter().collect();
                let index = all(self, *index).into_iter();
                index.map(|at| self.push(Step::Take(row.clone()?, at?))).collect()
            }
            RealOp::TakeAlong { input, indices } => {
                let (width, taken) = (module.shape(*input).row(), module.shape(*indices).row());
                let (input, indices) = (all(self, *input), all(self, *indices));
                let mut of = Vec::with_capacity(indices.len());
                for (row, indices) in input.chunks(width).zip(indices.chunks(taken)) {
                    let row: Option<Rc<[StepId]>> = row.iter().copied().collect();
                    let taken = |at: &Option<StepId>| self.push(Step::Take(row.clone()?, (*at)?));
                    of.extend(indices.iter().map(taken));
                }
                of
            }
            RealOp::Input { .. }
            | RealOp::Cast { .. }
            | RealOp::Unary { .. }
            | RealOp::Lookup { .. }
            | RealOp::Binary { .. }
            | RealOp::Compare { .. }
            | RealOp::Select { .. }
            | RealOp::MatMul { .. }
            | RealOp::ArgSort { .. }
            | RealOp::TreeEnsemble { .. }
            | RealOp::Constant { .. }
            | RealOp::Reshape { .. }
            | RealOp::Gather { .. }
            | RealOp::Concat { .. }
            | RealOp::Label { .. } => unreachable!("{} is not along an axis", op.name()),
        }
    }

    /// The step that an element is.
    fn step(&mut self, value: Value, element: usize, wanted: bool) -> Option<StepId> {
        if !wanted {
            return None;
        }
        match &self.of[value.index()] {
            Elements::Unknown => None,
            Elements::Steps(steps) => steps[element],
            Elements::Constant(constant) => {
                let constant = &self.module.constants[*constant];
                self.push(literal(&element::constant_at(constant, element)))
            }
        }
    }

    fn push(&mut self, step: Step) -> Option<StepId> {
        if let Some(&known) = self.known.get(&step) {
            return Some(known);
        }
        if self.steps.len() >= STEPS_MAX {
            return None;
        }
        let id = self.steps.len() as StepId;
        self.steps.push(step.clone());
        self.known.insert(step, id);
        Some(id)
    }

    fn table(&mut self, keys: Handle<Constant<Real>>, values: Handle<Constant<Real>>) -> u32 {
        let constants = &self.module.constants;
        let tables = &mut self.tables;
        *self.table_of.entry((keys, values)).or_insert_with(|| {
            let (keys, values) =
                (element::constant(&constants[keys]), element::constant(&constants[values]));
            tables.push(Rc::new(Table { keys, values }));
            tables.len() as u32 - 1
        })
    }

    /// A step for each meeting of operands that broadcast.
    fn met<const N: usize>(
        &mut self,
        ty: &Type,
        wanted: &[bool],
        operands: [Value; N],
        step: impl Fn([StepId; N]) -> Step,
    ) -> Vec<Option<StepId>> {
        let module = self.module;
        let positions = operands.map(|operand| module.shape(operand).positions_in(&ty.shape));
        let mut of = Vec::with_capacity(wanted.len());
        for (i, &wanted) in wanted.iter().enumerate() {
            let at: [Option<StepId>; N] =
                std::array::from_fn(|n| self.step(operands[n], positions[n][i], wanted));
            let complete = at.iter().all(Option::is_some);
            let met = complete.then(|| step(at.map(Option::unwrap_or_default)));
            of.push(met.and_then(|met| self.push(met)));
        }
        of
    }

    fn fold(
        &mut self,
        function: Binary,
        row: &[Option<StepId>],
        elem: ElementType,
    ) -> Option<StepId> {
        let mut elements = row.iter();
        let first = (*elements.next()?)?;
        elements.try_fold(first, |sum, x| self.push(Step::Binary(function, sum, (*x)?, elem)))
    }

    /// The steps of the product of two matrices, in the order of the interpreter.
    fn products(
        &mut self,
        [a, b]: [Value; 2],
        elem: ElementType,
        wanted: &[bool],
    ) -> Vec<Option<StepId>> {
        let width = self.module.shape(b).row();
        let shared = self.module.shape(b).elements() / width;
        if shared > FUNCTION_STEPS_MAX {
            return vec![None; wanted.len()];
        }
        let mut of = Vec::with_capacity(wanted.len());
        for (i, &wanted) in wanted.iter().enumerate() {
            let (row, column) = (i / width, i % width);
            let factors = (0..shared).map(|at| (row * shared + at, at * width + column));
            of.push(if wanted { self.product_sum([a, b], factors, elem) } else { None });
        }
        of
    }

    /// The sum of products of elements of two values.
    fn product_sum(
        &mut self,
        [a, b]: [Value; 2],
        mut factors: impl Iterator<Item = (usize, usize)>,
        elem: ElementType,
    ) -> Option<StepId> {
        let pair = |this: &mut Self, (at, bt): (usize, usize)| {
            Some([this.step(a, at, true)?, this.step(b, bt, true)?])
        };
        let [x, y] = pair(self, factors.next()?)?;
        let mut sum = self.push(Step::Binary(Binary::Multiply, x, y, elem))?;
        for factor in factors {
            let [x, y] = pair(self, factor)?;
            sum = if elem.is_float() {
                self.push(Step::Fused([sum, x, y], elem))?
            } else {
                let product = self.push(Step::Binary(Binary::Multiply, x, y, elem))?;
                self.push(Step::Binary(Binary::Add, sum, product, elem))?
            };
        }
        Some(sum)
    }

    fn sums(&mut self, row: &[Option<StepId>], elem: ElementType) -> Vec<Option<StepId>> {
        let mut sums: Vec<Option<StepId>> = Vec::with_capacity(row.len());
        for (i, x) in row.iter().enumerate() {
            sums.push(match i.checked_sub(1) {
                None => *x,
                Some(before) => self.fold(Binary::Add, &[sums[before], *x], elem),
            });
        }
        sums
    }

    /// As the interpreter has it, step by step.
    fn softmax(
        &mut self,
        row: &[Option<StepId>],
        elem: ElementType,
    ) -> Option<Vec<Option<StepId>>> {
        let greatest = self.fold(Binary::Maximum, row, elem)?;
        let mut powers = Vec::with_capacity(row.len());
        for x in row {
            let less = self.push(Step::Binary(Binary::Subtract, (*x)?, greatest, elem))?;
            powers.push(self.push(Step::Unary(Unary::Exp, less, elem)));
        }
        let sum = self.fold(Binary::Add, &powers, elem)?;
        let parts = powers.iter();
        Some(parts.map(|x| self.push(Step::Binary(Binary::Divide, (*x)?, sum, elem))).collect())
    }
}

fn reducing(function: Reduction) -> Binary {
    match function {
        Reduction::Sum => Binary::Add,
        Reduction::Product => Binary::Multiply,
        Reduction::Minimum => Binary::Minimum,
        Reduction::Maximum => Binary::Maximum,
    }
}

fn literal(element: &Element) -> Step {
    match element {
        Scalar::Number(x) => Step::Number(x.to_bits()),
        Scalar::Integer(x) => Step::Integer(*x),
    }
}

#[cfg(test)]
mod tests;

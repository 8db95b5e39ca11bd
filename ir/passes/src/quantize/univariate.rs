//! Decisions about one column: comparisons, conversions to integers and what is
//! computed from them become comparisons of the column with the ends of runs.
//!
//! An element with the ends `e1 < e2 < ...` is in the run whose number is how many
//! of them `x` is above: of two runs the comparison says it, of three the exclusive
//! or of two, of more a table holds what each run is.

use crate::quantize::Quantizer;
use skxc_ir::analysis::univariate::{Budget, Function, NotTabled, Span, Univariate};
use skxc_ir::arena::Handle;
use skxc_ir::module::{Column, Module, Operation, Real, Value};
use skxc_ir::ops::{IntBinary, IntOp, IntReduction, RealOp, Relation, Rounding};
use skxc_ir::origin::OriginId;
use skxc_ir::types::{ElementType, Shape, Type};

/// What integer arithmetic can do as well is kept if it has more ends.
const ENDS_WORTH: usize = 8;

/// An element that is the same over each run of integers of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Runs {
    column: Handle<Column>,
    /// Last element of each run but the last one.
    ends: Vec<i64>,
    /// What the element is in each run.
    values: Vec<i64>,
}

/// What is known of a value that depends on one column, element by element.
#[derive(Clone, Debug)]
pub(super) enum Decided {
    /// The runs of each element.
    By(Vec<Runs>),
    /// Floats decide it, and there are no runs.
    NotTabled(Handle<Column>, NotTabled),
}

/// The runs of a value, if that is what becomes of it.
pub(super) fn decided(
    module: &Module<Real>,
    univariate: &Univariate<'_>,
    value: Value,
    budget: &mut Budget,
) -> Option<Decided> {
    let op = &module.node(value).op;
    if !matches!(module.ty(value).elem, ElementType::I64 | ElementType::Bool)
        || matches!(op, RealOp::Input { .. } | RealOp::Constant { .. })
        || module.sources(op).is_some()
        || !univariate.is_univariate(value)
    {
        return None;
    }
    let mut reads_floats = matches!(op, RealOp::Lookup { .. });
    op.operands(&mut |operand| reads_floats |= module.ty(operand).elem.is_float());
    let any = module.columns.handles().next()?;
    let mut elements = Vec::new();
    for element in 0..module.shape(value).elements() {
        let column = univariate.column(value, element)?.unwrap_or(any);
        let function = univariate.function(value, element).ok_or(NotTabled::Size);
        let runs = function.and_then(|function| runs(module, column, &function, budget));
        match runs {
            Ok(runs) if reads_floats || runs.ends.len() <= ENDS_WORTH => elements.push(runs),
            Err(reason) if univariate.is_of_floats(value) => {
                return Some(Decided::NotTabled(column, reason));
            }
            Ok(_) | Err(_) => return None,
        }
    }
    Some(Decided::By(elements))
}

fn runs(
    module: &Module<Real>,
    column: Handle<Column>,
    function: &Function,
    budget: &mut Budget,
) -> Result<Runs, NotTabled> {
    let runs = function.runs(&module.columns[column], budget, Span::as_integer)?;
    let values: Vec<i64> = runs.iter().map(|(_, value)| *value).collect();
    // What ONNX Runtime has in place of a number that no integer is.
    if values.contains(&i64::MIN) {
        return Err(NotTabled::NoInteger);
    }
    let (_, before) = runs.split_last().expect("a range is not empty");
    Ok(Runs { column, ends: before.iter().map(|(end, _)| *end).collect(), values })
}

impl Quantizer<'_> {
    /// The elements that a value is in each run.
    pub(super) fn decided(&mut self, value: Value, elements: &[Runs]) -> Value {
        let shape = self.real.shape(value).clone();
        let elem = self.real.ty(value).elem;
        let origin = self.real.node(value).origin;
        let greatest = elements.iter().map(|runs| runs.ends.len()).max().unwrap_or(0);
        let all: usize = elements.iter().map(|runs| runs.ends.len()).sum();
        // Elements with fewer ends are filled up, unless that is most of the work.
        let together = elements.len() * greatest <= 2 * all.max(1);
        let row = if together {
            self.row_of_runs(value, elements, greatest)
        } else {
            let rows = elements
                .iter()
                .map(|runs| self.row_of_runs(value, std::slice::from_ref(runs), runs.ends.len()));
            let inputs = rows.collect();
            let ty = Type::new(elem, &[1, elements.len() as u32]);
            self.int.push(IntOp::Concat { inputs }, ty, origin)
        };
        self.reshape(row, &shape, origin)
    }

    /// A row of elements with at most `ends` ends each.
    fn row_of_runs(&mut self, value: Value, elements: &[Runs], ends: usize) -> Value {
        let elem = self.real.ty(value).elem;
        let origin = self.real.node(value).origin;
        let row = Type::new(elem, &[1, elements.len() as u32]);
        let first = elements.iter().map(|runs| runs.values[0]).collect::<Vec<_>>();
        match (elem, ends) {
            (_, 0) => self.push_constant(value, first, elem, &row.shape),
            (ElementType::Bool, 1 | 2) => {
                let mut inside = self.is_beyond(value, elements, 0..1);
                if ends == 2 {
                    let beyond = self.is_beyond(value, elements, 1..2);
                    let op = IntOp::Binary { function: IntBinary::Xor, a: inside, b: beyond };
                    inside = self.int.push(op, row.clone(), origin);
                }
                if first.iter().all(|&first| first == 0) {
                    inside
                } else if first.iter().all(|&first| first == 1) {
                    self.int.push(IntOp::Not { input: inside }, row, origin)
                } else {
                    let first = self.push_constant(value, first, elem, &row.shape);
                    let op = IntOp::Binary { function: IntBinary::Xor, a: inside, b: first };
                    self.int.push(op, row, origin)
                }
            }
            _ => {
                let index = self.run_of(value, elements, ends);
                self.at_runs(value, elements, ends, index)
            }
        }
    }

    /// For each element and each of these ends in turn, whether the column is
    /// beyond it. An end that an element does not have is the last of the range.
    fn is_beyond(
        &mut self,
        value: Value,
        elements: &[Runs],
        ends: std::ops::Range<usize>,
    ) -> Value {
        let origin = self.real.node(value).origin;
        let each = elements.iter().flat_map(|runs| ends.clone().map(move |end| (runs, end)));
        let columns: Vec<Handle<Column>> = each.clone().map(|(runs, _)| runs.column).collect();
        let ends = each.map(|(runs, end)| {
            let last = self.real.columns[runs.column].range.max;
            runs.ends.get(end).copied().unwrap_or(last)
        });
        let ends: Vec<i64> = ends.collect();
        let shape = Shape(vec![1, columns.len() as u32]);
        let a = self.input(columns, origin);
        let ty = Type { elem: ElementType::Bool, shape: shape.clone() };
        let op = if ends.iter().all(|end| *end == ends[0]) {
            IntOp::Greater { a, threshold: ends[0] }
        } else {
            let b = self.push_constant(value, ends, ElementType::I64, &shape);
            IntOp::Compare { relation: Relation::Greater, a, b }
        };
        self.int.push(op, ty, origin)
    }

    /// The number of the run that the column of each element is in.
    fn run_of(&mut self, value: Value, elements: &[Runs], ends: usize) -> Value {
        let origin = self.real.node(value).origin;
        let beyond = self.is_beyond(value, elements, 0..ends);
        let op = IntOp::Rescale { input: beyond, rounding: Rounding::Nearest };
        let ones = self.push_beside(value, beyond, ElementType::I64, op);
        let count = elements.len() as u32;
        if ends == 1 {
            return ones;
        }
        let input = self.reshape(ones, &Shape(vec![count, ends as u32]), origin);
        let op = IntOp::Reduce { function: IntReduction::Sum, input };
        self.int.push(op, Type::new(ElementType::I64, &[count]), origin)
    }

    /// What each element is in the run of that number, as a row.
    fn at_runs(&mut self, value: Value, elements: &[Runs], ends: usize, index: Value) -> Value {
        let elem = self.real.ty(value).elem;
        let origin = self.real.node(value).origin;
        let count = elements.len() as u32;
        let row = Type::new(elem, &[1, count]);
        let ascends = |runs: &Runs| runs.values.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        if elem == ElementType::I64 && elements.iter().all(ascends) {
            let first: Vec<i64> = elements.iter().map(|runs| runs.values[0]).collect();
            let index = self.reshape(index, &row.shape, origin);
            return self.moved(value, index, first, origin);
        }
        let values = elements.iter().flat_map(|runs| {
            let last = runs.values.last().copied().unwrap_or(0);
            let filled = runs.values.iter().copied().chain(std::iter::repeat(last));
            filled.take(ends + 1)
        });
        let table = Shape(vec![count, ends as u32 + 1]);
        let input = self.push_constant(value, values.collect(), elem, &table);
        let indices = self.reshape(index, &Shape(vec![count, 1]), origin);
        let op = IntOp::TakeAlong { input, indices };
        let taken = self.int.push(op, Type::new(elem, &[count, 1]), origin);
        self.reshape(taken, &row.shape, origin)
    }

    /// A row of integers with a constant added to each.
    fn moved(&mut self, value: Value, row: Value, by: Vec<i64>, origin: OriginId) -> Value {
        if by.iter().all(|&by| by == 0) {
            return row;
        }
        let ty = self.int.ty(row).clone();
        let by = self.push_constant(value, by, ty.elem, &ty.shape);
        self.int.push(IntOp::Binary { function: IntBinary::Add, a: row, b: by }, ty, origin)
    }
}

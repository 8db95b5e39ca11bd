//! A function of one column, as a list of steps, and the integers for which it
//! is what.

use std::rc::Rc;

use super::span::{self, Span};
use crate::interpret::Scalar;
use crate::interpret::element::{self, Element};
use crate::module::{Column, Interval};
use crate::ops::{Binary, Extreme, Relation, Unary};
use crate::types::ElementType;

/// Position of a step.
pub(super) type StepId = u32;

/// One operation on one element. Operands are earlier steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// The column, as an element of this type.
    Column(ElementType),
    /// A float, by its bits.
    Number(u64),
    Integer(i64),
    Cast(StepId, ElementType),
    Unary(Unary, StepId, ElementType),
    Binary(Binary, StepId, StepId, ElementType),
    /// A float, and the product of two that is added to it; rounded once.
    Fused([StepId; 3], ElementType),
    Compare(Relation, StepId, StepId),
    /// Condition, then, else.
    Select(StepId, StepId, StepId),
    /// The element of a row at a position.
    Take(Rc<[StepId]>, StepId),
    /// The position of the element at an end of a row.
    Extreme(Extreme, Rc<[StepId]>),
    /// By one of the tables.
    Lookup(StepId, u32),
}

impl Step {
    pub(super) fn operands(&self, mut visit: impl FnMut(StepId)) {
        match self {
            Self::Column(_) | Self::Number(_) | Self::Integer(_) => {}
            Self::Cast(x, _) | Self::Unary(_, x, _) | Self::Lookup(x, _) => visit(*x),
            Self::Binary(_, a, b, _) | Self::Compare(_, a, b) => {
                visit(*a);
                visit(*b);
            }
            Self::Fused(operands, _) => operands.iter().copied().for_each(visit),
            Self::Select(condition, a, b) => {
                visit(*condition);
                visit(*a);
                visit(*b);
            }
            Self::Take(row, at) => {
                row.iter().copied().for_each(&mut visit);
                visit(*at);
            }
            Self::Extreme(_, row) => row.iter().copied().for_each(visit),
        }
    }

    pub(super) fn map_operands(&self, map: impl Fn(StepId) -> StepId) -> Self {
        let row = |row: &Rc<[StepId]>| row.iter().map(|&x| map(x)).collect();
        match self {
            Self::Column(_) | Self::Number(_) | Self::Integer(_) => self.clone(),
            Self::Cast(x, elem) => Self::Cast(map(*x), *elem),
            Self::Unary(function, x, elem) => Self::Unary(*function, map(*x), *elem),
            Self::Lookup(x, table) => Self::Lookup(map(*x), *table),
            Self::Binary(function, a, b, elem) => Self::Binary(*function, map(*a), map(*b), *elem),
            Self::Fused(operands, elem) => Self::Fused(operands.map(map), *elem),
            Self::Compare(relation, a, b) => Self::Compare(*relation, map(*a), map(*b)),
            Self::Select(condition, a, b) => Self::Select(map(*condition), map(*a), map(*b)),
            Self::Take(elements, at) => Self::Take(row(elements), map(*at)),
            Self::Extreme(end, elements) => Self::Extreme(*end, row(elements)),
        }
    }
}

/// Keys and values of a look-up.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) keys: Vec<Element>,
    pub(super) values: Vec<Element>,
}

/// A function of one column, or of none; whoever has it knows which.
#[derive(Clone, Debug)]
pub struct Function {
    pub(super) steps: Rc<[Step]>,
    pub(super) tables: Rc<[Rc<Table>]>,
}

/// Why a function has no runs that are worth having.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTabled {
    /// Its values change more often than so many times.
    Runs,
    /// The search for its runs takes too long.
    Search,
    /// It has too many operations.
    Size,
    /// It makes an integer of what is none: NaN, or a number beyond 64 bits.
    NoInteger,
}

/// A function is what it says on at most so many runs of integers.
pub const RUNS_MAX: usize = 257;

/// So many pieces of a range are looked at for one set: all integers of 16 bits
/// one by one, and each half on the way.
const PIECES_MAX: u64 = 1 << 18;

/// So many pieces are always allowed: a search for a few ends.
const PIECES_FREE: u64 = 1 << 10;

/// Pieces that all searches of a module may take beyond those that are free.
#[derive(Debug)]
pub struct Budget {
    left: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: 1 << 24 }
    }
}

impl Function {
    /// A column that is converted, one conversion after the other.
    #[cfg(test)]
    pub fn of_conversions(conversions: &[ElementType]) -> Self {
        let step = |(i, elem): (usize, &ElementType)| match i.checked_sub(1) {
            None => Step::Column(*elem),
            Some(before) => Step::Cast(before as StepId, *elem),
        };
        let steps = conversions.iter().enumerate().map(step).collect();
        Self { steps, tables: Rc::new([]) }
    }

    /// The element where `column` is `x`, as [`crate::interpret::float`] has it.
    /// `scratch` is room for the steps.
    pub fn at(&self, column: &Column, x: i64, scratch: &mut Vec<Element>) -> Element {
        scratch.clear();
        for step in self.steps.iter() {
            let of = |id: &StepId| &scratch[*id as usize];
            let row = |ids: &[StepId]| ids.iter().map(|id| of(id).clone()).collect::<Vec<_>>();
            let element = match step {
                Step::Column(elem) => element::input(column, x, *elem),
                Step::Number(bits) => Scalar::Number(f64::from_bits(*bits)),
                Step::Integer(x) => Scalar::Integer(*x),
                Step::Cast(x, elem) => element::cast(of(x), *elem),
                Step::Unary(function, x, elem) => element::unary(*function, of(x), *elem),
                Step::Binary(function, a, b, elem) => {
                    element::binary(*function, of(a), of(b), *elem)
                }
                Step::Fused([sum, a, b], elem) => element::fused(of(sum), of(a), of(b), *elem),
                Step::Compare(relation, a, b) => {
                    Scalar::Integer(element::compare(*relation, of(a), of(b)).into())
                }
                Step::Select(condition, a, b) => {
                    let holds = *of(condition) != Scalar::Integer(0);
                    of(if holds { a } else { b }).clone()
                }
                Step::Take(elements, at) => element::at(&row(elements), of(at)),
                Step::Extreme(end, elements) => element::extreme(&row(elements), *end),
                Step::Lookup(x, table) => {
                    let table = &self.tables[*table as usize];
                    element::lookup(of(x), &table.keys, &table.values)
                }
            };
            scratch.push(element);
        }
        scratch.pop().expect("a function has a step")
    }

    /// What the element can be where the column lies within `piece`, which does
    /// not hold a missing value beside others.
    pub(super) fn over(&self, piece: Interval, scratch: &mut Vec<Span>) -> Span {
        scratch.clear();
        for step in self.steps.iter() {
            let of = |id: &StepId| scratch[*id as usize];
            let row = |ids: &[StepId]| ids.iter().map(of).collect::<Vec<_>>();
            let span = match step {
                Step::Column(elem) => span::cast(Span::Integer(piece), *elem),
                Step::Number(bits) => Span::of(&Scalar::Number(f64::from_bits(*bits))),
                Step::Integer(x) => Span::of(&Scalar::Integer(*x)),
                Step::Cast(x, elem) => span::cast(of(x), *elem),
                Step::Unary(function, x, elem) => span::unary(*function, of(x), *elem),
                Step::Binary(function, a, b, elem) => {
                    span::binary(*function, of(a), of(b), *elem, a == b)
                }
                Step::Fused([sum, a, b], elem) => span::fused(of(sum), of(a), of(b), *elem),
                Step::Compare(relation, a, b) => span::compare(*relation, of(a), of(b), a == b),
                Step::Select(condition, a, b) => span::select(of(condition), of(a), of(b)),
                Step::Take(elements, at) => span::take(&row(elements), of(at).integers()),
                Step::Extreme(end, elements) => span::extreme(&row(elements), *end),
                Step::Lookup(x, table) => {
                    let table = &self.tables[*table as usize];
                    span::lookup(of(x), &table.keys, &table.values)
                }
            };
            scratch.push(span);
        }
        scratch.pop().expect("a function has a step")
    }

    /// The runs of integers of the column, in order, for which `of` says the
    /// same, each by its last element. `of` says nothing where a span leaves it
    /// open; of a span that is one element it must not.
    ///
    /// The range is halved until every piece is decided. Where the function is
    /// monotone, that is a binary search for each end; where it is not, it ends
    /// at single integers at the latest.
    pub fn runs<T: PartialEq>(
        &self,
        column: &Column,
        budget: &mut Budget,
        of: impl Fn(Span) -> Option<T>,
    ) -> Result<Vec<(i64, T)>, NotTabled> {
        let (mut elements, mut spans) = (Vec::new(), Vec::new());
        let mut runs: Vec<(i64, T)> = Vec::new();
        let mut pieces = pieces(column);
        let mut taken = 0;
        while let Some(piece) = pieces.pop() {
            taken += 1;
            let decided = if piece.min == piece.max {
                let element = self.at(column, piece.min, &mut elements);
                Some(of(Span::of(&element)).expect("an element is decided"))
            } else {
                of(self.over(piece, &mut spans))
            };
            let Some(decided) = decided else {
                budget.take(taken)?;
                let middle = piece.min + (piece.max - piece.min) / 2;
                pieces.push(Interval { min: middle + 1, max: piece.max });
                pieces.push(Interval { min: piece.min, max: middle });
                continue;
            };
            let is_full = runs.len() == RUNS_MAX;
            match runs.last_mut() {
                Some((end, known)) if *known == decided => *end = piece.max,
                _ if is_full => return Err(NotTabled::Runs),
                _ => runs.push((piece.max, decided)),
            }
        }
        Ok(runs)
    }
}

/// The range of a column, its missing value apart, the last piece first.
fn pieces(column: &Column) -> Vec<Interval> {
    let Interval { min, max } = column.range;
    let Some(missing) = column.missing.filter(|&missing| column.range.contains(missing)) else {
        return vec![column.range];
    };
    let mut pieces = Vec::new();
    if missing < max {
        pieces.push(Interval { min: missing + 1, max });
    }
    pieces.push(Interval { min: missing, max: missing });
    if min < missing {
        pieces.push(Interval { min, max: missing - 1 });
    }
    pieces
}

impl Budget {
    /// One piece more, after so many of one search.
    fn take(&mut self, pieces: u64) -> Result<(), NotTabled> {
        if pieces <= PIECES_FREE {
            return Ok(());
        }
        self.left = self.left.checked_sub(1).ok_or(NotTabled::Search)?;
        if pieces > PIECES_MAX { Err(NotTabled::Search) } else { Ok(()) }
    }
}

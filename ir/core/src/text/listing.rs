//! Definitions of several lines: the first one, a numbered line for each part,
//! `end`.

use std::ops::Range;

use skxc_diagnostics::codes;

use super::TextError;
use super::lexer::{Cursor, Parsed};
use super::scope::Scope;
use super::spans::Spans;
use crate::function::Function;
use crate::matrix::Matrix;
use crate::module::{Domain, Module};

/// What a module keeps and its text lists part by part.
pub(super) trait Listed: Sized {
    /// What stands on a line of its own.
    type Part;

    /// What messages call it.
    const NAME: &'static str;
    /// What messages call a part.
    const PART: &'static str;
    /// What stands before the number of a part.
    const PREFIX: &'static str;
    /// Parts that it can have.
    const PARTS_MAX: usize;

    /// Reads the first line from behind the name.
    fn first_line(scope: &Scope, cursor: &mut Cursor<'_>) -> Parsed<Self>;

    /// Reads a line of a part from behind the `=`.
    fn part(cursor: &mut Cursor<'_>) -> Parsed<Self::Part>;

    /// Adds the next part.
    fn push(&mut self, part: Self::Part);

    /// The one that is being read.
    fn current(listings: &mut Listings) -> &mut Option<Listing<Self>>;

    /// Places of the first lines.
    fn spans(spans: &mut Spans) -> &mut Vec<Range<usize>>;

    /// Adds it to the module.
    fn add_to<D: Domain>(self, module: &mut Module<D>);
}

/// Definitions whose lines are being read; at most one is there.
#[derive(Debug, Default)]
pub(super) struct Listings {
    pub(super) function: Option<Listing<Function>>,
    pub(super) matrix: Option<Listing<Matrix>>,
}

/// A definition whose lines are being read.
#[derive(Debug)]
pub(super) struct Listing<T> {
    /// What was read so far; `None` if the first line has an error.
    whole: Option<T>,
    /// Parts so far, those with errors included.
    seen: u32,
    /// The first line.
    pub(super) span: Range<usize>,
}

impl<T: Listed> Listing<T> {
    /// Reads the first line from behind the name. The lines of parts follow
    /// whether or not it has an error.
    pub(super) fn begin(
        scope: &Scope,
        cursor: &mut Cursor<'_>,
        span: Range<usize>,
    ) -> (Self, Parsed<()>) {
        let (whole, result) = match T::first_line(scope, cursor) {
            Ok(whole) => (Some(whole), Ok(())),
            Err(error) => (None, Err(error)),
        };
        (Self { whole, seen: 0, span }, result)
    }

    /// Reads the line of a part.
    pub(super) fn line(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.position();
        let id = cursor.handle(T::PREFIX)?;
        if id != self.seen || self.seen as usize == T::PARTS_MAX {
            let message = format!("expected the {} `{}{}`", T::PART, T::PREFIX, self.seen);
            return Err(cursor.error(codes::TEXT_NAME, start, message));
        }
        self.seen += 1;
        cursor.expect("=")?;
        let part = T::part(cursor)?;
        if let Some(whole) = &mut self.whole {
            whole.push(part);
        }
        Ok(())
    }

    /// It, if its first line is right.
    pub(super) fn end(self) -> Option<T> {
        self.whole
    }

    /// The problem of one without an `end`.
    pub(super) fn unfinished(&self) -> TextError {
        let (code, label) = (codes::TEXT_SYNTAX, String::new());
        let message = format!("the {} has no `end`", T::NAME);
        TextError { code, message, span: self.span.clone(), label }
    }
}

//! The text form `.skir` of a module: [`print()`] and [`parse`].
//!
//! The grammar stands in `docs/ir.md`, "Text form".
//!
//! What must hold:
//! - `parse(print(m)) == m` for every valid module of either domain, where
//!   `==` is that of `Module`;
//! - `parse` takes any text: it never panics, never recurses, and its memory is
//!   proportional to the text and within [`crate::limits`];
//! - both are linear: a million tree nodes take seconds;
//! - `parse` judges grammar and names, [`crate::validate`] the rest; [`read`]
//!   does both and points at the line in either case.

mod function;
mod int;
mod lexer;
mod listing;
mod matrix;
mod parser;
mod printer;
mod real;
mod scope;
mod spans;

use std::ops::Range;

use skxc_diagnostics::{Code, Diagnostic, SourceId, Sources, codes};

use crate::module::{Domain, Int, Module, Real};
use crate::validate::{Problem, Rules, Validated, Validator};

pub use printer::print;

/// `parse` reports so many problems and then stops reading.
pub const ERRORS_MAX: usize = 100;

/// A problem in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// Which of the known problems it is.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// Where, as a byte range of the text.
    pub span: Range<usize>,
    /// What is said at that place; may be empty.
    pub label: String,
}

impl TextError {
    /// The same for a text that is a source of a diagnostic.
    #[must_use]
    pub fn diagnostic(&self, source: SourceId) -> Diagnostic {
        Diagnostic::error(self.code, &self.message).at(source, self.span.clone(), &self.label)
    }
}

/// Reads a module. It follows the grammar and all its names exist, but it need
/// not be valid.
///
/// # Errors
/// What is wrong, at most [`ERRORS_MAX`] problems, in the order of the text.
pub fn parse<D: Notation>(text: &str) -> Result<Module<D>, Vec<TextError>> {
    parser::parse(text).map(|(module, _)| module)
}

/// Reads a source and validates the module.
///
/// # Errors
/// What is wrong, each with its place in the source.
pub fn read<D: Notation + Rules>(
    sources: &Sources,
    source: SourceId,
) -> Result<Validated<D>, Vec<Diagnostic>> {
    let (module, spans) = parser::parse::<D>(sources.text(source)).map_err(|errors| {
        errors.iter().map(|error| error.diagnostic(source)).collect::<Vec<_>>()
    })?;
    Validator::validate(module).map_err(|errors| {
        let diagnostics = errors.iter().map(|error| {
            Diagnostic::error(code_of(&error.problem), error.problem.to_string()).at(
                source,
                spans.of(error.location),
                "",
            )
        });
        diagnostics.collect()
    })
}

/// The domain that a text names in its first line, if it names one.
#[must_use]
pub fn domain(text: &str) -> Option<&'static str> {
    let first =
        text.lines().map(str::trim).find(|line| !(line.is_empty() || line.starts_with(';')));
    let word = first?.split_ascii_whitespace().next()?;
    [Real::NAME, Int::NAME].into_iter().find(|&name| name == word)
}

/// The parts of the text form that differ between the domains. Sealed: there
/// are two.
pub trait Notation: notation::Notation {}
impl Notation for Real {}
impl Notation for Int {}

mod notation {
    use super::lexer::{Cursor, Parsed};
    use super::printer::Names;
    use super::scope::Scope;
    use crate::module::Domain;

    /// How a domain writes and reads its numbers, tests and operations.
    pub trait Notation: Domain {
        const ZERO: Self::Number;

        fn write_number(out: &mut String, number: Self::Number);
        /// The comparison without its feature: `<= 12.5 or missing`.
        fn write_test(out: &mut String, test: Self::Test);
        fn write_op(out: &mut String, names: &Names, op: &Self::Op);

        fn number(cursor: &mut Cursor<'_>) -> Parsed<Self::Number>;
        /// The comparison behind the feature.
        fn test(cursor: &mut Cursor<'_>, feature: u32) -> Parsed<Self::Test>;
        /// The operation whose name is `word`, from behind it; `None` if there is none.
        fn op(scope: &Scope, cursor: &mut Cursor<'_>, word: &str) -> Parsed<Option<Self::Op>>;
    }
}

fn code_of(problem: &Problem) -> Code {
    match problem {
        Problem::TypeNotOfDomain { .. }
        | Problem::TypeMismatch { .. }
        | Problem::BadOperand { .. }
        | Problem::BadShapes { .. }
        | Problem::BadOutput { .. }
        | Problem::BadShift { .. }
        | Problem::NotRepresentable { .. } => codes::TEXT_TYPE,
        Problem::TooMany { .. } => codes::TEXT_LIMIT,
        Problem::OutOfBounds { .. } | Problem::DuplicateName { .. } => codes::TEXT_NAME,
        Problem::NotAnIdentifier { .. }
        | Problem::NotLowerCase { .. }
        | Problem::Empty { .. }
        | Problem::WrongCount { .. }
        | Problem::EmptyInterval { .. }
        | Problem::OutOfRange { .. }
        | Problem::NotOlder { .. }
        | Problem::ChildNotAfterParent { .. }
        | Problem::LeafRun { .. }
        | Problem::RepeatedTarget { .. }
        | Problem::BadThreshold { .. }
        | Problem::Overflow { .. }
        | Problem::PartialOverflow { .. }
        | Problem::BadMargin { .. }
        | Problem::WideStep { .. }
        | Problem::ZeroDivisor { .. }
        | Problem::BadFunction { .. }
        | Problem::BadMatrix { .. }
        | Problem::RoundingInReal { .. }
        | Problem::FoldingError { .. }
        | Problem::ClassOutOfTable { .. } => codes::TEXT_RULE,
    }
}

#[cfg(test)]
mod tests;

//! The validator: proves of a module what [`crate::module`] promises.
//!
//! Back ends and lowerings take [`Validated`] modules, which only
//! [`Validator`] makes, so that none of them checks anything again.
//!
//! What must hold of the validator itself:
//! - it trusts nothing that the module says of itself: types and ranges are
//!   recomputed;
//! - it never panics and never recurses, whatever the module;
//! - its work is linear in the size of the module;
//! - it collects errors, and each names its place.
//!
//! Concerns are judged in order, since each rests on those before:
//! `structure`, `forest` and `function` (handles, names, counts, tables), then `types`, then
//! `ranges`. The errors of one of these three steps are reported together.

mod error;
mod forest;
mod function;
mod invalid;
mod matrix;
mod ranges;
mod steps;
mod structure;
mod types;

use std::ops::Deref;
use std::sync::OnceLock;

use crate::analysis::rounding::Rounding;
use crate::module::{Int, Module, Real};
use crate::types::Type;

pub(crate) use structure::is_identifier;

pub use error::{ERRORS_MAX, Location, Problem, ValidationError};
pub use invalid::InvalidModule;

/// A module that holds what [`crate::module`] promises, with what was proved of its
/// values. It cannot be changed; [`Validated::into_inner`] gives the module back, and
/// with it the proof up.
#[derive(Clone, Debug)]
pub struct Validated<D: Rules> {
    module: Module<D>,
    ranges: D::Ranges,
    /// Of an integer module, once somebody asks.
    rounding: OnceLock<Rounding>,
}

impl<D: Rules> Validated<D> {
    fn new(module: Module<D>, ranges: D::Ranges) -> Self {
        Self { module, ranges, rounding: OnceLock::new() }
    }

    /// The module, no longer known to be valid once it is changed.
    #[must_use]
    pub fn into_inner(self) -> Module<D> {
        self.module
    }

    /// Ranges of each element of each value.
    #[must_use]
    pub fn ranges(&self) -> &D::Ranges {
        &self.ranges
    }
}

impl Validated<Int> {
    /// Bounds on what rounding changes in each element of each value.
    pub fn rounding(&self) -> &Rounding {
        self.rounding.get_or_init(|| Rounding::of(&self.module, &self.ranges))
    }
}

impl<D: Rules> Deref for Validated<D> {
    type Target = Module<D>;

    fn deref(&self) -> &Module<D> {
        &self.module
    }
}

/// The only maker of [`Validated`].
#[derive(Clone, Copy, Debug)]
pub struct Validator;

impl Validator {
    /// Proves that `module` is valid.
    ///
    /// # Errors
    /// What is wrong, at most [`ERRORS_MAX`] problems, in the order of the text form.
    pub fn validate<D: Rules>(module: Module<D>) -> Result<Validated<D>, Vec<ValidationError>> {
        let ranges = Self::prove(&module)?;
        Ok(Validated::new(module, ranges))
    }

    /// What is wrong with `module`: empty if it is valid.
    #[must_use]
    pub fn check<D: Rules>(module: &Module<D>) -> Vec<ValidationError> {
        Self::prove(module).err().unwrap_or_default()
    }

    fn prove<D: Rules>(module: &Module<D>) -> Result<D::Ranges, Vec<ValidationError>> {
        let mut errors = error::Errors::default();
        structure::check(module, &mut errors);
        forest::check(module, &mut errors);
        function::check(module, &mut errors);
        matrix::check(module, &mut errors);
        if errors.is_empty() {
            types::check(module, &mut errors);
        }
        let ranges = if errors.is_empty() { D::check_ranges(module, &mut errors) } else { None };
        let errors = errors.into_list();
        ranges.filter(|_| errors.is_empty()).ok_or(errors)
    }

    /// The type that `op` makes of its operands, whose types are right. Where
    /// it leaves a choice, such as the shape of a reshape, it is `declared`.
    ///
    /// # Errors
    /// Why it makes none.
    pub fn type_of<D: Rules>(
        module: &Module<D>,
        op: &D::Op,
        declared: &Type,
    ) -> Result<Type, Problem> {
        D::result_type(module, op, declared)
    }
}

/// The rules that differ between the domains. Sealed: there are two.
pub trait Rules: rules::Rules {}
impl Rules for Real {}
impl Rules for Int {}

mod rules {
    use std::fmt::Debug;

    use super::error::{Errors, Problem};
    use crate::module::{Domain, Module};
    use crate::types::{ElementType, Type};

    /// What the checks ask of a domain.
    pub trait Rules: Domain {
        /// Ranges of each element of each value.
        type Ranges: Clone + Debug;

        /// Analyses a valid module.
        fn ranges(module: &Module<Self>) -> Self::Ranges;

        /// Classes of a label table, and sums of a forest, at most.
        const CLASSES_MAX: usize;

        /// May values of this domain be stored so?
        fn allows(elem: ElementType) -> bool;

        /// May weights and sums of a forest be stored so?
        fn allows_sums(elem: ElementType) -> bool;

        /// Can `elem` hold `number`?
        fn represents(elem: ElementType, number: Self::Number) -> bool;

        /// Index of the feature that a test reads.
        fn feature(test: Self::Test) -> u32;

        /// The threshold as a message shows it.
        fn threshold(test: Self::Test) -> String;

        /// Is the threshold one that can be compared with?
        fn allows_test(test: Self::Test) -> bool;

        /// The type that `op` makes of its operands. Where the operation leaves
        /// a choice (the shape of a reshape), it is that of `declared`.
        fn result_type(
            module: &Module<Self>,
            op: &Self::Op,
            declared: &Type,
        ) -> Result<Type, Problem>;

        /// Rules on what values can be, given that all types are right: the ranges, if
        /// nothing keeps them from being computed.
        fn check_ranges(module: &Module<Self>, errors: &mut Errors) -> Option<Self::Ranges>;
    }
}

#[cfg(test)]
mod tests;

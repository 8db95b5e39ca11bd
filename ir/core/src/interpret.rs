//! The reference interpreter: the meaning of the IR, written to be obviously
//! right. Speed comes second.
//!
//! Three modes:
//! - [`float`] computes a [`Module<Real>`] as ONNX does: each operation rounds
//!   to nearest even in its element type, sums in documented order (the trees
//!   in order, then the base value). ONNX Runtime adds the trees of a large
//!   ensemble in several threads and so may round the sum of one in another
//!   order; labels are judged against the order written here.
//! - [`real`] computes the same module over the real numbers, in intervals of
//!   128 bits that are rounded outwards. Roundings that the model asks for on
//!   its inputs (`f32(x)`) belong to its meaning and stay; roundings of what is
//!   computed do not. A comparison that an interval cannot decide makes what
//!   depends on it [`Undecided`], never a guess.
//! - [`integer`] computes a [`Module<Int>`] as the generated C does. Its
//!   arithmetic is checked: a panic is a hole in the proof of the validator.
//!
//! What must hold:
//! - modules are valid ([`crate::validate`]); on others the interpreter may panic;
//! - a row has one value a column, in the order of [`Module::columns`], within
//!   the column's range. `None` is the missing value. Where the column declares
//!   a `missing` value, that value and `None` are the same in all modes; a
//!   column without one has no `None` in [`integer`].
//!   In the real domain the missing value is NaN as a float, and the declared
//!   value as an `i64`, which has no NaN.

mod enclosure;
pub mod functions;
mod int;
mod near;
mod number;
mod real;

use crate::arena::Handle;
use crate::forest::{Forest, IntTest, NodeId, RealTest, TreeNode};
use crate::module::{Domain, Int, Module, OutputKind, Real, Value};

pub use enclosure::Enclosure;
pub use near::Near;
pub use number::Number;
pub use real::Scalar;
pub(crate) use real::element;
pub use real::partial::{Partial, sums_at_leaf};

/// The result of an output.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<N> {
    /// Of kind label: the index in the label table.
    Label(usize),
    /// Of kind score or value: the elements, row-major.
    Numbers(Vec<N>),
}

/// The interval of a number holds numbers that decide a comparison differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("128 bits do not decide the comparison in %{}", at.index())]
pub struct Undecided {
    /// The value whose operation compares.
    pub at: Value,
}

/// Outcomes and the way to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace<D: Domain, N> {
    /// One an output, in the order of [`Module::outputs`].
    pub outcomes: Vec<N>,
    /// For each tree ensemble, in the order of the nodes: its forest, and the
    /// leaf that each tree reached.
    pub leaves: Vec<(Handle<Forest<D>>, Vec<NodeId>)>,
}

/// Computes the outputs of `module` with the roundings of its element types.
///
/// # Panics
/// If the row does not fit the module.
#[must_use]
pub fn float(module: &Module<Real>, row: &[Option<i64>]) -> Vec<Outcome<f64>> {
    float_trace(module, row).outcomes
}

/// As [`float`], with the leaves.
///
/// # Panics
/// If the row does not fit the module.
#[must_use]
pub fn float_trace(module: &Module<Real>, row: &[Option<i64>]) -> Trace<Real, Outcome<f64>> {
    check_row(module, row);
    let trace = real::run::<f64>(module, row);
    let outcomes = trace.outcomes.into_iter();
    let outcomes =
        outcomes.map(|outcome| outcome.expect("floats decide every comparison")).collect();
    Trace { outcomes, leaves: trace.leaves }
}

/// Encloses the outputs of `module` over the real numbers.
///
/// # Panics
/// If the row does not fit the module.
#[must_use]
pub fn real(
    module: &Module<Real>,
    row: &[Option<i64>],
) -> Vec<Result<Outcome<Enclosure>, Undecided>> {
    check_row(module, row);
    real::run::<Enclosure>(module, row).outcomes
}

/// As [`real`], quickly and with fewer bits: what it leaves open or does not know,
/// [`real`] may know.
///
/// # Panics
/// If the row does not fit the module.
#[must_use]
pub fn near(module: &Module<Real>, row: &[Option<i64>]) -> Vec<Result<Outcome<Near>, Undecided>> {
    check_row(module, row);
    real::run::<Near>(module, row).outcomes
}

/// Computes the outputs of `module` as the generated C does. Numbers are as
/// stored: a fixed-point number is the integer that stands for it.
///
/// # Panics
/// If the row does not fit the module, or a value does not fit its storage.
#[must_use]
pub fn integer(module: &Module<Int>, row: &[Option<i64>]) -> Vec<Outcome<i64>> {
    integer_trace(module, row).outcomes
}

/// As [`integer`], with the leaves.
///
/// # Panics
/// If the row does not fit the module, or a value does not fit its storage.
#[must_use]
pub fn integer_trace(module: &Module<Int>, row: &[Option<i64>]) -> Trace<Int, Outcome<i64>> {
    check_row(module, row);
    int::run(module, row)
}

/// Every value that [`integer`] computes, by index: the elements, as stored.
///
/// # Panics
/// If the row does not fit the module, or a value does not fit its storage.
#[must_use]
pub fn integer_values(module: &Module<Int>, row: &[Option<i64>]) -> Vec<Vec<i64>> {
    check_row(module, row);
    int::values(module, row)
}

/// The leaf that each tree of `forest` reaches, in the order of its roots.
///
/// # Panics
/// If there are fewer `features` than [`Forest::features`].
#[must_use]
pub fn walk<D: Walk>(forest: &Forest<D>, features: &[D::Number]) -> Vec<NodeId> {
    let leaf = |&root| {
        leaf_of(forest, root, |test| Ok::<_, Undecided>(D::holds(test, features)))
            .expect("a test of numbers is decided")
    };
    forest.roots.iter().map(leaf).collect()
}

/// A domain whose tests can be asked of a row of its numbers.
pub trait Walk: Domain {
    /// Does `test` hold of `features`? NaN is the missing value.
    fn holds(test: Self::Test, features: &[Self::Number]) -> bool;
}

impl Walk for Real {
    fn holds(test: RealTest, features: &[f64]) -> bool {
        let x = features[test.feature as usize];
        test.mode.holds(x, test.threshold) || (test.missing_is_yes && x.is_nan())
    }
}

impl Walk for Int {
    fn holds(test: IntTest, features: &[i64]) -> bool {
        features[test.feature as usize] <= test.at_most
    }
}

/// The leaf below `root` that the answers of `holds` lead to.
fn leaf_of<D: Domain, E>(
    forest: &Forest<D>,
    root: NodeId,
    mut holds: impl FnMut(D::Test) -> Result<bool, E>,
) -> Result<NodeId, E> {
    let mut id = root;
    while let TreeNode::Branch { test, yes, no, .. } = forest.nodes[id as usize] {
        id = if holds(test)? { yes } else { no };
    }
    Ok(id)
}

/// The first and the number of the weights of a leaf.
fn weights_of<D: Domain>(forest: &Forest<D>, leaf: NodeId) -> (u32, u32) {
    match forest.nodes[leaf as usize] {
        TreeNode::Leaf { first, count, .. } => (first, count),
        TreeNode::Branch { .. } => unreachable!("a walk ends at a leaf"),
    }
}

fn check_row<D: Domain>(module: &Module<D>, row: &[Option<i64>]) {
    assert_eq!(row.len(), module.columns.len(), "a row has one value a column");
    for ((_, column), x) in module.columns.iter().zip(row) {
        let fits = x.is_none_or(|x| column.range.contains(x));
        assert!(fits, "{x:?} of column `{}` lies within {:?}", column.name, column.range);
    }
}

/// Outputs of kind label are indices, the others numbers.
fn is_label(kind: OutputKind) -> bool {
    match kind {
        OutputKind::Label => true,
        OutputKind::Score(_) | OutputKind::Value => false,
    }
}

#[cfg(test)]
mod tensor_tests;
#[cfg(test)]
mod tests;

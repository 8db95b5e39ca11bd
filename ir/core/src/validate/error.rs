//! What the validator says.

use std::fmt;

use thiserror::Error;

use crate::module::Value;
use crate::types::Type;

/// The validator reports so many problems and then stops looking.
pub const ERRORS_MAX: usize = 100;

/// A rule that the module breaks, and where.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{location}: {problem}")]
pub struct ValidationError {
    /// Place of the problem.
    pub location: Location,
    /// The rule that is broken.
    pub problem: Problem,
}

/// A place in a module, by position in its arena or list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The module as a whole.
    Module,
    /// Index of a column.
    Column(usize),
    /// A label table.
    Labels(usize),
    /// Index of a constant.
    Constant(usize),
    /// A forest as a whole.
    Forest(usize),
    /// Index of a function.
    Function(usize),
    /// A linear map.
    Matrix(usize),
    /// A node of a forest: the forest, then the node.
    TreeNode(usize, usize),
    /// The node that makes a value.
    Value(Value),
    /// Index of an output.
    Output(usize),
}

/// As in the text form.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module => f.write_str("module"),
            Self::Column(index) => write!(f, "@c{index}"),
            Self::Labels(index) => write!(f, "@l{index}"),
            Self::Constant(index) => write!(f, "@w{index}"),
            Self::Forest(index) => write!(f, "@t{index}"),
            Self::Function(index) => write!(f, "@f{index}"),
            Self::Matrix(index) => write!(f, "@m{index}"),
            Self::TreeNode(forest, node) => write!(f, "@t{forest} n{node}"),
            Self::Value(value) => write!(f, "%{}", value.index()),
            Self::Output(index) => write!(f, "output {index}"),
        }
    }
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Error)]
#[allow(missing_docs, reason = "the message says it, and the fields are what it names")]
pub enum Problem {
    #[error("`{name}` is not a C identifier")]
    NotAnIdentifier { name: String },
    #[error("`{name}` is not in lower case")]
    NotLowerCase { name: String },
    #[error("the name `{name}` is taken")]
    DuplicateName { name: String },
    #[error("{found} {what}, at most {max} are allowed")]
    TooMany { what: &'static str, found: usize, max: usize },
    #[error("{what} are missing")]
    Empty { what: &'static str },
    #[error("there are {found} {what}, and there must be {expected}")]
    WrongCount { what: &'static str, found: usize, expected: usize },
    #[error("{what} {index} does not exist, there are {count}")]
    OutOfBounds { what: &'static str, index: usize, count: usize },
    #[error("the interval [{min}, {max}] is empty")]
    EmptyInterval { min: i64, max: i64 },
    #[error("{value} lies outside [{min}, {max}]")]
    OutOfRange { value: i128, min: i128, max: i128 },
    #[error("the operand %{operand} is not older than its user")]
    NotOlder { operand: usize },
    #[error("the child n{child} does not follow its parent")]
    ChildNotAfterParent { child: u32 },
    #[error("the weights {first}.. of {count} end behind the {len} weights of the forest")]
    LeafRun { first: u32, count: u32, len: usize },
    #[error("the leaf has two weights for target {target}")]
    RepeatedTarget { target: u32 },
    #[error("{number} is not a number that `{elem}` can hold")]
    NotRepresentable { number: String, elem: String },
    #[error("a comparison with {threshold} is not allowed")]
    BadThreshold { threshold: String },
    #[error("`{ty}` is not a type of this domain")]
    TypeNotOfDomain { ty: String },
    #[error("the type is `{found}`, the operation makes `{expected}`")]
    TypeMismatch { found: Type, expected: Type },
    #[error("an operand is `{found}`, the operation takes {expected}")]
    BadOperand { found: Type, expected: &'static str },
    #[error("the shapes `{a}` and `{b}` do not go together")]
    BadShapes { a: Type, b: Type },
    #[error("an output of this kind cannot be `{found}`, it must be {expected}")]
    BadOutput { found: Type, expected: &'static str },
    #[error("element {element} can be {value}, which does not fit `{elem}`")]
    Overflow { element: usize, value: i128, elem: String },
    #[error("the sum {target} can be {value} on the way, which does not fit 62 bits")]
    PartialOverflow { target: usize, value: i128 },
    #[error("a shift by {shift} makes {expected} bits behind the point, the type is `{found}`")]
    BadShift { shift: u8, expected: i16, found: String },
    #[error("element {element} can be {value} on the way, which does not fit 62 bits")]
    WideStep { element: usize, value: i128 },
    #[error("element {element} can be divided by 0")]
    ZeroDivisor { element: usize },
    #[error("the table of the function is not one: {what}")]
    BadFunction { what: &'static str },
    #[error("the linear map is not one: {what}")]
    BadMatrix { what: &'static str },
    #[error("the margin {margin} is negative or above 2^62")]
    BadMargin { margin: i64 },
    #[error(
        "the rounding bound of target {target} is {half_units}, which only the integer domain has"
    )]
    RoundingInReal { target: usize, half_units: u64 },
    #[error(
        "the folding error of target {target} is {error:e}; it is finite and not below 0, and 0 \
         in the integer domain"
    )]
    FoldingError { target: usize, error: f64 },
    #[error("a class can be {class}, and the label table has {classes}")]
    ClassOutOfTable { class: i128, classes: usize },
}

/// Errors on the way.
#[derive(Debug, Default)]
pub struct Errors {
    list: Vec<ValidationError>,
}

impl Errors {
    /// Adds an error, unless there are [`ERRORS_MAX`].
    pub(super) fn add(&mut self, location: Location, problem: Problem) {
        if !self.is_full() {
            self.list.push(ValidationError { location, problem });
        }
    }

    /// Is there no use in looking further?
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= ERRORS_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn into_list(self) -> Vec<ValidationError> {
        self.list
    }
}

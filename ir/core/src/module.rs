//! Modules: a model as a list of tensor operations in one of two domains.
//!
//! What must hold in a valid module ([`crate::validate`] checks it):
//! - values are in order: an operand is older than its user;
//! - every handle belongs to this module;
//! - the type of a value is what its operation makes of its operands;
//! - forests are acyclic, their children follow their parents;
//! - in the integer domain no value can leave its storage, whatever the inputs.

mod sweep;

use std::fmt::Debug;

use crate::arena::{Arena, Handle};
use crate::forest::Forest;
use crate::function::Function;
use crate::matrix::Matrix;
use crate::ops::{IntOp, Movement, OpKind, RealOp, Reference, ReferenceMut};
use crate::origin::{OnnxNode, OriginId, Origins};
use crate::types::{Shape, Type};

/// The domain of a module decides its operations and its numbers.
pub trait Domain: Copy + Debug + PartialEq + 'static {
    /// Operation of a node.
    type Op: Operation<Domain = Self>;
    /// Test of a tree branch.
    type Test: Copy + Debug + PartialEq;
    /// Leaf weight, base value, constant element.
    type Number: Copy + Debug + PartialEq;
    /// First word of the text form.
    const NAME: &'static str;
}

/// The model as exported: ONNX semantics over floating point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Real;

/// The program to be: integers only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int;

impl Domain for Real {
    type Op = RealOp;
    type Test = crate::forest::RealTest;
    type Number = f64;
    const NAME: &'static str = "real";
}

impl Domain for Int {
    type Op = IntOp;
    type Test = crate::forest::IntTest;
    type Number = i64;
    const NAME: &'static str = "int";
}

/// The declaration of an operation of either domain: all that can be asked
/// without knowing what it means.
pub trait Operation: Clone + Debug + PartialEq {
    /// The domain of the operation.
    type Domain: Domain;

    /// Calls `visit` on each operand, in order.
    fn operands(&self, visit: &mut dyn FnMut(Value));

    /// Replaces each operand by the value that `map` gives for it.
    fn map_operands(&mut self, map: &mut dyn FnMut(Value) -> Value);

    /// Calls `visit` on each reference to data of the module.
    fn references(&self, visit: &mut dyn FnMut(Reference));

    /// Calls `visit` on each reference to data of the module, to be changed.
    fn references_mut(&mut self, visit: &mut dyn FnMut(ReferenceMut<'_, Self::Domain>));

    /// Name in the text form.
    fn name(&self) -> &'static str;

    /// How the elements of the result come about.
    fn kind(&self) -> OpKind<'_>;

    /// How the operation moves elements; `None` if it computes.
    fn movement(&self) -> Option<Movement<'_>> {
        match self.kind() {
            OpKind::Moves(movement) => Some(movement),
            OpKind::Leaf | OpKind::Elementwise | OpKind::Combines => None,
        }
    }
}

/// A model in domain `D`.
#[derive(Clone, Debug)]
pub struct Module<D: Domain> {
    /// Name of the model: a C identifier, lower case.
    pub name: String,
    /// The declared input columns, in model input order. Passes never remove
    /// one: what the packet parser needs is decided by the declared columns.
    pub columns: Arena<Column>,
    /// Label tables, `@l0`.
    pub labels: Arena<LabelTable>,
    /// Constant tensors, `@w0`.
    pub constants: Arena<Constant<D>>,
    /// Tree ensembles, `@t0`.
    pub forests: Arena<Forest<D>>,
    /// Tabulated functions, `@f0`; integer domain only.
    pub functions: Arena<Function>,
    /// Linear maps, `@m0`; integer domain only.
    pub matrices: Arena<Matrix>,
    /// Nodes in order; each makes one value, `%0`.
    pub nodes: Arena<Node<D>>,
    /// Named results, in the order of the ONNX outputs.
    pub outputs: Vec<Output>,
    /// Where things come from.
    pub origins: Origins,
}

/// Names a value, which is the result of one node: `%4`. Values of both
/// domains share the type, so that operations need no domain parameter.
pub type Value = Handle<ValueTag>;

/// What [`Value`] handles name; a value has no data of its own.
#[derive(Debug)]
pub enum ValueTag {}

/// One operation and its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<D: Domain> {
    /// What is computed.
    pub op: D::Op,
    /// Type of the result.
    pub ty: Type,
    /// Where it comes from.
    pub origin: OriginId,
}

/// An input column: one integer feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name; a C identifier.
    pub name: String,
    /// Every bit pattern the field can hold, as an inclusive interval within
    /// (-2^62, 2^62). All proofs use it.
    pub range: Interval,
    /// The value that stands for "missing" (`nan` in a CSV), if there is one.
    pub missing: Option<i64>,
}

/// Inclusive interval of integers; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    /// The least element.
    pub min: i64,
    /// Greatest element; at least `min`.
    pub max: i64,
}

impl Interval {
    /// The interval from `min` to `max`.
    ///
    /// # Panics
    /// If it is empty.
    #[must_use]
    pub fn new(min: i64, max: i64) -> Self {
        assert!(min <= max, "an interval is not empty: [{min}, {max}]");
        Self { min, max }
    }

    /// The greatest magnitude of an element.
    #[must_use]
    pub fn magnitude(self) -> u64 {
        self.min.unsigned_abs().max(self.max.unsigned_abs())
    }

    /// Is `x` in it?
    #[must_use]
    pub fn contains(self, x: i64) -> bool {
        self.min <= x && x <= self.max
    }

    /// The least interval that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// Class labels of a classifier, by class index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelTable {
    /// The attribute `classlabels_int64s`.
    Integers(Vec<i64>),
    /// `classlabels_strings`. Raw text of the model: escape before printing.
    Strings(Vec<String>),
}

impl LabelTable {
    /// Number of classes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(labels) => labels.len(),
            Self::Strings(labels) => labels.len(),
        }
    }

    /// Has it no classes?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The label as a person writes it.
    #[must_use]
    pub fn text(&self, class: usize) -> String {
        match self {
            Self::Integers(labels) => labels[class].to_string(),
            Self::Strings(labels) => labels[class].clone(),
        }
    }
}

/// A constant tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant<D: Domain> {
    /// Type; `elements.len()` is the number of elements of its shape.
    pub ty: Type,
    /// The elements. In the real domain every integer among them is exact.
    pub elements: Vec<D::Number>,
}

/// A named result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Name of the ONNX output. Raw text of the model: escape before printing.
    pub name: String,
    /// What it means.
    pub kind: OutputKind,
    /// The value that is given out.
    pub value: Value,
}

/// Meaning of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// The decision: an element of a label table.
    Label,
    /// What the decision rests on, one element a class.
    Score(ScoreKind),
    /// A number: the prediction of a regressor.
    Value,
}

/// What a score is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreKind {
    /// As the ensemble or the decision function sums it.
    Raw,
    /// A probability: non-negative, sums to 1 over the classes.
    Probability,
}

impl<D: Domain> Module<D> {
    /// A module without nodes.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            columns: Arena::new(),
            labels: Arena::new(),
            constants: Arena::new(),
            forests: Arena::new(),
            functions: Arena::new(),
            matrices: Arena::new(),
            nodes: Arena::new(),
            outputs: Vec::new(),
            origins: Origins::default(),
        }
    }

    /// The node that makes `value`.
    #[must_use]
    pub fn node(&self, value: Value) -> &Node<D> {
        &self.nodes[node_of(value)]
    }

    /// The node that makes `value`, to change.
    pub fn node_mut(&mut self, value: Value) -> &mut Node<D> {
        &mut self.nodes[node_of(value)]
    }

    /// Type of `value`.
    #[must_use]
    pub fn ty(&self, value: Value) -> &Type {
        &self.node(value).ty
    }

    /// The ONNX node that `value` comes from; one of them, if it comes from several.
    #[must_use]
    pub fn onnx_node(&self, value: Value) -> OnnxNode {
        let places = self.origins.places(self.node(value).origin, 1);
        let position = places.first().map(|place| place.node as usize);
        let name = position.and_then(|position| self.origins.graph_nodes.get(position));
        let name = name.cloned().unwrap_or_else(|| format!("%{}", value.index()));
        OnnxNode { name, position }
    }

    /// Appends a node and returns its value.
    pub fn push(&mut self, op: D::Op, ty: Type, origin: OriginId) -> Value {
        Handle::from_index(self.nodes.push(Node { op, ty, origin }).index())
    }

    /// All values, oldest first.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator + use<D> {
        (0..self.nodes.len()).map(Handle::from_index)
    }

    /// The first output of kind label, with its value.
    #[must_use]
    pub fn label_output(&self) -> Option<&Output> {
        self.outputs.iter().find(|output| output.kind == OutputKind::Label)
    }

    /// The output of kind score that belongs to the first label, if any.
    #[must_use]
    pub fn score_output(&self) -> Option<&Output> {
        self.outputs.iter().find(|output| matches!(output.kind, OutputKind::Score(_)))
    }

    /// Shape of `value`.
    #[must_use]
    pub fn shape(&self, value: Value) -> &Shape {
        &self.ty(value).shape
    }
}

fn node_of<D: Domain>(value: Value) -> Handle<Node<D>> {
    Handle::from_index(value.index())
}

//! The intermediate representation of skxc.
//!
//! A model enters as a [`Module`] over the reals, with ONNX semantics, and
//! leaves as a [`Module`] over the integers, which a back end prints as C.
//! The pass `quantize` of `ir/passes` is the only way from one to the other;
//! `ir/lowering` decides how the second one becomes code.
//! `docs/ir.md` is the reference; `docs/numerics.md` has rounding and Decisions.
//!
//! What must hold:
//! - nothing here touches files, processes or clocks;
//! - no recursion over model data: a tree may be as deep as it has nodes;
//! - `interpret` is the meaning of the IR, written for clarity; a pass that
//!   disagrees with it is wrong;
//! - back ends take `Validated` integer modules only.

pub mod analysis;
pub mod arena;
mod equality;
pub mod forest;
pub mod function;
pub mod interpret;
pub mod limits;
pub mod matrix;
pub mod module;
pub mod ops;
pub mod origin;
pub mod random;
pub mod ratio;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod types;
pub mod validate;

pub use arena::{Arena, Handle};
pub use forest::{Forest, IntTest, LeafWeight, Mode, NodeId, RealTest, TreeNode};
pub use function::{Function, Segment};
pub use matrix::{Matrix, MatrixRow, MatrixWeight};
pub use module::{
    Column, Constant, Domain, Int, Interval, LabelTable, Module, Node, Operation, Output,
    OutputKind, Real, ScoreKind, Value,
};
pub use ops::{
    Binary, Extreme, IntBinary, IntOp, IntReduction, RealOp, Reduction, Relation, Rounding, Unary,
};
pub use origin::{OnnxNode, Origin, OriginId, Origins, Place};
pub use types::{ElementType, Shape, Type};

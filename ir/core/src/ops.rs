//! The operations of both domains, each declared once ([`declare`]).
//!
//! Each enum is matched without a `_` arm where the meaning of an operation
//! counts: a new operation breaks the build wherever it must be handled, and
//! `docs/how-to-add.md`, "An IR operation", lists these places.

mod declare;
mod function;
mod int;
mod movement;
mod real;

pub use declare::{OpKind, Reference, ReferenceMut};
pub use function::{Binary, Extreme, Reduction, Relation, Unary};
pub use int::{IntBinary, IntOp, IntReduction, Rounding};
pub use movement::Movement;
pub use real::RealOp;

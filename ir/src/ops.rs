//! The operations of both domains. Each enum is matched without a `_` arm:
//! a new operation breaks the build wherever it must be handled, and
//! `ir/README.md`, "Adding an op", lists these places.

mod function;
mod int;
mod movement;
mod real;

pub use function::{Binary, Extreme, Reduction, Relation, Unary};
pub use int::{IntBinary, IntOp, IntReduction, Rounding};
pub use movement::{Movement, Moves};
pub use real::RealOp;

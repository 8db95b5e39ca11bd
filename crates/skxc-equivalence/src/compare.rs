//! The comparisons. Each streams its vectors, counts, and keeps the first
//! difference, made plain.
//!
//! `progress` is called now and then with the number of vectors so far.

mod expected;
mod float_error;
mod margins;
mod model;
mod object;
mod packets;

pub use expected::expected;
pub use margins::{Margins, margins};
#[cfg(feature = "oracle")]
pub(crate) use model::Judge;
pub use model::model;
pub use object::object;
pub use packets::{Program, packets};

/// Rows handled at once.
const BATCH_ROWS: usize = 8192;

#[cfg(test)]
mod tests;

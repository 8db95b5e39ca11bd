//! What the back ends share: names that collide with nothing, the layout of the
//! structs that programs and loaders exchange, and text of C files.
//!
//! What must hold:
//! - a name is given out once, and is no word with a meaning of its own;
//! - offsets are those of the C ABI: the generated header asserts each;
//! - text of the model stands in comments only, and cannot leave them.

pub mod keywords;
pub mod layout;
pub mod namer;
pub mod writer;

pub use layout::{CType, Field, Layout};

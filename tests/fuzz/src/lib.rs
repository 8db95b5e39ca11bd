//! Properties of any bytes, of any text and of typed graphs, and how to damage the
//! first two well.
//!
//! Each property is one public `check`, which the test suite calls on the seeds
//! and on what once failed, and the fuzz targets (`targets/`) on whatever
//! libFuzzer finds. `cargo xtask fuzz` runs those.
//!
//! What must hold:
//! - `check` says in words what does not hold; a panic is a finding as well;
//! - a mutation depends on the input and the seed alone.

mod lowered;
pub mod model;
pub mod onnx;
mod pick;
pub mod skir;
pub mod typed;

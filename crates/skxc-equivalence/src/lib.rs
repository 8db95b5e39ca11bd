//! Compares a model with its program: vectors, verdicts, counterexamples.
//!
//! | comparison | one side | other side | entry |
//! |---|---|---|---|
//! | 1 | ONNX semantics (`float`, `real`) | the integer module | [`compare::model`] |
//! | 2 | the integer module | the object in the kernel, bit for bit | [`compare::object`] |
//! | 3 | parser and integer module | the whole program, on packets | [`compare::packets`] |
//! | `--expect` | the trainer's labels | the integer module | [`compare::expected`] |
//! | cargo feature `oracle` | tract-onnx | ONNX semantics | `oracle::labels` |
//!
//! Rows and packets come from the caller ([`Rows`], with [`Kind::Csv`] or
//! [`Kind::Capture`]) and are made from the module ([`Inputs`], [`frames`]);
//! the object runs behind [`machine::BatchRunner`] and
//! [`machine::PacketRunner`], which [`kernel`] implements; every comparison ends in a [`Report`].
//!
//! What must hold:
//! - nothing here reads files or clocks: rows, packets and the running object
//!   are handed in ([`machine`]), rates are the caller's to compute;
//! - a comparison looks at everything it is given and counts; it does not stop
//!   at the first difference, but keeps only the first, made plain;
//! - testing never says "equivalent" ([`verdict`]).

pub mod compare;
pub mod decision;
pub mod frames;
pub mod inputs;
pub mod kernel;
pub mod machine;
#[cfg(feature = "oracle")]
pub mod oracle;
mod parallel;
pub mod report;
mod shrink;
pub mod verdict;

pub use inputs::{Coverage, Inputs, Kind, Options, Rows};
pub use report::{Changed, ChangedClass, Report, Score};
pub use shrink::shrink;
pub use verdict::{Comparison, Counterexample, Part, Reason, Verdict};

//! Measuring programs in the kernel: what runs, on what, how long, and how it
//! is shown.
//!
//! What must hold:
//! - everything is measured in the same run, in turn, round after round: a
//!   machine that slows down slows all alike;
//! - inputs vary, since a branch predictor learns a repeated one by heart;
//! - what is measured is the object as it would be attached, not a copy of it;
//! - nothing here judges: a figure is never an error.

pub(crate) mod inputs;
pub(crate) mod measure;
pub(crate) mod plot;
pub(crate) mod report;
pub(crate) mod statistics;
pub(crate) mod subjects;
pub(crate) mod yardstick;

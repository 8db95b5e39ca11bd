//! The packet parser and its feature table, for the kernel and for user space.
//!
//! [`HEADERS`] are the C headers that generated programs include; [`parse`] is
//! the same source compiled for user space; [`FEATURES`] is the one table of
//! what the parser can read.
//!
//! What must hold:
//! - one parser source: training and serving cannot disagree;
//! - a value lies in the range that [`FEATURES`] states, whatever the bytes;
//! - the headers need clang and the kernel's uapi headers, nothing else.

mod features;
mod parse;

pub use features::{CType, FEATURES, Feature, Needs, Offload, find};
pub use parse::{Frame, Link, Parsed, Reason, parse};

/// The C headers, as (path below an include directory, text).
///
/// `skxc/barrier.h`, `skxc/wire.h`, `skxc/parse.h` and `skxc/features.h` are
/// portable C; `skxc/bpf.h` and `skxc/counters.h` are for BPF programs only.
pub const HEADERS: &[(&str, &str)] = &[
    ("skxc/barrier.h", include_str!("../include/skxc/barrier.h")),
    ("skxc/bpf.h", include_str!("../include/skxc/bpf.h")),
    ("skxc/counters.h", include_str!("../include/skxc/counters.h")),
    ("skxc/features.h", include_str!("../include/skxc/features.h")),
    ("skxc/parse.h", include_str!("../include/skxc/parse.h")),
    ("skxc/wire.h", include_str!("../include/skxc/wire.h")),
];

//! What a choice between lowerings goes by.

use std::fmt;
use std::str::FromStr;

use crate::cost::Cost;

/// Which figure of a [`Cost`] matters most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimize {
    /// Time of a decision.
    #[default]
    Speed,
    /// Bytes of program and tables.
    Size,
    /// Work of the verifier, and so the time of loading.
    Verifier,
}

/// Bytes of an instruction (`struct bpf_insn`, include/uapi/linux/bpf.h).
const INSN_BYTES: u64 = 8;

impl Optimize {
    /// All goals, the default first.
    pub const ALL: [Self; 3] = [Self::Speed, Self::Size, Self::Verifier];

    /// As on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Speed => "speed",
            Self::Size => "size",
            Self::Verifier => "verifier",
        }
    }

    /// The figure to make small.
    #[must_use]
    pub fn figure(self, cost: &Cost) -> u64 {
        match self {
            Self::Speed => cost.tenth_ns,
            Self::Size => {
                cost.program_insns.saturating_mul(INSN_BYTES).saturating_add(cost.table_bytes)
            }
            Self::Verifier => cost.verifier_insns,
        }
    }
}

impl fmt::Display for Optimize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text is not the name of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what to optimize for is one of `speed`, `size`, `verifier`")]
pub struct UnknownGoal;

impl FromStr for Optimize {
    type Err = UnknownGoal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|goal| goal.name() == text).ok_or(UnknownGoal)
    }
}

//! What a lowering costs, predicted before anything is compiled.
//!
//! The figures were fitted to measurements on Linux 6.18 (JIT on, Zen 4) with
//! clang 19, over inputs that vary from run to run; they are meant for ratios.
//! A kernel counts the instructions its verifier processes exactly, so that
//! count is predicted high rather than low.

use std::ops::{Add, AddAssign};

#[cfg(doc)]
use crate::lowering::Target;

/// Cost of a piece of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// BPF instructions of the program text.
    pub program_insns: u64,
    /// Instructions the kernel's verifier processes.
    pub verifier_insns: u64,
    /// Bytes of read-only tables.
    pub table_bytes: u64,
    /// Bytes of scratch memory.
    pub scratch_bytes: u64,
    /// Bytes of the stack. Pieces run one after another, so that of two together
    /// the larger counts.
    pub stack_bytes: u64,
    /// Time of one decision, in tenths of a nanosecond.
    pub tenth_ns: u64,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            program_insns: self.program_insns.saturating_add(other.program_insns),
            verifier_insns: self.verifier_insns.saturating_add(other.verifier_insns),
            table_bytes: self.table_bytes.saturating_add(other.table_bytes),
            scratch_bytes: self.scratch_bytes.saturating_add(other.scratch_bytes),
            stack_bytes: self.stack_bytes.max(other.stack_bytes),
            tenth_ns: self.tenth_ns.saturating_add(other.tenth_ns),
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Which limit a lowering exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// Nodes that clang must compile as branch code.
    BranchNodes,
    /// Tests in a row, each of which the verifier keeps pending.
    BranchDepth,
    /// [`Target::verifier_insns_max`].
    VerifierInsns,
    /// [`Target::table_bytes_max`].
    TableBytes,
    /// What the links between the nodes of a table can address.
    LinkBits,
}

impl Exceeded {
    /// As a reader would say it, with the unit.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::BranchNodes => "nodes of branch code",
            Self::BranchDepth => "tests in a row",
            Self::VerifierInsns => "verifier instructions",
            Self::TableBytes => "bytes of tables",
            Self::LinkBits => "bytes that a link can address",
        }
    }
}

/// Why a lowering cannot take a forest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The limit.
    pub exceeded: Exceeded,
    /// What the forest needs.
    pub needs: u64,
    /// What there is.
    pub allowed: u64,
    /// The tree to blame, by position in the forest, if one alone is to blame.
    pub tree: Option<u32>,
}

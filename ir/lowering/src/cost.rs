//! What a lowering costs, predicted before anything is compiled.
//!
//! The figures were fitted to measurements on Linux 6.18 (JIT on, Zen 4) with
//! clang 19, over inputs that vary from run to run; they are meant for ratios.
//! The instructions that the verifier processes are predicted within a quarter of
//! what it counts, of the programs of a corpus on Linux 6.18; `--max` counts them.

use std::fmt;
use std::ops::{Add, AddAssign};

#[cfg(doc)]
use crate::Target;

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
    /// Functions that are not inlined.
    pub functions: u64,
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
            functions: self.functions.saturating_add(other.functions),
            tenth_ns: self.tenth_ns.saturating_add(other.tenth_ns),
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Reads on from the name of a lowering.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { exceeded, needs, allowed, tree } = self;
        let what = exceeded.what();
        match tree {
            Some(tree) => {
                write!(f, ": tree {tree} of it alone has {needs} {what}; {allowed} are allowed")
            }
            None => write!(f, " needs {needs} {what}; {allowed} are allowed"),
        }
    }
}

/// Time of a load from somewhere in so many bytes, in tenths of a nanosecond,
/// where many loads wait at once: less than the latency of the cache that holds
/// them. Fitted to the walks of `calibration.csv`, on a processor with 32 KiB of
/// the nearest cache, 1 MiB of the next and a shared third.
#[must_use]
pub fn load_tenth_ns(bytes: u64) -> u64 {
    match bytes {
        0..=0x8000 => 3,
        0x8001..=0x2_0000 => 6,
        0x2_0001..=0x8_0000 => 8,
        0x8_0001..=0x20_0000 => 15,
        _ => 74,
    }
}

/// Ten times the logarithm of `x` to base 2, by a straight line between powers
/// of two; 0 for 0. In integers, so that a plan is the same everywhere.
#[must_use]
pub fn tenth_log2(x: u64) -> u64 {
    let Some(whole) = x.checked_ilog2() else { return 0 };
    let above = x - (1 << whole);
    let part = (u128::from(above) * 10) >> whole;
    u64::from(whole) * 10 + part as u64
}

/// Which limit a lowering exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// Nodes that clang must compile as branch code.
    BranchNodes,
    /// Tests in a row, each of which the verifier keeps pending.
    BranchDepth,
    /// More than [`Target::verifier_insns_max`].
    VerifierInsns,
    /// More than [`Target::table_bytes_max`].
    TableBytes,
    /// More than [`Target::scratch_bytes_max`].
    ScratchBytes,
    /// What the links between the nodes of a table can address.
    LinkBits,
    /// Levels of one padded tree.
    Levels,
    /// Features that a node of a table can name.
    Features,
    /// Tests that are told apart by rank.
    Tests,
    /// Ways through one tree, a bit each.
    Paths,
    /// Bits that tell apart what a tree sees of its features.
    PlaceBits,
    /// Instructions that one jump leads over.
    StraightInsns,
    /// More than [`Target::stack_bytes_max`].
    StackBytes,
    /// More than [`Target::functions_max`].
    Functions,
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
            Self::ScratchBytes => "bytes of scratch memory",
            Self::LinkBits => "bytes that a link can address",
            Self::Levels => "levels",
            Self::Tests => "tests",
            Self::Features => "features in its tests",
            Self::Paths => "paths from the root to a leaf",
            Self::PlaceBits => "bits of ranks",
            Self::StraightInsns => "instructions in a row",
            Self::StackBytes => "bytes of the stack",
            Self::Functions => "functions",
        }
    }
}

/// Why a lowering cannot take a forest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The limit that is exceeded.
    pub exceeded: Exceeded,
    /// What the forest needs.
    pub needs: u64,
    /// What there is.
    pub allowed: u64,
    /// The tree to blame, by position in the forest, if one alone is to blame.
    pub tree: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_in_tenths() {
        let found = [0, 1, 2, 3, 4, 6, 1000, u64::MAX].map(tenth_log2);
        assert_eq!(found, [0, 0, 10, 15, 20, 25, 99, 639]);
    }
}

//! What the kernel that a program is made for can do. The back end for BPF
//! fills it from its table of kernel versions (`kernel_features`); here is what
//! lowerings ask.

use crate::cost::Cost;

/// What a target has and allows. The default is what every kernel from 5.10
/// takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Instructions the verifier may process, less what the wrapper around the
    /// model needs (`BPF_COMPLEXITY_LIMIT_INSNS`, include/linux/bpf.h).
    pub verifier_insns_max: u64,
    /// Bytes of all read-only tables together: they share one array value.
    pub table_bytes_max: u64,
    /// Bytes of scratch memory: it has a row for each CPU in one array, whose values are
    /// at most 4 MiB before 6.0. Arrays of a power of two take up to twice as much as
    /// operations are predicted to.
    pub scratch_bytes_max: u64,
    /// Bytes of the stack over a chain of calls, less what the wrapper keeps
    /// there (`MAX_BPF_STACK`, include/linux/filter.h).
    pub stack_bytes_max: u64,
    /// Functions that are not inlined, the entry and those of the wrapper
    /// included (`BPF_MAX_SUBPROGS`, include/linux/bpf_verifier.h).
    pub functions_max: u64,
    /// Jumps whose other way is not yet processed
    /// (`BPF_COMPLEXITY_LIMIT_JMP_SEQ`, kernel/bpf/verifier.c).
    pub pending_jumps_max: u64,
    /// Global functions may take pointers to memory, of known size. Without
    /// it, they take scalars and the context only.
    pub global_pointer_arguments: bool,
    /// The instruction `may_goto`, which bounds a loop at run time, so that the
    /// verifier need not walk its rounds.
    pub may_goto: bool,
}

impl Target {
    /// What the verifier processes at most (`BPF_COMPLEXITY_LIMIT_INSNS`).
    pub const VERIFIER_INSNS_MAX: u64 = 1_000_000;
    /// Kept back for the parser, the counters and the tensor operations.
    pub const WRAPPER_INSNS: u64 = 50_000;
    /// Kept back of the stack for the parser and the entry.
    pub const WRAPPER_STACK_BYTES: u64 = 128;

    /// Functions that are kept for the wrapper and for forests that need few.
    pub const WRAPPER_FUNCTIONS: u64 = 32;

    /// Functions that one part of a program may have.
    #[must_use]
    pub fn functions_free(&self) -> u64 {
        self.functions_max.saturating_sub(Self::WRAPPER_FUNCTIONS)
    }

    /// What is left of it beside something else in the same program.
    #[must_use]
    pub fn less(&self, cost: &Cost) -> Self {
        Self {
            verifier_insns_max: self.verifier_insns_max.saturating_sub(cost.verifier_insns),
            table_bytes_max: self.table_bytes_max.saturating_sub(cost.table_bytes),
            functions_max: self.functions_max.saturating_sub(cost.functions),
            ..*self
        }
    }
}

impl Default for Target {
    fn default() -> Self {
        Self {
            verifier_insns_max: Self::VERIFIER_INSNS_MAX - Self::WRAPPER_INSNS,
            // KMALLOC_MAX_SIZE bounded the value of an array map before 6.0.
            table_bytes_max: 4 << 20,
            scratch_bytes_max: 1 << 20,
            stack_bytes_max: 512 - Self::WRAPPER_STACK_BYTES,
            functions_max: 256,
            pending_jumps_max: 8192,
            global_pointer_arguments: false,
            may_goto: false,
        }
    }
}

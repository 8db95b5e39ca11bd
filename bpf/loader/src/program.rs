//! A program in the kernel: what it is, and test runs.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use libbpf_rs::ProgramMut;

use crate::error::{Action, Error};
use crate::sys;

/// A loaded program.
#[derive(Debug)]
pub struct Program<'a> {
    program: ProgramMut<'a>,
}

/// What the kernel says of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramInfo {
    /// The kernel's number for it.
    pub id: u32,
    /// Digest that the kernel makes of the instructions.
    pub tag: [u8; 8],
    /// Instructions that the verifier processed; 0 before Linux 5.16.
    pub verified_insns: u32,
    /// Bytes of machine code; 0 without JIT.
    pub jited_bytes: u32,
    /// Bytes of BPF after the verifier has rewritten it.
    pub xlated_bytes: u32,
}

/// Outcome of a test run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRun {
    /// What the program returned, in the last run.
    pub return_value: u32,
    /// Mean time of a run in nanoseconds, the kernel's loop included.
    pub nanoseconds: u32,
    /// The packet as the last run left it.
    pub data: Vec<u8>,
}

/// Bytes by which a program may lengthen its packet in a test run: the
/// headroom that the kernel gives it (XDP_PACKET_HEADROOM).
const GROWTH_BYTES_MAX: usize = 256;

impl<'a> Program<'a> {
    pub(crate) fn new(program: ProgramMut<'a>) -> Option<Program<'a>> {
        program.autoload().then_some(Program { program })
    }

    /// Name of the C function.
    pub fn name(&self) -> String {
        self.program.name().to_string_lossy().into_owned()
    }

    /// Runs the program on `data`, `repeat` times (1 or more). XDP wants at
    /// least 14 bytes and at most about 3,500; more than one repetition costs a
    /// fixed time of milliseconds, so let few calls do many.
    ///
    /// # Errors
    /// [`Error::Privileges`], or [`Error::Kernel`] with what is wrong with the
    /// data.
    pub fn test_run(&self, data: &[u8], repeat: u32) -> Result<TestRun, Error> {
        let mut out = vec![0; data.len() + GROWTH_BYTES_MAX];
        let run = loop {
            match sys::test_run(self.as_fd(), data, &mut out, repeat) {
                // A signal ends a long run early; it has then to be done again.
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|source| Error::kernel(Action::TestRun, source))?,
            }
        };
        out.truncate(run.data_bytes);
        Ok(TestRun { return_value: run.return_value, nanoseconds: run.nanoseconds, data: out })
    }

    /// What the kernel says of the program.
    ///
    /// # Errors
    /// [`Error::Kernel`] if it says nothing.
    pub fn info(&self) -> Result<ProgramInfo, Error> {
        info(self.as_fd())
    }
}

impl AsFd for Program<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.program.as_fd()
    }
}

pub(crate) fn info(program: BorrowedFd<'_>) -> Result<ProgramInfo, Error> {
    let info = sys::program_info(program).map_err(|source| Error::kernel(Action::Info, source))?;
    Ok(ProgramInfo {
        id: info.id,
        tag: info.tag,
        verified_insns: info.verified_insns,
        jited_bytes: info.jited_prog_len,
        xlated_bytes: info.xlated_prog_len,
    })
}

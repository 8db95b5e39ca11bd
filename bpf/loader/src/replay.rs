//! Varying packets for an XDP program in a test run.
//!
//! BPF_PROG_TEST_RUN repeats one packet, on which caches and branch predictors
//! do far better than on traffic; and one call a packet measures the call. So
//! a small program ([`Replay::SOURCE`]) writes the next frame over the packet
//! and tail-calls the program in question, which is loaded as it is. What the
//! replay itself costs is measured the same way, with [`Replay::empty`].

use std::os::fd::{AsFd as _, AsRawFd as _};

use crate::error::Error;
use crate::load::{Loaded, Loader};
use crate::map::Values;
use crate::program::Program;

/// REPLAY_HEAD_BYTES and REPLAY_FAILED of the source.
const HEAD_BYTES: usize = 128;
const FAILED: u32 = 1000;

/// Shortest frame that the kernel shows to XDP: an Ethernet header.
const FRAME_BYTES_MIN: usize = 14;

/// Frames that go round and round before a program.
#[derive(Debug)]
pub struct Replay {
    loaded: Loaded,
    frames: usize,
}

impl Replay {
    /// What [`Replay::load`] wants compiled, with the headers of skxc-runtime
    /// in the include path.
    pub const SOURCE: &'static str = include_str!("replay.bpf.c");

    /// Longest frame. A longer one is cut: a test run shows this much in one
    /// piece (net/bpf/test_run.c: a page less headroom and tailroom).
    pub const FRAME_BYTES_MAX: usize = 3520;

    /// Loads the replay, `object` being [`Replay::SOURCE`] compiled. Of each
    /// frame, the first 128 bytes and the length count; there is one at least.
    ///
    /// # Errors
    /// As [`Loader::load`].
    ///
    /// # Panics
    /// If there is no frame.
    pub fn load(object: &[u8], frames: &[Vec<u8>]) -> Result<Replay, Error> {
        assert!(!frames.is_empty(), "a replay has frames");
        let entries = u32::try_from(frames.len()).unwrap_or(u32::MAX);
        let loaded = Loader::new(object)?.max_entries("replay_frames", entries).load()?;
        let mut values = loaded.map("replay_frames")?.values()?;
        for (index, frame) in frames.iter().enumerate() {
            put(&mut values, index, frame);
        }
        Ok(Replay { loaded, frames: frames.len() })
    }

    /// A program that does nothing.
    ///
    /// # Errors
    /// [`Error::NoProgram`] if the object is of another source.
    pub fn empty(&self) -> Result<Program<'_>, Error> {
        self.loaded.program("replay_empty")
    }

    /// Mean nanoseconds of `program` and the replay over `repeat` packets: all
    /// frames in turn, from the first on, or the first `frames` of them. The
    /// program may change the packet, but must not move its start.
    ///
    /// # Errors
    /// [`Error::Kernel`] if the kernel does not let the replay jump to the
    /// program, as when that is no XDP program; [`Error::Privileges`].
    ///
    /// # Panics
    /// If the program moved the start of the packet until no frame had room.
    pub fn time(&self, program: &Program<'_>, frames: usize, repeat: u32) -> Result<u32, Error> {
        let fd = program.as_fd().as_raw_fd();
        self.loaded.map("replay_programs")?.write(0, &fd.to_ne_bytes())?;
        let count = u32::try_from(frames.clamp(1, self.frames)).expect("it was an u32 before");
        self.loaded.write_variable("replay_cursor", &0_u32.to_ne_bytes())?;
        self.loaded.write_variable("replay_frames_len", &count.to_ne_bytes())?;
        // As long as any frame: room for what the last run leaves.
        let run =
            self.loaded.program("replay_next")?.test_run(&[0; Self::FRAME_BYTES_MAX], repeat)?;
        assert!(run.return_value != FAILED, "every frame fits the packet");
        Ok(run.nanoseconds)
    }
}

/// Writes a `struct replay_frame`.
fn put(values: &mut Values, index: usize, frame: &[u8]) {
    let bytes = frame.len().clamp(FRAME_BYTES_MIN, Replay::FRAME_BYTES_MAX);
    let head = &frame[..frame.len().min(HEAD_BYTES)];
    values.write(index, 0, head);
    values.write(index, HEAD_BYTES, &(bytes as u32).to_ne_bytes());
}

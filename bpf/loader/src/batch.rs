//! The test bench of a generated program: many vectors in one system call.
//!
//! An object for model NAME has a program `NAME_batch` that, each time it runs,
//! takes the next entry of the array `NAME_vectors`, predicts, and stores the
//! result in the entry. `NAME_cursor` says which is next; it wraps at
//! `NAME_vectors_len`. One test run with many repetitions so works through as
//! many vectors, on any kernel from 5.10.

use std::time::Duration;

use libbpf_rs::btf::HasSize as _;
use libbpf_rs::btf::types::{MemberAttr, Struct};

use crate::error::{Action, Error};
use crate::load::{Loaded, Loader};
use crate::map::Values;
use crate::program::ProgramInfo;

/// Memory for vectors at a time. More would not be faster: a call costs a
/// fixed 15 ms or so, and this much holds some hundred thousand vectors.
const VECTORS_BYTES_MAX: usize = 32 << 20;

/// What the program is run on; it does not look at it. XDP test runs want 14
/// bytes or more.
const PACKET: [u8; 64] = [0; 64];

/// A loaded test bench.
#[derive(Debug)]
pub struct Batch {
    loaded: Loaded,
    names: Names,
    values: Values,
    features: Part,
    result: Part,
}

#[derive(Debug)]
struct Names {
    program: String,
    cursor: String,
    vectors_len: String,
}

/// Where a member of `struct NAME_vector` is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    offset: usize,
    bytes: usize,
}

/// Outcome of [`Batch::run`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRun {
    /// One `struct NAME_result` after another, in the order of the vectors.
    pub results: Vec<u8>,
    /// Time that the kernel spent in the program and its test-run loop, by
    /// its own clock, which has whole nanoseconds per vector.
    pub kernel_time: Duration,
}

impl Batch {
    /// Loads the test bench of model `name` with room for `vectors` vectors at
    /// a time, or as many as fit 32 MB. Any number can be run: they go in
    /// turns. `loader` may have variables set already.
    ///
    /// # Errors
    /// As [`Loader::load`], [`Error::NoType`] if the object has no
    /// `struct NAME_vector` with members `features` and `result`, and
    /// [`Error::Size`] if that is not what its map of vectors holds.
    pub fn load(loader: Loader<'_>, name: &str, vectors: usize) -> Result<Batch, Error> {
        let program = format!("{name}_batch");
        let map = format!("{name}_vectors");
        let entries = u32::try_from(vectors).unwrap_or(u32::MAX);
        let loaded =
            loader.program(&program).max_entries_within(&map, entries, VECTORS_BYTES_MAX).load()?;
        let (features, result) = layout(&loaded, &format!("{name}_vector"))?;
        let values = loaded.map(&map)?.values()?;
        let end = (features.offset + features.bytes).max(result.offset + result.bytes);
        if end > values.value_bytes() {
            return Err(Error::Size { name: map, expected: values.value_bytes(), found: end });
        }
        let names = Names {
            program,
            cursor: format!("{name}_cursor"),
            vectors_len: format!("{name}_vectors_len"),
        };
        Ok(Batch { loaded, names, values, features, result })
    }

    /// Bytes of `struct NAME_features`.
    pub fn features_bytes(&self) -> usize {
        self.features.bytes
    }

    /// Bytes of `struct NAME_result`.
    pub fn result_bytes(&self) -> usize {
        self.result.bytes
    }

    /// Most vectors that one system call works through.
    pub fn capacity(&self) -> usize {
        self.values.entries()
    }

    /// What the kernel says of the program that runs.
    ///
    /// # Errors
    /// [`Error::Kernel`] if it says nothing.
    pub fn info(&self) -> Result<ProgramInfo, Error> {
        self.loaded.program(&self.names.program)?.info()
    }

    /// Predicts `vectors` vectors. `features` has one `struct NAME_features`
    /// after another, without gaps, in the kernel's byte order.
    ///
    /// # Errors
    /// [`Error::Size`] if `features` has another length, or the kernel's
    /// refusal to run.
    pub fn run(&mut self, vectors: usize, features: &[u8]) -> Result<BatchRun, Error> {
        self.check_size(vectors, features)?;
        let mut results = vec![0; vectors * self.result.bytes];
        let mut kernel_time = Duration::ZERO;
        for start in (0..vectors).step_by(self.capacity()) {
            let count = self.capacity().min(vectors - start);
            self.put(&features[start * self.features.bytes..], count);
            self.clear_results(count);
            let nanoseconds = self.turn(count, count)?;
            kernel_time += Duration::from_nanos(u64::from(nanoseconds)) * count as u32;
            self.take(&mut results[start * self.result.bytes..], count);
        }
        Ok(BatchRun { results, kernel_time })
    }

    /// Mean nanoseconds of a prediction when `repeat` predictions go round and
    /// round over `vectors` vectors, the kernel's test-run loop included. Only
    /// the first [`Batch::capacity`] vectors are used.
    ///
    /// # Errors
    /// As [`Batch::run`], and [`Error::Size`] if there is no vector.
    pub fn time(&mut self, vectors: usize, features: &[u8], repeat: u32) -> Result<u32, Error> {
        self.check_size(vectors, features)?;
        let count = vectors.min(self.capacity());
        if count == 0 {
            let (expected, found) = (self.features.bytes, 0);
            return Err(Error::Size { name: self.names.program.clone(), expected, found });
        }
        self.put(features, count);
        self.turn(count, repeat as usize)
    }

    fn check_size(&self, vectors: usize, features: &[u8]) -> Result<(), Error> {
        let (expected, found) = (vectors * self.features.bytes, features.len());
        if expected == found {
            return Ok(());
        }
        Err(Error::Size { name: self.names.program.clone(), expected, found })
    }

    /// Runs `repeat` times over the first `count` entries.
    fn turn(&self, count: usize, repeat: usize) -> Result<u32, Error> {
        let count = u32::try_from(count).expect("a map has no more than u32::MAX entries");
        let repeat = u32::try_from(repeat).expect("callers repeat no more than u32::MAX times");
        self.loaded.write_variable(&self.names.cursor, &0_u32.to_ne_bytes())?;
        self.loaded.write_variable(&self.names.vectors_len, &count.to_ne_bytes())?;
        let run = self.loaded.program(&self.names.program)?.test_run(&PACKET, repeat)?;
        Ok(run.nanoseconds)
    }

    fn put(&mut self, features: &[u8], count: usize) {
        let Part { offset, bytes } = self.features;
        for index in 0..count {
            self.values.write(index, offset, &features[index * bytes..][..bytes]);
        }
    }

    /// A result that the program did not write must not look like one: no
    /// label has all bits set.
    fn clear_results(&mut self, count: usize) {
        let Part { offset, bytes } = self.result;
        let unwritten = vec![0xff; bytes];
        for index in 0..count {
            self.values.write(index, offset, &unwritten);
        }
    }

    fn take(&self, results: &mut [u8], count: usize) {
        let Part { offset, bytes } = self.result;
        for index in 0..count {
            self.values.read(index, offset, &mut results[index * bytes..][..bytes]);
        }
    }
}

/// Places of the members `features` and `result` of a struct, by BTF.
fn layout(loaded: &Loaded, name: &str) -> Result<(Part, Part), Error> {
    let missing = || Error::NoType { name: name.to_owned() };
    let btf = loaded
        .object()
        .btf()
        .map_err(|source| Error::Libbpf { action: Action::Configure, source })?
        .ok_or_else(missing)?;
    let vector: Struct<'_> = btf.type_by_name(name).ok_or_else(missing)?;
    let part = |wanted: &str| {
        let member = vector
            .iter()
            .find(|member| member.name.is_some_and(|name| name == wanted))
            .ok_or_else(missing)?;
        let MemberAttr::Normal { offset: bits } = member.attr else { return Err(missing()) };
        let ty: Struct<'_> = btf.type_by_id(member.ty).ok_or_else(missing)?;
        Ok(Part { offset: bits as usize / 8, bytes: ty.size() })
    };
    Ok((part("features")?, part("result")?))
}

//! Array maps in the kernel: entries one by one, per CPU, or all as memory.

use std::os::fd::{AsFd, BorrowedFd};

use libbpf_rs::{MapCore, MapFlags};

use crate::error::{Action, Error};
use crate::sys::SharedMemory;

/// A map that was created.
#[derive(Debug)]
pub struct Map<'a> {
    map: libbpf_rs::Map<'a>,
}

impl<'a> Map<'a> {
    pub(crate) fn new(map: libbpf_rs::Map<'a>) -> Map<'a> {
        Map { map }
    }

    /// Name in the object; maps of data sections are called after the section.
    pub fn name(&self) -> String {
        self.map.name().to_string_lossy().into_owned()
    }

    /// Bytes of a value.
    pub fn value_bytes(&self) -> usize {
        self.map.value_size() as usize
    }

    /// Number of entries.
    pub fn max_entries(&self) -> u32 {
        self.map.max_entries()
    }

    /// The value of an entry.
    ///
    /// # Errors
    /// [`Error::Libbpf`] if there is no such entry or the map is per CPU.
    pub fn read(&self, index: u32) -> Result<Vec<u8>, Error> {
        self.map
            .lookup(&index.to_ne_bytes(), MapFlags::ANY)
            .map_err(read_error)?
            .ok_or_else(no_entry)
    }

    /// The value of an entry on each CPU.
    ///
    /// # Errors
    /// [`Error::Libbpf`] if there is no such entry or the map is not per CPU.
    pub fn read_per_cpu(&self, index: u32) -> Result<Vec<Vec<u8>>, Error> {
        read_per_cpu(&self.map, index)
    }

    /// Writes the value of an entry.
    ///
    /// # Errors
    /// [`Error::Size`], or [`Error::Libbpf`] if there is no such entry, the map
    /// is per CPU or frozen.
    pub fn write(&self, index: u32, value: &[u8]) -> Result<(), Error> {
        self.check_size(value)?;
        self.map
            .update(&index.to_ne_bytes(), value, MapFlags::ANY)
            .map_err(|source| Error::Libbpf { action: Action::WriteMap, source })
    }

    /// Writes the same value of an entry on every CPU.
    ///
    /// # Errors
    /// As [`Map::write`], and if the map is not per CPU.
    pub fn write_per_cpu(&self, index: u32, value: &[u8]) -> Result<(), Error> {
        self.check_size(value)?;
        let libbpf = |source| Error::Libbpf { action: Action::WriteMap, source };
        let cpus = libbpf_rs::num_possible_cpus().map_err(libbpf)?;
        self.map
            .update_percpu(&index.to_ne_bytes(), &vec![value.to_vec(); cpus], MapFlags::ANY)
            .map_err(libbpf)
    }

    /// All values as memory shared with the kernel. The map is an array made
    /// with `BPF_F_MMAPABLE`.
    ///
    /// # Errors
    /// [`Error::Kernel`] if it is not.
    pub fn values(&self) -> Result<Values, Error> {
        let value_bytes = self.value_bytes();
        // kernel/bpf/arraymap.c: values stand 8-byte aligned, one after another.
        let stride = value_bytes.next_multiple_of(8);
        let entries = self.max_entries() as usize;
        let memory = SharedMemory::new(self.map.as_fd(), stride * entries)
            .map_err(|source| Error::kernel(Action::MapMemory, source))?;
        Ok(Values { memory, value_bytes, stride, entries })
    }

    fn check_size(&self, value: &[u8]) -> Result<(), Error> {
        if value.len() == self.value_bytes() {
            return Ok(());
        }
        Err(Error::Size { name: self.name(), expected: self.value_bytes(), found: value.len() })
    }
}

impl AsFd for Map<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

/// Packets and bytes, added up over all CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Number of packets.
    pub packets: u64,
    /// Bytes of their frames.
    pub bytes: u64,
}

/// Bytes of a `struct skxc_counter` (`skxc/counters.h`).
pub(crate) const COUNTER_BYTES: usize = 16;

/// The counters of a per-CPU array of `struct skxc_counter`, added up over all CPUs.
pub(crate) fn counters(map: &impl MapCore) -> Result<Vec<Counter>, Error> {
    let add = |sum: Counter, value: &Vec<u8>| match value.as_chunks() {
        ([packets, bytes], []) => Ok(Counter {
            packets: sum.packets.wrapping_add(u64::from_ne_bytes(*packets)),
            bytes: sum.bytes.wrapping_add(u64::from_ne_bytes(*bytes)),
        }),
        _ => Err(Error::Size {
            name: map.name().to_string_lossy().into_owned(),
            expected: COUNTER_BYTES,
            found: value.len(),
        }),
    };
    (0..map.max_entries())
        .map(|index| read_per_cpu(map, index)?.iter().try_fold(Counter::default(), add))
        .collect()
}

/// The value of an entry on each CPU, of any map.
pub(crate) fn read_per_cpu(map: &impl MapCore, index: u32) -> Result<Vec<Vec<u8>>, Error> {
    map.lookup_percpu(&index.to_ne_bytes(), MapFlags::ANY).map_err(read_error)?.ok_or_else(no_entry)
}

fn read_error(source: libbpf_rs::Error) -> Error {
    Error::Libbpf { action: Action::ReadMap, source }
}

fn no_entry() -> Error {
    read_error(libbpf_rs::Error::from_raw_os_error(libc::ENOENT))
}

/// The values of a memory-mapped array.
#[derive(Debug)]
pub struct Values {
    memory: SharedMemory,
    value_bytes: usize,
    stride: usize,
    entries: usize,
}

impl Values {
    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Bytes of a value.
    pub fn value_bytes(&self) -> usize {
        self.value_bytes
    }

    /// Writes `data` into the value of entry `index`, from byte `offset` on.
    ///
    /// # Panics
    /// If there is no such entry or the value ends before.
    pub fn write(&mut self, index: usize, offset: usize, data: &[u8]) {
        let place = self.place(index, offset, data.len());
        self.memory.write(place, data);
    }

    /// Reads into `data` from the value of entry `index`, from byte `offset` on.
    ///
    /// # Panics
    /// If there is no such entry or the value ends before.
    pub fn read(&self, index: usize, offset: usize, data: &mut [u8]) {
        self.memory.read(self.place(index, offset, data.len()), data);
    }

    fn place(&self, index: usize, offset: usize, bytes: usize) -> usize {
        let inside = offset.checked_add(bytes).is_some_and(|end| end <= self.value_bytes);
        assert!(index < self.entries && inside, "a place within the values of the map");
        index * self.stride + offset
    }
}

//! The kernel as the machine that runs the object.

use skxc_bpf::{Batch, Error, Loaded, Loader};

use crate::machine::{BatchRunner, Counter, PacketRunner};

impl BatchRunner for Batch {
    type Error = Error;

    fn run(&mut self, vectors: usize, features: &[u8]) -> Result<Vec<u8>, Error> {
        Batch::run(self, vectors, features).map(|run| run.results)
    }
}

/// The entry of an object, loaded but attached to nothing.
#[derive(Debug)]
pub struct Entry {
    loaded: Loaded,
    program: String,
    counters: String,
}

impl Entry {
    /// Loads program `program` of model `name`. `loader` may have variables
    /// set already.
    ///
    /// # Errors
    /// As [`Loader::load`].
    pub fn load(loader: Loader<'_>, name: &str, program: &str) -> Result<Self, Error> {
        let loaded = loader.program(program).load()?;
        Ok(Self { loaded, program: program.to_owned(), counters: format!("{name}_counters") })
    }

    /// What was loaded.
    #[must_use]
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }
}

impl PacketRunner for Entry {
    type Error = Error;

    fn run(&mut self, frame: &[u8]) -> Result<u32, Error> {
        Ok(self.loaded.program(&self.program)?.test_run(frame, 1)?.return_value)
    }

    fn counters(&mut self) -> Result<Vec<Counter>, Error> {
        let map = self.loaded.map(&self.counters)?;
        (0..map.max_entries()).map(|index| Ok(sum(&map.read_per_cpu(index)?))).collect()
    }
}

/// Adds up `struct skxc_counter` (skxc/counters.h) over CPUs.
fn sum(per_cpu: &[Vec<u8>]) -> Counter {
    let mut sum = Counter::default();
    for counter in per_cpu {
        let (words, _) = counter.as_chunks::<8>();
        if let [packets, bytes] = words {
            sum.packets = sum.packets.wrapping_add(u64::from_ne_bytes(*packets));
            sum.bytes = sum.bytes.wrapping_add(u64::from_ne_bytes(*bytes));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_add_up_over_cpus() {
        let cpu = |packets: u64, bytes: u64| [packets.to_ne_bytes(), bytes.to_ne_bytes()].concat();
        assert_eq!(sum(&[cpu(1, 60), cpu(2, 120)]), Counter { packets: 3, bytes: 180 });
    }
}

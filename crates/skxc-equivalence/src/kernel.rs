//! The kernel as the machine that runs the object.

use skxc_bpf::{Batch, Error, Loaded, Loader};
use skxc_runtime::Link;

use crate::frames::Packet;
use crate::machine::{BatchRunner, Counter, PacketRunner};

impl BatchRunner for Batch {
    type Error = Error;

    fn run(&mut self, vectors: usize, features: &[u8]) -> Result<Vec<u8>, Error> {
        Batch::run(self, vectors, features).map(|run| run.results)
    }
}

/// The entry of an object, loaded but attached to nothing: for interfaces with
/// an Ethernet header, and once more for those without.
#[derive(Debug)]
pub struct Entry {
    ethernet: Loaded,
    layer3: Loaded,
    program: String,
    counters: String,
}

impl Entry {
    /// Loads program `program` of model `name` from the bytes of an object.
    ///
    /// # Errors
    /// As [`Loader::load`].
    pub fn load(object: &[u8], name: &str, program: &str) -> Result<Self, Error> {
        let load = |layer3: u32| {
            let loader = Loader::new(object)?.program(program);
            loader.variable(&format!("{name}_layer3"), &layer3.to_ne_bytes()).load()
        };
        let (program, counters) = (program.to_owned(), format!("{name}_counters"));
        Ok(Self { ethernet: load(0)?, layer3: load(1)?, program, counters })
    }

    /// What was loaded for interfaces with an Ethernet header.
    #[must_use]
    pub fn loaded(&self) -> &Loaded {
        &self.ethernet
    }
}

impl PacketRunner for Entry {
    type Error = Error;

    fn run(&mut self, packet: &Packet) -> Result<u32, Error> {
        let loaded = match packet.link {
            Link::Ethernet => &self.ethernet,
            Link::Ip => &self.layer3,
        };
        Ok(loaded.program(&self.program)?.test_run(&packet.data, 1)?.return_value)
    }

    fn counters(&mut self) -> Result<Vec<Counter>, Error> {
        let maps = [self.ethernet.map(&self.counters)?, self.layer3.map(&self.counters)?];
        (0..maps[0].max_entries())
            .map(|index| {
                let mut values = maps[0].read_per_cpu(index)?;
                values.extend(maps[1].read_per_cpu(index)?);
                Ok(sum(&values))
            })
            .collect()
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

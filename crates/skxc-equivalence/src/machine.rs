//! What runs the object: the interfaces behind which the kernel stands
//! ([`crate::kernel`] has the kernel itself), and the layout of what goes to it
//! and comes back.
//!
//! What must hold: cells and results travel in the byte order of this machine,
//! which is that of its kernel.

use crate::decision::Decision;
use crate::frames::Packet;

/// A member of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// From the start of the struct.
    pub offset_bytes: usize,
    /// 1, 2, 4 or 8.
    pub size_bytes: usize,
    /// Two's complement, or unsigned.
    pub signed: bool,
}

/// Layout of `struct NAME_features` and `struct NAME_result`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Size of `struct NAME_features`, padding included.
    pub features_bytes: usize,
    /// By declared column; none where the program does not read it.
    pub features: Vec<Option<Field>>,
    /// Size of `struct NAME_result`, padding included.
    pub result_bytes: usize,
    /// Class indices, by position among the labels.
    pub labels: Vec<Field>,
    /// By position among the scores.
    pub scores: Vec<Field>,
}

/// Runs `NAME_predict` of an object over vectors.
pub trait BatchRunner {
    /// What can go wrong: no rights, the object does not load.
    type Error;
    /// The results of `vectors` vectors, one `struct NAME_result` after
    /// another; `features` has their `struct NAME_features` in that order.
    ///
    /// # Errors
    /// If the object could not be run.
    fn run(&mut self, vectors: usize, features: &[u8]) -> Result<Vec<u8>, Self::Error>;
}

/// Runs the entry of an object over packets.
pub trait PacketRunner {
    /// What can go wrong: no rights, the object does not load.
    type Error;
    /// The action for one packet, of which all bytes are there.
    ///
    /// # Errors
    /// If the program could not be run.
    fn run(&mut self, packet: &Packet) -> Result<u32, Self::Error>;
    /// Counters summed over CPUs, by index: the classes, then the reasons.
    ///
    /// # Errors
    /// If they could not be read.
    fn counters(&mut self) -> Result<Vec<Counter>, Self::Error>;
}

/// A counter of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Number of frames.
    pub packets: u64,
    /// Bytes of these frames.
    pub bytes: u64,
}

impl Field {
    /// Writes `x`, which the caller knows to fit.
    ///
    /// # Panics
    /// If `x` does not fit: a column's range always fits its member.
    pub fn store(self, bytes: &mut [u8], x: i64) {
        let member = &mut bytes[self.offset_bytes..][..self.size_bytes];
        let wide = x.to_ne_bytes();
        let skipped = if cfg!(target_endian = "big") { 8 - member.len() } else { 0 };
        member.copy_from_slice(&wide[skipped..][..member.len()]);
        assert_eq!(self.load(bytes), x, "a value fits the member made for its range");
    }

    /// Reads the member.
    #[must_use]
    pub fn load(self, bytes: &[u8]) -> i64 {
        let bytes = &bytes[self.offset_bytes..][..self.size_bytes];
        let mut wide = [0; 8];
        if cfg!(target_endian = "big") {
            wide[..bytes.len()].copy_from_slice(bytes);
        } else {
            wide[8 - bytes.len()..].copy_from_slice(bytes);
        }
        // The member now sits in the high bytes: one shift extends it.
        let high = i64::from_ne_bytes(wide);
        let shift = 64 - 8 * bytes.len() as u32;
        if self.signed { high >> shift } else { ((high as u64) >> shift) as i64 }
    }
}

impl Layout {
    /// Appends a `struct NAME_features` with the cells of a row.
    pub fn pack(&self, row: &[i64], features: &mut Vec<u8>) {
        let start = features.len();
        features.resize(start + self.features_bytes, 0);
        for (&cell, field) in row.iter().zip(&self.features) {
            if let Some(field) = field {
                field.store(&mut features[start..], cell);
            }
        }
    }

    /// Reads `struct NAME_result` after `struct NAME_result`.
    pub fn decisions(&self, results: &[u8]) -> impl Iterator<Item = Decision> {
        results.chunks_exact(self.result_bytes).map(|result| Decision {
            labels: self.labels.iter().map(|label| label.load(result) as u32).collect(),
            scores: self.scores.iter().map(|score| score.load(result)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_reads_back_as_it_was_written() {
        for (size_bytes, signed, x) in [
            (1, false, 255),
            (1, true, -128),
            (2, false, 65_535),
            (4, false, 4_294_967_295),
            (4, true, -1),
            (8, true, i64::MIN),
        ] {
            let field = Field { offset_bytes: 3, size_bytes, signed };
            let mut record = [0xaa; 16];
            field.store(&mut record, x);
            assert_eq!(field.load(&record), x);
            assert_eq!((record[2], record[3 + size_bytes]), (0xaa, 0xaa));
        }
    }
}

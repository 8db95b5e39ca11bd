//! What runs the object: the interfaces behind which the kernel stands, and
//! the layout of the records that go to it and come back.
//!
//! What must hold: cells and results travel in the byte order of this machine,
//! which is that of its kernel.

use crate::decision::Decision;

/// A member of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// From the start of the record.
    pub offset_bytes: usize,
    /// 1, 2, 4 or 8.
    pub size_bytes: usize,
    /// Two's complement, or unsigned.
    pub signed: bool,
}

/// Layout of `struct NAME_vector`: features in, label and scores out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Size of a record, padding included.
    pub record_bytes: usize,
    /// By declared column; none where the program does not read it.
    pub features: Vec<Option<Field>>,
    /// Class index.
    pub label: Field,
    /// By position among the scores.
    pub scores: Vec<Field>,
}

/// Runs `NAME_predict` of an object over records.
pub trait BatchRunner {
    /// What can go wrong: no rights, the object does not load.
    type Error;
    /// Fills label and scores of each record in place. `records` is a whole
    /// number of records of the layout it was made for.
    ///
    /// # Errors
    /// If the object could not be run; the contents are then unspecified.
    fn run(&mut self, records: &mut [u8]) -> Result<(), Self::Error>;
}

/// Runs the entry of an object over packets.
pub trait PacketRunner {
    /// What can go wrong: no rights, the object does not load.
    type Error;
    /// The action for one frame.
    ///
    /// # Errors
    /// If the program could not be run.
    fn run(&mut self, frame: &[u8]) -> Result<u32, Self::Error>;
    /// Counters summed over CPUs, by index: the classes, then the reasons.
    ///
    /// # Errors
    /// If they could not be read.
    fn counters(&mut self) -> Result<Vec<Counter>, Self::Error>;
}

/// A counter of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Frames.
    pub packets: u64,
    /// Bytes of these frames.
    pub bytes: u64,
}

impl Field {
    /// Writes `x`, which the caller knows to fit.
    ///
    /// # Panics
    /// If `x` does not fit: a column's range always fits its member.
    pub fn store(self, record: &mut [u8], x: i64) {
        let member = &mut record[self.offset_bytes..][..self.size_bytes];
        let wide = x.to_ne_bytes();
        let skipped = if cfg!(target_endian = "big") { 8 - member.len() } else { 0 };
        member.copy_from_slice(&wide[skipped..][..member.len()]);
        assert_eq!(self.load(record), x, "a value fits the member made for its range");
    }

    /// Reads the member.
    #[must_use]
    pub fn load(self, record: &[u8]) -> i64 {
        let bytes = &record[self.offset_bytes..][..self.size_bytes];
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
    /// Writes the cells of a row that the program reads.
    pub fn pack(&self, row: &[i64], record: &mut [u8]) {
        for (&cell, field) in row.iter().zip(&self.features) {
            if let Some(field) = field {
                field.store(record, cell);
            }
        }
    }

    /// Reads what the program said.
    #[must_use]
    pub fn decision(&self, record: &[u8]) -> Decision {
        Decision {
            label: self.label.load(record) as u32,
            scores: self.scores.iter().map(|score| score.load(record)).collect(),
        }
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

//! Lines of the file of measurements.

use std::error::Error;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// One lowering of one forest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Point of the grid.
    pub(crate) forest: String,
    /// Nodes of the forest.
    pub(crate) nodes: usize,
    /// Tests on the way of a row through all trees, on average.
    pub(crate) tests: f64,
    /// Those of them that go the less likely way of their node: what a branch
    /// predictor misses, about.
    pub(crate) misses: f64,
    /// Name of its lowering.
    pub(crate) lowering: String,
    /// Net nanoseconds of a decision on varying rows, median.
    pub(crate) ns: f64,
    /// Instructions after the verifier, those of the test bench included.
    pub(crate) program_insns: u32,
    /// Instructions that the verifier processed, likewise.
    pub(crate) verified_insns: u32,
    /// Milliseconds of loading.
    pub(crate) load_ms: f64,
    /// Seconds of clang.
    pub(crate) clang_seconds: f64,
}

/// Reads the file; an absent one has no lines.
pub(crate) fn read(path: &Path) -> Result<Vec<Record>, Box<dyn Error>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    Ok(csv::Reader::from_path(path)?.deserialize().collect::<Result<_, _>>()?)
}

/// Writes the file.
pub(crate) fn write(path: &Path, records: &[Record]) -> Result<(), Box<dyn Error>> {
    let mut writer = csv::Writer::from_path(path)?;
    for record in records {
        writer.serialize(record)?;
    }
    Ok(writer.flush()?)
}

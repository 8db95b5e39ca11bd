//! Test vectors made from the integer module itself.
//!
//! [`Inputs`] streams rows over the declared columns, in this order: rows of
//! the caller (CSV, captures), every row there is if there are few, corners of
//! the ranges, then for each tree the way to every leaf and to both sides of
//! every threshold, rows on which a decision or a segment of a function is a
//! close call, then random rows.
//!
//! What must hold:
//! - the same module, options and rows give the same vectors;
//! - memory does not grow with the number of vectors, and time is linear in
//!   the nodes of the model: a chain 10,000 deep is as cheap as 10,000 stumps;
//! - what was aimed at and what was left out is counted ([`Coverage`]), so
//!   that a cap never looks like completeness.

mod close;
mod columns;
mod corners;
mod exhaustive;
mod scatter;
mod trees;

use skxc_ir::{Int, Module};

use close::Close;
use columns::Thresholds;
use corners::Corners;
use exhaustive::Exhaustive;
use scatter::Scatter;
use skxc_ir::random::Random;
use trees::Trees;

/// Where a vector comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A row of a file of the caller.
    Csv,
    /// A packet of a capture, as the parser sees it.
    Capture,
    /// One of all rows there are.
    Exhaustive,
    /// Ends of the ranges, one column at a time and jointly.
    Corner,
    /// Within the box of a leaf, at its ends and inside.
    Leaf,
    /// On either side of a threshold, on the way that leads to it.
    Threshold,
    /// Next to a tie, to a constant that is compared with, or to an end of a
    /// segment of a tabulated function.
    Close,
    /// Drawn: uniform, log-uniform, around thresholds, mixed from given rows.
    Random,
}

impl Kind {
    /// All kinds, in the order of the report.
    pub const ALL: [Self; 8] = [
        Self::Csv,
        Self::Capture,
        Self::Exhaustive,
        Self::Corner,
        Self::Leaf,
        Self::Threshold,
        Self::Close,
        Self::Random,
    ];

    /// Is such a row of the caller?
    #[must_use]
    pub fn is_given(self) -> bool {
        matches!(self, Self::Csv | Self::Capture)
    }

    /// Its name, one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Capture => "capture",
            Self::Exhaustive => "exhaustive",
            Self::Corner => "corner",
            Self::Leaf => "leaf",
            Self::Threshold => "threshold",
            Self::Close => "close",
            Self::Random => "random",
        }
    }
}

/// Rows of one width, each with its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    columns: usize,
    cells: Vec<i64>,
    kinds: Vec<Kind>,
}

impl Rows {
    /// The number of columns of each row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// No rows over so many columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, cells: Vec::new(), kinds: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it has another width.
    pub fn push(&mut self, kind: Kind, row: &[i64]) {
        assert_eq!(row.len(), self.columns, "a row has one cell a column");
        self.cells.extend_from_slice(row);
        self.kinds.push(kind);
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.kinds.clear();
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Has it no rows?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The row at `index`, from 0.
    #[must_use]
    pub fn row(&self, index: usize) -> &[i64] {
        &self.cells[index * self.columns..][..self.columns]
    }

    /// Where the row at `index` comes from.
    #[must_use]
    pub fn kind(&self, index: usize) -> Kind {
        self.kinds[index]
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &[i64])> + Clone {
        (0..self.len()).map(|index| (self.kind(index), self.row(index)))
    }
}

/// How much to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Start of the pseudo-random sequence.
    pub seed: u64,
    /// Number of random rows.
    pub random_rows: u64,
    /// About how many rows to make for leaves and thresholds together. A model
    /// that could use more is sampled evenly, and [`Coverage`] says how much was left out.
    pub tree_rows_max: u64,
    /// If the declared columns have no more rows than this, all are tried.
    pub exhaustive_rows_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, random_rows: 100_000, tree_rows_max: 400_000, exhaustive_rows_max: 1 << 20 }
    }
}

/// What the vectors aimed at reached, counted over the nodes of all trees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Coverage {
    /// Leaves of all trees.
    pub leaves: u64,
    /// Leaves that some vector ends in on purpose.
    pub leaves_reached: u64,
    /// Branches of all trees.
    pub thresholds: u64,
    /// Branches with a vector on either side that passes through them.
    pub thresholds_reached: u64,
    /// Every row of the declared columns was tried.
    pub exhaustive: bool,
}

/// A stage of the stream.
trait Source {
    /// Appends rows until `rows` holds `rows_max` or the stage has no more;
    /// says whether it has.
    fn fill(&mut self, rows: &mut Rows, rows_max: usize) -> bool;
}

/// The stream of vectors for one module.
#[derive(Debug)]
pub struct Inputs {
    given: Given,
    exhaustive: Option<Exhaustive>,
    corners: Corners,
    trees: Trees,
    close: Close,
    scatter: Scatter,
    stage: u8,
}

impl Inputs {
    /// Vectors for `module`; `given` are rows of the caller, which are tried
    /// first and serve as the background of made-up rows.
    ///
    /// # Panics
    /// If `given` has another number of columns than the module.
    #[must_use]
    pub fn new(module: &Module<Int>, given: Rows, options: Options) -> Self {
        assert_eq!(given.columns, module.columns.len(), "given rows have the module's columns");
        let ranges: Vec<_> = module.columns.iter().map(|(_, column)| column.range).collect();
        let mut random = Random::new(options.seed);
        let background = columns::background(&ranges, &given, &mut random);
        let thresholds = Thresholds::of(module);
        Self {
            given: Given { rows: given, next: 0 },
            exhaustive: Exhaustive::new(&ranges, options.exhaustive_rows_max),
            corners: Corners::new(&ranges, &background, random.bits()),
            trees: Trees::new(module, &ranges, &background, options.tree_rows_max, random.bits()),
            close: Close::new(module, &ranges, &background, random.bits()),
            scatter: Scatter::new(
                ranges,
                background,
                thresholds,
                options.random_rows,
                random.bits(),
            ),
            stage: 0,
        }
    }

    /// Replaces the contents of `rows` by the next vectors, at most
    /// `rows_max`; false when there are no more.
    pub fn next_batch(&mut self, rows: &mut Rows, rows_max: usize) -> bool {
        rows.clear();
        // If every row is tried, the trees are walked for the coverage alone.
        while rows.len() < rows_max {
            let more = match (self.stage, &mut self.exhaustive) {
                (0, _) => self.given.fill(rows, rows_max),
                (1, Some(exhaustive)) => exhaustive.fill(rows, rows_max),
                (2, None) => self.corners.fill(rows, rows_max),
                (3, _) => self.trees.fill(rows, rows_max),
                (4, None) => self.close.fill(rows, rows_max),
                (5, None) => self.scatter.fill(rows, rows_max),
                (6.., _) => break,
                _ => false,
            };
            if !more {
                self.stage += 1;
            }
        }
        !rows.is_empty()
    }

    /// What was reached by the vectors handed out so far.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let mut coverage = self.trees.coverage();
        if self.exhaustive.is_some() && self.stage > 1 {
            coverage.exhaustive = true;
        }
        coverage
    }
}

#[derive(Debug)]
struct Given {
    rows: Rows,
    next: usize,
}

impl Source for Given {
    fn fill(&mut self, rows: &mut Rows, rows_max: usize) -> bool {
        while self.next < self.rows.len() && rows.len() < rows_max {
            rows.push(self.rows.kind(self.next), self.rows.row(self.next));
            self.next += 1;
        }
        self.next < self.rows.len()
    }
}

#[cfg(test)]
mod tests;

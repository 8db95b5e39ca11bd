//! Made-up rows that resemble packets: clusters, each of which has some columns
//! fixed, some in a narrow range and some free, and columns of the widths that
//! header fields have.

use skxc_ir::Interval;
use skxc_ir::random::Random;

/// Widths of the columns, in bits.
const NARROW: [u32; 20] = [8, 8, 16, 16, 16, 32, 32, 16, 8, 4, 1, 1, 1, 1, 6, 16, 13, 16, 3, 8];
/// The same, some of them as wide as a column may be.
const WIDE: [u32; 20] = [8, 62, 16, 16, 48, 32, 62, 16, 8, 4, 1, 1, 1, 1, 6, 40, 13, 16, 3, 8];
const CLUSTERS: usize = 40;
/// One row in so many belongs to the other class than its cluster.
const NOISE_ONE_IN: u64 = 40;

/// Where rows come from.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    /// Width of each column, in bits.
    pub(crate) bits: Vec<u32>,
    clusters: Vec<Cluster>,
}

/// Rows of one kind.
#[derive(Clone, Debug)]
struct Cluster {
    ranges: Vec<Interval>,
    class: bool,
}

/// A row with the class it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// One value a column.
    pub(crate) values: Vec<i64>,
    /// What a tree is to learn.
    pub(crate) class: bool,
}

impl Population {
    /// The population of narrow columns, or of wide ones.
    pub(crate) fn new(wide: bool) -> Self {
        let bits = if wide { WIDE } else { NARROW }.to_vec();
        let mut random = Random::new(7);
        let clusters = (0..CLUSTERS).map(|index| Cluster {
            ranges: bits.iter().map(|&bits| range(bits, &mut random)).collect(),
            class: index % 2 == 1,
        });
        let clusters = clusters.collect();
        Self { bits, clusters }
    }

    /// Makes `count` random rows.
    pub(crate) fn rows(&self, seed: u64, count: usize) -> Vec<Row> {
        let mut random = Random::new(seed);
        let row = |_| {
            // Some clusters are far more frequent than others.
            let most = random.below(self.clusters.len() as u64) + 1;
            let cluster = &self.clusters[random.below(most) as usize];
            let values = cluster.ranges.iter().map(|&range| random.within(range)).collect();
            Row { values, class: cluster.class != random.one_in(NOISE_ONE_IN) }
        };
        (0..count).map(row).collect()
    }
}

/// A value, a part or all of what so many bits can hold.
fn range(bits: u32, random: &mut Random) -> Interval {
    let all = Interval::new(0, (1 << bits) - 1);
    match random.below(4) {
        0 => all,
        1 => {
            let (a, b) = (random.log_within(all), random.within(all));
            Interval::new(a.min(b), a.max(b))
        }
        _ => {
            let value = random.log_within(all);
            Interval::new(value, value)
        }
    }
}

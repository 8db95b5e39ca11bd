//! Trees grown on rows: extremely randomized trees (Geurts, Ernst and Wehenkel,
//! "Extremely randomized trees", 2006), which have the balance and the skew of
//! trained ones.

use skxc_ir::random::Random;

use crate::population::{Population, Row};

/// Rows that a tree is grown on.
const ROWS: usize = 20_000;
/// Tests tried at each node.
const TRIES: usize = 5;

/// Trees whose nodes lie in one list, children behind their parents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forest {
    /// Root of each tree.
    pub(crate) roots: Vec<usize>,
    /// The nodes of all levels.
    pub(crate) nodes: Vec<Node>,
}

/// A node of a tree.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node {
    /// A test with two children.
    Branch {
        /// The column that is compared.
        feature: usize,
        /// The way is `yes` up to this value.
        at_most: i64,
        /// The node behind it.
        yes: usize,
        /// The other one.
        no: usize,
    },
    /// The end of a path.
    Leaf {
        /// Any number, which its weights are made of.
        seed: u64,
    },
}

/// Grows `trees` trees of at most `depth` levels. With several `targets`,
/// classes are impure, so that trees get as large as those of many classes.
pub(crate) fn forest(population: &Population, trees: u32, depth: u32, targets: u32) -> Forest {
    let mut forest = Forest::default();
    for tree in 0..trees {
        let seed = u64::from(tree) << 8 | u64::from(targets);
        let rows = population.rows(seed, ROWS);
        grow(&mut forest, &rows, depth, &mut Random::new(seed));
    }
    forest
}

/// A node to be made of some rows.
struct Pending {
    at: usize,
    rows: Vec<u32>,
    levels: u32,
}

fn grow(forest: &mut Forest, rows: &[Row], depth: u32, random: &mut Random) {
    let root = forest.nodes.len();
    forest.roots.push(root);
    forest.nodes.push(Node::Leaf { seed: 0 });
    let mut pending =
        vec![Pending { at: root, rows: (0..).take(rows.len()).collect(), levels: depth }];
    while let Some(Pending { at, rows: here, levels }) = pending.pop() {
        let split = if levels == 0 { None } else { best(rows, &here, random) };
        let Some((feature, at_most)) = split else {
            forest.nodes[at] = Node::Leaf { seed: random.bits() };
            continue;
        };
        let (yes, no) = (forest.nodes.len(), forest.nodes.len() + 1);
        forest.nodes[at] = Node::Branch { feature, at_most, yes, no };
        forest.nodes.extend([Node::Leaf { seed: 0 }; 2]);
        let goes_yes = |&row: &u32| rows[row as usize].values[feature] <= at_most;
        let (left, right) = here.into_iter().partition(goes_yes);
        pending.push(Pending { at: yes, rows: left, levels: levels - 1 });
        pending.push(Pending { at: no, rows: right, levels: levels - 1 });
    }
}

/// The test that separates the classes best of some random ones; none if
/// there is nothing to separate.
fn best(rows: &[Row], here: &[u32], random: &mut Random) -> Option<(usize, i64)> {
    let ones = here.iter().filter(|&&row| rows[row as usize].class).count();
    if ones == 0 || ones == here.len() {
        return None;
    }
    let columns = rows[0].values.len() as u64;
    let mut best: Option<(f64, usize, i64)> = None;
    for _ in 0..4 * TRIES {
        let feature = random.below(columns) as usize;
        let values = || here.iter().map(|&row| rows[row as usize].values[feature]);
        let (min, max) = values().fold((i64::MAX, i64::MIN), |(a, b), x| (a.min(x), b.max(x)));
        if min == max {
            continue;
        }
        let at_most = min + random.below(max.abs_diff(min)) as i64;
        let impurity = impurity(rows, here, feature, at_most);
        if best.is_none_or(|(least, ..)| impurity < least) {
            best = Some((impurity, feature, at_most));
        }
    }
    best.map(|(_, feature, at_most)| (feature, at_most))
}

/// Gini impurity of both sides, weighted with their rows.
fn impurity(rows: &[Row], here: &[u32], feature: usize, at_most: i64) -> f64 {
    let mut counts = [[0.0_f64; 2]; 2];
    for &row in here {
        let row = &rows[row as usize];
        counts[usize::from(row.values[feature] <= at_most)][usize::from(row.class)] += 1.0;
    }
    counts.iter().map(|[a, b]| a * b / (a + b).max(1.0)).sum()
}

//! Direct tables: trees that see little of their features are one look-up.
//!
//! Of a feature with `n` thresholds a tree sees one of `n + 1` ranks. Where the
//! ranks of all features of some trees take few bits together, those bits are the
//! place of the sum in a table. Stumps on one feature, shallow boosted trees and
//! trees over flags share tables; how many trees stand behind one costs nothing.
//!
//! The bits are put together as those of [`bits`](super::bits) are: each feature
//! has rows of masks, and a mask has ones wherever another feature decides.

use std::collections::{BTreeMap, BTreeSet};

use crate::forest::{NodeId, TreeNode};
use crate::lowering::bits::{self, Plan, Policy};
use crate::lowering::cost::{Exceeded, Refusal};
use crate::lowering::target::Target;
use crate::lowering::trees::Trees;

/// Bits of a place: 4096 sums, 32 kB if there is one target.
pub const PLACE_BITS_MAX: u32 = 12;
/// Thresholds that are looked at of one tree.
const THRESHOLDS_MAX: usize = 1 << PLACE_BITS_MAX;

/// Trees behind one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direct {
    /// The trees, as roots.
    pub roots: Vec<NodeId>,
    /// Their features, in order; the first has the lowest bits of the place.
    pub fields: Vec<Field>,
}

/// The bits of one feature within a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Index of the feature in the row of the forest.
    pub feature: u32,
    /// The thresholds of the trees, ascending: the field holds how many of them
    /// lie below the value.
    pub thresholds: Vec<i64>,
    /// Lowest bit.
    pub first: u32,
}

impl Field {
    /// Bits that hold every rank.
    #[must_use]
    pub fn width(&self) -> u32 {
        width(self.thresholds.len())
    }
}

fn width(thresholds: usize) -> u32 {
    usize::BITS - thresholds.leading_zeros()
}

impl Direct {
    /// Bits of a place.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.fields.iter().map(Field::width).sum()
    }

    /// What the trees add together at each place, `targets` sums each. Places
    /// that no row reaches repeat others.
    #[must_use]
    pub fn sums(&self, trees: &Trees<'_>) -> Vec<Vec<i64>> {
        let sums = (0..1_usize << self.width()).map(|place| {
            let mut sums = vec![0; trees.forest.targets as usize];
            for &root in &self.roots {
                self.add(trees, root, place, &mut sums);
            }
            sums
        });
        sums.collect()
    }

    /// Adds the leaf of one tree at a place.
    fn add(&self, trees: &Trees<'_>, root: NodeId, place: usize, sums: &mut [i64]) {
        let mut id = root;
        while let Some((test, yes, no)) = trees.branch(id) {
            let at = self.fields.binary_search_by_key(&test.feature, |field| field.feature);
            let field = &self.fields[at.expect("every feature of the trees has a field")];
            let rank = place >> field.first & ((1 << field.width()) - 1);
            let holds = rank <= field.thresholds.partition_point(|&x| x < test.at_most);
            id = if holds { yes } else { no };
        }
        let TreeNode::Leaf { first, count, .. } = trees.forest.nodes[id as usize] else {
            panic!("node {id} has no test and is a leaf")
        };
        for leaf in trees.forest.leaf_weights(first, count) {
            sums[leaf.target as usize] += leaf.weight;
        }
    }
}

/// The thresholds of one tree by feature; `None` if they are too many.
type Thresholds = BTreeMap<u32, BTreeSet<i64>>;

fn thresholds(trees: &Trees<'_>, root: NodeId) -> Option<Thresholds> {
    let mut found = Thresholds::new();
    let (mut seen, mut pending) = (BTreeSet::from([root]), vec![root]);
    while let Some(id) = pending.pop() {
        let Some((test, yes, no)) = trees.branch(id) else { continue };
        found.entry(test.feature).or_default().insert(test.at_most);
        if seen.len() > 2 * THRESHOLDS_MAX {
            return None;
        }
        pending.extend([yes, no].into_iter().filter(|&kid| seen.insert(kid)));
    }
    Some(found)
}

fn bits_of(thresholds: &Thresholds) -> u32 {
    thresholds.values().map(|of_feature| width(of_feature.len())).sum()
}

fn union(a: &Thresholds, b: &Thresholds) -> Thresholds {
    let mut both = a.clone();
    for (&feature, thresholds) in b {
        both.entry(feature).or_default().extend(thresholds);
    }
    both
}

/// Puts trees behind tables of at most `bits_max` bits, each where it adds the
/// fewest bits; gives back the others, by their place in view, and their bits.
#[must_use]
pub fn group(trees: &Trees<'_>, bits_max: u32) -> (Vec<Direct>, Vec<(usize, u64)>) {
    let mut groups: Vec<(Thresholds, Vec<NodeId>)> = Vec::new();
    let mut others = Vec::new();
    for (at, root) in trees.roots().enumerate() {
        let Some(own) = thresholds(trees, root) else {
            others.push((at, u64::MAX));
            continue;
        };
        let bits = bits_of(&own);
        if bits > bits_max {
            others.push((at, bits.into()));
            continue;
        }
        let joined = groups.iter().enumerate().filter_map(|(group, (thresholds, _))| {
            let both = union(thresholds, &own);
            let bits = bits_of(&both);
            (bits <= bits_max).then(|| (bits - bits_of(thresholds), group, both))
        });
        match joined.min_by_key(|&(added, group, _)| (added, group)) {
            Some((_, group, both)) => {
                groups[group].0 = both;
                groups[group].1.push(root);
            }
            None => groups.push((own, vec![root])),
        }
    }
    (groups.into_iter().map(|(thresholds, roots)| direct(thresholds, roots)).collect(), others)
}

fn direct(thresholds: Thresholds, roots: Vec<NodeId>) -> Direct {
    let mut first = 0;
    let field = |(feature, thresholds): (u32, BTreeSet<i64>)| {
        let thresholds = thresholds.into_iter().collect();
        let field = Field { feature, thresholds, first };
        first += field.width();
        field
    };
    let fields = thresholds.into_iter().map(field).collect();
    Direct { roots, fields }
}

/// Plans direct tables for all trees.
///
/// # Errors
/// [`Refusal`] if a tree sees too much of its features, or the tables or the
/// program exceed a limit.
pub fn plan(trees: &Trees<'_>, target: &Target) -> Result<Plan, Refusal> {
    let (_, others) = group(trees, PLACE_BITS_MAX);
    if let Some(&(at, needs)) = others.first() {
        let (exceeded, allowed) = (Exceeded::PlaceBits, PLACE_BITS_MAX.into());
        let tree = Some(trees.positions[at]);
        return Err(Refusal { exceeded, needs, allowed, tree });
    }
    bits::plan_by(trees, target, Policy { direct_bits_max: PLACE_BITS_MAX, only_direct: true })
}

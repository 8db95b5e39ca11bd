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

use crate::bits::{self, Plan, Policy};
use crate::cost::{Exceeded, Refusal};
use crate::target::Target;
use crate::trees::Trees;
use skxc_ir::forest::{NodeId, TreeNode};

/// Bits of a place: 4096 sums, 32 kB if there is one target.
pub const PLACE_BITS_MAX: u32 = 12;
/// Nodes that are looked at of one tree. Where no test is decided by those before
/// it, each leaf has a place of its own.
const NODES_MAX: usize = 2 << PLACE_BITS_MAX;
/// Tables that a tree is held against, so that the work grows with the trees
/// and not with their square.
const OPEN_MAX: usize = 32;

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
    /// The lowest bit.
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

/// The thresholds of some trees by feature.
type Thresholds = BTreeMap<u32, BTreeSet<i64>>;

/// The thresholds of one tree.
///
/// # Errors
/// The bits of those found so far, if the tree has too many nodes to have few.
fn thresholds(trees: &Trees<'_>, root: NodeId) -> Result<Thresholds, u32> {
    let mut found = Thresholds::new();
    let (mut seen, mut pending) = (BTreeSet::from([root]), vec![root]);
    while let Some(id) = pending.pop() {
        let Some((test, yes, no)) = trees.branch(id) else { continue };
        found.entry(test.feature).or_default().insert(test.at_most);
        if seen.len() > NODES_MAX {
            return Err(bits_of(&found).max(PLACE_BITS_MAX + 1));
        }
        pending.extend([yes, no].into_iter().filter(|&kid| seen.insert(kid)));
    }
    Ok(found)
}

fn bits_of(thresholds: &Thresholds) -> u32 {
    thresholds.values().map(|of_feature| width(of_feature.len())).sum()
}

/// Trees that share a table, while they are grouped.
#[derive(Debug, Default)]
struct Sharing {
    thresholds: Thresholds,
    bits: u32,
    /// The trees, by their place in view.
    trees: Vec<usize>,
}

impl Sharing {
    /// The bits that a tree of thresholds `own` adds; `None` if they are more
    /// than `allowed`.
    fn added(&self, own: &Thresholds, allowed: u32) -> Option<u32> {
        let mut added = 0;
        for (feature, own) in own {
            added += match self.thresholds.get(feature) {
                None => width(own.len()),
                Some(here) => {
                    let more = own.iter().filter(|&threshold| !here.contains(threshold)).count();
                    width(here.len() + more) - width(here.len())
                }
            };
            if added > allowed {
                return None;
            }
        }
        Some(added)
    }

    fn join(&mut self, tree: usize, own: Thresholds, added: u32) {
        for (feature, thresholds) in own {
            self.thresholds.entry(feature).or_default().extend(thresholds);
        }
        self.bits += added;
        self.trees.push(tree);
    }
}

/// What [`group`] makes: tables with their trees by place in view, and the
/// trees that stand behind none, each with the bits that it would take.
pub type Grouped = (Vec<(Direct, Vec<usize>)>, Vec<(usize, u64)>);

/// Puts trees behind tables of at most `bits_max` bits, each where it adds the
/// fewest bits of the [`OPEN_MAX`] tables begun last.
#[must_use]
pub fn group(trees: &Trees<'_>, bits_max: u32) -> Grouped {
    let mut groups: Vec<Sharing> = Vec::new();
    let mut others = Vec::new();
    for (at, root) in trees.roots().enumerate() {
        let own = thresholds(trees, root).and_then(|own| match bits_of(&own) {
            bits if bits > bits_max => Err(bits),
            bits => Ok((own, bits)),
        });
        let (own, bits) = match own {
            Ok(own) => own,
            Err(bits) => {
                others.push((at, bits.into()));
                continue;
            }
        };
        let open = groups.len().saturating_sub(OPEN_MAX);
        let joined = (open..).zip(&groups[open..]).filter_map(|(group, sharing)| {
            sharing.added(&own, bits_max - sharing.bits).map(|added| (added, group))
        });
        let (added, group) = joined.min().unwrap_or((bits, groups.len()));
        if group == groups.len() {
            groups.push(Sharing::default());
        }
        groups[group].join(at, own, added);
    }
    let roots: Vec<NodeId> = trees.roots().collect();
    let table = |sharing: Sharing| {
        let of_table = sharing.trees.iter().map(|&at| roots[at]).collect();
        (direct(sharing.thresholds, of_table), sharing.trees)
    };
    (groups.into_iter().map(table).collect(), others)
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

#[cfg(test)]
mod tests {
    use super::{NODES_MAX, OPEN_MAX, PLACE_BITS_MAX, Sharing, Thresholds, bits_of, group};
    use crate::{Exceeded, Lowering, Options, Target};
    use skxc_ir::testing::int_chain;
    use skxc_ir::validate::Validator;

    fn thresholds(of: &[(u32, &[i64])]) -> Thresholds {
        of.iter().map(|&(feature, of)| (feature, of.iter().copied().collect())).collect()
    }

    #[test]
    fn what_a_tree_adds_is_what_the_union_has_more() {
        let mut sharing = Sharing::default();
        for own in [
            thresholds(&[(0, &[1, 2, 3])]),
            thresholds(&[(0, &[2, 3])]),
            thresholds(&[(0, &[4]), (1, &[7])]),
        ] {
            let added = sharing.added(&own, PLACE_BITS_MAX).expect("it fits");
            sharing.join(0, own, added);
            assert_eq!(sharing.bits, bits_of(&sharing.thresholds));
        }
        assert_eq!(sharing.bits, 4);
        assert_eq!(sharing.added(&thresholds(&[(2, &[1, 2])]), 1), None);
        assert_eq!(sharing.added(&thresholds(&[(2, &[1, 2])]), 2), Some(2));
    }

    #[test]
    fn trees_of_the_same_thresholds_share_one_table() {
        let mut module = int_chain(3);
        for forest in module.forests.handles() {
            module.forests[forest].roots = vec![0; 3 * OPEN_MAX];
            for weight in &mut module.forests[forest].weights {
                weight.weight >>= 8;
            }
        }
        let module = Validator::validate(module).expect("the sums fit");
        let plan = crate::plan(&module, &Options::default()).expect("it fits");
        let value = *plan.forests.keys().next().expect("there is a forest");
        let trees = crate::trees(&module, &plan, value);
        let (tables, others) = group(&trees, PLACE_BITS_MAX);
        assert!(others.is_empty());
        let [(table, of_table)] = tables.as_slice() else { panic!("there is one table") };
        assert_eq!(table.roots.len(), 3 * OPEN_MAX);
        assert_eq!(*of_table, (0..3 * OPEN_MAX).collect::<Vec<usize>>());
    }

    #[test]
    fn the_bits_of_a_large_tree_are_told_as_far_as_they_were_counted() {
        let module = Validator::validate(int_chain(NODES_MAX as u32)).expect("a chain is valid");
        let plan = crate::plan(&module, &Options::default()).expect("it fits");
        let value = *plan.forests.keys().next().expect("there is a forest");
        let trees = crate::trees(&module, &plan, value);
        let refusal = Lowering::Direct.plan(&trees, &Target::default());
        let refusal = refusal.expect_err("it is too large");
        assert_eq!((refusal.exceeded, refusal.tree), (Exceeded::PlaceBits, Some(0)));
        assert_eq!(refusal.needs, u64::from(PLACE_BITS_MAX) + 1);
    }
}

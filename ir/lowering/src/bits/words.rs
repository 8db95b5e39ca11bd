//! Words: what each bit of the ANDed masks stands for.

use std::collections::BTreeSet;

use crate::bits::paths::Path;
use crate::bits::place;
use crate::bits::ranks::Rank;
use crate::direct::Direct;

/// Bits of a word.
pub const WORD_BITS: usize = 64;

/// Neighbouring bits of a word that find one entry of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What the bits are.
    pub kind: Kind,
    /// The lowest bit.
    pub first: u32,
    /// Where its table begins in [`Plan::leaves`](super::Plan::leaves). Lanes of
    /// paths within one word share a table.
    pub table: usize,
}

/// What the bits of a lane are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One bit for each path of a tree, of which one is left.
    Paths(Paths),
    /// The place in the table of some trees.
    Direct(Direct),
}

/// Paths of one tree within one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The paths, on neighbouring bits.
    pub paths: Vec<Path>,
    /// The tree has paths in other words, so that no bit here may be left.
    pub optional: bool,
}

/// Lanes that are ANDed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The lanes, from the lowest bit up.
    pub lanes: Vec<Lane>,
}

impl Kind {
    /// Number of bits; 0 for trees without a test behind one table.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Paths(lane) => lane.paths.len(),
            Self::Direct(direct) => direct.width() as usize,
        }
    }

    fn is_optional(&self) -> bool {
        matches!(self, Self::Paths(Paths { optional: true, .. }))
    }

    fn features(&self) -> BTreeSet<u32> {
        match self {
            Self::Paths(lane) => {
                lane.paths.iter().flat_map(|path| path.bounds.keys().copied()).collect()
            }
            Self::Direct(direct) => direct.fields.iter().map(|field| field.feature).collect(),
        }
    }
}

impl Lane {
    /// The bits of the lane.
    #[must_use]
    pub fn mask(&self) -> u64 {
        match self.kind.width() {
            0 => 0,
            width => (u64::MAX >> (WORD_BITS - width)) << self.first,
        }
    }

    /// By rank of a feature, the bits of the lane that stay.
    fn kept(&self, rank: &Rank) -> Vec<u64> {
        match &self.kind {
            Kind::Paths(lane) => self.paths_kept(lane, rank),
            Kind::Direct(direct) => {
                let field = direct.fields.iter().find(|field| field.feature == rank.feature);
                let Some(field) = field else { return vec![self.mask(); rank.count()] };
                let first = self.first + field.first;
                let others = self.mask() & !(((1 << field.width()) - 1) << first);
                let place = |rank_of_all: usize| match rank_of_all.checked_sub(1) {
                    None => 0,
                    Some(below) => {
                        field.thresholds.partition_point(|&x| x <= rank.thresholds[below])
                    }
                };
                (0..rank.count()).map(|rank| others | (place(rank) as u64) << first).collect()
            }
        }
    }

    fn paths_kept(&self, lane: &Paths, rank: &Rank) -> Vec<u64> {
        let mut now = 0;
        // Bits that come in and go out at each rank.
        let mut changes = vec![0_u64; rank.count() + 1];
        for (bit, path) in (self.first..).zip(&lane.paths) {
            let bit = 1 << bit;
            let Some(bounds) = path.bounds.get(&rank.feature) else {
                now |= bit;
                continue;
            };
            // Above a threshold: ranks beyond its own; at most one: up to its own.
            let from = bounds.above.map_or(0, |above| rank.of(above) + 1);
            let to = bounds.at_most.map_or(rank.count(), |most| rank.of(most) + 1);
            changes[from] ^= bit;
            changes[to] ^= bit;
        }
        let kept = changes[..rank.count()].iter().map(|change| {
            now ^= change;
            now
        });
        kept.collect()
    }
}

impl Word {
    /// The bits of all lanes.
    #[must_use]
    pub fn mask(&self) -> u64 {
        self.lanes.iter().fold(0, |mask, lane| mask | lane.mask())
    }

    /// The features that can clear a bit.
    #[must_use]
    pub fn features(&self) -> BTreeSet<u32> {
        self.lanes.iter().flat_map(|lane| lane.kind.features()).collect()
    }

    /// By rank of a feature, the bits that stay.
    #[must_use]
    pub fn kept(&self, rank: &Rank) -> Vec<u64> {
        let mut all = vec![0; rank.count()];
        for lane in &self.lanes {
            for (all, kept) in all.iter_mut().zip(lane.kept(rank)) {
                *all |= kept;
            }
        }
        all
    }

    /// Has it lanes of paths, with a table of their own?
    #[must_use]
    pub fn has_paths(&self) -> bool {
        self.lanes.iter().any(|lane| matches!(lane.kind, Kind::Paths(_)))
    }

    /// Each path with its place in the table of the word.
    pub fn paths(&self) -> impl Iterator<Item = (usize, &Path)> {
        self.lanes.iter().flat_map(|lane| {
            let paths = match &lane.kind {
                Kind::Paths(lane) => lane.paths.as_slice(),
                Kind::Direct(_) => &[],
            };
            (lane.first..).zip(paths).map(|(bit, path)| (place(1 << bit), path))
        })
    }
}

/// The bits of a word that are in use. The lowest is left out where no bit may
/// be left of a lane, since no bit at all looks up the same entry as the lowest.
#[derive(Clone, Copy, Default)]
struct Used {
    bits: usize,
    optional: bool,
}

impl Used {
    fn with(self, kind: &Kind) -> Self {
        let lowest = kind.is_optional() && !self.optional;
        Self {
            bits: self.bits + kind.width() + usize::from(lowest),
            optional: self.optional || kind.is_optional(),
        }
    }
}

/// Packs trees into words: the widest first, each into the first word with
/// room. A tree of more paths than bits takes several words.
#[must_use]
pub fn pack(trees: Vec<Vec<Path>>, tables: Vec<Direct>) -> Vec<Word> {
    let mut kinds: Vec<Kind> = tables.into_iter().map(Kind::Direct).collect();
    for paths in trees {
        if paths.len() <= WORD_BITS {
            kinds.push(Kind::Paths(Paths { paths, optional: false }));
        } else {
            let chunks = paths.chunks(WORD_BITS - 1).map(<[Path]>::to_vec);
            kinds.extend(chunks.map(|paths| Kind::Paths(Paths { paths, optional: true })));
        }
    }
    // Stable: equally wide ones stay in the order of the model.
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.width()));
    let (mut words, mut used): (Vec<Word>, Vec<Used>) = Default::default();
    for kind in kinds {
        let roomy = used.iter().position(|used| used.with(&kind).bits <= WORD_BITS);
        let at = roomy.unwrap_or(words.len());
        if at == words.len() {
            words.push(Word::default());
            used.push(Used::default());
        }
        used[at] = used[at].with(&kind);
        words[at].lanes.push(Lane { kind, first: 0, table: 0 });
    }
    let mut table = 0;
    for word in &mut words {
        let shared = table;
        table += if word.has_paths() { WORD_BITS } else { 0 };
        let mut bit = u32::from(word.lanes.iter().any(|lane| lane.kind.is_optional()));
        for lane in &mut word.lanes {
            lane.first = bit;
            bit += lane.kind.width() as u32;
            lane.table = shared;
            if let Kind::Direct(direct) = &lane.kind {
                lane.table = table;
                table += 1 << direct.width();
            }
        }
    }
    words
}

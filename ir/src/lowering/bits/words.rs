//! Words: which leaf has which bit.

use crate::lowering::bits::paths::Path;

/// Bits of a word.
pub const WORD_BITS: usize = 64;

/// Paths of one tree within one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The paths, on neighbouring bits.
    pub paths: Vec<Path>,
    /// Lowest bit.
    pub first: u32,
    /// The tree has paths in other words, so that no bit here may be left.
    pub optional: bool,
}

/// Lanes that are ANDed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The lanes, from the lowest bit up.
    pub lanes: Vec<Lane>,
}

impl Lane {
    /// The bits of the lane.
    #[must_use]
    pub fn mask(&self) -> u64 {
        let all = u64::MAX >> (WORD_BITS - self.paths.len());
        all << self.first
    }
}

impl Word {
    /// The bits of all lanes.
    #[must_use]
    pub fn mask(&self) -> u64 {
        self.lanes.iter().fold(0, |mask, lane| mask | lane.mask())
    }

    /// Each path with its bit.
    pub fn paths(&self) -> impl Iterator<Item = (u32, &Path)> {
        self.lanes.iter().flat_map(|lane| (lane.first..).zip(&lane.paths))
    }

    /// Bits in use; the lowest is left out where no bit may be left of a lane,
    /// since no bit at all looks up the same entry as the lowest.
    fn used(&self) -> usize {
        let optional = self.lanes.iter().any(|lane| lane.optional);
        usize::from(optional) + self.lanes.iter().map(|lane| lane.paths.len()).sum::<usize>()
    }

    fn takes(&self, paths: usize, optional: bool) -> bool {
        let lowest = optional && !self.lanes.iter().any(|lane| lane.optional);
        self.used() + paths + usize::from(lowest) <= WORD_BITS
    }
}

/// Packs the paths of trees into words: the largest first, each into the first
/// word with room. A tree of more paths than bits takes several words.
#[must_use]
pub fn pack(trees: Vec<Vec<Path>>) -> Vec<Word> {
    let mut lanes: Vec<(Vec<Path>, bool)> = Vec::new();
    for paths in trees {
        if paths.len() <= WORD_BITS {
            lanes.push((paths, false));
        } else {
            lanes.extend(paths.chunks(WORD_BITS - 1).map(|chunk| (chunk.to_vec(), true)));
        }
    }
    // Stable: equally large ones stay in the order of the model.
    lanes.sort_by_key(|(paths, _)| std::cmp::Reverse(paths.len()));
    let mut words: Vec<Word> = Vec::new();
    for (paths, optional) in lanes {
        let roomy = words.iter().position(|word| word.takes(paths.len(), optional));
        let at = roomy.unwrap_or_else(|| {
            words.push(Word::default());
            words.len() - 1
        });
        words[at].lanes.push(Lane { paths, first: 0, optional });
    }
    for word in &mut words {
        let mut bit = u32::from(word.lanes.iter().any(|lane| lane.optional));
        for lane in &mut word.lanes {
            lane.first = bit;
            bit += lane.paths.len() as u32;
        }
    }
    words
}

//! The shapes by name: the one list of lowerings of trees. Each variant stands for a
//! file of this folder and one of the back end.

use std::fmt;
use std::str::FromStr;

use crate::cost::{Cost, Refusal};
use crate::linear::MapLowering;
use crate::perfect::Format;
use crate::target::Target;
use crate::trees::Trees;
use crate::{bits, branch, direct, perfect, walk};
use skxc_ir::module::{Int, Module};

/// A lowering: a shape of program that trees can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lowering {
    /// Each tree as nested ifs.
    Branch,
    /// Tables and an interleaved walk.
    Walk,
    /// Tables of padded trees and an interleaved walk.
    Perfect,
    /// The same in half the bytes, with ranks of wide features.
    Ranked,
    /// Bit vectors of paths.
    Bits,
    /// Tables of sums, by ranks.
    Direct,
}

/// Trees as one shape, planned: tables, order, cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeCode {
    /// Code of [`Lowering::Branch`].
    Branch(branch::Plan),
    /// Code of [`Lowering::Walk`].
    Walk(walk::Plan),
    /// Code of [`Lowering::Perfect`].
    Perfect(perfect::Plan),
    /// Code of [`Lowering::Ranked`].
    Ranked(perfect::Plan),
    /// Code of [`Lowering::Bits`].
    Bits(bits::Plan),
    /// Code of [`Lowering::Direct`].
    Direct(bits::Plan),
}

impl Lowering {
    /// All of them, in the order in which they are tried and shown.
    pub const ALL: [Self; 6] =
        [Self::Branch, Self::Walk, Self::Perfect, Self::Ranked, Self::Bits, Self::Direct];

    /// As on the command line and in manifests: one lower-case word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Walk => "walk",
            Self::Perfect => "perfect",
            Self::Ranked => "ranked",
            Self::Bits => "bits",
            Self::Direct => "direct",
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Branch => "branch code",
            Self::Walk => "a table walk",
            Self::Perfect => "a walk of padded trees",
            Self::Ranked => "a walk of padded trees by rank",
            Self::Bits => "bit vectors",
            Self::Direct => "direct tables",
        }
    }

    /// Plans trees as this shape.
    ///
    /// # Errors
    /// [`Refusal`] if the shape cannot take them, or the target cannot take it.
    pub fn plan(self, trees: &Trees<'_>, target: &Target) -> Result<TreeCode, Refusal> {
        match self {
            Self::Branch => branch::plan(trees, target).map(TreeCode::Branch),
            Self::Walk => walk::plan(trees, target).map(TreeCode::Walk),
            Self::Perfect => perfect::plan(trees, target, Format::Word).map(TreeCode::Perfect),
            Self::Ranked => perfect::plan(trees, target, Format::Half).map(TreeCode::Ranked),
            Self::Bits => bits::plan(trees, target).map(TreeCode::Bits),
            Self::Direct => direct::plan(trees, target).map(TreeCode::Direct),
        }
    }
}

impl TreeCode {
    /// What it costs.
    #[must_use]
    pub fn cost(&self) -> Cost {
        match self {
            Self::Branch(plan) => plan.cost,
            Self::Walk(plan) => plan.cost,
            Self::Perfect(plan) | Self::Ranked(plan) => plan.cost,
            Self::Bits(plan) | Self::Direct(plan) => plan.cost,
        }
    }

    /// Which lowering it is of.
    #[must_use]
    pub fn lowering(&self) -> Lowering {
        match self {
            Self::Branch(_) => Lowering::Branch,
            Self::Walk(_) => Lowering::Walk,
            Self::Perfect(_) => Lowering::Perfect,
            Self::Ranked(_) => Lowering::Ranked,
            Self::Bits(_) => Lowering::Bits,
            Self::Direct(_) => Lowering::Direct,
        }
    }
}

/// What the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The rule of [`select`](crate::select).
    #[default]
    Auto,
    /// One lowering for all trees; linear maps as by the rule.
    Only(Lowering),
    /// One lowering for all linear maps that it takes; trees as by the rule.
    Maps(MapLowering),
}

impl Choice {
    /// `auto`, then all lowerings.
    pub fn all() -> impl Iterator<Item = Self> {
        let trees = Lowering::ALL.into_iter().map(Self::Only);
        std::iter::once(Self::Auto).chain(trees).chain(MapLowering::ALL.map(Self::Maps))
    }

    /// Those that may differ for a module: `auto`, and the lowerings of what it has.
    pub fn of(module: &Module<Int>) -> impl Iterator<Item = Self> {
        let (has_trees, has_maps) = (!module.forests.is_empty(), !module.matrices.is_empty());
        Self::all().filter(move |choice| match choice {
            Self::Auto => true,
            Self::Only(_) => has_trees,
            Self::Maps(_) => has_maps,
        })
    }

    /// The lowering that is wanted for trees, if one is.
    #[must_use]
    pub fn of_trees(self) -> Option<Lowering> {
        match self {
            Self::Only(lowering) => Some(lowering),
            Self::Auto | Self::Maps(_) => None,
        }
    }

    /// The lowering that is wanted for linear maps, if one is.
    #[must_use]
    pub fn of_maps(self) -> Option<MapLowering> {
        match self {
            Self::Maps(lowering) => Some(lowering),
            Self::Auto | Self::Only(_) => None,
        }
    }

    /// As on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Only(lowering) => lowering.name(),
            Self::Maps(lowering) => lowering.name(),
        }
    }
}

/// Lowerings that are not chosen, such as those that a compiler refused. What is
/// asked for by name is planned all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenUp {
    trees: [bool; Lowering::ALL.len()],
    maps: [bool; MapLowering::ALL.len()],
}

impl GivenUp {
    /// With one more; [`Choice::Auto`] adds nothing.
    #[must_use]
    pub fn with(mut self, choice: Choice) -> Self {
        match choice {
            Choice::Auto => {}
            Choice::Only(lowering) => self.trees[lowering as usize] = true,
            Choice::Maps(lowering) => self.maps[lowering as usize] = true,
        }
        self
    }

    /// Is a lowering of trees among them?
    #[must_use]
    pub fn has(self, lowering: Lowering) -> bool {
        self.trees[lowering as usize]
    }

    /// The lowering that is left for linear maps, if one is given up.
    #[must_use]
    pub fn left_of_maps(self) -> Option<MapLowering> {
        let is_left = |&lowering: &MapLowering| !self.maps[lowering as usize];
        if self.maps.contains(&true) { MapLowering::ALL.into_iter().find(is_left) } else { None }
    }
}

impl FromIterator<Choice> for GivenUp {
    fn from_iter<I: IntoIterator<Item = Choice>>(choices: I) -> Self {
        choices.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Display for Lowering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text is not the name of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a lowering is one of {}", names())]
pub struct UnknownChoice;

fn names() -> String {
    Choice::all().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ")
}

impl FromStr for Choice {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all().find(|choice| choice.name() == text).ok_or(UnknownChoice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        assert!(Choice::all().all(|choice| choice.name().parse() == Ok(choice)));
        assert_eq!("nested".parse::<Choice>(), Err(UnknownChoice));
        assert!(UnknownChoice.to_string().starts_with("a lowering is one of `auto`, `branch`"));
    }
}

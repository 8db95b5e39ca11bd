//! Which lowering a forest gets.
//!
//! The rule for `auto`: of the lowerings that fit the limits, the one whose
//! predicted time is least. In measured terms that is branch code for a lone
//! tree and for a few deep uneven ones, and the table walk for everything else:
//! branch code reads only what is on its way but mispredicts, and how often
//! depends on the traffic, an attacker's included; a walk takes the same time
//! for every packet, hides the latency of one tree behind fifteen others, and
//! must step every tree as deep as the deepest of its group.
//!
//! Measured on Linux 6.18 (clang 19, JIT, Zen 4), ns per decision of
//! `NAME_batch`, 5 of which are its own; "rows" are recorded packets in random
//! order, "noise" is uniform over the range of every feature:
//!
//! | trees | branch, rows | branch, noise | walk, rows | walk, noise |
//! |---|---|---|---|---|
//! | 1, depth 4 or 5 | 17 | 22 | 20 | 14 |
//! | 1, unlimited | 21 | | 97 | |
//! | 5, unlimited | 48 | | 137 | |
//! | 10, depth 6 | | 187 | | 50 |
//! | 10, depth 8 | 52 | | 70 | |
//! | 100, depth 6 | | | | 430 |
//! | 100, depth 10 | | | 734 | 878 |
//! | 100, unlimited | | | 1626 | 1928 |

use std::fmt;
use std::str::FromStr;

use crate::lowering::cost::{Limits, Refusal};
use crate::lowering::trees::Trees;
use crate::lowering::{ForestPlan, branch, walk};

/// What the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The rule of this module.
    #[default]
    Auto,
    /// Nested ifs.
    Branch,
    /// Tables and an interleaved walk.
    Walk,
}

/// Why each lowering that was asked for cannot take the forest.
pub type Refusals = Vec<(Choice, Refusal)>;

/// Plans one forest.
///
/// # Errors
/// Every lowering tried, with its [`Refusal`].
pub fn select(trees: &Trees<'_>, choice: Choice, limits: &Limits) -> Result<ForestPlan, Refusals> {
    let branch = || branch::plan(trees, limits).map(ForestPlan::Branch);
    let walk = || walk::plan(trees, limits).map(ForestPlan::Walk);
    match choice {
        Choice::Branch => branch().map_err(|refusal| vec![(Choice::Branch, refusal)]),
        Choice::Walk => walk().map_err(|refusal| vec![(Choice::Walk, refusal)]),
        Choice::Auto => match (branch(), walk()) {
            (Ok(branch), Ok(walk)) => {
                let branch_wins = branch.cost().tenth_ns <= walk.cost().tenth_ns;
                Ok(if branch_wins { branch } else { walk })
            }
            (Ok(plan), Err(_)) | (Err(_), Ok(plan)) => Ok(plan),
            (Err(branch), Err(walk)) => Err(vec![(Choice::Branch, branch), (Choice::Walk, walk)]),
        },
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Branch => "branch",
            Self::Walk => "walk",
        })
    }
}

/// The text is not the name of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a lowering is one of `auto`, `branch`, `walk`")]
pub struct UnknownChoice;

impl FromStr for Choice {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Auto, Self::Branch, Self::Walk];
        all.into_iter().find(|choice| choice.to_string() == text).ok_or(UnknownChoice)
    }
}

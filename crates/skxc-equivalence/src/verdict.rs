//! Verdicts: what may be said after looking.
//!
//! What must hold: testing never says "equivalent". Only a comparison that
//! tried every row there is says [`Verdict::Proven`], and what could not be
//! tried is [`Verdict::Inconclusive`], never a pass.

use std::fmt;

use crate::frames::Packet;
use crate::inputs::Kind;

/// The outcome of one comparison.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Every row of the declared columns was tried and none differs.
    Proven,
    /// Nothing differs in what was tried.
    NoMismatch {
        /// How many rows or packets were tried.
        vectors: u64,
    },
    /// The two sides differ.
    Refuted {
        /// The first difference, made as plain as possible.
        counterexample: Box<Counterexample>,
    },
    /// Nothing can be said.
    Inconclusive {
        /// Reason for the missing answer.
        reason: Reason,
    },
}

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// There was nothing to try.
    NoVectors,
    /// The model has no output of kind label and no score to compare.
    NoDecision,
    /// The witness does not implement what the model uses.
    NotImplemented,
    /// Labels differ where no bound on the scores behind them is known, so that
    /// either may be right.
    NoBound,
    /// A result of the model is not a number in any row.
    NotANumber,
    /// A number may be off by as much as it can differ from row to row, going by
    /// what is proven: no two numbers would differ by more.
    WideBound,
    /// The 128 bits of exact arithmetic do not tell how far a number is off.
    WideEnclosure,
    /// The comparison was not asked for.
    NotRun,
}

/// Which two things were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// ONNX semantics against the integer module.
    Model,
    /// The integer module against the object, vector by vector.
    Object,
    /// Parser and integer module against the whole program, packet by packet.
    Packets,
    /// The trainer's own labels against the integer module.
    Expected,
    /// The independent implementation of ONNX against ONNX semantics.
    Oracle,
}

/// An input on which the two sides differ.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Counterexample {
    /// What was compared.
    pub comparison: Comparison,
    /// Where the input came from before it was made plain.
    pub kind: Kind,
    /// Cells by declared column; of a packet, as the parser reads them (empty
    /// if it cannot be classified).
    pub row: Vec<i64>,
    /// The packet, if whole packets were compared.
    #[serde(serialize_with = "bytes")]
    pub frame: Option<Packet>,
    /// Position of the row or packet in the file of the caller, from 0, if
    /// that is where it came from.
    pub index: Option<u64>,
    /// The label or score that differs.
    pub part: Part,
    /// What the first side says.
    pub expected: String,
    /// What the second side says.
    pub got: String,
}

/// Only the bytes of a packet are reported.
fn bytes<S: serde::Serializer>(frame: &Option<Packet>, to: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&frame.as_ref().map(|packet| &packet.data), to)
}

/// The part of a result that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The label, or that at this position where a model has several.
    Label(Option<u32>),
    /// A score, by its position among the scores.
    Score(u32),
    /// The verdict of the program on a packet.
    Action,
    /// The counters of the program.
    Counter,
}

impl Part {
    /// The label at `index` of so many.
    #[must_use]
    pub fn label(index: usize, labels: usize) -> Self {
        Self::Label((labels > 1).then_some(index as u32))
    }
}

impl Verdict {
    /// The verdict after `vectors` trials: `exhaustive` says that these were
    /// all there are, `counterexample` is the first difference.
    #[must_use]
    pub fn of(vectors: u64, exhaustive: bool, counterexample: Option<Counterexample>) -> Self {
        match counterexample {
            Some(found) => Self::Refuted { counterexample: Box::new(found) },
            None if vectors == 0 => Self::Inconclusive { reason: Reason::NoVectors },
            None if exhaustive => Self::Proven,
            None => Self::NoMismatch { vectors },
        }
    }

    /// The difference, if there is one.
    #[must_use]
    pub fn counterexample(&self) -> Option<&Counterexample> {
        match self {
            Self::Refuted { counterexample } => Some(counterexample),
            Self::Proven | Self::NoMismatch { .. } | Self::Inconclusive { .. } => None,
        }
    }

    /// Nothing differs, and something was tried.
    #[must_use]
    pub fn passed(&self) -> bool {
        matches!(self, Self::Proven | Self::NoMismatch { .. })
    }
}

/// A phrase that follows the name of a comparison and a colon.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven => f.write_str("proven: every input was tried"),
            Self::NoMismatch { vectors: 1 } => f.write_str("no mismatch in 1 vector"),
            Self::NoMismatch { vectors } => write!(f, "no mismatch in {vectors} vectors"),
            Self::Refuted { .. } => f.write_str("refuted"),
            Self::Inconclusive { reason } => write!(f, "inconclusive: {reason}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoVectors => "there was nothing to try",
            Self::NoDecision => "the model has neither a label nor a score",
            Self::NotImplemented => "the witness does not implement the operators of the model",
            Self::NoBound => "labels differ, and no bound tells which is right",
            Self::NotANumber => "a result of the model is not a number in any row",
            Self::WideEnclosure => {
                "128 bits of exact arithmetic do not tell how far a number is off"
            }
            Self::WideBound => "the bound on a number is as large as the range of that number",
            Self::NotRun => "not run",
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "model against integer IR",
            Self::Object => "integer IR against object",
            Self::Packets => "parser and integer IR against program",
            Self::Expected => "trainer's labels against integer IR",
            Self::Oracle => "witness against ONNX semantics",
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(None) => f.write_str("label"),
            Self::Label(Some(index)) => write!(f, "label {index}"),
            Self::Score(index) => write!(f, "score {index}"),
            Self::Action => f.write_str("action"),
            Self::Counter => f.write_str("counter"),
        }
    }
}

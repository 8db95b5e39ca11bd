//! What stands in the way of integers, and what the user is told of it.

use skxc_diagnostics::{Diagnostic, GraphListing, codes};

use skxc_ir::analysis::univariate::{NotTabled, RUNS_MAX};
use skxc_ir::limits::CLASSES_MAX;
use skxc_ir::origin::OnnxNode;
use skxc_ir::types::Type;

/// What stands in the way of integers.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuantizeError {
    /// A forest reads what is no function of one column; its tests cannot
    /// become tests on columns.
    #[error("the trees of `{node}` read what `{by}` ({op}) makes of more than one input column")]
    ComputedFeatures {
        /// The ONNX node.
        node: OnnxNode,
        /// The ONNX node that brings the columns together, or is made of trees.
        by: OnnxNode,
        /// Name of its operation.
        op: &'static str,
    },
    /// A forest reads a function of one column whose tests are on no set of
    /// integers that can be found, or on one of too many runs.
    #[error("the trees of `{node}` read a function of `{column}` that {}", not_tabled(*.reason))]
    UntabledFeature {
        /// The ONNX node.
        node: OnnxNode,
        /// Name of the column.
        column: String,
        /// What is wrong with the function.
        reason: NotTabled,
    },
    /// A decision about a function of one column, of which the same is true.
    #[error("`{node}` ({op}) decides on a function of `{column}` that {}", not_tabled(*.reason))]
    UntabledDecision {
        /// The ONNX node.
        node: OnnxNode,
        /// Name of its operation.
        op: &'static str,
        /// Name of the column.
        column: String,
        /// What is wrong with the function.
        reason: NotTabled,
    },
    /// An operation has no integer form.
    #[error("`{node}` ({op} of {operand}) has no integer form")]
    NoIntegerForm {
        /// The ONNX node.
        node: OnnxNode,
        /// Name of the operation.
        op: &'static str,
        /// Type of its operand.
        operand: Type,
    },
    /// An operation gives what is no number, whatever the inputs.
    #[error("`{node}` ({op}) is never a number: what it takes of `{by}` is always 0")]
    NeverANumber {
        /// The ONNX node.
        node: OnnxNode,
        /// Name of the operation.
        op: &'static str,
        /// The ONNX node that makes the 0.
        by: OnnxNode,
    },
    /// An operation computes with a column that can be missing, which is no number.
    #[error("`{node}` ({op}) computes with `{column}`, which can be missing")]
    Missing {
        /// The ONNX node.
        node: OnnxNode,
        /// Name of the operation.
        op: &'static str,
        /// Name of the column.
        column: String,
    },
    /// The weights are so large that not even their integer part fits.
    #[error("sums of `{node}` reach {magnitude:e}, beyond 2^62")]
    TooLarge {
        /// The ONNX node.
        node: OnnxNode,
        /// Bound on the magnitude of a sum.
        magnitude: f64,
    },
    /// More classes or sums than a program can have.
    #[error("the program would have {found} {what}; at most {CLASSES_MAX} are allowed")]
    TooMany {
        /// The things that are counted.
        what: &'static str,
        /// Number that was found.
        found: usize,
    },
}

impl QuantizeError {
    /// What the user is told, with places in the listing of the graph.
    #[must_use]
    pub fn diagnostic(&self, listing: Option<&GraphListing>) -> Diagnostic {
        let message = self.to_string();
        let diagnostic = match self {
            Self::ComputedFeatures { .. } => Diagnostic::error(codes::COMPUTED_FEATURES, message)
                .note("a test of a function of one column is an exact set of integers, a test of several is none")
                .help("train the trees on the columns, each scaled or binned on its own if it must be"),
            Self::UntabledFeature { .. } => Diagnostic::error(codes::COMPUTED_FEATURES, message)
                .note(runs_note())
                .help("train the trees on the raw column, or give it a smaller range"),
            Self::UntabledDecision { .. } => Diagnostic::error(codes::NO_INTEGER_FORM, message)
                .note(runs_note())
                .help("give the column a smaller range, or decide on the column itself"),
            Self::NoIntegerForm { .. } => Diagnostic::error(codes::NO_INTEGER_FORM, message)
                .note("fixed point takes a form of the operation on integers, and bounds on what it reads and gives")
                .help("see `skxc inspect` for what each part of the model becomes"),
            Self::NeverANumber { .. } => Diagnostic::error(codes::NEVER_A_NUMBER, message)
                .note("a quotient by 0 is NaN or infinite in the model, and no integer")
                .help("leave the result out of the exported graph; `skxc inspect --listing` prints it"),
            Self::Missing { .. } => Diagnostic::error(codes::NO_INTEGER_FORM, message)
                .note("a missing value is NaN in the model, and no integer")
                .help("impute it first, or declare the feature without a missing value"),
            Self::TooLarge { .. } => Diagnostic::error(codes::SUM_TOO_LARGE, message)
                .note("sums are 64-bit integers; 62 bits hold the magnitude")
                .help("rescale the targets before training"),
            Self::TooMany { .. } => Diagnostic::error(codes::LIMIT_EXCEEDED, message)
                .help("train with fewer classes or targets"),
        };
        self.mark(diagnostic, listing)
    }

    /// Points a diagnostic at the nodes that this is about, if the listing has them.
    #[must_use]
    pub fn mark(&self, to: Diagnostic, listing: Option<&GraphListing>) -> Diagnostic {
        match self {
            Self::ComputedFeatures { node, by, .. } => {
                by.mark_context(node.mark(to, listing, ""), listing, "several columns meet here")
            }
            Self::NeverANumber { node, by, .. } => {
                by.mark_context(node.mark(to, listing, ""), listing, "always 0")
            }
            Self::UntabledFeature { node, .. }
            | Self::UntabledDecision { node, .. }
            | Self::NoIntegerForm { node, .. }
            | Self::Missing { node, .. }
            | Self::TooLarge { node, .. } => node.mark(to, listing, ""),
            Self::TooMany { .. } => to,
        }
    }
}

fn runs_note() -> String {
    format!(
        "a decision about one column becomes at most {RUNS_MAX} runs of integers, found by search \
         where the function is monotone, and else by trying as many as 16 bits hold"
    )
}

fn not_tabled(reason: NotTabled) -> &'static str {
    match reason {
        NotTabled::Runs => "goes up and down too often",
        NotTabled::Search => "is not monotone over a range too large to try",
        NotTabled::Size => "has too many operations",
        NotTabled::NoInteger => "makes an integer of NaN, or of a number beyond 64 bits",
    }
}

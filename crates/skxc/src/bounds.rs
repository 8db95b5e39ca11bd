//! Bounds that the user sets: `--max FIGURE=N` on a figure of the program,
//! `--max-error E` on the error of its scores, `--precision BITS` on the size of
//! its numbers.

use std::str::FromStr;

use clap::ValueEnum;
use serde::{Deserialize as _, Deserializer};
use skxc_backend_bpf::KernelVersion;
use skxc_bpf::{Error, missing_capabilities};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};

use crate::kernel;
use crate::manifest::{CostEntry, Manifest, OutputEntry};
use crate::options::Options;
use crate::reports::small;
use crate::results::Results;
use crate::session::{Exit, Session, Stop};

/// A bound that the user sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The figure that is bounded.
    pub(crate) figure: Figure,
    /// Its greatest allowed value.
    pub(crate) at_most: u64,
}

/// A figure of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Figure {
    /// Instructions that the verifier processes: counted where the object can be loaded
    VerifierInsns,
    /// Bytes of tables
    TableBytes,
    /// Predicted nanoseconds of a decision
    DecisionNs,
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "wanted FIGURE=N with FIGURE one of verifier-insns, table-bytes, decision-ns";
        let (figure, number) = text.split_once('=').ok_or(wanted)?;
        let figure = <Figure as ValueEnum>::from_str(figure, true).map_err(|_| wanted)?;
        let at_most = number.parse().map_err(|_| format!("`{number}` is not a whole number"))?;
        Ok(Self { figure, at_most })
    }
}

/// Instructions that the verifier of this kernel processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// Number of instructions.
    pub(crate) insns: u64,
    /// Release of the kernel.
    pub(crate) kernel: String,
}

/// What the verifier of this kernel makes of an object, if one of the bounds is on
/// that; nothing where it cannot be counted: without the privilege to load, before
/// Linux 5.16, and of a program for newer kernels that this one refuses.
///
/// # Errors
/// [`Stop`] if the kernel is one that the program is made for, and refuses it.
pub(crate) fn verified(
    bounds: &[Bound],
    object: &[u8],
    manifest: &Manifest,
) -> Result<Option<Verified>, Stop> {
    if !bounds.iter().any(|bound| bound.figure == Figure::VerifierInsns) {
        return Ok(None);
    }
    let release = skxc_bpf::Probe::new().kernel.unwrap_or_default();
    let version: Option<KernelVersion> = release.parse().ok();
    let is_meant = version.is_some_and(|version| version >= manifest.options.kernel_version());
    match kernel::verified_insns(object, manifest) {
        Ok(0) => Ok(None),
        Ok(insns) => Ok(Some(Verified { insns: insns.into(), kernel: release })),
        // Without CAP_PERFMON the verifier refuses what it takes otherwise.
        Err(error @ Error::Refused { .. }) if is_meant && missing_capabilities().is_empty() => {
            Err(kernel::failure("count what the verifier processes", &error))
        }
        Err(_) => Ok(None),
    }
}

/// Says of each bound what the program takes and whether that is measured or
/// predicted, and reports those that it exceeds, if any.
pub(crate) fn exceeded(
    session: &Session,
    bounds: &[Bound],
    cost: &CostEntry,
    verified: Option<&Verified>,
) -> Option<Exit> {
    let mut problems = Vec::new();
    for bound in bounds {
        let (name, predicted) = match bound.figure {
            Figure::VerifierInsns => ("instructions for the verifier", cost.verifier_insns),
            Figure::TableBytes => ("bytes of tables", cost.table_bytes),
            Figure::DecisionNs => ("nanoseconds a decision", cost.decision_ns),
        };
        let verified = verified.filter(|_| bound.figure == Figure::VerifierInsns);
        let found = verified.map_or(predicted, |verified| verified.insns);
        let allowed = bound.at_most;
        let source = match (bound.figure, verified) {
            (_, Some(Verified { kernel, .. })) => {
                format!("measured on Linux {kernel}; {predicted} were predicted")
            }
            (Figure::VerifierInsns, None) => {
                "predicted; it is measured where an object is made and can be loaded".to_owned()
            }
            (Figure::TableBytes | Figure::DecisionNs, None) => "predicted".to_owned(),
        };
        if found <= allowed {
            session.say(format_args!("{found} {name} of {allowed} allowed: {source}"));
            continue;
        }
        let message = format!("the program takes {found} {name}; {allowed} are allowed");
        problems.push(
            Diagnostic::error(codes::BOUND_EXCEEDED, message)
                .note(format!("the figure is {source}"))
                .help("a smaller model, or another `--lowering`"),
        );
    }
    session.report(&problems);
    (!problems.is_empty()).then_some(Exit::Refuted)
}

/// Reports the scores and predictions that may be off by more than `most`, if
/// any: of each output the worst.
pub(crate) fn errors_exceeded(
    session: &Session,
    most: Option<f64>,
    manifest: &Manifest,
) -> Option<Exit> {
    let most = most?;
    let mut problems = Vec::new();
    for output in &manifest.outputs {
        let bounds = output.error_max.iter().map(|bound| bound.unwrap_or(f64::INFINITY));
        let worst = bounds.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((index, bound)) = worst.filter(|&(_, bound)| bound > most) else { continue };
        let name = score_name(output, index);
        let message = match bound {
            f64::INFINITY => format!("no bound on the error of {name} is known"),
            _ => format!("{name} may be off by {}", small(bound)),
        };
        problems.push(
            Diagnostic::error(
                codes::ERROR_EXCEEDED,
                format!("{message}; {} is allowed", small(most)),
            )
            .note("the bound is proven, against exact arithmetic on the weights of the model")
            .help(remedy(&manifest.options)),
        );
    }
    session.report(&problems);
    (!problems.is_empty()).then_some(Exit::Refuted)
}

/// A score as messages name it.
pub(crate) fn score_name(output: &OutputEntry, index: usize) -> String {
    let name = escape_to_one_line(&output.name);
    match output.elements {
        1 => format!("`{name}`"),
        _ => format!("element {index} of `{name}`"),
    }
}

fn remedy(options: &Options) -> &'static str {
    match options {
        Options { precision: Some(_), .. } => "leave `--precision` out, or give it more bits",
        Options { output: Results::Score, .. } => {
            "`--output raw` gives the sums behind the scores, which are more precise"
        }
        _ => {
            "scale the columns before training, so that weights are of one magnitude, or give columns smaller ranges"
        }
    }
}

/// Reads the bits of `--precision` from a project file or a manifest.
pub(crate) fn precision<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u8>, D::Error> {
    match u8::deserialize(from)? {
        bits @ 1..=62 => Ok(Some(bits)),
        _ => Err(serde::de::Error::custom("wanted 1 to 62 bits")),
    }
}

/// Reads the value of `--max-error` from a project file.
pub(crate) fn error_max<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    checked_error(f64::deserialize(from)?).map(Some).map_err(serde::de::Error::custom)
}

/// Reads the value of `--max-error` from the command line.
pub(crate) fn parse_error_max(text: &str) -> Result<f64, String> {
    let number = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    checked_error(number).map_err(str::to_owned)
}

fn checked_error(error: f64) -> Result<f64, &'static str> {
    if error >= 0.0 { Ok(error) } else { Err("wanted a number that is not below 0") }
}

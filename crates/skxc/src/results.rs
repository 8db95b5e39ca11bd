//! What a program is asked to give: which of the scores, a decision by a
//! threshold, and the ranges that a prediction is divided into.
//!
//! What must hold: what changes the meaning of a model is done here, before any
//! pass, so that every engine and every comparison works on the same outputs.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use skxc_diagnostics::{Diagnostic, GraphListing, codes, escape_to_one_line};
use skxc_ir::{Module, OutputKind, Real, ScoreKind, Value};
use skxc_passes::intervals::label_intervals;
use skxc_passes::pipeline::drop_refused_scores;
use skxc_passes::quantize::QuantizeError;
use skxc_passes::raw_scores::give_raw_scores;

use crate::cli::Hook;
use crate::config::Project;
use crate::options::Options;
use crate::prediction::label_columns;
use crate::ranges::{Division, Range, divide};
use crate::session::Stop;
use crate::threshold;

/// Which results a program computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Results {
    /// Labels alone: the smallest and fastest program
    Label,
    /// Labels, and scores without the transform behind them
    #[default]
    Raw,
    /// Labels, and scores as the model gives them, such as probabilities
    Score,
}

/// As on the command line.
impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Label => "label",
            Self::Raw => "raw",
            Self::Score => "score",
        })
    }
}

/// A model with the results that are asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The model with these results.
    pub(crate) module: Module<Real>,
    /// What the threshold is compared with, if there is one.
    pub(crate) threshold: Option<ScoreKind>,
    /// What was left out.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// The model with the results that are asked for. The threshold of the options
/// gets its class. What is said points into the listing of the graph.
pub(crate) fn asked_for(
    mut module: Module<Real>,
    options: &mut Options,
    project: &Project,
    listing: &GraphListing,
) -> Result<Asked, Stop> {
    let mut warnings = Vec::new();
    let threshold = match &mut options.threshold {
        Some(threshold) => {
            // Some commands have no actions; those of the project still say what is meant.
            let of_project = options.actions.is_empty();
            let wanted = if of_project { &project.config.actions } else { &options.actions };
            Some(threshold::set(&mut module, threshold, wanted).map_err(Stop::input)?)
        }
        None => None,
    };
    if options.hook != Hook::None || !options.actions.is_empty() {
        divide_predictions(&mut module, options).map_err(Stop::Input)?;
    }
    match options.output {
        Results::Label => labels_alone(&mut module).map_err(Stop::input)?,
        Results::Raw => {
            give_raw_scores(&mut module);
            let refused = drop_refused_scores(&mut module);
            warnings.extend(refused.iter().map(|(name, error)| left_out(name, error, listing)));
        }
        Results::Score => {}
    }
    Ok(Asked { module, threshold, warnings })
}

fn left_out(name: &str, error: &QuantizeError, listing: &GraphListing) -> Diagnostic {
    let message = format!("the scores `{}` are left out", escape_to_one_line(name));
    let warning = Diagnostic::warning(codes::NO_INTEGER_FORM, message);
    error
        .mark(warning, Some(listing))
        .note(error.to_string())
        .help("labels are computed all the same; `--output label` asks for them alone")
}

/// Adds, for each prediction of a regressor, a label that says into which of
/// the ranges it falls that have an action.
fn divide_predictions(module: &mut Module<Real>, options: &Options) -> Result<(), Vec<Diagnostic>> {
    if module.outputs.iter().any(|output| output.kind == OutputKind::Label) {
        return Ok(());
    }
    let values = module.outputs.iter().filter(|output| output.kind == OutputKind::Value);
    let predictions: Vec<(Value, u32)> = values
        .flat_map(|output| {
            let elements = module.shape(output.value).elements() as u32;
            (0..elements).map(|element| (output.value, element))
        })
        .collect();
    let names = label_columns(predictions.len());
    let mut ranges = vec![Vec::new(); predictions.len()];
    let mut problems = Vec::new();
    for name in options.actions.keys() {
        match range_of(&names, name) {
            Ok((prediction, range)) => ranges[prediction].push(range),
            Err(problem) => problems.push(problem),
        }
    }
    for (((value, element), name), ranges) in predictions.into_iter().zip(names).zip(ranges) {
        match divide(&ranges) {
            Ok(division) => {
                let name = free_name(module, name);
                let Division { cuts, intervals } = division;
                label_intervals(module, &name, value, element, &cuts, intervals);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The prediction that `name` is about, and the range. `names` has the
/// predictions, of which one alone is not named.
fn range_of(names: &[String], name: &str) -> Result<(usize, Range), Diagnostic> {
    let problem = |why: String| {
        Diagnostic::error(codes::RANGE, escape_to_one_line(&why))
            .note("a range is `LO..HI`: at least LO and below HI; either may be left out")
    };
    if let [_] = names {
        return name.parse().map(|range| (0, range)).map_err(problem);
    }
    let found = names.iter().enumerate().find_map(|(index, prediction)| {
        let range = name.strip_prefix(prediction.as_str())?.strip_prefix('.')?;
        Some((index, range))
    });
    let Some((index, range)) = found else {
        let example = names.first().map_or("label0", String::as_str);
        let why = format!("`{name}` does not say which prediction it is about");
        return Err(problem(why).help(format!("write `{example}.LO..HI`")));
    };
    range.parse().map(|range| (index, range)).map_err(problem)
}

/// A name that no column and no output has.
fn free_name(module: &Module<Real>, wanted: String) -> String {
    let is_taken = |name: &str| {
        module.outputs.iter().any(|output| output.name == name)
            || module.columns.iter().any(|(_, column)| column.name == name)
    };
    let mut name = wanted;
    while is_taken(&name) {
        name.push('_');
    }
    name
}

fn labels_alone(module: &mut Module<Real>) -> Result<(), Diagnostic> {
    module.outputs.retain(|output| output.kind == OutputKind::Label);
    if !module.outputs.is_empty() {
        return Ok(());
    }
    Err(Diagnostic::error(codes::NO_DECISION, "the model has no label to give alone")
        .help("leave `--output label` out")
        .help("or divide its prediction into ranges: --action '0.5..=drop'"))
}

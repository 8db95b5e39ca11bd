//! What `--precision` costs: the bound on each score with it and without.

use skxc_ir::analysis::rounding::Rounding;

use crate::bounds::score_name;
use crate::manifest::{Manifest, OutputEntry};
use crate::options::Options;
use crate::pipeline::{self, Model};
use crate::reports::small;
use crate::session::Stop;

/// A line for each score, or one if there is nothing to tell; none without the
/// option.
pub(crate) fn lines(model: &Model, manifest: &Manifest) -> Result<Vec<String>, Stop> {
    let options = &manifest.options;
    let Some(bits) = options.precision else { return Ok(Vec::new()) };
    let free = Options { precision: None, ..options.clone() };
    let free = pipeline::lower(model, &free, &mut |_, _, _| {})?.int;
    let rounding = Rounding::of(&free);
    let with = &manifest.outputs;
    let pairs = with.iter().zip(&free.outputs).flat_map(|(with, without)| {
        let without = rounding.of_value(without.value);
        with.error_max.iter().zip(without).enumerate().map(move |it| (with, it))
    });
    let line =
        |(output, (index, (with, without))): (&OutputEntry, (usize, (&Option<f64>, &f64)))| {
            let (with, without) = (small(with.unwrap_or(f64::INFINITY)), small(*without));
            let name = score_name(output, index);
            format!("precision {bits}: {name} is within {with}; {without} without")
        };
    if pairs.clone().next().is_none() && !free.matrices.is_empty() {
        return Ok(vec![format!(
            "precision {bits}: no score is there to say what it costs; `skxc check` finds labels \
             that change"
        )]);
    }
    if pairs.clone().all(|(_, (_, (with, &without)))| *with == Some(without)) {
        return Ok(vec![format!("precision {bits}: costs nothing")]);
    }
    Ok(pairs.map(line).collect())
}

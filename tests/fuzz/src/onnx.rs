//! Any bytes through the front end, and what it makes of them on to C.

use skxc_diagnostics::{Sources, Style, codes, has_errors, render};
use skxc_frontend_onnx::{ImportOptions, ModelInputs, import};
use skxc_ir::random::Random;
use skxc_ir::validate::Validator;
use skxc_ir::{Column, Interval, Module, Real};
use skxc_passes::raw_scores::give_raw_scores;

use crate::lowered;
use crate::model::Model;

/// Nothing panics; there is a module if and only if nothing is an error; it is
/// valid, reads back from its text, and goes through the passes to C.
///
/// # Errors
/// What does not hold.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let Some(mut real) = check_import(bytes)? else { return Ok(()) };
    // As `--output` asks for; half of all inputs each.
    if bytes.len().is_multiple_of(2) {
        give_raw_scores(&mut real);
    }
    lowered::check_real(&real)
}

/// The valid module of a model, if nothing in it is an error.
///
/// # Errors
/// What does not hold.
pub(crate) fn check_import(bytes: &[u8]) -> Result<Option<Module<Real>>, String> {
    let mut sources = Sources::default();
    let mut bind = |inputs: &ModelInputs| {
        // Ranges of packet features, in turn.
        let ranges = [(0, 1), (0, 255), (0, 65_535), (0, 4_294_967_295), (-128, 127)];
        let column = |index: usize| {
            let (min, max) = ranges[index % ranges.len()];
            Column { name: format!("c{index}"), range: Interval::new(min, max), missing: None }
        };
        Ok((0..inputs.width()).map(column).collect())
    };
    let mut options =
        ImportOptions { file_name: "model.onnx", model_name: "model", bind: &mut bind };
    let imported = import(bytes, &mut options, &mut sources);
    let said = render(&sources, &imported.diagnostics, Style::Plain);
    if said.contains('\x1b') || sources.text(imported.listing.source).contains('\x1b') {
        return Err(format!("an escape character is not escaped\n{said}"));
    }
    if imported.module.is_some() == has_errors(&imported.diagnostics) {
        return Err(format!("a module in spite of errors, or none without\n{said}"));
    }
    if said.contains(&codes::INVALID_MODULE.to_string()) {
        return Err(said);
    }
    let Some(module) = imported.module else { return Ok(None) };
    let real = Validator::validate(module).map_err(|errors| format!("not valid: {errors:?}"))?;
    lowered::check_text(&real)?;
    Ok(Some(real.into_inner()))
}

/// Another model, or nothing where the bytes are none.
#[must_use]
pub fn mutate(bytes: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut model = Model::parse(bytes)?;
    model.mutate(&mut Random::new(seed.into()));
    Some(model.bytes())
}

/// `bytes` with parts of `other`, or nothing where one of them is no model.
#[must_use]
pub fn cross(bytes: &[u8], other: &[u8], seed: u32) -> Option<Vec<u8>> {
    let (mut model, other) = (Model::parse(bytes)?, Model::parse(other)?);
    model.take_from(&other, &mut Random::new(seed.into()));
    Some(model.bytes())
}

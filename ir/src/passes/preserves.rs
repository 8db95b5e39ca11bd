//! What the pipeline watches when asked to: after each pass the module is still
//! valid.

use crate::module::{Domain, Int, Module, Real};
use crate::validate::{Rules, Validator};

/// Panics if `pass` broke a real module.
pub(super) fn real(pass: &str, _before: &Module<Real>, after: &Module<Real>) {
    still_valid(pass, after);
}

/// Panics if `pass` broke an integer module.
pub(super) fn int(pass: &str, _before: &Module<Int>, after: &Module<Int>) {
    still_valid(pass, after);
}

/// Panics if quantization broke the module.
pub(super) fn quantization(_real: &Module<Real>, int: &Module<Int>) {
    still_valid(super::quantize::NAME, int);
}

fn still_valid<D: Domain + Rules>(pass: &str, module: &Module<D>) {
    let errors = Validator::check(module);
    assert!(errors.is_empty(), "pass `{pass}` broke the module: {errors:?}");
}

//! What the pipeline watches when asked to: after each pass the module, which is
//! still valid, means on a few rows what it meant.

use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::analysis::rounding::Rounding;
use skxc_ir::interpret::{self, Enclosure, Outcome};
use skxc_ir::module::{Domain, Int, Module, Real};
use skxc_ir::random::Random;
use skxc_ir::types::ElementType;

/// Rows tried for each pass; the test suite tries more.
const ROWS: usize = 8;

/// Panics if `pass` changed what a real module gives.
pub(super) fn real(pass: &str, before: &Module<Real>, after: &Module<Real>) {
    for row in rows(before) {
        let (want, got) = (interpret::float(before, &row), interpret::float(after, &row));
        let same = want.len() == got.len() && want.iter().zip(&got).all(|(a, b)| same_floats(a, b));
        assert!(same, "pass `{pass}` changed what {row:?} gives: {want:?} to {got:?}");
    }
}

/// Are they equal, NaN to itself? Zeros of both signs are one integer.
fn same_floats(want: &Outcome<f64>, got: &Outcome<f64>) -> bool {
    match (want, got) {
        (Outcome::Numbers(want), Outcome::Numbers(got)) => {
            let same = |(want, got): (&f64, &f64)| want == got || want.is_nan() && got.is_nan();
            want.len() == got.len() && want.iter().zip(got).all(same)
        }
        (want, got) => want == got,
    }
}

/// Panics if `pass` changed a real module, where it may round otherwise: labels
/// are those of floats or of the reals, and what is still of its kind can be
/// what it was.
pub(super) fn decisions(pass: &str, before: &Module<Real>, after: &Module<Real>) {
    for row in rows(before) {
        let same = same_decisions(before, after, &row);
        assert!(same, "pass `{pass}` changed what {row:?} gives");
    }
}

/// Do both modules decide `row` alike, over floats or over the reals?
pub(super) fn same_decisions(
    before: &Module<Real>,
    after: &Module<Real>,
    row: &[Option<i64>],
) -> bool {
    let kinds = before.outputs.iter().zip(&after.outputs);
    let kept = kinds.map(|(before, after)| before.kind == after.kind);
    let floats = interpret::float(before, row).into_iter().zip(interpret::float(after, row));
    let reals = interpret::real(before, row).into_iter().zip(interpret::real(after, row));
    let mut outputs = floats.zip(reals).zip(kept).filter(|(_, kept)| *kept);
    outputs.all(|((floats, reals), _)| match reals {
        (Ok(Outcome::Numbers(want)), Ok(Outcome::Numbers(got))) => {
            let apart = |want: &Enclosure, got: &Enclosure| {
                want.upper() < got.lower() || got.upper() < want.lower()
            };
            !want.iter().zip(&got).any(|(want, got)| apart(want, got))
        }
        (Ok(want), Ok(got)) => want == got || floats.0 == floats.1,
        _ => true,
    })
}

/// Panics if `pass` changed what an integer module gives.
pub(super) fn int(pass: &str, before: &Module<Int>, after: &Module<Int>) {
    for row in rows(before) {
        let (want, got) = (interpret::integer(before, &row), interpret::integer(after, &row));
        assert_eq!(want, got, "pass `{pass}` changed what {row:?} gives");
    }
}

/// Panics if quantization moved a score beyond its bound.
/// Labels may differ within the tie margin, so they are not compared.
pub(super) fn quantization(real: &Module<Real>, int: &Module<Int>) {
    let rounding = Rounding::of(int, &Ranges::of(int));
    for row in rows(real) {
        let (exact, got) = (interpret::real(real, &row), interpret::integer(int, &row));
        for ((exact, got), output) in exact.iter().zip(&got).zip(&int.outputs) {
            let (Ok(Outcome::Numbers(exact)), Outcome::Numbers(got)) = (exact, got) else {
                continue;
            };
            let ElementType::Fixed { frac_bits, .. } = int.ty(output.value).elem else { continue };
            for ((exact, &got), &bound) in
                exact.iter().zip(got).zip(rounding.of_value(output.value))
            {
                if !exact.is_finite() {
                    // 0/0 is no integer; what stands for it is not judged.
                    continue;
                }
                assert!(
                    exact.is_within(bound, got, frac_bits) != Some(false),
                    "a score of {row:?} is {got} units, {:e} off, beyond {bound:e}",
                    exact.distance_max(got, frac_bits)
                );
            }
        }
    }
}

/// The corners of the ranges, then random rows, some values missing.
fn rows<D: Domain>(module: &Module<D>) -> impl Iterator<Item = Vec<Option<i64>>> + use<'_, D> {
    let columns = || module.columns.iter().map(|(_, column)| column);
    let corners = [
        columns().map(|column| Some(column.range.min)).collect(),
        columns().map(|column| Some(column.range.max)).collect(),
    ];
    let mut random = Random::new(0);
    let random_row = move |_| {
        let value = |column: &skxc_ir::module::Column| {
            let is_missing = column.missing.is_some() && random.one_in(4);
            (!is_missing).then(|| random.log_within(column.range))
        };
        columns().map(value).collect()
    };
    corners.into_iter().chain((2..ROWS).map(random_row))
}

//! Properties of random modules. Each is a public function that judges one
//! case, so that a fuzz target can call what the smoke test calls.

use std::fmt::Debug;

use libtest_mimic::{Failed, Trial};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use skxc_equivalence::{Options, Rows, compare};
use skxc_ir::validate::{Validated, Validator};
use skxc_ir::{Domain, Int, Module, Real, testing, text};
use skxc_lowering::Choice;
use skxc_passes::pipeline::{self, PipelineError};

use crate::programs;

/// Vectors for one random module, which is small.
const OPTIONS: Options =
    Options { seed: 1, random_rows: 200, tree_rows_max: 500, exhaustive_rows_max: 1 << 9 };

/// What printing wrote, parsing reads as the same module.
///
/// # Errors
/// The text.
pub fn text_reads_back<D: Domain + text::Notation>(module: &Module<D>) -> Result<(), String> {
    let printed = text::print(module);
    match text::parse::<D>(&printed) {
        Ok(again) if again == *module => Ok(()),
        Ok(_) => Err(format!("reads back as another module:\n{printed}")),
        Err(errors) => Err(format!("{errors:?}\n{printed}")),
    }
}

/// The integer module that all passes make has the labels of the real one, and
/// scores within the stated bound. A module may have no integer form.
///
/// # Errors
/// The report of the comparison, or what broke.
pub fn passes_keep_meaning(real: &Module<Real>) -> Result<(), String> {
    let options = pipeline::Options { watch: true, ..pipeline::Options::default() };
    let int = match pipeline::run(real.clone(), &options, &mut |_, _, _| {}) {
        Ok(int) => int,
        Err(PipelineError::Quantize(_)) => return Ok(()),
        Err(error) => return Err(format!("{error:?}\n{}", text::print(real))),
    };
    let given = Rows::new(real.columns.len());
    let report = compare::model(real, &int, given, OPTIONS, &mut |_| {});
    if report.mismatches == 0 {
        return Ok(());
    }
    Err(format!("{report:#?}\n{}\n{}", text::print(real), text::print(&int)))
}

/// The C of every lowering that takes the module computes what the interpreter
/// computes, bit for bit, and the sanitizers have nothing to say.
///
/// # Errors
/// The report of the comparison, or what a compiler refused.
pub fn c_is_the_interpreter(module: &Validated<Int>) -> Result<(), String> {
    let broken = |what: &dyn ToString| format!("{}\n{}", what.to_string(), text::print(module));
    for choice in Choice::of(module) {
        if programs::plan(module, choice).is_err() {
            continue;
        }
        // A model may have more outputs than `struct NAME_result` can hold.
        let Ok(generated) = programs::generate(module, choice) else { continue };
        let mut runner = generated.in_user_space().map_err(|error| broken(&error))?;
        let given = Rows::new(module.columns.len());
        let layout = generated.layout();
        let report = compare::object(module, layout, &mut runner, given, OPTIONS, &mut |_| {})
            .map_err(|error| broken(&error))?;
        if report.mismatches > 0 {
            return Err(broken(&format!("{choice}: {report:#?}")));
        }
    }
    Ok(())
}

/// The smoke tests: a few cases each, always the same.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        property("text reads back (real)", 128, testing::real_modules, text_reads_back),
        property("text reads back (int)", 128, testing::int_modules, text_reads_back),
        property("passes keep the meaning", 64, testing::real_modules, passes_keep_meaning),
        property("text reads back (int tensors)", 64, testing::int_tensor_modules, text_reads_back),
        property("C is the interpreter (tensors)", 10, testing::int_tensor_modules, |module| {
            let valid =
                Validator::validate(module.clone()).map_err(|errors| format!("{errors:?}"))?;
            c_is_the_interpreter(&valid)
        }),
        property("C is the interpreter", 10, testing::int_modules, |module| {
            let module = Validator::validate(module.clone());
            c_is_the_interpreter(&module.map_err(|errors| format!("{errors:?}"))?)
        }),
    ]
}

fn property<S>(
    name: &str,
    cases: u32,
    strategy: fn() -> S,
    check: fn(&S::Value) -> Result<(), String>,
) -> Trial
where
    S: Strategy + 'static,
    S::Value: Debug,
{
    Trial::test(format!("properties/{name}"), move || {
        let config =
            Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
        let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, random);
        let result = runner.run(&strategy(), |case| {
            check(&case).map_err(proptest::test_runner::TestCaseError::fail)
        });
        result.map_err(|error| match error {
            TestError::Abort(reason) | TestError::Fail(reason, _) => Failed::from(reason.message()),
        })
    })
}

//! What must hold of a module on its way to C, wherever it came from.

use skxc_backend_bpf::Hook;
use skxc_backend_c::EmitOptions;
use skxc_ir::validate::Validated;
use skxc_ir::{Domain, Int, Module, Real, text};
use skxc_passes::pipeline::{self, PipelineError};

/// The passes make a valid module of integers or say why there is none, and it
/// goes on to C.
pub(crate) fn check_real(real: &Module<Real>) -> Result<(), String> {
    // The passes are not watched: that they keep the meaning is a property of
    // its own, over modules that are made for it, and costs a hundred times more.
    let options = pipeline::Options { watch: false, ..pipeline::Options::default() };
    passes(real, &options)?.map_or(Ok(()), |int| check_int(&int))
}

/// The module of integers, or nothing where the model has no integer form.
pub(crate) fn passes(
    real: &Module<Real>,
    options: &pipeline::Options,
) -> Result<Option<Validated<Int>>, String> {
    match pipeline::run(real.clone(), options, &mut |_, _, _| {}) {
        Ok(int) => Ok(Some(int)),
        Err(PipelineError::Quantize(errors)) if !errors.is_empty() => Ok(None),
        Err(error) => Err(format!("{error:?}\n{}", text::print(real))),
    }
}

/// A plan is found or refused, and what is planned has a C text.
pub(crate) fn check_int(int: &Validated<Int>) -> Result<(), String> {
    check_text(int)?;
    let Ok(plan) = skxc_lowering::plan(int, &skxc_lowering::Options::default()) else {
        return Ok(());
    };
    let options = skxc_backend_bpf::Options {
        hook: Hook::None,
        header: EmitOptions { generator: "skxc".to_owned(), ..EmitOptions::default() },
        ..Default::default()
    };
    let artifact = skxc_backend_bpf::emit(int, &plan, &options)
        .map_err(|error| format!("{error}\n{}", text::print(int)))?;
    let strange = |text: &str| text.chars().any(|it| it.is_control() && !matches!(it, '\n' | '\t'));
    match artifact.files.iter().find(|(_, text)| strange(text)) {
        None => Ok(()),
        Some((path, text)) => Err(format!("{path} has control characters\n{text}")),
    }
}

/// What is printed reads back as the same module.
pub(crate) fn check_text<D: Domain + text::Notation>(module: &Module<D>) -> Result<(), String> {
    let printed = text::print(module);
    match text::parse::<D>(&printed) {
        Ok(again) if again == *module => Ok(()),
        // A module that is not valid may hold NaN, which nothing equals.
        Ok(again) if module.clone() != *module && text::print(&again) == printed => Ok(()),
        Ok(again) => Err(format!(
            "reads back as another module:\n{printed}\nwhich is printed as\n{}",
            text::print(&again)
        )),
        Err(errors) => Err(format!("what is printed does not parse: {errors:?}\n{printed}")),
    }
}

//! `filetests/*/*.skir`: modules in text form, and what commands make of them.

mod run;

use std::error::Error;
use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use skxc_diagnostics::{Sources, Style, render};
use skxc_ir::validate::{Rules, Validated};
use skxc_ir::{Domain, Int, Module, Real, text};
use skxc_lowering::Choice;
use skxc_passes::{Pass, PassContext, pipeline, quantize};

use crate::expectation::{self, compare};
use crate::sections::TestFile;
use crate::{Outcome, programs};

/// What a command printed.
type Output = Result<String, Box<dyn Error>>;

/// One trial a file; those that run programs have another for the kernel.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for file in crate::files("filetests", "skir") {
        let runs = fs::read_to_string(&file).is_ok_and(|text| {
            TestFile::parse(&text).commands.iter().any(|command| command == "run")
        });
        if runs {
            trials.push(crate::kernel_trial(&file, run::in_kernel));
        }
        trials.push(crate::trial(&file, check));
    }
    trials
}

/// Runs every command of a file.
fn check(path: &Path) -> Outcome {
    let text = fs::read_to_string(path)?;
    let mut file = TestFile::parse(&text);
    if file.commands.is_empty() {
        return Err("the file has no `; test:` line".into());
    }
    let mut sections = Vec::new();
    for command in &file.commands.clone() {
        if command == "run" {
            file.head = run::check(&file.head)?;
        } else if let Some(options) = command.strip_prefix("emit c") {
            check_header(path, &file.head, options.trim())?;
        } else {
            let found = command_output(command, &file.head)?;
            if !expectation::blessing() {
                let named = |differs| format!("`{command}`: {differs}");
                compare(file.expected(command), &found).map_err(named)?;
            }
            sections.push((command.clone(), found));
        }
    }
    if expectation::blessing() {
        let blessed = file.with_sections(&sections);
        if blessed != text {
            fs::write(path, blessed)?;
        }
    }
    Ok(())
}

/// What a command prints; what is wrong with the module is part of that.
fn command_output(command: &str, text: &str) -> Output {
    match text::domain(text) {
        Some(name) if name == Real::NAME => output_in::<Real>(command, text, pass_real),
        _ => output_in::<Int>(command, text, pass_int),
    }
}

fn output_in<D: Rules + text::Notation>(
    command: &str,
    text: &str,
    pass: fn(&str, Validated<D>) -> Output,
) -> Output {
    let module = match read::<D>(text) {
        Ok(module) => module,
        Err(messages) => return Ok(messages),
    };
    if command == "validate" {
        return Ok("valid\n".to_owned());
    }
    if command == "print" {
        let printed = text::print(&module);
        let again = text::parse::<D>(&printed).map_err(|_| "what was printed does not parse")?;
        if again != module.into_inner() {
            return Err("what was printed is another module".into());
        }
        return Ok(printed);
    }
    match command.strip_prefix("pass ") {
        Some(name) => pass(name.trim(), module),
        None => Err(format!("there is no command `{command}`").into()),
    }
}

/// Reads and validates, or says what is wrong. The source is called `test`, as
/// the file may be moved.
pub(crate) fn read<D: Rules + text::Notation>(text: &str) -> Result<Validated<D>, String> {
    let mut sources = Sources::default();
    let source = sources.add("test", text);
    text::read(&sources, source).map_err(|found| render(&sources, &found, Style::Plain))
}

fn pass_real(name: &str, module: Validated<Real>) -> Output {
    if name == quantize::NAME {
        return Ok(match quantize::quantize(&module, module.ranges(), None) {
            Ok(int) => text::print(&int),
            Err(errors) => render(
                &Sources::default(),
                &errors.iter().map(|error| error.diagnostic(None)).collect::<Vec<_>>(),
                Style::Plain,
            ),
        });
    }
    run_pass(pipeline::REAL_PASSES, name, &mut module.into_inner())
}

fn pass_int(name: &str, module: Validated<Int>) -> Output {
    run_pass(pipeline::INT_PASSES, name, &mut module.into_inner())
}

fn run_pass<D: Rules + text::Notation>(
    passes: &[&dyn Pass<D>],
    name: &str,
    module: &mut Module<D>,
) -> Output {
    let pass = passes.iter().find(|pass| pass.name() == name);
    let pass = pass.ok_or_else(|| format!("{} has no pass `{name}`", D::NAME))?;
    let changed = pass.run(module, &mut PassContext::new());
    if !changed {
        return Ok("nothing changes\n".to_owned());
    }
    let printed = text::print(module);
    // A pass that runs twice must have nothing left to do.
    pass.run(module, &mut PassContext::new());
    if text::print(module) != printed {
        return Err(format!("`{name}` changes what it has made").into());
    }
    Ok(printed)
}

/// The integer module of a text in either domain.
pub(crate) fn integer_module(text: &str) -> Result<Validated<Int>, Box<dyn Error>> {
    if text::domain(text) == Some(Int::NAME) {
        return Ok(read::<Int>(text)?);
    }
    let real = read::<Real>(text)?.into_inner();
    let options = pipeline::Options { watch: true, ..pipeline::Options::default() };
    Ok(pipeline::run(real, &options, &mut |_, _, _| {})?)
}

fn check_header(path: &Path, text: &str, options: &str) -> Outcome {
    let lowering = options.strip_prefix("--lowering ").unwrap_or("auto");
    let choice: Choice = lowering.parse()?;
    let module = integer_module(text)?;
    let emitted = skxc_backend_c::emit(
        &module,
        &programs::plan(&module, choice)?,
        &skxc_backend_c::EmitOptions { generator: "skxc".to_owned(), ..Default::default() },
    );
    expectation::compare_file(&path.with_extension(format!("{lowering}.h")), &emitted.text)
}

//! `; run: (1, nan) == attack [0.25, 0.75]`: cells, then each output.
//!
//! The line is judged against the interpreter of the file's own domain. Then
//! its rows, and rows made from the module, go through every lowering in user
//! space (with sanitizers) and in the kernel, which must give the same label
//! and scores as the integer module, bit for bit; a file in the real domain is
//! compiled by all passes first, and compared with what came out of them.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use skxc_backend_bpf::kernel_features::{KernelVersion, OLDEST};
use skxc_bpf::Probe;
use skxc_equivalence::machine::BatchRunner;
use skxc_equivalence::{Kind, Options, Report, Rows, compare};
use skxc_ir::interpret::{self, Outcome as Result_};
use skxc_ir::validate::Validated;
use skxc_ir::{Domain, ElementType, Int, Module, Real, text};
use skxc_lowering::{Choice, Target};

use super::{integer_module, read};
use crate::programs::{self, Generated};
use crate::{Outcome, expectation};

const RUN: &str = "; run: ";

/// Rows made from a module: enough for tests of a few nodes.
const OPTIONS: Options =
    Options { seed: 1, random_rows: 500, tree_rows_max: 2000, exhaustive_rows_max: 1 << 10 };

type Cells = Vec<Option<i64>>;

/// Checks the `run:` lines of `head`, and every lowering in user space.
/// Returns the text with what was found.
pub(super) fn check(head: &str) -> Result<String, Box<dyn Error>> {
    let found = if text::domain(head) == Some(Real::NAME) {
        let module = read::<Real>(head)?;
        let evaluate = |cells: &Cells| show(&module, interpret::float(&module, cells));
        judge(head, evaluate)?
    } else {
        let module = read::<Int>(head)?;
        judge(head, |cells| show(&module, interpret::integer(&module, cells)))?
    };
    let module = integer_module(head)?;
    if text::domain(head) == Some(Real::NAME) {
        let real = read::<Real>(head)?;
        let report = compare::model(&real, &module, rows(head, &module)?, OPTIONS, &mut |_| {});
        passed("the passes", &report)?;
    }
    let newest = Target { may_goto: true, ..Target::default() };
    for_each_lowering(head, &module, newest, |generated, what| {
        let report = run(&module, generated, &mut generated.in_user_space()?, head)?;
        passed(&format!("{what} in user space"), &report)
    })?;
    Ok(found)
}

/// Every lowering in the kernel, as for the oldest one and as for this one.
pub(super) fn in_kernel(path: &Path) -> Outcome {
    let head = fs::read_to_string(path)?;
    let module = integer_module(&head)?;
    let release: Option<KernelVersion> =
        Probe::new().kernel.and_then(|release| release.parse().ok());
    let newest = release.unwrap_or(OLDEST).target();
    for_each_lowering(&head, &module, newest, |generated, what| {
        let report = run(&module, generated, &mut generated.in_kernel()?, &head)?;
        passed(&format!("{what} in the kernel"), &report)
    })
}

/// Every lowering for the oldest kernel, and for `newest` where that is another
/// program.
fn for_each_lowering(
    head: &str,
    module: &Validated<Int>,
    newest: Target,
    mut check: impl FnMut(&Generated, &str) -> Outcome,
) -> Outcome {
    if lines(head).next().is_none() {
        return Err("`test: run` wants `; run:` lines".into());
    }
    for choice in Choice::of(module) {
        // What a lowering refuses another takes.
        let oldest = programs::plan(module, choice);
        if choice == Choice::Auto || oldest.is_ok() {
            check(&programs::generate(module, choice)?, &format!("lowering {choice}"))?;
        }
        let plan = programs::plan_for(module, choice, newest);
        if plan.is_ok_and(|plan| oldest.map_or(true, |oldest| plan.forests != oldest.forests)) {
            let generated = programs::generate_for(module, choice, newest)?;
            check(&generated, &format!("lowering {choice} for a newer kernel"))?;
        }
    }
    Ok(())
}

fn run<R: BatchRunner>(
    module: &Module<Int>,
    generated: &Generated,
    runner: &mut R,
    head: &str,
) -> Result<Report, R::Error>
where
    R::Error: From<R::Error>,
{
    let given = rows(head, module).unwrap_or_else(|_| Rows::new(module.columns.len()));
    compare::object(module, generated.layout(), runner, given, OPTIONS, &mut |_| {})
}

fn passed(what: &str, report: &Report) -> Outcome {
    if report.verdict.passed() {
        return Ok(());
    }
    Err(format!("{what}: {report:#?}").into())
}

/// The rows of the `run:` lines; a missing cell is the value that stands for it.
fn rows(head: &str, module: &Module<Int>) -> Result<Rows, Box<dyn Error>> {
    let mut rows = Rows::new(module.columns.len());
    for line in lines(head) {
        let cells = cells(line)?;
        let row: Option<Vec<i64>> = cells
            .iter()
            .zip(module.columns.iter())
            .map(|(cell, (_, column))| cell.or(column.missing))
            .collect();
        rows.push(Kind::Csv, &row.ok_or("a column without a missing value has no `nan`")?);
    }
    Ok(rows)
}

fn lines(head: &str) -> impl Iterator<Item = &str> {
    head.lines().filter_map(|line| line.strip_prefix(RUN))
}

/// Evaluates each line; returns the text with what was found.
fn judge(head: &str, evaluate: impl Fn(&Cells) -> String) -> Result<String, Box<dyn Error>> {
    let mut found = String::new();
    let mut wrong = String::new();
    for line in head.lines() {
        let Some(run) = line.strip_prefix(RUN) else {
            found.push_str(line);
            found.push('\n');
            continue;
        };
        let (left, expected) = run.split_once(" ==").unwrap_or((run, ""));
        let got = evaluate(&cells(left)?);
        if expected.trim() != got {
            writeln!(wrong, "{line}\n  gives {got}")?;
        }
        writeln!(found, "{RUN}{} == {got}", left.trim())?;
    }
    if wrong.is_empty() || expectation::blessing() { Ok(found) } else { Err(wrong.into()) }
}

/// Cells such as `(1, nan)`
fn cells(text: &str) -> Result<Cells, Box<dyn Error>> {
    let inner = text.trim().strip_prefix('(').and_then(|text| text.split_once(')'));
    let (inner, _) = inner.ok_or_else(|| format!("`{text}` is not a row such as (1, 2)"))?;
    let cell = |text: &str| match text.trim() {
        "nan" => Ok(None),
        number => number.parse().map(Some),
    };
    Ok(inner.split(',').map(cell).collect::<Result<_, _>>()?)
}

fn show<D: Domain, N: std::fmt::Debug>(module: &Module<D>, outcomes: Vec<Result_<N>>) -> String {
    let shown = module.outputs.iter().zip(outcomes).map(|(output, outcome)| match outcome {
        Result_::Numbers(numbers) => format!("{numbers:?}"),
        Result_::Label(class) => match module.ty(output.value).elem {
            ElementType::Label(table) => module.labels[table].text(class),
            _ => class.to_string(),
        },
    });
    shown.collect::<Vec<_>>().join(" ")
}

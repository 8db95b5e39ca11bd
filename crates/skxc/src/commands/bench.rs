//! `skxc bench`: what a decision and a packet cost in the kernel.

use std::io;

use skxc_bpf::{Error, Replay};
use skxc_ir::{Int, Module};
use skxc_lowering::Choice;
use skxc_runtime::HEADERS;

use crate::actions;
use crate::bench::inputs::{self, Material};
use crate::bench::measure::{self, Amount, Work};
use crate::bench::plot;
use crate::bench::report::Report;
use crate::bench::subjects::{self, Subject};
use crate::bench::yardstick::Yardstick;
use crate::clang::{self, Clang, Refusal};
use crate::cli::{Bench, Hook, ProgramArgs, TableFormat};
use crate::commands::compile::object_of;
use crate::config::Project;
use crate::describe;
use crate::kernel;
use crate::manifest::Manifest;
use crate::options::{Options, column_names};
use crate::output::Output;
use crate::pipeline::{self, Columns, Lowered, Model, Program};
use crate::profile;
use crate::progress::Progress;
use crate::session::{Exit, Session, Stop, stdout};

/// Measures, and prints what was measured.
pub(crate) fn run(session: &mut Session, project: &Project, args: &Bench) -> Result<Exit, Stop> {
    let mut options = options(project, args)?;
    let columns = Columns::Bound(column_names(&args.model, project));
    let model = pipeline::import(session, &args.model, &mut options, columns, project)?.model?;
    let mut lowered = pipeline::lower(&model, &options, &mut |_, _, _| {})?;
    let profile = profile::paths(&args.profile, project);
    profile::apply(session, &profile, &mut lowered, &mut options)?;
    let features = pipeline::packet_features(&lowered.int);
    if features.is_err() || actions::labels(&*lowered.int).is_empty() {
        options.hook = Hook::None;
    }
    let variants = variants(session, args, &model, &lowered, &options)?;
    let needs = features.ok().filter(|_| options.hook != Hook::None);
    let needs = needs.map(|features| skxc_backend_bpf::needs(&features));
    let material = inputs::gather(session, args, &lowered.int, needs)?;
    let (mut lineup, replay) = lineup(session, args, &variants, &material)?;
    if args.native {
        lineup.extend(native(session, &lowered.int, &variants[0], &material));
    }

    let progress = Progress::start(session, "measuring");
    let amount = Amount { repeat: args.repeat, rounds: args.rounds };
    let series = measure::measure(&mut lineup, replay.as_ref(), amount, &progress)?;
    drop(progress);
    let about = [
        (Work::Decision, material.rows.len(), material.about_rows.as_str()),
        (Work::Packet, material.frames.len(), material.about_frames.as_str()),
    ];
    let report = Report::new(&options.name, amount, &lineup, &series, about);
    if let Some(path) = &args.svg {
        let mut output = Output::default();
        output.add(path.clone(), plot::svg(&report));
        output.write()?;
    }
    print(&report, args.format)?;
    Ok(Exit::Done)
}

/// The options of the programs. Verdicts of a test run are not carried out, so
/// that it does not matter which classes are dropped.
fn options(project: &Project, args: &Bench) -> Result<Options, Stop> {
    let program = ProgramArgs {
        actions: Vec::new(),
        fallback: Vec::new(),
        shadow: false,
        hook: None,
        lowering: None,
        optimize: None,
        profile: Vec::new(),
        kernel: args.kernel.clone(),
    };
    let mut options = Options::new(&args.model, &program, project)?;
    options.shadow |= options.actions.is_empty();
    Ok(options)
}

/// A program of the model, not yet compiled.
struct Variant {
    name: String,
    /// Of each forest, then of each linear map.
    lowerings: Vec<String>,
    program: Program,
    manifest: Manifest,
}

/// One program for each shape that was asked for, or that fits; shapes that
/// come to the same are measured once.
fn variants(
    session: &Session,
    args: &Bench,
    model: &Model,
    lowered: &Lowered,
    options: &Options,
) -> Result<Vec<Variant>, Stop> {
    let mut wanted = args.lowering.clone();
    if wanted.is_empty() {
        wanted = Choice::of(&lowered.int).collect();
    }
    // `auto` comes last, to be recognised as one of the others.
    wanted.sort_by_key(|&lowering| lowering == Choice::Auto);
    let mut variants: Vec<Variant> = Vec::new();
    for lowering in wanted {
        let options = Options { lowering, ..options.clone() };
        let program = match pipeline::program(model, lowered, &options) {
            Err(Stop::Input(list)) if args.lowering.is_empty() && lowering != Choice::Auto => {
                let why = list.first().map_or("it does not fit", |it| it.message.as_str());
                session.say(format_args!("{lowering} is left out: {why}"));
                continue;
            }
            program => program?,
        };
        let lowerings: Vec<String> = program.plan.lowerings().collect();
        if let Some(same) = variants.iter_mut().find(|variant| variant.lowerings == lowerings) {
            if lowering == Choice::Auto && !lowerings.is_empty() {
                same.name.push_str(" (auto)");
            }
            continue;
        }
        let manifest = describe::manifest(model, lowered, &program, &options);
        let name = match (lowering, &lowerings[..]) {
            (_, []) => "model".to_owned(),
            (Choice::Auto, [first, rest @ ..]) if rest.iter().all(|it| it == first) => {
                format!("{first} (auto)")
            }
            _ => lowering.to_string(),
        };
        variants.push(Variant { name, lowerings, program, manifest });
    }
    Ok(variants)
}

/// Everything that is measured, in the kernel; and what shows it packets, if
/// it reads any.
fn lineup(
    session: &Session,
    args: &Bench,
    variants: &[Variant],
    material: &Material,
) -> Result<(Vec<Subject>, Option<Replay>), Stop> {
    let clang = clang::find()?;
    let smallest = variants
        .iter()
        .min_by_key(|variant| variant.manifest.cost.program_insns)
        .expect("auto is there, or what was asked for");
    let failed = |error: Error| kernel::failure("measure", &error);
    let object = baseline(session, &clang, smallest)?;
    let mut lineup = Subject::baselines(&object, &smallest.manifest, &smallest.program, material)
        .map_err(failed)?;
    let replay = match material.frames.as_slice() {
        [] => None,
        frames => Some(replay(session, &clang, frames)?),
    };
    for Variant { name, program, manifest, .. } in variants {
        let source = format!("{}.bpf.c", manifest.name);
        let may_leave_out = args.lowering.is_empty() && variants.len() > 1;
        let object = match object_of(session, &clang, &program.artifact.files, &source) {
            Err(Refusal::Excess(excess, _)) if may_leave_out => {
                session.say(format_args!("{name} is left out: it takes {}", excess.what()));
                continue;
            }
            object => object?,
        };
        match Subject::of_model(name.clone(), &object, manifest, program, material) {
            Err(Error::Refused { .. }) if may_leave_out => {
                session.say(format_args!("{name} is left out: the kernel refused it"));
            }
            subject => lineup.push(subject.map_err(failed)?),
        }
    }
    for path in &args.compare {
        lineup.push(Subject::other(path, &smallest.manifest, material)?);
    }
    Ok((lineup, replay))
}

/// The trees in user space, unless they are too much for a C compiler.
fn native(
    session: &Session,
    module: &Module<Int>,
    variant: &Variant,
    material: &Material,
) -> Option<Subject> {
    let layout = kernel::layout(&variant.manifest);
    let mut features = Vec::new();
    for row in &material.rows {
        layout.pack(row, &mut features);
    }
    match Yardstick::build(module, &variant.program.artifact.layout, &features) {
        Ok(yardstick) => Some(Subject::native(yardstick)),
        Err(why) => {
            session.say(format_args!("user space is left out: {why}"));
            None
        }
    }
}

fn baseline(session: &Session, clang: &Clang, variant: &Variant) -> Result<Vec<u8>, Stop> {
    let mut files = variant.program.artifact.files.clone();
    files.push((subjects::BASELINE.to_owned(), subjects::baseline(&variant.manifest.name)));
    Ok(object_of(session, clang, &files, subjects::BASELINE)?)
}

fn replay(session: &Session, clang: &Clang, frames: &[Vec<u8>]) -> Result<Replay, Stop> {
    const SOURCE: &str = "replay.bpf.c";
    let mut files = vec![(SOURCE.to_owned(), Replay::SOURCE.to_owned())];
    files.extend(HEADERS.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())));
    let object = object_of(session, clang, &files, SOURCE)?;
    Replay::load(&object, frames).map_err(|error| kernel::failure("measure", &error))
}

fn print(report: &Report, format: TableFormat) -> Result<(), Stop> {
    use io::Write as _;

    let mut out = stdout();
    match format {
        TableFormat::Text => report.write_table(&mut out)?,
        TableFormat::Csv => report.write_csv(&mut out).map_err(io::Error::from)?,
        TableFormat::Json => {
            let json = serde_json::to_string_pretty(report).map_err(io::Error::from)?;
            writeln!(out, "{json}")?;
        }
    }
    out.flush()?;
    Ok(())
}

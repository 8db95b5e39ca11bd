//! `skxc check`: does an object decide as the model does?

use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use skxc_diagnostics::{Diagnostic, codes};
use skxc_equivalence::compare::{self, Program};
use skxc_equivalence::frames::frames;
use skxc_equivalence::kernel::Entry;
use skxc_equivalence::{self as equivalence, Comparison, Reason, Report};
use skxc_runtime::find;

use crate::actions::Action;
use crate::cli::{Check, Hook, MessageFormat};
use crate::commands::compile::{self, Build};
use crate::config::Project;
use crate::digest;
use crate::embedded::Embedded;
use crate::files;
use crate::kernel;
use crate::manifest::Manifest;
use crate::material::Material;
use crate::options::{Options, column_names};
use crate::pipeline::{self, Columns};
use crate::progress::Progress;
use crate::reports::{Findings, Foreign, Timed, reproduce};
use crate::session::{Exit, Session, Stop, stdout};

/// Mutated packets for each random vector that was asked for: a packet takes a
/// system call, a vector does not.
const VECTORS_A_PACKET: u64 = 10;
/// Arguments that a command which shows a counterexample leaves out: the rows
/// and packets that it brings itself, and the form of the report.
const NOT_REPEATED: [&str; 10] = [
    "input",
    "capture",
    "expect",
    "require_expect",
    "max_changed",
    "vectors",
    "color",
    "quiet",
    "verbose",
    "message_format",
];

/// Compares, and reports on standard output.
pub(crate) fn run(session: &mut Session, project: &Project, args: &Check) -> Result<Exit, Stop> {
    let object = files::read_bytes(&args.object)?;
    let manifest = manifest(args)?;
    let built = build(session, project, args, manifest.as_ref());
    let read = session.model_sha256.as_ref();
    let is_of_another =
        |manifest: &Manifest| read.is_some_and(|sha256| *sha256 != manifest.model_sha256);
    let build = match (built, &manifest) {
        (Err(Stop::Input(list)), Some(manifest)) if is_of_another(manifest) => {
            // What does not even fit the other model's options is not of this one.
            let mut all = vec![not_made_from(args).note("the manifest is of another model")];
            all.extend(list);
            return Err(Stop::Refuted(all));
        }
        (build, _) => build?,
    };
    let options = equivalence::Options {
        seed: args.seed,
        random_rows: args.vectors,
        ..equivalence::Options::default()
    };
    let given = (project, &args.given);
    let material = Material::read(session, given, &args.model.model, &build, options)?;
    let object_sha256 = digest::sha256(&object);
    let foreign = foreign(session, args, &build, &object, manifest.as_ref(), &object_sha256);
    #[cfg(feature = "oracle")]
    let witness = witness(args, &build, &material)?;
    let mut findings = compare_all(session, &build, &object, &args.object, material, foreign)?;
    #[cfg(feature = "oracle")]
    findings.comparisons.insert(0, witness);
    let command = session.invocation.without(&NOT_REPEATED);
    let given = ["input", "expect"].map(|id| session.invocation.given(id)).concat();
    let columns = findings.columns.clone();
    let reports = findings.comparisons.iter();
    findings.commands = reports
        .filter_map(|timed| timed.report.verdict.counterexample())
        .map(|found| reproduce(&command, &given, found, &columns))
        .collect();
    let mut out = stdout();
    let written = match session.format {
        MessageFormat::Human => out.write_all(findings.text().as_bytes()),
        MessageFormat::Json => writeln!(out, "{}", findings.json()),
    };
    let written = written.and_then(|()| out.flush());
    session.report(&findings.diagnostics());
    match written {
        // A reader that left does not change the verdict.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(findings.exit()),
    }
}

/// Rows that the independent implementation is asked about.
#[cfg(feature = "oracle")]
const WITNESS_ROWS: usize = 20_000;

/// Compares an independent implementation of ONNX with ours, on rows of the
/// caller first.
#[cfg(feature = "oracle")]
fn witness(args: &Check, build: &Build, material: &Material) -> Result<Timed, Stop> {
    let onnx = files::read_bytes(&args.model.model)?;
    let (real, int) = (&build.model.real, &build.lowered.int);
    let mut rows = equivalence::Rows::new(int.columns.len());
    let mut inputs = equivalence::Inputs::new(int, material.rows.clone(), material.options);
    inputs.next_batch(&mut rows, WITNESS_ROWS);
    Ok(timed(|| equivalence::oracle::labels(real, int, &onnx, &rows)))
}

/// The manifest beside the object, if there is one.
fn manifest(args: &Check) -> Result<Option<Manifest>, Stop> {
    let path = Manifest::path_of(&args.object);
    if path.exists() { Manifest::read(&path).map(Some) } else { Ok(None) }
}

/// The program that the model gives, with flags over the manifest; without
/// one, flags over the project file.
fn build(
    session: &mut Session,
    project: &Project,
    args: &Check,
    manifest: Option<&Manifest>,
) -> Result<Build, Stop> {
    let (options, columns) = match manifest {
        None => (
            Options::new(&args.model, &args.program, project)?,
            Columns::Bound(column_names(&args.model, project)),
        ),
        Some(manifest) => {
            let columns = match column_names(&args.model, &Project::default()) {
                Some(names) => Columns::Bound(Some(names)),
                None => Columns::Known(manifest.columns()),
            };
            (manifest.options.clone().over(&args.model, &args.program)?, columns)
        }
    };
    let profile = &args.program.profile;
    compile::build(session, project, &args.model, columns, options, profile, &[])
}

/// Makes all comparisons on made-up vectors and what was given.
pub(crate) fn compare_all(
    session: &Session,
    build: &Build,
    object: &[u8],
    path: &Path,
    material: Material,
    foreign: Option<Foreign>,
) -> Result<Findings, Stop> {
    let progress = Progress::start(session, "comparing");
    let mut findings = Findings {
        name: build.manifest.name.clone(),
        build_id: build.manifest.build_id.clone(),
        object_sha256: digest::sha256(object),
        kernel: skxc_bpf::Probe::new().kernel.unwrap_or_default(),
        verified_insns: None,
        predicted_insns: build.manifest.cost.verifier_insns,
        columns: build.manifest.columns.iter().map(|it| it.name.clone()).collect(),
        foreign,
        not_run: false,
        trainer: material.trainer,
        limits: material.limits,
        comparisons: Vec::new(),
        commands: Vec::new(),
    };
    let (real, int) = (&build.model.real, &build.lowered.int);
    let Material { rows, csv_rows, frames: captured, expected, options, .. } = material;
    findings.comparisons.push(timed(|| {
        let mut said = |vectors| progress.set(format!("model against integer IR: {vectors}"));
        compare::model(real, int, rows.clone(), options, &mut said)
    }));
    let seed = options.seed;
    let random_rows = options.random_rows;
    if let Some(labels) = expected {
        let mut only = equivalence::Rows::new(int.columns.len());
        rows.iter().take(csv_rows).for_each(|(kind, row)| only.push(kind, row));
        findings.comparisons.push(timed(|| compare::expected(real, int, &only, &labels)));
    }
    let layout = kernel::layout(&build.manifest);
    let in_kernel = time(|| {
        let mut bench = kernel::bench(object, &build.manifest)?;
        let mut said = |vectors| progress.set(format!("integer IR against object: {vectors}"));
        compare::object(int, &layout, &mut bench, rows, options, &mut said)
    });
    add(session, &mut findings, path, Comparison::Object, in_kernel)?;
    if build.manifest.options.hook == Hook::None {
        return Ok(findings);
    }
    let program = program(build)?;
    let mutations = random_rows / VECTORS_A_PACKET;
    let on_packets = time(|| {
        let mut entry = kernel::entry(object, &build.manifest)?;
        findings.verified_insns =
            Some(verified_insns(&entry, &build.manifest.name)?).filter(|&it| it > 0);
        let frames = frames(captured, seed, mutations);
        let mut said = |packets| progress.set(format!("whole packets: {packets}"));
        compare::packets(int, &program, &mut entry, frames, &mut said)
    });
    add(session, &mut findings, path, Comparison::Packets, on_packets)?;
    Ok(findings)
}

/// Adds a comparison in the kernel; when the machine cannot run the object, or
/// the object is another one anyway, it says so once and goes on.
fn add(
    session: &Session,
    findings: &mut Findings,
    path: &Path,
    comparison: Comparison,
    (result, elapsed): (Result<Report, skxc_bpf::Error>, Duration),
) -> Result<(), Stop> {
    match result {
        Ok(report) => findings.comparisons.push(Timed { report, elapsed, note: None }),
        Err(error) => {
            let list = match kernel::failure(&format!("run `{}`", path.display()), &error) {
                Stop::Environment(list) => list,
                Stop::Input(list) if findings.foreign.is_some() => list,
                stop => return Err(stop),
            };
            if !findings.not_run {
                session.report(&list);
            }
            findings.not_run = true;
            let report = Report::not_made(comparison, Reason::NotRun);
            let note = Some("not run".to_owned());
            findings.comparisons.push(Timed { report, elapsed: Duration::ZERO, note });
        }
    }
    Ok(())
}

/// Instructions that the verifier processed; 0 on kernels that do not say.
fn verified_insns(entry: &Entry, name: &str) -> Result<u32, skxc_bpf::Error> {
    Ok(entry.loaded().program(&kernel::xdp_program(name))?.info()?.verified_insns)
}

fn timed(work: impl FnOnce() -> Report) -> Timed {
    let (report, elapsed) = time(work);
    Timed { report, elapsed, note: None }
}

fn time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// What the program is to do with packets.
fn program(build: &Build) -> Result<Program, Stop> {
    let features = pipeline::packet_features(&build.lowered.int)?;
    let options = &build.manifest.options;
    let position = |name: &str| find(name).map(|(index, _)| index);
    Ok(Program {
        needs: skxc_backend_bpf::needs(&features),
        features: features.iter().filter_map(|feature| position(feature.name)).collect(),
        actions: actions(build),
        fallbacks: options.fallback.xdp(),
        shadow: options.shadow.then_some(Action::Pass.xdp()),
    })
}

/// The action of each class, label by label.
fn actions(build: &Build) -> Vec<Vec<u32>> {
    let mut actions = build.program.actions.iter().map(|action| action.xdp());
    let labels = &build.program.artifact.layout.labels;
    labels.iter().map(|&classes| actions.by_ref().take(classes as usize).collect()).collect()
}

/// Says whether the object is another one than model and manifest say.
fn foreign(
    session: &Session,
    args: &Check,
    build: &Build,
    object: &[u8],
    manifest: Option<&Manifest>,
    sha256: &str,
) -> Option<Foreign> {
    let embedded = Embedded::read(object, &build.manifest.name);
    let mut problems = Vec::new();
    let mut foreign = None;
    if let Some(manifest) = manifest {
        if let Err(Stop::Input(list)) = manifest.check_object(&args.object, sha256) {
            foreign = Some(Foreign::Changed);
            problems.extend(list);
        }
        // With options of its own a check is not about the manifest, and an object of
        // another build is told as that.
        let comparable = manifest.options == build.manifest.options
            && embedded.build_id == build.manifest.build_id;
        let mut members = manifest.differences(&build.manifest);
        members.extend(embedded.disagreements(manifest).into_iter().map(str::to_owned));
        members.sort();
        members.dedup();
        if comparable && !members.is_empty() {
            foreign = Some(Foreign::Misdescribed);
            problems.push(Manifest::differs(&args.object, &members));
        }
    }
    if embedded.build_id != build.manifest.build_id {
        foreign = Some(Foreign::OfAnotherBuild);
        let found = if embedded.build_id.is_empty() { "none" } else { &embedded.build_id };
        let wanted = &build.manifest.build_id;
        problems.push(
            not_made_from(args)
                .note(format!("build id in the object: {found}\nbuild id wanted: {wanted}"))
                .help("compile the model again, or check with the options it was compiled with"),
        );
    }
    session.report(&problems);
    foreign
}

fn not_made_from(args: &Check) -> Diagnostic {
    let (object, model) = (args.object.display(), args.model.model.display());
    let message = format!("`{object}` was not made from `{model}` with these options");
    Diagnostic::error(codes::BUILD_ID, message)
}

//! `skxc compile`: a model to C and to a BPF object.

mod given_up;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use skxc_bpf::{ObjectFile, strip_debug};
use skxc_diagnostics::{Diagnostic, codes};
use skxc_equivalence::Rows;
use skxc_ir::text;
use skxc_passes::pipeline::Snapshot;

use crate::actions::{Action, listed};
use crate::bounds;
use crate::clang::{self, Clang, Refusal};
use crate::cli::{Compile, Emit, Hook, ModelArgs};
use crate::comparisons;
use crate::config::Project;
use crate::depfile;
use crate::describe;
use crate::digest;
use crate::manifest::{ClassEntry, Manifest, ObjectEntry};
use crate::options::{Options, column_names};
use crate::output::Output;
use crate::pipeline::{self, Columns, Lowered, Model, Program};
use crate::precision;
use crate::profile;
use crate::progress::Progress;
use crate::ranges::Range;
use crate::session::{Exit, Session, Stop, stdout};
use crate::verdicts;

/// What is written unless something else is asked for.
const DEFAULT_EMIT: [Emit; 3] = [Emit::Source, Emit::Object, Emit::Manifest];

/// Compiles, and writes everything at the end.
pub(crate) fn run(session: &mut Session, project: &Project, args: &Compile) -> Result<Exit, Stop> {
    for pass in &args.print_after {
        pipeline::check_pass(pass)?;
    }
    let options = Options::new(&args.model, &args.program, project)?;
    let emit: Vec<Emit> = match (&args.emit[..], &project.config.emit) {
        ([], Some(emit)) => emit.clone(),
        ([], None) => DEFAULT_EMIT.to_vec(),
        (emit, _) => emit.to_vec(),
    };
    let names = Columns::Bound(column_names(&args.model, project));
    let profile = profile::paths(&args.program.profile, project);
    let model = &args.model;
    let mut build = build(session, project, model, names, options, &profile, &args.print_after)?;
    let max_error = args.max_error.or(project.config.max_error);
    if let Some(exit) = bounds::errors_exceeded(session, max_error, &build.manifest) {
        return Ok(exit);
    }
    if emit.contains(&Emit::Object) {
        let clang = clang::find()?;
        build.compile(session, &clang)?;
    }
    let verified = match &build.object {
        Some(object) => bounds::verified(&args.max, object, &build.manifest)?,
        None => None,
    };
    let cost = &build.manifest.cost;
    if let Some(exit) = bounds::exceeded(session, &args.max, cost, verified.as_ref()) {
        return Ok(exit);
    }
    let folder = output_folder(args.out.as_deref(), project);
    let mut output = Output::default();
    build.add_files(&mut output, &folder, &emit);
    if let Some(path) = &args.depfile {
        let external = build.model.external.iter().map(PathBuf::as_path);
        let text = dependencies(&output, &args.model.model, external, project);
        output.add(path.clone(), text);
    }
    // Whatever can fail does so before a file is written.
    let of_precision = precision::lines(&build.model, &build.manifest)?;
    output.write()?;
    for path in output.paths() {
        session.detail(format_args!("{}", path.display()));
    }
    session.report(&build.warnings());
    session.say(build.summary(&folder, &emit));
    if build.manifest.options.hook != Hook::None
        && let Some(line) = build.manifest.fallback.line()
    {
        session.say(line);
    }
    let threshold = build.manifest.options.threshold.as_ref().zip(build.model.threshold);
    for line in comparisons::lines(&build.lowered.int, threshold) {
        session.say(line);
    }
    for line in of_precision {
        session.say(line);
    }
    Ok(Exit::Done)
}

/// Everything about a program, in memory.
#[derive(Debug)]
pub(crate) struct Build {
    /// The model as it was read.
    pub(crate) model: Model,
    /// The model as integers.
    pub(crate) lowered: Lowered,
    /// Rows of real traffic, if there is a profile.
    pub(crate) traffic: Rows,
    /// The program that was generated.
    pub(crate) program: Program,
    /// What it is.
    pub(crate) manifest: Manifest,
    /// The object, once it was compiled.
    pub(crate) object: Option<Vec<u8>>,
}

/// Goes from the file of a model to a program, without a compiler.
pub(crate) fn build(
    session: &mut Session,
    project: &Project,
    args: &ModelArgs,
    columns: Columns,
    mut options: Options,
    profile: &[PathBuf],
    print_after: &[String],
) -> Result<Build, Stop> {
    let model = pipeline::import(session, args, &mut options, columns, project)?.model?;
    let wanted: BTreeSet<&str> = print_after.iter().map(String::as_str).collect();
    let mut printed = Vec::new();
    if wanted.contains(pipeline::IMPORT) {
        printed.push(format!("; after {}\n{}", pipeline::IMPORT, text::print(&model.real)));
    }
    let mut warnings = Vec::new();
    let lowered = pipeline::lower(&model, &options, &mut |name, changed, snapshot| {
        warnings.extend(pipeline::undefined(&model, name, snapshot));
        session.detail(format_args!("pass {name}: {}", if changed { "changed" } else { "-" }));
        if wanted.contains(name) {
            printed.push(format!("; after {name}\n{}", skir(snapshot)));
        }
    });
    // Before an error, too: it is then that a reader wants to see them.
    let mut out = stdout();
    out.write_all(printed.join("\n").as_bytes())?;
    out.flush()?;
    let mut lowered = lowered?;
    session.report_warnings(&warnings);
    let traffic = profile::apply(session, profile, &mut lowered, &mut options)?;
    let program = pipeline::program(&model, &lowered, &options)?;
    let manifest = describe::manifest(&model, &lowered, &program, &options);
    Ok(Build { model, lowered, traffic, program, manifest, object: None })
}

/// Makes an object of `source`, which is one of `files`, without debug information.
pub(crate) fn object_of(
    session: &Session,
    clang: &Clang,
    files: &[(String, String)],
    source: &str,
) -> Result<Vec<u8>, Refusal> {
    let _progress = Progress::start(session, &format!("compiling {source} with clang"));
    let object = clang.compile(files, source)?;
    strip_debug(&object).map_err(|error| {
        let message = format!("what clang made of `{source}` is not a usable object: {error}");
        Stop::environment(Diagnostic::error(codes::CLANG_REFUSED, message)).into()
    })
}

/// The text form of a module of either domain.
pub(crate) fn skir(snapshot: Snapshot<'_>) -> String {
    match snapshot {
        Snapshot::Real(module) => text::print(module),
        Snapshot::Int(module) => text::print(module),
    }
}

/// Where `compile` and `run` write.
pub(crate) fn output_folder(flag: Option<&Path>, project: &Project) -> PathBuf {
    let of_project = || {
        let folder = project.config.out.as_ref()?;
        let base = project.path.as_ref().and_then(|path| path.parent());
        Some(base.map_or_else(|| folder.clone(), |base| base.join(folder)))
    };
    flag.map(Path::to_owned).or_else(of_project).unwrap_or_else(|| PathBuf::from("."))
}

impl Build {
    /// Compiles the object and records it in the manifest. What clang refuses for
    /// its size is planned again without ([`given_up`]).
    pub(crate) fn compile(&mut self, session: &Session, clang: &Clang) -> Result<(), Stop> {
        let object = loop {
            match self.try_clang(session, clang) {
                Ok(object) => break object,
                Err(Refusal::Excess(excess, refused)) => {
                    given_up::plan_again(self, session, clang, excess, *refused)?;
                }
                Err(Refusal::Stop(stop)) => return Err(stop),
            }
        };
        self.check_tables(&object)?;
        let name = &self.manifest.name;
        self.manifest.object = Some(ObjectEntry {
            file: format!("{name}.bpf.o"),
            sha256: digest::sha256(&object),
            clang: clang.version.clone(),
        });
        self.object = Some(object);
        Ok(())
    }

    /// Refuses an object whose tables the kernel cannot hold: what clang adds to them,
    /// such as what lies between two, is not predicted.
    fn check_tables(&self, object: &[u8]) -> Result<(), Stop> {
        let Ok(file) = ObjectFile::parse(object) else { return Ok(()) };
        let kernel = self.manifest.options.kernel_version();
        let (found, allowed) = (file.tables_bytes(), kernel.value_bytes_max());
        if found <= allowed {
            return Ok(());
        }
        let message =
            format!("the tables of the program take {found} bytes; {allowed} are allowed");
        Err(Stop::input(
            Diagnostic::error(codes::TABLES_DO_NOT_FIT, message)
                .note(format!("they are one value of a map, which Linux {kernel} limits"))
                .help("--kernel 6.0 or newer, if that is what it runs on; else a smaller model"),
        ))
    }

    /// What clang makes of the program.
    pub(crate) fn try_clang(&self, session: &Session, clang: &Clang) -> Result<Vec<u8>, Refusal> {
        let source = format!("{}.bpf.c", self.manifest.name);
        object_of(session, clang, &self.program.artifact.files, &source)
    }

    /// The same model with other options about its program.
    pub(crate) fn plan_with(&mut self, options: &Options) -> Result<(), Stop> {
        self.program = pipeline::program(&self.model, &self.lowered, options)?;
        self.manifest = describe::manifest(&self.model, &self.lowered, &self.program, options);
        Ok(())
    }

    /// Adds the files of each kind.
    pub(crate) fn add_files(&self, output: &mut Output, folder: &Path, emit: &[Emit]) {
        let name = &self.manifest.name;
        if emit.contains(&Emit::Source) {
            for (file, text) in &self.program.artifact.files {
                output.add(folder.join(file), text.as_bytes());
            }
        }
        if let Some(object) = &self.object {
            output.add(folder.join(format!("{name}.bpf.o")), object.as_slice());
        }
        if emit.contains(&Emit::Skir) {
            output.add(folder.join(format!("{name}.skir")), self.lowered.skir.as_bytes());
        }
        if emit.contains(&Emit::Manifest) {
            output.add(folder.join(format!("{name}.json")), self.manifest.text());
        }
    }

    /// Decisions that never come up, and those that a precision may change.
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        let never = verdicts::warnings(&self.lowered.int, &self.manifest, self.model.threshold);
        let coarse =
            precision::warning(&self.model, &self.lowered.int, &self.manifest, &self.traffic);
        never.into_iter().chain(coarse).collect()
    }

    /// One line that says what was made.
    fn summary(&self, folder: &Path, emit: &[Emit]) -> String {
        let name = &self.manifest.name;
        let file = match () {
            () if emit.contains(&Emit::Object) => format!("{name}.bpf.o"),
            () if emit.contains(&Emit::Source) => format!("{name}.h"),
            () => name.clone(),
        };
        let path = folder.join(file);
        let acted = self.what_happens();
        let ns = self.manifest.cost.decision_ns;
        format!("{}: {acted}; about {ns} ns a decision", path.display())
    }

    /// What the program does with packets, in a few words.
    fn what_happens(&self) -> String {
        if self.manifest.options.hook == Hook::None {
            return "no hook: call it from a program of your own".to_owned();
        }
        let classes = &self.manifest.classes;
        let are_ranges = classes.iter().all(|class| class.label.parse::<Range>().is_ok());
        let acted = Action::value_variants().iter().filter_map(|&action| {
            let of_action = classes.iter().filter(|class| class.action == action);
            let names: Vec<String> = of_action.map(ClassEntry::name).collect();
            let what = match names.len() {
                _ if action == Action::Pass => return None,
                0 => return None,
                _ if are_ranges => "predictions in",
                1 => "class",
                _ => "classes",
            };
            Some(format!("{} {what} {}", action.verb(), listed(&names)))
        });
        let acted: Vec<String> = acted.collect();
        match (self.manifest.options.shadow, acted.is_empty()) {
            (true, true) => "shadow, passes every packet".to_owned(),
            (true, false) => format!("shadow, passes every packet; else {}", acted.join(", ")),
            (false, true) => "passes every packet".to_owned(),
            (false, false) => acted.join(", "),
        }
    }
}

/// The dependency file: what was written depends on model and project file.
fn dependencies<'a>(
    output: &'a Output,
    model: &'a Path,
    external: impl Iterator<Item = &'a Path>,
    project: &'a Project,
) -> String {
    let prerequisites = [Some(model), project.path.as_deref()];
    depfile::text(output.paths(), prerequisites.into_iter().flatten().chain(external))
}

//! From the bytes of a model to a program: the one place that strings the
//! stages together, used by every command that needs any of them.
//!
//! What must hold:
//! - nothing is written here;
//! - the build id is a function of model, options, skxc and integer IR, so
//!   that `compile` and `check` arrive at the same one.

use std::path::PathBuf;

use skxc_backend_bpf as bpf;
use skxc_backend_c::EmitOptions;
use skxc_diagnostics::{Diagnostic, GraphListing, codes, escape_to_one_line};
use skxc_frontend_onnx::{self as onnx, ExternalRange, ModelInputs, Summary};
use skxc_ir::analysis::undefined;
use skxc_ir::validate::{Validated, Validator};
use skxc_ir::{Column, Int, Module, Real, ScoreKind, text};
use skxc_lowering::{Plan, Profile};
use skxc_passes::pipeline::{self, PipelineError, Snapshot};
use skxc_runtime::{FEATURES, Feature, Reason, find};

use crate::actions::{self, Action};
use crate::binding::{self, Named};
use crate::cli::{Hook, ModelArgs};
use crate::config::Project;
use crate::digest;
use crate::external::Folder;
use crate::files;
use crate::names::closest;
use crate::options::Options;
use crate::reports::counted;
use crate::results;
use crate::session::{Session, Stop};

/// Where the columns of a model come from.
#[derive(Clone, Debug)]
pub(crate) enum Columns {
    /// From flags or project file, else from the model itself.
    Bound(Option<Vec<Named>>),
    /// From a manifest, where they were bound before.
    Known(Vec<Column>),
}

/// A model that was read.
#[derive(Debug)]
pub(crate) struct Model {
    /// The module as it came from ONNX.
    pub(crate) real: Validated<Real>,
    /// SHA-256 of the file, and of what was read of others.
    pub(crate) sha256: String,
    /// Other files that tensors were read from.
    pub(crate) external: Vec<PathBuf>,
    /// What the threshold of the options is compared with, if there is one.
    pub(crate) threshold: Option<ScoreKind>,
    /// The printed graph.
    pub(crate) listing: GraphListing,
}

/// What came of reading a model.
#[derive(Debug)]
pub(crate) struct Imported {
    /// The model, or why there is none.
    pub(crate) model: Result<Model, Stop>,
    /// What the file holds, as far as it could be read.
    pub(crate) summary: Summary,
    /// The printed graph.
    pub(crate) listing: GraphListing,
}

/// A model as integers.
#[derive(Debug)]
pub(crate) struct Lowered {
    /// The integer module.
    pub(crate) int: Validated<Int>,
    /// Its text, which the build id digests.
    pub(crate) skir: String,
    /// What rows of real traffic do in it; empty if there are none.
    pub(crate) profile: Profile,
}

/// A program, before it is compiled.
#[derive(Debug)]
pub(crate) struct Program {
    /// How each forest is computed.
    pub(crate) plan: Plan,
    /// The generated files.
    pub(crate) artifact: bpf::Artifact,
    /// Digest of all that it depends on.
    pub(crate) build_id: String,
    /// Digest of the integer IR.
    pub(crate) skir_sha256: String,
    /// Action of each class, those of the first label first.
    pub(crate) actions: Vec<Action>,
}

/// Reads a model and binds its columns; fails only if the file cannot be read.
/// The threshold of the options, if there is one, gets its class.
pub(crate) fn import(
    session: &mut Session,
    args: &ModelArgs,
    options: &mut Options,
    columns: Columns,
    project: &Project,
) -> Result<Imported, Stop> {
    let bytes = files::read_bytes(&args.model)?;
    session.model_sha256 = Some(digest::sha256(&bytes));
    let file_name = args.model.display().to_string();
    let name = options.name.clone();
    let mut bind = |inputs: &ModelInputs| match &columns {
        Columns::Known(columns) => known(columns, inputs),
        Columns::Bound(names) => bind(names.as_deref(), inputs, project),
    };
    let mut import =
        onnx::ImportOptions { file_name: &file_name, model_name: &name, bind: &mut bind };
    let mut folder = Folder::of(&args.model);
    let mut read = |range: &ExternalRange<'_>| folder.read(range);
    let may_read = args.external_data || project.config.external_data == Some(true);
    let read: Option<&mut onnx::ReadExternal<'_>> = if may_read { Some(&mut read) } else { None };
    let imported = onnx::import_with(&bytes, &mut import, read, &mut session.sources);
    session.report_warnings(&imported.diagnostics);
    let model = match imported.module {
        Some(module) => {
            let listing = &imported.listing;
            results::asked_for(module, options, project, listing).and_then(|asked| {
                session.report_warnings(&asked.warnings);
                let real = Validator::validate_after("outputs", asked.module)
                    .map_err(|invalid| Stop::input(invalid.diagnostic(Some(listing))))?;
                let sha256 = digest::model(&bytes, &folder.digests);
                let external = folder.files.into_iter().collect();
                let listing = listing.clone();
                Ok(Model { real, sha256, external, threshold: asked.threshold, listing })
            })
        }
        None => Err(Stop::Input(imported.diagnostics)),
    };
    Ok(Imported { model, summary: imported.summary, listing: imported.listing })
}

/// Binds the columns to names: those given, else those of the model.
fn bind(
    names: Option<&[Named]>,
    inputs: &ModelInputs,
    project: &Project,
) -> Result<Vec<Column>, Vec<Diagnostic>> {
    let of_model = |name: &String| Named { name: name.clone(), span: None };
    let names = match (names, &inputs.features) {
        (Some(names), _) => names.to_vec(),
        (None, Some(property)) => property.names.iter().map(of_model).collect(),
        (None, None) if inputs.tensors.iter().all(|tensor| tensor.width == Some(1)) => {
            inputs.tensors.iter().map(|tensor| of_model(&tensor.name)).collect()
        }
        (None, None) => return Err(vec![unnamed(inputs)]),
    };
    if inputs.takes(names.len()) {
        return binding::bind(&names, project);
    }
    let least = if inputs.open().is_some() { "at least " } else { "" };
    let columns = counted(inputs.width() as u64, "column", "columns");
    let named = counted(names.len() as u64, "feature is", "features are");
    let message = format!("the model has {least}{columns}, and {named} named");
    let mut diagnostic = Diagnostic::error(codes::FEATURE_COUNT, message);
    for tensor in &inputs.tensors {
        let label = match tensor.width {
            Some(width) => format!("{width} columns"),
            None => format!("at least {} columns, by the nodes that read it", tensor.least),
        };
        diagnostic = diagnostic.at(inputs.listing, tensor.span.clone(), label);
    }
    if let Some(columns) = &project.config.columns
        && names.iter().any(|name| name.span.is_some())
        && let Some(source) = project.source
    {
        diagnostic = diagnostic.see(source, columns.span(), format!("{} names", names.len()));
    }
    Err(vec![diagnostic.help("name every column, in model input order")])
}

fn known(columns: &[Column], inputs: &ModelInputs) -> Result<Vec<Column>, Vec<Diagnostic>> {
    if inputs.takes(columns.len()) {
        return Ok(columns.to_vec());
    }
    let message =
        format!("the model has {} columns, the manifest {}", inputs.width(), columns.len());
    Err(vec![Diagnostic::error(codes::BUILD_ID, message)])
}

fn unnamed(inputs: &ModelInputs) -> Diagnostic {
    let message = match inputs.open() {
        Some(_) => "nothing names the columns of the model, or says how many they are".to_owned(),
        None => format!("nothing names the {} columns of the model", inputs.width()),
    };
    let mut diagnostic = Diagnostic::error(codes::COLUMNS_UNNAMED, message);
    for tensor in inputs.tensors.iter().filter(|tensor| tensor.width != Some(1)) {
        let label = match tensor.width {
            Some(width) => format!("{width} columns without names"),
            None => "columns without number and names".to_owned(),
        };
        diagnostic = diagnostic.at(inputs.listing, tensor.span.clone(), label);
    }
    diagnostic
        .help("name them in model input order: --features ip_ttl,tcp_dest_port,...")
        .help("`skxc features` lists the packet features; `skxc explain SKX0201` the other ways")
}

/// Runs the passes. `observe` sees the module after each.
pub(crate) fn lower(
    model: &Model,
    options: &Options,
    observe: &mut dyn FnMut(&'static str, bool, Snapshot<'_>),
) -> Result<Lowered, Stop> {
    let limit = options.bisect_limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let passes = pipeline::Options {
        only: options.passes.clone(),
        bisect_limit: limit,
        precision: options.precision,
        ..pipeline::Options::default()
    };
    let real = Module::clone(&model.real);
    let int = pipeline::run(real, &passes, observe).map_err(|error| match error {
        PipelineError::UnknownPass { name } => Stop::input(unknown_pass(&name, false)),
        PipelineError::Quantize(errors) => {
            Stop::Input(errors.iter().map(|error| error.diagnostic(Some(&model.listing))).collect())
        }
        PipelineError::Invalid(invalid) => Stop::input(invalid.diagnostic(Some(&model.listing))),
    })?;
    let skir = text::print(&int);
    Ok(Lowered { int, skir, profile: Profile::default() })
}

/// What can be no number in a model, once the last pass over it has run.
pub(crate) fn undefined(model: &Model, pass: &str, snapshot: Snapshot<'_>) -> Vec<Diagnostic> {
    let is_last = pipeline::REAL_PASSES.last().is_some_and(|last| last.name() == pass);
    match snapshot {
        Snapshot::Real(module) if is_last => undefined::warnings(module, Some(&model.listing)),
        Snapshot::Real(_) | Snapshot::Int(_) => Vec::new(),
    }
}

/// The name under which `--print-after` and `--ir` know the module as imported.
pub(crate) const IMPORT: &str = "import";

/// Checks the name of a pass.
pub(crate) fn check_pass(name: &str) -> Result<(), Stop> {
    if name == IMPORT || pipeline::all().any(|(known, _)| known == name) {
        return Ok(());
    }
    Err(Stop::input(unknown_pass(name, true)))
}

fn unknown_pass(name: &str, with_import: bool) -> Diagnostic {
    let mut names: Vec<&str> = pipeline::all().map(|(name, _)| name).collect();
    if with_import {
        names.insert(0, IMPORT);
    }
    // A pass that runs twice is listed once.
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let message = format!("there is no pass `{}`", escape_to_one_line(name));
    let diagnostic = Diagnostic::error(codes::UNKNOWN_PASS, message)
        .note(format!("in order, there are {}", names.join(", ")));
    match closest(name, names.iter().copied()).first() {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

/// Chooses the lowering of each forest.
pub(crate) fn plan(lowered: &Lowered, options: &Options) -> Result<Plan, Stop> {
    skxc_lowering::plan_for(&lowered.int, &plan_options(options), lowered.profile.clone())
        .map_err(|error| Stop::input(error.diagnostic()))
}

/// What the choice of lowerings goes by.
pub(crate) fn plan_options(options: &Options) -> skxc_lowering::Options {
    skxc_lowering::Options {
        choice: options.lowering,
        optimize: options.optimize,
        target: options.kernel_version().target(),
        given_up: options.given_up.iter().copied().collect(),
    }
}

/// Makes the program: build id, actions, C.
pub(crate) fn program(
    model: &Model,
    lowered: &Lowered,
    options: &Options,
) -> Result<Program, Stop> {
    let plan = plan(lowered, options)?;
    let actions = class_actions(lowered, options)?;
    let features = match options.hook {
        Hook::Xdp => packet_features(&lowered.int)?,
        Hook::None => Vec::new(),
    };
    let columns: Vec<Column> = lowered.int.columns.iter().map(|(_, it)| it.clone()).collect();
    let skir_sha256 = digest::sha256(lowered.skir.as_bytes());
    let labels = actions::labels(&*lowered.int);
    let made_from = (env!("CARGO_PKG_VERSION"), &*model.sha256, &*skir_sha256);
    let build_id = digest::build_id(made_from, options, &columns, &labels);
    let emit = bpf::Options {
        hook: match options.hook {
            Hook::Xdp => bpf::Hook::Xdp,
            Hook::None => bpf::Hook::None,
        },
        features,
        actions: actions.iter().map(|&action| action.into()).collect(),
        fallbacks: Reason::ALL.map(|reason| options.fallback.of(reason).into()).to_vec(),
        shadow: options.shadow,
        header: EmitOptions {
            command: options.command(&columns),
            generator: format!("skxc {}", env!("CARGO_PKG_VERSION")),
            build_id: build_id.clone(),
        },
    };
    let artifact = bpf::emit(&lowered.int, &plan, &emit).map_err(|error| {
        let code = match error {
            bpf::Error::NoLabel => codes::NO_DECISION,
            bpf::Error::FeatureCount { .. }
            | bpf::Error::FeatureRange { .. }
            | bpf::Error::ActionCount { .. } => {
                panic!("columns and actions are those of the module: {error}")
            }
        };
        Stop::input(Diagnostic::error(code, error.to_string()))
    })?;
    Ok(Program { plan, artifact, build_id, skir_sha256, actions })
}

fn class_actions(lowered: &Lowered, options: &Options) -> Result<Vec<Action>, Stop> {
    let labels = actions::labels(&*lowered.int);
    match options.hook {
        Hook::Xdp if labels.is_empty() => Err(Stop::input(
            Diagnostic::error(
                codes::NO_DECISION,
                "the model makes no decision: it has no label output",
            )
            .help("for scores alone, in a program of your own: --hook none"),
        )),
        Hook::Xdp => {
            actions::resolve(&labels, &options.actions, options.shadow).map_err(Stop::Input)
        }
        Hook::None if options.actions.is_empty() => {
            Ok(labels.iter().flat_map(|label| &label.classes).map(|_| Action::Pass).collect())
        }
        Hook::None => actions::resolve(&labels, &options.actions, true).map_err(Stop::Input),
    }
}

/// The packet feature of each column.
pub(crate) fn packet_features(module: &Module<Int>) -> Result<Vec<&'static Feature>, Stop> {
    let mut features = Vec::new();
    let mut problems = Vec::new();
    for (_, column) in module.columns.iter() {
        match find(&column.name) {
            Some((index, _)) => features.push(&FEATURES[index]),
            None => problems.push(
                Diagnostic::error(
                    codes::NOT_A_PACKET_FEATURE,
                    format!("`{}` is not a packet feature", column.name),
                )
                .help("for a program of your own, which fills the columns: --hook none"),
            ),
        }
    }
    if problems.is_empty() { Ok(features) } else { Err(Stop::Input(problems)) }
}

impl From<Action> for bpf::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::Pass => Self::Pass,
            Action::Drop => Self::Drop,
            Action::Aborted => Self::Aborted,
            Action::Tx => Self::Tx,
        }
    }
}

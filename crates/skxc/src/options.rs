//! What to make of a model: flags, project file and manifest merged into one.
//!
//! What must hold:
//! - a flag wins over the manifest (of `check`), which wins over the project
//!   file, which wins over the default;
//! - [`Options`] is canonical: what shapes the output is in it, in one form,
//!   since it is digested into the build id and recorded in the manifest.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use skxc_backend_bpf::KernelVersion;
use skxc_backend_bpf::kernel_features::OLDEST;
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};
use skxc_ir::Column;
use skxc_lowering::{Choice, Optimize};

use crate::actions::{Action, by_class};
use crate::binding::Named;
use crate::cli::{Hook, ModelArgs, ProgramArgs};
use crate::config::Project;
use crate::fallback::Fallbacks;
use crate::names::{is_program_name, program_name_of};
use crate::results::Results;
use crate::session::Stop;
use crate::shell;
use crate::threshold::{self, Threshold};

/// What shapes the output, apart from the model and its columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// Name of the program.
    pub(crate) name: String,
    /// A class, and the probability above which it is decided for; none for
    /// the model's own decision.
    pub(crate) threshold: Option<Threshold>,
    /// Which scores are computed.
    pub(crate) output: Results,
    /// Bits that linear maps are held to; none for as many as fit.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::bounds::precision"
    )]
    pub(crate) precision: Option<u8>,
    /// Actions by class, or by range of a prediction, as asked for.
    pub(crate) actions: BTreeMap<String, Action>,
    /// What happens to packets that cannot be classified, by reason.
    pub(crate) fallback: Fallbacks,
    /// Decide and count, but pass.
    pub(crate) shadow: bool,
    /// Where the program attaches.
    pub(crate) hook: Hook,
    /// Shape of tree code.
    #[serde(with = "crate::lowering")]
    pub(crate) lowering: Choice,
    /// What the choice of a lowering goes by.
    #[serde(with = "crate::lowering")]
    pub(crate) optimize: Optimize,
    /// What `auto` does without, in the order in which clang refused it.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "crate::lowering::list")]
    pub(crate) given_up: Vec<Choice>,
    /// Digest of what the rows of a profile do, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
    /// Oldest kernel that must load the program.
    pub(crate) kernel: String,
    /// Passes to run; none for all.
    pub(crate) passes: Option<Vec<String>>,
    /// Stop after so many passes.
    pub(crate) bisect_limit: Option<u64>,
}

impl Options {
    /// What flags and project file say of the model alone; a program of it is
    /// then of no concern.
    pub(crate) fn of_model(args: &ModelArgs, project: &Project) -> Result<Self, Stop> {
        let config = &project.config;
        let (name, span) = match (&args.name, &config.name) {
            (Some(name), _) => (name.clone(), None),
            (None, Some(name)) => (name.get_ref().clone(), Some(name.span())),
            (None, None) => (stem(&args.model), None),
        };
        if !is_program_name(&name) {
            let message =
                format!("`{}` cannot be the name of a program", escape_to_one_line(&name));
            let mut diagnostic = Diagnostic::error(codes::PROGRAM_NAME, message)
                .note("a name is a lower-case C identifier of at most 64 characters that does not begin with `skxc_`")
                .help(format!("try --name {}", program_name_of(&name)));
            if let Some(span) = span {
                diagnostic = project.label(diagnostic, span, "");
            }
            return Err(Stop::input(diagnostic));
        }
        Ok(Self {
            name,
            threshold: threshold::only(&args.threshold)?.or_else(|| config.threshold.clone()),
            output: args.output.or(config.output).unwrap_or_default(),
            precision: args.precision.or(config.precision),
            actions: BTreeMap::new(),
            fallback: Fallbacks::default(),
            shadow: false,
            hook: Hook::None,
            lowering: Choice::Auto,
            optimize: Optimize::Speed,
            given_up: Vec::new(),
            profile: None,
            kernel: KernelVersion::default().to_string(),
            passes: args.passes.clone(),
            bisect_limit: args.bisect_limit,
        })
    }

    /// What flags and project file say.
    pub(crate) fn new(
        model: &ModelArgs,
        program: &ProgramArgs,
        project: &Project,
    ) -> Result<Self, Stop> {
        let config = &project.config;
        let mut options = Self::of_model(model, project)?;
        options.actions.clone_from(&config.actions);
        options.fallback.change(&config.fallback);
        options.shadow = config.shadow.unwrap_or(false);
        options.hook = config.hook.unwrap_or(Hook::Xdp);
        options.lowering = config.lowering.unwrap_or(Choice::Auto);
        options.optimize = config.optimize.unwrap_or_default();
        if let Some(text) = &config.kernel {
            options.kernel = kernel(text.get_ref())
                .map_err(|problem| Stop::input(project.label(problem, text.span(), "")))?;
        }
        options.apply(program)?;
        Ok(options)
    }

    /// The options of a manifest, with flags over them.
    pub(crate) fn over(self, model: &ModelArgs, program: &ProgramArgs) -> Result<Self, Stop> {
        let mut options = self.over_model(model)?;
        options.apply(program)?;
        Ok(options)
    }

    /// The options of a manifest, with flags about the model over them.
    pub(crate) fn over_model(mut self, model: &ModelArgs) -> Result<Self, Stop> {
        if let Some(name) = &model.name {
            self.name.clone_from(name);
        }
        self.threshold = threshold::only(&model.threshold)?.or(self.threshold);
        self.output = model.output.unwrap_or(self.output);
        self.precision = model.precision.or(self.precision);
        if model.passes.is_some() {
            self.passes.clone_from(&model.passes);
        }
        self.bisect_limit = model.bisect_limit.or(self.bisect_limit);
        Ok(self)
    }

    fn apply(&mut self, program: &ProgramArgs) -> Result<(), Stop> {
        if !program.actions.is_empty() {
            self.actions = by_class(&program.actions);
        }
        self.fallback.change(&program.fallback);
        self.shadow |= program.shadow;
        self.hook = program.hook.unwrap_or(self.hook);
        self.lowering = program.lowering.unwrap_or(self.lowering);
        self.optimize = program.optimize.unwrap_or(self.optimize);
        if let Some(text) = &program.kernel {
            self.kernel = kernel(text).map_err(Stop::input)?;
        }
        Ok(())
    }

    /// The kernel as numbers.
    pub(crate) fn kernel_version(&self) -> KernelVersion {
        self.kernel.parse().expect("options hold a version that was checked")
    }

    /// The command that makes the program again, for its head comment: of what
    /// shapes the output alone, so that it is the same on every machine.
    pub(crate) fn command(&self, columns: &[Column]) -> String {
        let mut words = vec![format!("skxc compile {0}.onnx --name {0}", self.name)];
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        words.push(format!("--features {}", names.join(",")));
        if let Some(threshold) = &self.threshold {
            words.push(format!("--threshold {}", shell::word(&threshold.to_string())));
        }
        words.push(format!("--output {}", self.output));
        if let Some(bits) = self.precision {
            words.push(format!("--precision {bits}"));
        }
        for (class, action) in &self.actions {
            words.push(format!("--action {}", shell::word(&format!("{class}={action}"))));
        }
        words.push(format!("--fallback {}", self.fallback));
        if self.shadow {
            words.push("--shadow".to_owned());
        }
        words.push(format!("--hook {} --lowering {}", self.hook, self.lowering));
        words.push(format!("--optimize {}", self.optimize));
        if self.profile.is_some() {
            // The build id tells which rows these are.
            words.push("--profile ROWS.csv".to_owned());
        }
        words.push(format!("--kernel {}", self.kernel));
        if let Some(passes) = &self.passes {
            words.push(format!("--passes {}", passes.join(",")));
        }
        if let Some(limit) = self.bisect_limit {
            words.push(format!("--bisect-limit {limit}"));
        }
        words.join(" ")
    }
}

/// The names of the columns that flags or project file give, if they do.
pub(crate) fn column_names(args: &ModelArgs, project: &Project) -> Option<Vec<Named>> {
    if !args.features.is_empty() {
        let named = |name: &String| Named { name: name.trim().to_owned(), span: None };
        return Some(args.features.iter().map(named).collect());
    }
    let columns = project.config.columns.as_ref()?.get_ref().iter();
    let named = columns.map(|it| Named { name: it.get_ref().clone(), span: Some(it.span()) });
    Some(named.collect())
}

/// Checks a kernel release and writes it in its short form.
fn kernel(text: &str) -> Result<String, Diagnostic> {
    let shown = escape_to_one_line(text);
    let problem = |why: String| {
        Diagnostic::error(codes::KERNEL_VERSION, why)
            .help("write it as `6.1`, or as `uname -r` does")
    };
    let version: KernelVersion =
        text.parse().map_err(|_| problem(format!("`{shown}` is not a kernel version")))?;
    if version < OLDEST {
        let why = format!("kernel {version} is older than {OLDEST}, the oldest that is supported");
        return Err(problem(why));
    }
    Ok(version.to_string())
}

fn stem(path: &Path) -> String {
    program_name_of(&path.file_stem().unwrap_or_default().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_versions_are_checked() {
        for (text, expect) in [
            ("5.10", Some("5.10")),
            ("6.18.44-fc-v769", Some("6.18")),
            ("5.4", None),
            ("lts", None),
        ] {
            assert_eq!(kernel(text).ok().as_deref(), expect, "{text}");
        }
    }
}

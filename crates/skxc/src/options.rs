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
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};

use crate::actions::Action;
use crate::binding::Named;
use crate::cli::{Hook, Lowering, ModelArgs, ProgramArgs};
use crate::config::Project;
use crate::names::{is_program_name, program_name_of};
use crate::session::Stop;

/// The kernel that a program is made for unless something says otherwise: the
/// oldest that is maintained and has `may_goto`.
pub(crate) const DEFAULT_KERNEL: &str = "6.12";

/// What shapes the output, apart from the model and its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// Name of the program.
    pub(crate) name: String,
    /// Actions by label, as asked for.
    pub(crate) actions: BTreeMap<String, Action>,
    /// What happens to packets that cannot be classified.
    pub(crate) fallback: Action,
    /// Decide and count, but pass.
    pub(crate) shadow: bool,
    /// Where the program attaches.
    pub(crate) hook: Hook,
    /// Shape of tree code.
    pub(crate) lowering: Lowering,
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
                .note("a name is a lower-case C identifier of at most 64 characters, not `skxc`")
                .help(format!("try --name {}", program_name_of(&name)));
            if let Some(span) = span {
                diagnostic = project.label(diagnostic, span, "");
            }
            return Err(Stop::input(diagnostic));
        }
        Ok(Self {
            name,
            actions: BTreeMap::new(),
            fallback: Action::Pass,
            shadow: false,
            hook: Hook::None,
            lowering: Lowering::Auto,
            kernel: DEFAULT_KERNEL.to_owned(),
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
        options.fallback = config.fallback.unwrap_or(Action::Pass);
        options.shadow = config.shadow.unwrap_or(false);
        options.hook = config.hook.unwrap_or(Hook::Xdp);
        options.lowering = config.lowering.unwrap_or(Lowering::Auto);
        if let Some(kernel) = &config.kernel {
            check_kernel(kernel.get_ref())
                .map_err(|problem| Stop::input(project.label(problem, kernel.span(), "")))?;
            options.kernel.clone_from(kernel.get_ref());
        }
        options.apply(program)?;
        Ok(options)
    }

    /// The options of a manifest, with flags over them.
    pub(crate) fn over(mut self, model: &ModelArgs, program: &ProgramArgs) -> Result<Self, Stop> {
        if let Some(name) = &model.name {
            self.name.clone_from(name);
        }
        if model.passes.is_some() {
            self.passes.clone_from(&model.passes);
        }
        self.bisect_limit = model.bisect_limit.or(self.bisect_limit);
        self.apply(program)?;
        Ok(self)
    }

    fn apply(&mut self, program: &ProgramArgs) -> Result<(), Stop> {
        if !program.actions.is_empty() {
            let pairs = program.actions.iter().map(|it| (it.class.clone(), it.action));
            self.actions = pairs.collect();
        }
        self.fallback = program.fallback.unwrap_or(self.fallback);
        self.shadow |= program.shadow;
        self.hook = program.hook.unwrap_or(self.hook);
        self.lowering = program.lowering.unwrap_or(self.lowering);
        if let Some(kernel) = &program.kernel {
            check_kernel(kernel).map_err(Stop::input)?;
            self.kernel.clone_from(kernel);
        }
        Ok(())
    }

    /// The kernel as numbers.
    pub(crate) fn kernel_version(&self) -> (u32, u32) {
        parse_kernel(&self.kernel).expect("options hold a version that was checked")
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

/// The first two numbers of a kernel release.
pub(crate) fn parse_kernel(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(['.', '-', '+']).map(str::parse);
    match (numbers.next()?, numbers.next()?) {
        (Ok(major), Ok(minor)) => Some((major, minor)),
        _ => None,
    }
}

fn check_kernel(text: &str) -> Result<(), Diagnostic> {
    if parse_kernel(text).is_some() {
        return Ok(());
    }
    let message = format!("`{}` is not a kernel version", escape_to_one_line(text));
    Err(Diagnostic::error(codes::KERNEL_VERSION, message)
        .help("write it as `5.10`, or as `uname -r` does"))
}

fn stem(path: &Path) -> String {
    program_name_of(&path.file_stem().unwrap_or_default().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_versions_are_read() {
        for (text, expect) in [
            ("5.10", Some((5, 10))),
            ("6.18.44-fc-v769", Some((6, 18))),
            ("6.1-rc3", Some((6, 1))),
            ("lts", None),
            ("6", None),
        ] {
            assert_eq!(parse_kernel(text), expect, "{text}");
        }
    }
}

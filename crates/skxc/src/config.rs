//! The project file `skxc.toml`: says once what would otherwise be flags.
//!
//! What must hold:
//! - an unknown key, a wrong type and an impossible value are errors that
//!   point at the place in the file;
//! - reading the file decides nothing: [`crate::options`] merges it with the
//!   flags, which win.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use skxc_diagnostics::{Diagnostic, SourceId, codes};
use skxc_lowering::{Choice, Optimize};
use toml::Spanned;

use crate::actions::Action;
use crate::changed::MaxChanged;
use crate::cli::{Emit, Global, Hook};
use crate::fallback::Fallback;
use crate::files;
use crate::results::Results;
use crate::session::{Session, Stop};
use crate::threshold::Threshold;

/// Name of the project file in the current directory.
pub(crate) const FILE_NAME: &str = "skxc.toml";

/// What a project file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Name of the program.
    pub(crate) name: Option<Spanned<String>>,
    /// Feature of each input column, in model input order.
    pub(crate) columns: Option<Spanned<Vec<Spanned<String>>>>,
    /// Whether tensors are read that the model keeps in other files.
    pub(crate) external_data: Option<bool>,
    /// A class, and the probability above which it is decided for.
    #[serde(default, deserialize_with = "crate::threshold::of_project")]
    pub(crate) threshold: Option<Threshold>,
    /// Which scores the program computes.
    pub(crate) output: Option<Results>,
    /// Bits that linear maps are held to.
    #[serde(default, deserialize_with = "crate::bounds::precision")]
    pub(crate) precision: Option<u8>,
    /// Greatest proven error of a score that `compile` and `run` accept.
    #[serde(default, deserialize_with = "crate::bounds::error_max")]
    pub(crate) max_error: Option<f64>,
    /// How many labels may change in `check` and `run`.
    #[serde(default, deserialize_with = "crate::changed::of_project")]
    pub(crate) max_changed: Option<MaxChanged>,
    /// Whether `check` and `run` want the trainer's labels.
    pub(crate) require_expect: Option<bool>,
    /// What happens to packets of a class, by label.
    #[serde(default)]
    pub(crate) actions: BTreeMap<String, Action>,
    /// What happens to packets that cannot be classified.
    #[serde(default, deserialize_with = "crate::fallback::of_project")]
    pub(crate) fallback: Vec<Fallback>,
    /// Decide and count, but pass.
    pub(crate) shadow: Option<bool>,
    /// Where the program attaches.
    pub(crate) hook: Option<Hook>,
    /// Shape of tree code.
    #[serde(default, deserialize_with = "crate::lowering::optional")]
    pub(crate) lowering: Option<Choice>,
    /// What the choice of a lowering goes by.
    #[serde(default, deserialize_with = "crate::lowering::optional")]
    pub(crate) optimize: Option<Optimize>,
    /// Rows of real traffic, as CSV or captures, relative to the project file.
    pub(crate) profile: Option<Vec<PathBuf>>,
    /// Oldest kernel that must load the program.
    pub(crate) kernel: Option<Spanned<String>>,
    /// What `compile` writes.
    pub(crate) emit: Option<Vec<Emit>>,
    /// Folder that `compile` writes to, relative to the project file.
    pub(crate) out: Option<PathBuf>,
    /// Columns of the user's own, and what `nan` means in any column.
    #[serde(default)]
    pub(crate) features: BTreeMap<String, FeatureEntry>,
}

/// A table `[features.NAME]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeatureEntry {
    /// Every value that the column can hold: least and greatest. Required for
    /// a column that is not a packet feature.
    pub(crate) range: Option<Spanned<[i64; 2]>>,
    /// The value that stands for "missing".
    pub(crate) missing: Option<Spanned<i64>>,
}

/// A project file that was read.
#[derive(Debug, Default)]
pub(crate) struct Project {
    /// What it says.
    pub(crate) config: Config,
    /// Where it is, unless there is none.
    pub(crate) path: Option<PathBuf>,
    /// Its text, for labels.
    pub(crate) source: Option<SourceId>,
}

impl Project {
    /// Points a diagnostic at a place in the file.
    pub(crate) fn label(
        &self,
        diagnostic: Diagnostic,
        span: Range<usize>,
        message: &str,
    ) -> Diagnostic {
        match self.source {
            Some(source) => diagnostic.at(source, span, message),
            None => diagnostic,
        }
    }
}

/// Reads the project file that the global options name, or `skxc.toml` in the
/// current directory if there is one.
pub(crate) fn read(session: &mut Session, global: &Global) -> Result<Project, Stop> {
    let path = match &global.project {
        Some(path) => path.clone(),
        None if global.no_project || !Path::new(FILE_NAME).exists() => {
            return Ok(Project::default());
        }
        None => PathBuf::from(FILE_NAME),
    };
    let text = plain(files::read_text(&path)?);
    let source = session.sources.add(&path.display().to_string(), &text);
    // Spans are made against the text as shown, which differs from the file
    // only where control characters were escaped.
    match parse(session.sources.text(source), source) {
        Ok(config) => Ok(Project { config, path: Some(path), source: Some(source) }),
        Err(diagnostic) => Err(Stop::input(*diagnostic)),
    }
}

/// Without what some editors add: a byte order mark, and carriage returns,
/// which would be escaped.
fn plain(text: String) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n")
}

fn parse(text: &str, source: SourceId) -> Result<Config, Box<Diagnostic>> {
    toml::from_str(text).map_err(|error| {
        let message = error.message().lines().next().unwrap_or("not valid TOML");
        let mut diagnostic = Diagnostic::error(codes::PROJECT_FILE, message);
        if let Some(span) = error.span() {
            let end = span.end.min(text.len());
            diagnostic = diagnostic.at(source, span.start.min(end)..end, "");
        }
        Box::new(diagnostic.help("`skxc explain SKX0301` lists what a project file can say"))
    })
}

#[cfg(test)]
mod tests {
    use skxc_diagnostics::{Sources, Style, render};

    use super::*;

    fn check(text: &str, expect: &str) {
        let mut sources = Sources::default();
        let source = sources.add("skxc.toml", text);
        let found = match parse(text, source) {
            Ok(_) => String::new(),
            Err(diagnostic) => render(&sources, &[*diagnostic], Style::Plain),
        };
        assert!(found.contains(expect), "{found}\nlacks {expect}");
        assert_eq!(found.is_empty(), expect.is_empty(), "{found}");
    }

    #[test]
    fn what_a_project_file_can_say() {
        check("", "");
        check(
            "name = \"scan\"\ncolumns = [\"ip_ttl\", \"size\"]\nthreshold = 0.9\nprecision = 16\nmax-error = 1e-6\nrequire-expect = true\nmax-changed = 5\nactions = { attack = \"drop\" }\n\
             fallback = \"pass\"\nshadow = true\nhook = \"xdp\"\nlowering = \"walk\"\noptimize = \"size\"\n\
             kernel = \"5.10\"\nemit = [\"source\"]\noutput = \"score\"\nout = \"out\"\nprofile = [\"day.pcap\"]\n\
             [features.size]\nrange = [0, 10]\nmissing = -1\n",
            "",
        );
    }

    #[test]
    fn editors_may_add_a_mark_and_carriage_returns() {
        assert_eq!(plain("\u{feff}a = 1\r\nb = 2\r\n".to_owned()), "a = 1\nb = 2\n");
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        check("nmae = \"scan\"\n", "1 │ nmae = \"scan\"\n  │ ^^^^");
        check("a = 1\nname = \"scan\"\n", "unknown field `a`");
        check("hook = \"tcx\"\n", "skxc.toml:1:8");
        check("[features.size]\nranges = [0, 10]\n", "skxc.toml:2:1");
        check("precision = 63\n", "wanted 1 to 62 bits");
        check("max-error = -1.0\n", "wanted a number that is not below 0");
        check("fallback = { ip = \"drop\", not-ip = \"tx\" }\n", "");
        check("[fallback]\nnot-pi = \"drop\"\n", "did you mean `not-ip`?");
        check("threshold = { attack = 0.9 }\n", "");
        check("max-changed = \"0.1%\"\n", "");
        check("max-changed = \"some\"\n", "`some` is not a number of rows");
        check("max-changed = 0.1\n", "expected a number of rows such as 5");
        check("threshold = { }\n", "wanted one class, as in { attack = 0.9 }");
        check("threshold = { a = 0.9, b = 0.9 }\n", "1 │ threshold = { a = 0.9, b = 0.9 }");
        check("threshold = \"0.9\"\n", "expected a number such as 0.9");
        check("name = \n", "SKX0301");
    }
}

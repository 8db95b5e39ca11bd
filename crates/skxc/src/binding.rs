//! Which feature each input column of a model is.
//!
//! What must hold:
//! - nothing is guessed: names come from `--features`, else from `skxc.toml`,
//!   else from the model (its property `skxc.features`, else one named input a
//!   column), else there is an error that says what to do;
//! - every column has a range, that of its packet feature or one of the
//!   user's own, and a name that no other column has;
//! - all problems are found in one run.

use std::collections::BTreeMap;
use std::ops::Range;

use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};
use skxc_ir::limits::FEATURE_MAGNITUDE_MAX;
use skxc_ir::{Column, Interval};
use skxc_runtime::FEATURES;

use crate::config::{FeatureEntry, Project};
use crate::names::{closest, is_column_name};

/// A name of a feature, and where in the project file it stands, if it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Name or alias, as it was written.
    pub(crate) name: String,
    /// Place in the project file.
    pub(crate) span: Option<Range<usize>>,
}

/// Binds the columns of a model to `names`, in order.
pub(crate) fn bind(names: &[Named], project: &Project) -> Result<Vec<Column>, Vec<Diagnostic>> {
    let mut columns: Vec<Column> = Vec::new();
    let mut problems = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (position, named) in names.iter().enumerate() {
        let column = match column(named, project) {
            Ok(column) => column,
            Err(problem) => {
                problems.push(point(problem, named, project));
                continue;
            }
        };
        if let Some(first) = seen.insert(column.name.clone(), position) {
            let message = format!("`{}` is bound to columns {first} and {position}", column.name);
            problems.push(point(Diagnostic::error(codes::FEATURE_TWICE, message), named, project));
        }
        columns.push(column);
    }
    if problems.is_empty() { Ok(columns) } else { Err(problems) }
}

fn point(diagnostic: Diagnostic, named: &Named, project: &Project) -> Diagnostic {
    match &named.span {
        Some(span) => project.label(diagnostic, span.clone(), ""),
        None => diagnostic,
    }
}

fn column(named: &Named, project: &Project) -> Result<Column, Diagnostic> {
    let own = &project.config.features;
    if let Some((_, feature)) = skxc_runtime::find(&named.name) {
        let entry = own.get(feature.name).or_else(|| own.get(&named.name));
        if let Some(range) = entry.and_then(|entry| entry.range.as_ref()) {
            let message =
                format!("`{}` is a packet feature and has a range of its own", feature.name);
            let diagnostic = Diagnostic::error(codes::COLUMN_RANGE, message)
                .note(format!("it is 0 to {}", feature.max))
                .help("leave the range out, or give your column another name");
            return Err(project.label(diagnostic, range.span(), ""));
        }
        let range = Interval::new(0, feature.max.into());
        let missing = missing(feature.name, entry, range, project)?;
        return Ok(Column { name: feature.name.to_owned(), range, missing });
    }
    match own.get(&named.name) {
        Some(entry) => own_column(&named.name, entry, project),
        None => {
            let names: Vec<&str> = own.keys().map(String::as_str).collect();
            Err(unknown_feature(&named.name, Some(&names)))
        }
    }
}

fn own_column(name: &str, entry: &FeatureEntry, project: &Project) -> Result<Column, Diagnostic> {
    let problem = |message: String| Diagnostic::error(codes::COLUMN_RANGE, message);
    if !is_column_name(name) {
        let message = format!("`{}` cannot be the name of a column", escape_to_one_line(name));
        return Err(problem(message).note("it becomes the name of a member of a C structure"));
    }
    let Some(range) = &entry.range else {
        return Err(problem(format!("`{name}` has no range"))
            .help(format!("add `range = [LEAST, GREATEST]` to [features.{name}]")));
    };
    let [min, max] = *range.get_ref();
    let limit = -FEATURE_MAGNITUDE_MAX..=FEATURE_MAGNITUDE_MAX;
    if min > max {
        return Err(project.label(
            problem(format!("the range of `{name}` is empty")),
            range.span(),
            "",
        ));
    }
    if !limit.contains(&min) || !limit.contains(&max) {
        let diagnostic = problem(format!("the range of `{name}` is too wide"))
            .note("values lie between -2^62 and 2^62, so that a difference of two fits 64 bits");
        return Err(project.label(diagnostic, range.span(), ""));
    }
    let range = Interval::new(min, max);
    let missing = missing(name, Some(entry), range, project)?;
    Ok(Column { name: name.to_owned(), range, missing })
}

/// The value that stands for "missing", which the field must be able to hold.
fn missing(
    name: &str,
    entry: Option<&FeatureEntry>,
    range: Interval,
    project: &Project,
) -> Result<Option<i64>, Diagnostic> {
    let Some(missing) = entry.and_then(|entry| entry.missing.as_ref()) else { return Ok(None) };
    if range.contains(*missing.get_ref()) {
        return Ok(Some(*missing.get_ref()));
    }
    let message = format!("the missing value of `{name}` is outside its range");
    let diagnostic = Diagnostic::error(codes::COLUMN_RANGE, message)
        .note(format!("the range is {} to {}", range.min, range.max))
        .help("widen the range, or choose a value within it");
    Err(project.label(diagnostic, missing.span(), ""))
}

/// Says that a name is no feature, with those near to it, or else how a field of
/// the user's own is declared.
pub(crate) fn unknown_feature(name: &str, own: Option<&[&str]>) -> Diagnostic {
    let shown = escape_to_one_line(name);
    let diagnostic =
        Diagnostic::error(codes::UNKNOWN_FEATURE, format!("there is no feature `{shown}`"));
    let known = FEATURES.iter().flat_map(|it| it.aliases.iter().copied().chain([it.name]));
    let near = closest(name, known.chain(own.unwrap_or_default().iter().copied()));
    if !near.is_empty() {
        let near: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
        return diagnostic.help(format!("did you mean {}?", near.join(" or ")));
    }
    let diagnostic = diagnostic.help("`skxc features` lists the packet features");
    if own.is_none() || !is_column_name(name) {
        return diagnostic;
    }
    diagnostic.help(format!(
        "a field of your own is declared in skxc.toml, with the least and the greatest value that \
         it can have, and compiled with `--hook none`:\n\n[features.{name}]\nrange = [0, 65535]"
    ))
}

#[cfg(test)]
mod tests {
    use skxc_diagnostics::{Sources, Style, render};

    use super::*;

    /// Binds `names`, the spans of which stand for nothing, to the columns of
    /// a project file; `expect` is the columns as text, or a part of the complaint.
    fn check(toml: &str, names: &[&str], expect: &str) {
        let mut sources = Sources::default();
        let source = sources.add("skxc.toml", toml);
        let config = toml::from_str(toml).unwrap();
        let project = Project { config, path: None, source: Some(source) };
        let named = names.iter().map(|name| Named { name: (*name).to_owned(), span: None });
        let found = match bind(&named.collect::<Vec<_>>(), &project) {
            Ok(columns) => columns
                .iter()
                .map(|it| {
                    format!("{} {}..={} {:?}\n", it.name, it.range.min, it.range.max, it.missing)
                })
                .collect(),
            Err(problems) => render(&sources, &problems, Style::Plain),
        };
        assert!(found.contains(expect), "{found}\nlacks {expect}");
    }

    #[test]
    fn names_become_columns() {
        check("", &["ip_ttl", "dest_port"], "ip_ttl 0..=255 None\ntcp_dest_port 0..=65535 None\n");
        check("[features.a]\nrange = [-3, 4]\nmissing = -3\n", &["a"], "a -3..=4 Some(-3)\n");
        check("[features.ip_ttl]\nmissing = 0\n", &["ip_ttl"], "ip_ttl 0..=255 Some(0)\n");
    }

    #[test]
    fn what_cannot_be_bound() {
        check("", &["ip_tll"], "did you mean `ip_ttl`");
        check("[features.queue]\nrange = [0, 1]", &["quue"], "did you mean `queue`?");
        check("", &["nothing_like_it"], "[features.nothing_like_it]");
        check("", &["queue_length"], "range = [0, 65535]");
        check("", &["a b"], "`skxc features` lists");
        check("", &["dest_port", "tcp_dest_port"], "`tcp_dest_port` is bound to columns 0 and 1");
        check("[features.a]\nrange = [1, 0]", &["a"], "skxc.toml:2:9");
        check("[features.a]\nrange = [0, 9223372036854775807]", &["a"], "too wide");
        check("[features.a]\n", &["a"], "`a` has no range");
        check("[features.a]\nrange = [0, 1]\nmissing = 2", &["a"], "outside its range");
        check("[features.ip_ttl]\nrange = [0, 64]", &["ip_ttl"], "has a range of its own");
        check("[features.\"a b\"]\nrange = [0, 64]", &["a b"], "cannot be the name");
        check("", &["x1", "x2"], "`x2`");
    }
}

//! Turns diagnostics into text or JSON. The only user of codespan-reporting.

use codespan_reporting::diagnostic as cs;
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term;

use crate::{Diagnostic, Severity, Sources};

/// How diagnostics look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No terminal escapes.
    Plain,
    /// With ANSI colours.
    Coloured,
}

/// Renders diagnostics for a person, one after another.
#[must_use]
pub fn render(sources: &Sources, diagnostics: &[Diagnostic], style: Style) -> String {
    let mut files = SimpleFiles::new();
    for source in sources.iter() {
        files.add(source.name.as_str(), source.text.as_str());
    }
    let config = term::Config::default();
    let mut out = String::new();
    for diagnostic in diagnostics {
        let diagnostic = to_codespan(diagnostic);
        // The only errors are of the writer, which is memory, and of spans
        // outside their source, which would be a broken invariant.
        let text = match style {
            Style::Plain => term::emit_into_string(&config, &files, &diagnostic),
            Style::Coloured => emit_coloured(&config, &files, &diagnostic),
        };
        out.push_str(&text.expect("a label lies within its source"));
    }
    out
}

type Files<'a> = SimpleFiles<&'a str, &'a str>;

fn emit_coloured(
    config: &term::Config,
    files: &Files<'_>,
    diagnostic: &cs::Diagnostic<usize>,
) -> Result<String, codespan_reporting::files::Error> {
    let mut buffer = term::termcolor::Buffer::ansi();
    term::emit_to_write_style(&mut buffer, config, files, diagnostic)?;
    Ok(String::from_utf8_lossy(buffer.as_slice()).into_owned())
}

fn to_codespan(diagnostic: &Diagnostic) -> cs::Diagnostic<usize> {
    let severity = match diagnostic.severity {
        Severity::Error => cs::Severity::Error,
        Severity::Warning => cs::Severity::Warning,
        Severity::Note => cs::Severity::Note,
    };
    let labels = diagnostic.labels.iter().map(|label| {
        let style = if label.primary { cs::LabelStyle::Primary } else { cs::LabelStyle::Secondary };
        cs::Label::new(style, label.source.0 as usize, label.span.clone())
            .with_message(&label.message)
    });
    let notes = diagnostic.notes.iter().map(|note| hang("note: ", note));
    let helps = diagnostic.helps.iter().map(|help| hang("help: ", help));
    cs::Diagnostic::new(severity)
        .with_code(diagnostic.code.to_string())
        .with_message(&diagnostic.message)
        .with_labels(labels.collect())
        .with_notes(notes.chain(helps).collect())
}

/// Prefixes the first line and indents the others to it.
fn hang(prefix: &str, text: &str) -> String {
    let indent = format!("\n{}", " ".repeat(prefix.len()));
    format!("{prefix}{}", text.replace('\n', &indent))
}

/// Renders diagnostics for a machine: one JSON object a line with the members
/// `severity`, `code`, `message`, `labels` (`source`, `line`, `column`,
/// `message`; line and column from 1), `notes` and `helps`.
#[must_use]
pub fn render_json(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let labels = diagnostic.labels.iter().map(|label| {
            let source = &sources.sources[label.source.0 as usize];
            let before = &source.text[..label.span.start];
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
            serde_json::json!({
                "source": source.name,
                "line": line,
                "column": column,
                "message": label.message,
            })
        });
        let object = serde_json::json!({
            "severity": diagnostic.severity.to_string(),
            "code": diagnostic.code.to_string(),
            "message": diagnostic.message,
            "labels": labels.collect::<Vec<_>>(),
            "notes": diagnostic.notes,
            "helps": diagnostic.helps,
        });
        out.push_str(&object.to_string());
        out.push('\n');
    }
    out
}

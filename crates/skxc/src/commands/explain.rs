//! `skxc explain`: the text behind a diagnostic code.

use std::io::Write as _;

use skxc_diagnostics::{Code, codes};

use crate::cli::Explain;
use crate::names::closest;
use crate::session::{Exit, Session, Stop, stdout};

/// Prints the document of a code, or the list of all.
pub(crate) fn run(session: &Session, args: &Explain) -> Result<Exit, Stop> {
    let mut out = stdout();
    let Some(text) = &args.code else {
        for document in codes::ALL {
            writeln!(out, "{}  {}", document.code, document.title)?;
        }
        out.flush()?;
        return Ok(Exit::Done);
    };
    let Ok(code) = text.parse::<Code>() else {
        let all: Vec<String> = codes::ALL.iter().map(|it| it.code.to_string()).collect();
        let near = closest(text, all.iter().map(String::as_str)).join(", ");
        let near = if near.is_empty() { String::new() } else { format!("; near it: {near}") };
        session.fail(format_args!("there is no code `{}`{near}", text.escape_debug()));
        return Ok(Exit::Input);
    };
    writeln!(out, "{}", code.document().text.trim_end())?;
    out.flush()?;
    Ok(Exit::Done)
}

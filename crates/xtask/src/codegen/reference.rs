//! `docs/reference/`: commands, packet features and diagnostic codes, as the
//! command itself prints them.
//!
//! What must hold: the pages depend on the source of skxc alone, not on the
//! terminal or the environment.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Error, Generated};

const FOLDER: &str = "docs/reference";
const NOTE: &str = "`cargo xtask codegen` writes this page.";
const CODES: &str = "../../crates/skxc-diagnostics/src/codes";
/// Columns of the help, which clap would take from the terminal.
const WIDTH: &str = "100";

/// Makes the pages, in memory.
pub(super) fn pages(root: &Path) -> Result<Vec<Generated>, Error> {
    let skxc = Skxc::build(root)?;
    let page = |name: &str, text: String| Generated { path: Path::new(FOLDER).join(name), text };
    Ok(vec![
        page("cli.md", commands(&skxc)?),
        page("features.md", features(&skxc.print(&["features", "--format", "csv"])?)?),
        page("codes.md", codes(&skxc.print(&["explain"])?)),
    ])
}

/// The command, built from this source.
struct Skxc {
    path: PathBuf,
}

impl Skxc {
    fn build(root: &Path) -> io::Result<Self> {
        let arguments = ["build", "--quiet", "--package", "skxc", "--message-format", "json"];
        let output = Command::new(env!("CARGO")).args(arguments).current_dir(root).output()?;
        let messages = String::from_utf8_lossy(&output.stdout);
        let messages = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
        let executable = |message: serde_json::Value| {
            let of_skxc = message["target"]["name"] == "skxc";
            message["executable"].as_str().filter(|_| of_skxc).map(PathBuf::from)
        };
        let path = messages.filter_map(executable).next_back();
        let path = path.ok_or_else(|| {
            let words = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("skxc does not build:\n{words}"))
        })?;
        Ok(Self { path })
    }

    /// What it prints to standard output.
    fn print(&self, arguments: &[&str]) -> io::Result<String> {
        let mut command = Command::new(&self.path);
        command.args(arguments).env("NO_COLOR", "1").env("COLUMNS", WIDTH);
        let output = command.output()?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("skxc {}:\n{words}", arguments.join(" "))));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The help of skxc, then of each of its commands.
fn commands(skxc: &Skxc) -> io::Result<String> {
    let top = skxc.print(&["--help"])?;
    let mut page = format!("# Commands\n\nThe text of `--help`. {NOTE}\n");
    section(&mut page, "skxc", &top);
    for name in names(&top) {
        section(&mut page, &format!("skxc {name}"), &skxc.print(&[name, "--help"])?);
    }
    Ok(page)
}

fn section(page: &mut String, title: &str, help: &str) {
    // Writing to a `String` cannot fail.
    let _ = write!(page, "\n## {title}\n\n```text\n");
    for line in help.trim_end().lines() {
        let _ = writeln!(page, "{}", line.trim_end());
    }
    page.push_str("```\n");
}

/// The names in the list of commands, in its order.
fn names(help: &str) -> Vec<&str> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    listed
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

/// The feature table.
fn features(csv: &str) -> io::Result<String> {
    let mut page = format!(
        "# Packet features\n\nThe names that a column of a model can be bound to. Values are in host byte order; a \
         header that\nis absent leaves its features 0. {NOTE}\n\n\
         | feature | other names | C type | range | value | changed by |\n|---|---|---|---|---|---|\n"
    );
    for record in csv::Reader::from_reader(csv.as_bytes()).records() {
        let record = record.map_err(io::Error::other)?;
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let [name, aliases, c_type, least, greatest, value, offload] =
            [0, 1, 2, 3, 4, 5, 6].map(cell);
        let _ = writeln!(
            page,
            "| `{name}` | {aliases} | `{c_type}` | {least} to {greatest} | {value} | {offload} |"
        );
    }
    page.push_str(
        "\n*changed by*: the offload that changes the value before a program sees the packet: `merging` is GRO\n\
         and TSO (`SKX0611`), `vlan-stripping` moves VLAN tags out of the frame (`SKX0610`).\n",
    );
    Ok(page)
}

/// The list of codes, with links to their pages.
fn codes(list: &str) -> String {
    let mut page = format!(
        "# Diagnostic codes\n\n`skxc explain CODE` prints the page of a code. {NOTE}\n\n\
         | code | problem |\n|---|---|\n"
    );
    for line in list.lines() {
        let (code, title) = line.split_once("  ").unwrap_or((line, ""));
        let _ = writeln!(page, "| [{code}]({CODES}/{code}.md) | {title} |");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_of_the_help() {
        let help = "skxc\n\nCommands:\n  compile  C\n  check    D\n\nOptions:\n  -q  E\n";
        assert_eq!(names(help), ["compile", "check"]);
        assert!(names("skxc\n").is_empty());
    }

    #[test]
    fn a_feature_is_a_row() {
        let csv = "name,aliases,type,min,max,description,changed_by\na,b c,__u8,0,7,\"x, y\",\n";
        let page = features(csv).unwrap();
        assert!(page.contains("\n| `a` | b c | `__u8` | 0 to 7 | x, y |  |\n"), "{page}");
    }

    #[test]
    fn a_code_links_to_its_page() {
        let page = codes("SKX0001  no model\n");
        assert!(
            page.contains(&format!("| [SKX0001]({CODES}/SKX0001.md) | no model |\n")),
            "{page}"
        );
    }
}

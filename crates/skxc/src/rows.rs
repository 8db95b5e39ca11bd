//! Rows of integers from CSV, columns by header in any order.
//!
//! What must hold:
//! - every value lies in the storage range of its column, since the proofs
//!   behind the program assume it; a row outside is an error that names row
//!   and column;
//! - `nan` is the value that the column declares for "missing", else an error;
//! - columns that the model does not have are ignored.

use std::io::{self, Read};
use std::path::Path;

use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use skxc_diagnostics::{Diagnostic, codes};
use skxc_ir::{Column, Interval};

use crate::files::{self, cannot_read};
use crate::names::closest;
use crate::prediction::label_columns;
use crate::session::Stop;

/// Problems listed before reading gives up.
const PROBLEMS_MAX: usize = 10;

/// Rows of features, in the column order of the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Number of columns.
    pub(crate) width: usize,
    /// Row after row.
    pub(crate) values: Vec<i64>,
}

impl Rows {
    /// The rows in order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[i64]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.iter().len()
    }
}

/// Reads the rows of a file; `-` is standard input.
pub(crate) fn read(path: &Path, columns: &[Column]) -> Result<Rows, Stop> {
    if path == Path::new("-") {
        return read_from(io::stdin().lock(), Path::new("standard input"), columns);
    }
    let file = files::open(path).map_err(|why| cannot_read(path, &why))?;
    read_from(file, path, columns)
}

fn read_from(bytes: impl Read, path: &Path, columns: &[Column]) -> Result<Rows, Stop> {
    let mut reader = reader(bytes);
    let header = header(&mut reader, path)?;
    let positions = positions(&header, path, columns)?;
    let mut rows = Rows { width: columns.len(), values: Vec::new() };
    let mut problems = Vec::new();
    let mut record = StringRecord::new();
    while problems.len() < PROBLEMS_MAX {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(unreadable(path, &error)),
        }
        let line = record.position().map_or(0, csv::Position::line);
        for (column, &position) in columns.iter().zip(&positions) {
            let text = record.get(position).unwrap_or("");
            match value(text, column) {
                Ok(value) => rows.values.push(value),
                Err(problem) => problems.push(problem.diagnostic(path, line, text, column)),
            }
        }
    }
    if problems.is_empty() { Ok(rows) } else { Err(Stop::Input(problems)) }
}

fn reader(bytes: impl Read) -> Reader<impl Read> {
    ReaderBuilder::new().trim(Trim::All).from_reader(ShortLines { bytes, since_line_end: 0 })
}

/// The first line, which names the columns.
fn header(reader: &mut Reader<impl Read>, path: &Path) -> Result<StringRecord, Stop> {
    let header = reader.headers().map_err(|error| unreadable(path, &error))?;
    if header.is_empty() {
        let message = format!("`{}` is empty", path.display());
        return Err(Stop::input(
            Diagnostic::error(codes::ROW_HEADER, message).help("its first line names the columns"),
        ));
    }
    Ok(header.clone())
}

/// Says why rows cannot be read.
fn unreadable(path: &Path, error: &csv::Error) -> Stop {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            let message =
                format!("`{}` line {line} has {len} cells, not {expected_len}", path.display());
            Stop::input(
                Diagnostic::error(codes::ROW_HEADER, message)
                    .note("every row has as many cells as the first line"),
            )
        }
        csv::ErrorKind::Io(error) => cannot_read(path, &error.to_string()),
        _ => cannot_read(path, &error.to_string()),
    }
}

/// Lines that memory can hold: what has none, such as a device, is no CSV.
struct ShortLines<R> {
    bytes: R,
    since_line_end: usize,
}

/// Longest line of a CSV. One of numbers alone has less than a tenth of it.
const LINE_BYTES_MAX: usize = 1 << 20;

impl<R: Read> Read for ShortLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.bytes.read(buffer)?;
        let ends = |&byte: &u8| byte == b'\n' || byte == b'\r';
        self.since_line_end = match buffer[..bytes].iter().rev().position(ends) {
            Some(behind) => behind,
            None => self.since_line_end + bytes,
        };
        if self.since_line_end > LINE_BYTES_MAX {
            let why = format!("a line has more than {LINE_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(bytes)
    }
}

/// Where each column stands in the header.
fn positions(header: &StringRecord, path: &Path, columns: &[Column]) -> Result<Vec<usize>, Stop> {
    let mut positions = Vec::new();
    let mut problems = Vec::new();
    for column in columns {
        let mut found = header.iter().enumerate().filter(|&(_, name)| named(name, &column.name));
        match (found.next(), found.next()) {
            (Some((position, _)), None) => positions.push(position),
            (Some(_), Some(_)) => problems.push(Diagnostic::error(
                codes::ROW_HEADER,
                format!("`{}` has the column `{}` twice", path.display(), column.name),
            )),
            (None, _) => problems.push(missing_column(header, path, column)),
        }
    }
    problems.truncate(PROBLEMS_MAX);
    if problems.is_empty() { Ok(positions) } else { Err(Stop::Input(problems)) }
}

/// Is `name` a name of the column: its own, or an alias of its feature?
fn named(name: &str, column: &str) -> bool {
    name == column || skxc_runtime::find(name).is_some_and(|(_, feature)| feature.name == column)
}

fn missing_column(header: &StringRecord, path: &Path, column: &Column) -> Diagnostic {
    let message = format!("`{}` has no column `{}`", path.display(), column.name);
    let diagnostic = Diagnostic::error(codes::ROW_HEADER, message)
        .help("the first line names the columns; their order does not matter");
    match closest(&column.name, header.iter()).first() {
        Some(near) => diagnostic.note(format!("it has a column `{near}`")),
        None => diagnostic,
    }
}

/// What is wrong with a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    /// Not an integer.
    NotAnInteger,
    /// Outside the storage range.
    OutOfRange,
    /// `nan`, and the column declares no value for it.
    Missing,
}

fn value(text: &str, column: &Column) -> Result<i64, Problem> {
    if text.is_empty() || text.eq_ignore_ascii_case("nan") {
        return column.missing.ok_or(Problem::Missing);
    }
    // pandas writes an integer column that once held a nan as 5.0.
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|b| b == b'0') => digits,
        _ => text,
    };
    let value: i128 = digits.parse().map_err(|_| Problem::NotAnInteger)?;
    match i64::try_from(value) {
        Ok(value) if column.range.contains(value) => Ok(value),
        _ => Err(Problem::OutOfRange),
    }
}

impl Problem {
    fn diagnostic(self, path: &Path, line: u64, text: &str, column: &Column) -> Diagnostic {
        let place = format!("`{}` line {line}, column `{}`", path.display(), column.name);
        let Interval { min, max } = column.range;
        match self {
            Self::NotAnInteger => {
                Diagnostic::error(codes::ROW_VALUE, format!("{place}: `{text}` is not an integer"))
            }
            Self::OutOfRange => Diagnostic::error(
                codes::ROW_VALUE,
                format!("{place}: {text} is outside the storage range {min} to {max}"),
            )
            .note(
                "no packet can hold such a value, and the proofs behind the program rely on that",
            ),
            Self::Missing => {
                Diagnostic::error(codes::ROW_MISSING, format!("{place}: the value is missing"))
                    .note(format!("`{}` declares no value for it", column.name))
                    .help(format!("in skxc.toml: [features.{}] missing = VALUE", column.name))
            }
        }
    }
}

/// For each row the texts of the columns of so many labels: `label`, or
/// `label0`, `label1`, ... Of a single one the column may be called `expected`
/// or `class`, too.
pub(crate) fn read_labels(path: &Path, labels: usize) -> Result<Vec<Vec<String>>, Stop> {
    let file = files::open(path).map_err(|why| cannot_read(path, &why))?;
    let mut reader = reader(file);
    let header = header(&mut reader, path)?;
    let names = label_columns(labels);
    let others: &[&str] = if labels == 1 { &["expected", "class"] } else { &[] };
    let mut positions = Vec::new();
    for name in &names {
        let mut accepted = std::iter::once(name.as_str()).chain(others.iter().copied());
        let position = |name: &str| header.iter().position(|column| column == name);
        let Some(position) = accepted.find_map(position) else {
            let message = format!("`{}` has no column `{name}`", path.display());
            return Err(Stop::input(
                Diagnostic::error(codes::ROW_HEADER, message)
                    .note(format!("the model gives {}", names.join(", "))),
            ));
        };
        positions.push(position);
    }
    let mut rows = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(|error| unreadable(path, &error))?;
        let text = |&position: &usize| record.get(position).unwrap_or("").to_owned();
        rows.push(positions.iter().map(text).collect());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use skxc_diagnostics::Code;

    use super::*;

    fn check(csv: &str, expect: Result<&[i64], (Code, &str)>) {
        let columns = [
            Column { name: "ip_ttl".into(), range: Interval::new(0, 255), missing: None },
            Column { name: "size".into(), range: Interval::new(-5, 5), missing: Some(-5) },
        ];
        match (read_from(csv.as_bytes(), Path::new("r.csv"), &columns), expect) {
            (Ok(rows), Ok(expect)) => assert_eq!(rows.values, expect),
            (Err(Stop::Input(found)), Err((code, text))) => {
                assert_eq!(found[0].code, code);
                assert!(found[0].message.contains(text), "{}", found[0].message);
            }
            (found, expect) => panic!("{csv}: found {found:?}, wanted {expect:?}"),
        }
    }

    #[test]
    fn columns_are_found_by_name() {
        check("ip_ttl,size\n64,5\n", Ok(&[64, 5]));
        check("label,size,ip_ttl\nattack,-5,0\nx, 1 ,255\n", Ok(&[0, -5, 255, 1]));
        check("ip_ttl,size\n", Ok(&[]));
        check("ip_ttl,sise\n", Err((codes::ROW_HEADER, "no column `size`")));
        check("ip_ttl,size,size\n1,1,1\n", Err((codes::ROW_HEADER, "twice")));
        check("", Err((codes::ROW_HEADER, "is empty")));
        check("ip_ttl,size\n1,1\n1\n", Err((codes::ROW_HEADER, "line 3 has 1 cells, not 2")));
    }

    #[test]
    fn what_has_no_lines_is_not_read_to_its_end() {
        let endless = io::repeat(b'7');
        let read = read_from(endless, Path::new("r.csv"), &[]);
        let Err(Stop::Input(found)) = read else { panic!("found {read:?}") };
        assert!(found[0].message.ends_with("a line has more than 1048576 bytes"), "{found:?}");
    }

    #[test]
    fn values_are_checked() {
        check("ip_ttl,size\n64.0,nan\n", Ok(&[64, -5]));
        check("ip_ttl,size\n1,1\n256,1\n", Err((codes::ROW_VALUE, "line 3, column `ip_ttl`: 256")));
        check("ip_ttl,size\n1.5,1\n", Err((codes::ROW_VALUE, "`1.5` is not an integer")));
        check("ip_ttl,size\n,1\n", Err((codes::ROW_MISSING, "ip_ttl")));
        check(
            "ip_ttl,size\n99999999999999999999999999,1\n",
            Err((codes::ROW_VALUE, "outside the storage range 0 to 255")),
        );
    }
}

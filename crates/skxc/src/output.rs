//! Writing files: whole or not at all.
//!
//! What must hold:
//! - a set of files is made in memory first, so that a refusal writes nothing;
//! - each file is written beside its place and renamed onto it, so that no
//!   reader ever sees half of one;
//! - a file that already holds the same bytes is left alone and keeps its
//!   modification time, so that build systems stop there.

use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use skxc_diagnostics::{Diagnostic, codes};
use tempfile::NamedTempFile;

use crate::session::Stop;

/// Files to be written.
#[derive(Debug, Default)]
pub(crate) struct Output {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Output {
    /// Adds a file.
    pub(crate) fn add(&mut self, path: PathBuf, bytes: impl Into<Vec<u8>>) {
        self.files.push((path, bytes.into()));
    }

    /// Paths of all files, in the order they were added.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// Writes all files, making folders where needed.
    ///
    /// All are written beside their places before the first is renamed: a full
    /// disk leaves nothing behind.
    pub(crate) fn write(&self) -> Result<(), Stop> {
        let mut pending = Vec::new();
        for (path, bytes) in &self.files {
            if fs::read(path).is_ok_and(|old| old == *bytes) {
                continue;
            }
            let file = beside(path, bytes).map_err(|error| cannot_write(path, &error))?;
            pending.push((path, file));
        }
        for (path, file) in pending {
            file.persist(path).map_err(|error| cannot_write(path, &error.error))?;
        }
        Ok(())
    }
}

/// A stream of data: to standard output, or to a file that appears when it is
/// whole. Dropped without [`Sink::finish`], the file does not appear.
pub(crate) struct Sink {
    writer: BufWriter<Box<dyn io::Write>>,
    file: Option<(NamedTempFile, PathBuf)>,
}

impl Sink {
    /// Opens the file, or standard output if there is none.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Stop> {
        let Some(path) = path else {
            return Ok(Self { writer: BufWriter::new(Box::new(io::stdout())), file: None });
        };
        let open = || -> io::Result<Self> {
            let file = beside(path, b"")?;
            let writer = BufWriter::new(Box::new(file.reopen()?) as Box<dyn io::Write>);
            Ok(Self { writer, file: Some((file, path.to_owned())) })
        };
        open().map_err(|error| cannot_write(path, &error))
    }

    /// Where to write.
    pub(crate) fn writer(&mut self) -> &mut impl io::Write {
        &mut self.writer
    }

    /// Makes the data appear.
    pub(crate) fn finish(mut self) -> Result<(), Stop> {
        match self.file {
            None => Ok(self.writer.flush()?),
            Some((file, path)) => {
                self.writer.flush().map_err(|error| cannot_write(&path, &error))?;
                file.persist(&path).map_err(|error| cannot_write(&path, &error.error))?;
                Ok(())
            }
        }
    }
}

/// Writes `bytes` to a new file in the folder of `path`.
fn beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".skxc-").permissions(ordinary_permissions());
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Read and write for all, less the umask: what any other program would make.
fn ordinary_permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o666)
}

/// Says that a file cannot be written.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Stop {
    Stop::environment(Diagnostic::error(
        codes::CANNOT_WRITE,
        format!("cannot write `{}`: {error}", path.display()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_file_keeps_its_time_and_a_failure_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/a.txt");
        let mut output = Output::default();
        output.add(path.clone(), "one");
        output.write().unwrap();
        let before = fs::metadata(&path).unwrap();
        let long_ago = before.modified().unwrap() - std::time::Duration::from_secs(1000);
        fs::File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();

        output.write().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), long_ago);

        let mut failing = Output::default();
        failing.add(path.clone(), "two");
        failing.add(path.join("below-a-file"), "three");
        assert!(matches!(failing.write(), Err(Stop::Environment(_))));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}

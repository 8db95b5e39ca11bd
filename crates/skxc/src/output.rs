//! Writing files: whole or not at all.
//!
//! What must hold:
//! - a set of files is made in memory first, so that a refusal writes nothing;
//! - each file is written beside its place and renamed onto it, so that no
//!   reader ever sees half of one;
//! - a file that already holds the same bytes is left alone and keeps its
//!   modification time, so that build systems stop there;
//! - a symbolic link stays one, and what is no file, such as `/dev/null` or a
//!   pipe, is written to and never replaced.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use skxc_diagnostics::{Diagnostic, codes};
use tempfile::NamedTempFile;

use crate::interrupt::Passing;
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
        let mut made = Vec::new();
        let written = self.write_or_leave(&mut made);
        if written.is_err() {
            // The innermost come last; one that is in use meanwhile stays.
            made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
        }
        written
    }

    /// Writes all files; `made` gets the folders that were not there before.
    fn write_or_leave(&self, made: &mut Vec<PathBuf>) -> Result<(), Stop> {
        let mut pending = Vec::new();
        let mut streams = Vec::new();
        for (path, bytes) in &self.files {
            let failed = |error| cannot_write(path, &error);
            match Place::of(path).map_err(failed)? {
                Place::File(file) if fs::read(&file).is_ok_and(|old| old == *bytes) => {}
                Place::File(file) => {
                    let written = beside(&file, bytes, made).map_err(failed)?;
                    pending.push((path, file, written));
                }
                Place::Stream => streams.push((path, bytes)),
            }
        }
        for (path, file, written) in pending {
            written.persist(&file).map_err(|error| cannot_write(path, &error))?;
        }
        for (path, bytes) in streams {
            let written = stream(path).and_then(|mut file| file.write_all(bytes));
            written.map_err(|error| cannot_write(path, &error))?;
        }
        Ok(())
    }
}

/// What a path leads to.
enum Place {
    /// A file, which may not be there yet: it is replaced as a whole.
    File(PathBuf),
    /// A device or a pipe: what is written to it is gone.
    Stream,
}

impl Place {
    /// Looks through symbolic links.
    fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_file() => fs::canonicalize(path).map(Self::File),
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => Ok(Self::Stream),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::File(path.to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}

/// What a [`Sink`] writes to.
/// Where data goes.
pub(crate) type Writer = BufWriter<Box<dyn io::Write>>;

/// A stream of data: to standard output, or to a file that appears when it is
/// whole. Dropped without [`Sink::finish`], the file does not appear.
pub(crate) struct Sink {
    writer: Writer,
    /// What was asked for; none for standard output.
    path: Option<PathBuf>,
    /// The file to be, and its place.
    file: Option<(Beside, PathBuf)>,
}

impl Sink {
    /// Opens the file, or standard output if there is none.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Stop> {
        let Some(path) = path else {
            let writer = BufWriter::new(Box::new(io::stdout()) as Box<dyn io::Write>);
            return Ok(Self { writer, path: None, file: None });
        };
        let open = || -> io::Result<Self> {
            let (target, file) = match Place::of(path)? {
                Place::Stream => (stream(path)?, None),
                Place::File(place) => {
                    let file = beside(&place, b"", &mut Vec::new())?;
                    (file.file.reopen()?, Some((file, place)))
                }
            };
            Ok(Self { writer: BufWriter::new(Box::new(target)), path: Some(path.to_owned()), file })
        };
        open().map_err(|error| cannot_write(path, &error))
    }

    /// Writes what `work` writes.
    pub(crate) fn write(
        &mut self,
        work: impl FnOnce(&mut Writer) -> io::Result<()>,
    ) -> Result<(), Stop> {
        work(&mut self.writer).map_err(|error| match &self.path {
            Some(path) if error.kind() != io::ErrorKind::BrokenPipe => cannot_write(path, &error),
            Some(_) | None => error.into(),
        })
    }

    /// Makes the data appear.
    pub(crate) fn finish(mut self) -> Result<(), Stop> {
        self.write(|writer| writer.flush())?;
        if let Some((file, place)) = self.file {
            file.persist(&place).map_err(|error| cannot_write(&place, &error))?;
        }
        Ok(())
    }
}

fn stream(path: &Path) -> io::Result<File> {
    File::options().write(true).open(path)
}

/// Writes `bytes` to a new file in the folder of `path`, which is made if it
/// is not there; `made` then gets it and those above it, outermost first.
fn beside(path: &Path, bytes: &[u8], made: &mut Vec<PathBuf>) -> io::Result<Beside> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let missing: Vec<&Path> = folder.ancestors().take_while(|above| !above.exists()).collect();
    for above in missing.into_iter().rev().filter(|above| !above.as_os_str().is_empty()) {
        fs::create_dir_all(above)?;
        made.push(above.to_owned());
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".skxc-").permissions(ordinary_permissions());
    let mut file = builder.tempfile_in(folder)?;
    // Not through the handle, whose errors name the file beside the place.
    file.as_file_mut().write_all(bytes)?;
    Ok(Beside { _passing: Passing::new(file.path()), file })
}

/// A file beside the place that it is to take.
struct Beside {
    // Forgotten before it is removed: members are dropped in this order.
    _passing: Passing,
    file: NamedTempFile,
}

impl Beside {
    fn persist(self, place: &Path) -> io::Result<()> {
        self.file.persist(place).map(|_| ()).map_err(|error| error.error)
    }
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
        failing.add(folder.path().join("new/folder/b.txt"), "two");
        failing.add(path.join("below-a-file"), "three");
        assert!(matches!(failing.write(), Err(Stop::Environment(_))));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(!folder.path().join("new").exists());
    }

    #[test]
    fn all_or_none_where_a_folder_has_the_name_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b.txt")).unwrap();
        let mut output = Output::default();
        output.add(folder.path().join("a.txt"), "one");
        output.add(folder.path().join("b.txt"), "two");
        assert!(matches!(output.write(), Err(Stop::Environment(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn links_and_devices_stay_what_they_are() {
        use std::os::unix::fs::FileTypeExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        let device = folder.path().join("device");
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        std::os::unix::fs::symlink("/dev/null", &device).unwrap();

        let mut output = Output::default();
        output.add(link.clone(), "new");
        output.add(device.clone(), "gone");
        output.write().unwrap();
        let mut sink = Sink::open(Some(&device)).unwrap();
        sink.write(|out| out.write_all(b"gone")).unwrap();
        sink.finish().unwrap();

        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&device).unwrap().is_symlink());
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }
}

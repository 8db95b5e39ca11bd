//! Reading files; failures become diagnostics.
//!
//! What must hold: a pipe is read like a file, once and to its end, and no
//! command waits for a writer that may never come.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use skxc_diagnostics::{Diagnostic, codes};

use crate::session::Stop;

/// Largest file that is read into memory: far above any model that fits the
/// kernel, far below what would hurt.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Largest project file or manifest: parsed, they take many times their size.
const TEXT_BYTES_MAX: u64 = 8 << 20;

/// The bytes of a file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Stop> {
    read(path, FILE_BYTES_MAX).map_err(|why| cannot_read(path, &why))
}

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> Result<String, Stop> {
    try_read_text(path).map_err(|why| cannot_read(path, &why))
}

/// The text of a file, or why there is none.
pub(crate) fn try_read_text(path: &Path) -> Result<String, String> {
    let bytes = read(path, TEXT_BYTES_MAX)?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    open(path)?.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("it has more than {} MiB", bytes_max >> 20));
    }
    Ok(bytes)
}

/// How long a pipe without a writer is waited for: a shell starts both ends at
/// once, in either order.
const WRITER_WAIT: Duration = Duration::from_secs(1);
/// How often it is looked at.
const WRITER_STEP: Duration = Duration::from_millis(5);

/// Opens a file, or a pipe, to be read once from its start; or says why not.
pub(crate) fn open(path: &Path) -> Result<impl Read + use<>, String> {
    let failed = |error: io::Error| error.to_string();
    let kind = fs::metadata(path).map_err(failed)?.file_type();
    if kind.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if kind.is_socket() {
        return Err("it is a socket".to_owned());
    }
    if !kind.is_fifo() {
        let file = File::open(path).map_err(failed)?;
        return Ok(io::Cursor::new(Vec::new()).chain(file));
    }
    // Without `O_NONBLOCK` the call waits for a writer.
    let nonblocking = OFlag::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(nonblocking.bits()).open(path);
    let mut file = file.map_err(failed)?;
    let first = first_bytes(&mut file)?;
    fcntl(&file, FcntlArg::F_SETFL(OFlag::empty())).map_err(|error| failed(error.into()))?;
    Ok(io::Cursor::new(first).chain(file))
}

/// The bytes that the writer of a pipe has written, if there are any yet; an
/// error if nobody opens it for writing.
fn first_bytes(pipe: &mut File) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; 4096];
    let start = Instant::now();
    loop {
        match pipe.read(&mut bytes) {
            Ok(0) if start.elapsed() < WRITER_WAIT => thread::sleep(WRITER_STEP),
            Ok(0) => {
                return Err(
                    "nothing came through this pipe: its writer wrote nothing, or there is none"
                        .to_owned(),
                );
            }
            Ok(count) => {
                bytes.truncate(count);
                return Ok(bytes);
            }
            // There is a writer, which has not written yet.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Vec::new()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Opens a file that is read in several places; a pipe is none.
pub(crate) fn open_regular(path: &Path) -> Result<File, Stop> {
    let failed = |error: io::Error| cannot_read(path, &error.to_string());
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(cannot_read(path, "it is not a regular file, and is read more than once"));
    }
    File::open(path).map_err(failed)
}

/// Says that a file cannot be read.
pub(crate) fn cannot_read(path: &Path, why: &str) -> Stop {
    Stop::input(Diagnostic::error(
        codes::CANNOT_READ,
        format!("cannot read `{}`: {why}", path.display()),
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use nix::sys::stat::Mode;

    use super::*;

    #[test]
    fn a_pipe_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        let writer = thread::spawn({
            let pipe = pipe.clone();
            move || {
                let mut pipe = OpenOptions::new().write(true).open(pipe).unwrap();
                pipe.write_all(b"first ").unwrap();
                thread::sleep(3 * WRITER_STEP);
                pipe.write_all(&vec![b'x'; 100_000]).unwrap();
            }
        });
        let bytes = read(&pipe, FILE_BYTES_MAX).unwrap();
        writer.join().unwrap();
        assert_eq!(bytes.len(), 100_006);
        assert!(bytes.starts_with(b"first xx"));
    }

    #[test]
    fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        let why = |path: &Path| read(path, FILE_BYTES_MAX).unwrap_err();
        assert_eq!(
            why(&pipe),
            "nothing came through this pipe: its writer wrote nothing, or there is none"
        );
        assert_eq!(why(folder.path()), "it is a folder");
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(why(&socket), "it is a socket");
        assert!(open_regular(&pipe).is_err());
        assert_eq!(read(Path::new("/dev/null"), 1).unwrap(), b"");
        assert!(why(Path::new("/dev/zero")).starts_with("it has more than"));
    }
}

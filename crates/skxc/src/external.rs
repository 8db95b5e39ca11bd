//! Data of tensors that a model keeps in files beside it.
//!
//! What must hold: a model names no file outside of its own folder, by
//! whatever way, and nothing is read but ordinary files and the bytes asked for.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

use skxc_frontend_onnx::ExternalRange;

use crate::digest;

/// The folder of a model.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// What was read, as files.
    pub(crate) files: BTreeSet<PathBuf>,
    /// What was read, in the order of the model.
    pub(crate) digests: Vec<String>,
}

impl Folder {
    /// The folder that the file of the model lies in.
    pub(crate) fn of(model: &Path) -> Self {
        let path = match model.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            Some(_) | None => PathBuf::from("."),
        };
        Self { path, files: BTreeSet::new(), digests: Vec::new() }
    }

    /// Reads what the model keeps there, or says why not.
    pub(crate) fn read(&mut self, range: &ExternalRange<'_>) -> Result<Vec<u8>, String> {
        let path = self.confine(range.location)?;
        let failed = |error: std::io::Error| format!("cannot be read: {error}");
        // Before it is opened: opening a pipe would wait for its other end.
        let resolved = fs::canonicalize(&path).map_err(failed)?;
        let found = fs::metadata(&resolved).map_err(failed)?;
        if !found.is_file() {
            return Err("is no ordinary file".to_owned());
        }
        let ExternalRange { offset, length, .. } = *range;
        if offset.checked_add(length).is_none_or(|end| end > found.len()) {
            let has = found.len();
            return Err(format!("has {has} bytes; the tensor wants {length} from {offset} on"));
        }
        let mut file = File::open(&resolved).map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 != length {
            return Err("became shorter meanwhile".to_owned());
        }
        self.digests.push(digest::sha256(&bytes));
        self.files.insert(path);
        Ok(bytes)
    }

    /// The path that a location names, if it stays in the folder, also behind
    /// symbolic links.
    fn confine(&self, location: &str) -> Result<PathBuf, String> {
        let outside = || "leads out of the folder of the model".to_owned();
        let relative = Path::new(location);
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if location.is_empty() || location.contains('\0') {
            return Err("names no file".to_owned());
        }
        if !relative.components().all(plain) {
            return Err(outside());
        }
        let failed = |error: std::io::Error| format!("cannot be read: {error}");
        let path = self.path.join(relative);
        let resolved = fs::canonicalize(&path).map_err(failed)?;
        let folder = fs::canonicalize(&self.path).map_err(failed)?;
        if resolved.starts_with(folder) { Ok(path) } else { Err(outside()) }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn read(folder: &Path, location: &str, offset: u64, length: u64) -> Result<Vec<u8>, String> {
        let range = ExternalRange { location, offset, length };
        Folder::of(&folder.join("model.onnx")).read(&range)
    }

    #[test]
    fn a_model_reads_its_own_folder_and_no_other() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("models");
        fs::create_dir_all(folder.join("deep")).unwrap();
        fs::write(outer.path().join("secret"), "secret").unwrap();
        fs::write(folder.join("deep/w.bin"), "0123456789").unwrap();
        symlink("../secret", folder.join("link")).unwrap();
        symlink("..", folder.join("up")).unwrap();
        symlink("deep/w.bin", folder.join("inside")).unwrap();

        assert_eq!(read(&folder, "deep/w.bin", 2, 3).unwrap(), b"234");
        assert_eq!(read(&folder, "./inside", 0, 1).unwrap(), b"0");
        let absolute = folder.join("deep/w.bin").display().to_string();
        for outside in
            ["../secret", "deep/../../secret", "link", "up/secret", "/etc/passwd", &absolute]
        {
            let why = read(&folder, outside, 0, 1).unwrap_err();
            assert_eq!(why, "leads out of the folder of the model", "{outside}");
        }
    }

    #[test]
    fn only_ordinary_files_and_bytes_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("w"), "0123").unwrap();
        for (location, offset, length, expect) in [
            ("w", 3, 2, "has 4 bytes; the tensor wants 2 from 3 on"),
            ("w", u64::MAX, 1, "has 4 bytes; the tensor wants 1 from 18446744073709551615 on"),
            (".", 0, 0, "is no ordinary file"),
            ("", 0, 0, "names no file"),
            ("w\0", 0, 0, "names no file"),
        ] {
            assert_eq!(read(folder.path(), location, offset, length).unwrap_err(), expect);
        }
        assert!(read(folder.path(), "absent", 0, 0).unwrap_err().starts_with("cannot be read: "));
        assert_eq!(read(folder.path(), "w", 4, 0).unwrap(), b"");
    }
}

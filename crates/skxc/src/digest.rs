//! Digests: of files, and the build id of a program.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::options::Options;

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Digest of a model: that of its file, or, where tensors were read from other
/// files, of the digests of all that was read.
pub(crate) fn model(bytes: &[u8], external: &[String]) -> String {
    let file = sha256(bytes);
    if external.is_empty() {
        return file;
    }
    sha256([&[file], external].concat().join("\n").as_bytes())
}

/// What a program was made of, as one digest: skxc's version, the model, the
/// options and the integer IR, which holds the columns with their ranges.
///
/// The parts are separated by line feeds, which none but the last holds.
pub(crate) fn build_id(model_sha256: &str, options: &Options, skir: &str) -> String {
    let options = serde_json::to_string(options).expect("options are plain data");
    let mut hasher = Sha256::new();
    for part in ["skxc", env!("CARGO_PKG_VERSION"), model_sha256, &options] {
        hasher.update(part);
        hasher.update("\n");
    }
    hasher.update(skir);
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_sha256sum() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
    }
}

//! Digests: of files, and the build id of a program.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use skxc_ir::Column;

use crate::actions::Label;
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
/// options, the columns, the classes of its labels and the integer IR. Everything
/// but the IR, of which there is a digest, stands in the manifest, so that the build
/// id in an object shows whether the manifest says what was compiled.
///
/// The parts are separated by line feeds, which none holds: JSON escapes them.
pub(crate) fn build_id(
    (skxc, model_sha256, skir_sha256): (&str, &str, &str),
    options: &Options,
    columns: &[Column],
    labels: &[Label],
) -> String {
    let columns: Vec<_> =
        columns.iter().map(|it| (&it.name, it.range.min, it.range.max, it.missing)).collect();
    // Of a single label the output is not named in the manifest.
    let several = labels.len() > 1;
    let labels: Vec<_> =
        labels.iter().map(|it| (several.then_some(&it.name), &it.classes)).collect();
    let plain = serde_json::to_string(&(options, columns, labels));
    let plain = plain.expect("options, columns and labels are plain data");
    let mut hasher = Sha256::new();
    for part in ["skxc", skxc, model_sha256, skir_sha256, &plain] {
        hasher.update(part);
        hasher.update("\n");
    }
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

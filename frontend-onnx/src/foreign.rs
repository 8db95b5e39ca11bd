//! Files of other kinds that are given in the place of a model, by their first
//! bytes, so that the refusal says how to make a model of them.
//!
//! What must hold: only the first bytes are looked at. Nothing in such a file is
//! trusted: reading a pickle runs what is in it.

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A pickle, which joblib writes as well.
    Pickle,
    /// Compressed data, which joblib writes with `compress`.
    Compressed,
    /// A ZIP archive, as of skops or Keras.
    Zip,
}

/// How files of each kind begin.
const STARTS: &[(&[u8], Kind)] = &[
    // The operation PROTO with protocol 2 to 5 (Python, Lib/pickletools.py).
    (b"\x80\x02", Kind::Pickle),
    (b"\x80\x03", Kind::Pickle),
    (b"\x80\x04", Kind::Pickle),
    (b"\x80\x05", Kind::Pickle),
    // Protocol 0 of an object, and protocol 1.
    (b"ccopy_reg\n", Kind::Pickle),
    (b"ccopyreg\n", Kind::Pickle),
    (b"PK\x03\x04", Kind::Zip),
    // zlib, gzip, bzip2, xz (joblib, numpy_pickle_utils.py).
    (b"\x78\x01", Kind::Compressed),
    (b"\x78\x5e", Kind::Compressed),
    (b"\x78\x9c", Kind::Compressed),
    (b"\x78\xda", Kind::Compressed),
    (b"\x1f\x8b", Kind::Compressed),
    (b"BZh", Kind::Compressed),
    (b"\xfd7zXZ", Kind::Compressed),
];

/// The kind of a file that begins like no model; `None` if it is not known.
pub(crate) fn kind(bytes: &[u8]) -> Option<Kind> {
    STARTS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, kind)| *kind)
}

impl Kind {
    /// What the file is.
    pub(crate) fn note(self) -> &'static str {
        match self {
            Self::Pickle => "it is a Python pickle, as `pickle` and `joblib` write it",
            Self::Compressed => "it is compressed, as `joblib` writes a pickle with `compress`",
            Self::Zip => "it is a ZIP archive",
        }
    }

    /// What makes a model of it.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Pickle | Self::Compressed => {
                "if you trust where it comes from, load it in Python with the scikit-learn version \
                 that wrote it, and export that: `skxc explain SKX0001` shows how"
            }
            Self::Zip => {
                "unpack it, or load the model in Python and export it: `skxc explain SKX0001` \
                 shows how"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_first_bytes() {
        for (bytes, expect) in [
            (&b"\x80\x04\x95\x93%"[..], Some(Kind::Pickle)),
            (b"ccopy_reg\n_r", Some(Kind::Pickle)),
            (b"x\x9c\xdd\x1a", Some(Kind::Compressed)),
            (b"\xfd7zXZ\x00\x00", Some(Kind::Compressed)),
            (b"PK\x03\x04\x14", Some(Kind::Zip)),
            // How a model begins: `ir_version`.
            (b"\x08\x0a\x12", None),
            (b"\x80", None),
            (b"", None),
        ] {
            assert_eq!(kind(bytes), expect, "{bytes:?}");
        }
    }
}

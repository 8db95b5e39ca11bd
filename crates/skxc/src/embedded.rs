//! What an object says of itself, beside its manifest.
//!
//! What must hold: nothing that `attach` and `status` take from a manifest is
//! taken without the object having said the same.

use skxc_bpf::ObjectFile;

use crate::cli::Hook;
use crate::digest;
use crate::manifest::Manifest;

/// What an object holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Embedded {
    /// The build id; empty if there is none.
    pub(crate) build_id: String,
    /// The action of each class; none without a hook.
    actions: Option<Vec<u32>>,
    fallbacks: Option<Vec<u32>>,
    shadow: Option<Vec<u32>>,
}

impl Embedded {
    /// Reads what the object of program `name` holds; nothing of what is none.
    pub(crate) fn read(object: &[u8], name: &str) -> Self {
        let Ok(file) = ObjectFile::parse(object) else { return Self::default() };
        let words = |what: &str| words(&file, &format!("{name}_{what}"));
        Self {
            build_id: file.text(&format!("{name}_build_id")).unwrap_or("").to_owned(),
            actions: words("actions"),
            fallbacks: words("fallbacks"),
            shadow: words("shadow"),
        }
    }

    /// Members of the manifest that say something else.
    pub(crate) fn disagreements(&self, manifest: &Manifest) -> Vec<&'static str> {
        let mut found = Vec::new();
        if self.build_id != manifest.build_id {
            found.push("build_id");
        }
        if manifest.options.hook == Hook::None {
            return found;
        }
        // Labels, columns and the rest of what an object has no bytes for: its build
        // id is the digest of what the manifest must say.
        let (columns, labels) = (manifest.columns(), manifest.labels());
        let said = digest::build_id(
            &manifest.model_sha256,
            &manifest.options,
            &manifest.skir_sha256,
            &columns,
            &labels,
        );
        if found.is_empty() && self.build_id != said {
            found.push("build_id");
        }
        let actions = manifest.classes.iter().map(|class| class.action.xdp()).collect();
        if self.actions != Some(actions) {
            found.push("classes");
        }
        if self.fallbacks != Some(manifest.fallback.xdp()) {
            found.push("fallback");
        }
        if self.shadow != Some(vec![u32::from(manifest.options.shadow)]) {
            found.push("options");
        }
        found
    }
}

/// The value of a variable of 32-bit words. An object is of this machine's byte
/// order, or the kernel does not take it.
fn words(file: &ObjectFile<'_>, variable: &str) -> Option<Vec<u32>> {
    let variable = file.variable(variable).ok()?;
    // What is all zeros may lie where an object has no bytes.
    let Some(bytes) = variable.initial else { return Some(vec![0; variable.bytes / 4]) };
    let (words, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| words.iter().map(|&word| u32::from_ne_bytes(word)).collect())
}

//! What an object says of itself, beside its manifest.
//!
//! What must hold: nothing that `attach` and `status` take from a manifest is
//! taken without the object having said the same.

use std::path::Path;

use skxc_backend_bpf::read_class_names;
use skxc_bpf::ObjectFile;
use skxc_diagnostics::{Diagnostic, codes};

use crate::cli::Hook;
use crate::manifest::{ClassEntry, Manifest};

/// What an object holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Embedded {
    /// The build id; empty if there is none.
    pub(crate) build_id: String,
    /// The names of the classes; none without a hook.
    classes: Option<Vec<String>>,
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
            classes: names(&file, &format!("{name}_classes")),
            actions: words("actions"),
            fallbacks: words("fallbacks"),
            shadow: words("shadow"),
        }
    }

    /// Members of the manifest that say something else than the object.
    pub(crate) fn disagreements(&self, manifest: &Manifest) -> Vec<&'static str> {
        let mut found = Vec::new();
        if self.build_id != manifest.build_id {
            found.push("build_id");
        }
        if manifest.options.hook == Hook::None {
            return found;
        }
        let classes = manifest.classes.iter().map(ClassEntry::name).collect();
        let actions = manifest.classes.iter().map(|class| class.action.xdp()).collect();
        if self.classes != Some(classes) || self.actions != Some(actions) {
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

    /// What is wrong if the manifest of the object `path` does not describe it.
    pub(crate) fn refusal(&self, manifest: &Manifest, path: &Path) -> Option<Diagnostic> {
        let described = manifest.digest();
        let members = self.disagreements(manifest);
        if self.build_id != manifest.build_id && self.build_id != described {
            return Some(self.of_another_build(manifest, path));
        }
        if !members.is_empty() {
            return Some(Manifest::differs(path, &members));
        }
        if self.build_id == described {
            return None;
        }
        // Columns, digests and most options stand nowhere else in an object.
        let file = Manifest::path_of(path);
        let message = format!("`{}` does not describe this program", file.display());
        Some(
            Diagnostic::error(codes::MANIFEST_DIFFERS, message)
                .note("one of `skxc`, `model_sha256`, `skir_sha256`, `options`, `columns` differs")
                .note(format!(
                    "the build id of what it says is {described}, that in the object {}",
                    self.build_id
                ))
                .help("compile again"),
        )
    }

    fn of_another_build(&self, manifest: &Manifest, path: &Path) -> Diagnostic {
        let message = format!("`{}` is not the object that `compile` wrote", path.display());
        let found = if self.build_id.is_empty() { "none" } else { &self.build_id };
        let (wanted, file) = (&manifest.build_id, Manifest::path_of(path));
        Diagnostic::error(codes::MANIFEST_DIFFERS, message)
            .note(format!("its build id is {found}, `{}` says {wanted}", file.display()))
            .help("compile again: it writes both")
    }
}

/// The value of a variable that holds the names of classes.
fn names(file: &ObjectFile<'_>, variable: &str) -> Option<Vec<String>> {
    let variable = file.variable(variable).ok()?;
    // A single class without a name is a zero byte.
    read_class_names(variable.initial.unwrap_or(&[0]))
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

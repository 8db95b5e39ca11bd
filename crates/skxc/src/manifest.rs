//! The manifest `NAME.json`: what a program is and what it was made from.
//!
//! Everything that reads an object later starts here: `check` takes options
//! and columns from it, `attach` the digest, the classes and the actions.
//!
//! What must hold:
//! - the same build gives the same bytes: no path, time or host;
//! - a manifest of another format is refused, not half understood.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use skxc_backend_bpf::KernelVersion;
use skxc_diagnostics::{Diagnostic, codes};
use skxc_ir::limits::FEATURE_MAGNITUDE_MAX;
use skxc_ir::{Column, Interval};

use crate::actions::{Action, Label};
use crate::digest;
use crate::fallback::Fallbacks;
use crate::files;
use crate::names::{is_column_name, is_program_name};
use crate::options::Options;
use crate::session::Stop;

/// Number of the format; goes up when the meaning of a member changes.
const FORMAT: u32 = 4;

/// The manifest `NAME.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// Number of the format.
    pub(crate) format: u32,
    /// Version of skxc.
    pub(crate) skxc: String,
    /// Name of the program.
    pub(crate) name: String,
    /// Digest of all that the program depends on; also in the object.
    pub(crate) build_id: String,
    /// SHA-256 of the ONNX file.
    pub(crate) model_sha256: String,
    /// SHA-256 of the integer IR.
    pub(crate) skir_sha256: String,
    /// The object, unless only the source was asked for.
    pub(crate) object: Option<ObjectEntry>,
    /// What was asked for.
    pub(crate) options: Options,
    /// The declared columns, in model input order.
    pub(crate) columns: Vec<ColumnEntry>,
    /// Where the structs of `NAME.h` hold what.
    pub(crate) layout: LayoutEntry,
    /// The classes of all labels, those of the first label by index first, each
    /// with its action.
    pub(crate) classes: Vec<ClassEntry>,
    /// What happens to packets that cannot be classified, by reason.
    pub(crate) fallback: Fallbacks,
    /// The outputs of the model.
    pub(crate) outputs: Vec<OutputEntry>,
    /// The forests, in the order in which they are computed.
    pub(crate) forests: Vec<ForestEntry>,
    /// Predicted cost of the whole program at its hook.
    pub(crate) cost: CostEntry,
}

/// The object file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectEntry {
    /// Its name, beside the manifest.
    pub(crate) file: String,
    /// SHA-256 of its bytes.
    pub(crate) sha256: String,
    /// The compiler, as it names itself.
    pub(crate) clang: String,
}

/// A declared column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnEntry {
    /// Name of the column or output.
    pub(crate) name: String,
    /// Least value that it can hold.
    pub(crate) min: i64,
    /// Greatest value that it can hold.
    pub(crate) max: i64,
    /// The value that stands for "missing".
    pub(crate) missing: Option<i64>,
    /// Its member of `struct NAME_features`, unless nothing reads it.
    pub(crate) member: Option<MemberEntry>,
}

/// A member of a struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberEntry {
    /// Its name in C.
    pub(crate) name: String,
    /// Size in bytes.
    pub(crate) size_bytes: u32,
    /// Two's complement, or unsigned.
    pub(crate) signed: bool,
    /// Bytes from the start of the struct.
    pub(crate) offset_bytes: u32,
}

/// Sizes and offsets of the structs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LayoutEntry {
    /// Size of `struct NAME_features`.
    pub(crate) features_bytes: u32,
    /// Size of `struct NAME_result`, which starts with the labels.
    pub(crate) result_bytes: u32,
    /// Number of labels, `__u32` each.
    pub(crate) labels: u32,
    /// Offset of the scores in `struct NAME_result`.
    pub(crate) scores_offset_bytes: u32,
    /// Number of scores, `__s64` each.
    pub(crate) scores: u32,
}

/// A class of a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassEntry {
    /// Name of the output that is the label, where there are several.
    pub(crate) output: Option<String>,
    /// Its label, as text.
    pub(crate) label: String,
    /// What happens to its packets.
    pub(crate) action: Action,
}

/// An output of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputEntry {
    /// Its name in the model.
    pub(crate) name: String,
    /// `label`, `raw`, `probability` or `value`.
    pub(crate) kind: String,
    /// Where its elements start in `struct NAME_result`: a label is a `__u32`,
    /// an element of anything else an `__s64`.
    pub(crate) offset_bytes: u32,
    /// Number of elements.
    pub(crate) elements: u32,
    /// A stored integer means itself times 2^-`frac_bits`.
    pub(crate) frac_bits: u8,
    /// For each element, a bound on its error against exact arithmetic; none
    /// where nothing is known.
    pub(crate) error_max: Vec<Option<f64>>,
}

/// A forest and its lowering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForestEntry {
    /// Shapes of its code, as in `branch+walk`.
    pub(crate) lowering: String,
    /// Trees that get a shape together.
    pub(crate) parts: Vec<PartEntry>,
    /// Trees after all passes.
    pub(crate) trees: u64,
    /// Nodes after all passes.
    pub(crate) nodes: u64,
    /// Levels of its deepest tree.
    pub(crate) depth_max: u32,
    /// The cost, as predicted.
    pub(crate) cost: CostEntry,
}

/// Some trees of a forest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartEntry {
    /// Shape of their code.
    pub(crate) lowering: String,
    /// Number of trees.
    pub(crate) trees: u64,
    /// The cost, as predicted.
    pub(crate) cost: CostEntry,
}

/// The cost, as predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CostEntry {
    /// Instructions of the program.
    pub(crate) program_insns: u64,
    /// Instructions that the verifier processes.
    pub(crate) verifier_insns: u64,
    /// Bytes of tables.
    pub(crate) table_bytes: u64,
    /// Bytes of scratch memory, per CPU.
    pub(crate) scratch_bytes: u64,
    /// Bytes of the stack.
    pub(crate) stack_bytes: u64,
    /// Nanoseconds of a decision, parsing not counted.
    pub(crate) decision_ns: u64,
}

impl ClassEntry {
    /// The class as `--action` and `skxc status` name it: `CLASS`, or
    /// `OUTPUT.CLASS` where there are several labels.
    pub(crate) fn name(&self) -> String {
        match &self.output {
            Some(output) => format!("{output}.{}", self.label),
            None => self.label.clone(),
        }
    }
}

impl ColumnEntry {
    /// A packet feature has its own name and the range of its header field.
    fn agrees_with_packets(&self) -> bool {
        skxc_runtime::find(&self.name).is_none_or(|(_, feature)| {
            self.name == feature.name && self.min == 0 && self.max == i64::from(feature.max)
        })
    }
}

impl Manifest {
    /// The number that `format` must have.
    pub(crate) const FORMAT: u32 = FORMAT;

    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a manifest is plain data");
        text.push('\n');
        text
    }

    /// Reads a manifest.
    pub(crate) fn read(path: &Path) -> Result<Self, Stop> {
        let unusable = |why: String| {
            let message = format!("`{}` is not usable: {why}", path.display());
            Stop::input(
                Diagnostic::error(codes::MANIFEST, message)
                    .note("the manifest lies beside the object that `skxc compile` wrote"),
            )
        };
        let text = files::try_read_text(path).map_err(unusable)?;
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
        if value.get("format").and_then(serde_json::Value::as_u64) != Some(FORMAT.into()) {
            return Err(unusable("it is of another version of skxc".to_owned()));
        }
        let manifest: Self =
            serde_json::from_value(value).map_err(|error| unusable(error.to_string()))?;
        manifest.check().map_err(unusable)?;
        Ok(manifest)
    }

    /// A manifest is a file like any other: what the stages rely on is checked.
    fn check(&self) -> Result<(), String> {
        if !is_program_name(&self.name) || self.name != self.options.name {
            return Err(format!("`{}` is not the name of a program", self.name.escape_debug()));
        }
        if self.options.kernel.parse::<KernelVersion>().is_err() {
            return Err("its `kernel` is not a version".to_owned());
        }
        let mut names = BTreeSet::new();
        for column in &self.columns {
            let limit = -FEATURE_MAGNITUDE_MAX..=FEATURE_MAGNITUDE_MAX;
            let range = column.min..=column.max;
            let sound = !range.is_empty()
                && limit.contains(&column.min)
                && limit.contains(&column.max)
                && column.missing.is_none_or(|missing| range.contains(&missing))
                && is_column_name(&column.name)
                && column.agrees_with_packets()
                && names.insert(column.name.as_str());
            if !sound {
                return Err(format!("its column `{}` is not one", column.name.escape_debug()));
            }
        }
        Ok(())
    }

    /// Where the manifest of an object lies: `x/NAME.bpf.o` has `x/NAME.json`.
    pub(crate) fn path_of(object: &Path) -> PathBuf {
        let name = object.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".bpf.o").or_else(|| name.strip_suffix(".o")).unwrap_or(&name);
        object.with_file_name(format!("{stem}.json"))
    }

    /// The columns as the IR has them.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let column = |entry: &ColumnEntry| Column {
            name: entry.name.clone(),
            range: Interval { min: entry.min, max: entry.max },
            missing: entry.missing,
        };
        self.columns.iter().map(column).collect()
    }

    /// The labels of the program, with their classes.
    pub(crate) fn labels(&self) -> Vec<Label> {
        let of_one_output = |a: &ClassEntry, b: &ClassEntry| a.output == b.output;
        let label = |classes: &[ClassEntry]| Label {
            name: classes[0].output.clone().unwrap_or_default(),
            classes: classes.iter().map(|class| class.label.clone()).collect(),
            is_zero_one: false,
        };
        self.classes.chunk_by(of_one_output).map(label).collect()
    }

    /// The build id of a program that is what the manifest says.
    pub(crate) fn digest(&self) -> String {
        let made_from = (&*self.skxc, &*self.model_sha256, &*self.skir_sha256);
        digest::build_id(made_from, &self.options, &self.columns(), &self.labels())
    }

    /// The members that another manifest has otherwise, the object apart.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let members = |manifest: &Self| {
            let value = serde_json::to_value(manifest).expect("a manifest is plain data");
            let serde_json::Value::Object(members) = value else {
                unreachable!("a structure is an object");
            };
            members
        };
        let (ours, theirs) = (members(self), members(other));
        let differs = |name: &&String| *name != "object" && ours.get(*name) != theirs.get(*name);
        ours.keys().filter(differs).cloned().collect()
    }

    /// Says that members of the manifest of `object` are not what they must be.
    pub(crate) fn differs(object: &Path, members: &[impl AsRef<str>]) -> Diagnostic {
        let members: Vec<String> = members.iter().map(|it| format!("`{}`", it.as_ref())).collect();
        let verb = if members.len() == 1 { "differs" } else { "differ" };
        let (manifest, members) = (Self::path_of(object), members.join(", "));
        let message =
            format!("`{}` does not describe this program: {members} {verb}", manifest.display());
        Diagnostic::error(codes::MANIFEST_DIFFERS, message)
            .note("the manifest or the object was changed, or they are of two builds")
            .help("compile again; other actions are said by `--action` of `compile` or `attach`")
    }

    /// Refuses an object that is not the one described.
    pub(crate) fn check_object(&self, path: &Path, sha256: &str) -> Result<(), Stop> {
        if self.object.as_ref().is_some_and(|object| object.sha256 == sha256) {
            return Ok(());
        }
        let manifest = Self::path_of(path);
        let message = format!("`{}` is not the object of `{}`", path.display(), manifest.display());
        let why = match &self.object {
            Some(object) => format!("its digest is {sha256}, not {}", object.sha256),
            None => "the manifest was written without an object".to_owned(),
        };
        Err(Stop::input(
            Diagnostic::error(codes::OBJECT_DIGEST, message)
                .note(why)
                .help("compile again; an object is never edited"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_reads_back_as_it_was_written() {
        // `check` compares a manifest that was read with one that was made.
        for bound in [5.859_375_0e-11, 7.196_541_298_273_1e-11, 1.0 / 3.0, f64::MIN_POSITIVE] {
            let text = serde_json::to_string(&bound).unwrap();
            assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), bound.to_bits());
        }
    }

    #[test]
    fn a_manifest_lies_beside_its_object() {
        for (object, manifest) in
            [("out/scan.bpf.o", "out/scan.json"), ("scan.o", "scan.json"), ("scan", "scan.json")]
        {
            assert_eq!(Manifest::path_of(Path::new(object)), Path::new(manifest));
        }
    }
}

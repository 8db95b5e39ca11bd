//! What is measured: programs in the kernel.
//!
//! Beside the programs of the model stand two that show what a figure is to be
//! held against: one that does nothing, and the same generated wrapper with no
//! model in it, which parses and fills the features.

use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use skxc_bpf::{Batch, Error, Loaded, Loader, ObjectFile, Replay};
use skxc_diagnostics::{Diagnostic, codes};

use crate::bench::inputs::Material;
use crate::bench::yardstick::Yardstick;
use crate::files;
use crate::kernel;
use crate::manifest::Manifest;
use crate::pipeline::Program;
use crate::session::Stop;

/// The source of the wrapper without a model.
pub(crate) const BASELINE: &str = "baseline.bpf.c";

/// What a subject is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Does nothing: what measuring costs.
    Empty,
    /// Parses and fills the features.
    Parse,
    /// A program of the model.
    Model,
    /// An object that was given.
    Other,
    /// The trees in user space.
    Native,
}

/// What the kernel made of a program.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Size {
    /// Instructions that the verifier processed; 0 before Linux 5.16.
    pub(crate) verified_insns: u32,
    /// Bytes of machine code; 0 without JIT.
    pub(crate) machine_code_bytes: u32,
    /// Time from the bytes of the object to a program in the kernel.
    pub(crate) load_ms: f64,
}

/// A program that is measured.
#[derive(Debug)]
pub(crate) struct Subject {
    /// What it is called.
    pub(crate) name: String,
    /// What it is there for.
    pub(crate) role: Role,
    /// Predicted nanoseconds of a decision.
    pub(crate) predicted_ns: Option<u64>,
    /// What the kernel made of it.
    pub(crate) size: Option<Size>,
    /// The test bench, with the vectors as it wants them.
    pub(crate) batch: Option<(Batch, Vec<u8>)>,
    /// The XDP program, by name.
    pub(crate) entry: Option<(Loaded, String)>,
    /// The program in user space.
    pub(crate) native: Option<Yardstick>,
}

impl Subject {
    /// A program of the model in the kernel. At no hook, only the test bench.
    pub(crate) fn of_model(
        name: String,
        object: &[u8],
        manifest: &Manifest,
        program: &Program,
        material: &Material,
    ) -> Result<Self, Error> {
        let batch = test_bench(object, manifest, material)?;
        let mut subject = Self {
            name,
            role: Role::Model,
            predicted_ns: Some(manifest.cost.decision_ns),
            size: None,
            batch: None,
            entry: None,
            native: None,
        };
        match &program.artifact.program {
            Some(entry) => subject.load_entry(object, entry)?,
            None => {
                let start = Instant::now();
                drop(kernel::bench(object, manifest)?);
                subject.size = Some(size(&batch.0.info()?, start));
            }
        }
        subject.batch = Some(batch);
        Ok(subject)
    }

    /// The two programs to hold figures against: an empty one, and, at a hook,
    /// one that parses. `object` is [`baseline`], compiled.
    pub(crate) fn baselines(
        object: &[u8],
        manifest: &Manifest,
        program: &Program,
        material: &Material,
    ) -> Result<Vec<Self>, Error> {
        let subject = |name: &str, role| Self {
            name: name.to_owned(),
            role,
            predicted_ns: None,
            size: None,
            batch: None,
            entry: None,
            native: None,
        };
        let mut empty = subject("empty", Role::Empty);
        empty.batch = Some(test_bench(object, manifest, material)?);
        let mut baselines = vec![empty];
        if let Some(entry) = &program.artifact.program {
            let mut parse = subject("parse only", Role::Parse);
            parse.load_entry(object, entry)?;
            baselines.push(parse);
        }
        Ok(baselines)
    }

    /// An object of another build, or not of skxc at all. Decisions are
    /// measured if its manifest has the columns of `like`.
    pub(crate) fn other(path: &Path, like: &Manifest, material: &Material) -> Result<Self, Stop> {
        let object = files::read_bytes(path)?;
        let name = path.display().to_string();
        let failed = |error: Error| kernel::failure(&format!("run `{name}`"), &error);
        let manifest_path = Manifest::path_of(path);
        let manifest =
            if manifest_path.exists() { Some(Manifest::read(&manifest_path)?) } else { None };
        let file = ObjectFile::parse(&object).map_err(failed)?;
        let program = entry_of(&file, manifest.as_ref(), &name)?;
        let mut subject = Self {
            name: name.clone(),
            role: Role::Other,
            predicted_ns: manifest.as_ref().map(|it| it.cost.decision_ns),
            size: None,
            batch: None,
            entry: None,
            native: None,
        };
        if let Some(program) = program {
            subject.load_entry(&object, &program).map_err(failed)?;
        }
        let same_columns = |it: &Manifest| {
            it.columns.iter().map(|column| &column.name).eq(like.columns.iter().map(|it| &it.name))
        };
        if let Some(manifest) = manifest.filter(same_columns) {
            subject.batch = Some(test_bench(&object, &manifest, material).map_err(failed)?);
        }
        Ok(subject)
    }

    /// The trees in user space.
    pub(crate) fn native(yardstick: Yardstick) -> Self {
        Self {
            name: "user space".to_owned(),
            role: Role::Native,
            predicted_ns: None,
            size: None,
            batch: None,
            entry: None,
            native: Some(yardstick),
        }
    }

    fn load_entry(&mut self, object: &[u8], program: &str) -> Result<(), Error> {
        let start = Instant::now();
        let loaded = Loader::new(object)?.program(program).load()?;
        self.size = Some(size(&loaded.program(program)?.info()?, start));
        self.entry = Some((loaded, program.to_owned()));
        Ok(())
    }

    /// Mean nanoseconds of a decision, on all vectors or again and again on
    /// the first; none if it has no test bench.
    pub(crate) fn time_decision(&mut self, warm: bool, repeat: u32) -> Result<Option<f64>, Stop> {
        if let Some(native) = &self.native {
            return native.time(warm, repeat).map(Some).map_err(Stop::from);
        }
        let Some((batch, features)) = &mut self.batch else { return Ok(None) };
        let bytes = batch.features_bytes();
        let vectors = if warm { 1 } else { features.len() / bytes };
        let time = batch.time(vectors, &features[..vectors * bytes], repeat);
        time.map(|ns| Some(f64::from(ns))).map_err(failed)
    }

    /// Mean nanoseconds of a packet, on all frames or again and again on the
    /// first; none if it reads no packets.
    pub(crate) fn time_packet(
        &self,
        replay: &Replay,
        warm: bool,
        repeat: u32,
    ) -> Result<Option<f64>, Stop> {
        let frames = if warm { 1 } else { usize::MAX };
        let program = match (&self.entry, self.role) {
            (Some((loaded, name)), _) => loaded.program(name).map_err(failed)?,
            (None, Role::Empty) => replay.empty().map_err(failed)?,
            (None, _) => return Ok(None),
        };
        let time = replay.time(&program, frames, repeat);
        time.map(|ns| Some(f64::from(ns))).map_err(failed)
    }
}

fn failed(error: Error) -> Stop {
    kernel::failure("measure", &error)
}

/// C that takes the generated program of a model and leaves out the model: its
/// test bench does nothing, its XDP program parses and fills the features.
pub(crate) fn baseline(name: &str) -> String {
    format!(
        "/* What is left of {name}.bpf.c without counters and without a model. */\n\
         #include \"skxc/counters.h\"\n\
         #define skxc_count(map, index, bytes) ((void)(bytes))\n\
         #define {name}_predict {name}_predict_by_model\n\
         #include \"{name}.h\"\n\
         #undef {name}_predict\n\
         static __always_inline void\n\
         {name}_predict(const struct {name}_features *f, struct {name}_scratch *s,\n\
         \t\tstruct {name}_result *r)\n\
         {{\n\t(void)f;\n\t(void)s;\n\t(void)r;\n}}\n\
         #include \"{name}.bpf.c\"\n"
    )
}

fn test_bench(
    object: &[u8],
    manifest: &Manifest,
    material: &Material,
) -> Result<(Batch, Vec<u8>), Error> {
    let layout = kernel::layout(manifest);
    let mut features = Vec::with_capacity(material.rows.len() * layout.features_bytes);
    for row in &material.rows {
        layout.pack(row, &mut features);
    }
    Ok((kernel::bench(object, manifest)?, features))
}

fn size(info: &skxc_bpf::ProgramInfo, start: Instant) -> Size {
    Size {
        verified_insns: info.verified_insns,
        machine_code_bytes: info.jited_bytes,
        load_ms: start.elapsed().as_secs_f64() * 1000.0,
    }
}

/// The XDP program of an object: that of its manifest, else the only one. None
/// if the manifest says that there is none.
fn entry_of(
    file: &ObjectFile<'_>,
    manifest: Option<&Manifest>,
    object: &str,
) -> Result<Option<String>, Stop> {
    let programs = file.programs();
    if let Some(manifest) = manifest {
        let program = kernel::xdp_program(&manifest.name);
        return Ok(programs.contains(&program.as_str()).then_some(program));
    }
    match programs[..] {
        [program] => Ok(Some(program.to_owned())),
        _ => Err(Stop::input(
            Diagnostic::error(
                codes::CANNOT_RUN,
                format!("`{object}` has {} programs, and no manifest", programs.len()),
            )
            .note(format!("they are {}", programs.join(", ")))
            .help("keep NAME.json beside NAME.bpf.o, or give an object with one program"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baseline_replaces_the_model_and_keeps_the_program() {
        let text = baseline("scan");
        let place = |what: &str| text.find(what).unwrap();
        assert!(place("#include \"scan.h\"") < place("#undef scan_predict"));
        assert!(place("#undef scan_predict") < place("#include \"scan.bpf.c\""));
    }
}

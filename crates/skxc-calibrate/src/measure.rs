//! Compiles, loads and times.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use skxc_backend_bpf::kernel_features::KernelVersion;
use skxc_backend_bpf::{Artifact, Hook, Options};
use skxc_bpf::{Batch, Loader};
use skxc_ir::validate::{Validated, Validator};
use skxc_ir::{Int, TreeNode, text};
use skxc_lowering::{Choice, Lowering};

use crate::grid::{Point, points};
use crate::population::{Population, Row};
use crate::record::{self, Record};
use crate::say;

/// Rows of a round trip: more than a branch predictor remembers.
const ROWS: usize = 1 << 15;
const ROWS_SEED: u64 = 1 << 60;
/// Decisions of a sample and samples of a program; the first does not count.
const REPEAT: u32 = 1 << 16;
const ROUNDS: usize = 7;
/// Forests with more decisions than this take fewer.
const SLOW_NODES: usize = 50_000;
/// A decision that is none: what the test bench itself takes.
const FLOOR: &str = "int model
@c0 = column x0 [0, 1]
@t0 = forest q22.40, 1 features, 1 targets
  roots [n0]
  n0 = leaf [0: 1]
end
%0 = input [x0] : i64[1x1]
%1 = tree_ensemble @t0, %0 : q22.40[1x1]
output \"sums\" value %1
";

/// A program in the kernel.
struct Subject {
    lowering: Option<Lowering>,
    batch: Batch,
    features: Vec<u8>,
    load_ms: f64,
    clang_seconds: f64,
    samples: Vec<f64>,
}

/// Measures the points whose name matches a filter, or all, and writes them
/// over those of the same name in the file.
pub(crate) fn run(path: &Path, filters: &[glob::Pattern]) -> Result<(), Box<dyn Error>> {
    let mut records = record::read(path)?;
    let is_wanted =
        |name: &str| filters.is_empty() || filters.iter().any(|filter| filter.matches(name));
    for point in points().into_iter().filter(|point| is_wanted(&point.name())) {
        let name = point.name();
        let found = measure(point).map_err(|error| format!("{name}: {error}"))?;
        for record in &found {
            let Record { forest, lowering, ns, verified_insns, .. } = record;
            say(&format!("{forest} {lowering}: {ns:.0} ns, {verified_insns} verified\n"));
        }
        records.retain(|record| record.forest != name);
        records.extend(found);
        let place = |record: &Record| points().iter().position(|it| it.name() == record.forest);
        records.retain(|record| place(record).is_some());
        records.sort_by_key(place);
        record::write(path, &records)?;
    }
    Ok(())
}

fn measure(point: Point) -> Result<Vec<Record>, Box<dyn Error>> {
    let population = Population::new(point.wide);
    let Some(module) = point.module(&population) else { return Ok(Vec::new()) };
    let rows = population.rows(ROWS_SEED, ROWS);
    let floor = Validator::validate(text::parse::<Int>(FLOOR).expect("it is a module"));
    let floor = floor.expect("it is valid");
    let nothing = vec![Row { values: vec![0], class: false }; ROWS];
    let mut subjects = vec![subject(&floor, None, &nothing)?.ok_or("a leaf fits")?];
    for lowering in Lowering::ALL {
        match subject(&module, Some(lowering), &rows) {
            Ok(subject) => subjects.extend(subject),
            Err(error) => say(&format!("{} {lowering}: {error}\n", point.name())),
        }
    }
    let nodes = module.forests.iter().map(|(_, forest)| forest.nodes.len()).sum();
    let repeat = if nodes > SLOW_NODES { REPEAT / 2 } else { REPEAT };
    time(&mut subjects, repeat)?;
    let (tests, misses) = paths(&module, &rows);
    let floor = subjects[0].samples.clone();
    let record = |subject: &Subject| -> Result<Option<Record>, Box<dyn Error>> {
        let Some(lowering) = subject.lowering else { return Ok(None) };
        let info = subject.batch.info()?;
        let net = subject.samples.iter().zip(&floor).map(|(sample, floor)| sample - floor);
        Ok(Some(Record {
            forest: point.name(),
            nodes,
            tests: round(tests, 100.0),
            misses: round(misses, 100.0),
            lowering: lowering.name().to_owned(),
            ns: median(net.collect()),
            program_insns: info.xlated_bytes / 8,
            verified_insns: info.verified_insns,
            load_ms: round(subject.load_ms, 10.0),
            clang_seconds: round(subject.clang_seconds, 100.0),
        }))
    };
    subjects.iter().filter_map(|subject| record(subject).transpose()).collect()
}

/// Makes and loads a program; none if the lowering refuses the forest.
fn subject(
    module: &Validated<Int>,
    lowering: Option<Lowering>,
    rows: &[Row],
) -> Result<Option<Subject>, Box<dyn Error>> {
    let choice = lowering.map_or(Choice::Auto, Choice::Only);
    let target = kernel()?.target();
    let options = skxc_lowering::Options { choice, target, ..Default::default() };
    let Ok(plan) = skxc_lowering::plan(module, &options) else { return Ok(None) };
    let options = Options { hook: Hook::None, ..Options::default() };
    let artifact = skxc_backend_bpf::emit(module, &plan, &options)?;
    let started = Instant::now();
    let object = compile(&artifact)?;
    let clang_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let batch = Batch::load(Loader::new(&object)?, "model", rows.len())?;
    let load_ms = started.elapsed().as_secs_f64() * 1e3;
    let layout = &artifact.layout;
    let size = layout.features_bytes as usize;
    let mut features = vec![0; rows.len() * size];
    for (row, bytes) in rows.iter().zip(features.chunks_mut(size)) {
        for field in &layout.features {
            let value = row.values[field.column.index()].to_le_bytes();
            let (at, width) = (field.offset as usize, field.ty.bytes as usize);
            // BPF and the machine that measures have one byte order.
            let value = match cfg!(target_endian = "big") {
                true => value.iter().rev().skip(8 - width).copied().collect::<Vec<u8>>(),
                false => value[..width].to_vec(),
            };
            bytes[at..at + width].copy_from_slice(&value);
        }
    }
    let samples = Vec::new();
    Ok(Some(Subject { lowering, batch, features, load_ms, clang_seconds, samples }))
}

/// The kernel that measures.
fn kernel() -> Result<KernelVersion, Box<dyn Error>> {
    let release = skxc_bpf::Probe::new().kernel.ok_or("the kernel does not say its release")?;
    Ok(release.parse()?)
}

/// Round after round over all programs.
fn time(subjects: &mut [Subject], repeat: u32) -> Result<(), Box<dyn Error>> {
    for round in 0..=ROUNDS {
        for subject in &mut *subjects {
            let nanoseconds = subject.batch.time(ROWS, &subject.features, repeat)?;
            if round > 0 {
                subject.samples.push(f64::from(nanoseconds));
            }
        }
    }
    Ok(())
}

/// Tests on the way of a row through all trees, and those that go the less
/// likely way, on average.
fn paths(module: &Validated<Int>, rows: &[Row]) -> (f64, f64) {
    let (_, forest) = module.forests.iter().next().expect("a module of the grid has a forest");
    let mut counts = vec![[0_u64; 2]; forest.nodes.len()];
    for row in rows {
        for &root in &forest.roots {
            let mut at = root;
            while let TreeNode::Branch { test, yes, no, .. } = forest.nodes[at as usize] {
                let holds = row.values[test.feature as usize] <= test.at_most;
                counts[at as usize][usize::from(holds)] += 1;
                at = if holds { yes } else { no };
            }
        }
    }
    let sum = |of: fn(&[u64; 2]) -> u64| counts.iter().map(of).sum::<u64>() as f64;
    let rows = rows.len() as f64;
    (sum(|[a, b]| a + b) / rows, sum(|[a, b]| *a.min(b)) / rows)
}

fn compile(artifact: &Artifact) -> Result<Vec<u8>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for (path, text) in &artifact.files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().ok_or("a file has a folder")?)?;
        fs::write(path, text)?;
    }
    let output = Command::new(clang())
        .args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-std=gnu11", "-I."])
        .args(multiarch().map(|folder| format!("-I{}", folder.display())))
        .args(["-c", "model.bpf.c", "-o", "model.bpf.o"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(fs::read(folder.path().join("model.bpf.o"))?)
}

/// `$SKXC_CLANG`, or the version that the constants are for.
fn clang() -> std::ffi::OsString {
    env::var_os("SKXC_CLANG").unwrap_or_else(|| "clang-19".into())
}

/// Debian keeps `asm/types.h` where clang does not look for target bpf.
fn multiarch() -> Option<PathBuf> {
    let folder = PathBuf::from(format!("/usr/include/{}-linux-gnu", env::consts::ARCH));
    folder.is_dir().then_some(folder)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn round(x: f64, unit: f64) -> f64 {
    (x * unit).round() / unit
}

//! `cargo xtask kernels [DIR]`: generated programs on old and new kernels.
//!
//! Debian's kernels are booted under software emulation. Each loads the
//! objects that are compiled for it, NAME_xdp and NAME_batch. NAME_batch
//! judges vectors as the interpreter does, label and scores; NAME_xdp gives packets
//! their class, or the reason why they have none, as the parser in user space and
//! the interpreter do, with an Ethernet header and without, and with the verdict of
//! either. Models are the example, one with a large state, and some of a corpus
//! folder, with each lowering that takes them. The parser at XDP and tc runs its
//! own tests (`bpf/loader/tests/kernel/parser.rs`).
//! What this needs of the machine is tools and the archive: without them it
//! says so and does nothing, or fails if `SKXC_REQUIRE_KERNEL=1`.

mod case;
mod machine;
mod packages;
mod packets;
mod tools;

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

use crate::{Outcome, TaskResult, project, say, table};
use case::{Case, Compared, Compiler, Model};
use machine::{Said, Tools};
use packages::Kernel;

/// Cases of a corpus that are taken unless others are named: small trees for
/// every lowering, several classes, walks that check for their end; sums of
/// products, functions, quotients, orders.
const CASES: [&str; 9] = [
    "dt-bin",
    "rf10-d8-multi",
    "rf100-d10-bin",
    "rf100-unl-bin",
    "lr-multi-folded",
    "mlp-relu32x16-multi",
    "mlp-tanh16-multi",
    "gaussiannb-bin",
    "knn3-bin",
];

/// Cases that are taken once more with options that change what they decide.
const WITH_OPTIONS: [(&str, &[&str]); 2] =
    [("lr-bin-folded", &["--threshold", "0.9"]), ("rf10-d8-bin", &["--threshold", "0=0.7"])];
/// Numbers that one decision of a model keeps, so that its state is larger than an
/// entry of a per-CPU array (`tests/models/wide.sh`).
const LARGE_STATE: &str = "2500";

/// What the compiler would choose.
const AUTO: &str = "auto";
/// Every lowering of trees (`skxc compile --help`).
const OF_TREES: [&str; 6] = ["branch", "walk", "perfect", "ranked", "bits", "direct"];
/// Every lowering of linear maps.
const OF_MAPS: [&str; 2] = ["straight", "table"];
const TOOLS: [&str; 6] =
    ["qemu-system-x86_64", "busybox", "cpio", "apt-get", "apt-cache", "dpkg-deb"];

const HEADER: [&str; 9] = [
    "kernel",
    "model",
    "loaded",
    "xdp insns",
    "batch insns",
    "vectors",
    "packets",
    "mismatches",
    "note",
];

/// Boots each kernel with the example and the cases of `dir` whose name matches
/// one of `filters`.
pub(crate) fn run(dir: Option<&str>, filters: &[&str]) -> TaskResult {
    if let Some(tool) = TOOLS.iter().find(|tool| find(tool).is_none()) {
        return skipped(&format!("no {tool}"));
    }
    let target = project::target();
    let kernels = packages::fetch(&target.join("kernels"))?;
    if kernels.is_empty() {
        return skipped("no kernel can be had");
    }
    let scratch = tempfile::tempdir()?;
    let models = models(dir, filters, scratch.path())?;
    let binary = project::release_binary()?.display().to_string();
    let tools = tools::build(scratch.path())?;
    let mut rows = Vec::new();
    for kernel in &kernels {
        let found = on_kernel(kernel, &models, &binary, &tools)?;
        // One kernel at a time: emulation is slow.
        say(&table::render(&HEADER, &found));
        rows.extend(found);
    }
    let clean = rows.iter().all(|row| row[2] == "yes" && row[7] == "0");
    Ok(if clean { Outcome::Clean } else { Outcome::Findings })
}

fn skipped(why: &str) -> TaskResult {
    if env::var_os("SKXC_REQUIRE_KERNEL").is_some_and(|value| value == "1") {
        return Err(why.into());
    }
    say(&format!("skipped: {why}\n"));
    Ok(Outcome::Clean)
}

/// Where a tool is.
fn find(tool: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(tool)).find(|file| file.is_file())
}

/// The example, the model with a large state, and the cases of a corpus folder; what
/// is made for the purpose is written below `scratch`.
fn models(
    dir: Option<&str>,
    filters: &[&str],
    scratch: &Path,
) -> Result<Vec<Model>, Box<dyn Error>> {
    let example = project::root().join("examples/portscan/portscan.onnx");
    let wide = tools::large_state(scratch, LARGE_STATE)?;
    let made = [("portscan", example), ("large-state", wide)];
    let made = made.map(|(name, path)| Model { name: name.to_owned(), path, ..Model::default() });
    let mut found = made.to_vec();
    let Some(dir) = dir else { return Ok(found) };
    for filter in if filters.is_empty() { &CASES } else { filters } {
        for folder in glob::glob(&Path::new(dir).join(filter).display().to_string())? {
            found.push(case_model(&folder?, &[])?);
        }
    }
    for (name, options) in WITH_OPTIONS {
        let folder = Path::new(dir).join(name);
        if filters.is_empty() && folder.is_dir() {
            found.push(case_model(&folder, options)?);
        }
    }
    Ok(found)
}

/// The model of a case of a corpus folder.
fn case_model(folder: &Path, options: &[&str]) -> Result<Model, Box<dyn Error>> {
    let meta = project::case_meta(folder)?;
    let names = meta["features"].as_array();
    let names = names.map(|names| names.iter().filter_map(|name| name.as_str()));
    let features = names.map(|names| names.collect::<Vec<_>>().join(","));
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = [&[&*name], options].concat().join(" ");
    let options = options.iter().map(|&option| option.to_owned()).collect();
    Ok(Model { name, path: folder.join("model.onnx"), features, options })
}

/// The rows of one kernel.
fn on_kernel(
    kernel: &Kernel,
    models: &[Model],
    binary: &str,
    tools: &Tools,
) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let compiler = Compiler { binary, scratch: scratch.path() };
    let (mut names, mut cases, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let labelled =
        |name: &str, cells| [vec![kernel.series.clone(), name.to_owned()], cells].concat();
    for model in models {
        let mut has_trees = false;
        for lowering in std::iter::once(AUTO).chain(OF_TREES).chain(OF_MAPS) {
            // What the compiler chose shows which of both lists changes anything.
            if lowering != AUTO && OF_TREES.contains(&lowering) != has_trees {
                continue;
            }
            let name = format!("{} {lowering}", model.name);
            match compiler.case(model, lowering, &kernel.series) {
                Ok(Some(case)) => {
                    has_trees = case.has_trees();
                    names.push(name);
                    cases.push(case);
                }
                Ok(None) => {}
                Err(error) => rows.push(labelled(&name, failed(&error.to_string()))),
            }
        }
    }
    let jobs: Vec<_> = cases.iter().map(|case| &case.job).collect();
    let Said { jobs: lines, tests } = machine::run(kernel, tools, &jobs)?;
    for ((name, case), line) in names.iter().zip(&cases).zip(&lines) {
        rows.push(labelled(name, row(case, line)?));
    }
    rows.push(labelled("parser at xdp and tc", tests_row(&tests)));
    Ok(rows)
}

/// The cells of what came to nothing.
fn failed(note: &str) -> Vec<String> {
    let note = note.lines().next().unwrap_or_default();
    ["no", "", "", "", "", "", note].map(str::to_owned).to_vec()
}

/// The cells of a case from the line that the machine printed.
fn row(case: &Case, line: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let words: Vec<&str> = line.split(' ').collect();
    let ["ok", entry, batch, results, counted] = words.as_slice() else {
        return Ok(failed(if line.is_empty() { "the machine said nothing" } else { line }));
    };
    let Compared { vectors, packets, mismatches, note } = case.compare(results, counted)?;
    let insns = |word: &str| if word == "0" { "not told" } else { word }.to_owned();
    let figures = [vectors, packets, mismatches].map(|figure| figure.to_string());
    Ok([&["yes".to_owned(), insns(entry), insns(batch)], &figures[..], &[note]].concat())
}

/// The cells of the tests of the parser from how they ended: `ok. 3 passed; 0 failed;
/// ...`.
fn tests_row(ended: &str) -> Vec<String> {
    let passed = ended.strip_prefix("ok. ").and_then(|rest| rest.split(' ').next());
    match passed {
        Some(passed) if passed != "0" => {
            let note = format!("{passed} tests");
            ["yes", "", "", "", "", "0", &note].map(str::to_owned).to_vec()
        }
        _ => failed(if ended.is_empty() { "the tests did not end" } else { ended }),
    }
}

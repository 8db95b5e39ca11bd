//! `cargo xtask kernels [DIR]`: generated programs on old and new kernels.
//!
//! Debian's kernels are booted under software emulation. Each loads the
//! objects that are compiled for it, NAME_xdp and NAME_batch, and NAME_batch
//! judges vectors as the interpreter does, label and scores. Models are the
//! example and some of a corpus folder, with each lowering that takes them.
//! What this needs of the machine is tools and the archive: without them it
//! says so and does nothing, or fails if `SKXC_REQUIRE_KERNEL=1`.

mod case;
mod machine;
mod packages;

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

use crate::{Outcome, TaskResult, project, say, table};
use case::{Case, Compiler, Model};
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

/// What the compiler would choose.
const AUTO: &str = "auto";
/// Every lowering of trees (`skxc compile --help`).
const OF_TREES: [&str; 6] = ["branch", "walk", "perfect", "ranked", "bits", "direct"];
/// Every lowering of linear maps.
const OF_MAPS: [&str; 2] = ["straight", "table"];
const TOOLS: [&str; 6] =
    ["qemu-system-x86_64", "busybox", "cpio", "apt-get", "apt-cache", "dpkg-deb"];
const TARGET: &str = "x86_64-unknown-linux-gnu";

const HEADER: [&str; 8] =
    ["kernel", "model", "loaded", "xdp insns", "batch insns", "vectors", "mismatches", "note"];

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
    let models = models(dir, if filters.is_empty() { &CASES } else { filters })?;
    let binary = project::release_binary()?.display().to_string();
    let build = ["build", "--quiet", "--release", "--package", "skxc-bpf", "--example", "vm"];
    let build = [&build[..], &["--target", TARGET]].concat();
    project::cargo(&build, &[("RUSTFLAGS", "-C target-feature=+crt-static")])?;
    let loader = target.join(TARGET).join("release/examples/vm");
    let mut rows = Vec::new();
    for kernel in &kernels {
        let found = on_kernel(kernel, &models, &binary, &loader)?;
        // One kernel at a time: emulation is slow.
        say(&table::render(&HEADER, &found));
        rows.extend(found);
    }
    let clean = rows.iter().all(|row| row[2] == "yes" && row[6] == "0");
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

fn models(dir: Option<&str>, filters: &[&str]) -> Result<Vec<Model>, Box<dyn Error>> {
    let example = project::root().join("examples/portscan/portscan.onnx");
    let mut found = vec![("portscan".to_owned(), example, None)];
    for filter in dir.iter().flat_map(|_| filters) {
        let folders = Path::new(dir.unwrap_or_default()).join(filter);
        for folder in glob::glob(&folders.display().to_string())? {
            let folder = folder?;
            let meta = project::case_meta(&folder)?;
            let names = meta["features"].as_array();
            let names = names.map(|names| names.iter().filter_map(|name| name.as_str()));
            let features = names.map(|names| names.collect::<Vec<_>>().join(","));
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.push((name, folder.join("model.onnx"), features));
        }
    }
    let models = found.into_iter().map(|(name, path, features)| Model { name, path, features });
    Ok(models.collect())
}

/// The rows of one kernel.
fn on_kernel(
    kernel: &Kernel,
    models: &[Model],
    binary: &str,
    loader: &Path,
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
    let busybox = find("busybox").ok_or("busybox is gone")?;
    let jobs: Vec<_> = cases.iter().map(|case| &case.job).collect();
    let lines = machine::run(kernel, loader, &busybox, &jobs)?;
    for ((name, case), line) in names.iter().zip(&cases).zip(&lines) {
        rows.push(labelled(name, row(case, line)?));
    }
    Ok(rows)
}

/// The cells of a case that came to nothing.
fn failed(note: &str) -> Vec<String> {
    let note = note.lines().next().unwrap_or_default();
    ["no", "", "", "", "", note].map(str::to_owned).to_vec()
}

/// The cells of a case from the line that the machine printed.
fn row(case: &Case, line: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let words: Vec<&str> = line.split(' ').collect();
    let ["ok", entry, batch, results] = words.as_slice() else {
        return Ok(failed(if line.is_empty() { "the machine said nothing" } else { line }));
    };
    let (vectors, mismatches) = case.compare(results)?;
    let insns = |word: &str| if word == "0" { "not told" } else { word }.to_owned();
    let cells = ["yes".to_owned(), insns(entry), insns(batch)];
    Ok([&cells[..], &[vectors.to_string(), mismatches.to_string(), String::new()]].concat())
}

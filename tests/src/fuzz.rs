//! The properties of `fuzz/` on files: seeds, and inputs that once failed.
//!
//! The models of `models/` and `fuzz/models/` are the seeds of the fuzz target
//! `onnx`; `SKXC_BLESS=1` assembles them anew into `fuzz/seeds/`. The seeds of
//! the target `skir` are the modules of `filetests/` and `diagnostics/`.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use skxc_fuzz::{onnx, skir, typed};

use crate::expectation::blessing;
use crate::{Outcome, assemble, suite_dir};

const SEEDS: &str = "fuzz/seeds";
const MODELS: [&str; 2] = ["models", "fuzz/models"];

/// One trial a file; what a trial is called tells which target it is of.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for model in MODELS.iter().flat_map(|folder| crate::files(folder, "pbtxt")) {
        let path = suite_dir().join(SEEDS).join(model.file_stem().unwrap_or_default());
        trials.push(crate::trial(&path.with_extension("onnx"), move |path| seed(&model, path)));
    }
    for file in inputs("fuzz/regressions/onnx") {
        trials.push(crate::trial(&file, |path| Ok(onnx::check(&fs::read(path)?)?)));
    }
    for file in inputs("fuzz/regressions/skir") {
        trials.push(crate::trial(&file, check_text));
    }
    for file in inputs("fuzz/regressions/typed") {
        trials.push(crate::trial(&file, |path| Ok(typed::check(&fs::read(path)?).map(drop)?)));
    }
    // These have trials of their own names already.
    trials.push(Trial::test("fuzz/filetests", || {
        let mut files = crate::files("filetests", "skir");
        files.extend(crate::files("diagnostics", "skir"));
        let wrong = |file: &PathBuf| {
            let error = check_text(file).err()?;
            Some(format!("{}: {error}", file.display()))
        };
        let wrong: Vec<String> = files.iter().filter_map(wrong).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
    }));
    trials
}

/// Files of any name.
fn inputs(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(suite_dir().join(folder)).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.is_file() && path.file_name().is_none_or(|it| it != "README.md"));
    files.sort();
    files
}

/// The seed is what the model assembles to, and has the property.
fn seed(model: &Path, path: &Path) -> Outcome {
    let bytes = assemble::assemble(&fs::read_to_string(model)?)?;
    if blessing() && fs::read(path).ok().as_ref() != Some(&bytes) {
        fs::create_dir_all(path.parent().ok_or("a seed lies in a folder")?)?;
        fs::write(path, &bytes)?;
    }
    if fs::read(path)? != bytes {
        return Err("it is not what the model assembles to: SKXC_BLESS=1 writes it anew".into());
    }
    Ok(onnx::check(&bytes)?)
}

fn check_text(path: &Path) -> Outcome {
    Ok(skir::check(&String::from_utf8_lossy(&fs::read(path)?))?)
}

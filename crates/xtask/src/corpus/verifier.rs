//! What the verifier made of the programs of a corpus, against the prediction
//! in their manifests.

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A program that was loaded.
#[derive(Debug, Default)]
pub(super) struct Verified {
    /// Lowerings of its forests.
    pub(super) lowering: String,
    /// Instructions that the verifier processed of the program at the hook; 0
    /// if the kernel does not tell (before Linux 5.16).
    pub(super) insns: u64,
    /// What the compiler predicted.
    pub(super) predicted: u64,
    /// Digest of its instructions, tables and maps.
    pub(super) digest: String,
}

/// Examples of the loader that tell of an object.
#[derive(Debug)]
pub(super) struct Tools {
    /// Loads it and says what the verifier processed.
    pub(super) loader: PathBuf,
    /// Prints the digests of what is in it.
    pub(super) digests: PathBuf,
}

impl Verified {
    /// Loads the object in the folder `out`.
    ///
    /// # Errors
    /// If the manifest cannot be read, or the object not be loaded.
    pub(super) fn load(tools: &Tools, out: &Path) -> Result<Self, Box<dyn Error>> {
        let manifest: Value = serde_json::from_slice(&fs::read(out.join("model.json"))?)?;
        let forests = manifest["forests"].as_array().into_iter().flatten();
        let lowerings: Vec<&str> =
            forests.filter_map(|forest| forest["lowering"].as_str()).collect();
        let bytes = manifest["layout"]["features_bytes"].as_u64().unwrap_or(0) as usize;
        // One row of zeros, and no packets.
        let (features, packets) = (out.join("features"), out.join("packets"));
        fs::write(&features, vec![0; bytes])?;
        fs::write(&packets, [])?;
        let object = out.join("model.bpf.o");
        let inputs = [object.as_path(), Path::new("model"), features.as_path(), packets.as_path()];
        let said = output(&tools.loader, &inputs.map(Path::as_os_str))?;
        let mut words = said.split_whitespace();
        if words.next() != Some("ok") {
            return Err(said.trim().to_owned().into());
        }
        Ok(Self {
            lowering: lowerings.join(" "),
            insns: words.next().unwrap_or_default().parse()?,
            predicted: manifest["cost"]["verifier_insns"].as_u64().unwrap_or(0),
            digest: digests(&tools.digests, &object)?,
        })
    }

    /// Predicted over processed instructions, less 1.
    fn error(&self) -> Option<f64> {
        (self.insns > 0).then(|| self.predicted as f64 / self.insns as f64 - 1.0)
    }
}

/// The digests of an object. A tool that fails has none: two of these would be equal.
fn digests(tool: &Path, object: &Path) -> io::Result<String> {
    let run = Command::new(tool).arg(object).output()?;
    if !run.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&run.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&run.stdout).into_owned())
}

/// What a tool prints.
fn output(tool: &Path, arguments: &[&OsStr]) -> io::Result<String> {
    let run = Command::new(tool).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&run.stdout).into_owned())
}

/// A prediction that is farther off is listed.
const OFF_MAX: f64 = 0.25;

/// How far predictions are off, over all programs, each with the name of its case:
/// the median, the worst, and all beyond [`OFF_MAX`].
pub(super) fn summary<'a>(programs: impl Iterator<Item = (&'a str, &'a Verified)>) -> String {
    let mut errors: Vec<(f64, &str)> =
        programs.filter_map(|(name, program)| Some((program.error()?, name))).collect();
    errors.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    let Some(&(worst, name)) = errors.last() else { return "nothing was loaded\n".to_owned() };
    let beyond = errors.iter().rev().take_while(|(error, _)| error.abs() > OFF_MAX);
    let beyond: Vec<String> =
        beyond.map(|(error, name)| format!("{name} {:+.0}%", 100.0 * error)).collect();
    format!(
        "verifier instructions of {} programs: predictions are off by {:.0}% (median), at most by \
         {:+.0}% ({name}); {} by more than {:.0}%{}{}\n",
        errors.len(),
        100.0 * errors[errors.len() / 2].0.abs(),
        100.0 * worst,
        beyond.len(),
        100.0 * OFF_MAX,
        if beyond.is_empty() { "" } else { ": " },
        beyond.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_worst() {
        let programs = [("a", 110, 100), ("b", 60, 100), ("c", 99, 100), ("d", 5, 0)];
        let programs = programs.map(|(name, predicted, insns)| {
            (name, Verified { insns, predicted, ..Verified::default() })
        });
        let text = summary(programs.iter().map(|(name, program)| (*name, program)));
        assert!(text.contains("of 3 programs"), "{text}");
        assert!(
            text.ends_with(
                "off by 10% (median), at most by -40% (b); 1 by more than 25%: b -40%\n"
            ),
            "{text}"
        );
    }
}

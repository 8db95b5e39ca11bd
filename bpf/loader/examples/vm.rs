//! `vm OBJECT NAME FEATURES`: loads both programs of an object and runs its
//! test bench, inside a virtual machine that `cargo xtask kernels` boots.
//!
//! FEATURES has one `struct NAME_features` after another. It prints one line:
//! `ok`, the instructions that the verifier processed of NAME_xdp and of
//! NAME_batch (0 before Linux 5.16), and one `struct NAME_result` after
//! another in hexadecimal; or `failed` and why.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};

use skxc_bpf::{Batch, Error as BpfError, Loader};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let line = match run(&arguments) {
        Ok(line) => format!("ok {line}"),
        Err(error) => format!("failed {}", reason(error.as_ref())),
    };
    writeln!(io::stdout(), "{line}")
}

fn run(arguments: &[String]) -> Result<String, Box<dyn Error>> {
    let [object, name, features] = arguments else {
        return Err("usage: vm OBJECT NAME FEATURES".into());
    };
    let (object, features) = (fs::read(object)?, fs::read(features)?);
    let entry = format!("{name}_xdp");
    let loaded = Loader::new(&object)?.program(&entry).load()?;
    let entry_insns = loaded.program(&entry)?.info()?.verified_insns;
    let mut batch = Batch::load(Loader::new(&object)?, name, features.len())?;
    let vectors = features.len() / batch.features_bytes().max(1);
    let results = batch.run(vectors, &features)?.results;
    let mut line = format!("{entry_insns} {} ", batch.info()?.verified_insns);
    for byte in results {
        write!(line, "{byte:02x}")?;
    }
    Ok(line)
}

/// In one line: the error, its causes, and what the verifier said last.
fn reason(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    if let Some(BpfError::Refused { log, .. }) = error.downcast_ref() {
        let mut said = log.lines().rev().filter(|line| !line.trim().is_empty());
        let last = said.find(|line| !line.starts_with("processed ")).unwrap_or_default();
        text = format!("{text}: {last}");
    }
    text.replace('\n', " ")
}

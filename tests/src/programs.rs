//! Builds generated C for user space and for the kernel, and runs it.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, io, thread};

use skxc_backend_bpf::Hook;
use skxc_backend_c::EmitOptions;
use skxc_bpf::{Batch, Loader};
use skxc_equivalence::machine::{BatchRunner, Field, Layout};
use skxc_ir::validate::Validated;
use skxc_ir::{Int, Module};
use skxc_lowering::{Choice, Plan, Target};
use tempfile::TempDir;

/// Lines of the verifier's log that are shown.
const LOG_LINES: usize = 20;

/// What can go wrong on the way to a program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    /// A compiler could not be run, or a file not be written.
    #[error("cannot run or write")]
    Io(#[from] io::Error),
    /// A compiler refused what it got.
    #[error("{compiler} refused the program:\n{messages}")]
    Refused {
        /// Name of the compiler.
        compiler: String,
        /// What it said.
        messages: String,
    },
    /// The program in user space failed.
    #[error("the program failed:\n{messages}")]
    Failed {
        /// What it said.
        messages: String,
    },
}

/// Generated files and how to talk to the program.
pub(crate) struct Generated {
    name: String,
    files: Vec<(String, String)>,
    layout: Layout,
}

/// Plans a module.
///
/// # Errors
/// If no lowering of this choice fits.
pub(crate) fn plan(
    module: &Validated<Int>,
    choice: Choice,
) -> Result<Plan, Box<dyn std::error::Error>> {
    plan_for(module, choice, Target::default())
}

/// Plans a module for a kernel.
///
/// # Errors
/// If no lowering of this choice fits.
pub(crate) fn plan_for(
    module: &Validated<Int>,
    choice: Choice,
    target: Target,
) -> Result<Plan, Box<dyn std::error::Error>> {
    let options = skxc_lowering::Options { choice, target, ..Default::default() };
    Ok(skxc_lowering::plan(module, &options)?)
}

/// Emits a module with this lowering, for no packet hook.
///
/// # Errors
/// If the lowering does not fit or the module has no C form.
pub(crate) fn generate(
    module: &Validated<Int>,
    choice: Choice,
) -> Result<Generated, Box<dyn std::error::Error>> {
    generate_for(module, choice, Target::default())
}

/// Emits a module with this lowering for a kernel, for no packet hook.
///
/// # Errors
/// If the lowering does not fit or the module has no C form.
pub(crate) fn generate_for(
    module: &Validated<Int>,
    choice: Choice,
    target: Target,
) -> Result<Generated, Box<dyn std::error::Error>> {
    let options = skxc_backend_bpf::Options {
        hook: Hook::None,
        header: EmitOptions { generator: "skxc".to_owned(), ..EmitOptions::default() },
        ..Default::default()
    };
    let artifact = skxc_backend_bpf::emit(module, &plan_for(module, choice, target)?, &options)?;
    let layout = layout(module, &artifact.layout);
    Ok(Generated { name: module.name.clone(), files: artifact.files, layout })
}

/// The layout as the comparisons want it.
fn layout(module: &Module<Int>, from: &skxc_backend_common::Layout) -> Layout {
    let field = |field: &skxc_backend_common::Field| Field {
        offset_bytes: field.offset as usize,
        size_bytes: field.ty.bytes as usize,
        signed: field.ty.signed,
    };
    let label = |index: usize| Field { offset_bytes: 4 * index, size_bytes: 4, signed: false };
    let score = |index: u32| Field {
        offset_bytes: (from.scores_offset + 8 * index) as usize,
        size_bytes: 8,
        signed: true,
    };
    Layout {
        features_bytes: from.features_bytes as usize,
        features: module.columns.handles().map(|column| from.field(column).map(field)).collect(),
        result_bytes: from.result_bytes as usize,
        labels: (0..from.labels.len()).map(label).collect(),
        scores: (0..from.scores).map(score).collect(),
    }
}

impl Generated {
    /// Where the structs hold what.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Builds the header for user space, with sanitizers.
    ///
    /// # Errors
    /// If the compiler refuses it.
    pub(crate) fn in_user_space(&self) -> Result<UserSpace, ProgramError> {
        let scratch = self.write()?;
        fs::write(scratch.path().join("main.c"), main_c(&self.name))?;
        let compiler = env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
        let mut command = Command::new(&compiler);
        command
            .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"])
            .args(["-Wno-unused-function", "-Wno-unused-parameter"])
            .args(["-fsanitize=undefined,address", "-fno-sanitize-recover=all"])
            .args(["-I.", "-o", "main", "main.c"])
            .current_dir(scratch.path());
        run_compiler(&mut command)?;
        Ok(UserSpace { scratch, result_bytes: self.layout.result_bytes })
    }

    /// Loads the test bench into the kernel.
    ///
    /// # Errors
    /// If clang or the kernel refuses it.
    pub(crate) fn in_kernel(&self) -> Result<Batch, Box<dyn std::error::Error>> {
        let source = format!("{}.bpf.c", self.name);
        let text = self.files.iter().find(|(path, _)| *path == source);
        let text = &text.expect("the program is among the files").1;
        let object = bpf_object(&self.name, text, &self.files)?;
        Batch::load(Loader::new(&object)?, &self.name, 1 << 16).map_err(with_log)
    }

    fn write(&self) -> io::Result<TempDir> {
        let scratch = tempfile::tempdir()?;
        write_files(scratch.path(), &self.files)?;
        Ok(scratch)
    }
}

/// The end of the verifier's log says why, if there is a log.
fn with_log(error: skxc_bpf::Error) -> Box<dyn std::error::Error> {
    if let skxc_bpf::Error::Refused { log, .. } = &error {
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        return format!("{error}\n{end}").into();
    }
    error.into()
}

/// The generated function as a program that reads features and writes results.
pub(crate) struct UserSpace {
    scratch: TempDir,
    result_bytes: usize,
}

impl BatchRunner for UserSpace {
    type Error = ProgramError;

    fn run(&mut self, vectors: usize, features: &[u8]) -> Result<Vec<u8>, ProgramError> {
        let mut child = Command::new(self.scratch.path().join("main"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().expect("it was asked for");
        let features = features.to_vec();
        // Both pipes fill up: one thread writes while this one reads.
        let writer = thread::spawn(move || stdin.write_all(&features));
        let output = child.wait_with_output()?;
        let written = writer.join().expect("writing does not panic");
        let complete = output.stdout.len() == vectors * self.result_bytes;
        if !output.status.success() || !complete {
            let messages = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(ProgramError::Failed { messages });
        }
        written?;
        Ok(output.stdout)
    }
}

fn main_c(name: &str) -> String {
    format!(
        r#"#include <stdio.h>
#include <string.h>

#include "{name}.h"

static struct {name}_scratch scratch;

int main(void)
{{
	struct {name}_features features;
	struct {name}_result result;

	while (fread(&features, sizeof(features), 1, stdin) == 1) {{
		memset(&result, 0xff, sizeof(result));
		{name}_predict(&features, &scratch, &result);
		if (fwrite(&result, sizeof(result), 1, stdout) != 1)
			return 1;
	}}
	return 0;
}}
"#
    )
}

/// Compiles `text` for the kernel; `files` are what it includes.
///
/// # Errors
/// If clang is not there or refuses it.
pub(crate) fn bpf_object(
    name: &str,
    text: &str,
    files: &[(String, String)],
) -> Result<Vec<u8>, ProgramError> {
    let scratch = tempfile::tempdir()?;
    write_files(scratch.path(), files)?;
    let (source, object) = (format!("{name}.bpf.c"), format!("{name}.bpf.o"));
    fs::write(scratch.path().join(&source), text)?;
    let mut command = Command::new(clang());
    command
        .args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror", "-I."])
        .args(multiarch_include())
        .args(["-c", &source, "-o", &object])
        .current_dir(scratch.path());
    run_compiler(&mut command)?;
    Ok(fs::read(scratch.path().join(object))?)
}

/// The newest clang there is.
pub(crate) fn clang() -> String {
    let versions = (14..=24).rev().map(|version| format!("clang-{version}"));
    let found = versions.into_iter().find(|name| {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|folder| folder.join(name).is_file())
    });
    found.unwrap_or_else(|| "clang".to_owned())
}

/// Debian keeps `asm/types.h` where clang does not look for target bpf.
fn multiarch_include() -> Option<String> {
    let folder = format!("/usr/include/{}-linux-gnu", env::consts::ARCH);
    Path::new(&folder).is_dir().then(|| format!("-I{folder}"))
}

fn write_files(folder: &Path, files: &[(String, String)]) -> io::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

fn run_compiler(command: &mut Command) -> Result<(), ProgramError> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(ProgramError::Refused {
        compiler: command.get_program().to_string_lossy().into_owned(),
        messages: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

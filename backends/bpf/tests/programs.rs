//! What a program looks like at each hook, and that clang compiles it without
//! a warning. That it loads and computes the same is tested in the kernel by
//! the tests of the whole.

use std::path::{Path, PathBuf};
use std::process::Command;

use skxc_backend_bpf::{Action, Artifact, Error, Hook, Options, emit};
use skxc_backend_c::EmitOptions;
use skxc_ir::lowering::{self, Choice};
use skxc_ir::testing::int_chain;
use skxc_ir::validate::{Validated, Validator};
use skxc_ir::{Int, Interval};

const FOLDER: &str = "the folder of the test is writable";

/// A tree of three tests on the IPv4 time to live.
fn module() -> Validated<Int> {
    let mut module = int_chain(3);
    module.name = "hops".to_owned();
    let column = module.columns.handles().next().expect("the chain reads a column");
    module.columns[column].name = "ip_ttl".to_owned();
    module.columns[column].range = Interval::new(0, 255);
    Validator::validate(module).expect("the module is valid")
}

fn options(hook: Hook) -> Options {
    let (_, ttl) = skxc_runtime::find("ip_ttl").expect("it is in the table");
    Options {
        hook,
        features: vec![ttl],
        actions: vec![Action::Pass, Action::Drop],
        header: EmitOptions {
            command: "skxc compile hops.onnx".to_owned(),
            generator: "skxc".to_owned(),
            build_id: "0123456789abcdef".repeat(4),
        },
        ..Options::default()
    }
}

fn program(hook: Hook, choice: Choice) -> Artifact {
    let module = module();
    let wanted = lowering::Options { choice, ..lowering::Options::default() };
    let plan = lowering::plan(&module, &wanted).expect("it is small");
    emit(&module, &plan, &options(hook)).expect("options fit the module")
}

fn text(artifact: &Artifact) -> &str {
    &artifact.files[1].1
}

#[test]
fn xdp() {
    insta::assert_snapshot!(text(&program(Hook::Xdp, Choice::Auto)));
}

#[test]
fn tc() {
    insta::assert_snapshot!(text(&program(Hook::Tc, Choice::Auto)));
}

#[test]
fn no_hook() {
    insta::assert_snapshot!(text(&program(Hook::None, Choice::Auto)));
}

#[test]
fn options_must_fit_the_module() {
    let module = module();
    let plan = lowering::plan(&module, &lowering::Options::default()).expect("it is small");
    let fit = |change: fn(&mut Options)| {
        let mut options = options(Hook::Xdp);
        change(&mut options);
        emit(&module, &plan, &options).map(|_| ())
    };
    assert_eq!(fit(|_| ()), Ok(()));
    let found = fit(|options| options.features.clear());
    assert_eq!(found, Err(Error::FeatureCount { columns: 1, features: 0 }));
    let found = fit(|options| options.actions.push(Action::Tx));
    assert_eq!(found, Err(Error::ActionCount { classes: 2, actions: 3 }));
    let found = fit(|options| {
        let (_, length) = skxc_runtime::find("packet_length").expect("it is in the table");
        options.features = vec![length];
    });
    let column = "ip_ttl".to_owned();
    assert_eq!(found, Err(Error::FeatureRange { column, feature: "packet_length" }));
}

#[test]
fn clang_compiles_every_shape_without_a_warning() {
    let Some(clang) = clang() else {
        let must = std::env::var("SKXC_REQUIRE_KERNEL").is_ok_and(|set| set == "1");
        assert!(!must, "clang is required");
        return;
    };
    for hook in [Hook::Xdp, Hook::Tc, Hook::None] {
        for choice in [Choice::Branch, Choice::Walk] {
            compile(&clang, &program(hook, choice), &format!("{hook:?}-{choice}"));
        }
    }
}

/// The first clang there is.
fn clang() -> Option<String> {
    let names = (14..=22).rev().map(|version| format!("clang-{version}"));
    let mut names = std::iter::once("clang".to_owned()).chain(names);
    names.find(|name| Command::new(name).arg("--version").output().is_ok())
}

fn compile(clang: &str, artifact: &Artifact, folder: &str) {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
    for (name, text) in &artifact.files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect(FOLDER);
        std::fs::write(path, text).expect(FOLDER);
    }
    let mut command = Command::new(clang);
    command.args(["-O2", "-g", "-target", "bpf", "-mcpu=v3"]);
    command.args(["-Wall", "-Wextra", "-Wconversion", "-Wno-unused-function", "-Werror"]);
    // Where Debian keeps `asm/types.h`; elsewhere it is found without.
    let uapi = Path::new("/usr/include").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    command.arg("-I").arg(&dir).arg("-I").arg(uapi);
    let source = dir.join(&artifact.files[1].0);
    let compiled = command.arg("-c").arg(source).arg("-o").arg(dir.join("out.o")).output();
    let compiled = compiled.expect("clang starts");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    std::fs::remove_dir_all(&dir).expect(FOLDER);
}

//! Compiles the packet parser for user space: the same headers that BPF
//! programs include, behind the one function of `src/user/parse.c`.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

include!("src/table.rs");

macro_rules! names {
    ($($(#[doc = $doc:literal])* $name:ident [$($alias:ident)*] $type:ident $max:literal $needs:ident $offload:ident;)*) => {
        &[$(stringify!($name)),*]
    };
}

const NAMES: &[&str] = for_each_feature!(names);

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/table.rs");
    println!("cargo::rerun-if-changed=src/user");
    println!("cargo::rerun-if-changed=include");

    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let mut list = String::from("/* Made by build.rs from src/table.rs. */\n");
    for (index, name) in NAMES.iter().enumerate() {
        writeln!(list, "values[{index}] = skxc_{name}(&headers);").map_err(io::Error::other)?;
    }
    fs::write(Path::new(&out).join("features.inc"), list)?;

    cc::Build::new()
        .file("src/user/parse.c")
        .include("include")
        .include(&out)
        .flag("-std=gnu11")
        // As the kernel itself: a header length may point past the frame, and
        // the sum must not be undefined before it is compared with the end.
        .flag_if_supported("-fno-strict-overflow")
        .warnings(true)
        .extra_warnings(true)
        .try_compile("skxc_runtime")
        .map_err(io::Error::other)
}

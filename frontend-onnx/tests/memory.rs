//! The front end's memory is bounded by the size of the file: each case is
//! imported by a child process of its own, which reports its peak.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "this is a test")]

use std::fs;
use std::process::Command;

use skxc_diagnostics::{Sources, Style, render};
use skxc_frontend_onnx::{ImportOptions, import, limits};
use skxc_ir::{Column, Interval};

/// Names the file that a child process imports.
const CASE: &str = "SKXC_MEMORY_CASE";

/// What an import may take beside what the file does: as many elements as a node
/// may make, in the forms that exist side by side while a constant is folded.
const FIXED_BYTES: u64 = 384 << 20;
/// What a byte of the file may take. An empty node has two in the file, with its
/// key, and a place in every table of the graph.
const BYTES_A_BYTE: u64 = 400;

/// A field with a length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    [&bytes, content].concat()
}

/// A model whose graph has these fields behind an input `X` of one column.
fn model(graph: &[u8]) -> Vec<u8> {
    // ir_version 8; X is float[?,1]; operator set 18.
    let input = b"\x0a\x01X\x12\x0c\x0a\x0a\x08\x01\x12\x06\x0a\x00\x0a\x02\x08\x01";
    let graph = [field(11, input), graph.to_vec()].concat();
    [b"\x08\x08".to_vec(), field(7, &graph), field(8, b"\x0a\x00\x10\x12")].concat()
}

/// A tensor of integers that is called `name`.
fn integers(name: &str, values: &[u8]) -> Vec<u8> {
    let tensor = [
        vec![8, values.iter().filter(|&&byte| byte < 0x80).count() as u8, 0x10, 7],
        field(7, values),
        field(8, name.as_bytes()),
    ];
    field(5, &tensor.concat())
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|name| field(1, name.as_bytes()));
    let content: Vec<u8> =
        inputs.chain(field(2, output.as_bytes())).chain(field(4, operator.as_bytes())).collect();
    field(1, &content)
}

/// Each doubles what the one before made.
fn doubling(steps: usize, step: impl Fn(&str, &str) -> Vec<u8>, first: &str) -> Vec<u8> {
    let name = |step: usize| if step == 0 { first.to_owned() } else { format!("v{step}") };
    (0..steps).flat_map(|at| step(&name(at), &name(at + 1))).collect()
}

/// Files that ask for much.
fn cases() -> Vec<(&'static str, Vec<u8>)> {
    const MIB: usize = 1 << 20;
    let concat = |from: &str, to: &str| {
        let mut node = node("Concat", &[from, from], to);
        // `axis = 0`, within the node, whose length is one byte.
        let axis = field(5, b"\x0a\x04axis\x18\x00\xa0\x01\x02");
        node[1] += axis.len() as u8;
        [node, axis].concat()
    };
    let tile = |from: &str, to: &str| node("Tile", &[from, "two"], to);
    let seed = [integers("seed", &[1]), integers("two", &[2])].concat();
    let large = [integers("seed", &[0x80, 0x80, 0x80, 0x08]), integers("two", &[2])].concat();
    vec![
        ("2 MiB of empty nodes", model(&[0x0a, 0].repeat(MIB))),
        ("as many empty nodes as there may be", model(&[0x0a, 0].repeat(1 << 16))),
        ("2 MiB of empty tensors", model(&[0x2a, 0].repeat(MIB))),
        ("as many empty tensors as there may be", model(&[0x2a, 0].repeat(1 << 16))),
        ("2 MiB of empty attributes", model(&field(1, &[0x2a, 0].repeat(MIB)))),
        ("as many empty attributes as there may be", model(&field(1, &[0x2a, 0].repeat(1 << 18)))),
        ("2 MiB of empty operands", model(&field(1, &[0x0a, 0].repeat(MIB)))),
        ("2 MiB of empty outputs", model(&[0x62, 0].repeat(MIB))),
        ("2 MiB of empty dimensions", model(&field(5, &[0x08, 0].repeat(MIB)))),
        ("2 MiB of packed integers", model(&field(5, &field(7, &vec![0; 2 * MIB])))),
        ("2 MiB of empty operator sets", [model(&[]), [0x42, 0].repeat(MIB)].concat()),
        (
            "constants that are joined",
            model(&[seed.clone(), doubling(40, concat, "seed")].concat()),
        ),
        ("constants that are repeated", model(&[seed, doubling(40, tile, "seed")].concat())),
        (
            "a large constant of a shape",
            model(
                &[large, node("ConstantOfShape", &["seed"], "v0"), doubling(9, tile, "v0")]
                    .concat(),
            ),
        ),
    ]
}

fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
}

#[test]
fn memory_is_bounded_by_the_file() {
    if let Ok(wanted) = std::env::var(CASE) {
        return import_case(&wanted);
    }
    let file = std::env::temp_dir().join(format!("skxc-memory-{}", std::process::id()));
    for (name, bytes) in cases() {
        fs::write(&file, &bytes).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory_is_bounded_by_the_file", "--nocapture"])
            .env(CASE, &file)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let peak = text.lines().find_map(|line| line.strip_prefix("peak ")).map(str::parse);
        let Some(Ok(peak)) = peak else { panic!("{name}: {}\n{text}", output.status) };
        let most = FIXED_BYTES + BYTES_A_BYTE * bytes.len() as u64;
        let mib = |bytes: u64| bytes >> 20;
        let said = text.lines().find(|line| line.contains("[SKX")).unwrap_or("no error");
        println!("{name}: {} bytes, peak {} MiB: {said}", bytes.len(), mib(peak));
        assert!(peak < most, "{name}: {} MiB, at most {}", mib(peak), mib(most));
        assert!(peak < limits::DECODED_BYTES_MAX * 2, "{name}: {} MiB", mib(peak));
    }
    fs::remove_file(file).unwrap();
}

/// Imports a file and says how much memory this process had at most.
fn import_case(file: &str) {
    let bytes = fs::read(file).unwrap();
    // The peak starts anew from here (Documentation/filesystems/proc.rst, `clear_refs`).
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak_bytes();
    let mut sources = Sources::default();
    let range = Interval::new(0, 255);
    let column = |i| Column { name: format!("c{i}"), range, missing: None };
    let mut options = ImportOptions {
        file_name: "model.onnx",
        model_name: "model",
        bind: &mut |inputs| Ok((0..inputs.width()).map(column).collect()),
    };
    let imported = import(&bytes, &mut options, &mut sources);
    let said = render(&sources, &imported.diagnostics, Style::Plain);
    println!("{}", said.lines().next().unwrap_or_default());
    println!("\npeak {}", peak_bytes() - before);
}

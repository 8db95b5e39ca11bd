//! The header, compiled for user space under sanitizers, computes what the
//! interpreter computes, bit for bit, in every lowering.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::Config;
use skxc_backend_c::{EmitOptions, emit};
use skxc_backend_common::layout::Layout;
use skxc_ir::interpret::{Outcome, integer};
use skxc_ir::testing::{int_chain, int_modules, int_tensor_modules, rows};
use skxc_ir::text::parse;
use skxc_ir::validate::{Validated, Validator};
use skxc_ir::{Int, IntTest, Module, TreeNode};
use skxc_lowering::{Choice, Options, Plan, Profile};

type Row = Vec<Option<i64>>;

const TEXT: &str = "a string takes all text";
const FOLDER: &str = "the folder of the test is writable";

/// All lowerings of every module agree with the interpreter on every row.
fn check(cases: &[(Module<Int>, Vec<Row>)]) {
    check_planned(cases, |module, options, _| skxc_lowering::plan(module, options).ok());
}

/// As `check`, of what `plan` makes of a module and its rows.
/// All headers are compiled together: names of one cannot meet those of another.
fn check_planned(
    cases: &[(Module<Int>, Vec<Row>)],
    plan: impl Fn(&Validated<Int>, &Options, &[Row]) -> Option<Plan>,
) {
    let mut source = String::from("#include <stdio.h>\n");
    let mut main = String::from("int main(void)\n{\n");
    let mut expected = String::new();
    for (index, (module, rows)) in cases.iter().enumerate() {
        for choice in Choice::of(module) {
            let mut module = module.clone();
            module.name = format!("m{index}_{choice}");
            let module = Validator::validate(module).expect("random modules are valid");
            let options = Options { choice, ..Options::default() };
            // What a lowering refuses another must take.
            let Some(plan) = plan(&module, &options, rows) else {
                assert_ne!(choice, Choice::Auto);
                continue;
            };
            let header = emit(&module, &plan, &EmitOptions::default());
            check_text(&header.text);
            source.push_str(&header.text);
            source.push_str(&once(&module.name, &header.layout));
            for row in rows {
                call(&mut main, &module, &header.layout, row);
                expect(&mut expected, &module, row);
            }
        }
    }
    let program = format!("{source}{main}\treturn 0;\n}}\n");
    assert_eq!(run(&program), expected);
}

/// Columns and characters of a readable file.
fn check_text(text: &str) {
    for line in text.lines() {
        let width = line.chars().fold(0, |at, c| if c == '\t' { at / 8 * 8 + 8 } else { at + 1 });
        // What no blank breaks may be longer.
        assert!(width <= 80 || !line.trim().contains(' '), "{width} columns: {line}");
        assert_eq!(line.trim_end(), line, "blanks at the end");
        assert!(line.is_ascii(), "{line}");
    }
}

/// A function that decides one row and prints the result: the only place that
/// the code of the model is inlined into.
fn once(name: &str, layout: &Layout) -> String {
    let mut text = format!("static __attribute__((noinline)) void {name}_once(");
    write!(text, "const struct {name}_features *f)\n{{\n").expect(TEXT);
    write!(text, "struct {name}_scratch s; struct {name}_result r; ").expect(TEXT);
    write!(text, "{name}_predict(f, &s, &r); ").expect(TEXT);
    for label in 0..layout.labels.len() {
        let member =
            if layout.labels.len() == 1 { "label".into() } else { format!("label[{label}]") };
        write!(text, "printf(\"%u \", r.{member}); ").expect(TEXT);
    }
    for score in 0..layout.scores {
        write!(text, "printf(\"%lld \", r.score[{score}]); ").expect(TEXT);
    }
    text.push_str("printf(\"\\n\"); }\n");
    let state = format!(
        "struct {{ struct {name}_features f; struct {name}_scratch s; struct {name}_result r; }}"
    );
    for (what, bytes) in
        [(format!("struct {name}_scratch"), layout.scratch_bytes), (state, layout.state_bytes())]
    {
        writeln!(text, "_Static_assert(sizeof({what}) == {bytes}, \"layout\");").expect(TEXT);
    }
    text
}

fn call(main: &mut String, module: &Validated<Int>, layout: &Layout, row: &Row) {
    let name = &module.name;
    write!(main, "\t{{ static const struct {name}_features f = {{ ").expect(TEXT);
    for field in &layout.features {
        let column = &module.columns[field.column];
        let x = row[field.column.index()].or(column.missing).expect("a value or a missing one");
        write!(main, ".{} = ({}){x}LL, ", field.name, field.ty.name()).expect(TEXT);
    }
    writeln!(main, "}}; {name}_once(&f); }}").expect(TEXT);
}

fn expect(expected: &mut String, module: &Validated<Int>, row: &Row) {
    let outcomes = integer(module, row);
    for outcome in &outcomes {
        if let Outcome::Label(label) = outcome {
            write!(expected, "{label} ").expect(TEXT);
        }
    }
    for outcome in &outcomes {
        if let Outcome::Numbers(numbers) = outcome {
            for number in numbers {
                write!(expected, "{number} ").expect(TEXT);
            }
        }
    }
    expected.push('\n');
}

fn run(program: &str) -> String {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let stem = format!("compiled-{}-{:?}", std::process::id(), std::thread::current().id());
    let stem = dir.join(stem.replace(['(', ')'], ""));
    let (source, binary) = (stem.with_extension("c"), stem.with_extension("bin"));
    std::fs::write(&source, program).expect(FOLDER);
    let compiled = Command::new("cc")
        .args(["-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror"])
        .args(["-fsanitize=undefined,address", "-fno-sanitize-recover=all"])
        .arg(&source)
        .arg("-o")
        .arg(&binary)
        .output()
        .expect("a C compiler is installed");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(&binary).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_file(&binary).expect(FOLDER);
    std::fs::remove_file(&source).expect(FOLDER);
    String::from_utf8(output.stdout).expect("it prints numbers")
}

fn thresholds(module: &Module<Int>) -> Vec<i64> {
    let nodes = module.forests.iter().flat_map(|(_, forest)| &forest.nodes);
    let tests = nodes.filter_map(|node| match node {
        TreeNode::Branch { test: IntTest { at_most, .. }, .. } => Some(*at_most),
        TreeNode::Leaf { .. } => None,
    });
    tests.take(64).collect()
}

fn cases() -> impl Strategy<Value = Vec<(Module<Int>, Vec<Row>)>> {
    let module = prop_oneof![2 => int_modules(), 1 => int_tensor_modules()];
    let case = module.prop_flat_map(|module| {
        let thresholds = thresholds(&module);
        let rows = proptest::collection::vec(rows(&module, &thresholds), 16);
        (Just(module), rows)
    });
    proptest::collection::vec(case, 12)
}

proptest! {
    #![proptest_config(Config { cases: 8, max_shrink_iters: 8, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_compiled_header_is_the_interpreter(cases in cases()) {
        check(&cases);
    }
}

#[test]
fn a_chain_of_a_thousand_levels() {
    let module = int_chain(1_000);
    let rows = [0, 1, 2, 499, 500, 999, 1_000].map(|x| vec![Some(x)]);
    check(&[(module, rows.to_vec())]);
}

/// Rows of uneven lengths that fit one function, and that need several; sums that
/// two and three rows share.
#[test]
fn linear_maps_of_uneven_rows() {
    let map = |lengths: &[u32], magnitude: i64| {
        let mut text = String::from("int linear\n");
        let inputs = lengths.iter().copied().max().unwrap_or(0);
        for column in 0..inputs {
            writeln!(text, "@c{column} = column x{column} [0, 255]").expect(TEXT);
        }
        writeln!(text, "@m0 = matrix q62.0, {inputs} inputs").expect(TEXT);
        for (row, &length) in (0_i64..).zip(lengths) {
            let weight = |input| (row * 31 + i64::from(input) * 17) % (2 * magnitude) - magnitude;
            let weights = (0..length).map(|input| (input, weight(input) | 1));
            let weights = weights.map(|(input, weight)| format!("{input}: {weight}"));
            let weights = weights.collect::<Vec<_>>().join(", ");
            writeln!(text, "  r{row} = base {row}, rounding 0.0 [{weights}]").expect(TEXT);
        }
        let columns = (0..inputs).map(|column| format!("x{column}")).collect::<Vec<_>>();
        let (rows, columns) = (lengths.len(), columns.join(", "));
        write!(text, "end\n%0 = input [{columns}] : i64[1x{inputs}]\n").expect(TEXT);
        writeln!(text, "%1 = linear @m0, [%0] : q62.0[1x{rows}]").expect(TEXT);
        text.push_str("output \"sums\" value %1\n");
        let module = parse::<Int>(&text).expect("the text is a module");
        let row = |x: u32| (0..inputs).map(|i| Some(i64::from((x + x * i) % 256))).collect();
        (module, vec![row(0), row(1), row(255), row(97)])
    };
    let uneven: Vec<u32> = (0..40).map(|row| if row == 7 { 100 } else { 4 }).collect();
    check(&[
        map(&uneven, 1 << 40),
        map(&[40; 40], 1 << 40),
        map(&[40; 9], 1 << 12),
        map(&[8; 10], 1 << 7),
        map(&[1, 1, 1, 1], 1 << 7),
        map(&[90; 60], 1 << 7),
    ]);
}

/// Stumps, the last of which weighs as much as all others, some against it; the
/// label is 1 above `threshold`, or where what is left of 20 is less.
fn stumps(threshold: i64, of_rest: bool) -> Module<Int> {
    let count = 96;
    let mut text = String::from("int m\n@c0 = column x [0, 255]\n@l0 = labels [0, 1]\n");
    text += "@w0 = constant q1.40[1x1] [20]\n@t0 = forest q1.40, 1 features, 1 targets\n";
    let roots: Vec<String> = (0..count).map(|tree| format!("n{}", 3 * tree)).collect();
    writeln!(text, "  base [-3]\n  roots [{}]", roots.join(", ")).expect(TEXT);
    for tree in 0..count {
        let (id, yes, no) = (3 * tree, 3 * tree + 1, 3 * tree + 2);
        let weight = if tree + 1 == count { 96 } else { tree % 5 - 2 };
        writeln!(text, "  n{id} = if x0 <= {} then n{yes} else n{no}", 2 * tree + 1).expect(TEXT);
        writeln!(text, "  n{yes} = leaf []\n  n{no} = leaf [0: {weight}]").expect(TEXT);
    }
    text += "end\n%0 = input [x] : i64[1x1]\n%1 = tree_ensemble @t0, %0 : q1.40[1x1]\n";
    text += match of_rest {
        false => "%2 = reshape %1 : q1.40[1x1]\n",
        true => "%2 = constant @w0 : q1.40[1x1]\n",
    };
    text += &match of_rest {
        false => format!("%3 = greater %2, {threshold} : bool[1x1]\n"),
        true => "%3 = less %2, %1 : bool[1x1]\n".to_owned(),
    };
    text += "%4 = reshape %3 : bool[1]\n%5 = label @l0, %4 : label(@l0)[1]\n";
    text += "output \"label\" label %5\n";
    parse(&text).expect("the text is a module")
}

/// Rows that leave early get the label of those that meet all trees.
#[test]
fn an_exit_changes_no_label() {
    let exits = std::cell::Cell::new(0);
    let plan = |module: &Validated<Int>, options: &Options, rows: &[Row]| {
        let rows: Vec<Vec<i64>> =
            rows.iter().map(|row| row.iter().flatten().copied().collect()).collect();
        let profile = Profile::of(module, rows.iter().map(Vec::as_slice));
        let plan = skxc_lowering::plan_for(module, options, profile).ok()?;
        exits.set(exits.get() + plan.forests.values().filter(|it| it.exit.is_some()).count());
        Some(plan)
    };
    let rows: Vec<Row> = (0..=255).map(|x| vec![Some(x)]).collect();
    let modules = [stumps(0, false), stumps(-9, false), stumps(30, false), stumps(0, true)];
    check_planned(&modules.map(|module| (module, rows.clone())), plan);
    assert!(exits.get() >= 8, "{} plans with an exit", exits.get());
}

/// The leaves of a chain below a balanced tree, which is so large that its
/// subtrees are functions.
#[test]
fn a_tree_of_thousands_of_nodes() {
    let mut module = int_chain(4_095);
    let handle = module.forests.handles().next().expect("a chain is a forest");
    let chain = &module.forests[handle].nodes;
    let leaf = |first: u32| TreeNode::Leaf { first, count: 1, origin: chain[0].origin() };
    let mut nodes: Vec<TreeNode<Int>> = vec![leaf(0)];
    let mut pending = vec![(0_usize, 0_u32, 4_096_u32)];
    while let Some((at, from, to)) = pending.pop() {
        if to - from == 1 {
            nodes[at] = leaf(from);
            continue;
        }
        let (middle, children) = (from.midpoint(to), nodes.len());
        nodes[at] = TreeNode::Branch {
            test: IntTest { feature: 0, at_most: i64::from(middle) - 1 },
            yes: children as u32,
            no: children as u32 + 1,
            origin: chain[0].origin(),
        };
        nodes.extend([leaf(0), leaf(0)]);
        pending.extend([(children, from, middle), (children + 1, middle, to)]);
    }
    module.forests[handle].nodes = nodes;
    let rows = [0, 1, 2, 1_023, 1_024, 3_000, 4_094, 4_095].map(|x| vec![Some(x)]);
    check(&[(module, rows.to_vec())]);
}

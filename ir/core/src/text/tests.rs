//! Tests of the text form.

use proptest::prelude::*;
use skxc_diagnostics::{Sources, Style, render};

use super::*;
use crate::testing::{int_chain, int_modules, real_chain, real_modules, tensor_modules};

const REAL: &str = r#"real portscan
onnx0 = "TreeEnsembleClassifier /tree"
@c0 = column ip_ttl [0, 255]
@c1 = column x [-5, 10] missing -1
@l0 = labels ["benign", "a\"b\\c\u{a}"]
@l1 = labels [0, 7]
@w0 = constant f32[1x2] [0.5, -16777216.0]
@t0 = forest f32, 2 features, 2 targets
  base [0.0, 0.25]
  roots [n0, n2]
  n0 = if x1 <= 12.5 then n1 else n2 !onnx0.0.0
  n1 = leaf [0: 0.10000000149011612, 1: 0.75] !onnx0.0.1
  n2 = if x0 != inf or missing then n3 else n3 !onnx0.1.0
  n3 = leaf [] !onnx0,onnx0.0.2
end
%0 = input [ip_ttl, x] : f32[1x2] !onnx0
%1 = tree_ensemble @t0, %0 : f32[1x2] !onnx0
%2 = argmax %1 : i64[1] !onnx0
%3 = label @l0, %2 : label(@l0)[1] !onnx0
output "label" label %3
output "probabilities" score raw %1
"#;

const INT: &str = r#"int counts
@c0 = column ip_ttl [0, 255]
@l0 = labels [0, 1]
@w0 = constant q-2.62[1x1] [4]
@t0 = forest q-2.62, 1 features, 1 targets
  base [-3]
  rounding [7]
  roots [n0]
  n0 = if x0 <= -12 then n1 else n2 !onnx0
  n1 = leaf [0: 40] !onnx0
  n2 = leaf [0: -40] !onnx0
end
%0 = input [ip_ttl] : i64[1x1] !onnx0
%1 = tree_ensemble @t0, %0 : q-2.62[1x1] !onnx0
%2 = constant @w0 : q-2.62[1x1] !onnx0
%3 = subtract %2, %1 : q-2.62[1x1] !onnx0
%4 = concat [%3, %1] : q-2.62[1x2] !onnx0
%5 = gather %4 [1, 0] : q-2.62[1x2] !onnx0
%6 = argmax %5, margin 2 : i64[1] !onnx0
%7 = greater %1, 9 : bool[1x1] !onnx0
%8 = reshape %7 : bool[1] !onnx0
%9 = label @l0, %8 : label(@l0)[1] !onnx0
output "label" label %9
output "score" score probability %4
output "value" value %1
"#;

#[track_caller]
fn check_prints_as_read<D: Notation + Rules>(text: &str) {
    let module = parse::<D>(text).expect("the text follows the grammar");
    assert_eq!(print(&module), text);
    assert_eq!(Validator::check(&module), []);
}

/// Reads and validates `text`, and compares the code and place of each problem.
#[track_caller]
fn check_errors<D: Notation + Rules>(text: &str, expect: &[&str]) {
    let mut sources = Sources::default();
    let source = sources.add("m.skir", text);
    let diagnostics = read::<D>(&sources, source).err().unwrap_or_default();
    let found: Vec<_> = diagnostics
        .iter()
        .map(|diagnostic| {
            let at = diagnostic.labels[0].span.clone();
            format!("{} {}: {}", diagnostic.code, &sources.text(source)[at], diagnostic.message)
        })
        .collect();
    assert_eq!(found, expect);
    assert!(!render(&sources, &diagnostics, Style::Plain).is_empty());
}

#[test]
fn what_is_read_prints_the_same() {
    check_prints_as_read::<Real>(REAL);
    check_prints_as_read::<Int>(INT);
}

#[test]
fn space_comments_and_handles_of_columns_are_free() {
    let text = "; a comment\n\nint  a;b\n@c0=column \"x\"[0,1]\n%0 = input[@c0]:i64[1x1]\r\noutput \"s;\" value %0 ; end";
    let module = parse::<Int>(text).expect("the text follows the grammar");
    let expect =
        "int a\n@c0 = column x [0, 1]\n%0 = input [x] : i64[1x1] !onnx0\noutput \"s;\" value %0\n";
    assert_eq!(print(&module), expect);
    assert_eq!(domain(text), Some("int"));
    assert_eq!(domain("; real\n"), None);
}

#[test]
fn each_problem_is_reported_at_its_place() {
    check_errors::<Int>("", &["SKX0701 : the text does not start with `int NAME`"]);
    check_errors::<Int>("real a", &["SKX0701 real: expected `int`"]);
    check_errors::<Int>(
        "int a\n@c0 = column x [0, 1\n@c1 = column y [3, 1]\n@c3 = column z [0, 1]\n%0 = input [@c0, w] : i64[1x1]\n%1 = argmax %1 : i64[1]\n%2 = softmax %0 : i64[1]\nfoo\n",
        &[
            "SKX0701 : expected `]`",
            "SKX0705 [3, 1]: the interval [3, 1] is empty",
            "SKX0702 @c3: the next definition is `@c2`, not `@c3`",
            "SKX0702 w: there is no column `w`",
            "SKX0702 %1: `%1` is not defined above",
            "SKX0701 softmax: `softmax` is not an operation of the domain `int`",
            "SKX0701 foo: expected a definition such as `%0 = ...`, or `output`",
        ],
    );
    check_errors::<Real>(
        "real a\n@t0 = forest f32, 9999 features, 1 targets\nroots [n0]\nroots [n0]\nn0 = if x0 ~ 1 then n1 else n2\nn1 = if x0 < 1.5.2 then n1 else n2\nn2 = if x0 < 1 then n3 else n9\nn3 = leaf [0 1]\nend\n@t1 = forest f32, 1 features, 1 targets\n%0 = argmax %3 : i64[1]\n",
        &[
            "SKX0704 9999: 9999 is more than the 4096 that are allowed",
            "SKX0702 roots: the forest has two lines `roots`",
            "SKX0701 ~: expected a comparison such as `<=`",
            "SKX0701 1: expected a number",
            "SKX0701 1: expected `:`",
            "SKX0702 n2 = if x0 < 1 then n3 else n9: there is no node `n9` in this forest",
            "SKX0701 @t1 = forest f32, 1 features, 1 targets: the forest has no `end`",
            "SKX0702 %3: `%3` is not defined above",
        ],
    );
}

#[test]
fn rules_are_reported_at_their_line() {
    check_errors::<Int>(
        &INT.replace("then n1", "then n0").replace("x0 <= -12", "x3 <= -12"),
        &[
            "SKX0702 n0 = if x3 <= -12 then n0 else n2 !onnx0: feature 3 does not exist, there are 1",
            "SKX0705 n0 = if x3 <= -12 then n0 else n2 !onnx0: the child n0 does not follow its parent",
        ],
    );
    check_errors::<Int>(
        &INT.replace("argmax %5, margin 2 : i64[1]", "argmax %5, margin 2 : i64[2]"),
        &[
            "SKX0703 %6 = argmax %5, margin 2 : i64[2] !onnx0: the type is `i64[2]`, the operation makes `i64[1]`",
        ],
    );
    check_errors::<Int>(
        &INT.replace("q-2.62", "q-56.62").replace("[4]", "[60]"),
        &[
            "SKX0705 %3 = subtract %2, %1 : q-56.62[1x1] !onnx0: element 0 can be 103, which does not fit `q-56.62`",
        ],
    );
}

#[test]
fn a_deep_tree_of_many_nodes_reads_back() {
    for text in [print(&real_chain(200_000)), print(&int_chain(200_000))] {
        match domain(&text) {
            Some("real") => check_prints_as_read::<Real>(&text),
            _ => check_prints_as_read::<Int>(&text),
        }
    }
}

#[track_caller]
fn check_round_trip<D: Notation + Rules>(module: &Module<D>) {
    assert_eq!(Validator::check(module), []);
    let text = print(module);
    let read = parse::<D>(&text).expect("what is printed follows the grammar");
    assert!(read == *module, "{text}");
    assert_eq!(print(&read), text);
}

/// Takes any text, and what it takes prints and reads back.
fn check_any_text<D: Notation + Rules>(text: &str) {
    let mut sources = Sources::default();
    let source = sources.add("m.skir", text);
    match read::<D>(&sources, source) {
        Ok(module) => check_round_trip(&module),
        Err(diagnostics) => drop(render(&sources, &diagnostics, Style::Plain)),
    }
}

/// `text` with some bytes replaced by bits of text that mean something.
fn damaged(text: &str) -> impl Strategy<Value = String> + use<> {
    let text = text.to_owned();
    let scrap = prop_oneof![
        Just("\n"),
        Just(" "),
        Just("["),
        Just("]"),
        Just("n0"),
        Just("%9"),
        Just("-"),
        Just("9"),
        Just("99999999999"),
        Just("\""),
        Just("\\u{"),
        Just("end"),
        Just("é"),
        Just(","),
        Just("x"),
        Just("q"),
        Just("."),
        Just(""),
        Just("@t0"),
        Just("1e999"),
        Just("inf")
    ];
    let edit = (any::<prop::sample::Index>(), 0usize..4, scrap);
    prop::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut chars: Vec<String> = text.chars().map(String::from).collect();
        for (at, removed, scrap) in edits {
            let at = at.index(chars.len());
            let end = (at + removed).min(chars.len());
            chars.splice(at..end, [scrap.to_owned()]);
        }
        chars.concat()
    })
}

proptest! {
    #[test]
    fn real_modules_read_back(module in real_modules()) {
        check_round_trip(&module);
    }

    #[test]
    fn tensor_modules_read_back(module in tensor_modules()) {
        check_round_trip(&module);
    }

    #[test]
    fn int_modules_read_back(module in int_modules()) {
        check_round_trip(&module);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        check_any_text::<Real>(&text);
        check_any_text::<Int>(&format!("int a\n{text}"));
    }

    #[test]
    fn a_damaged_text_is_read_or_refused(real in damaged(REAL), int in damaged(INT)) {
        check_any_text::<Real>(&real);
        check_any_text::<Int>(&int);
    }
}

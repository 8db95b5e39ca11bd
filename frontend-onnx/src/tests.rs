//! Tests of the front end as a whole.

use proptest::prelude::*;
use prost::Message as _;

use crate::limits::{ML_OPSET_MAX, OPSET_MAX};
use crate::proto::{AttributeProto, AttributeType, DataType, GraphProto, ModelProto, TensorProto};
use crate::testing::{
    WithAttributes, arrays, check_import, floats, graph, import_bytes, imported, input, integers,
    listed, model, node, operations, regressor, said, stump, with_integers, with_ml_opset,
    with_property,
};
use crate::{ImportOptions, import};
use skxc_diagnostics::{Diagnostic, Sources, Style, render};

fn trees() -> crate::proto::NodeProto {
    stump(&[0, 1], &[(0, 0.25)], &[(0, 0.75)])
}

/// What skl2onnx exports with `zipmap="columns"`.
fn with_score_columns() -> ModelProto {
    let nodes = vec![
        trees(),
        node("Slice", &["scores", "zero", "one", "one"], &["first"]),
        node("Slice", &["scores", "one", "two", "one"], &["second"]),
        node("Reshape", &["first", "flat"], &["s0"]),
        node("Reshape", &["second", "flat"], &["s1"]),
        node("Identity", &["label"], &["decision"]),
    ];
    let mut model = model(1, nodes, &["decision", "s0", "s1"]);
    for (name, value) in [("zero", 0), ("one", 1), ("two", 2), ("flat", -1)] {
        model = with_integers(model, name, &[value]);
    }
    model
}

#[test]
fn score_columns_are_one_result() {
    let operations = operations(&with_score_columns());
    assert_eq!(
        operations[operations.len() - 2..],
        ["output \"decision\" label %5", "output \"s0,s1\" score probability %8"]
    );
}

#[test]
fn a_list_of_labels_is_no_result() {
    let model = model(1, vec![trees()], &["label", "classes"]);
    let model = with_integers(model, "classes", &[0, 1]);
    assert_eq!(operations(&model).last().unwrap(), "output \"label\" label %5");
}

#[test]
fn a_model_needs_a_decision() {
    let scores = model(1, vec![trees()], &["scores"]);
    assert_eq!(said(&scores), ["SKX0009: no output of the graph is a label or a prediction"]);
    let list = with_integers(model(1, vec![trees()], &["classes"]), "classes", &[0]);
    assert_eq!(said(&list), ["SKX0009: no output of the graph depends on its inputs"]);
    assert_eq!(said(&model(1, vec![trees()], &[])), ["SKX0009: the graph has no output"]);
}

#[test]
fn inputs_are_rows_of_numbers() {
    let say = |elem, extents: &[i64]| {
        let mut model = model(1, vec![trees()], &["label"]);
        graph(&mut model).input[0] = input("X", elem, extents);
        said(&model)
    };
    let axis = "SKX0008: input `X` has one axis; nobody can tell whether it holds rows or columns";
    assert_eq!(say(DataType::Float, &[4]), [axis]);
    assert_eq!(say(DataType::Float, &[-1, -1]), [] as [&str; 0]);
    assert_eq!(say(DataType::Float, &[-1, 0]), ["SKX0008: input `X` has no columns"]);
    assert_eq!(
        say(DataType::String, &[-1, 1]),
        ["SKX0008: input `X` has elements of type `string`"]
    );
    assert_eq!(
        say(DataType::Uint8, &[-1, 1]),
        ["SKX0008: column `c0` holds values in [0, 65535], but input `X` is of type `uint8`"]
    );
    for wide in [5000, u32::MAX.into()] {
        let many = format!("SKX0002: the inputs have {wide} columns; at most 4096 are allowed");
        assert_eq!(say(DataType::Float, &[-1, wide]), [many]);
    }
}

#[test]
fn an_initializer_is_the_default_of_its_input() {
    let reshape = node("Reshape", &["X", "shape"], &["Y"]);
    let mut model = with_integers(model(2, vec![reshape], &["Y"]), "shape", &[1, 2, 1]);
    graph(&mut model).input.push(input("shape", DataType::Int64, &[3]));
    assert_eq!(imported(&model).columns.len(), 2);
}

#[test]
fn names_and_order_are_checked() {
    let mut unordered = model(1, vec![node("Identity", &["label"], &["Y"]), trees()], &["Y"]);
    assert_eq!(operations(&unordered).last().unwrap(), "output \"Y\" label %5");
    graph(&mut unordered).node[1].input[0] = "Y".to_owned();
    assert_eq!(said(&unordered), ["SKX0007: the nodes of the graph form a cycle"]);
    graph(&mut unordered).node[1].input[0] = "Z".to_owned();
    assert_eq!(said(&unordered), ["SKX0006: value `Z` is used but nobody makes it"]);
    let twice = model(1, vec![trees(), trees()], &["label", "label"]);
    assert_eq!(
        said(&twice),
        [
            "SKX0005: value `label` is made twice",
            "SKX0005: value `scores` is made twice",
            "SKX0005: two outputs of the graph are called `label`",
        ]
    );
}

#[test]
fn operators_and_sets_are_checked() {
    let mut model = model(1, vec![node("Shrink", &["X"], &["Y"])], &["Y"]);
    graph(&mut model).node.push(node("Shrink", &["X"], &["Z"]));
    assert_eq!(said(&model), ["SKX0101: operator `Shrink` is not supported"]);
    graph(&mut model).node.truncate(1);
    graph(&mut model).node[0] = node("Identity", &["X"], &["Y"]);
    model.opset_import.push(model.opset_import[0].clone());
    model.opset_import[0].version = 29;
    assert_eq!(
        said(&model),
        ["SKX0004: operator set 29 of `ai.onnx` is not known; known are 1 to 28"]
    );
    model.opset_import.clear();
    assert_eq!(said(&model), ["SKX0004: the model imports no operator set of `ai.onnx`"]);
    model.functions.push(Default::default());
    assert_eq!(said(&model)[0], "SKX0003: the model has functions of its own (1)");
}

#[test]
fn features_are_read_and_errors_of_the_caller_are_kept() {
    let model = with_property(model(2, vec![trees()], &["label"]), "skxc.features", "a, b");
    let mut sources = Sources::default();
    let mut bind = |inputs: &crate::ModelInputs| {
        let features = inputs.features.as_ref().unwrap();
        assert_eq!(features.names, ["a", "b"]);
        let code = skxc_diagnostics::codes::NOT_A_MODEL;
        let error = Diagnostic::error(code, "no such feature");
        Err(vec![error.at(inputs.listing, features.span.clone(), "here")])
    };
    let mut options =
        ImportOptions { file_name: "a\nb.onnx", model_name: "model", bind: &mut bind };
    let imported = import(&model.encode_to_vec(), &mut options, &mut sources);
    assert!(imported.module.is_none());
    let text = render(&sources, &imported.diagnostics, Style::Plain);
    assert!(text.contains("property skxc.features = \"a, b\""), "{text}");
    assert_eq!(imported.summary.operators[0].count, 1);
    assert_eq!(imported.summary.classes, [["0", "1"]]);
}

#[test]
fn a_model_has_a_version_and_a_graph() {
    for bytes in [&b""[..], b"\x08\x08", b"GIF89a", &[0xff; 64]] {
        let imported = check_import(bytes);
        assert_eq!(imported.diagnostics[0].code, skxc_diagnostics::codes::NOT_A_MODEL);
    }
}

#[test]
fn the_listing_is_escaped_and_short() {
    let mut hostile = stump(&[0, 1], &[(0, 0.25)], &[(0, 0.75)])
        .strings("classlabels_strings", &["\u{202e}a", "b\u{1b}[31m\n"])
        .ints("classlabels_int64s", &[])
        .ints("nodes_hitrates", &[1; 100]);
    hostile.attribute.retain(|attribute| attribute.name != "classlabels_int64s");
    hostile.name = "*/ evil(); /*\n".repeat(100);
    let model = model(1, vec![hostile], &["label"]);
    let (imported, sources) = import_bytes(&model.encode_to_vec());
    let listing = sources.text(imported.listing.source);
    assert!(listing.lines().count() < 32 && listing.len() < 2048, "{listing}");
    assert!(!listing.contains(['\u{202e}', '\u{1b}']), "{listing}");
    assert!(listing.contains("nodes_hitrates = [1, 1, 1, 1, … 100 in all]"), "{listing}");
}

#[test]
fn the_table_of_operators_is_in_the_documents() {
    let document = skxc_diagnostics::codes::UNKNOWN_OPERATOR.document();
    for text in [document.text, include_str!("../OPERATORS.md")] {
        assert!(text.contains(&crate::operator_table()), "stale: run `cargo xtask codegen`");
    }
    let newest = format!("`ai.onnx` {OPSET_MAX}, `ai.onnx.ml` {ML_OPSET_MAX}");
    assert!(include_str!("../OPERATORS.md").contains(&newest), "{newest} is not there");
}

/// Models of many operators, to be damaged.
fn seeds() -> Vec<Vec<u8>> {
    let lookup = vec![
        trees(),
        node("ArgMax", &["scores"], &["best"]).int("axis", 1),
        node("ArrayFeatureExtractor", &["labels", "best"], &["looked"]),
        node("Cast", &["looked"], &["cast"]).int("to", 7),
        node("ZipMap", &["scores"], &["map"]).ints("classlabels_int64s", &[0, 1]),
        node("Shape", &["X"], &["shape"]),
        node("Slice", &["shape", "from", "to"], &["part"]),
        node("ConstantOfShape", &["shape"], &["c"]).tensor("value", integers(&[1])),
        node("Gather", &["scores", "labels"], &["g"]).int("axis", 1),
        node("Concat", &["g", "scores"], &["joined"]).int("axis", 1),
        node("Unsqueeze", &["joined", "labels"], &["Y"]),
        node("Flatten", &["Y"], &["flat"]),
    ];
    let lookup = model(1, lookup, &["cast", "map", "flat", "part", "c"]);
    let lookup = with_integers(with_integers(lookup, "labels", &[0, 1]), "unused", &[3; 9]);
    let lookup = with_integers(with_integers(lookup, "from", &[0]), "to", &[1]);
    let three =
        stump(&[0, 1, 2], &[(0, 0.25), (1, 0.75)], &[(2, 1.0)]).floats("base_values", &[0.5; 3]);
    let three = model(3, vec![three], &["label", "scores"]);
    let two = regressor(2, &[(0, 0.25), (1, 0.5)], &[(1, 0.75)])
        .floats("base_values", &[0.5])
        .string("aggregate_function", "MIN")
        .string("post_transform", "SOFTMAX_ZERO");
    let two = model(1, vec![two], &["Y"]);
    let sets = arrays(6, 0.0)
        .tensor("membership_values", floats(&[1.0, 3.0]))
        .int("n_targets", 2)
        .ints("tree_roots", &[0, 0]);
    let best = node("ArgMax", &["Y"], &["label"]).int("axis", 1);
    let sets = with_ml_opset(model(1, vec![sets, best], &["label", "Y"]), 5);
    let models =
        [lookup, with_score_columns(), three, two, sets, tensors(), orders(), linear(), loops()];
    models.map(|model| model.encode_to_vec()).to_vec()
}

/// Arithmetic, reductions and the movement of data.
fn tensors() -> ModelProto {
    let nodes = vec![
        node("Reshape", &["X", "cube"], &["m"]),
        node("Transpose", &["m"], &["t"]).ints("perm", &[1, 0, 2]),
        node("Tile", &["t", "times"], &["tiled"]),
        node("Expand", &["m", "cube"], &["e"]),
        node("ReduceLogSumExp", &["tiled", "axes"], &["l"]).int("keepdims", 0),
        node("ReduceMean", &["e"], &["mean"]).ints("axes", &[1, -1]),
        node("Softmax", &["e"], &["p"]).int("axis", 1),
        node("Sum", &["p", "mean", "p"], &["s"]),
        node("Pow", &["s", "three"], &["q"]),
        node("Less", &["q", "s"], &["less"]),
        node("Where", &["less", "q", "s"], &["w"]),
        node("Clip", &["w"], &["clipped"]),
        node("Slice", &["clipped", "from", "to", "axes", "three"], &["cut"]),
        node("Concat", &["cut", "cut"], &["two"]).int("axis", 2),
        node("LpNormalization", &["two"], &["Y"]).int("axis", -1),
        node("Mean", &["l", "l"], &["Z"]),
    ];
    let model = model(6, nodes, &["Y", "Z"]);
    let lists: [(&str, &[i64]); 6] = [
        ("cube", &[1, 2, 3]),
        ("times", &[1, 2, 1]),
        ("axes", &[2]),
        ("three", &[3]),
        ("from", &[0]),
        ("to", &[2]),
    ];
    lists.into_iter().fold(model, |model, (name, values)| with_integers(model, name, values))
}

/// Orders, computed positions and look-ups.
fn orders() -> ModelProto {
    let nodes = vec![
        node("TopK", &["X", "k"], &["top", "at"]).int("axis", 1).int("largest", 0),
        node("GatherElements", &["X", "at"], &["along"]).int("axis", 1),
        node("CumSum", &["along", "axis"], &["sums"]).int("exclusive", 1).int("reverse", 1),
        node("ArgMin", &["sums"], &["least"]).int("axis", 1).int("select_last_index", 1),
        node("Gather", &["X", "least"], &["found"]).int("axis", 1),
        node("ArrayFeatureExtractor", &["list", "at"], &["taken"]),
        node("LabelEncoder", &["taken"], &["encoded"])
            .ints("keys_int64s", &[4, 5])
            .ints("values_int64s", &[0, 7]),
        node("Mul", &["list", "k"], &["folded"]),
        node("Add", &["encoded", "k"], &["Y"]),
        node("Binarizer", &["found"], &["Z"]),
        node("Div", &["least", "folded"], &["V"]),
    ];
    let model = model(3, nodes, &["Y", "Z", "V"]);
    let model = with_integers(with_integers(model, "k", &[2]), "axis", &[1]);
    with_integers(model, "list", &[4, 5, 6])
}

/// Linear models, support vectors and what stands before them.
fn linear() -> ModelProto {
    let nodes = vec![
        node("Scaler", &["X"], &["s"]).floats("offset", &[1.0, 2.0]).floats("scale", &[0.5, 4.0]),
        node("Imputer", &["s"], &["i"])
            .floats("imputed_value_floats", &[1.0, 2.0])
            .float("replaced_value_float", f32::NAN),
        node("OneHotEncoder", &["i"], &["h"]).ints("cats_int64s", &[0, 2]),
        node("Flatten", &["h"], &["flat"]),
        node("FeatureVectorizer", &["i", "flat"], &["v"]).ints("inputdimensions", &[2, 1]),
        node("LinearClassifier", &["v"], &["label", "p"])
            .floats("coefficients", &[1.0, 2.0, 3.0, -1.0, -2.0, -3.0])
            .floats("intercepts", &[0.5, -0.5])
            .strings("classlabels_strings", &["a", "b"])
            .string("post_transform", "LOGISTIC"),
        node("SVMClassifier", &["X"], &["voted", "sums"])
            .string("kernel_type", "POLY")
            .floats("kernel_params", &[0.5, 1.0, 3.0])
            .floats("support_vectors", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .ints("vectors_per_class", &[1, 1, 1])
            .floats("coefficients", &[1.0, -1.0, 0.5, 2.0, -0.5, 1.0])
            .floats("rho", &[0.1, 0.2, 0.3])
            .ints("classlabels_ints", &[3, 4, 5]),
        node("SVMRegressor", &["X"], &["side"])
            .string("kernel_type", "RBF")
            .floats("kernel_params", &[0.5, 0.0, 3.0])
            .floats("support_vectors", &[1.0, 2.0])
            .floats("coefficients", &[1.0])
            .floats("rho", &[0.1])
            .int("n_supports", 1)
            .int("one_class", 1),
        node("LinearRegressor", &["v"], &["r"]).floats("coefficients", &[1.0, 2.0, 3.0]),
        node("CategoryMapper", &["label"], &["mapped"])
            .ints("cats_int64s", &[7, 8])
            .strings("cats_strings", &["b", "a"]),
    ];
    model(2, nodes, &["label", "p", "voted", "sums", "side", "r", "mapped"])
}

/// Products of matrices, and loops at once and step by step.
fn loops() -> ModelProto {
    let value = |name: &&str| input(name, DataType::Float, &[]);
    let body = |nodes, outputs: [&str; 2]| AttributeProto {
        name: "body".to_owned(),
        r#type: AttributeType::Graph.into(),
        g: Some(GraphProto {
            node: nodes,
            input: ["s", "p"].iter().map(value).collect(),
            output: outputs.iter().map(value).collect(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let distance = vec![
        node("Sub", &["s", "p"], &["away"]),
        node("ReduceSumSquare", &["away", "last"], &["d"]).int("keepdims", 0),
    ];
    let running = vec![node("Add", &["s", "p"], &["t"]), node("Neg", &["t"], &["n"])];
    let nodes = vec![
        node("Scan", &["X", "points"], &["state", "D"])
            .with(body(distance, ["s", "d"]))
            .int("num_scan_inputs", 1),
        node("Scan", &["X", "points"], &["sum", "S"])
            .with(body(running, ["t", "n"]))
            .int("num_scan_inputs", 1)
            .ints("scan_input_directions", &[1])
            .ints("scan_output_axes", &[1]),
        node("Gemm", &["D", "sum"], &["g"]).float("alpha", 0.5).int("transA", 1),
        node("MatMul", &["g", "square"], &["m"]),
        node("Einsum", &["m", "X"], &["e"]).string("equation", "ij,kj->ik"),
        node("Concat", &["m", "e"], &["Y"]).int("axis", 1),
        node("Elu", &["S"], &["Z"]),
    ];
    let mut model = with_integers(model(2, nodes, &["Y", "Z"]), "last", &[1]);
    for (name, rows) in [("points", 1), ("square", 2)] {
        graph(&mut model).initializer.push(TensorProto {
            dims: vec![rows, 2],
            name: name.to_owned(),
            ..floats(&[1.0, 2.0, 3.0, 4.0][..2 * rows as usize])
        });
    }
    model
}

#[test]
fn what_the_nodes_make_together_is_bounded() {
    let tile = |from: &str, to: &str| node("Tile", &[from, "times"], &[to]);
    let nodes =
        vec![tile("X", "a"), tile("a", "b"), tile("b", "c"), tile("c", "Y"), tile("c", "d")];
    let wide = |times| with_integers(model(1, nodes.clone(), &["Y"]), "times", &[1, times]);
    assert!(check_import(&wide(8).encode_to_vec()).module.is_some());
    assert_eq!(said(&wide(45)), ["SKX0002: the nodes of the graph make too many elements"]);
}

#[test]
fn seeds_are_imported() {
    for seed in seeds() {
        let imported = check_import(&seed);
        let module = imported.module.unwrap_or_else(|| panic!("{:#?}", imported.diagnostics));
        let decides = |line: &String| line.contains(" label %") || line.contains(" value %");
        assert!(listed(&module).iter().any(decides));
    }
}

/// A change of some bytes: position and length as parts of the whole, and what
/// takes their place.
fn damage() -> impl Strategy<Value = (f64, usize, Vec<u8>)> {
    (0.0..1.0, 0usize..4, prop::collection::vec(any::<u8>(), 0..4))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_told_from_models(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        check_import(&bytes);
    }

    #[test]
    fn damaged_models_are_imported_or_refused(
        seed in 0usize..9,
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (place, length, replacement) in damages {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position")]
            let start = (place * bytes.len() as f64) as usize;
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, replacement);
        }
        check_import(&bytes);
    }

    #[test]
    fn single_bytes_may_change(seed in 0usize..9, place in 0.0..1.0f64, byte in any::<u8>()) {
        let mut bytes = seeds().swap_remove(seed);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position")]
        let at = (place * bytes.len() as f64) as usize;
        bytes[at] = byte;
        check_import(&bytes);
    }
}

//! Small ONNX models for tests, and what the front end makes of them.

use prost::Message as _;
use skxc_diagnostics::Sources;
use skxc_ir::interpret::{self, Outcome};
use skxc_ir::validate::Validator;
use skxc_ir::{Column, Interval, Module, Real};

use crate::proto::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, dimension, type_proto,
};
use crate::{Import, ImportOptions, import};

/// A model with the given nodes, the input `X` of `width` floats, and outputs.
pub(crate) fn model(width: i64, nodes: Vec<NodeProto>, outputs: &[&str]) -> ModelProto {
    let set = |domain: &str, version| OperatorSetIdProto { domain: domain.to_owned(), version };
    ModelProto {
        ir_version: 8,
        producer_name: "test".to_owned(),
        opset_import: vec![set("", 18), set("ai.onnx.ml", 3)],
        graph: Some(GraphProto {
            node: nodes,
            name: "graph".to_owned(),
            input: vec![input("X", DataType::Float, &[-1, width])],
            output: outputs
                .iter()
                .map(|&name| ValueInfoProto { name: name.to_owned(), r#type: None })
                .collect(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// An input; a negative extent is left open.
pub(crate) fn input(name: &str, elem: DataType, extents: &[i64]) -> ValueInfoProto {
    let dim = extents.iter().map(|&extent| Dimension {
        value: (extent >= 0).then_some(dimension::Value::DimValue(extent)),
    });
    let shape = Some(TensorShapeProto { dim: dim.collect() });
    let tensor = type_proto::Tensor { elem_type: elem.into(), shape };
    let value = Some(type_proto::Value::TensorType(tensor));
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { value }) }
}

/// A node; operators that only ai.onnx.ml has are of that domain.
pub(crate) fn node(op_type: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let is_ml = crate::ops::find("ai.onnx.ml", op_type).is_some();
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    NodeProto {
        input: owned(inputs),
        output: owned(outputs),
        op_type: op_type.to_owned(),
        domain: if is_ml { "ai.onnx.ml".to_owned() } else { String::new() },
        ..Default::default()
    }
}

/// Attributes, to be chained. One that is there already is replaced.
pub(crate) trait WithAttributes: Sized {
    fn with(self, attribute: AttributeProto) -> Self;

    fn int(self, name: &str, i: i64) -> Self {
        self.with(AttributeProto { i, ..named(name, AttributeType::Int) })
    }

    fn ints(self, name: &str, ints: &[i64]) -> Self {
        self.with(AttributeProto { ints: ints.to_vec(), ..named(name, AttributeType::Ints) })
    }

    fn floats(self, name: &str, floats: &[f32]) -> Self {
        self.with(AttributeProto { floats: floats.to_vec(), ..named(name, AttributeType::Floats) })
    }

    fn float(self, name: &str, f: f32) -> Self {
        self.with(AttributeProto { f, ..named(name, AttributeType::Float) })
    }

    fn string(self, name: &str, text: &str) -> Self {
        let s = text.as_bytes().to_vec().into();
        self.with(AttributeProto { s, ..named(name, AttributeType::String) })
    }

    fn strings(self, name: &str, texts: &[&str]) -> Self {
        let strings = texts.iter().map(|text| text.as_bytes().to_vec().into()).collect();
        self.with(AttributeProto { strings, ..named(name, AttributeType::Strings) })
    }

    fn tensor(self, name: &str, tensor: TensorProto) -> Self {
        self.with(AttributeProto { t: Some(tensor), ..named(name, AttributeType::Tensor) })
    }
}

impl WithAttributes for NodeProto {
    fn with(mut self, attribute: AttributeProto) -> Self {
        self.attribute.retain(|other| other.name != attribute.name);
        self.attribute.push(attribute);
        self
    }
}

fn named(name: &str, ty: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: ty.into(), ..Default::default() }
}

/// Adds the constant `name`, a list of integers, to the model.
pub(crate) fn with_integers(mut model: ModelProto, name: &str, values: &[i64]) -> ModelProto {
    graph(&mut model).initializer.push(TensorProto { name: name.to_owned(), ..integers(values) });
    model
}

/// A tensor of integers.
pub(crate) fn integers(values: &[i64]) -> TensorProto {
    TensorProto {
        dims: vec![values.len() as i64],
        data_type: DataType::Int64.into(),
        int64_data: values.to_vec(),
        ..Default::default()
    }
}

/// A tensor of numbers.
pub(crate) fn floats(values: &[f32]) -> TensorProto {
    TensorProto {
        dims: vec![values.len() as i64],
        data_type: DataType::Float.into(),
        float_data: values.to_vec(),
        ..Default::default()
    }
}

/// A tensor of doubles.
pub(crate) fn doubles(values: &[f64]) -> TensorProto {
    TensorProto {
        dims: vec![values.len() as i64],
        data_type: DataType::Double.into(),
        double_data: values.to_vec(),
        ..Default::default()
    }
}

/// The graph of a model, to change.
pub(crate) fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().unwrap()
}

/// Adds a metadata property.
pub(crate) fn with_property(mut model: ModelProto, key: &str, value: &str) -> ModelProto {
    let (key, value) = (key.to_owned(), value.to_owned());
    model.metadata_props.push(StringStringEntryProto { key, value });
    model
}

/// A classifier with one tree `x0 <= 0.5`, whose leaves have the weights
/// `(class, weight)`.
pub(crate) fn stump(classes: &[i64], yes: &[(i64, f32)], no: &[(i64, f32)]) -> NodeProto {
    let leaves = yes.iter().map(|weight| (1, weight)).chain(no.iter().map(|weight| (2, weight)));
    let (nodes, weights): (Vec<i64>, Vec<&(i64, f32)>) = leaves.unzip();
    let ids: Vec<i64> = weights.iter().map(|weight| weight.0).collect();
    let weights: Vec<f32> = weights.iter().map(|weight| weight.1).collect();
    node("TreeEnsembleClassifier", &["X"], &["label", "scores"])
        .ints("nodes_treeids", &[0, 0, 0])
        .ints("nodes_nodeids", &[0, 1, 2])
        .ints("nodes_featureids", &[0, 0, 0])
        .strings("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"])
        .floats("nodes_values", &[0.5, 0.0, 0.0])
        .ints("nodes_truenodeids", &[1, 0, 0])
        .ints("nodes_falsenodeids", &[2, 0, 0])
        .ints("class_treeids", &vec![0; ids.len()])
        .ints("class_nodeids", &nodes)
        .ints("class_ids", &ids)
        .floats("class_weights", &weights)
        .ints("classlabels_int64s", classes)
        .string("post_transform", "NONE")
}

/// A regressor with one tree `x0 <= 0.5`, whose leaves have the weights
/// `(target, weight)`.
pub(crate) fn regressor(targets: i64, yes: &[(i64, f32)], no: &[(i64, f32)]) -> NodeProto {
    let mut trees = stump(&[0], yes, no);
    trees.op_type = "TreeEnsembleRegressor".to_owned();
    trees.output = vec!["Y".to_owned()];
    trees.attribute.retain(|attribute| attribute.name != "classlabels_int64s");
    for attribute in &mut trees.attribute {
        attribute.name = attribute.name.replace("class_", "target_");
    }
    trees.int("n_targets", targets)
}

/// TreeEnsemble with one tree `x0 mode split`, whose leaves are 0.25 and 0.75.
pub(crate) fn arrays(mode: u8, split: f32) -> NodeProto {
    node("TreeEnsemble", &["X"], &["Y"])
        .int("n_targets", 1)
        .ints("tree_roots", &[0])
        .ints("nodes_featureids", &[0])
        .tensor("nodes_modes", bytes(&[mode]))
        .tensor("nodes_splits", floats(&[split]))
        .ints("nodes_truenodeids", &[0])
        .ints("nodes_trueleafs", &[1])
        .ints("nodes_falsenodeids", &[1])
        .ints("nodes_falseleafs", &[1])
        .ints("leaf_targetids", &[0, 0])
        .tensor("leaf_weights", floats(&[0.25, 0.75]))
}

/// A tensor of bytes.
pub(crate) fn bytes(values: &[u8]) -> TensorProto {
    TensorProto {
        dims: vec![values.len() as i64],
        data_type: DataType::Uint8.into(),
        raw_data: values.to_vec().into(),
        ..Default::default()
    }
}

/// The model with another operator set of ai.onnx.ml.
pub(crate) fn with_ml_opset(mut model: ModelProto, version: i64) -> ModelProto {
    let sets = model.opset_import.iter_mut();
    sets.filter(|set| set.domain == "ai.onnx.ml").for_each(|set| set.version = version);
    model
}

/// The numbers that the only output of a model has for the feature values 0, 1, ...
pub(crate) fn numbers(model: &ModelProto, rows: i64) -> Vec<Vec<f64>> {
    let module = check_import(&model.encode_to_vec()).module.unwrap();
    let outcomes = (0..rows).map(|x| interpret::float(&module, &[Some(x)]));
    let numbers = outcomes.map(|outcomes| match &outcomes[..] {
        [Outcome::Numbers(numbers)] => numbers.clone(),
        other => panic!("numbers, not {other:?}"),
    });
    numbers.collect()
}

/// The inputs of a model, before columns are bound.
pub(crate) fn inputs(model: &ModelProto) -> crate::ModelInputs {
    let mut found = None;
    let mut bind = |inputs: &crate::ModelInputs| {
        found = Some(inputs.clone());
        Err(Vec::new())
    };
    let mut options =
        ImportOptions { file_name: "model.onnx", model_name: "model", bind: &mut bind };
    import(&model.encode_to_vec(), &mut options, &mut Sources::default());
    found.expect("columns are asked for")
}

/// Imports bytes with columns `c0`, `c1`, ... of 16 bits.
pub(crate) fn import_bytes(bytes: &[u8]) -> (Import, Sources) {
    let mut sources = Sources::default();
    let mut bind = |inputs: &crate::ModelInputs| {
        let range = Interval::new(0, 65_535);
        let column = |i| Column { name: format!("c{i}"), range, missing: None };
        Ok((0..inputs.width()).map(column).collect())
    };
    let mut options =
        ImportOptions { file_name: "model.onnx", model_name: "model", bind: &mut bind };
    let imported = import(bytes, &mut options, &mut sources);
    (imported, sources)
}

/// Imports bytes; the property that every import has: nothing panics, spans
/// are within the listing, and a module is there if nothing is an error, and valid.
pub(crate) fn check_import(bytes: &[u8]) -> Import {
    let (imported, sources) = import_bytes(bytes);
    let text =
        skxc_diagnostics::render(&sources, &imported.diagnostics, skxc_diagnostics::Style::Plain);
    assert!(!text.contains('\x1b'));
    let has_errors = skxc_diagnostics::has_errors(&imported.diagnostics);
    assert_eq!(imported.module.is_none(), has_errors, "{text}");
    if let Some(module) = &imported.module {
        let errors = Validator::check(module);
        assert!(errors.is_empty(), "{errors:?}");
    }
    imported
}

/// The module of a model that is imported without a word.
pub(crate) fn imported(model: &ModelProto) -> Module<Real> {
    let imported = check_import(&model.encode_to_vec());
    assert!(imported.diagnostics.is_empty(), "{:#?}", imported.diagnostics);
    imported.module.unwrap()
}

/// The operations of a module in the text form, without forests and origins.
pub(crate) fn operations(model: &ModelProto) -> Vec<String> {
    listed(&imported(model))
}

/// As [`operations`], of a module.
pub(crate) fn listed(module: &Module<Real>) -> Vec<String> {
    let text = skxc_ir::text::print(module);
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| line.starts_with('%') || line.starts_with("output"));
    lines.map(|line| line.split('!').next().unwrap_or(line).trim().to_owned()).collect()
}

/// The diagnostics of a model, as `SKX0104: message`.
pub(crate) fn said(model: &ModelProto) -> Vec<String> {
    let imported = check_import(&model.encode_to_vec());
    imported.diagnostics.iter().map(|said| format!("{}: {}", said.code, said.message)).collect()
}

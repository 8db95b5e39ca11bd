//! The attributes of TreeEnsembleClassifier and TreeEnsembleRegressor (ai.onnx.ml
//! 1 and 3), checked for their lengths.

use skxc_diagnostics::Diagnostic;
use skxc_diagnostics::codes::{
    ATTRIBUTE_INVALID, BAD_NUMBER, BASE_VALUES, LENGTHS_DIFFER, TREE_STRUCTURE, TYPE_MISMATCH,
};
use skxc_ir::ElementType;
use skxc_ir::limits::{LEAF_WEIGHTS_MAX, TREE_NODES_MAX};

use crate::listing::counted;
use crate::node::{Imported, Node, Problems};
use crate::tensor::{self, Data};

/// The lists of an ensemble. All `nodes_*` lists have one length, at least 1.
pub(in crate::ops) struct Trees<'n> {
    /// Type in which thresholds are compared and weights are summed.
    pub(super) elem: ElementType,
    /// The attribute `nodes_treeids`.
    pub(super) tree_ids: &'n [i64],
    /// The attribute `nodes_nodeids`.
    pub(super) node_ids: &'n [i64],
    /// The attribute `nodes_featureids`.
    pub(super) features: &'n [i64],
    /// The attribute `nodes_modes`.
    pub(super) modes: &'n [prost::bytes::Bytes],
    /// The attribute `nodes_values`.
    pub(super) values: Numbers<'n>,
    /// The attribute `nodes_truenodeids`.
    pub(super) yes: &'n [i64],
    /// The attribute `nodes_falsenodeids`.
    pub(super) no: &'n [i64],
    /// `nodes_missing_value_tracks_true`; may be empty.
    pub(super) missing: &'n [i64],
    /// The weights of the leaves.
    pub(in crate::ops) leaves: Leaves<'n>,
    /// `base_values`; may be empty.
    pub(in crate::ops) base: Base<'n>,
}

/// The lists of the weights, of one length.
pub(in crate::ops) struct Leaves<'n> {
    /// `class_treeids` or `target_treeids`.
    pub(super) tree_ids: &'n [i64],
    /// `class_nodeids` or `target_nodeids`.
    pub(super) node_ids: &'n [i64],
    /// `class_ids` or `target_ids`.
    pub(in crate::ops) ids: &'n [i64],
    /// `class_weights` or `target_weights`.
    pub(in crate::ops) weights: Numbers<'n>,
    /// The names of the lists.
    pub(super) names: LeafNames,
}

/// The base values and the attribute that holds them.
pub(in crate::ops) struct Base<'n> {
    pub(in crate::ops) name: &'static str,
    pub(in crate::ops) values: Numbers<'n>,
}

impl Base<'_> {
    /// One number a sum; one in the list counts for all, and none says that
    /// there are no base values.
    pub(in crate::ops) fn of_sums(
        &self,
        node: &Node<'_>,
        sums: usize,
        allowed: &str,
    ) -> Imported<Vec<f64>> {
        let values: Vec<f64> = self.values.iter().collect();
        match values[..] {
            [all] => Ok(vec![all; sums]),
            [] => Ok(values),
            _ if values.len() == sums => Ok(values),
            _ => Err(self.error(node, allowed).into()),
        }
    }

    /// The error about the length of the list.
    pub(in crate::ops) fn error(&self, node: &Node<'_>, allowed: &str) -> Diagnostic {
        let numbers = counted(self.values.len(), "number");
        let message = format!("`{}` has {numbers}; there should be {allowed}", self.name);
        let error = node.attribute_error(self.name, BASE_VALUES, message);
        error.note("an empty list means that every sum starts from 0")
    }
}

/// The attributes of the weights by name.
#[derive(Clone, Copy)]
pub(in crate::ops) struct LeafNames {
    pub(super) tree_ids: &'static str,
    pub(super) node_ids: &'static str,
    pub(super) ids: &'static str,
    weights: [&'static str; 2],
    /// What a sum is called.
    pub(super) sum: &'static str,
}

/// A list of numbers: an attribute of floats, or a tensor since ai.onnx.ml 3.
pub(in crate::ops) struct Numbers<'n> {
    /// The attribute that holds it.
    pub(in crate::ops) name: &'static str,
    list: List<'n>,
}

enum List<'n> {
    Floats(&'n [f32]),
    Tensor(Vec<f64>),
}

impl Numbers<'_> {
    fn len(&self) -> usize {
        match &self.list {
            List::Floats(floats) => floats.len(),
            List::Tensor(elements) => elements.len(),
        }
    }

    /// The number at `position`.
    pub(super) fn get(&self, position: usize) -> f64 {
        match &self.list {
            List::Floats(floats) => floats[position].into(),
            List::Tensor(elements) => elements[position],
        }
    }

    /// All numbers, in order.
    pub(in crate::ops) fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.len()).map(|position| self.get(position))
    }
}

/// The names in TreeEnsembleClassifier.
pub(in crate::ops) const CLASS: LeafNames = LeafNames {
    tree_ids: "class_treeids",
    node_ids: "class_nodeids",
    ids: "class_ids",
    weights: ["class_weights", "class_weights_as_tensor"],
    sum: "class",
};

/// The names in TreeEnsembleRegressor.
pub(in crate::ops) const TARGET: LeafNames = LeafNames {
    tree_ids: "target_treeids",
    node_ids: "target_nodeids",
    ids: "target_ids",
    weights: ["target_weights", "target_weights_as_tensor"],
    sum: "target",
};

impl<'n> Trees<'n> {
    /// Reads the attributes of an ensemble whose features are of type `elem`.
    pub(in crate::ops) fn read(
        node: &Node<'n>,
        elem: ElementType,
        names: LeafNames,
    ) -> Imported<Self> {
        let base = numbers(node, ["base_values", "base_values_as_tensor"], elem)?;
        if let Some(value) = base.iter().find(|value| !value.is_finite()) {
            let message = format!("`{}` holds {value}", base.name);
            return Err(node.attribute_error(base.name, BAD_NUMBER, message).into());
        }
        let trees = Self {
            elem,
            tree_ids: node.ints("nodes_treeids")?,
            node_ids: node.ints("nodes_nodeids")?,
            features: node.ints("nodes_featureids")?,
            modes: node.byte_strings("nodes_modes")?,
            values: numbers(node, ["nodes_values", "nodes_values_as_tensor"], elem)?,
            yes: node.ints("nodes_truenodeids")?,
            no: node.ints("nodes_falsenodeids")?,
            missing: node.ints("nodes_missing_value_tracks_true")?,
            leaves: Leaves {
                tree_ids: node.ints(names.tree_ids)?,
                node_ids: node.ints(names.node_ids)?,
                ids: node.ints(names.ids)?,
                weights: numbers(node, names.weights, elem)?,
                names,
            },
            base: Base { name: base.name, values: base },
        };
        trees.check(node)?;
        Ok(trees)
    }

    /// Type in which thresholds are compared and weights are read.
    pub(in crate::ops) fn elem(&self) -> ElementType {
        self.elem
    }

    /// The node at `position` in words.
    pub(super) fn describe(&self, position: usize) -> String {
        format!("node {} of tree {}", self.node_ids[position], self.tree_ids[position])
    }

    fn check(&self, node: &Node<'_>) -> Imported<()> {
        let count = self.node_ids.len();
        let leaves = self.leaves.node_ids.len();
        let names = self.leaves.names;
        if count == 0 {
            let message = format!("`{}` has no tree", node.name());
            return Err(node.attribute_error("nodes_nodeids", TREE_STRUCTURE, message).into());
        }
        for (what, found, most) in
            [("tree nodes", count, TREE_NODES_MAX), ("leaf weights", leaves, LEAF_WEIGHTS_MAX)]
        {
            if found > most {
                return Err(super::draft::too_large(node, what, found, most).into());
            }
        }
        let missing = if self.missing.is_empty() { count } else { self.missing.len() };
        let lengths = [
            ("nodes_treeids", self.tree_ids.len(), "nodes_nodeids", count),
            ("nodes_featureids", self.features.len(), "nodes_nodeids", count),
            ("nodes_modes", self.modes.len(), "nodes_nodeids", count),
            (self.values.name, self.values.len(), "nodes_nodeids", count),
            ("nodes_truenodeids", self.yes.len(), "nodes_nodeids", count),
            ("nodes_falsenodeids", self.no.len(), "nodes_nodeids", count),
            ("nodes_missing_value_tracks_true", missing, "nodes_nodeids", count),
            (names.tree_ids, self.leaves.tree_ids.len(), names.node_ids, leaves),
            (names.ids, self.leaves.ids.len(), names.node_ids, leaves),
            (self.leaves.weights.name, self.leaves.weights.len(), names.node_ids, leaves),
        ];
        check_lengths(node, &lengths)
    }
}

/// Checks lists for their lengths: each is a name, the length found, and name
/// and length of the list that it belongs to.
pub(super) fn check_lengths(
    node: &Node<'_>,
    lengths: &[(&'static str, usize, &'static str, usize)],
) -> Imported<()> {
    let wrong = lengths.iter().filter(|(_, found, _, wanted)| found != wanted);
    let problems: Vec<_> = wrong
        .map(|(name, found, other, wanted)| {
            let message = format!("`{name}` has length {found}, but `{other}` has length {wanted}");
            node.attribute_error(name, LENGTHS_DIFFER, message)
                .note("entry `i` of each list describes thing `i`")
                .help("export the model again: something is missing")
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

/// The numbers of one of two attributes: `names` are that of the list and that
/// of the tensor.
fn numbers<'n>(
    node: &Node<'n>,
    names: [&'static str; 2],
    elem: ElementType,
) -> Imported<Numbers<'n>> {
    let [list_name, tensor_name] = names;
    let floats = node.floats(list_name)?;
    let Some(tensor) = node.tensor(tensor_name)? else {
        return Ok(Numbers { name: list_name, list: List::Floats(floats) });
    };
    let error = |code, message| Problems::from(node.attribute_error(tensor_name, code, message));
    if !floats.is_empty() {
        let message = format!("`{list_name}` and `{tensor_name}` are both given");
        return Err(error(ATTRIBUTE_INVALID, message));
    }
    let tensor = tensor::decode(tensor)
        .map_err(|fault| error(fault.code, format!("`{tensor_name}` {}", fault.what)))?;
    let elements = match &tensor.data {
        Data::F32(elements) => elements,
        Data::F64(elements) if elem == ElementType::F64 => elements,
        Data::F64(_) => {
            let message = format!("`{tensor_name}` is `double`, but the features are `float`");
            return Err(error(TYPE_MISMATCH, message));
        }
        Data::Integers(_) | Data::Bool(_) | Data::Text(_) => {
            let message = format!("`{tensor_name}` does not hold numbers");
            return Err(error(TYPE_MISMATCH, message));
        }
    };
    Ok(Numbers { name: tensor_name, list: List::Tensor(elements.clone()) })
}

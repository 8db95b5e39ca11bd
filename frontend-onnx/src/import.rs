//! Lowers the nodes of a graph in order: ONNX operators to operations of the IR.

use std::collections::HashMap;
use std::rc::Rc;

use skxc_diagnostics::codes::{
    ATTRIBUTE_INVALID, LIMIT_EXCEEDED, OPERAND_COUNT, TYPE_MISMATCH, UNSUPPORTED_FORM,
    UNSUPPORTED_PART,
};
use skxc_diagnostics::{Diagnostic, escape_to_one_line};
use skxc_ir::limits::{AXES_MAX, ELEMENTS_MAX};
use skxc_ir::validate::Validator;
use skxc_ir::{
    Column, ElementType, Handle, LabelTable, Module, Operation as _, Origin, OriginId, Real,
    RealOp, ScoreKind, Shape, Type, Value,
};

use crate::fold;
use crate::graph::Graph;
use crate::inputs::ModelInputs;
use crate::limits::{ELEMENTS_A_BYTE, RESULT_ELEMENTS_MAX};
use crate::listing::{Listing, counted, operator_name, short};
use crate::node::{Imported, Node, Operand};
use crate::report::Report;
use crate::tensor;

/// What is known of a value beside its type: which scores of a classifier it holds.
#[derive(Clone, Debug)]
pub(crate) struct Scores {
    /// The row of all scores.
    pub(crate) whole: Value,
    /// The class of each element.
    pub(crate) classes: Vec<u32>,
    /// What a score is.
    pub(crate) kind: ScoreKind,
}

/// The state of importer one graph.
pub(crate) struct Importer<'a> {
    /// What has been made so far.
    pub(crate) module: Module<Real>,
    /// What has been found wrong so far.
    pub(crate) report: Report,
    listing: &'a Listing,
    operands: HashMap<&'a str, Operand>,
    /// The values that hold scores.
    pub(crate) scores: HashMap<Value, Scores>,
    /// The values that hold the index of a class, and the number of classes.
    pub(crate) classes: HashMap<Value, u32>,
    /// The batch size that the export fixed, if it is not 1: shapes in the
    /// graph may count it where skxc has one row.
    pub(crate) batch: Option<u32>,
    /// Are constants computed at the moment, which depend on no row?
    pub(crate) folds: bool,
    /// Elements of the results of all nodes so far.
    pub(crate) elements: usize,
    /// The version of each imported domain that is known.
    pub(crate) opsets: &'a HashMap<String, u32>,
    /// Is the body of a loop imported at the moment?
    pub(crate) in_body: bool,
    /// Nodes of the steps of loops so far.
    pub(crate) step_nodes: usize,
    /// How many there may be.
    elements_max: usize,
}

/// Lowers all nodes of `graph`; its columns are `columns`.
pub(crate) fn import<'a>(
    graph: &'a Graph<'a>,
    listing: &'a Listing,
    inputs: &'a ModelInputs,
    columns: Vec<Column>,
    name: &str,
    report: Report,
) -> Importer<'a> {
    let mut importer = Importer {
        module: Module::new(name),
        report,
        listing,
        operands: HashMap::new(),
        scores: HashMap::new(),
        classes: HashMap::new(),
        batch: inputs.tensors.iter().find_map(|tensor| tensor.batch),
        folds: false,
        elements: 0,
        opsets: &graph.opsets,
        in_body: false,
        step_nodes: 0,
        elements_max: RESULT_ELEMENTS_MAX
            .saturating_add(ELEMENTS_A_BYTE.saturating_mul(graph.file_bytes))
            .min(ELEMENTS_MAX),
    };
    let nodes = graph.proto.node.iter();
    importer.module.origins.graph_nodes = nodes
        .map(|node| {
            let name = if node.name.is_empty() { "" } else { " " };
            format!("{}{name}{}", operator_name(&node.domain, &node.op_type), short(&node.name))
        })
        .collect();
    importer.module.origins.graph_nodes.push("graph".to_owned());
    importer.add_inputs(inputs, columns);
    importer.add_initializers(graph);
    for &index in &graph.order {
        importer.add_node(graph, index);
    }
    importer
}

impl<'a> Importer<'a> {
    /// What `name` stands for. A name that nothing defines was reported.
    pub(crate) fn operand(&self, name: &str) -> Operand {
        self.operands.get(name).cloned().unwrap_or(Operand::Refused)
    }

    /// What `name` stands for, if it stands for something already.
    pub(crate) fn known_operand(&self, name: &str) -> Option<&Operand> {
        self.operands.get(name)
    }

    /// Origin of what comes from no node: an entry of its own behind the nodes.
    pub(crate) fn graph_origin(&mut self) -> OriginId {
        let behind = self.listing.nodes.len();
        let node = u32::try_from(behind).expect("the limits count nodes");
        self.module.origins.add(Origin::Node { node })
    }

    fn add_inputs(&mut self, inputs: &'a ModelInputs, columns: Vec<Column>) {
        let mut columns = columns.into_iter();
        let origin = self.graph_origin();
        for tensor in &inputs.tensors {
            let own = columns.by_ref().take(tensor.columns());
            let own: Vec<Handle<Column>> = own.map(|c| self.module.columns.push(c)).collect();
            let width = u32::try_from(own.len()).expect("the limit of columns is below 2^32");
            // The IR reads no column as a truth value.
            let elem = tensor.elem.elem;
            let read = if elem == ElementType::Bool { ElementType::I64 } else { elem };
            let ty = Type::new(read, &[1, width]);
            let value = self.module.push(RealOp::Input { columns: own }, ty, origin);
            let value = self.cast(value, elem, origin);
            self.operands.insert(&tensor.name, Operand::Value(value));
        }
    }

    fn add_initializers(&mut self, graph: &Graph<'a>) {
        for (tensor, span) in graph.proto.initializer.iter().zip(&self.listing.initializers) {
            let operand = match tensor::decode(tensor) {
                Ok(tensor) => Operand::Constant(tensor),
                Err(fault) => {
                    let message = format!("tensor `{}` {}", short(&tensor.name), fault.what);
                    let error = self.report.error(fault.code, message, span, "");
                    let error = error.help("export the model again, all in one file");
                    self.report.add(if fault.code == UNSUPPORTED_PART {
                        error
                            .help("or let it be read from the folder of the model: --external-data")
                    } else {
                        error
                    });
                    Operand::Refused
                }
            };
            self.operands.insert(&tensor.name, operand);
        }
    }

    fn add_node(&mut self, graph: &Graph<'a>, index: usize) {
        let proto = &graph.proto.node[index];
        let results = self.import_node(graph, index).unwrap_or_else(|problems| {
            for diagnostic in problems.0 {
                self.report.add(diagnostic);
            }
            Vec::new()
        });
        let results = results.into_iter().chain(std::iter::repeat(Operand::Refused));
        for (name, operand) in proto.output.iter().zip(results) {
            self.operands.insert(name, operand);
        }
    }

    /// The results of a node; none if it was refused before.
    fn import_node(&mut self, graph: &Graph<'a>, index: usize) -> Imported {
        let proto = &graph.proto.node[index];
        let Some((operator, version)) = graph.operators[index] else { return Ok(Vec::new()) };
        let operand = |name: &String| (!name.is_empty()).then(|| self.operand(name));
        let operands: Vec<_> = proto.input.iter().map(operand).collect();
        let number = u32::try_from(index).expect("the limits count nodes");
        let node = Node {
            proto,
            spans: &self.listing.nodes[index],
            source: self.listing.source,
            operator,
            version,
            operands,
            index: number,
            origin: self.module.origins.add(Origin::Node { node: number }),
        };
        self.results(&node)
    }

    /// The results of a node of the graph or of a body; none if an operand was
    /// refused before.
    pub(crate) fn results(&mut self, node: &Node<'_>) -> Imported {
        check_form(node)?;
        if node.operands.iter().any(|operand| matches!(operand, Some(Operand::Refused))) {
            return Ok(Vec::new());
        }
        let results = if fold::is_constant(node) {
            fold::import(self, node)?
        } else {
            let first = self.module.nodes.len();
            let results = (node.operator.import)(self, node)?;
            self.check_nodes(node, first)?;
            results
        };
        if node.proto.output.len() > results.len() {
            let (found, most) = (node.proto.output.len(), results.len());
            let found = counted(found, "output");
            let message = format!("`{}` has {found}; it makes {most}", node.name());
            return Err(node.error(OPERAND_COUNT, message).into());
        }
        self.check_results(node, &results)?;
        Ok(results)
    }

    /// The operations made from the node, those from `first` on, are as the IR
    /// wants them.
    pub(crate) fn check_nodes(&self, node: &Node<'_>, first: usize) -> Imported<()> {
        for value in self.module.values().skip(first) {
            let made = self.module.node(value);
            let problem = match Validator::type_of(&self.module, &made.op, &made.ty) {
                Ok(ty) if ty == made.ty => continue,
                Ok(ty) => format!("`{}` makes `{ty}`, not `{}`", made.op.name(), made.ty),
                Err(problem) => problem.to_string(),
            };
            let message = format!("`{}` of these types is not supported", node.name());
            let error = node.error(UNSUPPORTED_FORM, message);
            return Err(error.note(escape_to_one_line(&problem)).into());
        }
        Ok(())
    }

    /// No value is empty, none has more axes than the IR allows, and all
    /// together are not more than memory is for.
    fn check_results(&mut self, node: &Node<'_>, results: &[Operand]) -> Imported<()> {
        for result in results {
            self.elements = self.elements.saturating_add(match result {
                Operand::Value(value) => self.module.shape(*value).elements(),
                Operand::Constant(tensor) => tensor.shape.iter().map(|&n| n as usize).product(),
                Operand::Results(_) | Operand::Refused => 0,
            });
            if self.elements > self.elements_max {
                let message = "the nodes of the graph make too many elements";
                let most = self.elements_max;
                let most = format!(
                    "of a file of this size at most {most} are allowed, all results together"
                );
                return Err(node.error(LIMIT_EXCEEDED, message).note(most).into());
            }
            let Operand::Value(value) = result else { continue };
            let ty = self.module.ty(*value);
            if ty.shape.0.contains(&0) || ty.shape.0.len() > AXES_MAX {
                let message = format!("`{}` makes `{ty}`", node.name());
                let why = format!("a value has elements and at most {AXES_MAX} axes");
                return Err(node.error(UNSUPPORTED_FORM, message).note(why).into());
            }
        }
        Ok(())
    }

    /// Keeps a warning.
    pub(crate) fn warn(&mut self, diagnostic: Diagnostic) {
        self.report.add(diagnostic);
    }

    /// The operand at `position` as a value: a constant becomes one.
    pub(crate) fn value(&mut self, node: &Node<'_>, position: usize) -> Imported<Value> {
        match node.operand(position)? {
            Operand::Value(value) => Ok(*value),
            Operand::Constant(tensor) => {
                tensor.to_value(&mut self.module, node.origin).map_err(|fault| {
                    let message = format!("input {position} of `{}` {}", node.name(), fault.what);
                    node.operand_error(position, fault.code, message).into()
                })
            }
            Operand::Results(_) | Operand::Refused => {
                let message = format!("`{}` cannot read a map or a sequence", node.name());
                Err(node.operand_error(position, TYPE_MISMATCH, message).into())
            }
        }
    }

    /// A constant whose elements all are `number`.
    pub(crate) fn constant(&mut self, number: f64, ty: Type, origin: OriginId) -> Value {
        let elements = vec![number; ty.shape.elements()];
        let constant = skxc_ir::Constant { ty: ty.clone(), elements };
        let constant = self.module.constants.push(constant);
        self.module.push(RealOp::Constant { constant }, ty, origin)
    }

    /// `input` as `elem`.
    pub(crate) fn cast(&mut self, input: Value, elem: ElementType, origin: OriginId) -> Value {
        if self.module.ty(input).elem == elem {
            return input;
        }
        if let Some(integers) = self.integers_of(input) {
            return self.cast(integers, elem, origin);
        }
        let from = self.module.ty(input).clone();
        let ty = Type { elem, shape: from.shape };
        let value = self.module.push(RealOp::Cast { input }, ty, origin);
        // A class stays one as an integer, and a score as a float.
        if elem == ElementType::I64 && from.elem == ElementType::Bool
            || elem.is_float() && from.elem.is_float()
        {
            self.same_meaning(input, value);
        }
        value
    }

    /// The integers of which `input` holds the truth values, if they are columns
    /// that hold 0 or 1: then they are the same numbers.
    fn integers_of(&self, input: Value) -> Option<Value> {
        let RealOp::Cast { input: integers } = self.module.node(input).op else { return None };
        let RealOp::Input { columns } = &self.module.node(integers).op else { return None };
        let elements = (self.module.ty(integers).elem, self.module.ty(input).elem);
        let binary = |&column: &Handle<Column>| {
            let range = self.module.columns[column].range;
            0 <= range.min && range.max <= 1
        };
        let same = elements == (ElementType::I64, ElementType::Bool) && columns.iter().all(binary);
        same.then_some(integers)
    }

    /// `input` in another shape of as many elements.
    pub(crate) fn reshape(&mut self, input: Value, shape: &[u32], origin: OriginId) -> Value {
        if self.module.shape(input).0 == shape {
            return input;
        }
        let ty = Type::new(self.module.ty(input).elem, shape);
        let value = self.module.push(RealOp::Reshape { input }, ty, origin);
        self.same_meaning(input, value);
        value
    }

    /// The elements of `input` at `indices` of its last axis.
    pub(crate) fn gather(&mut self, input: Value, indices: Vec<u32>, origin: OriginId) -> Value {
        let ty = self.module.ty(input);
        let mut shape: Shape = ty.shape.clone();
        let last = shape.0.last_mut().expect("the caller saw an axis");
        let all = indices.iter().copied().eq(0..*last);
        if all {
            return input;
        }
        *last = u32::try_from(indices.len()).expect("the limits bound every extent");
        let ty = Type { elem: ty.elem, shape };
        let scores = self.scores.get(&input).map(|scores| Scores {
            classes: indices.iter().map(|&index| scores.classes[index as usize]).collect(),
            ..scores.clone()
        });
        let value = self.module.push(RealOp::Gather { input, indices }, ty, origin);
        if let Some(scores) = scores {
            self.scores.insert(value, scores);
        }
        value
    }

    /// The labels of class indices.
    pub(crate) fn label(
        &mut self,
        table: Handle<LabelTable>,
        class: Value,
        origin: OriginId,
    ) -> Value {
        let shape = self.module.shape(class).clone();
        let ty = Type { elem: ElementType::Label(table), shape };
        self.module.push(RealOp::Label { table, class }, ty, origin)
    }

    /// `to` holds the elements of `from`, one for one.
    fn same_meaning(&mut self, from: Value, to: Value) {
        if let Some(scores) = self.scores.get(&from).cloned() {
            self.scores.insert(to, scores);
        }
        if let Some(&count) = self.classes.get(&from) {
            self.classes.insert(to, count);
        }
    }
}

/// Checks the number of operands and the names of the attributes.
fn check_form(node: &Node<'_>) -> Imported<()> {
    let mut problems = Vec::new();
    let (found, allowed) = (node.operands.len(), &node.operator.inputs);
    if !allowed.contains(&found) {
        let takes = match (*allowed.start(), *allowed.end()) {
            (least, most) if least == most => least.to_string(),
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) => format!("{least} to {most}"),
        };
        let found = counted(found, "input");
        let message = format!("`{}` has {found}; it takes {takes}", node.name());
        problems.push(node.error(OPERAND_COUNT, message));
    }
    let attributes = &node.proto.attribute;
    for (position, attribute) in attributes.iter().enumerate() {
        let name = escape_to_one_line(&short(&attribute.name));
        let span = &node.spans.attributes[position];
        let wrong = if !node.operator.attributes.contains(&attribute.name.as_str()) {
            format!("`{}` has no attribute `{name}`", node.name())
        } else if attributes[..position].iter().any(|other| other.name == attribute.name) {
            format!("attribute `{name}` is given twice")
        } else {
            continue;
        };
        problems.push(Diagnostic::error(ATTRIBUTE_INVALID, wrong).at(
            node.source,
            span.clone(),
            "",
        ));
        if problems.len() > 8 {
            break;
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(crate::node::Problems(problems)) }
}

/// A shared constant.
pub(crate) fn known(tensor: tensor::Tensor) -> Operand {
    Operand::Constant(Rc::new(tensor))
}

//! Reads modules line by line; a line with an error is left out and the next
//! one is read.

use std::collections::HashMap;
use std::ops::Range;

use skxc_diagnostics::codes;

use super::lexer::{Cursor, Parsed};
use super::listing::{Listed, Listing, Listings};
use super::scope::Scope;
use super::spans::Spans;
use super::{ERRORS_MAX, Notation, TextError};
use crate::forest::{Forest, LeafWeight, NodeId, TreeNode};
use crate::function::Function;
use crate::limits;
use crate::matrix::Matrix;
use crate::module::{
    Column, Constant, Interval, LabelTable, Module, Output, OutputKind, ScoreKind,
};
use crate::origin::{Origin, OriginId};

/// Reads a module, and where its parts stand.
pub(super) fn parse<D: Notation>(text: &str) -> Result<(Module<D>, Spans), Vec<TextError>> {
    let mut parser = Parser::<D> {
        text,
        module: Module::new(""),
        scope: Scope::default(),
        spans: Spans::default(),
        has_header: false,
        forest: None,
        listings: Listings::default(),
        origins: HashMap::new(),
        errors: Vec::new(),
    };
    let mut start = 0;
    while start < text.len() && parser.errors.len() < ERRORS_MAX {
        let len = text[start..].find('\n').unwrap_or(text.len() - start);
        parser.line(start..start + len);
        start += len + 1;
    }
    parser.finish()
}

struct Parser<'t, D: Notation> {
    text: &'t str,
    module: Module<D>,
    scope: Scope,
    spans: Spans,
    has_header: bool,
    /// The forest whose lines are being read.
    forest: Option<Body<D>>,
    /// The function or linear map whose lines are being read.
    listings: Listings,
    /// Places of whole graph nodes, which recur.
    origins: HashMap<u32, OriginId>,
    errors: Vec<TextError>,
}

/// What begins a definition: one that has lines of its own has ended.
const STARTS: [&str; 3] = ["%", "@", "output"];

/// A forest on the way.
struct Body<D: Notation> {
    forest: Forest<D>,
    /// Its first line.
    span: Range<usize>,
    /// The lines of its nodes.
    nodes: Vec<Range<usize>>,
    /// Nodes so far, those with errors included.
    seen: u32,
    /// Which of its lists were there.
    has: Vec<&'static str>,
}

impl<'t, D: Notation> Parser<'t, D> {
    fn line(&mut self, span: Range<usize>) {
        let mut cursor = Cursor::new(self.text, span.clone());
        if cursor.is_end() {
            return;
        }
        let span = cursor.position()..span.end;
        let result = if !self.has_header {
            self.header(&mut cursor, span)
        } else if self.forest.is_some() {
            self.forest_line(&mut cursor, span)
        } else if let Some(function) = self.listings.function.take() {
            self.listing_line(function, &mut cursor, span)
        } else if let Some(matrix) = self.listings.matrix.take() {
            self.listing_line(matrix, &mut cursor, span)
        } else {
            self.definition(&mut cursor, span)
        };
        if let Err(error) = result.and_then(|()| cursor.expect_end()) {
            self.errors.push(*error);
        }
    }

    fn finish(mut self) -> Result<(Module<D>, Spans), Vec<TextError>> {
        if !self.has_header {
            let (code, label) = (codes::TEXT_SYNTAX, String::new());
            let message = format!("the text does not start with `{} NAME`", D::NAME);
            self.errors.push(TextError { code, message, span: 0..0, label });
        }
        if let Some(body) = self.forest {
            self.errors.push(body.unfinished());
        }
        self.errors.extend(self.listings.function.map(|function| function.unfinished()));
        self.errors.extend(self.listings.matrix.map(|matrix| matrix.unfinished()));
        if self.errors.is_empty() { Ok((self.module, self.spans)) } else { Err(self.errors) }
    }

    fn header(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        // Once: what follows is read as if the line were right.
        self.has_header = true;
        cursor.expect(D::NAME)?;
        self.module.name = cursor.name()?;
        self.spans.module = span;
        Ok(())
    }

    fn definition(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        if cursor.is_handle("%") {
            self.node(cursor, span)
        } else if cursor.is_handle("@c") {
            next(cursor, "@c", &mut self.scope.columns, limits::COLUMNS_MAX)?;
            self.column(cursor, span)
        } else if cursor.is_handle("@l") {
            next(cursor, "@l", &mut self.scope.labels, limits::NODES_MAX)?;
            self.labels(cursor, span)
        } else if cursor.is_handle("@w") {
            next(cursor, "@w", &mut self.scope.constants, limits::NODES_MAX)?;
            self.constant(cursor, span)
        } else if cursor.is_handle("@t") {
            next(cursor, "@t", &mut self.scope.forests, limits::NODES_MAX)?;
            self.forest(cursor, span)
        } else if cursor.is_handle("@f") {
            next(cursor, "@f", &mut self.scope.functions, limits::NODES_MAX)?;
            self.listing::<Function>(cursor, span)
        } else if cursor.is_handle("@m") {
            next(cursor, "@m", &mut self.scope.matrices, limits::NODES_MAX)?;
            self.listing::<Matrix>(cursor, span)
        } else if cursor.is_handle("onnx") {
            next(cursor, "onnx", &mut self.scope.graph_nodes, limits::NODES_MAX)?;
            cursor.expect("=")?;
            self.module.origins.graph_nodes.push(cursor.string()?);
            Ok(())
        } else if cursor.eat("output") {
            self.output(cursor, span)
        } else {
            Err(cursor.expected("a definition such as `%0 = ...`, or `output`"))
        }
    }

    fn column(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        cursor.expect("=")?;
        cursor.expect("column")?;
        let start = cursor.position();
        let name = cursor.name()?;
        let index = self.scope.columns - 1;
        let earlier = *self.scope.column_names.entry(name.clone()).or_insert(index);
        if earlier != index {
            let message = format!("the name `{name}` is taken by `@c{earlier}`");
            return Err(cursor.error(codes::TEXT_NAME, start, message));
        }
        let start = cursor.position();
        cursor.expect("[")?;
        let min = cursor.integer()?;
        cursor.expect(",")?;
        let max = cursor.integer()?;
        cursor.expect("]")?;
        if min > max {
            let message = format!("the interval [{min}, {max}] is empty");
            return Err(cursor.error(codes::TEXT_RULE, start, message));
        }
        let missing = if cursor.eat("missing") { Some(cursor.integer()?) } else { None };
        let range = Interval { min, max };
        self.module.columns.push(Column { name, range, missing });
        self.spans.columns.push(span);
        Ok(())
    }

    fn labels(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        cursor.expect("=")?;
        cursor.expect("labels")?;
        let mut ahead = cursor.clone();
        let is_strings = ahead.eat("[") && ahead.peek() == Some('"');
        let table = if is_strings {
            LabelTable::Strings(cursor.list(limits::MODEL_CLASSES_MAX, Cursor::string)?)
        } else {
            LabelTable::Integers(cursor.list(limits::MODEL_CLASSES_MAX, Cursor::integer)?)
        };
        self.module.labels.push(table);
        self.spans.labels.push(span);
        Ok(())
    }

    fn constant(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        cursor.expect("=")?;
        cursor.expect("constant")?;
        let ty = self.scope.ty(cursor)?;
        let elements = cursor.list(limits::ELEMENTS_MAX, D::number)?;
        self.module.constants.push(Constant { ty, elements });
        self.spans.constants.push(span);
        Ok(())
    }

    fn node(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        // Counted when the line has been read: a value does not use itself.
        let mut values = self.scope.values;
        next(cursor, "%", &mut values, limits::NODES_MAX)?;
        let result = self.node_behind_name(cursor, span);
        self.scope.values = values;
        result
    }

    fn node_behind_name(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        cursor.expect("=")?;
        let start = cursor.position();
        let word = cursor.word()?;
        let Some(op) = D::op(&self.scope, cursor, word)? else {
            let message = format!("`{word}` is not an operation of the domain `{}`", D::NAME);
            return Err(cursor.error(codes::TEXT_SYNTAX, start, message));
        };
        cursor.expect(":")?;
        let ty = self.scope.ty(cursor)?;
        let origin = self.origin(cursor)?;
        self.module.push(op, ty, origin);
        self.spans.values.push(span);
        Ok(())
    }

    fn output(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        let name = cursor.string()?;
        let kind = if cursor.eat("label") {
            OutputKind::Label
        } else if cursor.eat("value") {
            OutputKind::Value
        } else if !cursor.eat("score") {
            return Err(cursor.expected("`label`, `score` or `value`"));
        } else if cursor.eat("raw") {
            OutputKind::Score(ScoreKind::Raw)
        } else if cursor.eat("probability") {
            OutputKind::Score(ScoreKind::Probability)
        } else {
            return Err(cursor.expected("`raw` or `probability`"));
        };
        let value = self.scope.value(cursor)?;
        self.module.outputs.push(Output { name, kind, value });
        self.spans.outputs.push(span);
        Ok(())
    }

    /// The first line of a forest.
    fn forest(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        cursor.expect("=")?;
        cursor.expect("forest")?;
        // Whatever the rest of the line: the lines of a forest follow.
        let mut body = Body {
            forest: Forest::new(0, 0, crate::types::ElementType::I64, D::ZERO),
            span: span.clone(),
            nodes: Vec::new(),
            seen: 0,
            has: Vec::new(),
        };
        let result = self.forest_signature(cursor);
        if let Ok(forest) = &result {
            body.forest.clone_from(forest);
        }
        self.forest = Some(body);
        result.map(|_| ())
    }

    /// The element type of a forest and its numbers of features and targets.
    fn forest_signature(&self, cursor: &mut Cursor<'t>) -> Parsed<Forest<D>> {
        let elem = self.scope.elem(cursor)?;
        cursor.expect(",")?;
        let features = count(cursor, limits::COLUMNS_MAX)?;
        cursor.expect("features")?;
        cursor.expect(",")?;
        let targets = count(cursor, limits::MODEL_CLASSES_MAX)?;
        cursor.expect("targets")?;
        Ok(Forest::new(features, targets, elem, D::ZERO))
    }

    /// Begins a definition of several lines.
    fn listing<T: Listed>(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        let (listing, result) = Listing::<T>::begin(&self.scope, cursor, span);
        *T::current(&mut self.listings) = Some(listing);
        result
    }

    /// A line within a definition, or the first one of the next.
    fn listing_line<T: Listed>(
        &mut self,
        mut listing: Listing<T>,
        cursor: &mut Cursor<'t>,
        span: Range<usize>,
    ) -> Parsed<()> {
        if cursor.eat("end") {
            T::spans(&mut self.spans).push(listing.span.clone());
            if let Some(whole) = listing.end() {
                whole.add_to(&mut self.module);
            }
            return Ok(());
        }
        if STARTS.iter().any(|start| cursor.clone().starts(start)) {
            self.errors.push(listing.unfinished());
            return self.definition(cursor, span);
        }
        let result = listing.line(cursor);
        *T::current(&mut self.listings) = Some(listing);
        result
    }

    fn forest_line(&mut self, cursor: &mut Cursor<'t>, span: Range<usize>) -> Parsed<()> {
        let mut body = self.forest.take().expect("a forest is being read");
        if cursor.eat("end") {
            return self.end_forest(body);
        }
        if STARTS.iter().any(|start| cursor.clone().starts(start)) {
            self.errors.push(body.unfinished());
            return self.definition(cursor, span);
        }
        let result = if cursor.is_handle("n") {
            self.tree_node(&mut body, cursor, span)
        } else {
            body.list(cursor)
        };
        self.forest = Some(body);
        result
    }

    fn tree_node(
        &mut self,
        body: &mut Body<D>,
        cursor: &mut Cursor<'t>,
        span: Range<usize>,
    ) -> Parsed<()> {
        next(cursor, "n", &mut body.seen, limits::TREE_NODES_MAX)?;
        cursor.expect("=")?;
        let node = if cursor.eat("if") {
            let feature = cursor.handle("x")?;
            let test = D::test(cursor, feature)?;
            cursor.expect("then")?;
            let yes = cursor.handle("n")?;
            cursor.expect("else")?;
            let no = cursor.handle("n")?;
            TreeNode::Branch { test, yes, no, origin: self.origin(cursor)? }
        } else if cursor.eat("leaf") {
            let first = body.forest.weights.len();
            let weights = cursor.list(limits::LEAF_WEIGHTS_MAX - first, leaf_weight::<D>)?;
            let count = weights.len() as u32;
            body.forest.weights.extend(weights);
            TreeNode::Leaf { first: first as u32, count, origin: self.origin(cursor)? }
        } else {
            return Err(cursor.expected("`if` or `leaf`"));
        };
        body.forest.nodes.push(node);
        body.nodes.push(span);
        Ok(())
    }

    /// The last line: now all nodes have names.
    fn end_forest(&mut self, body: Body<D>) -> Parsed<()> {
        let mut dangling = |id: NodeId, span: &Range<usize>| {
            if id >= body.seen && self.errors.len() < ERRORS_MAX {
                let (code, label) = (codes::TEXT_NAME, String::new());
                let message = format!("there is no node `n{id}` in this forest");
                self.errors.push(TextError { code, message, span: span.clone(), label });
            }
        };
        body.forest.roots.iter().for_each(|&root| dangling(root, &body.span));
        for (node, span) in body.forest.nodes.iter().zip(&body.nodes) {
            if let TreeNode::Branch { yes, no, .. } = *node {
                dangling(yes, span);
                dangling(no, span);
            }
        }
        self.module.forests.push(body.forest);
        self.spans.forests.push(body.span);
        self.spans.tree_nodes.push(body.nodes);
        Ok(())
    }

    /// Takes `!onnx0,onnx1.0.5`; without one, the origin is `onnx0`.
    fn origin(&mut self, cursor: &mut Cursor<'t>) -> Parsed<OriginId> {
        if !cursor.eat("!") {
            return Ok(self.graph_node(0));
        }
        let mut origin = self.place(cursor)?;
        while cursor.eat(",") {
            let place = self.place(cursor)?;
            origin = self.module.origins.union(origin, place);
        }
        Ok(origin)
    }

    fn place(&mut self, cursor: &mut Cursor<'t>) -> Parsed<OriginId> {
        let node = cursor.handle("onnx")?;
        if !cursor.is_handle(".") {
            return Ok(self.graph_node(node));
        }
        let tree = cursor.handle(".")?;
        let id = cursor.handle(".")?;
        Ok(self.module.origins.add(Origin::TreeNode { node, tree, id }))
    }

    fn graph_node(&mut self, node: u32) -> OriginId {
        let origins = &mut self.module.origins;
        *self.origins.entry(node).or_insert_with(|| origins.add(Origin::Node { node }))
    }
}

impl<D: Notation> Body<D> {
    fn unfinished(&self) -> TextError {
        let (code, label) = (codes::TEXT_SYNTAX, String::new());
        let message = "the forest has no `end`".to_owned();
        TextError { code, message, span: self.span.clone(), label }
    }

    /// A line that is a list: base values, error bounds or roots.
    fn list(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.position();
        let lists = ["base", "rounding", "folding", "roots"];
        let Some(which) = lists.into_iter().find(|list| cursor.eat(list)) else {
            return Err(cursor.expected("a node such as `n0 = ...`, or `end`"));
        };
        if self.has.contains(&which) {
            let message = format!("the forest has two lines `{which}`");
            return Err(cursor.error(codes::TEXT_NAME, start, message));
        }
        self.has.push(which);
        let forest = &mut self.forest;
        match which {
            "base" => forest.base = cursor.list(limits::MODEL_CLASSES_MAX, D::number)?,
            "rounding" => {
                forest.rounding_half_units =
                    cursor.list(limits::MODEL_CLASSES_MAX, Cursor::integer)?;
            }
            "folding" => {
                forest.folding_error = cursor.list(limits::MODEL_CLASSES_MAX, Cursor::float)?;
            }
            _ => forest.roots = cursor.list(limits::TREES_MAX, |cursor| cursor.handle("n"))?,
        }
        Ok(())
    }
}

fn leaf_weight<D: Notation>(cursor: &mut Cursor<'_>) -> Parsed<LeafWeight<D>> {
    let target = cursor.integer()?;
    cursor.expect(":")?;
    Ok(LeafWeight { target, weight: D::number(cursor)? })
}

/// Takes the name of a definition, which must be the next of its kind, and
/// counts it.
fn next(cursor: &mut Cursor<'_>, prefix: &str, count: &mut u32, max: usize) -> Parsed<()> {
    let start = cursor.position();
    let index = cursor.handle(prefix)?;
    let expected = *count;
    *count = expected.saturating_add(1);
    if expected as usize >= max {
        let message = format!("there are more than {max} definitions such as `{prefix}0`");
        return Err(cursor.error(codes::TEXT_LIMIT, start, message));
    }
    if index != expected {
        let message = format!("the next definition is `{prefix}{expected}`, not `{prefix}{index}`");
        return Err(cursor.error(codes::TEXT_NAME, start, message));
    }
    Ok(())
}

/// Takes a number of features or targets.
fn count(cursor: &mut Cursor<'_>, max: usize) -> Parsed<u32> {
    let start = cursor.position();
    let count: u32 = cursor.integer()?;
    if count as usize <= max {
        Ok(count)
    } else {
        let message = format!("{count} is more than the {max} that are allowed");
        Err(cursor.error(codes::TEXT_LIMIT, start, message))
    }
}

//! A bound on what the roundings of floating-point evaluation change in each
//! value of a real module, whatever the row or for one row.
//!
//! Sums of `n` terms: Higham, Accuracy and Stability of Numerical Algorithms,
//! section 4.2: the error of a sum in any order is at most γ(n-1) times the sum
//! of magnitudes, with γ(n) = n u / (1 - n u); of a product of vectors γ(n).
//! Inputs and weights are exact: the rounding of an input to `f32` belongs to
//! the meaning of the model.

use skxc_ir::analysis::reach::Reach;
use skxc_ir::{
    Binary, Column, ElementType, Forest, Handle, Interval, Module, Real, RealOp, Reduction,
    TreeNode, Type, Unary, Value,
};

/// What is known of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Element {
    /// Bound on its magnitude.
    pub(super) magnitude: f64,
    /// Bound on its error.
    pub(super) error: f64,
}

impl Element {
    /// A number that nothing has rounded.
    const fn exactly(magnitude: f64) -> Self {
        Self { magnitude, error: 0.0 }
    }

    /// Of which no bound is known.
    const UNKNOWN: Self = Self { magnitude: f64::INFINITY, error: f64::INFINITY };

    /// With another error.
    fn plus_error(self, error: f64) -> Self {
        Self { error: self.error + error, ..self }
    }

    /// A bound on the magnitude of what is computed.
    fn computed(self) -> f64 {
        self.magnitude + self.error
    }

    fn plus(self, other: Self) -> Self {
        Self { magnitude: self.magnitude + other.magnitude, error: self.error + other.error }
    }

    fn times(self, other: Self) -> Self {
        let magnitude = self.magnitude * other.magnitude;
        let error = self.magnitude * other.error + self.error * other.computed();
        if error.is_finite() { Self { magnitude, error } } else { Self::UNKNOWN }
    }
}

/// What a bound is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum For<'a> {
    /// Every row within the ranges of the columns, and what a label rests on however the
    /// floats of the whole model come to it. These saturate in functions behind a score,
    /// so that no bound holds for scores that are computed but by trees.
    EveryRow,
    /// One row of columns.
    Row(&'a [Option<i64>]),
    /// What a trainer computes for one row, exactly and with weights of which those of
    /// the model are roundings, to the precision in which they are used.
    Trainer(&'a [Option<i64>]),
}

impl For<'_> {
    fn rounds_weights(self) -> bool {
        matches!(self, Self::Trainer(_))
    }
}

/// Bounds of the elements of `value`.
pub(super) fn of_value(module: &Module<Real>, value: Value, of_what: For<'_>) -> Vec<Element> {
    let mut of: Vec<Vec<Element>> = Vec::with_capacity(value.index() + 1);
    for older in module.values().take(value.index() + 1) {
        let elements = of_op(module, older, &of, of_what);
        of.push(elements);
    }
    of.pop().expect("the value itself was visited last")
}

fn of_op(
    module: &Module<Real>,
    value: Value,
    of: &[Vec<Element>],
    of_what: For<'_>,
) -> Vec<Element> {
    let node = module.node(value);
    let elements = node.ty.shape.elements();
    let exactly = Element::exactly;
    if matches!(of_what, For::EveryRow) && is_computed(&node.op) {
        return vec![Element::UNKNOWN; elements];
    }
    match &node.op {
        RealOp::Input { columns } => {
            columns.iter().map(|&it| of_column(module, it, of_what)).collect()
        }
        RealOp::Constant { constant } => {
            let rounding = if of_what.rounds_weights() { unit(node.ty.elem) } else { 0.0 };
            let weight = |x: &f64| exactly(x.abs()).plus_error(rounding * x.abs());
            module.constants[*constant].elements.iter().map(weight).collect()
        }
        RealOp::Cast { input } => {
            let rounding = unit(node.ty.elem);
            let cast = |element: &Element| element.plus_error(rounding * element.computed());
            of[input.index()].iter().map(cast).collect()
        }
        RealOp::Reshape { input } => of[input.index()].clone(),
        RealOp::Gather { input, indices } => {
            indices.iter().map(|&index| of[input.index()][index as usize]).collect()
        }
        RealOp::Concat { inputs } => {
            inputs.iter().flat_map(|input| &of[input.index()]).copied().collect()
        }
        RealOp::Unary { function, input } => {
            of[input.index()].iter().map(|&x| of_unary(*function, x, unit(node.ty.elem))).collect()
        }
        RealOp::Binary { function, a, b } => of_pairs(module, (*function, *a, *b), &node.ty, of),
        RealOp::MatMul { a, b } => {
            let width = module.shape(*b).row();
            of_product(&of[a.index()], &of[b.index()], width, unit(node.ty.elem))
        }
        RealOp::Reduce { function, input } => {
            let rows = of[input.index()].chunks(module.shape(*input).row().max(1));
            rows.map(|row| of_reduction(*function, row, unit(node.ty.elem))).collect()
        }
        RealOp::TreeEnsemble { forest, .. } => of_forest(&module.forests[*forest], of_what),
        // What decides on numbers that are rounded may decide otherwise.
        RealOp::Compare { a, b, .. } => decided(&[&of[a.index()], &of[b.index()]], 1, elements),
        RealOp::ArgMax { input }
        | RealOp::ArgMin { input }
        | RealOp::ArgSort { input, .. }
        | RealOp::Label { class: input, .. } => {
            decided(&[&of[input.index()]], of[input.index()].len(), elements)
        }
        RealOp::Select { condition, a, b } => {
            let is_exact = of[condition.index()].iter().all(|it| it.error == 0.0);
            let either = of_pairs(module, (Binary::Maximum, *a, *b), &node.ty, of);
            if is_exact { either } else { vec![Element::UNKNOWN; elements] }
        }
        // No bound is known.
        RealOp::Softmax { .. }
        | RealOp::CumulativeSum { .. }
        | RealOp::Take { .. }
        | RealOp::TakeAlong { .. }
        | RealOp::Lookup { .. } => {
            vec![Element::UNKNOWN; elements]
        }
    }
}

/// Is it computed from elements by more than a difference?
fn is_computed(op: &RealOp) -> bool {
    match op {
        RealOp::Binary { function, .. } => *function != Binary::Subtract,
        RealOp::Unary { .. }
        | RealOp::MatMul { .. }
        | RealOp::Reduce { .. }
        | RealOp::Select { .. } => true,
        RealOp::Input { .. }
        | RealOp::Constant { .. }
        | RealOp::Cast { .. }
        | RealOp::Reshape { .. }
        | RealOp::Gather { .. }
        | RealOp::Concat { .. }
        | RealOp::Compare { .. }
        | RealOp::Softmax { .. }
        | RealOp::CumulativeSum { .. }
        | RealOp::ArgSort { .. }
        | RealOp::Take { .. }
        | RealOp::TakeAlong { .. }
        | RealOp::Lookup { .. }
        | RealOp::TreeEnsemble { .. }
        | RealOp::ArgMax { .. }
        | RealOp::ArgMin { .. }
        | RealOp::Label { .. } => false,
    }
}

/// A function of two elements, which are broadcast.
fn of_pairs(
    module: &Module<Real>,
    (function, a, b): (Binary, Value, Value),
    ty: &Type,
    of: &[Vec<Element>],
) -> Vec<Element> {
    let is_constant = matches!(module.node(b).op, RealOp::Constant { .. }) && ty.elem.is_float();
    let positions = |value: Value| module.shape(value).positions_in(&ty.shape);
    let pairs = positions(a).into_iter().zip(positions(b));
    let pairs = pairs.map(|(at_a, at_b)| (of[a.index()][at_a], of[b.index()][at_b]));
    pairs.map(|pair| of_binary(function, pair, is_constant, unit(ty.elem))).collect()
}

/// The number in a column.
fn of_column(module: &Module<Real>, column: Handle<Column>, of_what: For<'_>) -> Element {
    let Interval { min, max } = module.columns[column].range;
    Element::exactly(match of_what {
        // What is missing has no magnitude.
        For::Row(row) | For::Trainer(row) => row[column.index()].unwrap_or(0).unsigned_abs() as f64,
        For::EveryRow => min.abs().max(max.abs()) as f64,
    })
}

/// What is decided on numbers: integers of at most this magnitude.
fn decided(on: &[&[Element]], magnitude: usize, elements: usize) -> Vec<Element> {
    let is_exact = on.iter().copied().flatten().all(|element| element.error == 0.0);
    let element = if is_exact { Element::exactly(magnitude as f64) } else { Element::UNKNOWN };
    vec![element; elements]
}

/// Units roundoff that a function of a mathematical library may be off by.
const LIBRARY_UNITS: f64 = 8.0;

fn of_unary(function: Unary, x: Element, unit: f64) -> Element {
    match function {
        Unary::Negate | Unary::Absolute | Unary::Relu | Unary::Not => x,
        // Within -1 and 1, and no steeper than 1.
        Unary::Logistic | Unary::Tanh => {
            Element::exactly(1.0).plus_error(x.error + LIBRARY_UNITS * unit)
        }
        Unary::Sign
        | Unary::Exp
        | Unary::Log
        | Unary::SquareRoot
        | Unary::Reciprocal
        | Unary::Floor
        | Unary::Ceil
        | Unary::Round
        | Unary::Erf
        | Unary::Probit
        | Unary::Softplus => Element::UNKNOWN,
    }
}

/// `is_constant`: the second is what it is, so that its magnitude is no bound only.
fn of_binary(
    function: Binary,
    (a, b): (Element, Element),
    is_constant: bool,
    unit: f64,
) -> Element {
    let rounded = |exact: Element| exact.plus_error(unit * exact.computed());
    match function {
        Binary::Add | Binary::Subtract => rounded(a.plus(b)),
        Binary::Multiply => rounded(a.times(b)),
        Binary::Divide if is_constant && b.magnitude > 0.0 => {
            // Twice for the rounding of the constant.
            rounded(rounded(a.times(Element::exactly(1.0 / b.magnitude))))
        }
        Binary::Minimum | Binary::Maximum => {
            Element { magnitude: a.magnitude.max(b.magnitude), error: a.error.max(b.error) }
        }
        Binary::Divide | Binary::Power | Binary::And | Binary::Or | Binary::Xor => Element::UNKNOWN,
    }
}

/// A product of matrices, the second with `width` columns.
fn of_product(a: &[Element], b: &[Element], width: usize, unit: f64) -> Vec<Element> {
    let terms = b.len() / width.max(1);
    let rounding = gamma(terms, unit);
    let element = |row: &[Element], column: usize| {
        let products = row.iter().enumerate().map(|(at, x)| x.times(b[at * width + column]));
        let sum = products.fold(Element::exactly(0.0), Element::plus);
        sum.plus_error(rounding * sum.computed())
    };
    let rows = a.chunks(terms.max(1));
    rows.flat_map(|row| (0..width).map(move |column| element(row, column))).collect()
}

fn of_reduction(function: Reduction, row: &[Element], unit: f64) -> Element {
    match function {
        Reduction::Sum => {
            let sum = row.iter().copied().fold(Element::exactly(0.0), Element::plus);
            sum.plus_error(gamma(row.len(), unit) * sum.computed())
        }
        Reduction::Minimum | Reduction::Maximum => {
            let most = |of: fn(&Element) -> f64| row.iter().map(of).fold(0.0, f64::max);
            Element { magnitude: most(|x| x.magnitude), error: most(|x| x.error) }
        }
        Reduction::Product => Element::UNKNOWN,
    }
}

/// What `n` roundings change, relatively.
fn gamma(n: usize, unit: f64) -> f64 {
    let relative = n as f64 * unit;
    relative / (1.0 - relative)
}

/// The weights of a trainer's leaves were rounded as well. One alone is taken as it is: a
/// tie of it is no accident.
fn of_forest(forest: &Forest<Real>, of_what: For<'_>) -> Vec<Element> {
    let targets = forest.targets as usize;
    let mut magnitude: Vec<f64> = forest.base.iter().map(|base| base.abs()).collect();
    // A base of 0 adds nothing that rounds.
    let mut terms_of: Vec<u32> = forest.base.iter().map(|&base| u32::from(base != 0.0)).collect();
    let mut reach = Reach::new(forest.nodes.len());
    for &root in &forest.roots {
        let mut tree = vec![(0.0_f64, 0u32); targets];
        let mut leaf = vec![(0.0_f64, 0u32); targets];
        reach.each(forest, root, |_, node| {
            let TreeNode::Leaf { first, count, .. } = *node else { return };
            let weights = forest.leaf_weights(first, count);
            for weight in weights {
                let (sum, terms) = &mut leaf[weight.target as usize];
                *sum += weight.weight.abs();
                *terms += 1;
            }
            for weight in weights {
                let target = weight.target as usize;
                let (sum, terms) = std::mem::take(&mut leaf[target]);
                tree[target] = (tree[target].0.max(sum), tree[target].1.max(terms));
            }
        });
        for (target, (sum, terms)) in tree.into_iter().enumerate() {
            magnitude[target] += sum;
            terms_of[target] += terms;
        }
    }
    let of_target = magnitude.into_iter().zip(terms_of).map(|(magnitude, terms)| {
        let roundings = match of_what {
            // What passes took off the forest may have rounded once more.
            For::EveryRow => terms,
            For::Row(_) => terms.saturating_sub(1),
            For::Trainer(_) => terms.saturating_sub(u32::from(terms == 1)),
        };
        Element { magnitude, error: magnitude * gamma(roundings as usize, unit(forest.elem)) }
    });
    of_target.collect()
}

/// Unit roundoff; 0 where nothing rounds.
fn unit(elem: ElementType) -> f64 {
    match elem {
        ElementType::F32 => f64::from(f32::EPSILON) / 2.0,
        ElementType::F64 => f64::EPSILON / 2.0,
        ElementType::I64
        | ElementType::Bool
        | ElementType::Label(_)
        | ElementType::Fixed { .. } => 0.0,
    }
}

//! Which values of a real module are linear forms, with exact coefficients.
//!
//! A scaled row, the layer of a network, a mean of votes, `1 - p` of a vote and
//! everything else made of additions, constant factors, products with constant
//! matrices and movements of elements is a sum of *atoms*: columns, sums of tree
//! ensembles, and results of operations that are not linear. The pass `quantize`
//! rounds such a sum once, however many operations of the model made it.
//!
//! What must hold: over the real numbers an element is what its [`Form`] says.
//! Roundings of computed floats are no part of a form, casts between floats
//! included; the rounding of an input that is cast is left to whoever reads it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::module::{Module, Operation, Real, Value};
use crate::ops::{Binary, RealOp, Reduction, Unary};
use crate::ratio::Ratio;

/// What a value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Floats that no input changes.
    Constant,
    /// Sums that more than one function of one number makes: of trees, of
    /// columns, a product with a matrix, or what an operation gives that no
    /// table of a function stands for.
    Affine,
    /// What is computed element by element with functions that bend, or no floats.
    Other,
}

/// For each element of a value, the element of its operand that it meets.
type Positions = Rc<Vec<usize>>;

/// The kinds of all values, and their forms on demand.
#[derive(Debug)]
pub struct Affine<'m> {
    module: &'m Module<Real>,
    kinds: Vec<Kind>,
    /// Is it made of sums of trees and constants alone?
    of_trees: Vec<bool>,
    /// Where operands that broadcast are read, by operand and user.
    positions: RefCell<HashMap<(Value, Value), Positions>>,
}

/// A linear form: a constant and coefficients of atoms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// The constant term.
    pub constant: Ratio,
    /// The atoms, in order, with coefficients other than 0.
    pub terms: Vec<(Atom, Ratio)>,
}

impl Form {
    /// The sum of both.
    pub fn plus(&self, other: &Self) -> Self {
        let mut terms: BTreeMap<Atom, Ratio> = self.terms.iter().cloned().collect();
        for (sum, by) in &other.terms {
            terms.entry(*sum).and_modify(|known| *known = known.plus(by)).or_insert(by.clone());
        }
        let terms = terms.into_iter().filter(|(_, by)| !by.is_zero()).collect();
        Self { constant: self.constant.plus(&other.constant), terms }
    }

    /// The form times -1.
    pub fn negated(&self) -> Self {
        let terms = self.terms.iter().map(|(sum, by)| (*sum, by.negated())).collect();
        Self { constant: self.constant.negated(), terms }
    }
}

/// An element of a value that is no linear form of others: a column, a sum of a
/// tree ensemble, or a result of an operation that is not linear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom {
    /// The value of the term.
    pub value: Value,
    /// Index of the element.
    pub element: u32,
}

impl<'m> Affine<'m> {
    /// Analyses a module whose handles and shapes are sound.
    #[must_use]
    pub fn of(module: &'m Module<Real>) -> Self {
        let mut kinds = Vec::with_capacity(module.nodes.len());
        let mut of_trees = Vec::with_capacity(module.nodes.len());
        for value in module.values() {
            let kind = kind_of(module, &kinds, value);
            let mut trees = kind == Kind::Affine && is_linear(module, &kinds, value);
            if trees {
                module.node(value).op.operands(&mut |operand| {
                    trees &= of_trees[operand.index()] || kinds[operand.index()] == Kind::Constant;
                });
            }
            trees |= matches!(module.node(value).op, RealOp::TreeEnsemble { .. });
            kinds.push(kind);
            of_trees.push(trees);
        }
        Self { module, kinds, of_trees, positions: RefCell::default() }
    }

    /// What `value` is made of.
    #[must_use]
    pub fn kind(&self, value: Value) -> Kind {
        self.kinds[value.index()]
    }

    /// Is `value` a linear form over sums of trees, and nothing else?
    #[must_use]
    pub fn is_of_trees(&self, value: Value) -> bool {
        self.of_trees[value.index()]
    }

    /// Does `value` consist of atoms: floats that are no constants, and no linear
    /// forms of others?
    #[must_use]
    pub fn is_atom(&self, value: Value) -> bool {
        self.module.ty(value).elem.is_float()
            && !self.is_constant(value)
            && !is_linear(self.module, &self.kinds, value)
    }

    /// Is `value` a sum, as its kind says?
    #[must_use]
    pub fn is_affine(&self, value: Value) -> bool {
        self.kind(value) == Kind::Affine
    }

    /// Is `value` made of floats that no input changes?
    #[must_use]
    pub fn is_constant(&self, value: Value) -> bool {
        self.kind(value) == Kind::Constant
    }

    /// The form of an element of a value of floats.
    ///
    /// Coefficients flow from the element back to the atoms, so that a long
    /// chain of additions costs what it has operations.
    pub fn form(&self, value: Value, element: usize) -> Form {
        let mut pending: BTreeMap<(Value, usize), Ratio> = BTreeMap::new();
        let mut form = Form { constant: Ratio::zero(), terms: Vec::new() };
        pending.insert((value, element), Ratio::one());
        // Users are younger than their operands: from the youngest on, every
        // coefficient is complete when its turn comes.
        while let Some(((value, element), coefficient)) = pending.pop_last() {
            if coefficient.is_zero() {
                continue;
            }
            self.spread(value, element, coefficient, &mut pending, &mut form);
        }
        form.terms.sort_by_key(|(atom, _)| *atom);
        form
    }

    /// Moves a coefficient of an element to the elements that it is made of.
    fn spread(
        &self,
        value: Value,
        element: usize,
        coefficient: Ratio,
        pending: &mut BTreeMap<(Value, usize), Ratio>,
        form: &mut Form,
    ) {
        let mut add = |value: Value, element: usize, coefficient: Ratio| {
            pending
                .entry((value, element))
                .and_modify(|known| *known = known.plus(&coefficient))
                .or_insert(coefficient);
        };
        match &self.module.node(value).op {
            _ if self.is_atom(value) => {
                form.terms.push((Atom { value, element: element as u32 }, coefficient));
            }
            RealOp::Constant { constant } => {
                let x = self.module.constants[*constant].elements[element];
                form.constant = form.constant.plus(&exact(x).times(&coefficient));
            }
            RealOp::Cast { input } | RealOp::Reshape { input } => add(*input, element, coefficient),
            RealOp::Unary { input, .. } => add(*input, element, coefficient.negated()),
            RealOp::Gather { input, indices } => {
                let width = self.row_width(*input);
                let row = element / indices.len() * width;
                add(*input, row + indices[element % indices.len()] as usize, coefficient);
            }
            RealOp::Concat { inputs } => {
                let (input, element) = self.part(inputs, element);
                add(input, element, coefficient);
            }
            RealOp::Binary { function: Binary::Add, a, b } => {
                add(*a, self.position(*a, value, element), coefficient.clone());
                add(*b, self.position(*b, value, element), coefficient);
            }
            RealOp::Binary { function: Binary::Subtract, a, b } => {
                add(*a, self.position(*a, value, element), coefficient.clone());
                add(*b, self.position(*b, value, element), coefficient.negated());
            }
            RealOp::Binary { function, a, b } => {
                let (factor, other) =
                    if self.kind(*b) == Kind::Constant { (*b, *a) } else { (*a, *b) };
                let by = self.constant(factor, self.position(factor, value, element));
                let coefficient = if *function == Binary::Divide {
                    coefficient.over(&by).expect("an affine value is divided by numbers but 0")
                } else {
                    coefficient.times(&by)
                };
                add(other, self.position(other, value, element), coefficient);
            }
            RealOp::Reduce { input, .. } => {
                let width = self.row_width(*input);
                for at in element * width..(element + 1) * width {
                    add(*input, at, coefficient.clone());
                }
            }
            RealOp::MatMul { a, b } => {
                for (factor, other, at) in self.products(*a, *b, element) {
                    add(other, at, coefficient.times(&factor));
                }
            }
            op => unreachable!("{} is not linear", op.name()),
        }
    }

    /// The products of an element of a product of matrices, one of which is
    /// constant: a number, the other matrix, and the element of it.
    fn products(&self, a: Value, b: Value, element: usize) -> Vec<(Ratio, Value, usize)> {
        let (shared, width) = (self.row_width(a), self.row_width(b));
        let (row, column) = (element / width, element % width);
        let places = (0..shared).map(|k| (row * shared + k, k * width + column));
        let product = |(at_a, at_b)| {
            if self.is_constant(b) {
                (self.constant(b, at_b), a, at_a)
            } else {
                (self.constant(a, at_a), b, at_b)
            }
        };
        places.map(product).collect()
    }

    /// The number that an element of a constant value is.
    fn constant(&self, value: Value, element: usize) -> Ratio {
        self.form(value, element).constant
    }

    fn row_width(&self, value: Value) -> usize {
        self.module.shape(value).0.last().map_or(1, |&extent| extent as usize)
    }

    /// The input of a concatenation that holds an element, and where.
    fn part(&self, inputs: &[Value], element: usize) -> (Value, usize) {
        let whole: usize = inputs.iter().map(|&input| self.row_width(input)).sum();
        let (row, mut column) = (element / whole, element % whole);
        for &input in inputs {
            let width = self.row_width(input);
            if column < width {
                return (input, row * width + column);
            }
            column -= width;
        }
        unreachable!("an element of a concatenation lies in one of its inputs")
    }

    /// Where the element of `operand` lies that meets an element of `user`.
    pub fn position(&self, operand: Value, user: Value, element: usize) -> usize {
        let (part, whole) = (self.module.shape(operand), self.module.shape(user));
        match part.elements() {
            1 => 0,
            elements if elements == whole.elements() => element,
            _ => {
                let mut known = self.positions.borrow_mut();
                let positions = known
                    .entry((operand, user))
                    .or_insert_with(|| Rc::new(part.positions_in(whole)));
                positions[element]
            }
        }
    }
}

fn kind_of(module: &Module<Real>, kinds: &[Kind], value: Value) -> Kind {
    let node = module.node(value);
    if !node.ty.elem.is_float() {
        return Kind::Other;
    }
    let kind = |operand: Value| kinds[operand.index()];
    if !is_linear(module, kinds, value) {
        return if nonlinear(module, kinds, value) { Kind::Other } else { Kind::Affine };
    }
    let mut joint = Kind::Constant;
    node.op.operands(&mut |operand| {
        joint = match (joint, kind(operand)) {
            (Kind::Constant, kind) | (kind, Kind::Constant) => kind,
            (Kind::Other, _) | (_, Kind::Other) => Kind::Other,
            (Kind::Affine, Kind::Affine) => Kind::Affine,
        };
    });
    match &node.op {
        // A matrix mixes elements, so that no function of one is left.
        RealOp::MatMul { a, .. } if joint == Kind::Other && module.shape(*a).row() > 1 => {
            Kind::Affine
        }
        _ => joint,
    }
}

/// Is it a constant, or made of its operands by additions, constant factors and
/// movements alone?
fn is_linear(module: &Module<Real>, kinds: &[Kind], value: Value) -> bool {
    let is_constant = |operand: Value| kinds[operand.index()] == Kind::Constant;
    match &module.node(value).op {
        RealOp::Constant { constant } => {
            module.constants[*constant].elements.iter().all(|x| x.is_finite())
        }
        // The rounding of what is written in the model is part of it, and no
        // float constant of a model needs it: the front end rounds. So is that
        // of an input.
        RealOp::Cast { input } => {
            module.ty(*input).elem.is_float() && !is_constant(*input) && !is_stored(module, *input)
        }
        RealOp::Reshape { .. }
        | RealOp::Gather { .. }
        | RealOp::Concat { .. }
        | RealOp::Unary { function: Unary::Negate, .. }
        | RealOp::Reduce { function: Reduction::Sum, .. }
        | RealOp::Binary { function: Binary::Add | Binary::Subtract, .. } => true,
        RealOp::Binary { function: Binary::Multiply, a, b } | RealOp::MatMul { a, b } => {
            is_constant(*a) || is_constant(*b)
        }
        RealOp::Binary { function: Binary::Divide, b, .. } => divides(module, *b),
        RealOp::Input { .. }
        | RealOp::Unary { .. }
        | RealOp::Binary { .. }
        | RealOp::Compare { .. }
        | RealOp::Select { .. }
        | RealOp::Reduce { .. }
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

/// Is it an input, cast and moved at most?
fn is_stored(module: &Module<Real>, mut value: Value) -> bool {
    loop {
        match &module.node(value).op {
            RealOp::Input { .. } => return true,
            RealOp::Cast { input } | RealOp::Reshape { input } | RealOp::Gather { input, .. } => {
                value = *input
            }
            _ => return false,
        }
    }
}

/// Is it a function of the elements of its operands that a table may stand for,
/// or computed from what is?
fn nonlinear(module: &Module<Real>, kinds: &[Kind], value: Value) -> bool {
    match &module.node(value).op {
        RealOp::Unary { function, .. } => is_smooth(*function),
        RealOp::Binary { function, .. } => match function {
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Power => {
                true
            }
            Binary::Minimum | Binary::Maximum | Binary::And | Binary::Or | Binary::Xor => false,
        },
        RealOp::Softmax { .. } => true,
        // A constant that is no number; a cast of one.
        RealOp::Constant { .. } => true,
        RealOp::Cast { input } => {
            module.ty(*input).elem.is_float() && kinds[input.index()] == Kind::Constant
        }
        _ => false,
    }
}

/// Is it a function without kinks and jumps, where it is defined?
pub fn is_smooth(function: Unary) -> bool {
    match function {
        Unary::Negate
        | Unary::Exp
        | Unary::Log
        | Unary::SquareRoot
        | Unary::Reciprocal
        | Unary::Logistic
        | Unary::Tanh
        | Unary::Erf
        | Unary::Probit
        | Unary::Softplus => true,
        Unary::Absolute
        | Unary::Sign
        | Unary::Floor
        | Unary::Ceil
        | Unary::Round
        | Unary::Relu
        | Unary::Not => false,
    }
}

/// Is it a constant, as it is written, without a 0?
fn divides(module: &Module<Real>, mut value: Value) -> bool {
    loop {
        match &module.node(value).op {
            RealOp::Reshape { input } => value = *input,
            RealOp::Constant { constant } => {
                return module.constants[*constant].elements.iter().all(|&x| x != 0.0);
            }
            _ => return false,
        }
    }
}

fn exact(x: f64) -> Ratio {
    Ratio::of(x).expect("constants of an affine value are finite")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::parse;

    const TREES: &str = "real a
@c0 = column x [0, 9]
@w0 = constant f32[1] [3.0]
@w1 = constant f32[1x2] [1.0, 0.5]
@t0 = forest f32, 1 features, 2 targets
  roots [n0]
  n0 = if x0 < 3.0 then n1 else n2
  n1 = leaf [0: 1.0]
  n2 = leaf [1: 1.0]
end
%0 = input [x] : f32[1x1]
%1 = tree_ensemble @t0, %0 : f32[1x2]
%2 = constant @w0 : f32[1]
%3 = constant @w1 : f32[1x2]
";

    /// The form of each element of the last value, or of what `lines` add.
    #[track_caller]
    fn check(lines: &str, expect: &str) {
        let text = format!("{TREES}{lines}output \"y\" value %{}\n", 3 + lines.lines().count());
        let module = parse::<Real>(&text).expect("the text is a module");
        assert_eq!(crate::validate::Validator::check(&module), []);
        let affine = Affine::of(&module);
        let last = module.values().next_back().expect("there are values");
        if affine.kind(last) == Kind::Other {
            assert_eq!(expect, "other");
            return;
        }
        let shown = (0..module.shape(last).elements()).map(|element| {
            let form = affine.form(last, element);
            let terms =
                form.terms.iter().map(|(sum, by)| format!("{} s{}", by.nearest(), sum.element));
            let constant = (!form.constant.is_zero()).then(|| form.constant.nearest().to_string());
            terms.chain(constant).collect::<Vec<_>>().join(" + ")
        });
        assert_eq!(shown.collect::<Vec<_>>().join("; "), expect);
    }

    #[test]
    fn movements_and_arithmetic_with_constants_are_affine() {
        check("", "1; 0.5");
        check("%4 = gather %1 [1, 0, 1] : f32[1x3]\n", "1 s1; 1 s0; 1 s1");
        check("%4 = subtract %3, %1 : f32[1x2]\n", "-1 s0 + 1; -1 s1 + 0.5");
        check(
            "%4 = divide %1, %2 : f32[1x2]\n%5 = negate %4 : f32[1x2]\n",
            "-0.3333333333333333 s0; -0.3333333333333333 s1",
        );
        check("%4 = reduce_sum %1 : f32[1]\n", "1 s0 + 1 s1");
        check(
            "%4 = multiply %3, %1 : f32[1x2]\n%5 = concat [%1, %4] : f32[1x4]\n\
             %6 = reshape %5 : f32[2x2]\n%7 = reduce_sum %6 : f32[2]\n",
            "1 s0 + 1 s1; 1 s0 + 0.5 s1",
        );
    }

    #[test]
    fn what_cancels_is_no_term() {
        check("%4 = subtract %1, %1 : f32[1x2]\n", "; ");
        check("%4 = add %1, %1 : f32[1x2]\n%5 = add %4, %4 : f32[1x2]\n", "4 s0; 4 s1");
    }

    #[test]
    fn the_rest_is_not() {
        check("%4 = multiply %1, %1 : f32[1x2]\n", "other");
        check("%4 = divide %2, %1 : f32[1x2]\n", "other");
        check("%4 = logistic %1 : f32[1x2]\n", "other");
        check("%4 = argmax %1 : i64[1]\n", "other");
    }
}

//! Which values of a real module are sums: linear forms over the sums of tree
//! ensembles, with exact coefficients.
//!
//! A mean of votes, a weighted vote, `1 - p` of a vote and everything else made
//! of additions, constant factors and movements of elements is one sum over the
//! trees; the pass `quantize` rounds such a sum once, however many operations
//! of the model made it.
//!
//! What must hold: over the real numbers an element is what its [`Form`] says.
//! Roundings of computed floats are no part of a form, casts between floats
//! included.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::module::{Module, Operation, Real, Value};
use crate::ops::{Binary, RealOp, Reduction, Unary};
use crate::ratio::Ratio;
use crate::types::ElementType;

/// What a value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Floats that no input changes.
    Constant,
    /// Sums of trees.
    Affine,
    /// Something else, or no floats.
    Other,
}

/// For each element of a value, the element of its operand that it meets.
type Positions = Rc<Vec<usize>>;

/// The kinds of all values, and their forms on demand.
#[derive(Debug)]
pub struct Affine<'m> {
    module: &'m Module<Real>,
    kinds: Vec<Kind>,
    /// Where operands that broadcast are read, by operand and user.
    positions: RefCell<HashMap<(Value, Value), Positions>>,
}

/// A linear form: a constant and coefficients of sums of tree ensembles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    /// The constant.
    pub(crate) constant: Ratio,
    /// The sums, in order, with coefficients other than 0.
    pub(crate) terms: Vec<(Sum, Ratio)>,
}

impl Form {
    /// The sum of both.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        let mut terms: BTreeMap<Sum, Ratio> = self.terms.iter().cloned().collect();
        for (sum, by) in &other.terms {
            terms.entry(*sum).and_modify(|known| *known = known.plus(by)).or_insert(by.clone());
        }
        let terms = terms.into_iter().filter(|(_, by)| !by.is_zero()).collect();
        Self { constant: self.constant.plus(&other.constant), terms }
    }

    /// Its negative.
    pub(crate) fn negated(&self) -> Self {
        let terms = self.terms.iter().map(|(sum, by)| (*sum, by.negated())).collect();
        Self { constant: self.constant.negated(), terms }
    }
}

/// A sum of a tree ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sum {
    /// The ensemble.
    pub(crate) ensemble: Value,
    /// Index of the sum.
    pub(crate) target: u32,
}

impl<'m> Affine<'m> {
    /// Analyses a module whose handles and shapes are sound.
    #[must_use]
    pub fn of(module: &'m Module<Real>) -> Self {
        let mut kinds = Vec::with_capacity(module.nodes.len());
        for value in module.values() {
            let kind = kind_of(module, &kinds, value);
            kinds.push(kind);
        }
        Self { module, kinds, positions: RefCell::default() }
    }

    /// What `value` is made of.
    #[must_use]
    pub fn kind(&self, value: Value) -> Kind {
        self.kinds[value.index()]
    }

    /// Is `value` made of sums of trees?
    #[must_use]
    pub fn is_affine(&self, value: Value) -> bool {
        self.kind(value) == Kind::Affine
    }

    /// Is `value` made of floats that no input changes?
    #[must_use]
    pub fn is_constant(&self, value: Value) -> bool {
        self.kind(value) == Kind::Constant
    }

    /// The form of an element of a value that is affine or constant.
    ///
    /// Coefficients flow from the element back to the ensembles, so that a long
    /// chain of additions costs what it has operations.
    pub(crate) fn form(&self, value: Value, element: usize) -> Form {
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
        form.terms.sort_by_key(|(sum, _)| *sum);
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
            RealOp::Constant { constant } => {
                let x = self.module.constants[*constant].elements[element];
                form.constant = form.constant.plus(&exact(x).times(&coefficient));
            }
            RealOp::TreeEnsemble { .. } => {
                form.terms.push((Sum { ensemble: value, target: element as u32 }, coefficient));
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
            op => unreachable!("{} is not affine", op.name()),
        }
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
    fn position(&self, operand: Value, user: Value, element: usize) -> usize {
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
    if !matches!(node.ty.elem, ElementType::F32 | ElementType::F64) {
        return Kind::Other;
    }
    let kind = |operand: Value| kinds[operand.index()];
    let joint = |a: Kind, b: Kind| match (a, b) {
        (Kind::Constant, Kind::Constant) => Kind::Constant,
        (Kind::Other, _) | (_, Kind::Other) => Kind::Other,
        (Kind::Affine, _) | (_, Kind::Affine) => Kind::Affine,
    };
    match &node.op {
        RealOp::Constant { constant } => {
            let elements = &module.constants[*constant].elements;
            if elements.iter().all(|x| x.is_finite()) { Kind::Constant } else { Kind::Other }
        }
        RealOp::TreeEnsemble { .. } => Kind::Affine,
        // The rounding of what is written in the model is part of it, and no
        // float constant of a model needs it: the front end rounds.
        RealOp::Cast { input } if kind(*input) == Kind::Constant => Kind::Other,
        RealOp::Cast { input }
        | RealOp::Reshape { input }
        | RealOp::Gather { input, .. }
        | RealOp::Unary { function: Unary::Negate, input }
        | RealOp::Reduce { function: Reduction::Sum, input } => kind(*input),
        RealOp::Concat { inputs } => {
            inputs.iter().fold(Kind::Constant, |known, &input| joint(known, kind(input)))
        }
        RealOp::Binary { function: Binary::Add | Binary::Subtract, a, b } => {
            joint(kind(*a), kind(*b))
        }
        RealOp::Binary { function: Binary::Multiply, a, b } => match (kind(*a), kind(*b)) {
            (Kind::Affine, Kind::Affine) => Kind::Other,
            (a, b) => joint(a, b),
        },
        RealOp::Binary { function: Binary::Divide, a, b } => {
            if divides(module, *b) {
                joint(kind(*a), kind(*b))
            } else {
                Kind::Other
            }
        }
        RealOp::Input { .. }
        | RealOp::Unary { .. }
        | RealOp::Binary { .. }
        | RealOp::Compare { .. }
        | RealOp::Select { .. }
        | RealOp::Reduce { .. }
        | RealOp::MatMul { .. }
        | RealOp::Softmax { .. }
        | RealOp::CumulativeSum { .. }
        | RealOp::ArgSort { .. }
        | RealOp::Take { .. }
        | RealOp::TakeAlong { .. }
        | RealOp::Lookup { .. }
        | RealOp::ArgMax { .. }
        | RealOp::ArgMin { .. }
        | RealOp::Label { .. } => Kind::Other,
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
                form.terms.iter().map(|(sum, by)| format!("{} s{}", by.nearest(), sum.target));
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

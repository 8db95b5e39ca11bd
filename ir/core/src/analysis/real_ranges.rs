//! Ranges of the values of a real module over the real numbers, whatever the
//! inputs: an enclosure of each element, rounded outwards.
//!
//! The pass `quantize` chooses the format of each value by them, and
//! `keep-decision` learns which denominators are positive.
//!
//! What must hold: for every row within the column ranges, what
//! [`crate::interpret::real`] gives for an element lies within its range.

use crate::analysis::affine::{Affine, Form};
use crate::analysis::dependence::Dependence;
use crate::analysis::reach::Reach;
use crate::arena::Handle;
use crate::forest::{Forest, LeafWeight, Mode, TreeNode};
use crate::interpret::{Enclosure, Number};
use crate::module::{Column, Constant, Module, Real, Value};
use crate::ops::{Binary, RealOp, Reduction, Relation, Unary};
use crate::ratio::Ratio;
use crate::types::{ElementType, Type};

/// What one element can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// A float: some number of the enclosure. It need not be finite or a number
    /// where the enclosure is not.
    Number(Enclosure),
    /// An integer, truth value or class between these, both included.
    Integer(i64, i64),
}

/// Ranges of each element of each value of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct RealRanges {
    of_value: Vec<Vec<Range>>,
}

impl RealRanges {
    /// Analyses a valid module.
    #[must_use]
    pub fn of(module: &Module<Real>) -> Self {
        let mut ranges = Self { of_value: Vec::with_capacity(module.nodes.len()) };
        let dependence = Dependence::of(module);
        for (value, (_, node)) in module.values().zip(module.nodes.iter()) {
            let mut of_op = ranges.of_op(module, &node.op, &node.ty);
            // A look-up is one of its values in either case.
            let is_lookup = matches!(node.op, RealOp::Lookup { .. });
            if !is_lookup && dependence.is_decided(module, value) {
                of_op.iter_mut().for_each(|range| *range = decided_by_floats(range, node.ty.elem));
            }
            if let RealOp::Reduce { function: Reduction::Sum, input } = node.op {
                ranges.raise_sums_of_powers(module, input, &mut of_op);
            }
            ranges.of_value.push(of_op);
        }
        ranges
    }

    /// Ranges of the elements of `value`, row-major.
    #[must_use]
    pub fn of_value(&self, value: Value) -> &[Range] {
        &self.of_value[value.index()]
    }

    /// The least interval of floats that holds all elements of `value`, if they
    /// are floats and bounded.
    #[must_use]
    pub fn hull(&self, value: Value) -> Option<(f64, f64)> {
        let ends = self.of_value(value).iter().map(Range::ends);
        let hull = ends.reduce(|a, b| Some((a?.0.min(b?.0), a?.1.max(b?.1))));
        hull.flatten()
    }

    fn of_op(&self, module: &Module<Real>, op: &RealOp, ty: &Type) -> Vec<Range> {
        match op {
            RealOp::Input { columns } => {
                columns.iter().map(|&column| of_column(&module.columns[column], ty.elem)).collect()
            }
            RealOp::Constant { constant } => of_constant(module, *constant),
            RealOp::Cast { input } => {
                self.of_value(*input).iter().map(|range| cast(range, ty.elem)).collect()
            }
            RealOp::Reshape { .. }
            | RealOp::Gather { .. }
            | RealOp::Concat { .. }
            | RealOp::Label { .. } => {
                let sources = module.sources(op).expect("the operation moves elements");
                sources.into_iter().map(|(value, i)| self.of_value(value)[i].clone()).collect()
            }
            RealOp::Unary { function, input } => repeated(
                self.of_value(*input).iter(),
                |a, b| a.is_same(b),
                |it| unary(*function, it),
            ),
            RealOp::Binary { function: Binary::Multiply, a, b } if a == b => {
                repeated(self.of_value(*a).iter(), |a, b| a.is_same(b), square)
            }
            RealOp::Binary { function, a, b } => {
                self.pairs(module, [*a, *b], ty, |a, b| binary(*function, a, b))
            }
            RealOp::Select { a, b, .. } => self.pairs(module, [*a, *b], ty, Range::union),
            RealOp::Compare { relation, a, b } => {
                self.pairs(module, [*a, *b], ty, |a, b| compare(*relation, a, b))
            }
            RealOp::Reduce { function, input } => {
                self.rows(module, *input).map(|row| reduce(*function, row)).collect()
            }
            RealOp::Softmax { input } => self.rows(module, *input).flat_map(softmax).collect(),
            RealOp::CumulativeSum { input } => {
                self.rows(module, *input).flat_map(cumulative_sum).collect()
            }
            RealOp::ArgSort { input, .. } | RealOp::ArgMax { input } | RealOp::ArgMin { input } => {
                let last = module.shape(*input).row() as i64 - 1;
                vec![Range::Integer(0, last); ty.shape.elements()]
            }
            RealOp::Take { input, .. } => {
                vec![union(self.of_value(*input)); ty.shape.elements()]
            }
            RealOp::TakeAlong { input, indices } => {
                let taken = module.shape(*indices).row();
                self.rows(module, *input).flat_map(|row| vec![union(row); taken]).collect()
            }
            RealOp::Lookup { values, .. } => {
                vec![union(&of_constant(module, *values)); ty.shape.elements()]
            }
            RealOp::MatMul { a, b } => {
                let width = module.shape(*b).row();
                let columns = |column: usize| self.of_value(*b).iter().skip(column).step_by(width);
                let element = |row: &[Range], column: usize| {
                    let products = row.iter().zip(columns(column));
                    let products = products.map(|(a, b)| binary(Binary::Multiply, a, b));
                    reduce(Reduction::Sum, &products.collect::<Vec<_>>())
                };
                let rows = self.rows(module, *a);
                rows.flat_map(|row| (0..width).map(move |column| element(row, column))).collect()
            }
            RealOp::TreeEnsemble { forest, .. } => sums(&module.forests[*forest]),
        }
    }

    /// Sums of powers of e: by the inequality of Jensen, `e^x + e^y` is at least
    /// `2 e^((x + y) / 2)`, and scores that sum to 0, as AdaBoost's do, say so
    /// only together.
    fn raise_sums_of_powers(&self, module: &Module<Real>, powers: Value, sums: &mut [Range]) {
        let RealOp::Unary { function: Unary::Exp, input } = module.node(powers).op else { return };
        let affine = Affine::of(module);
        if !affine.is_affine(input) {
            return;
        }
        let width = module.shape(input).row();
        for (row, sum) in sums.iter_mut().enumerate() {
            let elements = row * width..(row + 1) * width;
            let whole = elements.map(|i| affine.form(input, i)).reduce(|a, b| a.plus(&b));
            let (Some(whole), Range::Number(known)) = (whole, &*sum) else { continue };
            let count = Enclosure::exact(width as f64);
            let mean = self.of_form(&whole).binary(Binary::Divide, &count, ElementType::F64);
            let power = mean.unary(Unary::Exp, ElementType::F64);
            let least = power.binary(Binary::Multiply, &count, ElementType::F64).lower();
            let (min, max) = (known.lower(), known.upper());
            if min < least && least <= max && max.is_finite() {
                *sum = Range::Number(Enclosure::between(least, max));
            }
        }
    }

    /// What a linear form can be.
    fn of_form(&self, form: &Form) -> Enclosure {
        let enclosed = |ratio: &Ratio| {
            let nearest = ratio.nearest();
            if Ratio::of(nearest).is_some_and(|exact| exact == *ratio) {
                Enclosure::exact(nearest)
            } else {
                Enclosure::between(nearest.next_down(), nearest.next_up())
            }
        };
        form.terms.iter().fold(enclosed(&form.constant), |whole, (sum, coefficient)| {
            let Range::Number(x) = &self.of_value(sum.value)[sum.element as usize] else {
                unreachable!("sums are numbers")
            };
            let term = x.binary(Binary::Multiply, &enclosed(coefficient), ElementType::F64);
            whole.binary(Binary::Add, &term, ElementType::F64)
        })
    }

    /// What `of` says of the elements that meet.
    fn pairs(
        &self,
        module: &Module<Real>,
        operands: [Value; 2],
        ty: &Type,
        of: impl Fn(&Range, &Range) -> Range,
    ) -> Vec<Range> {
        let [a, b] = operands
            .map(|operand| (operand, module.shape(operand).positions_in(&ty.shape)))
            .map(|(operand, at)| at.into_iter().map(move |i| &self.of_value(operand)[i]));
        let is_same = |last: &(&Range, &Range), next: &(&Range, &Range)| {
            last.0.is_same(next.0) && last.1.is_same(next.1)
        };
        repeated(a.zip(b), is_same, |(a, b)| of(a, b))
    }

    fn rows(&self, module: &Module<Real>, value: Value) -> impl Iterator<Item = &[Range]> {
        self.of_value(value).chunks(module.shape(value).row())
    }
}

impl Range {
    /// Floats around it, if it is a float and bounded.
    #[must_use]
    pub fn ends(&self) -> Option<(f64, f64)> {
        let Self::Number(x) = self else { return None };
        let (min, max) = (x.lower(), x.upper());
        (min.is_finite() && max.is_finite()).then_some((min, max))
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.is_same(b),
            (a, b) => a == b,
        }
    }

    /// Is every number of it above 0?
    #[must_use]
    pub fn is_positive(&self) -> bool {
        match self {
            Self::Number(x) => x.is_positive(),
            Self::Integer(min, _) => *min > 0,
        }
    }

    /// A range that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Integer(a, b), Self::Integer(c, d)) => Self::Integer(*a.min(c), *b.max(d)),
            (a, b) if a == b => a.clone(),
            (Self::Number(a), Self::Number(b)) => Self::Number(a.union(b)),
            _ => Self::Number(Enclosure::unknown()),
        }
    }
}

/// What `of` gives for each element, computed once for neighbours that are the same:
/// wide rows often have few different ranges.
fn repeated<T: Copy>(
    elements: impl Iterator<Item = T>,
    is_same: impl Fn(&T, &T) -> bool,
    of: impl Fn(T) -> Range,
) -> Vec<Range> {
    let mut last: Option<T> = None;
    let mut ranges: Vec<Range> = Vec::new();
    for element in elements {
        let known = ranges.last().filter(|_| last.is_some_and(|last| is_same(&last, &element)));
        let range = known.cloned().unwrap_or_else(|| of(element));
        ranges.push(range);
        last = Some(element);
    }
    ranges
}

fn union(ranges: &[Range]) -> Range {
    let whole = ranges.iter().cloned().reduce(|a, b| a.union(&b));
    whole.unwrap_or(Range::Integer(0, 0))
}

/// A missing value is NaN, of which nothing is known.
fn of_column(column: &Column, elem: ElementType) -> Range {
    let (min, max) = (column.range.min, column.range.max);
    match elem {
        ElementType::F32 | ElementType::F64 if column.missing.is_some() => {
            Range::Number(Enclosure::unknown())
        }
        ElementType::F32 => {
            Range::Number(Enclosure::between(f64::from(min as f32), f64::from(max as f32)))
        }
        ElementType::F64 => Range::Number(Enclosure::between(min as f64, max as f64)),
        _ => Range::Integer(min, max),
    }
}

fn of_constant(module: &Module<Real>, constant: Handle<Constant<Real>>) -> Vec<Range> {
    let constant = &module.constants[constant];
    let range = |&x: &f64| {
        if constant.ty.elem.is_float() {
            Range::Number(Enclosure::exact(x))
        } else {
            Range::Integer(x as i64, x as i64)
        }
    };
    constant.elements.iter().map(range).collect()
}

fn cast(range: &Range, elem: ElementType) -> Range {
    match (range, elem) {
        (Range::Integer(min, max), ElementType::F32 | ElementType::F64) => {
            let float = |x: i64| {
                if elem == ElementType::F32 { f64::from(x as f32) } else { x as f64 }
            };
            Range::Number(Enclosure::between(float(*min), float(*max)))
        }
        (_, ElementType::Bool) => {
            let is_zero = matches!(range, Range::Integer(0, 0));
            let negative = range.ends().is_some_and(|(_, max)| max < 0.0);
            let is_other = range.is_positive() || negative;
            Range::Integer(is_other.into(), (!is_zero).into())
        }
        (Range::Integer(..), _) => range.clone(),
        // An input rounds, what is computed does not.
        (Range::Number(_), ElementType::F32) => match range.ends() {
            Some((min, max)) => {
                let rounded = Enclosure::between(round_within(min), round_within(max));
                range.union(&Range::Number(rounded))
            }
            None => range.clone(),
        },
        (Range::Number(_), ElementType::F64) => range.clone(),
        (Range::Number(_), _) => match range.ends() {
            Some((min, max)) => integers(min, max),
            None => Range::Integer(i64::MIN, i64::MAX),
        },
    }
}

/// Integers made of numbers from `min` to `max`: one beyond 64 bits makes the least
/// integer, as in ONNX Runtime.
fn integers(min: f64, max: f64) -> Range {
    let (below, above) = (-f64::exp2(63.0), f64::exp2(63.0));
    if min >= above || max < below {
        Range::Integer(i64::MIN, i64::MIN)
    } else if min < below || max >= above {
        Range::Integer(i64::MIN, max as i64)
    } else {
        Range::Integer(min as i64, max as i64)
    }
}

/// What a comparison or a conversion can be that floats decide and not the reals.
fn decided_by_floats(range: &Range, elem: ElementType) -> Range {
    match (range, elem) {
        (Range::Integer(..), ElementType::Bool) => Range::Integer(0, 1),
        (Range::Integer(..), ElementType::I64) => Range::Integer(i64::MIN, i64::MAX),
        _ => range.clone(),
    }
}

/// As an `f32`, the greatest finite one beyond them.
fn round_within(x: f64) -> f64 {
    f64::from((x as f32).clamp(f32::MIN, f32::MAX))
}

fn compare(relation: Relation, a: &Range, b: &Range) -> Range {
    let holds = match (a, b) {
        (Range::Number(a), Range::Number(b)) => a.compare(mode(relation), b),
        (Range::Integer(a, b), Range::Integer(c, d)) => {
            let corners = [(a, c), (a, d), (b, c), (b, d)];
            let first = relation.holds(a, c);
            let alike = corners.iter().all(|(x, y)| relation.holds(*x, *y) == first);
            // Ranges that meet hold equal numbers and others.
            let meet = a <= d && c <= b && (a != b || c != d);
            (alike && !(relation == Relation::Equal && meet)).then_some(first)
        }
        _ => unreachable!("both operands have one element type"),
    };
    holds.map_or(Range::Integer(0, 1), |holds| Range::Integer(holds.into(), holds.into()))
}

fn mode(relation: Relation) -> Mode {
    match relation {
        Relation::Less => Mode::Less,
        Relation::LessOrEqual => Mode::LessOrEqual,
        Relation::Equal => Mode::Equal,
        Relation::Greater => Mode::Greater,
        Relation::GreaterOrEqual => Mode::GreaterOrEqual,
    }
}

fn unary(function: Unary, range: &Range) -> Range {
    match range {
        Range::Number(x) => Range::Number(x.unary(function, ElementType::F64)),
        Range::Integer(min, max) => match function {
            Unary::Not => Range::Integer(1 - max, 1 - min),
            Unary::Negate => Range::Integer(max.saturating_neg(), min.saturating_neg()),
            Unary::Relu => Range::Integer(*min.max(&0), *max.max(&0)),
            Unary::Sign => Range::Integer(min.signum(), max.signum()),
            _ => Range::Integer(i64::MIN, i64::MAX),
        },
    }
}

/// A number times itself is not negative.
fn square(range: &Range) -> Range {
    match range {
        Range::Number(x) => {
            let magnitude = Range::Number(x.unary(Unary::Absolute, ElementType::F64));
            binary(Binary::Multiply, &magnitude, &magnitude)
        }
        Range::Integer(..) => binary(Binary::Multiply, range, range),
    }
}

fn binary(function: Binary, a: &Range, b: &Range) -> Range {
    match (a, b) {
        (Range::Number(a), Range::Number(b)) => {
            Range::Number(a.binary(function, b, ElementType::F64))
        }
        (Range::Integer(a, b), Range::Integer(c, d)) => {
            let wide = |x: &i64| i128::from(*x);
            let corners = |of: fn(i128, i128) -> i128| {
                let all = [(a, c), (a, d), (b, c), (b, d)].map(|(x, y)| of(wide(x), wide(y)));
                let ends =
                    all.iter().fold((all[0], all[0]), |(min, max), &x| (min.min(x), max.max(x)));
                let narrow = |x| i64::try_from(x);
                match (narrow(ends.0), narrow(ends.1)) {
                    (Ok(min), Ok(max)) => Range::Integer(min, max),
                    // Integers wrap.
                    _ => Range::Integer(i64::MIN, i64::MAX),
                }
            };
            match function {
                Binary::Add => corners(|x, y| x + y),
                Binary::Subtract => corners(|x, y| x - y),
                Binary::Multiply => corners(|x, y| x * y),
                Binary::Minimum => corners(i128::min),
                Binary::Maximum => corners(i128::max),
                Binary::And | Binary::Or | Binary::Xor => Range::Integer(0, 1),
                Binary::Divide | Binary::Power => Range::Integer(i64::MIN, i64::MAX),
            }
        }
        _ => unreachable!("both operands have one element type"),
    }
}

fn reduce(function: Reduction, row: &[Range]) -> Range {
    let function = match function {
        Reduction::Sum => Binary::Add,
        Reduction::Product => Binary::Multiply,
        Reduction::Minimum => Binary::Minimum,
        Reduction::Maximum => Binary::Maximum,
    };
    let whole = row.iter().cloned().reduce(|a, b| binary(function, &a, &b));
    whole.expect("a row has an element")
}

/// `e^x` over a sum of as many powers as a row has elements, none of them more
/// than that of the greatest: small, but more than 0.
fn softmax(row: &[Range]) -> Vec<Range> {
    let [one, count] = [1.0, row.len() as f64].map(|x| Range::Number(Enclosure::exact(x)));
    let greatest = reduce(Reduction::Maximum, row);
    let share = |x: &Range| {
        let power = unary(Unary::Exp, &binary(Binary::Subtract, x, &greatest));
        let least = binary(Binary::Divide, &power, &count);
        let share = binary(Binary::Minimum, &least, &one).union(&one);
        if share.ends().is_some() { share } else { Range::Number(Enclosure::between(0.0, 1.0)) }
    };
    row.iter().map(share).collect()
}

fn cumulative_sum(row: &[Range]) -> Vec<Range> {
    let mut sum: Option<Range> = None;
    let sums = row.iter().map(|x| {
        let next = sum.as_ref().map_or_else(|| x.clone(), |sum| binary(Binary::Add, sum, x));
        sum.insert(next).clone()
    });
    sums.collect()
}

/// What each sum of a forest can be.
fn sums(forest: &Forest<Real>) -> Vec<Range> {
    let base = forest.base.iter().map(|&base| Enclosure::exact(base));
    let mut sums: Vec<_> = base.collect();
    let mut reach = Reach::new(forest.nodes.len());
    for &root in &forest.roots {
        for (sum, (min, max)) in sums.iter_mut().zip(tree_sums(forest, root, &mut reach)) {
            if (min, max) != (0.0, 0.0) {
                *sum = sum.binary(Binary::Add, &Enclosure::between(min, max), forest.elem);
            }
        }
    }
    let widened =
        sums.into_iter().zip(&forest.folding_error).map(|(sum, &error)| sum.widened(error));
    widened.map(Range::Number).collect()
}

/// The least and the greatest that one tree adds to each sum. A leaf without a
/// weight for a target adds 0.
fn tree_sums(forest: &Forest<Real>, root: u32, reach: &mut Reach) -> Vec<(f64, f64)> {
    let mut ends: Vec<Option<(f64, f64)>> = vec![None; forest.targets as usize];
    let mut leaves_with = vec![0_usize; forest.targets as usize];
    let mut leaves = 0;
    reach.each(forest, root, |_, node| {
        let TreeNode::Leaf { first, count, .. } = *node else { return };
        leaves += 1;
        each_target(forest.leaf_weights(first, count), |target, min, max| {
            leaves_with[target] += 1;
            let known = ends[target].get_or_insert((min, max));
            *known = (known.0.min(min), known.1.max(max));
        });
    });
    let of_target = ends.into_iter().zip(leaves_with).map(|(ends, with)| match ends {
        None => (0.0, 0.0),
        Some(ends) if with == leaves => ends,
        Some((min, max)) => (min.min(0.0), max.max(0.0)),
    });
    of_target.collect()
}

/// Calls `visit` with each target of a leaf and ends of what it adds to it.
fn each_target(weights: &[LeafWeight<Real>], mut visit: impl FnMut(usize, f64, f64)) {
    if weights.windows(2).all(|pair| pair[0].target < pair[1].target) {
        for weight in weights {
            visit(weight.target as usize, weight.weight, weight.weight);
        }
        return;
    }
    let mut of_target = std::collections::BTreeMap::new();
    for weight in weights {
        let (min, max) = of_target.entry(weight.target).or_insert((0.0_f64, 0.0_f64));
        *min = (*min + weight.weight).next_down();
        *max = (*max + weight.weight).next_up();
    }
    for (target, (min, max)) in of_target {
        visit(target as usize, min, max);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::interpret::{self, Outcome};
    use crate::testing::{real_modules, rows};
    use crate::text::parse;

    #[track_caller]
    fn check(lines: &str, expect: &str) {
        let text = format!(
            "real a\n@c0 = column x [0, 9]\n@c1 = column y [-5, 16777217] missing -1\n\
             %0 = input [x] : f32[1x1]\n{lines}output \"z\" value %{}\n",
            lines.lines().filter(|line| line.starts_with('%')).count()
        );
        let module = parse::<Real>(&text).expect("the text is a module");
        assert_eq!(crate::validate::Validator::check(&module), []);
        let ranges = RealRanges::of(&module);
        let last = module.values().next_back().expect("there are values");
        let shown = ranges.of_value(last).iter().map(|range| match range {
            Range::Integer(min, max) => format!("{min} to {max}"),
            Range::Number(x) => format!("{:?} to {:?}", x.lower(), x.upper()),
        });
        assert_eq!(shown.collect::<Vec<_>>().join("; "), expect);
    }

    #[test]
    fn operations_go_from_end_to_end() {
        check("%1 = negate %0 : f32[1x1]\n", "-9.0 to 0.0");
        check("%1 = input [y] : i64[1x1]\n", "-5 to 16777217");
        check("%1 = input [y] : f32[1x1]\n", "-inf to inf");
        check("%1 = cast %0 : i64[1x1]\n%2 = argsort %1, least first : i64[1x1]\n", "0 to 0");
        // e^-9 is the least.
        check("%1 = softmax %0 : f32[1x1]\n", "0.00012340980408667953 to 1.0");
        check("%1 = input [y] : f32[1x1]\n%2 = softmax %1 : f32[1x1]\n", "0.0 to 1.0");
        check(
            "%1 = concat [%0, %0, %0] : f32[1x3]\n%2 = cumulative_sum %1 : f32[1x3]\n",
            "0.0 to 9.0; 0.0 to 18.0; 0.0 to 27.0",
        );
        check(
            "%1 = less %0, %0 : bool[1x1]\n%2 = not %1 : bool[1x1]\n%3 = cast %2 : i64[1x1]\n",
            "0 to 1",
        );
    }

    #[test]
    fn comparisons_of_ranges_apart_are_decided() {
        let column = "%1 = input [x] : i64[1x1]\n%2 = constant @w0 : i64[1x1]\n";
        let check = |limit: i64, relation: &str, expect: &str| {
            let text = format!(
                "@w0 = constant i64[1x1] [{limit}]\n{column}%3 = {relation} %1, %2 : bool[1x1]\n\
                 %4 = cast %3 : i64[1x1]\n"
            );
            check(&text, expect);
        };
        check(9, "less_or_equal", "1 to 1");
        check(9, "less", "0 to 1");
        check(10, "equal", "0 to 0");
        check(5, "equal", "0 to 1");
        check(-1, "greater", "1 to 1");
    }

    #[test]
    fn sums_of_trees_take_each_tree_at_its_ends() {
        let text = "@t0 = forest f32, 1 features, 2 targets
  base [0.5, 0.0]
  folding [0.25, 0.0]
  roots [n0, n0]
  n0 = if x0 < 3.0 then n1 else n2
  n1 = leaf [0: 1.0]
  n2 = leaf [0: 4.0, 1: -1.0, 1: -1.0]
end
%1 = tree_ensemble @t0, %0 : f32[1x2]
";
        check(text, "2.25 to 8.750000000000002; -4.000000000000001 to 0.0");
    }

    proptest! {
        #[test]
        fn what_the_reals_give_lies_within((module, row) in real_modules().prop_flat_map(|module| {
            let row = rows(&module, &[0, 128, 1 << 24]);
            (Just(module), row)
        })) {
            let ranges = RealRanges::of(&module);
            let outcomes = interpret::real(&module, &row);
            for (output, outcome) in module.outputs.iter().zip(outcomes) {
                let Ok(Outcome::Numbers(numbers)) = outcome else { continue };
                for (x, range) in numbers.iter().zip(ranges.of_value(output.value)) {
                    match range {
                        Range::Number(range) if !range.lower().is_nan() => {
                            let apart = x.upper() < range.lower() || x.lower() > range.upper();
                            prop_assert!(!apart, "{x:?} {range:?}");
                        }
                        Range::Number(_) => {}
                        Range::Integer(min, max) => {
                            prop_assert!(*min as f64 <= x.lower() && x.upper() <= *max as f64);
                        }
                    }
                }
            }
        }
    }
}

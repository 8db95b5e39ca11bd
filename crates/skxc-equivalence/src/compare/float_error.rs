//! A bound on what the roundings of floating-point evaluation change in each
//! value of a real module, whatever the row.
//!
//! Sums of `n` terms: Higham, Accuracy and Stability of Numerical Algorithms,
//! section 4.2: the error of a sum in any order is at most γ(n-1) times the sum
//! of magnitudes, with γ(n) = n u / (1 - n u). Inputs and weights are exact:
//! the rounding of an input to `f32` belongs to the meaning of the model.

use skxc_ir::analysis::reach::Reach;
use skxc_ir::{Binary, ElementType, Forest, Module, Real, RealOp, TreeNode, Value};

/// What is known of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Element {
    /// Bound on its magnitude.
    pub(super) magnitude: f64,
    /// Bound on its error.
    pub(super) error: f64,
}

/// Bounds of the elements of `value`.
pub(super) fn of_value(module: &Module<Real>, value: Value) -> Vec<Element> {
    let mut of: Vec<Vec<Element>> = Vec::with_capacity(value.index() + 1);
    for older in module.values().take(value.index() + 1) {
        let elements = of_op(module, older, &of);
        of.push(elements);
    }
    of.pop().expect("the value itself was visited last")
}

fn of_op(module: &Module<Real>, value: Value, of: &[Vec<Element>]) -> Vec<Element> {
    let node = module.node(value);
    let elements = node.ty.shape.elements();
    let exactly = |magnitude: f64| Element { magnitude, error: 0.0 };
    match &node.op {
        RealOp::Input { columns } => {
            let ranges = columns.iter().map(|&column| module.columns[column].range);
            ranges.map(|range| exactly(range.min.abs().max(range.max.abs()) as f64)).collect()
        }
        RealOp::Constant { constant } => {
            module.constants[*constant].elements.iter().map(|x| exactly(x.abs())).collect()
        }
        RealOp::Cast { input } => {
            let rounding = unit(node.ty.elem);
            let cast = |element: &Element| Element {
                magnitude: element.magnitude,
                error: element.error + rounding * (element.magnitude + element.error),
            };
            of[input.index()].iter().map(cast).collect()
        }
        RealOp::Reshape { input } => of[input.index()].clone(),
        RealOp::Gather { input, indices } => {
            indices.iter().map(|&index| of[input.index()][index as usize]).collect()
        }
        RealOp::Concat { inputs } => {
            inputs.iter().flat_map(|input| &of[input.index()]).copied().collect()
        }
        RealOp::Binary { function: Binary::Subtract, a, b } => {
            let (a, b) = (&of[a.index()], &of[b.index()]);
            let difference = |index: usize| {
                let (a, b) = (a[index % a.len()], b[index % b.len()]);
                let (magnitude, error) = (a.magnitude + b.magnitude, a.error + b.error);
                Element { magnitude, error: error + unit(node.ty.elem) * (magnitude + error) }
            };
            (0..elements).map(difference).collect()
        }
        RealOp::TreeEnsemble { forest, .. } => of_forest(&module.forests[*forest]),
        RealOp::Compare { .. }
        | RealOp::ArgMax { .. }
        | RealOp::ArgMin { .. }
        | RealOp::ArgSort { .. }
        | RealOp::Label { .. } => {
            vec![exactly(elements as f64); elements]
        }
        // No bound is known.
        RealOp::Unary { .. }
        | RealOp::Binary { .. }
        | RealOp::Select { .. }
        | RealOp::Reduce { .. }
        | RealOp::MatMul { .. }
        | RealOp::Softmax { .. }
        | RealOp::CumulativeSum { .. }
        | RealOp::Take { .. }
        | RealOp::TakeAlong { .. }
        | RealOp::Lookup { .. } => {
            vec![Element { magnitude: f64::INFINITY, error: f64::INFINITY }; elements]
        }
    }
}

fn of_forest(forest: &Forest<Real>) -> Vec<Element> {
    let targets = forest.targets as usize;
    let mut magnitude: Vec<f64> = forest.base.iter().map(|base| base.abs()).collect();
    let mut additions = vec![0u32; targets];
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
            additions[target] += terms;
        }
    }
    let of_target = magnitude.into_iter().zip(additions).map(|(magnitude, additions)| {
        let relative = f64::from(additions) * unit(forest.elem);
        Element { magnitude, error: magnitude * relative / (1.0 - relative) }
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

//! Which class the only score of a two-class model is for.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::interpret::{Partial, Scalar};
use crate::module::{Module, Operation, OutputKind, Real, Value};
use crate::ops::RealOp;

/// Numbers on both sides of every decision boundary that a model has.
const FAR: f64 = 1e30;

/// The class that a great `score` decides for, if the label with number `label` and
/// the score are computed from one and the same number, or from two of which one is
/// great where the other is small, and a small score decides for another class.
///
/// The score itself may be that number. `score` has one element.
pub fn class_of_score(module: &Module<Real>, score: Value, label: usize) -> Option<usize> {
    let mut labels = module.outputs.iter().filter(|output| output.kind == OutputKind::Label);
    let label = labels.nth(label)?.value;
    let reads_input = reads_input(module);
    // What both are computed from, as far as it has not been replaced by its operands:
    // the newest value first, so that one that is alone is all that they depend on.
    let mut front = BTreeSet::from([score, label]);
    while let Some(newest) = front.pop_last() {
        if front.is_empty()
            && let Some(class) = class_of_great(module, newest, score, label)
        {
            return Some(class);
        }
        module.node(newest).op.operands(&mut |operand| {
            if reads_input[operand.index()] {
                front.insert(operand);
            }
        });
    }
    None
}

/// Which values depend on the inputs.
fn reads_input(module: &Module<Real>) -> Vec<bool> {
    let mut reads = Vec::with_capacity(module.nodes.len());
    for (_, node) in module.nodes.iter() {
        let mut does = matches!(node.op, RealOp::Input { .. });
        node.op.operands(&mut |operand| does |= reads[operand.index()]);
        reads.push(does);
    }
    reads
}

/// The label where the score is greater, of two inputs to the rest of the model: the
/// numbers of `cut`, on which alone both depend, far on either side.
fn class_of_great(module: &Module<Real>, cut: Value, score: Value, label: Value) -> Option<usize> {
    let is_input = matches!(module.node(cut).op, RealOp::Input { .. });
    if is_input || !module.ty(cut).elem.is_float() {
        return None;
    }
    let sides: [&[f64]; 2] = match module.shape(cut).elements() {
        1 => [&[FAR], &[-FAR]],
        2 => [&[FAR, -FAR], &[-FAR, FAR]],
        _ => return None,
    };
    let inside = behind(module, cut, [score, label])?;
    let mut partial = Partial::<f64>::new(module);
    let mut outcome = |numbers: &[f64]| {
        let numbers: Vec<_> = numbers.iter().map(|&x| Scalar::Number(x)).collect();
        partial.set(cut, numbers.clone());
        let (mut of_score, mut of_label) = (numbers, Vec::new());
        for &value in &inside {
            let elements = partial.compute(value).ok()?;
            if value == score {
                of_score = elements;
            } else if value == label {
                of_label = elements;
            }
        }
        match (&of_score[..], &of_label[..]) {
            (&[Scalar::Number(score)], &[Scalar::Integer(class)]) => {
                Some((score, usize::try_from(class).ok()?))
            }
            _ => None,
        }
    };
    let [first, second] = sides.map(&mut outcome);
    let ((first, class), (second, other)) = (first?, second?);
    match first.partial_cmp(&second)? {
        _ if class == other => None,
        Ordering::Greater => Some(class),
        Ordering::Less => Some(other),
        Ordering::Equal => None,
    }
}

/// All that the values are computed from but `cut`, in order; `None` if one depends on
/// the inputs in another way.
fn behind(module: &Module<Real>, cut: Value, values: [Value; 2]) -> Option<BTreeSet<Value>> {
    let mut inside = BTreeSet::new();
    let mut pending = values.to_vec();
    while let Some(value) = pending.pop() {
        if value == cut || !inside.insert(value) {
            continue;
        }
        let op = &module.node(value).op;
        if matches!(op, RealOp::Input { .. }) {
            return None;
        }
        op.operands(&mut |operand| pending.push(operand));
    }
    Some(inside)
}

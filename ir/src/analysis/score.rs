//! Which class the only score of a two-class model is for.

use std::collections::BTreeSet;

use crate::interpret::{Partial, Scalar};
use crate::module::{Module, Operation, OutputKind, Real, Value};
use crate::ops::RealOp;

/// Scores on both sides of every decision boundary that a model has.
const FAR: f64 = 1e30;

/// The class that a great `score` decides for, if the label with number `label`
/// is computed from that score alone and a small score decides for another one.
///
/// `score` has one element.
pub(crate) fn class_of_score(module: &Module<Real>, score: Value, label: usize) -> Option<usize> {
    let mut labels = module.outputs.iter().filter(|output| output.kind == OutputKind::Label);
    let label = labels.nth(label)?.value;
    let inside = between(module, score, label)?;
    let mut partial = Partial::<f64>::new(module);
    let mut decided = |x: f64| {
        partial.set(score, vec![Scalar::Number(x)]);
        for &value in &inside {
            partial.compute(value).ok()?;
        }
        match partial.compute(label).ok()?[..] {
            [Scalar::Integer(class)] => usize::try_from(class).ok(),
            _ => None,
        }
    };
    let (great, small) = (decided(FAR)?, decided(-FAR)?);
    (great != small).then_some(great)
}

/// All that `label` is computed from but `score`, in order; `None` if that
/// depends on the inputs in another way.
fn between(module: &Module<Real>, score: Value, label: Value) -> Option<BTreeSet<Value>> {
    let mut inside = BTreeSet::new();
    let mut pending = vec![label];
    while let Some(value) = pending.pop() {
        if value == score || !inside.insert(value) {
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

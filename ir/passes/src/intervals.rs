//! Says into which interval the prediction of a regressor falls: adds a label
//! whose classes are the intervals between given cuts, in order.
//!
//! Not part of the pipeline, since it changes what the model gives; it runs
//! before, when packets are acted upon by ranges of the prediction.
//!
//! What must hold: interval `i` is the predictions from cut `i - 1`, inclusive,
//! up to cut `i`, exclusive; the first has no lower end and the last no upper
//! one, so that every prediction is in exactly one.

use skxc_ir::module::{Constant, LabelTable, Module, Output, OutputKind, Real, Value};
use skxc_ir::ops::{RealOp, Reduction, Relation};
use skxc_ir::origin::OriginId;
use skxc_ir::types::{ElementType, Type};

/// Adds an output `name` of kind label for element `element` of the prediction
/// `value`. `texts` name the intervals and are one more than `cuts`, which
/// are finite and rise.
///
/// # Panics
/// If a cut is not finite, the cuts do not rise, or the texts are not one more.
pub fn label_intervals(
    module: &mut Module<Real>,
    name: &str,
    value: Value,
    element: u32,
    cuts: &[f64],
    texts: Vec<String>,
) {
    assert_eq!(texts.len(), cuts.len() + 1, "there is an interval between any two cuts");
    assert!(cuts.iter().all(|cut| cut.is_finite()), "a cut is a number");
    assert!(cuts.windows(2).all(|pair| pair[0] < pair[1]), "cuts rise");
    let origin = module.node(value).origin;
    let class = class(module, value, element, cuts);
    let table = module.labels.push(LabelTable::Strings(texts));
    let ty = Type::new(ElementType::Label(table), &[1]);
    let value = module.push(RealOp::Label { table, class }, ty, origin);
    module.outputs.push(Output { name: name.to_owned(), kind: OutputKind::Label, value });
}

/// The number of cuts that the element is not below.
fn class(module: &mut Module<Real>, value: Value, element: u32, cuts: &[f64]) -> Value {
    let origin = module.node(value).origin;
    let elem = module.ty(value).elem;
    let (width, count) = (module.shape(value).elements() as u32, cuts.len() as u32);
    let (i64, bool) = (ElementType::I64, ElementType::Bool);
    if cuts.is_empty() {
        return constant(module, Type::new(i64, &[1]), vec![0.0], origin);
    }
    let row = RealOp::Reshape { input: value };
    let row = module.push(row, Type::new(elem, &[1, width]), origin);
    let one = RealOp::Gather { input: row, indices: vec![element] };
    let one = module.push(one, Type::new(elem, &[1, 1]), origin);
    let mut inputs = Vec::new();
    for &cut in cuts {
        let limit = vec![at_least(cut, elem)];
        let limit = constant(module, Type::new(elem, &[1, 1]), limit, origin);
        let above = RealOp::Compare { relation: Relation::GreaterOrEqual, a: one, b: limit };
        inputs.push(module.push(above, Type::new(bool, &[1, 1]), origin));
    }
    if let [above] = inputs[..] {
        return module.push(RealOp::Reshape { input: above }, Type::new(bool, &[1]), origin);
    }
    let all = RealOp::Concat { inputs };
    let all = module.push(all, Type::new(bool, &[1, count]), origin);
    let numbers = RealOp::Cast { input: all };
    let numbers = module.push(numbers, Type::new(i64, &[1, count]), origin);
    let sum = RealOp::Reduce { function: Reduction::Sum, input: numbers };
    module.push(sum, Type::new(i64, &[1]), origin)
}

fn constant(module: &mut Module<Real>, ty: Type, elements: Vec<f64>, origin: OriginId) -> Value {
    let constant = module.constants.push(Constant { ty: ty.clone(), elements });
    module.push(RealOp::Constant { constant }, ty, origin)
}

/// The least number of the type that is not below the cut: a prediction is not
/// below one iff it is not below the other.
fn at_least(cut: f64, elem: ElementType) -> f64 {
    if elem != ElementType::F32 {
        return cut;
    }
    let nearest = cut as f32;
    let above = if f64::from(nearest) < cut { nearest.next_up() } else { nearest };
    // Beyond the greatest finite number there are no predictions.
    f64::from(above.clamp(f32::MIN, f32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skxc_ir::interpret::{Outcome, float};
    use skxc_ir::text::parse;
    use skxc_ir::validate::Validator;

    /// A regressor whose prediction is -0.5, 0.5 or 2 for the cells 0, 1 and 2.
    const REGRESSOR: &str = "real steps
@c0 = column size [0, 2]
@t0 = forest f32, 1 features, 1 targets
  roots [n0]
  n0 = if x0 <= 0.5 then n1 else n2
  n1 = leaf [0: -0.5]
  n2 = if x0 <= 1.5 then n3 else n4
  n3 = leaf [0: 0.5]
  n4 = leaf [0: 2.0]
end
%0 = input [size] : f32[1x1]
%1 = tree_ensemble @t0, %0 : f32[1x1]
output \"variable\" value %1
";

    fn check(cuts: &[f64], expect: [usize; 3]) {
        let mut module = parse::<Real>(REGRESSOR).expect("it is a module");
        let value = module.outputs[0].value;
        let texts = (0..=cuts.len()).map(|index| index.to_string()).collect();
        label_intervals(&mut module, "label", value, 0, cuts, texts);
        let module = Validator::validate(module).expect("it stays valid");
        let class = |x| match float(&module, &[Some(x)])[1] {
            Outcome::Label(class) => class,
            Outcome::Numbers(_) => panic!("the second output is the label"),
        };
        assert_eq!([0, 1, 2].map(class), expect, "{cuts:?}");
    }

    #[test]
    fn a_cut_belongs_to_the_interval_above() {
        check(&[], [0, 0, 0]);
        check(&[0.5], [0, 1, 1]);
        check(&[0.5 + 1e-12], [0, 0, 1]);
        check(&[-1.0, 0.0, 0.5, 2.5], [1, 3, 3]);
        check(&[-1e300, 1e300], [1, 1, 1]);
    }
}

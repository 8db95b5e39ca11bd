//! Random modules of the integer domain.

use proptest::prelude::*;

use super::{ForestPlan, columns, comb, forest_plans, frame, handles, labels};
use crate::forest::{Forest, IntTest, LeafWeight};
use crate::limits::FEATURE_MAGNITUDE_MAX;
use crate::module::{
    Column, Constant, Int, Interval, LabelTable, Module, Output, OutputKind, ScoreKind, Value,
};
use crate::ops::{IntBinary, IntOp};
use crate::origin::OriginId;
use crate::types::{ElementType, Type};

/// Trees of a plan are at most so many; the base value counts as one, and what
/// is computed from a sum doubles it.
const ADDENDS_MAX: i64 = 16;

/// What the sums are for.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// The label is the greatest sum, with a tie margin.
    ArgMax(i64),
    /// The label says whether the only sum is above a threshold.
    Greater(i64),
    /// The sums are the prediction.
    Predict,
}

/// Random integer modules: inputs, a forest, a decision.
pub fn int_modules() -> BoxedStrategy<Module<Int>> {
    let bits = prop_oneof![Just(8u8), Just(31), Just(32), Just(61), Just(62)];
    let choice = (columns(), bits, 0u8..62, any::<bool>());
    choice
        .prop_flat_map(|(columns, bits, frac_bits, reversed)| {
            let largest = ((1i64 << bits) - 1) / ADDENDS_MAX;
            let sums = prop_oneof![
                (2usize..5, prop_oneof![Just(0), 0..=largest])
                    .prop_map(|(targets, margin)| (targets, Use::ArgMax(margin))),
                (-largest..=largest).prop_map(|threshold| (1, Use::Greater(threshold))),
                (1usize..3).prop_map(|targets| (targets, Use::Predict)),
            ];
            let elem = ElementType::Fixed { bits, frac_bits };
            (Just((columns, elem, largest, reversed)), sums)
        })
        .prop_flat_map(|((columns, elem, largest, reversed), (targets, sums))| {
            let number = prop_oneof![-largest..=largest, Just(largest), Just(-largest), -2i64..3,];
            let test = tests(columns.len() as u32);
            let is_single = matches!(sums, Use::Greater(_));
            let plan = forest_plans::<Int>(targets, is_single, test, number.boxed());
            let rounding = proptest::collection::vec(0u64..9, targets);
            (Just((columns, elem, sums, reversed)), plan, labels(targets.max(2)), rounding)
        })
        .prop_map(|((columns, elem, sums, reversed), plan, labels, rounding)| {
            let mut module = build(&columns, sums, elem, reversed, &plan, labels);
            for forest in module.forests.handles() {
                module.forests[forest].rounding_half_units.clone_from(&rounding);
            }
            module
        })
        .boxed()
}

/// A module whose only tree is `branches` deep.
#[must_use]
pub fn int_chain(branches: u32) -> Module<Int> {
    let range = Interval::new(0, i64::from(branches));
    let column = Column { name: "x".to_owned(), range, missing: None };
    let (mut module, origin) = frame::<Int>(&[column], LabelTable::Integers(vec![0, 1]));
    let elem = ElementType::Fixed { bits: 62, frac_bits: 61 };
    let tests = (0..branches).map(|i| IntTest { feature: 0, at_most: i.into() });
    let mut forest = Forest::new(1, 1, elem, 0);
    forest.nodes = comb(tests, origin);
    let weights = (0..=branches).map(|i| LeafWeight { target: 0, weight: i64::from(i % 2) << 60 });
    forest.weights = weights.collect();
    forest.roots = vec![0];
    finish(&mut module, forest, Use::Greater(1 << 59), false, origin);
    module
}

fn tests(features: u32) -> BoxedStrategy<IntTest> {
    let at_most = prop_oneof![
        4 => -6i64..260,
        1 => 0i64..70_000,
        1 => -FEATURE_MAGNITUDE_MAX - 1..=FEATURE_MAGNITUDE_MAX,
        1 => prop_oneof![
            Just(u32::MAX.into()),
            Just(i64::from(i32::MAX)),
            Just(i64::from(i32::MIN)),
            Just(-FEATURE_MAGNITUDE_MAX - 1),
            Just(FEATURE_MAGNITUDE_MAX),
        ],
    ];
    (0..features, at_most).prop_map(|(feature, at_most)| IntTest { feature, at_most }).boxed()
}

fn build(
    columns: &[Column],
    sums: Use,
    elem: ElementType,
    reversed: bool,
    plan: &ForestPlan<Int>,
    labels: LabelTable,
) -> Module<Int> {
    let (mut module, origin) = frame::<Int>(columns, labels);
    let forest = plan.build(columns.len() as u32, elem, &mut module.origins);
    finish(&mut module, forest, sums, reversed, origin);
    module
}

/// Appends inputs, trees, decision and outputs.
fn finish(
    module: &mut Module<Int>,
    forest: Forest<Int>,
    sums: Use,
    reversed: bool,
    origin: OriginId,
) {
    let (targets, elem) = (forest.targets, forest.elem);
    let mut columns = handles(module.columns.len());
    if reversed {
        columns.reverse();
    }
    let ty = Type::new(ElementType::I64, &[1, columns.len() as u32]);
    let input = module.push(IntOp::Input { columns }, ty, origin);
    let forest = module.forests.push(forest);
    let ty = Type::new(elem, &[1, targets]);
    let score = module.push(IntOp::TreeEnsemble { forest, input }, ty, origin);
    let mut output = |name: &str, kind, value| {
        module.outputs.push(Output { name: name.to_owned(), kind, value });
    };
    let class = match sums {
        Use::Predict => return output("variable", OutputKind::Value, score),
        Use::ArgMax(margin) => {
            output("scores", OutputKind::Score(ScoreKind::Raw), score);
            let ty = Type::new(ElementType::I64, &[1]);
            module.push(IntOp::ArgMax { input: score, margin }, ty, origin)
        }
        Use::Greater(threshold) => {
            let pair = both_scores(module, score, elem, threshold, origin);
            let kind = OutputKind::Score(ScoreKind::Probability);
            module.outputs.push(Output { name: "probabilities".to_owned(), kind, value: pair });
            let ty = Type::new(ElementType::Bool, &[1, 1]);
            let class = module.push(IntOp::Greater { a: score, threshold }, ty, origin);
            let ty = Type::new(ElementType::Bool, &[1]);
            module.push(IntOp::Reshape { input: class }, ty, origin)
        }
    };
    let table = module.labels.handles().next().expect("a frame has labels");
    let ty = Type::new(ElementType::Label(table), &[1]);
    let value = module.push(IntOp::Label { table, class }, ty, origin);
    module.outputs.push(Output { name: "label".to_owned(), kind: OutputKind::Label, value });
}

/// Appends `[constant - score, score]`.
fn both_scores(
    module: &mut Module<Int>,
    score: Value,
    elem: ElementType,
    constant: i64,
    origin: OriginId,
) -> Value {
    let single = Type::new(elem, &[1, 1]);
    let constant = Constant { ty: single.clone(), elements: vec![constant] };
    let constant = module.constants.push(constant);
    let one = module.push(IntOp::Constant { constant }, single.clone(), origin);
    let other = module.push(
        IntOp::Binary { function: IntBinary::Subtract, a: one, b: score },
        single,
        origin,
    );
    let pair = Type::new(elem, &[1, 2]);
    module.push(IntOp::Concat { inputs: vec![other, score] }, pair, origin)
}

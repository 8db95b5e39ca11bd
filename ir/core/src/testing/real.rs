//! Random modules of the real domain.

use proptest::prelude::*;

use super::{ForestPlan, columns, comb, forest_plans, frame, handles, labels};
use crate::forest::{Forest, LeafWeight, Mode, RealTest};
use crate::module::{
    Column, Constant, Interval, LabelTable, Module, Output, OutputKind, Real, ScoreKind, Value,
};
use crate::ops::{Binary, RealOp, Relation};
use crate::origin::OriginId;
use crate::types::{ElementType, Type};

/// What the sums are for.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// The label is the greatest sum.
    ArgMax,
    /// The label says whether the only sum is above a constant.
    Greater(f64),
    /// The sums are the prediction.
    Predict,
}

/// What stands between the columns and the trees.
#[derive(Clone, Copy, Debug)]
enum Plumbing {
    Direct,
    ThroughIntegers,
    OneByOne,
    Reversed,
}

/// Random tree models as a front end makes them.
pub fn real_modules() -> BoxedStrategy<Module<Real>> {
    let sums = prop_oneof![
        (2usize..5).prop_map(|targets| (targets, Use::ArgMax)),
        prop_oneof![Just(0.5), Just(0.0), Just(-1.25)].prop_map(|t| (1, Use::Greater(t))),
        (1usize..3).prop_map(|targets| (targets, Use::Predict)),
    ];
    let plumbing = prop_oneof![
        Just(Plumbing::Direct),
        Just(Plumbing::ThroughIntegers),
        Just(Plumbing::OneByOne),
        Just(Plumbing::Reversed),
    ];
    let elem = prop_oneof![Just(ElementType::F32), Just(ElementType::F64)];
    let choice = (columns(), sums, plumbing, elem, any::<bool>());
    choice
        .prop_flat_map(|(columns, (targets, sums), plumbing, elem, is_vote)| {
            let test = tests(columns.len() as u32, elem);
            let is_single = matches!(sums, Use::Greater(_));
            let plan = forest_plans::<Real>(targets, is_single, test, numbers(elem, is_vote));
            let labels = labels(targets.max(2));
            (Just((columns, sums, plumbing, elem)), plan, labels)
        })
        .prop_map(|((columns, sums, plumbing, elem), plan, labels)| {
            build(&columns, sums, plumbing, elem, &plan, labels)
        })
        .boxed()
}

/// A model whose only tree is `branches` deep.
#[must_use]
pub fn real_chain(branches: u32) -> Module<Real> {
    let column = Column {
        name: "x".to_owned(),
        range: Interval::new(0, i64::from(branches)),
        missing: None,
    };
    let (mut module, origin) = frame::<Real>(&[column], LabelTable::Integers(vec![0, 1]));
    let tests = (0..branches).map(|i| RealTest {
        feature: 0,
        mode: Mode::Equal,
        threshold: f64::from(i as f32),
        missing_is_yes: false,
    });
    let mut forest = Forest::new(1, 1, ElementType::F32, 0.0);
    forest.nodes = comb(tests, origin);
    let weights = (0..=branches).map(|i| LeafWeight { target: 0, weight: f64::from(i % 2) });
    forest.weights = weights.collect();
    forest.roots = vec![0];
    finish(&mut module, forest, Use::Greater(0.5), Plumbing::Direct, ElementType::F32, origin);
    module
}

fn tests(features: u32, elem: ElementType) -> BoxedStrategy<RealTest> {
    let threshold = prop_oneof![
        4 => (-10i32..300).prop_map(|x| f64::from(x) / 2.0),
        1 => any::<i64>().prop_map(|x| x as f64),
        1 => (0u32..64, -3i64..4).prop_map(|(bits, d)| f64::exp2(bits.into()) + d as f64),
        1 => any::<f32>().prop_filter_map("NaN", |x| (!x.is_nan()).then_some(x.into())),
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0)],
    ];
    let mode = prop_oneof![
        2 => Just(Mode::LessOrEqual),
        1 => proptest::sample::select(Mode::ALL.as_slice()),
    ];
    let test = (0..features, mode, threshold, proptest::bool::weighted(0.2));
    let test = test.prop_map(move |(feature, mode, threshold, missing_is_yes)| {
        let threshold = rounded(threshold, elem);
        RealTest { feature, mode, threshold, missing_is_yes }
    });
    test.boxed()
}

/// Weights of a vote lie in [0, 1] and often coincide.
fn numbers(elem: ElementType, is_vote: bool) -> BoxedStrategy<f64> {
    let number = if is_vote {
        (0i32..=10).prop_map(|k| f64::from(k) / 10.0).boxed()
    } else {
        prop_oneof![
            4 => -3.0..3.0f64,
            1 => -1e6..1e6f64,
            1 => -1e-6..1e-6f64,
            1 => Just(0.0),
        ]
        .boxed()
    };
    number.prop_map(move |x| rounded(x, elem)).boxed()
}

fn rounded(x: f64, elem: ElementType) -> f64 {
    if elem == ElementType::F32 { f64::from(x as f32) } else { x }
}

fn build(
    columns: &[Column],
    sums: Use,
    plumbing: Plumbing,
    elem: ElementType,
    plan: &ForestPlan<Real>,
    labels: LabelTable,
) -> Module<Real> {
    let (mut module, origin) = frame::<Real>(columns, labels);
    let forest = plan.build(columns.len() as u32, elem, &mut module.origins);
    finish(&mut module, forest, sums, plumbing, elem, origin);
    module
}

/// Appends inputs, trees, decision and outputs.
fn finish(
    module: &mut Module<Real>,
    forest: Forest<Real>,
    sums: Use,
    plumbing: Plumbing,
    elem: ElementType,
    origin: OriginId,
) {
    let targets = forest.targets;
    let row = features(module, plumbing, elem, origin);
    let forest = module.forests.push(forest);
    let ty = Type::new(elem, &[1, targets]);
    let score = module.push(RealOp::TreeEnsemble { forest, input: row }, ty, origin);
    let mut output = |name: &str, kind, value| {
        module.outputs.push(Output { name: name.to_owned(), kind, value });
    };
    match sums {
        Use::Predict => output("variable", OutputKind::Value, score),
        Use::ArgMax | Use::Greater(_) => {
            output("raw \"scores\"", OutputKind::Score(ScoreKind::Raw), score);
            decide(module, score, sums, elem, origin);
        }
    }
}

/// Appends the label, and for a single sum the scores of both classes.
fn decide(module: &mut Module<Real>, score: Value, sums: Use, elem: ElementType, origin: OriginId) {
    let table = module.labels.handles().next().expect("a frame has labels");
    let class = if let Use::Greater(threshold) = sums {
        let single = Type::new(elem, &[1, 1]);
        let mut constant = |x| {
            let constant = Constant { ty: single.clone(), elements: vec![x] };
            let constant = module.constants.push(constant);
            module.push(RealOp::Constant { constant }, single.clone(), origin)
        };
        let (one, threshold) = (constant(1.0), constant(threshold));
        let other = module.push(
            RealOp::Binary { function: Binary::Subtract, a: one, b: score },
            single,
            origin,
        );
        let pair = Type::new(elem, &[1, 2]);
        let pair = module.push(RealOp::Concat { inputs: vec![other, score] }, pair, origin);
        let kind = OutputKind::Score(ScoreKind::Probability);
        module.outputs.push(Output { name: "probabilities".to_owned(), kind, value: pair });
        let ty = Type::new(ElementType::Bool, &[1, 1]);
        let class = module.push(
            RealOp::Compare { relation: Relation::Greater, a: score, b: threshold },
            ty,
            origin,
        );
        module.push(RealOp::Reshape { input: class }, Type::new(ElementType::Bool, &[1]), origin)
    } else {
        let ty = Type::new(ElementType::I64, &[1]);
        module.push(RealOp::ArgMax { input: score }, ty, origin)
    };
    let ty = Type::new(ElementType::Label(table), &[1]);
    let value = module.push(RealOp::Label { table, class }, ty, origin);
    let kind = OutputKind::Label;
    module.outputs.push(Output { name: "label".to_owned(), kind, value });
}

fn features(
    module: &mut Module<Real>,
    plumbing: Plumbing,
    elem: ElementType,
    origin: OriginId,
) -> Value {
    let columns = handles(module.columns.len());
    let count = columns.len() as u32;
    let row = Type::new(elem, &[1, count]);
    match plumbing {
        Plumbing::Direct => module.push(RealOp::Input { columns }, row, origin),
        Plumbing::ThroughIntegers => {
            let integers = Type::new(ElementType::I64, &[1, count]);
            let input = module.push(RealOp::Input { columns }, integers, origin);
            module.push(RealOp::Cast { input }, row, origin)
        }
        Plumbing::OneByOne => {
            let single = Type::new(elem, &[1, 1]);
            let inputs = columns.into_iter().map(|column| {
                let columns = vec![column];
                module.push(RealOp::Input { columns }, single.clone(), origin)
            });
            let inputs = inputs.collect();
            module.push(RealOp::Concat { inputs }, row, origin)
        }
        Plumbing::Reversed => {
            let input = module.push(RealOp::Input { columns }, row.clone(), origin);
            let indices = (0..count).rev().collect();
            module.push(RealOp::Gather { input, indices }, row, origin)
        }
    }
}

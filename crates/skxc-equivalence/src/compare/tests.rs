//! Tests of the comparisons against machines that are right, and wrong.

use std::convert::Infallible;

use skxc_ir::{
    Column, ElementType, Forest, Int, IntOp, IntTest, Interval, LabelTable, LeafWeight, Mode,
    Module, Origin, Output, OutputKind, Real, RealOp, RealTest, ScoreKind, TreeNode, Type,
};
use skxc_runtime::{FEATURES, Link, Needs};

use super::*;
use crate::decision::decide;
use crate::frames::Packet;
use crate::inputs::{Kind, Options, Rows};
use crate::machine::{BatchRunner, Counter, Field, Layout, PacketRunner};
use crate::verdict::{Part, Reason, Verdict};

const FRAC_BITS: u8 = 26;
const TTL_THRESHOLD: i64 = 63;

/// One column, two classes, one tree: `ip_ttl <= 63` votes 0.7 for class 1.
fn real(threshold: f64) -> Module<Real> {
    let mut module = Module::new("tested");
    let range = Interval::new(0, 255);
    let column = module.columns.push(Column { name: "ip_ttl".into(), range, missing: None });
    let table = module.labels.push(LabelTable::Integers(vec![0, 1]));
    let origin = module.origins.add(Origin::Node { node: 0 });
    let f32 = ElementType::F32;
    let input = RealOp::Input { columns: vec![column] };
    let input = module.push(input, Type::new(f32, &[1, 1]), origin);
    let mut forest = Forest::new(1, 2, f32, 0.0);
    forest.roots = vec![0];
    let mode = Mode::LessOrEqual;
    let test = RealTest { feature: 0, mode, threshold, missing_is_yes: false };
    forest.nodes = vec![
        TreeNode::Branch { test, yes: 1, no: 2, origin },
        TreeNode::Leaf { first: 0, count: 2, origin },
        TreeNode::Leaf { first: 2, count: 2, origin },
    ];
    let weight = |target, weight: f32| LeafWeight { target, weight: weight.into() };
    forest.weights = vec![weight(0, 0.3), weight(1, 0.7), weight(0, 0.9), weight(1, 0.1)];
    let forest = module.forests.push(forest);
    let sums = RealOp::TreeEnsemble { forest, input };
    let sums = module.push(sums, Type::new(f32, &[1, 2]), origin);
    let class = RealOp::ArgMax { input: sums };
    let class = module.push(class, Type::new(ElementType::I64, &[1]), origin);
    let label = RealOp::Label { table, class };
    let label = module.push(label, Type::new(ElementType::Label(table), &[1]), origin);
    let output = |name: &str, kind, value| Output { name: name.into(), kind, value };
    module.outputs = vec![
        output("label", OutputKind::Label, label),
        output("scores", OutputKind::Score(ScoreKind::Probability), sums),
    ];
    module
}

/// The integer form of [`real`], which the passes would make.
fn int(at_most: i64) -> Module<Int> {
    let from = real(0.0);
    let mut module = Module::new("tested");
    module.columns = from.columns.clone();
    module.labels = from.labels.clone();
    module.origins = from.origins.clone();
    let origin = skxc_ir::Handle::from_index(0);
    let (column, table) = (skxc_ir::Handle::from_index(0), skxc_ir::Handle::from_index(0));
    let fixed = ElementType::Fixed { bits: 62, frac_bits: FRAC_BITS };
    let input = IntOp::Input { columns: vec![column] };
    let input = module.push(input, Type::new(ElementType::I64, &[1, 1]), origin);
    let real_forest = &from.forests[skxc_ir::Handle::from_index(0)];
    let mut forest = Forest::new(1, 2, fixed, 0);
    forest.roots = vec![0];
    forest.nodes = vec![
        TreeNode::Branch { test: IntTest { feature: 0, at_most }, yes: 1, no: 2, origin },
        TreeNode::Leaf { first: 0, count: 2, origin },
        TreeNode::Leaf { first: 2, count: 2, origin },
    ];
    let weights = real_forest.weights.iter().map(|weight| LeafWeight {
        target: weight.target,
        weight: (weight.weight * f64::exp2(FRAC_BITS.into())) as i64,
    });
    forest.weights = weights.collect();
    let forest = module.forests.push(forest);
    let sums = IntOp::TreeEnsemble { forest, input };
    let sums = module.push(sums, Type::new(fixed, &[1, 2]), origin);
    let class = IntOp::ArgMax { input: sums, margin: 0 };
    let class = module.push(class, Type::new(ElementType::I64, &[1]), origin);
    let label = IntOp::Label { table, class };
    let label = module.push(label, Type::new(ElementType::Label(table), &[1]), origin);
    module.outputs = from.outputs.clone();
    module.outputs[0].value = label;
    module.outputs[1].value = sums;
    module
}

fn layout() -> Layout {
    let field = |offset_bytes, size_bytes, signed| Field { offset_bytes, size_bytes, signed };
    Layout {
        features_bytes: 1,
        features: vec![Some(field(0, 1, false))],
        result_bytes: 24,
        labels: vec![field(0, 4, false)],
        scores: vec![field(8, 8, true), field(16, 8, true)],
    }
}

/// Interprets a module, as an object would compute it.
struct Interpreter(Module<Int>);

impl BatchRunner for Interpreter {
    type Error = Infallible;
    fn run(&mut self, vectors: usize, features: &[u8]) -> Result<Vec<u8>, Infallible> {
        let layout = layout();
        let mut results = vec![0; vectors * layout.result_bytes];
        for (&ttl, result) in features.iter().zip(results.chunks_exact_mut(layout.result_bytes)) {
            let decision = decide(&self.0, &[i64::from(ttl)]);
            for (field, &label) in layout.labels.iter().zip(&decision.labels) {
                field.store(result, label.into());
            }
            for (field, &score) in layout.scores.iter().zip(&decision.scores) {
                field.store(result, score);
            }
        }
        Ok(results)
    }
}

/// Parses and decides, as a program would, with a module of its own.
struct Filter {
    module: Module<Int>,
    program: Program,
    counters: Vec<Counter>,
}

impl PacketRunner for Filter {
    type Error = Infallible;
    fn run(&mut self, packet: &Packet) -> Result<u32, Infallible> {
        let parsed = skxc_runtime::parse(packet.frame(), self.program.needs.union(Needs::UNMERGED));
        let (length, _) = skxc_runtime::find("packet_length").expect("it is in the table");
        let (counter, action) = match parsed.reason {
            Some(reason) => (
                self.program.reasons_at() + reason.number() as usize,
                self.program.fallbacks[reason.number() as usize],
            ),
            None => {
                let row = [i64::from(parsed.values[self.program.features[0]])];
                let class = decide(&self.module, &row).labels[0] as usize;
                (class, self.program.actions[0][class])
            }
        };
        self.counters[counter].packets += 1;
        self.counters[counter].bytes += u64::from(parsed.values[length]);
        Ok(action)
    }
    fn counters(&mut self) -> Result<Vec<Counter>, Infallible> {
        Ok(self.counters.clone())
    }
}

fn program() -> Program {
    let (feature, _) = skxc_runtime::find("ip_ttl").expect("it is in the table");
    Program {
        features: vec![feature],
        needs: FEATURES[feature].needs,
        actions: vec![vec![2, 1]],
        fallbacks: (0..skxc_runtime::Reason::COUNT).map(|number| number % 3).collect(),
        shadow: None,
    }
}

fn check_packets(module: Module<Int>) -> crate::Report {
    let counters = vec![Counter::default(); 16];
    let mut runner = Filter { module, program: program(), counters };
    let frames = crate::frames::frames(Vec::new(), 1, 500);
    let Ok(report) = packets(&int(TTL_THRESHOLD), &program(), &mut runner, frames, &mut |_| {});
    report
}

fn check_object(object_of: Module<Int>, options: Options) -> crate::Report {
    let mut runner = Interpreter(object_of);
    let module = int(TTL_THRESHOLD);
    let given = Rows::new(1);
    let Ok(report) = object(&module, &layout(), &mut runner, given, options, &mut |_| {});
    report
}

#[test]
fn few_rows_make_a_proof_and_no_rows_make_none() {
    let report = check_object(int(TTL_THRESHOLD), Options::default());
    assert_eq!(report.verdict, Verdict::Proven);
    let options = Options { exhaustive_rows_max: 0, ..Options::default() };
    let report = check_object(int(TTL_THRESHOLD), options);
    assert_eq!(report.verdict, Verdict::NoMismatch { vectors: report.vectors() });
    let nothing = expected(&real(63.5), &int(TTL_THRESHOLD), &Rows::new(1), &[]);
    assert!(!nothing.verdict.passed());
}

#[test]
fn an_object_with_another_threshold_is_refuted_at_that_threshold() {
    let report = check_object(int(TTL_THRESHOLD + 1), Options::default());
    let found = report.verdict.counterexample().expect("64 differs");
    assert_eq!((&found.row[..], found.part), (&[64][..], Part::label(0, 1)));
    assert_eq!((found.expected.as_str(), found.got.as_str()), ("0", "1"));
    assert!(report.mismatches >= 2, "once among all rows and once at the threshold");
}

#[test]
fn an_object_whose_score_is_one_unit_off_is_refuted() {
    let mut wrong = int(TTL_THRESHOLD);
    let forest = skxc_ir::Handle::from_index(0);
    wrong.forests[forest].weights[3].weight += 1;
    let report = check_object(wrong, Options::default());
    assert_eq!(report.verdict.counterexample().map(|found| found.part), Some(Part::Score(1)));
}

#[test]
fn the_model_agrees_within_its_bound_and_not_beyond() {
    let check = |module: &Module<Int>, real: &Module<Real>| {
        let mut given = Rows::new(1);
        given.push(Kind::Csv, &[63]);
        given.push(Kind::Csv, &[64]);
        model(real, module, given, Options::default(), &mut |_| {})
    };
    let mut module = int(TTL_THRESHOLD);
    let forest = skxc_ir::Handle::from_index(0);
    // `0.1f32` needs 27 bits behind the point.
    let found = check(&module, &real(63.5)).verdict;
    assert!(matches!(found.counterexample().map(|found| found.part), Some(Part::Score(_))));
    module.forests[forest].rounding_half_units = vec![2, 2];
    let report = check(&module, &real(63.5));
    assert_eq!(report.verdict, Verdict::Proven);
    assert_eq!(report.margin_affected, Some(0));
    assert!(report.scores.iter().all(|it| it.rows > 0), "rows of the caller are compared exactly");
    assert!(report.scores.iter().any(|it| it.error_max > 0.0));
    assert!(report.scores.iter().all(|it| it.error_max <= it.bound));
    // A threshold elsewhere is no tie, however it is looked at.
    let found = check(&module, &real(62.5)).verdict;
    let found = found.counterexample().expect("63 differs");
    assert_eq!((&found.row[..], found.part), (&[63][..], Part::label(0, 1)));
}

#[test]
fn a_tie_that_only_rounding_decides_is_a_near_tie() {
    let mut exact = real(63.5);
    let mut module = int(TTL_THRESHOLD);
    let forest = skxc_ir::Handle::from_index(0);
    // Equal up to half an ulp of f32: the margin makes class 0 win.
    exact.forests[skxc_ir::Handle::from_index(0)].weights[1].weight = f64::from(0.3f32.next_up());
    let unit = f64::exp2(FRAC_BITS.into());
    module.forests[forest].weights[1].weight = (f64::from(0.3f32.next_up()) * unit) as i64;
    module.forests[forest].rounding_half_units = vec![2, 2];
    let check =
        |module: &Module<Int>| model(&exact, module, Rows::new(1), Options::default(), &mut |_| {});
    let report = check(&module);
    assert!(report.verdict.passed());
    // The scores are two units apart, and each may be off by one.
    assert!(report.margin_affected.is_some_and(|rows| rows >= 64), "{report:?}");
    let argmax = |margin| IntOp::ArgMax { input: skxc_ir::Handle::from_index(1), margin };
    let class = skxc_ir::Handle::from_index(2);
    module.node_mut(class).op = argmax(1 << (FRAC_BITS - 20));
    let report = check(&module);
    assert_eq!((report.mismatches, report.margin_affected), (0, Some(0)));
    assert!(report.near_ties >= 64, "{}", report.near_ties);
    assert!(matches!(report.verdict, Verdict::NoMismatch { .. }), "allowed, but not proven");
}

/// A relation that holds up to a threshold becomes one that does not hold above it.
#[test]
fn a_label_is_understood_behind_a_relation_that_is_negated() {
    let text = "real a
@c0 = column ip_ttl [0, 255]
@c1 = column ip_id [0, 65535]
@l0 = labels [0, 1]
@w0 = constant f32[2x1] [0.3333333432674408, -0.0009765625]
@w1 = constant f32[1] [0.5]
%0 = input [ip_ttl, ip_id] : f32[1x2]
%1 = constant @w0 : f32[2x1]
%2 = matmul %0, %1 : f32[1x1]
%3 = constant @w1 : f32[1]
%4 = less_or_equal %2, %3 : bool[1x1]
%5 = reshape %4 : bool[1]
%6 = label @l0, %5 : label(@l0)[1]
output \"label\" label %6
";
    let (real, int) = compiled(text);
    assert!(int.nodes.iter().any(|(_, node)| matches!(node.op, IntOp::Not { .. })));
    let report = model(&real, &int, Rows::new(2), Options::default(), &mut |_| {});
    assert!(report.verdict.passed() && report.margin_affected.is_some(), "{report:?}");
}

#[test]
fn labels_that_differ_behind_scores_without_a_bound_are_no_pass() {
    let mut module = int(TTL_THRESHOLD);
    let sums = skxc_ir::Handle::from_index(1);
    let of_sums = module.ty(sums).clone();
    // Each score over itself: class 0 everywhere. What is off by more than it is
    // bounds no quotient.
    module.forests[skxc_ir::Handle::from_index(0)].rounding_half_units = vec![u64::MAX; 2];
    let divide = IntOp::Divide { a: sums, b: sums, shift: FRAC_BITS };
    let origin = skxc_ir::Handle::from_index(0);
    let quotients = module.push(divide, of_sums, origin);
    let argmax = IntOp::ArgMax { input: quotients, margin: 0 };
    let class = module.push(argmax, Type::new(ElementType::I64, &[1]), origin);
    let table = skxc_ir::Handle::from_index(0);
    let label = IntOp::Label { table, class };
    let label = module.push(label, Type::new(ElementType::Label(table), &[1]), origin);
    module.outputs[0].value = label;
    module.outputs.truncate(1);
    let check = |threshold: f64, module: &Module<Int>| {
        let mut real = real(threshold);
        real.outputs.truncate(1);
        model(&real, module, Rows::new(1), Options::default(), &mut |_| {})
    };
    let report = check(63.5, &module);
    assert_eq!(report.verdict, Verdict::Inconclusive { reason: Reason::NoBound });
    assert!(report.undecided >= 64, "{report:?}");
    // With equal labels there is nothing to decide.
    let report = check(-1.0, &module);
    assert_eq!((report.verdict, report.undecided), (Verdict::Proven, 0));
}

/// Both modules of a text: as the model says, and as the passes make it.
fn compiled(text: &str) -> (Module<Real>, Module<Int>) {
    let real = skxc_ir::text::parse::<Real>(text).expect("the text is a module");
    let options = skxc_passes::pipeline::Options::default();
    let int = skxc_passes::pipeline::run(real.clone(), &options, &mut |_, _, _| {});
    let int = int.expect("it has an integer form").into_inner();
    (real, int)
}

/// `2^24 a + b - 2^24 a` is `b`; an `f32` loses it where `a` is 1.
#[test]
fn a_label_of_exact_arithmetic_that_floats_miss_is_their_noise() {
    let text = "real a
@c0 = column ip_flag_df [0, 1]
@c1 = column ip_flag_mf [0, 1]
@l0 = labels [0, 1]
@w0 = constant f32[3x1] [16777216.0, 1.0, -16777216.0]
@w1 = constant f32[1] [0.5]
%0 = input [ip_flag_df, ip_flag_mf] : f32[1x2]
%1 = gather %0 [0, 1, 0] : f32[1x3]
%2 = constant @w0 : f32[3x1]
%3 = matmul %1, %2 : f32[1x1]
%4 = constant @w1 : f32[1]
%5 = greater %3, %4 : bool[1x1]
%6 = reshape %5 : bool[1]
%7 = label @l0, %6 : label(@l0)[1]
output \"label\" label %7
output \"sum\" score raw %3
";
    let (real, int) = compiled(text);
    let report = model(&real, &int, Rows::new(2), Options::default(), &mut |_| {});
    assert!(matches!(report.verdict, Verdict::NoMismatch { .. }), "allowed, but not proven");
    assert!(report.float_noise > 0 && report.mismatches == 0, "{report:?}");
}

#[test]
fn of_a_score_that_is_no_number_nothing_is_said() {
    let text = "real a
@c0 = column ip_ecn [0, 3]
@c1 = column ip_precedence [0, 7]
%0 = input [ip_ecn, ip_precedence] : f32[1x2]
%1 = gather %0 [0] : f32[1x1]
%2 = gather %0 [1] : f32[1x1]
%3 = divide %1, %2 : f32[1x1]
output \"quotient\" score raw %3
";
    let (real, mut int) = compiled(text);
    let report = model(&real, &int, Rows::new(2), Options::default(), &mut |_| {});
    assert!(matches!(report.verdict, Verdict::NoMismatch { .. }), "nothing is proven of 0/0");
    assert!(report.not_numbers > 0 && report.mismatches == 0, "{report:?}");
    assert!(report.scores[0].rows > 0);
    // Where the divisor is 0 in every row there was nothing to compare.
    let mut real = real;
    let range = Interval::new(0, 0);
    for module_columns in [&mut real.columns, &mut int.columns] {
        module_columns[skxc_ir::Handle::from_index(1)].range = range;
    }
    let report = model(&real, &int, Rows::new(2), Options::default(), &mut |_| {});
    assert_eq!(report.verdict, Verdict::Inconclusive { reason: Reason::NotANumber });
}

#[test]
fn a_bound_as_large_as_the_range_is_no_agreement() {
    let mut module = int(TTL_THRESHOLD);
    let forest = skxc_ir::Handle::from_index(0);
    let check = |module: &Module<Int>| {
        model(&real(63.5), module, Rows::new(1), Options::default(), &mut |_| {})
    };
    // Scores go from 0.3 to 0.9 and from 0.1 to 0.7: half of that is a bound.
    module.forests[forest].rounding_half_units = vec![(0.6 * f64::exp2(26.0)) as u64; 2];
    assert_eq!(check(&module).verdict, Verdict::Proven);
    module.forests[forest].rounding_half_units = vec![(1.3 * f64::exp2(26.0)) as u64; 2];
    let report = check(&module);
    assert_eq!(report.verdict, Verdict::Inconclusive { reason: Reason::WideBound });
    assert!(report.scores.iter().all(|score| score.is_unbounded()), "{report:?}");
}

#[test]
fn a_prediction_without_a_bound_is_undecided_unless_it_is_the_trainers() {
    let mut module = int(TTL_THRESHOLD);
    let sums = skxc_ir::Handle::from_index(1);
    let origin = skxc_ir::Handle::from_index(0);
    let first = IntOp::Gather { input: sums, indices: vec![1] };
    let first = module.push(first, Type::new(module.ty(sums).elem, &[1, 1]), origin);
    module.forests[skxc_ir::Handle::from_index(0)].rounding_half_units = vec![u64::MAX; 2];
    module.outputs = vec![Output { name: "value".into(), kind: OutputKind::Value, value: first }];
    let mut rows = Rows::new(1);
    rows.push(Kind::Csv, &[10]);
    let mut file = real(63.5);
    let sums = file.outputs[1].value;
    let first = RealOp::Gather { input: sums, indices: vec![1] };
    let first = file.push(first, Type::new(ElementType::F32, &[1, 1]), origin);
    file.outputs = vec![Output { name: "value".into(), kind: OutputKind::Value, value: first }];
    let check = |file: &Module<Real>, word: &str| {
        let report = expected(file, &module, &rows, &[vec![word.to_owned()]]);
        (report.file_mismatches, report.verdict)
    };
    assert!(check(&file, "0.7").1.passed());
    // The file says 0.7: whatever the program may be off by, it is not 0.2.
    assert_eq!(check(&file, "0.2").0, 1);
    let weights = &mut file.forests[skxc_ir::Handle::from_index(0)].weights;
    weights[1].weight = f64::from(0.2f32);
    assert_eq!(check(&file, "0.2"), (0, Verdict::Inconclusive { reason: Reason::NoBound }));
}

#[test]
fn whole_packets_are_compared_with_their_counters() {
    let report = check_packets(int(TTL_THRESHOLD));
    assert!(report.verdict.passed(), "{report:?}");
    assert!(report.vectors() > 1000);
    let report = check_packets(int(TTL_THRESHOLD + 1));
    let found = report.verdict.counterexample().expect("some packet has TTL 64");
    assert_eq!((&found.row[..], found.part), (&[64][..], Part::Action));
    assert_eq!((found.expected.as_str(), found.got.as_str()), ("pass", "drop"));
}

#[test]
fn a_wrong_counter_is_a_difference() {
    let mut runner = Filter {
        module: int(TTL_THRESHOLD),
        program: Program { actions: vec![vec![2, 1, 2]], ..program() },
        counters: vec![Counter::default(); 16],
    };
    let frames = [(Kind::Capture, Packet::whole(vec![0; 60], Link::Ethernet))];
    let Ok(report) = packets(&int(TTL_THRESHOLD), &program(), &mut runner, frames, &mut |_| {});
    let found = report.verdict.counterexample().expect("it counted another reason");
    assert_eq!(found.part, Part::Counter);
    // A row of zeros has no class here, and is counted at the place of another reason.
    assert_eq!(found.expected, "cannot classify, not-ip: 1 packet, 60 bytes");
    assert_eq!(found.got, "cannot classify, not-ip: 0 packets, 0 bytes");
}

#[test]
fn classes_of_one_name_are_told_by_their_numbers() {
    let mut module = int(TTL_THRESHOLD);
    module.labels[skxc_ir::Handle::from_index(0)] = LabelTable::Strings(vec!["drop".into(); 2]);
    let mut other = int(TTL_THRESHOLD + 1);
    other.labels = module.labels.clone();
    let mut runner = Interpreter(other);
    let (given, options) = (Rows::new(1), Options::default());
    let Ok(report) = object(&module, &layout(), &mut runner, given, options, &mut |_| {});
    let found = report.verdict.counterexample().expect("64 differs");
    assert_eq!((found.expected.as_str(), found.got.as_str()), ("drop (class 0)", "drop (class 1)"));
}

/// A program that drops one packet and no other, and then that one neither.
struct Once(Filter, bool);

impl PacketRunner for Once {
    type Error = Infallible;
    fn run(&mut self, packet: &Packet) -> Result<u32, Infallible> {
        let Ok(action) = self.0.run(packet);
        Ok(if std::mem::take(&mut self.1) { 4 } else { action })
    }
    fn counters(&mut self) -> Result<Vec<Counter>, Infallible> {
        self.0.counters()
    }
}

#[test]
fn a_difference_that_does_not_repeat_is_shown_as_it_was_met() {
    let (module, program, counters) = (int(TTL_THRESHOLD), program(), vec![Counter::default(); 16]);
    let mut runner = Once(Filter { module, program, counters }, true);
    let frames = [(Kind::Capture, Packet::whole(vec![0; 60], Link::Ethernet))];
    let Ok(report) =
        packets(&int(TTL_THRESHOLD), &super::tests::program(), &mut runner, frames, &mut |_| {});
    let found = report.verdict.counterexample().expect("the first packet was redirected");
    assert_eq!((found.got.as_str(), report.mismatches), ("redirect", 1));
    assert_ne!(found.expected, found.got);
    assert_eq!(found.frame.as_ref().map(|packet| packet.data.len()), Some(60));
}

#[test]
fn labels_of_the_trainer_are_compared_by_row() {
    let mut rows = Rows::new(1);
    rows.push(Kind::Csv, &[10]);
    rows.push(Kind::Csv, &[100]);
    let labels = |words: [&str; 2]| words.map(|word| vec![word.to_owned()]);
    let module = int(TTL_THRESHOLD);
    let check = |file: &Module<Real>, words| expected(file, &module, &rows, &labels(words));
    assert!(check(&real(63.5), ["1", "0.0"]).verdict.passed());
    let report = check(&real(63.5), ["1", "1"]);
    let found = report.verdict.counterexample().expect("row 1 differs");
    assert_eq!((found.index, found.expected.as_str(), found.got.as_str()), (Some(1), "1", "0"));
    assert_eq!((report.mismatches, report.file_mismatches), (1, 1), "the file says 0, too");
    // A class that the file does not have.
    assert_eq!(check(&real(63.5), ["1", "2"]).file_mismatches, 1);
    // A file that says what the trainer says: the program is another.
    let report = check(&real(100.5), ["1", "1"]);
    assert_eq!((report.mismatches, report.file_mismatches), (1, 0));
    // Of both kinds, the program is shown.
    let report = check(&real(100.5), ["0", "1"]);
    let found = report.verdict.counterexample().expect("both rows differ");
    assert_eq!((report.mismatches, report.file_mismatches, found.index), (2, 1, Some(1)));
}

/// Logistic functions that are all 1 are a tie in floats, however far apart the scores
/// behind them are: no bound on these says that the model's label is wrong.
#[test]
fn a_tie_of_saturated_floats_is_no_mismatch() {
    let text = "real a
@c0 = column ip_ttl [0, 255]
@c1 = column ip_id [0, 65535]
@l0 = labels [0, 1]
@w0 = constant f32[2x2] [1.0, 2.0, 1.0, 1.0]
%0 = input [ip_ttl, ip_id] : f32[1x2]
%1 = constant @w0 : f32[2x2]
%2 = matmul %0, %1 : f32[1x2]
%3 = logistic %2 : f32[1x2]
%4 = argmax %3 : i64[1]
%5 = label @l0, %4 : label(@l0)[1]
output \"label\" label %5
";
    let (real, int) = compiled(text);
    let mut given = Rows::new(2);
    given.push(Kind::Csv, &[100, 100]);
    let options = Options { random_rows: 100, ..Options::default() };
    let report = model(&real, &int, given, options, &mut |_| {});
    assert!(report.verdict.passed() && report.changed.given == 0, "{report:?}");
}

/// A score of `ttl / 8 + ecn` that is off by up to two: exact arithmetic says which of
/// the labels next to the cut are wrong.
#[test]
fn a_label_that_rounding_changes_is_counted_by_class() {
    let text = |weight: &str| {
        format!(
            "real a
@c0 = column ip_ttl [0, 255]
@c1 = column ip_ecn [0, 3]
@l0 = labels [\"benign\", \"attack\"]
@w0 = constant f32[2x1] [{weight}, 1.0]
@w1 = constant f32[1] [12.5625]
%0 = input [ip_ttl, ip_ecn] : f32[1x2]
%1 = constant @w0 : f32[2x1]
%2 = matmul %0, %1 : f32[1x1]
%3 = constant @w1 : f32[1]
%4 = greater %2, %3 : bool[1x1]
%5 = reshape %4 : bool[1]
%6 = label @l0, %5 : label(@l0)[1]
output \"label\" label %6
"
        )
    };
    let (real, _) = compiled(&text("0.125"));
    let exact = compiled(&text("0.125")).1;
    // Says `attack` from a TTL of 96 instead of 101 on, and owns up to that.
    let mut coarse = compiled(&text("0.1317138671875")).1;
    let only = skxc_ir::Handle::from_index(0);
    coarse.matrices[only].rows.iter_mut().for_each(|row| row.rounding = 2.0);
    let mut given = Rows::new(2);
    given.push(Kind::Csv, &[98, 0]);
    given.push(Kind::Capture, &[3, 0]);
    let check = |int: &Module<Int>| {
        let report = model(&real, int, given.clone(), Options::default(), &mut |_| {});
        assert_eq!((report.mismatches, report.near_ties), (0, 0), "{report:?}");
        report
    };
    assert_eq!(check(&exact).changed, crate::Changed::default());
    let report = check(&coarse);
    assert_eq!((report.changed.given, report.changed.example), (1, Some(vec![98, 0])));
    // 96 to 100, 88 to 92, 81 to 84 and 73 to 76, each once among all rows.
    assert_eq!(report.changed.made, 5 + 5 + 4 + 4);
    let [class] = &report.changed.classes[..] else { panic!("{:?}", report.changed.classes) };
    assert_eq!((class.from.as_str(), class.to.as_str(), class.rows), ("benign", "attack", 19));
    assert!(matches!(report.verdict, Verdict::NoMismatch { .. }), "allowed, but not proven");
    // The trainer agrees with the file: it is the program that changed.
    let report = expected(&real, &coarse, &given, &vec![vec!["benign".to_owned()]; 2]);
    assert_eq!((report.mismatches, report.changed.given), (0, 1), "{report:?}");
    let margins = margins(&real, &coarse, &given).expect("a label hangs on a rounded score");
    assert_eq!((margins.rows(), margins.bound), (2, 2.0));
    // The scores are 12.9 and 0.4, the cut is 12.5625.
    assert!((margins.median - 12.17).abs() < 0.1, "{margins:?}");
    assert_eq!([0, 2, 3].map(|bits| margins.share_within(bits)), [0.5, 0.5, 0.0]);
}

/// Weights of 0.1 and -0.3 were rounded when they were exported.
#[test]
fn a_trainer_may_differ_where_floats_are_too_coarse_and_nowhere_else() {
    let text = "real a
@c0 = column ip_ttl [0, 255]
@c1 = column ip_id [0, 65535]
@l0 = labels [0, 1]
@w0 = constant f32[2x1] [0.10000000149011612, -0.30000001192092896]
@w1 = constant f32[1] [0.0]
%0 = input [ip_ttl, ip_id] : f32[1x2]
%1 = constant @w0 : f32[2x1]
%2 = matmul %0, %1 : f32[1x1]
%3 = constant @w1 : f32[1]
%4 = greater %2, %3 : bool[1x1]
%5 = reshape %4 : bool[1]
%6 = label @l0, %5 : label(@l0)[1]
output \"label\" label %6
";
    let (file, program) = compiled(text);
    let check = |row: [i64; 2]| {
        let mut rows = Rows::new(2);
        rows.push(Kind::Csv, &row);
        let said = decide(&program, &row).labels[0];
        let report = expected(&file, &program, &rows, &[vec![(1 - said).to_string()]]);
        (report.near_ties, report.file_mismatches)
    };
    // 0.1 * 3 - 0.3 * 1 is 0 but for roundings.
    assert_eq!(check([3, 1]), (1, 0));
    assert_eq!(check([4, 1]), (0, 1));
    assert_eq!(check([2, 1]), (0, 1));
}

/// A mixture without ArgMax: the last component whose log probability is the greatest,
/// as a number and not as a label. `priors` are added to the log probabilities.
fn component(priors: &str) -> String {
    format!(
        "real a
@c0 = column ip_ttl [0, 63]
@c1 = column ip_id [0, 63]
@w0 = constant f32[2x3] [0.30000001192092896, -0.699999988079071, 0.8999999761581421, \
                         0.10999999940395355, 0.5, -0.20000000298023224]
@w1 = constant f32[1] [-0.5]
@w2 = constant f32[3] [{priors}]
@w3 = constant i64[3] [0, 1, 2]
%0 = input [ip_ttl, ip_id] : f32[1x2]
%1 = constant @w0 : f32[2x3]
%2 = matmul %0, %1 : f32[1x3]
%3 = multiply %2, %2 : f32[1x3]
%4 = constant @w1 : f32[1]
%5 = multiply %3, %4 : f32[1x3]
%6 = constant @w2 : f32[3]
%7 = add %5, %6 : f32[1x3]
%8 = reduce_maximum %7 : f32[1]
%9 = reshape %8 : f32[1x1]
%10 = equal %7, %9 : bool[1x3]
%11 = cast %10 : i64[1x3]
%12 = constant @w3 : i64[3]
%13 = multiply %11, %12 : i64[1x3]
%14 = reduce_maximum %13 : i64[1]
output \"component\" value %14
"
    )
}

#[test]
fn a_whole_number_with_a_bound_as_wide_as_its_range_must_be_equal() {
    let (real, int) = compiled(&component("-5.0, -2.5, -3.0"));
    let check =
        |int: &Module<Int>| model(&real, int, Rows::new(2), Options::default(), &mut |_| {});
    let report = check(&int);
    assert!(report.scores[0].is_compared_by_equality(), "{report:?}");
    assert!(report.verdict.passed(), "{report:?}");
    assert_eq!((report.undecided, report.scores[0].error_max), (0, 0.0));
    // Another component wins in some rows: nothing tells how close each decision was,
    // but it is no pass.
    let (_, other) = compiled(&component("-2.5, -5.0, -3.0"));
    let report = check(&other);
    assert_eq!(report.verdict, Verdict::Inconclusive { reason: Reason::NoBound });
    assert!(report.undecided > 10, "{report:?}");
}

/// Over the reals `x^100 - x^100` is 0, but an enclosure of 128 bits is wider than any
/// bound: that neither passes nor refutes the 0 of the program.
#[test]
fn an_enclosure_that_is_too_wide_tells_nothing() {
    let text = "real a
@c0 = column ip_ttl [0, 255]
@w0 = constant f64[1x1] [100.0]
@w1 = constant f64[1x1] [3.0]
%0 = input [ip_ttl] : f64[1x1]
%1 = constant @w0 : f64[1x1]
%2 = power %0, %1 : f64[1x1]
%3 = subtract %2, %2 : f64[1x1]
%4 = constant @w1 : f64[1x1]
%5 = matmul %3, %4 : f64[1x1]
output \"nothing\" score raw %5
";
    let (real, int) = compiled(text);
    let report = model(&real, &int, Rows::new(1), Options::default(), &mut |_| {});
    assert_eq!(report.verdict, Verdict::Inconclusive { reason: Reason::WideEnclosure });
    assert!(report.open_scores > 5 && report.mismatches == 0, "{report:?}");
}

/// Each number of the trainer is measured by its own last place, not by that of the
/// greatest number in the file.
#[test]
fn a_large_number_of_the_trainer_hides_no_wrong_one() {
    let text = "real a
@c0 = column ip_ttl [0, 255]
@w0 = constant f32[1x1] [0.5]
%0 = input [ip_ttl] : f32[1x1]
%1 = constant @w0 : f32[1x1]
%2 = multiply %0, %1 : f32[1x1]
output \"half\" value %2
";
    let (file, program) = compiled(text);
    let mut rows = Rows::new(1);
    [1, 1, 3].iter().for_each(|&x| rows.push(Kind::Csv, &[x]));
    let check = |words: [&str; 3]| {
        let wanted: Vec<Vec<String>> = words.iter().map(|&word| vec![word.to_owned()]).collect();
        let report = expected(&file, &program, &rows, &wanted);
        (report.mismatches, report.verdict.passed())
    };
    assert_eq!(check(["0.5", "0.5", "1.5"]), (0, true));
    assert_eq!(check(["40", "0.5", "1e9"]), (2, false));
    assert_eq!(check(["0.5", "0.5", "1e39"]), (1, false));
    assert_eq!(check(["0.5", "0.5", "inf"]), (1, false));
}

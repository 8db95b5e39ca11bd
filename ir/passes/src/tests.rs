//! The passes together, on random modules. What a single pass does is shown
//! file by file in `tests/filetests/pass`.

use proptest::prelude::*;

use crate::context::PassContext;
use crate::pipeline::{self, INT_PASSES, Options, PipelineError, REAL_PASSES};
use crate::preserves::same_decisions;
use crate::quantize::QuantizeError;
use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::analysis::rounding::Rounding;
use skxc_ir::interpret::{self, Outcome};
use skxc_ir::module::{Int, Module, Real};
use skxc_ir::ops::IntOp;
use skxc_ir::testing::{int_modules, real_modules, rows};
use skxc_ir::validate::Validated;

fn real_case() -> impl Strategy<Value = (Module<Real>, Vec<Vec<Option<i64>>>)> {
    real_modules().prop_flat_map(|module| {
        let rows = proptest::collection::vec(rows(&module, &[-1, 0, 3, 100, 1 << 24]), 8);
        (Just(module), rows)
    })
}

fn int_case() -> impl Strategy<Value = (Module<Int>, Vec<Vec<Option<i64>>>)> {
    int_modules().prop_flat_map(|module| {
        let rows = proptest::collection::vec(rows(&module, &[-1, 0, 3, 100]), 8);
        (Just(module), rows)
    })
}

proptest! {
    /// Every real pass, after the others, keeps what floats give, or decisions.
    #[test]
    fn real_passes_keep_the_meaning((module, rows) in real_case()) {
        let mut after = module;
        let mut context = PassContext::new();
        for pass in REAL_PASSES {
            let before = after.clone();
            if pass.run(&mut after, &mut context) {
                context.changed();
            }
            for row in &rows {
                if !pass.keeps_floats() {
                    prop_assert!(same_decisions(&before, &after, row), "{}", pass.name());
                    continue;
                }
                let (want, got) = (interpret::float(&before, row), interpret::float(&after, row));
                // By text, in which NaN is itself.
                prop_assert_eq!(format!("{want:?}"), format!("{got:?}"), "{}", pass.name());
            }
        }
    }

    /// Every integer pass keeps every bit, and finds nothing to do twice.
    #[test]
    fn int_passes_keep_every_bit((module, rows) in int_case()) {
        let mut after = module.clone();
        for pass in INT_PASSES {
            pass.run(&mut after, &mut PassContext::new());
            for row in &rows {
                let (want, got) = (interpret::integer(&module, row), interpret::integer(&after, row));
                prop_assert_eq!(want, got, "{}", pass.name());
            }
            prop_assert!(!pass.run(&mut after, &mut PassContext::new()), "{} runs twice", pass.name());
        }
    }

    /// Scores stay within their bound. Where every weight is exact and nothing
    /// is a vote, so that there is no tie margin, labels are those of the reals.
    #[test]
    fn quantization_keeps_its_promise((module, rows) in real_case()) {
        let watched = Options { watch: true, ..Options::default() };
        let int = match pipeline::run(module.clone(), &watched, &mut |_, _, _| {}) {
            Ok(int) => int,
            Err(PipelineError::Quantize(_)) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("{error:?}"))),
        };
        let exact = int.values().all(|value| {
            let no_rounding = rounding(&int).of_value(value).iter().all(|&bound| bound == 0.0);
            no_rounding && !has_margin(&int, value)
        });
        for row in &rows {
            let want = interpret::real(&module, row);
            let got = interpret::integer(&int, row);
            for (want, got) in want.iter().zip(&got) {
                if let (true, Ok(Outcome::Label(want)), Outcome::Label(got)) = (exact, want, got) {
                    prop_assert_eq!(want, got);
                }
            }
        }
    }
}

/// Does a decision leave room for ties? A margin in a comparison with a
/// constant cannot be told from the constant, so every such comparison counts.
fn has_margin(int: &Module<Int>, value: skxc_ir::module::Value) -> bool {
    match int.node(value).op {
        IntOp::ArgMax { margin, .. } => margin > 0,
        IntOp::Greater { a, .. } => match int.node(a).op {
            IntOp::TreeEnsemble { forest, .. } => {
                int.forests[forest].weights.iter().all(|weight| weight.weight >= 0)
            }
            _ => true,
        },
        _ => false,
    }
}

/// The passes that `only` and `bisect_limit` leave.
fn ran(options: &Options) -> Result<Vec<&'static str>, PipelineError> {
    let module = skxc_ir::text::parse::<Real>(STUMP).expect("the text is a module");
    let mut names = Vec::new();
    pipeline::run(module, options, &mut |name, _, _| names.push(name))?;
    Ok(names)
}

const STUMP: &str = r#"real stump
@c0 = column ttl [0, 255]
@l0 = labels [0, 1]
@t0 = forest f32, 1 features, 2 targets
  base [0.0, 0.0]
  roots [n0]
  n0 = if x0 <= 63.5 then n1 else n2
  n1 = leaf [0: 1.0]
  n2 = leaf [1: 1.0]
end
%0 = input [ttl] : f32[1x1]
%1 = tree_ensemble @t0, %0 : f32[1x2]
%2 = argmax %1 : i64[1]
%3 = label @l0, %2 : label(@l0)[1]
output "label" label %3
"#;

#[test]
fn the_pipeline_runs_what_it_is_asked_to() {
    let all: Vec<_> = pipeline::all().map(|(name, _)| name).collect();
    assert_eq!(ran(&Options::default()), Ok(all));
    let only = Options { only: Some(vec!["merge-trees".to_owned()]), ..Options::default() };
    assert_eq!(ran(&only), Ok(vec!["quantize", "merge-trees"]));
    let first = Options { bisect_limit: Some(2), ..Options::default() };
    assert_eq!(ran(&first), Ok(vec!["fold-inputs", "round-choices", "quantize"]));
    let unknown = Options { only: Some(vec!["inline".to_owned()]), ..Options::default() };
    assert_eq!(ran(&unknown), Err(PipelineError::UnknownPass { name: "inline".to_owned() }));
}

/// Two sums that each need all their bits: their difference needs one more.
#[test]
fn a_softmax_of_wide_sums_fits() {
    let text = "real a
@c0 = column x [0, 9]
@t0 = forest f32, 1 features, 2 targets
  roots [n0]
  n0 = if x0 <= 4.0 then n1 else n2
  n1 = leaf [0: 1.9375, 1: -1.9375]
  n2 = leaf [0: -1.9375, 1: 1.9375]
end
%0 = input [x] : f32[1x1]
%1 = tree_ensemble @t0, %0 : f32[1x2]
%2 = concat [%1, %1] : f32[1x4]
%3 = softmax %2 : f32[1x4]
output \"y\" value %3
";
    let module = skxc_ir::text::parse::<Real>(text).expect("the text is a module");
    let watched = Options { watch: true, ..Options::default() };
    let int = pipeline::run(module, &watched, &mut |_, _, _| {}).expect("it has an integer form");
    let Outcome::Numbers(scores) = &interpret::integer(&int, &[Some(0)])[0] else {
        panic!("the output is of kind value")
    };
    assert!(scores[0] > 40 * scores[1] && scores[0] == scores[2], "{scores:?}");
}

/// However far off its operands are, a share is within 1 of what it should be; and
/// the errors of other operands do not add up. The watched pipeline tries the bound.
#[test]
fn a_softmax_is_off_by_what_moves_its_operands() {
    let weights: Vec<String> = (0..7).map(|i| format!("0.{}7", i + 1)).collect();
    let text = format!(
        "real a
@c0 = column x [0, 255]
@w0 = constant f64[1x7] [{}]
%0 = input [x] : f64[1x1]
%1 = constant @w0 : f64[1x7]
%2 = matmul %0, %1 : f64[1x7]
%3 = softmax %2 : f64[1x7]
output \"logits\" score raw %2
output \"shares\" score probability %3
",
        weights.join(", ")
    );
    let module = skxc_ir::text::parse::<Real>(&text).expect("the text is a module");
    for (precision, share_of_one) in [(Some(1), true), (Some(24), false), (None, false)] {
        let options = Options { precision, watch: true, ..Options::default() };
        let int = pipeline::run(module.clone(), &options, &mut |_, _, _| {});
        let int = int.expect("it has an integer form");
        let rounding = rounding(&int);
        let worst = |output: usize| {
            let bounds = rounding.of_value(int.outputs[output].value).iter();
            bounds.copied().fold(0.0, f64::max)
        };
        // The greatest operand is taken off each first.
        let (moved, share) = (2.0 * worst(0), worst(1));
        assert_eq!(moved > 1.0, share_of_one, "{precision:?}: {moved}");
        assert!(share <= moved.min(1.0) + 1e-3, "{precision:?}: {share} of {moved}");
    }
}

/// With a precision, what linear maps multiply takes no more bits, and scores
/// stay within the bound, which the watched pipeline tries.
#[test]
fn a_precision_is_kept_and_paid_for() {
    let text = "real a
@c0 = column x [0, 65535]
@c1 = column y [0, 4294967295]
@w0 = constant f32[2x2] [0.25, 0.10000000149011612, -0.75, 0.0009765625]
@w1 = constant f32[2x1] [0.30000001192092896, -1.5]
%0 = input [x, y] : f32[1x2]
%1 = constant @w0 : f32[2x2]
%2 = matmul %0, %1 : f32[1x2]
%3 = relu %2 : f32[1x2]
%4 = constant @w1 : f32[2x1]
%5 = matmul %3, %4 : f32[1x1]
output \"z\" value %5
";
    let module = skxc_ir::text::parse::<Real>(text).expect("the text is a module");
    let mut last = 0.0;
    for precision in [None, Some(62), Some(24), Some(8), Some(1)] {
        let options = Options { precision, watch: true, ..Options::default() };
        let int = pipeline::run(module.clone(), &options, &mut |_, _, _| {});
        let int = int.expect("it has an integer form");
        for (_, matrix) in int.matrices.iter() {
            let whole = matrix.elem == skxc_ir::ElementType::Fixed { bits: 62, frac_bits: 0 };
            let fits = precision.is_none_or(|it| whole || matrix.weight_bits() <= it.into());
            assert!(fits, "{precision:?}: {matrix:?}");
            assert!(precision.is_none() || matrix.low_bits == 0, "{precision:?}: {matrix:?}");
        }
        let bound = rounding(&int).of_value(int.outputs[0].value)[0];
        assert!(bound >= last, "{precision:?}: {bound} after {last}");
        last = bound;
    }
}

/// Compiles a text with everything watched.
fn quantized(text: &str) -> Result<Module<Int>, PipelineError> {
    let module = skxc_ir::text::parse::<Real>(text).expect("the text is a module");
    let options = Options { watch: true, ..Options::default() };
    pipeline::run(module, &options, &mut |_, _, _| {}).map(Validated::into_inner)
}

/// What can be missing is no number, unless it is replaced first.
#[test]
fn a_missing_value_is_computed_with_only_if_it_is_replaced() {
    let text = |replaced: &str| {
        format!(
            "real a
@c0 = column x [0, 255] missing 255
@c1 = column y [0, 255]
@w0 = constant f32[1x1] [63.5]
@w1 = constant f32[2x1] [0.30000001192092896, -1.5]
%0 = input [x] : f32[1x1]
%1 = input [y] : f32[1x1]
%2 = constant @w0 : f32[1x1]
%3 = equal %0, %0 : bool[1x1]
%4 = select %3, %0, %2 : f32[1x1]
%5 = concat [{replaced}, %1] : f32[1x2]
%6 = relu %5 : f32[1x2]
%7 = constant @w1 : f32[2x1]
%8 = matmul %6, %7 : f32[1x1]
output \"z\" value %8
"
        )
    };
    quantized(&text("%4")).expect("a replaced value is a number");
    let Err(PipelineError::Quantize(errors)) = quantized(&text("%0")) else {
        panic!("NaN has no integer form");
    };
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(messages, ["`%1` (relu) computes with `x`, which can be missing"]);
}

/// A column that is always 0 leaves its factor out of the format.
#[test]
fn a_factor_of_nothing_is_no_factor() {
    let text = "real a
@c0 = column x [0, 0]
@c1 = column y [0, 255]
@w0 = constant f32[2x1] [1.0000000150474662e30, 0.5]
%0 = input [x, y] : f32[1x2]
%1 = constant @w0 : f32[2x1]
%2 = matmul %0, %1 : f32[1x1]
output \"z\" value %2
";
    let int = quantized(text).expect("0 is a sum");
    assert_eq!(rounding(&int).of_value(int.outputs[0].value), [0.0]);
}

/// A denominator whose least is far below its unit: the bound holds there too,
/// or there is none. The watched pipeline tries the corners.
#[test]
fn a_denominator_below_its_unit_is_far_off() {
    let text = "real a
@c0 = column x [0, 16777215]
@c1 = column y [200, 255]
@w0 = constant f32[1x1] [0.10000000149011612]
@w1 = constant f32[1x1] [0.0001220703125]
%0 = input [x] : f32[1x1]
%1 = input [y] : f32[1x1]
%2 = constant @w0 : f32[1x1]
%3 = multiply %0, %2 : f32[1x1]
%4 = constant @w1 : f32[1x1]
%5 = add %3, %4 : f32[1x1]
%6 = divide %1, %5 : f32[1x1]
output \"z\" value %6
";
    let int = quantized(text).expect("the denominator is positive");
    assert!(int.nodes.iter().any(|(_, node)| matches!(node.op, IntOp::Divide { .. })));
}

/// A power beyond the floats for some inputs is not taken for one number.
#[test]
fn a_power_beyond_the_floats_has_no_integer_form() {
    let text = "real a
@c0 = column x [0, 65535]
%0 = input [x] : f64[1x1]
%1 = exp %0 : f64[1x1]
output \"z\" value %1
";
    let Err(PipelineError::Quantize(errors)) = quantized(text) else {
        panic!("e^65535 fits no integer");
    };
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(messages, ["`%1` (exp of f64[1x1]) has no integer form"]);
}

/// A sum over trees of the greatest floats is beyond every format.
#[test]
fn trees_whose_sum_is_infinite_are_too_large() {
    let text = "real a
@c0 = column x [0, 255]
@t0 = forest f64, 1 features, 1 targets
  base [0.0]
  roots [n0, n0]
  n0 = leaf [0: 1e308]
end
%0 = input [x] : f64[1x1]
%1 = tree_ensemble @t0, %0 : f64[1x1]
output \"z\" value %1
";
    let Err(PipelineError::Quantize(errors)) = quantized(text) else {
        panic!("2e308 fits no integer");
    };
    assert!(matches!(errors[..], [QuantizeError::TooLarge { .. }]), "{errors:?}");
}

/// `x / 10 * 10` is `x` to the last bit, which 128 bits of a quotient do not say.
#[test]
fn integers_may_be_more_exact_than_the_reference() {
    let text = "real a
@c0 = column x [0, 255]
@w0 = constant f64[1] [10.0]
%0 = input [x] : f64[1x1]
%1 = constant @w0 : f64[1]
%2 = divide %0, %1 : f64[1x1]
%3 = multiply %2, %1 : f64[1x1]
output \"z\" value %3
";
    let int = quantized(text).expect("it is a column");
    assert_eq!(rounding(&int).of_value(int.outputs[0].value), [0.0]);
}

fn rounding(int: &Module<Int>) -> Rounding {
    Rounding::of(int, &Ranges::of(int))
}

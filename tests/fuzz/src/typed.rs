//! Graphs of operators whose operands have types that fit, made from bytes that
//! choose: constants hold NaN, infinities, zeros, subnormal and huge numbers, and
//! shapes and attributes are odd, so that what is tried lies behind the checks of
//! form that most mutations of a file fail.

mod choices;
mod graph;
mod learned;
mod operators;
mod write;

use skxc_ir::interpret::{self, Outcome};
use skxc_ir::random::Random;
use skxc_ir::validate::Validated;
use skxc_ir::{ElementType, Int, IntOp, Module, Real, text};
use skxc_passes::pipeline;

use crate::{lowered, onnx};
use graph::Graph;

/// Nodes that are chosen for a graph, at most; some need others before them.
const NODES_MAX: usize = 12;
/// Rows on which a program is compared with the model.
const ROWS: usize = 24;

/// The model that these bytes choose.
#[must_use]
pub fn model(bytes: &[u8]) -> Vec<u8> {
    let mut graph = Graph::new(bytes);
    for _ in 0..NODES_MAX {
        if graph.choices.is_empty() {
            break;
        }
        // Where nothing fits, another byte chooses another node.
        let _ = if graph.choices.one_in(3) {
            learned::add(&mut graph)
        } else {
            operators::add(&mut graph)
        };
    }
    graph.finish()
}

/// What came of a model that compiles, for whoever counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The front end refused it.
    Refused,
    /// It has no integer form.
    NoIntegerForm,
    /// To a program that was compared with it.
    Compared,
}

/// The model goes through everything as [`onnx::check`] has it, with each pass
/// watched. The integers agree with the reals within the bound that they state.
///
/// # Errors
/// What does not hold.
pub fn check(bytes: &[u8]) -> Result<Came, String> {
    let Some(real) = onnx::check_import(&model(bytes))? else { return Ok(Came::Refused) };
    let options = pipeline::Options { watch: true, ..pipeline::Options::default() };
    let Some(int) = lowered::passes(&real, &options)? else { return Ok(Came::NoIntegerForm) };
    lowered::check_int(&int)?;
    compare(&real, &int)?;
    Ok(Came::Compared)
}

/// Scores lie within their bound of the reals. Labels are those of the reals or
/// the floats, if all numbers of the program are exact and no tie has a margin.
fn compare(real: &Module<Real>, int: &Validated<Int>) -> Result<(), String> {
    let rounding = int.rounding();
    let is_exact = int.values().all(|value| {
        rounding.of_value(value).iter().all(|&error| error == 0.0)
            && !matches!(int.node(value).op, IntOp::ArgMax { .. } | IntOp::Greater { .. })
    });
    for row in rows(real) {
        let (reals, floats) = (interpret::real(real, &row), interpret::float(real, &row));
        let got = interpret::integer(int, &row);
        let wrong = |what: String| {
            let (real, int) = (text::print(real), text::print(int));
            Err(format!("{row:?}: {what}\n{real}\n{int}"))
        };
        for (((real, float), got), output) in reals.iter().zip(&floats).zip(&got).zip(&int.outputs)
        {
            match (real, got) {
                (Ok(Outcome::Numbers(exact)), Outcome::Numbers(got)) => {
                    let ElementType::Fixed { frac_bits, .. } = int.ty(output.value).elem else {
                        continue;
                    };
                    let elements = exact.iter().zip(got).zip(rounding.of_value(output.value));
                    // What is no number has no integer, and is warned of.
                    let mut known = elements.filter(|((exact, _), _)| exact.is_finite());
                    let beyond = known.find(|&((exact, &got), &bound)| {
                        exact.is_within(bound, got, frac_bits) == Some(false)
                    });
                    if let Some(((exact, got), bound)) = beyond {
                        return wrong(format!("{got} is not {exact:?} within {bound:e}"));
                    }
                }
                (Ok(real @ Outcome::Label(_)), Outcome::Label(got)) if is_exact => {
                    let is_label = |want: &usize| want == got;
                    let agrees = matches!(real, Outcome::Label(want) if is_label(want))
                        || matches!(float, Outcome::Label(want) if is_label(want));
                    if !agrees {
                        return wrong(format!("label {got}, and the model has {float:?}"));
                    }
                }
                // The reals do not decide, or the passes made a label of numbers.
                _ => {}
            }
        }
    }
    Ok(())
}

/// Both ends of all columns, then random rows.
fn rows(module: &Module<Real>) -> Vec<Vec<Option<i64>>> {
    let ranges: Vec<_> = module.columns.iter().map(|(_, column)| column.range).collect();
    let mut random = Random::new(1);
    let mut rows = vec![
        ranges.iter().map(|range| Some(range.min)).collect(),
        ranges.iter().map(|range| Some(range.max)).collect(),
    ];
    rows.resize_with(ROWS, || ranges.iter().map(|&range| Some(random.log_within(range))).collect());
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_graphs_are_read_and_many_compile() {
        let mut random = Random::new(1);
        let mut came = [0; 3];
        for _ in 0..300 {
            let bytes: Vec<u8> = (0..random.below(96)).map(|_| random.bits() as u8).collect();
            assert_eq!(model(&bytes), model(&bytes));
            came[check(&bytes).unwrap_or_else(|what| panic!("{what}")) as usize] += 1;
        }
        let [refused, _, compared] = came;
        assert!(refused < 200 && compared > 60, "{came:?}");
    }
}

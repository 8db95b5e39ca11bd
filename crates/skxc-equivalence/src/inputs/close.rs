//! Rows that are close calls: two sums that nearly tie, a number next to the
//! constant that it is compared with, or to an end of a segment of a tabulated
//! function.
//!
//! Which rows these are follows from sums over all trees, so they are searched
//! for: from a row of the background, cells are moved to either side of a
//! threshold of their column as long as the call gets closer.

use skxc_ir::interpret::{self, Outcome};
use skxc_ir::{Int, IntOp, Interval, Module, Output, OutputKind, ScoreKind, Value};

use super::columns::Thresholds;
use super::{Kind, Rows, Source};
use crate::decision::cells;
use crate::parallel::of_few;
use skxc_ir::random::Random;

/// Interpretations of the module spent on the search: they are what it costs.
const TRIALS_MAX: usize = 8192;
/// Moves tried from one row of the background.
const TRIALS_PER_ROW: usize = 64;

#[derive(Debug)]
pub(super) struct Close {
    /// The module with the numbers that calls are about as its only outputs.
    probe: Module<Int>,
    calls: Vec<Call>,
    ranges: Vec<Interval>,
    background: Vec<Vec<i64>>,
    thresholds: Thresholds,
    /// Seeds of the searches that are to be made.
    seeds: Vec<u64>,
    /// Rows that were found, the last ones first.
    found: Vec<Vec<i64>>,
}

/// What is close, by the output of the probe that holds its numbers.
#[derive(Clone, Debug)]
enum Call {
    /// The two greatest of a row.
    Greatest(usize),
    /// Any number and one of the constants, of which there may be one for all.
    Constants(usize, Vec<i64>),
    /// Elements of two rows.
    Pairs(usize, usize),
}

impl Close {
    pub(super) fn new(
        module: &Module<Int>,
        ranges: &[Interval],
        background: &[Vec<i64>],
        seed: u64,
    ) -> Self {
        let mut probe = Module { outputs: Vec::new(), ..module.clone() };
        let mut calls = Vec::new();
        for value in module.values() {
            calls.extend(call(module, value, &mut probe));
        }
        let nothing = calls.is_empty() || ranges.is_empty();
        let searches = if nothing { 0 } else { TRIALS_MAX / TRIALS_PER_ROW };
        let mut random = Random::new(seed);
        Self {
            probe,
            calls,
            ranges: ranges.to_vec(),
            background: background.to_vec(),
            thresholds: Thresholds::of(module),
            seeds: (0..searches).map(|_| random.bits()).collect(),
            found: Vec::new(),
        }
    }

    /// Searches from a row of the background: where it came to, and the last row
    /// before.
    fn search(&self, number: usize, seed: u64) -> [Option<Vec<i64>>; 2] {
        let call = &self.calls[number % self.calls.len()];
        let mut random = Random::new(seed);
        let mut row = random.choice(&self.background).clone();
        let mut before = None;
        let mut distance = self.distance(call, &row);
        for _ in 1..TRIALS_PER_ROW {
            let column = random.below(row.len() as u64) as usize;
            let mut moved = row.clone();
            moved[column] = self.moved(column, &mut random);
            let found = self.distance(call, &moved);
            // Sideways, too: what is flat here may fall further on.
            if found <= distance {
                let left = std::mem::replace(&mut row, moved);
                if found < distance {
                    before = Some(left);
                }
                distance = found;
            }
        }
        [Some(row), before]
    }

    /// A cell on either side of a threshold.
    fn moved(&self, column: usize, random: &mut Random) -> i64 {
        let range = self.ranges[column];
        let thresholds = &self.thresholds.of_column[column];
        if thresholds.is_empty() {
            return random.log_within(range);
        }
        let side = i64::from(random.one_in(2));
        random.choice(thresholds).saturating_add(side).clamp(range.min, range.max)
    }

    /// How far from close the call is on a row.
    fn distance(&self, call: &Call, row: &[i64]) -> u64 {
        let outcomes = interpret::integer(&self.probe, &cells(&self.probe, row));
        let numbers = |output: usize| match &outcomes[output] {
            Outcome::Numbers(numbers) => &numbers[..],
            Outcome::Label(_) => unreachable!("the outputs of the probe are numbers"),
        };
        let nearest = match call {
            Call::Greatest(output) => {
                let mut sorted = numbers(*output).to_vec();
                sorted.sort_unstable();
                let two = sorted.last_chunk::<2>();
                two.map(|[second, first]| first.abs_diff(*second))
            }
            Call::Constants(output, constants) => {
                let of = |&x: &i64| {
                    let above = constants.partition_point(|&constant| constant < x);
                    let near = constants.iter().skip(above.saturating_sub(1)).take(2);
                    near.map(|&constant| constant.abs_diff(x)).min()
                };
                numbers(*output).iter().filter_map(of).min()
            }
            Call::Pairs(a, b) => {
                // One of them may repeat.
                let (a, b) = (numbers(*a), numbers(*b));
                let elements = a.len().max(b.len());
                (0..elements).map(|at| a[at % a.len()].abs_diff(b[at % b.len()])).min()
            }
        };
        nearest.unwrap_or(u64::MAX)
    }
}

/// The call that an operation makes, if it makes one; its operands become
/// outputs of the probe.
fn call(module: &Module<Int>, value: Value, probe: &mut Module<Int>) -> Option<Call> {
    let mut output = |value: Value| {
        let kind = OutputKind::Score(ScoreKind::Raw);
        probe.outputs.push(Output { name: String::new(), kind, value });
        probe.outputs.len() - 1
    };
    let op = &module.node(value).op;
    if let IntOp::ArgMax { input, .. } = op {
        return (module.shape(*input).elements() > 1).then(|| Call::Greatest(output(*input)));
    }
    if let IntOp::Greater { a, threshold } = op {
        return Some(Call::Constants(output(*a), vec![*threshold]));
    }
    if let IntOp::Compare { a, b, .. } = op {
        return Some(match module.node(*b).op {
            IntOp::Constant { constant } => {
                let mut constants = module.constants[constant].elements.clone();
                constants.sort_unstable();
                Call::Constants(output(*a), constants)
            }
            _ => Call::Pairs(output(*a), output(*b)),
        });
    }
    let IntOp::Function { function, input } = op else { return None };
    let starts = module.functions[*function].segments.iter().map(|segment| segment.start);
    Some(Call::Constants(output(*input), starts.collect()))
}

impl Source for Close {
    fn fill(&mut self, rows: &mut Rows, rows_max: usize) -> bool {
        let seeds = std::mem::take(&mut self.seeds);
        if !seeds.is_empty() {
            let searches = of_few(seeds.len(), |at| self.search(at, seeds[at]));
            self.found = searches.into_iter().flatten().flatten().collect();
            self.found.reverse();
        }
        while let Some(row) = self.found.pop() {
            rows.push(Kind::Close, &row);
            if rows.len() >= rows_max {
                return true;
            }
        }
        false
    }
}

//! What the cost model predicts, against what was measured.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use skxc_backend_bpf::kernel_features::KernelVersion;
use skxc_ir::validate::Validated;
use skxc_ir::{Int, Value};
use skxc_lowering::{Choice, Cost, Lowering};

use crate::grid::Point;
use crate::population::Population;
use crate::record::{self, Record};
use crate::say;

/// A choice within this much of the fastest is as good: runs differ by more.
const AS_FAST: f64 = 1.05;
/// The kernel that was measured on has what this one has.
const KERNEL: KernelVersion = KernelVersion { major: 6, minor: 18 };

/// Predicted over measured figures of one lowering.
#[derive(Debug, Default)]
struct Ratios {
    ns: Vec<f64>,
    verified: Vec<f64>,
    program: Vec<f64>,
}

/// Prints a table of all lines, the errors by lowering, and how often the
/// choice was right.
pub(crate) fn run(path: &Path) -> Result<(), Box<dyn Error>> {
    let records = record::read(path)?;
    let mut ratios: BTreeMap<&str, Ratios> = BTreeMap::new();
    let (mut forests, mut right, mut worst) = (0, 0, 1.0_f64);
    for of_forest in records.chunk_by(|a, b| a.forest == b.forest) {
        let point = Point::named(&of_forest[0].forest).ok_or("the grid has changed: measure")?;
        let module = point.module(&Population::new(point.wide)).ok_or("it was measured")?;
        for record in of_forest {
            let Some(cost) = predicted(&module, &record.lowering) else { continue };
            say(&line(record, cost));
            let Record { ns, program_insns, verified_insns, .. } = *record;
            let of = ratios.entry(&record.lowering).or_default();
            of.ns.push(cost.tenth_ns as f64 / 10.0 / ns.max(1.0));
            of.verified.push(cost.verifier_insns as f64 / f64::from(verified_insns));
            of.program.push(cost.program_insns as f64 / f64::from(program_insns));
        }
        let least = of_forest.iter().map(|record| record.ns).fold(f64::INFINITY, f64::min);
        let chosen =
            chosen(&module).and_then(|name| of_forest.iter().find(|it| it.lowering == name));
        if let Some(chosen) = chosen {
            let over = chosen.ns / least.max(1.0);
            forests += 1;
            right += usize::from(over <= AS_FAST);
            worst = worst.max(over);
            if over > AS_FAST {
                let (name, lowering) = (point.name(), &chosen.lowering);
                say(&format!("{name}: {lowering} is chosen, at {over:.2} times the least\n"));
            }
        }
    }
    for (lowering, of) in &mut ratios {
        say(&format!(
            "{lowering}: predicted ns off by {}, verifier instructions by {}, program by {}\n",
            errors(&mut of.ns),
            errors(&mut of.verified),
            errors(&mut of.program),
        ));
    }
    say(&format!(
        "of {forests} forests in one shape, {right} are chosen within {:.0}% of the fastest; \
         the worst takes {worst:.2} times as long\n",
        100.0 * (AS_FAST - 1.0)
    ));
    Ok(())
}

fn plan(module: &Validated<Int>, choice: Choice) -> Option<skxc_lowering::Plan> {
    let options = skxc_lowering::Options { choice, target: KERNEL.target(), ..Default::default() };
    skxc_lowering::plan(module, &options).ok()
}

fn predicted(module: &Validated<Int>, lowering: &str) -> Option<Cost> {
    let lowering = Lowering::ALL.into_iter().find(|it| it.name() == lowering)?;
    Some(plan(module, Choice::Only(lowering))?.cost())
}

/// The lowering that is chosen, if it is one for the whole forest.
fn chosen(module: &Validated<Int>) -> Option<String> {
    let plan = plan(module, Choice::Auto)?;
    let forest: Option<(&Value, _)> = plan.forests.iter().next();
    forest.map(|(_, forest)| forest.name())
}

fn line(record: &Record, cost: Cost) -> String {
    let Record { forest, lowering, ns, verified_insns, program_insns, tests, misses, .. } = record;
    format!(
        "{forest:<16} {lowering:<8} ns {ns:>8.0} predicted {:>8.0}; verified {verified_insns:>7} \
         predicted {:>7}; program {program_insns:>6} predicted {:>6}; tests {tests} misses {misses}\n",
        cost.tenth_ns as f64 / 10.0,
        cost.verifier_insns,
        cost.program_insns,
    )
}

/// Median and worst distance from 1.
fn errors(ratios: &mut [f64]) -> String {
    let mut errors: Vec<f64> = ratios.iter().map(|ratio| (ratio - 1.0).abs()).collect();
    errors.sort_by(f64::total_cmp);
    let percent = |error: Option<&f64>| format!("{:.0}%", 100.0 * error.unwrap_or(&0.0));
    format!("{} (worst {})", percent(errors.get(errors.len() / 2)), percent(errors.last()))
}

//! `skxc inspect --cost`: what every lowering of every forest is predicted to
//! cost, which one is chosen, and where the cost of the program lies.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table};
use serde::Serialize;
use skxc_ir::IntOp;
use skxc_lowering::{Cost, ForestPlan};

use crate::describe;
use crate::manifest::CostEntry;
use crate::options::Options;
use crate::pipeline::{self, Lowered, Program};
use crate::tables;

/// Everything there is to say.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Where all figures come from: `predicted`.
    figures: &'static str,
    /// Oldest kernel that must load the program.
    kernel: String,
    /// What the choice goes by.
    optimize: String,
    /// In the order in which they are computed.
    forests: Vec<Forest>,
    /// The program by its pieces, forests last.
    pieces: Vec<Piece>,
    /// The whole program.
    program: CostEntry,
    /// Instructions that the verifier may process.
    verifier_insns_max: u64,
}

/// A forest and what it could become.
#[derive(Debug, Serialize)]
struct Forest {
    /// Its ONNX node.
    name: String,
    /// Number of its trees.
    trees: u64,
    /// Number of its nodes.
    nodes: u64,
    /// Its deepest tree.
    heaviest: Tree,
    /// What was tried.
    lowerings: Vec<Row>,
    /// What is taken; several where trees of one forest get different shapes.
    parts: Vec<Part>,
    /// Where decided rows leave; `null` if they do not.
    exit: Option<Exit>,
}

/// An exit between parts.
#[derive(Debug, Serialize)]
struct Exit {
    /// Trees that every row meets.
    trees: u64,
    /// Percent of the rows of the profile that leave behind them.
    leaving_percent: u64,
}

/// The tree with the most nodes.
#[derive(Debug, Serialize)]
struct Tree {
    /// Its position in the forest.
    tree: u64,
    /// Its nodes, shared ones counted each time.
    nodes: u64,
    /// Number of its levels.
    depth: u32,
}

/// A lowering of a whole forest.
#[derive(Debug, Serialize)]
struct Row {
    /// Name of the lowering.
    lowering: String,
    /// Is it the one?
    chosen: bool,
    /// Its cost, if it fits.
    cost: Option<CostEntry>,
    /// Why it does not fit.
    refusal: Option<String>,
}

/// Some trees of a forest as they are computed.
#[derive(Debug, Serialize)]
struct Part {
    /// Name of the lowering.
    lowering: String,
    /// Number of its trees.
    trees: u64,
    /// What they cost.
    cost: CostEntry,
}

/// A piece of the program.
#[derive(Debug, Serialize)]
struct Piece {
    /// What it is.
    name: String,
    /// What it costs.
    cost: CostEntry,
}

impl Report {
    /// Asks the cost model.
    pub(super) fn new(lowered: &Lowered, program: &Program, options: &Options) -> Self {
        let module = &lowered.int;
        let plan_options = pipeline::plan_options(options);
        let alternatives = skxc_lowering::alternatives(module, &program.plan, &plan_options);
        let mut forests = Vec::new();
        let mut pieces = vec![
            piece("parser, features, counters", program.artifact.wrapper),
            piece("operations", program.plan.operations),
        ];
        let name = |value: skxc_ir::Value| {
            let name = skxc_lowering::node_name(module, value);
            name.map_or_else(|| format!("%{}", value.index()), str::to_owned)
        };
        for (&value, plan) in &program.plan.maps {
            pieces.push(piece(&format!("{}: {}", name(value), plan.lowering()), plan.cost));
        }
        for ((&value, plan), alternatives) in program.plan.forests.iter().zip(&alternatives) {
            let name = name(value);
            pieces.push(piece(&name, plan.cost()));
            forests.push(forest(name, lowered, value, plan, &alternatives.lowerings));
        }
        Self {
            figures: "predicted",
            kernel: options.kernel.clone(),
            optimize: options.optimize.to_string(),
            forests,
            pieces,
            program: describe::cost(program.artifact.wrapper + program.plan.cost()),
            verifier_insns_max: skxc_lowering::Target::VERIFIER_INSNS_MAX,
        }
    }

    /// For machines: one line.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("a report is plain data")
    }

    /// Writes tables for people.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { kernel, optimize, .. } = self;
        writeln!(out, "predicted for Linux {kernel} and newer; chosen for {optimize}")?;
        for forest in &self.forests {
            let Forest { name, trees, nodes, heaviest, .. } = forest;
            let Tree { tree, nodes: most, depth } = heaviest;
            writeln!(out, "\n{name}: {trees} trees, {nodes} nodes")?;
            writeln!(out, "the heaviest is tree {tree}: {most} nodes, {depth} levels")?;
            writeln!(out, "{}", forest.table().trim_fmt())?;
            if let Some(Exit { trees: met, leaving_percent }) = forest.exit {
                let of_rows = format!("{leaving_percent}% of the profile's rows");
                writeln!(out, "stops after {met} of {trees} trees for {of_rows}")?;
            }
            for row in &forest.lowerings {
                if let Some(refusal) = &row.refusal {
                    writeln!(out, "{}{refusal}", row.lowering)?;
                }
            }
        }
        let mut table = figures(["PIECE", "SHARE OF NS", "SHARE OF VERIFIER INSNS"]);
        for Piece { name, cost } in &self.pieces {
            table.add_row(cells(
                name,
                *cost,
                [
                    share(cost.decision_ns, self.program.decision_ns),
                    share(cost.verifier_insns, self.program.verifier_insns),
                ],
            ));
        }
        let all = self.verifier_insns_max;
        let of_all = format!("{} of {all}", share(self.program.verifier_insns, all));
        table.add_row(cells("program", self.program, [String::new(), of_all]));
        writeln!(out, "\n{}", table.trim_fmt())
    }
}

fn piece(name: &str, cost: Cost) -> Piece {
    Piece { name: name.to_owned(), cost: describe::cost(cost) }
}

fn forest(
    name: String,
    lowered: &Lowered,
    value: skxc_ir::Value,
    plan: &ForestPlan,
    lowerings: &[(skxc_lowering::Lowering, Result<Cost, skxc_lowering::Refusal>)],
) -> Forest {
    let IntOp::TreeEnsemble { forest, .. } = lowered.int.node(value).op else {
        panic!("a plan is of a tree ensemble")
    };
    let forest = &lowered.int.forests[forest];
    let chosen = plan.name();
    let mut rows: Vec<Row> = lowerings
        .iter()
        .map(|(lowering, cost)| Row {
            lowering: lowering.name().to_owned(),
            chosen: lowering.name() == chosen && plan.parts.len() == 1,
            cost: cost.as_ref().ok().copied().map(describe::cost),
            refusal: cost.as_ref().err().map(ToString::to_string),
        })
        .collect();
    if plan.parts.len() > 1 {
        let cost = Some(describe::cost(plan.cost()));
        rows.push(Row { lowering: chosen, chosen: true, cost, refusal: None });
    }
    let parts = plan.parts.iter().map(|part| Part {
        lowering: part.shape.lowering().name().to_owned(),
        trees: part.trees.len() as u64,
        cost: describe::cost(part.shape.cost()),
    });
    Forest {
        name,
        trees: forest.roots.len() as u64,
        nodes: forest.nodes.len() as u64,
        heaviest: heaviest(forest),
        lowerings: rows,
        parts: parts.collect(),
        exit: plan.exit.as_ref().map(|exit| Exit {
            trees: plan.parts[..exit.parts].iter().map(|part| part.trees.len() as u64).sum(),
            leaving_percent: exit.percent(),
        }),
    }
}

fn heaviest(forest: &skxc_ir::Forest<skxc_ir::Int>) -> Tree {
    let (sizes, levels) = (forest.nodes_below(), forest.levels_below());
    let trees = (0..).zip(&forest.roots);
    // The first of equals.
    let heaviest = trees.min_by_key(|&(_, &root)| std::cmp::Reverse(sizes[root as usize]));
    heaviest.map_or(Tree { tree: 0, nodes: 0, depth: 0 }, |(tree, &root)| Tree {
        tree,
        nodes: sizes[root as usize],
        depth: levels[root as usize],
    })
}

impl Forest {
    fn table(&self) -> Table {
        let mut table = figures(["LOWERING", "", ""]);
        for row in &self.lowerings {
            let Some(cost) = row.cost else { continue };
            let mark = if row.chosen { "chosen".to_owned() } else { String::new() };
            table.add_row(cells(&row.lowering, cost, [mark, String::new()]));
            if row.chosen && self.parts.len() > 1 {
                for Part { lowering, trees, cost } in &self.parts {
                    let note = [format!("{trees} trees"), String::new()];
                    table.add_row(cells(&format!("  {lowering}"), *cost, note));
                }
            }
        }
        table
    }
}

/// A table of costs: a name, the figures, and two columns of words.
fn figures([name, first, second]: [&str; 3]) -> Table {
    tables::plain([
        name,
        "NS",
        "INSNS",
        "VERIFIER INSNS",
        "STACK",
        "TABLE BYTES",
        "SCRATCH",
        first,
        second,
    ])
}

fn cells(name: &str, cost: CostEntry, words: [String; 2]) -> Vec<Cell> {
    let numbers = [
        cost.decision_ns,
        cost.program_insns,
        cost.verifier_insns,
        cost.stack_bytes,
        cost.table_bytes,
        cost.scratch_bytes,
    ];
    let numbers = numbers.iter().map(|it| Cell::new(it).set_alignment(CellAlignment::Right));
    let words = words.into_iter().map(Cell::new);
    std::iter::once(Cell::new(name)).chain(numbers).chain(words).collect()
}

fn share(part: u64, whole: u64) -> String {
    format!("{:.0}%", 100.0 * part as f64 / whole.max(1) as f64)
}

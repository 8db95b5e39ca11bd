//! Models of many columns: each shape that plans them compiles within the stack
//! of a BPF program, and takes no more of it than its plan says.

mod clang;

use std::fmt::Write as _;

use skxc_backend_bpf::{Hook, Options, emit};
use skxc_ir::Int;
use skxc_ir::random::Random;
use skxc_ir::validate::{Validated, Validator};
use skxc_lowering::{Choice, ForestPlan, Lowering, Part, Plan, Target};

/// Columns of 16 bits, and of 40, which walks see by rank.
const RANGES: [&str; 2] = ["[0, 65535]", "[0, 1099511627775]"];

/// Trees whose tests ask for columns at random, as boosting with the defaults of
/// XGBoost makes them: up to `depth` levels, shallower and shallower. Text of nodes
/// is `n7 = if ...`; children follow their parents.
fn forest(columns: usize, trees: usize, depth: u32, random: &mut Random) -> String {
    let (mut nodes, mut roots, mut next) = (String::new(), Vec::new(), 0);
    for tree in 0..trees {
        let levels = depth - (tree as u32 * (depth - 1) / trees as u32);
        roots.push(format!("n{next}"));
        let mut pending = std::collections::VecDeque::from([(next, levels)]);
        next += 1;
        while let Some((at, levels)) = pending.pop_front() {
            if levels == 0 || (levels < depth - 1 && random.one_in(6)) {
                writeln!(nodes, "  n{at} = leaf [0: {}]", random.below(1 << 40)).expect("text");
                continue;
            }
            let (feature, at_most) = (random.below(columns as u64), random.below(65_000));
            let (yes, no) = (next, next + 1);
            writeln!(nodes, "  n{at} = if x{feature} <= {at_most} then n{yes} else n{no}")
                .expect("text");
            pending.extend([(yes, levels - 1), (no, levels - 1)]);
            next += 2;
        }
    }
    format!("  roots [{}]\n{nodes}", roots.join(", "))
}

/// A label by the sum of 50 trees.
fn module(columns: usize) -> Validated<Int> {
    let mut random = Random::new(columns as u64);
    let mut text = String::from("int wide\n");
    for column in 0..columns {
        let range = RANGES[usize::from(column % 16 == 15)];
        writeln!(text, "@c{column} = column c{column} {range}").expect("text");
    }
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let forest = forest(columns, 50, 6, &mut random);
    write!(
        text,
        "@l0 = labels [0, 1]\n@t0 = forest q9.40, {columns} features, 1 targets\n{forest}end\n\
         %0 = input [{}] : i64[1x{columns}]\n%1 = tree_ensemble @t0, %0 : q9.40[1x1]\n\
         %2 = greater %1, 12345678901234 : bool[1x1]\n%3 = reshape %2 : bool[1]\n\
         %4 = label @l0, %3 : label(@l0)[1]\noutput \"label\" label %4\n",
        names.join(", ")
    )
    .expect("text");
    let module = skxc_ir::text::parse::<Int>(&text).expect("the text is a module");
    Validator::validate(module).expect("the module is valid")
}

/// What the plan of the forest is made of: the shape of the first trees, as many
/// as it takes, and that of the others.
const MIXES: [[Lowering; 2]; 3] = [
    [Lowering::Bits, Lowering::Perfect],
    [Lowering::Bits, Lowering::Walk],
    [Lowering::Branch, Lowering::Ranked],
];
/// Beside the decision, the program of the test keeps a key and a counter there.
const BENCH_BYTES: u64 = 16;

/// A plan of two parts; nothing if a shape takes no tree.
fn mixed(module: &Validated<Int>, plan: &Plan, mix: [Lowering; 2]) -> Option<Plan> {
    let target = Target::default();
    let value = *plan.forests.keys().next().expect("the module has a forest");
    let all = skxc_lowering::trees(module, plan, value);
    // The shallowest trees stand last.
    let part = |lowering: Lowering, positions: &[u32]| {
        let shape = lowering.plan(&all.subset(positions), &target).ok()?;
        Some(Part { trees: positions.to_vec(), shape })
    };
    let parts = [40_usize, 30, 20, 10, 5].into_iter().find_map(|count| {
        let (rest, first) = all.positions.split_at(all.positions.len() - count);
        Some(vec![part(mix[0], first)?, part(mix[1], rest)?])
    })?;
    let mut plan = plan.clone();
    plan.forests.insert(value, ForestPlan { parts, exit: None });
    Some(plan)
}

fn check(clang: &str, module: &Validated<Int>, plan: &Plan, what: &str) {
    let options = Options { hook: Hook::None, ..Options::default() };
    let artifact = emit(module, plan, &options).expect("options fit the module");
    let most = plan.cost().stack_bytes + BENCH_BYTES;
    let bytes = clang::compile(clang, &artifact, &format!("stack-{what}"));
    assert!(bytes <= most, "{what}: {bytes} bytes, {most} predicted");
}

#[test]
fn many_columns_fit_the_stack_as_predicted() {
    let Some(clang) = clang::find() else { return };
    for columns in [64, 128, 250, 500, 1000] {
        let module = module(columns);
        let plan = |choice| {
            let options = skxc_lowering::Options { choice, ..skxc_lowering::Options::default() };
            skxc_lowering::plan(&module, &options)
        };
        let auto = plan(Choice::Auto).expect("some shape takes it");
        for lowering in Lowering::ALL {
            let Ok(plan) = plan(Choice::Only(lowering)) else {
                // So many columns have too many rows of masks.
                assert!(matches!(lowering, Lowering::Bits | Lowering::Direct), "{lowering}");
                continue;
            };
            check(&clang, &module, &plan, &format!("{columns}-{lowering}"));
        }
        for mix in MIXES {
            let plan = mixed(&module, &auto, mix).expect("each shape takes some trees");
            check(&clang, &module, &plan, &format!("{columns}-{}-{}", mix[0], mix[1]));
        }
    }
}

//! Which lowering is chosen, and what is said when none can be.

use skxc_diagnostics::codes;

use super::{
    Choice, Exceeded, Lowering, Optimize, Options, Profile, Refused, Target, TreeCode,
    alternatives, plan, plan_for,
};
use skxc_ir::testing::int_chain;
use skxc_ir::validate::{Validated, Validator};
use skxc_ir::{Int, TreeNode};

fn chain(branches: u32) -> Validated<Int> {
    Validator::validate(int_chain(branches)).expect("a chain is valid")
}

fn options(choice: Choice) -> Options {
    Options { choice, ..Options::default() }
}

fn chosen(module: &Validated<Int>, choice: Choice) -> String {
    let plan = plan(module, &options(choice)).expect("it fits");
    plan.forests.values().next().expect("there is a forest").name()
}

#[test]
fn a_small_tree_is_a_direct_table_and_a_deep_chain_is_walked() {
    assert_eq!(chosen(&chain(5), Choice::Auto), "direct");
    assert_eq!(chosen(&chain(5), Choice::Only(Lowering::Bits)), "bits");
    assert_eq!(chosen(&chain(5), Choice::Only(Lowering::Branch)), "branch");
    assert_eq!(chosen(&chain(5), Choice::Only(Lowering::Walk)), "walk");
    assert_eq!(chosen(&chain(10_000), Choice::Auto), "walk");
}

#[test]
fn many_trees_walk_at_once() {
    let mut module = int_chain(6);
    for forest in module.forests.handles() {
        module.forests[forest].roots = vec![0; 40];
        for weight in &mut module.forests[forest].weights {
            weight.weight >>= 6;
        }
    }
    let module = Validator::validate(module).expect("the sums fit");
    let plan = plan(&module, &options(Choice::Only(Lowering::Walk))).expect("it fits");
    let forest = plan.forests.values().next().expect("there is a forest");
    let TreeCode::Walk(walk) = &forest.parts[0].shape else { panic!("the trees are walked") };
    assert_eq!((walk.lanes, walk.roots.len(), walk.runs[0].groups), (20, 40, 2));
    // Trees that share their nodes share their table: each pair stands once.
    let branches = module.forests.iter().flat_map(|(_, forest)| &forest.nodes);
    let branches = branches.filter(|node| matches!(node, TreeNode::Branch { .. })).count();
    assert!(walk.nodes.len() <= 2 * branches + walk.roots.len());
}

#[test]
fn rows_that_repeat_make_branch_code_cheap() {
    let module = chain(40);
    let ns = |rows: &[[i64; 1]]| {
        let profile = Profile::of(&module, rows.iter().map(<[i64; 1]>::as_slice));
        let plan = plan_for(&module, &options(Choice::Only(Lowering::Branch)), profile);
        plan.expect("it fits").cost().tenth_ns
    };
    let (one, other) = ([0], [1]);
    let turns: Vec<[i64; 1]> = (0..100).map(|row| if row % 2 == 0 { one } else { other }).collect();
    assert!(ns(&[other; 100]) * 2 < ns(&turns));
    let mut sorted = turns.clone();
    sorted.sort_unstable();
    assert!(ns(&sorted) < ns(&turns));
}

#[test]
fn a_refusal_names_the_part_to_blame() {
    let module = chain(300);
    let refused =
        plan(&module, &options(Choice::Only(Lowering::Branch))).expect_err("it is too deep");
    let Refused::Forest(forest) = *refused.clone() else { panic!("it is the forest") };
    let (lowering, refusal) = forest.refusals[0];
    assert_eq!((lowering, refusal.exceeded), (Lowering::Branch, Exceeded::BranchDepth));
    assert_eq!((refusal.needs, refusal.allowed, refusal.tree), (300, 256, Some(0)));
    assert_eq!(refused.diagnostic().code, codes::LOWERING_DOES_NOT_FIT);
}

/// Each of them is small, but a jump over all of them would be too long.
#[test]
fn branch_code_of_thousands_of_stumps_is_refused() {
    let stumps = |trees: usize| {
        let mut module = int_chain(1);
        for forest in module.forests.handles() {
            module.forests[forest].roots = vec![0; trees];
            for weight in &mut module.forests[forest].weights {
                weight.weight >>= 12;
            }
        }
        let module = Validator::validate(module).expect("the sums fit");
        plan(&module, &options(Choice::Only(Lowering::Branch)))
    };
    assert!(stumps(500).is_ok());
    let Refused::Forest(forest) = *stumps(2_000).expect_err("they are too many") else {
        panic!("it is the forest")
    };
    assert_eq!(forest.refusals[0].1.exceeded, Exceeded::StraightInsns);
}

#[test]
fn when_nothing_fits_every_lowering_says_why() {
    let target = Target { table_bytes_max: 1_000, ..Target::default() };
    let options = Options { target, ..Options::default() };
    let refused = plan(&chain(300), &options).expect_err("no lowering fits");
    let diagnostic = refused.diagnostic();
    assert_eq!(diagnostic.code, codes::FOREST_DOES_NOT_FIT);
    assert_eq!((diagnostic.notes.len(), diagnostic.helps.len()), (Lowering::ALL.len(), 1));
}

/// One chain of 10,000 tests and forty of 4, which are its end.
#[test]
fn a_deep_tree_among_shallow_ones_is_a_part_of_its_own() {
    let mut module = int_chain(10_000);
    for forest in module.forests.handles() {
        let levels = module.forests[forest].levels_below();
        let shallow = levels.iter().position(|&levels| levels == 4).expect("the end of the chain");
        module.forests[forest].roots = vec![shallow as u32; 41];
        module.forests[forest].roots[20] = 0;
        for weight in &mut module.forests[forest].weights {
            weight.weight >>= 6;
        }
    }
    let module = Validator::validate(module).expect("the sums fit");
    let plan = plan(&module, &options(Choice::Auto)).expect("it fits");
    let forest = plan.forests.values().next().expect("there is a forest");
    assert_eq!(forest.parts.len(), 2, "{}", forest.name());
    let deep = forest.parts.iter().find(|part| part.trees == [20]).expect("the chain is alone");
    assert_eq!(deep.shape.lowering(), Lowering::Walk);
    let mut all: Vec<u32> = forest.parts.iter().flat_map(|part| part.trees.clone()).collect();
    all.sort_unstable();
    assert_eq!(all, (0..41).collect::<Vec<u32>>());
}

#[test]
fn what_a_choice_goes_by_is_least_for_what_it_chooses() {
    let module = chain(60);
    for optimize in Optimize::ALL {
        let options = Options { optimize, ..Options::default() };
        let plan = plan(&module, &options).expect("it fits");
        let chosen = optimize.figure(&plan.forests.values().next().expect("a forest").cost());
        for alternatives in alternatives(&module, &plan, &options) {
            for (lowering, cost) in alternatives.lowerings {
                let Ok(cost) = cost else { continue };
                assert!(chosen <= optimize.figure(&cost), "{optimize}: {lowering} is better");
            }
        }
    }
}

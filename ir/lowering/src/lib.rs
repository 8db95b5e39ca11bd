//! Lowerings: the shapes in which a forest can become C.
//!
//! Each shape is one file with its plan (tables and order), its cost and its
//! limits. A forest is split into parts, each with some of its trees and one
//! shape; every part adds to the same sums. [`select`] holds the rule that
//! chooses, [`exits`] the one that lets decided rows leave before the last part.
//! A plan is a side table of a module, by the value that a forest
//! computes; back ends print it. Sums of products have lowerings of their own:
//! [`linear`]. [`storage`] decides where values live.
//!
//! What must hold:
//! - all lowerings of trees add the same to the sums, bit for bit;
//! - an exit leaves a sum with which the outputs are the same;
//! - each tree of a forest is in one part;
//! - a plan depends on the module and the options only;
//! - what a plan needs is within what its target allows;
//! - no recursion over model data.
//!
//! # Adding a lowering
//!
//! 1. `ir/lowering/src/NAME.rs`: `Plan` with its tables, its order and its [`Cost`];
//!    `plan(&Trees, &Target) -> Result<Plan, Refusal>`, which looks at the trees
//!    in view only, asks [`Target`] before it uses what not every kernel has, and
//!    refuses with the limit and the tree to blame ([`Exceeded`] gets a variant for
//!    a limit of its own).
//! 2. [`tree_code`]: a variant of [`Lowering`] and of [`TreeCode`]. The build then breaks
//!    in each place of this list; `--lowering`, `skxc bench`, `skxc inspect --cost`,
//!    and the tests take names from [`Lowering::ALL`]; `cargo xtask kernels`, which
//!    knows the command line only, has a list.
//! 3. `backends/c/src/NAME.rs`: `scratch`, the members that it keeps in the scratch,
//!    and `emit`, whose last function `{lower}_add(f, s)` adds the trees of the part
//!    to the sums, which are there already. Arms in `backends/c/src/tree_code.rs`.
//! 4. A snapshot in `backends/c/tests/snapshots.rs`; the tests of random modules
//!    find it by itself.
//! 5. `cargo xtask calibrate` measures it; constants of its cost follow.

pub mod bits;
pub mod branch;
pub mod cost;
pub mod decision;
pub mod direct;
pub mod early;
pub mod elements;
pub mod exits;
pub mod linear;
pub mod operations;
pub mod optimize;
pub mod order;
pub mod perfect;
pub mod profile;
pub mod refused;
pub mod select;
pub mod slots;
pub mod storage;
pub mod target;
#[cfg(test)]
mod tests;
pub mod tree_code;
pub mod trees;
pub mod walk;

use std::collections::BTreeMap;

pub use cost::{Cost, Exceeded, Refusal};
pub use elements::{Element, Elements};
pub use exits::Exit;
pub use optimize::{Optimize, UnknownGoal};
pub use profile::Profile;
pub use refused::{ForestDoesNotFit, OperationsDoNotFit, Refused};
pub use select::Refusals;
pub use storage::Storage;
pub use target::Target;
pub use tree_code::{Choice, GivenUp, Lowering, TreeCode, UnknownChoice};
pub use trees::{Rows, Trees};

use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::arena::Handle;
use skxc_ir::forest::Forest;
use skxc_ir::module::{Int, Interval, Module, Operation as _, Value};
use skxc_ir::ops::IntOp;
use skxc_ir::validate::Validated;

/// What to plan for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The lowering that is wanted.
    pub choice: Choice,
    /// What the choice goes by.
    pub optimize: Optimize,
    /// What the target has and allows.
    pub target: Target,
    /// What is not chosen.
    pub given_up: GivenUp,
}

/// How one forest is computed: the parts, one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForestPlan {
    /// At least one; a forest without trees has one part without trees.
    pub parts: Vec<Part>,
    /// Where decided rows leave.
    pub exit: Option<Exit>,
}

/// Some trees of a forest in one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The trees, as positions in [`Forest::roots`], ascending.
    pub trees: Vec<u32>,
    /// What they become.
    pub shape: TreeCode,
}

/// The plan of each value that a linear map computes.
pub type Maps = BTreeMap<Value, linear::Plan>;

/// How a module is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where every element lives.
    pub elements: Elements,
    /// Ranges of the rows that forests read.
    pub inputs: BTreeMap<Value, Vec<Interval>>,
    /// The plan of each value that a forest computes.
    pub forests: BTreeMap<Value, ForestPlan>,
    /// The plan of each value that a linear map computes.
    pub maps: Maps,
    /// Where values live.
    pub storage: Storage,
    /// What all other operations cost together.
    pub operations: Cost,
    /// What rows do in the forests; empty if there were none.
    pub profile: Profile,
}

impl ForestPlan {
    /// What all parts cost together; of those behind an exit, the time counts by
    /// the share of rows that go on.
    #[must_use]
    pub fn cost(&self) -> Cost {
        match &self.exit {
            Some(exit) => exit.cost(&self.parts),
            None => self.parts.iter().fold(Cost::default(), |sum, part| sum + part.shape.cost()),
        }
    }

    /// The lowerings of the parts, each once, in order of [`Lowering::ALL`].
    #[must_use]
    pub fn lowerings(&self) -> Vec<Lowering> {
        let is_used =
            |&lowering: &Lowering| self.parts.iter().any(|part| part.shape.lowering() == lowering);
        Lowering::ALL.into_iter().filter(is_used).collect()
    }

    /// The names of its lowerings, as in `branch+walk`.
    #[must_use]
    pub fn name(&self) -> String {
        self.lowerings().iter().map(|lowering| lowering.name()).collect::<Vec<_>>().join("+")
    }
}

impl Plan {
    /// What everything costs together.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.forests.values().fold(self.beside_forests(), |sum, plan| sum + plan.cost())
    }

    fn beside_forests(&self) -> Cost {
        self.maps.values().fold(self.operations, |sum, plan| sum + plan.cost)
    }

    /// The names of the lowerings of all forests, then of all linear maps.
    pub fn lowerings(&self) -> impl Iterator<Item = String> {
        let maps = self.maps.values().map(|plan| plan.lowering().name().to_owned());
        self.forests.values().map(ForestPlan::name).chain(maps)
    }
}

/// Chooses and plans the lowering of every forest and linear map of a module.
///
/// # Errors
/// The first part that does not fit. [`Refused::diagnostic`] says it to a person.
pub fn plan(module: &Validated<Int>, options: &Options) -> Result<Plan, Box<Refused>> {
    plan_for(module, options, Profile::default())
}

/// As [`plan`], for the traffic of a profile of the module.
///
/// # Errors
/// As [`plan`].
pub fn plan_for(
    module: &Validated<Int>,
    options: &Options,
    profile: Profile,
) -> Result<Plan, Box<Refused>> {
    let elements = Elements::of(module);
    let ranges = module.ranges();
    let maps = maps(module, ranges, options);
    let mut costs: Vec<Cost> =
        module.values().map(|value| operations::cost(module, value)).collect();
    let operations = costs.iter().fold(Cost::default(), |sum, &cost| sum + cost);
    maps.iter().for_each(|(value, plan)| costs[value.index()] = plan.cost);
    if let Some(refused) = OperationsDoNotFit::check(module, &costs, &options.target) {
        return Err(Box::new(refused.into()));
    }
    let (inputs, forests) = (BTreeMap::new(), BTreeMap::new());
    let storage = Storage::of(module, &elements, &maps);
    let mut plan = Plan { elements, inputs, forests, maps, storage, operations, profile };
    let mut target = options.target.less(&plan.beside_forests());
    for value in module.values() {
        let IntOp::TreeEnsemble { forest, input } = module.node(value).op else { continue };
        plan.inputs.entry(input).or_insert_with(|| feature_ranges(ranges, input));
        let trees = trees_of(module, &plan, value, forest, input);
        let chosen = select::select(module, value, &trees, options, &target)
            .map_err(|refusals| does_not_fit(module, value, forest, options.choice, refusals))?;
        target = target.less(&chosen.cost());
        plan.forests.insert(value, chosen);
    }
    Ok(plan)
}

fn maps(module: &Module<Int>, ranges: &Ranges, options: &Options) -> Maps {
    let plan = |value: Value| {
        let op = &module.node(value).op;
        let IntOp::Linear { matrix, .. } = *op else { return None };
        let mut inputs = Vec::new();
        op.operands(&mut |operand| inputs.extend_from_slice(ranges.of_value(operand)));
        let (matrix, rows) = (&module.matrices[matrix], ranges.of_value(value));
        let wanted = options.choice.of_maps().or(options.given_up.left_of_maps());
        Some((value, linear::plan(matrix, &inputs, rows, wanted, options.optimize)))
    };
    module.values().filter_map(plan).collect()
}

/// What each lowering makes of the whole of a forest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternatives {
    /// The value of the sums.
    pub value: Value,
    /// In order of [`Lowering::ALL`].
    pub lowerings: Vec<(Lowering, Result<Cost, Refusal>)>,
}

/// What there was to choose from for each forest of a plan that was made with
/// the same options.
#[must_use]
pub fn alternatives(module: &Validated<Int>, plan: &Plan, options: &Options) -> Vec<Alternatives> {
    let mut target = options.target.less(&plan.beside_forests());
    let forests = plan.forests.iter().map(|(&value, chosen)| {
        let trees = trees(module, plan, value);
        let lowerings = select::candidates(&trees, options, &target);
        let lowerings = lowerings.map(|(name, shape)| (name, shape.map(|shape| shape.cost())));
        let lowerings = lowerings.collect();
        target = target.less(&chosen.cost());
        Alternatives { value, lowerings }
    });
    forests.collect()
}

/// All trees of the forest that computes `value`, as its plan sees them.
///
/// # Panics
/// If `value` is not computed by a forest.
#[must_use]
pub fn trees<'a>(module: &'a Validated<Int>, plan: &'a Plan, value: Value) -> Trees<'a> {
    let IntOp::TreeEnsemble { forest, input } = module.node(value).op else {
        panic!("value %{} is a tree ensemble", value.index())
    };
    trees_of(module, plan, value, forest, input)
}

fn trees_of<'a>(
    module: &'a Validated<Int>,
    plan: &'a Plan,
    value: Value,
    forest: Handle<Forest<Int>>,
    input: Value,
) -> Trees<'a> {
    let ranges = plan.inputs[&input].clone();
    Trees::new(&module.forests[forest], plan.elements.of_value(input), ranges)
        .with_visits(plan.profile.visits(value))
}

/// The ONNX node that `value` comes from, as a reader would name it.
#[must_use]
pub fn node_name(module: &Module<Int>, value: Value) -> Option<&str> {
    let place = module.origins.places(module.node(value).origin, 1).first().copied()?;
    module.origins.graph_nodes.get(place.node as usize).map(String::as_str)
}

fn feature_ranges(ranges: &Ranges, input: Value) -> Vec<Interval> {
    let fits = "the validator proves that every value fits its storage";
    let bounds = ranges.of_value(input).iter();
    bounds
        .map(|bounds| {
            let min = i64::try_from(bounds.min).expect(fits);
            Interval::new(min, i64::try_from(bounds.max).expect(fits))
        })
        .collect()
}

fn does_not_fit(
    module: &Module<Int>,
    value: Value,
    handle: Handle<Forest<Int>>,
    choice: Choice,
    refusals: Refusals,
) -> Box<Refused> {
    let forest = &module.forests[handle];
    let (trees, nodes) = (forest.roots.len(), forest.nodes.len());
    let name = node_name(module, value).unwrap_or_default().to_owned();
    Box::new(ForestDoesNotFit { name, choice, trees, nodes, refusals }.into())
}

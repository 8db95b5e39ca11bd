//! What all parts of the back end share: names, places, origins.

use std::collections::{BTreeMap, BTreeSet};

use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::validate::Validated;
use skxc_ir::{ElementType, Int, Operation as _, OriginId, Value};
use skxc_lowering::{Element, Exit, ForestPlan, Plan, TreeCode, Trees};

use crate::tensor::{Fusion, Memory};
use skxc_backend_common::layout::Layout;
use skxc_backend_common::namer::Prefix;
use skxc_backend_common::writer::literal;

/// Variables of 8 bytes that are needed at the same time: a quarter of the stack of a BPF
/// program (`MAX_BPF_STACK`, include/linux/filter.h), which clang needs too.
const LOCALS_MAX: usize = 16;

/// One forest of the module and the names of its code.
#[derive(Clone, Debug)]
pub(crate) struct Forest<'a> {
    /// The sums.
    pub(crate) value: Value,
    /// All of its trees.
    pub(crate) trees: Trees<'a>,
    /// Prefix of functions.
    pub(crate) lower: String,
    /// Member of the scratch that holds the sums.
    pub(crate) sum: String,
    /// The parts in order; each adds to the sums.
    pub(crate) parts: Vec<Part<'a>>,
    /// Where decided rows leave.
    pub(crate) exit: Option<&'a Exit>,
}

/// One part of a forest and the names of its code.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    /// The sums.
    pub(crate) value: Value,
    pub(crate) shape: &'a TreeCode,
    /// The trees of the part.
    pub(crate) trees: Trees<'a>,
    /// Prefix of functions and tables.
    pub(crate) lower: String,
    /// Prefix of macros.
    pub(crate) upper: String,
    /// Member of the scratch that holds the sums.
    pub(crate) sum: String,
    /// Appended to members of the scratch that are of this part alone.
    pub(crate) suffix: String,
}

/// A module on its way to C.
#[derive(Clone, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) module: &'a Validated<Int>,
    pub(crate) plan: &'a Plan,
    pub(crate) layout: &'a Layout,
    pub(crate) prefix: Prefix,
    pub(crate) ranges: Ranges,
    /// What has no place of its own.
    pub(crate) fusion: Fusion,
    /// Where loops find their operands.
    pub(crate) memory: Memory,
    forests: Vec<Forest<'a>>,
    /// Values of one element that functions read: no local variables.
    shared: BTreeSet<Value>,
    /// The same of those that are too many for the stack.
    beyond_the_stack: BTreeSet<Value>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(module: &'a Validated<Int>, plan: &'a Plan, layout: &'a Layout) -> Self {
        let prefix = Prefix::new(&module.name);
        let ranges = Ranges::of(module);
        let forests = plan.forests.iter().enumerate().map(|(index, (&value, forest))| {
            // One forest, the usual case, needs no number.
            let number = (plan.forests.len() > 1).then_some(index);
            let trees = skxc_lowering::trees(module, plan, value);
            Forest::new(&prefix, value, trees, forest, number)
        });
        let forests = forests.collect();
        let memory = Memory::default();
        let shared = shared(module, plan);
        let beyond_the_stack = beyond_the_stack(module, plan, &shared);
        let fusion = Fusion::default();
        let mut context = Self {
            module,
            plan,
            layout,
            prefix,
            ranges,
            fusion,
            memory,
            forests,
            shared,
            beyond_the_stack,
        };
        context.fusion = Fusion::of(&context);
        context.memory = Memory::new(&context);
        context
    }

    /// The forests in the order in which they are computed.
    pub(crate) fn forests(&self) -> &[Forest<'a>] {
        &self.forests
    }

    /// The forest that computes `value`, if one does.
    pub(crate) fn forest(&self, value: Value) -> Option<&Forest<'a>> {
        self.forests.iter().find(|forest| forest.value == value)
    }

    /// The member of the features struct that holds a column.
    fn member(&self, column: skxc_ir::Handle<skxc_ir::Column>) -> &str {
        let field = self.layout.field(column);
        &field.expect("every column that an operation reads has a member").name
    }

    /// An expression of an element, of the type it is stored in.
    pub(crate) fn element(&self, element: Element) -> String {
        match element {
            Element::Column(column) => format!("f->{}", self.member(column)),
            Element::Constant(x) => literal(x),
            Element::Cell { value, index } => match self.forest(value) {
                Some(forest) => format!("s->{}[{index}]", forest.sum),
                None if self.is_scalar(value) => format!("v{}", value.index()),
                None => format!("s->v{}[{index}]", value.index()),
            },
        }
    }

    /// Is the value held in a local variable?
    pub(crate) fn is_scalar(&self, value: Value) -> bool {
        self.module.shape(value).elements() == 1
            && !self.shared.contains(&value)
            && !self.is_beyond_the_stack(value)
    }

    /// Is it a number that was one too many for the stack? clang must forget it, or
    /// it keeps it there all the same.
    pub(crate) fn is_beyond_the_stack(&self, value: Value) -> bool {
        self.beyond_the_stack.contains(&value)
    }

    /// The ONNX node a value comes from, as a reader would name it.
    pub(crate) fn onnx(&self, origin: OriginId) -> String {
        let place = self.module.origins.places(origin, 1).first().copied();
        let name = place.and_then(|place| {
            let nodes = &self.module.origins.graph_nodes;
            Some(format!("{} (onnx{})", nodes.get(place.node as usize)?, place.node))
        });
        name.unwrap_or_else(|| "the model".to_owned())
    }

    /// Bits of magnitude that an element of `value` takes at most.
    pub(crate) fn bits(&self, value: Value, index: usize) -> u32 {
        self.ranges.of_value(value)[index].magnitude_bits()
    }

    /// Real value of a stored number, for comments.
    pub(crate) fn real(&self, value: Value, stored: i128) -> String {
        match self.module.ty(value).elem {
            ElementType::Fixed { frac_bits, .. } => {
                let real = stored as f64 / f64::from(frac_bits).exp2();
                let is_plain = stored == 0 || (1e-4..1e6).contains(&real.abs());
                if is_plain { format!("{real:.6}") } else { format!("{real:.6e}") }
            }
            _ => stored.to_string(),
        }
    }
}

/// The values of which an element is an operand of a linear map with functions.
fn shared(module: &Validated<Int>, plan: &Plan) -> BTreeSet<Value> {
    let mut shared = BTreeSet::new();
    for (&map, _) in plan.maps.iter().filter(|(_, map)| map.functions() > 0) {
        module.node(map).op.operands(&mut |operand| {
            shared.extend(plan.elements.of_value(operand).iter().filter_map(|it| it.computed_by()));
        });
    }
    shared
}

/// Of the values of one element that are needed at the same time, those that are
/// needed longest, where there are more than [`LOCALS_MAX`].
fn beyond_the_stack(
    module: &Validated<Int>,
    plan: &Plan,
    shared: &BTreeSet<Value>,
) -> BTreeSet<Value> {
    let mut last_read: BTreeMap<Value, Value> = BTreeMap::new();
    for reader in module.values() {
        module.node(reader).op.operands(&mut |operand| {
            let computed = plan.elements.of_value(operand).iter().filter_map(|it| it.computed_by());
            last_read.extend(computed.map(|value| (value, reader)));
        });
    }
    let is_local = |value: Value| module.shape(value).elements() == 1 && !shared.contains(&value);
    let mut live: BTreeSet<(Value, Value)> = BTreeSet::new();
    let mut beyond = BTreeSet::new();
    for value in module.values() {
        live.retain(|&(last, _)| last >= value);
        let last = last_read.get(&value).filter(|_| is_local(value));
        live.extend(last.map(|&last| (last, value)));
        if live.len() > LOCALS_MAX {
            beyond.extend(live.pop_last().map(|(_, value)| value));
        }
    }
    beyond
}

impl<'a> Forest<'a> {
    fn new(
        prefix: &Prefix,
        value: Value,
        trees: Trees<'a>,
        plan: &'a ForestPlan,
        number: Option<usize>,
    ) -> Self {
        let suffix = number.map_or_else(String::new, |number| number.to_string());
        let infix = number.map_or_else(String::new, |number| format!("_t{number}"));
        let sum = format!("sum{suffix}");
        let part = |(index, part): (usize, &'a skxc_lowering::Part)| {
            // Nor does one part.
            let number = (plan.parts.len() > 1).then_some(index);
            let infix = infix.clone() + &number.map_or_else(String::new, |it| format!("_p{it}"));
            Part {
                value,
                shape: &part.shape,
                trees: trees.subset(&part.trees),
                lower: format!("{}{infix}", prefix.lower),
                upper: format!("{}{}", prefix.upper, infix.to_ascii_uppercase()),
                sum: sum.clone(),
                suffix: suffix.clone() + &number.map_or_else(String::new, |it| format!("_{it}")),
            }
        };
        let parts = plan.parts.iter().enumerate().map(part).collect();
        let (lower, exit) = (format!("{}{infix}", prefix.lower), plan.exit.as_ref());
        Self { value, lower, sum, parts, exit, trees }
    }
}

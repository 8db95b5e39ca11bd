//! What all parts of the back end share: names, places, origins.

use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::validate::Validated;
use skxc_ir::{ElementType, Int, OriginId, Value};
use skxc_lowering::storage::Place;
use skxc_lowering::{Element, Exit, ForestPlan, Plan, TreeCode, Trees};

use skxc_backend_common::layout::Layout;
use skxc_backend_common::namer::Prefix;
use skxc_backend_common::writer::literal;

/// One forest of the module and the names of its code.
#[derive(Clone, Debug)]
pub(crate) struct Forest<'a> {
    /// The value of the sums.
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
    /// The value of the sums.
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
    pub(crate) ranges: &'a Ranges,
    forests: Vec<Forest<'a>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(module: &'a Validated<Int>, plan: &'a Plan, layout: &'a Layout) -> Self {
        let prefix = Prefix::new(&module.name);
        let ranges = module.ranges();
        let forests = plan.forests.iter().enumerate().map(|(index, (&value, forest))| {
            // One forest, the usual case, needs no number.
            let number = (plan.forests.len() > 1).then_some(index);
            let trees = skxc_lowering::trees(module, plan, value);
            Forest::new(&prefix, value, trees, forest, number)
        });
        let forests = forests.collect();
        Self { module, plan, layout, prefix, ranges, forests }
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
                None if self.is_local(value) => format!("v{}", value.index()),
                None => format!("s->v{}[{index}]", value.index()),
            },
        }
    }

    /// Is the value held in a local variable?
    pub(crate) fn is_local(&self, value: Value) -> bool {
        self.plan.storage.place(value) == Some(Place::Local)
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

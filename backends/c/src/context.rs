//! What all parts of the back end share: names, places, origins.

use skxc_ir::analysis::ranges::Ranges;
use skxc_ir::lowering::{Element, ForestPlan, Plan, Trees};
use skxc_ir::validate::Validated;
use skxc_ir::{ElementType, Int, IntOp, OriginId, Value};

use crate::layout::Layout;
use crate::namer::Prefix;
use crate::writer::literal;

/// One forest of the module and the names of its code.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    /// The sums.
    pub(crate) value: Value,
    pub(crate) plan: &'a ForestPlan,
    pub(crate) trees: Trees<'a>,
    /// Prefix of functions and tables.
    pub(crate) lower: String,
    /// Prefix of macros.
    pub(crate) upper: String,
    /// Appended to members of the scratch.
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
    parts: Vec<Part<'a>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(module: &'a Validated<Int>, plan: &'a Plan, layout: &'a Layout) -> Self {
        let prefix = Prefix::new(&module.name);
        let ranges = Ranges::of(module);
        let parts = plan.forests.iter().enumerate().map(|(index, (&value, forest))| {
            // One forest, the usual case, needs no number.
            let suffix = if plan.forests.len() == 1 { String::new() } else { index.to_string() };
            let infix = if suffix.is_empty() { String::new() } else { format!("_t{suffix}") };
            Part {
                value,
                plan: forest,
                trees: skxc_ir::lowering::trees(module, plan, value),
                lower: format!("{}{infix}", prefix.lower),
                upper: format!("{}{}", prefix.upper, infix.to_ascii_uppercase()),
                suffix,
            }
        });
        let parts = parts.collect();
        Self { module, plan, layout, prefix, ranges, parts }
    }

    /// The forests in the order in which they are computed.
    pub(crate) fn parts(&self) -> &[Part<'a>] {
        &self.parts
    }

    /// The forest that computes `value`, if one does.
    pub(crate) fn part(&self, value: Value) -> Option<&Part<'a>> {
        self.parts.iter().find(|part| part.value == value)
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
            Element::Cell { value, index } => match self.part(value) {
                Some(part) => format!("s->sum{}[{index}]", part.suffix),
                None if self.is_scalar(value) => format!("v{}", value.index()),
                None => format!("s->v{}[{index}]", value.index()),
            },
        }
    }

    /// Is the value held in a local variable?
    pub(crate) fn is_scalar(&self, value: Value) -> bool {
        self.module.shape(value).elements() == 1
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

    /// Does any operation of the module need the helper of argmax over a row?
    pub(crate) fn has_wide_argmax(&self) -> bool {
        self.module.values().any(|value| self.wide_argmax(value).is_some())
    }

    /// The row of an argmax over more than two elements.
    pub(crate) fn wide_argmax(&self, value: Value) -> Option<&[Element]> {
        let IntOp::ArgMax { input, .. } = self.module.node(value).op else { return None };
        let row = self.plan.elements.of_value(input);
        (row.len() > 2).then_some(row)
    }
}

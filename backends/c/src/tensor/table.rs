//! Tabulated functions: the table, and the function that reads it.
//!
//! A table of equal segments is found by a shift, another one by a search over
//! the starts of its segments, a step a bit. Both are padded to a power of two,
//! so that a mask or the steps keep the index inside as the verifier sees it.

use skxc_ir::{Function, Handle, IntOp};

use crate::context::Context;
use skxc_backend_common::writer::{Writer, literal};

/// What lies behind every input, in the search over starts.
const BEHIND_ALL: i64 = 1 << 62;

/// Which bounds the code must keep; the others are proven.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cuts {
    /// Inputs may lie before all segments.
    pub(super) low: bool,
    /// Inputs may lie behind all segments.
    pub(super) high: bool,
    /// Polynomials may go below the range.
    pub(super) below: bool,
    /// Polynomials may go above the range.
    pub(super) above: bool,
}

impl Cuts {
    pub(super) fn of(context: &Context<'_>, handle: Handle<Function>) -> Self {
        let function = &context.module.functions[handle];
        let (first, last) = function.ends();
        let mut cuts = Self { low: false, high: false, below: false, above: false };
        for value in context.module.values() {
            match context.module.node(value).op {
                IntOp::Function { function, input } if function == handle => {
                    let bounds = context.ranges.of_value(input);
                    cuts.low |= bounds.iter().any(|it| it.min < first.into());
                    cuts.high |= bounds.iter().any(|it| it.max > last.into());
                }
                _ => {}
            }
        }
        for segment in &function.segments {
            let bounds = function.bounds(segment).expect("no step of a valid table overflows");
            cuts.below |= bounds.min < function.range.min;
            cuts.above |= bounds.max > function.range.max;
        }
        cuts
    }
}

/// The table of a function and the function `NAME_fN`.
pub(super) fn emit(out: &mut Writer, context: &Context<'_>, handle: Handle<Function>) {
    let function = &context.module.functions[handle];
    let table = Table {
        function,
        cuts: Cuts::of(context, handle),
        name: context.prefix.lower.clone(),
        own: format!("{}_f{}", context.prefix.lower, handle.index()),
        entries: function.segments.len().next_power_of_two(),
    };
    out.comment(&table.about());
    if table.equal_width().is_none() {
        table.starts(out);
    }
    table.coefficients(out);
    table.evaluate(out);
}

struct Table<'f> {
    function: &'f Function,
    cuts: Cuts,
    /// Name of the model.
    name: String,
    /// Name of the function in C.
    own: String,
    entries: usize,
}

impl Table<'_> {
    fn about(&self) -> Vec<String> {
        let Function { name, input, output, domain, error, segments, .. } = self.function;
        let degree = self.degree();
        vec![
            format!("{}(x) = {name}, from {input} to {output}.", self.own),
            String::new(),
            format!(
                "{} segments of degree {degree}; for x from {} to {}, as stored, it is within {error:e} \
                 of the function. Products take at most 62 bits.",
                segments.len(),
                domain.min,
                domain.max,
            ),
        ]
    }

    fn degree(&self) -> usize {
        self.function.segments[0].coefficients.len() - 1
    }

    /// Binary logarithm of the width of all segments, if they have one.
    fn equal_width(&self) -> Option<u8> {
        let mut widths = self.function.segments.iter().map(|segment| segment.width_bits);
        let first = widths.next()?;
        widths.all(|width| width == first).then_some(first)
    }

    fn starts(&self, out: &mut Writer) {
        let own = &self.own;
        let entries = self.entries;
        let starts = self.function.segments.iter().map(|segment| segment.start);
        let behind = std::iter::repeat(BEHIND_ALL);
        let starts: Vec<String> = starts.chain(behind).take(entries).map(literal).collect();
        out.open(&format!("static const __s64 {own}_starts[{entries}] = {{"));
        out.elements(starts.iter().map(String::as_str));
        out.close("};");
        // A position is shifted to the left, or to the right where it has more bits.
        let bits = i16::from(self.function.position_bits);
        for (side, sign) in [("left", 1), ("right", -1)] {
            let widths = self.function.segments.iter().map(|segment| i16::from(segment.width_bits));
            let shifts = widths.map(|width| (sign * (bits - width)).max(0).to_string());
            let shifts: Vec<String> = shifts.collect();
            out.open(&format!("static const __u8 {own}_{side}[{entries}] = {{"));
            out.elements(shifts.iter().map(String::as_str));
            out.close("};");
        }
    }

    fn coefficients(&self, out: &mut Writer) {
        let own = &self.own;
        let columns = self.degree() + 1;
        out.open(&format!("static const __s64 {own}_table[{}][{columns}] = {{", self.entries));
        for segment in &self.function.segments {
            let row: Vec<String> = segment.coefficients.iter().map(|&x| literal(x)).collect();
            out.wrapped(&braced(&row));
        }
        out.close("};");
        out.line("");
    }

    fn evaluate(&self, out: &mut Writer) {
        let (own, name) = (&self.own, &self.name);
        let (first, last) = self.function.ends();
        out.line("static __always_inline __s64");
        out.line(&format!("{own}(__s64 x)"));
        out.open("{");
        out.lines("const __s64 *c;\n__s64 u, h;\n__u64 t;\n");
        if self.equal_width().is_none() {
            out.lines("__u64 at = 0;\n__s64 d;\n");
        }
        out.line("");
        if self.cuts.low {
            out.line(&format!("x = {name}_maximum(x, {});", literal(first)));
        }
        if self.cuts.high {
            out.line(&format!("x = {name}_minimum(x, {});", literal(last)));
        }
        match self.equal_width() {
            Some(width) => self.find_by_shift(out, width),
            None => self.find_by_search(out),
        }
        self.polynomial(out);
        let range = self.function.range;
        if self.cuts.below {
            out.line(&format!("h = {name}_maximum(h, {});", literal(range.min)));
        }
        if self.cuts.above {
            out.line(&format!("h = {name}_minimum(h, {});", literal(range.max)));
        }
        out.line("return h;");
        out.close("}");
        out.line("");
    }

    /// The segment of `x` and the position in it, where all are as wide.
    fn find_by_shift(&self, out: &mut Writer, width: u8) {
        let own = &self.own;
        let (first, _) = self.function.ends();
        let bits = self.function.position_bits;
        let offset = if first == 0 { "x".to_owned() } else { format!("(x - {})", literal(first)) };
        out.line(&format!("t = (__u64){offset};"));
        // Clang may know that the mask changes nothing; the verifier does not.
        out.line(&format!("{}_barrier(t);", self.name));
        out.line(&format!("c = {own}_table[(t >> {width}) & {}];", self.entries - 1));
        let inside = if width == 0 {
            "0".to_owned()
        } else {
            format!("(__s64)(t & {:#x}ULL)", (1u64 << width) - 1)
        };
        let position = match width.cmp(&bits) {
            std::cmp::Ordering::Less => format!("{inside} << {}", bits - width),
            std::cmp::Ordering::Equal => inside,
            std::cmp::Ordering::Greater => format!("{inside} >> {}", width - bits),
        };
        out.line(&format!("u = {position};"));
    }

    /// The same by a binary search: the last segment whose start is at most `x`.
    fn find_by_search(&self, out: &mut Writer) {
        let (own, name) = (&self.own, &self.name);
        for bit in (0..self.entries.trailing_zeros()).rev() {
            out.line(&format!("d = x - {own}_starts[at + {}];", 1 << bit));
            out.line(&format!("{name}_barrier(d);"));
            out.line("t = ~(__u64)d >> 63;");
            // Of the sign and a factor clang would make a mask, both values of which
            // Linux 6.18 follows.
            out.line(&format!("{name}_barrier(t);"));
            out.line(&format!("at += t << {bit};"));
            // Of bits that are apart clang makes an OR, which has no bounds to Linux 6.1.
            out.line(&format!("{name}_barrier(at);"));
        }
        out.line(&format!("t = (__u64)(x - {own}_starts[at]);"));
        out.line(&format!("c = {own}_table[at];"));
        out.line(&format!("u = (__s64)((t << {own}_left[at]) >> {own}_right[at]);"));
    }

    /// Horner's scheme, as [`Function::at`] has it.
    fn polynomial(&self, out: &mut Writer) {
        let Function { position_bits, gain, shift, .. } = *self.function;
        let degree = self.degree();
        if degree == 0 {
            out.lines("h = c[0];\n(void)u;");
            return;
        }
        out.line(&format!("h = c[{degree}];"));
        for k in (1..degree).rev() {
            out.line(&format!("h = c[{k}] + ((u * h) >> {});", position_bits + gain));
        }
        let half = if shift == 0 { 0 } else { 1i64 << (shift - 1) };
        out.line(&format!("h = c[0] + ((u * h + {}) >> {shift});", literal(half)));
    }
}

/// Numbers in braces, to be broken between any two.
fn braced(row: &[String]) -> Vec<String> {
    let last = row.len() - 1;
    let piece = |(k, x): (usize, &String)| {
        let open = if k == 0 { "{ " } else { "" };
        let close = if k == last { " }," } else { "," };
        format!("{open}{x}{close}")
    };
    row.iter().enumerate().map(piece).collect()
}

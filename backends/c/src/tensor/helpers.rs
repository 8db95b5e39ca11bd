//! Small functions that the operations call, without a branch: masks made of
//! signs, behind a barrier so that clang does not turn them back.

use skxc_ir::{IntBinary, IntOp, IntReduction, Relation, Value};
use skxc_lowering::order;

use super::{elementwise, lookup, rows, table};
use crate::context::Context;
use skxc_backend_common::writer::Writer;

/// Which of them a module needs. Some call others.
#[derive(Clone, Copy, Debug, Default)]
struct Needs {
    less: bool,
    differ: bool,
    pick: bool,
    minimum: bool,
    maximum: bool,
    divide: bool,
    multiply: bool,
    relu: bool,
    argmax: bool,
    argsort: bool,
    select: bool,
    inside: bool,
}

/// Writes one of them, for the model of a name.
type Emit = fn(&mut Writer, &str);

/// Those that the values need.
pub(super) fn emit(out: &mut Writer, context: &Context<'_>, values: &[Value]) {
    let needs = Needs::of(context, values);
    let all: [(bool, Emit); 12] = [
        (needs.less || needs.minimum || needs.maximum, less),
        (needs.differ, differ),
        (needs.pick || needs.minimum || needs.maximum, pick),
        (needs.minimum, minimum),
        (needs.maximum, maximum),
        (needs.divide, divide),
        (needs.multiply, multiply),
        (needs.relu, relu),
        (needs.argmax, rows::argmax_helper),
        (needs.argsort, rows::argsort_helper),
        (needs.select, rows::select_helper),
        (needs.inside, lookup::inside_helper),
    ];
    for (is_needed, emit) in all {
        if is_needed {
            emit(out, &context.prefix.lower);
        }
    }
}

impl Needs {
    fn of(context: &Context<'_>, values: &[Value]) -> Self {
        let mut needs = Self::default();
        for &value in values {
            needs.add(context, value);
        }
        needs
    }

    fn add(&mut self, context: &Context<'_>, value: Value) {
        match context.module.node(value).op {
            IntOp::Binary { function: IntBinary::Minimum, .. }
            | IntOp::Reduce { function: IntReduction::Minimum, .. } => self.minimum = true,
            IntOp::Binary { function: IntBinary::Maximum, .. }
                if elementwise::is_relu(context, value) =>
            {
                self.relu = true;
            }
            IntOp::Binary { function: IntBinary::Maximum, .. }
            | IntOp::Reduce { function: IntReduction::Maximum, .. } => self.maximum = true,
            IntOp::Compare { relation: Relation::Equal, .. } => self.differ = true,
            IntOp::Compare { .. } | IntOp::Greater { .. } => self.less = true,
            IntOp::Lookup { .. } => (self.differ, self.pick) = (true, true),
            IntOp::Select { .. } => self.pick = true,
            IntOp::Divide { .. } => self.divide = true,
            IntOp::Multiply { .. } => {
                self.multiply |= elementwise::is_wide_product(context, value);
            }
            IntOp::ArgMax { input, .. } => {
                self.argmax |= context.module.shape(input).row() > 2;
                self.less |= rows::has_less(context, value);
            }
            IntOp::ArgSort { .. } => {
                let is_selected = order::first_read(context.module, value).is_some();
                self.select |= is_selected;
                self.argsort |= !is_selected;
            }
            IntOp::Function { function, .. } => {
                let cuts = table::Cuts::of(context, function);
                self.minimum |= cuts.high || cuts.above;
                self.maximum |= cuts.low || cuts.below;
            }
            IntOp::Take { input, index } | IntOp::TakeAlong { input, indices: index } => {
                let (below, above) = lookup::leaves(context, input, index);
                self.maximum |= below;
                self.minimum |= above;
                self.inside = true;
            }
            IntOp::Binary { .. }
            | IntOp::Rescale { .. }
            | IntOp::Not { .. }
            | IntOp::Reduce { function: IntReduction::Sum, .. }
            | IntOp::CumulativeSum { .. }
            | IntOp::Input { .. }
            | IntOp::Constant { .. }
            | IntOp::Reshape { .. }
            | IntOp::Gather { .. }
            | IntOp::Concat { .. }
            | IntOp::Linear { .. }
            | IntOp::TreeEnsemble { .. }
            | IntOp::Label { .. } => {}
        }
    }
}

fn less(out: &mut Writer, name: &str) {
    out.comment(&["1 if a is less than b, else 0; both take at most 62 bits.".to_owned()]);
    function(out, name, "less(__s64 a, __s64 b)");
    out.lines("__s64 d = a - b;\n");
    out.line("");
    out.line(&format!("{name}_barrier(d);"));
    out.line("return (__s64)((__u64)d >> 63);");
    end(out);
}

fn differ(out: &mut Writer, name: &str) {
    out.comment(&["0 if a equals b, else 1.".to_owned()]);
    function(out, name, "differ(__s64 a, __s64 b)");
    out.line("__u64 d = (__u64)(a ^ b);");
    out.line("");
    out.line("d |= -d;");
    out.line(&format!("{name}_barrier(d);"));
    out.line("return (__s64)(d >> 63);");
    end(out);
}

fn pick(out: &mut Writer, name: &str) {
    out.comment(&["a if c is 1, b if it is 0.".to_owned()]);
    function(out, name, "pick(__s64 c, __s64 a, __s64 b)");
    out.line("__s64 m = -c;");
    out.line("");
    out.line(&format!("{name}_barrier(m);"));
    out.line("return b ^ ((a ^ b) & m);");
    end(out);
}

fn minimum(out: &mut Writer, name: &str) {
    function(out, name, "minimum(__s64 a, __s64 b)");
    out.line(&format!("return {name}_pick({name}_less(a, b), a, b);"));
    end(out);
}

fn maximum(out: &mut Writer, name: &str) {
    function(out, name, "maximum(__s64 a, __s64 b)");
    out.line(&format!("return {name}_pick({name}_less(a, b), b, a);"));
    end(out);
}

fn relu(out: &mut Writer, name: &str) {
    out.comment(&["x, or 0 if that is greater.".to_owned()]);
    function(out, name, "relu(__s64 x)");
    out.line("__s64 m = x >> 63;");
    out.line("");
    out.line(&format!("{name}_barrier(m);"));
    out.line("return x & ~m;");
    end(out);
}

fn multiply(out: &mut Writer, name: &str) {
    out.comment(&[
        "a * b / 2^shift to the nearest, halves up; both take at most 62 bits. The product has \
         128 bits, from four of halves: low * low, twice low * high, high * high."
            .to_owned(),
    ]);
    function(out, name, "multiply(__s64 a, __s64 b, const __u32 shift)");
    out.lines(
        "const __u64 low = 0xffffffff;\n__u64 ll = ((__u64)a & low) * ((__u64)b & low);\n\
         __s64 lh = (__s64)((__u64)a & low) * (b >> 32);\n\
         __s64 hl = (a >> 32) * (__s64)((__u64)b & low);\n\
         __u64 half = 1ULL << (shift - 1);\n__u64 middle, bottom, sum;\n__s64 top;\n",
    );
    out.line("");
    out.lines(
        "middle = (ll >> 32) + ((__u64)lh & low) + ((__u64)hl & low);\n\
         bottom = (middle << 32) | (ll & low);\n\
         top = (a >> 32) * (b >> 32) + (lh >> 32) + (hl >> 32);\n\
         top += (__s64)(middle >> 32);\nsum = bottom + half;",
    );
    out.comment(&["The carry of that addition.".to_owned()]);
    out.line("top += (__s64)(((bottom & half) | ((bottom | half) & ~sum)) >> 63);");
    out.line("return (__s64)(((__u64)top << (64 - shift)) | (sum >> shift));");
    end(out);
}

fn divide(out: &mut Writer, name: &str) {
    out.comment(&[
        "a / b to the nearest, halves away from 0. BPF divides unsigned numbers only, before \
         -mcpu=v4; a takes at most 62 bits and b is not 0."
            .to_owned(),
    ]);
    function(out, name, "divide(__s64 a, __s64 b)");
    out.lines("__s64 of_a = a >> 63, of_b = b >> 63, sign;\n__u64 n, d, q;\n");
    out.line("");
    out.line(&format!("{name}_barrier(of_a);"));
    out.line(&format!("{name}_barrier(of_b);"));
    out.lines("n = (__u64)((a ^ of_a) - of_a);\nd = (__u64)((b ^ of_b) - of_b);");
    out.lines("q = (n + (d >> 1)) / d;\nsign = of_a ^ of_b;");
    out.line("return ((__s64)q ^ sign) - sign;");
    end(out);
}

/// Begins a function of the model.
fn function(out: &mut Writer, name: &str, signature: &str) {
    out.line("static __always_inline __s64");
    out.line(&format!("{name}_{signature}"));
    out.open("{");
}

fn end(out: &mut Writer) {
    out.close("}");
    out.line("");
}

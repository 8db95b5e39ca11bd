//! Small functions that the operations call, without a branch: masks made of
//! signs, behind a barrier so that clang does not turn them back.

use skxc_ir::{IntBinary, IntOp, IntReduction, Relation, Value};

use super::{lookup, rows, table};
use crate::context::Context;
use crate::writer::Writer;

/// Which of them a module needs. Some call others.
#[derive(Clone, Copy, Debug, Default)]
struct Needs {
    less: bool,
    differ: bool,
    pick: bool,
    minimum: bool,
    maximum: bool,
    divide: bool,
    argmax: bool,
    argsort: bool,
    inside: bool,
}

/// Writes one of them, for the model of a name.
type Emit = fn(&mut Writer, &str);

/// Those that the values need.
pub(super) fn emit(out: &mut Writer, context: &Context<'_>, values: &[Value]) {
    let needs = Needs::of(context, values);
    let all: [(bool, Emit); 9] = [
        (needs.less || needs.minimum || needs.maximum, less),
        (needs.differ, differ),
        (needs.pick || needs.minimum || needs.maximum, pick),
        (needs.minimum, minimum),
        (needs.maximum, maximum),
        (needs.divide, divide),
        (needs.argmax, rows::argmax_helper),
        (needs.argsort, rows::argsort_helper),
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
            | IntOp::Reduce { function: IntReduction::Maximum, .. } => self.maximum = true,
            IntOp::Compare { relation: Relation::Equal, .. } => self.differ = true,
            IntOp::Compare { .. } | IntOp::Greater { .. } => self.less = true,
            IntOp::Lookup { .. } => (self.differ, self.pick) = (true, true),
            IntOp::Select { .. } => self.pick = true,
            IntOp::Divide { .. } => self.divide = true,
            IntOp::ArgMax { input, .. } => {
                self.argmax |= context.module.shape(input).row() > 2;
            }
            IntOp::ArgSort { .. } => self.argsort = true,
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
            | IntOp::Multiply { .. }
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

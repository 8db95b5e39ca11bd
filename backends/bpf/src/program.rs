//! The text of `NAME.bpf.c`.

use skxc_backend_common::layout::Layout;
use skxc_backend_common::namer::Prefix;
use skxc_backend_common::writer::{Writer, comment_text};
use skxc_ir::Int;
use skxc_ir::validate::Validated;
use skxc_runtime::Reason;

use crate::kernel_features::PERCPU_VALUE_BYTES_MAX;
use crate::{Action, Hook, Options, class_names, needs};

/// Prints the program.
pub(crate) fn text(module: &Validated<Int>, layout: &Layout, options: &Options) -> String {
    let prefix = Prefix::new(&module.name);
    let mut out = Writer::new();
    let program = Program { module, layout, options, name: &prefix.lower, upper: &prefix.upper };
    program.begin(&mut out);
    program.options(&mut out);
    program.maps(&mut out);
    match options.hook {
        Hook::Xdp => program.xdp(&mut out),
        Hook::Tc => program.tc(&mut out),
        Hook::None => {}
    }
    program.batch(&mut out);
    out.line(&format!("char {}_license[] SEC(\"license\") = \"Dual BSD/GPL\";", prefix.lower));
    out.finish()
}

struct Program<'a> {
    module: &'a Validated<Int>,
    layout: &'a Layout,
    options: &'a Options,
    name: &'a str,
    upper: &'a str,
}

impl Program<'_> {
    fn begin(&self, out: &mut Writer) {
        let name = self.name;
        out.line("/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */");
        let made = &self.options.header;
        let mut about = vec![format!("{name}.bpf.c: made by {}; do not edit.", made.generator)];
        if !made.command.is_empty() {
            about.extend([String::new(), format!("\t{}", made.command)]);
        }
        about.push(String::new());
        match self.options.hook {
            Hook::None => {}
            Hook::Xdp | Hook::Tc => about.push(format!(
                "{}: finds the headers of a packet, reads the features that {name}.h declares, \
                 decides, counts, acts.",
                self.entry()
            )),
        }
        about.push(format!(
            "{name}_batch: the same decision over vectors in a map, to test it in the kernel."
        ));
        out.comment(&about);
        match self.options.hook {
            Hook::Xdp => out.lines("#include \"skxc/counters.h\"\n#include \"skxc/parse.h\""),
            Hook::Tc => out.lines(
                "#include <linux/pkt_cls.h>\n\n#include \"skxc/counters.h\"\n#include \"skxc/parse.h\"",
            ),
            Hook::None => out.line("#include \"skxc/bpf.h\""),
        }
        out.line("");
        out.line(&format!("#include \"{name}.h\""));
        out.line("");
    }

    /// Name of the program at the hook.
    fn entry(&self) -> String {
        match self.options.hook {
            Hook::Tc => format!("{}_tc", self.name),
            Hook::Xdp | Hook::None => format!("{}_xdp", self.name),
        }
    }

    /// What a loader may change before it loads.
    fn options(&self, out: &mut Writer) {
        let (name, upper) = (self.name, self.upper);
        out.comment(&[
            "Digest of the model, the options and the compiler that made this program.".to_owned()
        ]);
        out.line(&format!("const volatile char {name}_build_id[65] ="));
        out.line(&format!("\t\"{}\";", digest(&self.options.header.build_id)));
        out.line("");
        if self.options.hook == Hook::None {
            return;
        }
        out.comment(&[
            "Action of each class, as enum xdp_action numbers them. Changed, if at all, before the \
             program is loaded."
                .to_owned(),
        ]);
        out.open(&format!("const volatile __u32 {name}_actions[{upper}_CLASSES] = {{"));
        let mut actions = self.options.actions.iter().copied();
        let classes = class_names::of_module(self.module);
        for class in &classes {
            let action = actions.next().unwrap_or_default();
            out.line(&format!("{}, /* {} */", xdp(action), comment_text(class)));
        }
        out.close("};");
        out.line("");
        self.class_names(out, &classes);
        self.fallbacks(out);
        out.comment(&["Not 0: decide and count, but pass every packet.".to_owned()]);
        out.line(&format!(
            "const volatile __u32 {name}_shadow = {};",
            u32::from(self.options.shadow)
        ));
        out.line("");
        out.comment(&[
            "Not 0: frames begin with the IP header, as those of a tunnel do. The loader \
             sets it by the link type of the interface."
                .to_owned(),
        ]);
        out.line(&format!("const volatile __u32 {name}_layer3 = 0;"));
        out.line("");
        out.comment(&["What the declared columns need of a packet, read or not.".to_owned()]);
        let bits = needs(&self.options.features).bits();
        out.line(&format!("#define {upper}_NEEDS {bits:#x}u"));
        out.line("");
    }

    /// The table of actions by reason, from reason 0, which is none.
    fn fallbacks(&self, out: &mut Writer) {
        let name = self.name;
        out.comment(&[
            "Action of packets that cannot be classified, by enum skxc_reason.".to_owned()
        ]);
        out.open(&format!("const volatile __u32 {name}_fallbacks[SKXC_REASONS] = {{"));
        out.line(&format!("{}, /* none */", xdp(Action::Pass)));
        let mut actions = self.options.fallbacks.iter().copied();
        for reason in Reason::ALL {
            out.line(&format!("{}, /* {reason} */", xdp(actions.next().unwrap_or_default())));
        }
        out.close("};");
        out.line("");
    }

    /// The names of the classes that actions and counters go by.
    fn class_names(&self, out: &mut Writer, classes: &[String]) {
        out.comment(&[
            "Names of the classes, each ended by a zero byte, to be read back from the \
                       kernel."
                .to_owned(),
        ]);
        out.line(&format!("const volatile char {}_classes[] =", self.name));
        let (last, others) = classes.split_last().expect("a label has classes");
        for class in others {
            out.line(&format!("\t\"{}\\0\"", class_names::in_literal(class)));
        }
        out.line(&format!("\t\"{}\";", class_names::in_literal(last)));
        out.line("");
    }

    fn maps(&self, out: &mut Writer) {
        let (name, upper) = (self.name, self.upper);
        out.comment(&["What one decision works on.".to_owned()]);
        out.open(&format!("struct {name}_state {{"));
        out.line(&format!("struct {name}_features features;"));
        out.line(&format!("struct {name}_scratch scratch;"));
        out.line(&format!("struct {name}_result result;"));
        out.close("};");
        out.line("");
        let state = format!("struct {name}_state");
        if self.has_rows() {
            let bytes = self.layout.state_bytes();
            out.wrapped(&[
                format!("_Static_assert(sizeof({state}) == {bytes},"),
                "\"layout\");".into(),
            ]);
            out.line("");
            out.comment(&[
                "An array with a row for each CPU: entries of per-CPU arrays have at most 32 KiB. \
                 A decision has its row for itself, as it has the entry of a per-CPU array: XDP \
                 and tc programs run with bottom halves disabled, so that they neither move to \
                 another CPU nor meet another packet on theirs, and never inside one another."
                    .to_owned(),
                format!(
                    "{upper}_CPUS rows unless the loader sets their number, max_entries, to that \
                     of the possible CPUs, as skxc does. Packets on a CPU without a row pass."
                ),
            ]);
            out.line(&format!("#define {upper}_CPUS {}", rows(bytes)));
            out.line("");
            map(out, "BPF_MAP_TYPE_ARRAY", &format!("{upper}_CPUS"), &state, "");
        } else {
            out.comment(&["One entry a CPU: too large for the stack.".to_owned()]);
            map(out, "BPF_MAP_TYPE_PERCPU_ARRAY", "1", &state, "");
        }
        out.line(&format!("}} {name}_state SEC(\".maps\");"));
        out.line("");
        if self.options.hook != Hook::None {
            out.comment(&[
                "Packets and bytes: first of each class by index, then of each reason why a \
                 packet could not be classified, from enum skxc_reason."
                    .to_owned(),
            ]);
            let entries = format!("{upper}_CLASSES + SKXC_REASONS");
            map(out, "BPF_MAP_TYPE_PERCPU_ARRAY", &entries, "struct skxc_counter", "");
            out.line(&format!("}} {name}_counters SEC(\".maps\");"));
            out.line("");
        }
    }

    /// Is the state too large for a per-CPU array, so that it has a row for each CPU?
    fn has_rows(&self) -> bool {
        self.layout.state_bytes() > PERCPU_VALUE_BYTES_MAX
    }

    /// Declares the key of the state that belongs to this CPU, and says its name.
    fn key(&self, out: &mut Writer) -> &'static str {
        if self.has_rows() {
            out.line("const __u32 row = bpf_get_smp_processor_id();");
            "row"
        } else {
            out.line("const __u32 zero = 0;");
            "zero"
        }
    }

    /// Copies the features out of the packet.
    fn fill(&self, out: &mut Writer) {
        for field in &self.layout.features {
            let feature = self.options.features[field.column.index()];
            out.wrapped(&[
                format!("state->features.{} =", field.name),
                format!("{}(&headers);", feature.accessor),
            ]);
        }
        out.wrapped(&[
            format!("{}_predict(&state->features, &state->scratch,", self.name),
            "&state->result);".to_owned(),
        ]);
    }

    /// The functions that turn a reason or a label into an action.
    fn verdicts(&self, out: &mut Writer) {
        let (name, upper) = (self.name, self.upper);
        out.comment(&["The verdict on a packet that cannot be classified.".to_owned()]);
        out.line("static __always_inline __u32");
        out.line(&format!("{name}_unclassified(__u32 reason, __u32 bytes)"));
        out.open("{");
        out.line(&format!("skxc_count(&{name}_counters, {upper}_CLASSES + reason, bytes);"));
        out.comment(&[
            "Verifier: before Linux 5.16 a number of 32 bits that was kept on the stack during a \
             call is any number. So it needs a bound, which never bites."
                .to_owned(),
        ]);
        out.line("skxc_barrier(reason);");
        out.line("if (reason >= SKXC_REASONS)");
        out.line("\treturn XDP_PASS;");
        out.line(&format!("return {name}_shadow ? XDP_PASS : {name}_fallbacks[reason];"));
        out.close("}");
        out.line("");
        self.act(out);
    }

    /// The function that turns the labels into an action.
    fn act(&self, out: &mut Writer) {
        let (name, upper) = (self.name, self.upper);
        let several = self.layout.labels.len() > 1;
        let mut about = vec!["The verdict on a packet that the model has judged.".to_owned()];
        if several {
            about[0].push_str(
                " The first label whose action is not to pass decides; a packet is counted once \
                 for each label.",
            );
        }
        out.comment(&about);
        out.line("static __always_inline __u32");
        out.line(&format!("{name}_act(const struct {name}_state *state, __u32 bytes)"));
        out.open("{");
        if several {
            out.line("__u32 action = XDP_PASS;");
        }
        out.line("__u32 label;");
        out.line("");
        out.comment(&[
            "Verifier: read back from the map, the label is any number; else every class would \
             be a path of its own. So it needs a bound, which never bites."
                .to_owned(),
        ]);
        out.line(&format!("{name}_forget(state);"));
        if !several {
            out.line("label = state->result.label;");
            out.line(&format!("if (label >= {upper}_CLASSES)"));
            out.line("\treturn XDP_PASS;");
            out.line(&format!("skxc_count(&{name}_counters, label, bytes);"));
            out.line(&format!("return {name}_shadow ? XDP_PASS : {name}_actions[label];"));
        } else {
            let mut first = 0;
            for (index, &classes) in self.layout.labels.iter().enumerate() {
                self.act_on(out, index, first, classes);
                first += classes;
            }
            out.line(&format!("return {name}_shadow ? XDP_PASS : action;"));
        }
        out.close("}");
        out.line("");
    }

    /// Counts one of several labels; its classes start at `first`.
    fn act_on(&self, out: &mut Writer, index: usize, first: u32, classes: u32) {
        let name = self.name;
        let at = if first == 0 { "label".to_owned() } else { format!("{first} + label") };
        out.line(&format!("label = state->result.label[{index}];"));
        out.line(&format!("if (label >= {classes})"));
        out.line("\treturn XDP_PASS;");
        out.line(&format!("skxc_count(&{name}_counters, {at}, bytes);"));
        out.line("if (action == XDP_PASS)");
        out.line(&format!("\taction = {name}_actions[{at}];"));
    }

    /// From the packet to an action, at either hook.
    fn judge(&self, out: &mut Writer, context: &str, parse: &str) {
        let name = self.name;
        self.verdicts(out);
        out.line(&format!("static __always_inline __u32 {name}_judge({context})"));
        out.open("{");
        out.line("struct skxc_headers headers;");
        out.line("enum skxc_reason reason;");
        out.line(&format!("struct {name}_state *state;"));
        let key = self.key(out);
        out.line("");
        out.wrapped(&[
            format!("reason = {parse}(ctx, &headers, {}_NEEDS,", self.upper),
            format!("{name}_layer3);"),
        ]);
        out.line("if (reason)");
        out.line(&format!("\treturn {name}_unclassified(reason, headers.packet_length);"));
        out.line(&format!("state = bpf_map_lookup_elem(&{name}_state, &{key});"));
        if !self.has_rows() {
            let about = "Verifier: a lookup may fail; in an array of one entry it cannot.";
            out.comment(&[about.to_owned()]);
        }
        out.line("if (!state)");
        out.line("\treturn XDP_PASS;");
        self.fill(out);
        out.line(&format!("return {name}_act(state, headers.packet_length);"));
        out.close("}");
        out.line("");
    }

    fn xdp(&self, out: &mut Writer) {
        self.judge(out, "struct xdp_md *ctx", "skxc_parse_xdp");
        out.line("SEC(\"xdp\")");
        out.line(&format!("int {}(struct xdp_md *ctx)", self.entry()));
        out.open("{");
        out.line(&format!("return (int){}_judge(ctx);", self.name));
        out.close("}");
        out.line("");
    }

    fn tc(&self, out: &mut Writer) {
        self.judge(out, "struct __sk_buff *ctx", "skxc_parse_tc");
        out.line("SEC(\"tc\")");
        out.line(&format!("int {}(struct __sk_buff *ctx)", self.entry()));
        out.open("{");
        out.line(&format!("switch ({}_judge(ctx)) {{", self.name));
        out.line("case XDP_PASS:");
        out.comment(&["The next program decides, or the packet passes.".to_owned()]);
        out.line("\treturn TC_ACT_UNSPEC;");
        out.line("case XDP_TX:");
        out.line("\treturn (int)bpf_redirect(ctx->ifindex, 0);");
        out.line("default:");
        out.line("\treturn TC_ACT_SHOT;");
        out.line("}");
        out.close("}");
        out.line("");
    }

    fn batch(&self, out: &mut Writer) {
        let name = self.name;
        out.comment(&["A row of features, and what the model makes of it.".to_owned()]);
        out.open(&format!("struct {name}_vector {{"));
        out.line(&format!("struct {name}_features features;"));
        out.line(&format!("struct {name}_result result;"));
        out.close("};");
        out.line("");
        let layout = self.layout;
        for (what, bytes) in [
            (format!("sizeof(struct {name}_vector)"), layout.vector_bytes),
            (
                format!("__builtin_offsetof(struct {name}_vector, result)"),
                layout.vector_result_offset,
            ),
        ] {
            out.wrapped(&[format!("_Static_assert({what} == {bytes},"), "\"layout\");".into()]);
        }
        out.line("");
        out.comment(&[
            "The vectors of a test; the loader makes it as long as it needs and maps it into its \
             memory. Absent when the program is attached."
                .to_owned(),
        ]);
        let value = format!("struct {name}_vector");
        map(out, "BPF_MAP_TYPE_ARRAY", "1", &value, "BPF_F_MMAPABLE");
        out.line(&format!("}} {name}_vectors SEC(\".maps\");"));
        out.line("");
        out.comment(&["The next vector, and how many there are.".to_owned()]);
        out.line(&format!("__u32 {name}_cursor;"));
        out.line(&format!("__u32 {name}_vectors_len;"));
        out.line("");
        out.comment(&["Judges the next vector; a test run repeats it.".to_owned()]);
        out.line("SEC(\"xdp\")");
        out.line(&format!("int {name}_batch(struct xdp_md *ctx)"));
        out.open("{");
        out.line(&format!("__u32 at = {name}_cursor;"));
        out.line(&format!("struct {name}_vector *vector;"));
        out.line(&format!("struct {name}_state *state;"));
        let key = self.key(out);
        out.line("");
        out.line("(void)ctx;");
        out.line(&format!("{name}_cursor = at + 1 < {name}_vectors_len ? at + 1 : 0;"));
        out.line(&format!("vector = bpf_map_lookup_elem(&{name}_vectors, &at);"));
        out.line(&format!("state = bpf_map_lookup_elem(&{name}_state, &{key});"));
        out.line("if (!vector || !state)");
        out.line("\treturn XDP_ABORTED;");
        out.line(&format!("{name}_predict(&vector->features, &state->scratch,"));
        out.line(&format!("{}&vector->result);", align(&format!("{name}_predict("))));
        out.line("return XDP_PASS;");
        out.close("}");
        out.line("");
    }
}

/// Rows of so many bytes unless a loader knows better: for as many CPUs as most
/// machines have, within 64 MiB.
fn rows(bytes: u64) -> u64 {
    ((64 << 20) / bytes).clamp(16, 1024)
}

/// A map up to its closing brace.
fn map(out: &mut Writer, ty: &str, entries: &str, value: &str, flags: &str) {
    out.open("struct {");
    out.line(&format!("__uint(type, {ty});"));
    out.line(&format!("__uint(max_entries, {entries});"));
    out.line("__type(key, __u32);");
    out.line(&format!("__type(value, {value});"));
    if !flags.is_empty() {
        out.line(&format!("__uint(map_flags, {flags});"));
    }
    out.indent_to(0);
}

/// Tabs and blanks behind one tab that reach the column behind `text`.
fn align(text: &str) -> String {
    format!("{}{}", "\t".repeat(text.len() / 8), " ".repeat(text.len() % 8))
}

fn xdp(action: Action) -> &'static str {
    match action {
        Action::Aborted => "XDP_ABORTED",
        Action::Drop => "XDP_DROP",
        Action::Pass => "XDP_PASS",
        Action::Tx => "XDP_TX",
    }
}

/// The digest as it may stand in a string of 65 bytes: hexadecimal digits only.
fn digest(build_id: &str) -> String {
    build_id.chars().filter(char::is_ascii_hexdigit).take(64).collect()
}

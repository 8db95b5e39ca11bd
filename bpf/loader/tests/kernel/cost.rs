//! What parsing costs, beside an empty program in the same run.
//!
//! Absolute figures say little on a shared machine, so nothing is asserted;
//! run with `--nocapture` to read them.

use std::fmt::Write as _;

use skxc_bpf::{Loaded, Loader};
use skxc_runtime::{FEATURES, Needs};

use crate::parser::{SKIMXDP, captures, frames_of, named};
use crate::setup::{compile, privileged, say};

/// Bytes of a packet that the programs see.
const FRAME_BYTES: usize = 96;
/// Different packets that the programs go round on.
const FRAMES: usize = 16_384;
const REPEAT: u32 = 5_000_000;

/// Programs that do nothing, and that parse all 22 features of SkimXDP: on one
/// packet, and on packets copied from a map one after the other.
fn source() -> String {
    let columns = named(&SKIMXDP);
    let needs = columns.iter().fold(Needs::NOTHING, |all, &it| all.union(FEATURES[it].needs));
    let (mut members, mut reads) = (String::new(), String::new());
    for &index in &columns {
        let feature = &FEATURES[index];
        let (ty, name) = (feature.c_type.name(), feature.name);
        writeln!(members, "\t{ty} {name};").expect("writing to a string");
        writeln!(reads, "\tf->{name} = {}(&h);", feature.accessor).expect("writing to a string");
    }
    format!(
        r#"#include "skxc/parse.h"

struct features {{
{members}}};

struct {{
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct features);
}} state SEC(".maps");

struct frame {{
	__u64 words[{FRAME_BYTES} / 8];
}};

struct {{
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, {FRAMES});
	__type(key, __u32);
	__type(value, struct frame);
}} frames SEC(".maps");

__u32 cursor;

/* Puts the next frame in place of the packet. */
static __always_inline int next(struct xdp_md *ctx)
{{
	__u32 at = cursor;
	struct frame *from = bpf_map_lookup_elem(&frames, &at);
	__u64 *to = (void *)(long)ctx->data;
	int i;

	cursor = (at + 1) % {FRAMES};
	if (!from || (void *)(to + {FRAME_BYTES} / 8) > (void *)(long)ctx->data_end)
		return 0;
	for (i = 0; i < {FRAME_BYTES} / 8; i++)
		to[i] = from->words[i];
	return 1;
}}

static __always_inline int parse(struct xdp_md *ctx)
{{
	struct skxc_headers h;
	__u32 zero = 0;
	struct features *f = bpf_map_lookup_elem(&state, &zero);
	enum skxc_reason reason;

	if (!f)
		return XDP_ABORTED;
	reason = skxc_parse_xdp(ctx, &h, {needs:#x});
	if (reason)
		return XDP_DROP;
{reads}	return XDP_PASS;
}}

SEC("xdp")
int one_empty(struct xdp_md *ctx)
{{
	(void)ctx;
	return XDP_PASS;
}}

SEC("xdp")
int one_parse(struct xdp_md *ctx)
{{
	return parse(ctx);
}}

SEC("xdp")
int many_empty(struct xdp_md *ctx)
{{
	return next(ctx) ? XDP_PASS : XDP_ABORTED;
}}

SEC("xdp")
int many_parse(struct xdp_md *ctx)
{{
	return next(ctx) ? parse(ctx) : XDP_ABORTED;
}}

char test_license[] SEC("license") = "Dual BSD/GPL";
"#,
        needs = needs.bits()
    )
}

fn nanoseconds(loaded: &Loaded, program: &str, packet: &[u8]) -> u32 {
    let program = loaded.program(program).expect("it is loaded");
    (0..3)
        .map(|_| program.test_run(packet, REPEAT).expect("it runs").nanoseconds)
        .min()
        .expect("there were runs")
}

#[test]
fn parsing_beside_an_empty_program() {
    if privileged().is_none() {
        return;
    }
    let Some(object) = compile(&source(), false) else { return };
    let loaded = Loader::new(&object).expect("an object").load();
    let loaded = loaded.unwrap_or_else(|error| panic!("{error:?}"));

    let captures: Vec<Vec<u8>> =
        captures().iter().filter_map(|path| std::fs::read(path).ok()).collect();
    let mut packets: Vec<&[u8]> = captures.iter().flat_map(|it| frames_of(it)).collect();
    packets.retain(|packet| packet.len() >= 54);
    if packets.is_empty() {
        return say("skipped: no captures (SKXC_SHARED)");
    }
    let mut values = loaded.map("frames").expect("a map").values().expect("it is mmapable");
    for index in 0..FRAMES {
        // A step prime to their number visits them in no order of time.
        let packet = packets[index * 7919 % packets.len()];
        values.write(index, 0, &packet[..packet.len().min(FRAME_BYTES)]);
    }
    let tcp = packets.iter().find(|packet| packet[12..14] == [8, 0] && packet[23] == 6);
    let mut packet = tcp.expect("there is TCP over IPv4").to_vec();
    packet.resize(FRAME_BYTES, 0);
    for kind in ["one", "many"] {
        let empty = nanoseconds(&loaded, &format!("{kind}_empty"), &packet);
        let parse = nanoseconds(&loaded, &format!("{kind}_parse"), &packet);
        let net = i64::from(parse) - i64::from(empty);
        say(&format!("{kind}: empty {empty} ns, parsing 22 features {parse} ns, net {net} ns"));
    }
}

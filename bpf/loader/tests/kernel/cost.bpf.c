/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that do nothing, and that parse: on one packet, and on packets
 * copied from a map one after the other.
 *
 * cost.rs defines what is parsed: MEMBERS of the struct of features, the READS
 * that fill it, the NEEDS of both; FRAMES of FRAME_BYTES each.
 */
#include "skxc/parse.h"

struct features {
	MEMBERS
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct features);
} state SEC(".maps");

struct frame {
	__u64 words[FRAME_BYTES / 8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FRAMES);
	__type(key, __u32);
	__type(value, struct frame);
} frames SEC(".maps");

__u32 cursor;

/* Puts the next frame in place of the packet. */
static __always_inline int next(struct xdp_md *ctx)
{
	__u32 at = cursor;
	struct frame *from = bpf_map_lookup_elem(&frames, &at);
	__u64 *to = (void *)(long)ctx->data;
	int i;

	cursor = (at + 1) % FRAMES;
	if (!from || (void *)(to + FRAME_BYTES / 8) > (void *)(long)ctx->data_end)
		return 0;
	for (i = 0; i < FRAME_BYTES / 8; i++)
		to[i] = from->words[i];
	return 1;
}

static __always_inline int parse(struct xdp_md *ctx)
{
	struct skxc_headers h;
	__u32 zero = 0;
	struct features *f = bpf_map_lookup_elem(&state, &zero);
	enum skxc_reason reason;

	if (!f)
		return XDP_ABORTED;
	reason = skxc_parse_xdp(ctx, &h, NEEDS, 0);
	if (reason)
		return XDP_DROP;
	READS
		return XDP_PASS;
}

SEC("xdp")
int one_empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("xdp")
int one_parse(struct xdp_md *ctx)
{
	return parse(ctx);
}

SEC("xdp")
int many_empty(struct xdp_md *ctx)
{
	return next(ctx) ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp")
int many_parse(struct xdp_md *ctx)
{
	return next(ctx) ? parse(ctx) : XDP_ABORTED;
}

char test_license[] SEC("license") = "Dual BSD/GPL";

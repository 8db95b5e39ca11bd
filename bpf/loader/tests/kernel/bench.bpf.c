/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a generated program for a model called `bench` looks like to the
 * loader, with a prediction that is easy to check: the label is a ^ b, the
 * score a * 1000 + b.
 */
#include "skxc/counters.h"

struct bench_features {
	__u16 a;
	__u8 b;
};

struct bench_result {
	__u32 label;
	__s64 score[1];
};

struct bench_vector {
	struct bench_features features;
	struct bench_result result;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_vector);
} bench_vectors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, struct skxc_counter);
} bench_counters SEC(".maps");

const volatile char bench_build_id[65] = "0123456789abcdef";
const volatile __u32 bench_actions[2] = { XDP_PASS, XDP_DROP };
const volatile __u32 bench_fallbacks[1] = { XDP_PASS };
const volatile __u32 bench_shadow = 0;
const volatile char bench_classes[] = "good\0bad";
__u32 bench_cursor;
__u32 bench_vectors_len;

static __always_inline void
bench_predict(const struct bench_features *f, struct bench_result *r)
{
	r->label = f->a ^ f->b;
	r->score[0] = (__s64)f->a * 1000 + f->b;
}

SEC("xdp")
int bench_batch(struct xdp_md *ctx)
{
	__u32 cursor = bench_cursor;
	struct bench_vector *v = bpf_map_lookup_elem(&bench_vectors, &cursor);

	(void)ctx;
	if (!v)
		return XDP_ABORTED;
	bench_predict(&v->features, &v->result);
	cursor++;
	bench_cursor = cursor < bench_vectors_len ? cursor : 0;
	return XDP_PASS;
}

/* Counts the packet in entry 1 and acts as class 1. */
SEC("xdp")
int bench_xdp(struct xdp_md *ctx)
{
	skxc_count(&bench_counters, 1, ctx->data_end - ctx->data);
	return bench_actions[1];
}

/* Reads past the end of the packet. */
SEC("xdp")
int bench_refused(struct xdp_md *ctx)
{
	return *(const __u8 *)(long)ctx->data;
}

char bench_license[] SEC("license") = "Dual BSD/GPL";

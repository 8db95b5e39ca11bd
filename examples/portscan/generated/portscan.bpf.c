/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * portscan.bpf.c: made by skxc 0.1.0; do not edit.
 *
 *	skxc compile portscan.onnx --name portscan --features
 *	ip_protocol,tcp_data_offset,tcp_window_size,tcp_urg_flag,tcp_ack_flag,tcp_psh_flag,tcp_rst_flag,tcp_syn_flag,tcp_fin_flag,udp_length,payload_length,icmp_type
 *	--output raw --action scan=drop --fallback pass --hook xdp --lowering
 *	auto --optimize speed --kernel 6.1
 *
 * portscan_xdp: finds the headers of a packet, reads the features that
 * portscan.h declares, decides, counts, acts.
 * portscan_batch: the same decision over vectors in a map, to test it in the
 * kernel.
 */
#include "skxc/counters.h"
#include "skxc/parse.h"

#include "portscan.h"

/* Digest of the model, the options and the compiler that made this program. */
const volatile char portscan_build_id[65] =
	"8cc8a24d755fa1fb21984a26df4f6fcada963a6e429c106663e25e7d73b0f467";

/*
 * Action of each class, as enum xdp_action numbers them. Changed, if at all,
 * before the program is loaded.
 */
const volatile __u32 portscan_actions[PORTSCAN_CLASSES] = {
	XDP_PASS, /* benign */
	XDP_DROP, /* scan */
};

/*
 * Names of the classes, each ended by a zero byte, to be read back from the
 * kernel.
 */
const volatile char portscan_classes[] =
	"benign\0"
	"scan";

/* Action of packets that cannot be classified, by enum skxc_reason. */
const volatile __u32 portscan_fallbacks[SKXC_REASONS] = {
	XDP_PASS, /* none */
	XDP_PASS, /* ethernet-cut */
	XDP_PASS, /* not-ip */
	XDP_PASS, /* ip-cut */
	XDP_PASS, /* ip-version */
	XDP_PASS, /* ip-ihl */
	XDP_PASS, /* extensions-many */
	XDP_PASS, /* extension-cut */
	XDP_PASS, /* tcp-cut */
	XDP_PASS, /* udp-cut */
	XDP_PASS, /* icmp-cut */
	XDP_PASS, /* merged */
};

/* Not 0: decide and count, but pass every packet. */
const volatile __u32 portscan_shadow = 0;

/*
 * Not 0: frames begin with the IP header, as those of a tunnel do. The loader
 * sets it by the link type of the interface.
 */
const volatile __u32 portscan_layer3 = 0;

/* What the declared columns need of a packet, read or not. */
#define PORTSCAN_NEEDS 0x3fu

/* What one decision works on. */
struct portscan_state {
	struct portscan_features features;
	struct portscan_scratch scratch;
	struct portscan_result result;
};

/* One entry a CPU: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct portscan_state);
} portscan_state SEC(".maps");

/*
 * Packets and bytes: first of each class by index, then of each reason why a
 * packet could not be classified, from enum skxc_reason.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PORTSCAN_CLASSES + SKXC_REASONS);
	__type(key, __u32);
	__type(value, struct skxc_counter);
} portscan_counters SEC(".maps");

/* The verdict on a packet that cannot be classified. */
static __always_inline __u32
portscan_unclassified(__u32 reason, __u32 bytes)
{
	skxc_count(&portscan_counters, PORTSCAN_CLASSES + reason, bytes);
	/*
	 * Verifier: before Linux 5.16 a number of 32 bits that was kept on the
	 * stack during a call is any number. So it needs a bound, which never
	 * bites.
	 */
	skxc_barrier(reason);
	if (reason >= SKXC_REASONS)
		return XDP_PASS;
	return portscan_shadow ? XDP_PASS : portscan_fallbacks[reason];
}

/* The verdict on a packet that the model has judged. */
static __always_inline __u32
portscan_act(const struct portscan_state *state, __u32 bytes)
{
	__u32 label;

	/*
	 * Verifier: read back from the map, the label is any number; else every
	 * class would be a path of its own. So it needs a bound, which never
	 * bites.
	 */
	portscan_forget(state);
	label = state->result.label;
	if (label >= PORTSCAN_CLASSES)
		return XDP_PASS;
	skxc_count(&portscan_counters, label, bytes);
	return portscan_shadow ? XDP_PASS : portscan_actions[label];
}

static __always_inline __u32 portscan_judge(struct xdp_md *ctx)
{
	struct skxc_headers headers;
	enum skxc_reason reason;
	struct portscan_state *state;
	const __u32 zero = 0;

	reason = skxc_parse_xdp(ctx, &headers, PORTSCAN_NEEDS, portscan_layer3);
	if (reason)
		return portscan_unclassified(reason, headers.packet_length);
	state = bpf_map_lookup_elem(&portscan_state, &zero);
	/* Verifier: a lookup may fail; in an array of one entry it cannot. */
	if (!state)
		return XDP_PASS;
	state->features.tcp_window_size = skxc_tcp_window_size(&headers);
	state->features.udp_length = skxc_udp_length(&headers);
	state->features.payload_length = skxc_payload_length(&headers);
	state->features.ip_protocol = skxc_ip_protocol(&headers);
	state->features.tcp_data_offset = skxc_tcp_data_offset(&headers);
	state->features.tcp_ack_flag = skxc_tcp_ack_flag(&headers);
	state->features.tcp_psh_flag = skxc_tcp_psh_flag(&headers);
	state->features.tcp_rst_flag = skxc_tcp_rst_flag(&headers);
	state->features.tcp_syn_flag = skxc_tcp_syn_flag(&headers);
	state->features.tcp_fin_flag = skxc_tcp_fin_flag(&headers);
	state->features.icmp_type = skxc_icmp_type(&headers);
	portscan_predict(&state->features, &state->scratch, &state->result);
	return portscan_act(state, headers.packet_length);
}

SEC("xdp")
int portscan_xdp(struct xdp_md *ctx)
{
	return (int)portscan_judge(ctx);
}

/* A row of features, and what the model makes of it. */
struct portscan_vector {
	struct portscan_features features;
	struct portscan_result result;
};

_Static_assert(sizeof(struct portscan_vector) == 40, "layout");
_Static_assert(__builtin_offsetof(struct portscan_vector, result) == 16,
		"layout");

/*
 * The vectors of a test; the loader makes it as long as it needs and maps it
 * into its memory. Absent when the program is attached.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct portscan_vector);
	__uint(map_flags, BPF_F_MMAPABLE);
} portscan_vectors SEC(".maps");

/* The next vector, and how many there are. */
__u32 portscan_cursor;
__u32 portscan_vectors_len;

/* Judges the next vector; a test run repeats it. */
SEC("xdp")
int portscan_batch(struct xdp_md *ctx)
{
	__u32 at = portscan_cursor;
	struct portscan_vector *vector;
	struct portscan_state *state;
	const __u32 zero = 0;

	(void)ctx;
	portscan_cursor = at + 1 < portscan_vectors_len ? at + 1 : 0;
	vector = bpf_map_lookup_elem(&portscan_vectors, &at);
	state = bpf_map_lookup_elem(&portscan_state, &zero);
	if (!vector || !state)
		return XDP_ABORTED;
	portscan_predict(&vector->features, &state->scratch,
			 &vector->result);
	return XDP_PASS;
}

char portscan_license[] SEC("license") = "Dual BSD/GPL";

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * portscan.h: made by skxc 0.1.0; do not edit.
 *
 *	skxc compile portscan.onnx --name portscan --features
 *	ip_protocol,tcp_data_offset,tcp_window_size,tcp_urg_flag,tcp_ack_flag,tcp_psh_flag,tcp_rst_flag,tcp_syn_flag,tcp_fin_flag,udp_length,payload_length,icmp_type
 *	--output raw --action scan=drop --fallback pass --hook xdp --lowering
 *	auto --optimize speed --kernel 6.1
 *
 * build_id 8cc8a24d755fa1fb21984a26df4f6fcada963a6e429c106663e25e7d73b0f467
 *
 * In: integers in host byte order, any in the stated range.
 *
 *	tcp_window_size      __u16 0 to 65535
 *	udp_length           __u16 0 to 65535
 *	payload_length       __u16 0 to 65535
 *	ip_protocol          __u8  0 to 255
 *	tcp_data_offset      __u8  0 to 15
 *	tcp_ack_flag         __u8  0 to 1
 *	tcp_psh_flag         __u8  0 to 1
 *	tcp_rst_flag         __u8  0 to 1
 *	tcp_syn_flag         __u8  0 to 1
 *	tcp_fin_flag         __u8  0 to 1
 *	icmp_type            __u8  0 to 255
 *
 * Out:
 *
 * label, an index; the classes of `output_label`:
 *	0   benign
 *	1   scan
 * score[0], a probability, q2.60, in [-1.490116e-8, 1.000000]: 61 bits of the
 * s64
 * score[1], a probability, q2.60, in [0.000000, 1.000000]: 61 bits of the s64
 *
 * ai.onnx.ml.TreeEnsembleClassifier TreeEnsembleClassifier (onnx0): 10 trees as
 * bit vectors, about 16 ns, 239 verifier instructions, 13128 bytes of tables.
 */
#ifndef PORTSCAN_SKXC_H
#define PORTSCAN_SKXC_H

#include <linux/types.h>

/* linux/stddef.h makes it a mere hint. */
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

/*
 * barrier: the compiler forgets what it knows of an integer, so that it cannot
 * turn arithmetic on a sign back into a branch. forget: it also forgets what it
 * read from memory, so that the verifier meets an unknown number. join: of the
 * paths that lead here the verifier follows one. It keeps a state behind two
 * jumps and compares later ones with it; jumps to the next instruction are
 * removed when the program is loaded.
 */
#ifdef __bpf__
#define portscan_barrier(x) __asm__ volatile("" : "+r"(x))
#define portscan_forget(x) __asm__ volatile("" : "+r"(x) : : "memory")
#define portscan_join(x) \
	__asm__ volatile("goto +0\ngoto +0\n" : "+r"(x) : : "memory")
#else
#define portscan_barrier(x) ((void)(x))
#define portscan_forget(x) ((void)(x))
#define portscan_join(x) ((void)(x))
#endif

#define PORTSCAN_CLASSES 2
#define PORTSCAN_SCORES 2

/* The columns that a decision reads, widest first: no holes. */
struct portscan_features {
	__u16 tcp_window_size;
	__u16 udp_length;
	__u16 payload_length;
	__u8 ip_protocol;
	__u8 tcp_data_offset;
	__u8 tcp_ack_flag;
	__u8 tcp_psh_flag;
	__u8 tcp_rst_flag;
	__u8 tcp_syn_flag;
	__u8 tcp_fin_flag;
	__u8 icmp_type;
};

/*
 * Memory of one decision; needs no initial value. In a BPF program it lies in a
 * map: what is read from there is any number to the verifier, so that it
 * follows one path for all sums.
 */
struct portscan_scratch {
	__s64 sum[1];
};

struct portscan_result {
	__u32 label;
	__s64 score[PORTSCAN_SCORES];
};

_Static_assert(sizeof(struct portscan_features) == 14, "layout");
_Static_assert(__builtin_offsetof(struct portscan_features, tcp_window_size) == 0,
		"layout");
_Static_assert(__builtin_offsetof(struct portscan_features, udp_length) == 2,
		"layout");
_Static_assert(__builtin_offsetof(struct portscan_features, payload_length) == 4,
		"layout");
_Static_assert(__builtin_offsetof(struct portscan_features, ip_protocol) == 6,
		"layout");
_Static_assert(__builtin_offsetof(struct portscan_features, tcp_data_offset) == 7,
		"layout");
_Static_assert(__builtin_offsetof(struct portscan_features, tcp_ack_flag) == 8,
		"layout");
_Static_assert(__builtin_offsetof(struct portscan_features, tcp_psh_flag) == 9,
		"layout");
_Static_assert(__builtin_offsetof(struct portscan_features, tcp_rst_flag) == 10,
		"layout");
_Static_assert(__builtin_offsetof(struct portscan_features, tcp_syn_flag) == 11,
		"layout");
_Static_assert(__builtin_offsetof(struct portscan_features, tcp_fin_flag) == 12,
		"layout");
_Static_assert(__builtin_offsetof(struct portscan_features, icmp_type) == 13,
		"layout");
_Static_assert(sizeof(struct portscan_result) == 24, "layout");
_Static_assert(__builtin_offsetof(struct portscan_result, score) == 8,
		"layout");

/* By value of f->ip_protocol: how many of 5 thresholds it exceeds. */
static const __u8 portscan_rank_0[256] = {
	0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
};

/* By value of f->tcp_data_offset: how many of 4 thresholds it exceeds. */
static const __u8 portscan_rank_1[16] = {
	0, 0, 0, 1, 1, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4,
};

/*
 * How many of 6 thresholds a value of f->tcp_window_size exceeds:
 * portscan_page_2[value >> 8] = rank of the page's first value << 16 | offset
 * of the page in portscan_rank_2, whose entry is added to that rank.
 * Pages without a threshold share one page of portscan_rank_2.
 */
static const __u32 portscan_page_2[256] = {
	0x0, 0x0, 0x100, 0x10200, 0x30300, 0x50000, 0x50000, 0x50400, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
	0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000, 0x60000,
};

static const __u8 portscan_rank_2[2048] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0,
};

/*
 * How many of 11 thresholds a value of f->udp_length exceeds:
 * portscan_page_8[value >> 8] = rank of the page's first value << 16 | offset
 * of the page in portscan_rank_8, whose entry is added to that rank.
 * Pages without a threshold share one page of portscan_rank_8.
 */
static const __u32 portscan_page_8[256] = {
	0x0, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
	0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100, 0xb0100,
};

static const __u8 portscan_rank_8[512] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 6, 6,
	6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
	8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
	9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
	9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
	9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 10, 10, 10, 10,
	10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 11, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

/*
 * How many of 22 thresholds a value of f->payload_length exceeds:
 * portscan_page_9[value >> 8] = rank of the page's first value << 16 | offset
 * of the page in portscan_rank_9, whose entry is added to that rank.
 * Pages without a threshold share one page of portscan_rank_9.
 */
static const __u32 portscan_page_9[256] = {
	0x0, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100, 0x160100,
	0x160100, 0x160100, 0x160100, 0x160100,
};

static const __u8 portscan_rank_9[512] = {
	0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8, 8,
	8, 9, 9, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 12, 12, 12, 12,
	12, 12, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 14, 14, 14, 14, 15,
	15, 15, 15, 15, 15, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 18, 18, 18, 18,
	18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18,
	18, 19, 19, 19, 19, 19, 19, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20,
	21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21,
	21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21,
	22, 22, 22, 22, 22, 22, 22, 22, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0,
};

/* By value of f->icmp_type: how many of 3 thresholds it exceeds. */
static const __u8 portscan_rank_10[256] = {
	0, 0, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
};

/*
 * By ranks, the paths of the trees that they leave open, a bit each: words of
 * 64.
 * Zeros behind: a mask keeps the start of every row inside.
 */
static const __u64 portscan_masks[417] = {
	0x7e7ff1fef037ULL, 0x1ff9fe1eff5fe63ULL, 0x1ff7f7ff3ULL,
	0x7e7ff1fef037ULL, 0x1ff9fe1eff5fe63ULL, 0x1ff7f9ff3ULL,
	0x200007ff1fef037ULL, 0x1ff9fe1eff5fe63ULL, 0x1ff7f9ff3ULL,
	0x2000080003ef037ULL, 0x1ff9fe1eff5fe63ULL, 0x1ff7f9ff3ULL,
	0x4000100003ef037ULL, 0x1ff9fe1eff5fe63ULL, 0x1ff7f9ff3ULL,
	0x4000100003ef037ULL, 0x1ffcfe1eff5fe63ULL, 0x1ff7f9ff3ULL,
	0x4000100003ef03bULL, 0x2ffcfe1f7f5fe70ULL, 0x2ffbf9ff3ULL,
	0x7e7ff1fef037ULL, 0x1ffaff62ff5fe64ULL, 0x1ff7f7ffcULL,
	0x7e7ff1fef037ULL, 0x1ffaff62ff5fe64ULL, 0x1ff7f9ffcULL,
	0x200007ff1fef037ULL, 0x1ffaff62ff5fe64ULL, 0x1ff7f9ffcULL,
	0x2000080003ef037ULL, 0x1ffaff62ff5fe64ULL, 0x1ff7f9ffcULL,
	0x4000100003ef037ULL, 0x1ffaff62ff5fe64ULL, 0x1ff7f9ffcULL,
	0x4000100003ef037ULL, 0x1ffcff62ff5fe64ULL, 0x1ff7f9ffcULL,
	0x4000100003ef03bULL, 0x2ffcff637f5fe70ULL, 0x2ffbf9ffcULL,
	0x7e7ff63ef037ULL, 0x1ffaff62ff6ffa4ULL, 0x1ff7f7ffcULL,
	0x7e7ff63ef037ULL, 0x1ffaff62ff6ffa4ULL, 0x1ff7f9ffcULL,
	0x200007ff63ef037ULL, 0x1ffaff62ff6ffa4ULL, 0x1ff7f9ffcULL,
	0x2000080003ef037ULL, 0x1ffaff62ff6ffa4ULL, 0x1ff7f9ffcULL,
	0x4000100003ef037ULL, 0x1ffaff62ff6ffa4ULL, 0x1ff7f9ffcULL,
	0x4000100003ef037ULL, 0x1ffcff62ff6ffa4ULL, 0x1ff7f9ffcULL,
	0x4000100003ef03bULL, 0x2ffcff637f6ffb0ULL, 0x2ffbf9ffcULL,
	0x1ff807ff63efdc0ULL, 0x1ffaff62ff6ffa8ULL, 0x1ff7f7ffcULL,
	0x1ff807ff63efdc0ULL, 0x1ffaff62ff6ffa8ULL, 0x1ff7f9ffcULL,
	0x200007ff63efdc0ULL, 0x1ffaff62ff6ffa8ULL, 0x1ff7f9ffcULL,
	0x2000080003efdc0ULL, 0x1ffaff62ff6ffa8ULL, 0x1ff7f9ffcULL,
	0x4000100003efdc0ULL, 0x1ffaff62ff6ffa8ULL, 0x1ff7f9ffcULL,
	0x4000100003efdc0ULL, 0x1ffcff62ff6ffa8ULL, 0x1ff7f9ffcULL,
	0x4000100003efdc0ULL, 0x2ffcff637f6ffb0ULL, 0x2ffbf9ffcULL,
	0x1ff807ff63f7dc0ULL, 0x1ffaff62ff6ffa8ULL, 0x1ff7f7ffcULL,
	0x1ff807ff63f7dc0ULL, 0x1ffaff62ff6ffa8ULL, 0x1ff7f9ffcULL,
	0x200007ff63f7dc0ULL, 0x1ffaff62ff6ffa8ULL, 0x1ff7f9ffcULL,
	0x2000080003f7dc0ULL, 0x1ffaff62ff6ffa8ULL, 0x1ff7f9ffcULL,
	0x4000100003f7dc0ULL, 0x1ffaff62ff6ffa8ULL, 0x1ff7f9ffcULL,
	0x4000100003f7dc0ULL, 0x1ffcff62ff6ffa8ULL, 0x1ff7f9ffcULL,
	0x4000100003f7dc0ULL, 0x2ffcff637f6ffb0ULL, 0x2ffbf9ffcULL,
	0x1ff807ff83f7e40ULL, 0x1ffaff82ffaffa8ULL, 0x1ff7f7ffcULL,
	0x1ff807ff83f7e40ULL, 0x1ffaff82ffaffa8ULL, 0x1ff7f9ffcULL,
	0x200007ff83f7e40ULL, 0x1ffaff82ffaffa8ULL, 0x1ff7f9ffcULL,
	0x2000080003f7e40ULL, 0x1ffaff82ffaffa8ULL, 0x1ff7f9ffcULL,
	0x4000100003f7e40ULL, 0x1ffaff82ffaffa8ULL, 0x1ff7f9ffcULL,
	0x4000100003f7e40ULL, 0x1ffcff82ffaffa8ULL, 0x1ff7f9ffcULL,
	0x4000100003f7e40ULL, 0x2ffcff837faffb0ULL, 0x2ffbf9ffcULL,
	0x7ff9fff1fdfffedULL, 0xff77ffc3ff7fdfULL, 0x9c2ebf7fULL,
	0x7ff9fff1fdfffedULL, 0xff77ffc3ff7fdfULL, 0xa02ebf7fULL,
	0x7ff9fff1fdfffedULL, 0x30007fff8007fdfULL, 0x302c01f7fULL,
	0x7ff9fff1fdfffedULL, 0x30007fff8007fdfULL, 0x302c01f7fULL,
	0x7ffa1ffafdfffedULL, 0xff77ffc3ff7fe0ULL, 0x9c2edf7fULL,
	0x7ffa1ffafdfffedULL, 0xff77ffc3ff7fe0ULL, 0xa02edf7fULL,
	0x7ffa1ffafdfffedULL, 0x30007fff8007fe0ULL, 0x302c01f7fULL,
	0x7ffa1ffafdfffedULL, 0x30007fff8007fe0ULL, 0x302c01f7fULL,
	0x7ff9fff1fe00ff0ULL, 0xff87ffc3ff7fdfULL, 0x9c2ebf7fULL,
	0x7ff9fff1fe00ff0ULL, 0xff87ffc3ff7fdfULL, 0xa02ebf7fULL,
	0x7ff9fff1fe00ff0ULL, 0x30007fff8007fdfULL, 0x302c01f7fULL,
	0x7ff9fff1fe00ff0ULL, 0x30007fff8007fdfULL, 0x302c01f7fULL,
	0x7ffa1ffafe00ff0ULL, 0xff87ffc3ff7fe0ULL, 0x9c2edf7fULL,
	0x7ffa1ffafe00ff0ULL, 0xff87ffc3ff7fe0ULL, 0xa02edf7fULL,
	0x7ffa1ffafe00ff0ULL, 0x30007fff8007fe0ULL, 0x302c01f7fULL,
	0x7ffa1ffafe00ff0ULL, 0x30007fff8007fe0ULL, 0x302c01f7fULL,
	0x7ff9fff1fdfffeeULL, 0xff780004008000ULL, 0xc0311f80ULL,
	0x7ff9fff1fdfffeeULL, 0xff780004008000ULL, 0xc0311f80ULL,
	0x7ff9fff1fdfffeeULL, 0x300080038008000ULL, 0x303001f80ULL,
	0x7ff9fff1fdfffeeULL, 0x300080038008000ULL, 0x303001f80ULL,
	0x7ffc1ffcfdfffeeULL, 0xff780004008000ULL, 0xc0311f80ULL,
	0x7ffc1ffcfdfffeeULL, 0xff780004008000ULL, 0xc0311f80ULL,
	0x7ffc1ffcfdfffeeULL, 0x300080038008000ULL, 0x303001f80ULL,
	0x7ffc1ffcfdfffeeULL, 0x300080038008000ULL, 0x303001f80ULL,
	0x7ff9fff1fe00ff0ULL, 0xff880004008000ULL, 0xc0311f80ULL,
	0x7ff9fff1fe00ff0ULL, 0xff880004008000ULL, 0xc0311f80ULL,
	0x7ff9fff1fe00ff0ULL, 0x300080038008000ULL, 0x303001f80ULL,
	0x7ff9fff1fe00ff0ULL, 0x300080038008000ULL, 0x303001f80ULL,
	0x7ffc1ffcfe00ff0ULL, 0xff880004008000ULL, 0xc0311f80ULL,
	0x7ffc1ffcfe00ff0ULL, 0xff880004008000ULL, 0xc0311f80ULL,
	0x7ffc1ffcfe00ff0ULL, 0x300080038008000ULL, 0x303001f80ULL,
	0x7ffc1ffcfe00ff0ULL, 0x300080038008000ULL, 0x303001f80ULL,
	0x608f780fec0007fULL, 0x31ff87ffc13803dULL, 0x3fde1e3f7ULL,
	0x60b7780fec002bfULL, 0x31ff87ffc13803dULL, 0x3fde1e3f7ULL,
	0x60b7780fec0033fULL, 0x31ff87ffc13803dULL, 0x3fde1e3f7ULL,
	0x60b7780fec0033fULL, 0x31ff87ffc13803dULL, 0x3fe21e3f7ULL,
	0x60b7780fec0033fULL, 0x31ff87ffc1c803dULL, 0x3fe21e3f7ULL,
	0x60b7780fec0043fULL, 0x31ff87ffee0803dULL, 0x3fe3e03f7ULL,
	0x6137780fec0083fULL, 0x31ff87ffee0803dULL, 0x3fe3e03f7ULL,
	0x6137780ff40083fULL, 0x31ff87ffee0803eULL, 0x3fe3e03f7ULL,
	0x6137780ff721000ULL, 0x31ff87ffee0803eULL, 0x3fe3e03f7ULL,
	0x6137b80ff721000ULL, 0x31ff87ffee0803eULL, 0x3fe3e03f7ULL,
	0x6137b80ff721000ULL, 0x31ff87ffee0d0c0ULL, 0x3fe3e03f7ULL,
	0x6237bc70033a000ULL, 0x31ff89ffee0d0c0ULL, 0x3fe3e03f7ULL,
	0x6237bc70033c000ULL, 0x31ff89ffee0d0c0ULL, 0x3fe3e03f7ULL,
	0x6437bf80033c000ULL, 0x31fff1fff60d140ULL, 0x3fe3e03f7ULL,
	0x6437bf80035c000ULL, 0x3afff1fff60d140ULL, 0x3fe3e05f7ULL,
	0x6437bf80035c000ULL, 0x3afff1fff60e140ULL, 0x3fe3e05f7ULL,
	0x6437bf80035c000ULL, 0x3afff1fff60e200ULL, 0x3fe3e05f7ULL,
	0x6447bf80035c000ULL, 0x3afff1fff60e200ULL, 0x3fe3e05f7ULL,
	0x6447bf80035c000ULL, 0x3afff1fff60e200ULL, 0x3fe3e05fbULL,
	0x6847bf80039c000ULL, 0x3afff1fff60e200ULL, 0x3fe3e18fbULL,
	0x6847bf80039c000ULL, 0x3cfff1fff60e200ULL, 0x3fe3e18fbULL,
	0x6847bf80039c000ULL, 0x3cfff1fff60e400ULL, 0x3fe3e18fbULL,
	0x7047bf80039c000ULL, 0x3cfff1fff60e800ULL, 0x3fe3e18fbULL,
	0x7ffe3bb0e7e7fd3ULL, 0x3feffea5daf8fffULL, 0x367d3ffbdULL,
	0x7fff1c0703e7fd3ULL, 0x3feffea5db08fffULL, 0x373d3ffbdULL,
	0x7fff1c0703e7fdcULL, 0x3feffec5db08fffULL, 0x373d3ffbdULL,
	0x7fff1c0903e7fdcULL, 0x3ff0fec5db08fffULL, 0x383e01fbdULL,
	0x7fff1c0903e7fe0ULL, 0x3ff0ff065b08fffULL, 0x383e01fc0ULL,
	0x7ffedbb0fbf9fd3ULL, 0x3feffea9dcfb03fULL, 0x367d5ffbdULL,
	0x7fff1c0703f9fd3ULL, 0x3feffea9dd0b03fULL, 0x373d5ffbdULL,
	0x7fff1c0703f9fdcULL, 0x3feffec9dd0b03fULL, 0x373d5ffbdULL,
	0x7fff1c0903f9fdcULL, 0x3ff0fec9dd0b03fULL, 0x383e01fbdULL,
	0x7fff1c0903f9fe0ULL, 0x3ff0ff0a5d0b03fULL, 0x383e01fc0ULL,
	0x7ffedbc0fbf9fd3ULL, 0x3feffea9dcfb03fULL, 0x367d5ffbdULL,
	0x7fff1c0703f9fd3ULL, 0x3feffea9dd0b03fULL, 0x373d5ffbdULL,
	0x7fff1c0703f9fdcULL, 0x3feffec9dd0b03fULL, 0x373d5ffbdULL,
	0x7fff1c0903f9fdcULL, 0x3ff0fec9dd0b03fULL, 0x383e01fbdULL,
	0x7fff1c0903f9fe0ULL, 0x3ff0ff0a5d0b03fULL, 0x383e01fc0ULL,
	0x7ffedbc0fbf9fd3ULL, 0x3feffeb1e0fc03fULL, 0x36bd9ffbeULL,
	0x7fff1c0703f9fd3ULL, 0x3feffeb1e10c03fULL, 0x373d9ffbeULL,
	0x7fff1c0703f9fdcULL, 0x3feffed1e10c03fULL, 0x373d9ffbeULL,
	0x7fff1c0903f9fdcULL, 0x3ff0fed1e10c03fULL, 0x383e01fbeULL,
	0x7fff1c0903f9fe0ULL, 0x3ff0ff12610c03fULL, 0x383e01fc0ULL,
	0x605ffcdfbe1ffffULL, 0x301f81ffe7fffffULL, 0x3ffffe0cfULL,
	0x606ffcdfbe1ffffULL, 0x301f81ffe7fffffULL, 0x3ffffe0cfULL,
	0x7f87fcdfde1ffffULL, 0x301f9a03e7fffffULL, 0x3ffffe0d0ULL,
	0x7f87fcdfde1ffffULL, 0x301f9c03e7fffffULL, 0x3ffffe0e0ULL,
	0x7f87fcdfde1ffffULL, 0x30209c03f9fffffULL, 0x3ffffe900ULL,
	0x7f87fcdfde1ffffULL, 0x30409c03f9fffffULL, 0x3ffffe900ULL,
	0x7f87fcefde1ffffULL, 0x30809c03f9fffffULL, 0x3ffffe900ULL,
	0x7f87fcefdee0fffULL, 0x37009c03f9fffffULL, 0x3ffffee00ULL,
	0x7f87fcefdee0fffULL, 0x3700ac03f9fffffULL, 0x3ffffee00ULL,
	0x7f87fd6fdee0fffULL, 0x3700ac03f9fffffULL, 0x3ffffee00ULL,
	0x7f87fd6fdee0fffULL, 0x3900ac03f9fffffULL, 0x3ffffee00ULL,
	0x7f87fe6fdf00fffULL, 0x3900cc03f9fffffULL, 0x3fffff600ULL, 0x0ULL,
	0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL,
	0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL,
	0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL,
	0x0ULL, 0x0ULL,
};

/*
 * The paths that a row leaves open; and those of them that another does. In the
 * kernel by instructions, in the order they stand in: clang would read many
 * rows first and spill what it read.
 */
static __always_inline __u64
portscan_open(const __u64 *row, const __u32 word)
{
#ifdef __bpf__
	__u64 paths;

	__asm__ volatile("%[paths] = *(u64 *)(%[row] + %[at])\n"
			 : [paths] "=r"(paths)
			 : [row] "r"(row), [at] "i"(8 * word));
	return paths;
#else
	return row[word];
#endif
}

static __always_inline __u64
portscan_and(__u64 paths, const __u64 *row, const __u32 word)
{
#ifdef __bpf__
	__u64 mask;

	__asm__ volatile("%[mask] = *(u64 *)(%[row] + %[at])\n"
			 "%[paths] &= %[mask]\n"
			 : [mask] "=&r"(mask), [paths] "+r"(paths)
			 : [row] "r"(row), [at] "i"(8 * word));
	return paths;
#else
	return paths & row[word];
#endif
}

/*
 * Place of the only bit, 0 to 63; 0 for no bit: the top six bits of a de Bruijn
 * sequence, shifted by its number.
 */
static __always_inline __u64
portscan_place(__u64 path)
{
	return (path * 0x218a392cd3d5dbfULL) >> 58;
}

/* By place, what leaves add, q2.60: the tables of all lanes. */
static const __s64 portscan_leaves[192] = {
	109123385140707328LL, 0, 115292152178671616LL, 57646076089335808LL, 0,
	3158689137557504LL, 115292152178671616LL, 115292152178671616LL, 0,
	113807699812024320LL, 0, 0, 0, 0, 0, 0, 0, 15721656920047616LL,
	54612072536735744LL, 0, 12810239250268160LL, 0, 115292152178671616LL,
	28823038044667904LL, 0, 0, 4837432939773952LL, 3602879755583488LL, 0, 0,
	0, 115292152178671616LL, 0, 115292152178671616LL, 115292152178671616LL,
	0, 115292152178671616LL, 0, 0, 115292152178671616LL, 0, 0,
	115292152178671616LL, 115292152178671616LL, 0, 285376618954752LL,
	115292152178671616LL, 0, 0, 115292152178671616LL, 0, 3095091409321984LL,
	115292152178671616LL, 0, 115292152178671616LL, 115292152178671616LL, 0,
	0, 3390945668104192LL, 0, 0, 38430718824546304LL, 0, 0, 0,
	115292152178671616LL, 115292152178671616LL, 565157633720320LL,
	100880629935112192LL, 0, 3719101570613248LL, 0, 0, 0, 0, 0,
	69175288730222592LL, 110317068221415424LL, 115292152178671616LL,
	4021819187134464LL, 115292152178671616LL, 112111677356376064LL, 0,
	115292152178671616LL, 0, 0, 0, 0, 115292152178671616LL,
	115292152178671616LL, 0, 115292152178671616LL, 37962047698239488LL,
	115292152178671616LL, 115292152178671616LL, 0, 0, 0,
	115292152178671616LL, 115292152178671616LL, 10741504901382144LL,
	115292152178671616LL, 114818992811540480LL, 0, 0, 0,
	83820229561417728LL, 0, 0, 0, 0, 115292152178671616LL, 0, 0,
	266879973195776LL, 0, 0, 9723434443472896LL, 14945278230528000LL, 0, 0,
	38430718824546304LL, 0, 0, 0, 0, 0, 0, 9102011731542016LL, 0,
	113183151437643776LL, 0, 0, 107248511656919040LL, 0, 0, 0,
	115292152178671616LL, 115292152178671616LL, 115292152178671616LL,
	8868626966773760LL, 0, 0, 0, 115292152178671616LL, 5532595408338944LL,
	36454518472310784LL, 0, 115292152178671616LL, 0, 115292152178671616LL,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 82351539724746752LL, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 115292152178671616LL, 0, 115292152178671616LL,
	0, 0, 0, 0, 0, 115292152178671616LL, 0, 0, 0, 0, 0, 0,
};

/*
 * Adds 10 trees to s->sum.
 * Each rank finds a row of masks; ANDed, they leave one path or one place.
 */
static __always_inline void
portscan_add(const struct portscan_features *f,
	     struct portscan_scratch *s)
{
	const __u64 *row0, *row1, *row2, *row3, *row4;
	__u64 at;
	__u64 x, page;
	__u64 paths0, paths1, paths2;
	__s64 sum = 0;

	at = (__u64)portscan_rank_0[(__u64)f->ip_protocol & 0xff] * 21;
	x = (__u64)f->tcp_window_size & 0xffff;
	page = portscan_page_2[x >> 8];
	/*
	 * Verifier: to Linux 6.1 an OR of two numbers has no bounds; clang
	 * would make one of the sum if it knew how small x is.
	 */
	x &= 0xff;
	portscan_barrier(x);
	x += page & 0x700;
	at += ((page >> 16) + portscan_rank_2[x]) * 3;
	row0 = portscan_masks + (at & 0x7f);
	portscan_barrier(row0);
	at = (__u64)f->tcp_ack_flag * 48;
	at += (__u64)f->tcp_psh_flag * 24;
	at += (__u64)f->tcp_rst_flag * 12;
	at += (__u64)f->tcp_syn_flag * 6;
	at += (__u64)f->tcp_fin_flag * 3;
	row1 = portscan_masks + 126 + (at & 0x7f);
	portscan_barrier(row1);
	x = (__u64)f->payload_length & 0xffff;
	page = portscan_page_9[x >> 8];
	/*
	 * Verifier: to Linux 6.1 an OR of two numbers has no bounds; clang
	 * would make one of the sum if it knew how small x is.
	 */
	x &= 0xff;
	portscan_barrier(x);
	x += page & 0x100;
	at = ((page >> 16) + portscan_rank_9[x]) * 3;
	row2 = portscan_masks + 222 + (at & 0x7f);
	portscan_barrier(row2);
	at = (__u64)portscan_rank_10[(__u64)f->icmp_type & 0xff] * 15;
	at += (__u64)portscan_rank_1[(__u64)f->tcp_data_offset & 0xf] * 3;
	row3 = portscan_masks + 291 + (at & 0x3f);
	portscan_barrier(row3);
	x = (__u64)f->udp_length & 0xffff;
	page = portscan_page_8[x >> 8];
	/*
	 * Verifier: to Linux 6.1 an OR of two numbers has no bounds; clang
	 * would make one of the sum if it knew how small x is.
	 */
	x &= 0xff;
	portscan_barrier(x);
	x += page & 0x100;
	at = ((page >> 16) + portscan_rank_8[x]) * 3;
	row4 = portscan_masks + 351 + (at & 0x3f);
	portscan_barrier(row4);
	paths0 = portscan_open(row0, 0);
	paths1 = portscan_open(row0, 1);
	paths2 = portscan_open(row0, 2);
	paths0 = portscan_and(paths0, row1, 0);
	paths1 = portscan_and(paths1, row1, 1);
	paths2 = portscan_and(paths2, row1, 2);
	paths0 = portscan_and(paths0, row2, 0);
	paths1 = portscan_and(paths1, row2, 1);
	paths2 = portscan_and(paths2, row2, 2);
	paths0 = portscan_and(paths0, row3, 0);
	paths1 = portscan_and(paths1, row3, 1);
	paths2 = portscan_and(paths2, row3, 2);
	paths0 = portscan_and(paths0, row4, 0);
	paths1 = portscan_and(paths1, row4, 1);
	paths2 = portscan_and(paths2, row4, 2);
	sum += portscan_leaves[portscan_place(paths0 & 0x3fffffULL)];
	sum += portscan_leaves[portscan_place(paths0 & 0x1ffffc00000ULL)];
	sum += portscan_leaves[portscan_place(paths0 & 0x7fffe0000000000ULL)];
	sum += portscan_leaves[64 + portscan_place(paths1 & 0xffffULL)];
	sum += portscan_leaves[64 + portscan_place(paths1 & 0x3fff0000ULL)];
	sum += portscan_leaves[64 + portscan_place(paths1 & 0xfffc0000000ULL)];
	sum +=
			portscan_leaves[64 + portscan_place(paths1 & 0x3fff00000000000ULL)];
	sum += portscan_leaves[128 + portscan_place(paths2 & 0x1fffULL)];
	sum += portscan_leaves[128 + portscan_place(paths2 & 0x3ffe000ULL)];
	sum += portscan_leaves[128 + portscan_place(paths2 & 0x3fc000000ULL)];
	portscan_barrier(sum);
	s->sum[0] += sum;
}

/*
 * s->sum = sums of 10 trees, q2.60. ai.onnx.ml.TreeEnsembleClassifier
 * TreeEnsembleClassifier (onnx0)
 *
 * sum[0] lies in [0.000000, 1.000000] and takes 61 bits of the s64.
 *
 * Conditions are exact for every integer.
 */
static __always_inline void
portscan_trees(const struct portscan_features *f,
	       struct portscan_scratch *s)
{
	portscan_join(s);
	s->sum[0] = 0;
	portscan_add(f, s);
}

/* 1 if a is less than b, else 0; both take at most 62 bits. */
static __always_inline __s64
portscan_less(__s64 a, __s64 b)
{
	__s64 d = a - b;

	portscan_barrier(d);
	return (__s64)((__u64)d >> 63);
}

/*
 * Decides one row of features. `s` must point into a map value in a BPF
 * program: the verifier would follow sums on the stack along every path.
 */
static __always_inline void
portscan_predict(const struct portscan_features *f,
		struct portscan_scratch *s, struct portscan_result *r)
{
	__s64 v4;
	__s64 v6;

	portscan_trees(f, s);
	/*
	 * v4: subtract, q2.60[1x1], in [-1.490116e-8, 1.000000].
	 * ai.onnx.ml.TreeEnsembleClassifier TreeEnsembleClassifier (onnx0)
	 */
	v4 = 1152921504606846976LL - s->sum[0];
	/*
	 * v6: greater, bool[1], in [0, 1]. ai.onnx.ml.TreeEnsembleClassifier
	 * TreeEnsembleClassifier (onnx0) The threshold is 0.500000.
	 */
	v6 = portscan_less(576460795253097478LL, s->sum[0]);
	r->label = (__u32)v6;
	r->score[0] = v4;
	r->score[1] = s->sum[0];
}

#endif /* PORTSCAN_SKXC_H */

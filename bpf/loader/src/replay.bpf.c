/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * replay.bpf.c: puts one packet after another before an XDP program, so that a
 * test run with many repetitions shows it varying packets.
 *
 * BPF_PROG_TEST_RUN repeats one packet and keeps what a run left of it: each
 * run here sets its length, copies the head of the next frame over it and
 * jumps. The program jumped to is the very one that is attached elsewhere.
 */
#include "skxc/bpf.h"

/* Numbers: include/uapi/linux/bpf.h, enum bpf_func_id. */
static long (*const replay_tail_call)(void *ctx, void *programs,
				      __u32 index) = (void *)12;
static long (*const replay_adjust_tail)(struct xdp_md *ctx, int delta) =
	(void *)65;

/* Bytes of a frame that are copied; what follows is left as it is, or 0. */
#define REPLAY_HEAD_WORDS 16
#define REPLAY_HEAD_BYTES (8 * REPLAY_HEAD_WORDS)

/* No verdict of a program: the replay itself failed. */
#define REPLAY_FAILED 1000

struct replay_frame {
	__u64 head[REPLAY_HEAD_WORDS];
	/* Length of the packet, from 14. */
	__u32 bytes;
};

/* The frames, in the memory of the loader as well. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct replay_frame);
} replay_frames SEC(".maps");

/* The program that is measured. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} replay_programs SEC(".maps");

/* The next frame, and how many there are. */
__u32 replay_cursor;
__u32 replay_frames_len;

SEC("xdp")
int replay_next(struct xdp_md *ctx)
{
	__u32 at = replay_cursor;
	const struct replay_frame *frame;
	__s64 have;
	int bytes, room, i;
	__u64 *to;

	replay_cursor = at + 1 < replay_frames_len ? at + 1 : 0;
	frame = bpf_map_lookup_elem(&replay_frames, &at);
	if (!frame)
		return REPLAY_FAILED;
	bytes = (int)frame->bytes;
	room = bytes < REPLAY_HEAD_BYTES ? REPLAY_HEAD_BYTES : bytes;
	have = (void *)(long)ctx->data_end - (void *)(long)ctx->data;
	/* Verifier: a difference of pointers is one of 64 bits. */
	skxc_barrier(have);
	if (replay_adjust_tail(ctx, room - (int)have))
		return REPLAY_FAILED;
	to = (void *)(long)ctx->data;
	/* Verifier: the packet was just made long enough. */
	if ((void *)(to + REPLAY_HEAD_WORDS) > (void *)(long)ctx->data_end)
		return REPLAY_FAILED;
	SKXC_UNROLL
	for (i = 0; i < REPLAY_HEAD_WORDS; i++)
		to[i] = frame->head[i];
	if (bytes < room && replay_adjust_tail(ctx, bytes - room))
		return REPLAY_FAILED;
	replay_tail_call(ctx, &replay_programs, 0);
	return REPLAY_FAILED;
}

/* The least that an XDP program can do. */
SEC("xdp")
int replay_empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char replay_license[] SEC("license") = "Dual BSD/GPL";

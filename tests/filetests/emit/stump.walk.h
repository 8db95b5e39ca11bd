/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stump.h: made by skxc; do not edit.
 *
 * In: integers in host byte order, any in the stated range.
 *
 *	ip_ttl               __u8  0 to 255
 *
 * Out:
 *
 * label, an index; the classes of `label`:
 *	0   benign
 *	1   attack
 * score[0], a raw score, q2.60, in [8.673617e-19, 2.602085e-18]: 2 bits of the
 * s64
 * score[1], a raw score, q2.60, in [8.673617e-19, 2.602085e-18]: 2 bits of the
 * s64
 *
 * the model: 1 trees as a table walk, about 20 ns, 118 verifier instructions,
 * 108 bytes of tables.
 */
#ifndef STUMP_SKXC_H
#define STUMP_SKXC_H

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
#define stump_barrier(x) __asm__ volatile("" : "+r"(x))
#define stump_forget(x) __asm__ volatile("" : "+r"(x) : : "memory")
#define stump_join(x) \
	__asm__ volatile("goto +0\ngoto +0\n" : "+r"(x) : : "memory")
#else
#define stump_barrier(x) ((void)(x))
#define stump_forget(x) ((void)(x))
#define stump_join(x) ((void)(x))
#endif

#define STUMP_CLASSES 2
#define STUMP_SCORES 2

/* The columns that a decision reads, widest first: no holes. */
struct stump_features {
	__u8 ip_ttl;
};

/*
 * Memory of one decision; needs no initial value. In a BPF program it lies in a
 * map: what is read from there is any number to the verifier, so that it
 * follows one path for all sums.
 */
struct stump_scratch {
	__s64 sum[2];
	__u32 x[256];
};

struct stump_result {
	__u32 label;
	__s64 score[STUMP_SCORES];
};

_Static_assert(sizeof(struct stump_features) == 1, "layout");
_Static_assert(__builtin_offsetof(struct stump_features, ip_ttl) == 0,
		"layout");
_Static_assert(sizeof(struct stump_result) == 24, "layout");
_Static_assert(__builtin_offsetof(struct stump_result, score) == 8, "layout");

/*
 * A test `x <= at_most` of a tree. Its two children are adjacent, "yes" first,
 * at byte offset link & 0xffffff; link >> 24 is the slot of x of the table.
 * A leaf is its own child: it reads slot 0, which is 0, and at_most is where
 * its row of weights begins.
 */
struct stump_node {
	__u32 at_most;
	__u32 link;
};

/* A power of two: a mask keeps every offset inside. */
#define STUMP_NODES 4
#define STUMP_NODES_MASK 0x18

static const struct stump_node stump_nodes[STUMP_NODES] = {
	{63,0x1000008}, {2,0x8}, {4,0x10},
};

/* What leaves add, q2.60: 3 distinct rows of 2. */
#define STUMP_WEIGHTS 9
#define STUMP_WEIGHTS_MASK 0x7

static const __s64 stump_weights[STUMP_WEIGHTS] = {
	0, 0, 3, 1, 1, 3,
};

/* Byte offsets of the roots, deepest trees first, 1 to a group. */
static const __u32 stump_roots[1] = {
	0x0,
};

static __always_inline const struct stump_node *
stump_node_at(__u64 at)
{
	return (const void *)((const char *)stump_nodes + at);
}

/*
 * One level down, without a branch: the sign of at_most - x adds 15 if x is
 * greater, and the mask leaves 8 of them, the size of a node.
 * In the kernel by instructions, since clang would spill more than it computes
 * where many lanes walk.
 */
static __always_inline __u64
stump_step(const struct stump_scratch *s, __u64 at)
{
#ifdef __bpf__
	const void *nodes = stump_nodes;
	const void *features = s->x;
	__u64 d, x;

	__asm__ volatile(
		"%[at] += %[nodes]\n"
		"%[d] = *(u32 *)(%[at] + 0)\n"
		"%[at] = *(u32 *)(%[at] + 4)\n"
		"%[x] = %[at]\n"
		"%[x] >>= 24\n"
		"%[x] <<= 2\n"
		"%[x] += %[features]\n"
		"%[x] = *(u32 *)(%[x] + 0)\n"
		"%[d] -= %[x]\n"
		"%[d] >>= 60\n"
		"%[at] += %[d]\n"
		"%[at] &= %[mask]\n"
		: [at] "+r"(at), [d] "=&r"(d), [x] "=&r"(x)
		: [nodes] "r"(nodes), [features] "r"(features),
		  [mask] "i"(STUMP_NODES_MASK)
		: "memory");
	return at;
#else
	const struct stump_node *node = stump_node_at(at);
	__s64 d = (__s64)node->at_most -
		  (__s64)s->x[node->link >> 24];

	return (node->link + ((__u64)d >> 60)) & STUMP_NODES_MASK;
#endif
}

/* The weights of the leaf that a lane has reached. */
static __always_inline const __s64 *
stump_row(__u64 at)
{
	return stump_weights + (stump_node_at(at)->at_most &
			STUMP_WEIGHTS_MASK);
}

/*
 * Walks 1 trees at once, until all are at a leaf; checked every `levels` steps,
 * at most `checks` times.
 */
static __always_inline void
stump_walk(struct stump_scratch *s, const __u32 *root,
	   const __u32 checks, const __u32 levels)
{
	__u64 at0 = root[0] & STUMP_NODES_MASK;
	const __s64 *row0;
	__u64 before, moved;
	__u32 i;
	__u32 check;

	for (check = 0; check < checks; check++) {
		for (i = 1; i < levels; i++) {
			at0 = stump_step(s, at0);
		}
		moved = 0;
		before = at0;
		at0 = stump_step(s, at0);
		moved |= at0 ^ before;
		stump_barrier(moved);
		if (!moved)
			break;
	}
	row0 = stump_row(at0);
	for (i = 0; i < 2; i++)
		s->sum[i] += row0[i];
}

/* Copies the features, then walks all groups. */
static __always_inline void
stump_add(const struct stump_features *f,
	  struct stump_scratch *s)
{
	s->x[0] = 0;
	s->x[1] = (__u32)f->ip_ttl;
	stump_walk(s, stump_roots, 1, 1);
}

/*
 * s->sum = sums of 1 trees, q2.60. the model
 *
 * sum[0] lies in [8.673617e-19, 2.602085e-18] and takes 2 bits of the s64.
 * sum[1] lies in [8.673617e-19, 2.602085e-18] and takes 2 bits of the s64.
 *
 * Conditions are exact for every integer.
 */
static __always_inline void
stump_trees(const struct stump_features *f,
	    struct stump_scratch *s)
{
	stump_join(s);
	s->sum[0] = 0;
	s->sum[1] = 0;
	stump_add(f, s);
}

/*
 * Decides one row of features. `s` must point into a map value in a BPF
 * program: the verifier would follow sums on the stack along every path.
 */
static __always_inline void
stump_predict(const struct stump_features *f,
		struct stump_scratch *s, struct stump_result *r)
{
	__s64 v2;

	stump_trees(f, s);
	v2 = s->sum[1] - s->sum[0] > 0;
	r->label = (__u32)v2;
	r->score[0] = s->sum[0];
	r->score[1] = s->sum[1];
}

#endif /* STUMP_SKXC_H */

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
 * the model: 1 trees as branch code, about 11 ns, 31 verifier instructions, 48
 * bytes of tables.
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
	__u64 row;
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
 * What leaves add, q2.60: 3 distinct rows of 2. Zeros behind them: a mask keeps
 * every row inside.
 */
#define STUMP_WEIGHTS 9
#define STUMP_WEIGHTS_MASK 0x7

static const __s64 stump_weights[STUMP_WEIGHTS] = {
	0, 0, 3, 1, 1, 3,
};

/*
 * Tree 0, 3 nodes: where its row of weights begins.
 * Behind a test: its place in the model.
 */
static __always_inline __u32
stump_tree_0(const struct stump_features *f)
{
	if (f->ip_ttl <= 63)
		return 2;
	return 4;
}

/* Adds the row that a tree has found. */
static __always_inline void
stump_add_row(struct stump_scratch *s)
{
	const __s64 *row;
	__u32 i;

	/*
	 * Verifier: read back from the map, the place is any number; else each
	 * leaf would be a path of its own.
	 */
	stump_forget(s);
	row = stump_weights + (s->row & STUMP_WEIGHTS_MASK);
	for (i = 0; i < 2; i++)
		s->sum[i] += row[i];
}

/*
 * Verifier: between two trees it forgets the sum and the ranges of the
 * features, so that the paths of one tree do not multiply with those of the
 * next.
 */
static __always_inline void
stump_add(const struct stump_features *f,
	  struct stump_scratch *s)
{
	stump_forget(f);
	s->row = stump_tree_0(f);
	stump_add_row(s);
	stump_forget(f);
	stump_join(s);
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

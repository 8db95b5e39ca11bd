/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * portscan.h: made by skxc 0.1.0; do not edit.
 *
 *	skxc compile portscan.onnx --name portscan --features
 *	ip_protocol,tcp_data_offset,tcp_window_size,tcp_urg_flag,tcp_ack_flag,tcp_psh_flag,tcp_rst_flag,tcp_syn_flag,tcp_fin_flag,udp_length,payload_length,icmp_type
 *	--action 'scan=drop' --fallback pass --hook xdp --lowering auto --kernel
 *	6.1
 *
 * build_id 2a27bd51cadc227326fb734b431943ad351d9926419849401a9b4c9f3a5e7d9f
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
 * score[0], a probability, q1.61, in [-1.490116e-8, 1.000000]: 62 bits of the
 * s64
 * score[1], a probability, q1.61, in [0.000000, 1.000000]: 62 bits of the s64
 *
 * ai.onnx.ml.TreeEnsembleClassifier TreeEnsembleClassifier (onnx0): 10 trees as
 * a table walk, about 58 ns, 1042 verifier instructions, 2600 bytes of tables.
 */
#ifndef PORTSCAN_H
#define PORTSCAN_H

#include <linux/types.h>

/* linux/stddef.h makes it a mere hint. */
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

/*
 * barrier: the compiler forgets what it knows of an integer, so that it cannot
 * turn arithmetic on a sign back into a branch. forget: it also forgets what it
 * read from memory, so that the verifier meets an unknown number.
 */
#ifdef __bpf__
#define portscan_barrier(x) __asm__ volatile("" : "+r"(x))
#define portscan_forget(x) __asm__ volatile("" : "+r"(x) : : "memory")
#else
#define portscan_barrier(x) ((void)(x))
#define portscan_forget(x) ((void)(x))
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
	__u32 x[256];
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

/*
 * A test `x <= at_most` of a tree. Its ways lie side by side, "yes" first, at
 * byte offset link & 0xffffff; link >> 24 is the slot of x of the table.
 * A leaf leads to itself: it reads slot 0, which is 0, and at_most is where its
 * row of weights begins.
 * Features count from their minimum.
 */
struct portscan_node {
	__u32 at_most;
	__u32 link;
};

/* A power of two: a mask keeps every offset inside. */
#define PORTSCAN_NODES 256
#define PORTSCAN_NODES_MASK 0x7f8

static const struct portscan_node portscan_nodes[PORTSCAN_NODES] = {
	{59,0x9000008}, {0,0x4000018}, {139,0xa000028}, {7,0x2000038}, {0,0x20},
	{76,0x9000048}, {254,0x9000058}, {34,0x9000068}, {0,0x40}, {0,0x48},
	{79,0xa000078}, {36,0x58}, {0,0x60}, {3,0x1000088}, {37,0x9000098},
	{3,0x78}, {0,0x80}, {5,0xb0000a8}, {116,0xa0000b8}, {0,0x98}, {36,0xa0},
	{1,0xa8}, {0,0xb0}, {2,0xb8}, {0,0xc0}, {40,0xa0000d0}, {11,0x10000e0},
	{0,0x50000f0}, {7,0x2000100}, {26,0xa000110}, {76,0x9000120}, {0,0xf8},
	{0,0x5000130}, {0,0x108}, {2,0xa000140}, {29,0xa000098}, {51,0xa000150},
	{254,0x9000160}, {5,0x2000170}, {0,0x138}, {36,0x140}, {37,0x1000180},
	{36,0x150}, {1,0xb000190}, {139,0xa0001a0}, {0,0x168}, {0,0x40001b0},
	{1972,0x3000058}, {4,0xa0001c0}, {0,0x188}, {62,0xa0001d0},
	{29,0x10001e0}, {79,0xa0001f0}, {36,0x1a8}, {4,0x1b0}, {0,0x1b8},
	{5,0x1c0}, {36,0x1c8}, {6,0x1d0}, {0,0x1d8}, {7,0x1e0}, {0,0x1e8},
	{8,0x1f0}, {0,0x1f8}, {0,0x7000208}, {0,0x4000218}, {7,0x2000228},
	{26,0xa000238}, {0,0x220}, {1972,0x3000058}, {0,0x230}, {2,0x2000248},
	{5,0xb000258}, {17,0xa000268}, {36,0x250}, {59,0x9000278}, {0,0x260},
	{9,0x1000288}, {37,0x1000058}, {1,0xb000298}, {68,0xa0002a8}, {0,0x288},
	{9,0x290}, {10,0x298}, {24,0x2a0}, {11,0x2a8}, {12,0x2b0},
	{0,0x40002c0}, {50,0xa0002d0}, {0,0x2c8}, {0,0x60002e0}, {1,0xb0002f0},
	{1972,0x3000300}, {36,0x2e8}, {90,0xa000310}, {5,0xb000320},
	{3,0x1000330}, {0,0x308}, {9,0x1000340}, {246,0xa000350},
	{83,0xa000058}, {0,0x328}, {36,0xa000098}, {11,0x1000360}, {0,0x340},
	{68,0xa000370}, {156,0xa000380}, {0,0x358}, {36,0x360}, {13,0x368},
	{14,0x370}, {15,0x378}, {16,0x380}, {36,0x388}, {1023,0x3000398},
	{51,0xa0003a8}, {1034,0x3000058}, {2,0x20003b8}, {2,0x20003c8},
	{9,0x10003d8}, {0,0x60003e8}, {68,0xa0003f8}, {0,0x3d0}, {1,0xb000408},
	{37,0x1000418}, {0,0x3e8}, {6,0x2000428}, {4,0xb000438},
	{254,0x9000448}, {0,0x408}, {36,0xa000098}, {34,0x9000458}, {0,0x420},
	{0,0x4000058}, {0,0x430}, {69,0x9000468}, {0,0x440}, {147,0x9000478},
	{0,0x450}, {17,0x458}, {18,0x460}, {19,0x468}, {0,0x470}, {20,0x478},
	{36,0x480}, {0,0x7000490}, {6,0x20004a0}, {16,0xa0004b0},
	{26,0xa0004c0}, {0,0x4a8}, {0,0x4000228}, {36,0x4b8}, {0,0x40004d0},
	{0,0x40004e0}, {512,0x30004f0}, {0,0x4d8}, {5,0xb000500}, {0,0x4e8},
	{0,0x6000510}, {36,0x4f8}, {1,0xb000520}, {0,0x508}, {21,0x510},
	{36,0x518}, {22,0x520}, {23,0x528}, {1011,0x3000538}, {11,0x1000548},
	{1034,0x3000058}, {0,0x6000558}, {34,0x9000568}, {2,0x2000578},
	{0,0x4000058}, {112,0xa000588}, {51,0xa000598}, {1,0xb0005a8},
	{0,0x580}, {2,0xa0005b8}, {0,0x590}, {29,0xa000098}, {139,0xa0005c8},
	{0,0x5a8}, {48,0xa0005d8}, {36,0x5b8}, {12,0x90005e8}, {68,0xa0005f8},
	{246,0xa000058}, {24,0x5d8}, {25,0x5e0}, {26,0x5e8}, {36,0x5f0},
	{27,0x5f8}, {28,0x600}, {0,0x4000610}, {34,0x9000620}, {0,0x618},
	{3,0x1000630}, {51,0xa000640}, {1,0xb000650}, {7,0x2000660},
	{37,0x9000098}, {68,0xa000670}, {0,0x650}, {5,0xb000058},
	{37,0x1000680}, {0,0x668}, {0,0x670}, {254,0x9000690}, {5,0x20006a0},
	{0,0x688}, {98,0x90006b0}, {0,0x698}, {29,0x6a0}, {30,0x6a8},
	{31,0x6b0}, {36,0x6b8}, {0,0x70006c8}, {59,0x90006d8}, {1972,0x3000058},
	{6,0x20006e8}, {76,0x90006f8}, {0,0x5000708}, {0,0x6f0}, {69,0x9000718},
	{79,0xa000728}, {1042,0x3000738}, {0,0x710}, {67,0x9000098}, {0,0x720},
	{34,0x728}, {234,0x9000748}, {3,0x1000758}, {0,0x740}, {145,0xa000098},
	{0,0x750}, {32,0x758}, {33,0x760}, {0,0x7000770}, {6,0x2000780},
	{1972,0x3000058}, {0,0x4000790}, {0,0x788}, {0,0x80007a0}, {0,0x798},
	{2,0x20007b0}, {36,0x7a8}, {5,0xb0007c0}, {36,0x7b8}, {35,0x7c0},
	{0,0x7c8},
};

/* What leaves add, q1.61: 37 distinct rows of 1. */
#define PORTSCAN_WEIGHTS 64
#define PORTSCAN_WEIGHTS_MASK 0x3f

static const __s64 portscan_weights[PORTSCAN_WEIGHTS] = {
	0, 18204023463084032LL, 226366302875287552LL, 17737253933547520LL,
	218246770281414656LL, 115292152178671616LL, 6317378275115008LL,
	25620478500536320LL, 31443313840095232LL, 224223354712752128LL,
	75924095396478976LL, 533759946391552LL, 21483009802764288LL,
	201761259870224384LL, 1130315267440640LL, 7438203141226496LL,
	138350577460445184LL, 227615399624048640LL, 109224145073471488LL,
	6190182818643968LL, 9674865879547904LL, 214497023313838080LL,
	11065190816677888LL, 164703079449493504LL, 76861437649092608LL,
	6781891336208384LL, 57646076089335808LL, 570753237909504LL,
	7205759511166976LL, 229637985623080960LL, 220634136442830848LL,
	8043638374268928LL, 19446868886945792LL, 167640459122835456LL,
	29890556461056000LL, 72909036944621568LL, 230584304357343232LL,
};

/* Byte offsets of the roots, deepest trees first, 10 to a group. */
static const __u32 portscan_roots[10] = {
	0x0, 0xc8, 0x200, 0x2b8, 0x390, 0x488, 0x530, 0x608, 0x6c0, 0x768,
};

static __always_inline const struct portscan_node *
portscan_node_at(__u64 at)
{
	return (const void *)((const char *)portscan_nodes + at);
}

/*
 * One level down, without a branch: the sign of at_most - x adds 15 if x is
 * greater, and the mask leaves 8 of them, the size of a node.
 * In the kernel by instructions, since clang would spill more than it computes
 * where many lanes walk.
 */
static __always_inline __u64
portscan_step(const struct portscan_scratch *s, __u64 at)
{
#ifdef __bpf__
	const void *nodes = portscan_nodes;
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
		  [mask] "i"(PORTSCAN_NODES_MASK)
		: "memory");
	return at;
#else
	const struct portscan_node *node = portscan_node_at(at);
	__s64 d = (__s64)node->at_most -
		  (__s64)s->x[node->link >> 24];

	return (node->link + ((__u64)d >> 60)) & PORTSCAN_NODES_MASK;
#endif
}

/* The weights of the leaf that a lane has reached. */
static __always_inline const __s64 *
portscan_row(__u64 at)
{
	return portscan_weights + (portscan_node_at(at)->at_most &
			PORTSCAN_WEIGHTS_MASK);
}

/* Walks 10 trees at once, `levels` down. */
static __always_inline void
portscan_walk(struct portscan_scratch *s, const __u32 *root,
	      const __u32 levels)
{
	__u64 at0 = root[0];
	__u64 at1 = root[1];
	__u64 at2 = root[2];
	__u64 at3 = root[3];
	__u64 at4 = root[4];
	__u64 at5 = root[5];
	__u64 at6 = root[6];
	__u64 at7 = root[7];
	__u64 at8 = root[8];
	__u64 at9 = root[9];
	__u32 level;

	for (level = 0; level < levels; level++) {
		at0 = portscan_step(s, at0);
		at1 = portscan_step(s, at1);
		at2 = portscan_step(s, at2);
		at3 = portscan_step(s, at3);
		at4 = portscan_step(s, at4);
		at5 = portscan_step(s, at5);
		at6 = portscan_step(s, at6);
		at7 = portscan_step(s, at7);
		at8 = portscan_step(s, at8);
		at9 = portscan_step(s, at9);
	}

	s->sum[0] += *portscan_row(at0) + *portscan_row(at1) +
			*portscan_row(at2) + *portscan_row(at3) +
			*portscan_row(at4) + *portscan_row(at5) +
			*portscan_row(at6) + *portscan_row(at7) +
			*portscan_row(at8) + *portscan_row(at9);
}

/*
 * s->sum = sums of 10 trees, q1.61. ai.onnx.ml.TreeEnsembleClassifier
 * TreeEnsembleClassifier (onnx0)
 *
 * sum[0] lies in [0.000000, 1.000000] and takes 62 bits of the s64.
 *
 * Conditions are exact for every integer.
 */
static __always_inline void
portscan_trees(const struct portscan_features *f,
	       struct portscan_scratch *s)
{
	s->x[0] = 0;
	s->x[1] = f->ip_protocol;
	s->x[2] = f->tcp_data_offset;
	s->x[3] = f->tcp_window_size;
	s->x[4] = f->tcp_ack_flag;
	s->x[5] = f->tcp_psh_flag;
	s->x[6] = f->tcp_rst_flag;
	s->x[7] = f->tcp_syn_flag;
	s->x[8] = f->tcp_fin_flag;
	s->x[9] = f->udp_length;
	s->x[10] = f->payload_length;
	s->x[11] = f->icmp_type;
	s->sum[0] = 0;
#ifdef __bpf__
	/*
	 * Verifier: all paths of the parser meet here, so that one is followed
	 * through the trees. It keeps states at jumps, but not for long inside
	 * a loop; jumps to the next instruction are removed when the program is
	 * loaded.
	 */
	__asm__ volatile("goto +0\n"
			 "goto +0\n" : "+r"(s) : : "memory");
#endif
	portscan_walk(s, portscan_roots, 6);
}

/*
 * Decides one row of features. `s` must point into a map value in a BPF
 * program: the verifier would follow sums on the stack along every path.
 */
static __always_inline void
portscan_predict(const struct portscan_features *f,
		struct portscan_scratch *s, struct portscan_result *r)
{
	__s64 v3;
	__s64 v6;

	portscan_trees(f, s);
	/* The threshold is 0.500000. */
	v3 = s->sum[0] > 1152921590506194946LL;
	v6 = 2305843009213693952LL - s->sum[0];
	r->label = (__u32)v3;
	r->score[0] = v6;
	r->score[1] = s->sum[0];
}

#endif /* PORTSCAN_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * skxc/bpf.h: the few names a BPF program needs beside the kernel's own.
 *
 * Generated programs compile with clang and the kernel's uapi headers alone,
 * so what libbpf's bpf_helpers.h would give stands here. A program that wants
 * bpf_helpers.h as well includes it first; its definitions are then used.
 */
#ifndef SKXC_BPF_H
#define SKXC_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>

#include "skxc/barrier.h"

#ifndef SEC
#define SEC(name) __attribute__((section(name), used))
#endif

#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

/*
 * Maps are described by BTF: an attribute is the size of an array type or the
 * type behind a pointer, as libbpf reads them.
 */
#ifndef __uint
#define __uint(name, val) int (*name)[val]
#endif
#ifndef __type
#define __type(name, val) typeof(val) *name
#endif
#ifndef __array
#define __array(name, val) typeof(val) *name[]
#endif

#ifndef __BPF_HELPERS__
/* Numbers: include/uapi/linux/bpf.h, enum bpf_func_id. */
static void *(*const bpf_map_lookup_elem)(void *map, const void *key) =
	(void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key,
					 const void *value, __u64 flags) =
	(void *)2;
static __u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static __u32 (*const bpf_get_prandom_u32)(void) = (void *)7;
static __u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static long (*const bpf_redirect)(__u32 ifindex, __u64 flags) = (void *)23;
static long (*const bpf_skb_pull_data)(struct __sk_buff *skb, __u32 len) =
	(void *)39;
#endif /* __BPF_HELPERS__ */

#endif /* SKXC_BPF_H */

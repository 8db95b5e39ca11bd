/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * skxc/counters.h: packets and bytes, one pair per decision or reason.
 *
 * Counters live in a per-CPU array, so an update needs no atomic: a packet is
 * processed on one CPU from beginning to end. Readers add up the CPUs.
 */
#ifndef SKXC_COUNTERS_H
#define SKXC_COUNTERS_H

#include "skxc/bpf.h"

struct skxc_counter {
	__u64 packets;
	__u64 bytes;
};

/* Counts one packet of `bytes` bytes in entry `index` of `map`. */
static __always_inline void skxc_count(void *map, __u32 index, __u32 bytes)
{
	struct skxc_counter *counter = bpf_map_lookup_elem(map, &index);

	/* Verifier: a lookup may fail; an index past the map is not counted. */
	if (!counter)
		return;
	counter->packets += 1;
	counter->bytes += bytes;
}

#endif /* SKXC_COUNTERS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * skxc/wire.h: headers as they are on the wire, and how to read them.
 *
 * Headers are structs of bytes, read by shifts: no bit-fields, no alignment
 * assumed of user-space memory, right on machines of either byte order.
 */
#ifndef SKXC_WIRE_H
#define SKXC_WIRE_H

#include <linux/types.h>

#include "skxc/barrier.h"

enum {
	SKXC_VLAN_TAGS_MAX = 2,
	SKXC_ETH_IP4 = 0x0800,
	SKXC_ETH_IP6 = 0x86dd,
	SKXC_ETH_VLAN = 0x8100,
	SKXC_ETH_QINQ = 0x88a8,
	SKXC_ETH_QINQ_OLD = 0x9100,
	SKXC_IP_HOP_OPTIONS = 0,
	SKXC_IP_ICMP = 1,
	SKXC_IP_TCP = 6,
	SKXC_IP_UDP = 17,
	SKXC_IP_ROUTING = 43,
	SKXC_IP_FRAGMENT = 44,
	SKXC_IP_ICMP6 = 58,
	SKXC_IP_DEST_OPTIONS = 60,
	/* IPv4 bytes 6 and 7; the IPv6 fragment header is brought to it. */
	SKXC_FRAGMENT_DF = 0x4000,
	SKXC_FRAGMENT_MF = 0x2000,
	SKXC_FRAGMENT_OFFSET = 0x1fff,
	/* ICMP has 8 bytes of header; type and code are in the first 4. */
	SKXC_ICMP_BYTES = 8,
};

/* Headers as bytes on the wire. */
struct skxc_eth {
	__u8 dest[6];
	__u8 source[6];
	__u8 type[2];
};

struct skxc_vlan {
	__u8 tci[2];
	__u8 type[2];
};

struct skxc_ip4 {
	__u8 version_ihl;
	__u8 tos;
	__u8 total_length[2];
	__u8 id[2];
	__u8 fragment[2];
	__u8 ttl;
	__u8 protocol;
	__u8 checksum[2];
	__u8 source[4];
	__u8 dest[4];
};

struct skxc_ip6 {
	__u8 version_class[2];
	__u8 flow[2];
	__u8 payload_length[2];
	__u8 next_header;
	__u8 hop_limit;
	__u8 source[16];
	__u8 dest[16];
};

/* The first 8 bytes of any extension header that is walked. */
struct skxc_extension {
	__u8 next_header;
	/* Units of 8 bytes beyond the first 8; reserved in a fragment header. */
	__u8 length;
	__u8 fragment[2];
	__u8 id[4];
};

struct skxc_tcp {
	__u8 source[2];
	__u8 dest[2];
	__u8 sequence[4];
	__u8 ack[4];
	__u8 data_offset;
	__u8 flags;
	__u8 window[2];
	__u8 checksum[2];
	__u8 urgent[2];
};

struct skxc_udp {
	__u8 source[2];
	__u8 dest[2];
	__u8 length[2];
	__u8 checksum[2];
};

/* Only what ICMP and ICMPv6 have in common. */
struct skxc_icmp {
	__u8 type;
	__u8 code;
	__u8 checksum[2];
};

/* TCP and UDP begin with the same four bytes. */
struct skxc_ports {
	__u8 source[2];
	__u8 dest[2];
};

/*
 * Big-endian loads. In BPF clang splits a load it does not know to be aligned
 * into bytes, though the verifier allows it where the machine does (elsewhere
 * the frame is placed so that IP headers are aligned), so the alignment is
 * promised. In user space a frame may stand anywhere.
 */
#if defined(__bpf__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
typedef __u16 __attribute__((may_alias)) skxc_wire16;
typedef __u32 __attribute__((may_alias)) skxc_wire32;

static __always_inline __u16 skxc_be16(const __u8 *p)
{
	return __builtin_bswap16(*(const skxc_wire16 *)p);
}

static __always_inline __u32 skxc_be32(const __u8 *p)
{
	return __builtin_bswap32(*(const skxc_wire32 *)p);
}
#else
static __always_inline __u16 skxc_be16(const __u8 *p)
{
	return (__u16)(p[0] << 8 | p[1]);
}

static __always_inline __u32 skxc_be32(const __u8 *p)
{
	return (__u32)p[0] << 24 | (__u32)p[1] << 16 | (__u32)p[2] << 8 | p[3];
}
#endif

#endif /* SKXC_WIRE_H */

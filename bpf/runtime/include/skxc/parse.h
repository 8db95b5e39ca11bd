/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * skxc/parse.h: finds the headers of a frame: Ethernet, or a bare IP packet.
 *
 * One source for the kernel (XDP and tc) and for user space, so that a model
 * is trained on exactly what it will see. What must hold:
 *
 * - lengths in headers are read, never trusted: the only bound on memory is
 *   the end of the frame;
 * - nothing behind the length that the IP header states is a header. The host
 *   trims what is there, so padding must not look like one;
 * - a header that is legitimately absent leaves its features 0;
 * - `needs` is a compile-time constant in a BPF program: work that no
 *   declared column needs is not in the object.
 */
#ifndef SKXC_PARSE_H
#define SKXC_PARSE_H

#ifdef __bpf__
#include "skxc/bpf.h"
#endif
#include "skxc/barrier.h"
#include "skxc/wire.h"

/*
 * What the declared columns need, a set of bits. A layer-4 header implies the
 * way to it: the IP header and, in IPv6, the chain of extension headers.
 */
#define SKXC_NEEDS_NOTHING 0x00u
#define SKXC_NEEDS_IP 0x01u
#define SKXC_NEEDS_CHAIN (0x02u | SKXC_NEEDS_IP)
#define SKXC_NEEDS_TCP (0x04u | SKXC_NEEDS_CHAIN)
#define SKXC_NEEDS_UDP (0x08u | SKXC_NEEDS_CHAIN)
#define SKXC_NEEDS_ICMP (0x10u | SKXC_NEEDS_CHAIN)
/*
 * A value that a packet on the wire has, and a packet that was merged of
 * several (by GRO, or not yet split by TSO) has not.
 */
#define SKXC_NEEDS_UNMERGED 0x20u
#define SKXC_NEEDS_ALL 0x3fu

/*
 * Why a packet cannot be classified. A header is cut short if the frame ends
 * within it, or the IP packet by the length in its IP header; that is a reason
 * only where a declared column needs that header. Numbers are never reused:
 * counters are kept by them.
 */
enum skxc_reason {
	SKXC_CLASSIFIABLE = 0,
	/* The frame ends within its Ethernet header or a VLAN tag. */
	SKXC_ETHERNET_CUT = 1,
	/*
	 * Neither IPv4 nor IPv6 behind up to two VLAN tags, or in a frame
	 * without an Ethernet header.
	 */
	SKXC_NOT_IP = 2,
	/*
	 * The frame ends within the fixed IPv4 or IPv6 header, or the total
	 * length in an IPv4 header is less than the header itself.
	 */
	SKXC_IP_CUT = 3,
	/* The version nibble is not what the Ethernet type says. */
	SKXC_IP_VERSION = 4,
	/* An IPv4 header length below five words. */
	SKXC_IP_IHL = 5,
	/* More IPv6 extension headers than SKXC_EXTENSIONS_MAX. */
	SKXC_EXTENSIONS_MANY = 6,
	/* The packet ends within an IPv6 extension header. */
	SKXC_EXTENSION_CUT = 7,
	/* The packet ends before or within the fixed layer-4 header. */
	SKXC_TCP_CUT = 8,
	SKXC_UDP_CUT = 9,
	SKXC_ICMP_CUT = 10,
	/*
	 * Several packets that were merged into one (tc only), and a column
	 * needs what only a packet on the wire has.
	 */
	SKXC_MERGED = 11,
	/* One more than the last reason. */
	SKXC_REASONS = 12,
};

/* IPv6 extension headers that are walked; a longer chain is not classified. */
#define SKXC_EXTENSIONS_MAX 8
/* The fixed IPv6 header and eight extension headers of 2,048 bytes. */
#define SKXC_OFFSET_MASK 0x7fff

/* A frame as a hook sees it. */
struct skxc_frame {
	const void *data;
	const void *end;
	/*
	 * Bytes of the frame as it was sent, less a tag that was taken out of
	 * it: more than there is memory if only the beginning was captured.
	 */
	__u32 length;
	/* A VLAN tag that the driver took out of the frame (tc only). */
	__u16 tag_tci;
	__u8 tagged;
	/* Several packets in one (tc only): a GSO packet. */
	__u8 merged;
	/* It begins with the IP header: no Ethernet header, no tags. */
	__u8 layer3;
};

/*
 * What skxc_parse() found. Pointers are never NULL: the header of a protocol
 * that the packet does not have is skxc_absent, all zeros, so that reading a
 * feature needs no branch.
 */
struct skxc_headers {
	const struct skxc_tcp *tcp;
	const struct skxc_udp *udp;
	const struct skxc_icmp *icmp;
	const struct skxc_ports *ports;
	__u32 packet_length;
	__u32 payload_length;
	/* Bytes from the IP header on that are the IP packet, by its length. */
	__u32 ip_bytes;
	__u16 eth_type;
	__u16 vlan_id;
	__u16 ip_total_length;
	__u16 ip_id;
	__u16 ip_fragment;
	__u8 ip_version;
	__u8 ip_ihl;
	__u8 ip_tos;
	__u8 ip_ttl;
	__u8 ip_protocol;
};

static const __u8 skxc_absent[sizeof(struct skxc_tcp)]
	__attribute__((aligned(8)));

/* Whether a column needs the header `what`, one of SKXC_NEEDS_*. */
static __always_inline int skxc_needed(__u32 needs, __u32 what)
{
	return (needs & what) == what;
}

/* Whether `bytes` bytes from `p` on lie within the frame. */
static __always_inline int
skxc_fits(const void *p, __u32 bytes, const void *end)
{
	return (const __u8 *)p + bytes <= (const __u8 *)end;
}

/*
 * Whether a header of `bytes` bytes, `before` bytes behind the start of the IP
 * header, lies within the IP packet.
 *
 * Verifier: the end of the frame is compared apart, as a pointer; of a lesser
 * end that is computed it knows nothing. What it would learn of `before` and
 * of the length of the packet would only keep it from seeing that paths
 * through the parser are alike, so it is a difference that is compared.
 */
static __always_inline int
skxc_in_packet(const struct skxc_headers *h, __u32 before, __u32 bytes)
{
	__s32 left = (__s32)(h->ip_bytes - before - bytes);

	skxc_barrier(left);
	return left >= 0;
}

/* a - b, or 0 where that is negative; below 2^16 if a is. */
static __always_inline __u32 skxc_subtract(__u32 a, __u32 b)
{
	return a > b ? a - b : 0;
}

static __always_inline int skxc_is_vlan(__u16 type)
{
	return type == SKXC_ETH_VLAN || type == SKXC_ETH_QINQ ||
	       type == SKXC_ETH_QINQ_OLD;
}

static __always_inline void skxc_headers_clear(struct skxc_headers *h)
{
	h->tcp = (const void *)skxc_absent;
	h->udp = (const void *)skxc_absent;
	h->icmp = (const void *)skxc_absent;
	h->ports = (const void *)skxc_absent;
	h->packet_length = 0;
	h->payload_length = 0;
	h->ip_bytes = 0;
	h->eth_type = 0;
	h->vlan_id = 0;
	h->ip_total_length = 0;
	h->ip_id = 0;
	h->ip_fragment = 0;
	h->ip_version = 0;
	h->ip_ihl = 0;
	h->ip_tos = 0;
	h->ip_ttl = 0;
	h->ip_protocol = 0;
}

static __always_inline enum skxc_reason
skxc_parse_tcp(const void *l4, const void *end, __u32 before,
	       struct skxc_headers *h, const __u32 needs)
{
	const struct skxc_tcp *tcp = l4;

	if (!skxc_needed(needs, SKXC_NEEDS_TCP))
		return SKXC_CLASSIFIABLE;
	if (!skxc_fits(tcp, sizeof(*tcp), end) ||
	    !skxc_in_packet(h, before, sizeof(*tcp)))
		return SKXC_TCP_CUT;
	h->tcp = tcp;
	h->ports = l4;
	h->payload_length = skxc_subtract(h->ip_total_length,
					  before + (tcp->data_offset >> 4) * 4);
	return SKXC_CLASSIFIABLE;
}

static __always_inline enum skxc_reason
skxc_parse_udp(const void *l4, const void *end, __u32 before,
	       struct skxc_headers *h, const __u32 needs)
{
	const struct skxc_udp *udp = l4;

	if (!skxc_needed(needs, SKXC_NEEDS_UDP))
		return SKXC_CLASSIFIABLE;
	if (!skxc_fits(udp, sizeof(*udp), end) ||
	    !skxc_in_packet(h, before, sizeof(*udp)))
		return SKXC_UDP_CUT;
	h->udp = udp;
	h->ports = l4;
	h->payload_length = skxc_subtract(h->ip_total_length,
					  before + (__u32)sizeof(*udp));
	return SKXC_CLASSIFIABLE;
}

static __always_inline enum skxc_reason
skxc_parse_icmp(const void *l4, const void *end, __u32 before,
		struct skxc_headers *h, const __u32 needs)
{
	const struct skxc_icmp *icmp = l4;

	if (!skxc_needed(needs, SKXC_NEEDS_ICMP))
		return SKXC_CLASSIFIABLE;
	if (!skxc_fits(icmp, sizeof(*icmp), end) ||
	    !skxc_in_packet(h, before, sizeof(*icmp)))
		return SKXC_ICMP_CUT;
	h->icmp = icmp;
	h->payload_length = skxc_subtract(h->ip_total_length,
					  before + SKXC_ICMP_BYTES);
	return SKXC_CLASSIFIABLE;
}

/*
 * Layer 4 of protocol h->ip_protocol, `before` bytes behind the start of the
 * IP header. `icmp` is the number that ICMP has in this version of IP.
 */
static __always_inline enum skxc_reason
skxc_parse_l4(const void *ip, const void *end, __u32 before, __u8 icmp,
	      struct skxc_headers *h, const __u32 needs)
{
	const __u8 *l4 = (const __u8 *)ip + before;

	/*
	 * Verifier: a comparison with the end of the frame bounds the very
	 * register that is compared and copies of it. The barrier keeps clang
	 * from comparing one sum and reading through another.
	 */
	skxc_barrier(l4);
	if (h->ip_protocol == SKXC_IP_TCP)
		return skxc_parse_tcp(l4, end, before, h, needs);
	if (h->ip_protocol == SKXC_IP_UDP)
		return skxc_parse_udp(l4, end, before, h, needs);
	if (h->ip_protocol == icmp)
		return skxc_parse_icmp(l4, end, before, h, needs);
	return SKXC_CLASSIFIABLE;
}

/*
 * The same number. Verifier: it would keep the exact range of an offset or a
 * length for every path through the parser, and verify all that follows once
 * for each. What it lacks is that the range does not matter, since the end of
 * the frame is the bound; mixing in and out a number that it does not know
 * makes all paths look alike.
 */
static __always_inline __u32 skxc_forget(__u32 x, __u32 unknown)
{
#ifdef __bpf__
	x ^= unknown;
	skxc_barrier(x);
	x ^= unknown;
	skxc_barrier(x);
#else
	(void)unknown;
#endif
	return x;
}

/*
 * The length of an IP packet whose header says `stated`. `on_wire` is how long
 * the frame is from the IP header on. The field has 16 bits; of a longer
 * packet, which is always a merged one, Linux writes 0 (iph_set_totlen() and
 * ipv6_set_payload_len() in include/net), and reads 0 as no length then alone.
 */
static __always_inline __u32
skxc_ip_bytes(__u32 stated, __u16 field, __u32 on_wire)
{
	return field || on_wire <= 0xffff ? stated : on_wire;
}

static __always_inline enum skxc_reason
skxc_parse_ip4(const void *ip, const void *end, __u32 on_wire,
	       struct skxc_headers *h, const __u32 needs)
{
	const struct skxc_ip4 *ip4 = ip;
	__u32 ihl;

	if (!skxc_fits(ip4, sizeof(*ip4), end))
		return skxc_needed(needs, SKXC_NEEDS_IP) ? SKXC_IP_CUT :
							   SKXC_CLASSIFIABLE;
	if (ip4->version_ihl >> 4 != 4)
		return SKXC_IP_VERSION;
	ihl = ip4->version_ihl & 15;
	if (ihl < 5)
		return SKXC_IP_IHL;
	h->ip_version = 4;
	h->ip_ihl = (__u8)ihl;
	h->ip_tos = ip4->tos;
	h->ip_total_length = skxc_be16(ip4->total_length);
	h->ip_id = skxc_be16(ip4->id);
	h->ip_fragment = skxc_be16(ip4->fragment);
	h->ip_ttl = ip4->ttl;
	h->ip_protocol = ip4->protocol;
	h->ip_bytes = skxc_ip_bytes(h->ip_total_length, h->ip_total_length,
				    on_wire);
	h->ip_bytes = skxc_forget(h->ip_bytes, skxc_be32(ip4->source));
	if (h->ip_bytes < ihl * 4)
		return skxc_needed(needs, SKXC_NEEDS_IP) ? SKXC_IP_CUT :
							   SKXC_CLASSIFIABLE;
	if (!skxc_needed(needs, SKXC_NEEDS_CHAIN))
		return SKXC_CLASSIFIABLE;
	/* A later fragment has no layer-4 header. */
	if (h->ip_fragment & SKXC_FRAGMENT_OFFSET)
		return SKXC_CLASSIFIABLE;
	return skxc_parse_l4(ip, end, ihl * 4, SKXC_IP_ICMP, h, needs);
}

/* The IPv6 fragment header in the layout of IPv4's. */
static __always_inline __u16
skxc_fragment_of_ip6(const struct skxc_extension *extension)
{
	__u16 fragment = skxc_be16(extension->fragment);

	return (__u16)(fragment >> 3 |
		       ((fragment & 1) ? SKXC_FRAGMENT_MF : 0));
}

/* Whether an IPv6 extension header of this number is walked over. */
static __always_inline int skxc_is_extension(__u8 protocol)
{
	const __u64 walked = 1ull << SKXC_IP_HOP_OPTIONS |
			     1ull << SKXC_IP_ROUTING |
			     1ull << SKXC_IP_FRAGMENT |
			     1ull << SKXC_IP_DEST_OPTIONS;

	return protocol < 64 && (walked >> protocol & 1);
}

/*
 * Walks the extension headers behind the fixed IPv6 header. h->ip_protocol is
 * the last next-header that was reached: the layer-4 protocol, or a header
 * behind which layer 4 cannot be read (AH, ESP, none, later fragments).
 */
static __always_inline enum skxc_reason
skxc_parse_chain(const void *ip, const void *end, struct skxc_headers *h,
		 const __u32 needs)
{
	const struct skxc_ip6 *ip6 = ip;
	const __u32 unknown = skxc_be32(ip6->source);
	__u32 before = skxc_forget(sizeof(*ip6), unknown) & SKXC_OFFSET_MASK;
	const struct skxc_extension *extension;
	const __u8 *p;
	int i;

	SKXC_UNROLL
	for (i = 0; i < SKXC_EXTENSIONS_MAX; i++) {
		if (!skxc_is_extension(h->ip_protocol))
			break;
		p = (const __u8 *)ip + before;
		/* Verifier: as in skxc_parse_l4(). */
		skxc_barrier(p);
		extension = (const void *)p;
		if (!skxc_fits(extension, sizeof(*extension), end) ||
		    !skxc_in_packet(h, before, sizeof(*extension)))
			return SKXC_EXTENSION_CUT;
		if (h->ip_protocol == SKXC_IP_FRAGMENT) {
			h->ip_id = skxc_be16(extension->id + 2);
			h->ip_fragment = skxc_fragment_of_ip6(extension);
			before += sizeof(*extension);
		} else {
			before += 8 * (1 + (__u32)extension->length);
		}
		if (!skxc_in_packet(h, before, 0))
			return SKXC_EXTENSION_CUT;
		before = skxc_forget(before, unknown) & SKXC_OFFSET_MASK;
		h->ip_protocol = extension->next_header;
		/* A later fragment has no layer-4 header. */
		if (h->ip_fragment & SKXC_FRAGMENT_OFFSET)
			return SKXC_CLASSIFIABLE;
	}
	if (skxc_is_extension(h->ip_protocol))
		return SKXC_EXTENSIONS_MANY;
	return skxc_parse_l4(ip, end, before, SKXC_IP_ICMP6, h, needs);
}

static __always_inline enum skxc_reason
skxc_parse_ip6(const void *ip, const void *end, __u32 on_wire,
	       struct skxc_headers *h, const __u32 needs)
{
	const struct skxc_ip6 *ip6 = ip;
	__u32 total;
	__u16 payload;

	if (!skxc_fits(ip6, sizeof(*ip6), end))
		return skxc_needed(needs, SKXC_NEEDS_IP) ? SKXC_IP_CUT :
							   SKXC_CLASSIFIABLE;
	if (ip6->version_class[0] >> 4 != 6)
		return SKXC_IP_VERSION;
	payload = skxc_be16(ip6->payload_length);
	total = (__u32)sizeof(*ip6) + payload;
	h->ip_version = 6;
	h->ip_ihl = sizeof(*ip6) / 4;
	h->ip_tos = (__u8)(skxc_be16(ip6->version_class) >> 4);
	h->ip_total_length = (__u16)(total < 0xffff ? total : 0xffff);
	h->ip_ttl = ip6->hop_limit;
	h->ip_protocol = ip6->next_header;
	h->ip_bytes = skxc_ip_bytes(total, payload, on_wire);
	/*
	 * A payload length of 0 before hop-by-hop options is a jumbogram (RFC
	 * 2675). Linux trims no such packet, whether the options have its
	 * length or not (ip6_rcv_core() in net/ipv6/ip6_input.c).
	 */
	if (!payload && h->ip_protocol == SKXC_IP_HOP_OPTIONS)
		h->ip_bytes = on_wire;
	h->ip_bytes = skxc_forget(h->ip_bytes, skxc_be32(ip6->source));
	if (!skxc_needed(needs, SKXC_NEEDS_CHAIN))
		return SKXC_CLASSIFIABLE;
	return skxc_parse_chain(ip, end, h, needs);
}

/*
 * Steps over the Ethernet header and up to two VLAN tags to the IP header.
 * What is left of h->packet_length is without those tags: the same whether the
 * outer one is in the frame or beside it.
 */
static __always_inline enum skxc_reason
skxc_parse_eth(const struct skxc_frame *frame, struct skxc_headers *h,
	       const void **ip)
{
	const struct skxc_eth *eth = frame->data;
	const struct skxc_vlan *vlan;
	int i;

	if (!skxc_fits(eth, sizeof(*eth), frame->end))
		return SKXC_ETHERNET_CUT;
	h->eth_type = skxc_be16(eth->type);
	*ip = eth + 1;
	if (frame->tagged)
		h->vlan_id = frame->tag_tci & 0xfff;
	SKXC_UNROLL
	for (i = 0; i < SKXC_VLAN_TAGS_MAX; i++) {
		/* A tag beside the frame is the outer one of the two. */
		if (!skxc_is_vlan(h->eth_type) || (i == 1 && frame->tagged))
			break;
		vlan = *ip;
		if (!skxc_fits(vlan, sizeof(*vlan), frame->end))
			return SKXC_ETHERNET_CUT;
		if (i == 0 && !frame->tagged)
			h->vlan_id = skxc_be16(vlan->tci) & 0xfff;
		h->eth_type = skxc_be16(vlan->type);
		h->packet_length -= (__u32)sizeof(*vlan);
		*ip = vlan + 1;
	}
	return SKXC_CLASSIFIABLE;
}

/*
 * A frame that begins with the IP header. The type is what an Ethernet header
 * would have, by the IP version.
 */
static __always_inline enum skxc_reason
skxc_parse_layer3(const struct skxc_frame *frame, struct skxc_headers *h,
		  const void **ip)
{
	const __u8 *version = frame->data;

	if (!skxc_fits(version, sizeof(*version), frame->end))
		return SKXC_IP_CUT;
	if (*version >> 4 == 4)
		h->eth_type = SKXC_ETH_IP4;
	else if (*version >> 4 == 6)
		h->eth_type = SKXC_ETH_IP6;
	*ip = frame->data;
	return SKXC_CLASSIFIABLE;
}

/*
 * Finds the headers of `frame` that `needs` names and fills `h`. Returns why
 * the packet cannot be classified; `h` then has what was found until then.
 *
 * An IP header that is there is always checked; one that is cut short is a
 * reason only if a column needs it.
 */
static __always_inline enum skxc_reason
skxc_parse(const struct skxc_frame *frame, struct skxc_headers *h,
	   const __u32 needs)
{
	enum skxc_reason reason;
	const void *ip = frame->data;
	__u32 on_wire;

	skxc_headers_clear(h);
	h->packet_length = frame->length;
	reason = frame->layer3 ? skxc_parse_layer3(frame, h, &ip) :
				 skxc_parse_eth(frame, h, &ip);
	if (reason)
		return reason;
	if (h->eth_type != SKXC_ETH_IP4 && h->eth_type != SKXC_ETH_IP6)
		return SKXC_NOT_IP;
	if (frame->merged && skxc_needed(needs, SKXC_NEEDS_UNMERGED))
		return SKXC_MERGED;
	on_wire = h->packet_length;
	if (!frame->layer3)
		on_wire = skxc_subtract(on_wire, sizeof(struct skxc_eth));
	if (h->eth_type == SKXC_ETH_IP4)
		return skxc_parse_ip4(ip, frame->end, on_wire, h, needs);
	return skxc_parse_ip6(ip, frame->end, on_wire, h, needs);
}

#ifdef __bpf__
/*
 * skxc_parse() for a packet at the XDP hook. `layer3` is not 0 on an interface
 * without Ethernet headers.
 */
static __always_inline enum skxc_reason
skxc_parse_xdp(struct xdp_md *ctx, struct skxc_headers *h, const __u32 needs,
	       __u32 layer3)
{
	struct skxc_frame frame = {
		.data = (const void *)(long)ctx->data,
		.end = (const void *)(long)ctx->data_end,
		.length = ctx->data_end - ctx->data,
		.layer3 = layer3 != 0,
	};

	return skxc_parse(&frame, h, needs);
}

/*
 * Bytes that tc makes directly readable before it parses: Ethernet, one tag,
 * the longest IPv4 header and TCP are 98.
 */
#define SKXC_TC_PULL_BYTES 128

/*
 * skxc_parse() for a packet at a tc hook, as skxc_parse_xdp(). The outer VLAN
 * tag may be in the metadata, the packet one that was merged, and only part of the packet may be readable: where a header
 * seems to be cut short (a long chain of extension headers), the whole packet
 * is made readable and parsed once more, so that tc and XDP agree.
 */
static __always_inline enum skxc_reason
skxc_parse_tc(struct __sk_buff *skb, struct skxc_headers *h, const __u32 needs,
	      __u32 layer3)
{
	enum skxc_reason reason = SKXC_CLASSIFIABLE;
	__u32 pull = SKXC_TC_PULL_BYTES;
	struct skxc_frame frame;
	int i;

	SKXC_UNROLL
	for (i = 0; i < 2; i++) {
		if (pull > skb->len)
			pull = skb->len;
		/* On failure what is readable is parsed: a reason at worst. */
		if (skb->data_end - skb->data < pull)
			bpf_skb_pull_data(skb, pull);
		frame.data = (const void *)(long)skb->data;
		frame.end = (const void *)(long)skb->data_end;
		frame.tagged = skb->vlan_present != 0;
		frame.tag_tci = (__u16)skb->vlan_tci;
		frame.length = skb->len;
		frame.merged = skb->gso_size != 0;
		frame.layer3 = layer3 != 0;
		reason = skxc_parse(&frame, h, needs);
		if (reason < SKXC_EXTENSION_CUT || reason == SKXC_MERGED ||
		    pull == skb->len)
			break;
		pull = skb->len;
	}
	return reason;
}
#endif /* __bpf__ */

#include "skxc/features.h"

#endif /* SKXC_PARSE_H */

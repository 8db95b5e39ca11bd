/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * skxc/features.h: one function for each feature of the packet parser.
 *
 * What must hold: a value is in host byte order, is 0 where the packet does
 * not have the header, and fits the range that the feature table
 * (src/table.rs of skxc-runtime) states, whatever the bytes are.
 */
#ifndef SKXC_FEATURES_H
#define SKXC_FEATURES_H

#include "skxc/parse.h"

static __always_inline __u32 skxc_packet_length(const struct skxc_headers *h)
{
	return h->packet_length;
}

static __always_inline __u16 skxc_payload_length(const struct skxc_headers *h)
{
	return (__u16)h->payload_length;
}

static __always_inline __u16 skxc_eth_type(const struct skxc_headers *h)
{
	return h->eth_type;
}

static __always_inline __u16 skxc_vlan_id(const struct skxc_headers *h)
{
	return h->vlan_id;
}

static __always_inline __u8 skxc_ip_version(const struct skxc_headers *h)
{
	return h->ip_version;
}

static __always_inline __u8 skxc_ip_ihl(const struct skxc_headers *h)
{
	return h->ip_ihl;
}

static __always_inline __u8 skxc_ip_precedence(const struct skxc_headers *h)
{
	return h->ip_tos >> 5;
}

static __always_inline __u8 skxc_ip_dscp(const struct skxc_headers *h)
{
	return h->ip_tos >> 2;
}

static __always_inline __u8 skxc_ip_ecn(const struct skxc_headers *h)
{
	return h->ip_tos & 3;
}

static __always_inline __u16 skxc_ip_total_length(const struct skxc_headers *h)
{
	return h->ip_total_length;
}

static __always_inline __u16 skxc_ip_id(const struct skxc_headers *h)
{
	return h->ip_id;
}

static __always_inline __u8 skxc_ip_flag_df(const struct skxc_headers *h)
{
	return h->ip_fragment >> 14 & 1;
}

static __always_inline __u8 skxc_ip_flag_mf(const struct skxc_headers *h)
{
	return h->ip_fragment >> 13 & 1;
}

static __always_inline __u16 skxc_ip_frag_offset(const struct skxc_headers *h)
{
	return h->ip_fragment & SKXC_FRAGMENT_OFFSET;
}

static __always_inline __u8 skxc_ip_ttl(const struct skxc_headers *h)
{
	return h->ip_ttl;
}

static __always_inline __u8 skxc_ip_protocol(const struct skxc_headers *h)
{
	return h->ip_protocol;
}

static __always_inline __u16 skxc_l4_source_port(const struct skxc_headers *h)
{
	return skxc_be16(h->ports->source);
}

static __always_inline __u16 skxc_l4_dest_port(const struct skxc_headers *h)
{
	return skxc_be16(h->ports->dest);
}

static __always_inline __u16 skxc_tcp_source_port(const struct skxc_headers *h)
{
	return skxc_be16(h->tcp->source);
}

static __always_inline __u16 skxc_tcp_dest_port(const struct skxc_headers *h)
{
	return skxc_be16(h->tcp->dest);
}

static __always_inline __u32 skxc_tcp_sequence_num(const struct skxc_headers *h)
{
	return skxc_be32(h->tcp->sequence);
}

static __always_inline __u32 skxc_tcp_ack_num(const struct skxc_headers *h)
{
	return skxc_be32(h->tcp->ack);
}

static __always_inline __u8 skxc_tcp_data_offset(const struct skxc_headers *h)
{
	return h->tcp->data_offset >> 4;
}

static __always_inline __u16 skxc_tcp_window_size(const struct skxc_headers *h)
{
	return skxc_be16(h->tcp->window);
}

static __always_inline __u16
skxc_tcp_urgent_pointer(const struct skxc_headers *h)
{
	return skxc_be16(h->tcp->urgent);
}

static __always_inline __u8 skxc_tcp_flags(const struct skxc_headers *h)
{
	return h->tcp->flags;
}

static __always_inline __u8 skxc_tcp_cwr_flag(const struct skxc_headers *h)
{
	return h->tcp->flags >> 7;
}

static __always_inline __u8 skxc_tcp_ece_flag(const struct skxc_headers *h)
{
	return h->tcp->flags >> 6 & 1;
}

static __always_inline __u8 skxc_tcp_urg_flag(const struct skxc_headers *h)
{
	return h->tcp->flags >> 5 & 1;
}

static __always_inline __u8 skxc_tcp_ack_flag(const struct skxc_headers *h)
{
	return h->tcp->flags >> 4 & 1;
}

static __always_inline __u8 skxc_tcp_psh_flag(const struct skxc_headers *h)
{
	return h->tcp->flags >> 3 & 1;
}

static __always_inline __u8 skxc_tcp_rst_flag(const struct skxc_headers *h)
{
	return h->tcp->flags >> 2 & 1;
}

static __always_inline __u8 skxc_tcp_syn_flag(const struct skxc_headers *h)
{
	return h->tcp->flags >> 1 & 1;
}

static __always_inline __u8 skxc_tcp_fin_flag(const struct skxc_headers *h)
{
	return h->tcp->flags & 1;
}

static __always_inline __u16 skxc_udp_source_port(const struct skxc_headers *h)
{
	return skxc_be16(h->udp->source);
}

static __always_inline __u16 skxc_udp_dest_port(const struct skxc_headers *h)
{
	return skxc_be16(h->udp->dest);
}

static __always_inline __u16 skxc_udp_length(const struct skxc_headers *h)
{
	return skxc_be16(h->udp->length);
}

static __always_inline __u8 skxc_icmp_type(const struct skxc_headers *h)
{
	return h->icmp->type;
}

static __always_inline __u8 skxc_icmp_code(const struct skxc_headers *h)
{
	return h->icmp->code;
}

#endif /* SKXC_FEATURES_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet parser in user space: parse.h behind one function.
 */
#include "skxc/parse.h"

_Static_assert(sizeof(struct skxc_eth) == 14, "Ethernet header");
_Static_assert(sizeof(struct skxc_vlan) == 4, "VLAN tag");
_Static_assert(sizeof(struct skxc_ip4) == 20, "fixed IPv4 header");
_Static_assert(sizeof(struct skxc_ip6) == 40, "fixed IPv6 header");
_Static_assert(sizeof(struct skxc_extension) == 8, "shortest extension");
_Static_assert(sizeof(struct skxc_tcp) == 20, "fixed TCP header");
_Static_assert(sizeof(struct skxc_udp) == 8, "UDP header");
_Static_assert(sizeof(struct skxc_icmp) == 4, "what ICMP versions share");

/*
 * Parses the frame at `data`, of which `bytes` bytes are there and `length` were
 * sent. `tag` is the control word of a VLAN tag that was taken out of the frame,
 * or negative; `merged` and `layer3` are 0 or 1 and mean what they mean in
 * struct skxc_frame. `values` has room for one number for each feature, in the
 * order of src/table.rs. Returns an skxc_reason.
 */
__u32 skxc_user_parse(const __u8 *data, __u32 bytes, __u32 length, __s32 tag,
		      __u32 merged, __u32 layer3, __u32 needs, __u32 *values)
{
	struct skxc_frame frame = {
		.data = data,
		.end = data + bytes,
		.length = length,
		.tag_tci = (__u16)(tag < 0 ? 0 : tag),
		.tagged = tag >= 0,
		.merged = merged != 0,
		.layer3 = layer3 != 0,
	};
	struct skxc_headers headers;
	enum skxc_reason reason = skxc_parse(&frame, &headers, needs);

#include "features.inc"
	return reason;
}

// The one table of packet features. A macro rather than a constant, because
// `features.rs` makes the public table of it and `build.rs` the list of C
// accessors: neither can then forget a feature or order them otherwise.
//
// Each line: name, aliases, C type, greatest value, what the parser must find,
// the offload that changes it before a program sees the packet.
// The C accessor of `name` is `skxc_name` in include/skxc/features.h. The least
// value is 0 throughout. Aliases are the names that SkimXDP gives its columns.

macro_rules! for_each_feature {
    ($use:ident) => {
        $use! {
            /// Bytes of the frame as sent, up to two VLAN tags not counted, nor the checksum at its end; of an interface without Ethernet, bytes of the IP packet.
            packet_length [] U32 0xffff_ffff NOTHING MERGING;
            /// Bytes behind the TCP, UDP or ICMP header by the length in the IP header.
            payload_length [] U16 0xffff LAYER4 MERGING;
            /// Ethernet type behind up to two VLAN tags; without Ethernet 2048 or 34525 by the IP version, or 0.
            eth_type [] U16 0xffff NOTHING NONE;
            /// VLAN number of the outer tag; 0 without one.
            vlan_id [] U16 0xfff NOTHING STRIPPING;
            /// IP version, 4 or 6.
            ip_version [] U8 15 IP NONE;
            /// IP header length in 32-bit words, options included; 10 in IPv6.
            ip_ihl [] U8 15 IP NONE;
            /// Upper 3 bits of TOS or traffic class.
            ip_precedence [ip_preference] U8 7 IP NONE;
            /// Upper 6 bits of TOS or traffic class.
            ip_dscp [] U8 63 IP NONE;
            /// Lower 2 bits of TOS or traffic class.
            ip_ecn [] U8 3 IP NONE;
            /// Length of the IP packet as its header says; in IPv6 40 more than the payload length, at most 65535.
            ip_total_length [] U16 0xffff IP MERGING;
            /// Identification; in IPv6 the lower 16 bits of the one in the fragment header.
            ip_id [] U16 0xffff CHAIN MERGING;
            /// "Do not fragment" flag; 0 in IPv6.
            ip_flag_df [] U8 1 IP NONE;
            /// "More fragments" flag; in IPv6 from the fragment header.
            ip_flag_mf [] U8 1 CHAIN NONE;
            /// Fragment offset in units of 8 bytes; in IPv6 from the fragment header.
            ip_frag_offset [] U16 0x1fff CHAIN NONE;
            /// Time to live, or hop limit.
            ip_ttl [] U8 255 IP NONE;
            /// Protocol; in IPv6 the last next-header that the walk over extension headers reaches.
            ip_protocol [] U8 255 CHAIN NONE;
            /// Source port of TCP or UDP.
            l4_source_port [] U16 0xffff PORTS NONE;
            /// Destination port of TCP or UDP.
            l4_dest_port [] U16 0xffff PORTS NONE;
            /// TCP source port.
            tcp_source_port [source_port] U16 0xffff TCP NONE;
            /// TCP destination port.
            tcp_dest_port [dest_port] U16 0xffff TCP NONE;
            /// TCP sequence number.
            tcp_sequence_num [] U32 0xffff_ffff TCP MERGING;
            /// TCP acknowledgment number.
            tcp_ack_num [] U32 0xffff_ffff TCP NONE;
            /// TCP header length in 32-bit words, as it stands.
            tcp_data_offset [] U8 15 TCP NONE;
            /// TCP window as it stands, without scaling.
            tcp_window_size [] U16 0xffff TCP NONE;
            /// TCP urgent pointer as it stands.
            tcp_urgent_pointer [] U16 0xffff TCP MERGING;
            /// The 8 TCP flags, CWR the highest bit and FIN the lowest.
            tcp_flags [] U8 255 TCP MERGING;
            /// TCP flag CWR.
            tcp_cwr_flag [] U8 1 TCP MERGING;
            /// TCP flag ECE.
            tcp_ece_flag [] U8 1 TCP NONE;
            /// TCP flag URG.
            tcp_urg_flag [] U8 1 TCP NONE;
            /// TCP flag ACK.
            tcp_ack_flag [] U8 1 TCP NONE;
            /// TCP flag PSH.
            tcp_psh_flag [] U8 1 TCP MERGING;
            /// TCP flag RST.
            tcp_rst_flag [] U8 1 TCP NONE;
            /// TCP flag SYN.
            tcp_syn_flag [] U8 1 TCP NONE;
            /// TCP flag FIN.
            tcp_fin_flag [] U8 1 TCP MERGING;
            /// UDP source port.
            udp_source_port [] U16 0xffff UDP NONE;
            /// UDP destination port.
            udp_dest_port [] U16 0xffff UDP NONE;
            /// UDP length as it stands.
            udp_length [] U16 0xffff UDP MERGING;
            /// ICMP or ICMPv6 type.
            icmp_type [] U8 255 ICMP NONE;
            /// ICMP or ICMPv6 code.
            icmp_code [] U8 255 ICMP NONE;
        }
    };
}

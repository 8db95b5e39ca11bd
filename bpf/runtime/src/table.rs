// The one table of packet features. A macro rather than a constant, because
// `features.rs` makes the public table of it and `build.rs` the list of C
// accessors: neither can then forget a feature or order them otherwise.
//
// Each line: name, aliases, C type, greatest value, what the parser must find.
// The C accessor of `name` is `skxc_name` in include/skxc/features.h. The least
// value is 0 throughout. Aliases are the names that SkimXDP gives its columns.

macro_rules! for_each_feature {
    ($use:ident) => {
        $use! {
            /// Bytes of the frame, a VLAN tag kept beside it included.
            packet_length [] U32 0xffff_ffff NOTHING;
            /// Bytes behind the TCP, UDP or ICMP header by the length in the IP header.
            payload_length [] U16 0xffff LAYER4;
            /// Ethernet type behind up to two VLAN tags.
            eth_type [] U16 0xffff NOTHING;
            /// VLAN number of the outer tag.
            vlan_id [] U16 0xfff NOTHING;
            /// IP version, 4 or 6.
            ip_version [] U8 15 IP;
            /// IP header length in 32-bit words, options included; 10 in IPv6.
            ip_ihl [] U8 15 IP;
            /// Upper 3 bits of TOS or traffic class.
            ip_precedence [ip_preference] U8 7 IP;
            /// Upper 6 bits of TOS or traffic class.
            ip_dscp [] U8 63 IP;
            /// Lower 2 bits of TOS or traffic class.
            ip_ecn [] U8 3 IP;
            /// Length of the IP packet as its header says; in IPv6 40 more than the payload length, at most 65535.
            ip_total_length [] U16 0xffff IP;
            /// Identification; in IPv6 the lower 16 bits of the one in the fragment header.
            ip_id [] U16 0xffff CHAIN;
            /// "Do not fragment" flag; 0 in IPv6.
            ip_flag_df [] U8 1 IP;
            /// "More fragments" flag; in IPv6 from the fragment header.
            ip_flag_mf [] U8 1 CHAIN;
            /// Fragment offset in units of 8 bytes; in IPv6 from the fragment header.
            ip_frag_offset [] U16 0x1fff CHAIN;
            /// Time to live, or hop limit.
            ip_ttl [] U8 255 IP;
            /// Protocol; in IPv6 the last next-header that the walk over extension headers reaches.
            ip_protocol [] U8 255 CHAIN;
            /// Source port of TCP or UDP.
            l4_source_port [] U16 0xffff PORTS;
            /// Destination port of TCP or UDP.
            l4_dest_port [] U16 0xffff PORTS;
            /// TCP source port.
            tcp_source_port [source_port] U16 0xffff TCP;
            /// TCP destination port.
            tcp_dest_port [dest_port] U16 0xffff TCP;
            /// TCP sequence number.
            tcp_sequence_num [] U32 0xffff_ffff TCP;
            /// TCP acknowledgment number.
            tcp_ack_num [] U32 0xffff_ffff TCP;
            /// TCP header length in 32-bit words, as it stands.
            tcp_data_offset [] U8 15 TCP;
            /// TCP window as it stands, without scaling.
            tcp_window_size [] U16 0xffff TCP;
            /// TCP urgent pointer as it stands.
            tcp_urgent_pointer [] U16 0xffff TCP;
            /// The 8 TCP flags, CWR the highest bit and FIN the lowest.
            tcp_flags [] U8 255 TCP;
            /// TCP flag CWR.
            tcp_cwr_flag [] U8 1 TCP;
            /// TCP flag ECE.
            tcp_ece_flag [] U8 1 TCP;
            /// TCP flag URG.
            tcp_urg_flag [] U8 1 TCP;
            /// TCP flag ACK.
            tcp_ack_flag [] U8 1 TCP;
            /// TCP flag PSH.
            tcp_psh_flag [] U8 1 TCP;
            /// TCP flag RST.
            tcp_rst_flag [] U8 1 TCP;
            /// TCP flag SYN.
            tcp_syn_flag [] U8 1 TCP;
            /// TCP flag FIN.
            tcp_fin_flag [] U8 1 TCP;
            /// UDP source port.
            udp_source_port [] U16 0xffff UDP;
            /// UDP destination port.
            udp_dest_port [] U16 0xffff UDP;
            /// UDP length as it stands.
            udp_length [] U16 0xffff UDP;
            /// ICMP or ICMPv6 type.
            icmp_type [] U8 255 ICMP;
            /// ICMP or ICMPv6 code.
            icmp_code [] U8 255 ICMP;
        }
    };
}

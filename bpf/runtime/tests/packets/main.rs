//! The parser on packets built by hand and on packets cut short anywhere.

mod build;

use build::{eth, ext, fragment6, icmp, ip4, ip6, packet, tcp, udp, vlan};
use proptest::prelude::*;
use skxc_runtime::{FEATURES, Frame, Link, Needs, Offload, Parsed, Reason, find, parse};

/// Parses with every column declared and compares the values of `expect`;
/// every feature that is not named there must be 0, but for `packet_length`
/// and `eth_type`, which every frame has.
#[track_caller]
fn check(frame: &[u8], reason: Option<Reason>, expect: &[(&str, u32)]) {
    check_parsed(&parse(frame, Needs::ALL), frame.len(), reason, expect);
}

#[track_caller]
fn check_parsed(parsed: &Parsed, length: usize, reason: Option<Reason>, expect: &[(&str, u32)]) {
    assert_eq!(parsed.reason, reason);
    for (feature, &value) in FEATURES.iter().zip(&parsed.values) {
        let expected = expect.iter().find(|(name, _)| *name == feature.name);
        match (feature.name, expected) {
            (_, Some(&(_, expected))) => assert_eq!(value, expected, "{}", feature.name),
            ("packet_length", None) => assert_eq!(value as usize, length, "packet_length"),
            ("eth_type", None) => {}
            (name, None) => assert_eq!(value, 0, "{name}"),
        }
    }
}

fn value(parsed: &Parsed, name: &str) -> u32 {
    parsed.values[find(name).expect("a feature of that name").0]
}

const IP4: [(&str, u32); 9] = [
    ("ip_version", 4),
    ("ip_ihl", 5),
    ("ip_precedence", 5),
    ("ip_dscp", 0x2e),
    ("ip_ecn", 1),
    ("ip_id", 0x1234),
    ("ip_flag_df", 1),
    ("ip_ttl", 64),
    ("eth_type", 0x0800),
];

fn with(base: &[(&'static str, u32)], more: &[(&'static str, u32)]) -> Vec<(&'static str, u32)> {
    base.iter().filter(|(name, _)| more.iter().all(|m| m.0 != *name)).chain(more).copied().collect()
}

const TCP: [(&str, u32); 19] = [
    ("ip_protocol", 6),
    ("l4_source_port", 50125),
    ("l4_dest_port", 443),
    ("tcp_source_port", 50125),
    ("tcp_dest_port", 443),
    ("tcp_sequence_num", 0xdead_beef),
    ("tcp_ack_num", 0xcafe_f00d),
    ("tcp_data_offset", 5),
    ("tcp_window_size", 1024),
    ("tcp_urgent_pointer", 0x0102),
    ("tcp_flags", 0b1001_0010),
    ("tcp_cwr_flag", 1),
    ("tcp_ece_flag", 0),
    ("tcp_urg_flag", 0),
    ("tcp_ack_flag", 1),
    ("tcp_psh_flag", 0),
    ("tcp_rst_flag", 0),
    ("tcp_syn_flag", 1),
    ("tcp_fin_flag", 0),
];

const UDP: [(&str, u32); 6] = [
    ("ip_protocol", 17),
    ("l4_source_port", 53),
    ("l4_dest_port", 33000),
    ("udp_source_port", 53),
    ("udp_dest_port", 33000),
    ("udp_length", 11),
];

#[test]
fn tcp_in_ip4() {
    let frame = packet(&[&eth(0x0800), &ip4(6, &[], 25), &tcp(), b"hello"]);
    let expect = with(&IP4, &with(&TCP, &[("ip_total_length", 45), ("payload_length", 5)]));
    check(&frame, None, &expect);
}

#[test]
fn options_move_layer_4() {
    let frame = packet(&[&eth(0x0800), &ip4(17, &[1; 12], 11), &udp(11), b"abc"]);
    let more = [("ip_ihl", 8), ("ip_total_length", 43), ("payload_length", 3)];
    check(&frame, None, &with(&IP4, &with(&UDP, &more)));
}

#[test]
fn icmp_in_ip4() {
    let frame = packet(&[&eth(0x0800), &ip4(1, &[], 12), &icmp(8, 3), b"data"]);
    let more = [
        ("ip_protocol", 1),
        ("icmp_type", 8),
        ("icmp_code", 3),
        ("ip_total_length", 32),
        ("payload_length", 4),
    ];
    check(&frame, None, &with(&IP4, &more));
}

#[test]
fn icmp_numbers_belong_to_their_ip_version() {
    let frame = packet(&[&eth(0x0800), &ip4(58, &[], 8), &icmp(128, 0)]);
    check(&frame, None, &with(&IP4, &[("ip_protocol", 58), ("ip_total_length", 28)]));
    let frame = packet(&[&eth(0x86dd), &ip6(1, 8), &icmp(8, 0)]);
    check(&frame, None, &with(&IP6, &[("ip_protocol", 1), ("ip_total_length", 48)]));
}

#[test]
fn a_later_fragment_has_no_layer_4() {
    let mut ip = ip4(6, &[], 20);
    ip[6..8].copy_from_slice(&(0x2000_u16 | 185).to_be_bytes());
    let frame = packet(&[&eth(0x0800), &ip, &tcp()]);
    let more = [
        ("ip_protocol", 6),
        ("ip_flag_df", 0),
        ("ip_flag_mf", 1),
        ("ip_frag_offset", 185),
        ("ip_total_length", 40),
    ];
    check(&frame, None, &with(&IP4, &more));
}

#[test]
fn the_first_fragment_has_layer_4() {
    let mut ip = ip4(17, &[], 8);
    ip[6] = 0x20;
    let frame = packet(&[&eth(0x0800), &ip, &udp(11)]);
    let more = [("ip_flag_df", 0), ("ip_flag_mf", 1), ("ip_total_length", 28)];
    check(&frame, None, &with(&IP4, &with(&UDP, &more)));
}

const IP6: [(&str, u32); 7] = [
    ("ip_version", 6),
    ("ip_ihl", 10),
    ("ip_precedence", 5),
    ("ip_dscp", 0x2e),
    ("ip_ecn", 1),
    ("ip_ttl", 64),
    ("eth_type", 0x86dd),
];

#[test]
fn tcp_in_ip6() {
    let frame = packet(&[&eth(0x86dd), &ip6(6, 22), &tcp(), b"hi"]);
    let more = [("ip_total_length", 62), ("payload_length", 2)];
    check(&frame, None, &with(&IP6, &with(&TCP, &more)));
}

#[test]
fn icmp_in_ip6_behind_hop_by_hop_options() {
    let frame = packet(&[&eth(0x86dd), &ip6(0, 24), &ext(58, 16), &icmp(143, 0)]);
    let more = [("ip_protocol", 58), ("icmp_type", 143), ("ip_total_length", 64)];
    check(&frame, None, &with(&IP6, &more));
}

#[test]
fn extensions_are_walked() {
    let parts = [&eth(0x86dd)[..], &ip6(0, 51), &ext(43, 8), &ext(60, 24), &ext(17, 8), &udp(11)];
    let mut frame = packet(&parts);
    frame.extend(b"abc");
    let more = [("ip_total_length", 91), ("payload_length", 3)];
    check(&frame, None, &with(&IP6, &with(&UDP, &more)));
}

#[test]
fn fragments_in_ip6() {
    let first = packet(&[&eth(0x86dd), &ip6(44, 16), &fragment6(17, 0, true), &udp(11)]);
    let more = [("ip_id", 0x5678), ("ip_flag_mf", 1), ("ip_total_length", 56)];
    check(&first, None, &with(&IP6, &with(&UDP, &more)));
    let later = packet(&[&eth(0x86dd), &ip6(44, 16), &fragment6(17, 90, false), &udp(11)]);
    let more =
        [("ip_protocol", 17), ("ip_id", 0x5678), ("ip_frag_offset", 90), ("ip_total_length", 56)];
    check(&later, None, &with(&IP6, &more));
}

#[test]
fn layer_4_behind_ah_or_esp_is_absent() {
    for protocol in [50_u8, 51, 59, 135] {
        let frame = packet(&[&eth(0x86dd), &ip6(0, 28), &ext(protocol, 8), &tcp()]);
        let more = [("ip_protocol", u32::from(protocol)), ("ip_total_length", 68)];
        check(&frame, None, &with(&IP6, &more));
    }
}

#[test]
fn eight_extensions_are_walked_and_nine_are_not() {
    let chain = |count: usize| {
        let mut frame = packet(&[&eth(0x86dd), &ip6(60, 8 * count as u16 + 8)]);
        for i in 1..=count {
            frame.extend(ext(if i == count { 17 } else { 60 }, 8));
        }
        frame.extend(udp(8));
        parse(&frame, Needs::ALL)
    };
    assert_eq!(chain(8).reason, None);
    assert_eq!(value(&chain(8), "udp_source_port"), 53);
    assert_eq!(chain(9).reason, Some(Reason::ExtensionsMany));
}

#[test]
fn the_longest_extensions_are_stepped_over() {
    let mut frame = packet(&[&eth(0x86dd), &ip6(60, 8 * 2048 + 8)]);
    for i in 1..=8 {
        frame.extend(ext(if i == 8 { 17 } else { 60 }, 2048));
    }
    frame.extend(udp(8));
    let parsed = parse(&frame, Needs::ALL);
    assert_eq!((parsed.reason, value(&parsed, "udp_dest_port")), (None, 33000));
}

#[test]
fn total_length_saturates_in_ip6() {
    let frame = packet(&[&eth(0x86dd), &ip6(6, 0xffff), &tcp()]);
    let more = [("ip_total_length", 0xffff), ("payload_length", 0xffff - 60)];
    check(&frame, None, &with(&IP6, &with(&TCP, &more)));
}

#[test]
fn one_and_two_vlan_tags() {
    for outer in [0x8100, 0x88a8, 0x9100] {
        let udp = udp(11);
        let ip = ip4(17, &[], 8);
        let frame = packet(&[&eth(outer), &vlan(0xe123, 0x0800), &ip, &udp]);
        let more = [("vlan_id", 0x123), ("ip_total_length", 28), ("packet_length", 42)];
        check(&frame, None, &with(&IP4, &with(&UDP, &more)));
        let tags = [&eth(outer)[..], &vlan(0x0abc, 0x8100), &vlan(0x0001, 0x0800), &ip, &udp];
        let more = [("vlan_id", 0xabc), ("ip_total_length", 28), ("packet_length", 42)];
        check(&packet(&tags), None, &with(&IP4, &with(&UDP, &more)));
    }
}

#[test]
fn a_third_tag_is_not_ip() {
    let tags = [&eth(0x8100)[..], &vlan(1, 0x8100), &vlan(2, 0x8100), &vlan(3, 0x0800)];
    // The third tag counts as what follows the two others.
    let expect = [("eth_type", 0x8100), ("vlan_id", 1), ("packet_length", 18)];
    check(&packet(&tags), Some(Reason::NotIp), &expect);
}

fn tagged(frame: &[u8], tci: u16) -> Frame<'_> {
    Frame { tag: Some(tci), ..frame.into() }
}

#[test]
fn a_tag_beside_the_frame_is_the_outer_one() {
    let frame = packet(&[&eth(0x8100), &vlan(7, 0x0800), &ip4(17, &[], 8), &udp(11)]);
    let more = [("vlan_id", 0x123), ("ip_total_length", 28)];
    let parsed = parse(tagged(&frame, 0xf123), Needs::ALL);
    check_parsed(&parsed, frame.len() - 4, None, &with(&IP4, &with(&UDP, &more)));
    let frame = packet(&[&eth(0x8100), &vlan(7, 0x8100), &vlan(8, 0x0800)]);
    let parsed = parse(tagged(&frame, 0x0123), Needs::ALL);
    let expect = [("eth_type", 0x8100), ("vlan_id", 0x123)];
    check_parsed(&parsed, frame.len() - 4, Some(Reason::NotIp), &expect);
}

#[test]
fn taking_the_outer_tag_out_of_the_frame_changes_no_value() {
    let ip = packet(&[&ip4(17, &[], 11), &udp(11), b"abc"]);
    let arp = vec![0; 28];
    for (inner, payload) in [(0x0800_u16, &ip), (0x0806, &arp)] {
        for tags in 1..=3_usize {
            let types: Vec<u16> = std::iter::repeat_n(0x8100, tags).chain([inner]).collect();
            let rest = |from: usize| {
                let tags: Vec<u8> =
                    types[from + 1..].iter().flat_map(|&ty| vlan(0x0abc, ty)).collect();
                packet(&[&eth(types[from]), &tags, payload])
            };
            let beside = rest(1);
            assert_eq!(
                parse(&rest(0), Needs::ALL),
                parse(tagged(&beside, 0x0abc), Needs::ALL),
                "{tags} tags before {inner:#x}"
            );
        }
    }
}

#[test]
fn what_is_not_ip() {
    for ty in [0x0806, 0x8847, 0x0026, 0x88cc] {
        let frame = packet(&[&eth(ty), &[0x45; 40]]);
        check(&frame, Some(Reason::NotIp), &[("eth_type", u32::from(ty))]);
    }
    check(&[], Some(Reason::EthernetCut), &[("eth_type", 0)]);
    check(&[0xff; 13], Some(Reason::EthernetCut), &[("eth_type", 0)]);
}

#[test]
fn malformed_ip() {
    let mut ip = ip4(6, &[], 20);
    ip[0] = 0x44;
    check(&packet(&[&eth(0x0800), &ip, &tcp()]), Some(Reason::IpIhl), &[]);
    ip[0] = 0x65;
    check(&packet(&[&eth(0x0800), &ip, &tcp()]), Some(Reason::IpVersion), &[]);
    let mut ip = ip6(6, 20);
    ip[0] = 0x4a;
    check(&packet(&[&eth(0x86dd), &ip, &tcp()]), Some(Reason::IpVersion), &[]);
}

#[test]
fn options_past_the_frame_leave_the_ip_fields() {
    let mut ip = ip4(6, &[], 60);
    ip[0] = 0x4f;
    let frame = packet(&[&eth(0x0800), &ip, &tcp()]);
    let more = [("ip_ihl", 15), ("ip_protocol", 6), ("ip_total_length", 80)];
    check(&frame, Some(Reason::TcpCut), &with(&IP4, &more));
    assert_eq!(parse(&frame, Needs::UDP).reason, None, "no column needs TCP");
}

#[test]
fn lengths_are_read_and_not_trusted() {
    let mut tcp = tcp();
    tcp[12] = 0xf0;
    let frame = packet(&[&eth(0x0800), &ip4(6, &[], 20), &tcp]);
    let more = [("tcp_data_offset", 15), ("ip_total_length", 40), ("payload_length", 0)];
    check(&frame, None, &with(&IP4, &with(&TCP, &more)));
    let mut ip = ip4(17, &[], 8);
    ip[2..4].copy_from_slice(&u16::MAX.to_be_bytes());
    let frame = packet(&[&eth(0x0800), &ip, &udp(0xffff)]);
    let more =
        [("udp_length", 0xffff), ("ip_total_length", 0xffff), ("payload_length", 0xffff - 28)];
    check(&frame, None, &with(&IP4, &with(&UDP, &more)));
}

/// The frame with another length in its IPv4 header, behind `link` bytes.
fn stating(frame: &[u8], link: usize, total: u16) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[link + 2..link + 4].copy_from_slice(&total.to_be_bytes());
    frame
}

#[test]
fn nothing_behind_the_ip_length_is_a_header() {
    let cases = [
        (6, tcp(), Reason::TcpCut, 20),
        (17, udp(8), Reason::UdpCut, 8),
        (1, icmp(8, 0).to_vec(), Reason::IcmpCut, 4),
    ];
    for (protocol, layer4, cut, bytes) in cases {
        for options in [&[][..], &[1; 8]] {
            let ip = ip4(protocol, options, 40);
            let header = ip.len() as u16;
            let frame = packet(&[&eth(0x0800), &ip, &layer4, &[0xff; 40]]);
            for total in 0..header + 40 {
                let expect = match total {
                    _ if total < header => Some(Reason::IpCut),
                    _ if total < header + bytes => Some(cut),
                    _ => None,
                };
                let parsed = parse(&stating(&frame, 14, total), Needs::ALL);
                assert_eq!(parsed.reason, expect, "total length {total} of {cut}");
                assert_eq!(value(&parsed, "ip_total_length"), u32::from(total));
                if expect.is_some() {
                    assert_eq!(value(&parsed, "l4_dest_port"), 0);
                    assert_eq!(value(&parsed, "icmp_type"), 0);
                }
            }
        }
    }
}

#[test]
fn a_length_that_no_column_needs_is_no_reason() {
    let frame = packet(&[&eth(0x0800), &ip4(6, &[], 20), &tcp()]);
    for (needs, total, reason) in [
        (Needs::NOTHING, 3, None),
        (Needs::IP, 3, Some(Reason::IpCut)),
        (Needs::IP, 20, None),
        (Needs::UDP, 24, None),
        (Needs::TCP, 24, Some(Reason::TcpCut)),
    ] {
        assert_eq!(parse(&stating(&frame, 14, total), needs).reason, reason, "{needs:?} {total}");
    }
}

#[test]
fn a_later_fragment_and_another_protocol_end_where_they_say() {
    let mut ip = ip4(6, &[], 4);
    ip[6..8].copy_from_slice(&185_u16.to_be_bytes());
    let later = packet(&[&eth(0x0800), &ip, &tcp()]);
    assert_eq!(parse(&later, Needs::ALL).reason, None);
    let gre = packet(&[&eth(0x0800), &ip4(47, &[], 0), &tcp()]);
    assert_eq!(parse(&gre, Needs::ALL).reason, None);
}

#[test]
fn the_payload_length_bounds_ip6() {
    let chain = packet(&[&ext(44, 16), &fragment6(6, 0, true), &tcp()]);
    let frame = |payload: u16| packet(&[&eth(0x86dd), &ip6(60, payload), &chain, &[0xff; 20]]);
    for payload in 0..60 {
        let expect = match payload {
            0..24 => Some(Reason::ExtensionCut),
            24..44 => Some(Reason::TcpCut),
            _ => None,
        };
        assert_eq!(parse(&frame(payload), Needs::ALL).reason, expect, "payload length {payload}");
    }
    // The header is there, and says that it goes on behind the packet.
    let beyond = packet(&[&eth(0x86dd), &ip6(60, 8), &ext(59, 16)]);
    assert_eq!(parse(&beyond, Needs::ALL).reason, Some(Reason::ExtensionCut));
}

#[test]
fn a_jumbogram_states_no_length_in_its_ip6_header() {
    let chain = [&ext(6, 8)[..], &tcp()].concat();
    let hop_by_hop = packet(&[&eth(0x86dd), &ip6(0, 0), &chain]);
    assert_eq!(parse(&hop_by_hop, Needs::ALL).reason, None);
    assert_eq!(value(&parse(&hop_by_hop, Needs::ALL), "tcp_dest_port"), 443);
    let other = packet(&[&eth(0x86dd), &ip6(60, 0), &chain]);
    assert_eq!(parse(&other, Needs::ALL).reason, Some(Reason::ExtensionCut));
}

#[test]
fn a_packet_longer_than_the_field_states_no_length() {
    let ip4 = stating(&packet(&[&eth(0x0800), &ip4(6, &[], 20), &tcp()]), 14, 0);
    let ip6 = packet(&[&eth(0x86dd), &ip6(6, 0), &tcp()]);
    for frame in [&ip4, &ip6] {
        for (wire_bytes, reached) in [(14 + 0xffff, false), (14 + 0x1_0000, true)] {
            let frame = Frame { wire_bytes, ..frame.into() };
            assert_eq!(parse(frame, Needs::TCP).reason.is_none(), reached, "{wire_bytes}");
            let bare = Frame {
                data: &frame.data[14..],
                wire_bytes: wire_bytes - 14,
                link: Link::Ip,
                ..frame
            };
            assert_eq!(parse(bare, Needs::TCP).reason.is_none(), reached, "{wire_bytes}, bare");
        }
    }
}

#[test]
fn the_length_of_a_frame_captured_in_part_is_what_was_sent() {
    let whole = packet(&[&eth(0x8100), &vlan(5, 0x0800), &ip4(6, &[], 120), &tcp(), &[7; 100]]);
    let part = Frame { data: &whole[..58], ..(&whole).into() };
    assert_eq!(parse(part, Needs::ALL), parse(&whole, Needs::ALL));
    let shorter = Frame { data: &whole[..57], ..(&whole).into() };
    assert_eq!(parse(shorter, Needs::ALL).reason, Some(Reason::TcpCut));
    assert_eq!(value(&parse(shorter, Needs::ALL), "packet_length"), whole.len() as u32 - 4);
}

#[test]
fn without_an_ethernet_header_all_but_the_length_is_the_same() {
    let packets = [
        packet(&[&ip4(6, &[1; 8], 25), &tcp(), b"hello"]),
        packet(&[&ip4(17, &[], 8), &udp(8)]),
        packet(&[&ip6(0, 36), &ext(44, 8), &fragment6(6, 0, true), &tcp()]),
        packet(&[&ip6(58, 8), &icmp(128, 0)]),
        packet(&[&ip4(6, &[], 4), &tcp()]),
    ];
    for bare in packets {
        let ty = if bare[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
        let mut expected = parse(&packet(&[&eth(ty), &bare]), Needs::ALL);
        let (length, _) = find("packet_length").expect("a feature");
        expected.values[length] -= 14;
        assert_eq!(parse(Frame::whole(&bare, Link::Ip), Needs::ALL), expected);
        // Nothing has taken a tag out of a frame that has none.
        let beside = Frame { tag: Some(7), ..Frame::whole(&bare, Link::Ip) };
        assert_eq!(parse(beside, Needs::ALL), expected);
    }
}

#[test]
fn what_is_not_ip_without_an_ethernet_header() {
    for first in [0x00, 0x10, 0x50, 0x70, 0xff] {
        let mut bare = packet(&[&ip4(6, &[], 20), &tcp()]);
        bare[0] = first;
        let parsed = parse(Frame::whole(&bare, Link::Ip), Needs::ALL);
        let expect = [("eth_type", 0)];
        check_parsed(&parsed, bare.len(), Some(Reason::NotIp), &expect);
    }
    let cut = |bytes: &[u8]| parse(Frame::whole(bytes, Link::Ip), Needs::IP).reason;
    assert_eq!(cut(&[]), Some(Reason::IpCut));
    assert_eq!(cut(&[0x45; 19]), Some(Reason::IpCut));
    assert_eq!(cut(&[0x44; 20]), Some(Reason::IpIhl));
}

#[test]
fn a_merged_packet_is_judged_by_what_all_of_its_parts_share() {
    let frame = packet(&[&eth(0x0800), &ip4(6, &[], 25), &tcp(), b"hello"]);
    let merged = Frame { merged: true, ..(&frame).into() };
    for feature in FEATURES {
        let expect = (feature.offload == Some(Offload::Merging)).then_some(Reason::Merged);
        assert_eq!(parse(merged, feature.needs).reason, expect, "{}", feature.name);
        assert_eq!(parse(&frame, feature.needs).reason, None, "{}", feature.name);
    }
}

/// Frames that have everything, to be cut.
fn long_frames() -> Vec<Vec<u8>> {
    vec![
        packet(&[&eth(0x8100), &vlan(5, 0x0800), &ip4(6, &[1; 8], 20), &tcp()]),
        packet(&[&eth(0x0800), &ip4(17, &[], 8), &udp(8)]),
        packet(&[&eth(0x0800), &ip4(1, &[], 8), &icmp(8, 0)[..4]]),
        packet(&[&eth(0x86dd), &ip6(0, 44), &ext(44, 16), &fragment6(6, 0, true), &tcp()]),
        packet(&[&eth(0x86dd), &ip6(58, 8), &icmp(128, 0)[..4]]),
    ]
}

#[test]
fn a_frame_cut_anywhere_gives_a_reason() {
    for frame in long_frames() {
        assert_eq!(parse(&frame, Needs::ALL).reason, None);
        for length in 0..frame.len() {
            let parsed = parse(&frame[..length], Needs::ALL);
            let reason = parsed.reason.expect("a header is cut short");
            let cut = matches!(
                reason,
                Reason::EthernetCut
                    | Reason::IpCut
                    | Reason::ExtensionCut
                    | Reason::TcpCut
                    | Reason::UdpCut
                    | Reason::IcmpCut
            );
            assert!(cut, "{reason} at {length} of {}", frame.len());
        }
    }
}

#[test]
fn a_cut_header_that_no_column_needs_is_no_reason() {
    let frame = packet(&[&eth(0x0800), &ip4(6, &[], 20), &tcp()]);
    let cases = [
        (Needs::NOTHING, 14, None),
        (Needs::NOTHING, 13, Some(Reason::EthernetCut)),
        (Needs::IP, 34, None),
        (Needs::IP, 33, Some(Reason::IpCut)),
        (Needs::UDP, 40, None),
        (Needs::TCP, 53, Some(Reason::TcpCut)),
        (Needs::PORTS, 53, Some(Reason::TcpCut)),
        (Needs::ICMP, 34, None),
    ];
    for (needs, length, reason) in cases {
        assert_eq!(parse(&frame[..length], needs).reason, reason, "{needs:?} at {length}");
    }
}

#[test]
fn what_was_not_asked_for_is_zero() {
    let frame = packet(&[&eth(0x0800), &ip4(6, &[], 20), &tcp()]);
    let parsed = parse(&frame, Needs::IP);
    assert_eq!(value(&parsed, "ip_ttl"), 64);
    assert_eq!(value(&parsed, "tcp_dest_port"), 0);
}

#[test]
fn the_table_is_sound() {
    for (index, feature) in FEATURES.iter().enumerate() {
        assert_eq!(find(feature.name), Some((index, feature)));
        for alias in feature.aliases {
            assert_eq!(find(alias), Some((index, feature)));
        }
        assert!(u64::from(feature.max) < 1 << feature.c_type.bits());
        assert!(Needs::ALL.contains(feature.needs));
        assert_eq!(feature.accessor, format!("skxc_{}", feature.name));
        assert!(!feature.doc.is_empty() && !feature.doc.ends_with('.'));
    }
    assert_eq!(find("ip_preference").map(|(_, f)| f.name), Some("ip_precedence"));
    assert_eq!(find("source_port").map(|(_, f)| f.name), Some("tcp_source_port"));
    assert_eq!(find("dest_port").map(|(_, f)| f.name), Some("tcp_dest_port"));
    assert_eq!(find("nothing"), None);
}

#[test]
fn reasons_have_the_numbers_of_c() {
    let parse_h = skxc_runtime::HEADERS
        .iter()
        .find(|(name, _)| *name == "skxc/parse.h")
        .map(|(_, text)| *text)
        .expect("parse.h is embedded");
    for (index, reason) in Reason::ALL.into_iter().enumerate() {
        assert_eq!(reason.number() as usize, index + 1);
        assert_eq!(Reason::from_number(reason.number()), Some(reason));
        let name = reason.name().replace('-', "_").to_uppercase();
        let line = format!("\tSKXC_{name} = {},", reason.number());
        assert!(parse_h.contains(&line), "{line}");
    }
    assert!(parse_h.contains(&format!("\tSKXC_REASONS = {},", Reason::COUNT)));
    assert_eq!(Reason::from_number(0), None);
    assert_eq!(Reason::from_number(Reason::COUNT), None);
}

/// Frames that look like packets often enough to get far into the parser.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..200);
    let mutated = (0..long_frames().len(), any::<[(u8, u8); 4]>(), 0..120_usize).prop_map(
        |(which, changes, length)| {
            let mut frame = long_frames().swap_remove(which);
            for (place, byte) in changes {
                let place = usize::from(place) % frame.len();
                frame[place] = byte;
            }
            frame.truncate(length);
            frame
        },
    );
    prop_oneof![noise, mutated]
}

/// Every combination of headers that a set of columns can need.
fn any_needs() -> impl Strategy<Value = Needs> {
    prop::collection::vec(0..FEATURES.len(), 0..6).prop_map(|columns| {
        columns.iter().fold(Needs::NOTHING, |needs, &i| needs.union(FEATURES[i].needs))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_are_in_range(
        frame in any_frame(),
        needs in any_needs(),
        tag in any::<Option<u16>>(),
        bare in any::<bool>(),
    ) {
        let link = if bare { Link::Ip } else { Link::Ethernet };
        let parsed = parse(Frame { tag, ..Frame::whole(&frame, link) }, needs);
        for (feature, value) in FEATURES.iter().zip(parsed.values) {
            prop_assert!(value <= feature.max, "{} is {value}", feature.name);
        }
    }

    /// Needing less never makes a packet unclassifiable, nor changes a value.
    #[test]
    fn needs_only_add_reasons(frame in any_frame(), needs in any_needs()) {
        let all = parse(&frame, Needs::ALL);
        let some = parse(&frame, needs);
        if all.reason.is_none() {
            prop_assert_eq!(some.reason, None);
            for (i, feature) in FEATURES.iter().enumerate() {
                if needs.contains(feature.needs) {
                    prop_assert_eq!(some.values[i], all.values[i], "{}", feature.name);
                }
            }
        }
    }
}

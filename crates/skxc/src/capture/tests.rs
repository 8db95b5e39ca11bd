//! Captures written byte by byte.

use super::*;

fn ethernet(data: Vec<u8>) -> Packet {
    Packet::whole(data, Link::Ethernet)
}

fn pcap(link: u32, big_endian: bool, packets: &[&[u8]]) -> Vec<u8> {
    let word = |x: u32| if big_endian { x.to_be_bytes() } else { x.to_le_bytes() };
    let half = |x: u16| if big_endian { x.to_be_bytes() } else { x.to_le_bytes() };
    let mut bytes = Vec::new();
    bytes.extend(word(0xa1b2_c3d4));
    bytes.extend(half(2));
    bytes.extend(half(4));
    for field in [0, 0, 65535, link] {
        bytes.extend(word(field));
    }
    for packet in packets {
        for field in [0, 0, packet.len() as u32, packet.len() as u32] {
            bytes.extend(word(field));
        }
        bytes.extend(*packet);
    }
    bytes
}

fn read(bytes: &[u8]) -> Result<(Vec<Packet>, Vec<Diagnostic>), Stop> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pcap");
    std::fs::write(&path, bytes).unwrap();
    load(&[path], usize::MAX)
}

#[test]
fn both_byte_orders_are_read_and_a_cut_keeps_what_was_before() {
    for big_endian in [false, true] {
        let bytes = pcap(ETHERNET, big_endian, &[&[1; 60], &[2; 14]]);
        let (frames, warnings) = read(&bytes).unwrap();
        assert_eq!(frames, [ethernet(vec![1; 60]), ethernet(vec![2; 14])]);
        assert!(warnings.is_empty());

        let (frames, warnings) = read(&bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(frames, [ethernet(vec![1; 60])]);
        assert_eq!(warnings[0].code, codes::CAPTURE_CUT);
    }
}

#[test]
fn other_link_types_and_other_files_are_refused() {
    for (bytes, expect) in [
        (pcap(113, false, &[&[1; 60]]), codes::LINK_TYPE),
        (b"not a capture, and longer than a header".to_vec(), codes::NOT_A_CAPTURE),
        (Vec::new(), codes::NOT_A_CAPTURE),
    ] {
        match read(&bytes) {
            Err(Stop::Input(found)) => assert_eq!(found[0].code, expect),
            other => panic!("wanted {expect}, found {other:?}"),
        }
    }
}

/// A block of a little-endian pcapng.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (12 + body.len().next_multiple_of(4)) as u32;
    let mut bytes = [kind.to_le_bytes(), length.to_le_bytes()].concat();
    bytes.extend(body);
    bytes.resize(length as usize - 4, 0);
    bytes.extend(length.to_le_bytes());
    bytes
}

fn section() -> Vec<u8> {
    let body = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    block(0x0a0d_0d0a, &body)
}

fn interface(link: u16, options: &[u8]) -> Vec<u8> {
    block(1, &[&link.to_le_bytes()[..], &[0, 0], &[0; 4], options].concat())
}

fn enhanced(interface: u32, data: &[u8], wire_bytes: u32, options: &[u8]) -> Vec<u8> {
    let mut body: Vec<u8> = [interface, 0, 0, data.len() as u32, wire_bytes]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    body.extend(data);
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend(options);
    block(6, &body)
}

#[test]
fn one_bad_interface_costs_its_own_packets() {
    let bytes = [
        section(),
        // An option longer than the block; no link type; a checksum of 77 bits; a link
        // type that is not read; and one that is.
        interface(1, &[13, 0, 200, 0]),
        block(1, &[]),
        interface(1, &[13, 0, 1, 0, 77, 0, 0, 0]),
        interface(113, &[]),
        interface(1, &[2, 0, 3, 0, b'e', b't', b'h', 0, 0, 0, 0, 0]),
        (0..6).flat_map(|number| enhanced(number, &[number as u8; 20], 20, &[])).collect(),
        enhanced(4, &[9; 20], 20, &[]),
    ]
    .concat();
    let (packets, warnings) = read(&bytes).unwrap();
    assert_eq!(packets, [ethernet(vec![4; 20]), ethernet(vec![9; 20])]);
    let codes: Vec<_> = warnings.iter().map(|it| it.code).collect();
    assert_eq!(codes, [codes::LINK_TYPE, codes::CAPTURE_CUT]);
    assert!(warnings[0].message.contains("1 packets"), "{}", warnings[0].message);
    assert!(warnings[1].message.contains("4 packets"), "{}", warnings[1].message);
}

#[test]
fn a_checksum_at_the_end_is_not_part_of_the_frame() {
    let frame = |captured: usize| vec![7; captured];
    for (option, fcs_bytes) in [(4, 4), (32, 4), (2, 2), (0, 0)] {
        let bytes = [
            section(),
            interface(1, &[13, 0, 1, 0, option, 0, 0, 0]),
            enhanced(0, &frame(64), 64, &[]),
            // Captured in part: before, and within, the checksum.
            enhanced(0, &frame(30), 64, &[]),
            enhanced(0, &frame(63), 64, &[]),
        ]
        .concat();
        let (packets, _) = read(&bytes).unwrap();
        let wire_bytes = 64 - fcs_bytes;
        let of = |bytes: usize| Packet { data: frame(bytes), wire_bytes, link: Link::Ethernet };
        let most = wire_bytes as usize;
        assert_eq!(packets, [of(most), of(30), of(most.min(63))], "{option}");
    }
    // A packet may say otherwise in its flags.
    let flags = [2, 0, 4, 0, 0x40, 0, 0, 0];
    let bytes = [section(), interface(1, &[]), enhanced(0, &frame(64), 64, &flags)].concat();
    assert_eq!(read(&bytes).unwrap().0, [ethernet(frame(62))]);
    // And a pcap in its link type: two words of 16 bits.
    let bytes = pcap(1 | 1 << 26 | 2 << 28, true, &[&frame(64)]);
    assert_eq!(read(&bytes).unwrap().0, [ethernet(frame(60))]);
}

#[test]
fn bare_ip_packets_are_read_and_named_as_such() {
    for link in BARE_IP {
        let (packets, warnings) = read(&pcap(link, false, &[&[0x45; 20]])).unwrap();
        assert_eq!(packets, [Packet::whole(vec![0x45; 20], Link::Ip)]);
        assert!(warnings.is_empty());
    }
    assert_eq!(link_of(link_type(Link::Ip)), Some(Link::Ip));
    assert_eq!(link_of(link_type(Link::Ethernet)), Some(Link::Ethernet));
}

/// A TCP packet in IPv4 that states its length, in a frame of as many bytes.
fn tcp(frame_bytes: usize, stated: u16) -> Vec<u8> {
    let mut frame = vec![0; frame_bytes];
    frame[12..16].copy_from_slice(&[8, 0, 0x45, 0]);
    frame[16..18].copy_from_slice(&stated.to_be_bytes());
    frame[23] = 6;
    frame
}

#[test]
fn merged_packets_are_counted_and_jumbo_frames_are_not() {
    for (bytes, stated, merged) in [
        (1514, 1500, false),
        (1514, 0, false),
        (1515, 0, true),
        (9014, 9000, false),
        (9230, 9216, false),
        (9231, 9217, true),
        (65549, 65535, true),
    ] {
        let (_, warnings) = read(&pcap(1, false, &[&tcp(bytes, stated), &tcp(60, 46)])).unwrap();
        let found = warnings.iter().any(|it| it.code == codes::CAPTURE_MERGED);
        assert_eq!(found, merged, "{bytes} bytes that say {stated}");
    }
}

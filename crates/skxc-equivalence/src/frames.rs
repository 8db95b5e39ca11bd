//! Packets for the third comparison: those of captures, crafted ones, and
//! mutations of both, with an Ethernet header and without.
//!
//! What must hold: the same frames, seed and count give the same packets; no
//! packet is longer than the kernel takes in one piece.

use crate::inputs::Kind;
use skxc_ir::random::Random;
use skxc_runtime::{Frame, Link};

/// XDP test runs show at most this much in one piece (a page less headroom and
/// tailroom, net/bpf/test_run.c).
pub const FRAME_BYTES_MAX: usize = 3520;

/// The least that a test run takes (an Ethernet header, net/bpf/test_run.c).
pub const FRAME_BYTES_MIN: usize = 14;

/// A packet of a capture, or one that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The bytes that are there.
    pub data: Vec<u8>,
    /// Bytes that were sent: more than there are if only the first were captured.
    pub wire_bytes: u32,
    /// What it begins with.
    pub link: Link,
}

impl Packet {
    /// A packet of which all bytes are there.
    ///
    /// # Panics
    /// If it has 2^31 bytes or more.
    #[must_use]
    pub fn whole(data: Vec<u8>, link: Link) -> Self {
        let wire_bytes = Frame::whole(&data, link).wire_bytes;
        Self { data, wire_bytes, link }
    }

    /// As the parser takes it.
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        Frame { wire_bytes: self.wire_bytes, ..Frame::whole(&self.data, self.link) }
    }
}

/// Frames as they are (cut to [`FRAME_BYTES_MAX`]), crafted frames, and
/// `mutations` mutated ones. All are whole: what was not captured cannot be run.
pub fn frames(
    captured: Vec<Packet>,
    seed: u64,
    mutations: u64,
) -> impl Iterator<Item = (Kind, Packet)> {
    let crafted = crafted();
    let mut parents: Vec<Packet> = crafted.clone();
    parents.extend(captured.iter().step_by(captured.len().div_ceil(512).max(1)).cloned());
    let truncated: Vec<Packet> = crafted
        .iter()
        .flat_map(|packet| {
            let lengths = FRAME_BYTES_MIN..packet.data.len();
            lengths.map(|length| Packet::whole(packet.data[..length].to_vec(), packet.link))
        })
        .collect();
    let mut random = Random::new(seed);
    let mutated = (0..mutations).map(move |_| {
        let parent = random.choice(&parents).clone();
        (Kind::Random, mutate(&mut random, parent))
    });
    let whole = captured.into_iter().map(|frame| (Kind::Capture, frame));
    let crafted = crafted.into_iter().chain(truncated).map(|frame| (Kind::Corner, frame));
    whole.chain(crafted).chain(mutated).map(|(kind, Packet { mut data, link, .. })| {
        data.truncate(FRAME_BYTES_MAX);
        (kind, Packet::whole(data, link))
    })
}

fn mutate(random: &mut Random, packet: Packet) -> Packet {
    let Packet { data: mut frame, link, .. } = packet;
    // Headers decide; a payload does not.
    let header = frame.len().min(96) as u64;
    for _ in 0..=random.below(4) {
        if frame.len() <= FRAME_BYTES_MIN {
            break;
        }
        let at = random.below(header.min(frame.len() as u64)) as usize;
        match random.below(7) {
            0 => frame[at] ^= 1 << random.below(8),
            1 => frame[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5) as usize],
            2 => frame[at] = random.bits() as u8,
            3 => {
                let more = random.below((frame.len() - FRAME_BYTES_MIN) as u64 + 1) as usize;
                frame.truncate(FRAME_BYTES_MIN + more);
            }
            4 if link == Link::Ethernet => insert_tag(random, &mut frame),
            5 => state_length(random, &mut frame, link),
            // Fields of TCP and UDP that models like: 16 random bits.
            _ if at + 1 < frame.len() => {
                frame[at..at + 2].copy_from_slice(&(random.bits() as u16).to_be_bytes());
            }
            _ => {}
        }
    }
    Packet::whole(frame, link)
}

/// Makes the IP header, if it is where it is without VLAN tags, state a length
/// that ends within the headers.
fn state_length(random: &mut Random, frame: &mut [u8], link: Link) {
    let ip = match link {
        Link::Ethernet => 14,
        Link::Ip => 0,
    };
    let field = match frame.get(ip).map(|first| first >> 4) {
        Some(4) => ip + 2,
        Some(6) => ip + 4,
        _ => return,
    };
    if let Some(length) = frame.get_mut(field..field + 2) {
        length.copy_from_slice(&(random.below(80) as u16).to_be_bytes());
    }
}

fn insert_tag(random: &mut Random, frame: &mut Vec<u8>) {
    let tpid = *random.choice(&[0x8100u16, 0x88a8, 0x9100]);
    let tci = random.bits() as u16;
    let tag = tpid.to_be_bytes().into_iter().chain(tci.to_be_bytes());
    frame.splice(12..12, tag);
}

/// One packet of each shape that the parser tells apart, on either link.
fn crafted() -> Vec<Packet> {
    let on_ethernet = ethernet_frames();
    let bare = |frame: &Vec<u8>| {
        let is_ip = frame[12..14] == [0x08, 0x00] || frame[12..14] == [0x86, 0xdd];
        is_ip.then(|| Packet::whole(frame[14..].to_vec(), Link::Ip))
    };
    let mut packets: Vec<Packet> = on_ethernet.iter().filter_map(bare).collect();
    // Neither version of IP.
    packets.push(Packet::whole(vec![0x12; 40], Link::Ip));
    let whole = |frame| Packet::whole(frame, Link::Ethernet);
    on_ethernet.into_iter().map(whole).chain(packets).collect()
}

fn ethernet_frames() -> Vec<Vec<u8>> {
    let (tcp, udp) = (tcp(), udp());
    let icmp = [8u8, 0, 0xf7, 0xff, 0, 1, 0, 1].to_vec();
    let mut frames = vec![
        ethernet(0x0806, &[0; 28]),
        ethernet(0x0800, &ipv4(6, 0, &[], &tcp)),
        ethernet(0x0800, &ipv4(17, 0, &[], &udp)),
        ethernet(0x0800, &ipv4(1, 0, &[], &icmp)),
        ethernet(0x0800, &ipv4(47, 0, &[], &udp)),
        // A first fragment, a later one, one that must not be fragmented.
        ethernet(0x0800, &ipv4(6, 0x2000, &[], &tcp)),
        ethernet(0x0800, &ipv4(6, 0x2010, &[], &tcp)),
        ethernet(0x0800, &ipv4(17, 0x4000, &[], &udp)),
        // Options: no-operations up to the longest header.
        ethernet(0x0800, &ipv4(6, 0, &[1, 1, 1, 0], &tcp)),
        ethernet(0x0800, &ipv4(17, 0, &[1; 40], &udp)),
        ethernet(0x86dd, &ipv6(6, &tcp)),
        ethernet(0x86dd, &ipv6(17, &udp)),
        ethernet(0x86dd, &ipv6(58, &icmp)),
        // Hop-by-hop options, then destination options, then UDP.
        ethernet(0x86dd, &ipv6(0, &[extension(60, 0), extension(17, 1), udp.clone()].concat())),
        // A routing header and a fragment header, first and later fragment.
        ethernet(0x86dd, &ipv6(43, &[extension(44, 2), fragment(6, 1), tcp.clone()].concat())),
        ethernet(0x86dd, &ipv6(44, &[fragment(6, 0x00b9), tcp.clone()].concat())),
        // Encapsulating security payload, authentication header, nothing more.
        ethernet(0x86dd, &ipv6(50, &udp)),
        ethernet(0x86dd, &ipv6(51, &[extension(6, 4), tcp.clone()].concat())),
        ethernet(0x86dd, &ipv6(59, &[])),
        // More extension headers than anybody walks.
        ethernet(0x86dd, &ipv6(60, &[extension(60, 0).repeat(20), udp.clone()].concat())),
        // Versions that are not what the Ethernet type says.
        ethernet(0x0800, &ipv6(6, &tcp)),
        ethernet(0x86dd, &ipv4(6, 0, &[], &tcp)),
        // A header of four words.
        ethernet(0x0800, &[&[0x44], &ipv4(6, 0, &[], &tcp)[1..]].concat()),
        // A payload length of 0: a jumbogram, and an empty packet.
        ethernet(0x86dd, &stating(&ipv6(0, &[extension(6, 0), tcp.clone()].concat()), 4, 0)),
        ethernet(0x86dd, &stating(&ipv6(6, &tcp), 4, 0)),
        // Ends within the second extension header.
        ethernet(
            0x86dd,
            &stating(&ipv6(0, &[extension(60, 0), extension(6, 1), tcp.clone()].concat()), 4, 20),
        ),
    ];
    // Ends within each header, with what looks like headers behind; none at all.
    for total in [0, 19, 20, 24, 28, 39] {
        frames.push(ethernet(0x0800, &stating(&ipv4(6, 0, &[], &tcp), 2, total)));
        frames.push(ethernet(0x0800, &stating(&ipv4(17, 0x2000, &[1; 4], &udp), 2, total)));
    }
    for tags in [vec![0x8100], vec![0x88a8, 0x8100], vec![0x9100, 0x8100], vec![0x8100; 3]] {
        for inner in [1, 11] {
            let mut frame = frames[inner].clone();
            let bytes = tags.iter().rev().flat_map(|tpid: &u16| {
                tpid.to_be_bytes().into_iter().chain(0x6123u16.to_be_bytes())
            });
            frame.splice(12..12, bytes.collect::<Vec<u8>>());
            frames.push(frame);
        }
    }
    frames
}

/// The IP packet with another length at that place of its header.
fn stating(ip: &[u8], field: usize, length: u16) -> Vec<u8> {
    let mut packet = ip.to_vec();
    packet[field..field + 2].copy_from_slice(&length.to_be_bytes());
    packet
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(kind.to_be_bytes());
    frame.extend(payload);
    frame
}

fn ipv4(protocol: u8, fragment: u16, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let words = 5 + options.len().div_ceil(4);
    let total = (words * 4 + payload.len()) as u16;
    let mut packet = vec![0x40 | words as u8, 0x28];
    packet.extend(total.to_be_bytes());
    packet.extend([0x12, 0x34]);
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(options);
    packet.resize(words * 4, 0);
    packet.extend(payload);
    packet
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x6a, 0xb1, 0x23, 0x45];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next, 55]);
    packet.extend([0xfd; 32]);
    packet.extend(payload);
    packet
}

/// An IPv6 extension header of 8 bytes and `more` times 8. (The length of an
/// authentication header counts in words: 4 is 24 bytes.)
fn extension(next: u8, more: u8) -> Vec<u8> {
    let mut header = vec![next, more];
    let bytes = if more == 4 { 24 } else { 8 * (usize::from(more) + 1) };
    header.resize(bytes, 1);
    header
}

fn fragment(next: u8, offset_and_flags: u16) -> Vec<u8> {
    let mut header = vec![next, 0];
    header.extend(offset_and_flags.to_be_bytes());
    header.extend([0xde, 0xad, 0xbe, 0xef]);
    header
}

fn tcp() -> Vec<u8> {
    let mut segment = vec![0xc3, 0x50, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18];
    segment.extend([4, 0, 0, 0, 0, 0]);
    segment.extend(b"GET / HTTP/1.1\r\n");
    segment
}

fn udp() -> Vec<u8> {
    let mut datagram = vec![0xc3, 0x51, 0, 53, 0, 20, 0, 0];
    datagram.extend([0; 12]);
    datagram
}

#[cfg(test)]
mod tests {
    use skxc_runtime::{Needs, Reason, parse};

    use super::*;

    #[test]
    fn crafted_frames_reach_most_of_the_parser() {
        for link in [Link::Ethernet, Link::Ip] {
            let parsed: Vec<_> = frames(Vec::new(), 1, 2000)
                .filter(|(_, packet)| packet.link == link)
                .map(|(_, packet)| parse(packet.frame(), Needs::ALL).reason)
                .collect();
            let some = |reason| parsed.contains(&reason);
            assert!(some(None));
            for reason in Reason::ALL {
                // The kernel never shows a frame that ends within the Ethernet
                // header, but a tag can be cut. XDP does not see what was merged.
                let possible = match reason {
                    Reason::EthernetCut | Reason::IpVersion => link == Link::Ethernet,
                    Reason::Merged => false,
                    _ => true,
                };
                assert_eq!(some(Some(reason)), possible, "{reason:?} on {link:?}");
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_frames() {
        let captured = Packet::whole(vec![7; 60], Link::Ethernet);
        let twice = || frames(vec![captured.clone()], 3, 50).collect::<Vec<_>>();
        assert_eq!(twice(), twice());
        assert_eq!(twice()[0], (Kind::Capture, captured.clone()));
    }
}

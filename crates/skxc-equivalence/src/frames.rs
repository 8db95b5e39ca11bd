//! Packets for the third comparison: those of captures, crafted ones, and
//! mutations of both.
//!
//! What must hold: the same frames, seed and count give the same packets; no
//! packet is longer than the kernel takes in one piece.

use crate::inputs::Kind;
use skxc_ir::random::Random;

/// XDP test runs show at most this much in one piece (a page less headroom and
/// tailroom, net/bpf/test_run.c).
pub const FRAME_BYTES_MAX: usize = 3520;

/// Frames as they are (cut to [`FRAME_BYTES_MAX`]), crafted frames, and
/// `mutations` mutated ones.
pub fn frames(
    captured: Vec<Vec<u8>>,
    seed: u64,
    mutations: u64,
) -> impl Iterator<Item = (Kind, Vec<u8>)> {
    let crafted = crafted();
    let mut parents: Vec<Vec<u8>> = crafted.clone();
    parents.extend(captured.iter().step_by(captured.len().div_ceil(512).max(1)).cloned());
    let truncated: Vec<Vec<u8>> = crafted
        .iter()
        .flat_map(|frame| (14..frame.len()).map(|length| frame[..length].to_vec()))
        .collect();
    let mut random = Random::new(seed);
    let mutated = (0..mutations).map(move |_| {
        let parent = random.choice(&parents).clone();
        (Kind::Random, mutate(&mut random, parent))
    });
    let whole = captured.into_iter().map(|frame| (Kind::Capture, frame));
    let crafted = crafted.into_iter().chain(truncated).map(|frame| (Kind::Corner, frame));
    whole.chain(crafted).chain(mutated).map(|(kind, mut frame)| {
        frame.truncate(FRAME_BYTES_MAX);
        (kind, frame)
    })
}

fn mutate(random: &mut Random, mut frame: Vec<u8>) -> Vec<u8> {
    // Headers decide; a payload does not.
    let header = frame.len().min(96) as u64;
    for _ in 0..=random.below(4) {
        if frame.len() < 15 {
            break;
        }
        let at = random.below(header.min(frame.len() as u64)) as usize;
        match random.below(6) {
            0 => frame[at] ^= 1 << random.below(8),
            1 => frame[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5) as usize],
            2 => frame[at] = random.bits() as u8,
            3 => frame.truncate(14 + random.below(frame.len() as u64 - 13) as usize),
            4 => insert_tag(random, &mut frame),
            // Fields of TCP and UDP that models like: 16 random bits.
            _ if at + 1 < frame.len() => {
                frame[at..at + 2].copy_from_slice(&(random.bits() as u16).to_be_bytes());
            }
            _ => {}
        }
    }
    frame
}

fn insert_tag(random: &mut Random, frame: &mut Vec<u8>) {
    let tpid = *random.choice(&[0x8100u16, 0x88a8, 0x9100]);
    let tci = random.bits() as u16;
    let tag = tpid.to_be_bytes().into_iter().chain(tci.to_be_bytes());
    frame.splice(12..12, tag);
}

/// One frame of each shape that the parser tells apart.
fn crafted() -> Vec<Vec<u8>> {
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
    ];
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
    use skxc_runtime::{Needs, parse};

    use super::*;

    #[test]
    fn crafted_frames_reach_most_of_the_parser() {
        let parsed: Vec<_> = frames(Vec::new(), 1, 2000)
            .map(|(_, frame)| parse(&frame, Needs::ALL).reason)
            .collect();
        let some = |reason| parsed.contains(&reason);
        assert!(some(None));
        for reason in skxc_runtime::Reason::ALL {
            // The kernel never shows a frame that ends within the Ethernet
            // header, but a tag can be cut.
            assert!(some(Some(reason)), "{reason:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_frames() {
        let twice = || frames(vec![vec![7; 60]], 3, 50).collect::<Vec<_>>();
        assert_eq!(twice(), twice());
        assert_eq!(twice()[0], (Kind::Capture, vec![7; 60]));
    }
}

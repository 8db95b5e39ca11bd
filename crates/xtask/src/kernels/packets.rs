//! Packets for the whole program: headers of every kind, whole, cut short anywhere,
//! and with other bytes in them; with an Ethernet header and without.

use std::fmt::Write as _;

/// The Ethernet header, without its type.
const ADDRESSES: &str = "020000000001020000000002";
/// Ethernet type, VLAN tags before it, and all that follows.
const FRAMES: [&str; 8] = [
    // TCP, of IPv4 without and with options and of IPv6.
    "080045b900401234400040062222 0a0000010a000002 c3cd01bbdeadbeefcafef00d5f920400abcd010268656c6c6f",
    "080046b9004412344000400622220a0000010a000002 01010101 c3cd0016deadbeefcafef00d50020400abcd010268656c",
    "86dd6b90abcd00190640 20010db8000000000000000000000001 20010db8000000000000000000000002 c3cd01bbdeadbeefcafef00d50120400abcd010268656c6c6f",
    // UDP behind a VLAN tag, and behind an extension header.
    "8100e123080045000020123400003f1122220a0000010a000002 00358000000cabcd61626364",
    "86dd600000000014003f 20010db8000000000000000000000001 20010db8000000000000000000000002 1100010203040506 00358000000cabcd61626364",
    // ICMP, a later fragment, ARP.
    "08004500001c1234000040012222 0a0000010a000002 0803abcd00010002",
    "08004500002c123420b940062222 0a0000010a000002 c3cd01bbdeadbeefcafef00d5f920400abcd0102",
    "0806000108000604000102000000000100000000020000000000000a00000100000000",
];
/// The shortest packet that a test run of XDP takes.
const BYTES_MIN: usize = 14;
/// Packets of each kind with other bytes in them.
const CHANGED: usize = 32;
/// `LINKTYPE_ETHERNET` and `LINKTYPE_RAW`, which is a packet from its IP header on.
const LINK_TYPES: [u32; 2] = [1, 101];

/// A packet of a capture.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// Does it begin with its IP header?
    pub(super) is_layer3: bool,
    /// Bytes of the frame.
    pub(super) data: Vec<u8>,
}

/// All packets, those with an Ethernet header first.
pub(super) fn packets() -> Vec<Packet> {
    let mut data = Vec::new();
    for frame in FRAMES {
        let frame = bytes(&format!("{ADDRESSES}{frame}"));
        data.extend((BYTES_MIN..=frame.len()).map(|end| frame[..end].to_vec()));
        // Multiples of an odd number near 2^64 / 1.618 spread evenly.
        let spread = (1..=CHANGED as u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        data.extend(spread.map(|number| changed(&frame, number)));
    }
    let with_headers = data.iter().map(|data| Packet { is_layer3: false, data: data.clone() });
    let without = data.iter().map(|data| data[BYTES_MIN..].to_vec());
    let without = without.filter(|data| data.len() >= BYTES_MIN);
    with_headers.chain(without.map(|data| Packet { is_layer3: true, data })).collect()
}

/// The frame with two bytes behind the Ethernet header that are those of `number`.
fn changed(frame: &[u8], number: u64) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let behind = (frame.len() - BYTES_MIN) as u64;
    for bits in [number, number.rotate_left(32)] {
        frame[BYTES_MIN + (bits % behind) as usize] = (bits >> 24) as u8;
    }
    frame
}

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// Those packets as a capture (pcap).
pub(super) fn capture(packets: &[Packet], is_layer3: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let words = |file: &mut Vec<u8>, words: &[u32]| {
        words.iter().for_each(|word| file.extend(word.to_le_bytes()));
    };
    // Magic number, version 2.4, zone and accuracy, length of a packet at most, link type.
    let link_type = LINK_TYPES[usize::from(is_layer3)];
    words(&mut file, &[0xa1b2_c3d4, 4 << 16 | 2, 0, 0, 0xffff, link_type]);
    for packet in packets.iter().filter(|packet| packet.is_layer3 == is_layer3) {
        let length = packet.data.len() as u32;
        // No time; as long in the file as it was.
        words(&mut file, &[0, 0, length, length]);
        file.extend(&packet.data);
    }
    file
}

/// The packets as `bpf/loader/examples/vm.rs` reads them: is it without an Ethernet
/// header, length in two bytes, bytes.
pub(super) fn packed(packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    for packet in packets {
        file.push(u8::from(packet.is_layer3));
        file.extend((packet.data.len() as u16).to_le_bytes());
        file.extend(&packet.data);
    }
    file
}

/// A packet in hexadecimal.
pub(super) fn shown(packet: &Packet) -> String {
    let mut text = String::from(if packet.is_layer3 { "layer 3 " } else { "" });
    for byte in &packet.data {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_is_whole_once_and_can_be_run() {
        let packets = packets();
        assert!(packets.iter().all(|packet| packet.data.len() >= BYTES_MIN));
        for frame in FRAMES {
            let whole = bytes(&format!("{ADDRESSES}{frame}"));
            assert!(packets.iter().any(|packet| packet.data == whole));
            assert!(packets.iter().any(|packet| packet.is_layer3 && packet.data == whole[14..]));
        }
    }
}

//! Headers as bytes, with values that tell fields apart.

/// Puts parts together.
pub(crate) fn packet(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// Ethernet header of a type.
pub(crate) fn eth(ty: u16) -> [u8; 14] {
    let mut header = [0xaa; 14];
    header[12..].copy_from_slice(&ty.to_be_bytes());
    header
}

/// VLAN tag: control word, and the type behind it.
pub(crate) fn vlan(tci: u16, ty: u16) -> [u8; 4] {
    let [a, b] = tci.to_be_bytes();
    let [c, d] = ty.to_be_bytes();
    [a, b, c, d]
}

/// IPv4 header with "do not fragment", for `payload` bytes behind it.
/// `options` has a multiple of 4 bytes.
pub(crate) fn ip4(protocol: u8, options: &[u8], payload: u16) -> Vec<u8> {
    let words = 5 + options.len() as u8 / 4;
    let total = u16::from(words) * 4 + payload;
    let mut header = vec![0x40 | words, 0xb9];
    header.extend(total.to_be_bytes());
    header.extend([0x12, 0x34, 0x40, 0x00, 64, protocol, 0xcc, 0xcc]);
    header.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    header.extend(options);
    header
}

/// IPv6 header that says `payload` bytes are behind it.
pub(crate) fn ip6(next: u8, payload: u16) -> Vec<u8> {
    let mut header = vec![0x6b, 0x9f, 0xff, 0xff];
    header.extend(payload.to_be_bytes());
    header.extend([next, 64]);
    header.extend([0x20; 32]);
    header
}

/// Extension header of `bytes` bytes, a multiple of 8.
pub(crate) fn ext(next: u8, bytes: usize) -> Vec<u8> {
    let mut header = vec![0xee; bytes];
    header[0] = next;
    header[1] = (bytes / 8 - 1) as u8;
    header
}

/// IPv6 fragment header; the offset is in units of 8 bytes.
pub(crate) fn fragment6(next: u8, offset: u16, more: bool) -> Vec<u8> {
    let mut header = vec![next, 0xff];
    header.extend((offset << 3 | 0b110 | u16::from(more)).to_be_bytes());
    header.extend(0x1234_5678_u32.to_be_bytes());
    header
}

/// TCP header without options: SYN, ACK and CWR.
pub(crate) fn tcp() -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(50125_u16.to_be_bytes());
    header.extend(443_u16.to_be_bytes());
    header.extend(0xdead_beef_u32.to_be_bytes());
    header.extend(0xcafe_f00d_u32.to_be_bytes());
    header.extend([0x5f, 0b1001_0010]);
    header.extend(1024_u16.to_be_bytes());
    header.extend([0xcc, 0xcc, 0x01, 0x02]);
    header
}

/// UDP header with that length in it.
pub(crate) fn udp(length: u16) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(53_u16.to_be_bytes());
    header.extend(33000_u16.to_be_bytes());
    header.extend(length.to_be_bytes());
    header.extend([0xcc, 0xcc]);
    header
}

/// ICMP header of 8 bytes.
pub(crate) fn icmp(ty: u8, code: u8) -> [u8; 8] {
    [ty, code, 0xcc, 0xcc, 0, 1, 0, 2]
}

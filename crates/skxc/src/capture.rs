//! Packets out of captures: pcap and pcapng of either byte order and time resolution.
//!
//! What must hold:
//! - packets stream: memory does not grow with the file;
//! - frames are Ethernet or bare IP packets; a capture of another link type is
//!   refused, and in a mixed pcapng such packets are left out and counted, as are
//!   those of an interface that makes no sense;
//! - a checksum at the end of a frame is neither data nor length;
//! - a file that ends in the middle gives every packet before the cut, and a
//!   warning.

mod pcapng;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use pcap_file::pcap::PcapReader;
use skxc_diagnostics::{Diagnostic, codes};
use skxc_equivalence::frames::Packet;
use skxc_runtime::{Frame, Link, Needs, find, parse};

use self::pcapng::{Item, Source};
use crate::files::{cannot_read, open_regular};
use crate::session::Stop;

/// Link types of the registry of pcap: Ethernet, and IP packets with nothing
/// before them (RAW, which some systems write as 12 or 14, IPV4, IPV6).
const ETHERNET: u32 = 1;
const BARE_IP: [u32; 5] = [101, 12, 14, 228, 229];
/// Other link types that are met, by name.
const OTHER_LINKS: [(u32, &str); 11] = [
    (0, "BSD loopback"),
    (9, "PPP"),
    (10, "FDDI"),
    (50, "PPP in HDLC-like framing"),
    (105, "IEEE 802.11"),
    (108, "OpenBSD loopback"),
    (113, "Linux cooked capture, as of `any`"),
    (127, "IEEE 802.11 with radiotap"),
    (227, "SocketCAN"),
    (253, "Netlink"),
    (276, "Linux cooked capture v2, as of `any`"),
];
/// The link type word of a pcap has the type in its lower half; bit 26 says that
/// frames end in a checksum, and the upper 4 bits of how many 16-bit words
/// (draft-ietf-opsawg-pcap, "File Header").
const LINK_TYPE_MASK: u32 = 0xffff;
const FCS_PRESENT: u32 = 1 << 26;
/// First block of a pcapng; a palindrome, so of either byte order.
const PCAPNG_MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// The longest frame of Ethernet without VLAN tags and checksum.
const STANDARD_BYTES_MAX: u32 = 1514;
/// The longest jumbo frame that network cards and switches are commonly set to.
/// Longer TCP packets than these were merged or not yet split.
const JUMBO_BYTES_MAX: u32 = 9216 + 14;

/// What a link type means.
fn link_of(link_type: u32) -> Option<Link> {
    match link_type {
        ETHERNET => Some(Link::Ethernet),
        _ if BARE_IP.contains(&link_type) => Some(Link::Ip),
        _ => None,
    }
}

/// The link type of a capture of such frames.
pub(crate) fn link_type(link: Link) -> u32 {
    match link {
        Link::Ethernet => ETHERNET,
        Link::Ip => BARE_IP[0],
    }
}

/// The name of a link type, with its number.
fn link_name(link_type: u32) -> String {
    match OTHER_LINKS.iter().find(|(number, _)| *number == link_type) {
        Some((_, name)) => format!("{link_type} ({name})"),
        None => link_type.to_string(),
    }
}

/// How the frames of an interface stand in a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Framing {
    link: Link,
    /// Bytes of the checksum at the end of a frame.
    fcs_bytes: u32,
}

/// A packet as it stands in a capture.
#[derive(Clone, Copy, Debug)]
struct Raw<'a> {
    data: &'a [u8],
    wire_bytes: u32,
}

impl<'a> Raw<'a> {
    /// The frame without the checksum at its end. What was captured may be less
    /// than what was sent, and so end before the checksum or within it.
    fn frame(self, framing: Framing) -> Frame<'a> {
        let captured = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
        let wire_bytes = self.wire_bytes.max(captured).saturating_sub(framing.fcs_bytes);
        let data = &self.data[..self.data.len().min(wire_bytes as usize)];
        Frame { data, wire_bytes, link: framing.link, tag: None, merged: false }
    }
}

/// What reading a capture left out, and what is odd in it.
#[derive(Clone, Debug, Default)]
struct Losses {
    /// Packets of other link types, by type.
    other_links: BTreeMap<u32, u64>,
    /// Packets of interfaces whose description makes no sense or is missing.
    unknown_interface: u64,
    /// Blocks that make no sense.
    damaged_blocks: u64,
    /// Why reading ended before the end of the file.
    cut: Option<String>,
    /// Packets of which only the first bytes were captured.
    shortened: u64,
    /// Packets that are several of the wire.
    merged: u64,
    /// Packets that were read.
    packets: u64,
}

/// Calls `visit` on each packet of the file, in order. Returns warnings.
pub(crate) fn for_each(
    path: &Path,
    mut visit: impl FnMut(Frame<'_>) -> Result<(), Stop>,
) -> Result<Vec<Diagnostic>, Stop> {
    let mut file = open_regular(path)?;
    let mut magic = [0; 4];
    let is_pcapng = file.read_exact(&mut magic).is_ok() && magic == PCAPNG_MAGIC;
    file.rewind().map_err(|error| cannot_read(path, &error.to_string()))?;
    let mut losses = Losses::default();
    if is_pcapng {
        read_pcapng(path, file, &mut losses, &mut visit)?;
    } else {
        read_pcap(path, file, &mut losses, &mut visit)?;
    }
    losses.warnings(path)
}

fn read_pcap(
    path: &Path,
    file: File,
    losses: &mut Losses,
    visit: &mut dyn FnMut(Frame<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut reader = PcapReader::new(file).map_err(|error| not_a_capture(path, &cause(&error)))?;
    let word = u32::from(reader.header().datalink);
    let Some(link) = link_of(word & LINK_TYPE_MASK) else {
        return Err(wrong_link(path, &[word & LINK_TYPE_MASK]));
    };
    let fcs_bytes = if word & FCS_PRESENT == 0 { 0 } else { 2 * (word >> 28) };
    let framing = Framing { link, fcs_bytes };
    while let Some(packet) = reader.next_raw_packet() {
        match packet {
            Ok(packet) => {
                let raw = Raw { data: &packet.data, wire_bytes: packet.orig_len };
                losses.take(raw.frame(framing), visit)?;
            }
            Err(error) => {
                losses.cut = Some(cause(&error));
                break;
            }
        }
    }
    Ok(())
}

fn read_pcapng(
    path: &Path,
    file: File,
    losses: &mut Losses,
    visit: &mut dyn FnMut(Frame<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut reader = pcapng::Reader::new(file).map_err(|why| not_a_capture(path, &why))?;
    loop {
        match reader.next() {
            Ok(Some(Item::Packet(raw, source))) => match source {
                Source::Readable(framing) => losses.take(raw.frame(framing), visit)?,
                Source::OtherLink(link) => *losses.other_links.entry(link).or_default() += 1,
                Source::Unknown => losses.unknown_interface += 1,
            },
            Ok(Some(Item::Damaged)) => losses.damaged_blocks += 1,
            Ok(None) => return Ok(()),
            Err(why) => {
                losses.cut = Some(why);
                return Ok(());
            }
        }
    }
}

/// Whether the packet cannot have been on a wire as it is: longer than a jumbo
/// frame, or longer than a standard frame and without a length in its IP header,
/// which a network card or the kernel was to fill in. Of those merged into less
/// nothing tells.
fn is_merged(frame: Frame<'_>) -> bool {
    if frame.wire_bytes <= STANDARD_BYTES_MAX {
        return false;
    }
    let parsed = parse(frame, Needs::CHAIN.union(Needs::UNMERGED));
    let value = |name| find(name).map_or(0, |(index, _)| parsed.values[index]);
    let stated = value("ip_total_length");
    match value("ip_version") {
        4 => stated == 0 || value("packet_length") > JUMBO_BYTES_MAX && value("ip_protocol") == 6,
        6 => stated == 40 || value("packet_length") > JUMBO_BYTES_MAX && value("ip_protocol") == 6,
        _ => false,
    }
}

impl Losses {
    fn take(
        &mut self,
        frame: Frame<'_>,
        visit: &mut dyn FnMut(Frame<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.packets += 1;
        self.shortened += u64::from(frame.wire_bytes as usize > frame.data.len());
        self.merged += u64::from(is_merged(frame));
        visit(frame)
    }

    fn warnings(self, path: &Path) -> Result<Vec<Diagnostic>, Stop> {
        let name = path.display();
        let others: Vec<u32> = self.other_links.keys().copied().collect();
        if self.packets == 0 && !others.is_empty() {
            return Err(wrong_link(path, &others));
        }
        let mut warnings = Vec::new();
        for (link, count) in &self.other_links {
            let message =
                format!("{count} packets of `{name}` were left out: of another link type");
            warnings.push(
                Diagnostic::warning(codes::LINK_TYPE, message)
                    .note(format!("their link type is {}", link_name(*link))),
            );
        }
        if let Some(why) = self.cut {
            let message = format!("`{name}` ends early: {} packets were read", self.packets);
            warnings.push(Diagnostic::warning(codes::CAPTURE_CUT, message).note(why));
        }
        for (count, what) in [
            (self.damaged_blocks, "damaged blocks"),
            (
                self.unknown_interface,
                "packets of an interface that is not, or not rightly, described",
            ),
        ] {
            if count > 0 {
                let message = format!("left out of `{name}`: {count} {what}");
                warnings.push(Diagnostic::warning(codes::CAPTURE_CUT, message));
            }
        }
        if self.shortened > 0 {
            let message = format!(
                "{} of {} packets of `{name}` were not captured whole",
                self.shortened, self.packets
            );
            warnings.push(
                Diagnostic::warning(codes::CAPTURE_SHORT, message)
                    .note(
                        "`packet_length` is the length that was sent; a header behind what was \
                         captured is cut short",
                    )
                    .help("to have every header, capture with `tcpdump -s 0`"),
            );
        }
        warnings.extend((self.merged > 0).then(|| merged(path, self.merged, self.packets)));
        Ok(warnings)
    }
}

fn merged(path: &Path, merged: u64, packets: u64) -> Diagnostic {
    let message = format!(
        "at least {merged} of {packets} packets of `{}` were never on the wire as they are",
        path.display()
    );
    Diagnostic::warning(codes::CAPTURE_MERGED, message)
        .note(
            "they are longer than a jumbo frame, or state no length: several packets that the \
             kernel merged (GRO) or left to the network card to split (TSO)",
        )
        .help("before capturing, type `ethtool -K INTERFACE gro off lro off tso off gso off`")
}

fn not_a_capture(path: &Path, why: &str) -> Stop {
    Stop::input(
        Diagnostic::error(codes::NOT_A_CAPTURE, format!("`{}` is not a capture", path.display()))
            .note(why)
            .help("pcap and pcapng are read; unpack a compressed capture first"),
    )
}

fn wrong_link(path: &Path, links: &[u32]) -> Stop {
    let message = format!("`{}` holds neither Ethernet frames nor IP packets", path.display());
    let names: Vec<String> = links.iter().map(|&link| link_name(link)).collect();
    Stop::input(
        Diagnostic::error(codes::LINK_TYPE, message)
            .note(format!(
                "its link type is {}; Ethernet is {ETHERNET}, bare IP packets are 101, 228 and 229",
                names.join(", ")
            ))
            .help("capture on one interface, not on `any`"),
    )
}

/// The innermost cause, which is the one that says something.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// The packets of several captures, in memory, up to `packets_max`.
pub(crate) fn load(
    paths: &[PathBuf],
    packets_max: usize,
) -> Result<(Vec<Packet>, Vec<Diagnostic>), Stop> {
    let mut packets = Vec::new();
    let mut warnings = Vec::new();
    for path in paths {
        warnings.extend(for_each(path, |frame| {
            if packets.len() < packets_max {
                let Frame { data, wire_bytes, link, .. } = frame;
                packets.push(Packet { data: data.to_vec(), wire_bytes, link });
            }
            Ok(())
        })?);
    }
    Ok((packets, warnings))
}

#[cfg(test)]
mod tests;

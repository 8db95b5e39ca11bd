//! Packets out of captures: pcap and pcapng of either byte order and time resolution.
//!
//! What must hold:
//! - packets stream: memory does not grow with the file;
//! - frames are Ethernet; a capture of another link type is refused, and in a
//!   mixed pcapng such packets are left out and counted;
//! - a file that ends in the middle gives every packet before the cut, and a
//!   warning.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader, PcapNgState, RawBlock};
use pcap_file::{DataLink, Endianness};
use skxc_diagnostics::{Diagnostic, codes};

use crate::files::cannot_read;
use crate::session::Stop;

/// LINKTYPE_ETHERNET of the pcap registry.
const ETHERNET: u32 = 1;
/// The upper half of the link type word of a pcap says if and how long an FCS
/// is there (draft-ietf-opsawg-pcap, "File Header").
const LINK_TYPE_MASK: u32 = 0xffff;
/// First block of a pcapng; a palindrome, so of either byte order.
const PCAPNG_MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// Type of an Enhanced Packet Block.
const ENHANCED_PACKET: u32 = 6;

/// A captured Ethernet frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'a> {
    /// The bytes that were captured.
    pub(crate) frame: &'a [u8],
    /// Length on the wire, in bytes.
    pub(crate) wire_bytes: u32,
}

/// What reading a capture left out.
#[derive(Clone, Debug, Default)]
struct Losses {
    /// Packets of other link types, and one such type.
    other_link: Option<(u64, u32)>,
    /// Blocks that make no sense.
    damaged_blocks: u64,
    /// Why reading ended before the end of the file.
    cut: Option<String>,
    /// Packets of which only the first bytes were captured.
    shortened: u64,
    /// Packets that were read.
    packets: u64,
}

/// Calls `visit` on each packet of the file, in order. Returns warnings.
pub(crate) fn for_each(
    path: &Path,
    mut visit: impl FnMut(Packet<'_>) -> Result<(), Stop>,
) -> Result<Vec<Diagnostic>, Stop> {
    let mut file = open(path)?;
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

fn open(path: &Path) -> Result<File, Stop> {
    let file = File::open(path).map_err(|error| cannot_read(path, &error.to_string()))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        _ => Err(cannot_read(path, "it is not a regular file")),
    }
}

fn read_pcap(
    path: &Path,
    file: File,
    losses: &mut Losses,
    visit: &mut dyn FnMut(Packet<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut reader = PcapReader::new(file).map_err(|error| not_a_capture(path, &error))?;
    let link = u32::from(reader.header().datalink) & LINK_TYPE_MASK;
    if link != ETHERNET {
        return Err(wrong_link(path, link));
    }
    while let Some(packet) = reader.next_raw_packet() {
        match packet {
            Ok(packet) => {
                let packet = Packet { frame: &packet.data, wire_bytes: packet.orig_len };
                losses.take(packet, visit)?;
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
    visit: &mut dyn FnMut(Packet<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut reader = PcapNgReader::new(file).map_err(|error| not_a_capture(path, &error))?;
    while let Some(block) = reader.next_raw_block() {
        match block {
            Ok((raw, state)) => take_block(raw, state, losses, visit)?,
            Err(error) => {
                losses.cut = Some(cause(&error));
                break;
            }
        }
    }
    Ok(())
}

fn take_block(
    raw: RawBlock<'_>,
    state: &PcapNgState,
    losses: &mut Losses,
    visit: &mut dyn FnMut(Packet<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if raw.type_ == ENHANCED_PACKET {
        return match enhanced_packet(&raw.body, state.endianness()) {
            Some((interface, packet)) => losses.take_from(state, interface, packet, visit),
            None => {
                losses.damaged_blocks += 1;
                Ok(())
            }
        };
    }
    match raw.try_into_block(state) {
        Ok(Block::SimplePacket(it)) => {
            let packet = Packet { frame: &it.data, wire_bytes: it.original_len };
            losses.take_from(state, 0, packet, visit)
        }
        Ok(Block::Packet(it)) => {
            let packet = Packet { frame: &it.data, wire_bytes: it.original_len };
            losses.take_from(state, it.interface_id.into(), packet, visit)
        }
        Ok(_) => Ok(()),
        Err(_) => {
            losses.damaged_blocks += 1;
            Ok(())
        }
    }
}

/// Interface and packet of an Enhanced Packet Block (draft-ietf-opsawg-pcapng,
/// 4.3), without its options and its time: a packet is good however odd these are.
fn enhanced_packet(body: &[u8], endianness: Endianness) -> Option<(u32, Packet<'_>)> {
    const FIXED_BYTES: usize = 20;
    let word = |position: usize| -> Option<u32> {
        let bytes = body.get(4 * position..)?.first_chunk::<4>()?;
        Some(match endianness {
            Endianness::Big => u32::from_be_bytes(*bytes),
            Endianness::Little => u32::from_le_bytes(*bytes),
        })
    };
    let (interface, captured_bytes, wire_bytes) = (word(0)?, word(3)?, word(4)?);
    let frame = body.get(FIXED_BYTES..)?.get(..captured_bytes as usize)?;
    Some((interface, Packet { frame, wire_bytes }))
}

impl Losses {
    fn take_from(
        &mut self,
        state: &PcapNgState,
        interface: u32,
        packet: Packet<'_>,
        visit: &mut dyn FnMut(Packet<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let link = state.interfaces().get(interface as usize).map(|known| known.linktype);
        if link == Some(DataLink::ETHERNET) {
            return self.take(packet, visit);
        }
        let number = link.map_or(0, u32::from);
        let count = self.other_link.map_or(0, |(count, _)| count);
        self.other_link = Some((count + 1, number));
        Ok(())
    }

    fn take(
        &mut self,
        packet: Packet<'_>,
        visit: &mut dyn FnMut(Packet<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.packets += 1;
        self.shortened += u64::from(packet.wire_bytes as usize > packet.frame.len());
        visit(packet)
    }

    fn warnings(self, path: &Path) -> Result<Vec<Diagnostic>, Stop> {
        let name = path.display();
        let mut warnings = Vec::new();
        if let Some((count, link)) = self.other_link {
            if self.packets == 0 {
                return Err(wrong_link(path, link));
            }
            let message = format!("{count} packets of `{name}` are not Ethernet and were left out");
            warnings.push(
                Diagnostic::warning(codes::LINK_TYPE, message)
                    .note(format!("their link type is {link}")),
            );
        }
        if let Some(why) = self.cut {
            let message = format!("`{name}` ends early: {} packets were read", self.packets);
            warnings.push(Diagnostic::warning(codes::CAPTURE_CUT, message).note(why));
        }
        if self.damaged_blocks > 0 {
            let message =
                format!("{} damaged blocks of `{name}` were left out", self.damaged_blocks);
            warnings.push(Diagnostic::warning(codes::CAPTURE_CUT, message));
        }
        if self.shortened > 0 {
            let message = format!(
                "{} of {} packets of `{name}` were not captured whole",
                self.shortened, self.packets
            );
            warnings.push(
                Diagnostic::warning(codes::CAPTURE_SHORT, message)
                    .note("a feature such as `packet_length` sees only what was captured")
                    .help("capture with `tcpdump -s 0`"),
            );
        }
        Ok(warnings)
    }
}

fn not_a_capture(path: &Path, error: &dyn std::error::Error) -> Stop {
    Stop::input(
        Diagnostic::error(codes::NOT_A_CAPTURE, format!("`{}` is not a capture", path.display()))
            .note(cause(error))
            .help("pcap and pcapng are read; unpack a compressed capture first"),
    )
}

fn wrong_link(path: &Path, link: u32) -> Stop {
    let message = format!("`{}` holds no Ethernet frames", path.display());
    Stop::input(
        Diagnostic::error(codes::LINK_TYPE, message)
            .note(format!("its link type is {link}; Ethernet is {ETHERNET}"))
            .help("capture on an Ethernet interface, not on `any`"),
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
) -> Result<(Vec<Vec<u8>>, Vec<Diagnostic>), Stop> {
    let mut frames = Vec::new();
    let mut warnings = Vec::new();
    for path in paths {
        warnings.extend(for_each(path, |packet| {
            if frames.len() < packets_max {
                frames.push(packet.frame.to_vec());
            }
            Ok(())
        })?);
    }
    Ok((frames, warnings))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn read(bytes: &[u8]) -> Result<(Vec<Vec<u8>>, Vec<Diagnostic>), Stop> {
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
            assert_eq!(frames, [vec![1; 60], vec![2; 14]]);
            assert!(warnings.is_empty());

            let (frames, warnings) = read(&bytes[..bytes.len() - 1]).unwrap();
            assert_eq!(frames, [vec![1; 60]]);
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
}

//! pcapng (draft-ietf-opsawg-pcapng): its packets, each with what is known of the
//! interface that it came from.
//!
//! What must hold:
//! - an interface whose description makes no sense keeps its number, and costs
//!   only its own packets;
//! - one block is in memory at a time, of at most [`BLOCK_BYTES_MAX`] bytes.

use std::fs::File;
use std::io::{self, BufReader, Read};

use super::{Framing, Raw, link_of};

/// Blocks that hold packets or describe interfaces are not longer. (libpcap takes
/// no longer ones either.)
const BLOCK_BYTES_MAX: u32 = 16 << 20;
/// Type and length before a block, the length again behind it.
const HEAD_BYTES: u32 = 8;
const TAIL_BYTES: u32 = 4;
/// Types of blocks.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// The word by which a section says in what byte order it is.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Options: the end of them, flags of an Enhanced Packet Block, length of the
/// checksum in frames of an interface.
const OPTIONS_END: u16 = 0;
const PACKET_FLAGS: u16 = 2;
const FCS_LENGTH: u16 = 13;

/// A packet, or a block that should hold one and makes no sense.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    /// A packet and where it came from.
    Packet(Raw<'a>, Source),
    /// A block that is no packet.
    Damaged,
}

impl<'a> Item<'a> {
    fn new(packet: Option<(Raw<'a>, Source)>) -> Item<'a> {
        packet.map_or(Item::Damaged, |(raw, source)| Item::Packet(raw, source))
    }
}

/// Options that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Damaged;

/// Where a packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An interface whose frames can be read.
    Readable(Framing),
    /// One of this other link type.
    OtherLink(u32),
    /// One that is not described, or not rightly.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    source: Source,
    /// The most bytes of a packet that were captured; 0 means any number.
    snap_bytes: u32,
}

const UNKNOWN: Interface = Interface { source: Source::Unknown, snap_bytes: 0 };

/// Reads blocks of a pcapng.
pub(super) struct Reader {
    file: BufReader<File>,
    order: Order,
    interfaces: Vec<Interface>,
    block: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Big => u16::from_be_bytes(bytes),
            Order::Little => u16::from_le_bytes(bytes),
        })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Big => u32::from_be_bytes(bytes),
            Order::Little => u32::from_le_bytes(bytes),
        })
    }
}

impl Reader {
    /// Begins with the first section.
    pub(super) fn new(file: File) -> Result<Reader, String> {
        let mut reader = Reader {
            file: BufReader::new(file),
            order: Order::Little,
            interfaces: Vec::new(),
            block: Vec::new(),
        };
        match reader.read_block()? {
            Some(SECTION) => Ok(reader),
            _ => Err("it does not begin with a section".to_owned()),
        }
    }

    /// The next packet, or a block that should be one; none at the end of the
    /// file. The error says why nothing more can be read.
    pub(super) fn next(&mut self) -> Result<Option<Item<'_>>, String> {
        loop {
            let Some(block) = self.read_block()? else { return Ok(None) };
            match block {
                INTERFACE => {
                    let interface = interface(self.order, &self.block);
                    self.interfaces.push(interface.unwrap_or(UNKNOWN));
                }
                ENHANCED_PACKET => return Ok(Some(Item::new(self.enhanced_packet()))),
                SIMPLE_PACKET => return Ok(Some(Item::new(self.simple_packet()))),
                OLD_PACKET => return Ok(Some(Item::new(self.old_packet()))),
                // A section was begun when it was read; others hold no packets.
                _ => {}
            }
        }
    }

    /// Reads a block and returns its type; its body is in `self.block` if it is one
    /// that matters.
    fn read_block(&mut self) -> Result<Option<u32>, String> {
        let mut head = [0; HEAD_BYTES as usize];
        match self.file.read(&mut head[..1]) {
            Ok(0) => return Ok(None),
            Ok(_) => self.fill(&mut head[1..])?,
            Err(error) => return Err(error.to_string()),
        }
        // The type of a section is the same in either order.
        let mut start = Vec::new();
        if head[..4] == SECTION.to_be_bytes() {
            start = vec![0; 4];
            self.fill(&mut start)?;
            self.begin_section(&start)?;
        }
        let (kind, length) = match (self.order.u32(&head, 0), self.order.u32(&head, 4)) {
            (Some(kind), Some(length)) => (kind, length),
            _ => return Err("a block has no length".to_owned()),
        };
        let least = HEAD_BYTES + TAIL_BYTES + start.len() as u32;
        if length < least || !length.is_multiple_of(4) {
            return Err(format!("a block of {length} bytes, which is no length of a block"));
        }
        self.read_body(kind, length, start)?;
        let mut tail = [0; TAIL_BYTES as usize];
        self.fill(&mut tail)?;
        if self.order.u32(&tail, 0) != Some(length) {
            return Err("a block has two lengths".to_owned());
        }
        Ok(Some(kind))
    }

    fn begin_section(&mut self, magic: &[u8]) -> Result<(), String> {
        self.order = if magic == BYTE_ORDER.to_be_bytes() {
            Order::Big
        } else if magic == BYTE_ORDER.to_le_bytes() {
            Order::Little
        } else {
            return Err("a section does not say its byte order".to_owned());
        };
        self.interfaces.clear();
        Ok(())
    }

    /// Reads the rest of a block behind `start` up to the second length.
    fn read_body(&mut self, kind: u32, length: u32, start: Vec<u8>) -> Result<(), String> {
        let rest = u64::from(length - HEAD_BYTES - TAIL_BYTES) - start.len() as u64;
        self.block = start;
        let matters = [SECTION, INTERFACE, ENHANCED_PACKET, SIMPLE_PACKET, OLD_PACKET];
        let read = if !matters.contains(&kind) {
            io::copy(&mut self.file.by_ref().take(rest), &mut io::sink())
        } else if length > BLOCK_BYTES_MAX {
            return Err(format!("a block of {length} bytes, more than a packet has"));
        } else {
            self.file.by_ref().take(rest).read_to_end(&mut self.block).map(|read| read as u64)
        };
        match read {
            Ok(read) if read == rest => Ok(()),
            Ok(_) => Err(ended()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.file.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ended(),
            _ => error.to_string(),
        })
    }

    fn interface(&self, number: u32) -> Interface {
        self.interfaces.get(number as usize).copied().unwrap_or(UNKNOWN)
    }

    fn enhanced_packet(&self) -> Option<(Raw<'_>, Source)> {
        let word = |at| self.order.u32(&self.block, at);
        let (interface, captured, wire_bytes) = (word(0)?, word(12)?, word(16)?);
        let (data, options) = self.block.get(20..)?.split_at_checked(captured as usize)?;
        let mut source = self.interface(interface).source;
        let padding = data.len().next_multiple_of(4) - data.len();
        // A packet is good however odd its options are.
        let flags = options
            .get(padding..)
            .and_then(|options| option(self.order, options, PACKET_FLAGS).ok().flatten())
            .and_then(|flags| self.order.u32(flags, 0));
        if let (Source::Readable(framing), Some(flags)) = (&mut source, flags) {
            // Bits 5 to 8; 0 means that they do not say.
            let fcs_bytes = flags >> 5 & 15;
            framing.fcs_bytes = if fcs_bytes == 0 { framing.fcs_bytes } else { fcs_bytes };
        }
        Some((Raw { data, wire_bytes }, source))
    }

    fn simple_packet(&self) -> Option<(Raw<'_>, Source)> {
        let interface = self.interface(0);
        let wire_bytes = self.order.u32(&self.block, 0)?;
        let snap = if interface.snap_bytes == 0 { u32::MAX } else { interface.snap_bytes };
        let data = self.block.get(4..)?.get(..wire_bytes.min(snap) as usize)?;
        Some((Raw { data, wire_bytes }, interface.source))
    }

    fn old_packet(&self) -> Option<(Raw<'_>, Source)> {
        let interface = self.order.u16(&self.block, 0)?;
        let (captured, wire_bytes) =
            (self.order.u32(&self.block, 12)?, self.order.u32(&self.block, 16)?);
        let data = self.block.get(20..)?.get(..captured as usize)?;
        Some((Raw { data, wire_bytes }, self.interface(interface.into()).source))
    }
}

fn ended() -> String {
    "the file ends within a block".to_owned()
}

/// An interface, unless its description makes no sense.
fn interface(order: Order, block: &[u8]) -> Option<Interface> {
    let link_type = u32::from(order.u16(block, 0)?);
    let snap_bytes = order.u32(block, 4)?;
    let fcs_bytes = match option(order, block.get(8..)?, FCS_LENGTH).ok()? {
        None => 0,
        Some([length]) => fcs_bytes(*length)?,
        Some(_) => return None,
    };
    let source = match link_of(link_type) {
        Some(link) => Source::Readable(Framing { link, fcs_bytes }),
        None => Source::OtherLink(link_type),
    };
    Some(Interface { source, snap_bytes })
}

/// The draft counts a checksum in bits, its example and what is written in bytes.
/// The checksums that there are have 2, 4 or 8 bytes.
fn fcs_bytes(stated: u8) -> Option<u32> {
    match stated {
        0..=8 => Some(stated.into()),
        16 | 32 | 64 => Some(u32::from(stated) / 8),
        _ => None,
    }
}

/// The value of the first option with this code.
fn option(order: Order, mut options: &[u8], code: u16) -> Result<Option<&[u8]>, Damaged> {
    while !options.is_empty() {
        let found = order.u16(options, 0).ok_or(Damaged)?;
        let length = usize::from(order.u16(options, 2).ok_or(Damaged)?);
        if found == OPTIONS_END {
            break;
        }
        let value = options.get(4..4 + length).ok_or(Damaged)?;
        if found == code {
            return Ok(Some(value));
        }
        options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(None)
}

//! The parser of `skxc/parse.h` in user space.
//!
//! What must hold: this is the very source that runs in the kernel, compiled
//! by `build.rs`; nothing about packets is decided in Rust.

use std::fmt;

use crate::features::{FEATURES, Needs};

/// Why a packet cannot be classified.
///
/// "Cut short" is a reason only where a declared column needs that header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Reason {
    /// The frame ends within its Ethernet header or a VLAN tag.
    EthernetCut = 1,
    /// Neither IPv4 nor IPv6 behind up to two VLAN tags, or in a frame without
    /// an Ethernet header.
    NotIp = 2,
    /// The frame ends within the fixed IPv4 or IPv6 header, or the total length
    /// in an IPv4 header is less than the header itself.
    IpCut = 3,
    /// The version nibble is not what the Ethernet type says.
    IpVersion = 4,
    /// An IPv4 header length below five words.
    IpIhl = 5,
    /// More IPv6 extension headers than are walked.
    ExtensionsMany = 6,
    /// The frame, or the IP packet by its length, ends within an IPv6 extension header.
    ExtensionCut = 7,
    /// The frame, or the IP packet by its length, ends before or within the fixed TCP header.
    TcpCut = 8,
    /// The same of the UDP header.
    UdpCut = 9,
    /// The same of the first four bytes of ICMP.
    IcmpCut = 10,
    /// Several packets that the kernel holds as one, and a declared column needs
    /// what only a packet on the wire has.
    Merged = 11,
}

impl Reason {
    /// All reasons, in the order of their numbers, which start at 1.
    pub const ALL: [Reason; 11] = [
        Reason::EthernetCut,
        Reason::NotIp,
        Reason::IpCut,
        Reason::IpVersion,
        Reason::IpIhl,
        Reason::ExtensionsMany,
        Reason::ExtensionCut,
        Reason::TcpCut,
        Reason::UdpCut,
        Reason::IcmpCut,
        Reason::Merged,
    ];

    /// One more than the greatest number: `SKXC_REASONS` in C. Number 0 means
    /// that the packet can be classified.
    pub const COUNT: u32 = Reason::ALL.len() as u32 + 1;

    /// The number that the reason has in C and in counters, from 1.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The reason with a number; `None` for 0 and for unknown numbers.
    pub fn from_number(number: u32) -> Option<Reason> {
        Reason::ALL.get((number as usize).checked_sub(1)?).copied()
    }

    /// Is such a packet IP, as far as its Ethernet header says? Else it is of
    /// another protocol, such as ARP, or cut short before that is known, and a
    /// host that drops it may lose more than its IP traffic.
    pub const fn is_ip(self) -> bool {
        match self {
            Reason::EthernetCut | Reason::NotIp => false,
            Reason::IpCut
            | Reason::IpVersion
            | Reason::IpIhl
            | Reason::ExtensionsMany
            | Reason::ExtensionCut
            | Reason::TcpCut
            | Reason::UdpCut
            | Reason::IcmpCut
            | Reason::Merged => true,
        }
    }

    /// A short name for CSV columns and metrics, in kebab case.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::EthernetCut => "ethernet-cut",
            Reason::NotIp => "not-ip",
            Reason::IpCut => "ip-cut",
            Reason::IpVersion => "ip-version",
            Reason::IpIhl => "ip-ihl",
            Reason::ExtensionsMany => "extensions-many",
            Reason::ExtensionCut => "extension-cut",
            Reason::TcpCut => "tcp-cut",
            Reason::UdpCut => "udp-cut",
            Reason::IcmpCut => "icmp-cut",
            Reason::Merged => "merged",
        }
    }

    /// What is wrong with the packet, for people.
    pub const fn description(self) -> &'static str {
        match self {
            Reason::EthernetCut => "frame ends within its Ethernet header or a VLAN tag",
            Reason::NotIp => "neither IPv4 nor IPv6 behind up to two VLAN tags",
            Reason::IpCut => "packet ends within the IP header",
            Reason::IpVersion => "IP version is not what the Ethernet type says",
            Reason::IpIhl => "IPv4 header length is below five words",
            Reason::ExtensionsMany => "too many IPv6 extension headers",
            Reason::ExtensionCut => "packet ends within an IPv6 extension header",
            Reason::TcpCut => "packet ends before or within the TCP header",
            Reason::UdpCut => "packet ends before or within the UDP header",
            Reason::IcmpCut => "packet ends before or within the ICMP header",
            Reason::Merged => "several packets, merged into one by GRO or not yet split by TSO",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a frame begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Link {
    /// An Ethernet header.
    #[default]
    Ethernet,
    /// The IP header: a tunnel, PPP, or anything else without addresses of its own.
    Ip,
}

/// A frame as a hook of the kernel, or a capture, shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The bytes that are there.
    pub data: &'a [u8],
    /// Bytes that were sent, less a tag that was taken out of the frame: more
    /// than there are if the frame was captured in part.
    pub wire_bytes: u32,
    /// What it begins with.
    pub link: Link,
    /// The control word (priority, drop eligibility, VLAN number) of an outer
    /// VLAN tag that was taken out of the frame, as tc sees it.
    pub tag: Option<u16>,
    /// Several packets that the kernel holds as one, as tc sees it.
    pub merged: bool,
}

impl<'a> Frame<'a> {
    /// A whole frame.
    ///
    /// # Panics
    /// If it has 2^31 bytes or more.
    pub fn whole(data: &'a [u8], link: Link) -> Frame<'a> {
        let bytes = i32::try_from(data.len()).expect("a frame has less than 2^31 bytes");
        Frame { data, wire_bytes: bytes.unsigned_abs(), link, tag: None, merged: false }
    }
}

impl<'a> From<&'a [u8]> for Frame<'a> {
    /// A whole Ethernet frame.
    fn from(data: &'a [u8]) -> Frame<'a> {
        Frame::whole(data, Link::Ethernet)
    }
}

impl<'a> From<&'a Vec<u8>> for Frame<'a> {
    /// A whole Ethernet frame.
    fn from(data: &'a Vec<u8>) -> Frame<'a> {
        Frame::whole(data, Link::Ethernet)
    }
}

/// What the parser made of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Why the packet cannot be classified, if it cannot.
    pub reason: Option<Reason>,
    /// A value for each of [`FEATURES`], in host byte order: 0 where the packet
    /// has no such header, where the header was not asked for, and where the
    /// parser stopped for `reason` before it came to it.
    pub values: [u32; FEATURES.len()],
}

/// Parses a frame for a model whose declared columns need `needs`.
///
/// # Panics
/// If 2^31 bytes of the frame or more are there.
pub fn parse<'a>(frame: impl Into<Frame<'a>>, needs: Needs) -> Parsed {
    let mut values = [0; FEATURES.len()];
    let number = ffi::call(&frame.into(), needs.bits(), &mut values);
    for (value, feature) in values.iter_mut().zip(FEATURES) {
        if !needs.contains(feature.needs) {
            *value = 0;
        }
    }
    let reason = Reason::from_number(number);
    assert!(reason.is_some() || number == 0, "Reason lists every skxc_reason");
    Parsed { reason, values }
}

#[allow(unsafe_code)]
mod ffi {
    use super::{Frame, Link};
    use crate::features::FEATURES;

    unsafe extern "C" {
        fn skxc_user_parse(
            data: *const u8,
            bytes: u32,
            length: u32,
            tag: i32,
            merged: u32,
            layer3: u32,
            needs: u32,
            values: *mut u32,
        ) -> u32;
    }

    pub(super) fn call(frame: &Frame<'_>, needs: u32, values: &mut [u32; FEATURES.len()]) -> u32 {
        let bytes = i32::try_from(frame.data.len()).expect("a frame has less than 2^31 bytes");
        // SAFETY: `data` points at `bytes` readable bytes, since `bytes` is the
        // length of `frame.data`. build.rs makes the list of values that C writes
        // from the table that FEATURES is made of, so all are in `values`.
        unsafe {
            skxc_user_parse(
                frame.data.as_ptr(),
                bytes.unsigned_abs(),
                frame.wire_bytes,
                frame.tag.map_or(-1, i32::from),
                u32::from(frame.merged),
                u32::from(frame.link == Link::Ip),
                needs,
                values.as_mut_ptr(),
            )
        }
    }
}

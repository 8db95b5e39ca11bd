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
    /// Neither IPv4 nor IPv6 behind up to two VLAN tags.
    NotIp = 2,
    /// The frame ends within the fixed IPv4 or IPv6 header.
    IpCut = 3,
    /// The version nibble is not what the Ethernet type says.
    IpVersion = 4,
    /// An IPv4 header length below five words.
    IpIhl = 5,
    /// More IPv6 extension headers than are walked.
    ExtensionsMany = 6,
    /// The frame ends within an IPv6 extension header.
    ExtensionCut = 7,
    /// The frame ends before or within the fixed TCP header.
    TcpCut = 8,
    /// The frame ends before or within the UDP header.
    UdpCut = 9,
    /// The frame ends before or within the first four bytes of ICMP.
    IcmpCut = 10,
}

impl Reason {
    /// All reasons, in the order of their numbers, which start at 1.
    pub const ALL: [Reason; 10] = [
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
            | Reason::IcmpCut => true,
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
        }
    }

    /// What is wrong with the packet, for people.
    pub const fn description(self) -> &'static str {
        match self {
            Reason::EthernetCut => "frame ends within its Ethernet header or a VLAN tag",
            Reason::NotIp => "neither IPv4 nor IPv6 behind up to two VLAN tags",
            Reason::IpCut => "frame ends within the fixed IP header",
            Reason::IpVersion => "IP version is not what the Ethernet type says",
            Reason::IpIhl => "IPv4 header length is below five words",
            Reason::ExtensionsMany => "too many IPv6 extension headers",
            Reason::ExtensionCut => "frame ends within an IPv6 extension header",
            Reason::TcpCut => "frame ends before or within the TCP header",
            Reason::UdpCut => "frame ends before or within the UDP header",
            Reason::IcmpCut => "frame ends before or within the ICMP header",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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

/// Parses an Ethernet frame for a model whose declared columns need `needs`.
///
/// # Panics
/// If the frame has 2^31 bytes or more.
pub fn parse(frame: &[u8], needs: Needs) -> Parsed {
    call(frame, -1, needs)
}

/// Parses a frame whose outer VLAN tag was taken out, as tc sees it. `tci` is
/// the tag's control word: priority, drop eligibility, VLAN number.
///
/// # Panics
/// If the frame has 2^31 bytes or more.
pub fn parse_tagged(frame: &[u8], tci: u16, needs: Needs) -> Parsed {
    call(frame, i32::from(tci), needs)
}

fn call(frame: &[u8], tag: i32, needs: Needs) -> Parsed {
    let bytes = i32::try_from(frame.len()).expect("a frame has less than 2^31 bytes");
    let mut values = [0; FEATURES.len()];
    let number = ffi::call(frame, bytes.unsigned_abs(), tag, needs.bits(), &mut values);
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
    use crate::features::FEATURES;

    unsafe extern "C" {
        fn skxc_user_parse(
            data: *const u8,
            bytes: u32,
            tag: i32,
            needs: u32,
            values: *mut u32,
        ) -> u32;
    }

    pub(super) fn call(
        frame: &[u8],
        bytes: u32,
        tag: i32,
        needs: u32,
        values: &mut [u32; FEATURES.len()],
    ) -> u32 {
        // SAFETY: `data` points at `bytes` readable bytes, since `bytes` is the
        // length of `frame`. build.rs makes the list of values that C writes
        // from the table that FEATURES is made of, so all are in `values`.
        unsafe { skxc_user_parse(frame.as_ptr(), bytes, tag, needs, values.as_mut_ptr()) }
    }
}

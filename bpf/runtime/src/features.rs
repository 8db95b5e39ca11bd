//! The feature table: every column that the packet parser can fill.

include!("table.rs");

/// What the parser must find in a packet, a set of headers.
///
/// The bits are those of `SKXC_NEEDS_*` in `skxc/parse.h`. A layer-4 header
/// implies the IP header and, in IPv6, the chain of extension headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Needs(u32);

impl Needs {
    /// Only the Ethernet header, which every packet needs.
    pub const NOTHING: Needs = Needs(0);
    /// The fixed IPv4 or IPv6 header.
    pub const IP: Needs = Needs(0x01);
    /// The IPv6 extension headers; nothing more than [`Needs::IP`] in IPv4.
    pub const CHAIN: Needs = Needs(0x02 | Needs::IP.0);
    /// The TCP header, if the packet is TCP.
    pub const TCP: Needs = Needs(0x04 | Needs::CHAIN.0);
    /// The UDP header, if the packet is UDP.
    pub const UDP: Needs = Needs(0x08 | Needs::CHAIN.0);
    /// The ICMP header, if the packet is ICMP or ICMPv6.
    pub const ICMP: Needs = Needs(0x10 | Needs::CHAIN.0);
    /// TCP and UDP.
    pub const PORTS: Needs = Needs::TCP.union(Needs::UDP);
    /// TCP, UDP and ICMP.
    pub const LAYER4: Needs = Needs::PORTS.union(Needs::ICMP);
    /// That the packet is one of the wire, not several merged into one.
    pub const UNMERGED: Needs = Needs(0x20);
    /// Everything the parser knows.
    pub const ALL: Needs = Needs::LAYER4.union(Needs::UNMERGED);

    /// What either of two sets needs.
    pub const fn union(self, other: Needs) -> Needs {
        Needs(self.0 | other.0)
    }

    /// Whether all of `other` is in this set.
    pub const fn contains(self, other: Needs) -> bool {
        self.0 & other.0 == other.0
    }

    /// The number to hand to `skxc_parse()` in C.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// Type of a feature in generated C: unsigned, in host byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CType {
    /// 8 bits, `__u8`
    U8,
    /// 16 bits, `__u16`
    U16,
    /// 32 bits, `__u32`
    U32,
}

impl CType {
    /// The name of the type in C.
    pub const fn name(self) -> &'static str {
        match self {
            CType::U8 => "__u8",
            CType::U16 => "__u16",
            CType::U32 => "__u32",
        }
    }

    /// Width in bits.
    pub const fn bits(self) -> u32 {
        match self {
            CType::U8 => 8,
            CType::U16 => 16,
            CType::U32 => 32,
        }
    }
}

/// Work that an interface takes over from the network stack, and by which a
/// program sees another packet than the wire had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offload {
    /// The outer VLAN tag is taken out of the frame (`rxvlan`). XDP does not see
    /// where it went.
    Stripping,
    /// Segments of a TCP stream, or datagrams of one flow, become one packet (GRO,
    /// LRO), or are not split before they come to the interface (TSO, GSO of a
    /// virtual link). Generic XDP and tc see that packet.
    ///
    /// What changes goes by `tcp_gro_receive()` and `tcp_gso_segment()` in
    /// net/ipv4/tcp_offload.c, and `inet_gro_receive()` in net/ipv4/af_inet.c: all
    /// other fields must be equal in packets that are merged.
    Merging,
}

/// Names that the table uses.
mod offload {
    use super::{Needs, Offload};

    pub(super) const NONE: Option<Offload> = None;
    pub(super) const STRIPPING: Option<Offload> = Some(Offload::Stripping);
    pub(super) const MERGING: Option<Offload> = Some(Offload::Merging);

    /// What a feature needs for the offload that changes it: tc sees a tag beside
    /// the frame, and whether a packet was merged.
    pub(super) const fn needs(offload: Option<Offload>) -> Needs {
        match offload {
            Some(Offload::Merging) => Needs::UNMERGED,
            Some(Offload::Stripping) | None => Needs::NOTHING,
        }
    }
}

/// One feature of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Name of the column, a C identifier.
    pub name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    /// Type in generated C.
    pub c_type: CType,
    /// Greatest value that any packet can give; the least is 0.
    pub max: u32,
    /// What the parser must find for it.
    pub needs: Needs,
    /// What else may change it between the wire and a program.
    pub offload: Option<Offload>,
    /// One line for people, without a full stop.
    pub doc: &'static str,
    /// C function in `skxc/features.h` that reads it from `struct skxc_headers`.
    pub accessor: &'static str,
}

macro_rules! features {
    ($(#[doc = $doc:literal] $name:ident [$($alias:ident)*] $type:ident $max:literal $needs:ident $offload:ident;)*) => {
        &[$(Feature {
            name: stringify!($name),
            aliases: &[$(stringify!($alias)),*],
            c_type: CType::$type,
            max: $max,
            needs: Needs::$needs.union(offload::needs(offload::$offload)),
            offload: offload::$offload,
            doc: without_full_stop($doc),
            accessor: concat!("skxc_", stringify!($name)),
        }),*]
    };
}

/// Every packet feature; [`crate::Parsed::values`] has their order.
pub const FEATURES: &[Feature] = for_each_feature!(features);

/// Index in [`FEATURES`] and the feature that has `name` as its name or alias.
pub fn find(name: &str) -> Option<(usize, &'static Feature)> {
    FEATURES
        .iter()
        .enumerate()
        .find(|(_, feature)| feature.name == name || feature.aliases.contains(&name))
}

/// Rust wants documentation to be sentences; a table cell is none.
const fn without_full_stop(doc: &'static str) -> &'static str {
    match doc.trim_ascii().as_bytes() {
        [text @ .., b'.'] => match str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => panic!("a full stop is one byte of UTF-8"),
        },
        _ => panic!("a feature is documented by one sentence"),
    }
}

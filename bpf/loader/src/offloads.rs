//! What a driver or the kernel does to frames before a program sees them, and
//! what frames of an interface begin with.
//!
//! What must hold: asked of the kernel by name through a socket, not of sysfs,
//! which shows the network namespace of whoever mounted it.

use std::io;

use crate::attach::Interface;
use crate::error::{Action, Error};
use crate::sys;

/// Commands of `ioctl(SIOCETHTOOL)` that answer with one number, and its bits
/// (include/uapi/linux/ethtool.h).
const ETHTOOL_GTSO: u32 = 0x1e;
const ETHTOOL_GGSO: u32 = 0x23;
const ETHTOOL_GFLAGS: u32 = 0x25;
const ETHTOOL_GGRO: u32 = 0x2b;
const ETH_FLAG_RXVLAN: u32 = 1 << 8;

/// Types of interfaces (include/uapi/linux/if_arp.h) whose frames have an Ethernet
/// header where XDP runs.
const ETHERNET_TYPES: [u16; 2] = [1, ARPHRD_LOOPBACK];
const ARPHRD_LOOPBACK: u16 = 772;

/// Types whose packets begin with the IP header there: the receive functions of
/// these drivers put the start of the link header at the IP header.
/// (`skb_reset_mac_header()`; of tunnels since Linux 5.14.)
const BARE_IP_TYPES: [u16; 6] = [
    512,   // ARPHRD_PPP
    519,   // ARPHRD_RAWIP: modems
    768,   // ARPHRD_TUNNEL: IP in IP
    769,   // ARPHRD_TUNNEL6
    776,   // ARPHRD_SIT
    65534, // ARPHRD_NONE: tun, WireGuard
];

/// Drivers with one of these types that keep the header of the interface below:
/// `xfrm_input()` moves it before the inner packet (net/xfrm/xfrm_input.c).
const KEEP_OUTER_HEADER: [&str; 3] = ["xfrm", "vti", "vti6"];

/// Names of other types.
const OTHER_TYPES: [(u16, &str); 10] = [
    (32, "InfiniBand"),
    (280, "CAN"),
    (778, "GRE, whose frames may begin with the outer header"),
    (801, "IEEE 802.11"),
    (802, "IEEE 802.11 with Prism header"),
    (803, "IEEE 802.11 with radiotap"),
    (804, "IEEE 802.15.4"),
    (823, "GRE over IPv6, whose frames may begin with the outer header"),
    (824, "Netlink monitor"),
    (825, "IPv6 over low-power radio"),
];

/// What frames of an interface begin with where XDP runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkLayer {
    /// An Ethernet header.
    Ethernet,
    /// The IP header.
    Ip,
    /// Another type of link.
    Other {
        /// Type of the interface, one of `ARPHRD_*`.
        number: u16,
        /// The name of the type or of the driver, where it is known.
        name: Option<String>,
    },
}

/// What is done to frames of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offloads {
    /// VLAN tags are taken out of received frames (`rxvlan`).
    pub strips_vlan: bool,
    /// What makes one packet of several before generic XDP, by the names that
    /// `ethtool -K` gives it: `gro`; on loopback, whose packets come as they are
    /// sent, `tso` and `gso`.
    pub merging: Vec<&'static str>,
    /// One end of a veth pair: what the other end does not split or tag itself
    /// comes as it is.
    pub is_veth: bool,
}

impl Interface {
    /// What frames of the interface begin with.
    ///
    /// # Errors
    /// [`Error::NoInterface`] if it is gone, [`Error::Kernel`].
    pub fn link_layer(&self) -> Result<LinkLayer, Error> {
        let number = self.hardware_type()?;
        let driver = self.driver();
        if KEEP_OUTER_HEADER.contains(&driver.as_str()) {
            return Ok(LinkLayer::Other { number, name: Some(driver) });
        }
        let name = OTHER_TYPES.iter().find(|(other, _)| *other == number);
        Ok(match number {
            _ if ETHERNET_TYPES.contains(&number) => LinkLayer::Ethernet,
            _ if BARE_IP_TYPES.contains(&number) => LinkLayer::Ip,
            _ => LinkLayer::Other { number, name: name.map(|(_, name)| (*name).to_owned()) },
        })
    }

    /// What is done to frames of the interface.
    ///
    /// # Errors
    /// As [`Interface::link_layer`].
    pub fn offloads(&self) -> Result<Offloads, Error> {
        let merging: &[(&str, u32)] = if self.hardware_type()? == ARPHRD_LOOPBACK {
            &[("tso", ETHTOOL_GTSO), ("gso", ETHTOOL_GGSO)]
        } else {
            &[("gro", ETHTOOL_GGRO)]
        };
        let mut found = Vec::new();
        for &(name, command) in merging {
            if self.ethtool(command)? != 0 {
                found.push(name);
            }
        }
        Ok(Offloads {
            strips_vlan: self.ethtool(ETHTOOL_GFLAGS)? & ETH_FLAG_RXVLAN != 0,
            merging: found,
            is_veth: self.driver() == "veth",
        })
    }

    fn hardware_type(&self) -> Result<u16, Error> {
        sys::hardware_type(&self.name).map_err(|source| self.failed(source))
    }

    /// 0 where the driver does not know the command.
    fn ethtool(&self, command: u32) -> Result<u32, Error> {
        match sys::ethtool_value(&self.name, command) {
            Ok(value) => Ok(value),
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(0),
            Err(source) => Err(self.failed(source)),
        }
    }

    /// Empty where the driver does not say.
    fn driver(&self) -> String {
        sys::ethtool_driver(&self.name).unwrap_or_default()
    }

    fn failed(&self, source: io::Error) -> Error {
        match source.raw_os_error() {
            Some(libc::ENODEV) => Error::NoInterface { interface: self.name.clone() },
            _ => Error::kernel(Action::LookAtInterface, source),
        }
    }
}

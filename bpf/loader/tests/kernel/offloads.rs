//! Types and offloads of interfaces, as the kernel tells them.

use std::process::Command;

use skxc_bpf::{Error, Interface, LinkLayer};

use crate::setup::{in_namespace, ip, privileged, say};

fn find(name: &str) -> Interface {
    Interface::find(name).expect("it was made")
}

/// Types `ethtool -K` with these arguments; false where there is no such tool.
fn ethtool(arguments: &[&str]) -> bool {
    match Command::new("ethtool").arg("-K").args(arguments).output() {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "ethtool -K {arguments:?}: {errors}");
            true
        }
        Err(error) => {
            say(&format!("skipped: ethtool: {error}"));
            false
        }
    }
}

#[test]
fn what_frames_begin_with_goes_by_the_type_of_the_interface() {
    if privileged().is_none() {
        return;
    }
    in_namespace(|| {
        ip(&["link", "add", "near", "type", "veth", "peer", "name", "far"]);
        ip(&["tuntap", "add", "bare", "mode", "tun"]);
        ip(&["tuntap", "add", "framed", "mode", "tap"]);
        for (name, expected) in [
            ("lo", LinkLayer::Ethernet),
            ("near", LinkLayer::Ethernet),
            ("framed", LinkLayer::Ethernet),
            ("bare", LinkLayer::Ip),
        ] {
            assert_eq!(find(name).link_layer().expect("it is there"), expected, "{name}");
        }
        let gone = find("near");
        ip(&["link", "del", "near"]);
        assert!(matches!(gone.link_layer(), Err(Error::NoInterface { .. })));
        assert!(matches!(gone.offloads(), Err(Error::NoInterface { .. })));
    });
}

#[test]
fn offloads_are_those_that_ethtool_turns_on_and_off() {
    if privileged().is_none() {
        return;
    }
    in_namespace(|| {
        ip(&["link", "add", "near", "type", "veth", "peer", "name", "far"]);
        let offloads = |name| find(name).offloads().expect("it is there");
        assert!(offloads("near").is_veth && !offloads("lo").is_veth);
        assert!(!offloads("lo").strips_vlan);
        assert_eq!(offloads("lo").merging, ["tso", "gso"]);
        for on in [true, false] {
            let word = if on { "on" } else { "off" };
            if !ethtool(&["near", "rxvlan", word, "gro", word]) {
                return;
            }
            assert_eq!(offloads("near").strips_vlan, on);
            assert_eq!(offloads("near").merging.is_empty(), !on);
        }
        ethtool(&["lo", "tso", "off", "gso", "off"]);
        assert!(offloads("lo").merging.is_empty());
    });
}

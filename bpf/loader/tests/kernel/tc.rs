//! The parser at tc, where the kernel has taken the outer VLAN tag out of the
//! frame and keeps it beside it.

use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use libbpf_rs::{TC_INGRESS, TcHookBuilder};
use skxc_bpf::Interface;

use crate::parser::{Bench, everything, frames};
use crate::setup::{in_namespace, ip};

#[test]
fn a_tag_beside_the_frame_is_parsed_as_on_the_wire() {
    let Some(bench) = Bench::load(vec![everything()]) else { return };
    in_namespace(move || {
        ip(&["link", "add", "near", "type", "veth", "peer", "name", "far"]);
        for end in ["near", "far"] {
            // The kernel's own packets would come between. No IPv6, no file.
            let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{end}/disable_ipv6"), "1");
            ip(&["link", "set", end, "mtu", "9000", "arp", "off", "up"]);
        }
        let near = Interface::find("near").expect("it was made");
        let far = Interface::find("far").expect("it was made");
        let program = bench.program("tc", 0);
        let mut hook = TcHookBuilder::new(program.as_fd())
            .ifindex(i32::try_from(far.index).expect("a small number"))
            .replace(true)
            .handle(1)
            .priority(1)
            .hook(TC_INGRESS);
        hook.create().expect("tc takes hooks");
        hook.attach().expect("tc takes the program");
        let socket = packet_socket();
        let tagged = |frame: &Vec<u8>| matches!(frame[12..14], [0x81, 0x00] | [0x88, 0xa8]);
        let (with_tags, without): (Vec<_>, Vec<_>) = frames().into_iter().partition(tagged);
        assert!(with_tags.len() >= 3);
        for frame in with_tags.iter().chain(&without) {
            bench.forget();
            send(&socket, &near, frame);
            let sent = Instant::now();
            while bench.is_unwritten() && sent.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(1));
            }
            bench.compare("tc", 0, frame);
        }
    });
}

#[allow(unsafe_code)]
fn packet_socket() -> OwnedFd {
    // SAFETY: makes a socket and touches no memory.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    assert!(fd >= 0, "socket: {}", std::io::Error::last_os_error());
    // SAFETY: the kernel just made the descriptor for us.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

#[allow(unsafe_code)]
fn send(socket: &OwnedFd, interface: &Interface, frame: &[u8]) {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: 0,
        sll_ifindex: i32::try_from(interface.index).expect("a small number"),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    // SAFETY: the frame and the address are readable for the lengths given.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const address).cast(),
            size_of_val(&address) as u32,
        )
    };
    assert_eq!(sent, frame.len() as isize, "sendto: {}", std::io::Error::last_os_error());
}

//! The parser at tc, where the kernel has taken the outer VLAN tag out of the
//! frame and keeps it beside it, and where packets come that nobody has split yet.

use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use libbpf_rs::{TC_INGRESS, TcHookBuilder};
use skxc_bpf::Interface;
use skxc_runtime::{Frame, Link};

use crate::parser::{Bench, everything, frames, named};
use crate::setup::{in_namespace, ip};

#[test]
fn a_tag_beside_the_frame_is_parsed_as_on_the_wire() {
    let Some(bench) = Bench::load(vec![everything()], Link::Ethernet) else { return };
    in_namespace(move || {
        let near = pair();
        attach(&bench, 0);
        let socket = packet_socket();
        let tagged = |frame: &Vec<u8>| matches!(frame[12..14], [0x81, 0x00] | [0x88, 0xa8]);
        let (with_tags, without): (Vec<_>, Vec<_>) = frames().into_iter().partition(tagged);
        assert!(with_tags.len() >= 3);
        for frame in with_tags.iter().chain(&without) {
            send_and_wait(&bench, &socket, &near, frame);
            bench.compare("tc", 0, frame);
        }
    });
}

#[test]
fn a_packet_that_nobody_has_split_is_a_merged_one() {
    let sets = vec![everything(), named(&["tcp_dest_port", "ip_ttl"])];
    let Some(bench) = Bench::load(sets, Link::Ethernet) else { return };
    in_namespace(move || {
        let near = pair();
        let socket = packet_socket();
        with_offload_headers(&socket);
        let mut frame = frames().swap_remove(0);
        frame.truncate(54);
        frame.resize(54 + 4000, 0x41);
        frame[16..18].copy_from_slice(&4040_u16.to_be_bytes());
        // ACK alone: what is split must not begin a connection.
        frame[47] = 0x10;
        // The fields of struct virtio_net_hdr (include/uapi/linux/virtio_net.h): the
        // checksum is to be made, TCP in IPv4, header bytes, bytes of a segment, where
        // the checksum begins and where it goes.
        let split = [&[1, 1][..], &words(&[54, 1448, 34, 16]), &frame].concat();
        let whole = [&[0; 10][..], &frame].concat();
        for number in 0..2 {
            attach(&bench, number);
            for (sent, merged) in [(&split, true), (&whole, false)] {
                send_and_wait(&bench, &socket, &near, sent);
                bench.compare_frame("tc", number, Frame { merged, ..(&frame).into() });
            }
        }
    });
}

/// 16-bit words in the byte order of this machine.
fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// A pair of interfaces `near` and `far`, both up; the first of them.
fn pair() -> Interface {
    ip(&["link", "add", "near", "type", "veth", "peer", "name", "far"]);
    for end in ["near", "far"] {
        // The kernel's own packets would come between. No IPv6, no file.
        let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{end}/disable_ipv6"), "1");
        ip(&["link", "set", end, "mtu", "9000", "arp", "off", "up"]);
    }
    Interface::find("near").expect("it was made")
}

/// Puts the program for a set of columns where packets come in at `far`.
fn attach(bench: &Bench, number: usize) {
    let far = Interface::find("far").expect("it was made");
    let program = bench.program("tc", number);
    let mut hook = TcHookBuilder::new(program.as_fd())
        .ifindex(i32::try_from(far.index).expect("a small number"))
        .replace(true)
        .handle(1)
        .priority(1)
        .hook(TC_INGRESS);
    hook.create().expect("tc takes hooks");
    hook.attach().expect("tc takes the program");
}

/// Sends, and waits until the program has seen it.
fn send_and_wait(bench: &Bench, socket: &OwnedFd, near: &Interface, bytes: &[u8]) {
    bench.forget();
    send(socket, near, bytes);
    let sent = Instant::now();
    while bench.is_unwritten() && sent.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(!bench.is_unwritten(), "the program did not see {bytes:02x?}");
}

/// Each packet that is sent begins with a `struct virtio_net_hdr`.
#[allow(unsafe_code)]
fn with_offload_headers(socket: &OwnedFd) {
    let on: libc::c_int = 1;
    // SAFETY: the value is an int that lives through the call.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_VNET_HDR,
            (&raw const on).cast(),
            size_of_val(&on) as u32,
        )
    };
    assert_eq!(set, 0, "setsockopt: {}", std::io::Error::last_os_error());
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

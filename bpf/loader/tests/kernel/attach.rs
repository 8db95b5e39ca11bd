//! Attaching, in network namespaces that go with their thread.

use std::net::UdpSocket;
use std::path::PathBuf;

use skxc_bpf::{
    Attached, Attachment, Error, Interface, Loaded, Loader, LockedPins, Mode, Resident,
    Whereabouts, attach_xdp, attachments, running,
};

use crate::setup::{bench, in_namespace, ip, skip};

/// A directory for pins that goes with everything in it.
struct PinRoot(PathBuf);

impl PinRoot {
    fn new(test: &str) -> Option<PinRoot> {
        if !skxc_bpf::Probe::new().bpf_file_system {
            return skip("no BPF file system at /sys/fs/bpf");
        }
        let name = format!("skxc-test-{}-{test}", std::process::id());
        Some(PinRoot(PathBuf::from("/sys/fs/bpf").join(name)))
    }

    fn lock(&self) -> LockedPins {
        LockedPins::lock(&self.0).expect("pins can be locked")
    }
}

impl Drop for PinRoot {
    fn drop(&mut self) {
        for attachment in attachments(&self.0).unwrap_or_default() {
            let _ = attachment.detach(&self.lock());
        }
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load(object: &[u8], action: u32) -> Loaded {
    let actions: Vec<u8> = [0, action].iter().flat_map(|action| action.to_ne_bytes()).collect();
    Loader::new(object)
        .expect("an object")
        .program("bench_xdp")
        .variable("bench_actions", &actions)
        .load()
        .expect("it loads")
}

/// Sends packets to ourselves over the loopback interface.
fn send(packets: u32) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let to = socket.local_addr().expect("an address");
    for _ in 0..packets {
        socket.send_to(b"hello", to).expect("it is sent");
    }
}

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

#[test]
fn an_attachment_counts_and_goes() {
    let Some(object) = bench() else { return };
    let Some(root) = PinRoot::new("counts") else { return };
    in_namespace(|| {
        let lo = Interface::find("lo").expect("lo is there");
        let loaded = load(&object, XDP_PASS);
        let Attached { attachment, mode, not_native } =
            attach_xdp(&loaded, "bench_xdp", "bench", &lo, None, &root.lock())
                .expect("it attaches");
        drop(loaded);
        assert_eq!(mode, Mode::Generic, "lo has no native mode");
        let Some(Error::Mode { said, mode: Mode::Native, .. }) = not_native else {
            panic!("{not_native:?}")
        };
        // Kernels before 5.9 say nothing.
        assert!(said.is_empty() || said.contains("native"), "{said}");
        send(3);

        let listed = attachments(&root.0).expect("the pins are readable");
        assert_eq!(listed, std::slice::from_ref(&attachment));
        let info = attachment.info().expect("it is attached");
        assert_eq!((info.interface_index, info.mode), (Some(lo.index), Some(Mode::Generic)));
        let counters = attachment.counters("counters").expect("counters are pinned");
        assert_eq!(counters.len(), 3);
        assert_eq!(counters[1].packets, 3);
        assert_eq!(counters[1].bytes, 3 * (14 + 20 + 8 + 5));
        let program = Resident::find(info.program.id).expect("root may look");
        let program = program.expect("it is of skxc");
        assert_eq!(program.model(), "bench");
        let id = program.constant("build_id").expect("a constant");
        assert!(id.starts_with(b"0123456789abcdef\0"));
        assert_eq!(program.constant("classes"), Some(&b"good\0bad\0"[..]));
        assert_eq!(program.words("actions"), Some(vec![0, XDP_PASS]));
        assert_eq!(program.words("shadow"), Some(vec![0]));
        assert_eq!(program.constant("nothing"), None);
        assert_eq!(program.counters().expect("counters are held"), counters);

        attachment.detach(&root.lock()).expect("it detaches");
        assert_eq!(attachments(&root.0).expect("none are there"), []);
        assert!(!root.0.exists(), "no directory stays");
        let again = load(&object, XDP_PASS);
        attach_xdp(&again, "bench_xdp", "bench", &lo, None, &root.lock())
            .expect("lo is free again");
    });
}

#[test]
fn a_second_attachment_is_refused_and_leaves_nothing() {
    let Some(object) = bench() else { return };
    let Some(root) = PinRoot::new("second") else { return };
    in_namespace(|| {
        let lo = Interface::find("1").expect("lo is interface 1");
        assert_eq!(lo.name, "lo");
        let loaded = load(&object, XDP_PASS);
        let attach =
            |name, mode| attach_xdp(&loaded, "bench_xdp", name, &lo, mode, &root.lock()).map(drop);
        assert!(matches!(attach("bench", Some(Mode::Native)), Err(Error::Mode { .. })));
        assert!(!root.0.exists(), "what was pinned is unpinned");
        attach("bench", Some(Mode::Generic)).expect("it attaches");
        assert!(matches!(attach("bench", None), Err(Error::Pinned { .. })));
        assert!(matches!(attach("other", Some(Mode::Generic)), Err(Error::Busy { .. })));
        assert_eq!(attachments(&root.0).expect("readable").len(), 1);
        let missing = Interface::find("no-such-if");
        assert!(matches!(missing, Err(Error::NoInterface { .. })));
    });
}

#[test]
fn what_a_killed_attach_left_gives_way() {
    let Some(object) = bench() else { return };
    let Some(root) = PinRoot::new("killed") else { return };
    in_namespace(|| {
        let lo = Interface::find("lo").expect("lo is there");
        let loaded = load(&object, XDP_PASS);
        let attach = || attach_xdp(&loaded, "bench_xdp", "bench", &lo, None, &root.lock());
        let Attached { attachment, .. } = attach().expect("it attaches");
        let path = attachment.path.clone();
        attachment.detach(&root.lock()).expect("it detaches");
        std::fs::create_dir_all(&path).expect("pins have a directory");
        let Attached { attachment, .. } = attach().expect("a directory without a link gives way");
        attachment.detach(&root.lock()).expect("it detaches");
        assert!(!root.0.exists(), "no directory stays");
    });
}

#[test]
fn interfaces_of_two_namespaces_may_have_one_name() {
    let Some(object) = bench() else { return };
    let Some(root) = PinRoot::new("namespaces") else { return };
    let attach = || {
        let lo = Interface::find("lo").expect("lo is there");
        attach_xdp(&load(&object, XDP_PASS), "bench_xdp", "bench", &lo, None, &root.lock())
    };
    in_namespace(|| {
        let Attached { attachment: outer, .. } = attach().expect("it attaches");
        in_namespace(|| {
            assert_eq!(attachments(&root.0).expect("readable"), []);
            let Attached { attachment: inner, .. } =
                attach().expect("another namespace has its own pins");
            assert_ne!(inner.path, outer.path);
        });
        assert_eq!(attachments(&root.0).expect("readable"), std::slice::from_ref(&outer));
        outer.detach(&root.lock()).expect("it detaches");
        // The inner namespace is gone, what was pinned there goes with the next attach.
        let mut left = true;
        for _ in 0..50 {
            let Attached { attachment: again, .. } = attach().expect("it attaches again");
            again.detach(&root.lock()).expect("it detaches");
            left = root.0.exists();
            if !left {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        assert!(!left, "no directory stays");
    });
}

#[test]
fn native_mode_on_a_virtual_cable_with_a_dot_in_its_name() {
    let Some(object) = bench() else { return };
    let Some(root) = PinRoot::new("native") else { return };
    in_namespace(|| {
        ip(&["link", "add", "cable.1", "type", "veth", "peer", "name", "cable.2"]);
        let interface = Interface::find("cable.1").expect("it was made");
        let loaded = load(&object, XDP_PASS);
        let Attached { attachment, mode, not_native } =
            attach_xdp(&loaded, "bench_xdp", "bench", &interface, None, &root.lock())
                .expect("it attaches");
        assert_eq!(mode, Mode::Native);
        assert!(not_native.is_none(), "{not_native:?}");
        assert_eq!(attachments(&root.0).expect("readable")[0].interface, "cable.1");
        let running = running().expect("the kernel tells");
        assert_eq!((running.len(), running[0].interface.index), (1, interface.index));
        let program = running[0].resident().expect("root may look").expect("it is of skxc");
        assert_eq!(program.model(), "bench");
        assert_eq!(attachment.info().expect("it is attached").whereabouts, Whereabouts::Here);
        ip(&["link", "delete", "cable.1"]);
        let info = attachment.info().expect("the pins are still there");
        assert_eq!((info.interface_index, info.mode), (None, None));

        ip(&["link", "add", "cable.1", "type", "veth", "peer", "name", "cable.2"]);
        let interface = Interface::find("cable.1").expect("it was made again");
        let Attached { attachment, .. } =
            attach_xdp(&loaded, "bench_xdp", "bench", &interface, None, &root.lock())
                .expect("stale pins give way");
        ip(&["link", "delete", "cable.1"]);
        attachment.detach(&root.lock()).expect("stale pins go as well");
    });
}

#[test]
fn replacing_is_compare_and_swap() {
    let Some(object) = bench() else { return };
    let Some(root) = PinRoot::new("replace") else { return };
    in_namespace(|| {
        let lo = Interface::find("lo").expect("lo is there");
        let first = load(&object, XDP_PASS);
        let Attached { attachment, .. } =
            attach_xdp(&first, "bench_xdp", "bench", &lo, None, &root.lock()).expect("it attaches");
        let before = attachment.info().expect("it is attached").program.id;
        let second = load(&object, XDP_DROP);
        attachment.replace(&second, "bench_xdp", &root.lock()).expect("nobody else replaced it");
        let info = attachment.info().expect("it is attached");
        assert_ne!(info.program.id, before);

        // Someone else is faster: the pinned program is not the attached one.
        let third = load(&object, XDP_PASS);
        ip(&["link", "add", "cable", "type", "veth", "peer", "name", "other"]);
        let cable = Interface::find("cable").expect("it was made");
        let Attached { attachment: elsewhere, .. } =
            attach_xdp(&third, "bench_xdp", "bench", &cable, None, &root.lock())
                .expect("it attaches");
        let pin = |attachment: &Attachment| attachment.path.join("program");
        std::fs::rename(pin(&elsewhere), pin(&attachment)).expect("pins can be moved");
        let error = attachment.replace(&third, "bench_xdp", &root.lock()).expect_err("a lost race");
        let Error::Swapped { found, expected } = error else { panic!("{error:?}") };
        assert_eq!(found, info.program.id);
        assert_eq!(expected, program_id(&third));
    });
}

fn program_id(loaded: &Loaded) -> u32 {
    loaded.program("bench_xdp").expect("it is there").info().expect("info").id
}

#[test]
fn pins_need_the_bpf_file_system() {
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    in_namespace(|| {
        let root = elsewhere.path().join("skxc");
        assert!(matches!(LockedPins::lock(&root), Err(Error::NoBpfFileSystem { .. })));
        assert!(matches!(attachments(&root), Err(Error::NoBpfFileSystem { .. })));
        assert!(!root.exists());
    });
}

#[test]
fn an_attachment_keeps_its_interface_through_a_new_name_and_a_new_namespace() {
    let Some(object) = bench() else { return };
    let Some(root) = PinRoot::new("renamed") else { return };
    in_namespace(|| {
        ip(&["link", "add", "old", "type", "veth", "peer", "name", "peer"]);
        let old = Interface::find("old").expect("it was made");
        let loaded = load(&object, XDP_PASS);
        let Attached { attachment: first, .. } =
            attach_xdp(&loaded, "bench_xdp", "bench", &old, None, &root.lock())
                .expect("it attaches");
        ip(&["link", "set", "old", "name", "new"]);
        assert_eq!(attachments(&root.0).expect("readable")[0].interface, "new");

        // Another interface takes the name that is free.
        ip(&["link", "add", "old", "type", "veth", "peer", "name", "other"]);
        let second = Interface::find("old").expect("it was made");
        attach_xdp(&loaded, "bench_xdp", "bench", &second, None, &root.lock())
            .expect("the pins of the first are not in the way");
        let names: Vec<_> = attachments(&root.0).expect("readable").into_iter().collect();
        assert_eq!([&names[0].interface, &names[1].interface], ["new", "old"]);

        let here = std::fs::read_link("/proc/thread-self").expect("proc is mounted");
        let here = here.file_name().expect("a thread").to_string_lossy().into_owned();
        in_namespace(|| {
            // The kernel numbers interfaces of each namespace from 1.
            let there = std::fs::read_link("/proc/thread-self").expect("proc is mounted");
            let there = there.file_name().expect("a thread").to_string_lossy().into_owned();
            let net = format!("--net=/proc/{here}/ns/net");
            let moved = std::process::Command::new("nsenter")
                .args([net.as_str(), "ip", "link", "set", "new", "netns", &there])
                .status();
            assert!(moved.expect("nsenter runs").success());
            assert_eq!(running().expect("the kernel tells").len(), 1);
            let found = attachments(&root.0).expect("readable");
            assert_eq!((found.len(), found[0].interface.as_str()), (1, "new"));
            assert!(found[0].moved_from.is_some() && found[0].path == first.path);
            let info = found[0].info().expect("it is attached");
            assert_eq!((info.whereabouts, info.mode), (Whereabouts::Here, Some(Mode::Native)));
            // Taken off where it is now, its pins go as well.
            found[0].clone().detach(&root.lock()).expect("it detaches");
            assert_eq!(running().expect("the kernel tells"), []);
            assert!(!first.path.exists());
        });
        assert_eq!(attachments(&root.0).expect("readable").len(), 1);
    });
}

#[test]
fn what_has_no_pins_is_found_and_taken_off() {
    let Some(object) = bench() else { return };
    let Some(root) = PinRoot::new("unpinned") else { return };
    in_namespace(|| {
        let lo = Interface::find("lo").expect("lo is there");
        let loaded = load(&object, XDP_DROP);
        let Attached { attachment, .. } =
            attach_xdp(&loaded, "bench_xdp", "bench", &lo, None, &root.lock())
                .expect("it attaches");
        // The last pin that holds the link goes elsewhere, as in another mount of bpffs.
        let elsewhere = root
            .0
            .with_extension("")
            .with_file_name(format!("skxc-test-{}-elsewhere", std::process::id()));
        std::fs::rename(attachment.path.join("link"), &elsewhere).expect("pins can be moved");
        let found = running().expect("the kernel tells");
        let taken = found[0].detach();
        std::fs::remove_file(&elsewhere).expect("the pin goes");
        taken.expect("it is taken off");
        assert_eq!(running().expect("the kernel tells"), []);
        attachment.detach(&root.lock()).expect("what is left goes");
    });
}

#[test]
fn a_detach_never_sees_an_attach_by_half() {
    let Some(object) = bench() else { return };
    let Some(root) = PinRoot::new("half") else { return };
    in_namespace(|| {
        let lo = Interface::find("lo").expect("lo is there");
        let loaded = load(&object, XDP_DROP);
        std::thread::scope(|scope| {
            let locked = root.lock();
            let (about_to_lock, started) = std::sync::mpsc::channel();
            let detaching = scope.spawn({
                let root = &root;
                move || {
                    about_to_lock.send(()).expect("somebody waits");
                    let locked = root.lock();
                    let found = attachments(&root.0).expect("readable");
                    let number = found.len();
                    found.into_iter().for_each(|it| it.detach(&locked).expect("it detaches"));
                    number
                }
            });
            started.recv().expect("the detach starts");
            attach_xdp(&loaded, "bench_xdp", "bench", &lo, None, &locked).expect("it attaches");
            drop(locked);
            let number = detaching.join().expect("no panic");
            assert_eq!(number, 1);
        });
        assert_eq!(running().expect("the kernel tells"), []);
        assert!(!root.0.exists(), "no directory stays");
    });
}

#[test]
fn an_mtu_beyond_a_page_is_named_and_generic_mode_takes_it() {
    let Some(object) = bench() else { return };
    let Some(root) = PinRoot::new("mtu") else { return };
    in_namespace(|| {
        ip(&["link", "add", "jumbo", "mtu", "9000", "type", "veth", "peer", "name", "peer"]);
        ip(&["link", "set", "peer", "mtu", "9000"]);
        let jumbo = Interface::find("jumbo").expect("it was made");
        let loaded = load(&object, XDP_PASS);
        let attach = |mode| attach_xdp(&loaded, "bench_xdp", "bench", &jumbo, mode, &root.lock());
        let error = attach(Some(Mode::Native)).map(drop);
        assert!(matches!(error, Err(Error::MtuTooLarge { mtu: 9000, .. })), "{error:?}");
        let attached = attach(None).expect("it attaches");
        assert_eq!(attached.mode, Mode::Generic);
        let Some(Error::MtuTooLarge { said, .. }) = attached.not_native else {
            panic!("{attached:?}")
        };
        assert_eq!(said, "veth: Peer MTU is too large to set XDP");
    });
}

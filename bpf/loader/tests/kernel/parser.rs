//! The parser in the kernel against the same source in user space.
//!
//! One object has a program for each feature alone, for all of them, for the
//! 22 that SkimXDP has and for sets drawn at random, at XDP and at tc each, for
//! frames with an Ethernet header and without.
//! Every program must pass the verifier and give, for packets whole and cut
//! short anywhere, what `skxc_runtime::parse` gives for the same columns.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use skxc_bpf::{Error, Loaded, Loader, Program, Values};
use skxc_runtime::{FEATURES, Frame, Link, Needs, parse};

use crate::setup::{compile, privileged, say};

/// A set of columns: indices into `FEATURES`.
type Columns = Vec<usize>;

pub(crate) const SKIMXDP: [&str; 22] = [
    "ip_ihl",
    "ip_version",
    "ip_precedence",
    "ip_total_length",
    "ip_frag_offset",
    "ip_ttl",
    "ip_protocol",
    "tcp_source_port",
    "tcp_dest_port",
    "tcp_sequence_num",
    "tcp_ack_num",
    "tcp_window_size",
    "tcp_urgent_pointer",
    "tcp_cwr_flag",
    "tcp_ece_flag",
    "tcp_urg_flag",
    "tcp_ack_flag",
    "tcp_psh_flag",
    "tcp_rst_flag",
    "tcp_syn_flag",
    "tcp_fin_flag",
    "packet_length",
];

pub(crate) fn named(names: &[&str]) -> Columns {
    names.iter().map(|name| skxc_runtime::find(name).expect("a feature").0).collect()
}

pub(crate) fn everything() -> Columns {
    (0..FEATURES.len()).collect()
}

/// Sets of columns drawn by a generator of fixed seed (SplitMix64), so that a
/// failure comes again.
fn drawn(count: usize) -> Vec<Columns> {
    let mut state = 0x5eed_u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    (0..count)
        .map(|_| {
            let bits = next() & next();
            (0..FEATURES.len()).filter(|index| bits >> index & 1 == 1).collect()
        })
        .collect()
}

fn needs(columns: &Columns) -> Needs {
    columns.iter().fold(Needs::NOTHING, |needs, &index| needs.union(FEATURES[index].needs))
}

const HOOKS: [(&str, &str); 2] = [("xdp", "xdp_md"), ("tc", "__sk_buff")];

/// A program `HOOK_NUMBER` for each set of columns and hook, which leaves
/// reason and values in the map `values`.
fn source(sets: &[Columns]) -> String {
    let mut text = format!(
        "#include \"skxc/parse.h\"\n\
         struct values {{ __u32 reason; __u32 value[{}]; }};\n\
         struct {{\n\
         \t__uint(type, BPF_MAP_TYPE_ARRAY);\n\
         \t__uint(map_flags, BPF_F_MMAPABLE);\n\
         \t__uint(max_entries, 1);\n\
         \t__type(key, __u32);\n\
         \t__type(value, struct values);\n\
         }} values SEC(\".maps\");\n\
         const volatile __u32 layer3 = 0;\n\
         char test_license[] SEC(\"license\") = \"Dual BSD/GPL\";\n",
        FEATURES.len()
    );
    for (number, columns) in sets.iter().enumerate() {
        for (hook, context) in HOOKS {
            write!(
                text,
                "SEC(\"{hook}\")\nint {hook}_{number}(struct {context} *ctx)\n{{\n\
                 \tstruct skxc_headers h;\n\t__u32 zero = 0;\n\
                 \tstruct values *v = bpf_map_lookup_elem(&values, &zero);\n\
                 \tif (!v)\n\t\treturn 0;\n\
                 \tv->reason = skxc_parse_{hook}(ctx, &h, {:#x}, layer3);\n\
                 \tif (v->reason)\n\t\treturn 0;\n",
                needs(columns).bits()
            )
            .expect("writing to a string");
            for &index in columns {
                let accessor = FEATURES[index].accessor;
                writeln!(text, "\tv->value[{index}] = {accessor}(&h);")
                    .expect("writing to a string");
            }
            text.push_str("\treturn 0;\n}\n");
        }
    }
    text
}

/// Loaded programs, and the map that they leave their values in.
pub(crate) struct Bench {
    loaded: Loaded,
    values: RefCell<Values>,
    sets: Vec<Columns>,
    link: Link,
}

pub(crate) const LINKS: [Link; 2] = [Link::Ethernet, Link::Ip];

impl Bench {
    /// Loads programs for these sets of columns, if the machine can.
    pub(crate) fn load(sets: Vec<Columns>, link: Link) -> Option<Bench> {
        let object = compile(&source(&sets), false)?;
        privileged()?;
        let layer3 = u32::from(link == Link::Ip);
        let loader = Loader::new(&object).expect("an object");
        let loaded = loader.variable("layer3", &layer3.to_ne_bytes()).load();
        let loaded = loaded.unwrap_or_else(|error| panic!("{error:?}"));
        let values = loaded.map("values").expect("a map").values().expect("it is mmapable");
        Some(Bench { loaded, values: RefCell::new(values), sets, link })
    }

    /// The program for a set of columns at a hook.
    pub(crate) fn program(&self, hook: &str, number: usize) -> Program<'_> {
        self.loaded.program(&format!("{hook}_{number}")).expect("it is loaded")
    }

    /// Runs every program on a frame and compares.
    fn check(&self, frame: &[u8]) {
        for number in 0..self.sets.len() {
            for (hook, _) in HOOKS {
                self.forget();
                match self.program(hook, number).test_run(frame, 1) {
                    Ok(_) => {}
                    // net/bpf/test_run.c makes a packet buffer only of what
                    // has a whole IP header, if it says that it is IP.
                    Err(Error::Kernel { .. }) if hook == "tc" && frame.len() < 14 + 40 => continue,
                    Err(error) => panic!("{hook} {error:?} {frame:02x?}"),
                }
                self.compare(hook, number, frame);
            }
        }
    }

    /// Compares what a program has left with what user space says.
    pub(crate) fn compare(&self, hook: &str, number: usize, frame: &[u8]) {
        self.compare_frame(hook, number, Frame::whole(frame, self.link));
    }

    /// The same for a frame that came in another form than its bytes say.
    pub(crate) fn compare_frame(&self, hook: &str, number: usize, frame: Frame<'_>) {
        let columns = &self.sets[number];
        let expected = parse(frame, needs(columns));
        let frame = frame.data;
        let reason = expected.reason.map_or(0, |reason| reason.number());
        assert_eq!(self.word(0), reason, "{hook} {columns:?} {frame:02x?}");
        if expected.reason.is_some() {
            return;
        }
        for &index in columns {
            let name = FEATURES[index].name;
            let value = expected.values[index];
            assert_eq!(self.word(1 + index), value, "{hook} {name} {frame:02x?}");
        }
    }

    /// Overwrites what programs have left, with what none leaves.
    pub(crate) fn forget(&self) {
        let mut values = self.values.borrow_mut();
        let unwritten = vec![0xff; values.value_bytes()];
        values.write(0, 0, &unwritten);
    }

    /// Whether no program has run since [`Bench::forget`].
    pub(crate) fn is_unwritten(&self) -> bool {
        self.word(0) == u32::MAX
    }

    fn word(&self, index: usize) -> u32 {
        let mut bytes = [0; 4];
        self.values.borrow().read(0, 4 * index, &mut bytes);
        u32::from_ne_bytes(bytes)
    }
}

/// The frames of [`frames`] as such a link carries them.
fn frames_on(link: Link) -> Vec<Vec<u8>> {
    match link {
        Link::Ethernet => frames(),
        Link::Ip => frames().into_iter().map(|frame| frame[14..].to_vec()).collect(),
    }
}

/// Frames that take every path through the parser.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let hex = |text: &str| -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| {
                let pair = str::from_utf8(pair).expect("ASCII");
                u8::from_str_radix(pair, 16).expect("digits")
            })
            .collect()
    };
    let eth = "020000000001 020000000002";
    let ip4 = |first: &str, fragment: &str, protocol: &str| {
        format!("{first}b90040 1234{fragment} 40{protocol}abcd 0a000001 0a000002")
    };
    let ip6 = |next: &str| format!("6b90abcd 0030{next}40 {0}{0}", "20010db8".repeat(4));
    let tcp = "c3cd01bb deadbeef cafef00d 5f920400 abcd0102 68656c6c6f";
    let udp = "00358000 000babcd 616263";
    let icmp = "0803abcd 00010002 6461";
    let ext = |next: &str, units: u8| {
        format!("{next}{units:02x}0102 03040506 {}", "11".repeat(8 * usize::from(units)))
    };
    let texts = [
        format!("{eth} 0800 {} {tcp}", ip4("45", "4000", "06")),
        format!("{eth} 0800 {} 01010101 {udp}", ip4("46", "2000", "11")),
        format!("{eth} 0800 {} {icmp}", ip4("45", "0000", "01")),
        format!("{eth} 0800 {} {tcp}", ip4("45", "20b9", "06")),
        format!("{eth} 0800 {} {tcp}", ip4("4f", "0000", "06")),
        format!("{eth} 0800 {} {tcp}", ip4("44", "0000", "06")),
        format!("{eth} 0800 {} {tcp}", ip4("65", "0000", "06")),
        format!("{eth} 8100 e123 0800 {} {udp}", ip4("45", "0000", "11")),
        format!("{eth} 88a8 0abc 8100 0001 86dd {} {tcp}", ip6("06")),
        format!("{eth} 8100 0001 8100 0002 8100 0003 0800 {}", ip4("45", "0000", "06")),
        format!("{eth} 86dd {} {udp}", ip6("11")),
        format!("{eth} 86dd {} {icmp}", ip6("3a")),
        format!("{eth} 86dd {} {} {} {udp}", ip6("00"), ext("2b", 1), ext("11", 0)),
        format!("{eth} 86dd {} 06000001 12345678 {tcp}", ip6("2c")),
        format!("{eth} 86dd {} 06000551 12345678 {tcp}", ip6("2c")),
        format!("{eth} 86dd {} {} {tcp}", ip6("3c"), ext("32", 0)),
        format!("{eth} 86dd {} {} {tcp}", ip6("3c"), ext("3c", 0).repeat(7) + &ext("06", 0)),
        format!("{eth} 86dd {} {} {tcp}", ip6("3c"), ext("3c", 0).repeat(8) + &ext("06", 0)),
        format!("{eth} 86dd {} {} {udp}", ip6("00"), ext("11", 255)),
        format!("{eth} 0806 0001 0800 0604 0001 {}", "00".repeat(20)),
        // Payload length 0: a jumbogram before hop-by-hop options alone.
        format!("{eth} 86dd {} {} {udp}", ip6("00").replacen("0030", "0000", 1), ext("11", 0)),
    ];
    let frames: Vec<Vec<u8>> = texts.iter().map(|text| hex(text)).collect();
    frames.iter().flat_map(|frame| [frame.clone()].into_iter().chain(forged(frame))).collect()
}

/// The frame with lengths in its IP header that end within each header.
fn forged(frame: &[u8]) -> Vec<Vec<u8>> {
    let (place, lengths) = match frame[12..14] {
        [0x08, 0x00] => (16, [0, 19, 20, 23, 24, 27, 39, 40]),
        [0x86, 0xdd] => (18, [0, 4, 7, 8, 15, 16, 19, 35]),
        _ => return Vec::new(),
    };
    let state = |length: u16| {
        let mut frame = frame.to_vec();
        frame[place..place + 2].copy_from_slice(&length.to_be_bytes());
        frame
    };
    lengths.into_iter().map(state).collect()
}

#[test]
fn every_set_of_columns_loads_and_agrees_with_user_space() {
    let mut sets: Vec<Columns> = (0..FEATURES.len()).map(|index| vec![index]).collect();
    sets.push(Columns::new());
    sets.push(everything());
    sets.push(named(&SKIMXDP));
    sets.extend(drawn(16));
    for link in LINKS {
        let Some(bench) = Bench::load(sets.clone(), link) else { return };
        for frame in frames_on(link) {
            bench.check(&frame);
        }
        let mut most = 0;
        for number in 0..bench.sets.len() {
            for (hook, _) in HOOKS {
                let info = bench.program(hook, number).info().expect("info");
                most = most.max(info.verified_insns);
            }
        }
        say(&format!("{link:?}: most instructions that the verifier processed: {most}"));
        // Linux 6.1 takes 72,000 where 6.12 and newer take less than 50,000.
        assert!(most < 100_000, "parsing must leave the verifier's million to the model: {most}");
    }
}

#[test]
fn frames_cut_anywhere_agree_with_user_space() {
    let sets = vec![everything(), named(&SKIMXDP), named(&["packet_length"])];
    for link in LINKS {
        let Some(bench) = Bench::load(sets.clone(), link) else { return };
        for frame in frames_on(link) {
            for length in 14..frame.len().min(300) {
                bench.check(&frame[..length]);
            }
        }
    }
}

/// The captures beside the project, if they are there.
pub(crate) fn captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = root
        .join(std::env::var_os("SKXC_SHARED").unwrap_or_else(|| "../shared".into()))
        .join("data");
    let mut found: Vec<PathBuf> = ["attack", "benign", "edge"]
        .into_iter()
        .filter_map(|set| std::fs::read_dir(data.join(set)).ok())
        .flat_map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pcap"))
        .collect();
    found.sort();
    found
}

/// The frames of a classic little-endian capture; others are passed over. The
/// link type does not matter here: bytes are bytes to both parsers.
pub(crate) fn frames_of(capture: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    let Some((header, mut rest)) = capture.split_at_checked(24) else { return frames };
    if header[..4] != [0xd4, 0xc3, 0xb2, 0xa1] {
        return frames;
    }
    while let Some((record, after)) = rest.split_at_checked(16) {
        let length = u32::from_le_bytes(record[8..12].try_into().expect("4 bytes")) as usize;
        let Some((frame, after)) = after.split_at_checked(length) else { break };
        frames.push(frame);
        rest = after;
    }
    frames
}

#[test]
fn captures_agree_with_user_space() {
    let captures = captures();
    if captures.is_empty() {
        return say("skipped: no captures (SKXC_SHARED)");
    }
    let Some(bench) = Bench::load(vec![everything()], Link::Ethernet) else { return };
    let mut packets = 0;
    for path in captures {
        let capture = std::fs::read(&path).expect("the capture is readable");
        // One page less what the kernel keeps for itself is the most there is.
        for frame in frames_of(&capture).iter().filter(|it| (14..=3000).contains(&it.len())) {
            bench.check(frame);
            packets += 1;
        }
    }
    say(&format!("{packets} packets alike in the kernel (XDP, tc) and in user space"));
}

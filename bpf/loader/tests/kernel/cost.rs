//! What parsing costs, beside an empty program in the same run.
//!
//! Absolute figures say little on a shared machine, so nothing is asserted;
//! run with `--nocapture` to read them.

use std::fmt::Write as _;

use skxc_bpf::{Loaded, Loader};
use skxc_runtime::{FEATURES, Needs};

use crate::parser::{SKIMXDP, captures, frames_of, named};
use crate::setup::{compile, privileged, say};

/// Bytes of a packet that the programs see.
const FRAME_BYTES: usize = 96;
/// Different packets that the programs go round on.
const FRAMES: usize = 16_384;
const REPEAT: u32 = 5_000_000;

/// The programs of cost.bpf.c for all 22 features of SkimXDP.
fn source() -> String {
    let columns = named(&SKIMXDP);
    let needs = columns.iter().fold(Needs::NOTHING, |all, &it| all.union(FEATURES[it].needs));
    let (mut members, mut reads) = (String::new(), String::new());
    for &index in &columns {
        let feature = &FEATURES[index];
        let (ty, name) = (feature.c_type.name(), feature.name);
        write!(members, "{ty} {name}; ").expect("writing to a string");
        write!(reads, "f->{name} = {}(&h); ", feature.accessor).expect("writing to a string");
    }
    format!(
        "#define MEMBERS {members}\n#define READS {reads}\n#define NEEDS {:#x}\n\
         #define FRAMES {FRAMES}\n#define FRAME_BYTES {FRAME_BYTES}\n{}",
        needs.bits(),
        include_str!("cost.bpf.c"),
    )
}

fn nanoseconds(loaded: &Loaded, program: &str, packet: &[u8]) -> u32 {
    let program = loaded.program(program).expect("it is loaded");
    (0..3)
        .map(|_| program.test_run(packet, REPEAT).expect("it runs").nanoseconds)
        .min()
        .expect("there were runs")
}

#[test]
fn parsing_beside_an_empty_program() {
    if privileged().is_none() {
        return;
    }
    let Some(object) = compile(&source(), false) else { return };
    let loaded = Loader::new(&object).expect("an object").load();
    let loaded = loaded.unwrap_or_else(|error| panic!("{error:?}"));

    let captures: Vec<Vec<u8>> =
        captures().iter().filter_map(|path| std::fs::read(path).ok()).collect();
    let mut packets: Vec<&[u8]> = captures.iter().flat_map(|it| frames_of(it)).collect();
    packets.retain(|packet| packet.len() >= 54);
    if packets.is_empty() {
        return say("skipped: no captures (SKXC_SHARED)");
    }
    let mut values = loaded.map("frames").expect("a map").values().expect("it is mmapable");
    for index in 0..FRAMES {
        // A step prime to their number visits them in no order of time.
        let packet = packets[index * 7919 % packets.len()];
        values.write(index, 0, &packet[..packet.len().min(FRAME_BYTES)]);
    }
    let tcp = packets.iter().find(|packet| packet[12..14] == [8, 0] && packet[23] == 6);
    let mut packet = tcp.expect("there is TCP over IPv4").to_vec();
    packet.resize(FRAME_BYTES, 0);
    for kind in ["one", "many"] {
        let empty = nanoseconds(&loaded, &format!("{kind}_empty"), &packet);
        let parse = nanoseconds(&loaded, &format!("{kind}_parse"), &packet);
        let net = i64::from(parse) - i64::from(empty);
        say(&format!("{kind}: empty {empty} ns, parsing 22 features {parse} ns, net {net} ns"));
    }
}

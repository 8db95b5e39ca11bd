//! `vm OBJECT NAME FEATURES PACKETS`: loads both programs of an object, runs its
//! test bench and then whole packets, inside a virtual machine that `cargo xtask
//! kernels` boots.
//!
//! FEATURES has one `struct NAME_features` after another. PACKETS has packets, each
//! behind a byte that is 1 if it begins with its IP header, and its length in two
//! bytes. It prints one line: `ok`, the instructions that the verifier processed of
//! NAME_xdp and of NAME_batch (0 before Linux 5.16), one `struct NAME_result` after
//! another in hexadecimal, and how each packet was counted, separated by commas: the
//! number of its class, or the reason why it has none; or `failed` and why.
//!
//! Actions are set before packets are run, so that the verdict tells a class of even
//! number from one of odd number, and reasons likewise.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};

use skxc_bpf::{Batch, Error as BpfError, Loaded, Loader};
use skxc_runtime::Reason;

/// Verdicts on classes of even and of odd number, and on such reasons: XDP_PASS,
/// XDP_DROP and XDP_TX (include/uapi/linux/bpf.h).
const OF_CLASSES: [u32; 2] = [2, 1];
const OF_REASONS: [u32; 2] = [3, 1];

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let line = match run(&arguments) {
        Ok(line) => format!("ok {line}"),
        Err(error) => format!("failed {}", reason(error.as_ref())),
    };
    writeln!(io::stdout(), "{line}")
}

fn run(arguments: &[String]) -> Result<String, Box<dyn Error>> {
    let [object, name, features, packets] = arguments else {
        return Err("usage: vm OBJECT NAME FEATURES PACKETS".into());
    };
    let (object, features, packets) = (fs::read(object)?, fs::read(features)?, fs::read(packets)?);
    let entry = format!("{name}_xdp");
    let loaded = Loader::new(&object)?.program(&entry).load()?;
    let entry_insns = loaded.program(&entry)?.info()?.verified_insns;
    let mut batch = Batch::load(Loader::new(&object)?, name, features.len())?;
    let vectors = features.len() / batch.features_bytes().max(1);
    let results = batch.run(vectors, &features)?.results;
    let mut line = format!("{entry_insns} {} ", batch.info()?.verified_insns);
    for byte in results {
        write!(line, "{byte:02x}")?;
    }
    let judged = judged(&object, name, &packets)?;
    write!(line, " {}", if judged.is_empty() { "none".to_owned() } else { judged.join(",") })?;
    Ok(line)
}

/// How each packet was counted.
fn judged(object: &[u8], name: &str, mut packets: &[u8]) -> Result<Vec<String>, Box<dyn Error>> {
    let entries = [entry(object, name, 0)?, entry(object, name, 1)?];
    let mut judged = Vec::new();
    while let [is_layer3, low, high, rest @ ..] = packets {
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let (packet, rest) = rest.split_at_checked(length).ok_or("a packet is cut short")?;
        packets = rest;
        let entry = &entries[usize::from(*is_layer3 == 1)];
        let before = counted(entry, name)?;
        let verdict = entry.program(&format!("{name}_xdp"))?.test_run(packet, 1)?.return_value;
        let after = counted(entry, name)?;
        let risen: Vec<usize> = (0..after.len()).filter(|&at| after[at] > before[at]).collect();
        let [counter] = risen[..] else {
            return Err(format!("packet {}: counters {risen:?} have risen", judged.len()).into());
        };
        let classes = after.len() - Reason::COUNT as usize;
        let (counted, wanted) = match counter.checked_sub(classes) {
            None => (counter.to_string(), OF_CLASSES[counter % 2]),
            Some(reason) => {
                let known = Reason::from_number(reason as u32).ok_or("reason 0 was counted")?;
                (known.to_string(), OF_REASONS[reason % 2])
            }
        };
        if verdict != wanted {
            let number = judged.len();
            return Err(format!("packet {number}: {verdict} for {counted}, not {wanted}").into());
        }
        judged.push(counted);
    }
    Ok(judged)
}

/// The program for interfaces with an Ethernet header, or without.
fn entry(object: &[u8], name: &str, layer3: u32) -> Result<Loaded, Box<dyn Error>> {
    let loader = Loader::new(object)?.program(&format!("{name}_xdp"));
    let actions = format!("{name}_actions");
    let classes = loader.file().variable(&actions)?.bytes / size_of::<u32>();
    let repeated = |of: [u32; 2], count| (0..count).flat_map(move |at| of[at % 2].to_ne_bytes());
    let loader = loader
        .variable(&actions, &repeated(OF_CLASSES, classes).collect::<Vec<u8>>())
        .variable(
            &format!("{name}_fallbacks"),
            &repeated(OF_REASONS, Reason::COUNT as usize).collect::<Vec<u8>>(),
        )
        .variable(&format!("{name}_shadow"), &0_u32.to_ne_bytes())
        .variable(&format!("{name}_layer3"), &layer3.to_ne_bytes());
    Ok(loader.load()?)
}

/// Packets that each counter has, first the classes, then the reasons by number.
fn counted(entry: &Loaded, name: &str) -> Result<Vec<u64>, Box<dyn Error>> {
    let counters = entry.map(&format!("{name}_counters"))?;
    let packets = |per_cpu: Vec<Vec<u8>>| {
        let first = per_cpu.iter().filter_map(|counter| counter.first_chunk::<8>());
        first.map(|packets| u64::from_ne_bytes(*packets)).sum()
    };
    let all = 0..counters.max_entries();
    Ok(all.map(|index| counters.read_per_cpu(index).map(packets)).collect::<Result<_, _>>()?)
}

/// In one line: the error, its causes, and what the verifier said last.
fn reason(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    if let Some(BpfError::Refused { log, .. }) = error.downcast_ref() {
        let mut said = log.lines().rev().filter(|line| !line.trim().is_empty());
        let last = said.find(|line| !line.starts_with("processed ")).unwrap_or_default();
        text = format!("{text}: {last}");
    }
    text.replace('\n', " ")
}

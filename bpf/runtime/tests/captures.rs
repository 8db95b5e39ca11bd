//! The parser against an independent extractor on real captures.
//!
//! `SKXC_SHARED` (default `../shared` beside the project) has `data/` with
//! captures and `data/features.csv.gz`, one row per Ethernet packet. Without
//! it the test passes and says so. Differences that the two definitions of
//! features explain are counted apart, by kind; any other fails.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use pcap_file::DataLink;
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};
use skxc_runtime::{FEATURES, Needs, Parsed, find, parse};

/// Tells whoever runs the tests with `--nocapture`.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("SKXC_SHARED").unwrap_or_else(|| "../shared".into());
    let data = root.join(shared).join("data");
    data.join("features.csv.gz").exists().then_some(data)
}

/// The Ethernet frames of a capture by their place in it, as far as it reads.
fn frames(path: &Path) -> HashMap<usize, Vec<u8>> {
    let bytes = std::fs::read(path).expect("the capture is readable");
    if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) { pcapng(&bytes) } else { pcap(&bytes) }
}

fn pcap(bytes: &[u8]) -> HashMap<usize, Vec<u8>> {
    let mut frames = HashMap::new();
    let mut reader = PcapReader::new(bytes).expect("the capture has a header");
    let mut index = 0;
    while let Some(Ok(packet)) = reader.next_raw_packet() {
        frames.insert(index, packet.data.into_owned());
        index += 1;
    }
    frames
}

fn pcapng(bytes: &[u8]) -> HashMap<usize, Vec<u8>> {
    let mut frames = HashMap::new();
    let mut reader = PcapNgReader::new(bytes).expect("the capture has a section");
    let mut index = 0;
    while let Some(Ok((block, state))) = reader.next_block() {
        let frame = match &block {
            Block::EnhancedPacket(packet) => {
                let interface = state.interfaces().get(packet.interface_id as usize);
                let ethernet = interface.is_some_and(|it| it.linktype == DataLink::ETHERNET);
                Some((ethernet, packet.data.to_vec()))
            }
            Block::SimplePacket(packet) => Some((true, packet.data.to_vec())),
            _ => None,
        };
        if let Some((ethernet, data)) = frame {
            if ethernet {
                frames.insert(index, data);
            }
            index += 1;
        }
    }
    frames
}

/// Why the extractor's value may differ, if design explains it.
fn explained(column: &str, row: &HashMap<&str, u32>, parsed: &Parsed) -> Option<&'static str> {
    let value = |name| parsed.values[find(name).expect("a feature").0];
    if column == "eth_type" && row["vlan_tags"] > 0 {
        return Some("type behind VLAN tags instead of the tag's own");
    }
    let layer_3_or_4 = !matches!(column, "eth_type" | "packet_length");
    if value("eth_type") == 0x86dd && layer_3_or_4 {
        return Some("IPv6, which the extractor does not parse");
    }
    let layer_4 = ["tcp_", "udp_", "icmp_", "l4_"].iter().any(|it| column.starts_with(it));
    let stated = value("ip_total_length");
    if layer_4 && parsed.reason.is_some() && stated < 4 * value("ip_ihl") + 20 {
        return Some("behind the IP total length");
    }
    None
}

#[test]
fn agrees_with_the_reference_extractor() {
    let Some(data) = data() else {
        return say("skipped: no captures (SKXC_SHARED)");
    };
    let mut text = String::new();
    GzDecoder::new(File::open(data.join("features.csv.gz")).expect("the table is readable"))
        .read_to_string(&mut text)
        .expect("the table is text");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("the table has a header").clone();
    let column = |name: &str| header.iter().position(|it| it == name).expect("column is there");
    let (pcap_column, index_column) = (column("pcap"), column("index"));

    let mut captures: HashMap<String, HashMap<usize, Vec<u8>>> = HashMap::new();
    let (mut rows, mut fields) = (0_usize, 0_usize);
    let mut differences: BTreeMap<&str, usize> = BTreeMap::new();
    for record in reader.records() {
        let record = record.expect("the table is well-formed");
        let name = &record[pcap_column];
        let index: usize = record[index_column].parse().expect("index is a number");
        let frame =
            &captures.entry(name.to_owned()).or_insert_with(|| frames(&data.join(name)))[&index];
        let parsed = parse(frame, Needs::ALL);
        let row: HashMap<&str, u32> = header
            .iter()
            .zip(&record)
            .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
            .collect();
        rows += 1;
        for (feature, value) in FEATURES.iter().zip(parsed.values) {
            let Some(&(mut expected)) = row.get(feature.name) else { continue };
            if feature.name == "packet_length" {
                // The extractor counts tags.
                expected -= 4 * row["vlan_tags"].min(2);
            }
            fields += 1;
            if value != expected {
                let why = explained(feature.name, &row, &parsed).unwrap_or_else(|| {
                    panic!("{name} packet {index}: {} is {value}, not {expected}", feature.name)
                });
                *differences.entry(why).or_default() += 1;
            }
        }
    }
    say(&format!("{rows} packets, {fields} fields, differences explained: {differences:?}"));
    assert!(rows > 0, "the table has rows");
}

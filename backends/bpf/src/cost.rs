//! What the program around the model costs: parser, features, counters.
//!
//! The verifier's part was fitted to programs on Linux 6.18 whose columns need
//! various headers, less their test bench, which has no parser.

use skxc_backend_common::layout::Layout;
use skxc_lowering::Cost;
use skxc_runtime::{Feature, Needs};

use crate::{Hook, Options, needs};

/// The test bench, and what any program has.
const BENCH_INSNS: u64 = 40;
/// Ethernet, VLAN tags, counters.
const FRAME_INSNS: u64 = 640;
/// Extension headers and one protocol behind them.
const CHAIN_INSNS: u64 = 1900;
/// Each protocol beside the first: its way is followed to the end as well.
const PROTOCOL_INSNS: u64 = 190;
/// A column that both IP headers have, each in its own way.
const IP_COLUMN_INSNS: u64 = 75;
const COLUMN_INSNS: u64 = 20;
/// The length behind the headers, which differs along every way through them.
const PAYLOAD: &str = "payload_length";
const PAYLOAD_INSNS: u64 = 1200;
/// More for it where a header behind IP is parsed, and for each one beside the first.
const PAYLOAD_CHAIN_INSNS: u64 = 1150;
const PAYLOAD_PROTOCOL_INSNS: u64 = 450;
/// Instructions of the parser in the program text, and of a column.
const TEXT_INSNS: u64 = 600;
const TEXT_COLUMN_INSNS: u64 = 6;
/// `struct skxc_headers` and what is kept around calls.
const STACK_BYTES: u64 = 128;

/// The cost of a program less that of its model. Its time is that of parsing,
/// which is no part of a decision: 0.
pub(crate) fn wrapper(layout: &Layout, options: &Options) -> Cost {
    let scratch_bytes = u64::from(layout.vector_bytes);
    if options.hook == Hook::None {
        let insns = BENCH_INSNS;
        return Cost {
            program_insns: insns,
            verifier_insns: insns,
            scratch_bytes,
            ..Cost::default()
        };
    }
    let wanted = needs(&options.features);
    let has = |what: Needs| wanted.contains(what);
    // The length behind the headers needs all protocols, and its own price has them.
    let others = options.features.iter().filter(|feature| feature.name != PAYLOAD);
    let of_others = needs(&others.copied().collect::<Vec<_>>());
    let protocols = [Needs::TCP, Needs::UDP, Needs::ICMP];
    let protocols = protocols.into_iter().filter(|&it| of_others.contains(it)).count() as u64;
    let mut insns = BENCH_INSNS + FRAME_INSNS;
    insns += if has(Needs::CHAIN) { CHAIN_INSNS } else { 0 };
    insns += PROTOCOL_INSNS * protocols.saturating_sub(1);
    let columns = layout.features.iter().map(|field| options.features[field.column.index()]);
    insns += columns.map(|feature| column(feature, protocols)).sum::<u64>();
    Cost {
        program_insns: TEXT_INSNS + TEXT_COLUMN_INSNS * layout.features.len() as u64,
        verifier_insns: insns,
        scratch_bytes,
        stack_bytes: STACK_BYTES,
        ..Cost::default()
    }
}

/// A column in a program that parses so many protocols behind IP.
fn column(feature: &Feature, protocols: u64) -> u64 {
    let of_ip = Needs::CHAIN.union(Needs::UNMERGED);
    if feature.name == PAYLOAD {
        let beside = PAYLOAD_PROTOCOL_INSNS * protocols.saturating_sub(1);
        PAYLOAD_INSNS + if protocols > 0 { PAYLOAD_CHAIN_INSNS + beside } else { 0 }
    } else if feature.needs.contains(Needs::IP) && of_ip.contains(feature.needs) {
        IP_COLUMN_INSNS
    } else {
        COLUMN_INSNS
    }
}

#[cfg(test)]
mod tests {
    use skxc_backend_common::layout::{CType, Field};
    use skxc_ir::arena::Handle;
    use skxc_runtime::find;

    use super::*;

    /// Within so many percent of what the kernel processed.
    fn check(names: &str, measured: u64, percent: u64) {
        let features: Vec<_> = names
            .split(',')
            .map(|name| find(name).map(|(_, feature)| feature).expect("a feature"))
            .collect();
        let fields = (0..features.len()).map(|index| Field {
            name: names.split(',').nth(index).expect("a name").to_owned(),
            column: Handle::from_index(index),
            ty: CType { bytes: 4, signed: false },
            offset: 4 * index as u32,
        });
        let layout = Layout { features: fields.collect(), ..Layout::default() };
        let options = Options { hook: Hook::Xdp, features, ..Options::default() };
        let found = wrapper(&layout, &options).verifier_insns;
        assert!(
            found.abs_diff(measured) * 100 <= measured * percent,
            "{names}: {found}, measured {measured}"
        );
    }

    #[test]
    fn verifier_work_is_as_measured() {
        // Of a linear model of two columns, less what the model takes.
        check("packet_length,eth_type", 708, 10);
        check("ip_ttl,ip_dscp", 819, 10);
        check("ip_ttl,ip_id", 2576, 10);
        check("tcp_dest_port,tcp_window_size", 2658, 10);
        check("ip_ttl,tcp_dest_port", 2664, 10);
        check("udp_dest_port,udp_length", 2658, 10);
        check("icmp_type,icmp_code", 2648, 10);
        check("l4_dest_port,l4_source_port", 2863, 10);
        check("l4_dest_port,icmp_type", 3033, 10);
        check("payload_length,ip_ttl", 3839, 10);
        check("tcp_dest_port,payload_length", 4966, 10);
        check("tcp_window_size,udp_length,payload_length", 5477, 10);
        check("ip_protocol,tcp_window_size,udp_length,payload_length,icmp_type", 6302, 10);
        // The columns of examples/portscan.
        check(
            "ip_protocol,tcp_data_offset,tcp_window_size,tcp_urg_flag,tcp_ack_flag,tcp_psh_flag,\
             tcp_rst_flag,tcp_syn_flag,tcp_fin_flag,udp_length,payload_length,icmp_type",
            6845,
            10,
        );
    }
}

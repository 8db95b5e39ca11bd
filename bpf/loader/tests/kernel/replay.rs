//! The replay shows a program every frame in turn, with its length.

use skxc_bpf::{Loader, Replay};

use crate::setup::{compile, privileged};

/// Adds up what it sees.
const WITNESS: &str = r#"#include "skxc/bpf.h"

__u64 packets;
__u64 bytes;
__u64 heads;

SEC("xdp")
int witness(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	packets += 1;
	bytes += end - (void *)data;
	if ((void *)(data + 14) <= end)
		heads += data[13];
	return XDP_PASS;
}

char witness_license[] SEC("license") = "Dual BSD/GPL";
"#;

#[test]
fn every_frame_is_seen_with_its_length() {
    if privileged().is_none() {
        return;
    }
    let (Some(replay), Some(witness)) = (compile(Replay::SOURCE, false), compile(WITNESS, false))
    else {
        return;
    };
    let lengths = [14, 1514, 60, 127, 128, 129, Replay::FRAME_BYTES_MAX];
    let frames: Vec<Vec<u8>> =
        lengths.iter().zip(1..).map(|(&length, mark)| vec![mark; length]).collect();
    let replay = Replay::load(&replay, &frames).unwrap();
    let witness = Loader::new(&witness).unwrap().load().unwrap();
    let rounds = 3;
    let repeat = rounds * lengths.len() as u32;
    replay.time(&witness.program("witness").unwrap(), frames.len(), repeat).unwrap();

    let sum = |name| u64::from_ne_bytes(witness.read_variable(name).unwrap().try_into().unwrap());
    assert_eq!(sum("packets"), u64::from(repeat));
    assert_eq!(sum("bytes"), u64::from(rounds) * lengths.iter().sum::<usize>() as u64);
    assert_eq!(sum("heads"), u64::from(rounds) * (1..=lengths.len() as u64).sum::<u64>());
}

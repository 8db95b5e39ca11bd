//! Parser and integer module against the whole program: action and counters.

use skxc_ir::{Int, Module};
use skxc_runtime::{Needs, Reason, find, parse};

use crate::decision::{Place, decide, label_text, labels};
use crate::frames::{FRAME_BYTES_MIN, Packet};
use crate::inputs::Kind;
use crate::machine::{Counter, PacketRunner};
use crate::report::{Report, Tally};
use crate::verdict::{Comparison, Counterexample, Part};

/// Runs of the program spent on making a counterexample plain.
const SHRINK_RUNS_MAX: u32 = 2000;

/// What the program was compiled to do with packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// For each declared column, its position in [`skxc_runtime::FEATURES`].
    pub features: Vec<usize>,
    /// What the declared columns need of a packet.
    pub needs: Needs,
    /// Action by class index, for each label. The first that is not to pass
    /// decides.
    pub actions: Vec<Vec<u32>>,
    /// Action for packets that cannot be classified, by number of the reason.
    pub fallbacks: Vec<u32>,
    /// The action for every packet, if the program only watches.
    pub shadow: Option<u32>,
}

/// Compares on every frame, in order. Frames shorter than an Ethernet header
/// are not run: the kernel refuses them before the program sees them.
///
/// # Errors
/// If the program cannot be run.
///
/// # Panics
/// If `program` is not of `module`.
pub fn packets<R: PacketRunner>(
    module: &Module<Int>,
    program: &Program,
    runner: &mut R,
    frames: impl IntoIterator<Item = (Kind, Packet)>,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, R::Error> {
    assert_eq!(program.features.len(), module.columns.len(), "each column has a feature");
    let before = runner.counters()?;
    let mut expected_counts = vec![Counter::default(); before.len()];
    let mut tally = Tally::new(Comparison::Packets);
    for (index, (kind, frame)) in frames.into_iter().enumerate() {
        if frame.data.len() < FRAME_BYTES_MIN {
            continue;
        }
        tally.count(kind);
        let wanted = program.judge(module, &frame);
        let action = runner.run(&frame)?;
        for &counter in &wanted.counters {
            if let Some(counter) = expected_counts.get_mut(counter) {
                counter.packets += 1;
                counter.bytes += u64::from(wanted.bytes);
            }
        }
        if action != wanted.action {
            let found = differing(module, program, kind, Some(index as u64), frame, action);
            tally.mismatch(|| found);
        }
        if tally.vectors.is_multiple_of(4096) {
            progress(tally.vectors);
        }
    }
    let after = runner.counters()?;
    // A counterexample that was run again would be counted again.
    if tally.mismatches == 0 {
        judge_counters(&mut tally, (module, program), (&before, &after), &expected_counts);
    } else if let Some(found) = tally.counterexample.take() {
        tally.counterexample = Some(plainest(module, program, runner, found)?);
    }
    Ok(tally.report())
}

struct Wanted {
    action: u32,
    /// Each of them counts the packet once.
    counters: Vec<usize>,
    /// Bytes that they count.
    bytes: u32,
    row: Vec<i64>,
}

impl Program {
    fn judge(&self, module: &Module<Int>, packet: &Packet) -> Wanted {
        // The length counts also where no column needs it. Nothing here is merged.
        let parsed = parse(packet.frame(), self.needs.union(Needs::UNMERGED));
        let (length, _) = find("packet_length").expect("the table has it");
        let bytes = parsed.values[length];
        if let Some(reason) = parsed.reason {
            let counters = vec![self.reasons_at() + reason.number() as usize];
            let action = self.shadow.unwrap_or(self.fallbacks[reason.number() as usize]);
            return Wanted { action, counters, bytes, row: Vec::new() };
        }
        let row: Vec<i64> =
            self.features.iter().map(|&feature| i64::from(parsed.values[feature])).collect();
        let (mut action, mut first, mut counters) = (PASS, 0, Vec::new());
        for (actions, class) in self.actions.iter().zip(decide(module, &row).labels) {
            counters.push(first + class as usize);
            first += actions.len();
            if action == PASS {
                action = actions[class as usize];
            }
        }
        Wanted { action: self.shadow.unwrap_or(action), counters, bytes, row }
    }

    /// Number of the first counter of reasons, behind those of the classes:
    /// that of reason 0, which is never counted.
    #[must_use]
    pub fn reasons_at(&self) -> usize {
        self.actions.iter().map(Vec::len).sum()
    }

    /// What the packets at a counter have in common: their class, or the reason why
    /// they cannot be classified.
    fn counter_name(&self, module: &Module<Int>, index: usize) -> String {
        let mut first = 0;
        for (label, (actions, (output, _))) in self.actions.iter().zip(labels(module)).enumerate() {
            let Some(class) = index.checked_sub(first).filter(|&class| class < actions.len())
            else {
                first += actions.len();
                continue;
            };
            let text = label_text(module, label, class);
            return match Place::of(module, output) {
                Place::Nowhere => format!("predictions in {text}"),
                Place::Label | Place::Score if self.actions.len() == 1 => format!("class {text}"),
                Place::Label | Place::Score => format!("class {}.{text}", output.name),
            };
        }
        let reason = u32::try_from(index - first).ok().and_then(Reason::from_number);
        reason.map_or_else(
            || format!("counter {index}, which is of no class and no reason"),
            |reason| format!("cannot classify, {}", reason.name()),
        )
    }
}

/// The verdict `XDP_PASS` (include/uapi/linux/bpf.h).
const PASS: u32 = 2;

fn judge_counters(
    tally: &mut Tally,
    (module, program): (&Module<Int>, &Program),
    (before, after): (&[Counter], &[Counter]),
    wanted: &[Counter],
) {
    for (index, ((before, after), wanted)) in before.iter().zip(after).zip(wanted).enumerate() {
        let got = Counter {
            packets: after.packets.wrapping_sub(before.packets),
            bytes: after.bytes.wrapping_sub(before.bytes),
        };
        if got != *wanted {
            let name = program.counter_name(module, index);
            let counted = |counter: &Counter| {
                let packets = if counter.packets == 1 { "packet" } else { "packets" };
                format!("{name}: {} {packets}, {} bytes", counter.packets, counter.bytes)
            };
            tally.mismatch(|| Counterexample {
                comparison: Comparison::Packets,
                kind: Kind::Capture,
                row: Vec::new(),
                frame: None,
                index: None,
                part: Part::Counter,
                expected: counted(wanted),
                got: counted(&got),
            });
        }
    }
}

fn differing(
    module: &Module<Int>,
    program: &Program,
    kind: Kind,
    index: Option<u64>,
    frame: Packet,
    action: u32,
) -> Counterexample {
    let wanted = program.judge(module, &frame);
    Counterexample {
        comparison: Comparison::Packets,
        kind,
        row: wanted.row,
        frame: Some(frame),
        index,
        part: Part::Action,
        expected: action_name(wanted.action),
        got: action_name(action),
    }
}

/// Cuts the frame from behind and zeroes what it can, as long as it differs.
fn plainest<R: PacketRunner>(
    module: &Module<Int>,
    program: &Program,
    runner: &mut R,
    found: Counterexample,
) -> Result<Counterexample, R::Error> {
    let Some(mut frame) = found.frame.clone() else { return Ok(found) };
    let mut runs = 0;
    let mut differs = |frame: &Packet| -> Result<bool, R::Error> {
        runs += 1;
        let within = runs <= SHRINK_RUNS_MAX && frame.data.len() >= FRAME_BYTES_MIN;
        Ok(within && runner.run(frame)? != program.judge(module, frame).action)
    };
    let mut cut = frame.data.len() / 2;
    while cut > 0 {
        let shorter = frame.data[..frame.data.len() - cut].to_vec();
        let shorter = Packet::whole(shorter, frame.link);
        if differs(&shorter)? {
            frame = shorter;
        } else {
            cut /= 2;
        }
    }
    for at in 0..frame.data.len() {
        let kept = std::mem::replace(&mut frame.data[at], 0);
        if kept != 0 && !differs(&frame)? {
            frame.data[at] = kept;
        }
    }
    let action = runner.run(&frame)?;
    let shown = differing(module, program, found.kind, found.index, frame, action);
    // A difference that does not repeat is still one: shown as met.
    Ok(if shown.expected == shown.got { found } else { shown })
}

/// As in `enum xdp_action` (include/uapi/linux/bpf.h).
fn action_name(action: u32) -> String {
    let names = ["aborted", "drop", "pass", "tx", "redirect"];
    names.get(action as usize).map_or_else(|| action.to_string(), |&name| name.to_owned())
}

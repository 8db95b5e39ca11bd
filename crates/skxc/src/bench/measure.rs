//! Round after round over all programs.

use serde::Serialize;
use skxc_bpf::Replay;

use crate::bench::subjects::Subject;
use crate::progress::Progress;
use crate::session::Stop;

/// What one run computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Work {
    /// The model alone, on vectors.
    Decision,
    /// The whole program, on packets.
    Packet,
}

/// The samples of one program at one work, one a round.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// Index of the subject.
    pub(crate) subject: usize,
    /// What it does.
    pub(crate) work: Work,
    /// Again and again on the same input, instead of on varying ones.
    pub(crate) warm: bool,
    /// Nanoseconds, the test run's own included.
    pub(crate) samples: Vec<f64>,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount {
    /// Decisions or packets in a sample.
    pub(crate) repeat: u32,
    /// Samples of each program.
    pub(crate) rounds: u32,
}

/// Measures everything in every round, each round beginning with another
/// program, so that none always comes after the same. A first round brings in
/// caches and clock and is not kept.
pub(crate) fn measure(
    subjects: &mut [Subject],
    replay: Option<&Replay>,
    amount: Amount,
    progress: &Progress,
) -> Result<Vec<Series>, Stop> {
    let mut all = Vec::new();
    for subject in 0..subjects.len() {
        for work in [Work::Decision, Work::Packet] {
            for warm in [false, true] {
                all.push(Series { subject, work, warm, samples: Vec::new() });
            }
        }
    }
    for round in 0..=amount.rounds as usize {
        progress.set(format!("measuring, round {round} of {}", amount.rounds));
        for turn in 0..all.len() {
            let index = (turn + round) % all.len();
            let series = &mut all[index];
            let subject = &mut subjects[series.subject];
            let nanoseconds = match (series.work, replay) {
                (Work::Decision, _) => subject.time_decision(series.warm, amount.repeat)?,
                (Work::Packet, Some(replay)) => {
                    subject.time_packet(replay, series.warm, amount.repeat)?
                }
                (Work::Packet, None) => None,
            };
            if round > 0 {
                series.samples.extend(nanoseconds);
            }
        }
    }
    all.retain(|series| !series.samples.is_empty());
    Ok(all)
}

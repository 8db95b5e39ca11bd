//! What `check` says of its comparisons, to people and to machines.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use skxc_diagnostics::{Diagnostic, escape_to_one_line};
use skxc_equivalence::frames::Packet;
use skxc_equivalence::{Comparison, Counterexample, Reason, Report, Score, Verdict};

use crate::capture;
use crate::changed::Limits;
use crate::session::Exit;
use crate::trainer::Trainer;

/// A comparison and how long it took.
#[derive(Debug)]
pub(crate) struct Timed {
    /// What it came to.
    pub(crate) report: Report,
    /// Time on the clock.
    pub(crate) elapsed: Duration,
    /// A note, such as why it was not made.
    pub(crate) note: Option<String>,
}

/// How an object is not the one that it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Its digest is not that of the manifest.
    Changed,
    /// Its build id is not that of the model and the options.
    OfAnotherBuild,
    /// Its manifest says something else than model and object.
    Misdescribed,
}

/// Everything that `check` found.
#[derive(Debug)]
pub(crate) struct Findings {
    /// Name of the program.
    pub(crate) name: String,
    /// The build id that the model gives.
    pub(crate) build_id: String,
    /// Names of the columns.
    pub(crate) columns: Vec<String>,
    /// Digest of the object.
    pub(crate) object_sha256: String,
    /// Release of the kernel that ran it.
    pub(crate) kernel: String,
    /// Instructions that the verifier processed, if the kernel said.
    pub(crate) verified_insns: Option<u32>,
    /// Instructions that it was predicted to process.
    pub(crate) predicted_insns: u64,
    /// How the object is not the one that model and manifest say.
    pub(crate) foreign: Option<Foreign>,
    /// The machine could not run the object.
    pub(crate) not_run: bool,
    /// What is said of the trainer's labels.
    pub(crate) trainer: Trainer,
    /// How many labels may change.
    pub(crate) limits: Limits,
    /// The comparisons, in order.
    pub(crate) comparisons: Vec<Timed>,
    /// For each refuted comparison, a command that shows it.
    pub(crate) commands: Vec<String>,
}

impl Timed {
    /// Did it pass, or is it a witness that has nothing to say?
    fn is_decided(&self) -> bool {
        let is_silent =
            matches!(self.report.verdict, Verdict::Inconclusive { reason: Reason::NotImplemented });
        self.report.verdict.passed() || (self.report.comparison == Comparison::Oracle && is_silent)
    }
}

impl Findings {
    /// What they amount to.
    pub(crate) fn exit(&self) -> Exit {
        let changed = self.limits.are_exceeded(&self.comparisons);
        if self.foreign.is_some() || self.is_refuted() || changed {
            Exit::Refuted
        } else if self.not_run {
            Exit::Environment
        } else if self.comparisons.iter().all(Timed::is_decided) && !self.trainer.is_missed() {
            Exit::Done
        } else {
            Exit::Inconclusive
        }
    }

    /// As text, a line a comparison.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}, build {}\n", self.name, &self.build_id[..16]);
        text.push_str(&self.limits.lines(&self.comparisons, &self.columns));
        for timed in &self.comparisons {
            let _ = writeln!(text, "  {:<38} {}", title(&timed.report), outcome(timed));
            details(&mut text, timed, &self.columns);
        }
        for line in self.trainer.lines() {
            let _ = writeln!(text, "{line}");
        }
        if let Some(insns) = self.verified_insns {
            let (kernel, predicted) = (&self.kernel, self.predicted_insns);
            let insns = counted(insns.into(), "instruction", "instructions");
            let _ = writeln!(text, "  verifier: {insns} on Linux {kernel}, {predicted} predicted");
        }
        for command in &self.commands {
            let _ = writeln!(text, "  reproduce: {command}");
        }
        let _ = writeln!(text, "{}", self.conclusion());
        text
    }

    /// The comparison with the trainer's labels, if it alone is refuted, and where it is
    /// the ONNX file that differs from the trainer.
    fn wrong_file(&self) -> Option<&Report> {
        let refuted = |timed: &&Timed| timed.report.verdict.counterexample().is_some();
        let mut refuted = self.comparisons.iter().filter(refuted).map(|timed| &timed.report);
        let (first, None) = (refuted.next()?, refuted.next()) else { return None };
        (first.file_mismatches == first.mismatches).then_some(first)
    }

    /// Does some comparison have a counterexample?
    fn is_refuted(&self) -> bool {
        let mut comparisons = self.comparisons.iter();
        comparisons.any(|timed| timed.report.verdict.counterexample().is_some())
    }

    fn conclusion(&self) -> String {
        if let (None, Some(report)) = (self.foreign, self.wrong_file()) {
            return self.trainer.blame(report);
        }
        if let (None, false) = (self.foreign, self.is_refuted())
            && let Some(conclusion) = self.limits.conclusion(&self.comparisons)
        {
            return conclusion;
        }
        let conclusion = match (self.exit(), self.foreign) {
            (Exit::Done, _) if self.limits.has_changes(&self.comparisons) => {
                "no difference found but labels that changed, no more than may"
            }
            (Exit::Done, _) => "no difference found",
            (Exit::Refuted, Some(Foreign::OfAnotherBuild)) => "the object is of another build",
            (Exit::Refuted, Some(Foreign::Changed)) if !self.is_refuted() => {
                "no difference found, but the object was changed after it was compiled"
            }
            (Exit::Refuted, Some(Foreign::Misdescribed)) if !self.is_refuted() => {
                "no difference found, but the manifest does not describe this program"
            }
            (Exit::Refuted, _) => "the program does not do what the model does",
            (Exit::Environment, _) => "the object could not be run here",
            (Exit::Inconclusive | Exit::Input, _)
                if self.comparisons.iter().all(Timed::is_decided) =>
            {
                "no difference found, but the trainer's labels were not compared"
            }
            (Exit::Inconclusive | Exit::Input, _) => "inconclusive",
        };
        conclusion.to_owned()
    }

    /// What is wrong beside differences, and what to do about it.
    pub(crate) fn diagnostics(&self) -> Vec<Diagnostic> {
        let changed = self.limits.diagnostic(&self.comparisons);
        changed.into_iter().chain(self.trainer.diagnostics(&self.comparisons)).collect()
    }

    /// The report as JSON.
    pub(crate) fn json(&self) -> Value {
        let comparisons = self.comparisons.iter().map(|timed| {
            let mut value = serde_json::to_value(&timed.report).expect("a report is plain data");
            let members = value.as_object_mut().expect("a report is an object");
            members.insert("vectors".to_owned(), json!(timed.report.vectors()));
            members.insert("seconds".to_owned(), json!(timed.elapsed.as_secs_f64()));
            if let Some(note) = &timed.note {
                members.insert("note".to_owned(), json!(note));
            }
            value
        });
        json!({
            "name": self.name,
            "build_id": self.build_id,
            "object_sha256": self.object_sha256,
            "kernel": self.kernel,
            "verified_insns": self.verified_insns,
            "predicted_insns": self.predicted_insns,
            "trainer_labels": self.trainer.json(),
            "changed": self.limits.json(&self.comparisons),
            "exit_code": self.exit() as u8,
            "conclusion": self.conclusion(),
            "comparisons": comparisons.collect::<Vec<_>>(),
            "reproduce": self.commands,
        })
    }
}

fn title(report: &Report) -> String {
    let mut text = report.comparison.to_string();
    if let Some(first) = text.get(..1) {
        let upper = first.to_uppercase();
        text.replace_range(..1, &upper);
    }
    text
}

fn outcome(timed: &Timed) -> String {
    if let Some(note) = &timed.note {
        return note.clone();
    }
    let report = &timed.report;
    let mut text = match &report.verdict {
        Verdict::Refuted { .. } => {
            let verb = if report.mismatches == 1 { "differs" } else { "differ" };
            format!("REFUTED: {} of {} {verb}", report.mismatches, report.vectors())
        }
        verdict => verdict.to_string(),
    };
    let seconds = timed.elapsed.as_secs_f64();
    if report.vectors() > 0 && seconds > 0.0 {
        let rate = report.vectors() as f64 / seconds;
        let _ = write!(text, " ({seconds:.1} s, {rate:.0}/s)");
    }
    text
}

fn details(text: &mut String, timed: &Timed, columns: &[String]) {
    let report = &timed.report;
    if report.tried.len() > 1 {
        let tried: Vec<String> =
            report.tried.iter().map(|(kind, count)| format!("{count} {}", kind.name())).collect();
        let _ = writeln!(text, "      {}", tried.join(", "));
    }
    // A model without trees has no leaves to reach.
    if let Some(coverage) = report.coverage.filter(|coverage| coverage.leaves > 0) {
        let _ = writeln!(
            text,
            "      {} of {}, {} of {}",
            coverage.leaves_reached,
            counted(coverage.leaves, "leaf", "leaves"),
            coverage.thresholds_reached,
            counted(coverage.thresholds, "threshold", "thresholds")
        );
    }
    scores(text, &report.scores);
    let is_expected = report.comparison == Comparison::Expected;
    let of_rows = [
        (
            if is_expected { report.changed.given } else { 0 },
            "whose label the program changed: the file says what the trainer says",
        ),
        (
            report.file_mismatches,
            "labelled otherwise by the ONNX file itself: the program does what the file does",
        ),
        (
            report.margin_affected.unwrap_or(0),
            "within the error bound of a class boundary: rounding could change their labels",
        ),
        (
            report.near_ties,
            "labelled otherwise, by scores so close that rounding decides (near ties)",
        ),
        (
            report.float_noise,
            "of float noise: the label is that of exact arithmetic, and the model's own floats \
             decide otherwise",
        ),
        (
            report.not_numbers,
            "with a result of the model that is not a number (NaN or infinite): nothing is said \
             of it",
        ),
        (
            report.undecided,
            "labelled otherwise, where no bound says which label is right: see what `skxc predict \
             --engine exact` makes of them",
        ),
        (
            report.open_scores,
            "where 128 bits of exact arithmetic do not tell how far a score is off",
        ),
    ];
    for (count, what) in of_rows.iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(text, "      {} {what}", counted(*count, "row", "rows"));
    }
    if let Some(found) = report.verdict.counterexample() {
        let _ = writeln!(text, "      {}", difference(found));
        if !found.row.is_empty() {
            let cells = columns.iter().zip(&found.row);
            let cells: Vec<String> = cells.map(|(name, x)| format!("{name}={x}")).collect();
            let _ = writeln!(text, "      at {}", cells.join(" "));
        }
    }
}

/// A number of things, in the singular or the plural.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Scores that are told one by one; of more the worst is told.
const SCORES_SHOWN_MAX: usize = 8;

/// A line for each score, or one for all.
fn scores(text: &mut String, scores: &[Score]) {
    if let Some(index) = scores.iter().position(Score::is_unbounded) {
        let range = small(scores[index].range);
        let _ = writeln!(
            text,
            "      score {index} has a range of {range}, no more than its bound: nothing is shown of it"
        );
    }
    let mut line = |what: &str, error_max: f64, bound: f64, rows: u64| {
        let (error, bound) = (small(error_max), small(bound));
        let rows = counted(rows, "row", "rows");
        let _ =
            writeln!(text, "      {what} off by at most {error} in {rows}; the bound is {bound}");
    };
    let most = |of: fn(&Score) -> f64| scores.iter().map(of).fold(0.0, f64::max);
    let rows = scores.iter().map(|score| score.rows).max().unwrap_or(0);
    if rows == 0 {
        return;
    }
    let first = &scores[0];
    let alike = scores.iter().all(|it| (it.error_max, it.bound) == (first.error_max, first.bound));
    if scores.len() > 1 && (alike || scores.len() > SCORES_SHOWN_MAX) {
        line("scores", most(|score| score.error_max), most(|score| score.bound), rows);
        return;
    }
    for (index, score) in scores.iter().enumerate() {
        let whole = if score.is_compared_by_equality() { ", a whole number," } else { "" };
        line(&format!("score {index}{whole}"), score.error_max, score.bound, score.rows);
    }
}

/// A small number. Below the least normal number it stands for rounding that
/// is there and too small to say; infinity for a bound that is not known.
pub(crate) fn small(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        _ if number < f64::MIN_POSITIVE => "less than 1e-300".to_owned(),
        f64::INFINITY => "unknown".to_owned(),
        _ => format!("{number:.1e}"),
    }
}

fn difference(found: &Counterexample) -> String {
    let (expected, got) = (escape_to_one_line(&found.expected), escape_to_one_line(&found.got));
    let place = match found.index {
        Some(index) => format!(" ({} {})", found.kind.name(), index + 1),
        None => String::new(),
    };
    format!("{}{place}: wanted `{expected}`, got `{got}`", found.part)
}

/// A shell command that shows a counterexample again; `check` is the command
/// without what it is to be shown, `given` the rows and labels as they were given.
pub(crate) fn reproduce(
    check: &str,
    given: &str,
    found: &Counterexample,
    columns: &[String],
) -> String {
    if let Some(frame) = &found.frame {
        let bytes: String = pcap(frame).iter().map(|byte| format!("\\{byte:03o}")).collect();
        return format!(
            "printf '{bytes}' > counterexample.pcap; {check} --vectors 0 --capture counterexample.pcap"
        );
    }
    if found.row.is_empty() {
        return check.to_owned();
    }
    let row: Vec<String> = found.row.iter().map(i64::to_string).collect();
    let (header, row) = (columns.join(","), row.join(","));
    match found.comparison {
        // The trainer's labels are a file of the user's.
        Comparison::Expected => format!("{check} --vectors 0{given}"),
        Comparison::Model | Comparison::Object | Comparison::Packets | Comparison::Oracle => {
            format!("printf '{header}\\n{row}\\n' | {check} --vectors 0 --input -")
        }
    }
}

/// A capture with one packet (draft-ietf-opsawg-pcap).
fn pcap(packet: &Packet) -> Vec<u8> {
    let link = capture::link_type(packet.link);
    let frame = &packet.data;
    let bytes = u32::try_from(frame.len()).expect("a frame is shorter than 4 GiB");
    let mut capture = Vec::new();
    capture.extend(0xa1b2_c3d4_u32.to_le_bytes());
    capture.extend([2, 0, 4, 0]);
    for word in [0, 0, 0xffff, link, 0, 0, bytes, bytes] {
        capture.extend(u32::to_le_bytes(word));
    }
    capture.extend(frame);
    capture
}

#[cfg(test)]
mod tests {
    use skxc_equivalence::{Kind, Part};

    use skxc_runtime::Link;

    use super::*;

    fn found(row: &[i64], frame: Option<&Packet>) -> Counterexample {
        Counterexample {
            comparison: Comparison::Object,
            kind: Kind::Random,
            row: row.to_vec(),
            frame: frame.cloned(),
            index: None,
            part: Part::label(0, 1),
            expected: "0".to_owned(),
            got: "1".to_owned(),
        }
    }

    #[test]
    fn a_row_is_shown_again_by_a_pipe() {
        let columns = ["a".to_owned(), "b".to_owned()];
        assert_eq!(
            reproduce("skxc check m o", "", &found(&[1, -2], None), &columns),
            "printf 'a,b\\n1,-2\\n' | skxc check m o --vectors 0 --input -"
        );
    }

    #[test]
    fn a_frame_is_shown_again_by_a_capture() {
        for link in [Link::Ethernet, Link::Ip] {
            let frame = Packet::whole([7, b'\'', 0, 255].repeat(5), link);
            let command = reproduce("skxc check m o", "", &found(&[], Some(&frame)), &[]);
            let folder = tempfile::tempdir().unwrap();
            let (print, _) = command.split_once("; ").unwrap();
            let mut shell = std::process::Command::new("sh");
            assert!(
                shell.args(["-c", print]).current_dir(folder.path()).status().unwrap().success()
            );
            let (frames, warnings) =
                capture::load(&[folder.path().join("counterexample.pcap")], 10).unwrap();
            assert_eq!(frames, [frame]);
            assert!(warnings.is_empty());
        }
    }
}

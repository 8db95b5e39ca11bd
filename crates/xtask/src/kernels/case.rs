//! A model compiled for one kernel: vectors and packets to run, and what the
//! interpreter and the parser in user space make of them.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::machine::Job;
use super::packets::{Packet, capture, packed, packets, shown};
use crate::measure::{Run, measure};

/// Vectors of a case.
const VECTORS: usize = 256;

/// A model to run.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// Name of the case.
    pub(super) name: String,
    /// Path of its file.
    pub(super) path: PathBuf,
    /// Its columns, if the file does not name them.
    pub(super) features: Option<String>,
    /// Options that change what it means.
    pub(super) options: Vec<String>,
}

/// A model as compiled for a kernel.
#[derive(Debug)]
pub(super) struct Case {
    /// What the machine runs.
    pub(super) job: Job,
    manifest: Value,
    /// Label and scores of each vector, as `predict` prints them.
    expected: Vec<Vec<String>>,
    packets: Vec<Packet>,
    /// How each packet is counted, as `bpf/loader/examples/vm.rs` prints it.
    counted: Vec<String>,
}

/// Differences of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// Vectors that were run.
    pub(super) vectors: usize,
    /// Packets that were run.
    pub(super) packets: usize,
    /// How many of both differ, or are missing.
    pub(super) mismatches: usize,
    /// The first packet that differs; empty if none does.
    pub(super) note: String,
}

/// The compiler, and where it may write.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    pub(super) binary: &'a str,
    pub(super) scratch: &'a Path,
}

impl Compiler<'_> {
    /// Compiles for a kernel series, with `lowering` as in `--lowering`; none if that
    /// cannot take the model.
    ///
    /// # Errors
    /// If the compiler refuses the model for another reason.
    pub(super) fn case(
        &self,
        model: &Model,
        lowering: &str,
        series: &str,
    ) -> Result<Option<Case>, Box<dyn Error>> {
        let file = model.path.display().to_string();
        let out = self.scratch.join("out").display().to_string();
        let to = ["--shadow", "--kernel", series, "--lowering", lowering, "-o", &out];
        let compiled = self.run(model, &["compile", &file], &to)?;
        if compiled.codes() == ["SKX0502"] {
            return Ok(None);
        }
        succeeded(&compiled)?;
        let manifest: Value = serde_json::from_slice(&fs::read(format!("{out}/model.json"))?)?;
        let (rows, features) = vectors(&manifest)?;
        let expected = self.predicted(model, &rows)?;
        // What has no label, or several, is tried on vectors alone.
        let labelled = manifest["layout"]["labels"] == 1;
        let packets = if labelled { packets() } else { Vec::new() };
        let counted = self.counted(model, &manifest, &packets)?;
        let object = fs::read(format!("{out}/model.bpf.o"))?;
        let job = Job { object, features, packets: packed(&packets) };
        Ok(Some(Case { job, manifest, expected, packets, counted }))
    }

    /// Label and scores of each row of a CSV.
    fn predicted(&self, model: &Model, rows: &str) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
        let input = self.scratch.join("rows.csv").display().to_string();
        fs::write(&input, rows)?;
        let path = model.path.display().to_string();
        let predicted =
            self.run(model, &["predict", &path], &["--engine", "ir", "--input", &input])?;
        succeeded(&predicted)?;
        Ok(cells(&predicted.stdout)?)
    }

    /// For each packet the number of its class, or the reason why it has none.
    fn counted(
        &self,
        model: &Model,
        manifest: &Value,
        packets: &[Packet],
    ) -> Result<Vec<String>, Box<dyn Error>> {
        let names = column_names(manifest)?.join(",");
        let (mut counted, mut rows) = (Vec::new(), names.clone());
        for is_layer3 in [false, true] {
            let path = self.scratch.join("packets.pcap").display().to_string();
            fs::write(&path, capture(packets, is_layer3))?;
            let command = [self.binary, "extract", "--no-project", &path, "--features", &names];
            let command: Vec<String> = command.map(str::to_owned).to_vec();
            let extracted = measure(&command, self.scratch)?;
            succeeded(&extracted)?;
            for mut row in cells(&extracted.stdout)? {
                let reason = row.pop().ok_or("a row without its reason")?;
                if reason.is_empty() {
                    write!(rows, "\n{}", row.join(","))?;
                }
                counted.push(reason);
            }
        }
        let mut predicted = self.predicted(model, &(rows + "\n"))?.into_iter();
        let classes = manifest["classes"].as_array().ok_or("no classes in the manifest")?;
        for reason in counted.iter_mut().filter(|reason| reason.is_empty()) {
            let row = predicted.next().ok_or("a packet without a prediction")?;
            // Of a prediction without ranges everything is of one class.
            let of_label = || classes.iter().position(|class| class["label"] == row[0].as_str());
            let class = if classes.len() == 1 { Some(0) } else { of_label() };
            *reason = class.ok_or("a label that is no class")?.to_string();
        }
        Ok(counted)
    }

    fn run(&self, model: &Model, verb: &[&str], to: &[&str]) -> Result<Run, Box<dyn Error>> {
        let mut command = vec![self.binary];
        command.extend(verb);
        command.extend(["--no-project", "--name", "model"]);
        command.extend(to);
        if let Some(features) = &model.features {
            command.extend(["--features", features]);
        }
        command.extend(model.options.iter().map(String::as_str));
        let command: Vec<String> = command.into_iter().map(str::to_owned).collect();
        Ok(measure(&command, self.scratch)?)
    }
}

fn succeeded(run: &Run) -> Result<(), String> {
    let words = run.stderr.trim();
    if run.code == 0 { Ok(()) } else { Err(words.to_owned()) }
}

fn cells(text: &[u8]) -> Result<Vec<Vec<String>>, csv::Error> {
    let mut reader = csv::Reader::from_reader(text);
    reader.records().map(|record| record.map(|it| it.iter().map(str::to_owned).collect())).collect()
}

/// Values all over the ranges of the columns, as CSV and as the object reads
/// them.
fn vectors(manifest: &Value) -> Result<(String, Vec<u8>), Box<dyn Error>> {
    let columns = manifest["columns"].as_array().ok_or("no columns in the manifest")?;
    let bytes = number(&manifest["layout"]["features_bytes"])? as usize;
    let mut rows = column_names(manifest)?.join(",");
    let mut features = vec![0; bytes * VECTORS];
    // Multiples of an odd number near 2^64 / 1.618 spread evenly.
    let mut spread = 0_u64;
    for vector in features.chunks_exact_mut(bytes) {
        for (index, column) in columns.iter().enumerate() {
            spread = spread.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let (min, max) = (number(&column["min"])?, number(&column["max"])?);
            let span = i128::from(max) - i128::from(min) + 1;
            // Below `span`, so inside the range.
            let value = min.wrapping_add(((span * i128::from(spread)) >> 64) as i64);
            write!(rows, "{}{value}", if index == 0 { '\n' } else { ',' })?;
            if let member @ Value::Object(_) = &column["member"] {
                let offset = number(&member["offset_bytes"])? as usize;
                let size = number(&member["size_bytes"])? as usize;
                vector[offset..offset + size].copy_from_slice(&value.to_le_bytes()[..size]);
            }
        }
    }
    rows.push('\n');
    Ok((rows, features))
}

fn column_names(manifest: &Value) -> Result<Vec<&str>, Box<dyn Error>> {
    let columns = manifest["columns"].as_array().ok_or("no columns in the manifest")?;
    Ok(columns.iter().filter_map(|column| column["name"].as_str()).collect())
}

fn number(value: &Value) -> Result<i64, String> {
    value.as_i64().ok_or_else(|| format!("{value} in the manifest is not an integer"))
}

impl Case {
    /// Are there trees in it?
    pub(super) fn has_trees(&self) -> bool {
        self.manifest["forests"].as_array().is_some_and(|forests| !forests.is_empty())
    }

    /// Compares what the machine printed: one `struct model_result` after another in
    /// hexadecimal, and how each packet was counted.
    ///
    /// # Errors
    /// If the manifest does not describe such results.
    pub(super) fn compare(&self, results: &str, counted: &str) -> Result<Compared, Box<dyn Error>> {
        let result_bytes = number(&self.manifest["layout"]["result_bytes"])? as usize;
        let bytes: Vec<u8> = results
            .as_bytes()
            .chunks_exact(2)
            .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
            .collect::<Result<_, Box<dyn Error>>>()?;
        let got: Vec<Vec<String>> =
            bytes.chunks_exact(result_bytes).map(|it| self.row(it)).collect::<Result<_, _>>()?;
        let differing = got.iter().zip(&self.expected).filter(|(got, expected)| got != expected);
        let of_vectors = differing.count() + got.len().abs_diff(self.expected.len());
        let counted: Vec<&str> = counted.split(',').filter(|word| *word != "none").collect();
        let pairs = counted.iter().zip(&self.counted).zip(&self.packets);
        let differing: Vec<_> = pairs.filter(|((got, expected), _)| *got != expected).collect();
        let note = differing.first().map(|((got, expected), packet)| {
            format!("counted as {got}, not {expected}: {}", shown(packet))
        });
        let of_packets = differing.len() + counted.len().abs_diff(self.counted.len());
        Ok(Compared {
            vectors: got.len(),
            packets: counted.len(),
            mismatches: of_vectors + of_packets,
            note: note.unwrap_or_default(),
        })
    }

    /// A result as `predict` prints it: labels, of a regressor its predictions,
    /// and then scores.
    fn row(&self, result: &[u8]) -> Result<Vec<String>, Box<dyn Error>> {
        let outputs = self.manifest["outputs"].as_array().ok_or("no outputs in the manifest")?;
        let of = |kinds: &'static [&'static str]| {
            let kind = |output: &Value| kinds.contains(&output["kind"].as_str().unwrap_or(""));
            outputs.iter().filter(move |output| kind(output))
        };
        let mut cells = Vec::new();
        if of(&["value"]).next().is_none() {
            for output in of(&["label"]) {
                cells.push(self.label(output, result)?);
            }
        }
        for output in of(&["value"]).chain(of(&["raw", "probability"])) {
            let scale = f64::exp2(-(number(&output["frac_bits"])? as f64));
            let elements = number(&output["elements"])? as usize;
            let first = number(&output["offset_bytes"])? as usize;
            for score in result[first..].chunks_exact(8).take(elements) {
                cells.push((i64::from_le_bytes(score.try_into()?) as f64 * scale).to_string());
            }
        }
        Ok(cells)
    }

    /// The text of a label of a result.
    fn label(&self, output: &Value, result: &[u8]) -> Result<String, Box<dyn Error>> {
        let first = number(&output["offset_bytes"])? as usize;
        let class = u32::from_le_bytes(result[first..first + 4].try_into()?);
        let classes = self.manifest["classes"].as_array().ok_or("no classes in the manifest")?;
        let of_output =
            |entry: &&Value| entry["output"].is_null() || entry["output"] == output["name"];
        let entry = classes.iter().filter(of_output).nth(class as usize);
        let text = entry.and_then(|entry| entry["label"].as_str());
        Ok(text.map_or_else(|| class.to_string(), str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_that_differs_or_is_not_there_counts() {
        let manifest = serde_json::json!({
            "layout": { "result_bytes": 16 },
            "classes": [{ "label": "no" }, { "label": "yes" }],
            "outputs": [
                { "kind": "label", "elements": 1, "frac_bits": 0, "offset_bytes": 0 },
                { "kind": "probability", "elements": 1, "frac_bits": 1, "offset_bytes": 8 },
            ],
        });
        let job = Job { object: Vec::new(), features: Vec::new(), packets: Vec::new() };
        let expected = vec![vec!["yes".to_owned(), "1.5".to_owned()]; 3];
        let packet = |byte| Packet { is_layer3: byte == 1, data: vec![byte] };
        let packets = vec![packet(0), packet(1)];
        let counted = vec!["not-ip".to_owned(), "1".to_owned()];
        let case = Case { job, manifest, expected, packets, counted };
        // The padding behind a label may hold anything.
        let right = "01000000ffffffff0300000000000000";
        let wrong = "01000000000000000200000000000000";
        let compare = |results: &str, counted| case.compare(results, counted).unwrap();
        assert_eq!(compare(&format!("{right}{wrong}"), "not-ip,1").mismatches, 2);
        let found = compare(&right.repeat(3), "not-ip,0");
        assert_eq!(found.note, "counted as 0, not 1: layer 3 01");
        assert_eq!((found.vectors, found.packets, found.mismatches), (3, 2, 1));
        assert_eq!(compare(&right.repeat(3), "not-ip").mismatches, 1);
        assert_eq!(compare(&right.repeat(3), "not-ip,1").mismatches, 0);
    }
}

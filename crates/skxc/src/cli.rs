//! The command line, and the help that teaches it. Nothing is done here.
//!
//! What must hold:
//! - an option that a project file can also say is an `Option` or a list here,
//!   without a default: `options` merges both and knows the defaults;
//! - every command has examples in its long help.

use std::fmt;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use skxc_lowering::{Choice, Optimize};

use crate::actions::ClassActions;
use crate::fallback::Fallback;
use crate::lowering;
use crate::material::Given;
use crate::results::Results;
use crate::threshold::Threshold;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Compiles scikit-learn models to BPF programs and shows in the kernel that they agree.
///
/// skxc reads a model that skl2onnx exported, writes an integer-only C program that the Linux BPF verifier accepts, and
/// compares that program with the model inside the kernel before anything is deployed.
#[derive(Debug, Parser)]
#[command(name = "skxc", version, styles = STYLES, after_help = TOP_HELP, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

macro_rules! first_session {
    () => {
        "\
A first session:
  skxc doctor                                        what this machine can do
  skxc extract capture.pcap -o rows.csv              packets to rows, to train on
  skxc compile model.onnx --action attack=drop -o out
  skxc check model.onnx out/model.bpf.o              does the program decide as the model does?
  skxc attach out/model.bpf.o -i eth0 --shadow       decide and count, but pass everything
"
    };
}

/// What `skxc` says that is asked for nothing.
pub(crate) const START: &str = concat!(
    "skxc compiles scikit-learn models, exported to ONNX, to programs that classify packets in the
Linux kernel, and shows there that program and model agree.

",
    first_session!(),
    "
`skxc --help` lists all commands, `skxc COMMAND --help` the options of one.
"
);

const TOP_HELP: &str = concat!(
    first_session!(),
    "
Exit codes: 0 done, or equal; 1 refuted, or a bound exceeded; 2 bad usage or input, or a program
that cannot fit; 3 the environment cannot do it (compiler, privileges, kernel); 4 inconclusive.
Data goes to standard output, words to standard error."
);

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// When to use colours (NO_COLOR is honoured)
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more about each step
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// How diagnostics and the report of `check` are written
    #[arg(long, global = true, value_enum, default_value_t = MessageFormat::Human, value_name = "FORMAT")]
    pub(crate) message_format: MessageFormat,
    /// Project file [default: skxc.toml in the current directory, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) project: Option<PathBuf>,
    /// Read no project file
    #[arg(long, global = true, conflicts_with = "project")]
    pub(crate) no_project: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Colours in any case
    Always,
    /// No colours at all
    Never,
}

/// Form of what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageFormat {
    /// Text for people
    Human,
    /// One JSON object a line
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(after_help = COMPILE_HELP)]
    Compile(Compile),
    #[command(after_help = CHECK_HELP)]
    Check(Check),
    #[command(after_help = PREDICT_HELP)]
    Predict(Predict),
    #[command(after_help = EXTRACT_HELP)]
    Extract(Extract),
    #[command(after_help = BENCH_HELP)]
    Bench(Bench),
    #[command(after_help = INSPECT_HELP)]
    Inspect(Inspect),
    #[command(after_help = RUN_HELP)]
    Run(Run),
    #[command(after_help = ATTACH_HELP)]
    Attach(Attach),
    #[command(after_help = STATUS_HELP)]
    Status(Status),
    #[command(after_help = DETACH_HELP)]
    Detach(Detach),
    #[command(after_help = FEATURES_HELP)]
    Features(Features),
    #[command(after_help = EXPLAIN_HELP)]
    Explain(Explain),
    #[command(after_help = DOCTOR_HELP)]
    Doctor(Doctor),
    #[command(after_help = COMPLETIONS_HELP)]
    Completions(Completions),
}

/// The model, and how its columns are bound.
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// The model, as skl2onnx wrote it
    #[arg(value_name = "MODEL.onnx")]
    pub(crate) model: PathBuf,
    /// Name of the program: a C identifier, lower case [default: from the file name]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Feature of each input column, in model input order (`skxc features` lists them)
    #[arg(long, value_delimiter = ',', value_name = "A,B,...")]
    pub(crate) features: Vec<String>,
    /// Read tensors that the model keeps in other files, from the folder of the model alone
    #[arg(long)]
    pub(crate) external_data: bool,
    /// Decide for CLASS if and only if its probability is greater than P: attack=0.9. CLASS= may be
    /// left out for the labels 0 and 1 (class 1), and where one class alone has an action other than
    /// pass. A model without probabilities is decided by its score, which may be any number. A program
    /// decides by one threshold
    #[arg(long, value_name = "CLASS=P", allow_hyphen_values = true)]
    pub(crate) threshold: Vec<Threshold>,
    /// Which results to compute: `score` has those of the model, such as probabilities, `raw` the
    /// scores before the transform that makes them so, `label` none [default: raw]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) output: Option<Results>,
    /// Hold the weights of linear models and networks, and what they are multiplied with, to so many
    /// bits, 1 to 62, instead of as many as fit; `compile` says what it costs. Trees have none to hold
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(1..=62))]
    pub(crate) precision: Option<u8>,
    /// Passes to run, in the order of the pipeline, instead of all
    #[arg(long, value_delimiter = ',', value_name = "PASS,...", help_heading = "Debugging")]
    pub(crate) passes: Option<Vec<String>>,
    /// Stop after this many passes, to find the one at fault
    #[arg(long, value_name = "N", help_heading = "Debugging")]
    pub(crate) bisect_limit: Option<u64>,
}

/// What the program does with a decision, and for which kernel it is made.
#[derive(Debug, Args)]
pub(crate) struct ProgramArgs {
    /// What happens to packets of a class: pass, drop, aborted or tx; other classes pass. Of several
    /// labels OUTPUT.CLASS, and the first that does not pass decides; of predictions a range LO..HI
    #[arg(long = "action", value_name = "CLASS=ACTION,...", allow_hyphen_values = true)]
    pub(crate) actions: Vec<ClassActions>,
    /// What happens to packets that cannot be classified: an action for those that are IP, or actions
    /// by reason, as in `drop,not-ip=drop`; the others pass (--help lists the reasons)
    #[arg(long, value_delimiter = ',', value_name = "ACTION|REASON=ACTION,...")]
    #[arg(long_help = crate::fallback::help())]
    pub(crate) fallback: Vec<Fallback>,
    /// Decide and count, but pass every packet
    #[arg(long)]
    pub(crate) shadow: bool,
    /// Where the program attaches; `none` makes no program for packets: NAME.h is for one of your own,
    /// and NAME.bpf.c and its object only hold the test bench that `check` runs [default: xdp]
    #[arg(long, value_enum)]
    pub(crate) hook: Option<Hook>,
    /// Shape of the code of trees (`branch` to `direct`) or of sums of products (`straight`, `table`);
    /// `auto` takes the cheapest that fits [default: auto]
    #[arg(long, value_name = "SHAPE", value_parser = lowering::choice())]
    pub(crate) lowering: Option<Choice>,
    /// What `auto` goes by: time, bytes or the work of the verifier [default: speed]
    #[arg(long, value_name = "GOAL", value_parser = lowering::goal())]
    pub(crate) optimize: Option<Optimize>,
    /// Rows of real traffic, as CSV with a header, or a capture, in the order in which they came: which way
    /// tests go decides how branches are laid out, whether branch code is the fastest, and, for labels
    /// alone, after how many trees decided rows leave
    #[arg(long, value_name = "ROWS.csv|CAPTURE")]
    pub(crate) profile: Vec<PathBuf>,
    /// Oldest kernel that must load the program, such as 5.10 [default: 6.1]
    #[arg(long, value_name = "VERSION")]
    pub(crate) kernel: Option<String>,
}

/// Where a program attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Hook {
    /// The driver's receive path
    Xdp,
    /// Nowhere: the header is for a program of your own
    None,
}

/// As on the command line.
impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xdp => "xdp",
            Self::None => "none",
        })
    }
}

/// Compile a model to C and to a BPF object
///
/// Writes NAME.h (portable C), NAME.bpf.c (the program), the headers that it includes, NAME.bpf.o (the object) and NAME.json
/// (the manifest: digests, options, features, classes, costs). Files appear whole or not at all, an unchanged file keeps its
/// modification time, and the same input gives the same bytes.
#[derive(Debug, Args)]
pub(crate) struct Compile {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) program: ProgramArgs,
    /// Folder for the output [default: the current directory]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// What to write [default: source,object,manifest]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND,...")]
    pub(crate) emit: Vec<Emit>,
    /// Write a dependency file for make or ninja
    #[arg(long, value_name = "FILE")]
    pub(crate) depfile: Option<PathBuf>,
    /// Fail with exit code 1 if a figure is above this: verifier-insns, counted by loading the
    /// object where that is allowed, else predicted, and table-bytes and decision-ns, predicted
    #[arg(long, value_delimiter = ',', value_name = "FIGURE=N")]
    pub(crate) max: Vec<crate::bounds::Bound>,
    /// Fail with exit code 1 if the proven bound on the error of a score or a prediction is above
    /// this; the manifest has it as `error_max`
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    #[arg(value_parser = crate::bounds::parse_error_max)]
    pub(crate) max_error: Option<f64>,
    /// Print the IR after this pass to standard output
    #[arg(long, value_name = "PASS", help_heading = "Debugging")]
    pub(crate) print_after: Vec<String>,
}

/// What `compile` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Emit {
    /// NAME.h, NAME.bpf.c and the headers that they include
    Source,
    /// The object NAME.bpf.o
    Object,
    /// The manifest NAME.json
    Manifest,
    /// NAME.skir: the integer IR
    Skir,
}

const COMPILE_HELP: &str = "\
Examples:
  skxc compile portscan.onnx -o out
      labels 0 and 1: class 1 is dropped, the rest passes
  skxc compile flows.onnx --features ip_ttl,tcp_dest_port,tcp_syn_flag --action attack=drop
      the columns bound by hand, a string label mapped to an action
  skxc compile rate.onnx --action '10..20=drop' --action '20..=tx'
      a regressor: packets are acted upon by ranges of the prediction
  skxc compile rate.onnx --hook none --max-error 1e-6
      fails unless every score is proven to be within 1e-6 of exact arithmetic
  skxc compile flows.onnx --action attack=drop --threshold attack=0.9 --fallback drop
      only what is an attack by more than 90 %, and IP packets that cannot be classified
  skxc compile flows.onnx --output label --action attack=drop
      no scores: the smallest and fastest program
  skxc compile flows.onnx --emit source --depfile flows.d -o build
      source only, for a build system that runs clang itself
  skxc compile flows.onnx --kernel 5.10 --lowering walk
      for old kernels, as tables";

/// Show that an object decides as the model does
///
/// Makes three comparisons and reports them apart: the model (ONNX semantics) against the integer IR; the integer IR against the
/// object in the kernel, bit for bit, label and scores; whole packets through the program's entry. Options are those of
/// the manifest beside the object unless given here. Testing finds differences; it does not prove that there are none.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// The object that `compile` wrote
    #[arg(value_name = "OBJECT")]
    pub(crate) object: PathBuf,
    #[command(flatten)]
    pub(crate) program: ProgramArgs,
    #[command(flatten)]
    pub(crate) given: Given,
    /// Random vectors to try
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) vectors: u64,
    /// Seed of the random vectors
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

const CHECK_HELP: &str = "\
Examples:
  skxc check portscan.onnx out/portscan.bpf.o
  skxc check portscan.onnx out/portscan.bpf.o --input test.csv --expect test.csv --capture test.pcap
  skxc check portscan.onnx out/portscan.bpf.o --require-expect --input test.csv --expect test.csv \
        --message-format json > report.json
      for a pipeline; the exit code is 0, 1 (a difference), 3 (no privileges) or 4 (inconclusive)

The ONNX file is what is compiled: if it was exported wrong, only the trainer's labels (--expect) show it.";

/// Labels and scores for rows
///
/// Reads rows of integers (CSV, columns by header in any order) and writes `label,score0,score1,...` to standard output, of
/// several labels `label0,label1,...`; the label of a regressor is its prediction. The
/// engines are the model itself by ONNX rules (`reference`) or in exact arithmetic (`exact`), the integer IR (`ir`), and the
/// object in the kernel (`kernel`).
#[derive(Debug, Args)]
pub(crate) struct Predict {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Rows, as CSV with a header; `-` for standard input
    #[arg(long, value_name = "ROWS.csv")]
    pub(crate) input: PathBuf,
    /// The engine that computes
    #[arg(long, value_enum, default_value_t = Engine::Ir)]
    pub(crate) engine: Engine,
    /// The object to run, with --engine kernel [default: compiled on the spot]
    #[arg(long, value_name = "OBJECT")]
    pub(crate) object: Option<PathBuf>,
    /// Shape of tree code, with --engine kernel [default: auto]
    #[arg(long, value_name = "SHAPE", value_parser = lowering::choice())]
    pub(crate) lowering: Option<Choice>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// What computes a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// The model by ONNX rules, in floating point
    Reference,
    /// The model in exact arithmetic, as the nearest floats
    Exact,
    /// The integer IR
    Ir,
    /// The object in the kernel (needs privileges)
    Kernel,
}

const PREDICT_HELP: &str = "\
Examples:
  skxc predict portscan.onnx --input rows.csv
  skxc predict portscan.onnx --input rows.csv --engine reference > a.csv
  skxc extract capture.pcap --only-classifiable | skxc predict portscan.onnx --input -";

/// Packets to feature rows
///
/// Runs the very parser that runs in the kernel, compiled for user space, so that a model is trained on what it will be served. A
/// packet that cannot be classified has its reason in the column `reason`. No privilege is needed.
#[derive(Debug, Args)]
pub(crate) struct Extract {
    /// Captures, pcap or pcapng
    #[arg(required = true, value_name = "CAPTURE")]
    pub(crate) captures: Vec<PathBuf>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "ROWS.csv")]
    pub(crate) out: Option<PathBuf>,
    /// Features to extract [default: all]
    #[arg(long, value_delimiter = ',', value_name = "A,B,...")]
    pub(crate) features: Vec<String>,
    /// Leave out packets that cannot be classified, and the column `reason`
    #[arg(long)]
    pub(crate) only_classifiable: bool,
}

const EXTRACT_HELP: &str = "\
Examples:
  skxc extract monday.pcap tuesday.pcapng -o rows.csv
  skxc extract scan.pcap --features ip_ttl,tcp_dest_port,tcp_syn_flag --only-classifiable

Which packets cannot be classified depends on the features asked for: a header cut short matters
only if a feature is read from it.";

/// Measure a decision and a packet in the kernel
///
/// Times the model alone on varying vectors, and the whole program on varying packets, beside a program that does nothing and one
/// that parses but has no model. All are measured in turn, round after round, so that a machine that slows down slows all
/// alike. Needs privileges. Never judges: slow is no error.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Rows to decide on, as CSV with a header [default: random, around the thresholds]
    #[arg(long, value_name = "ROWS.csv")]
    pub(crate) input: Vec<PathBuf>,
    /// Packets to run on, as pcap or pcapng; their rows are decided on as well [default: made up]
    #[arg(long, value_name = "CAPTURE")]
    pub(crate) capture: Vec<PathBuf>,
    /// Shapes to measure, of the code of trees (`branch` to `direct`) or of sums of products
    /// (`straight`, `table`) [default: every one that fits]
    #[arg(long, value_parser = lowering::choice(), value_delimiter = ',', value_name = "SHAPE,...")]
    pub(crate) lowering: Vec<Choice>,
    /// Rows of real traffic, as CSV with a header, or a capture, in the order in which they came: which way
    /// tests go decides how branches are laid out, whether branch code is the fastest, and, for labels
    /// alone, after how many trees decided rows leave
    #[arg(long, value_name = "ROWS.csv|CAPTURE")]
    pub(crate) profile: Vec<PathBuf>,
    /// Oldest kernel that must load the programs [default: 6.1]
    #[arg(long, value_name = "VERSION")]
    pub(crate) kernel: Option<String>,
    /// An object to measure beside: of an earlier build, or any with one XDP program
    #[arg(long, value_name = "OBJECT")]
    pub(crate) compare: Vec<PathBuf>,
    /// Measure the trees as nested ifs in user space, too: plain C, `cc -O3`
    #[arg(long)]
    pub(crate) native: bool,
    /// Decisions or packets in a sample
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = at_least_one())]
    pub(crate) repeat: u32,
    /// Samples of each program
    #[arg(long, value_name = "N", default_value_t = 11, value_parser = at_least_one())]
    pub(crate) rounds: u32,
    /// Seed of made-up inputs and of their order
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
    /// Draw the net figures as bars
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
}

/// What BPF_PROG_TEST_RUN takes for a number of repetitions, which is an int.
fn at_least_one() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(i32::MAX))
}

const BENCH_HELP: &str = "\
Examples:
  sudo skxc bench portscan.onnx --capture monday.pcap
      on the packets it will see; the shape that `compile` takes is marked (auto)
  sudo skxc bench portscan.onnx --lowering auto --compare out/portscan.bpf.o
      is the new build slower than the old one?
  sudo skxc bench portscan.onnx --input rows.csv --format csv --svg bench.svg > bench.csv

How to read it: ns is the median over the rounds, with the kernel's test-run loop in it; net is
less `empty`, round by round, and is what to compare. `warm` is net with one input again and
again, which caches and branch predictors learn by heart: traffic is not like that.

Inputs come in random order, 32768 vectors and 16384 packets in a round trip. A test run of the
kernel repeats one packet, so a small program writes the next one over it, its length and its
first 128 bytes, and jumps to the program that is measured: the object as it is attached.
`empty` is reached in the same way. `parse only` is the generated program without its model and
its counters. `user space` (--native) is less the loop around it, and has no kernel in it.";

/// What a model holds, what it becomes, and what it costs
///
/// A line an operator says how often the model has it and whether it is supported, or the first thing that is wrong with it. A
/// model that cannot be compiled is shown as far as it goes; all that is wrong is on standard error, and the exit code is 2.
/// With --message-format json, all is one object: `model` has the operators, `program` what would be compiled, or null.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Print the IR after a pass (after the last one if none is named), and nothing else
    #[arg(long, value_name = "PASS", num_args = 0..=1, require_equals = true)]
    pub(crate) ir: Option<Option<String>>,
    /// Print the listing of the ONNX graph, and nothing else
    #[arg(long, conflicts_with = "ir")]
    pub(crate) listing: bool,
    /// Print what every shape of tree code is predicted to cost, which one is chosen and why,
    /// and nothing else; JSON with --message-format json
    #[arg(long, conflicts_with_all = ["ir", "listing"])]
    pub(crate) cost: bool,
    /// Shape of the code of trees (`branch` to `direct`) or of sums of products (`straight`, `table`)
    /// [default: auto]
    #[arg(long, value_name = "SHAPE", value_parser = lowering::choice())]
    pub(crate) lowering: Option<Choice>,
    /// What `auto` goes by: time, bytes or the work of the verifier [default: speed]
    #[arg(long, value_name = "GOAL", value_parser = lowering::goal())]
    pub(crate) optimize: Option<Optimize>,
    /// Rows of real traffic, as CSV with a header, or a capture, in the order in which they came: which way
    /// tests go decides how branches are laid out, whether branch code is the fastest, and, for labels
    /// alone, after how many trees decided rows leave
    #[arg(long, value_name = "ROWS.csv|CAPTURE")]
    pub(crate) profile: Vec<PathBuf>,
    /// Oldest kernel that must load the program [default: 6.1]
    #[arg(long, value_name = "VERSION")]
    pub(crate) kernel: Option<String>,
}

const INSPECT_HELP: &str = "\
Examples:
  skxc inspect portscan.onnx
  skxc inspect portscan.onnx --message-format json | jq '.model.operators[] | select(.supported | not)'
  skxc inspect portscan.onnx --ir                the integer IR
  skxc inspect portscan.onnx --ir=import         as it came from ONNX
  skxc inspect portscan.onnx --cost              what each shape of its trees would cost
  skxc inspect portscan.onnx --cost --kernel 5.10 --optimize verifier";

/// Compile, check and attach in one go
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) program: ProgramArgs,
    #[command(flatten)]
    pub(crate) given: Given,
    /// The network interface
    #[arg(short, long, value_name = "IFACE")]
    pub(crate) interface: String,
    /// Native needs driver support, generic works everywhere
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    pub(crate) mode: Mode,
    /// Fail with exit code 1 if the proven bound on the error of a score or a prediction is above this
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    #[arg(value_parser = crate::bounds::parse_error_max)]
    pub(crate) max_error: Option<f64>,
    /// Folder for the output [default: the current directory]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Attach although the interface strips VLAN tags or merges packets that a column needs as
    /// they were
    #[arg(long)]
    pub(crate) force: bool,
}

const RUN_HELP: &str = "\
Example:
  sudo skxc run portscan.onnx -i eth0 --shadow
      nothing is attached unless every comparison of `skxc check` agrees";

/// Attach an object to an interface
///
/// The link is pinned below /sys/fs/bpf/skxc, so that the program stays when skxc ends; `skxc detach` takes it off again.
#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// The object that `compile` wrote, with its manifest beside it
    #[arg(value_name = "OBJECT")]
    pub(crate) object: PathBuf,
    /// The network interface
    #[arg(short, long, value_name = "IFACE")]
    pub(crate) interface: String,
    /// Native needs driver support, generic works everywhere
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    pub(crate) mode: Mode,
    /// Decide and count, but pass every packet
    #[arg(long)]
    pub(crate) shadow: bool,
    /// What happens to packets of a class, instead of what was compiled in
    #[arg(long = "action", value_name = "CLASS=ACTION,...", allow_hyphen_values = true)]
    pub(crate) actions: Vec<ClassActions>,
    /// What happens to packets that cannot be classified, as for `compile`; reasons that are not
    /// named keep the action that was compiled in
    #[arg(long, value_delimiter = ',', value_name = "ACTION|REASON=ACTION,...")]
    pub(crate) fallback: Vec<Fallback>,
    /// Attach although the object is not the one that its manifest describes, or the interface
    /// strips VLAN tags or merges packets that a column needs as they were
    #[arg(long)]
    pub(crate) force: bool,
}

/// How XDP attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Native, or generic where the driver has no support
    Auto,
    /// In the driver
    Native,
    /// In the network stack
    Generic,
}

const ATTACH_HELP: &str = "\
Examples:
  sudo skxc attach out/portscan.bpf.o -i eth0 --shadow
  sudo skxc attach out/portscan.bpf.o -i eth0 --mode native --action scan=drop
  sudo skxc status -i eth0
  sudo skxc detach -i eth0";

/// What attached programs decided
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only this interface, by name or index
    #[arg(short, long, value_name = "IFACE")]
    pub(crate) interface: Option<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
}

const STATUS_HELP: &str = "\
Examples:
  sudo skxc status
  sudo skxc status -i eth0 --format json
  sudo nsenter --net=/run/netns/NAME skxc status

Exit code 3: something runs, or may run, that cannot be looked at from here.";

/// Take a program off an interface
///
/// Everything of skxc goes from the interface, with its counters; programs of others stay. It works
/// by the name of the interface, also when the interface itself is gone.
#[derive(Debug, Args)]
pub(crate) struct Detach {
    /// The interface, by name or index
    #[arg(short, long, value_name = "IFACE")]
    pub(crate) interface: String,
}

const DETACH_HELP: &str = "\
Example:
  sudo skxc detach -i eth0";

/// The packet features that a column can be bound to
#[derive(Debug, Args)]
pub(crate) struct Features {
    /// Form of the output
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
}

/// Form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// Text for people
    Text,
    /// Comma-separated values with a header
    Csv,
    /// JSON for machines
    Json,
}

const FEATURES_HELP: &str = "\
Examples:
  skxc features
  skxc features --format csv | cut -d, -f1";

/// The text behind a diagnostic code
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A code such as SKX0202; without one, all codes are listed
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

const EXPLAIN_HELP: &str = "\
Examples:
  skxc explain SKX0202
  skxc explain";

/// What this machine can do, and what to install
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

const DOCTOR_HELP: &str = "\
The exit code is 3 if `skxc compile` cannot work here.";

/// Shell completions, for packagers
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell to complete in
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

const COMPLETIONS_HELP: &str = "\
Example:
  skxc completions bash > /usr/share/bash-completion/completions/skxc";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}

//! Back end: wraps the header of a model as a BPF program for a packet hook.
//!
//! `NAME.bpf.c` parses, calls `NAME_predict`, counts, acts; beside it stands
//! `NAME_batch`, which runs the same function over vectors in a map, so that
//! the model can be tested in the kernel without packets.
//!
//! What must hold:
//! - the same module, plan and options give the same bytes;
//! - what the parser needs is decided by the declared columns, so that pruning
//!   never changes which packets are classified;
//! - what an operator may change at load time is `const volatile`, and so is what is
//!   read back from the kernel: the build id and the names of classes;
//! - every symbol, map and section variable begins with the name of the model.

mod class_names;
mod cost;
pub mod kernel_features;
mod program;

use skxc_backend_c::{EmitOptions, Header};
use skxc_backend_common::layout::Layout;
use skxc_ir::Int;
use skxc_ir::validate::Validated;
use skxc_lowering::{Cost, Plan};
#[cfg(doc)]
use skxc_runtime::Reason;
use skxc_runtime::{Feature, Needs};

pub use class_names::read_class_names;
pub use kernel_features::KernelVersion;

/// Where the program sits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hook {
    /// The driver's receive path, or the generic one.
    #[default]
    Xdp,
    /// tcx or clsact, by `SEC("tc")`: older libbpf refuse other names, and
    /// with them the whole object.
    Tc,
    /// No packet hook: the header and the batch program only.
    None,
}

/// What happens to a packet. The numbers are those of `enum xdp_action`
/// (include/uapi/linux/bpf.h), at tc as well, where the program translates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Thrown away, with a trace point.
    Aborted = 0,
    /// The packet is thrown away.
    Drop = 1,
    /// On to the network stack.
    #[default]
    Pass = 2,
    /// Back out of the interface it came in by.
    Tx = 3,
}

/// What a program is made for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Where it sits.
    pub hook: Hook,
    /// The packet feature behind each declared column, in order of the
    /// columns; may be empty with [`Hook::None`].
    pub features: Vec<&'static Feature>,
    /// Action of each class, in the order of [`Layout::classes`]; classes
    /// without one pass. Of several labels the first whose action is not pass decides.
    pub actions: Vec<Action>,
    /// Action of packets that cannot be classified, in the order of [`Reason::ALL`];
    /// reasons without one pass.
    pub fallbacks: Vec<Action>,
    /// Decide and count, but pass every packet.
    pub shadow: bool,
    /// What the header says of its making, and the digest kept in the object.
    pub header: EmitOptions,
}

/// A generated program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// File names, relative to the output directory, with their text: the
    /// header, the program, then the runtime headers it includes.
    pub files: Vec<(String, String)>,
    /// Where the structs hold what.
    pub layout: Layout,
    /// Name of the BPF program at the hook, if there is one.
    pub program: Option<String>,
    /// Name of the BPF program that runs vectors.
    pub batch: String,
    /// Predicted cost of the program less that of the model.
    pub wrapper: Cost,
}

/// A program that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// At a packet hook every column needs a feature.
    #[error("{columns} columns, {features} packet features")]
    FeatureCount {
        /// Declared columns of the model.
        columns: usize,
        /// Number of features given.
        features: usize,
    },
    /// A feature can have values that the model does not expect.
    #[error("column `{column}` does not hold every value of packet feature `{feature}`")]
    FeatureRange {
        /// Name of the column.
        column: String,
        /// Name of the feature.
        feature: &'static str,
    },
    /// At a packet hook every packet gets the action of a class.
    #[error("the model has no class label to act on")]
    NoLabel,
    /// An action for a class that does not exist.
    #[error("{actions} actions for {classes} classes")]
    ActionCount {
        /// Classes of the model.
        classes: u32,
        /// Number of actions given.
        actions: usize,
    },
}

/// Makes the program of a module.
///
/// # Errors
/// [`Error`] if features or actions do not match the module.
pub fn emit(module: &Validated<Int>, plan: &Plan, options: &Options) -> Result<Artifact, Error> {
    let Header { text, layout } = skxc_backend_c::emit(module, plan, &options.header);
    let name = &module.name;
    if options.hook != Hook::None {
        check(module, &layout, options)?;
    }
    let mut files = vec![
        (format!("{name}.h"), text),
        (format!("{name}.bpf.c"), program::text(module, &layout, options)),
    ];
    let headers = skxc_runtime::HEADERS.iter();
    files.extend(headers.map(|&(path, text)| (path.to_owned(), text.to_owned())));
    let program = match options.hook {
        Hook::Xdp => Some(format!("{name}_xdp")),
        Hook::Tc => Some(format!("{name}_tc")),
        Hook::None => None,
    };
    let wrapper = cost::wrapper(&layout, options);
    Ok(Artifact { files, layout, program, batch: format!("{name}_batch"), wrapper })
}

fn check(module: &Validated<Int>, layout: &Layout, options: &Options) -> Result<(), Error> {
    let (columns, features) = (module.columns.len(), options.features.len());
    if columns != features {
        return Err(Error::FeatureCount { columns, features });
    }
    for ((_, column), feature) in module.columns.iter().zip(&options.features) {
        if !(column.range.contains(0) && column.range.contains(i64::from(feature.max))) {
            let column = column.name.clone();
            return Err(Error::FeatureRange { column, feature: feature.name });
        }
    }
    if layout.labels.is_empty() {
        return Err(Error::NoLabel);
    }
    let classes = layout.classes();
    if options.actions.len() > classes as usize {
        let actions = options.actions.len();
        return Err(Error::ActionCount { classes, actions });
    }
    Ok(())
}

/// What the parser must find for a set of features.
#[must_use]
pub fn needs(features: &[&'static Feature]) -> Needs {
    features.iter().fold(Needs::NOTHING, |needs, feature| needs.union(feature.needs))
}

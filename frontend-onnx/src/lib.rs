//! The front end: ONNX bytes to a [`Module`] over the reals.
//!
//! [`import`] is the only entry. It decodes the file, prints its graph as a
//! listing, checks the graph, asks the caller what the input columns are, and
//! imports the operators.
//!
//! What must hold:
//! - hostile input is normal: the size of everything is checked before it is
//!   allocated ([`limits`]), every index is checked, nothing recurses over
//!   model data, and no bytes make it panic;
//! - wrong input becomes diagnostics that point into the listing, as many as
//!   can be found in one run; there is a module if and only if none is an error;
//! - text of the model is escaped before it is shown;
//! - nothing here touches files: tensors that are kept in other files are refused,
//!   unless the caller reads them ([`import_with`]);
//! - prost is seen by no other crate.

mod body;
mod build;
mod external;
mod fold;
mod foreign;
mod graph;
mod import;
mod indexed;
mod inputs;
pub mod limits;
mod listing;
mod node;
mod ops;
mod outputs;
mod proto;
mod report;
mod summary;
mod tensor;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod wire;

use prost::Message as _;
use prost::bytes::Bytes;
use skxc_diagnostics::codes::{LIMIT_EXCEEDED, NOT_A_MODEL, UNKNOWN_OPERATOR, UNSUPPORTED_PART};
use skxc_diagnostics::{Diagnostic, GraphListing, Sources, escape_to_one_line, has_errors};
use skxc_ir::validate::InvalidModule;
use skxc_ir::{Column, Interval, Module, Real};

pub use external::{ExternalRange, ReadExternal};
pub use inputs::{FeatureProperty, InputTensor, ModelInputs};
pub use summary::{OperatorCount, Summary, SupportedOperator, operator_table, supported_operators};

use import::Importer;
use limits::FILE_BYTES_MAX;
use proto::{GraphProto, ModelProto};
use report::Report;

/// Tells what the columns of the inputs are: as many as
/// [`ModelInputs::width`], in that order, or what is wrong.
pub type Bind<'b> = dyn FnMut(&ModelInputs) -> Result<Vec<Column>, Vec<Diagnostic>> + 'b;

/// What the caller decides about an import.
pub struct ImportOptions<'o> {
    /// Name of the file, for the listing.
    pub file_name: &'o str,
    /// Name of the module: a C identifier in lower case.
    pub model_name: &'o str,
    /// Tells what the input columns are. Called once, if there are any.
    pub bind: &'o mut Bind<'o>,
}

/// What came of an import.
#[derive(Debug)]
pub struct Import {
    /// The model, unless a diagnostic is an error.
    pub module: Option<Module<Real>>,
    /// What there is to say about the file, in the order of its parts.
    pub diagnostics: Vec<Diagnostic>,
    /// The listing of the graph; empty if the file holds none.
    pub listing: GraphListing,
    /// What the file holds, as far as it could be read.
    pub summary: Summary,
}

/// Imports an ONNX model and adds its listing to `sources`.
///
/// # Panics
/// If [`ImportOptions::bind`] returns a number of columns that the inputs do not
/// take ([`ModelInputs::takes`]).
pub fn import(bytes: &[u8], options: &mut ImportOptions<'_>, sources: &mut Sources) -> Import {
    import_with(bytes, options, None, sources)
}

/// As [`import`]; tensors that are kept in other files are read by `external`,
/// if there is such a way.
///
/// # Panics
/// As [`import`], and if `external` returns another number of bytes than asked for.
pub fn import_with(
    bytes: &[u8],
    options: &mut ImportOptions<'_>,
    external: Option<&mut ReadExternal<'_>>,
    sources: &mut Sources,
) -> Import {
    let (model, mut graph) = match decode(bytes, options.file_name) {
        Ok(decoded) => decoded,
        Err(diagnostic) => {
            let source = sources.add(options.file_name, "");
            let listing = GraphListing { source, nodes: Vec::new() };
            let summary = Summary::default();
            return Import { module: None, diagnostics: vec![diagnostic], listing, summary };
        }
    };
    let listing = listing::print(&model, &graph, options.file_name, sources);
    if let Some(read) = external {
        external::read_all(&mut graph, read);
    }
    let mut report = Report::new(&listing);
    let checked = graph::check(&model, &graph, bytes.len(), &listing, &mut report);
    let inputs = inputs::read(&model, &listing, &checked, &mut report);
    let (inputs, columns) = bind(inputs, &mut *options.bind, &mut report);
    let (is_open, said) = (inputs.open().is_some(), report.diagnostics.len());
    let mut importer =
        import::import(&checked, &listing, &inputs, columns, options.model_name, report);
    outputs::add(&mut importer, &graph, &listing);
    let Importer { module, mut report, .. } = importer;
    if is_open {
        drop_what_follows(&mut report.diagnostics, said);
    }
    if !has_errors(&report.diagnostics)
        && let Some(invalid) = InvalidModule::of("import", &module)
    {
        report.add(invalid.diagnostic(Some(&listing.of_graph())));
    }
    let diagnostics = report.finish();
    let summary = summary::summarize(&model, &graph, inputs, &module, &listing, &diagnostics);
    let module = (!has_errors(&diagnostics)).then_some(module);
    Import { module, diagnostics, listing: listing.of_graph(), summary }
}

/// Decodes the file, and takes the graph out of the model.
fn decode(bytes: &[u8], file_name: &str) -> Result<(ModelProto, GraphProto), Diagnostic> {
    let file = escape_to_one_line(file_name);
    if bytes.len() > FILE_BYTES_MAX {
        let message =
            format!("`{file}` has {} bytes; at most {FILE_BYTES_MAX} are allowed", bytes.len());
        return Err(Diagnostic::error(LIMIT_EXCEEDED, message));
    }
    let refuse = |why: &str| {
        let problem = Diagnostic::error(NOT_A_MODEL, format!("`{file}` is not an ONNX model"));
        match foreign::kind(bytes) {
            Some(kind) => problem.note(kind.note()).help(kind.help()),
            None => problem
                .note(why)
                .help("export the model with skl2onnx and write `SerializeToString()` whole"),
        }
    };
    wire::check(bytes).map_err(|refusal| match refusal {
        wire::Refusal::Malformed => refuse("its bytes are cut short, or of another format"),
        wire::Refusal::TooDeep => Diagnostic::error(
            LIMIT_EXCEEDED,
            format!("`{file}` nests messages deeper than a hundred levels"),
        ),
        wire::Refusal::TooMany { what, most } => Diagnostic::error(
            LIMIT_EXCEEDED,
            format!("`{file}` has too many {what}; at most {most} are allowed"),
        ),
        wire::Refusal::TooLarge => Diagnostic::error(
            LIMIT_EXCEEDED,
            format!("`{file}` would take more than {} bytes", limits::DECODED_BYTES_MAX),
        ),
    })?;
    let decoded = ModelProto::decode(Bytes::copy_from_slice(bytes));
    let mut model = decoded.map_err(|error| refuse(&error.to_string()))?;
    if model.ir_version <= 0 {
        return Err(refuse("it has no `ir_version`"));
    }
    let graph = model.graph.take().ok_or_else(|| refuse("it has no graph"))?;
    Ok((model, graph))
}

/// Of what an import says behind the first `said` diagnostics, keeps what is wrong
/// however many columns there are: nobody said how many.
fn drop_what_follows(diagnostics: &mut Vec<Diagnostic>, said: usize) {
    let mut at = 0;
    diagnostics.retain(|diagnostic| {
        at += 1;
        at <= said || [UNKNOWN_OPERATOR, UNSUPPORTED_PART].contains(&diagnostic.code)
    });
}

/// Asks for the columns. Where there are none, columns without meaning take
/// their place, so that the rest of the model is checked in the same run.
fn bind(
    inputs: ModelInputs,
    bind: &mut Bind<'_>,
    report: &mut Report,
) -> (ModelInputs, Vec<Column>) {
    let nameless = |width: usize| {
        let range = Interval::new(0, 1);
        (0..width).map(|index| Column { name: format!("c{index}"), range, missing: None }).collect()
    };
    let width = inputs.width();
    if has_errors(&report.diagnostics) && inputs.tensors.is_empty() {
        return (inputs, nameless(width));
    }
    match bind(&inputs) {
        Ok(columns) => {
            assert!(inputs.takes(columns.len()), "`bind` makes a column for each of the inputs");
            let inputs = inputs.with_columns(columns.len());
            inputs::check_columns(&inputs, &columns, report);
            (inputs, columns)
        }
        Err(diagnostics) => {
            for diagnostic in diagnostics {
                report.add(diagnostic);
            }
            (inputs, nameless(width))
        }
    }
}

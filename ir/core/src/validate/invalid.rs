//! A step of skxc that made a module which is not valid: an error of skxc, not of
//! the model, that names the step and the ONNX node it was at.

use skxc_diagnostics::{Diagnostic, GraphListing, codes, escape_to_one_line};
use thiserror::Error;

use super::{Location, Rules, Validated, ValidationError, Validator};
use crate::module::{Module, Operation as _, Value};
use crate::ops::Reference;
use crate::origin::OnnxNode;

/// What is wrong with a module, and which step made it so.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("`{step}` made a module that is not valid: {first}")]
pub struct InvalidModule {
    /// The step: `import`, or the name of a pass.
    pub step: &'static str,
    /// The ONNX node that what is wrong comes from, if it is known.
    pub node: Option<OnnxNode>,
    /// The first of the broken rules.
    pub first: ValidationError,
    /// How many there are beside it.
    pub others: usize,
}

impl Validator {
    /// Proves that the module that `step` made is valid.
    ///
    /// # Errors
    /// What is wrong, and where it comes from.
    pub fn validate_after<D: Rules>(
        step: &'static str,
        module: Module<D>,
    ) -> Result<Validated<D>, Box<InvalidModule>> {
        match Self::prove(&module) {
            Ok(ranges) => Ok(Validated::new(module, ranges)),
            Err(errors) => Err(InvalidModule::new(step, &module, errors)),
        }
    }
}

impl InvalidModule {
    /// What is wrong with the module that `step` made; `None` if it is valid.
    #[must_use]
    pub fn of<D: Rules>(step: &'static str, module: &Module<D>) -> Option<Box<Self>> {
        let errors = Validator::check(module);
        (!errors.is_empty()).then(|| Self::new(step, module, errors))
    }

    fn new<D: Rules>(
        step: &'static str,
        module: &Module<D>,
        mut errors: Vec<ValidationError>,
    ) -> Box<Self> {
        let first = errors.swap_remove(0);
        let node = value_at(module, first.location).map(|value| module.onnx_node(value));
        Box::new(Self { step, node, first, others: errors.len() })
    }

    /// As a diagnostic, which points at the node in the listing.
    #[must_use]
    pub fn diagnostic(&self, listing: Option<&GraphListing>) -> Diagnostic {
        let step = self.step;
        let error = match &self.node {
            Some(node) => {
                let message = format!("step `{step}` turned `{node}` into what is not valid");
                let error = Diagnostic::error(codes::INVALID_MODULE, message);
                node.mark(error, listing, "the node it comes from")
            }
            None => {
                let message = format!("step `{step}` made a module that is not valid");
                Diagnostic::error(codes::INVALID_MODULE, message)
            }
        };
        let others = match self.others {
            0 => String::new(),
            others => format!(", and {others} more"),
        };
        error
            .note(escape_to_one_line(&format!("{}{others}", self.first)))
            .note("this is an error of skxc, not of the model; nothing was written")
            .help("report it with the model, or with what `skxc inspect --listing` prints of it")
    }
}

/// The value that a location is about, or that reads what it is about. None for
/// columns and the module as a whole, and for references that do not exist.
fn value_at<D: Rules>(module: &Module<D>, location: Location) -> Option<Value> {
    let user_of = |wanted: &dyn Fn(Reference) -> bool| {
        module.values().find(|&value| {
            let mut reads = false;
            module.node(value).op.references(&mut |it| reads |= wanted(it));
            reads
        })
    };
    let value = match location {
        Location::Module | Location::Column(_) => None,
        Location::Value(value) => Some(value),
        Location::Output(output) => module.outputs.get(output).map(|output| output.value),
        Location::Labels(at) => user_of(&|it| matches!(it, Reference::Labels(i) if i == at)),
        Location::Constant(at) => user_of(&|it| matches!(it, Reference::Constant(i) if i == at)),
        Location::Forest(at) | Location::TreeNode(at, _) => {
            user_of(&|it| matches!(it, Reference::Forest(i) if i == at))
        }
        Location::Function(at) => user_of(&|it| matches!(it, Reference::Function(i) if i == at)),
        Location::Matrix(at) => user_of(&|it| matches!(it, Reference::Matrix(i) if i == at)),
    };
    // A broken module may name values and origins that do not exist.
    let exists = |value: &Value| {
        let node = module.nodes.iter().nth(value.index());
        node.is_some_and(|(_, node)| node.origin.index() < module.origins.len())
    };
    value.filter(exists)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::Real;
    use crate::text::parse;

    /// The node that is named for the module with these lines.
    #[track_caller]
    fn check(lines: &str, node: Option<&str>, first: &str) {
        let text = format!("real a\nonnx0 = \"Relu one\"\nonnx1 = \"Mul two\"\n{lines}");
        let module = parse::<Real>(&text).expect("the text is a module");
        let invalid = InvalidModule::of("import", &module).expect("the module is not valid");
        assert_eq!(invalid.node.map(|node| node.name).as_deref(), node);
        assert_eq!(invalid.first.to_string(), first);
    }

    #[test]
    fn the_node_is_found_that_what_is_wrong_comes_from() {
        let column = "@c0 = column x [0, 9]\n";
        check(
            &format!(
                "{column}@w0 = constant f32[1] [nan]\n%0 = input [x] : f32[1x1] !onnx0\n\
                 %1 = constant @w0 : f32[1] !onnx1\n%2 = add %0, %1 : f32[1x1] !onnx0\n\
                 output \"y\" value %2\n"
            ),
            Some("Mul two"),
            "@w0: NaN is not a number that `f32` can hold",
        );
        check(
            &format!(
                "{column}%0 = input [x] : i64[1x1] !onnx0\n%1 = relu %0 : i64[1x1] !onnx1\noutput \"y\" value %1\n"
            ),
            Some("Mul two"),
            "%1: an operand is `i64[1x1]`, the operation takes floats",
        );
        check(column, None, "module: outputs are missing");
    }
}

//! What the tests of ensembles read: functions of one column.

use std::collections::HashMap;
use std::rc::Rc;

use skxc_ir::analysis::univariate::{Function, Univariate};
use skxc_ir::arena::Handle;
use skxc_ir::module::{Column, Module, Real, Value};
use skxc_ir::ops::RealOp;

/// A column, and what becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    /// The column; any one where the feature is the same for every row.
    pub(super) column: Handle<Column>,
    /// The table of the function.
    pub(super) function: Rc<Function>,
}

/// For the row of each ensemble the features. Where one is no function of one
/// column, nothing; where one is too large a function, its column.
pub(super) type Rows = HashMap<Value, Result<Rc<[Feature]>, Option<Handle<Column>>>>;

/// Finds the rows of the ensembles of a module.
pub(super) fn of(module: &Module<Real>, univariate: &Univariate<'_>) -> Rows {
    let inputs = module.nodes.iter().filter_map(|(_, node)| match node.op {
        RealOp::TreeEnsemble { input, .. } => Some(input),
        _ => None,
    });
    inputs.map(|input| (input, row(module, univariate, input))).collect()
}

fn row(
    module: &Module<Real>,
    univariate: &Univariate<'_>,
    input: Value,
) -> Result<Rc<[Feature]>, Option<Handle<Column>>> {
    let any = module.columns.handles().next();
    let feature = |element: usize| {
        let column = univariate.column(input, element).ok_or(None)?.or(any).ok_or(None)?;
        let function = univariate.function(input, element).ok_or(Some(column))?;
        Ok(Feature { column, function: Rc::new(function) })
    };
    (0..module.shape(input).elements()).map(feature).collect()
}

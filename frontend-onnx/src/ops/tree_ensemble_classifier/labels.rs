//! Class labels: `classlabels_int64s` or `classlabels_strings`, as
//! TreeEnsembleClassifier and ZipMap have them; LinearClassifier and
//! SVMClassifier call the integers `classlabels_ints`.

use skxc_diagnostics::codes::{ATTRIBUTE_MISSING, CLASS_LABELS, LIMIT_EXCEEDED};
use skxc_ir::LabelTable;
use skxc_ir::limits::MODEL_CLASSES_MAX;

use crate::node::{Imported, Node};

const INTEGERS: &str = "classlabels_int64s";
const STRINGS: &str = "classlabels_strings";

/// The labels and the attribute that holds them.
///
/// There is at least one, and no two are equal: a label that two classes share
/// could not be told back to either.
pub(in crate::ops) fn read(node: &Node<'_>) -> Imported<(LabelTable, &'static str)> {
    read_called(node, INTEGERS)
}

/// As [`read`], with the integers in the attribute `of_integers`.
pub(in crate::ops) fn read_called(
    node: &Node<'_>,
    of_integers: &'static str,
) -> Imported<(LabelTable, &'static str)> {
    let (integers, strings) = (node.ints(of_integers)?, node.strings(STRINGS)?);
    let (table, name) = match (integers.is_empty(), strings.is_empty()) {
        (false, true) => (LabelTable::Integers(integers.to_vec()), of_integers),
        (true, false) => (LabelTable::Strings(strings), STRINGS),
        (true, true) => {
            let message = format!("`{}` has no class labels", node.name());
            let help = format!("it needs `{of_integers}` or `{STRINGS}`");
            return Err(node.error(ATTRIBUTE_MISSING, message).help(help).into());
        }
        (false, false) => {
            let message = format!("`{}` has both `{of_integers}` and `{STRINGS}`", node.name());
            return Err(node.attribute_error(STRINGS, CLASS_LABELS, message).into());
        }
    };
    if table.len() > MODEL_CLASSES_MAX {
        let message =
            format!("there are {} classes; at most {MODEL_CLASSES_MAX} are allowed", table.len());
        return Err(node.attribute_error(name, LIMIT_EXCEEDED, message).into());
    }
    if let Some(label) = first_repeated(&table) {
        let message = format!("two classes have the label `{}`", crate::listing::short(&label));
        return Err(node.attribute_error(name, CLASS_LABELS, message).into());
    }
    Ok((table, name))
}

fn first_repeated(table: &LabelTable) -> Option<String> {
    let mut texts: Vec<String> = (0..table.len()).map(|class| table.text(class)).collect();
    texts.sort_unstable();
    texts.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone())
}

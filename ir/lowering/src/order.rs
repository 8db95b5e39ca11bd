//! How much of an order is read: the nearest neighbours are a few of many rows.
//!
//! All positions of a sorted row need a comparison of every pair. Where only the
//! first few are read, each of these is found by a pass over the row, and the rest is
//! never known.

use skxc_ir::module::{Int, Module, Operation as _, Value};
use skxc_ir::ops::IntOp;

/// Of each row of a sorted value, so many first positions are all that is read, if
/// finding these alone is less work than sorting.
#[must_use]
pub fn first_read(module: &Module<Int>, sorted: Value) -> Option<usize> {
    let width = module.shape(sorted).row();
    let mut most = 0;
    for (_, node) in module.nodes.iter() {
        match &node.op {
            IntOp::Gather { input, indices } if *input == sorted => {
                let last = indices.iter().max().map_or(0, |&index| index as usize + 1);
                most = most.max(last);
            }
            op => op.operands(&mut |operand| {
                if operand == sorted {
                    most = width;
                }
            }),
        }
    }
    if module.outputs.iter().any(|output| output.value == sorted) {
        most = width;
    }
    // By instructions: a pass has as many for an element as sorting has for two pairs
    // of it, and every pair is sorted once.
    (2 * most < width).then_some(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(users: &str) -> Option<usize> {
        let text = format!(
            "int a
@c0 = column x [0, 9]
%0 = input [x, x, x, x, x, x, x] : i64[1x7]
%1 = argsort %0, least first : i64[1x7]
{users}"
        );
        let module = skxc_ir::text::parse::<Int>(&text).expect("the text is a module");
        first_read(&module, Value::from_index(1))
    }

    #[test]
    fn positions_are_counted_up_to_the_last_that_is_read() {
        let first = "%2 = gather %1 [0] : i64[1x1]\n%3 = gather %1 [2, 1] : i64[1x2]\n";
        assert_eq!(of(&format!("{first}output \"a\" value %3\n")), Some(3));
        assert_eq!(of(&format!("{first}output \"a\" value %1\n")), None);
        let whole = "%4 = reshape %1 : i64[7]\n";
        assert_eq!(of(&format!("{first}{whole}output \"a\" value %4\n")), None);
        assert_eq!(of("%2 = gather %1 [3] : i64[1x1]\noutput \"a\" value %2\n"), None);
    }
}

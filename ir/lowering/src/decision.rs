//! What a sum is for: a sum that nothing reads but comparisons with one number
//! needs no more than its side of that number.
//!
//! What must hold: any two sums on the same side of [`threshold`] give the same
//! outputs.

use std::collections::BTreeMap;

use skxc_ir::module::{Int, Module, Operation, Value};
use skxc_ir::ops::{IntBinary, IntOp, Relation};

/// A value that is the sum, or a constant less the sum, and a constant.
#[derive(Clone, Copy, Debug)]
struct Line {
    negated: bool,
    constant: i128,
}

/// The number that decides: all outputs that depend on the single sum `sums` do so
/// through the question whether it is greater than that. `None` if there is no
/// such number, or if there are several sums.
#[must_use]
pub fn threshold(module: &Module<Int>, sums: Value) -> Option<i64> {
    if module.shape(sums).elements() != 1 {
        return None;
    }
    let mut lines = BTreeMap::from([(sums, Line { negated: false, constant: 0 })]);
    let mut found = None;
    for value in module.values().skip(sums.index() + 1) {
        let op = &module.node(value).op;
        let mut reads = false;
        op.operands(&mut |operand| reads |= lines.contains_key(&operand));
        if !reads {
            continue;
        }
        match read(module, &lines, op)? {
            Read::Line(line) => {
                lines.insert(value, line);
            }
            Read::Above(at) if found.is_none_or(|known| known == at) => found = Some(at),
            Read::Above(_) => return None,
        }
    }
    if module.outputs.iter().any(|output| lines.contains_key(&output.value)) {
        return None;
    }
    found.and_then(|at| i64::try_from(at).ok())
}

/// What an operation makes of the sum.
enum Read {
    Line(Line),
    /// It asks whether the sum is above this, or whether it is not.
    Above(i128),
}

fn read(module: &Module<Int>, lines: &BTreeMap<Value, Line>, op: &IntOp) -> Option<Read> {
    let line = |value: &Value| lines.get(value).copied();
    match op {
        IntOp::Reshape { input } | IntOp::Gather { input, .. } => line(input).map(Read::Line),
        IntOp::Binary { function: IntBinary::Add, a, b } => {
            let (line, added) =
                line(a).zip(constant(module, *b)).or(line(b).zip(constant(module, *a)))?;
            Some(Read::Line(Line { constant: line.constant + added, ..line }))
        }
        IntOp::Binary { function: IntBinary::Subtract, a, b } => Some(Read::Line(match line(a) {
            Some(line) => Line { constant: line.constant - constant(module, *b)?, ..line },
            None => {
                let (from, line) = (constant(module, *a)?, line(b)?);
                Line { negated: !line.negated, constant: from - line.constant }
            }
        })),
        IntOp::Greater { a, threshold } => Some(line(a)?.above((*threshold).into())),
        IntOp::Compare { relation, a, b } => match line(a) {
            Some(line) => line.compared(*relation, constant(module, *b)?),
            None => line(b)?.compared(relation.mirrored(), constant(module, *a)?),
        },
        _ => None,
    }
}

/// The number that all elements of a constant are.
fn constant(module: &Module<Int>, value: Value) -> Option<i128> {
    let IntOp::Constant { constant } = module.node(value).op else { return None };
    let elements = &module.constants[constant].elements;
    let first = *elements.first()?;
    elements.iter().all(|&x| x == first).then_some(first.into())
}

impl Line {
    /// The question whether the value is greater than `at`, asked of the sum.
    fn above(self, at: i128) -> Read {
        Read::Above(match self.negated {
            false => at - self.constant,
            true => self.constant - at - 1,
        })
    }

    fn compared(self, relation: Relation, with: i128) -> Option<Read> {
        match relation {
            Relation::Greater | Relation::LessOrEqual => Some(self.above(with)),
            Relation::GreaterOrEqual | Relation::Less => Some(self.above(with - 1)),
            Relation::Equal => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skxc_ir::text;

    /// The threshold of `%1`, the single sum, under the operations of `rest`.
    fn check(rest: &str, expected: Option<i64>) {
        let module = text::parse::<Int>(&format!(
            "int m\n@c0 = column x [0, 255]\n@l0 = labels [0, 1]\n\
             @w0 = constant q1.4[1x1] [16]\n\
             @t0 = forest q1.4, 1 features, 1 targets\n  roots [n0]\n\
             n0 = if x0 <= 9 then n1 else n2\n  n1 = leaf [0: 3]\n  n2 = leaf [0: 9]\nend\n\
             %0 = input [x] : i64[1x1]\n%1 = tree_ensemble @t0, %0 : q1.4[1x1]\n\
             %2 = constant @w0 : q1.4[1x1]\n{rest}"
        ));
        let module = module.expect("it reads");
        let sums = module.values().nth(1).expect("it is there");
        assert_eq!(threshold(&module, sums), expected, "{rest}");
    }

    #[test]
    fn questions_of_a_sum() {
        let label = "%5 = label @l0, %4 : label(@l0)[1]\noutput \"label\" label %5\n";
        let asked = |op: &str| format!("%3 = reshape %1 : q1.4[1]\n%4 = {op} : bool[1]\n{label}");
        check(&asked("greater %3, 7"), Some(7));
        let of_rest = |op: &str| {
            format!(
                "%3 = subtract %2, %1 : q1.4[1x1]\n%4 = {op}\n%5 = reshape %4 : bool[1]\n\
                     %6 = label @l0, %5 : label(@l0)[1]\noutput \"label\" label %6\n"
            )
        };
        // 16 - sum > 7 exactly if sum <= 8.
        check(&of_rest("greater %3, 7 : bool[1x1]"), Some(8));
        check(&of_rest("less %2, %1 : bool[1x1]"), Some(16));
        check(&of_rest("greater_or_equal %1, %2 : bool[1x1]"), Some(15));
        check(&of_rest("equal %1, %2 : bool[1x1]"), None);
        check(&(asked("greater %3, 7") + "output \"score\" score raw %1\n"), None);
    }
}

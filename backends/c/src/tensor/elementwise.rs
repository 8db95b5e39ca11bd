//! Elementwise operations: an expression for each element.

use std::collections::BTreeSet;

use skxc_ir::{IntBinary, IntOp, Operation as _, Relation, Rounding, Value};
use skxc_lowering::Element;

use super::operand::Operand;
use super::{about, operand};
use crate::context::Context;
use skxc_backend_common::writer::{Writer, literal};
use skxc_lowering::storage::STRAIGHT_MAX;

/// Computes all elements of `value`.
pub(super) fn emit(out: &mut Writer, context: &Context<'_>, value: Value) {
    let mut comments = Vec::new();
    each_fused(context, value, &mut |fused| comments.push(comment(context, fused)));
    comments.push(comment(context, value));
    out.comment(&comments);
    let operands = operands(context, value);
    each(out, context, value, &operands, |arguments| expression(context, value, arguments));
}

/// Assigns what `expression` makes of the elements of the operands to each
/// element of `value`.
pub(super) fn each(
    out: &mut Writer,
    context: &Context<'_>,
    value: Value,
    operands: &[Value],
    expression: impl Fn(&[String]) -> String,
) {
    let whole = context.module.shape(value);
    let count = whole.elements();
    if count <= STRAIGHT_MAX {
        let positions: Vec<_> =
            operands.iter().map(|&it| context.module.shape(it).positions_in(whole)).collect();
        for index in 0..count {
            let element = |(operand, at): (&Value, &Vec<usize>)| {
                operand::wide(context, context.plan.elements.of_value(*operand)[at[index]])
            };
            let arguments: Vec<_> = operands.iter().zip(&positions).map(element).collect();
            assign(out, &target(context, value, index), &expression(&arguments));
        }
        return;
    }
    // A look-up at computed positions has its row before the positions.
    let all = Operand::all(context, value);
    let sources = &all[all.len() - operands.len()..];
    let mut fused = Vec::new();
    each_fused(context, value, &mut |value| fused.push(value));
    let on_the_way: Vec<_> = fused.iter().map(|&fused| Operand::all(context, fused)).collect();
    for source in on_the_way.iter().flatten().chain(sources) {
        source.prepare(out, context);
    }
    let at_i = |sources: &[Operand]| -> Vec<String> {
        sources.iter().map(|source| source.at(context, "i")).collect()
    };
    let arguments = at_i(sources);
    out.open(&format!("for (__u32 i = 0; i < {count}; i++) {{"));
    for (fused, sources) in fused.into_iter().zip(&on_the_way) {
        let expression = self::expression(context, fused, &at_i(sources));
        assign(out, &format!("__s64 v{}", fused.index()), &expression);
    }
    assign(out, &format!("s->v{}[i]", value.index()), &expression(&arguments));
    out.close("}");
}

/// The expression of an element of a value.
pub(super) fn target(context: &Context<'_>, value: Value, index: usize) -> String {
    let index = u32::try_from(index).expect("limits::ELEMENTS_MAX is below 2^32");
    context.element(Element::Cell { value, index })
}

/// An assignment that may need several lines.
pub(super) fn assign(out: &mut Writer, target: &str, expression: &str) {
    let pieces = std::iter::once(target).chain(std::iter::once("="));
    let words = pieces.chain(expression.split(' ')).map(str::to_owned);
    let mut words: Vec<String> = words.collect();
    if let Some(last) = words.last_mut() {
        last.push(';');
    }
    out.wrapped(&words);
}

/// Visits the values that the loop of `value` computes on its way, in an order in
/// which each comes after what it reads.
fn each_fused(context: &Context<'_>, value: Value, visit: &mut dyn FnMut(Value)) {
    let sources = Operand::all(context, value);
    // What is read twice is computed once.
    let fused: BTreeSet<Value> = sources.iter().filter_map(Operand::fused).collect();
    for value in fused {
        each_fused(context, value, visit);
        visit(value);
    }
}

/// The expression of an element of a value whose operands are constants but for
/// one element, which the variable `name` holds.
pub(super) fn of_one(context: &Context<'_>, value: Value, name: &str) -> String {
    let argument = |operand: Value| match context.plan.elements.of_value(operand)[0] {
        Element::Cell { .. } => name.to_owned(),
        one @ (Element::Constant(_) | Element::Column(_)) => operand::wide(context, one),
    };
    let arguments: Vec<String> = operands(context, value).into_iter().map(argument).collect();
    expression(context, value, &arguments)
}

fn operands(context: &Context<'_>, value: Value) -> Vec<Value> {
    let mut operands = Vec::new();
    context.module.node(value).op.operands(&mut |operand| operands.push(operand));
    operands
}

pub(super) fn comment(context: &Context<'_>, value: Value) -> String {
    match context.module.node(value).op {
        IntOp::Greater { a, threshold } => {
            let threshold = context.real(a, threshold.into());
            format!("{} The threshold is {threshold}.", about(context, value))
        }
        _ => about(context, value),
    }
}

fn expression(context: &Context<'_>, value: Value, arguments: &[String]) -> String {
    let name = &context.prefix.lower;
    let call = |function: &str| format!("{name}_{function}({})", arguments.join(", "));
    match context.module.node(value).op {
        IntOp::Binary { function, .. } => {
            let (a, b) = (&arguments[0], &arguments[1]);
            match function {
                IntBinary::Add => format!("{a} + {b}"),
                IntBinary::Subtract => format!("{a} - {b}"),
                IntBinary::And => format!("{a} & {b}"),
                IntBinary::Or => format!("{a} | {b}"),
                IntBinary::Xor => format!("{a} ^ {b}"),
                IntBinary::Minimum => call("minimum"),
                IntBinary::Maximum if is_relu(context, value) => format!("{name}_relu({a})"),
                IntBinary::Maximum => call("maximum"),
            }
        }
        IntOp::Multiply { shift, .. } => {
            if is_wide_product(context, value) {
                return format!("{name}_multiply({}, {}, {shift})", arguments[0], arguments[1]);
            }
            let product = format!("{} * {}", arguments[0], arguments[1]);
            shifted(&product, shift, Rounding::Nearest)
        }
        IntOp::Divide { shift, .. } => {
            let (a, b) = (times_power_of_two(&arguments[0], shift), &arguments[1]);
            format!("{name}_divide({a}, {b})")
        }
        IntOp::Rescale { input, rounding } => {
            let bits = |value: Value| context.module.ty(value).elem.frac_bits();
            let (from, to) = (bits(input), bits(value));
            if to >= from {
                times_power_of_two(&arguments[0], to - from)
            } else {
                shifted(&arguments[0], from - to, rounding)
            }
        }
        IntOp::Function { function, .. } => call(&format!("f{}", function.index())),
        IntOp::Not { .. } => format!("{} ^ 1", arguments[0]),
        IntOp::Compare { relation, .. } => compare(name, relation, &arguments[0], &arguments[1]),
        IntOp::Greater { threshold, .. } => {
            compare(name, Relation::Greater, &arguments[0], &literal(threshold))
        }
        IntOp::Select { .. } => call("pick"),
        IntOp::Lookup { .. } => call(&format!("lookup{}", value.index())),
        ref op => unreachable!("`{}` is not elementwise", op.name()),
    }
}

/// Is `value` the greater of numbers and 0?
pub(super) fn is_relu(context: &Context<'_>, value: Value) -> bool {
    let IntOp::Binary { function: IntBinary::Maximum, b, .. } = context.module.node(value).op
    else {
        return false;
    };
    let elements = context.plan.elements.of_value(b);
    elements.iter().all(|element| *element == Element::Constant(0))
}

/// Is `value` a product of more than 62 bits before it is shifted?
pub(super) fn is_wide_product(context: &Context<'_>, value: Value) -> bool {
    let IntOp::Multiply { a, b, shift } = context.module.node(value).op else { return false };
    let bits = |operand: Value| {
        let bounds = context.ranges.of_value(operand).iter();
        bounds.map(|bounds| bounds.magnitude_bits()).max().unwrap_or(0)
    };
    shift > 0 && bits(a) + bits(b) > 62
}

fn compare(name: &str, relation: Relation, a: &str, b: &str) -> String {
    match relation {
        Relation::Equal => format!("{name}_differ({a}, {b}) ^ 1"),
        Relation::Less => format!("{name}_less({a}, {b})"),
        Relation::Greater => format!("{name}_less({b}, {a})"),
        Relation::LessOrEqual => format!("{name}_less({b}, {a}) ^ 1"),
        Relation::GreaterOrEqual => format!("{name}_less({a}, {b}) ^ 1"),
    }
}

/// `x * 2^shift`: a product, since C does not define shifts of negative numbers to the left.
fn times_power_of_two(x: &str, shift: u8) -> String {
    if shift == 0 { x.to_owned() } else { format!("{x} * {}", literal(1i64 << shift)) }
}

/// `x / 2^shift`, rounded.
fn shifted(x: &str, shift: u8, rounding: Rounding) -> String {
    if shift == 0 {
        return x.to_owned();
    }
    let (half, rest) = (literal(1i64 << (shift - 1)), literal((1i64 << shift) - 1));
    match rounding {
        Rounding::Nearest => format!("({x} + {half}) >> {shift}"),
        Rounding::NearestEven => {
            let below = literal((1i64 << (shift - 1)) - 1);
            format!("({x} + {below} + (({x} >> {shift}) & 1)) >> {shift}")
        }
        Rounding::Floor => format!("{x} >> {shift}"),
        Rounding::Ceil => format!("({x} + {rest}) >> {shift}"),
        Rounding::Truncate => format!("({x} + (({x} >> 63) & {rest})) >> {shift}"),
    }
}

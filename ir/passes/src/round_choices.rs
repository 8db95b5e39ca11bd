//! A conversion from `f64` to `f32` of constants that are chosen from, looked up or
//! moved is one of the constants: `f32(c ? 0.1 : 13.6)` is `c ? f32(0.1) : f32(13.6)`.
//!
//! Exact arithmetic rounds what is stored in the model where the model converts it
//! ([`dependence`](skxc_ir::analysis::dependence)), and takes conversions of computed
//! numbers for nothing. After this pass only columns are both stored and converted,
//! one by one, so that whoever skips another conversion skips no rounding.
//!
//! Obligation: each float is the one that it was. A constant that is infinite in
//! `f32` is left alone with all that is chosen from it.

use std::collections::{HashMap, HashSet};

use crate::rebuild::Rebuild;
use crate::{Pass, PassContext};
use skxc_ir::analysis::dependence::stored;
use skxc_ir::arena::Handle;
use skxc_ir::module::{Constant, Module, Node, Operation as _, Real, Value};
use skxc_ir::ops::RealOp;
use skxc_ir::types::{ElementType, Type};

/// The pass `round-choices`.
#[derive(Clone, Copy, Debug)]
pub struct RoundChoices;

impl Pass<Real> for RoundChoices {
    fn name(&self) -> &'static str {
        "round-choices"
    }

    fn summary(&self) -> &'static str {
        "convert constants instead of what is chosen from them"
    }

    fn run(&self, module: &mut Module<Real>, _: &mut PassContext<Real>) -> bool {
        let narrowed = narrowed(module);
        let is_replaced =
            |value: Value| cast_input(module, value).is_some_and(|input| narrowed.contains(&input));
        let replaced: HashSet<Value> =
            module.values().filter(|&value| is_replaced(value)).collect();
        if replaced.is_empty() {
            return false;
        }
        let mut of_narrowed: HashMap<Value, Value> = HashMap::new();
        Rebuild::run(module, |rebuild, module, value| {
            if replaced.contains(&value) {
                let input = cast_input(module, value).expect("it is a conversion");
                return of_narrowed[&input];
            }
            let copy = rebuild.copy(module, value);
            if narrowed.contains(&value) {
                let node = narrow(rebuild, module, &of_narrowed, value, copy);
                let narrow = rebuild.push(node);
                of_narrowed.insert(value, narrow);
            }
            copy
        });
        true
    }
}

/// What a conversion from `f64` to `f32` converts, if it is more than columns.
fn cast_input(module: &Module<Real>, value: Value) -> Option<Value> {
    let RealOp::Cast { input } = module.node(value).op else { return None };
    let is_narrowing =
        module.ty(input).elem == ElementType::F64 && module.ty(value).elem == ElementType::F32;
    let is_input = matches!(module.node(input).op, RealOp::Input { .. });
    (is_narrowing && !is_input).then_some(input)
}

/// The values of `f64` that are needed as `f32`: what is converted, and what it is
/// chosen from, down to columns and constants that `f32` holds.
fn narrowed(module: &Module<Real>) -> HashSet<Value> {
    let stored = stored(module);
    let mut is_possible = vec![false; module.nodes.len()];
    for value in module.values() {
        let of_operands = sources(module, value)
            .is_some_and(|sources| sources.iter().all(|source| is_possible[source.index()]));
        let has_constants = match module.node(value).op {
            RealOp::Constant { constant } | RealOp::Lookup { values: constant, .. } => {
                fits(&module.constants[constant])
            }
            _ => true,
        };
        is_possible[value.index()] = stored[value.index()] && of_operands && has_constants;
    }
    let mut needed = HashSet::new();
    for value in module.values().rev() {
        let converted = cast_input(module, value).filter(|input| is_possible[input.index()]);
        needed.extend(converted);
        if needed.contains(&value) {
            needed.extend(sources(module, value).into_iter().flatten());
        }
    }
    needed
}

/// What the elements of a value of `f64` are taken from, if this pass follows it.
fn sources(module: &Module<Real>, value: Value) -> Option<Vec<Value>> {
    let node = module.node(value);
    if node.ty.elem != ElementType::F64 {
        return None;
    }
    match &node.op {
        RealOp::Input { .. } | RealOp::Constant { .. } | RealOp::Lookup { .. } => Some(Vec::new()),
        RealOp::Select { a, b, .. } => Some(vec![*a, *b]),
        RealOp::Take { input, .. }
        | RealOp::TakeAlong { input, .. }
        | RealOp::Reshape { input }
        | RealOp::Gather { input, .. } => Some(vec![*input]),
        RealOp::Concat { inputs } => Some(inputs.clone()),
        // The number of a float that was one of `f32` before.
        RealOp::Cast { input } if module.ty(*input).elem == ElementType::F32 => Some(Vec::new()),
        RealOp::Cast { .. }
        | RealOp::Unary { .. }
        | RealOp::Binary { .. }
        | RealOp::Compare { .. }
        | RealOp::Reduce { .. }
        | RealOp::MatMul { .. }
        | RealOp::Softmax { .. }
        | RealOp::CumulativeSum { .. }
        | RealOp::ArgSort { .. }
        | RealOp::TreeEnsemble { .. }
        | RealOp::ArgMax { .. }
        | RealOp::ArgMin { .. }
        | RealOp::Label { .. } => None,
    }
}

fn fits(constant: &Constant<Real>) -> bool {
    constant.elements.iter().all(|&x| (x as f32).is_finite())
}

/// The node of `value` in `f32`; `copy` is the one in `f64`.
fn narrow(
    rebuild: &Rebuild<Real>,
    module: &mut Module<Real>,
    of_narrowed: &HashMap<Value, Value>,
    value: Value,
    copy: Value,
) -> Node<Real> {
    let Node { mut op, ty, origin } = module.node(value).clone();
    let ty = Type { elem: ElementType::F32, ..ty };
    if let RealOp::Input { .. } = op {
        return Node { op: RealOp::Cast { input: copy }, ty, origin };
    }
    let from = sources(module, value).expect("what is narrowed has sources");
    op.map_operands(&mut |operand| match of_narrowed.get(&operand) {
        Some(&narrow) if from.contains(&operand) => narrow,
        _ => rebuild.of(operand),
    });
    match &mut op {
        RealOp::Constant { constant } | RealOp::Lookup { values: constant, .. } => {
            *constant = rounded(module, *constant);
        }
        _ => {}
    }
    Node { op, ty, origin }
}

fn rounded(module: &mut Module<Real>, constant: Handle<Constant<Real>>) -> Handle<Constant<Real>> {
    let Constant { ty, elements } = module.constants[constant].clone();
    let elements = elements.into_iter().map(|x| f64::from(x as f32)).collect();
    module.constants.push(Constant { ty: Type { elem: ElementType::F32, ..ty }, elements })
}

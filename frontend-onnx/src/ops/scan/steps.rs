//! A loop as all its steps, one after another.

use skxc_diagnostics::codes::{LIMIT_EXCEEDED, TYPE_MISMATCH};
use skxc_ir::limits::AXES_MAX;
use skxc_ir::{RealOp, Type, Value};

use super::{Along, Loop, pick, placed, shape_of};
use crate::build::{is_bounded, too_large};
use crate::import::Importer;
use crate::limits::STEP_NODES_MAX;
use crate::node::{Imported, Node, Operand};

pub(super) fn import(importer: &mut Importer<'_>, node: &Node<'_>, scan: &Loop<'_>) -> Imported {
    check_count(importer, node, scan)?;
    let count = scan.states.len();
    let mut states = scan.states.clone();
    let mut results: Vec<Vec<Operand>> = vec![Vec::new(); scan.results.len()];
    for step in 0..scan.steps {
        let mut inputs = states;
        for operand in &scan.scanned {
            inputs.push(slice(importer, node, operand, step)?);
        }
        let mut outputs = scan.body.import(importer, node, inputs)?;
        if outputs.iter().any(|output| matches!(output, Operand::Refused)) {
            return Ok(Vec::new());
        }
        for (result, output) in results.iter_mut().zip(outputs.drain(count..)) {
            result.push(output);
        }
        states = outputs;
    }
    let mut all = states;
    for (parts, &along) in results.into_iter().zip(&scan.results) {
        all.push(Operand::Value(stacked(importer, node, parts, along)?));
    }
    Ok(all)
}

fn check_count(importer: &mut Importer<'_>, node: &Node<'_>, scan: &Loop<'_>) -> Imported<()> {
    let nodes = scan.body.graph.node.len().max(1);
    let nodes = nodes.saturating_mul(scan.steps as usize);
    importer.step_nodes = importer.step_nodes.saturating_add(nodes);
    if importer.step_nodes <= STEP_NODES_MAX {
        return Ok(());
    }
    let message = format!("{} steps of `Scan` come to {nodes} nodes", scan.steps);
    let most = format!("at most {STEP_NODES_MAX} are allowed, all loops together");
    Err(node.error(LIMIT_EXCEEDED, message).note(most).into())
}

/// The element of an operand for one step.
fn slice(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    operand: &Operand,
    step: u32,
) -> Imported<Operand> {
    let shape = shape_of(importer, node, operand)?;
    let inner: u32 = shape[1..].iter().product();
    let picked = (step * inner..(step + 1) * inner).collect();
    Ok(pick(importer, node, operand, picked, shape[1..].to_vec()))
}

/// The values of all steps as one.
fn stacked(
    importer: &mut Importer<'_>,
    node: &Node<'_>,
    parts: Vec<Operand>,
    along: Along,
) -> Imported<Value> {
    let count = u32::try_from(parts.len()).expect("the limits bound the steps");
    let mut inputs = Vec::with_capacity(parts.len());
    let mut joint: Option<Type> = None;
    for part in parts {
        let value = match part {
            Operand::Value(value) => value,
            Operand::Constant(tensor) => {
                tensor.to_value(&mut importer.module, node.origin).map_err(|fault| {
                    let message = format!("a step of `{}` makes what {}", node.name(), fault.what);
                    node.error(fault.code, message)
                })?
            }
            Operand::Results(_) | Operand::Refused => {
                let message = "a step of `Scan` makes a map or a sequence";
                return Err(node.error(TYPE_MISMATCH, message).into());
            }
        };
        let ty = importer.module.ty(value).clone();
        if *joint.get_or_insert_with(|| ty.clone()) != ty {
            let message = "the steps of `Scan` make values of different types";
            return Err(node.error(TYPE_MISMATCH, message).into());
        }
        let extent = u32::try_from(ty.shape.elements()).expect("the limits bound every extent");
        inputs.push(importer.reshape(value, &[1, extent], node.origin));
    }
    let ty = joint.expect("there is a step");
    let mut shape = ty.shape.0;
    shape.insert(0, count);
    if !is_bounded(&shape) || shape.len() > AXES_MAX {
        return Err(too_large(node).into());
    }
    let joined = Type::new(ty.elem, &[1, shape.iter().product()]);
    let joined = importer.module.push(RealOp::Concat { inputs }, joined, node.origin);
    let joined = importer.reshape(joined, &shape, node.origin);
    placed(importer, node, joined, along)
}

//! Back end: an integer module and its lowering plan to `NAME.h`.
//!
//! The header is the reference text: portable C with static functions only,
//! complete in user space and in any BPF program. What only the kernel needs
//! stands in `#ifdef __bpf__` with a plain C form beside it.
//!
//! What must hold:
//! - the same module, plan and options give the same bytes;
//! - integers only, and every sum fits: the validator has proved it, and the
//!   comments say how many bits it takes;
//! - every visible name begins with the name of the model;
//! - text of the model stands in comments only, and cannot leave them;
//! - every loop bound is a literal, and nothing recurses.

mod bits;
mod branch;
mod context;
mod forest;
mod header;
mod part;
mod perfect;
mod result;
mod rounds;
mod scratch;
mod slots;
mod tensor;
mod tree_code;
mod walk;

use skxc_backend_common::Layout;
use skxc_ir::Int;
use skxc_ir::validate::Validated;
use skxc_lowering::Plan;

use crate::context::Context;
use crate::scratch::Member;
use skxc_backend_common::writer::Writer;

/// What the header says of its making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmitOptions {
    /// The command that makes the file again, without paths of this machine.
    pub command: String,
    /// Name and version of the compiler.
    pub generator: String,
    /// Digest of all that the program depends on, hexadecimal; may be empty.
    pub build_id: String,
}

/// A generated header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The text of `NAME.h`.
    pub text: String,
    /// Where its structs hold what.
    pub layout: Layout,
}

/// Prints a module.
#[must_use]
pub fn emit(module: &Validated<Int>, plan: &Plan, options: &EmitOptions) -> Header {
    let mut layout = Layout::of(module, &plan.elements);
    let context = Context::new(module, plan, &layout);
    let mut out = Writer::new();
    let members = members(&context);
    header::begin(&mut out, &context, &members, options);
    for forest in context.forests() {
        forest::emit(&mut out, &context, forest);
    }
    tensor::predict(&mut out, &context);
    header::end(&mut out, &context);
    scratch::measure(&members, &mut layout);
    Header { text: out.finish(), layout }
}

/// The members of the scratch in order.
fn members(context: &Context<'_>) -> Vec<Member> {
    let mut members: Vec<Member> = context.forests().iter().flat_map(forest::scratch).collect();
    members.extend(tensor::scratch(context));
    members
}

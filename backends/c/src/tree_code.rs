//! Parts of forests by shape: the one place that knows which file prints what.
//!
//! What a shape's `emit` prints ends in a function `{lower}_add(f, s)`, which
//! adds the trees of its part to sums that are there already. It may use the
//! members of the scratch that its `scratch` names, and no others but the sums.

use skxc_lowering::TreeCode;

use crate::context::{Context, Part};
use crate::scratch::Member;
use crate::{bits, branch, perfect, walk};
use skxc_backend_common::writer::Writer;

/// Members of the scratch that a part needs beside the sums.
pub(crate) fn scratch(part: &Part<'_>) -> Vec<Member> {
    match part.shape {
        TreeCode::Branch(plan) => branch::scratch(part, plan),
        TreeCode::Walk(plan) => walk::scratch(part, plan),
        TreeCode::Perfect(plan) | TreeCode::Ranked(plan) => perfect::scratch(part, plan),
        TreeCode::Bits(_) | TreeCode::Direct(_) => Vec::new(),
    }
}

/// Tables and functions of a part.
pub(crate) fn emit(out: &mut Writer, context: &Context<'_>, part: &Part<'_>) {
    match part.shape {
        TreeCode::Branch(plan) => branch::emit(out, context, part, plan),
        TreeCode::Walk(plan) => walk::emit(out, context, part, plan),
        TreeCode::Perfect(plan) | TreeCode::Ranked(plan) => perfect::emit(out, context, part, plan),
        TreeCode::Bits(plan) | TreeCode::Direct(plan) => bits::emit(out, context, part, plan),
    }
}

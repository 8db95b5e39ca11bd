//! The members of `struct NAME_scratch`: what they are and how much they take.

use skxc_backend_common::layout::{CType, Layout};

/// A member of the scratch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    ty: CType,
    name: String,
    /// Entries of an array; none for a single number.
    entries: Option<usize>,
}

impl Member {
    /// A number of so many bytes.
    pub(crate) fn number(bytes: u32, name: String) -> Self {
        Self { ty: CType { bytes, signed: false }, name, entries: None }
    }

    /// An array of numbers of so many bytes.
    pub(crate) fn array(bytes: u32, name: String, entries: usize) -> Self {
        Self { ty: CType { bytes, signed: false }, name, entries: Some(entries) }
    }

    /// An array of numbers of 8 bytes with a sign.
    pub(crate) fn signed(name: String, entries: usize) -> Self {
        Self { ty: CType { bytes: 8, signed: true }, name, entries: Some(entries) }
    }

    /// Its declaration without the semicolon.
    pub(crate) fn declaration(&self) -> String {
        let (ty, name) = (self.ty.name(), &self.name);
        match self.entries {
            Some(entries) => format!("{ty} {name}[{entries}]"),
            None => format!("{ty} {name}"),
        }
    }

    fn bytes(&self) -> u64 {
        u64::from(self.ty.bytes) * self.entries.unwrap_or(1) as u64
    }
}

/// Notes in a layout what the members take. A struct without members has one of 8
/// bytes, since C has no empty structs.
pub(crate) fn measure(members: &[Member], layout: &mut Layout) {
    let (mut end, mut align) = (0_u64, if members.is_empty() { 8 } else { 1 });
    for member in members {
        let bytes = u64::from(member.ty.bytes);
        end = end.next_multiple_of(bytes) + member.bytes();
        align = align.max(bytes);
    }
    layout.scratch_bytes = end.max(1).next_multiple_of(align);
    layout.scratch_align = align;
}

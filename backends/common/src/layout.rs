//! Where everything lies in the structs of the generated header, so that a
//! loader can fill vectors and read results without a C compiler. The header
//! asserts the same numbers.

use skxc_ir::{
    Column, ElementType, Handle, Int, IntOp, Interval, LabelTable, Module, Output, OutputKind,
    Value,
};
use skxc_lowering::Elements;

use crate::namer::Namer;

/// An integer type of C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CType {
    /// 1, 2, 4 or 8.
    pub bytes: u32,
    /// Two's complement rather than unsigned.
    pub signed: bool,
}

/// A member of `struct NAME_features`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name of the member.
    pub name: String,
    /// The column it holds.
    pub column: Handle<Column>,
    /// Its type in C.
    pub ty: CType,
    /// Bytes from the start of the struct.
    pub offset: u32,
}

/// Offsets and sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Members of `struct NAME_features`, in order.
    pub features: Vec<Field>,
    /// Size of `struct NAME_features`.
    pub features_bytes: u32,
    /// Size of `struct NAME_result`.
    pub result_bytes: u32,
    /// Number of classes of each label, in the order of the outputs. The
    /// labels, a `__u32` each, are the start of `struct NAME_result`.
    pub labels: Vec<u32>,
    /// Offset of the scores in `struct NAME_result`.
    pub scores_offset: u32,
    /// Number of scores, `__s64` each: the elements of all outputs that are no
    /// labels, in the order of the outputs.
    pub scores: u32,
    /// Offset of the result in `struct NAME_vector`, which begins with the features.
    pub vector_result_offset: u32,
    /// Size of `struct NAME_vector`. Entries of an array map lie this far
    /// apart, rounded up to 8.
    pub vector_bytes: u32,
    /// Size of `struct NAME_scratch`.
    pub scratch_bytes: u64,
    /// Alignment of the scratch memory, in bytes.
    pub scratch_align: u64,
}

impl CType {
    /// The type that kernel headers would use for a field of this range.
    #[must_use]
    pub fn of_range(range: Interval) -> Self {
        let signed = range.min < 0;
        let holds = |bytes: u32| {
            let bits = bytes * 8;
            let (min, max) = match signed {
                true => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
                false => (0, (1_i128 << bits) - 1),
            };
            min <= i128::from(range.min) && i128::from(range.max) <= max
        };
        match [1, 2, 4].into_iter().find(|&bytes| holds(bytes)) {
            Some(bytes) => Self { bytes, signed },
            None => Self { bytes: 8, signed: true },
        }
    }

    /// As in `linux/types.h`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match (self.signed, self.bytes) {
            (false, 1) => "__u8",
            (false, 2) => "__u16",
            (false, 4) => "__u32",
            (false, _) => "__u64",
            (true, 1) => "__s8",
            (true, 2) => "__s16",
            (true, 4) => "__s32",
            (true, _) => "__s64",
        }
    }
}

impl Layout {
    /// Lays out the structs of a module.
    #[must_use]
    pub fn of(module: &Module<Int>, elements: &Elements) -> Self {
        let features = fields(module);
        let align = features.first().map_or(1, |field| field.ty.bytes);
        // C has no empty structs: one without features holds a byte.
        let end = features.last().map_or(1, |field| field.offset + field.ty.bytes);
        let features_bytes = end.next_multiple_of(align);
        let labels: Vec<u32> = labels(module).map(|(_, table)| table.len() as u32).collect();
        let labels_bytes = 4 * labels.len() as u32;
        let scores = scores(module).map(|(_, value)| elements.of_value(value).len()).sum::<usize>();
        let scores = scores as u32;
        let result_align = if scores == 0 { 4 } else { 8 };
        let scores_offset = labels_bytes.next_multiple_of(result_align);
        let result_bytes = scores_offset + 8 * scores;
        let vector_result_offset = features_bytes.next_multiple_of(result_align);
        let vector_align = align.max(result_align);
        let vector_bytes = (vector_result_offset + result_bytes).next_multiple_of(vector_align);
        Self {
            features,
            features_bytes,
            result_bytes,
            labels,
            scores_offset,
            scores,
            vector_result_offset,
            vector_bytes,
            ..Self::default()
        }
    }

    /// Size of a struct of features, scratch and result, in this order.
    #[must_use]
    pub fn state_bytes(&self) -> u64 {
        let result_align = if self.scores == 0 { 4 } else { 8 };
        let features_align = self.features.first().map_or(1, |field| field.ty.bytes);
        let scratch = u64::from(self.features_bytes).next_multiple_of(self.scratch_align.max(1));
        let result = (scratch + self.scratch_bytes).next_multiple_of(result_align);
        let align = self.scratch_align.max(result_align).max(features_align.into());
        (result + u64::from(self.result_bytes)).next_multiple_of(align)
    }

    /// Classes of all labels together, which actions and counters go by: those
    /// of the first label by index, then those of the second, and so on.
    #[must_use]
    pub fn classes(&self) -> u32 {
        self.labels.iter().sum()
    }

    /// The member that holds `column`, if anything reads it.
    #[must_use]
    pub fn field(&self, column: Handle<Column>) -> Option<&Field> {
        self.features.iter().find(|field| field.column == column)
    }
}

/// The labels of `struct NAME_result`, each with its classes.
pub fn labels(module: &Module<Int>) -> impl Iterator<Item = (&Output, &LabelTable)> {
    module.outputs.iter().filter(|output| output.kind == OutputKind::Label).map(|output| {
        let ElementType::Label(table) = module.ty(output.value).elem else {
            unreachable!("the type of a label output is label");
        };
        (output, &module.labels[table])
    })
}

/// The outputs whose elements are the scores of `struct NAME_result`.
pub fn scores(module: &Module<Int>) -> impl Iterator<Item = (&Output, Value)> {
    let outputs = module.outputs.iter().filter(|output| output.kind != OutputKind::Label);
    outputs.map(|output| (output, output.value))
}

/// The columns that some operation reads: the widest first, so that the struct
/// has no holes, else in the order of the model.
fn fields(module: &Module<Int>) -> Vec<Field> {
    let mut read = vec![false; module.columns.len()];
    for (_, node) in module.nodes.iter() {
        if let IntOp::Input { columns } = &node.op {
            for column in columns {
                read[column.index()] = true;
            }
        }
    }
    let mut namer = Namer::default();
    let used = module.columns.iter().filter(|(handle, _)| read[handle.index()]);
    let mut fields: Vec<Field> = used
        .map(|(column, data)| Field {
            name: namer.name(&data.name),
            column,
            ty: CType::of_range(data.range),
            offset: 0,
        })
        .collect();
    fields.sort_by_key(|field| std::cmp::Reverse(field.ty.bytes));
    let mut offset = 0;
    for field in &mut fields {
        field.offset = offset;
        offset += field.ty.bytes;
    }
    fields
}

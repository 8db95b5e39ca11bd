//! Types of values: what is stored, not what is meant. Ranges and error bounds
//! are side tables ([`crate::analysis`]).

use std::fmt;

use crate::arena::Handle;
use crate::module::LabelTable;

/// Storage of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// IEEE 754 binary32; real domain only.
    F32,
    /// IEEE 754 binary64; real domain only.
    F64,
    /// Two's complement 64 bits: integers, and indices into label tables.
    I64,
    /// Truth value; 0 or 1.
    Bool,
    /// One of the labels of a table, stored as the index of the label.
    Label(Handle<LabelTable>),
    /// Signed fixed point in an `i64`; integer domain only. The value is the
    /// stored integer times 2^-`frac_bits`, and its magnitude is below
    /// 2^(`bits` - `frac_bits`).
    Fixed {
        /// Magnitude bits, integer and fraction together, without the sign; at most 62.
        bits: u8,
        /// Of these, the bits behind the point; may exceed `bits` for small values.
        frac_bits: u8,
    },
}

impl ElementType {
    /// Is it `f32` or `f64`?
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Bits behind the point of what the integer domain stores: none but in fixed
    /// point.
    #[must_use]
    pub fn frac_bits(self) -> u8 {
        match self {
            Self::Fixed { frac_bits, .. } => frac_bits,
            Self::F32 | Self::F64 | Self::I64 | Self::Bool | Self::Label(_) => 0,
        }
    }
}

/// Extents of a tensor, outermost first; all static, the batch axis is 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Shape(pub Vec<u32>);

impl Shape {
    /// Number of elements; 1 for a scalar.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.0.iter().map(|&extent| extent as usize).product()
    }

    /// Elements of a row, which is along the last axis; 1 for a scalar.
    #[must_use]
    pub fn row(&self) -> usize {
        self.0.last().map_or(1, |&extent| extent as usize)
    }

    /// The shape that both broadcast to, by the rule of ONNX and numpy: aligned
    /// at the last axis, extents are equal, or one of them is 1 or absent.
    /// `None` if they do not.
    #[must_use]
    pub fn broadcast(&self, other: &Self) -> Option<Self> {
        let rank = self.0.len().max(other.0.len());
        let extent = |shape: &Self, axis: usize| {
            let absent = rank - shape.0.len();
            axis.checked_sub(absent).map_or(1, |axis| shape.0[axis])
        };
        let joint = |axis| match (extent(self, axis), extent(other, axis)) {
            (a, b) if a == b => Some(a),
            (1, extent) | (extent, 1) => Some(extent),
            _ => None,
        };
        (0..rank).map(joint).collect::<Option<_>>().map(Self)
    }

    /// For each element of `whole`, row-major, the position of the element of
    /// `self` that meets it when `self` is broadcast to `whole`.
    ///
    /// # Panics
    /// If `self` does not broadcast to `whole`.
    #[must_use]
    pub fn positions_in(&self, whole: &Self) -> Vec<usize> {
        if self == whole {
            return (0..whole.elements()).collect();
        }
        let mut positions = vec![0];
        let absent = whole.0.len().checked_sub(self.0.len()).expect("no axis disappears");
        for (axis, &extent) in whole.0.iter().enumerate() {
            let own = axis.checked_sub(absent).map_or(1, |axis| self.0[axis]);
            assert!(own == extent || own == 1, "{self} broadcasts to {whole}");
            let step = |&outer: &usize| {
                (0..extent as usize)
                    .map(move |i| outer * own as usize + if own == 1 { 0 } else { i })
            };
            let mut next = Vec::with_capacity(positions.len() * extent as usize);
            next.extend(positions.iter().flat_map(step));
            positions = next;
        }
        positions
    }
}

/// Type of a value: a tensor of `elem`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Storage of each element.
    pub elem: ElementType,
    /// Extents of the axes.
    pub shape: Shape,
}

impl Type {
    /// The type `elem[shape]`.
    #[must_use]
    pub fn new(elem: ElementType, shape: &[u32]) -> Self {
        Self { elem, shape: Shape(shape.to_vec()) }
    }
}

/// As in the text form: `f32`, `label(@l0)`, `q1.61` (integer bits, fraction bits).
impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F32 => f.write_str("f32"),
            Self::F64 => f.write_str("f64"),
            Self::I64 => f.write_str("i64"),
            Self::Bool => f.write_str("bool"),
            Self::Label(table) => write!(f, "label(@l{})", table.index()),
            Self::Fixed { bits, frac_bits } => {
                write!(f, "q{}.{frac_bits}", i16::from(*bits) - i16::from(*frac_bits))
            }
        }
    }
}

/// As in the text form: `[1x20]`; a scalar is `[]`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (axis, extent) in self.0.iter().enumerate() {
            let separator = if axis == 0 { "" } else { "x" };
            write!(f, "{separator}{extent}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.elem, self.shape)
    }
}

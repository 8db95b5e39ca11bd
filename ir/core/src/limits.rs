//! Limits of a module, checked where bytes come in ([`crate::text`] and the
//! front ends), so that memory stays proportional to the input and every count
//! fits its type. Each is far above what the kernel can take.

/// Nodes of all trees of a forest.
pub const TREE_NODES_MAX: usize = 4_000_000;
/// Nodes that the trees of a forest reach, each tree on its own: nodes may be
/// shared, and work on each tree must stay proportional to the model.
pub const TREE_NODES_REACHED_MAX: usize = 4 * TREE_NODES_MAX;
/// Leaf weights of a forest.
pub const LEAF_WEIGHTS_MAX: usize = 16_000_000;
/// Trees of a forest.
pub const TREES_MAX: usize = 20_000;
/// Number of input columns.
pub const COLUMNS_MAX: usize = 4_096;
/// Classes of a label table, and sums of a forest, in a program.
pub const CLASSES_MAX: usize = 1_024;
/// The same in a model as exported: a tree of several outputs is a classifier
/// whose classes are the numbers of its nodes, until passes fold them.
pub const MODEL_CLASSES_MAX: usize = 65_536;
/// Bits of a shift: a shifted number then fits an `i128` of analyses, and C shifts
/// by less than 64.
pub const SHIFT_MAX: u8 = 62;
/// Nodes of a graph.
pub const NODES_MAX: usize = 65_536;
/// Elements of a tensor.
pub const ELEMENTS_MAX: usize = 16_777_216;
/// Segments of a tabulated function.
pub const SEGMENTS_MAX: usize = 65_536;
/// Degree of the polynomials of a tabulated function.
pub const DEGREE_MAX: usize = 15;
/// Products of all rows of a linear map.
pub const PRODUCTS_MAX: usize = 4_000_000;
/// Axes of a tensor.
pub const AXES_MAX: usize = 8;
/// A feature lies within plus and minus 2^62, so that a difference of two fits `i64`.
pub const FEATURE_MAGNITUDE_MAX: i64 = (1 << 62) - 1;

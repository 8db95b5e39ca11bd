//! What an ONNX file may ask for, beside the limits of the IR
//! ([`skxc_ir::limits`]). A hostile file is refused before memory is spent.

/// Bytes of a file. Four million tree nodes take 165 million.
pub const FILE_BYTES_MAX: usize = 192 << 20;
/// Bytes that the decoded file may take, by the estimate of `wire`. Two
/// megabytes of empty nodes decode to more than two hundred.
pub const DECODED_BYTES_MAX: u64 = 512 << 20;
/// Newest operator set of the domain `ai.onnx` whose operators were read.
pub const OPSET_MAX: u32 = 28;
/// Newest operator set of the domain `ai.onnx.ml` whose operators were read.
pub const ML_OPSET_MAX: u32 = 5;
/// Nodes that the steps of all loops (Scan) may come to, where each step is
/// lowered on its own.
pub const STEP_NODES_MAX: usize = 65_536;

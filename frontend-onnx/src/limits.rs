//! What an ONNX file may ask for, beside the limits of the IR
//! ([`skxc_ir::limits`]). A hostile file is refused before memory is spent.

/// Bytes of a file. Four million tree nodes take 165 million.
pub const FILE_BYTES_MAX: usize = 192 << 20;
/// Bytes that the decoded file may take, by the estimate of `wire`. Two
/// megabytes of empty nodes decode to more than two hundred.
pub const DECODED_BYTES_MAX: u64 = 512 << 20;
/// Bytes that are read from other files, of all tensors of a model together.
pub const EXTERNAL_BYTES_MAX: u64 = FILE_BYTES_MAX as u64;
/// Elements of what a node makes, and of what all nodes make together beside
/// [`ELEMENTS_A_BYTE`] of the file: a few bytes can double a constant any number
/// of times. No program in the kernel has as many.
pub const RESULT_ELEMENTS_MAX: usize = 1 << 22;
/// Elements that the nodes may make for each byte of the file.
pub const ELEMENTS_A_BYTE: usize = 4;
/// Newest operator set of the domain `ai.onnx` whose operators were read.
pub const OPSET_MAX: u32 = 28;
/// Newest operator set of the domain `ai.onnx.ml` whose operators were read.
pub const ML_OPSET_MAX: u32 = 5;
/// Nodes that the steps of all loops (Scan) may come to, where each step is
/// imported on its own.
pub const STEP_NODES_MAX: usize = 65_536;

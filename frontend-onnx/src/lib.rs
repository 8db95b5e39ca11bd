//! Front end: ONNX bytes to the real-valued IR.

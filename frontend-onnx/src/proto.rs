//! The prost types of `proto/onnx-ml.proto`, and what ONNX calls its element
//! types. Nothing outside this crate sees them.
//!
//! `proto/onnx.rs` is generated: `cargo xtask codegen` writes it.

// prost's output has its own layout and no documents of its own.
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod onnx;

pub(crate) use onnx::attribute_proto::AttributeType;
pub(crate) use onnx::tensor_proto::{DataLocation, DataType};
pub(crate) use onnx::tensor_shape_proto::{Dimension, dimension};
pub(crate) use onnx::{
    AttributeProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto,
    TypeProto, ValueInfoProto, type_proto,
};
#[cfg(test)]
pub(crate) use onnx::{OperatorSetIdProto, TensorShapeProto};

/// The element type as the text form of ONNX writes it, or its number.
pub(crate) fn data_type_name(number: i32) -> String {
    DataType::try_from(number)
        .map_or_else(|_| format!("type{number}"), |known| known.as_str_name().to_ascii_lowercase())
}

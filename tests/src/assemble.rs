//! ONNX models from Protocol Buffers text, so that a test model can be read.
//!
//! A `.pbtxt` file is the text form of `onnx.ModelProto` as our own
//! `onnx-ml.proto` describes it.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};

/// The bytes of the model that a text describes.
///
/// # Errors
/// If the text does not follow the description.
pub fn assemble(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let message = DynamicMessage::parse_text_format(descriptor(), text)?;
    Ok(message.encode_to_vec())
}

/// Copies a folder of inputs into `scratch` and puts `NAME.onnx` beside each
/// `NAME.pbtxt`.
///
/// # Errors
/// If a file cannot be read, assembled or written.
pub(crate) fn copy_inputs(from: &Path, scratch: &Path) -> Result<(), Box<dyn Error>> {
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        fs::copy(&path, scratch.join(name))?;
        if path.extension().is_some_and(|extension| extension == "pbtxt") {
            let model = assemble(&fs::read_to_string(&path)?)
                .map_err(|error| format!("{}: {error}", name.display()))?;
            fs::write(scratch.join(name).with_extension("onnx"), model)?;
        }
    }
    Ok(())
}

fn descriptor() -> MessageDescriptor {
    static MODEL: OnceLock<MessageDescriptor> = OnceLock::new();
    let model = MODEL.get_or_init(|| {
        let folder = crate::root().join("frontend-onnx/proto");
        let files = protox::compile(["onnx-ml.proto"], [folder]).expect("our description compiles");
        let pool = DescriptorPool::from_file_descriptor_set(files).expect("it is complete");
        pool.get_message_by_name("onnx.ModelProto").expect("it describes models")
    });
    model.clone()
}

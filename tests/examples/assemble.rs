//! Reads the text of a model (Protocol Buffers text of `onnx.ModelProto`) and writes
//! the model: `sh tests/models/wide.sh 2500 | cargo run -p skxc-tests --example
//! assemble > wide.onnx`.

use std::error::Error;
use std::io::{self, Read as _, Write as _};

fn main() -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(io::stdout().write_all(&skxc_tests::assemble::assemble(&text)?)?)
}

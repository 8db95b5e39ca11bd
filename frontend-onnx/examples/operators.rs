//! Prints the table of supported operators, for `cargo xtask codegen`.
#![allow(clippy::print_stdout, reason = "it is all this does")]

fn main() {
    print!("{}", skxc_frontend_onnx::operator_table());
}

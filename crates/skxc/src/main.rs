//! The skxc command.
fn main() {}

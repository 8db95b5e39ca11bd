//! Development tasks of skxc.
fn main() {}

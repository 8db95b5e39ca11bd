//! libFuzzer over bytes that choose a graph of operators whose operands fit.

#![cfg_attr(fuzzing, no_main)]
#![cfg_attr(fuzzing, allow(unsafe_code, missing_docs, reason = "the macros of libFuzzer need it"))]

#[cfg(fuzzing)]
mod target {
    use libfuzzer_sys::fuzz_target;
    use skxc_fuzz::typed;

    fuzz_target!(|bytes: &[u8]| {
        if let Err(what) = typed::check(bytes) {
            panic!("{what}");
        }
    });
}

/// Without libFuzzer there is nothing to run.
#[cfg(not(fuzzing))]
fn main() {}

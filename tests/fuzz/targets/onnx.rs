//! libFuzzer over bytes that may be an ONNX model. Half of the mutations keep
//! the file a message of Protocol Buffers, since few others get past decoding.

#![cfg_attr(fuzzing, no_main)]
#![cfg_attr(fuzzing, allow(unsafe_code, missing_docs, reason = "the macros of libFuzzer need it"))]

#[cfg(fuzzing)]
mod target {
    use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};
    use skxc_fuzz::onnx;

    fuzz_target!(|bytes: &[u8]| {
        if let Err(what) = onnx::check(bytes) {
            panic!("{what}");
        }
    });

    fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
        let mutated =
            (!seed.is_multiple_of(8)).then(|| onnx::mutate(&data[..size], seed)).flatten();
        match mutated {
            Some(model) if model.len() <= max_size => {
                data[..model.len()].copy_from_slice(&model);
                model.len()
            }
            Some(_) | None => fuzzer_mutate(data, size, max_size),
        }
    });

    fuzz_crossover!(|data1: &[u8], data2: &[u8], out: &mut [u8], seed: u32| {
        let model = onnx::cross(data1, data2, seed).filter(|model| model.len() <= out.len());
        let model = model.unwrap_or_else(|| data1[..data1.len().min(out.len())].to_vec());
        out[..model.len()].copy_from_slice(&model);
        model.len()
    });
}

/// Without libFuzzer there is nothing to run.
#[cfg(not(fuzzing))]
fn main() {}

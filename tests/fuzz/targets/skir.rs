//! libFuzzer over text that may be a module in text form. Most mutations are
//! of lines and words.

#![cfg_attr(fuzzing, no_main)]
#![cfg_attr(fuzzing, allow(unsafe_code, missing_docs, reason = "the macros of libFuzzer need it"))]

#[cfg(fuzzing)]
mod target {
    use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};
    use skxc_fuzz::skir;

    fuzz_target!(|bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Err(what) = skir::check(text) {
            panic!("{what}");
        }
    });

    fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
        let text = std::str::from_utf8(&data[..size]).ok().filter(|_| !seed.is_multiple_of(8));
        match text.map(|text| skir::mutate(text, seed)) {
            Some(text) if text.len() <= max_size => {
                data[..text.len()].copy_from_slice(text.as_bytes());
                text.len()
            }
            Some(_) | None => fuzzer_mutate(data, size, max_size),
        }
    });

    fuzz_crossover!(|data1: &[u8], data2: &[u8], out: &mut [u8], seed: u32| {
        let texts = (std::str::from_utf8(data1), std::str::from_utf8(data2));
        let crossed = match texts {
            (Ok(one), Ok(other)) => skir::cross(one, other, seed).into_bytes(),
            _ => data1.to_vec(),
        };
        let size = crossed.len().min(out.len());
        out[..size].copy_from_slice(&crossed[..size]);
        size
    });
}

/// Without libFuzzer there is nothing to run.
#[cfg(not(fuzzing))]
fn main() {}

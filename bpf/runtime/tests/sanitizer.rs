//! The parser under the address and undefined-behaviour sanitizers.
//!
//! Skipped, with a reason, where the C compiler cannot link them.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

#[test]
fn nothing_is_read_beyond_the_frame() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skxc-sanitizer");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let compiled = Command::new(compiler)
        .args(["-std=gnu11", "-O1", "-g", "-fsanitize=address,undefined"])
        .args(["-fno-sanitize-recover=all", "-fno-strict-overflow", "-o"])
        .arg(&program)
        .arg(format!("-I{}", here.join("include").display()))
        .arg(format!("-I{}", env!("OUT_DIR")))
        .arg(here.join("src/user/parse.c"))
        .arg(here.join("tests/sanitizer.c"))
        .output();
    let mut say = std::io::stderr();
    let compiled = match compiled {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(why) = compiled {
        let _ = writeln!(say, "skipped: no C compiler with sanitizers: {why}");
        return;
    }
    let output = Command::new(&program).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("the program prints a number");
    let reasons = u32::from_str_radix(text.trim(), 16).expect("it is in hexadecimal");
    // Every reason but a chain of extensions too long for such frames.
    assert_eq!(reasons | 1 << 6, 0xfff, "the frames reach every part of the parser");
}

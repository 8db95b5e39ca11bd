//! May trials use the kernel?

use std::env;
use std::sync::OnceLock;

use skxc_bpf::Loader;

use crate::programs;

/// Must they? `SKXC_REQUIRE_KERNEL=1`.
pub(crate) fn required() -> bool {
    env::var_os("SKXC_REQUIRE_KERNEL").is_some_and(|value| value == "1")
}

/// Why they cannot, if they cannot; said once on standard error, where a
/// skipped trial would otherwise say nothing.
pub(crate) fn missing() -> Option<&'static str> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let missing = MISSING.get_or_init(|| {
        let reason = probe()?;
        if !required() {
            complain(&reason);
        }
        Some(reason)
    });
    missing.as_deref()
}

#[allow(clippy::print_stderr, reason = "libtest-mimic has no reason for what it skips")]
fn complain(reason: &str) {
    eprintln!("skipped: trials that need the kernel: {reason}");
}

/// Loads the least program there is.
fn probe() -> Option<String> {
    const LEAST: &str = "__attribute__((section(\"xdp\"), used)) int least(void *ctx)\n\
        { return 2; }\n\
        char least_license[] __attribute__((section(\"license\"), used)) = \"GPL\";\n";
    let object = match programs::bpf_object("least", LEAST, &[]) {
        Ok(object) => object,
        Err(error) => return Some(error.to_string()),
    };
    let loaded = Loader::new(&object).and_then(Loader::load);
    loaded.err().map(|error| error.to_string())
}

//! What libbpf prints, kept instead of printed.
//!
//! libbpf explains some refusals only in words. Its one global print function
//! is replaced by one that keeps the warnings of the calling thread.

use std::cell::RefCell;
use std::sync::Once;

use libbpf_rs::PrintLevel;

thread_local! {
    static KEPT: RefCell<String> = const { RefCell::new(String::new()) };
}

static INSTALLED: Once = Once::new();

/// Bytes of messages kept for one operation; a verifier log that libbpf prints
/// as well may be much longer and is kept elsewhere.
const KEPT_BYTES_MAX: usize = 16 << 10;

/// Runs `work` and returns with its result what libbpf printed meanwhile.
pub(crate) fn capture<T>(work: impl FnOnce() -> T) -> (T, String) {
    INSTALLED.call_once(|| {
        libbpf_rs::set_print(Some((PrintLevel::Warn, keep)));
    });
    KEPT.with_borrow_mut(String::clear);
    let result = work();
    let messages = KEPT.with_borrow_mut(std::mem::take);
    (result, messages.trim_end().to_owned())
}

fn keep(_level: PrintLevel, message: String) {
    KEPT.with_borrow_mut(|kept| {
        if kept.len() + message.len() <= KEPT_BYTES_MAX {
            kept.push_str(&message);
        }
    });
}

//! What libbpf prints, kept instead of printed.
//!
//! libbpf explains some refusals only in words. Its one global print function
//! is replaced by one that keeps the warnings of the calling thread.

use std::cell::RefCell;
use std::sync::Once;

use crate::sys;

thread_local! {
    static KEPT: RefCell<String> = const { RefCell::new(String::new()) };
}

static INSTALLED: Once = Once::new();

/// Bytes of messages kept for one operation; a verifier log that libbpf prints
/// as well may be much longer and is kept elsewhere.
pub(crate) const KEPT_BYTES_MAX: usize = 16 << 10;

/// Runs `work` and returns with its result what libbpf printed meanwhile.
pub(crate) fn capture<T>(work: impl FnOnce() -> T) -> (T, String) {
    INSTALLED.call_once(sys::keep_warnings);
    KEPT.with_borrow_mut(String::clear);
    let result = work();
    let messages = KEPT.with_borrow_mut(std::mem::take);
    (result, messages.trim_end().to_owned())
}

/// Keeps a message, if there is room for it.
pub(crate) fn keep(message: &str) {
    KEPT.with_borrow_mut(|kept| {
        if kept.len() + message.len() <= KEPT_BYTES_MAX {
            kept.push_str(message);
        }
    });
}

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

/// What the kernel says in the extended acknowledgement of netlink, if libbpf printed
/// that (src/nlattr.c, `libbpf_nla_dump_errormsg`).
pub(crate) fn said_by_kernel(messages: &str) -> &str {
    let said = |line| str::split_once(line, "Kernel error message: ").map(|(_, said)| said.trim());
    messages.lines().find_map(said).unwrap_or_default()
}

/// Keeps a message, if there is room for it.
pub(crate) fn keep(message: &str) {
    KEPT.with_borrow_mut(|kept| {
        if kept.len() + message.len() <= KEPT_BYTES_MAX {
            kept.push_str(message);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_kernel_are_found() {
        let printed = "libbpf: other\nlibbpf: Kernel error message: veth: Peer MTU is too large\n";
        assert_eq!(said_by_kernel(printed), "veth: Peer MTU is too large");
        assert_eq!(said_by_kernel("libbpf: other"), "");
    }
}

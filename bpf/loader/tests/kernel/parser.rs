//! The parser in the kernel against the same source in user space.

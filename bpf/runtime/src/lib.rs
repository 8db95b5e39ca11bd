//! The packet parser and its feature table, for the kernel and for user space.

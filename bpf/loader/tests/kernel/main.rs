//! The loader against the running kernel.
//!
//! Tests that lack clang or privileges say so and pass; under
//! `SKXC_REQUIRE_KERNEL=1` they fail instead. Interfaces live in network
//! namespaces of their own, which go with the thread that made them.

mod attach;
mod cost;
mod load;
mod offloads;
mod parser;
mod replay;
mod setup;
mod tc;

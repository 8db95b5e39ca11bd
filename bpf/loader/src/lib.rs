//! Loads, test-runs and attaches BPF objects: the only user of libbpf.

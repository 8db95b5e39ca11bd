//! Compares a model with its program: vectors, verdicts, counterexamples.

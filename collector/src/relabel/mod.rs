//! Relabel rules, compiled and applied.

//! Metric pages: every line is a sample, a comment or a counted bad line.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runnel_collector::metrics::exposition::fuzz(bytes));

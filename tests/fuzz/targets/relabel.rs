//! Relabel rules and the series that they meet.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runnel_collector::relabel::fuzz(bytes));

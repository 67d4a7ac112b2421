//! Configuration text: errors with a place, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runnel_config::fuzz(bytes));

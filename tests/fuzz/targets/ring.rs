//! A segment file of any content: recovery ends, and yields only whole frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| diskring::fuzz::fuzz_recover(bytes));

//! The binary `runnel`.
fn main() {}

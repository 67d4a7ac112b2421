//! Inputs that the room benches and the comparison with the peers share.

pub mod metrics;
pub mod pages;

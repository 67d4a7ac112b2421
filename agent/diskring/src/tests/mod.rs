//! Tests of the whole ring on the simulated disk.

mod corrupt;
mod fail;
mod model;
mod policy;
mod real;
mod steps;

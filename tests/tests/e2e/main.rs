//! The end-to-end scenarios: the agent as its user runs it, between real and fake neighbours.
//!
//! One binary, one file per scenario. Scenarios run in parallel, so each has its own processes,
//! ports and folders. `harness` tests the machinery itself, with vmagent in the agent's place.

mod bad_destinations;
mod bad_targets;
mod commands;
mod config_files;
mod differential;
mod harness;
mod kill;
mod node_exporter;
mod reload;

use std::time::Duration;

/// Deadline of what takes a few seconds on an idle machine.
const SOON: Duration = Duration::from_secs(60);

//! The binary `runnel`: everything behind the block, and the wiring.
//!
//! The way of a sample goes on here: `intake → store (diskring) → lane → delivery → send →
//! transport`. `wiring` knows every room; no other room knows another one's inside.

mod backoff;
mod cli;
mod codec;
mod config_files;
mod delivery;
mod figures;
mod governor;
mod intake;
mod lane;
mod ledger;
mod link;
mod reload;
mod send;
mod status;
mod store;
mod telemetry;
mod transport;
mod wiring;

/// jemalloc: memory that a burst of scrapes took goes back, where glibc's arenas keep it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}

//! Fakes and real parts that the end-to-end tests and the benches share.
//!
//! Owns the processes, servers and folders of a scenario; each is a value that cleans up when it
//! is dropped. Knows the contract of the agent only from outside: its command line, its HTTP and
//! its configuration file. A failure of the machinery panics with what was tried and found, since
//! every caller is a test. Nothing here sleeps for a fixed time: [`wait::eventually`] waits for a
//! condition with a deadline.

pub mod agent;
pub mod authority;
pub mod client;
pub mod counting;
pub mod differential;
pub mod exporter;
pub mod folder;
pub mod ledger;
pub mod node_exporter;
pub mod page;
pub mod parts;
pub mod process;
pub mod receiver;
pub mod series;
pub mod server;
pub mod victoria_metrics;
pub mod vmagent;
pub mod wait;
pub mod wire;

pub use agent::Agent;
pub use authority::Authority;
pub use counting::Counting;
pub use exporter::Exporter;
pub use folder::Folder;
pub use ledger::Ledger;
pub use node_exporter::NodeExporter;
pub use receiver::Receiver;
pub use series::{Labels, Sample, Store};
pub use victoria_metrics::VictoriaMetrics;
pub use vmagent::VmAgent;
pub use wait::{eventually, until};

/// The folder of the workspace.
///
/// # Panics
/// Never: this crate lies in it.
pub fn workspace() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate has a parent")
}

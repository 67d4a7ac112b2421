//! A real node-exporter.

use std::net::SocketAddr;
use std::process::Command;

use crate::client;
use crate::folder::Folder;
use crate::parts::Parts;
use crate::process::{Process, free_address};

/// Debian's node-exporter on this machine.
#[derive(Debug)]
pub struct NodeExporter {
    address: SocketAddr,
    _process: Process,
    _folder: Folder,
}

impl NodeExporter {
    /// Starts one and waits until it shows its page.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start(parts: &Parts) -> Self {
        let folder = Folder::new("node-exporter");
        let address = free_address();
        let mut command = Command::new(parts.node_exporter());
        command.arg(format!("--web.listen-address={address}"));
        let mut process = Process::start("node-exporter", command, &folder.join("log"));
        process.wait_ready(|| client::get(address, "/metrics"));
        Self { address, _process: process, _folder: folder }
    }

    /// Where its page is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

//! A real vmagent: the peer that the agent is compared with.

use std::net::SocketAddr;
use std::process::Command;

use crate::agent::{Target, targets};
use crate::client;
use crate::folder::Folder;
use crate::parts::Parts;
use crate::process::{Process, free_address};

/// A vmagent with its queue in a temporary folder.
#[derive(Debug)]
pub struct VmAgent {
    address: SocketAddr,
    _process: Process,
    folder: Folder,
}

impl VmAgent {
    /// Starts one that scrapes by `config` (without `remote_write`, which vmagent takes as
    /// flags) and writes to each of `urls`.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start(parts: &Parts, config: &str, urls: &[String]) -> Self {
        let folder = Folder::new("vmagent");
        let file = folder.write("prometheus.yml", config);
        let address = free_address();
        let mut command = Command::new(parts.vmagent());
        command
            .arg(format!("-promscrape.config={}", file.display()))
            .arg(format!("-remoteWrite.tmpDataPath={}", folder.join("queue").display()))
            .arg(format!("-httpListenAddr={address}"))
            .arg("-promscrape.fileSDCheckInterval=1s")
            .arg("-remoteWrite.flushInterval=200ms")
            .arg("-loggerLevel=WARN")
            .arg("-promscrape.suppressScrapeErrors")
            .arg("-memory.allowedBytes=256MiB");
        command.args(urls.iter().map(|url| format!("-remoteWrite.url={url}")));
        let mut process = Process::start("vmagent", command, &folder.join("log"));
        process.wait_ready(|| client::get(address, "/health"));
        Self { address, _process: process, folder }
    }

    /// Its folder, for files that the configuration names.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Its targets.
    ///
    /// # Errors
    /// It does not answer, in words.
    pub fn targets(&self) -> Result<Vec<Target>, String> {
        targets(self.address)
    }
}

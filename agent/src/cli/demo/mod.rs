//! `runnel demo`: the whole agent on this machine, against a receiver of its own.
//!
//! Needs no cluster, no root and no other program. Scrapes itself and whatever exporter listens at
//! a well-known port of this machine, holds the samples in a ring under the temporary folder, and
//! delivers them to an embedded receiver.

mod receiver;
mod screen;

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::Failure;
use super::run::{Signals, runtime};
use crate::reload::Origin;
use crate::wiring::Agent;
use receiver::Receiver;
use screen::Screen;

/// Well-known ports of exporters, with the job name each gets.
const EXPORTERS: [(u16, &str); 6] = [
    (9100, "node-exporter"),
    (9090, "prometheus"),
    (8428, "victoria-metrics"),
    (8429, "vmagent"),
    (9093, "alertmanager"),
    (9115, "blackbox-exporter"),
];

/// Time an exporter has to accept a connection; it is on this machine.
const PROBE_TIMEOUT: Duration = Duration::from_millis(200);

/// Runs for `span`, or until it is interrupted.
///
/// # Errors
/// [`Failure::Internal`] when the temporary folder, a port or the agent can't be had.
pub fn run(span: Option<Duration>, listen: SocketAddr) -> Result<(), Failure> {
    let folder = Folder::new()?;
    runtime()?.block_on(async {
        let mut signals = Signals::listen()?;
        let (stop, stopped) = watch::channel(false);
        let socket = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let receiver_at = socket.local_addr().map_err(|error| internal("know its port", &error))?;
        let receiver = Receiver::default();
        let receiving = tokio::spawn(receiver.clone().serve(socket, stopped));

        let listen = free(listen).await;
        let exporters = exporters().await;
        let origin = folder.configure(listen, receiver_at, &exporters)?;
        let configuration = origin.load().map_err(Failure::Internal)?;
        let agent = Agent::start(&configuration, origin).await.map_err(Failure::Internal)?;

        let mut screen = Screen::new(agent.face().clone(), receiver, agent.listen(), &exporters);
        let deadline = span.map(|span| Instant::now() + span);
        screen.show_until(deadline, &mut signals).await;
        let face = agent.face().clone();
        let uptime = screen.uptime();
        let before = face.audit().await;
        agent.stop().await;
        screen.summary(&before, uptime);
        stop.send_replace(true);
        // The receiver ends with its current request.
        let _ = receiving.await;
        Ok(())
    })
}

/// A temporary folder that goes when the demo does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("runnel-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| internal("make its folder", &error))?;
        Ok(Self(path))
    }

    /// Writes the configuration that an operator would write for this machine.
    fn configure(
        &self,
        listen: SocketAddr,
        receiver: SocketAddr,
        exporters: &[(u16, &str)],
    ) -> Result<Origin, Failure> {
        let mut text = format!(
            "cluster: demo\nnode: this-machine\n\
             global: {{scrape_interval: 2s, scrape_timeout: 2s}}\n\
             remote_write:\n  - name: demo-receiver\n    url: http://{receiver}/api/v1/write\n\
             buffer: {{path: {}, size: 64MiB}}\nserver: {{listen: \"{listen}\"}}\n\
             scrape_configs:\n  - job_name: runnel\n    static_configs: [{{targets: [\"{listen}\"]}}]\n",
            self.0.join("ring").display()
        );
        for (port, job) in exporters {
            let _ = write!(
                text,
                "  - job_name: {job}\n    static_configs: [{{targets: [\"127.0.0.1:{port}\"]}}]\n"
            );
        }
        let config = self.0.join("runnel.yaml");
        std::fs::write(&config, text)
            .map_err(|error| internal("write its configuration", &error))?;
        Ok(Origin { config, vars: Vec::new() })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_dir_all(path) {
        eprintln!("cannot remove {}: {error}", path.display());
    }
}

/// The exporters that accept connections.
async fn exporters() -> Vec<(u16, &'static str)> {
    let mut found = Vec::new();
    for (port, job) in EXPORTERS {
        let connect = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        if let Ok(Ok(_)) = tokio::time::timeout(PROBE_TIMEOUT, connect).await {
            found.push((port, job));
        }
    }
    found
}

/// `wanted`, or any free port of its host when that one is taken or none is named.
async fn free(wanted: SocketAddr) -> SocketAddr {
    for at in [wanted, SocketAddr::new(wanted.ip(), 0)] {
        if let Ok(found) = TcpListener::bind(at).await.and_then(|listener| listener.local_addr()) {
            return found;
        }
    }
    wanted
}

async fn bind(at: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(at).await.map_err(|error| internal("bind its receiver", &error))
}

fn internal(what: &str, error: &std::io::Error) -> Failure {
    Failure::Internal(format!("the demo cannot {what}: {error}"))
}

//! `runnel run`: the agent.

use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, VERSION};
use crate::reload::Origin;
use crate::wiring::Agent;

/// Threads of the network runtime: one scrapes while the other sends.
const WORKERS: usize = 2;

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`Failure::Usage`] for a bad configuration, [`Failure::Internal`] when the agent can't start.
pub fn run(config: &Path, vars: &[PathBuf]) -> Result<(), Failure> {
    log_to_stderr();
    let origin = Origin { config: config.to_path_buf(), vars: vars.to_vec() };
    let configuration = origin.load().map_err(Failure::Usage)?;
    for warning in &configuration.warnings {
        tracing::warn!("{warning}");
    }
    runtime()?.block_on(async {
        let mut signals = Signals::listen()?;
        tracing::info!(version = VERSION, config = %config.display(), "starting");
        let agent = Agent::start(&configuration, origin).await.map_err(Failure::Internal)?;
        let signal = signals.next().await;
        tracing::info!("{signal}: stopping");
        agent.stop().await;
        tracing::info!("stopped");
        Ok(())
    })
}

/// The network runtime.
///
/// # Errors
/// [`Failure::Internal`] when the kernel gives no threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("runnel-net")
        .enable_all()
        .build()
        .map_err(|error| Failure::Internal(format!("cannot start the network runtime: {error}")))
}

/// The signals that end the agent.
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes the signals over from the kernel's default.
    ///
    /// # Errors
    /// [`Failure::Internal`] when the kernel refuses.
    pub fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::Internal(format!("cannot listen for signals: {error}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

fn log_to_stderr() {
    use std::io::IsTerminal;
    let colours = std::io::stderr().is_terminal();
    // A second call, as from a test, keeps the first logger.
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_max_level(tracing::Level::INFO)
        .with_target(false)
        .try_init();
}

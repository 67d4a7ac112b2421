//! Reloading: when the configuration is read again, and what becomes of a bad one.
//!
//! Owns the triggers (SIGHUP, `POST /-/reload`, a change on disk) and the state of the newest
//! configuration. What changes in the agent is `wiring`'s business.
//!
//! Invariant: a bad configuration changes nothing but this state.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use runnel_collector::metrics::status::Board;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

use crate::config_files::{self, Configuration};

/// Time between two looks at the files: a changed ConfigMap arrives within a minute anyway, and
/// a look costs some `stat` calls.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The state of the configuration.
#[derive(Clone, Debug)]
pub struct ConfigStatus {
    /// What runs, resolved, secrets masked.
    pub resolved: String,
    /// What the operator should know about it.
    pub warnings: Vec<String>,
    /// Why the newest configuration does not run; `None` when it does.
    pub error: Option<String>,
    /// When a configuration was last taken.
    pub taken_at: SystemTime,
}

impl ConfigStatus {
    /// The status right after `configuration` was taken.
    pub fn taken(configuration: &Configuration, now: SystemTime) -> Self {
        Self {
            resolved: configuration.resolved.clone(),
            warnings: configuration.warnings.clone(),
            error: None,
            taken_at: now,
        }
    }
}

/// A wish to reload; the answer is the error, if there is one.
pub type Wish = oneshot::Sender<Result<(), String>>;

/// Where a configuration comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file.
    pub config: PathBuf,
    /// Folders of variables.
    pub vars: Vec<PathBuf>,
}

impl Origin {
    /// Reads and checks it.
    ///
    /// # Errors
    /// Every mistake, as text.
    pub fn load(&self) -> Result<Configuration, String> {
        config_files::load(&self.config, &self.vars)
    }
}

/// Who takes a new configuration.
pub trait Apply: Send {
    /// Changes what differs.
    ///
    /// # Errors
    /// Why this configuration can't run; then nothing was changed.
    fn apply(
        &mut self,
        configuration: &Configuration,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

/// Reloads on every trigger until `stop` turns true, then gives the agent back.
///
/// `named` are the files that the running configuration names.
pub async fn run<A: Apply>(
    origin: Origin,
    mut named: Vec<PathBuf>,
    mut agent: A,
    board: Board<ConfigStatus>,
    mut wishes: mpsc::Receiver<Wish>,
    mut stop: watch::Receiver<bool>,
) -> A {
    let mut hangups = signal(SignalKind::hangup()).ok();
    let mut seen = config_files::fingerprint(&origin.config, &origin.vars, &named);
    let mut look = tokio::time::interval(LOOK_EVERY);
    while !*stop.borrow() {
        let mut wish = None;
        tokio::select! {
            _ = stop.changed() => continue,
            Some(asked) = wishes.recv() => wish = Some(asked),
            Some(()) = hangup(&mut hangups) => {}
            _ = look.tick() => {
                if config_files::fingerprint(&origin.config, &origin.vars, &named) == seen {
                    continue;
                }
            }
        }
        // Taken before the files are read: a change in between is seen at the next look.
        seen = config_files::fingerprint(&origin.config, &origin.vars, &named);
        let result = reload(&origin, &mut agent, &board).await;
        if let Ok(files) = &result
            && *files != named
        {
            named.clone_from(files);
            seen = config_files::fingerprint(&origin.config, &origin.vars, &named);
        }
        if let Some(wish) = wish {
            // Whoever asked may have hung up.
            let _ = wish.send(result.map(|_| ()));
        }
    }
    agent
}

async fn hangup(hangups: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match hangups {
        Some(hangups) => hangups.recv().await,
        None => std::future::pending().await,
    }
}

async fn reload(
    origin: &Origin,
    agent: &mut impl Apply,
    board: &Board<ConfigStatus>,
) -> Result<Vec<PathBuf>, String> {
    let result = match origin.load() {
        Ok(configuration) => agent.apply(&configuration).await.map(|()| configuration),
        Err(error) => Err(error),
    };
    match result {
        Ok(configuration) => {
            tracing::info!("configuration reloaded");
            board.write(|status| *status = ConfigStatus::taken(&configuration, SystemTime::now()));
            Ok(configuration.named_files)
        }
        Err(error) => {
            tracing::error!("the new configuration is bad, the old one goes on running:\n{error}");
            board.write(|status| status.error = Some(error.clone()));
            Err(error)
        }
    }
}

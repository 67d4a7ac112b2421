//! A secret, read again when its file changes.
//!
//! Owns the last good value and the report about a bad new one. Never knows what it is used for.
//! Invariant: once a value was good, a later bad file never takes it away.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runnel_config::settings::SecretSource;
use tokio::time::Instant;

use super::HttpError;
use super::file::{self, Pace, Stamp};

/// A secret from the settings.
#[derive(Debug)]
pub(super) struct SecretReader {
    source: SecretSource,
    /// Guards the cached value; held while a small file is read.
    state: Mutex<State>,
}

struct State {
    pace: Pace,
    stamp: Option<Stamp>,
    value: Option<Arc<str>>,
    problem: Option<String>,
}

impl SecretReader {
    pub(super) fn new(source: &SecretSource, check_every: Duration) -> Self {
        let value = match source {
            SecretSource::File(_) => None,
            SecretSource::Inline(secret) => Some(Arc::from(secret.reveal())),
        };
        let state = State { pace: Pace::new(check_every), stamp: None, value, problem: None };
        Self { source: source.clone(), state: Mutex::new(state) }
    }

    /// The secret as of `now`, without trailing white space when it comes from a file.
    ///
    /// # Errors
    /// [`HttpError::Credentials`] when the file never was readable.
    pub(super) fn read(&self, now: Instant) -> Result<Arc<str>, HttpError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let SecretSource::File(path) = &self.source
            && state.pace.due(now)
        {
            let stamp = Stamp::of(path);
            if stamp.is_none() || stamp != state.stamp {
                state.stamp = stamp;
                match load(path) {
                    Ok(value) => {
                        state.value = Some(value);
                        state.problem = None;
                    }
                    Err(problem) => state.problem = Some(problem),
                }
            }
        }
        let problem = || state.problem.clone().unwrap_or_default();
        state.value.clone().ok_or_else(|| HttpError::Credentials { cause: problem() })
    }

    /// Why the newest file is not in use, if so.
    pub(super) fn problem(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

fn load(path: &std::path::Path) -> Result<Arc<str>, String> {
    let bytes = file::read(path)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| format!("read secret {}: not UTF-8", path.display()))?
        .trim_end();
    if text.is_empty() {
        // A file being written in place is empty for a moment; an empty secret is never meant.
        return Err(format!("read secret {}: it is empty", path.display()));
    }
    Ok(Arc::from(text))
}

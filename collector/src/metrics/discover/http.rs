//! Targets asked over HTTP.
//!
//! Owns when to ask, what the request says and what a failure does. Never knows sockets: the
//! corridor hands in a [`Fetch`]. Invariant: a failure keeps the last good groups.
//! Called by the corridor as one task per `http_sd_configs` entry.
//! Source: Prometheus' `http_sd`.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use runnel_config::settings::HttpSd;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::groups::{self, Keys};
use super::{Discovered, Group, SourceError};

#[cfg(test)]
mod tests;

/// Largest answer. A list of 100,000 targets with ten labels has about 20 MB.
pub const BODY_BYTES_MAX: usize = 32 << 20;

/// Longest time one request may take; the refresh interval where that is shorter.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(60);

/// Wait after a failure; the refresh interval where that is shorter. A server that is down for a
/// moment should not cost a whole interval, six nodes at this pace cost it nothing.
const RETRY: Duration = Duration::from_secs(10);

/// Shortest refresh interval.
const REFRESH_MIN: Duration = Duration::from_secs(1);

/// Bytes of an error's body that are shown.
const ERROR_BODY_MAX: usize = 200;

/// One GET request, as this room needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Get<'a> {
    /// The URL.
    pub url: &'a str,
    /// Headers to add.
    pub headers: &'a [(&'static str, String)],
    /// When it has to be over.
    pub deadline: Instant,
    /// Largest body to read.
    pub body_bytes_max: usize,
}

/// What sends the requests: the project's HTTP client, or a test.
pub trait Fetch: Send + Sync {
    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// Why there is no answer, as a text for the operator.
    fn get(&self, request: Get<'_>) -> impl Future<Output = Result<(u16, Bytes), String>> + Send;
}

/// Asks again and again, and publishes the groups.
///
/// Ends when nobody listens any more.
pub async fn run(settings: HttpSd, fetch: impl Fetch, out: watch::Sender<Discovered>) {
    let refresh = settings.refresh_interval.duration().max(REFRESH_MIN);
    let mut known = Vec::new();
    loop {
        let wait = match ask(&settings.url, refresh, &fetch).await {
            Ok(groups) => {
                known = groups;
                groups::publish(&out, known.clone(), Vec::new());
                refresh
            }
            Err(text) => {
                let error = SourceError { source: settings.url.clone(), text };
                groups::publish(&out, known.clone(), vec![error]);
                refresh.min(RETRY)
            }
        };
        tokio::select! {
            () = out.closed() => return,
            () = sleep(wait) => {}
        }
    }
}

async fn ask(url: &str, refresh: Duration, fetch: &impl Fetch) -> Result<Vec<Group>, String> {
    let headers = [
        ("Accept", "application/json".to_owned()),
        ("X-Prometheus-Refresh-Interval-Seconds", refresh.as_secs_f64().to_string()),
    ];
    let deadline = Instant::now() + refresh.min(REQUEST_TIME_MAX);
    let request = Get { url, headers: &headers, deadline, body_bytes_max: BODY_BYTES_MAX };
    let (status, body) = fetch.get(request).await?;
    if status != 200 {
        let shown = String::from_utf8_lossy(&body[..body.len().min(ERROR_BODY_MAX)]);
        return Err(format!("expected status 200, found {status}: {}", shown.trim()));
    }
    let mut groups = groups::from_json(&body, url, Keys::Any)?;
    for group in &mut groups {
        // The address is the target's, whatever the labels say.
        group.labels.remove("__address__");
        group.labels.set("__meta_url", url);
    }
    Ok(groups)
}

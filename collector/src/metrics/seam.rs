//! The joints between this corridor and the rooms that serve it: relabel rules, HTTP.
//!
//! Owns the traits' implementations, so that the rooms on either side need not know each other's
//! types and tests can put a closure or a fake in their place.

use std::sync::Arc;

use bytes::Bytes;

use super::discover::http::{Fetch, Get};
use crate::http::{Client, HeaderMap, HeaderName, HeaderValue, Url};
use crate::labels::Labels;
use crate::relabel::{Rules, Verdict};

/// Rules that rewrite or drop a series.
pub trait Relabel: Send + Sync {
    /// Rewrites `labels` in place; says whether the series is kept.
    fn apply(&self, labels: &mut Labels) -> bool;
}

impl<F: Fn(&mut Labels) -> bool + Send + Sync> Relabel for F {
    fn apply(&self, labels: &mut Labels) -> bool {
        self(labels)
    }
}

impl Relabel for Rules {
    fn apply(&self, labels: &mut Labels) -> bool {
        Rules::apply(self, labels) == Verdict::Keep
    }
}

impl Fetch for Arc<Client> {
    async fn get(&self, request: Get<'_>) -> Result<(u16, Bytes), String> {
        let url = Url::parse(request.url).map_err(|error| format!("use the URL: {error}"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| format!("set header {name}: {value:?} is not a valid value"))?;
            let name: HeaderName = name.parse().map_err(|_| format!("set header {name:?}"))?;
            headers.insert(name, value);
        }
        let body_bytes_max = request.body_bytes_max as u64;
        Client::get(self, &url, headers, request.deadline, body_bytes_max)
            .await
            .map(|(status, _, body)| (status.as_u16(), body))
            .map_err(|error| error.to_string())
    }
}

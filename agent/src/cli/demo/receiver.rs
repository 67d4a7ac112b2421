//! The demo's receiver: a metrics store that keeps the last minutes in memory.
//!
//! Speaks remote write under zstd and snappy. Owns what it received; never knows the agent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use runnel_collector::metrics::encode::{Field, Request as WriteRequest};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::codec;

/// Largest request: what an agent joins at most, and some room.
const REQUEST_BYTES_MAX: usize = 32 << 20;

/// Series that are remembered; a demo has a few thousand.
const SERIES_MAX: usize = 200_000;

/// How long a series is remembered after its last sample.
const KEEP: Duration = Duration::from_secs(300);

/// What was received.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Received {
    /// Samples.
    pub samples: u64,
    /// Series with a sample in the last minutes.
    pub series: u64,
    /// Compressed bytes.
    pub bytes: u64,
    /// Timestamp of the newest sample, milliseconds since the epoch.
    pub newest_ms: Option<i64>,
}

#[derive(Debug, Default)]
struct Memory {
    received: Received,
    /// When each series last had a sample, by its encoded labels.
    series: HashMap<Vec<u8>, Instant>,
}

/// The receiver. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Receiver(Arc<Mutex<Memory>>);

impl Receiver {
    /// What was received so far.
    pub fn received(&self) -> Received {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        memory.series.retain(|_, at| now.duration_since(*at) < KEEP);
        Received { series: memory.series.len() as u64, ..memory.received }
    }

    /// Serves until `stop` turns true.
    pub async fn serve(self, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.changed() => return,
            };
            let Ok((stream, _)) = accepted else { continue };
            let receiver = self.clone();
            connections.spawn(async move {
                let service = service_fn(|request| {
                    let receiver = receiver.clone();
                    async move { receiver.answer(request).await }
                });
                // A connection that ends badly is the sender's to retry.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
        let snappy = request
            .headers()
            .get("content-encoding")
            .is_some_and(|encoding| encoding.as_bytes() == b"snappy");
        let body = Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect().await;
        let code = match body.map(|body| self.take(&body.to_bytes(), snappy)) {
            Ok(Some(())) => StatusCode::NO_CONTENT,
            Ok(None) => StatusCode::BAD_REQUEST,
            Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
        };
        let mut response = Response::new(Full::default());
        *response.status_mut() = code;
        Ok(response)
    }

    /// Decodes a request and remembers it; `None` when it can't be decoded.
    fn take(&self, body: &[u8], snappy: bool) -> Option<()> {
        let raw = if snappy {
            snap::raw::Decoder::new().decompress_vec(body).ok()?
        } else {
            codec::unpack(body).ok()?
        };
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.received.bytes += body.len() as u64;
        let now = Instant::now();
        for field in WriteRequest::new(&raw) {
            let Field::Series(series) = field.ok()? else { continue };
            let mut key = Vec::new();
            for label in series.labels() {
                let (name, value) = label.ok()?;
                key.extend_from_slice(name);
                key.push(0);
                key.extend_from_slice(value);
                key.push(0);
            }
            for sample in series.samples() {
                memory.received.samples += 1;
                let at = sample.ok()?.timestamp_ms;
                memory.received.newest_ms = memory.received.newest_ms.max(Some(at));
            }
            if memory.series.len() < SERIES_MAX || memory.series.contains_key(&key) {
                memory.series.insert(key, now);
            }
        }
        Some(())
    }
}

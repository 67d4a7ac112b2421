//! The destination of remote write: decodes every request and counts what it holds.
//!
//! Owns the tally of one session, from [`Sink::reset`] to the next one. Knows neither the agents
//! nor the load. Answers 204 to what it could decode, 400 to the rest.
//! Invariants: a sample is counted once, when its request was read and decoded whole; memory grows
//! with distinct series and scrapes of a session only, both set by the load.
//! Called by `peer`, one thread per connection; the tally is behind one lock.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use foldhash::quality::FixedState;
use runnel_collector::metrics::encode::{Field, Malformed, Request, STALE_NAN_BITS, Series};
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::http::{self, Connection};

/// What arrived.
///
/// Counts are since [`Sink::mark`]; series, their names and the sizes of scrapes since
/// [`Sink::reset`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Samples but stale markers.
    pub samples: u64,
    /// Stale markers.
    pub stale: u64,
    /// Metadata entries.
    pub metadata: u64,
    /// Requests taken.
    pub requests: u64,
    /// Those of them under zstd.
    pub zstd: u64,
    /// Requests that could not be decoded.
    pub refused: u64,
    /// Bodies as they came.
    pub body_bytes: u64,
    /// Request lines, headers and framing of chunks.
    pub head_bytes: u64,
    /// Median of arrival minus sample timestamp.
    pub delay_median_ms: Option<u64>,
    /// 99th percentile of the same.
    pub delay_p99_ms: Option<u64>,
    /// Scrapes that the exporters answered.
    pub scrapes: u64,
    /// Distinct series.
    pub series: u64,
    /// Sum of the identities of the distinct series: equal for equal sets, whatever their order.
    pub fingerprint: u64,
    /// Distinct series of each metric name.
    pub names: BTreeMap<String, u64>,
    /// Fewest, median and most samples of one scrape of one target, of those scrapes whose first
    /// sample arrived long enough ago.
    pub scrape_samples: [u64; 3],
}

/// The destination.
#[derive(Debug, Default)]
pub struct Sink {
    session: Mutex<Session>,
}

impl Sink {
    /// Forgets everything.
    pub fn reset(&self) {
        *self.session() = Session::default();
    }

    /// Starts the measured window.
    pub fn mark(&self) {
        let mut session = self.session();
        session.counts = Tally::default();
        session.delays = Delays::default();
    }

    /// What arrived so far.
    pub fn read(&self) -> Tally {
        self.session().tally(now_ms())
    }

    /// Listens in the background; returns the port.
    ///
    /// # Errors
    /// No port can be had.
    pub fn listen(self: &Arc<Self>) -> Outcome<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(|e| format!("listening for remote write: {e}"))?;
        let port =
            listener.local_addr().map_err(|e| format!("listening for remote write: {e}"))?.port();
        let sink = Arc::clone(self);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sink = Arc::clone(&sink);
                thread::spawn(move || sink.serve(stream));
            }
        });
        Ok(port)
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut connection = Connection::new(stream)?;
        while let Some(request) = connection.next_request()? {
            let answer = if self.take(&request, now_ms()) { NO_CONTENT } else { BAD_REQUEST };
            connection.answer(answer)?;
        }
        Ok(())
    }

    /// Counts one request; false when it cannot be decoded.
    fn take(&self, request: &http::Request, arrival_ms: i64) -> bool {
        if !request.line().starts_with("POST ") {
            return true;
        }
        let zstd = request.header("content-encoding") == Some("zstd");
        let decoded = if zstd { unzstd(&request.body) } else { unsnap(&request.body) };
        let mut session = self.session();
        let taken = decoded.is_some_and(|body| session.take(&body, arrival_ms).is_ok());
        let counts = &mut session.counts;
        if taken {
            counts.requests += 1;
            counts.zstd += u64::from(zstd);
            counts.body_bytes += request.body.len() as u64;
            counts.head_bytes += request.head_bytes as u64;
        } else {
            counts.refused += 1;
        }
        taken
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().expect("counting does not panic")
    }
}

#[derive(Debug, Default)]
struct Session {
    counts: Tally,
    delays: Delays,
    /// Identities of the series seen.
    series: HashSet<u64, FixedState>,
    fingerprint: u64,
    names: BTreeMap<String, u64>,
    /// By instance and timestamp.
    scrapes: HashMap<(u64, i64), Scrape, FixedState>,
}

#[derive(Debug)]
struct Scrape {
    first_arrival_ms: i64,
    samples: u64,
}

impl Session {
    fn take(&mut self, body: &[u8], arrival_ms: i64) -> Result<(), Malformed> {
        for field in Request::new(body) {
            match field? {
                Field::Series(series) => self.series(series, arrival_ms)?,
                Field::Metadata(_) => self.counts.metadata += 1,
            }
        }
        Ok(())
    }

    fn series(&mut self, series: Series<'_>, arrival_ms: i64) -> Result<(), Malformed> {
        let (mut identity, mut instance, mut name) = (0u64, 0, &b""[..]);
        for pair in series.labels() {
            let (label, value) = pair?;
            // A sum, so that the order of labels does not matter.
            identity = identity.wrapping_add(HASH.hash_one((label, value)));
            match label {
                b"__name__" => name = value,
                b"instance" => instance = HASH.hash_one(value),
                _ => {}
            }
        }
        if self.series.insert(identity) {
            self.fingerprint = self.fingerprint.wrapping_add(identity);
            *self.names.entry(String::from_utf8_lossy(name).into_owned()).or_default() += 1;
        }
        for sample in series.samples() {
            let sample = sample?;
            if sample.value.to_bits() == STALE_NAN_BITS {
                self.counts.stale += 1;
                continue;
            }
            self.counts.samples += 1;
            self.delays.add(arrival_ms - sample.timestamp_ms);
            self.scrapes
                .entry((instance, sample.timestamp_ms))
                .or_insert(Scrape { first_arrival_ms: arrival_ms, samples: 0 })
                .samples += 1;
        }
        Ok(())
    }

    fn tally(&self, now_ms: i64) -> Tally {
        let settled = self.scrapes.values().filter(|s| s.first_arrival_ms + SETTLE_MS <= now_ms);
        let mut sizes: Vec<u64> = settled.map(|scrape| scrape.samples).collect();
        sizes.sort_unstable();
        let size = |i: usize| sizes.get(i).copied().unwrap_or_default();
        Tally {
            delay_median_ms: self.delays.percentile(0.5),
            delay_p99_ms: self.delays.percentile(0.99),
            series: self.series.len() as u64,
            fingerprint: self.fingerprint,
            names: self.names.clone(),
            scrape_samples: [size(0), size(sizes.len() / 2), size(sizes.len().saturating_sub(1))],
            ..self.counts.clone()
        }
    }
}

/// Delays counted by the millisecond; those above the last bucket stand in it.
#[derive(Debug, Default)]
struct Delays {
    buckets: Vec<u64>,
    count: u64,
}

impl Delays {
    fn add(&mut self, delay_ms: i64) {
        let bucket = delay_ms.clamp(0, DELAY_MS_MAX) as usize;
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
    }

    /// The smallest delay that at least the share `q` of all does not exceed.
    fn percentile(&self, q: f64) -> Option<u64> {
        let wanted = ((self.count as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        self.buckets.iter().zip(0..).find_map(|(count, delay_ms)| {
            seen += count;
            (seen >= wanted).then_some(delay_ms)
        })
    }
}

fn unzstd(body: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(body).ok()?;
    decoder.take(DECODED_BYTES_MAX + 1).read_to_end(&mut decoded).ok()?;
    (decoded.len() as u64 <= DECODED_BYTES_MAX).then_some(decoded)
}

fn unsnap(body: &[u8]) -> Option<Vec<u8>> {
    let len = snap::raw::decompress_len(body).ok()?;
    (len as u64 <= DECODED_BYTES_MAX).then_some(())?;
    snap::raw::Decoder::new().decompress_vec(body).ok()
}

/// Unit: milliseconds since the epoch.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
/// The same in every process, so that both agents' series compare.
const HASH: FixedState = FixedState::with_seed(7);
/// Far above what an agent sends in one request.
const DECODED_BYTES_MAX: u64 = 512 << 20;
/// Blocks that one scrape is spread over arrive within this time.
const SETTLE_MS: i64 = 5_000;
/// Bounds the buckets to 1 MB; a delay of two minutes is a failure, whatever its length.
const DELAY_MS_MAX: i64 = 120_000;

#[cfg(test)]
mod tests;

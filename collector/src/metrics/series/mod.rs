//! What a series was last time: identity, keep or drop, staleness.
//!
//! Owns, for each target, the identities of the last page's series, the last good body, the
//! labels that the target adds, the decisions of its relabel rules and its series limit; and from
//! them makes of a page the samples to send, the stale markers, and the automatic metrics.
//! Never knows transport, schedule, ring or destination; time is an argument.
//! Invariants: every sample is accounted for, `scraped = written + dropped by reason`; a page that
//! fails writes nothing; each vanished series gets one marker; memory per series is 8 bytes and
//! the compressed body.
//! Called by `metrics::scrape`, one call at a time per [`TargetSeries`], on any worker; each
//! worker brings its own [`Scratch`].
//!
//! Identity is a 64-bit hash over the encoded labels, which are sorted: the order of labels on
//! the page does not matter. Two series of a page of a million collide once in 37 million pages;
//! the second of them is then counted as a duplicate, not lost silently.
//!
//! Source: the semantics table of vmagent and Prometheus; each rule names its own at its place.

mod body;
mod decide;
mod gzip;
mod hashes;
mod labeler;
mod metadata;
mod options;
mod outcome;
mod page;
mod plan;
mod report;
mod stale;
#[cfg(test)]
mod tests;
mod track;

pub use body::{Body, BodyError};
pub use metadata::MetadataSeen;
pub use options::{ClashPolicy, LabelLimits, SeriesOptions};
pub use outcome::{BadLine, PageCounts, PageError, PageFault, PageTimes};
pub use report::ScrapeReport;

use body::{Inflate, Kept};
use hashes::HashTable;
use labeler::Labeler;
use track::{Track, TrackScratch};

use crate::metrics::encode::Out;
use crate::metrics::exposition::{Format, Parser};

/// Bytes of encoded samples after which a batch goes to the sink. Derivation: stays in the
/// second-level cache of a core between encoding and compression.
const BATCH_BYTES: usize = 128 << 10;

/// Bytes of scratch memory that a worker keeps between two pages. Derivation: the page of a
/// usual large exporter (6,000 samples); larger ones pay for their memory each time.
const SCRATCH_KEEP_BYTES: usize = 1 << 20;

/// Encoded samples on their way to a block.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Shape: `timeseries` fields of a `WriteRequest`, tags included.
    pub bytes: &'a [u8],
    /// Number of samples, stale markers included.
    pub samples: u64,
    /// Earliest timestamp. Unit: milliseconds since the epoch.
    pub time_min_ms: i64,
    /// Latest timestamp. Unit: milliseconds since the epoch.
    pub time_max_ms: i64,
}

/// Where batches go.
pub trait Sink {
    /// Takes samples; the batch holds at least one.
    fn samples(&mut self, batch: &Batch<'_>);

    /// Takes `families` metadata fields of a `WriteRequest`, tags included.
    fn metadata(&mut self, bytes: &[u8], families: u64);
}

/// Memory that a worker reuses from page to page.
#[derive(Debug, Default)]
pub struct Scratch {
    parser: Parser,
    out: Outbox,
    inflate: Inflate,
    track: TrackScratch,
    metadata: metadata::Pending,
}

/// Encoded samples that have not gone to the sink.
#[derive(Debug, Default)]
struct Outbox {
    out: Out,
    samples: u64,
    times: Option<(i64, i64)>,
}

impl Outbox {
    /// Counts one sample, whose series was just ended.
    #[inline]
    fn count(&mut self, timestamp_ms: i64) {
        self.samples += 1;
        let (min, max) = self.times.unwrap_or((timestamp_ms, timestamp_ms));
        self.times = Some((min.min(timestamp_ms), max.max(timestamp_ms)));
    }

    /// Hands over what there is.
    fn flush(&mut self, sink: &mut dyn Sink) {
        if let Some((time_min_ms, time_max_ms)) = self.times {
            let bytes = self.out.bytes();
            sink.samples(&Batch { bytes, samples: self.samples, time_min_ms, time_max_ms });
        }
        self.discard();
    }

    /// Hands over what there is once it is a batch.
    #[inline]
    fn flush_full(&mut self, sink: &mut dyn Sink) {
        if self.out.len() >= BATCH_BYTES {
            self.flush(sink);
        }
    }

    /// Forgets what there is.
    fn discard(&mut self) {
        self.out.clear(SCRATCH_KEEP_BYTES);
        self.samples = 0;
        self.times = None;
    }
}

/// The series of one target.
#[derive(Debug)]
pub struct TargetSeries {
    options: SeriesOptions,
    labeler: Labeler,
    track: Track,
    /// The body that the track was made from; `None` before the first good page and where no
    /// markers are wanted.
    kept: Option<(Kept, Format)>,
    /// Whether the series of the track have had their markers since.
    ended: bool,
    series_limit: SeriesLimit,
    /// When the metadata of the page is looked at again.
    metadata_due_ms: i64,
}

impl TargetSeries {
    /// A target that was never scraped.
    pub fn new(options: SeriesOptions) -> Self {
        Self {
            labeler: Labeler::new(&options),
            track: Track::default(),
            kept: None,
            ended: true,
            series_limit: SeriesLimit::default(),
            metadata_due_ms: i64::MIN,
            options,
        }
    }

    /// The options it was made with.
    pub fn options(&self) -> &SeriesOptions {
        &self.options
    }

    /// Number of series on the last good page.
    pub fn active(&self) -> usize {
        self.track.len()
    }

    /// Bytes that it holds between two scrapes, about.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.track.memory_bytes()
            + self.kept.as_ref().map_or(0, |(kept, _)| kept.memory_bytes())
            + self.labeler.memory_bytes()
            + self.series_limit.seen.memory_bytes()
    }
}

/// The series that a target may show within a day.
///
/// Shape: an exact set where vmagent has a Bloom filter; it holds at most the limit's number of
/// hashes. Source: vmagent `series_limit`, a window of 24 hours.
#[derive(Debug, Default)]
struct SeriesLimit {
    seen: HashTable,
    window_ends_ms: i64,
    /// Whether a series was refused since the window began.
    exceeded: bool,
}

impl SeriesLimit {
    /// Length of the window. Source: vmagent.
    const WINDOW_MS: i64 = 24 * 60 * 60 * 1_000;

    /// Begins a new window where the last one is over.
    fn turn(&mut self, now_ms: i64) {
        if now_ms >= self.window_ends_ms {
            self.seen = HashTable::default();
            self.window_ends_ms = now_ms.saturating_add(Self::WINDOW_MS);
            self.exceeded = false;
        }
    }

    /// Whether the series may pass.
    fn admit(&mut self, hash: u64, limit: u64) -> bool {
        let admitted = self.seen.contains(hash)
            || ((self.seen.len() as u64) < limit && self.seen.insert(hash));
        self.exceeded |= !admitted;
        admitted
    }
}

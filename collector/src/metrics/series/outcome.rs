//! What came of a page: counts, or why it failed.
//!
//! Owns the words for it, which stand on the status page.

use std::fmt;

use super::body::BodyError;
use crate::metrics::exposition::BadReason;

/// Bytes of a bad line that are shown.
const BAD_TEXT_BYTES_MAX: usize = 200;

/// The two times of a scrape. Unit: milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageTimes {
    /// Time that the samples get.
    pub scrape_ms: i64,
    /// Time it really was: that of everything that waits.
    pub real_ms: i64,
}

/// What a page held and what became of it.
///
/// Invariant: `samples_scraped = samples_written + duplicates + relabel_dropped +
/// series_limit_dropped` on a page that did not fail; a page that failed wrote nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageCounts {
    /// Size of the text.
    pub page_bytes: u64,
    /// Samples on the page.
    pub samples_scraped: u64,
    /// Samples left after relabeling.
    pub samples_post_relabel: u64,
    /// Samples handed to the sink.
    pub samples_written: u64,
    /// Series that were not on the page before.
    pub series_added: u64,
    /// Samples whose series stood on the page already.
    pub duplicates: u64,
    /// Samples that a relabel rule dropped.
    pub relabel_dropped: u64,
    /// Samples of new series above the series limit.
    pub series_limit_dropped: u64,
    /// Stale markers handed to the sink.
    pub stale_markers: u64,
    /// Lines that do not parse.
    pub bad_lines: u64,
    /// The first of them.
    pub first_bad: Option<BadLine>,
}

/// A line that does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its text, cut to 200 bytes, made UTF-8.
    pub text: String,
    /// Why.
    pub reason: &'static str,
}

/// Why a page failed, and what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageError {
    /// Why.
    pub fault: PageFault,
    /// What was counted; nothing was written.
    pub counts: Box<PageCounts>,
}

/// Why a page failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageFault {
    /// A line does not parse and the job wants that to fail.
    BadLine(BadLine),
    /// The body cannot be read.
    Body(BodyError),
    /// An OpenMetrics page of a strict job has no `# EOF`, or more behind it.
    Eof,
    /// A series breaks a limit of labels: which one, what it has, the limit.
    LabelLimit(&'static str, u64, u64),
    /// There is content, but not one line of it is a sample.
    NoMetrics(BadLine),
    /// More samples than the limit.
    SampleLimit(u64),
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            PageFault::BadLine(line) => write!(f, "parsing the page: {line}"),
            PageFault::Body(error) => error.fmt(f),
            PageFault::Eof => f.write_str("parsing the page: found no # EOF at its end"),
            PageFault::LabelLimit(which, found, limit) => {
                write!(f, "checking the page: found {which} {found}, the limit is {limit}")
            }
            PageFault::NoMetrics(line) => {
                write!(f, "parsing the page: found no sample on it; first line: {line}")
            }
            PageFault::SampleLimit(limit) => {
                let found = self.counts.samples_post_relabel;
                write!(f, "checking the page: found {found} samples, sample_limit is {limit}")
            }
        }
    }
}

impl std::error::Error for PageError {}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.reason, self.text)
    }
}

impl PageError {
    /// A page whose body cannot be read.
    pub(super) fn body(error: BodyError) -> Self {
        Self::new(PageFault::Body(error), PageCounts::default())
    }

    pub(super) fn new(fault: PageFault, counts: PageCounts) -> Self {
        Self { fault, counts: Box::new(counts) }
    }
}

impl BadLine {
    pub(super) fn new(text: &[u8], reason: BadReason) -> Self {
        let cut = text.get(..BAD_TEXT_BYTES_MAX).unwrap_or(text);
        Self { text: String::from_utf8_lossy(cut).into_owned(), reason: reason.text() }
    }
}

//! What the corridor tells about itself: targets, jobs, discovery.
//!
//! Owns the shapes only. Written by scrape loops and pools, read by whoever shows them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::labels::Labels;

/// Whether the last scrape went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It failed.
    Down,
    /// There was none yet.
    #[default]
    Unknown,
    /// It went well.
    Up,
}

impl Health {
    /// The word of Prometheus' API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Unknown => "unknown",
            Self::Up => "up",
        }
    }
}

/// What changes with each scrape of a target.
#[derive(Clone, Debug, Default)]
pub struct ScrapeStatus {
    /// Whether the last scrape went well.
    pub health: Health,
    /// Why not; empty when it did.
    pub error: String,
    /// Begin of the last scrape, milliseconds since the epoch.
    pub scraped_at_ms: Option<i64>,
    /// How long it took.
    pub duration: Duration,
    /// Bytes of its body as they came.
    pub body_bytes: u64,
    /// Samples on its page.
    pub samples_scraped: u64,
    /// Samples left after relabeling.
    pub samples_kept: u64,
    /// Lines of its page that did not parse.
    pub bad_lines: u64,
    /// The first of them, with what is wrong with it.
    pub bad_line: Option<String>,
}

/// One target as it stands.
#[derive(Clone, Debug)]
pub struct TargetStatus {
    /// Name of its job: the scrape pool.
    pub pool: String,
    /// URL of its page.
    pub url: String,
    /// Labels before relabeling.
    pub discovered: Labels,
    /// Labels after it.
    pub labels: Labels,
    /// Time between two scrapes.
    pub interval: Duration,
    /// Time one scrape may take.
    pub timeout: Duration,
    /// The last scrape.
    pub scrape: ScrapeStatus,
}

/// A discovered target that is not scraped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedTarget {
    /// Labels before relabeling.
    pub discovered: Labels,
    /// Why: the rule, the limit, the mistake.
    pub reason: String,
}

/// Totals of a job since it was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobTotals {
    /// Lines that did not parse.
    pub bad_lines: u64,
    /// Samples on all pages.
    pub samples: u64,
    /// Scrapes that failed.
    pub scrapes_failed: u64,
    /// Scrapes that went well.
    pub scrapes_ok: u64,
}

/// One job as it stands.
#[derive(Clone, Debug, Default)]
pub struct JobStatus {
    /// Its name.
    pub name: String,
    /// Totals since it was started.
    pub totals: JobTotals,
    /// Errors of its discoverers' last look-ups.
    pub discovery_errors: Vec<String>,
    /// Targets not scraped, the first [`DROPPED_SHOWN_MAX`] of them.
    pub dropped: Vec<DroppedTarget>,
    /// How many there are.
    pub dropped_count: u64,
}

/// Dropped targets kept for display per job: enough to find a rule that drops too much, bounded
/// since a pod role may discover the whole cluster.
pub const DROPPED_SHOWN_MAX: usize = 500;

/// The corridor as it stands.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Targets by pool and URL.
    pub targets: Vec<TargetStatus>,
    /// Jobs by name.
    pub jobs: Vec<JobStatus>,
    /// Every discoverer has answered at least once, well or not.
    pub discovered: bool,
}

impl Snapshot {
    /// Targets in `health`.
    pub fn count(&self, health: Health) -> usize {
        self.targets.iter().filter(|target| target.scrape.health == health).count()
    }
}

/// A value written by one task and read by others.
#[derive(Debug, Default)]
pub struct Board<T>(Arc<Mutex<T>>);

impl<T> Clone for Board<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> Board<T> {
    /// A board that says `value`.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    /// What it says now.
    pub fn read(&self) -> T {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what it says.
    pub fn write(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

//! The ring as the status pages show it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What one destination still has to get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReaderView {
    /// Name of the destination.
    pub name: String,
    /// Frames.
    pub frames: u64,
    /// Items in them.
    pub items: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Time of the oldest item, milliseconds since the epoch.
    pub oldest_ms: Option<i64>,
}

impl ReaderView {
    /// Age of the oldest item.
    pub fn oldest_age(&self, now: SystemTime) -> Option<Duration> {
        let oldest = u64::try_from(self.oldest_ms?).ok()?;
        Some(now.duration_since(UNIX_EPOCH + Duration::from_millis(oldest)).unwrap_or_default())
    }
}

/// The ring at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RingView {
    /// Its folder.
    pub path: String,
    /// Disk space it may take.
    pub budget_bytes: u64,
    /// Bytes in segments that hold frames still needed.
    pub used_bytes: u64,
    /// Bytes in segments that may be written anew.
    pub free_bytes: u64,
    /// Bytes of the budget that the disk did not give or took back.
    pub lost_bytes: u64,
    /// Segments.
    pub segments: u64,
    /// Segments that may be written anew.
    pub segments_free: u64,
    /// Segments that the disk failed.
    pub segments_quarantined: u64,
    /// Number of the newest frame.
    pub append_seq: u64,
    /// Number of the newest frame that survives a power cut.
    pub durable_seq: u64,
    /// The disk is given up; frames live in memory.
    pub memory_only: bool,
    /// Disk errors so far.
    pub io_errors: u64,
    /// The last of them.
    pub error: Option<String>,
    /// Destinations.
    pub readers: Vec<ReaderView>,
}

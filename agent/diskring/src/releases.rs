//! Claims released since the last commit, waiting to be written.
//!
//! Owns the list and its bound. Never knows frames or files.
//! Invariant: a range covers no live claim of its reader.
//! When the list is full further releases are not listed: the next checkpoint tells them all, and
//! a crash before it only makes frames come again.
//! Called by the ring and by recovery.

use crate::control::{Release, Releases, Total};
use crate::frame::Kind;
use crate::index::{Reason, Record};
use crate::readers::{ReaderId, Readers};

/// The most ranges in the list: some 200 KiB.
const RANGES_MAX: usize = 4096;
/// Ranges per frame, so that a frame stays small beside the smallest segment.
const RANGES_PER_FRAME: usize = 128;
/// How many of the newest ranges a release may join: one for each reader and a few more.
const RECENT_RANGES: usize = 64;
/// The list asks for a commit from here on.
const RANGES_WANTED: usize = 1024;

/// The releases that no commit has made durable yet.
#[derive(Debug, Default)]
pub(crate) struct ReleaseLog {
    ranges: Vec<Release>,
    /// Whether the whole list stands in the segment, but for a sync.
    written: bool,
}

impl ReleaseLog {
    /// Adds a release; `joins` says whether no live claim of the reader lies between the given
    /// sequences.
    pub(crate) fn add(
        &mut self,
        seq: u64,
        reader: ReaderId,
        reason: Reason,
        record: &Record,
        joins: impl Fn(u64, u64) -> bool,
    ) {
        self.written = false;
        let total =
            Total { frames: 1, items: u64::from(record.items), bytes: u64::from(record.body_len) };
        let room = self.ranges.len() < RANGES_MAX;
        let mut recent = self.ranges.iter_mut().rev().take(RECENT_RANGES);
        let joined = recent
            .find(|range| range.slot == reader.0 && range.reason == reason && range.last_seq < seq);
        match joined {
            Some(range) if joins(range.last_seq, seq) => {
                range.last_seq = seq;
                range.total.add(total);
                range.time_min_ms = range.time_min_ms.min(record.time_min_ms);
                range.time_max_ms = range.time_max_ms.max(record.time_max_ms);
            }
            _ if room => self.ranges.push(Release {
                slot: reader.0,
                reason,
                first_seq: seq,
                last_seq: seq,
                total,
                time_min_ms: record.time_min_ms,
                time_max_ms: record.time_max_ms,
            }),
            _ => {}
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether so much waits that a commit should not.
    pub(crate) fn is_large(&self) -> bool {
        self.ranges.len() >= RANGES_WANTED
    }

    /// Whether the whole list stands in the segment.
    pub(crate) fn is_written(&self) -> bool {
        self.written
    }

    /// The frames that tell the list.
    pub(crate) fn frames(&self, readers: &Readers) -> Vec<(Kind, Vec<u8>)> {
        let mut frames = Vec::new();
        for kind in [Kind::Ack, Kind::Drop] {
            let wanted = |release: &&Release| {
                (release.reason == Reason::Acknowledged) == (kind == Kind::Ack)
            };
            let releases: Vec<Release> = self.ranges.iter().filter(wanted).cloned().collect();
            for chunk in releases.chunks(RANGES_PER_FRAME) {
                let body = Releases { readers: readers.clone(), releases: chunk.to_vec() };
                frames.push((kind, body.encode()));
            }
        }
        frames
    }

    /// The list stands in the segment now.
    pub(crate) fn set_written(&mut self) {
        self.written = true;
    }

    /// The segment was synced: what was written is durable.
    pub(crate) fn synced(&mut self) {
        if self.written {
            self.clear();
        }
    }

    /// What was written is in doubt.
    pub(crate) fn unwritten(&mut self) {
        self.written = false;
    }

    /// Forgets the list.
    pub(crate) fn clear(&mut self) {
        self.ranges.clear();
        self.written = false;
    }
}

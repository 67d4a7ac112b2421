//! Metadata of metric families: gathered from a page, sent rarely.
//!
//! Owns who has been told what when: each family goes out once in ten minutes, whichever targets
//! show it.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::FixedState;

use super::Sink;
use crate::metrics::encode::{Metadata, MetricType, put_metadata};
use crate::metrics::exposition::{MetadataLine, MetadataSays, help_text};

/// Time after which a family's metadata goes again. Derivation: stores keep it for an hour or so.
pub(super) const METADATA_AGAIN_MS: i64 = 10 * 60 * 1_000;

/// Most families remembered. Derivation: twenty times what a large cluster shows; 16 bytes each.
const FAMILIES_MAX: usize = 1 << 16;

/// Longest help text; longer ones are cut. Derivation: help is a sentence or two.
const HELP_BYTES_MAX: usize = 4_096;

/// Most bytes gathered from one page; what is more is left for the next time.
const PENDING_BYTES_MAX: usize = 1 << 20;

/// Which families were sent when, across all targets.
#[derive(Default)]
pub struct MetadataSeen {
    /// Guards the times; held for one page's families, some microseconds in ten minutes.
    sent_ms: Mutex<HashMap<u64, i64>>,
}

impl fmt::Debug for MetadataSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetadataSeen").finish_non_exhaustive()
    }
}

impl MetadataSeen {
    /// A memory that nothing was sent to yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Says whether a family is due, and notes that it is sent.
fn due(sent_ms: &mut HashMap<u64, i64>, family: u64, now_ms: i64) -> bool {
    let is_due = |sent: i64| now_ms.saturating_sub(sent) >= METADATA_AGAIN_MS || now_ms < sent;
    if sent_ms.get(&family).is_some_and(|&sent| !is_due(sent)) {
        return false;
    }
    if sent_ms.len() >= FAMILIES_MAX {
        sent_ms.retain(|_, sent| !is_due(*sent));
        if sent_ms.len() >= FAMILIES_MAX {
            // Telling a family again is cheap; memory without bound is not.
            sent_ms.clear();
        }
    }
    sent_ms.insert(family, now_ms);
    true
}

/// The metadata of a page, family by family.
#[derive(Debug, Default)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    /// Hash and end in `bytes` of each family.
    families: Vec<(u64, usize)>,
    family: String,
    kind: MetricType,
    help: String,
    unit: String,
}

impl Pending {
    /// Forgets what was gathered.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.families.clear();
        self.family.clear();
        self.begin("");
    }

    /// Takes one comment line.
    pub(super) fn line(&mut self, line: &MetadataLine<'_>) {
        if self.family != line.family {
            self.close();
            self.begin(line.family);
        }
        match line.says {
            MetadataSays::Help(text) => {
                let cut = text.floor_char_boundary(HELP_BYTES_MAX);
                self.help.clear();
                self.help.push_str(&help_text(text.get(..cut).unwrap_or_default()));
            }
            MetadataSays::Type(kind) => self.kind = kind,
            MetadataSays::Unit(unit) => {
                let cut = unit.floor_char_boundary(HELP_BYTES_MAX);
                unit.get(..cut).unwrap_or_default().clone_into(&mut self.unit);
            }
        }
    }

    /// Hands over the families that are due, and forgets all.
    pub(super) fn flush(&mut self, seen: &MetadataSeen, now_ms: i64, sink: &mut dyn Sink) {
        self.close();
        let mut wanted = Vec::new();
        let (mut families, mut start) = (0, 0);
        {
            // A worker that panicked has left a map that is still a map.
            let mut sent_ms = seen.sent_ms.lock().unwrap_or_else(PoisonError::into_inner);
            for &(family, end) in &self.families {
                if due(&mut sent_ms, family, now_ms) {
                    wanted.extend_from_slice(self.bytes.get(start..end).unwrap_or_default());
                    families += 1;
                }
                start = end;
            }
        }
        if families > 0 {
            sink.metadata(&wanted, families);
        }
        *self = Self::default();
    }

    fn begin(&mut self, family: &str) {
        family.clone_into(&mut self.family);
        self.kind = MetricType::Unknown;
        self.help.clear();
        self.unit.clear();
    }

    /// Ends the family that is being gathered.
    fn close(&mut self) {
        if self.family.is_empty() || self.bytes.len() >= PENDING_BYTES_MAX {
            return;
        }
        let (family, help, unit) = (&self.family, &self.help, &self.unit);
        put_metadata(&mut self.bytes, &Metadata { family, kind: self.kind, help, unit });
        self.families.push((FixedState::default().hash_one(&self.family), self.bytes.len()));
    }
}

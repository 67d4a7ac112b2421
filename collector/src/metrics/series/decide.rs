//! What the relabel rules decided about a series, remembered by its identity.
//!
//! Owns the bounds of that memory. Rules are pure, so a decision holds as long as the target.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::metrics::encode::{Mark, Out};

/// Most bytes of rewritten labels remembered per target. Derivation: 16,000 series of 250 bytes;
/// a larger target runs its rules again for the rest, which costs time and no memory.
const REWRITTEN_BYTES_MAX: usize = 4 << 20;

/// Decisions that a target may always remember; a trim below that would only cost time.
const DECISIONS_MIN: usize = 1_024;

/// What becomes of a series.
#[derive(Debug)]
pub(super) enum Decision {
    /// It is dropped.
    Drop,
    /// It goes with these labels: label fields of a series.
    Rewritten(Box<[u8]>),
    /// It goes as it is.
    Unchanged,
}

impl Decision {
    /// Does it to the series at `mark`; says whether the series is kept.
    pub(super) fn act(&self, out: &mut Out, mark: Mark) -> bool {
        match self {
            Self::Drop => false,
            Self::Rewritten(labels) => {
                out.replace_labels(mark, labels);
                true
            }
            Self::Unchanged => true,
        }
    }
}

/// The decisions about one target's series.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    known: HashMap<u64, Decision, BuildHasherDefault<Identity>>,
    rewritten_bytes: usize,
}

impl Decisions {
    /// The decision about a series, where it is known.
    #[inline]
    pub(super) fn known(&self, hash: u64) -> Option<&Decision> {
        self.known.get(&hash)
    }

    /// Remembers a decision, unless the memory for rewritten labels is used up.
    pub(super) fn remember(&mut self, hash: u64, decision: Decision) {
        if let Decision::Rewritten(labels) = &decision {
            if self.rewritten_bytes + labels.len() > REWRITTEN_BYTES_MAX {
                return;
            }
            self.rewritten_bytes += labels.len();
        }
        self.known.insert(hash, decision);
    }

    /// Forgets everything once most of it must be about series that are gone.
    pub(super) fn trim(&mut self, series: usize) {
        if self.known.len() > DECISIONS_MIN.max(2 * series) {
            *self = Self::default();
        }
    }

    /// Bytes held, about.
    pub(super) fn memory_bytes(&self) -> usize {
        self.rewritten_bytes
            + self.known.capacity() * (size_of::<u64>() + size_of::<Decision>() + 1)
    }
}

/// Hashes what is a hash already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("BUG: identities are hashed as numbers")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

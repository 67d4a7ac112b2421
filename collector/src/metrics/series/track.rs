//! The identities of a page, compared with those of the page before.
//!
//! Owns the comparison. A page that shows the same series in the same order costs one comparison
//! of numbers per line; from the first line that differs on, a set is kept as well.
//! Invariant: the hashes stand in the order of the kept body's samples, duplicates included, so
//! that a walk over that body knows each sample's place.

use super::hashes::HashTable;

/// Bytes of hashes above which slack memory is given back. Derivation: one page of memory.
const SLACK_BYTES: usize = 4_096;

/// The series of the last good page.
#[derive(Debug, Default)]
pub(super) struct Track {
    hashes: Vec<u64>,
    /// Places of samples whose series stood on the page before, in rising order.
    duplicates: Vec<u32>,
}

/// Memory for one comparison.
#[derive(Debug, Default)]
pub(super) struct TrackScratch {
    /// Place of the next sample.
    index: usize,
    /// How many duplicates of the last page were passed.
    duplicates_passed: usize,
    /// Whether a line differed; only then are the fields below in use.
    diverged: bool,
    fresh: Vec<u64>,
    fresh_duplicates: Vec<u32>,
    seen: HashTable,
    /// Series of the last page that are on this one no more.
    pub(super) vanished: HashTable,
}

/// What a page changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Series that were not on the page before.
    pub(super) added: u64,
    /// Whether anything differs, order included.
    pub(super) differs: bool,
}

impl Track {
    /// Number of series.
    pub(super) fn len(&self) -> usize {
        self.hashes.len() - self.duplicates.len()
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>() + self.duplicates.capacity() * size_of::<u32>()
    }

    /// Places of duplicates in the kept body.
    pub(super) fn duplicates(&self) -> &[u32] {
        &self.duplicates
    }

    /// Begins a page.
    pub(super) fn begin(&self, scratch: &mut TrackScratch) {
        scratch.index = 0;
        scratch.duplicates_passed = 0;
        scratch.diverged = false;
    }

    /// Takes the next sample's identity; says whether it is the first of its series on the page.
    #[inline]
    pub(super) fn observe(&self, scratch: &mut TrackScratch, hash: u64) -> bool {
        let index = scratch.index;
        scratch.index += 1;
        if !scratch.diverged {
            if self.hashes.get(index) == Some(&hash) {
                let passed = self.duplicates.get(scratch.duplicates_passed);
                let duplicate = passed.is_some_and(|&at| at as usize == index);
                scratch.duplicates_passed += usize::from(duplicate);
                return !duplicate;
            }
            self.diverge(scratch, index);
        }
        let first = scratch.seen.insert(hash);
        scratch.fresh.push(hash);
        if !first {
            scratch.fresh_duplicates.push(index as u32);
        }
        first
    }

    /// Copies what was the same so far.
    #[cold]
    fn diverge(&self, scratch: &mut TrackScratch, same: usize) {
        scratch.diverged = true;
        scratch.seen.clear(self.hashes.len());
        scratch.fresh.clear();
        scratch.fresh_duplicates.clear();
        let same = self.hashes.get(..same).unwrap_or_default();
        scratch.fresh.extend_from_slice(same);
        let passed = self.duplicates.get(..scratch.duplicates_passed).unwrap_or_default();
        scratch.fresh_duplicates.extend_from_slice(passed);
        for &hash in same {
            scratch.seen.insert(hash);
        }
    }

    /// Ends the page: what changed, with the vanished series in the scratch memory.
    pub(super) fn end(&self, scratch: &mut TrackScratch) -> Change {
        scratch.vanished.clear(0);
        if !scratch.diverged {
            if scratch.index == self.hashes.len() {
                return Change::default();
            }
            self.diverge(scratch, scratch.index);
        }
        for &hash in &self.hashes {
            if !scratch.seen.contains(hash) {
                scratch.vanished.insert(hash);
            }
        }
        let still = self.len() - scratch.vanished.len();
        Change { added: (scratch.seen.len() - still) as u64, differs: true }
    }

    /// Takes the page over as the last good one.
    pub(super) fn take(&mut self, scratch: &mut TrackScratch) {
        if scratch.diverged {
            replace(&mut self.hashes, &mut scratch.fresh);
            replace(&mut self.duplicates, &mut scratch.fresh_duplicates);
        }
    }

    /// Gives back what a large page needed.
    pub(super) fn trim(scratch: &mut TrackScratch, keep_bytes: usize) {
        let keep = keep_bytes / size_of::<u64>();
        scratch.fresh.clear();
        scratch.fresh.shrink_to(keep);
        scratch.fresh_duplicates.clear();
        scratch.fresh_duplicates.shrink_to(keep);
        for table in [&mut scratch.seen, &mut scratch.vanished] {
            if table.memory_bytes() > keep_bytes {
                *table = HashTable::default();
            }
        }
    }
}

/// Puts `new` in place of `old` without slack: large ones move, small ones are copied.
fn replace<T: Copy>(old: &mut Vec<T>, new: &mut Vec<T>) {
    let slack = (new.capacity() - new.len()) * size_of::<T>();
    if new.len() * size_of::<T>() > SLACK_BYTES && slack < SLACK_BYTES {
        std::mem::swap(old, new);
    } else {
        old.clear();
        old.shrink_to(new.len());
        old.reserve_exact(new.len());
        old.extend_from_slice(new);
    }
}

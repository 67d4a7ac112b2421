//! A set of 64-bit hashes.
//!
//! Owns open addressing over values that are hashes already: no second hashing, 8 bytes an entry,
//! no tombstones, since nothing is ever removed.
//! Invariant: at most half of the slots are taken; 0 marks a free slot, so the hash 0 is kept as 1
//! (the two then count as one series, at odds of 2^-64).

/// A set of hashes.
#[derive(Debug, Default)]
pub(super) struct HashTable {
    slots: Vec<u64>,
    len: usize,
}

/// Fewest slots, once there is one.
const SLOTS_MIN: usize = 16;

impl HashTable {
    /// Number of hashes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u64>()
    }

    /// Empties it and makes room for `expected` hashes; memory much larger than that is given
    /// back.
    pub(super) fn clear(&mut self, expected: usize) {
        let slots = slots_for(expected);
        self.len = 0;
        self.slots.clear();
        if self.slots.capacity() > 4 * slots.max(SLOTS_MIN) {
            self.slots = Vec::new();
        }
        self.slots.resize(slots, 0);
    }

    /// Adds a hash; says whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64) -> bool {
        if 2 * (self.len + 1) > self.slots.len() {
            self.grow();
        }
        let (at, found) = self.find(hash);
        if !found && let Some(slot) = self.slots.get_mut(at) {
            *slot = hash.max(1);
            self.len += 1;
        }
        !found
    }

    /// Whether it holds `hash`.
    #[inline]
    pub(super) fn contains(&self, hash: u64) -> bool {
        !self.slots.is_empty() && self.find(hash).1
    }

    /// The slot of `hash` or the free one where it would go, and whether it was found.
    #[inline]
    fn find(&self, hash: u64) -> (usize, bool) {
        let hash = hash.max(1);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            match self.slots[at] {
                0 => return (at, false),
                found if found == hash => return (at, true),
                _ => at = (at + 1) & mask,
            }
        }
    }

    #[cold]
    fn grow(&mut self) {
        let slots = slots_for(self.len.max(SLOTS_MIN / 2) + 1);
        let old = std::mem::replace(&mut self.slots, vec![0; slots]);
        self.len = 0;
        for hash in old.into_iter().filter(|&hash| hash != 0) {
            self.insert(hash);
        }
    }
}

fn slots_for(hashes: usize) -> usize {
    if hashes == 0 { 0 } else { (2 * hashes).next_power_of_two().max(SLOTS_MIN) }
}

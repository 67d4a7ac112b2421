//! Finding room: which segment is written next, and what must go for it.
//!
//! Owns the policy. Space is freed by whole segments, and frames of all kinds are mixed in them.
//! So one segment is always kept free: a victim is emptied before its bytes are needed, and what
//! is worth keeping is carried over into the segment being written, at most a quarter of it.
//! Invariants: a frame that is carried over keeps its sequence, and its old copy is not written
//! over before the new one is durable; every claim that is not carried over is told.
//! Called when a segment is full.

use std::collections::BTreeSet;

use crate::append::Fault;
use crate::disk::Disk;
use crate::frame::{self, Header, Kind, frame_bytes};
use crate::index::Reason;
use crate::memory::UNSYNCED_BYTES_MAX;
use crate::ring::Ring;
use crate::segment::ENTRY_BYTES;

/// The share of a segment that may be filled with what is carried over: so each segment takes at
/// least half new data, and no byte is written more than 1.4 times on average.
const CARRY_SHARE: u64 = 4;

/// A segment to be emptied.
struct Victim {
    slot: u32,
    /// The frames to carry over; the others go.
    keep: BTreeSet<u64>,
}

impl<D: Disk> Ring<D> {
    /// The free segments of the right size, those never used first, then the oldest.
    pub(crate) fn free_slots(&self) -> Vec<u32> {
        let sized = |slot: &u32| {
            let segment = self.segments.at(*slot);
            segment.is_some_and(|segment| segment.bytes == self.sizes.segment_bytes)
        };
        let mut free = self.all_free();
        free.retain(sized);
        free
    }

    fn all_free(&self) -> Vec<u32> {
        let slots = self.segments.slots.iter().filter(|(slot, _)| self.is_free(**slot));
        let mut free: Vec<(u64, u32)> =
            slots.map(|(&slot, segment)| (segment.segment_seq(), slot)).collect();
        free.sort_unstable();
        free.into_iter().map(|(_, slot)| slot).collect()
    }

    /// Fits the files to the budget, as far as free ones allow.
    pub(crate) fn fit_segments(&mut self) {
        let free = self.all_free();
        if let Err(error) = self.segments.fit(&mut self.disk, &self.sizes, free) {
            self.note_error(&error);
        }
    }

    /// Chooses the segment to be written next; evicts only when no spare is there.
    pub(crate) fn take_free(&mut self) -> Result<u32, Fault> {
        self.fit_segments();
        for _ in 0..self.segments.slots.len() {
            if let Some(&slot) = self.free_slots().first() {
                return Ok(slot);
            }
            let Some(&oldest) = self.candidates().first() else { break };
            self.empty(oldest);
            self.fit_segments();
        }
        self.free_slots().first().copied().ok_or(Fault::NoSegment)
    }

    /// Sees that a free segment stands by, and that the budget is kept.
    pub(crate) fn make_spare(&mut self) -> Result<(), Fault> {
        if self.has_spare() {
            return Ok(());
        }
        self.expire_known();
        // Twice: a segment that is over the budget is removed, and one more must stand by.
        for _ in 0..2 {
            self.fit_segments();
            if self.has_spare() {
                return Ok(());
            }
            let Some(victim) = self.victim() else { return Ok(()) };
            self.carry_over(victim)?;
        }
        self.fit_segments();
        Ok(())
    }

    fn has_spare(&self) -> bool {
        !self.free_slots().is_empty() && !self.segments.over_budget(&self.sizes)
    }

    /// Segments that hold claimed frames and may be emptied, oldest first.
    fn candidates(&self) -> Vec<u32> {
        let current = self.current.as_ref().map(|current| current.slot);
        let slots = self.segments.slots.iter().filter(|(slot, segment)| {
            let usable = !segment.quarantined && !segment.held_back;
            usable && Some(**slot) != current && self.index.live(**slot).frames > 0
        });
        let mut slots: Vec<(u64, u32)> =
            slots.map(|(&slot, segment)| (segment.segment_seq(), slot)).collect();
        slots.sort_unstable();
        slots.into_iter().map(|(_, slot)| slot).collect()
    }

    /// How precious a kind is: lower is more so.
    fn rank(&self, kind_tag: u8) -> usize {
        let precious = &self.options.precious;
        precious.iter().position(|tag| *tag == kind_tag).unwrap_or(precious.len())
    }

    /// Chooses what to empty:
    /// 1. the segment with the least in it, when all of it can be carried over: nothing is lost;
    /// 2. the oldest segment that holds frames of the least precious rank there is, and whose
    ///    other frames can be carried over;
    /// 3. the oldest segment, of which the most precious and newest frames are carried over.
    fn victim(&self) -> Option<Victim> {
        let candidates = self.candidates();
        let quota = self.sizes.segment_bytes / CARRY_SHARE;
        let cost_live = |slot: u32| {
            let live = self.index.live(slot);
            live.bytes + live.frames * ENTRY_BYTES as u64
        };
        let sparse = candidates.iter().copied().min_by_key(|&slot| cost_live(slot))?;
        if cost_live(sparse) <= quota && self.carry_room() >= quota {
            return Some(Victim {
                slot: sparse,
                keep: self.index.in_segment(sparse).into_iter().collect(),
            });
        }
        let ranks = self.index.iter().filter(|(_, record)| candidates.contains(&record.slot));
        let least = ranks.map(|(_, record)| self.rank(record.kind_tag)).max()?;
        for &slot in &candidates {
            let frames = self.index.in_segment(slot);
            let (keep, go): (BTreeSet<u64>, BTreeSet<u64>) =
                frames.into_iter().partition(|&seq| self.rank_of(seq) < least);
            let cost: u64 = keep.iter().map(|&seq| self.cost_of(seq)).sum();
            if !go.is_empty() && cost <= quota.min(self.carry_room()) {
                return Some(Victim { slot, keep });
            }
        }
        let slot = *candidates.first()?;
        Some(Victim { slot, keep: self.best_of(slot, least, quota.min(self.carry_room())) })
    }

    /// The frames of a segment that fit into the quota, the most precious and newest first.
    fn best_of(&self, slot: u32, least: usize, mut quota: u64) -> BTreeSet<u64> {
        let mut frames = self.index.in_segment(slot);
        frames.retain(|&seq| self.rank_of(seq) < least);
        frames.sort_by_key(|&seq| (self.rank_of(seq), std::cmp::Reverse(seq)));
        let mut keep = BTreeSet::new();
        for seq in frames {
            let Some(left) = quota.checked_sub(self.cost_of(seq)) else { break };
            quota = left;
            keep.insert(seq);
        }
        keep
    }

    fn rank_of(&self, seq: u64) -> usize {
        self.index.at(seq).map_or(usize::MAX, |record| self.rank(record.kind_tag))
    }

    /// What carrying a frame over takes, its line in the seal included.
    fn cost_of(&self, seq: u64) -> u64 {
        let body_len = self.index.at(seq).map_or(0, |record| record.body_len as usize);
        frame_bytes(body_len) + ENTRY_BYTES as u64
    }

    /// What may be carried into the segment being written, with room left for a largest frame.
    fn carry_room(&self) -> u64 {
        let Some(current) = &self.current else { return 0 };
        let used = current.offset + crate::segment::seal_bytes(current.entries.len() + 1);
        let reserved = frame_bytes(self.sizes.body_bytes_max as usize);
        self.sizes.segment_bytes.saturating_sub(used + reserved)
    }

    /// Empties a segment; it becomes free once what was carried over is durable.
    fn carry_over(&mut self, victim: Victim) -> Result<(), Fault> {
        for seq in self.index.in_segment(victim.slot) {
            if !victim.keep.contains(&seq) {
                self.release_all(seq, Reason::Evicted);
            }
        }
        if victim.keep.is_empty() {
            return Ok(());
        }
        for seq in victim.keep {
            if self.memory.bytes() >= UNSYNCED_BYTES_MAX {
                self.sync_current()?;
            }
            // Set before every write, since a sync lets go of all that was held back.
            if let Some(segment) = self.segments.slots.get_mut(&victim.slot) {
                segment.held_back = true;
            }
            if self.load(seq) {
                self.write_frame(seq)?;
            }
        }
        self.sync_current()
    }

    /// Brings a frame back to RAM, to be written again; says whether it could be read.
    fn load(&mut self, seq: u64) -> bool {
        let Some(record) = self.index.at(seq).copied() else { return false };
        let body = match self.read_body(&record) {
            Ok(body) => body,
            Err(error) => {
                self.note_error(&error);
                self.release_all(seq, Reason::LostOnDisk);
                return false;
            }
        };
        let mut header = Header {
            raw_len: record.raw_len,
            items: record.items,
            claims: record.claims,
            kind_tag: record.kind_tag,
            codec: record.codec,
            time_min_ms: record.time_min_ms,
            time_max_ms: record.time_max_ms,
            ..Header::control(Kind::Data, seq)
        };
        let note_len = (record.note_len as usize).min(body.len());
        let (note, payload) = body.split_at(note_len);
        let mut buffer = self.memory.buffer();
        frame::build(&mut buffer, &mut header, note, payload);
        if header.body_crc != record.body_crc || header.body_len != record.body_len {
            self.release_all(seq, Reason::Corrupt);
            return false;
        }
        self.memory.insert(seq, buffer);
        true
    }

    /// Releases everything in a segment.
    fn empty(&mut self, slot: u32) {
        for seq in self.index.in_segment(slot) {
            self.release_all(seq, Reason::Evicted);
        }
    }
}

//! Frames in RAM: those not yet durable, and those that no disk takes.
//!
//! Owns the encoded frames until a sync has covered them. They are kept because a failed sync
//! loses what was written whatever the next one says, so they must be written again elsewhere.
//! Never knows segments.
//! Bound: the append path commits at [`UNSYNCED_BYTES_MAX`]; without a disk the ring evicts.
//! Called by the append path and by reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::frame::{HEADER_BYTES, Header};

/// A commit is due from here on: what a crash may cost, and a write that drives like.
pub(crate) const COMMIT_BYTES: u64 = 1 << 20;
/// The ring commits by itself from here on: two of the largest frames.
pub(crate) const UNSYNCED_BYTES_MAX: u64 = 8 << 20;
/// Buffers kept for the next frames: four of half a MiB serve a usual commit.
const SPARE_BUFFERS_MAX: usize = 4;
/// A larger buffer is given back to the allocator.
const SPARE_BUFFER_BYTES_MAX: usize = 512 << 10;

/// The frames in RAM, by sequence.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Whole frames, ready to be written but for segment sequence and nonce.
    frames: BTreeMap<u64, Vec<u8>>,
    /// Those that do not stand in the segment being written.
    unwritten: BTreeSet<u64>,
    bytes: u64,
    spare: Vec<Vec<u8>>,
}

impl Memory {
    /// A buffer to build the next frame in.
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Keeps a frame.
    pub(crate) fn insert(&mut self, seq: u64, bytes: Vec<u8>) {
        self.bytes += bytes.len() as u64;
        self.unwritten.insert(seq);
        if let Some(old) = self.frames.insert(seq, bytes) {
            self.bytes -= old.len() as u64;
        }
    }

    /// Lets a frame go.
    pub(crate) fn remove(&mut self, seq: u64) {
        self.unwritten.remove(&seq);
        if let Some(bytes) = self.frames.remove(&seq) {
            self.bytes -= bytes.len() as u64;
            if self.spare.len() < SPARE_BUFFERS_MAX && bytes.capacity() <= SPARE_BUFFER_BYTES_MAX {
                self.spare.push(bytes);
            }
        }
    }

    /// The frame of a sequence.
    pub(crate) fn frame_mut(&mut self, seq: u64) -> Option<&mut Vec<u8>> {
        self.frames.get_mut(&seq)
    }

    /// The body of a frame.
    pub(crate) fn body(&self, seq: u64) -> Option<&[u8]> {
        let bytes = self.frames.get(&seq)?;
        let header = Header::decode(bytes)?;
        bytes.get(HEADER_BYTES..HEADER_BYTES + header.body_len as usize)
    }

    /// The oldest frame that does not stand in the segment.
    pub(crate) fn next_unwritten(&self) -> Option<u64> {
        self.unwritten.first().copied()
    }

    /// A frame stands in the segment now, but for a sync.
    pub(crate) fn set_written(&mut self, seq: u64) {
        self.unwritten.remove(&seq);
    }

    /// The sequences of all frames.
    pub(crate) fn sequences(&self) -> Vec<u64> {
        self.frames.keys().copied().collect()
    }

    /// The oldest frame.
    pub(crate) fn first(&self) -> Option<u64> {
        self.frames.keys().next().copied()
    }

    /// Lets go of everything that a sync covered.
    pub(crate) fn synced(&mut self) {
        let mut written = self.sequences();
        written.retain(|seq| !self.unwritten.contains(seq));
        for seq in written {
            self.remove(seq);
        }
    }

    /// Nothing counts as written any more; returns all sequences.
    pub(crate) fn unwrite(&mut self) -> Vec<u64> {
        let sequences = self.sequences();
        self.unwritten.extend(&sequences);
        sequences
    }

    /// The bytes of all frames.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

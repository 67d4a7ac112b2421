//! A block: what is sealed once and then only moved.
//!
//! Owns the size limit, the item count, the range of times, the note, and the sealing with zstd.
//! Never knows what the bytes mean or where they go.
//! Invariants: a block's body is one whole zstd frame, so that several blocks travel in one body
//! by concatenation; bytes of one append are never divided between blocks.
//! Called by the corridors' workers; one builder belongs to one thread at a time.
//!
//! Bytes are compressed as they come: a builder holds the compressor's window and what came out of
//! it, not the raw bytes.

use std::fmt;
use std::io;

use bytes::Bytes;
use zstd::stream::raw::{CParameter, Encoder, InBuffer, Operation, OutBuffer};

#[cfg(test)]
mod tests;

/// How blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockOptions {
    /// zstd level.
    pub level: i32,
    /// Shortest match that the compressor looks for; 0 leaves it to the level. Units: bytes.
    pub match_bytes_min: u32,
    /// Binary logarithm of the window; 0 leaves it to the level.
    pub window_log: u32,
    /// Raw bytes after which a block is full; it may pass this by one append. Units: bytes.
    pub raw_bytes_max: usize,
}

impl BlockOptions {
    /// The choice for metrics.
    ///
    /// Derivation: measured on 60 targets of 1,000 series of 353 raw bytes. Level 2 with matches
    /// of 7 bytes or more: 180 ns and 12.10 bytes a sample, against 189 and 12.25 at level 1, 191
    /// and 12.32 at plain level 2, 286 and 12.96 at level 3, 172 and 13.36 at level -1. Blocks of
    /// 256 KiB, 1, 4 and 16 MiB: 15.13, 12.84, 12.10, 11.93 bytes. The window holds a whole block:
    /// a smaller one wraps inside it, and then the compressor takes its slow road for matches
    /// across the seam (a quarter of the agent's CPU in `perf`).
    pub const METRICS: Self =
        Self { level: 2, match_bytes_min: 7, window_log: 22, raw_bytes_max: 4 << 20 };
}

/// Room made for compressed bytes at a time.
const OUT_STEP_BYTES: usize = 32 << 10;

/// A sealed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Shape: one whole zstd frame.
    pub body: Bytes,
    /// Size before compression. Units: bytes.
    pub raw_bytes: usize,
    /// Items (samples or lines) inside.
    pub items: u64,
    /// Earliest time inside. Unit: milliseconds since the epoch.
    pub time_min_ms: i64,
    /// Latest time inside. Unit: milliseconds since the epoch.
    pub time_max_ms: i64,
    /// What the corridor wants to find beside the body, such as offsets; opaque here.
    pub note: Bytes,
}

/// What an append brings beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Items {
    /// Number of items; 0 for bytes that accompany items, such as metadata.
    pub count: u64,
    /// Earliest time. Unit: milliseconds since the epoch.
    pub time_min_ms: i64,
    /// Latest time. Unit: milliseconds since the epoch.
    pub time_max_ms: i64,
}

/// Makes blocks, one after the other.
pub struct BlockBuilder {
    options: BlockOptions,
    encoder: Encoder<'static>,
    body: Vec<u8>,
    note: Vec<u8>,
    raw_bytes: usize,
    items: u64,
    times: Option<(i64, i64)>,
}

impl BlockBuilder {
    /// An empty builder.
    ///
    /// # Errors
    /// When zstd has no memory for its context or does not know the level.
    pub fn new(options: BlockOptions) -> io::Result<Self> {
        let mut encoder = Encoder::new(options.level)?;
        if options.match_bytes_min > 0 {
            encoder.set_parameter(CParameter::MinMatch(options.match_bytes_min))?;
        }
        if options.window_log > 0 {
            encoder.set_parameter(CParameter::WindowLog(options.window_log))?;
        }
        Ok(Self {
            options,
            encoder,
            body: Vec::new(),
            note: Vec::new(),
            raw_bytes: 0,
            items: 0,
            times: None,
        })
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.raw_bytes == 0 && self.note.is_empty()
    }

    /// Whether the block has reached its size.
    pub fn is_full(&self) -> bool {
        self.raw_bytes >= self.options.raw_bytes_max
    }

    /// Raw bytes appended.
    pub fn raw_bytes(&self) -> usize {
        self.raw_bytes
    }

    /// Items appended.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Appends whole rows.
    pub fn append(&mut self, bytes: &[u8], items: Items) {
        self.compress(bytes);
        self.raw_bytes += bytes.len();
        self.items += items.count;
        if items.count > 0 {
            let (min, max) = self.times.unwrap_or((items.time_min_ms, items.time_max_ms));
            self.times = Some((min.min(items.time_min_ms), max.max(items.time_max_ms)));
        }
    }

    /// The note of this block, to be written by its owner.
    pub fn note_mut(&mut self) -> &mut Vec<u8> {
        &mut self.note
    }

    /// Ends the block and begins the next; `None` where nothing was appended.
    pub fn seal(&mut self) -> Option<Block> {
        if self.is_empty() {
            return None;
        }
        self.finish_frame();
        let (time_min_ms, time_max_ms) = self.times.take().unwrap_or_default();
        // Copied, so that the block holds no spare memory and the builder keeps its own.
        let body = Bytes::copy_from_slice(&self.body);
        self.body.clear();
        Some(Block {
            body,
            raw_bytes: std::mem::take(&mut self.raw_bytes),
            items: std::mem::take(&mut self.items),
            time_min_ms,
            time_max_ms,
            note: Bytes::from(std::mem::take(&mut self.note)),
        })
    }

    fn compress(&mut self, bytes: &[u8]) {
        let mut input = InBuffer::around(bytes);
        while input.pos() < bytes.len() {
            self.step(|encoder, out| encoder.run(&mut input, out));
        }
    }

    fn finish_frame(&mut self) {
        while self.step(|encoder, out| encoder.finish(out, true)) > 0 {}
        self.encoder.reinit().expect("zstd resets a context that it made");
    }

    /// Lets zstd write once, behind what it wrote before.
    fn step(
        &mut self,
        run: impl FnOnce(&mut Encoder<'static>, &mut OutBuffer<'_, Vec<u8>>) -> io::Result<usize>,
    ) -> usize {
        self.body.reserve(OUT_STEP_BYTES);
        let at = self.body.len();
        let mut out = OutBuffer::around_pos(&mut self.body, at);
        run(&mut self.encoder, &mut out).expect("zstd compresses any bytes into any room")
    }
}

impl fmt::Debug for BlockBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockBuilder")
            .field("options", &self.options)
            .field("raw_bytes", &self.raw_bytes)
            .field("items", &self.items)
            .finish_non_exhaustive()
    }
}

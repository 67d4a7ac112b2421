//! The bodies of control frames: checkpoints and releases.
//!
//! Owns their bytes. Every one carries the reader table, so that no single rotten frame can make
//! claims nameless. Integers are LEB128, since most are small.
//! Invariant: decoding never panics and never allocates more than the body's length allows.
//! Called by the writer, by recovery and by the offline commands.

use crate::READERS_MAX;
use crate::index::Reason;
use crate::readers::{Reader, Readers};

/// The claims of one reader that lived at a checkpoint: runs of first and last sequence.
pub(crate) type Runs = Vec<(u64, u64)>;

/// How much went, by reason, since the ring was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Claims released.
    pub frames: u64,
    /// Items in them.
    pub items: u64,
    /// Body bytes in them.
    pub bytes: u64,
}

/// The totals of every [`Reason`], in its order.
pub(crate) type Totals = [Total; Reason::COUNT];

/// The state at a segment's start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Checkpoint {
    /// The sequence that the next frame gets; claims on frames before it are complete here.
    pub next_seq: u64,
    pub readers: Readers,
    /// Live claims by slot.
    pub live: Vec<(u8, Runs)>,
    pub totals: Totals,
    /// The last frame that the table covers.
    pub table_seq: u64,
    pub table: Vec<u8>,
}

/// Claims that one reader gave up, or lost, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    pub slot: u8,
    pub reason: Reason,
    pub first_seq: u64,
    pub last_seq: u64,
    pub total: Total,
    pub time_min_ms: i64,
    pub time_max_ms: i64,
}

/// What an `Ack` or a `Drop` frame says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Releases {
    pub readers: Readers,
    pub releases: Vec<Release>,
}

impl Total {
    pub(crate) fn add(&mut self, other: Total) {
        self.frames = self.frames.saturating_add(other.frames);
        self.items = self.items.saturating_add(other.items);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

impl Checkpoint {
    /// Encodes; the runs take at most `runs_bytes_max`, coarsened when they would not fit.
    ///
    /// Coarse runs take released claims for live ones: at worst a frame is sent again.
    pub(crate) fn encode(&self, runs_bytes_max: usize) -> Vec<u8> {
        let mut out = Vec::new();
        encode_readers(&mut out, &self.readers);
        put(&mut out, self.next_seq);
        let mut gap = 1;
        let runs = loop {
            let runs = encode_runs(&self.live, gap);
            if runs.len() <= runs_bytes_max || gap >= 1 << 40 {
                break runs;
            }
            gap *= 4;
        };
        out.extend_from_slice(&runs);
        for total in self.totals {
            put_total(&mut out, total);
        }
        put(&mut out, self.table_seq);
        put(&mut out, self.table.len() as u64);
        out.extend_from_slice(&self.table);
        out
    }

    /// Decodes; nothing when the body is not a checkpoint.
    pub(crate) fn decode(body: &[u8]) -> Option<Checkpoint> {
        let mut input = body;
        let readers = decode_readers(&mut input)?;
        let next_seq = take(&mut input)?;
        let mut live = Vec::new();
        for _ in 0..take(&mut input)?.min(READERS_MAX as u64) {
            live.push(decode_runs(&mut input)?);
        }
        let mut totals = Totals::default();
        for total in &mut totals {
            *total = take_total(&mut input)?;
        }
        let table_seq = take(&mut input)?;
        let table_len = take(&mut input)? as usize;
        let table = input.get(..table_len)?.to_vec();
        Some(Checkpoint { next_seq, readers, live, totals, table_seq, table })
    }
}

impl Releases {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        encode_readers(&mut out, &self.readers);
        put(&mut out, self.releases.len() as u64);
        for release in &self.releases {
            out.extend_from_slice(&[release.slot, release.reason as u8]);
            put(&mut out, release.first_seq);
            put(&mut out, release.last_seq.saturating_sub(release.first_seq));
            put_total(&mut out, release.total);
            out.extend_from_slice(&release.time_min_ms.to_le_bytes());
            out.extend_from_slice(&release.time_max_ms.to_le_bytes());
        }
        out
    }

    /// Decodes; nothing when the body holds no releases.
    pub(crate) fn decode(body: &[u8]) -> Option<Releases> {
        let mut input = body;
        let readers = decode_readers(&mut input)?;
        let count = take(&mut input)?;
        let mut releases = Vec::new();
        for _ in 0..count {
            let slot = take_byte(&mut input)?;
            let reason = Reason::from_byte(take_byte(&mut input)?);
            let first_seq = take(&mut input)?;
            let last_seq = first_seq.checked_add(take(&mut input)?)?;
            let total = take_total(&mut input)?;
            let time_min_ms = take_i64(&mut input)?;
            let time_max_ms = take_i64(&mut input)?;
            let release =
                Release { slot, reason, first_seq, last_seq, total, time_min_ms, time_max_ms };
            releases.push(release);
        }
        Some(Releases { readers, releases })
    }
}

/// Runs whose gap is below `gap` are written as one.
fn encode_runs(live: &[(u8, Runs)], gap: u64) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, live.len() as u64);
    for (slot, runs) in live {
        let mut coarse: Runs = Vec::new();
        for &(first, last) in runs {
            match coarse.last_mut() {
                Some(run) if first - run.1 <= gap => run.1 = last,
                _ => coarse.push((first, last)),
            }
        }
        out.push(*slot);
        put(&mut out, coarse.len() as u64);
        let mut previous = 0;
        for (first, last) in coarse {
            put(&mut out, first - previous);
            put(&mut out, last - first);
            previous = last;
        }
    }
    out
}

fn decode_runs(input: &mut &[u8]) -> Option<(u8, Runs)> {
    let slot = take_byte(input)?;
    let count = take(input)?;
    let mut runs = Vec::new();
    let mut previous = 0u64;
    for _ in 0..count {
        let first = previous.checked_add(take(input)?)?;
        let last = first.checked_add(take(input)?)?;
        runs.push((first, last));
        previous = last;
    }
    Some((slot, runs))
}

fn encode_readers(out: &mut Vec<u8>, readers: &Readers) {
    let named: Vec<(u8, &Reader)> = readers.named().collect();
    put(out, named.len() as u64);
    for (slot, reader) in named {
        out.extend_from_slice(&[slot, reader.name.len() as u8]);
        out.extend_from_slice(reader.name.as_bytes());
        put(out, reader.since_seq);
    }
}

fn decode_readers(input: &mut &[u8]) -> Option<Readers> {
    let count = take(input)?;
    let mut readers = Readers::default();
    for _ in 0..count {
        let slot = take_byte(input)?;
        let len = usize::from(take_byte(input)?);
        let name = std::str::from_utf8(input.get(..len)?).ok()?;
        *input = input.get(len..)?;
        readers.put(slot, name, take(input)?)?;
    }
    Some(readers)
}

fn put_total(out: &mut Vec<u8>, total: Total) {
    put(out, total.frames);
    put(out, total.items);
    put(out, total.bytes);
}

fn take_total(input: &mut &[u8]) -> Option<Total> {
    Some(Total { frames: take(input)?, items: take(input)?, bytes: take(input)? })
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = take_byte(input)?;
        value |= u64::from(byte & 127).checked_shl(shift)?;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

fn take_byte(input: &mut &[u8]) -> Option<u8> {
    let (&byte, rest) = input.split_first()?;
    *input = rest;
    Some(byte)
}

fn take_i64(input: &mut &[u8]) -> Option<i64> {
    let (bytes, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(i64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests;

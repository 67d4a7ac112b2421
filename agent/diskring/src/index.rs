//! Which frames are claimed, by whom, and where they stand.
//!
//! Owns one record (about 56 bytes) for each claimed frame, and every counter that follows from
//! them: what each reader holds, and what each segment holds.
//! Never knows bytes or files.
//! Invariant: claims appear in [`Index::insert`] and vanish in [`Index::release`] only, and both
//! keep the counters, so the counters are exact by construction.
//! Called by every part of the ring.

use std::collections::BTreeMap;

use crate::frame::Header;
use crate::readers::{Claims, ReaderId};

/// The place of a frame that stands in RAM only.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Why a claim is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Reason {
    /// The reader was done with it: no loss.
    Acknowledged = 0,
    /// The bytes no longer hold their checksum.
    Corrupt = 1,
    /// Room was needed.
    Evicted = 2,
    /// It was older than its kind may become.
    Expired = 3,
    /// The disk did not give it back.
    LostOnDisk = 4,
    /// The reader is no longer declared.
    ReaderRemoved = 5,
    /// The owner gave it up for this reader.
    Rejected = 6,
}

impl Reason {
    pub(crate) const COUNT: usize = 7;

    /// Reads the reason of its byte; one of a later version counts as `Rejected`.
    pub(crate) fn from_byte(byte: u8) -> Reason {
        match byte {
            0 => Reason::Acknowledged,
            1 => Reason::Corrupt,
            2 => Reason::Evicted,
            3 => Reason::Expired,
            4 => Reason::LostOnDisk,
            5 => Reason::ReaderRemoved,
            _ => Reason::Rejected,
        }
    }

    /// The reason as a word, for metrics and tables.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Acknowledged => "acknowledged",
            Reason::Corrupt => "corrupt",
            Reason::Evicted => "evicted",
            Reason::Expired => "expired",
            Reason::LostOnDisk => "lost_on_disk",
            Reason::ReaderRemoved => "reader_removed",
            Reason::Rejected => "rejected",
        }
    }
}

/// The reasons that a [`crate::Removal`] may tell.
#[cfg(test)]
pub(crate) const REASONS_LOST: [Reason; Reason::COUNT - 1] = [
    Reason::Corrupt,
    Reason::Evicted,
    Reason::Expired,
    Reason::LostOnDisk,
    Reason::ReaderRemoved,
    Reason::Rejected,
];

/// What is known of a frame without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameMeta {
    /// Its place in the order of appends.
    pub seq: u64,
    /// The readers that still claim it.
    pub claims: Claims,
    /// Opaque to the ring: signal and class.
    pub kind_tag: u8,
    /// Opaque to the ring: how the payload is packed.
    pub codec: u8,
    /// Samples or lines in it.
    pub items: u32,
    /// The payload's size before packing.
    pub raw_len: u32,
    /// The note's size.
    pub note_len: u32,
    /// Note and payload together.
    pub body_len: u32,
    /// The earliest time in it. Unit: milliseconds since the epoch.
    pub time_min_ms: i64,
    /// The latest time in it. Unit: milliseconds since the epoch.
    pub time_max_ms: i64,
}

/// What some claims hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Frames.
    pub frames: u64,
    /// Items in them.
    pub items: u64,
    /// Body bytes in them, as on disk: note and payload.
    pub bytes: u64,
}

/// A claimed frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The segment's slot, or [`NOWHERE`].
    pub slot: u32,
    pub offset: u32,
    pub body_len: u32,
    pub note_len: u32,
    pub body_crc: u32,
    pub raw_len: u32,
    pub items: u32,
    pub claims: u32,
    pub kind_tag: u8,
    pub codec: u8,
    pub time_min_ms: i64,
    pub time_max_ms: i64,
}

impl Record {
    pub(crate) fn new(header: &Header, slot: u32, offset: u64) -> Record {
        Record {
            slot,
            offset: offset as u32,
            body_len: header.body_len,
            note_len: header.note_len,
            body_crc: header.body_crc,
            raw_len: header.raw_len,
            items: header.items,
            claims: header.claims,
            kind_tag: header.kind_tag,
            codec: header.codec,
            time_min_ms: header.time_min_ms,
            time_max_ms: header.time_max_ms,
        }
    }

    pub(crate) fn meta(&self, seq: u64) -> FrameMeta {
        FrameMeta {
            seq,
            claims: Claims(self.claims),
            kind_tag: self.kind_tag,
            codec: self.codec,
            items: self.items,
            raw_len: self.raw_len,
            note_len: self.note_len,
            body_len: self.body_len,
            time_min_ms: self.time_min_ms,
            time_max_ms: self.time_max_ms,
        }
    }

    fn disk_bytes(&self) -> u64 {
        crate::frame::frame_bytes(self.body_len as usize)
    }
}

/// What a segment holds for anyone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    pub frames: u64,
    /// Disk bytes, header and padding included.
    pub bytes: u64,
}

/// What one reader holds, and where its claims begin and end.
#[derive(Clone, Debug, Default)]
struct Cursor {
    /// No claim of the reader stands below.
    low_seq: u64,
    /// No claim of the reader stands above.
    high_seq: u64,
    held: BTreeMap<u8, Held>,
}

/// The claimed frames.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    frames: BTreeMap<u64, Record>,
    cursors: BTreeMap<u8, Cursor>,
    live: BTreeMap<u32, Live>,
}

/// From which end a reader reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The newest frame first: what is fresh matters more than what is old.
    Newest,
    /// The oldest frame first.
    Oldest,
}

impl Index {
    /// Adds a frame that at least one reader claims.
    pub(crate) fn insert(&mut self, seq: u64, record: Record) {
        debug_assert!(record.claims != 0 && !self.frames.contains_key(&seq));
        for slot in bits(record.claims) {
            let cursor = self.cursors.entry(slot).or_default();
            if cursor.held.values().all(|held| held.frames == 0) {
                (cursor.low_seq, cursor.high_seq) = (seq, seq);
            }
            cursor.low_seq = cursor.low_seq.min(seq);
            cursor.high_seq = cursor.high_seq.max(seq);
            let held = cursor.held.entry(record.kind_tag).or_default();
            held.frames += 1;
            held.items += u64::from(record.items);
            held.bytes += u64::from(record.body_len);
        }
        self.enter(&record);
        self.frames.insert(seq, record);
    }

    /// Takes one reader's claim from a frame; nothing when there is none.
    ///
    /// The record returned still shows the claim. The last claim takes the frame along.
    pub(crate) fn release(&mut self, seq: u64, reader: ReaderId) -> Option<Record> {
        let record =
            self.frames.get_mut(&seq).filter(|record| Claims(record.claims).has(reader))?;
        let before = *record;
        record.claims &= !(1 << reader.0);
        let dead = record.claims == 0;
        if dead {
            self.frames.remove(&seq);
            self.leave(&before);
        }
        self.uncount(seq, reader, &before);
        Some(before)
    }

    fn uncount(&mut self, seq: u64, reader: ReaderId, record: &Record) {
        let cursor = self.cursors.get_mut(&reader.0).expect("a claim was counted on insert");
        let held = cursor.held.get_mut(&record.kind_tag).expect("a claim was counted on insert");
        held.frames -= 1;
        held.items -= u64::from(record.items);
        held.bytes -= u64::from(record.body_len);
        if cursor.low_seq == seq {
            cursor.low_seq = seq + 1;
        }
        if cursor.high_seq == seq {
            cursor.high_seq = seq.saturating_sub(1);
        }
    }

    /// Says where a frame stands now; nothing happens when nobody claims it.
    pub(crate) fn relocate(&mut self, seq: u64, slot: u32, offset: u64) {
        if let Some(record) = self.frames.get_mut(&seq) {
            let before = *record;
            (record.slot, record.offset) = (slot, offset as u32);
            let after = *record;
            self.leave(&before);
            self.enter(&after);
        }
    }

    fn enter(&mut self, record: &Record) {
        if record.slot != NOWHERE {
            let live = self.live.entry(record.slot).or_default();
            live.frames += 1;
            live.bytes += record.disk_bytes();
        }
    }

    fn leave(&mut self, record: &Record) {
        if let Some(live) = self.live.get_mut(&record.slot) {
            live.frames -= 1;
            live.bytes -= record.disk_bytes();
        }
    }

    /// The record of a frame.
    pub(crate) fn at(&self, seq: u64) -> Option<&Record> {
        self.frames.get(&seq)
    }

    /// All frames in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &Record)> {
        self.frames.iter().map(|(&seq, record)| (seq, record))
    }

    /// The sequences of the frames in a segment, in order.
    pub(crate) fn in_segment(&self, slot: u32) -> Vec<u64> {
        self.iter().filter(|(_, record)| record.slot == slot).map(|(seq, _)| seq).collect()
    }

    /// What a segment holds.
    pub(crate) fn live(&self, slot: u32) -> Live {
        self.live.get(&slot).copied().unwrap_or_default()
    }

    /// What a reader holds of one kind, or of all.
    pub(crate) fn held(&self, reader: ReaderId, kind_tag: Option<u8>) -> Held {
        let kinds = self.cursors.get(&reader.0).into_iter().flat_map(|cursor| &cursor.held);
        let wanted = kinds.filter(|(kind, _)| kind_tag.is_none_or(|tag| tag == **kind));
        wanted.fold(Held::default(), |sum, (_, held)| Held {
            frames: sum.frames + held.frames,
            items: sum.items + held.items,
            bytes: sum.bytes + held.bytes,
        })
    }

    /// The first frame for a reader beyond `after`, in its order.
    ///
    /// Cost: the frames between the reader's end and the answer that others claim; none when the
    /// readers keep pace.
    pub(crate) fn next(
        &self,
        reader: ReaderId,
        order: Order,
        after: Option<u64>,
        kind_tag: Option<u8>,
    ) -> Option<FrameMeta> {
        let cursor = self.cursors.get(&reader.0)?;
        let wanted = |(_, record): &(u64, &Record)| {
            Claims(record.claims).has(reader) && kind_tag.is_none_or(|tag| tag == record.kind_tag)
        };
        let mut low = cursor.low_seq;
        let mut end = cursor.high_seq.saturating_add(1);
        match (order, after) {
            (Order::Oldest, Some(after)) => low = low.max(after.saturating_add(1)),
            (Order::Newest, Some(after)) => end = end.min(after),
            (_, None) => {}
        }
        if low >= end {
            return None;
        }
        let mut range = self.frames.range(low..end).map(|(&seq, record)| (seq, record));
        let found = match order {
            Order::Oldest => range.find(wanted),
            Order::Newest => range.rfind(wanted),
        };
        found.map(|(seq, record)| record.meta(seq))
    }

    /// The live claims of every slot as runs, for a checkpoint.
    ///
    /// A run is of consecutive sequences; with several kinds in turn it may be one frame long.
    pub(crate) fn runs(&self) -> Vec<(u8, Vec<(u64, u64)>)> {
        let mut runs: BTreeMap<u8, Vec<(u64, u64)>> = BTreeMap::new();
        for (seq, record) in self.iter() {
            for slot in bits(record.claims) {
                let runs = runs.entry(slot).or_default();
                match runs.last_mut() {
                    Some(run) if run.1 + 1 == seq => run.1 = seq,
                    _ => runs.push((seq, seq)),
                }
            }
        }
        runs.into_iter().collect()
    }

    /// Counts everything anew and compares: the audit of the tests.
    #[cfg(test)]
    pub(crate) fn audit(&self) {
        let mut fresh = Index::default();
        for (seq, record) in self.iter() {
            fresh.insert(seq, *record);
        }
        let counted = |index: &Index| -> Vec<(u8, u8, Held)> {
            let cursors = index.cursors.iter();
            let held = cursors.flat_map(|(slot, cursor)| {
                cursor.held.iter().map(|(kind_tag, held)| (*slot, *kind_tag, *held))
            });
            held.filter(|(_, _, held)| held.frames > 0).collect()
        };
        assert_eq!(counted(self), counted(&fresh));
        for reader in self.cursors.keys().copied().map(ReaderId) {
            for order in [Order::Oldest, Order::Newest] {
                let found = self.next(reader, order, None, None);
                assert_eq!(found, fresh.next(reader, order, None, None));
            }
        }
        for slot in self.live.keys().chain(fresh.live.keys()) {
            assert_eq!(self.live(*slot), fresh.live(*slot));
        }
    }
}

/// The numbers of the bits that are set.
pub(crate) fn bits(mut claims: u32) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let bit = claims.trailing_zeros();
        claims &= claims.wrapping_sub(1);
        (bit < 32).then_some(bit as u8)
    })
}

#[cfg(test)]
mod tests;

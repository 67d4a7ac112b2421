//! The ring as its owner sees it: readers, reading, releasing, status.
//!
//! Owns the state that the other parts work on. `recover` makes it, `append` writes, `evict`
//! finds room; each is an `impl` of [`Ring`].
//! Never knows what bytes mean, a clock, a network.
//! Invariants: every claim that was appended is held, or was released with exactly one
//! [`Reason`]; `append_seq >= durable_seq`.
//! Called by its one owner, on the one thread that the owner chose.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use crate::control::{Total, Totals};
use crate::disk::{Disk, RealDisk, read_full};
use crate::error::{ReadError, ReadersError, TableTooLarge};
use crate::frame::HEADER_BYTES;
use crate::index::{FrameMeta, Held, Index, NOWHERE, Order, Reason, Record, bits};
use crate::memory::Memory;
use crate::options::{Options, Sizes};
use crate::readers::{self, ReaderId, Readers};
use crate::releases::ReleaseLog;
use crate::segment::{Entry, SegmentHeader};
use crate::segments::Segments;

/// How often a frame is tried when the disk does not give it.
const READ_ATTEMPTS_MAX: u8 = 3;

/// A log of frames in a budget of disk.
pub struct Ring<D: Disk = RealDisk> {
    pub(crate) disk: D,
    pub(crate) options: Options,
    pub(crate) sizes: Sizes,
    pub(crate) uuid: [u8; 16],
    pub(crate) segments: Segments,
    pub(crate) current: Option<Current>,
    pub(crate) index: Index,
    pub(crate) readers: Readers,
    pub(crate) memory: Memory,
    pub(crate) releases: ReleaseLog,
    pub(crate) removals: Vec<Removal>,
    pub(crate) append_seq: u64,
    pub(crate) durable_seq: u64,
    pub(crate) segment_seq: u64,
    pub(crate) totals: Totals,
    pub(crate) table: Vec<u8>,
    pub(crate) table_seq: u64,
    /// Why nothing is written, when nothing is.
    pub(crate) memory_only: Option<String>,
    /// Whether the folder was looked through; without it nothing may be created there.
    pub(crate) recovered: bool,
    /// Segments quarantined in a row.
    pub(crate) quarantines: u32,
    pub(crate) io_errors: u64,
    pub(crate) last_error: Option<String>,
    pub(crate) now_ms: i64,
    pub(crate) ages_ms: Vec<(u8, i64)>,
    read_failures: BTreeMap<u64, u8>,
}

/// The segment being written.
#[derive(Debug)]
pub(crate) struct Current {
    pub slot: u32,
    pub header: SegmentHeader,
    pub offset: u64,
    pub entries: Vec<Entry>,
    /// Whether anything was written since the last sync.
    pub dirty: bool,
    /// Up to where the page cache was given back.
    pub forgotten: u64,
}

/// A claim that a reader lost without having acknowledged it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The frame.
    pub seq: u64,
    /// Who lost it.
    pub reader: Arc<str>,
    /// Why.
    pub reason: Reason,
    /// The frame's kind tag.
    pub kind_tag: u8,
    /// Samples or lines in it.
    pub items: u32,
    /// Note and payload together.
    pub bytes: u32,
    /// The earliest time in it. Unit: milliseconds since the epoch.
    pub time_min_ms: i64,
    /// The latest time in it. Unit: milliseconds since the epoch.
    pub time_max_ms: i64,
}

/// A frame as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameData {
    /// What was known before.
    pub meta: FrameMeta,
    /// The opaque note.
    pub note: Vec<u8>,
    /// The opaque payload.
    pub payload: Vec<u8>,
}

/// How the ring is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Segment files.
    pub segments: u32,
    /// Those that nobody claims anything of.
    pub segments_free: u32,
    /// Those that failed and are not written any more.
    pub segments_quarantined: u32,
    /// Bytes of a segment.
    pub segment_bytes: u64,
    /// Bytes of all segment files.
    pub disk_bytes: u64,
    /// Bytes in them that somebody claims.
    pub live_bytes: u64,
    /// Bytes in RAM: frames not yet durable, or all of them without a disk.
    pub memory_bytes: u64,
    /// Frames that somebody claims.
    pub frames: u64,
    /// The last sequence given.
    pub append_seq: u64,
    /// The last sequence that a power cut cannot take.
    pub durable_seq: u64,
    /// Why frames stand in RAM only, when they do.
    pub memory_only: Option<String>,
    /// Calls of the disk that failed.
    pub io_errors: u64,
    /// The last one.
    pub last_error: Option<String>,
    /// Claims released since the ring was made, by reason.
    pub totals: Vec<(Reason, Total)>,
}

/// All reasons, in the order of their numbers.
pub(crate) const REASONS: [Reason; Reason::COUNT] = [
    Reason::Acknowledged,
    Reason::Corrupt,
    Reason::Evicted,
    Reason::Expired,
    Reason::LostOnDisk,
    Reason::ReaderRemoved,
    Reason::Rejected,
];

impl<D: Disk> Ring<D> {
    pub(crate) fn blank(disk: D, options: Options) -> Ring<D> {
        Ring {
            disk,
            sizes: options.sizes(),
            options,
            uuid: [0; 16],
            segments: Segments::default(),
            current: None,
            index: Index::default(),
            readers: Readers::default(),
            memory: Memory::default(),
            releases: ReleaseLog::default(),
            removals: Vec::new(),
            append_seq: 0,
            durable_seq: 0,
            segment_seq: 0,
            totals: Totals::default(),
            table: Vec::new(),
            table_seq: 0,
            memory_only: None,
            recovered: false,
            quarantines: 0,
            io_errors: 0,
            last_error: None,
            now_ms: i64::MIN,
            ages_ms: Vec::new(),
            read_failures: BTreeMap::new(),
        }
    }

    /// Declares who reads, and commits it.
    ///
    /// A reader that is no longer named loses its claims (`Reason::ReaderRemoved`); a new one
    /// starts with none. The answer has one id for each name, in the given order.
    ///
    /// # Errors
    /// [`ReadersError`] when the names are too many, too long, empty or repeated; nothing changes.
    pub fn readers(&mut self, names: &[&str]) -> Result<Vec<ReaderId>, ReadersError> {
        readers::check(names)?;
        let before = self.readers.clone();
        for reader in self.readers.gone(names) {
            let claimed =
                self.index.iter().filter(|(_, record)| record.claims & 1 << reader.0 != 0);
            let claimed: Vec<u64> = claimed.map(|(seq, _)| seq).collect();
            for seq in claimed {
                self.release(seq, reader, Reason::ReaderRemoved);
            }
            self.readers.remove(reader);
        }
        self.readers.add(names, self.append_seq + 1);
        if self.readers != before {
            self.write_readers();
        }
        let find = |name: &&str| self.readers.find(name).expect("every name was added");
        Ok(names.iter().map(find).collect())
    }

    /// The id of a declared reader.
    pub fn reader(&self, name: &str) -> Option<ReaderId> {
        self.readers.find(name)
    }

    /// The names of the declared readers with their ids.
    pub fn reader_names(&self) -> Vec<(ReaderId, Arc<str>)> {
        let named = self.readers.named();
        named.map(|(slot, reader)| (ReaderId(slot), reader.name.clone())).collect()
    }

    /// Sets the application's table, which every segment start carries.
    ///
    /// It must cover every frame appended so far. Call it when [`Ring::wants_table`] says so;
    /// recovery returns the table and the notes of later frames.
    ///
    /// # Errors
    /// [`TableTooLarge`]: an eighth of a segment, 1 MiB at most; the old table stays.
    pub fn set_table(&mut self, table: &[u8]) -> Result<(), TableTooLarge> {
        let (bytes, bytes_max) = (table.len() as u64, self.sizes.table_bytes_max);
        if bytes > bytes_max {
            return Err(TableTooLarge { bytes, bytes_max });
        }
        self.table.clear();
        self.table.extend_from_slice(table);
        self.table_seq = self.append_seq;
        Ok(())
    }

    /// The largest body, note and payload together, that [`Ring::append`] takes.
    pub fn body_bytes_max(&self) -> u64 {
        self.sizes.body_bytes_max
    }

    /// The next frame for a reader, beyond `after` in the given order, of one kind or of any.
    pub fn next(
        &self,
        reader: ReaderId,
        order: Order,
        after: Option<u64>,
        kind_tag: Option<u8>,
    ) -> Option<FrameMeta> {
        self.index.next(reader, order, after, kind_tag)
    }

    /// What is known of a frame without reading it.
    pub fn meta(&self, seq: u64) -> Option<FrameMeta> {
        self.index.at(seq).map(|record| record.meta(seq))
    }

    /// What a reader holds, of one kind or of all.
    pub fn held(&self, reader: ReaderId, kind_tag: Option<u8>) -> Held {
        self.index.held(reader, kind_tag)
    }

    /// Reads a frame and verifies it.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`] takes the frame from all readers. [`ReadError::Io`] does so with
    /// the third failure; before it, the frame stays to be tried again.
    pub fn read(&mut self, seq: u64) -> Result<FrameData, ReadError> {
        let record = *self.index.at(seq).ok_or(ReadError::NotHeld)?;
        let mut body = match self.memory.body(seq) {
            Some(body) => body.to_vec(),
            None => self.read_disk(seq, &record)?,
        };
        if body.len() != record.body_len as usize || crc32c::crc32c(&body) != record.body_crc {
            self.release_all(seq, Reason::Corrupt);
            return Err(ReadError::Corrupt);
        }
        let payload = body.split_off(record.note_len as usize);
        Ok(FrameData { meta: record.meta(seq), note: body, payload })
    }

    fn read_disk(&mut self, seq: u64, record: &Record) -> Result<Vec<u8>, ReadError> {
        let read = self.read_body(record);
        match read {
            Ok(body) => {
                self.read_failures.remove(&seq);
                Ok(body)
            }
            Err(error) => {
                self.note_error(&error);
                let failures = self.read_failures.entry(seq).or_default();
                *failures += 1;
                if *failures >= READ_ATTEMPTS_MAX {
                    self.release_all(seq, Reason::LostOnDisk);
                }
                Err(ReadError::Io(error))
            }
        }
    }

    /// Reads the bytes of a body, without judging them; fewer when the file is short.
    pub(crate) fn read_body(&mut self, record: &Record) -> io::Result<Vec<u8>> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let file = self.segments.at(record.slot).ok_or_else(missing)?.file;
        let mut body = vec![0; record.body_len as usize];
        let offset = u64::from(record.offset) + HEADER_BYTES as u64;
        let came = read_full(&mut self.disk, file, offset, &mut body)?;
        body.truncate(came);
        if self.current.as_ref().is_none_or(|current| current.slot != record.slot) {
            // A reader far behind would otherwise fill the page cache with what it reads once.
            self.disk.forget(file, offset, u64::from(record.body_len));
        }
        Ok(body)
    }

    /// Says that a reader is done with a frame; the next commit makes it durable.
    ///
    /// Nothing when the reader had no claim on it (any more).
    pub fn acknowledge(&mut self, reader: ReaderId, seq: u64) -> Option<FrameMeta> {
        self.release(seq, reader, Reason::Acknowledged).map(|record| record.meta(seq))
    }

    /// Gives a frame up for one reader, which is told as a [`Removal`].
    ///
    /// Nothing when the reader had no claim on it (any more).
    pub fn drop_for(&mut self, reader: ReaderId, seq: u64, reason: Reason) -> Option<FrameMeta> {
        self.release(seq, reader, reason).map(|record| record.meta(seq))
    }

    /// Releases every frame whose latest time is older than its kind may become.
    ///
    /// `ages_ms` has the limit for each kind tag; a kind that is not listed has none. The ring
    /// keeps both arguments for when it needs room.
    pub fn expire(&mut self, now_ms: i64, ages_ms: &[(u8, i64)]) {
        self.now_ms = now_ms;
        self.ages_ms.clear();
        self.ages_ms.extend_from_slice(ages_ms);
        self.expire_known();
    }

    pub(crate) fn expire_known(&mut self) {
        let (now_ms, ages_ms) = (self.now_ms, &self.ages_ms);
        let expired = |record: &Record| {
            let limit = ages_ms.iter().find(|(tag, _)| *tag == record.kind_tag);
            limit.is_some_and(|(_, age_ms)| record.time_max_ms.saturating_add(*age_ms) < now_ms)
        };
        let expired = self.index.iter().filter(|(_, record)| expired(record));
        let expired: Vec<u64> = expired.map(|(seq, _)| seq).collect();
        for seq in expired {
            self.release_all(seq, Reason::Expired);
        }
    }

    /// The claims lost since the last call.
    ///
    /// Bound: one for each claim that was held; call it after every append, read and expiry.
    pub fn take_removals(&mut self) -> Vec<Removal> {
        std::mem::take(&mut self.removals)
    }

    /// How the ring is.
    pub fn status(&self) -> Status {
        let slots = &self.segments.slots;
        let totals = REASONS.into_iter().zip(self.totals);
        Status {
            segments: slots.len() as u32,
            segments_free: slots.keys().filter(|&&slot| self.is_free(slot)).count() as u32,
            segments_quarantined: slots.values().filter(|one| one.quarantined).count() as u32,
            segment_bytes: self.sizes.segment_bytes,
            disk_bytes: self.segments.bytes(),
            live_bytes: slots.keys().map(|&slot| self.index.live(slot).bytes).sum(),
            memory_bytes: self.memory.bytes(),
            frames: self.index.iter().count() as u64,
            append_seq: self.append_seq,
            durable_seq: self.durable_seq,
            memory_only: self.memory_only.clone(),
            io_errors: self.io_errors,
            last_error: self.last_error.clone(),
            totals: totals.collect(),
        }
    }

    /// Takes all claims from a frame.
    pub(crate) fn release_all(&mut self, seq: u64, reason: Reason) {
        let claims = self.index.at(seq).map_or(0, |record| record.claims);
        for slot in bits(claims) {
            self.release(seq, ReaderId(slot), reason);
        }
    }

    /// Takes a claim from a frame: the only way that claims go.
    pub(crate) fn release(&mut self, seq: u64, reader: ReaderId, reason: Reason) -> Option<Record> {
        let record = self.index.release(seq, reader)?;
        let index = &self.index;
        // Far ranges are not joined: looking for claims between them would cost a walk.
        let joins = |last: u64, seq: u64| {
            let between = || index.next(reader, Order::Oldest, Some(last), None);
            seq - last <= 64 && between().is_none_or(|meta| meta.seq > seq)
        };
        self.releases.add(seq, reader, reason, &record, joins);
        let total =
            Total { frames: 1, items: u64::from(record.items), bytes: u64::from(record.body_len) };
        if let Some(sum) = self.totals.get_mut(reason as usize) {
            sum.add(total);
        }
        if reason != Reason::Acknowledged {
            self.tell(seq, reader, reason, &record);
        }
        if self.index.at(seq).is_none() {
            self.read_failures.remove(&seq);
            if self.memory_only.is_some() {
                self.memory.remove(seq);
            }
        }
        Some(record)
    }

    fn tell(&mut self, seq: u64, reader: ReaderId, reason: Reason, record: &Record) {
        let name = self.readers.at(reader.0).map_or_else(|| "".into(), |known| known.name.clone());
        self.removals.push(Removal {
            seq,
            reader: name,
            reason,
            kind_tag: record.kind_tag,
            items: record.items,
            bytes: record.body_len,
            time_min_ms: record.time_min_ms,
            time_max_ms: record.time_max_ms,
        });
    }

    /// Whether a segment may be written anew: nobody claims anything of it.
    pub(crate) fn is_free(&self, slot: u32) -> bool {
        let writable = |one: &crate::segments::Segment| !one.quarantined && !one.held_back;
        self.segments.at(slot).is_some_and(writable)
            && self.current.as_ref().is_none_or(|current| current.slot != slot)
            && self.index.live(slot).frames == 0
    }

    /// Counts an error of the disk.
    pub(crate) fn note_error(&mut self, error: &io::Error) {
        self.io_errors += 1;
        self.last_error = Some(error.to_string());
    }

    /// All frames that stand in RAM only lose their place.
    pub(crate) fn unplace_memory(&mut self) {
        for seq in self.memory.unwrite() {
            self.index.relocate(seq, NOWHERE, 0);
        }
        self.releases.unwritten();
    }
}

//! Writing: append, commit, and going on after the disk has failed.
//!
//! Owns the order of writes and syncs. Every frame enters RAM first; [`Ring::flush`] then brings
//! what is in RAM to the disk, again and again elsewhere when the disk fails, until it stands or
//! no disk is left. So there is one path for the first write and for every later attempt.
//! Invariants: what is not synced stands in the segment being written, and in RAM; a segment is
//! left only once it is synced.
//! Called by the ring's owner.

use std::io;

use crate::control::Checkpoint;
use crate::disk::{Disk, sync_file, write_all};
use crate::error::AppendError;
use crate::frame::{self, Header, Kind};
use crate::index::{NOWHERE, Reason, Record};
use crate::memory::{COMMIT_BYTES, UNSYNCED_BYTES_MAX};
use crate::readers::Claims;
use crate::ring::{Current, Ring};
use crate::segment::{Entry, FORMAT, SEGMENT_HEADER_BYTES, SegmentHeader, seal, seal_bytes};

/// Segments that fail in a row before the disk counts as gone: one bad segment is a bad sector,
/// three are a bad disk.
const QUARANTINES_MAX: u32 = 3;
/// What stays in the page cache behind the writer, for readers that keep pace.
const CACHE_BEHIND_BYTES: u64 = 8 << 20;

/// A frame to be appended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frame<'a> {
    /// Opaque to the ring: signal and class; see [`crate::Options::precious`].
    pub kind_tag: u8,
    /// Opaque to the ring: how the payload is packed.
    pub codec: u8,
    /// Samples or lines in it.
    pub items: u32,
    /// The payload's size before packing.
    pub raw_len: u32,
    /// The earliest time in it. Unit: milliseconds since the epoch.
    pub time_min_ms: i64,
    /// The latest time in it. Unit: milliseconds since the epoch.
    pub time_max_ms: i64,
    /// Who is to read it; readers that are not declared are left out.
    pub claims: Claims,
    /// Opaque to the ring, under the payload's checksum: log offsets.
    pub note: &'a [u8],
    /// What is to be sent.
    pub payload: &'a [u8],
}

/// What an append gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The frame's place in the order of appends, from 1.
    pub seq: u64,
    /// Whether claims were lost meanwhile; see [`Ring::take_removals`].
    pub removed: bool,
}

/// Why a flush did not go through.
pub(crate) enum Fault {
    /// The disk failed in the segment being written.
    Disk(io::Error),
    /// No segment is left to write.
    NoSegment,
}

impl<D: Disk> Ring<D> {
    /// Appends a frame; a [`Ring::commit`] makes it durable.
    ///
    /// A failing or full disk is no error: frames are evicted or stay in RAM, as
    /// [`Ring::status`] and [`Ring::take_removals`] tell. One copy is made.
    ///
    /// # Errors
    /// [`AppendError::TooLarge`] beyond [`Ring::body_bytes_max`].
    pub fn append(&mut self, frame: &Frame<'_>) -> Result<Appended, AppendError> {
        let bytes = (frame.note.len() + frame.payload.len()) as u64;
        let bytes_max = self.sizes.body_bytes_max;
        if bytes > bytes_max {
            return Err(AppendError::TooLarge { bytes, bytes_max });
        }
        let removals_before = self.removals.len();
        self.append_seq += 1;
        let seq = self.append_seq;
        let mut header = Header {
            raw_len: frame.raw_len,
            items: frame.items,
            claims: frame.claims.0 & self.readers.mask(seq),
            kind_tag: frame.kind_tag,
            codec: frame.codec,
            time_min_ms: frame.time_min_ms,
            time_max_ms: frame.time_max_ms,
            ..Header::control(Kind::Data, seq)
        };
        let mut buffer = self.memory.buffer();
        frame::build(&mut buffer, &mut header, frame.note, frame.payload);
        self.memory.insert(seq, buffer);
        if header.claims != 0 {
            self.index.insert(seq, Record::new(&header, NOWHERE, 0));
        }
        // An owner that never commits must not fill the memory.
        self.flush(self.memory.bytes() >= UNSYNCED_BYTES_MAX);
        Ok(Appended { seq, removed: self.removals.len() > removals_before })
    }

    /// Makes durable what was appended and released so far; returns the last durable sequence.
    ///
    /// One write for the releases and one sync. Without a disk nothing becomes durable.
    pub fn commit(&mut self) -> u64 {
        self.flush(true);
        self.durable_seq
    }

    /// Whether enough was written that a commit should not wait for its time.
    pub fn needs_commit(&self) -> bool {
        self.memory_only.is_none()
            && (self.memory.bytes() >= COMMIT_BYTES || self.releases.is_large())
    }

    /// Whether a commit would have anything to do.
    pub fn has_uncommitted(&self) -> bool {
        self.memory_only.is_none()
            && (self.append_seq > self.durable_seq || !self.releases.is_empty())
    }

    /// Whether appending a body of this size begins a segment, which carries the table.
    pub fn wants_table(&self, body_bytes: usize) -> bool {
        let frame_bytes = frame::frame_bytes(body_bytes);
        !self.current.as_ref().is_some_and(|current| current.fits(frame_bytes))
    }

    /// Tries to get a disk, or more of it; the owner calls it at most once a minute.
    ///
    /// Returns whether frames reach the disk now.
    pub fn retry_disk(&mut self) -> bool {
        if !self.recovered && !self.recover_empty() {
            return false;
        }
        self.segments.growth_failed = false;
        if self.memory_only.take().is_some() {
            self.quarantines = 0;
            for segment in self.segments.slots.values_mut() {
                segment.quarantined = false;
            }
        }
        self.fit_segments();
        self.flush(true);
        self.memory_only.is_none()
    }

    /// Brings what is in RAM to the disk, and makes it durable when asked.
    pub(crate) fn flush(&mut self, sync: bool) {
        while self.memory_only.is_none() {
            match self.try_flush(sync) {
                Ok(()) => return,
                Err(fault) => self.quarantine(fault),
            }
        }
        self.trim_memory();
    }

    fn try_flush(&mut self, sync: bool) -> Result<(), Fault> {
        while let Some(seq) = self.memory.next_unwritten() {
            self.place(seq)?;
        }
        if sync {
            self.write_releases()?;
            self.sync_current()?;
        }
        Ok(())
    }

    /// Writes a frame from RAM, into the next segment when this one is full.
    fn place(&mut self, seq: u64) -> Result<(), Fault> {
        let len = self.memory.frame_mut(seq).map_or(0, |frame| frame.len() as u64);
        if !self.current.as_ref().is_some_and(|current| current.fits(len)) {
            self.roll()?;
        }
        self.write_frame(seq)
    }

    /// Writes a frame from RAM at the end of the segment, where there is room for it.
    pub(crate) fn write_frame(&mut self, seq: u64) -> Result<(), Fault> {
        let current = self.current.as_mut().ok_or(Fault::NoSegment)?;
        let Some(bytes) = self.memory.frame_mut(seq) else { return Ok(()) };
        if !current.fits(bytes.len() as u64) {
            debug_assert!(false, "BUG: a frame does not fit an empty segment");
            return Err(Fault::NoSegment);
        }
        let mut header = Header::decode(bytes).expect("the ring encoded this header");
        header.segment_seq = current.header.segment_seq;
        header.nonce = current.header.nonce;
        header.claims = self.index.at(seq).map_or(0, |record| record.claims);
        header.encode(bytes);
        let offset = current.offset;
        current.write(&mut self.disk, &self.segments, header, bytes)?;
        self.memory.set_written(seq);
        self.index.relocate(seq, current.slot, offset);
        Ok(())
    }

    /// Writes a control frame where there is room for it; says whether there was.
    fn write_control(&mut self, kind: Kind, body: &[u8]) -> Result<bool, Fault> {
        let current = self.current.as_mut().ok_or(Fault::NoSegment)?;
        if !current.fits(frame::frame_bytes(body.len())) {
            return Ok(false);
        }
        let mut header = Header::control(kind, self.append_seq);
        header.segment_seq = current.header.segment_seq;
        header.nonce = current.header.nonce;
        let mut bytes = Vec::new();
        frame::build(&mut bytes, &mut header, &[], body);
        current.write(&mut self.disk, &self.segments, header, &bytes)?;
        Ok(true)
    }

    /// Writes what was released, where that costs nobody a frame.
    fn write_releases(&mut self) -> Result<(), Fault> {
        if self.releases.is_empty() || self.releases.is_written() {
            return Ok(());
        }
        let room = self.current.is_some() || self.free_slots().len() >= 2;
        if !room {
            return Ok(());
        }
        if self.current.is_none() {
            self.roll()?;
        }
        for (kind, body) in self.releases.frames(&self.readers) {
            if self.write_control(kind, &body)? {
                continue;
            }
            if self.free_slots().len() < 2 {
                return Ok(());
            }
            self.roll()?;
            // The checkpoint has told all the rest, but the list is told again for its reasons.
            self.write_control(kind, &body)?;
        }
        self.releases.set_written();
        Ok(())
    }

    /// Makes a changed reader table durable.
    pub(crate) fn write_readers(&mut self) {
        if self.memory_only.is_none() && self.current.is_some() {
            let body = self.checkpoint();
            match self.write_control(Kind::Checkpoint, &body) {
                Ok(true) => {}
                Ok(false) => {
                    if let Err(fault) = self.roll() {
                        self.quarantine(fault);
                    }
                }
                Err(fault) => self.quarantine(fault),
            }
        }
        self.flush(true);
    }

    /// The state as a checkpoint's body.
    fn checkpoint(&self) -> Vec<u8> {
        let checkpoint = Checkpoint {
            next_seq: self.append_seq + 1,
            readers: self.readers.clone(),
            live: self.index.runs(),
            totals: self.totals,
            table_seq: self.table_seq,
            table: self.table.clone(),
        };
        checkpoint.encode((self.sizes.segment_bytes / 8) as usize)
    }

    /// Makes durable what stands in the segment.
    pub(crate) fn sync_current(&mut self) -> Result<(), Fault> {
        if let Some(current) = self.current.as_mut().filter(|current| current.dirty) {
            let missing = || Fault::Disk(io::ErrorKind::NotFound.into());
            let file = self.segments.at(current.slot).ok_or_else(missing)?.file;
            if self.segments.dir_dirty {
                self.disk.sync_dir().map_err(Fault::Disk)?;
                self.segments.dir_dirty = false;
            }
            sync_file(&mut self.disk, file).map_err(Fault::Disk)?;
            current.dirty = false;
            let behind = current.offset.saturating_sub(CACHE_BEHIND_BYTES);
            if behind >= current.forgotten + CACHE_BEHIND_BYTES {
                self.disk.forget(file, current.forgotten, behind - current.forgotten);
                current.forgotten = behind;
            }
            self.releases.synced();
            self.memory.synced();
            for segment in self.segments.slots.values_mut() {
                segment.held_back = false;
            }
        }
        let covered = self.memory.first().map_or(self.append_seq, |seq| seq - 1);
        self.durable_seq = self.durable_seq.max(covered);
        Ok(())
    }

    /// Closes the segment, which is synced, and begins the next one.
    pub(crate) fn roll(&mut self) -> Result<(), Fault> {
        self.sync_current()?;
        self.seal_current();
        let slot = self.take_free()?;
        self.start_segment(slot)?;
        self.make_spare()
    }

    /// Seals the segment. A failure costs only the speed of the next recovery.
    fn seal_current(&mut self) {
        let Some(current) = self.current.take() else { return };
        self.quarantines = 0;
        let Some(file) = self.segments.at(current.slot).map(|segment| segment.file) else { return };
        let bytes = seal(&current.entries, &current.header, self.append_seq);
        let offset = current.header.segment_bytes - bytes.len() as u64;
        let sealed = write_all(&mut self.disk, file, offset, &bytes)
            .and_then(|()| sync_file(&mut self.disk, file));
        if let Err(error) = sealed {
            self.note_error(&error);
        }
        self.disk.forget(file, 0, current.header.segment_bytes);
    }

    fn start_segment(&mut self, slot: u32) -> Result<(), Fault> {
        self.segment_seq += 1;
        let header = SegmentHeader {
            format: FORMAT,
            uuid: self.uuid,
            segment_seq: self.segment_seq,
            first_seq: self.append_seq,
            segment_bytes: self.sizes.segment_bytes,
            nonce: self.disk.random() as u32,
        };
        let bytes = header.encode();
        // Set before the write, so that a failure quarantines this segment.
        self.current = Some(Current {
            slot,
            header: header.clone(),
            offset: SEGMENT_HEADER_BYTES,
            entries: Vec::new(),
            dirty: true,
            forgotten: 0,
        });
        let segment = self.segments.slots.get_mut(&slot).ok_or(Fault::NoSegment)?;
        segment.header = Some(header);
        let file = segment.file;
        // Durable before anything is written over the old frames: otherwise a power cut could
        // leave the old header, whose seal lists frames that are no longer there.
        write_all(&mut self.disk, file, 0, &bytes)
            .and_then(|()| sync_file(&mut self.disk, file))
            .map_err(Fault::Disk)?;
        let body = self.checkpoint();
        let written = self.write_control(Kind::Checkpoint, &body)?;
        debug_assert!(written, "BUG: a checkpoint does not fit an empty segment");
        Ok(())
    }

    /// Gives up the segment being written; with too many in a row, the disk.
    pub(crate) fn quarantine(&mut self, fault: Fault) {
        let cause = match &fault {
            Fault::Disk(error) => {
                self.note_error(error);
                format!("writing the ring failed: {error}")
            }
            Fault::NoSegment => "no segment of the ring can be written".to_owned(),
        };
        if let Some(current) = self.current.take() {
            if let Some(segment) = self.segments.slots.get_mut(&current.slot) {
                segment.quarantined = true;
            }
            self.quarantines += 1;
        }
        self.unplace_memory();
        if matches!(fault, Fault::NoSegment) || self.quarantines >= QUARANTINES_MAX {
            self.enter_memory_only(cause);
        }
    }

    /// Goes on without a disk.
    pub(crate) fn enter_memory_only(&mut self, cause: String) {
        self.memory_only = Some(cause);
        self.current = None;
        self.unplace_memory();
        for seq in self.memory.sequences() {
            if self.index.at(seq).is_none() {
                self.memory.remove(seq);
            }
        }
    }

    /// Holds RAM to its budget while there is no disk: the oldest frames go.
    fn trim_memory(&mut self) {
        self.releases.clear();
        while self.memory.bytes() > self.options.memory_bytes {
            let Some(seq) = self.memory.first() else { return };
            self.release_all(seq, Reason::Evicted);
            self.memory.remove(seq);
        }
    }
}

impl Current {
    /// Whether a frame of so many bytes fits, beside the seal that lists it.
    pub(crate) fn fits(&self, frame_bytes: u64) -> bool {
        let seal_bytes = seal_bytes(self.entries.len() + 1);
        self.offset + frame_bytes + seal_bytes <= self.header.segment_bytes
    }

    fn write(
        &mut self,
        disk: &mut impl Disk,
        segments: &crate::segments::Segments,
        header: Header,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        let file = segments.at(self.slot).ok_or(Fault::NoSegment)?.file;
        self.dirty = true;
        write_all(disk, file, self.offset, bytes).map_err(Fault::Disk)?;
        self.entries.push(Entry { offset: self.offset, header });
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

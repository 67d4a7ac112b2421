//! Opening: what stood in the folder when the last process ended, however it ended.
//!
//! Owns the order of recovery: list the files, order them by segment sequence, list their frames,
//! read the control frames back to the newest sound checkpoint, and keep each frame's claims that
//! no control frame has taken.
//! Claims only ever shrink, so the sources may be applied in any order, and a lost one only
//! brings back what was released: a frame is sent again, never lost.
//! Invariants: no bytes make it panic or fail; durable frames are found.
//! Called once, by [`Ring::open`].

use std::collections::{BTreeMap, BTreeSet};

use crate::control::{Checkpoint, Release, Releases, Runs};
use crate::disk::{Disk, read_full, sync_file};
use crate::error::OpenError;
use crate::frame::{Kind, SEQ_MAX};
use crate::index::{Reason, Record, bits};
use crate::options::Options;
use crate::readers::{ReaderId, Readers};
use crate::ring::{Current, Removal, Ring};
use crate::scan::{self, Scanned, Source};
use crate::segment::{Entry, FORMAT, SEGMENT_HEADER_BYTES, SegmentHeader, slot_of};
use crate::segments::Segment;

/// The most note bytes that recovery returns, newest first: the notes of one largest segment.
const NOTES_BYTES_MAX: u64 = 64 << 20;

/// A note that is newer than the application table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its frame.
    pub seq: u64,
    /// Its frame's kind tag.
    pub kind_tag: u8,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Claimed frames; [`Ring::held`] says whose.
    pub frames: u64,
    /// Segments in use.
    pub segments: u32,
    /// Those without a sound seal, whose frames were searched.
    pub segments_scanned: u32,
    /// Those of another ring, which count as free.
    pub segments_foreign: u32,
    /// Frames after the last sound one: a write was cut short, nobody counted on them.
    pub torn_frames: u64,
    /// Frames before sound ones whose body is not sound.
    pub corrupt_frames: u64,
    /// Stretches before sound frames in which not even a header was sound.
    pub corrupt_stretches: u64,
    /// Claims on the corrupt frames; they do not count as recovered.
    pub lost: Vec<Removal>,
    /// Claims of readers that no sound frame names.
    pub nameless_claims: u64,
    /// Frames of a kind that this version does not know.
    pub unknown_frames: u64,
    /// Calls of the disk that failed.
    pub io_errors: u64,
    /// The application's table.
    pub table: Vec<u8>,
    /// The last frame that it covers.
    pub table_seq: u64,
    /// The notes of later frames, in order, claimed or not.
    pub notes: Vec<Note>,
    /// Whether older notes were left out for their size: the table was not set for too long.
    pub notes_cut: bool,
}

/// One segment in use, listed.
struct Listed {
    slot: u32,
    header: SegmentHeader,
    found: Scanned,
}

/// What the control frames say.
#[derive(Default)]
struct Told {
    readers: Option<Readers>,
    checkpoint: Option<Checkpoint>,
    releases: Vec<Release>,
    seq_max: u64,
}

impl<D: Disk> Ring<D> {
    /// Opens the ring in a folder, recovering what is there.
    ///
    /// # Errors
    /// [`OpenError`]: the folder is locked, or of a later format. A failing disk is no error:
    /// the ring then starts with fewer segments or in RAM only, as [`Ring::status`] tells.
    pub fn open(options: Options, disk: D) -> Result<(Ring<D>, Recovery), OpenError> {
        let mut ring = Ring::blank(disk, options);
        let mut recovery = Recovery::default();
        match ring.disk.lock() {
            Ok(true) => ring.recover(&mut recovery)?,
            Ok(false) => return Err(OpenError::Locked),
            Err(error) => {
                ring.note_error(&error);
                ring.enter_memory_only(format!("locking the ring failed: {error}"));
            }
        }
        recovery.io_errors = ring.io_errors;
        Ok((ring, recovery))
    }

    fn recover(&mut self, recovery: &mut Recovery) -> Result<(), OpenError> {
        let names = match self.disk.list() {
            Ok(names) => names,
            Err(error) => {
                self.note_error(&error);
                self.enter_memory_only(format!("listing the ring failed: {error}"));
                return Ok(());
            }
        };
        self.recovered = true;
        self.open_files(names)?;
        self.adopt_uuid(recovery);
        let listed = self.list_segments(recovery);
        let told = self.read_control(&listed);
        self.adopt(&listed, told, recovery);
        self.continue_tail(listed);
        self.fit_segments();
        if self.segments.slots.is_empty() {
            let cause = self.last_error.clone().unwrap_or_default();
            self.enter_memory_only(format!("no segment of the ring could be had: {cause}"));
        }
        Ok(())
    }

    /// Takes a folder that could not be looked through at first, if no frames are in it.
    ///
    /// Frames of an earlier run cannot be taken later: their sequences were given again.
    pub(crate) fn recover_empty(&mut self) -> bool {
        let names = match self.disk.lock() {
            Ok(true) => self.disk.list(),
            Ok(false) => return false,
            Err(error) => Err(error),
        };
        match names {
            Ok(names) => self.recovered = !names.iter().any(|(name, _)| slot_of(name).is_some()),
            Err(error) => self.note_error(&error),
        }
        if self.recovered {
            self.draw_uuid();
        }
        self.recovered
    }

    fn open_files(&mut self, names: Vec<(String, u64)>) -> Result<(), OpenError> {
        for (name, bytes) in names {
            let Some(slot) = slot_of(&name) else { continue };
            let file = match self.disk.open(&name) {
                Ok(file) => file,
                Err(error) => {
                    self.note_error(&error);
                    self.segments.mark_unusable(slot);
                    continue;
                }
            };
            let mut head = vec![0; SEGMENT_HEADER_BYTES as usize];
            let mut quarantined = false;
            if let Err(error) = read_full(&mut self.disk, file, 0, &mut head) {
                self.note_error(&error);
                // What cannot be read may be worth reading at the next start.
                quarantined = true;
            }
            let header = SegmentHeader::decode(&head);
            if let Some(header) = header.as_ref().filter(|header| header.format > FORMAT) {
                return Err(OpenError::NewerFormat(header.format));
            }
            let mut segment = Segment::new(file, bytes, header);
            segment.quarantined = quarantined;
            self.segments.slots.insert(slot, segment);
        }
        Ok(())
    }

    /// The newest segment says which ring this is; segments of another one count as free.
    fn adopt_uuid(&mut self, recovery: &mut Recovery) {
        let headers = self.segments.slots.values().filter_map(|segment| segment.header.as_ref());
        match headers.max_by_key(|header| header.segment_seq).cloned() {
            None => self.draw_uuid(),
            Some(newest) => {
                self.uuid = newest.uuid;
                self.segment_seq = newest.segment_seq;
                for segment in self.segments.slots.values_mut() {
                    if segment.header.as_ref().is_some_and(|header| header.uuid != newest.uuid) {
                        segment.header = None;
                        recovery.segments_foreign += 1;
                    }
                }
            }
        }
    }

    fn draw_uuid(&mut self) {
        for half in self.uuid.chunks_mut(8) {
            half.copy_from_slice(&self.disk.random().to_le_bytes());
        }
    }

    /// Lists the frames of all segments in use, oldest first.
    fn list_segments(&mut self, recovery: &mut Recovery) -> Vec<Listed> {
        let mut listed = Vec::new();
        for (&slot, segment) in &self.segments.slots {
            let Some(header) = segment.header.clone() else { continue };
            let bytes = segment.bytes.min(header.segment_bytes) / 8 * 8;
            // An offset is kept in 32 bits; a larger segment is none of this format.
            let bytes = bytes.min(u64::from(u32::MAX) / 8 * 8);
            let source = Source { file: segment.file, header: &header, bytes };
            let found = scan::list(&mut self.disk, source);
            recovery.segments += 1;
            recovery.segments_scanned += u32::from(!found.sealed);
            recovery.unknown_frames += found.unknown;
            recovery.corrupt_stretches += found.gaps;
            self.io_errors += found.io_errors;
            listed.push(Listed { slot, header, found });
        }
        listed.sort_by_key(|one| (one.header.segment_seq, one.slot));
        listed
    }

    /// Reads control frames from the newest back to the first sound checkpoint.
    fn read_control(&mut self, listed: &[Listed]) -> Told {
        let mut told = Told::default();
        for one in listed.iter().rev() {
            let Some(file) = self.segments.at(one.slot).map(|segment| segment.file) else {
                continue;
            };
            told.seq_max = told.seq_max.max(one.header.first_seq);
            for entry in one.found.entries.iter().rev() {
                told.seq_max = told.seq_max.max(entry.header.seq);
                let control =
                    matches!(entry.header.kind, Kind::Ack | Kind::Checkpoint | Kind::Drop);
                if control
                    && told.checkpoint.is_none()
                    && let Some(body) = scan::body(&mut self.disk, file, entry)
                {
                    told.take(entry.header.kind, &body);
                }
            }
            let corrupt = one.found.corrupt.iter().map(|entry| entry.header.seq);
            told.seq_max = corrupt.fold(told.seq_max, u64::max);
        }
        told
    }

    /// Builds the state from the frames and from what the control frames say.
    fn adopt(&mut self, listed: &[Listed], told: Told, recovery: &mut Recovery) {
        self.append_seq = told.seq_max;
        self.durable_seq = told.seq_max;
        let claims = Claimed::new(&told);
        self.readers = told.readers.unwrap_or_default();
        if let Some(checkpoint) = told.checkpoint {
            self.totals = checkpoint.totals;
            self.table = checkpoint.table.clone();
            (recovery.table, recovery.table_seq) = (checkpoint.table, checkpoint.table_seq);
            self.table_seq = recovery.table_seq;
        }
        for release in &told.releases {
            if let Some(sum) = self.totals.get_mut(release.reason as usize) {
                sum.add(release.total);
            }
        }
        self.adopt_frames(listed, &claims, recovery);
        self.adopt_corrupt(listed, &claims, recovery);
        self.read_notes(listed, recovery);
        recovery.frames = self.index.iter().count() as u64;
    }

    fn adopt_frames(&mut self, listed: &[Listed], claims: &Claimed, recovery: &mut Recovery) {
        let mut records: BTreeMap<u64, Record> = BTreeMap::new();
        for one in listed {
            for entry in one.found.entries.iter().filter(|entry| is_data(entry)) {
                let seq = entry.header.seq;
                let mut record = Record::new(&entry.header, one.slot, entry.offset);
                // A frame carried over stands twice; the later place counts, and both claims.
                record.claims &= records.get(&seq).map_or(u32::MAX, |earlier| earlier.claims);
                records.insert(seq, record);
            }
        }
        for (seq, mut record) in records {
            record.claims = claims.left(seq, record.claims);
            let named = record.claims & self.readers.mask(seq);
            recovery.nameless_claims += u64::from((record.claims ^ named).count_ones());
            record.claims = named;
            if record.claims != 0 {
                self.index.insert(seq, record);
            }
        }
    }

    /// Tells the claims on frames whose body is gone, and has them recorded.
    fn adopt_corrupt(&mut self, listed: &[Listed], claims: &Claimed, recovery: &mut Recovery) {
        let newest = listed.last().map(|one| one.slot);
        for one in listed {
            let sound: BTreeSet<u64> = one
                .found
                .entries
                .iter()
                .filter(|entry| is_data(entry))
                .map(|e| e.header.seq)
                .collect();
            for entry in &one.found.corrupt {
                let seq = entry.header.seq;
                if Some(one.slot) == newest && entry.offset >= one.found.end {
                    recovery.torn_frames += 1;
                    continue;
                }
                recovery.corrupt_frames += 1;
                if is_data(entry) && !sound.contains(&seq) && self.index.at(seq).is_none() {
                    let mut record = Record::new(&entry.header, one.slot, entry.offset);
                    record.claims = claims.left(seq, record.claims) & self.readers.mask(seq);
                    self.lose(seq, record);
                }
            }
        }
        recovery.lost = self.take_removals();
    }

    fn lose(&mut self, seq: u64, record: Record) {
        if record.claims != 0 {
            self.index.insert(seq, record);
        }
        for slot in bits(record.claims) {
            self.release(seq, ReaderId(slot), Reason::Corrupt);
        }
    }

    /// Reads the notes of frames that the table does not cover.
    fn read_notes(&mut self, listed: &[Listed], recovery: &mut Recovery) {
        let mut notes: BTreeMap<u64, Note> = BTreeMap::new();
        let mut room = NOTES_BYTES_MAX;
        for one in listed.iter().rev() {
            let Some(file) = self.segments.at(one.slot).map(|segment| segment.file) else {
                continue;
            };
            for entry in one.found.entries.iter().rev() {
                let header = &entry.header;
                let wanted = is_data(entry) && header.note_len > 0;
                if !wanted || header.seq <= self.table_seq || notes.contains_key(&header.seq) {
                    continue;
                }
                if room < u64::from(header.note_len) {
                    recovery.notes_cut = true;
                    continue;
                }
                if let Some(mut bytes) = scan::body(&mut self.disk, file, entry) {
                    room -= u64::from(header.note_len);
                    bytes.truncate(header.note_len as usize);
                    let note = Note { seq: header.seq, kind_tag: header.kind_tag, bytes };
                    notes.insert(header.seq, note);
                }
            }
        }
        recovery.notes = notes.into_values().collect();
    }

    /// Makes durable what was found without a seal, and goes on in the newest segment.
    fn continue_tail(&mut self, listed: Vec<Listed>) {
        // After a mere kill files and frames may be known to the page cache only.
        if let Err(error) = self.disk.sync_dir() {
            self.segments.dir_dirty = true;
            self.note_error(&error);
        }
        let newest = listed.last().map(|one| one.slot);
        for one in listed.into_iter().filter(|one| !one.found.sealed) {
            let Some(segment) = self.segments.slots.get_mut(&one.slot) else { continue };
            if let Err(error) = sync_file(&mut self.disk, segment.file) {
                segment.quarantined = true;
                self.note_error(&error);
                continue;
            }
            let fresh = segment.bytes == self.sizes.segment_bytes
                && one.header.segment_bytes == segment.bytes
                && one.found.io_errors == 0;
            if Some(one.slot) == newest && fresh && !segment.quarantined {
                self.current = Some(Current {
                    slot: one.slot,
                    header: one.header,
                    offset: one.found.end,
                    entries: one.found.entries,
                    dirty: false,
                    forgotten: 0,
                });
            }
        }
    }
}

fn is_data(entry: &Entry) -> bool {
    entry.header.kind == Kind::Data
}

impl Told {
    fn take(&mut self, kind: Kind, body: &[u8]) {
        let readers = if kind == Kind::Checkpoint {
            let Some(checkpoint) = Checkpoint::decode(body) else { return };
            let last_seq = checkpoint.next_seq.saturating_sub(1).min(SEQ_MAX - 1);
            self.seq_max = self.seq_max.max(last_seq);
            let readers = checkpoint.readers.clone();
            self.checkpoint = Some(checkpoint);
            readers
        } else {
            let Some(releases) = Releases::decode(body) else { return };
            self.releases.extend(releases.releases);
            releases.readers
        };
        // The first one taken is the newest.
        self.readers.get_or_insert(readers);
    }
}

/// The claims that the control frames leave.
struct Claimed {
    next_seq: u64,
    live: BTreeMap<u8, Runs>,
    /// Released ranges by slot, sorted and disjoint.
    released: BTreeMap<u8, Runs>,
}

impl Claimed {
    fn new(told: &Told) -> Claimed {
        let mut released: BTreeMap<u8, Runs> = BTreeMap::new();
        for release in &told.releases {
            released.entry(release.slot).or_default().push((release.first_seq, release.last_seq));
        }
        let mut live: BTreeMap<u8, Runs> = BTreeMap::new();
        for (slot, runs) in told.checkpoint.iter().flat_map(|checkpoint| &checkpoint.live) {
            live.entry(*slot).or_default().extend(runs);
        }
        for runs in live.values_mut().chain(released.values_mut()) {
            merge(runs);
        }
        let next_seq = told.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.next_seq);
        Claimed { next_seq, live, released }
    }

    fn left(&self, seq: u64, claims: u32) -> u32 {
        let kept = bits(claims).filter(|slot| {
            let alive = seq >= self.next_seq || covers(self.live.get(slot), seq);
            alive && !covers(self.released.get(slot), seq)
        });
        kept.fold(0, |left, slot| left | 1 << slot)
    }
}

fn merge(runs: &mut Runs) {
    runs.sort_unstable();
    runs.dedup_by(|next, run| {
        let joins = next.0 <= run.1;
        if joins {
            run.1 = run.1.max(next.1);
        }
        joins
    });
}

fn covers(runs: Option<&Runs>, seq: u64) -> bool {
    let Some(runs) = runs else { return false };
    let after = runs.partition_point(|run| run.0 <= seq);
    after.checked_sub(1).and_then(|at| runs.get(at)).is_some_and(|run| seq <= run.1)
}

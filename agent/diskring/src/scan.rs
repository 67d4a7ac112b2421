//! Finding the frames of one segment: by its seal, or by trying every place.
//!
//! Owns the read window and the rule for going on after damage. Never knows claims or readers.
//! Invariants: no bytes make it panic; memory is bounded by the window and the list of frames;
//! a disk that fails to read costs what it does not give, never the whole segment, and never more
//! than [`BAD_PIECES_MAX`] attempts.
//! Called by recovery and by the offline commands.

use crate::disk::{Disk, FileId, read_full};
use crate::frame::{ALIGN, HEADER_BYTES, Header, Kind, MAGIC, SEQ_MAX, u32_at};
use crate::segment::{
    Entry, SEGMENT_HEADER_BYTES, SegmentHeader, TRAILER_BYTES, decode_entries, decode_trailer,
};

/// What is read at once: large enough for speed, small beside the memory budget.
const WINDOW_BYTES: u64 = 1 << 20;
/// What a failing read is cut into: the sector size of today's drives.
const PIECE_BYTES: u64 = 4096;
/// Failing pieces per segment before the rest counts as unreadable: each may cost a drive's
/// time-out, and the agent must start.
const BAD_PIECES_MAX: u32 = 64;
/// The tail of a segment that holds a usual seal: 1,000 frames.
const SEAL_GUESS_BYTES: u64 = 64 << 10;

/// The frames of one segment.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    /// Sound frames, in file order; bodies are verified only when `sealed` is false.
    pub entries: Vec<Entry>,
    /// Frames whose header is sound and whose body is not.
    pub corrupt: Vec<Entry>,
    /// Places where no header was sound before a later one was.
    pub gaps: u64,
    /// The end of the last sound frame.
    pub end: u64,
    /// Whether a seal was found: nothing more may be written.
    pub sealed: bool,
    /// Reads that failed.
    pub io_errors: u64,
    /// Frames of unknown kind, skipped.
    pub unknown: u64,
}

/// A segment file as the scanner needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub file: FileId,
    pub header: &'a SegmentHeader,
    /// What may be read: the smaller of the file's size and the header's.
    pub bytes: u64,
}

/// Lists the frames of a segment, by its seal when that is sound.
pub(crate) fn list(disk: &mut impl Disk, source: Source<'_>) -> Scanned {
    match by_seal(disk, source) {
        Some(entries) => {
            let end = entries.last().map_or(0, |entry| entry.offset + entry.header.frame_bytes());
            let unknown = entries.iter().filter(|entry| unknown(entry)).count() as u64;
            Scanned { entries, end, sealed: true, unknown, ..Scanned::default() }
        }
        None => scan(disk, source),
    }
}

fn unknown(entry: &Entry) -> bool {
    matches!(entry.header.kind, Kind::Unknown(_))
}

fn by_seal(disk: &mut impl Disk, source: Source<'_>) -> Option<Vec<Entry>> {
    let Source { file, header, bytes } = source;
    if bytes != header.segment_bytes || bytes < SEGMENT_HEADER_BYTES + TRAILER_BYTES {
        return None;
    }
    let mut tail_start = bytes.saturating_sub(SEAL_GUESS_BYTES);
    let mut tail = vec![0; (bytes - tail_start) as usize];
    read_exact(disk, file, tail_start, &mut tail)?;
    let start = decode_trailer(tail.get(tail.len() - TRAILER_BYTES as usize..)?)?;
    if start < SEGMENT_HEADER_BYTES || start > bytes - TRAILER_BYTES {
        return None;
    }
    if start < tail_start {
        tail_start = start;
        tail = vec![0; (bytes - start) as usize];
        read_exact(disk, file, tail_start, &mut tail)?;
    }
    let seal = tail.get((start - tail_start) as usize..)?;
    let frame = Header::decode(seal).filter(|frame| belongs(frame, header))?;
    let body = seal.get(HEADER_BYTES..HEADER_BYTES + frame.body_len as usize)?;
    let sound = frame.kind == Kind::Seal && crc32c::crc32c(body) == frame.body_crc;
    sound.then(|| decode_entries(body, header, bytes))
}

/// Tries every place of a segment.
pub(crate) fn scan(disk: &mut impl Disk, source: Source<'_>) -> Scanned {
    let mut window = Window::new(source);
    let mut found = Scanned { end: SEGMENT_HEADER_BYTES, ..Scanned::default() };
    let mut offset = SEGMENT_HEADER_BYTES;
    let mut lost = false;
    while let Some(at) = window.next_magic(disk, offset) {
        lost |= at > offset;
        let header = window.get(disk, at, HEADER_BYTES as u64).and_then(Header::decode);
        let header = header.filter(|header| {
            belongs(header, source.header) && at + header.frame_bytes() <= source.bytes
        });
        let Some(header) = header else {
            lost = true;
            offset = at + ALIGN as u64;
            continue;
        };
        offset = at + header.frame_bytes();
        if header.kind == Kind::Seal {
            found.sealed = true;
            continue;
        }
        found.gaps += u64::from(lost);
        lost = false;
        found.unknown += u64::from(matches!(header.kind, Kind::Unknown(_)));
        let entry = Entry { offset: at, header };
        if window.body_is_sound(disk, &entry) {
            found.end = offset;
            found.entries.push(entry);
        } else {
            found.corrupt.push(entry);
        }
    }
    found.io_errors = u64::from(window.bad_pieces);
    found
}

fn belongs(frame: &Header, segment: &SegmentHeader) -> bool {
    frame.segment_seq == segment.segment_seq && frame.nonce == segment.nonce && frame.seq < SEQ_MAX
}

/// Reads and verifies the body of one frame.
pub(crate) fn body(disk: &mut impl Disk, file: FileId, entry: &Entry) -> Option<Vec<u8>> {
    let mut body = vec![0; entry.header.body_len as usize];
    read_exact(disk, file, entry.offset + HEADER_BYTES as u64, &mut body)?;
    (crc32c::crc32c(&body) == entry.header.body_crc).then_some(body)
}

fn read_exact(disk: &mut impl Disk, file: FileId, offset: u64, bytes: &mut [u8]) -> Option<()> {
    let came = read_full(disk, file, offset, bytes).ok()?;
    (came == bytes.len()).then_some(())
}

/// A moving view of a segment.
struct Window<'a> {
    source: Source<'a>,
    start: u64,
    buffer: Vec<u8>,
    bad_pieces: u32,
}

impl<'a> Window<'a> {
    fn new(source: Source<'a>) -> Window<'a> {
        Window { source, start: 0, buffer: Vec::new(), bad_pieces: 0 }
    }

    /// The bytes at a place, fewer than [`WINDOW_BYTES`]; nothing when the segment ends before.
    fn get(&mut self, disk: &mut impl Disk, offset: u64, len: u64) -> Option<&[u8]> {
        if offset + len > self.source.bytes {
            return None;
        }
        let end = self.start + self.buffer.len() as u64;
        if offset < self.start || offset + len > end {
            self.load(disk, offset);
        }
        let at = (offset - self.start) as usize;
        self.buffer.get(at..at + len as usize)
    }

    fn load(&mut self, disk: &mut impl Disk, offset: u64) {
        let len = WINDOW_BYTES.min(self.source.bytes - offset) as usize;
        self.start = offset;
        self.buffer.clear();
        self.buffer.resize(len, 0);
        if read_full(disk, self.source.file, offset, &mut self.buffer).is_ok() {
            return;
        }
        // Zeros stand for what the disk does not give: no frame begins with them.
        self.buffer.fill(0);
        let pieces = self.buffer.chunks_mut(PIECE_BYTES as usize);
        for (at, piece) in (offset..).step_by(PIECE_BYTES as usize).zip(pieces) {
            if self.bad_pieces >= BAD_PIECES_MAX {
                break;
            }
            if read_full(disk, self.source.file, at, piece).is_err() {
                piece.fill(0);
                self.bad_pieces += 1;
            }
        }
    }

    /// The next aligned place that begins like a frame.
    fn next_magic(&mut self, disk: &mut impl Disk, mut offset: u64) -> Option<u64> {
        while offset + HEADER_BYTES as u64 <= self.source.bytes {
            let left = self.start + self.buffer.len() as u64;
            let len = if offset >= self.start && offset + ALIGN as u64 <= left {
                left - offset
            } else {
                WINDOW_BYTES.min(self.source.bytes - offset)
            };
            let words = self.get(disk, offset, len)?.chunks_exact(ALIGN);
            let skipped = words.clone().take_while(|word| u32_at(word, 0) != MAGIC).count();
            let found = skipped < words.len();
            offset += (skipped * ALIGN) as u64;
            if found {
                return Some(offset);
            }
            if len < ALIGN as u64 {
                return None;
            }
        }
        None
    }

    fn body_is_sound(&mut self, disk: &mut impl Disk, entry: &Entry) -> bool {
        let mut offset = entry.offset + HEADER_BYTES as u64;
        let end = offset + u64::from(entry.header.body_len);
        let mut crc = 0;
        while offset < end {
            let len = (end - offset).min(WINDOW_BYTES / 4);
            let Some(bytes) = self.get(disk, offset, len) else { return false };
            crc = crc32c::crc32c_append(crc, bytes);
            offset += len;
        }
        crc == entry.header.body_crc
    }
}

//! Looking at a ring without running it: `runnel ring inspect|verify|export`.
//!
//! Owns two walks over a folder, of segments and of frames. It takes no lock and changes nothing,
//! so it also works beside a running agent; what is written meanwhile may then look torn.
//! Memory is bounded by one segment's list of frames and one body.
//! Called by the offline commands with [`crate::RealDisk::read_only`], and by tests.

use std::io;

use crate::control::{Checkpoint, Releases};
use crate::disk::{Disk, FileId, read_full};
use crate::frame::Kind;
use crate::scan::{self, Source};
use crate::segment::{Entry, FORMAT, SEGMENT_HEADER_BYTES, SegmentHeader, slot_of};

/// One segment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The file's name.
    pub name: String,
    /// The file's size.
    pub bytes: u64,
    /// Its place in the order of segments; `None` when the file was never used, or its header is
    /// not sound.
    pub segment_seq: Option<u64>,
    /// The format of the header.
    pub format: u32,
    /// The ring that wrote it, in hexadecimal.
    pub ring: String,
    /// Whether it is closed by a sound index.
    pub sealed: bool,
    /// Frames of all kinds, sound as far as known without reading sealed bodies.
    pub frames: u64,
    /// Frames of the application.
    pub data_frames: u64,
    /// Items in them.
    pub items: u64,
    /// Bodies found unsound while searching for frames.
    pub corrupt_frames: u64,
    /// Bytes up to the end of the last frame.
    pub used_bytes: u64,
    /// Reads that failed.
    pub io_errors: u64,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// The segment's place in the order of segments.
    pub segment_seq: u64,
    /// The file's name.
    pub file: String,
    /// Where the frame begins in it.
    pub offset: u64,
    /// `data`, `checkpoint`, `ack`, `drop`, or `unknown`.
    pub kind: &'static str,
    /// Its place in the order of appends; for control frames, of the last frame before.
    pub seq: u64,
    /// Opaque to the ring.
    pub kind_tag: u8,
    /// Opaque to the ring.
    pub codec: u8,
    /// Samples or lines in it.
    pub items: u32,
    /// The payload's size before packing.
    pub raw_len: u32,
    /// Note and payload together.
    pub body_len: u32,
    /// The slots of the readers it was written for.
    pub claims: u32,
    /// The earliest time in it. Unit: milliseconds since the epoch.
    pub time_min_ms: i64,
    /// The latest time in it. Unit: milliseconds since the epoch.
    pub time_max_ms: i64,
    /// Whether the body holds its checksum.
    pub sound: bool,
    /// The note of a sound data frame.
    pub note: Vec<u8>,
    /// The payload of a sound data frame.
    pub payload: Vec<u8>,
    /// What a sound control frame says, in words.
    pub says: String,
}

/// A segment file with its header.
struct Opened {
    name: String,
    file: FileId,
    bytes: u64,
    header: Option<SegmentHeader>,
}

/// Lists the segments of a folder, in their order; unused ones come first.
///
/// # Errors
/// That of listing or opening; a failing read only makes a segment look unused or short.
pub fn segments(disk: &mut impl Disk) -> io::Result<Vec<SegmentInfo>> {
    let mut segments = Vec::new();
    for one in open(disk)? {
        let mut info = SegmentInfo {
            name: one.name.clone(),
            bytes: one.bytes,
            segment_seq: None,
            format: FORMAT,
            ring: String::new(),
            sealed: false,
            frames: 0,
            data_frames: 0,
            items: 0,
            corrupt_frames: 0,
            used_bytes: 0,
            io_errors: 0,
        };
        if let Some(header) = &one.header {
            let found = scan::list(disk, source(&one, header));
            let data = || found.entries.iter().filter(|entry| entry.header.kind == Kind::Data);
            info.segment_seq = Some(header.segment_seq);
            info.format = header.format;
            info.ring = header.uuid.iter().map(|byte| format!("{byte:02x}")).collect();
            info.sealed = found.sealed;
            info.frames = found.entries.len() as u64;
            info.data_frames = data().count() as u64;
            info.items = data().map(|entry| u64::from(entry.header.items)).sum();
            info.corrupt_frames = found.corrupt.len() as u64;
            info.used_bytes = found.end;
            info.io_errors = found.io_errors;
        }
        segments.push(info);
    }
    Ok(segments)
}

/// Reads and verifies every frame of a folder in order, and shows it to `visit`.
///
/// A frame that was carried over, or acknowledged, or evicted, but not yet written over, is shown
/// too: this is what the disk holds, not what readers claim.
///
/// # Errors
/// That of listing or opening.
pub fn frames(disk: &mut impl Disk, mut visit: impl FnMut(&FrameInfo)) -> io::Result<()> {
    for one in open(disk)? {
        let Some(header) = &one.header else { continue };
        let found = scan::list(disk, source(&one, header));
        let mut entries: Vec<Entry> = found.entries;
        entries.extend(found.corrupt);
        entries.sort_by_key(|entry| entry.offset);
        for entry in &entries {
            let body = scan::body(disk, one.file, entry);
            visit(&describe(&one.name, entry, body));
        }
    }
    Ok(())
}

fn source<'a>(one: &Opened, header: &'a SegmentHeader) -> Source<'a> {
    let bytes = one.bytes.min(header.segment_bytes).min(u64::from(u32::MAX)) / 8 * 8;
    Source { file: one.file, header, bytes }
}

fn open(disk: &mut impl Disk) -> io::Result<Vec<Opened>> {
    let mut opened = Vec::new();
    for (name, bytes) in disk.list()? {
        if slot_of(&name).is_none() {
            continue;
        }
        let file = disk.open(&name)?;
        let mut head = vec![0; SEGMENT_HEADER_BYTES as usize];
        let read = read_full(disk, file, 0, &mut head);
        let header = read.ok().and_then(|_| SegmentHeader::decode(&head));
        let known = header.filter(|header| header.format <= FORMAT);
        opened.push(Opened { name, file, bytes, header: known });
    }
    opened.sort_by_key(|one| {
        (one.header.as_ref().map_or(0, |header| header.segment_seq), one.name.clone())
    });
    Ok(opened)
}

fn describe(file: &str, entry: &Entry, body: Option<Vec<u8>>) -> FrameInfo {
    let header = &entry.header;
    let (mut note, mut payload, mut says) = (Vec::new(), Vec::new(), String::new());
    let sound = body.is_some();
    if let Some(mut body) = body {
        says = say(header.kind, &body);
        if header.kind == Kind::Data {
            payload = body.split_off((header.note_len as usize).min(body.len()));
            note = body;
        }
    }
    FrameInfo {
        segment_seq: header.segment_seq,
        file: file.to_owned(),
        offset: entry.offset,
        kind: match header.kind {
            Kind::Ack => "ack",
            Kind::Checkpoint => "checkpoint",
            Kind::Data => "data",
            Kind::Drop => "drop",
            Kind::Seal | Kind::Unknown(_) => "unknown",
        },
        seq: header.seq,
        kind_tag: header.kind_tag,
        codec: header.codec,
        items: header.items,
        raw_len: header.raw_len,
        body_len: header.body_len,
        claims: header.claims,
        time_min_ms: header.time_min_ms,
        time_max_ms: header.time_max_ms,
        sound,
        note,
        payload,
        says,
    }
}

fn say(kind: Kind, body: &[u8]) -> String {
    match kind {
        Kind::Checkpoint => Checkpoint::decode(body).map(|checkpoint| {
            let names = checkpoint.readers.named();
            let names: Vec<String> =
                names.map(|(slot, reader)| format!("{slot}={}", reader.name)).collect();
            format!(
                "next {}, readers {}, table of {} bytes up to {}",
                checkpoint.next_seq,
                names.join(" "),
                checkpoint.table.len(),
                checkpoint.table_seq
            )
        }),
        Kind::Ack | Kind::Drop => Releases::decode(body).map(|releases| {
            let each = releases.releases.iter().map(|release| {
                let name = releases.readers.at(release.slot).map_or("?", |reader| &reader.name);
                format!(
                    "{name} {}..={} {}: {} frames, {} items",
                    release.first_seq,
                    release.last_seq,
                    release.reason.name(),
                    release.total.frames,
                    release.total.items
                )
            });
            each.collect::<Vec<String>>().join("; ")
        }),
        Kind::Data | Kind::Seal | Kind::Unknown(_) => Some(String::new()),
    }
    .unwrap_or_else(|| "not readable by this version".to_owned())
}

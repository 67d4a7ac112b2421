//! The fixed parts of a segment file: its header, its seal and its trailer.
//!
//! Owns their bytes. Never knows what is live or who reads.
//! Invariants: a header that decodes is sound; a seal lists only frames that were durable when it
//! was written, since the segment is synced before it is sealed.
//! Called by the writer, by recovery and by the offline commands.

use crate::frame::{ALIGN, HEADER_BYTES, Header, Kind, SEQ_MAX, u32_at, u64_at};

/// The format that this version writes; a later one is refused.
pub(crate) const FORMAT: u32 = 1;
/// The bytes before the first frame.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 4096;
/// The second copy of the header: another sector, in case the first one rots.
const COPY_AT: usize = 2048;
const HEADER_MAGIC: u64 = 0x3152_4c45_4e4e_5552;
const HEADER_LEN: usize = 64;
const TRAILER_MAGIC: u32 = 0x544c_4e52;
/// The bytes at a segment's end that say where the seal begins.
pub(crate) const TRAILER_BYTES: u64 = 16;
/// The bytes of a seal for each frame.
pub(crate) const ENTRY_BYTES: usize = 64;

/// The header of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub format: u32,
    pub uuid: [u8; 16],
    /// Orders the segments; the highest one is being written.
    pub segment_seq: u64,
    pub first_seq: u64,
    pub segment_bytes: u64,
    pub nonce: u32,
}

impl SegmentHeader {
    /// Writes the first 4 KiB of a segment.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut copy = Vec::with_capacity(HEADER_LEN);
        copy.extend_from_slice(&HEADER_MAGIC.to_le_bytes());
        copy.extend_from_slice(&self.format.to_le_bytes());
        copy.extend_from_slice(&self.nonce.to_le_bytes());
        copy.extend_from_slice(&self.uuid);
        copy.extend_from_slice(&self.segment_seq.to_le_bytes());
        copy.extend_from_slice(&self.first_seq.to_le_bytes());
        copy.extend_from_slice(&self.segment_bytes.to_le_bytes());
        copy.extend_from_slice(&[0; 4]);
        let crc = crc32c::crc32c(&copy);
        copy.extend_from_slice(&crc.to_le_bytes());
        let mut out = vec![0; SEGMENT_HEADER_BYTES as usize];
        out[..HEADER_LEN].copy_from_slice(&copy);
        out[COPY_AT..COPY_AT + HEADER_LEN].copy_from_slice(&copy);
        out
    }

    /// Decodes the sound copy, the later one when both are sound but differ.
    ///
    /// A torn rewrite leaves the copies of two laps; the frames of the earlier one are gone or
    /// free in any case.
    pub(crate) fn decode(bytes: &[u8]) -> Option<SegmentHeader> {
        let copies = [bytes.get(..HEADER_LEN), bytes.get(COPY_AT..COPY_AT + HEADER_LEN)];
        let sound = copies.into_iter().flatten().filter_map(SegmentHeader::decode_copy);
        sound.max_by_key(|header| header.segment_seq)
    }

    fn decode_copy(bytes: &[u8]) -> Option<SegmentHeader> {
        let sealed = crc32c::crc32c(&bytes[..HEADER_LEN - 4]) == u32_at(bytes, HEADER_LEN - 4);
        if !sealed || u64_at(bytes, 0) != HEADER_MAGIC {
            return None;
        }
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&bytes[16..32]);
        let header = SegmentHeader {
            format: u32_at(bytes, 8),
            nonce: u32_at(bytes, 12),
            uuid,
            segment_seq: u64_at(bytes, 32),
            first_seq: u64_at(bytes, 40),
            segment_bytes: u64_at(bytes, 48),
        };
        (header.segment_seq < SEQ_MAX && header.first_seq < SEQ_MAX).then_some(header)
    }
}

/// One frame as a seal lists it: its header, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub offset: u64,
    pub header: Header,
}

/// The bytes that seal and trailer take for so many frames.
pub(crate) fn seal_bytes(frames: usize) -> u64 {
    (HEADER_BYTES + frames * ENTRY_BYTES) as u64 + TRAILER_BYTES
}

/// Builds seal and trailer; they end with the segment.
pub(crate) fn seal(entries: &[Entry], header: &SegmentHeader, last_seq: u64) -> Vec<u8> {
    let mut body = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    for entry in entries {
        encode_entry(&mut body, entry);
    }
    let mut seal = Header::control(Kind::Seal, last_seq);
    seal.segment_seq = header.segment_seq;
    seal.nonce = header.nonce;
    let mut out = Vec::new();
    crate::frame::build(&mut out, &mut seal, &[], &body);
    let start = header.segment_bytes - TRAILER_BYTES - out.len() as u64;
    out.extend_from_slice(&trailer(start));
    out
}

fn trailer(start: u64) -> [u8; TRAILER_BYTES as usize] {
    let mut out = [0; TRAILER_BYTES as usize];
    out[0..4].copy_from_slice(&TRAILER_MAGIC.to_le_bytes());
    out[4..12].copy_from_slice(&start.to_le_bytes());
    let crc = crc32c::crc32c(&out[..12]);
    out[12..].copy_from_slice(&crc.to_le_bytes());
    out
}

/// Reads where the seal begins; nothing when the trailer is not sound.
pub(crate) fn decode_trailer(bytes: &[u8]) -> Option<u64> {
    let bytes = bytes.get(..TRAILER_BYTES as usize)?;
    let sound =
        u32_at(bytes, 0) == TRAILER_MAGIC && u32_at(bytes, 12) == crc32c::crc32c(&bytes[..12]);
    sound.then(|| u64_at(bytes, 4))
}

fn encode_entry(out: &mut Vec<u8>, entry: &Entry) {
    let header = &entry.header;
    out.extend_from_slice(&header.seq.to_le_bytes());
    out.extend_from_slice(&header.time_min_ms.to_le_bytes());
    out.extend_from_slice(&header.time_max_ms.to_le_bytes());
    // A segment has at most 64 MiB, so an offset fits.
    out.extend_from_slice(&(entry.offset as u32).to_le_bytes());
    for word in [header.body_len, header.note_len, header.body_crc, header.raw_len] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(&header.items.to_le_bytes());
    out.extend_from_slice(&header.claims.to_le_bytes());
    out.extend_from_slice(&[header.kind.byte(), header.kind_tag, header.codec, 0]);
    out.extend_from_slice(&[0; 8]);
}

/// Decodes the body of a seal; entries that point outside the segment are left out.
pub(crate) fn decode_entries(body: &[u8], segment: &SegmentHeader, bytes: u64) -> Vec<Entry> {
    let entries = body.chunks_exact(ENTRY_BYTES).map(|entry| Entry {
        offset: u64::from(u32_at(entry, 24)),
        header: Header {
            seq: u64_at(entry, 0),
            time_min_ms: u64_at(entry, 8) as i64,
            time_max_ms: u64_at(entry, 16) as i64,
            body_len: u32_at(entry, 28),
            note_len: u32_at(entry, 32),
            body_crc: u32_at(entry, 36),
            raw_len: u32_at(entry, 40),
            items: u32_at(entry, 44),
            claims: u32_at(entry, 48),
            kind: Kind::from_byte(entry[52]),
            kind_tag: entry[53],
            codec: entry[54],
            segment_seq: segment.segment_seq,
            nonce: segment.nonce,
        },
    });
    let sound = entries.filter(|entry| {
        let header = &entry.header;
        entry.offset >= SEGMENT_HEADER_BYTES
            && entry.offset.is_multiple_of(ALIGN as u64)
            && entry.offset + header.frame_bytes() <= bytes
            && header.note_len <= header.body_len
            && header.seq < SEQ_MAX
    });
    sound.collect()
}

/// The file name of a segment.
pub(crate) fn file_name(slot: u32) -> String {
    format!("seg-{slot:05}.ring")
}

/// The slot of a file name; nothing when the file is no segment.
pub(crate) fn slot_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("seg-")?.strip_suffix(".ring")?;
    let number = digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            format: FORMAT,
            uuid: [7; 16],
            segment_seq: 9,
            first_seq: 100,
            segment_bytes: 65536,
            nonce: 5,
        }
    }

    #[test]
    fn a_header_survives_the_loss_of_either_copy() {
        let good = header().encode();
        assert_eq!(SegmentHeader::decode(&good), Some(header()));
        for at in [3, COPY_AT + 40] {
            let mut hurt = good.clone();
            hurt[at] ^= 4;
            assert_eq!(SegmentHeader::decode(&hurt), Some(header()));
            hurt[3] ^= 1;
            hurt[COPY_AT + 3] ^= 1;
            assert_eq!(SegmentHeader::decode(&hurt), None);
        }
        assert_eq!(SegmentHeader::decode(&[]), None);
    }

    #[test]
    fn a_seal_reads_back() {
        let mut frame = Header::control(Kind::Data, 101);
        frame.segment_seq = 9;
        frame.nonce = 5;
        frame.body_len = 24;
        frame.note_len = 4;
        frame.claims = 3;
        let entry = Entry { offset: 4096, header: frame };
        let bytes = seal(std::slice::from_ref(&entry), &header(), 101);
        assert_eq!(bytes.len() as u64, seal_bytes(1));
        let start = decode_trailer(&bytes[bytes.len() - 16..]).expect("sound");
        assert_eq!(start, 65536 - bytes.len() as u64);
        let body = &bytes[HEADER_BYTES..bytes.len() - 16];
        assert_eq!(decode_entries(body, &header(), 65536), vec![entry]);
        assert_eq!(decode_entries(body, &header(), 4096), vec![]);
    }

    #[test]
    fn file_names_name_slots() {
        assert_eq!(slot_of(&file_name(42)), Some(42));
        for name in ["seg-1.ring", "seg-00001.dat", "seg-0000a.ring", "ring.lock", "seg-+0001.ring"]
        {
            assert_eq!(slot_of(name), None, "{name}");
        }
    }
}

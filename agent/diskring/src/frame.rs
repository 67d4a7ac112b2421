//! The frame: what every byte after a segment's header belongs to.
//!
//! Owns the 72-byte frame header, its two checksums, and nothing else.
//! Never knows segments as files, readers by name, or what a body means.
//! Invariants: a header that decodes has a sound checksum, so its lengths may be trusted;
//! a frame starts at a multiple of [`ALIGN`] and its size is one too.
//! Called by the writer, the scanner and the offline commands.

/// The first bytes of every frame, little-endian `RNLF`.
pub(crate) const MAGIC: u32 = 0x464c_4e52;
/// The size of a frame header.
pub(crate) const HEADER_BYTES: usize = 72;
/// Frames start at multiples of this, so that a scan has few places to try.
pub(crate) const ALIGN: usize = 8;
/// Sequences found at or above this are refused as nonsense: at a million frames a second they last
/// 146,000 years, and additions below need no overflow check.
pub(crate) const SEQ_MAX: u64 = 1 << 62;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Claims released because a reader was done with the frames.
    Ack,
    /// The whole state at a segment's start: readers, live claims, application table.
    Checkpoint,
    /// What the application appended.
    Data,
    /// Claims released for any other cause: a gap.
    Drop,
    /// The index of a full segment.
    Seal,
    /// A kind of a later version: skipped.
    Unknown(u8),
}

impl Kind {
    /// Reads the kind of its byte.
    pub(crate) fn from_byte(byte: u8) -> Kind {
        match byte {
            1 => Kind::Data,
            2 => Kind::Checkpoint,
            3 => Kind::Ack,
            4 => Kind::Drop,
            5 => Kind::Seal,
            other => Kind::Unknown(other),
        }
    }

    /// Writes the kind as its byte.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Kind::Data => 1,
            Kind::Checkpoint => 2,
            Kind::Ack => 3,
            Kind::Drop => 4,
            Kind::Seal => 5,
            Kind::Unknown(byte) => byte,
        }
    }
}

/// One frame header, decoded.
///
/// Shape: see `docs/ring-format.md`. The body is the note followed by the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub kind: Kind,
    pub seq: u64,
    /// The segment's sequence: a frame of an earlier lap carries another.
    pub segment_seq: u64,
    /// Drawn at random when the segment was opened: after a crash the same sequence may be given
    /// a second time, and frames of the first attempt must not count.
    pub nonce: u32,
    /// Note and payload together.
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

impl Header {
    /// A header with every field that a control frame leaves alone.
    pub(crate) fn control(kind: Kind, seq: u64) -> Header {
        Header {
            kind,
            seq,
            segment_seq: 0,
            nonce: 0,
            body_len: 0,
            note_len: 0,
            body_crc: 0,
            raw_len: 0,
            items: 0,
            claims: 0,
            kind_tag: 0,
            codec: 0,
            time_min_ms: 0,
            time_max_ms: 0,
        }
    }

    /// Decodes the header at the start of `bytes`; nothing when it is not one or not sound.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Header> {
        let bytes = bytes.get(..HEADER_BYTES)?;
        if u32_at(bytes, 0) != MAGIC || u32_at(bytes, 4) != crc32c::crc32c(&bytes[8..]) {
            return None;
        }
        let header = Header {
            body_len: u32_at(bytes, 8),
            note_len: u32_at(bytes, 12),
            seq: u64_at(bytes, 16),
            segment_seq: u64_at(bytes, 24),
            time_min_ms: u64_at(bytes, 32) as i64,
            time_max_ms: u64_at(bytes, 40) as i64,
            nonce: u32_at(bytes, 48),
            body_crc: u32_at(bytes, 52),
            items: u32_at(bytes, 56),
            raw_len: u32_at(bytes, 60),
            claims: u32_at(bytes, 64),
            kind: Kind::from_byte(bytes[68]),
            kind_tag: bytes[69],
            codec: bytes[70],
        };
        (header.note_len <= header.body_len).then_some(header)
    }

    /// Writes the header over the first [`HEADER_BYTES`] of `out`.
    ///
    /// # Panics
    /// When `out` is shorter than a header.
    pub(crate) fn encode(&self, out: &mut [u8]) {
        let out = &mut out[..HEADER_BYTES];
        out[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        out[8..12].copy_from_slice(&self.body_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.note_len.to_le_bytes());
        out[16..24].copy_from_slice(&self.seq.to_le_bytes());
        out[24..32].copy_from_slice(&self.segment_seq.to_le_bytes());
        out[32..40].copy_from_slice(&self.time_min_ms.to_le_bytes());
        out[40..48].copy_from_slice(&self.time_max_ms.to_le_bytes());
        out[48..52].copy_from_slice(&self.nonce.to_le_bytes());
        out[52..56].copy_from_slice(&self.body_crc.to_le_bytes());
        out[56..60].copy_from_slice(&self.items.to_le_bytes());
        out[60..64].copy_from_slice(&self.raw_len.to_le_bytes());
        out[64..68].copy_from_slice(&self.claims.to_le_bytes());
        out[68] = self.kind.byte();
        out[69] = self.kind_tag;
        out[70] = self.codec;
        out[71] = 0;
        let crc = crc32c::crc32c(&out[8..]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
    }

    /// The bytes that this frame takes on disk, padding included.
    pub(crate) fn frame_bytes(&self) -> u64 {
        frame_bytes(self.body_len as usize)
    }
}

/// The bytes that a frame with such a body takes on disk, padding included.
pub(crate) fn frame_bytes(body_len: usize) -> u64 {
    (HEADER_BYTES + body_len).next_multiple_of(ALIGN) as u64
}

/// Builds a whole frame in `out`: header, note, payload, zero padding.
///
/// The lengths and the body checksum of `header` are filled in; `out` is cleared first, so that a
/// buffer can serve again. This is the one copy that an append makes.
pub(crate) fn build(out: &mut Vec<u8>, header: &mut Header, note: &[u8], payload: &[u8]) {
    let body_len = note.len() + payload.len();
    out.clear();
    out.reserve(frame_bytes(body_len) as usize);
    out.resize(HEADER_BYTES, 0);
    out.extend_from_slice(note);
    out.extend_from_slice(payload);
    header.body_len = body_len as u32;
    header.note_len = note.len() as u32;
    header.body_crc = crc32c::crc32c(&out[HEADER_BYTES..]);
    out.resize(frame_bytes(body_len) as usize, 0);
    header.encode(out);
}

/// Reads a little-endian `u32`; the caller has checked the length.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// Reads a little-endian `u64`; the caller has checked the length.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests;

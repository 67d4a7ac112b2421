//! Whole gzip bodies, inflated at once.
//!
//! Owns the choice between libdeflate, three times as fast as a streaming decoder, and that
//! decoder, for what libdeflate cannot do: more than one member, and bodies too large to hold.
//! Trusts nothing the body says of its own size.

use libdeflater::{DecompressionError, Decompressor};
use memchr::memmem;

/// Largest text that is held whole. Derivation: above it the streaming road's slower inflation is
/// worth the memory; a page of 50,000 samples.
pub(super) const WHOLE_BYTES_MAX: usize = 8 << 20;

/// Smallest output buffer: most pages fit at the first try.
const BUFFER_BYTES_MIN: usize = 64 << 10;

/// First bytes of a member: magic and the only method there is.
const MEMBER: [u8; 3] = [0x1f, 0x8b, 8];

/// What became of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// It is not gzip, or broken.
    Broken,
    /// Its text has this many bytes.
    Text(usize),
    /// It has to be read as a stream.
    Stream,
}

/// Inflates `body` into `text`, which grows as needed and never shrinks here.
pub(super) fn inflate(decompressor: &mut Decompressor, body: &[u8], text: &mut Vec<u8>) -> Whole {
    let stated = stated_bytes(body);
    if stated > WHOLE_BYTES_MAX || may_have_members(body) {
        return Whole::Stream;
    }
    let mut room = stated.max(BUFFER_BYTES_MIN);
    loop {
        if text.len() < room {
            text.resize(room, 0);
        }
        match decompressor.gzip_decompress(body, text) {
            // The body's end states another size: there is more behind the first member.
            Ok(bytes) if bytes != stated => return Whole::Stream,
            Ok(bytes) => return Whole::Text(bytes),
            Err(DecompressionError::BadData) => return Whole::Broken,
            Err(DecompressionError::InsufficientSpace) if text.len() >= WHOLE_BYTES_MAX => {
                return Whole::Stream;
            }
            Err(DecompressionError::InsufficientSpace) => {
                room = (2 * text.len()).min(WHOLE_BYTES_MAX);
            }
        }
    }
}

/// The size that the last four bytes state: a hint for the buffer.
fn stated_bytes(body: &[u8]) -> usize {
    let last = body.last_chunk().copied().unwrap_or_default();
    u32::from_le_bytes(last) as usize
}

/// Whether another member may begin inside the body; chance says yes once in a thousand pages,
/// which only costs time.
fn may_have_members(body: &[u8]) -> bool {
    body.get(MEMBER.len()..).is_some_and(|rest| memmem::find(rest, &MEMBER).is_some())
}

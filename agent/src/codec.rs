//! Codecs of request bodies: zstd frames as they lie in the ring, or one snappy block.
//!
//! Owns packing and unpacking. Never knows what the bytes mean or where they go.

use bytes::Bytes;

use crate::send::Codec;

/// Largest inflated body of one frame: eight times what a block holds, so that only a foreign or a
/// broken frame is above it.
const RAW_BYTES_MAX: usize = 64 << 20;

/// Level of a body that is packed again, as that of the blocks.
const ZSTD_LEVEL: i32 = 2;

/// The bytes are not what they were packed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecodable;

/// Packs whole zstd frames for the wire. One frame under zstd is not copied.
///
/// # Errors
/// [`Undecodable`] when a frame has to be unpacked and can't be.
pub fn pack(frames: &[Bytes], codec: Codec) -> Result<Bytes, Undecodable> {
    match (codec, frames) {
        (Codec::Zstd, [frame]) => Ok(frame.clone()),
        (Codec::Zstd, frames) => Ok(frames.concat().into()),
        (Codec::Snappy, frames) => {
            let mut raw = Vec::new();
            for frame in frames {
                raw.extend_from_slice(&unpack(frame)?);
            }
            pack_raw(&raw, Codec::Snappy)
        }
    }
}

/// Packs raw protobuf for the wire.
///
/// # Errors
/// [`Undecodable`] when the body is above what the codec can hold.
pub fn pack_raw(raw: &[u8], codec: Codec) -> Result<Bytes, Undecodable> {
    match codec {
        Codec::Snappy => snap::raw::Encoder::new().compress_vec(raw).map_err(|_| Undecodable),
        Codec::Zstd => zstd::bulk::compress(raw, ZSTD_LEVEL).map_err(|_| Undecodable),
    }
    .map(Bytes::from)
}

/// Unpacks one zstd frame.
///
/// # Errors
/// [`Undecodable`] when it is not one, or is above [`RAW_BYTES_MAX`].
pub fn unpack(frame: &[u8]) -> Result<Vec<u8>, Undecodable> {
    use std::io::Read;
    let mut raw = Vec::new();
    let decoder = zstd::Decoder::with_buffer(frame).map_err(|_| Undecodable)?;
    let mut limited = decoder.take(RAW_BYTES_MAX as u64 + 1);
    limited.read_to_end(&mut raw).map_err(|_| Undecodable)?;
    if raw.len() > RAW_BYTES_MAX { Err(Undecodable) } else { Ok(raw) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_become_one_snappy_block_with_the_same_bytes() {
        let frames: Vec<Bytes> = [&b"one "[..], b"two"]
            .iter()
            .map(|raw| pack_raw(raw, Codec::Zstd).expect("fits"))
            .collect();
        let block = pack(&frames, Codec::Snappy).expect("whole frames");
        assert_eq!(snap::raw::Decoder::new().decompress_vec(&block).expect("snappy"), b"one two");
        let joined = pack(&frames, Codec::Zstd).expect("joins");
        assert_eq!(unpack(&joined).expect("two frames"), b"one two");
    }

    #[test]
    fn a_broken_frame_is_said_to_be_one() {
        let frame = pack_raw(&[7; 10_000], Codec::Zstd).expect("fits");
        for broken in [&frame[..frame.len() - 1], b"not zstd", &[]] {
            assert!(unpack(broken).is_err() || unpack(broken) == Ok(Vec::new()), "{broken:?}");
        }
        assert_eq!(pack(&[Bytes::from_static(b"not zstd")], Codec::Snappy), Err(Undecodable));
    }
}

//! The entry of the fuzz target: a ring made of any bytes must open, serve and take frames.
//!
//! Owns the way from one input to a folder's image. Called by fuzzing and by the tests.

use crate::disk::sim::SimDisk;
use crate::index::{Order, Reason};
use crate::segment::file_name;
use crate::{Claims, Frame, Options, Ring, offline};

/// The size of a segment in the image.
const SEGMENT_BYTES: usize = 64 << 10;

/// Opens a ring whose files are made of `data`, and uses it.
///
/// The first byte says how many files the rest is cut into; a file is filled up with zeros.
///
/// # Panics
/// When the ring does: that is what is sought.
pub fn fuzz_recover(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let files = usize::from(first % 4) + 1;
    let disk = SimDisk::new(u64::from(first));
    for (slot, chunk) in (0..).zip(rest.chunks(rest.len().div_ceil(files).max(1))) {
        let mut bytes = chunk.to_vec();
        bytes.resize(SEGMENT_BYTES.max(chunk.len()), 0);
        disk.put(&file_name(slot), &bytes);
    }
    let mut seen = 0u64;
    offline::frames(&mut disk.clone(), |frame| seen += frame.body_len as u64).unwrap_or_default();
    let options = Options { segment_bytes: Some(SEGMENT_BYTES as u64), ..Options::new(4 * 65_536) };
    if let Ok((ring, _)) = Ring::open(options, disk) {
        exercise(ring);
    }
}

fn exercise(mut ring: Ring<SimDisk>) {
    let known: Vec<_> = ring.reader_names();
    for (reader, _) in known {
        while let Some(meta) = ring.next(reader, Order::Oldest, None, None) {
            if ring.read(meta.seq).is_ok() {
                ring.drop_for(reader, meta.seq, Reason::Rejected);
            }
        }
    }
    let readers = ring.readers(&["fuzz"]).expect("one short name");
    for _ in 0..40 {
        let frame = Frame {
            claims: Claims::of(&readers),
            payload: &[7; 20_000],
            items: 1,
            ..Frame::default()
        };
        ring.append(&frame).expect("the frame is small");
    }
    ring.commit();
    for &reader in &readers {
        assert!(ring.next(reader, Order::Newest, None, None).is_some(), "BUG: the last frame went");
    }
}

//! Damage: cut writes, flipped bits, and bytes that never were a ring.

use std::collections::BTreeMap;

use super::model::SEGMENT_BYTES;
use crate::disk::sim::{SimDisk, draw};
use crate::frame::frame_bytes;
use crate::fuzz::fuzz_recover;
use crate::segment::{SEGMENT_HEADER_BYTES, file_name};
use crate::{Claims, Frame, Options, Ring};

type Image = Vec<(String, Vec<u8>)>;

fn options() -> Options {
    Options { segment_bytes: Some(SEGMENT_BYTES), ..Options::new(8 * SEGMENT_BYTES) }
}

fn payload(seq: u64) -> Vec<u8> {
    let mut state = seq;
    (0..400 + seq as usize * 37 % 3000).map(|_| draw(&mut state) as u8).collect()
}

/// A ring of a hundred durable frames, some acknowledged, in several segments.
fn build() -> Ring<SimDisk> {
    let (mut ring, _) = Ring::open(options(), SimDisk::new(1)).expect("opens");
    let readers = ring.readers(&["a", "b"]).expect("two names");
    for seq in 1..=100 {
        let payload = payload(seq);
        let claims = Claims::of(&readers);
        ring.append(&Frame { claims, payload: &payload, ..Frame::default() }).expect("it fits");
        if seq % 5 == 0 {
            ring.acknowledge(readers[0], seq);
        }
        if seq % 10 == 0 {
            ring.commit();
        }
    }
    assert!(ring.take_removals().is_empty());
    ring
}

fn disk_of(image: &Image) -> SimDisk {
    let disk = SimDisk::new(2);
    image.iter().for_each(|(name, bytes)| disk.put(name, bytes));
    disk
}

#[test]
fn a_write_cut_at_any_byte_costs_only_itself() {
    let mut ring = build();
    let before = ring.disk.image();
    let reader = ring.reader("b").expect("declared");
    let last = payload(101);
    let claims = Claims::of(&[reader]);
    ring.append(&Frame { claims, payload: &last, ..Frame::default() }).expect("it fits");
    let after = ring.disk.image();
    let record = *ring.index.at(101).expect("claimed");
    let (start, len) = (record.offset as usize, frame_bytes(last.len()) as usize);
    for cut in 0..=len {
        let mut image = before.clone();
        for (file, (_, whole)) in image.iter_mut().zip(&after) {
            if file.0 == file_name(record.slot) {
                file.1[start..start + cut].copy_from_slice(&whole[start..start + cut]);
            }
        }
        let (mut ring, recovery) = Ring::open(options(), disk_of(&image)).expect("opens");
        let reader = ring.reader("b").expect("its table is durable");
        let found = ring.held(reader, None).frames;
        // The padding at the end may be cut.
        let whole = cut >= 72 + last.len() || found == 101;
        assert_eq!(found, 100 + u64::from(whole), "cut at {cut} of {len}");
        assert_eq!(recovery.corrupt_frames, 0);
        if whole {
            assert_eq!(ring.read(101).expect("it is whole").payload, last);
        }
    }
}

#[test]
fn flipped_bits_cost_only_what_they_touch() {
    let ring = build();
    let image = ring.disk.image();
    let places: BTreeMap<u64, (String, u64, u64)> = ring
        .index
        .iter()
        .map(|(seq, record)| {
            let len = frame_bytes(record.body_len as usize);
            (seq, (file_name(record.slot), u64::from(record.offset), len))
        })
        .collect();
    let mut state = 77;
    for round in 0..1500 {
        let disk = disk_of(&image);
        let mut flips = Vec::new();
        for _ in 0..1 + round % 64 {
            let at = draw(&mut state) as usize % image.len();
            let bit = draw(&mut state) % (image[at].1.len() as u64 * 8);
            disk.flip(&image[at].0, bit);
            flips.push((image[at].0.clone(), bit / 8));
        }
        let (mut ring, recovery) = Ring::open(options(), disk).expect("opens");
        ring.index.audit();
        let headers = |name: &String| {
            let hits = flips.iter().filter(|(file, at)| file == name && *at < SEGMENT_HEADER_BYTES);
            hits.count()
        };
        // Claims without a single sound reader table are told, and cannot be tested further.
        if ring.reader("b").is_none() {
            assert!(recovery.nameless_claims > 0);
            continue;
        }
        for (seq, (file, offset, len)) in &places {
            let touched =
                flips.iter().any(|(name, at)| name == file && (*offset..offset + len).contains(at));
            if touched || headers(file) >= 2 {
                if let Ok(read) = ring.read(*seq) {
                    assert_eq!(read.payload, payload(*seq));
                }
            } else {
                let read = ring.read(*seq);
                let read = read.unwrap_or_else(|error| panic!("round {round}: {seq}: {error}"));
                assert_eq!(read.payload, payload(*seq));
            }
        }
        ring.index.audit();
    }
}

#[test]
fn any_bytes_open() {
    let mut state = 99;
    for length in [0, 1, 2, 100, 5000, 70_000] {
        let bytes: Vec<u8> = (0..length).map(|_| draw(&mut state) as u8).collect();
        fuzz_recover(&bytes);
    }
    let whole: Vec<u8> = build().disk.image().into_iter().take(4).flat_map(|file| file.1).collect();
    for round in 0..150 {
        let mut bytes = vec![3];
        bytes.extend_from_slice(&whole);
        for _ in 0..round {
            let at = 1 + draw(&mut state) as usize % whole.len();
            bytes[at] = draw(&mut state) as u8;
        }
        fuzz_recover(&bytes);
    }
}

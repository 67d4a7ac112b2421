//! What goes first, what stays, and what a change of the settings does.

use super::model::SEGMENT_BYTES;
use crate::disk::sim::SimDisk;
use crate::segment::{SegmentHeader, file_name};
use crate::{Claims, Frame, OpenError, Options, Order, ReaderId, Reason, Ring};

const METRICS: u8 = 1;
const LOGS: u8 = 2;

fn options(segments: u64) -> Options {
    Options {
        segment_bytes: Some(SEGMENT_BYTES),
        precious: vec![METRICS, LOGS],
        ..Options::new(segments * SEGMENT_BYTES)
    }
}

fn open(segments: u64, names: &[&str]) -> (Ring<SimDisk>, Vec<ReaderId>, SimDisk) {
    let disk = SimDisk::new(1);
    let (mut ring, _) = Ring::open(options(segments), disk.clone()).expect("opens");
    let readers = ring.readers(names).expect("good names");
    (ring, readers, disk)
}

fn append(ring: &mut Ring<SimDisk>, readers: &[ReaderId], kind_tag: u8, bytes: usize) -> u64 {
    let payload = vec![kind_tag; bytes];
    let time_ms = ring.status().append_seq as i64 * 1000;
    let frame = Frame {
        kind_tag,
        items: 10,
        time_min_ms: time_ms,
        time_max_ms: time_ms,
        claims: Claims::of(readers),
        payload: &payload,
        ..Frame::default()
    };
    ring.append(&frame).expect("it fits").seq
}

#[test]
fn a_full_ring_loses_the_oldest_and_tells() {
    let (mut ring, readers, _) = open(5, &["a"]);
    for _ in 0..100 {
        append(&mut ring, &readers, METRICS, 10_000);
    }
    let removals = ring.take_removals();
    let held = ring.held(readers[0], None);
    assert_eq!(removals.len() as u64 + held.frames, 100);
    assert!(removals.iter().all(|removal| removal.reason == Reason::Evicted));
    assert!(removals.iter().map(|removal| removal.seq).eq(1..=removals.len() as u64));
    // Three full segments of six frames and the one being written; a fifth stands by.
    assert!((18..=24).contains(&held.frames), "{held:?}");
}

#[test]
fn the_least_precious_goes_first() {
    let (mut ring, readers, _) = open(8, &["a"]);
    for round in 0..200 {
        let kind = if round % 10 == 0 { METRICS } else { LOGS };
        append(&mut ring, &readers, kind, 6_000);
    }
    let removals = ring.take_removals();
    let metrics = removals.iter().filter(|removal| removal.kind_tag == METRICS).count();
    assert_eq!(metrics, 0, "20 metric frames of 6 KB fit into 512 KiB");
    assert_eq!(ring.held(readers[0], Some(METRICS)).frames, 20);
    assert!(ring.held(readers[0], Some(LOGS)).frames > 25);
}

#[test]
fn a_slow_reader_of_little_loses_nothing_while_others_go_around() {
    let (mut ring, readers, disk) = open(6, &["fast", "slow"]);
    let (fast, slow) = (readers[0], readers[1]);
    let mut kept = Vec::new();
    for round in 0..600 {
        let for_slow = round % 60 == 0;
        let claims = if for_slow { &readers[..] } else { &readers[..1] };
        let seq = append(&mut ring, claims, LOGS, 5_000);
        kept.extend(for_slow.then_some(seq));
        ring.acknowledge(fast, seq).expect("it was just claimed");
        if round % 7 == 0 {
            ring.commit();
        }
    }
    ring.commit();
    assert_eq!(ring.take_removals(), vec![]);
    drop(ring);
    disk.crash(0);
    let (mut ring, _) = Ring::open(options(6), disk).expect("opens");
    assert_eq!(ring.held(fast, None).frames, 0);
    for seq in kept {
        assert_eq!(ring.next(slow, Order::Oldest, Some(seq - 1), None).map(|m| m.seq), Some(seq));
        assert_eq!(ring.read(seq).expect("it was carried over").payload, vec![LOGS; 5_000]);
    }
}

#[test]
fn what_is_too_old_goes_before_what_is_fresh() {
    let (mut ring, readers, _) = open(5, &["a"]);
    for _ in 0..10 {
        append(&mut ring, &readers, METRICS, 10_000);
    }
    ring.expire(20_000, &[(METRICS, 15_000)]);
    let removals = ring.take_removals();
    assert_eq!(removals.len(), 5);
    assert!(removals.iter().all(|removal| removal.reason == Reason::Expired));
    assert_eq!(ring.held(readers[0], None).frames, 5);
}

#[test]
fn a_reader_that_is_gone_loses_its_claims_for_ever() {
    let (mut ring, readers, disk) = open(5, &["a", "b"]);
    append(&mut ring, &readers, LOGS, 100);
    let ids = ring.readers(&["b", "c"]).expect("good names");
    let removals = ring.take_removals();
    assert_eq!(removals.len(), 1);
    assert_eq!((&*removals[0].reader, removals[0].reason), ("a", Reason::ReaderRemoved));
    assert_eq!(ids[1], readers[0], "the slot is used again");
    assert_eq!(ring.held(ids[1], None).frames, 0);
    drop(ring);
    disk.crash(0);
    let (ring, _) = Ring::open(options(5), disk).expect("opens");
    let held = |name| ring.held(ring.reader(name).expect("declared"), None).frames;
    assert_eq!((held("b"), held("c"), ring.reader("a")), (1, 0, None));
}

#[test]
fn the_budget_may_change_between_runs() {
    let (mut ring, readers, disk) = open(6, &["a"]);
    for _ in 0..12 {
        append(&mut ring, &readers, LOGS, 10_000);
    }
    ring.commit();
    drop(ring);
    for (segments, segment_bytes) in
        [(12, SEGMENT_BYTES), (4, SEGMENT_BYTES), (4, 2 * SEGMENT_BYTES)]
    {
        disk.kill();
        let mut options = options(segments);
        options.segment_bytes = Some(segment_bytes);
        options.budget_bytes = segments * segment_bytes;
        let (mut ring, recovery) = Ring::open(options, disk.clone()).expect("opens");
        let readers = ring.readers(&["a"]).expect("good names");
        assert!(recovery.frames >= 10, "{segments}: {recovery:?}");
        for _ in 0..60 {
            append(&mut ring, &readers, LOGS, 10_000);
        }
        ring.commit();
        let status = ring.status();
        assert!(status.disk_bytes <= segments * segment_bytes, "{status:?}");
        assert_eq!(u64::from(status.segments), segments);
    }
}

#[test]
fn table_and_notes_come_back() {
    let (mut ring, readers, disk) = open(4, &["a"]);
    let mut seqs = Vec::new();
    for round in 0..50u64 {
        if ring.wants_table(9_000) {
            ring.set_table(&round.to_le_bytes()).expect("it is small");
        }
        let note = round.to_le_bytes();
        let claims = Claims::of(&readers);
        let frame = Frame { claims, note: &note, payload: &[0; 8_992], ..Frame::default() };
        seqs.push(ring.append(&frame).expect("it fits").seq);
        ring.acknowledge(readers[0], round + 1);
    }
    ring.commit();
    drop(ring);
    disk.crash(0);
    let (_, recovery) = Ring::open(options(4), disk).expect("opens");
    let table = u64::from_le_bytes(recovery.table.try_into().expect("eight bytes"));
    assert_eq!(recovery.table_seq, table);
    let notes: Vec<u64> = recovery.notes.iter().map(|note| note.seq).collect();
    assert_eq!(notes, (table + 1..=50).collect::<Vec<u64>>(), "every note since the table");
}

#[test]
fn misuse_is_refused() {
    let (mut ring, _, disk) = open(4, &["a"]);
    let large = vec![0; ring.body_bytes_max() as usize + 1];
    assert!(ring.append(&Frame { payload: &large, ..Frame::default() }).is_err());
    assert!(ring.set_table(&large).is_err());
    assert_eq!(Ring::open(options(4), disk).err(), Some(OpenError::Locked));
    let newer = SegmentHeader {
        format: 2,
        uuid: [1; 16],
        segment_seq: 1,
        first_seq: 0,
        segment_bytes: SEGMENT_BYTES,
        nonce: 1,
    };
    let disk = SimDisk::new(1);
    let mut bytes = newer.encode();
    bytes.resize(SEGMENT_BYTES as usize, 0);
    disk.put(&file_name(0), &bytes);
    assert_eq!(Ring::open(options(4), disk).err(), Some(OpenError::NewerFormat(2)));
}

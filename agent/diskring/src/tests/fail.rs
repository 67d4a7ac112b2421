//! One run, in which every call of the disk fails in turn: once, and for good.

use super::model::{Model, SEGMENT_BYTES, Step};
use crate::disk::sim::{Fault, Plan, SimDisk};
use crate::{Claims, Frame, Options, Ring};

/// A run that goes around the ring, releases, reopens, and changes readers.
fn script() -> Vec<Step> {
    let mut steps = Vec::new();
    for round in 0..40u16 {
        let bytes = 3000 + round * 331;
        steps.push(Step::Append { bytes, kind: round as u8, claims: 1 + round as u8 % 3 });
        match round % 8 {
            1 => steps.push(Step::Acknowledge { reader: 0, nth: 1 }),
            2 => steps.push(Step::Commit),
            4 => steps.push(Step::Read { reader: 1, newest: round % 16 == 4 }),
            5 => steps.push(Step::Acknowledge { reader: 1, nth: 2 }),
            6 => steps.push(Step::Commit),
            7 => steps.push(Step::Retry),
            _ => {}
        }
    }
    steps.insert(50, Step::Readers { set: 6 });
    steps.push(Step::Commit);
    steps
}

#[test]
fn every_call_may_fail_once_or_for_good() {
    let mut counting = Model::new(1, 5);
    counting.disk.fail(None);
    script().iter().for_each(|step| counting.step(step));
    let calls_all = counting.disk.calls();
    assert!(calls_all > 100, "the script makes {calls_all} calls");
    for fault in [Fault::Error, Fault::NoSpace, Fault::Interrupted, Fault::Short] {
        for calls in [1, u64::MAX] {
            for at_call in 0..calls_all {
                let mut model = Model::new(1, 5);
                model.step(&Step::Fail(Plan { at_call, calls, fault }));
                script().iter().for_each(|step| model.step(step));
                model.step(&Step::Heal);
                model.step(&Step::Retry);
                assert!(model.ring.as_ref().expect("open").status().memory_only.is_none());
                model.step(&Step::Commit);
                model.step(&Step::Crash { keep: 0 });
            }
        }
    }
}

fn options() -> Options {
    Options {
        segment_bytes: Some(SEGMENT_BYTES),
        memory_bytes: 50_000,
        ..Options::new(4 * SEGMENT_BYTES)
    }
}

#[test]
fn opening_survives_any_failing_call() {
    let mut model = Model::new(2, 4);
    script().iter().for_each(|step| model.step(step));
    let image = model.disk.image();
    for fault in [Fault::Error, Fault::NoSpace, Fault::Interrupted, Fault::Short] {
        for calls in [1, 5, u64::MAX] {
            for at_call in 0..60 {
                let disk = SimDisk::new(3);
                image.iter().for_each(|(name, bytes)| disk.put(name, bytes));
                disk.fail(Some(Plan { at_call, calls, fault }));
                let (mut ring, _) = Ring::open(options(), disk.clone()).expect("never an error");
                ring.index.audit();
                ring.append(&Frame { payload: b"x", ..Frame::default() }).expect("it is small");
                ring.commit();
            }
        }
    }
}

#[test]
fn without_a_disk_frames_stay_in_memory_and_return_to_it() {
    let disk = SimDisk::new(4);
    disk.quota(Some(0));
    let (mut ring, recovery) = Ring::open(options(), disk.clone()).expect("opens");
    assert!(ring.status().memory_only.is_some() && recovery.io_errors > 0);
    let readers = ring.readers(&["a"]).expect("one name");
    let payload = [5; 10_000];
    let frame = Frame { claims: Claims::of(&readers), payload: &payload, ..Frame::default() };
    for _ in 0..10 {
        ring.append(&frame).expect("it fits");
    }
    assert_eq!(ring.commit(), 0);
    let removed = ring.take_removals().len();
    assert_eq!((removed, ring.held(readers[0], None).frames), (6, 4));
    assert!(!ring.retry_disk(), "the disk is still full");
    disk.quota(None);
    assert!(ring.retry_disk());
    assert_eq!(ring.status().durable_seq, 10);
    drop(ring);
    disk.crash(0);
    let (mut ring, recovery) = Ring::open(options(), disk).expect("opens");
    assert_eq!(recovery.frames, 4);
    assert_eq!(ring.read(10).expect("it was durable").payload, payload);
}

#[test]
fn a_smaller_disk_gives_fewer_segments_until_it_grows() {
    let disk = SimDisk::new(5);
    disk.quota(Some(2 * SEGMENT_BYTES));
    let (mut ring, _) = Ring::open(options(), disk.clone()).expect("opens");
    assert_eq!((ring.status().segments, ring.status().memory_only), (2, None));
    disk.quota(None);
    assert!(ring.retry_disk());
    assert_eq!(ring.status().segments, 4);
}

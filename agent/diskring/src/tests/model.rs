//! A ring beside a small model of what it promised.
//!
//! The model knows every claim: appended, acknowledged, removed, and whether each of that was
//! durable. After every step both must agree to the last claim.

use std::collections::{BTreeMap, BTreeSet};

use crate::disk::sim::{Plan, SimDisk};
use crate::index::REASONS_LOST;
use crate::{Claims, Frame, Options, Order, ReaderId, Reason, Ring};

/// Small enough that a few dozen frames go around the ring.
pub(super) const SEGMENT_BYTES: u64 = 64 << 10;

/// What a run may do. Numbers are chosen freely and folded into range.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Append { bytes: u16, kind: u8, claims: u8 },
    Acknowledge { reader: u8, nth: u8 },
    Commit,
    Crash { keep: u8 },
    Drop { reader: u8, nth: u8 },
    Expire { kind: u8, age: u16 },
    Fail(Plan),
    Heal,
    Kill,
    Read { reader: u8, newest: bool },
    Readers { set: u8 },
    Retry,
    Table,
}

#[derive(Clone, Debug)]
struct Known {
    kind: u8,
    payload: Vec<u8>,
    items: u32,
    /// Whether a power cut may take it.
    durable: bool,
}

/// A claim as the model holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Held,
    /// Released in this life; a crash may bring it back unless the release is durable.
    Gone {
        durable: bool,
    },
}

pub(super) struct Model {
    pub disk: SimDisk,
    options: Options,
    pub ring: Option<Ring<SimDisk>>,
    names: Vec<&'static str>,
    frames: BTreeMap<u64, Known>,
    claims: BTreeMap<(u64, &'static str), Claim>,
    /// Every claim that there ever was.
    ever: BTreeSet<(u64, &'static str)>,
    /// For each reader of this life: recovered or appended, acknowledged, removed.
    counted: BTreeMap<&'static str, (u64, u64, u64)>,
    table: (u64, Vec<u8>),
    /// Whether the disk ever failed: then what stands in its page cache is in doubt.
    failed: bool,
    clock: i64,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

impl Model {
    pub(super) fn new(seed: u64, segments: u64) -> Model {
        let options = Options {
            precious: vec![2, 1],
            memory_bytes: 100_000,
            segment_bytes: Some(SEGMENT_BYTES),
            ..Options::new(segments * SEGMENT_BYTES)
        };
        let mut model = Model {
            disk: SimDisk::new(seed),
            options,
            ring: None,
            names: Vec::new(),
            frames: BTreeMap::new(),
            claims: BTreeMap::new(),
            ever: BTreeSet::new(),
            counted: BTreeMap::new(),
            table: (0, Vec::new()),
            failed: false,
            clock: 0,
        };
        model.open();
        model.readers(3);
        model
    }

    fn ring(&mut self) -> &mut Ring<SimDisk> {
        self.ring.as_mut().expect("a ring is open between steps")
    }

    /// Opens, and takes over what is held: exactly the durable claims, and perhaps others that
    /// existed; each readable.
    fn open(&mut self) {
        let (ring, recovery) =
            Ring::open(self.options.clone(), self.disk.clone()).expect("the lock is free");
        ring.index.audit();
        let doubt = self.failed;
        if !doubt {
            assert!(recovery.table_seq <= self.table.0);
            if recovery.table_seq == self.table.0 && self.table.0 > 0 {
                assert_eq!(recovery.table, self.table.1);
            }
        }
        let known: Vec<_> = ring.reader_names();
        self.names = NAMES.into_iter().filter(|n| known.iter().any(|(_, k)| **k == **n)).collect();
        let held = held(&ring);
        for ((seq, name), claim) in &self.claims {
            let found = held.contains(&(*seq, name));
            let frame = &self.frames[seq];
            match claim {
                Claim::Held if frame.durable && !doubt => {
                    assert!(found, "durable frame {seq} of {name} was lost")
                }
                Claim::Gone { durable: true } if !doubt => {
                    assert!(!found, "frame {seq} of {name} came back")
                }
                _ => {}
            }
        }
        for (seq, name) in &held {
            // On a disk that lies, what was gone in a life may come back after a power cut.
            let known = self.claims.contains_key(&(*seq, name))
                || doubt && self.ever.contains(&(*seq, name));
            assert!(known, "frame {seq} of {name} was invented");
        }
        self.claims = held.iter().map(|claim| (*claim, Claim::Held)).collect();
        for frame in self.frames.values_mut() {
            frame.durable = true;
        }
        self.counted.clear();
        for (_, name) in &held {
            self.counted.entry(name).or_default().0 += 1;
        }
        let notes = recovery.notes.iter().map(|note| note.seq);
        assert!(notes.is_sorted_by(|one, next| one < next));
        self.table = (recovery.table_seq, recovery.table);
        self.ring = Some(ring);
        assert!(doubt || self.read_all(), "a held frame cannot be read");
    }

    /// Reads all that is held; says whether it was all sound.
    fn read_all(&mut self) -> bool {
        let held: BTreeSet<u64> = held(self.ring()).into_iter().map(|(seq, _)| seq).collect();
        let mut sound = true;
        for seq in held {
            match self.ring().read(seq) {
                Ok(read) => assert_eq!(read.payload, self.frames[&seq].payload),
                Err(_) => sound = false,
            }
        }
        sound
    }

    pub(super) fn step(&mut self, step: &Step) {
        match step {
            Step::Append { bytes, kind, claims } => self.append(*bytes, kind % 4, *claims),
            Step::Acknowledge { reader, nth } => self.release(*reader, *nth, Reason::Acknowledged),
            Step::Commit => self.commit(),
            Step::Crash { keep } => {
                self.settle();
                self.ring = None;
                self.disk.fail(None);
                self.disk.crash(*keep);
                self.open();
                // What a power cut left is no longer in doubt once it could all be read.
                self.failed = self.failed && !self.read_all();
            }
            Step::Drop { reader, nth } => self.release(*reader, *nth, Reason::Rejected),
            Step::Expire { kind, age } => {
                let now = self.clock;
                self.ring().expire(now, &[(kind % 4, i64::from(*age))]);
            }
            Step::Fail(plan) => {
                self.disk.fail(Some(*plan));
                self.failed = true;
            }
            Step::Heal => self.disk.fail(None),
            Step::Kill => {
                self.settle();
                self.ring = None;
                self.disk.fail(None);
                self.disk.kill();
                self.open();
            }
            Step::Read { reader, newest } => self.read(*reader, *newest),
            Step::Readers { set } => self.readers(*set),
            Step::Retry => {
                self.ring().retry_disk();
            }
            Step::Table => {
                let seq = self.ring().append_seq;
                let bytes = seq.to_le_bytes().repeat(10);
                self.ring().set_table(&bytes).expect("the table is small");
                self.table = (seq, bytes);
            }
        }
        self.settle();
    }

    fn append(&mut self, bytes: u16, kind: u8, claims: u8) {
        self.clock += 10;
        let time = self.clock;
        let readers: Vec<(&'static str, ReaderId)> = self.declared();
        let chosen: Vec<_> =
            readers.into_iter().filter(|(name, _)| claims & bit(name) != 0).collect();
        let ids: Vec<ReaderId> = chosen.iter().map(|(_, id)| *id).collect();
        let bytes = usize::from(bytes) % 24_000;
        let note = if bytes.is_multiple_of(3) { &b"note"[..] } else { b"" };
        let payload: Vec<u8> = (0..bytes).map(|at| (at as i64 * 31 + time) as u8).collect();
        let items = bytes as u32 % 100;
        let frame = Frame {
            kind_tag: kind,
            items,
            time_min_ms: time,
            time_max_ms: time,
            claims: Claims::of(&ids),
            note,
            payload: &payload,
            ..Frame::default()
        };
        let seq = self.ring().append(&frame).expect("the frame is small").seq;
        self.frames.insert(seq, Known { kind, payload, items, durable: false });
        for (name, _) in chosen {
            self.claims.insert((seq, name), Claim::Held);
            self.ever.insert((seq, name));
            self.counted.entry(name).or_default().0 += 1;
        }
    }

    fn declared(&self) -> Vec<(&'static str, ReaderId)> {
        let ring = self.ring.as_ref().expect("a ring is open between steps");
        let names = self.names.iter();
        names.map(|name| (*name, ring.reader(name).expect("it was declared"))).collect()
    }

    fn commit(&mut self) {
        let durable = self.ring().commit();
        let ring = self.ring.as_ref().expect("a ring is open between steps");
        assert!(durable <= ring.append_seq);
        let all = ring.memory_only.is_none() && ring.releases.is_empty();
        for (seq, frame) in &mut self.frames {
            frame.durable |= *seq <= durable;
        }
        self.settle();
        for claim in self.claims.values_mut().filter(|_| all) {
            if let Claim::Gone { durable } = claim {
                *durable = true;
            }
        }
    }

    fn release(&mut self, reader: u8, nth: u8, reason: Reason) {
        let declared = self.declared();
        let Some((name, id)) = pick(&declared, reader) else { return };
        let mut after = None;
        for _ in 0..nth % 8 {
            let next = self.ring().next(id, Order::Oldest, after, None);
            after = next.map(|meta| meta.seq).or(after);
        }
        let Some(seq) = after else { return };
        if reason == Reason::Acknowledged {
            let meta = self.ring().acknowledge(id, seq).expect("it was just listed");
            assert_eq!(meta.items, self.frames[&seq].items);
            self.claims.insert((seq, name), Claim::Gone { durable: false });
            self.counted.entry(name).or_default().1 += 1;
        } else {
            self.ring().drop_for(id, seq, reason).expect("it was just listed");
        }
    }

    fn read(&mut self, reader: u8, newest: bool) {
        let declared = self.declared();
        let Some((_, id)) = pick(&declared, reader) else { return };
        let order = if newest { Order::Newest } else { Order::Oldest };
        let Some(meta) = self.ring().next(id, order, None, None) else { return };
        let known = self.frames[&meta.seq].clone();
        assert_eq!(meta.kind_tag, known.kind);
        match self.ring().read(meta.seq) {
            Ok(read) => assert_eq!(read.payload, known.payload),
            Err(error) => assert!(self.failed, "frame {}: {error}", meta.seq),
        }
    }

    fn readers(&mut self, set: u8) {
        let names: Vec<&'static str> =
            NAMES.into_iter().filter(|name| set & bit(name) != 0).collect();
        self.ring().readers(&names).expect("the names are good");
        self.settle();
        self.names = names;
    }

    /// Takes the removals, and compares every counter.
    fn settle(&mut self) {
        let Some(ring) = self.ring.as_mut() else { return };
        for removal in ring.take_removals() {
            let name = NAMES.into_iter().find(|name| **name == *removal.reader);
            let name = name.expect("removals name a reader of the model");
            assert!(REASONS_LOST.contains(&removal.reason));
            let frame = &self.frames[&removal.seq];
            assert_eq!((removal.items, removal.kind_tag), (frame.items, frame.kind));
            let claim = self.claims.insert((removal.seq, name), Claim::Gone { durable: false });
            assert_eq!(claim, Some(Claim::Held), "frame {} of {name}", removal.seq);
            self.counted.entry(name).or_default().2 += 1;
        }
        ring.index.audit();
        let held = held(ring);
        let expected = self.claims.iter().filter(|(_, claim)| **claim == Claim::Held);
        let expected: Vec<_> = expected.map(|(key, _)| *key).collect();
        assert_eq!(held, expected);
        for (name, (taken, acknowledged, removed)) in &self.counted {
            let held = held.iter().filter(|(_, reader)| reader == name).count() as u64;
            assert_eq!(*taken, acknowledged + removed + held, "the claims of {name}");
        }
    }
}

fn held(ring: &Ring<SimDisk>) -> Vec<(u64, &'static str)> {
    let mut held = Vec::new();
    for name in NAMES {
        let Some(reader) = ring.reader(name) else { continue };
        let mut after = None;
        while let Some(meta) = ring.next(reader, Order::Oldest, after, None) {
            held.push((meta.seq, name));
            after = Some(meta.seq);
        }
    }
    held.sort_unstable();
    held
}

fn bit(name: &str) -> u8 {
    match name {
        "a" => 1,
        "b" => 2,
        _ => 4,
    }
}

fn pick(declared: &[(&'static str, ReaderId)], reader: u8) -> Option<(&'static str, ReaderId)> {
    declared.get(usize::from(reader).checked_rem(declared.len())?).copied()
}

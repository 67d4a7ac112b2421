//! The ring beside plain positional writes of the same bytes, in turn, in one run; and its opening.
//!
//! The speed of light is a preallocated file written with `pwrite` in pieces of the same size.
//! `cargo bench -p benches --bench ring` prints medians and the ratio. `RING_BENCH_DIR` names the
//! folder to write in; the default is the system's temporary one.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use diskring::disk::FileId;
use diskring::{Claims, Disk, Frame, Options, RealDisk, Ring};

const FRAME_BYTES: usize = 256 << 10;
const TOTAL_BYTES: usize = 192 << 20;
const SEGMENT_BYTES: u64 = 64 << 20;
const SYNC_BYTES: usize = 1 << 20; // the commit that the ring asks for
const ROUNDS: usize = 7;

fn folder() -> PathBuf {
    let base = std::env::var_os("RING_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    base.join(format!("runnel-ring-bench-{}", std::process::id()))
}

fn ring(folder: &Path, budget_bytes: u64) -> (Ring, Claims) {
    let opened = Ring::open(Options::new(budget_bytes), RealDisk::new(folder));
    let (mut ring, _) = opened.expect("the folder is ours alone");
    let readers = ring.readers(&["bench"]).expect("one short name");
    let claims = Claims::of(&readers);
    (ring, claims)
}

fn payload() -> Vec<u8> {
    (0..FRAME_BYTES - 72).map(|at| (at * 7 + at / 251) as u8).collect()
}

/// Appends everything; frames are acknowledged, so that the ring goes around for nothing.
fn append(ring: &mut Ring, claims: Claims, sync: bool) -> Duration {
    let payload = payload();
    let reader = ring.reader("bench").expect("it was declared");
    let begin = Instant::now();
    for round in 1..=TOTAL_BYTES / FRAME_BYTES {
        let frame = Frame { claims, items: 1, payload: &payload, ..Frame::default() };
        let seq = ring.append(&frame).expect("the frame is small").seq;
        ring.acknowledge(reader, seq);
        // Without it the ring would commit by itself, for its memory's sake.
        if (round * FRAME_BYTES).is_multiple_of(SYNC_BYTES) && sync {
            ring.commit();
        }
    }
    begin.elapsed()
}

/// Writes the same bytes into one file, giving back the page cache as often as the ring does.
fn write(disk: &mut RealDisk, file: FileId, sync_bytes: usize) -> Duration {
    let bytes = vec![3; FRAME_BYTES];
    let begin = Instant::now();
    for round in 0..TOTAL_BYTES / FRAME_BYTES {
        let offset = (round * FRAME_BYTES) as u64;
        let taken = disk.write_at(file, offset, &bytes).expect("there is room");
        assert_eq!(taken, bytes.len());
        let end = offset + FRAME_BYTES as u64;
        if end.is_multiple_of(sync_bytes as u64) {
            disk.sync(file).expect("the disk is sound");
        }
        if end.is_multiple_of(SEGMENT_BYTES) {
            disk.forget(file, end - SEGMENT_BYTES, SEGMENT_BYTES);
        }
    }
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

fn compare(folder: &Path) {
    let (mut ring, claims) = ring(folder, 512 << 20);
    let mut disk = RealDisk::new(folder);
    let file = disk.create("plain", TOTAL_BYTES as u64).expect("the folder is ours alone");
    // One lap each first, so that both write over bytes that were written before.
    for _ in 0..3 {
        append(&mut ring, claims, true);
        write(&mut disk, file, SYNC_BYTES);
    }
    // The ring keeps what is not durable in memory and commits at 8 MiB by itself: "lazy" leaves
    // it to that, and the plain file is synced as often.
    for (name, sync, sync_bytes) in [("synced", true, SYNC_BYTES), ("lazy", false, 8 << 20)] {
        let (mut plain, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            plain.push(write(&mut disk, file, sync_bytes));
            ours.push(append(&mut ring, claims, sync));
        }
        let mib = (TOTAL_BYTES >> 20) as f64;
        let (plain, ours) = (mib / median(plain), mib / median(ours));
        println!(
            "ring append, {name}: {ours:.0} MiB/s, plain {plain:.0} MiB/s, ratio {:.2}",
            ours / plain
        );
    }
}

fn bench(criterion: &mut Criterion) {
    let folder = folder();
    compare(&folder);
    drop(std::fs::remove_dir_all(&folder));
    let (mut full, claims) = ring(&folder, 1 << 30);
    for _ in 0..4 {
        let payload = payload();
        for _ in 0..TOTAL_BYTES / FRAME_BYTES {
            let frame = Frame { claims, items: 1, payload: &payload, ..Frame::default() };
            full.append(&frame).expect("the frame is small");
        }
        full.commit();
    }
    drop(full);
    let mut group = criterion.benchmark_group("ring");
    group.sample_size(20);
    group.bench_function("recover, 16 segments of 64 MiB, 3,072 frames", |bencher| {
        bencher.iter(|| Ring::open(Options::new(1 << 30), RealDisk::new(&folder)).is_ok());
    });
    group.finish();
    drop(std::fs::remove_dir_all(&folder));
}

criterion_group!(benches, bench);
criterion_main!(benches);

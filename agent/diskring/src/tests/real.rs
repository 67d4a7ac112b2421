//! The same on a real file system, and the offline walks.

use std::path::PathBuf;

use crate::{Claims, Frame, OpenError, Options, Order, RealDisk, Ring, offline};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("diskring-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_ring_on_a_real_disk_reopens_and_can_be_inspected() {
    let folder = Folder::new("reopen");
    let options = Options::new(8 << 20);
    let (mut ring, _) = Ring::open(options.clone(), RealDisk::new(&folder.0)).expect("opens");
    assert_eq!(ring.status().memory_only, None);
    let locked = Ring::open(options.clone(), RealDisk::new(&folder.0)).err();
    assert_eq!(locked, Some(OpenError::Locked));
    let readers = ring.readers(&["a"]).expect("one name");
    for round in 0..30u8 {
        let payload = vec![round; 100_000];
        let claims = Claims::of(&readers);
        let frame = Frame { claims, items: 7, payload: &payload, note: b"n", ..Frame::default() };
        ring.append(&frame).expect("it fits");
    }
    ring.acknowledge(readers[0], 1);
    assert_eq!(ring.commit(), 30);
    let status = ring.status();
    assert_eq!((status.durable_seq, status.memory_bytes, status.io_errors), (30, 0, 0));
    drop(ring);

    let mut disk = RealDisk::read_only(&folder.0);
    let segments = offline::segments(&mut disk).expect("the folder is there");
    assert_eq!(segments.iter().map(|one| one.data_frames).sum::<u64>(), 30);
    let (mut data, mut says) = (0, String::new());
    let visit = |frame: &offline::FrameInfo| {
        assert!(frame.sound);
        if frame.kind == "data" {
            data += 1;
            assert_eq!((frame.note.len(), frame.payload.len()), (1, 100_000));
        }
        says.push_str(&frame.says);
    };
    offline::frames(&mut disk, visit).expect("the folder is there");
    assert_eq!(data, 30);
    assert!(says.contains("a 1..=1 acknowledged: 1 frames, 7 items"), "{says}");

    let (mut ring, recovery) = Ring::open(options, RealDisk::new(&folder.0)).expect("opens");
    assert_eq!((recovery.frames, recovery.io_errors), (29, 0));
    let reader = ring.reader("a").expect("declared before");
    let first = ring.next(reader, Order::Oldest, None, None).expect("29 are held");
    assert_eq!(ring.read(first.seq).expect("it is sound").payload, vec![1; 100_000]);
}

#[test]
fn a_folder_that_cannot_be_had_gives_a_ring_in_memory() {
    let folder = Folder::new("no-folder");
    std::fs::write(&folder.0, b"a file in the way").expect("the temporary folder takes a file");
    let (mut ring, _) =
        Ring::open(Options::new(8 << 20), RealDisk::new(&folder.0)).expect("never an error");
    assert!(ring.status().memory_only.is_some());
    let readers = ring.readers(&["a"]).expect("one name");
    let frame = Frame { claims: Claims::of(&readers), payload: b"x", ..Frame::default() };
    let seq = ring.append(&frame).expect("it fits").seq;
    assert_eq!(ring.read(seq).expect("it stands in memory").payload, b"x");
    std::fs::remove_file(&folder.0).expect("it was just written");
    assert!(ring.retry_disk());
    assert_eq!(ring.status().durable_seq, 1);
}

use super::*;
use crate::frame::Kind;

const A: ReaderId = ReaderId(0);
const B: ReaderId = ReaderId(31);

fn index() -> Index {
    let mut index = Index::default();
    // sequence, claims, kind
    for (seq, claims, kind_tag) in [(1, 1, 0), (2, 1 | 1 << 31, 1), (3, 1 << 31, 0), (5, 1, 1)] {
        let mut header = Header::control(Kind::Data, seq);
        header.claims = claims;
        header.kind_tag = kind_tag;
        header.items = 10;
        header.body_len = 100;
        index.insert(seq, Record::new(&header, 4, 4096));
    }
    index
}

#[test]
fn readers_walk_both_ways() {
    let index = index();
    let check = |reader, order, after, kind, expected: Option<u64>| {
        assert_eq!(index.next(reader, order, after, kind).map(|meta| meta.seq), expected);
    };
    check(A, Order::Oldest, None, None, Some(1));
    check(A, Order::Oldest, Some(2), None, Some(5));
    check(A, Order::Oldest, Some(5), None, None);
    check(A, Order::Newest, None, None, Some(5));
    check(A, Order::Newest, Some(5), None, Some(2));
    check(A, Order::Newest, Some(1), None, None);
    check(A, Order::Oldest, None, Some(1), Some(2));
    check(B, Order::Oldest, None, None, Some(2));
    check(B, Order::Newest, None, Some(1), Some(2));
    check(ReaderId(9), Order::Oldest, None, None, None);
}

#[test]
fn counters_follow_claims() {
    let mut index = index();
    index.audit();
    assert_eq!(index.held(A, None), Held { frames: 3, items: 30, bytes: 300 });
    assert_eq!(index.held(A, Some(1)), Held { frames: 2, items: 20, bytes: 200 });
    assert_eq!(index.live(4).frames, 4);
    assert!(index.release(2, A).is_some());
    assert!(index.release(2, A).is_none());
    assert_eq!(index.live(4).frames, 4);
    assert!(index.release(2, B).is_some());
    assert_eq!(index.live(4).frames, 3);
    index.relocate(3, 6, 8192);
    index.relocate(2, 6, 8192);
    assert_eq!((index.live(4).frames, index.live(6).frames), (2, 1));
    assert_eq!(index.runs(), vec![(0, vec![(1, 1), (5, 5)]), (31, vec![(3, 3)])]);
    index.audit();
    for (seq, reader) in [(1, A), (5, A), (3, B)] {
        assert!(index.release(seq, reader).is_some());
        index.audit();
    }
    assert_eq!(index.iter().count(), 0);
}

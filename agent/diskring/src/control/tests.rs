use super::*;

fn readers() -> Readers {
    let mut readers = Readers::default();
    readers.put(0, "victoria", 1).expect("fits");
    readers.put(31, "backup", 900).expect("fits");
    readers
}

fn checkpoint(runs: Runs) -> Checkpoint {
    let mut totals = Totals::default();
    totals[1] = Total { frames: 2, items: 300, bytes: 1 << 40 };
    Checkpoint {
        next_seq: 1000,
        readers: readers(),
        live: vec![(0, runs), (31, vec![])],
        totals,
        table_seq: 998,
        table: b"offsets".to_vec(),
    }
}

#[test]
fn a_checkpoint_reads_back() {
    let wanted = checkpoint(vec![(3, 3), (5, 900), (999, 999)]);
    let body = wanted.encode(100);
    assert_eq!(Checkpoint::decode(&body), Some(wanted));
    for cut in 0..body.len() {
        assert_eq!(Checkpoint::decode(&body[..cut]), None, "cut at {cut}");
    }
}

#[test]
fn runs_that_do_not_fit_grow_coarse_but_lose_none() {
    let runs: Runs = (1..500).map(|n| (n * 2, n * 2)).collect();
    let found = Checkpoint::decode(&checkpoint(runs).encode(40)).expect("decodes");
    assert_eq!(found.live[0].1, vec![(2, 998)]);
}

#[test]
fn releases_read_back() {
    let release = Release {
        slot: 31,
        reason: Reason::Expired,
        first_seq: 7,
        last_seq: 70_000,
        total: Total { frames: 3, items: 4, bytes: 5 },
        time_min_ms: i64::MIN,
        time_max_ms: 8,
    };
    let wanted = Releases { readers: readers(), releases: vec![release] };
    let body = wanted.encode();
    assert_eq!(Releases::decode(&body), Some(wanted));
    for cut in 0..body.len() {
        assert_eq!(Releases::decode(&body[..cut]), None, "cut at {cut}");
    }
}

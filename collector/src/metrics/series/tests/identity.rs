//! The set of hashes and the comparison with the last page.

use std::collections::HashSet;

use proptest::prelude::*;

use crate::metrics::series::hashes::HashTable;
use crate::metrics::series::track::{Change, Track, TrackScratch};

/// Shows `page` to the track; which samples came first, and what changed.
fn show(track: &mut Track, scratch: &mut TrackScratch, page: &[u64]) -> (Vec<bool>, Change, usize) {
    track.begin(scratch);
    let firsts = page.iter().map(|&hash| track.observe(scratch, hash)).collect();
    let change = track.end(scratch);
    track.take(scratch);
    (firsts, change, scratch.vanished.len())
}

#[test]
fn an_unchanged_page_is_no_change() {
    let (mut track, mut scratch) = (Track::default(), TrackScratch::default());
    let page = [5, 9, 5, 7];
    let firsts = vec![true, true, false, true];
    let (found, change, vanished) = show(&mut track, &mut scratch, &page);
    assert_eq!((&found, change.added, vanished), (&firsts, 3, 0));
    for _ in 0..2 {
        let (found, change, _) = show(&mut track, &mut scratch, &page);
        assert_eq!((&found, change), (&firsts, Change::default()));
    }
    assert_eq!((track.len(), track.duplicates()), (3, &[2][..]));
    // Shorter, but the same so far.
    let (_, change, vanished) = show(&mut track, &mut scratch, &page[..3]);
    assert_eq!((change.added, change.differs, vanished), (0, true, 1));
}

proptest! {
    #[test]
    fn the_table_is_a_set(values in prop::collection::vec(1u64..60, 0..200)) {
        let (mut table, mut model) = (HashTable::default(), HashSet::new());
        for value in values {
            // Spread over the slots in a way that collides.
            let hash = value << 4;
            prop_assert_eq!(table.insert(hash), model.insert(hash));
            prop_assert_eq!(table.len(), model.len());
        }
        for value in 0u64..70 {
            prop_assert_eq!(table.contains(value << 4), model.contains(&(value << 4)));
        }
    }

    #[test]
    fn the_comparison_is_that_of_sets(
        pages in prop::collection::vec(prop::collection::vec(1u64..20, 0..20), 1..6),
    ) {
        let (mut track, mut scratch) = (Track::default(), TrackScratch::default());
        let mut before: HashSet<u64> = HashSet::new();
        for page in &pages {
            let (firsts, change, vanished) = show(&mut track, &mut scratch, page);
            let mut now = HashSet::new();
            let expected: Vec<bool> = page.iter().map(|&hash| now.insert(hash)).collect();
            prop_assert_eq!(firsts, expected);
            prop_assert_eq!(change.added as usize, now.difference(&before).count());
            prop_assert_eq!(vanished, before.difference(&now).count());
            prop_assert_eq!(track.len(), now.len());
            before = now;
        }
    }
}

use super::*;

const S: i64 = 1000;
const HALF: u64 = 1 << 63;

fn check_next(
    (key, interval, align, offset): (u64, u64, Option<u64>, Option<u64>),
    now_ms: i64,
    expected: i64,
) {
    let millis = |value: Option<u64>| value.map(Millis);
    let next = next_scrape(key, Millis(interval), millis(align), millis(offset), now_ms);
    assert_eq!(next, expected, "key {key:#x}, {interval} ms, {align:?}, {offset:?}, at {now_ms}");
    let again = next_scrape(key, Millis(interval), millis(align), millis(offset), next);
    assert_eq!(again, next + interval as i64, "the grid has one step");
}

#[test]
fn phase_is_a_share_of_the_interval_by_key() {
    check_next((0, 30_000, None, None), 0, 30 * S);
    check_next((0, 30_000, None, None), 1, 30 * S);
    check_next((HALF, 30_000, None, None), 0, 15 * S);
    check_next((HALF, 30_000, None, None), 15 * S, 45 * S);
    check_next((HALF, 30_000, None, None), 15 * S - 1, 15 * S);
    check_next((u64::MAX, 30_000, None, None), 0, 29_999);
    check_next((HALF, 1, None, None), 7, 8);
    check_next((HALF, 30_000, None, None), -1, 15 * S);
}

#[test]
fn offset_aligns_to_the_interval() {
    check_next((HALF, 30_000, None, Some(5_000)), 0, 5 * S);
    check_next((HALF, 30_000, Some(10_000), Some(5_000)), 5 * S, 35 * S);
    check_next((HALF, 30_000, None, Some(35_000)), 0, 5 * S);
    check_next((HALF, 30_000, None, Some(0)), 0, 15 * S);
}

#[test]
fn align_lets_the_key_choose_among_the_multiples() {
    check_next((0, 30_000, Some(10_000), None), 1, 30 * S);
    check_next((HALF, 30_000, Some(10_000), None), 1, 10 * S);
    check_next((u64::MAX, 30_000, Some(10_000), None), 1, 20 * S);
    check_next((u64::MAX, 30_000, Some(30_000), None), 1, 30 * S);
    check_next((u64::MAX, 30_000, Some(300_000), None), 1, 30 * S);
    check_next((HALF, 30_000, Some(0), None), 0, 15 * S);
}

#[test]
fn extremes_do_not_overflow() {
    for now_ms in [i64::MIN, -1, 0, i64::MAX] {
        for interval in [0, 1, u64::MAX] {
            let next = next_scrape(u64::MAX, Millis(interval), None, None, now_ms);
            assert!(next > now_ms || now_ms == i64::MAX);
            sample_timestamp(Some(now_ms), Millis(interval), -now_ms.saturating_add(1));
        }
    }
}

#[test]
fn timestamps_keep_their_distance() {
    let cases = [
        // previous, interval, real, expected
        (None, 30_000, 1_234, 1_234),
        (Some(0), 30_000, 30_000, 30_000),
        (Some(0), 30_000, 33_000, 30_000),
        (Some(0), 30_000, 33_001, 33_001),
        (Some(0), 30_000, 27_000, 30_000),
        (Some(0), 30_000, 26_999, 26_999),
        (Some(0), 30_000, 90_000, 90_000),
        (Some(100_000), 30_000, 10_000, 10_000),
    ];
    for (previous, interval, real, expected) in cases {
        let found = sample_timestamp(previous, Millis(interval), real);
        assert_eq!(found, expected, "previous {previous:?}, {interval} ms, at {real}");
    }
}

use super::*;

/// One field, length-delimited.
fn field(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, u8::try_from(body.len()).expect("a short body")];
    out.extend_from_slice(body);
    out
}

/// One series of one sample.
fn series(labels: &[(&str, &str)], bits: u64, timestamp_ms: u8) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in labels {
        let pair = [field(0x0a, name.as_bytes()), field(0x12, value.as_bytes())].concat();
        body.extend(field(0x0a, &pair));
    }
    let sample = [&[0x09][..], &bits.to_le_bytes(), &[0x10, timestamp_ms]].concat();
    body.extend(field(0x12, &sample));
    field(0x0a, &body)
}

#[test]
fn the_tally_tells_series_apart_whatever_the_order_of_labels() {
    let (a, b) = (("__name__", "up"), ("instance", "x"));
    let body = [
        series(&[a, b], 1, 10),
        series(&[b, a], 1, 20),
        series(&[a, ("instance", "y")], 1, 20),
        series(&[a, b], STALE_NAN_BITS, 30),
    ]
    .concat();
    let mut session = Session::default();
    session.take(&body, 110).expect("a whole request");
    let tally = session.tally(110 + SETTLE_MS);
    assert_eq!((tally.samples, tally.stale, tally.series), (3, 1, 2));
    assert_eq!(tally.names, BTreeMap::from([("up".to_owned(), 2)]));
    assert_eq!(tally.scrape_samples, [1, 1, 1]);
    assert_eq!((tally.delay_median_ms, tally.delay_p99_ms), (Some(90), Some(100)));
    assert_eq!(session.take(&body[..body.len() - 1], 110), Err(Malformed));
}

#[test]
fn percentiles_are_delays_that_occurred() {
    let check = |delays: &[i64], q, expected| {
        let mut counted = Delays::default();
        delays.iter().for_each(|&delay| counted.add(delay));
        assert_eq!(counted.percentile(q), expected, "{q} of {delays:?}");
    };
    check(&[], 0.5, None);
    check(&[7], 0.5, Some(7));
    check(&[7], 0.99, Some(7));
    check(&[1, 2, 3, 4], 0.5, Some(2));
    check(&[1, 2, 3, 4], 0.99, Some(4));
    check(&[-5, i64::MAX - 1], 0.5, Some(0));
    check(&[-5, i64::MAX - 1], 1.0, Some(DELAY_MS_MAX as u64));
}

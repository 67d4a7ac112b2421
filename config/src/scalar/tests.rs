use super::*;

fn check<T: PartialEq + std::fmt::Debug>(
    parse: impl Fn(&str) -> Result<T, Expected>,
    cases: &[(&str, Option<T>)],
) {
    for (text, expected) in cases {
        assert_eq!(parse(text).ok(), *expected, "for {text:?}");
    }
}

#[test]
fn durations() {
    check(
        |text| parse_duration(text).map(|span| span.0),
        &[
            ("0", Some(0)),
            ("0s", Some(0)),
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("30", Some(30_000)),
            ("1.5s", Some(1_500)),
            ("1m30s", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("7d", Some(604_800_000)),
            ("1w", Some(604_800_000)),
            ("1y2w3d4h5m6s7ms", Some(33_019_506_007)),
            ("", None),
            ("s", None),
            ("30 s", None),
            ("30sec", None),
            ("30S", None),
            ("-30s", None),
            ("30s1m", None),
            ("1m1m", None),
            ("1.2.3s", None),
            ("1e3s", None),
            ("101y", None),
            ("99999999999999999999d", None),
        ],
    );
}

#[test]
fn sizes() {
    check(
        |text| parse_size(text).map(|size| size.0),
        &[
            ("0", Some(0)),
            ("1024", Some(1024)),
            ("16MB", Some(16_000_000)),
            ("16MiB", Some(16 << 20)),
            ("8GiB", Some(8 << 30)),
            ("8Gi", Some(8 << 30)),
            ("1.5KiB", Some(1536)),
            ("1 TiB", Some(1 << 40)),
            ("5B", Some(5)),
            ("5i", None),
            ("5iB", None),
            ("16Mib", None),
            ("16mb", None),
            ("-1", None),
            ("", None),
            ("99999999TiB", None),
        ],
    );
    check(|text| parse_size_binary(text).map(|size| size.0), &[("16MB", Some(16 << 20))]);
}

#[test]
fn rates_shares_times() {
    check(
        |text| parse_rate(text).map(|rate| rate.0),
        &[
            ("160Mbit", Some(160_000_000)),
            ("1Gbit", Some(1_000_000_000)),
            ("1.5kbit", Some(1_500)),
            ("5bit", Some(5)),
            ("160", None),
            ("160MB", None),
            ("160Mb", None),
            ("160mbit", None),
        ],
    );
    check(
        parse_share,
        &[
            ("50%", Some(0.5)),
            ("0.5", Some(0.5)),
            ("1", Some(1.0)),
            ("100%", Some(1.0)),
            ("101%", None),
            ("50", None),
            ("-1%", None),
        ],
    );
    check(
        parse_time,
        &[
            ("22:00", Some(1320)),
            ("24:00", Some(1440)),
            ("24:01", None),
            ("7:00", None),
            ("+7:00", None),
        ],
    );
}

#[test]
fn truth_counts_addresses() {
    check(parse_bool, &[("true", Some(true)), ("No", Some(false)), ("1", None), ("", None)]);
    check(
        parse_count,
        &[("10", Some(10)), ("1_000", Some(1000)), ("-1", None), ("+1", None), ("1.5", None)],
    );
    check(
        |text| parse_address(text).map(|address| address.to_string()),
        &[
            (":9480", Some("0.0.0.0:9480".to_owned())),
            ("[::]:9480", Some("[::]:9480".to_owned())),
            ("9480", None),
            ("localhost:9480", None),
        ],
    );
    check(
        |text| parse_url(text).map(|_| ()),
        &[
            ("http://a", Some(())),
            ("ftp://a", None),
            ("a:80", None),
            ("/path", None),
            ("http://", None),
            ("http:a", None),
            ("http:///a", None),
        ],
    );
}

#[test]
fn shown_is_read_back() {
    for ms in [0, 1, 999, 1000, 61_001, 90_061_001, 31_536_000_000] {
        assert_eq!(parse_duration(&show_duration(Millis(ms))), Ok(Millis(ms)));
    }
    for size in [0, 1, 1023, 1024, 1536, 16 << 20, 8 << 30, 3 << 40] {
        assert_eq!(parse_size(&show_size(Bytes(size))), Ok(Bytes(size)));
    }
    for rate in [0, 1, 1500, 160_000_000, 1_000_000_000] {
        assert_eq!(parse_rate(&show_rate(BitsPerSecond(rate))), Ok(BitsPerSecond(rate)));
    }
    for share in [0.0, 0.5, 0.29, 1.0 / 3.0, 1.0] {
        assert_eq!(parse_share(&show_share(share)), Ok(share));
    }
    assert_eq!(parse_time(&show_time(1325)), Ok(1325));
}

//! Every sample is accounted for: duplicates, rules, limits, bad lines.

use proptest::prelude::*;

use super::*;
use runnel_config::settings::BadLines;

#[test]
fn the_first_of_doubled_series_is_kept() {
    let mut bench = Bench::new(|_| {});
    let page = "a{x=\"1\",y=\"2\"} 1\nb 2\na{y=\"2\",x=\"1\"} 3\nb 4\nc 5\n";
    for at in [10, 20, 30] {
        let (counts, taken) = bench.page(page, at);
        assert_eq!(counts.duplicates, 2);
        assert_eq!(taken.samples.len(), 3);
        assert!(taken.samples[1].starts_with("b{} 2"));
    }
    assert_eq!(bench.target.active(), 3);
    // The doubles move and go.
    let (counts, _) = bench.page("b 2\nb 4\na{x=\"1\",y=\"2\"} 1\nc 5\n", 40);
    assert_eq!((counts.duplicates, counts.series_added, counts.stale_markers), (1, 0, 0));
    assert_eq!(bench.failed(50).samples.len(), 3);
}

#[test]
fn samples_with_times_of_their_own_are_no_duplicates() {
    let page = "a 1 1760000000000\na 2 1760000001000\n";
    let (counts, _) = Bench::new(|o| o.honor_timestamps = true).page(page, 10);
    assert_eq!((counts.duplicates, counts.samples_written), (0, 2));
    assert_eq!(Bench::new(|_| {}).page(page, 10).0.duplicates, 1);
}

#[test]
fn bad_lines_are_skipped_or_fail_the_page() {
    let page = "a 1\nb one\nc\nd 2\n";
    let (counts, taken) = Bench::new(|_| {}).page(page, 10);
    assert_eq!((counts.bad_lines, taken.samples.len()), (2, 2));
    let first = counts.first_bad.unwrap();
    assert_eq!(first.to_string(), "the value is no number: \"b one\"");
    let (result, _) = Bench::new(|o| o.bad_lines = BadLines::Fail).body(plain(page), 10);
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "parsing the page: the value is no number: \"b one\"");
    assert_eq!(error.counts.samples_scraped, 2);
}

#[test]
fn the_shown_text_of_a_bad_line_is_cut() {
    let (counts, _) = Bench::new(|_| {}).page(&format!("a 1\n{}\n", "ü".repeat(500)), 10);
    assert!(counts.first_bad.unwrap().text.len() <= 203);
}

#[test]
fn a_page_without_one_sample_fails_unless_it_is_empty() {
    for page in ["", "\n\n", "# only a comment\n"] {
        assert_eq!(Bench::new(|_| {}).page(page, 10).0.samples_scraped, 0);
    }
    let (result, _) = Bench::new(|_| {}).body(plain("<html>\n<body>\n"), 10);
    let text = result.unwrap_err().to_string();
    assert_eq!(text, "parsing the page: found no sample on it; first line: no value: \"<html>\"");
    let rubbish = Body::Plain(vec![0xfe; 5_000].into());
    assert!(Bench::new(|_| {}).body(rubbish, 10).0.is_err());
}

#[test]
fn the_sample_limit_is_all_or_nothing_and_counts_after_rules() {
    let page = "a 1\nb 2\nc 3\n";
    let limited = |o: &mut SeriesOptions| o.sample_limit = 2;
    let (result, _) = Bench::new(limited).body(plain(page), 10);
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "checking the page: found 3 samples, sample_limit is 2");
    assert_eq!((error.counts.samples_scraped, error.counts.samples_post_relabel), (3, 3));
    let mut bench = Bench::new(|o| {
        limited(o);
        o.relabel = rules(|labels| labels.value("__name__") != "b");
    });
    assert_eq!(bench.page(page, 10).0.samples_written, 2);
}

#[test]
fn limits_of_labels_fail_the_page() {
    let check = |change: fn(&mut SeriesOptions), page: &str, expected: Option<&str>| {
        let (result, _) = Bench::new(change).body(plain(page), 10);
        assert_eq!(result.err().map(|e| e.to_string()).as_deref(), expected, "{page}");
    };
    let count: fn(&mut SeriesOptions) = |o| {
        o.label_limits.count_max = 3;
        o.external_labels = labels(&[("e", "1")]);
    };
    check(count, "a{x=\"1\"} 1\n", None);
    check(count, "a{x=\"1\",y=\"\"} 1\n", None);
    let expected = "checking the page: found a label count of 4, the limit is 3";
    check(count, "b 1\na{x=\"1\",y=\"2\"} 1\n", Some(expected));
    let names: fn(&mut SeriesOptions) = |o| o.label_limits.name_bytes_max = 8;
    check(names, "a{x2345678=\"1\"} 1\n", None);
    let expected = "checking the page: found a label name of length 9, the limit is 8";
    check(names, "a{x23456789=\"1\"} 1\n", Some(expected));
    let values: fn(&mut SeriesOptions) = |o| o.label_limits.value_bytes_max = 2;
    check(values, "a{x=\"12\"} 1\n", None);
    let expected = "checking the page: found a label value of length 3, the limit is 2";
    check(values, "a{x=\"123\"} 1\n", Some(expected));
}

#[test]
fn a_page_that_fails_uses_up_no_series_limit() {
    let mut bench = Bench::new(|o| {
        o.sample_limit = 2;
        o.series_limit = 2;
    });
    assert!(bench.body(plain("x 1\ny 1\nz 1\n"), 10).0.is_err());
    assert_eq!(bench.page("a 1\nb 2\n", 20).0.series_limit_dropped, 0);
}

#[test]
fn the_series_limit_counts_within_a_day() {
    let mut bench = Bench::new(|o| o.series_limit = 2);
    assert_eq!(bench.page("a 1\nb 2\n", 0).0.series_limit_dropped, 0);
    assert_eq!(bench.page("b 1\nc 2\n", 10).0.series_limit_dropped, 1);
    assert_eq!(bench.page("a 1\nb 2\n", 20).0.series_limit_dropped, 0);
    let day = 24 * 60 * 60 * 1_000;
    let (counts, _) = bench.page("c 1\nb 2\n", day + 10);
    assert_eq!(counts.series_limit_dropped, 0);
}

#[test]
fn strict_open_metrics_wants_its_end() {
    let strict = |o: &mut SeriesOptions| o.bad_lines = BadLines::Fail;
    for (page, good) in [("a 1\n# EOF\n", true), ("a 1\n", false), ("a 1\n# EOF\nb 1\n", false)] {
        let mut bench = Bench::new(strict);
        bench.format = Format::OpenMetrics;
        assert_eq!(bench.body(plain(page), 10).0.is_ok(), good, "{page}");
        let mut bench = Bench::new(|_| {});
        bench.format = Format::OpenMetrics;
        assert!(bench.body(plain(page), 10).0.is_ok());
    }
}

#[test]
fn decisions_of_rules_are_remembered_and_forgotten() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let asked = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&asked);
    let mut bench = Bench::new(|o| {
        o.relabel = rules(move |labels| {
            counter.fetch_add(1, Ordering::Relaxed);
            labels.set("new", "label");
            true
        });
    });
    for at in 0..5 {
        bench.page("a 1\nb{x=\"1\"} 2\n", at);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    for at in 0..40 {
        let page: String = (0..100).map(|i| format!("c{{at=\"{at}\",i=\"{i}\"}} 1\n")).collect();
        bench.page(&page, 10 + at);
        assert!(bench.target.memory_bytes() < 1 << 20);
    }
}

/// Pages over a small alphabet, so that series double, vanish and come back.
fn any_pages() -> impl Strategy<Value = Vec<String>> {
    let line = (0..6, 0..4, 0..3).prop_map(|(name, x, form)| match form {
        0 => format!("m{name}{{x=\"{x}\"}} {x}\n"),
        1 => format!("m{name}{{x=\"{x}\",y=\"1\"}} 1.5 1760000000000\n"),
        _ => format!("m{name} {x}\nbad line {x}\n"),
    });
    let page = prop::collection::vec(line, 0..15).prop_map(|lines| lines.concat());
    prop::collection::vec(page, 1..6)
}

/// Scrapes the pages and checks what arrives against a plain model of sets.
fn check_model(pages: &[String], change: impl FnOnce(&mut SeriesOptions)) {
    let mut bench = Bench::new(change);
    let mut alive: std::collections::BTreeSet<String> = Default::default();
    for (i, page) in pages.iter().enumerate() {
        let at = 10 * i as i64;
        let (result, taken) = bench.body(plain(page), at);
        let taken = match result {
            Ok(_) => taken,
            Err(_) => bench.failed(at),
        };
        let mut now = std::collections::BTreeSet::new();
        let mut ended = std::collections::BTreeSet::new();
        for sample in &taken.samples {
            let (series, rest) = sample.split_once(' ').unwrap();
            let fresh = if rest.starts_with("stale") {
                ended.insert(series.to_owned())
            } else {
                now.insert(series.to_owned())
            };
            assert!(fresh, "{series} twice");
        }
        let expected: std::collections::BTreeSet<String> =
            alive.difference(&now).cloned().collect();
        assert_eq!(ended, expected, "page {i}");
        alive = now;
    }
}

proptest! {
    #[test]
    fn what_vanishes_gets_its_marker(pages in any_pages()) {
        check_model(&pages, |_| {});
        check_model(&pages, |o| o.relabel = rules(|l| {
            l.set("z", "1");
            l.value("x") != "2"
        }));
        check_model(&pages, |o| o.sample_limit = 6);
    }
}

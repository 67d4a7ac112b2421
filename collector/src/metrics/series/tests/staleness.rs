//! Stale markers and added series.

use super::*;

const PAGE: &str = "a{x=\"1\"} 1\na{x=\"2\"} 2\nb 3\n";

#[test]
fn a_vanished_series_gets_one_marker_at_the_scrapes_time() {
    let mut bench = Bench::new(|o| o.target_labels = labels(&[("job", "j")]));
    assert_eq!(bench.page(PAGE, 10).0.series_added, 3);
    assert_eq!(bench.page(PAGE, 20).0.series_added, 0);
    let (counts, taken) = bench.page("b 3\na{x=\"1\"} 1\nc 4\n", 30);
    assert_eq!((counts.series_added, counts.stale_markers), (1, 1));
    assert_eq!(taken.samples[3..], [r#"a{job="j",x="2"} stale @30"#]);
    let (counts, _) = bench.page("b 3\na{x=\"1\"} 1\nc 4\n", 40);
    assert_eq!((counts.series_added, counts.stale_markers), (0, 0));
    let (counts, _) = bench.page("", 50);
    assert_eq!((counts.samples_scraped, counts.stale_markers), (0, 3));
    assert_eq!(bench.target.active(), 0);
}

#[test]
fn another_order_of_lines_or_labels_is_no_change() {
    let mut bench = Bench::new(|_| {});
    bench.page("a{x=\"1\",y=\"2\"} 1\nb 2\nc{z=\"q\"} 3\n", 10);
    for page in [
        "b 2\na{x=\"1\",y=\"2\"} 1\nc{z=\"q\"} 3\n",
        "b 2\na{y=\"2\",x=\"1\"} 1\nc{z=\"q\"} 3\n",
        "# TYPE b gauge\nb  2\n c { z = \"q\" , } 3\na{y=\"2\",x=\"1\"} 1\n",
    ] {
        let (counts, _) = bench.page(page, 20);
        assert_eq!((counts.series_added, counts.stale_markers), (0, 0), "{page}");
    }
    // The markers still find the labels.
    assert_eq!(bench.failed(30).samples.len(), 3);
}

#[test]
fn a_failure_ends_the_series_once_and_recovery_adds_none() {
    let mut bench = Bench::new(|_| {});
    assert_eq!(bench.failed(5).samples, [""; 0]);
    bench.page(PAGE, 10);
    assert_eq!(
        bench.failed(20).samples,
        [r#"a{x="1"} stale @20"#, r#"a{x="2"} stale @20"#, "b{} stale @20"]
    );
    assert_eq!(bench.failed(30).samples, [""; 0]);
    // Back without one of its series, which has had its marker already.
    let (counts, taken) = bench.page("a{x=\"1\"} 1\nb 3\n", 40);
    assert_eq!((counts.series_added, counts.stale_markers), (0, 0));
    assert_eq!(taken.samples, [r#"a{x="1"} 1 @40"#, "b{} 3 @40"]);
    assert_eq!(bench.failed(50).samples.len(), 2);
}

#[test]
fn a_target_that_goes_ends_everything() {
    let mut bench = Bench::new(|o| o.target_labels = labels(&[("job", "j")]));
    bench.page("a 1\n", 10);
    let taken = bench.gone(20);
    assert_eq!(taken.samples.len(), 1 + 7);
    assert!(taken.samples.iter().all(|sample| sample.ends_with("stale @20")));
    assert!(taken.samples.contains(&r#"up{job="j"} stale @20"#.to_owned()));
    // After a failure only the automatic ones are left to end.
    let mut bench = Bench::new(|_| {});
    bench.page("a 1\n", 10);
    bench.failed(20);
    assert_eq!(bench.gone(30).samples.len(), 7);
}

#[test]
fn no_markers_where_none_are_wanted() {
    let mut bench = Bench::new(|o| o.no_stale_markers = true);
    assert_eq!(bench.page(PAGE, 10).0.series_added, 0);
    assert_eq!(bench.page("b 3\n", 20).0.stale_markers, 0);
    assert_eq!(bench.failed(30).samples, [""; 0]);
    assert_eq!(bench.gone(40).samples, [""; 0]);
}

#[test]
fn series_with_honored_timestamps_are_not_tracked_unless_asked_for() {
    for (tracked, markers) in [(false, 1), (true, 2)] {
        let mut bench = Bench::new(|o| {
            o.honor_timestamps = true;
            o.track_timestamps_staleness = tracked;
        });
        bench.page("a 1 1760000000000\nb 2\n", 10);
        assert_eq!(bench.page("c 1\n", 20).0.stale_markers, markers);
    }
    // Timestamps that are not honored change nothing.
    let mut bench = Bench::new(|_| {});
    bench.page("a 1 1760000000000\nb 2\n", 10);
    assert_eq!(bench.page("c 1\n", 20).0.stale_markers, 2);
}

#[test]
fn dropped_series_get_no_markers_and_rewritten_ones_get_theirs() {
    let mut bench = Bench::new(|o| {
        o.relabel = rules(|labels| {
            if labels.value("x") == "1" {
                labels.set("y", "new");
            }
            labels.value("x") != "2"
        });
    });
    let (counts, _) = bench.page(PAGE, 10);
    assert_eq!((counts.relabel_dropped, counts.samples_post_relabel), (1, 2));
    assert_eq!(bench.failed(20).samples, [r#"a{x="1",y="new"} stale @20"#, "b{} stale @20"]);
}

#[test]
fn series_that_the_limit_kept_out_get_no_markers() {
    let mut bench = Bench::new(|o| o.series_limit = 2);
    let (counts, _) = bench.page(PAGE, 10);
    assert_eq!((counts.series_limit_dropped, counts.samples_written), (1, 2));
    assert_eq!(bench.page("c 4\n", 20).0.stale_markers, 2);
}

#[test]
fn a_broken_page_changes_nothing_until_it_is_reported_failed() {
    let mut bench = Bench::new(|_| {});
    bench.page(PAGE, 10);
    assert!(bench.body(Body::Gzip("rubbish".into()), 20).0.is_err());
    let (counts, _) = bench.page(PAGE, 30);
    assert_eq!((counts.series_added, counts.stale_markers), (0, 0));
}

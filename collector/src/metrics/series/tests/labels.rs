//! Labels of the page, of the target, and external ones.

use super::*;

fn check(change: impl FnOnce(&mut SeriesOptions), line: &str, expected: &str) {
    let (_, taken) = Bench::new(change).page(&format!("{line}\n"), 5);
    assert_eq!(taken.samples, [format!("{expected} 1 @5")], "{line}");
}

#[test]
fn target_labels_merge_in_order() {
    let target = |o: &mut SeriesOptions| o.target_labels = labels(&[("job", "j"), ("Zone", "z")]);
    check(target, "a 1", r#"a{Zone="z",job="j"}"#);
    check(target, "a{x=\"1\",b=\"2\"} 1", r#"a{Zone="z",b="2",job="j",x="1"}"#);
    check(target, "a{b=\"\"} 1", r#"a{Zone="z",job="j"}"#);
    check(target, "a{__x=\"1\",__name__=\"b\"} 1", r#"a{Zone="z",job="j"}"#);
    let long = "v".repeat(300);
    check(target, &format!("a{{x=\"{long}\"}} 1"), &format!(r#"a{{Zone="z",job="j",x="{long}"}}"#));
}

#[test]
fn clashing_labels_are_renamed_as_vmagent_does() {
    let target = |o: &mut SeriesOptions| o.target_labels = labels(&[("job", "j")]);
    check(target, "a{job=\"p\"} 1", r#"a{exported_job="p",job="j"}"#);
    check(target, "a{job=\"\"} 1", r#"a{job="j"}"#);
    check(
        target,
        "a{job=\"p\",exported_job=\"q\"} 1",
        r#"a{exported_exported_job="q",exported_job="p",job="j"}"#,
    );
    check(
        target,
        "a{job=\"p\",exported_job=\"q\",exported_exported_job=\"r\"} 1",
        r#"a{exported_exported_exported_job="q",exported_exported_job="r",exported_job="p",job="j"}"#,
    );
}

#[test]
fn honored_labels_win_even_when_empty() {
    let target = |o: &mut SeriesOptions| {
        o.target_labels = labels(&[("job", "j"), ("instance", "i")]);
        o.honor_labels = true;
    };
    check(target, "a{job=\"p\"} 1", r#"a{instance="i",job="p"}"#);
    check(target, "a{job=\"\"} 1", r#"a{instance="i"}"#);
}

#[test]
fn external_labels_come_last_and_win_or_yield() {
    let external = |clash| {
        move |o: &mut SeriesOptions| {
            o.target_labels = labels(&[("job", "j")]);
            o.external_labels = labels(&[("cluster", "c"), ("job", "e")]);
            o.external_clash = clash;
        }
    };
    check(external(ClashPolicy::External), "a 1", r#"a{cluster="c",exported_job="j",job="e"}"#);
    check(external(ClashPolicy::Series), "a 1", r#"a{cluster="c",job="j"}"#);
    check(
        external(ClashPolicy::External),
        "a{cluster=\"p\"} 1",
        r#"a{cluster="c",exported_cluster="p",exported_job="j",job="e"}"#,
    );
    // The same with rules between, which must not see the external ones.
    let relabeled = |o: &mut SeriesOptions| {
        external(ClashPolicy::External)(o);
        o.relabel = rules(|labels| {
            assert!(!labels.contains("exported_job"));
            labels.set("seen", labels.value("cluster").to_owned().as_str());
            true
        });
    };
    check(relabeled, "a 1", r#"a{cluster="c",exported_job="j",job="e"}"#);
    check(
        relabeled,
        "a{cluster=\"p\"} 1",
        r#"a{cluster="c",exported_cluster="p",exported_job="j",job="e",seen="p"}"#,
    );
}

#[test]
fn names_of_automatic_metrics_are_renamed_where_no_label_tells_them_apart() {
    check(|_| {}, "up 1", "exported_up{}");
    check(|_| {}, "scrape_series_added 1", "exported_scrape_series_added{}");
    check(|_| {}, "scrape_other 1", "scrape_other{}");
    check(|_| {}, "up{a=\"b\"} 1", r#"up{a="b"}"#);
    check(|o| o.honor_labels = true, "up 1", "up{}");
    check(|o| o.relabel = rules(|l| l.value("__name__") == "exported_up"), "up 1", "exported_up{}");
}

#[test]
fn rules_see_labels_with_underscores_and_leave_none() {
    let relabel = |o: &mut SeriesOptions| {
        o.relabel = rules(|labels| {
            let tmp = labels.value("__tmp").to_owned();
            labels.set("kept", &tmp);
            true
        });
    };
    check(relabel, "a{__tmp=\"x\"} 1", r#"a{kept="x"}"#);
    let (counts, taken) = Bench::new(relabel).page("a{__tmp=\"x\"} 1\na{__tmp=\"y\"} 2\n", 5);
    assert_eq!((counts.samples_written, taken.samples.len()), (2, 2));
}

#[test]
fn timestamps_of_the_page_are_used_only_where_honored() {
    let page = "a 1 1760000000000\nb 1\nc 1 0\n";
    let (_, taken) = Bench::new(|_| {}).page(page, 5);
    assert_eq!(taken.samples, ["a{} 1 @5", "b{} 1 @5", "c{} 1 @5"]);
    let (_, taken) = Bench::new(|o| o.honor_timestamps = true).page(page, 5);
    assert_eq!(taken.samples, ["a{} 1 @1760000000000", "b{} 1 @5", "c{} 1 @5"]);
}

#[test]
fn exemplars_go_only_where_wanted() {
    let page = "a_total 1 # {t=\"x\"} 1 1.5\n# EOF\n";
    for (wanted, expected) in [(false, "a_total{} 1 @5"), (true, "a_total{} 1 @5 +1")] {
        let mut bench = Bench::new(|o| o.exemplars = wanted);
        bench.format = Format::OpenMetrics;
        assert_eq!(bench.page(page, 5).1.samples, [expected]);
    }
}

#[test]
fn automatic_metrics_are_vmagents() {
    let mut bench = Bench::new(|o| o.target_labels = labels(&[("job", "j")]));
    let (counts, _) = bench.page("a 1\nb 2\nbad\n", 5);
    let report = ScrapeReport { up: true, duration_s: 0.25, timeout_s: 10.0, counts };
    assert_eq!(
        bench.report(&report, 5).samples,
        [
            r#"scrape_duration_seconds{job="j"} 0.25 @5"#,
            r#"scrape_response_size_bytes{job="j"} 12 @5"#,
            r#"scrape_samples_post_metric_relabeling{job="j"} 2 @5"#,
            r#"scrape_samples_scraped{job="j"} 2 @5"#,
            r#"scrape_series_added{job="j"} 2 @5"#,
            r#"scrape_timeout_seconds{job="j"} 10 @5"#,
            r#"up{job="j"} 1 @5"#,
        ]
    );
    let mut bench = Bench::new(|o| {
        o.sample_limit = 100;
        o.series_limit = 1;
        o.label_limits.count_max = 30;
    });
    let (counts, _) = bench.page("a 1\nb 2\n", 5);
    let report = ScrapeReport { up: false, counts, ..Default::default() };
    let taken = bench.report(&report, 6);
    for expected in [
        "scrape_labels_limit{} 30 @6",
        "scrape_response_size_bytes{} 0 @6",
        "scrape_samples_limit{} 100 @6",
        "scrape_series_added{} 0 @6",
        "scrape_series_current{} 1 @6",
        "scrape_series_limit{} 1 @6",
        "scrape_series_limit_samples_dropped{} 1 @6",
        "up{} 0 @6",
    ] {
        assert!(taken.samples.contains(&expected.to_owned()), "{expected}: {:?}", taken.samples);
    }
}

#[test]
fn metadata_goes_once_in_ten_minutes_across_targets() {
    let page = "# HELP a About\\na.\n# TYPE a counter\na 1\n# TYPE b gauge\nb 2\n";
    let minute = 60_000;
    let mut bench = Bench::new(|_| {});
    let both = ["a Counter \"About\\na.\" \"\"", "b Gauge \"\" \"\""];
    assert_eq!(bench.page(page, 0).1.metadata, both);
    // Another target with the same families, then a new family on a changed page.
    bench.target = TargetSeries::new(SeriesOptions::new(Labels::new()));
    assert_eq!(bench.page(page, minute).1.metadata, [""; 0]);
    let more = format!("{page}# UNIT c seconds\nc 3\n");
    assert_eq!(bench.page(&more, 2 * minute).1.metadata, ["c Unknown \"\" \"seconds\""]);
    assert_eq!(bench.page(&more, 9 * minute).1.metadata, [""; 0]);
    let again = bench.page(&more, 25 * minute).1.metadata;
    assert_eq!(again.len(), 3);
}

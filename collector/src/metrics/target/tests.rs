use std::hash::Hasher;

use runnel_config::settings::{
    BadLines, ExternalLabelsClash, HttpClient, RelabelAction, StaticGroup,
};
use runnel_config::units::Bytes;

use super::*;
use crate::metrics::discover::static_;

fn global() -> Global {
    Global {
        scrape_interval: Millis::seconds(60),
        scrape_timeout: Millis::seconds(10),
        external_labels: Vec::new(),
        external_labels_clash: ExternalLabelsClash::External,
        honor_timestamps: false,
        bad_lines: BadLines::Skip,
        limits: job().limits,
        relabel_configs: Vec::new(),
        metric_relabel_configs: Vec::new(),
    }
}

fn job() -> ScrapeJob {
    ScrapeJob {
        job_name: "j".to_owned(),
        scrape_interval: Millis::seconds(60),
        scrape_timeout: Millis::seconds(10),
        scheme: "http".to_owned(),
        metrics_path: "/metrics".to_owned(),
        params: Vec::new(),
        honor_labels: false,
        honor_timestamps: false,
        track_timestamps_staleness: false,
        compression: true,
        keep_alive: true,
        no_stale_markers: false,
        scrape_align_interval: None,
        scrape_offset: None,
        bad_lines: BadLines::Skip,
        http: HttpClient::default(),
        relabel_configs: Vec::new(),
        metric_relabel_configs: Vec::new(),
        limits: ScrapeLimits {
            body_bytes_max: Bytes::mib(16),
            label_limit: 0,
            label_name_length_limit: 0,
            label_value_length_limit: 0,
            sample_limit: 5,
            series_limit: 0,
            target_limit: 0,
        },
        static_configs: Vec::new(),
        file_sd_configs: Vec::new(),
        http_sd_configs: Vec::new(),
        dns_sd_configs: Vec::new(),
        kubernetes_sd_configs: Vec::new(),
    }
}

fn rule(action: RelabelAction, source: &str, regex: &str, target: &str, to: &str) -> RelabelRule {
    RelabelRule {
        action,
        source_labels: vec![source.to_owned()],
        separator: ";".to_owned(),
        target_label: target.to_owned(),
        regex: Some(regex.to_owned()),
        modulus: 0,
        replacement: to.to_owned(),
        condition: Vec::new(),
        graphite_match: String::new(),
        graphite_labels: Vec::new(),
        place: format!("runnel.yaml:{}", regex.len()),
    }
}

fn set(target: &str, to: &str) -> RelabelRule {
    rule(RelabelAction::Replace, "job", ".*", target, to)
}

fn builder(job: ScrapeJob) -> TargetBuilder {
    TargetBuilder::new(Arc::new(job), &global()).unwrap()
}

fn group(addresses: &[&str], labels: &[(&str, &str)]) -> Group {
    Group {
        source: "test".to_owned(),
        addresses: addresses.iter().map(|&a| a.to_owned()).collect(),
        labels: labels.iter().copied().collect(),
    }
}

/// `url labels` or the reason why there is no target.
fn show(job: ScrapeJob, address: &str, labels: &[(&str, &str)]) -> String {
    match builder(job).build(&group(&[], labels), address) {
        Ok(target) => format!("{} {}", target.url, target.labels),
        Err(dropped) => dropped.reason.to_string(),
    }
}

#[test]
fn addresses_become_urls_and_instances() {
    for (scheme, path, address, expected) in [
        ("http", "/metrics", "a:9", r#"http://a:9/metrics {instance="a:9", job="j"}"#),
        ("http", "/metrics", "a", r#"http://a/metrics {instance="a:80", job="j"}"#),
        ("https", "/m", "a", r#"https://a/m {instance="a:443", job="j"}"#),
        ("http", "m?x=1", "a", r#"http://a/m?x=1 {instance="a:80", job="j"}"#),
        ("http", "/m", "https://a/p/q?r=s", r#"https://a/p/q?r=s {instance="a:443", job="j"}"#),
        ("https", "/m", "http://a:81", r#"http://a:81/m {instance="a:81", job="j"}"#),
        ("http", "/m", "[::1]:9", r#"http://[::1]:9/m {instance="[::1]:9", job="j"}"#),
        ("http", "/m", "", "there is no address"),
        ("http", "/m", "http:///x", "there is no address"),
        (
            "http",
            "/m",
            "a b",
            r#"cannot read URL "http://a b/m": invalid international domain name"#,
        ),
        ("http", "/m", "a:99999", r#"cannot read URL "http://a:99999/m": invalid port number"#),
        ("ftp", "/m", "a", r#"cannot read URL "ftp://a/m": expected scheme http or https"#),
    ] {
        let job = ScrapeJob { scheme: scheme.to_owned(), metrics_path: path.to_owned(), ..job() };
        assert_eq!(show(job, address, &[]), expected, "{address}");
    }
}

#[test]
fn parameters() {
    let params = |pairs: &[(&str, &[&str])]| {
        let pairs = pairs.iter().map(|(name, values)| {
            ((*name).to_owned(), values.iter().map(|&v| v.to_owned()).collect::<Vec<_>>())
        });
        pairs.collect::<Vec<_>>()
    };
    for (given, labels, expected) in [
        (params(&[("b", &["1", "2"]), ("a", &["3"])]), vec![], "?a=3&b=1&b=2"),
        (params(&[("b", &["1", "2"])]), vec![("__param_b", "x")], "?b=x&b=2"),
        (params(&[("b", &["1"])]), vec![("__param_c", "x y&z=ä~")], "?b=1&c=x+y%26z%3D%C3%A4~"),
        (params(&[("match[]", &["{a=\"b\"}"])]), vec![], "?match%5B%5D=%7Ba%3D%22b%22%7D"),
        (params(&[("b", &[])]), vec![], ""),
        (params(&[("b", &[""])]), vec![], ""),
    ] {
        let job = ScrapeJob { params: given, metrics_path: "/m".to_owned(), ..job() };
        let url = builder(job).build(&group(&[], &labels), "a").unwrap().url;
        assert_eq!(url, format!("http://a/m{expected}"));
    }
    let job = ScrapeJob {
        params: params(&[("b", &["1"])]),
        metrics_path: "/m?x=1".to_owned(),
        relabel_configs: vec![set("__param_c", "2"), set("__param_b", "")],
        ..job()
    };
    assert_eq!(builder(job).build(&group(&[], &[]), "a").unwrap().url, "http://a/m?x=1&c=2");
}

#[test]
fn what_rules_see_and_what_stays() {
    let job = ScrapeJob { params: vec![("p".to_owned(), vec!["1".to_owned()])], ..job() };
    let target = builder(job)
        .build(&group(&[], &[("job", "own"), ("__meta_x", "1"), ("__tmp", "2"), ("l", "v")]), "a:9")
        .unwrap();
    let discovered = r#"{__address__="a:9", __meta_x="1", __metrics_path__="/metrics", __param_p="1", __scheme__="http", __scrape_interval__="1m0s", __scrape_timeout__="10s", __tmp="2", job="own", l="v"}"#;
    assert_eq!(target.discovered.to_string(), discovered);
    assert_eq!(target.labels.to_string(), r#"{instance="a:9", job="own", l="v"}"#);
}

#[test]
fn relabeling() {
    let with = |rules| ScrapeJob { relabel_configs: rules, ..job() };
    let meta = [("__meta_port", "8080")];
    for (rules, expected) in [
        (vec![set("instance", "i")], r#"http://a:9/metrics {instance="i", job="j"}"#),
        (vec![set("job", "")], r#"http://a:9/metrics {instance="a:9"}"#),
        (
            vec![
                set("__address__", "b:1"),
                set("__scheme__", "https"),
                set("__metrics_path__", "x"),
            ],
            r#"https://b:1/x {instance="b:1", job="j"}"#,
        ),
        (vec![set("__address__", "")], "there is no address"),
        (
            vec![rule(RelabelAction::Replace, "__meta_port", "(.+)", "port", "$1")],
            r#"http://a:9/metrics {instance="a:9", job="j", port="8080"}"#,
        ),
        (
            vec![set("x", "1"), rule(RelabelAction::Drop, "__meta_port", "80.*", "", "")],
            "dropped by relabel rule 2 at runnel.yaml:4",
        ),
        (
            vec![rule(RelabelAction::LabelKeep, "", "x", "", "")],
            "dropped by relabel rule 1 at runnel.yaml:1",
        ),
    ] {
        assert_eq!(show(with(rules), "a:9", &meta), expected);
    }
}

#[test]
fn global_rules_come_first() {
    let job = ScrapeJob { relabel_configs: vec![set("x", "job")], ..job() };
    let first = rule(RelabelAction::Replace, "x", "", "y", "x was not set");
    let global = Global { relabel_configs: vec![first], ..global() };
    let builder = TargetBuilder::new(Arc::new(job), &global).unwrap();
    let target = builder.build(&group(&[], &[]), "a:9").unwrap();
    assert_eq!(
        target.labels.to_string(),
        r#"{instance="a:9", job="j", x="job", y="x was not set"}"#
    );
}

#[test]
fn labels_override_settings() {
    let show = |labels: &[(&str, &str)]| match builder(job()).build(&group(&[], labels), "a") {
        Ok(target) => {
            let (interval, timeout, limits) = (target.interval, target.timeout, target.limits);
            let (Bytes(size), labels) = (limits.body_bytes_max, limits.label_limit);
            let (samples, series) = (limits.sample_limit, limits.series_limit);
            format!("{} {} {size} {labels} {samples} {series}", interval.0, timeout.0)
        }
        Err(dropped) => dropped.reason.to_string(),
    };
    for (name, value, expected) in [
        ("x", "y", "60000 10000 16777216 0 5 0"),
        ("__scrape_interval__", "1m0s", "60000 10000 16777216 0 5 0"),
        ("__scrape_interval__", "1h30m", "5400000 10000 16777216 0 5 0"),
        ("__scrape_interval__", "5", "5000 5000 16777216 0 5 0"),
        ("__scrape_timeout__", "1.5s", "60000 1500 16777216 0 5 0"),
        ("__scrape_timeout__", "1h", "60000 60000 16777216 0 5 0"),
        ("__max_scrape_size__", "1.5KiB", "60000 10000 1536 0 5 0"),
        ("__max_scrape_size__", "2mb", "60000 10000 2000000 0 5 0"),
        ("__max_scrape_size__", "0", "60000 10000 16777216 0 5 0"),
        ("__label_limit__", "7", "60000 10000 16777216 7 5 0"),
        ("__sample_limit__", "-1", "60000 10000 16777216 0 0 0"),
        ("__series_limit__", "9", "60000 10000 16777216 0 5 9"),
        (
            "__scrape_interval__",
            "0s",
            r#"cannot read label __scrape_interval__: expected a span above 0 such as 30s, found "0s""#,
        ),
        (
            "__scrape_timeout__",
            "1 s",
            r#"cannot read label __scrape_timeout__: expected a span above 0 such as 30s, found "1 s""#,
        ),
        (
            "__max_scrape_size__",
            "1XB",
            r#"cannot read label __max_scrape_size__: expected a size such as 16MiB, found "1XB""#,
        ),
        (
            "__sample_limit__",
            "1.5",
            r#"cannot read label __sample_limit__: expected a whole number, found "1.5""#,
        ),
    ] {
        assert_eq!(show(&[(name, value)]), expected, "{name} {value}");
    }
}

#[test]
fn spans_print_as_in_go() {
    for (ms, expected) in [
        (0, "0s"),
        (500, "500ms"),
        (1500, "1.5s"),
        (1005, "1.005s"),
        (15_000, "15s"),
        (60_000, "1m0s"),
        (90_500, "1m30.5s"),
        (3_600_000, "1h0m0s"),
        (90_061_000, "25h1m1s"),
    ] {
        assert_eq!(overrides::go_duration(Millis(ms)), expected);
    }
}

#[test]
fn a_pool_has_each_target_once_and_counts_the_rest() {
    let job = ScrapeJob {
        static_configs: vec![
            StaticGroup {
                targets: ["a:1", "b:1", "", "a:1", "drop:1"].map(str::to_owned).to_vec(),
                labels: vec![("x".to_owned(), "y".to_owned())],
            },
            StaticGroup {
                targets: vec!["a:1".to_owned(), "bad:99999".to_owned()],
                labels: Vec::new(),
            },
        ],
        relabel_configs: vec![rule(RelabelAction::Drop, "__address__", "drop.*", "", "")],
        ..job()
    };
    let groups = static_::groups(&job.static_configs);
    let pool = builder(job.clone()).pool(&groups);
    let addresses: Vec<_> =
        pool.targets.iter().map(|t| (t.url.as_str(), t.labels.value("x"))).collect();
    let url = |host| format!("http://{host}:1/metrics");
    let (a, b) = (url("a"), url("b"));
    assert_eq!(addresses, [(a.as_str(), "y"), (b.as_str(), "y"), (a.as_str(), "")]);
    assert_eq!((pool.relabeled_away, pool.duplicates, pool.mistakes), (1, 1, 2));
    let reasons: Vec<_> = pool
        .dropped
        .iter()
        .map(|d| (d.reason.is_error(), d.discovered.value("__address__")))
        .collect();
    assert_eq!(reasons, [(true, ""), (true, "bad:99999"), (false, "a:1"), (false, "drop:1")]);
    assert_eq!(pool.over_limit, None);
    let limits = ScrapeLimits { target_limit: 2, ..job.limits };
    let pool = builder(ScrapeJob { limits, ..job }).pool(&groups);
    assert_eq!(pool.over_limit, Some(OverLimit { limit: 2, found: 3 }));
}

#[test]
fn what_is_shown_of_the_dropped_is_bounded() {
    let addresses: Vec<_> = (0..DROPPED_KEPT_MAX + 500).map(|n| format!("h{n}")).collect();
    let mut mixed = group(&[], &[]);
    mixed.addresses = addresses;
    let rules = vec![rule(RelabelAction::Drop, "__address__", "h.*", "", "")];
    let builder = builder(ScrapeJob { relabel_configs: rules, ..job() });
    let empty = group(&["", ""], &[]);
    let pool = builder.pool(&[mixed, empty]);
    assert_eq!((pool.relabeled_away, pool.mistakes), (DROPPED_KEPT_MAX + 500, 2));
    assert_eq!(pool.dropped.len(), DROPPED_KEPT_MAX);
    assert!(pool.dropped[1].reason.is_error() && !pool.dropped[2].reason.is_error());
}

#[test]
fn a_change_touches_only_the_targets_it_concerns() {
    let pool = |job: ScrapeJob, global: &Global, addresses: &[&str]| {
        let builder = TargetBuilder::new(Arc::new(job), global).unwrap();
        builder.pool(&[group(addresses, &[])]).targets
    };
    let old = pool(job(), &global(), &["a", "b", "c"]);
    let check = |what: &str, new: &[Arc<Target>], expected: (&str, &str, &str)| {
        let diff = diff(&old, new);
        let names = |targets: &[Arc<Target>]| {
            let names = targets.iter().map(|t| t.labels.value("instance").replace(":80", ""));
            names.collect::<String>()
        };
        let got = (names(&diff.stop), names(&diff.start), names(&diff.keep));
        assert_eq!((got.0.as_str(), got.1.as_str(), got.2.as_str()), expected, "{what}");
    };
    let same = ("", "", "abc");
    let all = ("abc", "abc", "abc");
    let (stop_all, start_all, keep_none) = (all.0, all.1, "");
    check("nothing", &pool(job(), &global(), &["a", "b", "c"]), same);
    check("addresses", &pool(job(), &global(), &["b", "d", "c"]), ("a", "d", "bc"));
    let one = |label: &str| vec![rule(RelabelAction::Replace, "__address__", "b", label, "7s")];
    let with =
        |rules| pool(ScrapeJob { relabel_configs: rules, ..job() }, &global(), &["a", "b", "c"]);
    check("a label", &with(one("x")), ("b", "b", "ac"));
    check("an interval", &with(one("__scrape_interval__")), ("b", "b", "ac"));
    check("a label that goes", &with(one("__tmp")), same);
    let moved = |line: &str| {
        let rule = RelabelRule { place: line.to_owned(), ..set("x", "y") };
        let job = ScrapeJob { metric_relabel_configs: vec![rule], ..job() };
        pool(job, &global(), &["a", "b", "c"])
    };
    check("a metric rule", &moved("f:1"), (stop_all, start_all, keep_none));
    assert!(diff(&moved("f:1"), &moved("f:2")).start.is_empty(), "its line");
    let change = |change: &dyn Fn(&mut ScrapeJob)| {
        let mut job = job();
        change(&mut job);
        pool(job, &global(), &["a", "b", "c"])
    };
    let changed = (stop_all, start_all, keep_none);
    check("the name", &change(&|job| job.job_name = "k".to_owned()), changed);
    check("an option", &change(&|job| job.honor_labels = true), changed);
    check("a limit", &change(&|job| job.limits.sample_limit = 6), changed);
    check("bad lines", &change(&|job| job.bad_lines = BadLines::Fail), changed);
    check("the sources", &change(&|job| job.static_configs.push(StaticGroup::default())), same);
    let external = Global { external_labels: vec![("a".to_owned(), "b".to_owned())], ..global() };
    check("external labels", &pool(job(), &external, &["a", "b", "c"]), changed);
}

#[test]
fn the_phase_depends_on_url_and_labels_alone() {
    let phase = |job: ScrapeJob| builder(job).build(&group(&[], &[]), "a:9").unwrap().phase;
    let expected = {
        let mut hash = XxHash64::with_seed(0);
        hash.write(b"http://a:9/metrics\xffinstance\xffa:9\xffjob\xffj\xff");
        hash.finish()
    };
    assert_eq!(phase(job()), expected);
    assert_eq!(phase(ScrapeJob { honor_labels: true, ..job() }), expected);
    assert_ne!(phase(ScrapeJob { metrics_path: "/m".to_owned(), ..job() }), expected);
}

#[test]
fn a_clash_of_keys_loses_no_target() {
    let builder = builder(job());
    let pool = builder.pool(&[group(&["a"], &[])]);
    let mut other = builder.build(&group(&[], &[]), "b").unwrap();
    other.key = pool.targets[0].key;
    let by_key = [(other.key, 0)].into_iter().collect();
    assert!(matches!(pool.find(&by_key, &mut other), pool::Found::New));
    assert_eq!(other.key, pool.targets[0].key.wrapping_add(1));
    let mut same = builder.build(&group(&[], &[]), "a").unwrap();
    assert!(matches!(pool.find(&by_key, &mut same), pool::Found::Duplicate));
}

//! Debian's node-exporter, scraped into the real VictoriaMetrics: every series and value of the
//! page stands in `/api/v1/export`.

use std::collections::{BTreeMap, BTreeSet};

use tests::exporter::Pages;
use tests::page::rows;
use tests::parts::{self, Parts};
use tests::series::{Sample, diff, labels_text, same_value};
use tests::{Agent, Exporter, Labels, NodeExporter, Store, VictoriaMetrics, until};

use crate::SOON;

#[test]
fn every_series_and_value_of_node_exporter_is_stored() {
    let Some(parts) = parts::need() else { return };
    check(&parts, |config, url| Agent::start(&format!("{config}remote_write:\n  - url: {url}\n")));
}

/// Starts an agent by `start(config, url)` between the two real parts and checks what arrives.
pub fn check<A>(parts: &Parts, start: impl FnOnce(&str, &str) -> A) {
    let node = NodeExporter::start(parts);
    let pages = Pages::default();
    // The recording exporter stands between, so that each page is known.
    let exporter = Exporter::recording(node.address(), "/metrics", pages.clone());
    let victoria = VictoriaMetrics::start(parts);
    let config = format!(
        "global:\n  scrape_interval: 1s\n  external_labels: {{cluster: test}}\n\
         scrape_configs:\n  - job_name: node\n    static_configs:\n\
         \x20     - {{targets: [\"{}\"], labels: {{role: worker}}}}\n",
        exporter.address()
    );
    let _agent = start(&config, &victoria.url());

    until("the last page to be stored", SOON, || {
        victoria.export("up").values().flatten().count() > PAGES
    });
    let stored = victoria.export_all();
    let times = scrape_times(&stored);
    for (time, scrape) in times.iter().zip(exporter.scrapes()) {
        let distance = (time - scrape.at_ms).abs();
        assert!(distance <= TIME_DISTANCE_MS, "stored at {time}, shown at {}", scrape.at_ms);
    }
    let common = [
        ("instance", exporter.address()),
        ("job", "node".into()),
        ("role", "worker".into()),
        ("cluster", "test".into()),
    ];
    let expected = expected(&pages.all(), &times, &common);
    let found = cut(&stored, &times);
    assert!(expected.len() > 300, "node-exporter showed only {} series", expected.len());
    let lines = diff(&expected, &found, labels_text, compare);
    assert!(lines.is_empty(), "{} differences:\n{}", lines.len(), lines.join("\n"));
    automatic_metrics_stand_beside(&stored, &common);
}

fn scrape_times(stored: &Store) -> Vec<i64> {
    let up = stored.iter().find(|(labels, _)| labels["__name__"] == "up");
    let (_, up) = up.expect("an agent stores `up`");
    assert!(up.iter().all(|sample| sample.value == 1.0), "a scrape failed: {up:?}");
    up.iter().map(|sample| sample.at_ms).take(PAGES).collect()
}

/// What the pages say, at the times of their scrapes.
fn expected(
    pages: &[String],
    times: &[i64],
    common: &[(&str, String)],
) -> BTreeMap<Labels, Vec<Sample>> {
    let mut expected = Store::new();
    for (page, &at_ms) in pages.iter().zip(times) {
        // VictoriaMetrics keeps no NaN but stale markers.
        for mut row in rows(page).into_iter().filter(|row| !row.value.is_nan()) {
            row.labels.retain(|_, value| !value.is_empty());
            let common = common.iter().map(|(name, value)| (name.to_string(), value.clone()));
            row.labels.extend(common);
            let sample = Sample { at_ms, value: row.value };
            expected.entry(row.labels).or_default().push(sample);
        }
    }
    expected
}

/// What is stored at these times, without the automatic metrics.
fn cut(stored: &Store, times: &[i64]) -> Store {
    let times: BTreeSet<i64> = times.iter().copied().collect();
    let mut cut = Store::new();
    for (labels, samples) in stored {
        if is_automatic(&labels["__name__"]) {
            continue;
        }
        let known: Vec<Sample> =
            samples.iter().filter(|sample| times.contains(&sample.at_ms)).copied().collect();
        if !known.is_empty() {
            cut.insert(labels.clone(), known);
        }
    }
    cut
}

fn is_automatic(name: &str) -> bool {
    name == "up" || name.starts_with("scrape_")
}

fn compare(expected: &Vec<Sample>, found: &Vec<Sample>) -> Option<String> {
    let same = expected.len() == found.len()
        && expected
            .iter()
            .zip(found)
            .all(|(a, b)| a.at_ms == b.at_ms && same_value(a.value, b.value));
    (!same).then(|| format!("expected {expected:?}, found {found:?}"))
}

fn automatic_metrics_stand_beside(stored: &Store, common: &[(&str, String)]) {
    for name in AUTOMATIC {
        let found = stored.keys().any(|labels| {
            labels["__name__"] == *name && common.iter().all(|(l, v)| labels.get(*l) == Some(v))
        });
        assert!(found, "no {name} with the target's labels");
    }
}

/// Pages compared: a first one, and what a second and third one change.
const PAGES: usize = 3;
/// A grid timestamp may lie 10 % of the interval from the scrape; the rest is a loaded machine.
const TIME_DISTANCE_MS: i64 = 600;
/// Those that Prometheus and vmagent both write.
const AUTOMATIC: &[&str] = &[
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

//! The agent and vmagent scrape the same pages, step by step, and store the same.
//!
//! Each side has an exporter of its own that shows page k to the k-th scrape of a path, a real
//! VictoriaMetrics, and a fake destination that keeps the exact bits (VictoriaMetrics keeps no NaN
//! but stale markers, and rounds to decimals).

mod cases;

use std::collections::BTreeSet;
use std::fs;

use tests::differential::{Rules, Story, diff, normalise, story_text};
use tests::parts::{self, Parts};
use tests::series::{is_stale, labels_text};
use tests::{Agent, Exporter, Folder, Receiver, Store, VictoriaMetrics, VmAgent, until};

use crate::SOON;
use cases::{Case, Pages, cases, external_labels, stamps};

/// One line per difference that is meant, each with its section in `docs/differences.md`.
const ALLOWED: &[Allowed] = &[
    meant("Duplicate series on one page", "duplicates", "twice{"),
    meant("Duplicate series on one page", "duplicates", "scrape_series_added{"),
    meant("Empty labels on the page and external labels", "external_clash_honored", "e{"),
    meant("Values with a plus sign", "special_values", "v{"),
    meant("Values with a plus sign", "special_values", "scrape_samples_scraped{"),
    meant("Values with a plus sign", "special_values", "scrape_samples_post_metric_relabeling{"),
    meant("Values with a plus sign", "special_values", "scrape_series_added{"),
];

const fn meant(section: &'static str, case: &'static str, series: &'static str) -> Allowed {
    Allowed { section, case, series }
}

/// A difference that is meant.
struct Allowed {
    /// Heading of the section that gives the reason.
    section: &'static str,
    /// Case in which it shows, the `instance` of its series.
    case: &'static str,
    /// How the series' text begins.
    series: &'static str,
}

impl Allowed {
    fn covers(&self, line: &str) -> bool {
        let series = line.split_once(": ").map_or("", |(_, rest)| rest);
        series.starts_with(self.series) && line.contains(&format!("instance={:?}", self.case))
    }
}

#[test]
fn stores_what_vmagent_stores() {
    let Some(parts) = parts::need() else { return };
    let differences = compare(&parts, Kind::VmAgent, Kind::Runnel);
    let meant = |line: &&String| ALLOWED.iter().any(|allowed| allowed.covers(line));
    let (meant, unmeant): (Vec<&String>, Vec<&String>) = differences.iter().partition(meant);
    assert!(unmeant.is_empty(), "{} differences:\n{}", unmeant.len(), join(&unmeant));
    for allowed in ALLOWED {
        let shows = meant.iter().any(|line| allowed.covers(line));
        assert!(shows, "no longer differs, so strike it off: {}", allowed.section);
    }
}

#[test]
fn meant_differences_are_documented() {
    let page = tests::workspace().join("docs/differences.md");
    let text = fs::read_to_string(&page).expect("docs/differences.md can be read");
    let documented: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let meant: BTreeSet<&str> = ALLOWED.iter().map(|allowed| allowed.section).collect();
    assert_eq!(documented, meant, "docs/differences.md and the table of this test disagree");
}

/// The machinery itself: vmagent on both sides shows no difference.
#[test]
fn harness_sees_no_difference_between_equals() {
    let Some(parts) = parts::need() else { return };
    let differences = compare(&parts, Kind::VmAgent, Kind::VmAgent);
    assert!(differences.is_empty(), "{}", join(&differences.iter().collect::<Vec<_>>()));
}

fn join(lines: &[&String]) -> String {
    lines.iter().map(|line| line.as_str()).collect::<Vec<_>>().join("\n")
}

/// Runs both sides at once on all cases and compares both kinds of destination.
fn compare(parts: &Parts, expected: Kind, found: Kind) -> Vec<String> {
    let cases = cases();
    let expected = Side::start(parts, &cases, expected);
    let found = Side::start(parts, &cases, found);
    for side in [&expected, &found] {
        side.wait_for_all_pages(&cases);
    }
    let steps = cases.iter().map(|case| (case.name.to_string(), case.steps())).collect();
    let rules = Rules { stamps: stamps(), steps };
    let mut lines = Vec::new();
    let stored = |side: &Side| normalise(&side.victoria.export_all(), &rules);
    let (expected_stored, found_stored) = (stored(&expected), stored(&found));
    lines.extend(diff(&expected_stored, &found_stored));
    let sent = |side: &Side| normalise(&side.receiver.store(), &rules);
    let (expected_sent, found_sent) = (sent(&expected), sent(&found));
    let sent_lines = diff(&expected_sent, &found_sent);
    lines.extend(sent_lines.into_iter().map(|line| format!("{line} (sent)")));
    for story in [&expected_stored, &found_stored, &expected_sent, &found_sent] {
        the_story_tells_the_facts(story);
    }
    lines
}

/// A few facts that must be told, so that two empty stories are not taken for equal ones.
fn the_story_tells_the_facts(story: &Story) {
    let told = |text: &str| {
        let found = story.iter().find(|(labels, _)| labels_text(labels).starts_with(text));
        found.map(|(_, moments)| story_text(moments))
    };
    let facts = [
        ("c_total{", "[0:1 1:2 2:0]"),
        ("goes{a=\"1\", cluster=\"outer\", instance=\"vanishing_series\"", "[0:2 1:stale 3:2 4:2]"),
        ("up{cluster=\"outer\", instance=\"failing_first\"", "[0:0 1:1 2:1]"),
        ("goes{a=\"1\", cluster=\"outer\", instance=\"vanishing_target\"", "[0:2 1:stale]"),
        ("ms{cluster=\"outer\", instance=\"stamps_honored\"", "[@1700000000123:1]"),
    ];
    for (series, moments) in facts {
        assert_eq!(told(series).as_deref(), Some(moments), "{series}");
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Runnel,
    VmAgent,
}

/// One agent with its exporter and its destinations.
struct Side {
    _agent: (Option<Agent>, Option<VmAgent>),
    exporter: Exporter,
    victoria: VictoriaMetrics,
    receiver: Receiver,
    discovered: Folder,
}

impl Side {
    fn start(parts: &Parts, cases: &[Case], kind: Kind) -> Self {
        let pages: Vec<(String, Pages)> =
            cases.iter().map(|case| (format!("/{}", case.name), case.pages.clone())).collect();
        let exporter = Exporter::start(move |scrape| {
            let found = pages.iter().find(|(path, _)| *path == scrape.path);
            let (_, pages) = found.expect("only paths of cases are scraped");
            pages[scrape.number.min(pages.len() - 1)].clone()
        });
        let (victoria, receiver) = (VictoriaMetrics::start(parts), Receiver::start());
        let discovered = Folder::new("discovered");
        let mut config =
            format!("global:\n  scrape_interval: 1s\n  external_labels: {}\n", external_labels());
        config.push_str("scrape_configs:\n");
        for case in cases {
            config.push_str(&case.job(&exporter.address(), &discovered));
        }
        let urls = [victoria.url(), receiver.url()];
        let agent = match kind {
            Kind::VmAgent => (None, Some(VmAgent::start(parts, &config, &urls))),
            Kind::Runnel => {
                let list: Vec<String> =
                    urls.iter().map(|url| format!("  - url: {url}\n")).collect();
                config.push_str(&format!("remote_write:\n{}", list.concat()));
                (Some(Agent::start(&config)), None)
            }
        };
        Self { _agent: agent, exporter, victoria, receiver, discovered }
    }

    /// Waits until each page was shown and what it gave has arrived at both destinations.
    fn wait_for_all_pages(&self, cases: &[Case]) {
        // Two more scrapes than pages: the last one compared is then behind us in every queue.
        for case in cases.iter().filter(|case| case.steps().is_some()) {
            let wanted = case.pages.len() + 2;
            let path = format!("/{}", case.name);
            until(&path, SOON, || self.exporter.count(&path) >= wanted);
        }
        for case in cases.iter().filter(|case| case.steps().is_none()) {
            let path = format!("/{}", case.name);
            until(&path, SOON, || self.exporter.count(&path) >= case.pages.len());
            self.discovered.write(&format!("{}.json", case.name), "[]");
        }
        for case in cases.iter().filter(|case| case.steps().is_none()) {
            let own = format!(r#"{{instance="{}"}}"#, case.name);
            until("stale markers of the vanished target", SOON, || {
                all_stale(&self.receiver.store(), case.name)
                    && all_stale(&self.victoria.export(&own), case.name)
            });
        }
        for case in cases.iter().filter(|case| case.steps().is_some()) {
            let arrived = |store: Store| {
                let clock = store.into_iter().find(|(labels, _)| {
                    labels.get("__name__").is_some_and(|n| n == "scrape_samples_scraped")
                        && labels.get("instance").is_some_and(|i| i == case.name)
                });
                clock.is_some_and(|(_, samples)| samples.len() > case.pages.len())
            };
            until("the last page to arrive", SOON, || arrived(self.receiver.store()));
            let own = format!(r#"{{instance="{}"}}"#, case.name);
            until("the last page to be stored", SOON, || arrived(self.victoria.export(&own)));
        }
    }
}

/// True when each series of a target ends with a stale marker.
fn all_stale(store: &Store, instance: &str) -> bool {
    let mut own = store
        .iter()
        .filter(|(labels, _)| labels.get("instance").is_some_and(|found| found == instance));
    own.all(|(_, samples)| samples.last().is_some_and(|last| is_stale(last.value)))
}

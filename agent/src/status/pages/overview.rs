//! `/`: is everything scraped, was anything lost, how far behind are we.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::SystemTime;

use runnel_collector::metrics::status::{Health, Snapshot};

use crate::figures::{bytes, count, span};
use crate::lane::{LaneState, LaneStatus};
use crate::ledger::Place;
use crate::reload::ConfigStatus;
use crate::status::html::{Escaped, badge, figures, page, table};
use crate::status::process::Process;
use crate::store::{Audit, RingView};

/// What the overview shows.
#[derive(Debug)]
pub struct Overview<'a> {
    /// Name of the node.
    pub node: &'a str,
    /// Targets and jobs.
    pub snapshot: &'a Snapshot,
    /// The ledger, audited.
    pub audit: &'a Audit,
    /// The ring.
    pub ring: &'a RingView,
    /// Lanes by destination.
    pub lanes: &'a BTreeMap<String, LaneStatus>,
    /// The configuration's state.
    pub config: &'a ConfigStatus,
    /// Figures of the kernel.
    pub process: Process,
    /// The time.
    pub now: SystemTime,
}

/// The page `/`.
pub fn overview(view: &Overview<'_>) -> String {
    let mut body = String::from("<h1>Overview</h1>");
    if let Some(error) = &view.config.error {
        let _ = write!(
            body,
            "<p class=\"banner\">The newest configuration is bad, an older one runs:\n{}</p>",
            Escaped(error)
        );
    }
    body.push_str(&summary(view));
    body.push_str("<h2>Jobs</h2>");
    body.push_str(&jobs(view.snapshot));
    body.push_str("<h2>Destinations</h2>");
    body.push_str(&destinations(view));
    body.push_str(
        "<h2>Ledger</h2><p class=\"dim\">taken = delivered + dropped + rejected + held</p>",
    );
    body.push_str(&ledger(view.audit));
    page("/", view.node, &body)
}

fn summary(view: &Overview<'_>) -> String {
    let up = view.snapshot.count(Health::Up);
    let all = view.snapshot.targets.len();
    let lost: u64 = view.audit.accounts.iter().map(|entry| entry.counts.lost()).sum();
    let held: u64 = view.ring.readers.iter().map(|reader| reader.items).sum();
    let oldest = view.ring.readers.iter().filter_map(|reader| reader.oldest_age(view.now)).max();
    let balanced = view.audit.balanced();
    let good = |is: bool| if is { "ok" } else { "bad" };
    figures(&[
        ("Targets up", format!("{up} of {all}"), good(up == all)),
        ("Samples lost", count(lost), good(lost == 0)),
        ("Samples held", count(held), ""),
        ("Oldest unsent", oldest.map_or("—".to_owned(), |age| span(age.as_secs())), ""),
        ("Ledger", if balanced { "balanced" } else { "NOT balanced" }.to_owned(), good(balanced)),
        (
            "Ring used",
            format!("{} of {}", bytes(view.ring.used_bytes), bytes(view.ring.budget_bytes)),
            "",
        ),
        ("Resident memory", bytes(view.process.resident_bytes), ""),
        ("CPU time", span(view.process.cpu_s as u64), ""),
    ])
}

fn jobs(snapshot: &Snapshot) -> String {
    let rows: Vec<Vec<String>> = snapshot
        .jobs
        .iter()
        .map(|job| {
            let of_job = || snapshot.targets.iter().filter(|target| target.pool == job.name);
            let up = of_job().filter(|target| target.scrape.health == Health::Up).count();
            let all = of_job().count();
            let samples: u64 = of_job().map(|target| target.scrape.samples_kept).sum();
            let class = if up == all { "ok" } else { "bad" };
            let name = Escaped(&job.name);
            let errors: Vec<_> =
                job.discovery_errors.iter().map(|e| Escaped(e).to_string()).collect();
            vec![
                format!("<a href=\"/targets?pool={name}\">{name}</a>"),
                badge(class, &format!("{up} of {all} up")),
                count(job.dropped_count),
                count(samples),
                count(job.totals.bad_lines),
                format!("<span class=\"error\">{}</span>", errors.join("<br>")),
            ]
        })
        .collect();
    table(
        &["Job", "Targets", "Dropped targets", "Samples a scrape", "Bad lines", "Discovery"],
        &rows,
    )
}

fn destinations(view: &Overview<'_>) -> String {
    let rows: Vec<Vec<String>> = view
        .lanes
        .iter()
        .map(|(name, lane)| {
            let class = match lane.state {
                LaneState::Idle | LaneState::Sending => "ok",
                LaneState::BackingOff => "warn",
                LaneState::Parked => "bad",
            };
            let reader = view.ring.readers.iter().find(|reader| reader.name == *name);
            let age = reader.and_then(|reader| reader.oldest_age(view.now));
            vec![
                Escaped(name).to_string(),
                badge(class, lane.state.name()),
                reader.map_or("—".to_owned(), |reader| count(reader.items)),
                age.map_or("—".to_owned(), |age| span(age.as_secs())),
                bytes(lane.wire_bytes),
                format!(
                    "<span class=\"error\">{}</span>",
                    Escaped(lane.error.as_deref().unwrap_or(""))
                ),
            ]
        })
        .collect();
    table(&["Destination", "State", "Held", "Oldest", "Sent", "Last error"], &rows)
}

fn ledger(audit: &Audit) -> String {
    let rows: Vec<Vec<String>> = audit
        .accounts
        .iter()
        .map(|entry| {
            let counts = &entry.counts;
            let held: u64 = [Place::Block, Place::Queue, Place::Ring]
                .map(|place| counts.held_at(place))
                .iter()
                .sum();
            let class = if entry.balanced() { "ok" } else { "bad" };
            vec![
                format!("{} → {}", entry.signal.name(), Escaped(&entry.destination)),
                count(counts.taken()),
                count(counts.delivered),
                count(counts.dropped.iter().sum()),
                count(counts.rejected.iter().sum()),
                count(held),
                badge(class, if entry.balanced() { "balanced" } else { "NOT balanced" }),
            ]
        })
        .collect();
    table(&["Account", "Taken", "Delivered", "Dropped", "Rejected", "Held", ""], &rows)
}

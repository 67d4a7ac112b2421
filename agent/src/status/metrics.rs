//! `/metrics`: the rooms' snapshots under the names of the register.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runnel_collector::metrics::status::{Health, Snapshot};

use crate::lane::{LaneState, LaneStatus};
use crate::ledger::{Drop, Place, Reject};
use crate::reload::ConfigStatus;
use crate::status::process::Process;
use crate::store::{Audit, AuditedAccount, RingView};
use crate::telemetry::Page;

/// What the page shows.
#[derive(Debug)]
pub struct Figures<'a> {
    /// Targets and jobs.
    pub snapshot: &'a Snapshot,
    /// The ledger, audited.
    pub audit: &'a Audit,
    /// The ring.
    pub ring: &'a RingView,
    /// Lanes by destination.
    pub lanes: &'a BTreeMap<String, LaneStatus>,
    /// Time that requests waited for the link's rate.
    pub limited: Duration,
    /// The configuration's state.
    pub config: &'a ConfigStatus,
    /// Figures of the kernel.
    pub process: Process,
    /// The time.
    pub now: SystemTime,
}

/// The page, metrics in the order of their names.
pub fn page(figures: &Figures<'_>) -> String {
    let mut page = Page::default();
    process(&mut page, figures.process);
    config(&mut page, figures.config);
    destinations(&mut page, figures.lanes);
    for job in &figures.snapshot.jobs {
        let errors = job.discovery_errors.len() as f64;
        page.sample("runnel_discovery_errors", &[("job", &job.name)], errors);
    }
    ledger(&mut page, figures.audit);
    let limited = figures.limited.as_secs_f64();
    page.sample("runnel_link_limited_seconds_total", &[("reason", "rate")], limited);
    ring(&mut page, figures.ring, figures.now);
    scrapes(&mut page, figures.snapshot);
    sends(&mut page, figures.lanes);
    targets(&mut page, figures.snapshot);
    page.finish()
}

fn process(page: &mut Page, process: Process) {
    let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    page.sample("process_cpu_cores_available", &[], cores);
    page.sample("process_cpu_seconds_total", &[], process.cpu_s);
    page.sample("process_open_fds", &[], process.fds as f64);
    page.sample("process_resident_memory_bytes", &[], process.resident_bytes as f64);
    page.sample("process_resident_memory_peak_bytes", &[], process.resident_peak_bytes as f64);
    page.sample("process_start_time_seconds", &[], process.start_s);
    page.sample("process_threads", &[], process.threads as f64);
    let version = [("version", env!("CARGO_PKG_VERSION")), ("commit", env!("RUNNEL_COMMIT"))];
    page.sample("runnel_build_info", &version, 1.0);
}

fn config(page: &mut Page, config: &ConfigStatus) {
    let taken = config.taken_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    page.sample("runnel_config_last_reload_success_timestamp_seconds", &[], taken);
    let good = f64::from(u8::from(config.error.is_none()));
    page.sample("runnel_config_last_reload_successful", &[], good);
}

fn destinations(page: &mut Page, lanes: &BTreeMap<String, LaneStatus>) {
    for (name, lane) in lanes {
        for state in LaneState::ALL {
            let labels = [("destination", name.as_str()), ("state", state.name())];
            let is = f64::from(u8::from(lane.state == state));
            page.sample("runnel_destination_state", &labels, is);
        }
    }
}

fn ledger(page: &mut Page, audit: &Audit) {
    let balanced = f64::from(u8::from(audit.balanced()));
    page.sample("runnel_ledger_balanced", &[], balanced);
    for entry in &audit.accounts {
        for (place, name) in
            [(Place::Block, "block"), (Place::Queue, "queue"), (Place::Ring, "ring")]
        {
            let labels = [
                ("signal", entry.signal.name()),
                ("destination", entry.destination.as_str()),
                ("where", name),
            ];
            page.sample("runnel_ledger_held_items", &labels, entry.counts.held_at(place) as f64);
        }
    }
    audit.accounts.iter().for_each(|entry| fates(page, entry));
    for entry in &audit.accounts {
        let labels = [("signal", entry.signal.name()), ("destination", entry.destination.as_str())];
        let repeated = entry.counts.possible_duplicates as f64;
        page.sample("runnel_ledger_possible_duplicates_total", &labels, repeated);
    }
}

fn fates(page: &mut Page, entry: &AuditedAccount) {
    let mut fate = |fate: &str, reason: &str, items: u64| {
        let labels = [
            ("signal", entry.signal.name()),
            ("destination", entry.destination.as_str()),
            ("fate", fate),
            ("reason", reason),
        ];
        page.sample("runnel_ledger_items_total", &labels, items as f64);
    };
    let counts = &entry.counts;
    fate("taken", "collected", counts.collected);
    fate("taken", "recovered", counts.recovered);
    fate("delivered", "", counts.delivered);
    for reason in Drop::ALL {
        fate("dropped", reason.name(), counts.dropped[reason as usize]);
    }
    for reason in Reject::ALL {
        fate("rejected", reason.name(), counts.rejected[reason as usize]);
    }
}

fn ring(page: &mut Page, ring: &RingView, now: SystemTime) {
    for (state, bytes) in
        [("free", ring.free_bytes), ("lost", ring.lost_bytes), ("used", ring.used_bytes)]
    {
        page.sample("runnel_ring_bytes", &[("state", state)], bytes as f64);
    }
    let degraded = ring.memory_only || ring.segments_quarantined > 0;
    page.sample("runnel_ring_degraded", &[], f64::from(u8::from(degraded)));
    page.sample("runnel_ring_io_errors_total", &[], ring.io_errors as f64);
    for reader in &ring.readers {
        let age = reader.oldest_age(now).unwrap_or_default().as_secs_f64();
        page.sample("runnel_ring_oldest_age_seconds", &[("destination", &reader.name)], age);
    }
    let used = ring.segments.saturating_sub(ring.segments_free + ring.segments_quarantined);
    for (state, segments) in
        [("free", ring.segments_free), ("quarantined", ring.segments_quarantined), ("used", used)]
    {
        page.sample("runnel_ring_segments", &[("state", state)], segments as f64);
    }
}

fn scrapes(page: &mut Page, snapshot: &Snapshot) {
    for job in &snapshot.jobs {
        let bad = job.totals.bad_lines as f64;
        page.sample("runnel_scrape_bad_lines_total", &[("job", &job.name)], bad);
    }
    let (up, all) = (snapshot.count(Health::Up), snapshot.targets.len());
    let coverage = if all == 0 { 1.0 } else { up as f64 / all as f64 };
    page.sample("runnel_scrape_coverage_ratio", &[], coverage);
    for job in &snapshot.jobs {
        let samples = job.totals.samples as f64;
        page.sample("runnel_scrape_samples_total", &[("job", &job.name)], samples);
    }
    for job in &snapshot.jobs {
        for (result, scrapes) in
            [("failed", job.totals.scrapes_failed), ("ok", job.totals.scrapes_ok)]
        {
            let labels = [("job", job.name.as_str()), ("result", result)];
            page.sample("runnel_scrapes_total", &labels, scrapes as f64);
        }
    }
}

fn sends(page: &mut Page, lanes: &BTreeMap<String, LaneStatus>) {
    for (name, lane) in lanes {
        let labels = [("destination", name.as_str()), ("lane", "metrics")];
        page.sample("runnel_send_bytes_total", &labels, lane.wire_bytes as f64);
    }
    for (name, lane) in lanes {
        for (code, requests) in &lane.requests {
            let labels = [("destination", name.as_str()), ("code", &*code.to_string())];
            page.sample("runnel_send_requests_total", &labels, *requests as f64);
        }
    }
}

fn targets(page: &mut Page, snapshot: &Snapshot) {
    let dropped: u64 = snapshot.jobs.iter().map(|job| job.dropped_count).sum();
    page.sample("runnel_targets", &[("state", "dropped")], dropped as f64);
    for health in [Health::Down, Health::Unknown, Health::Up] {
        let count = snapshot.count(health) as f64;
        page.sample("runnel_targets", &[("state", health.name())], count);
    }
}

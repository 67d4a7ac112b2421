//! The register of all metrics: one entry each, nothing else.

#[cfg(test)]
use std::fmt::Write;

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, but for a restart.
    Counter,
    /// Any value at any time.
    Gauge,
}

impl Kind {
    /// The word of the text format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Name with unit.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Label names.
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, help }
}

/// All metrics, in the order of their names.
pub const METRICS: &[Metric] = &[
    gauge("process_cpu_cores_available", &[], "Processor cores this process may use."),
    counter("process_cpu_seconds_total", &[], "User and system CPU time spent."),
    gauge("process_open_fds", &[], "Open file descriptors."),
    gauge("process_resident_memory_bytes", &[], "Resident memory."),
    gauge("process_resident_memory_peak_bytes", &[], "Highest resident memory so far."),
    gauge("process_start_time_seconds", &[], "When the process started, since the epoch."),
    gauge("process_threads", &[], "Threads of the process."),
    gauge("runnel_build_info", &["version", "commit"], "Always 1; the labels tell the build."),
    gauge(
        "runnel_config_last_reload_success_timestamp_seconds",
        &[],
        "When a configuration was last taken, since the epoch.",
    ),
    gauge(
        "runnel_config_last_reload_successful",
        &[],
        "1 when the newest configuration runs, 0 when an older one runs because the newest is bad.",
    ),
    gauge(
        "runnel_destination_state",
        &["destination", "state"],
        "1 for the state a destination is in: idle, sending, backing_off or parked.",
    ),
    gauge("runnel_discovery_errors", &["job"], "Discoverers of a job whose last look-up failed."),
    gauge("runnel_ledger_balanced", &[], "1 when every item taken is accounted for."),
    gauge(
        "runnel_ledger_held_items",
        &["signal", "destination", "where"],
        "Items held: in the open block, on the way to the ring (queue), or in the ring.",
    ),
    counter(
        "runnel_ledger_items_total",
        &["signal", "destination", "fate", "reason"],
        "Items by what became of them; taken = delivered + dropped + rejected + held, per destination.",
    ),
    counter(
        "runnel_ledger_possible_duplicates_total",
        &["signal", "destination"],
        "Items sent again after an answer that never came.",
    ),
    counter(
        "runnel_link_limited_seconds_total",
        &["reason"],
        "Time that requests waited for the link's rate.",
    ),
    gauge("runnel_ring_bytes", &["state"], "Bytes of the ring's disk space by state."),
    gauge("runnel_ring_degraded", &[], "1 when the ring lost disk space or runs in memory only."),
    counter("runnel_ring_io_errors_total", &[], "Disk errors of the ring."),
    gauge("runnel_ring_oldest_age_seconds", &["destination"], "Age of the oldest unsent item."),
    gauge("runnel_ring_segments", &["state"], "Segments of the ring by state."),
    counter(
        "runnel_scrape_bad_lines_total",
        &["job"],
        "Lines that did not parse and were skipped.",
    ),
    gauge(
        "runnel_scrape_coverage_ratio",
        &[],
        "Share of the targets that are up, of those that should be scraped by this agent.",
    ),
    counter("runnel_scrape_samples_total", &["job"], "Samples on the pages of a job."),
    counter("runnel_scrapes_total", &["job", "result"], "Scrapes by result."),
    counter(
        "runnel_send_bytes_total",
        &["destination", "lane"],
        "Bytes written to the wire, retries and TLS included.",
    ),
    counter(
        "runnel_send_requests_total",
        &["destination", "code"],
        "Requests by status code; code 0 means that no answer came.",
    ),
    gauge("runnel_targets", &["state"], "Targets by state: up, down, unknown or dropped."),
];

/// The entry of `name`.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.binary_search_by(|metric| metric.name.cmp(name)).ok().and_then(|at| METRICS.get(at))
}

/// `docs/metrics.md`.
#[cfg(test)]
pub fn docs() -> String {
    let mut page = String::from(
        "# Metrics about the agent itself\n\n\
         Served at `/metrics`. Made from `agent/src/telemetry/register.rs`; renew with \
         `UPDATE=1 cargo test -p runnel`.\n\n\
         | Name | Type | Labels | Meaning |\n|---|---|---|---|\n",
    );
    for metric in METRICS {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            metric.name,
            metric.kind.name(),
            labels.join(", "),
            metric.help
        );
    }
    page.push_str(REASONS);
    page
}

#[cfg(test)]
const REASONS: &str = "
## Fates and reasons of the ledger

`fate` is `taken`, `delivered`, `dropped` or `rejected`.
Of `taken`, `reason` says where from: `collected` by this process, or `recovered` from the ring at start.
Of `rejected`, it says what the destination had against it: `bad_request`, `too_large`, or `undecodable`.
Of `dropped`, these are wanted, since a rule or a limit of the configuration asks for them:
`duplicate`, `metric_relabel`, `page_failed`, `sample_limit`, `series_limit`, `write_relabel`.
These are loss: `corrupt`, `destination_removed`, `disk`, `evicted`, `expired`, `queue_full`.
An alert on loss is `sum(increase(runnel_ledger_items_total{fate=~\"dropped|rejected\",reason!~\"duplicate|metric_relabel|page_failed|sample_limit|series_limit|write_relabel\"}[5m])) > 0`.
";

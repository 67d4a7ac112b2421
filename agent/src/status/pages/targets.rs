//! `/targets`: every target with its state, its last scrape and its labels before and after
//! relabeling; filtered by text and by state.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runnel_collector::labels::Labels;
use runnel_collector::metrics::status::{Health, JobStatus, Snapshot, TargetStatus};

use crate::figures::{bytes, count, span};
use crate::status::html::{Escaped, badge, page, table};

/// Targets shown at once; a filter finds the others.
const TARGETS_SHOWN_MAX: usize = 1_000;

/// What the reader wants to see.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Part of the URL, of a label or of the error, whatever its case.
    pub text: &'a str,
    /// `up`, `down`, `unknown`, `dropped` or nothing.
    pub state: &'a str,
    /// Name of a job or nothing.
    pub pool: &'a str,
}

impl Filter<'_> {
    fn takes(&self, target: &TargetStatus) -> bool {
        let text = self.text.to_lowercase();
        let found = |place: &str| place.to_lowercase().contains(&text);
        let in_labels = |labels: &Labels| {
            labels.iter().any(|label| found(&format!("{}={}", label.name, label.value)))
        };
        (self.pool.is_empty() || target.pool == self.pool)
            && (self.state.is_empty() || target.scrape.health.name() == self.state)
            && (text.is_empty()
                || found(&target.url)
                || found(&target.scrape.error)
                || in_labels(&target.labels)
                || in_labels(&target.discovered))
    }
}

/// The page `/targets`.
pub fn targets(node: &str, snapshot: &Snapshot, filter: Filter<'_>, now: SystemTime) -> String {
    let shown: Vec<&TargetStatus> =
        snapshot.targets.iter().filter(|target| filter.takes(target)).collect();
    let mut body = format!("<h1>Targets</h1>{}", form(filter));
    let _ = write!(body, "<p class=\"dim\">{} of {} targets", shown.len(), snapshot.targets.len());
    for health in [Health::Up, Health::Down, Health::Unknown] {
        let of = shown.iter().filter(|target| target.scrape.health == health).count();
        let _ = write!(body, ", {of} {}", health.name());
    }
    body.push_str("</p>");
    let rows: Vec<_> =
        shown.iter().take(TARGETS_SHOWN_MAX).map(|target| row(target, now)).collect();
    if filter.state != "dropped" {
        body.push_str(&table(&["Target", "State", "Last scrape", "Samples", "Labels"], &rows));
    }
    if filter.state.is_empty() || filter.state == "dropped" {
        let jobs = snapshot.jobs.iter().filter(|j| filter.pool.is_empty() || j.name == filter.pool);
        jobs.for_each(|job| body.push_str(&dropped(job)));
    }
    page("/targets", node, &body)
}

fn form(filter: Filter<'_>) -> String {
    let mut states = String::new();
    for (value, name) in [
        ("", "any state"),
        ("up", "up"),
        ("down", "down"),
        ("unknown", "unknown"),
        ("dropped", "dropped"),
    ] {
        let selected = if value == filter.state { " selected" } else { "" };
        let _ = write!(states, "<option value=\"{value}\"{selected}>{name}</option>");
    }
    format!(
        "<form action=\"/targets\"><input type=\"search\" name=\"text\" value=\"{}\" \
         placeholder=\"URL, label=value, error\" aria-label=\"Text\">\
         <select name=\"state\" aria-label=\"State\">{states}</select>\
         <input type=\"hidden\" name=\"pool\" value=\"{}\"><button>Filter</button></form>",
        Escaped(filter.text),
        Escaped(filter.pool)
    )
}

fn row(target: &TargetStatus, now: SystemTime) -> Vec<String> {
    let scrape = &target.scrape;
    let class = match scrape.health {
        Health::Down => "bad",
        Health::Unknown => "dim",
        Health::Up => "ok",
    };
    let mut state = badge(class, scrape.health.name());
    if !scrape.error.is_empty() {
        let _ = write!(state, "<div class=\"error\">{}</div>", Escaped(&scrape.error));
    }
    if let Some(line) = &scrape.bad_line {
        let lines = count(scrape.bad_lines);
        let _ =
            write!(state, "<div class=\"warn\">{lines} bad lines, first: {}</div>", Escaped(line));
    }
    let last = scrape.scraped_at_ms.map_or("never".to_owned(), |at| {
        let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(at).unwrap_or(0));
        let ago = now.duration_since(at).unwrap_or_default();
        let took = scrape.duration.as_secs_f64() * 1000.0;
        format!(
            "{} ago, took {took:.0} ms of {} ms",
            span(ago.as_secs()),
            target.timeout.as_millis()
        )
    });
    let samples = format!(
        "{} of {}<div class=\"dim\">{}</div>",
        count(scrape.samples_kept),
        count(scrape.samples_scraped),
        bytes(scrape.body_bytes)
    );
    vec![
        format!("{}<div class=\"dim\">{}</div>", Escaped(&target.url), Escaped(&target.pool)),
        state,
        format!("{last}<div class=\"dim\">every {} s</div>", target.interval.as_secs_f64()),
        samples,
        format!(
            "{}<details><summary>before relabeling</summary>{}</details>",
            labels(&target.labels),
            labels(&target.discovered)
        ),
    ]
}

fn labels(labels: &Labels) -> String {
    let mut text = String::from("<div class=\"labels\"><code>");
    for label in labels {
        let _ = write!(text, "<span>{}=\"{}\"</span>", Escaped(&label.name), Escaped(&label.value));
    }
    text.push_str("</code></div>");
    text
}

fn dropped(job: &JobStatus) -> String {
    if job.dropped_count == 0 {
        return String::new();
    }
    let rows: Vec<Vec<String>> = job
        .dropped
        .iter()
        .map(|target| vec![Escaped(&target.reason).to_string(), labels(&target.discovered)])
        .collect();
    format!(
        "<h2>Dropped by {}: {}</h2>{}",
        Escaped(&job.name),
        count(job.dropped_count),
        table(&["Why", "Labels before relabeling"], &rows)
    )
}

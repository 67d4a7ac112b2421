//! The automatic metrics of a target.
//!
//! Owns their names and conditions, which are vmagent's.
//!
//! Source: vmagent `addAutoMetrics`, `isAutoMetric`.

use super::{PageCounts, Scratch, Sink, TargetSeries};

/// What one scrape was like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScrapeReport {
    /// Whether it succeeded.
    pub up: bool,
    /// How long it took. Unit: seconds.
    pub duration_s: f64,
    /// How long it might take. Unit: seconds.
    pub timeout_s: f64,
    /// What the page held; also of a page that failed.
    pub counts: PageCounts,
}

/// Automatic metrics, in the order in which they are written; with whether this target has each.
const AUTOMATIC: [&str; 12] = [
    "scrape_duration_seconds",
    "scrape_labels_limit",
    "scrape_response_size_bytes",
    "scrape_samples_limit",
    "scrape_samples_post_metric_relabeling",
    "scrape_samples_scraped",
    "scrape_series_added",
    "scrape_series_current",
    "scrape_series_limit",
    "scrape_series_limit_samples_dropped",
    "scrape_timeout_seconds",
    "up",
];

/// Whether a metric name is one of the automatic ones.
#[inline]
pub(super) fn is_automatic(name: &[u8]) -> bool {
    let may_be = name == b"up" || name.starts_with(b"scrape_");
    may_be && AUTOMATIC.iter().any(|automatic| automatic.as_bytes() == name)
}

impl TargetSeries {
    /// Writes the automatic metrics of one scrape; returns how many.
    pub fn report(
        &mut self,
        report: &ScrapeReport,
        scrape_ms: i64,
        scratch: &mut Scratch,
        sink: &mut dyn Sink,
    ) -> u64 {
        scratch.out.discard();
        self.write_report(report, None, scrape_ms, scratch, sink)
    }

    /// Writes the automatic metrics, with `instead` in place of their values where it is given.
    pub(super) fn write_report(
        &mut self,
        report: &ScrapeReport,
        instead: Option<f64>,
        at_ms: i64,
        scratch: &mut Scratch,
        sink: &mut dyn Sink,
    ) -> u64 {
        let values = self.automatic_values(report);
        let mut written = 0;
        for (name, value) in AUTOMATIC.iter().zip(values) {
            let Some(value) = value else { continue };
            let mark = self.labeler.encode_own(name, &mut scratch.out.out);
            scratch.out.out.finish(mark, instead.unwrap_or(value), at_ms);
            scratch.out.count(at_ms);
            written += 1;
        }
        scratch.out.flush(sink);
        written
    }

    /// The values in the order of [`AUTOMATIC`]; `None` where the target has no such metric.
    fn automatic_values(&self, report: &ScrapeReport) -> [Option<f64>; 12] {
        let counts = &report.counts;
        let limit = |limit: u64| (limit > 0).then_some(limit as f64);
        let series_limit = self.options.series_limit;
        let with_series_limit = |value: u64| (series_limit > 0).then_some(value as f64);
        // Source: vmagent reports no size and no added series of a scrape that failed.
        let of_good = |value: u64| Some(if report.up { value as f64 } else { 0.0 });
        [
            Some(report.duration_s),
            limit(self.options.label_limits.count_max),
            of_good(counts.page_bytes),
            limit(self.options.sample_limit),
            Some(counts.samples_post_relabel as f64),
            Some(counts.samples_scraped as f64),
            of_good(counts.series_added),
            with_series_limit(self.series_limit.seen.len() as u64),
            limit(series_limit),
            with_series_limit(counts.series_limit_dropped),
            Some(report.timeout_s),
            Some(f64::from(u8::from(report.up))),
        ]
    }
}

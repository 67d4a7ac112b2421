//! `global` and scrape jobs.
//!
//! Owns: how a job inherits from `global`, and which keys of a job exclude each other.

use super::view::View;
use super::{http, relabel, sd};
use crate::scalar::show_duration;
use crate::settings::{BadLines, ExternalLabelsClash, Global, ScrapeJob, ScrapeLimits};
use crate::units::{Bytes, Millis};

/// Largest body where the file sets none, or 0. Source: vmagent's default.
const BODY_BYTES_DEFAULT: Bytes = Bytes::mib(16);

/// Reads `global`; `cluster` becomes an external label.
pub(super) fn global(view: &View<'_>, cluster: &str) -> Global {
    let scrape_interval = view.interval("scrape_interval");
    Global {
        scrape_interval,
        scrape_timeout: timeout(view, scrape_interval, view.interval("scrape_timeout")),
        external_labels: external_labels(view, cluster),
        external_labels_clash: match view.word("external_labels_clash") {
            "series" => ExternalLabelsClash::Series,
            _ => ExternalLabelsClash::External,
        },
        honor_timestamps: view.bool("honor_timestamps"),
        bad_lines: bad_lines(view).unwrap_or(BadLines::Skip),
        limits: ScrapeLimits {
            body_bytes_max: body_limit(view, "body_size_limit").unwrap_or(BODY_BYTES_DEFAULT),
            label_limit: view.count("label_limit"),
            label_name_length_limit: view.count("label_name_length_limit"),
            label_value_length_limit: view.count("label_value_length_limit"),
            sample_limit: view.count("sample_limit"),
            series_limit: 0,
            target_limit: view.count("target_limit"),
        },
        relabel_configs: relabel::rules(view, "relabel_configs"),
        metric_relabel_configs: relabel::rules(view, "metric_relabel_configs"),
    }
}

fn external_labels(view: &View<'_>, cluster: &str) -> Vec<(String, String)> {
    let mut labels = view.pairs("external_labels");
    for (name, value) in &labels {
        if name == "cluster" && !cluster.is_empty() && value != cluster {
            let text =
                format!("`cluster` is {value:?} here and {cluster:?} at the top of the file");
            view.error("external_labels", text);
        }
        // Prometheus expands `$name` here; runnel would send it as it stands.
        if value.contains('$') {
            let text = format!(
                "`{name}` holds a `$`, which is not expanded: variables are upper-case, in braces"
            );
            view.warn("external_labels", text);
        }
    }
    if !cluster.is_empty() && labels.iter().all(|(name, _)| name != "cluster") {
        labels.push(("cluster".to_owned(), cluster.to_owned()));
    }
    labels.sort();
    labels
}

/// Reads one job.
pub(super) fn job(view: &View<'_>, global: &Global) -> ScrapeJob {
    let job_name = view.text("job_name");
    if job_name.is_empty() && view.has("job_name") {
        view.error("job_name", "found an empty name, expected text");
    }
    let scrape_interval = view.interval_opt("scrape_interval").unwrap_or(global.scrape_interval);
    let asked = view.interval_opt("scrape_timeout");
    // An inherited timeout is clamped without a word: nobody wrote it for this job.
    let scrape_timeout = match asked {
        Some(asked) => timeout(view, scrape_interval, asked),
        None => global.scrape_timeout.min(scrape_interval),
    };
    let metrics_path = view.text("metrics_path");
    ScrapeJob {
        job_name,
        scrape_interval,
        scrape_timeout,
        scheme: view.word("scheme").to_owned(),
        metrics_path: if metrics_path.starts_with('/') {
            metrics_path
        } else {
            format!("/{metrics_path}")
        },
        params: view.params("params"),
        honor_labels: view.bool("honor_labels"),
        honor_timestamps: view.bool_opt("honor_timestamps").unwrap_or(global.honor_timestamps),
        track_timestamps_staleness: view.bool("track_timestamps_staleness"),
        compression: compression(view),
        keep_alive: !view.bool("disable_keepalive"),
        no_stale_markers: view.bool("no_stale_markers"),
        scrape_align_interval: view.duration_opt("scrape_align_interval").filter(|span| span.0 > 0),
        scrape_offset: offset(view, scrape_interval),
        bad_lines: bad_lines(view).unwrap_or(global.bad_lines),
        http: http::client(view),
        relabel_configs: relabel::rules(view, "relabel_configs"),
        metric_relabel_configs: relabel::rules(view, "metric_relabel_configs"),
        limits: limits(view, &global.limits),
        static_configs: sd::statics(view),
        file_sd_configs: sd::files(view),
        http_sd_configs: sd::http_lists(view),
        dns_sd_configs: sd::dns(view),
        kubernetes_sd_configs: sd::kubernetes(view),
    }
}

/// A timeout above the interval is clamped, as vmagent does.
fn timeout(view: &View<'_>, interval: Millis, asked: Millis) -> Millis {
    if asked > interval && view.has("scrape_timeout") {
        let (asked, interval) = (show_duration(asked), show_duration(interval));
        view.warn("scrape_timeout", format!("{asked} is above the interval; {interval} is used"));
    }
    asked.min(interval)
}

fn compression(view: &View<'_>) -> bool {
    if view.has("enable_compression") && view.has("disable_compression") {
        let text = "stands beside `enable_compression`, expected one of them";
        view.error("disable_compression", text);
    }
    view.bool("enable_compression") && !view.bool("disable_compression")
}

fn offset(view: &View<'_>, interval: Millis) -> Option<Millis> {
    let offset = view.duration_opt("scrape_offset").filter(|span| span.0 > 0)?;
    if offset >= interval {
        let (offset, interval) = (show_duration(offset), show_duration(interval));
        view.error(
            "scrape_offset",
            format!("found {offset}, expected less than the interval of {interval}"),
        );
    }
    Some(offset)
}

fn bad_lines(view: &View<'_>) -> Option<BadLines> {
    match view.word("bad_lines") {
        "fail" => Some(BadLines::Fail),
        "skip" => Some(BadLines::Skip),
        _ => None,
    }
}

fn limits(view: &View<'_>, global: &ScrapeLimits) -> ScrapeLimits {
    if view.has("body_size_limit") && view.has("max_scrape_size") {
        let text = "stands beside `body_size_limit`, expected one of them";
        view.error("max_scrape_size", text);
    }
    let body = body_limit(view, "body_size_limit").or_else(|| body_limit(view, "max_scrape_size"));
    let count = |key, inherited| view.count_opt(key).unwrap_or(inherited);
    ScrapeLimits {
        body_bytes_max: body.unwrap_or(global.body_bytes_max),
        label_limit: count("label_limit", global.label_limit),
        label_name_length_limit: count("label_name_length_limit", global.label_name_length_limit),
        label_value_length_limit: count(
            "label_value_length_limit",
            global.label_value_length_limit,
        ),
        sample_limit: count("sample_limit", global.sample_limit),
        series_limit: view.count("series_limit"),
        target_limit: count("target_limit", global.target_limit),
    }
}

/// A limit of 0 means none in Prometheus; here no body is without bound.
fn body_limit(view: &View<'_>, key: &str) -> Option<Bytes> {
    let limit = view.size_opt(key)?;
    if limit.0 == 0 {
        view.warn(key, "0 means the default of 16MiB: no body is without bound");
        return Some(BODY_BYTES_DEFAULT);
    }
    Some(limit)
}

//! Keys of `global` and of scrape jobs.

use super::http::{HTTP, PROXY, PROXY_VM};
use super::relabel::RELABEL;
use super::sd::{DNS_SD, FILE_SD, HTTP_SD, KUBERNETES_SD, STATIC};
use super::{Key, Kind, Section, key};

const NATIVE: &str = "native histograms are not scraped: their classic buckets are";

/// Keys that stand in `global` as defaults and in a job as its own.
const IGNORED: &[Key] = &[
    key(
        "scrape_protocols",
        Kind::Texts,
        "",
        "The text formats are read, whatever a target answers.",
    )
    .ignored(),
    key("scrape_native_histograms", Kind::Bool, "", "Native histograms.").warned(NATIVE),
    key(
        "always_scrape_classic_histograms",
        Kind::Bool,
        "",
        "Classic histograms are always scraped.",
    )
    .ignored(),
    key("scrape_classic_histograms", Kind::Bool, "", "")
        .renamed("always_scrape_classic_histograms"),
    key("convert_classic_histograms_to_nhcb", Kind::Bool, "", "Native histograms.").warned(NATIVE),
    key(
        "keep_dropped_targets",
        Kind::Count,
        "",
        "How many dropped targets are shown is bounded by memory.",
    )
    .ignored(),
    key(
        "metric_name_validation_scheme",
        Kind::OneOf(&["utf8", "legacy"]),
        "",
        "All UTF-8 names are taken.",
    )
    .ignored(),
    key(
        "metric_name_escaping_scheme",
        Kind::OneOf(&["allow-utf-8", "underscores", "dots", "values"]),
        "",
        "Names are sent as they are.",
    )
    .ignored(),
    key("scrape_failure_log_file", Kind::Path, "", "Failures stand on the status page.")
        .warned("not written: failures stand on the status page"),
    key("extra_scrape_metrics", Kind::Bool, "", "vmagent's automatic metrics are always written.")
        .ignored(),
];

pub(crate) static GLOBAL: Section = Section {
    title: "global",
    about: "Defaults of all scrape jobs, and the labels of this agent.",
    groups: &[
        &[
            key(
                "scrape_interval",
                Kind::Duration,
                "1m",
                "Time between two scrapes of a target. Prometheus' and vmagent's default.",
            ),
            key(
                "scrape_timeout",
                Kind::Duration,
                "10s",
                "Time one scrape may take; at most the interval.",
            ),
            key("external_labels", Kind::Labels, "", "Labels of every series."),
            key(
                "external_labels_clash",
                Kind::OneOf(&["external", "series"]),
                "external",
                "Who wins when a series has such a label: `external` renames the series' own to `exported_<name>` as vmagent does, `series` leaves it as Prometheus does.",
            ),
            key(
                "honor_timestamps",
                Kind::Bool,
                "false",
                "Default of the jobs' key. vmagent's default; Prometheus' is true.",
            ),
            key("bad_lines", Kind::OneOf(&["skip", "fail"]), "skip", "Default of the jobs' key."),
            key(
                "relabel_configs",
                Kind::List(&RELABEL),
                "",
                "Rules for every target, behind the job's own.",
            ),
            key(
                "metric_relabel_configs",
                Kind::List(&RELABEL),
                "",
                "Rules for every series, behind the job's own.",
            ),
            key(
                "body_size_limit",
                Kind::SizeBinary,
                "16MiB",
                "Default of the jobs' key; 0 means the default.",
            ),
            key("sample_limit", Kind::Count, "0", "Default of the jobs' key."),
            key("target_limit", Kind::Count, "0", "Default of the jobs' key."),
            key("label_limit", Kind::Count, "0", "Default of the jobs' key."),
            key("label_name_length_limit", Kind::Count, "0", "Default of the jobs' key."),
            key("label_value_length_limit", Kind::Count, "0", "Default of the jobs' key."),
            key("evaluation_interval", Kind::Duration, "", "There are no rules here.").ignored(),
            key("rule_query_offset", Kind::Duration, "", "There are no rules here.").ignored(),
            key("query_log_file", Kind::Path, "", "There are no queries here.").ignored(),
        ],
        IGNORED,
    ],
};

pub(crate) static SCRAPE_FILE: Section = Section {
    title: "scrape_config_files",
    about: "A file of further jobs: a list of them, or a mapping with this key.",
    groups: &[&[key("scrape_configs", Kind::List(&SCRAPE), "", "The jobs.")]],
};

pub(crate) static SCRAPE: Section = Section {
    title: "scrape_configs[]",
    about: "One scrape job. Limits of 0 mean none.",
    groups: &[
        &[
            key("job_name", Kind::Text, "", "Unique name and default `job` label.").required(),
            key(
                "scrape_interval",
                Kind::Duration,
                "",
                "Time between two scrapes; that of `global` by default.",
            ),
            key(
                "scrape_timeout",
                Kind::Duration,
                "",
                "Time one scrape may take; that of `global` by default, at most the interval.",
            ),
            key("scheme", Kind::OneOf(&["http", "https"]), "http", "Scheme of the page."),
            key("metrics_path", Kind::Text, "/metrics", "Path of the page."),
            key("params", Kind::Params, "", "URL parameters."),
            key("honor_labels", Kind::Bool, "false", "Labels on the page win over the target's."),
            key(
                "honor_timestamps",
                Kind::Bool,
                "",
                "Timestamps on the page are used; `global`'s by default.",
            ),
            key(
                "track_timestamps_staleness",
                Kind::Bool,
                "false",
                "Series with a timestamp on the page get stale markers too.",
            ),
            key("enable_compression", Kind::Bool, "true", "Ask for gzip."),
            key("disable_compression", Kind::Bool, "false", "vmagent's name for the opposite."),
            key("disable_keepalive", Kind::Bool, "false", "Open a new connection for each scrape."),
            key("no_stale_markers", Kind::Bool, "false", "Send no stale markers."),
            key(
                "scrape_align_interval",
                Kind::Duration,
                "",
                "Align scrapes to multiples of this span.",
            ),
            key(
                "scrape_offset",
                Kind::Duration,
                "",
                "Offset of the scrape from the aligned time; below the interval.",
            ),
            key(
                "bad_lines",
                Kind::OneOf(&["skip", "fail"]),
                "",
                "What a line that does not parse does: it is skipped and counted as in vmagent, or fails the scrape as in Prometheus; `global`'s by default.",
            ),
            key(
                "relabel_configs",
                Kind::List(&RELABEL),
                "",
                "Rules that make targets of what was discovered.",
            ),
            key(
                "metric_relabel_configs",
                Kind::List(&RELABEL),
                "",
                "Rules for each scraped series.",
            ),
            key(
                "body_size_limit",
                Kind::SizeBinary,
                "",
                "Largest body, on the wire and inflated; `global`'s by default.",
            ),
            key("max_scrape_size", Kind::Size, "", "vmagent's name for it."),
            key(
                "sample_limit",
                Kind::Count,
                "",
                "Most samples after relabeling; above it the whole scrape is dropped; `global`'s by default.",
            ),
            key(
                "series_limit",
                Kind::Count,
                "0",
                "Most distinct series a target may show within 24 hours; new ones above it are dropped.",
            ),
            key(
                "target_limit",
                Kind::Count,
                "",
                "Most targets of the job; above it all fail; `global`'s by default.",
            ),
            key("label_limit", Kind::Count, "", "Most labels of a series; `global`'s by default."),
            key(
                "label_name_length_limit",
                Kind::Count,
                "",
                "Longest label name; `global`'s by default.",
            ),
            key(
                "label_value_length_limit",
                Kind::Count,
                "",
                "Longest label value; `global`'s by default.",
            ),
            key("static_configs", Kind::List(&STATIC), "", "Targets written down."),
            key("file_sd_configs", Kind::List(&FILE_SD), "", "Targets read from files."),
            key("http_sd_configs", Kind::List(&HTTP_SD), "", "Targets asked over HTTP."),
            key("dns_sd_configs", Kind::List(&DNS_SD), "", "Targets asked from DNS."),
            key(
                "kubernetes_sd_configs",
                Kind::List(&KUBERNETES_SD),
                "",
                "Targets asked from a Kubernetes API server.",
            ),
            key("target_groups", Kind::Any, "", "").renamed("static_configs"),
        ],
        HTTP,
        PROXY,
        PROXY_VM,
        IGNORED,
        &[
            key(
                "fallback_scrape_protocol",
                Kind::Text,
                "",
                "The text formats are read, whatever a target answers.",
            )
            .ignored(),
            key("native_histogram_bucket_limit", Kind::Count, "", "Native histograms.").ignored(),
            key("native_histogram_min_bucket_factor", Kind::Number, "", "Native histograms.")
                .ignored(),
            key("stream_parse", Kind::Bool, "", "Pages are always parsed as a stream.").ignored(),
            key(
                "relabel_debug",
                Kind::Bool,
                "",
                "Labels before and after stand on the status page.",
            )
            .ignored(),
            key(
                "metric_relabel_debug",
                Kind::Bool,
                "",
                "Labels before and after stand on the status page.",
            )
            .ignored(),
        ],
        super::sd::UNSUPPORTED,
    ],
};

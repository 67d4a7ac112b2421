//! Keys of the destinations.

use super::http::{HTTP, PROXY, PROXY_VM};
use super::relabel::RELABEL;
use super::{Kind, Section, key};

const CLOUD: &str = "this cloud's signature is not supported by runnel; use authorization, basic_auth, oauth2 or tls_config";

pub(crate) static REMOTE_WRITE: Section = Section {
    title: "remote_write[]",
    about: "One destination of metrics.",
    groups: &[
        &[
            key("url", Kind::Url, "", "Where blocks are posted.").required(),
            key(
                "name",
                Kind::Text,
                "",
                "Unique name: it identifies what the ring holds for this destination; the host and port of the URL by default.",
            ),
            key("remote_timeout", Kind::Duration, "30s", "Time one request may take."),
            key(
                "protocol",
                Kind::OneOf(&["auto", "remote_write_1", "remote_write_2", "victoriametrics"]),
                "auto",
                "Wire protocol. `auto` sends zstd and falls back to snappy where the destination refuses it.",
            ),
            key(
                "protobuf_message",
                Kind::OneOf(&["prometheus.WriteRequest", "io.prometheus.write.v2.Request"]),
                "",
                "Prometheus' way to ask for remote write 2.0.",
            ),
            key(
                "write_relabel_configs",
                Kind::List(&RELABEL),
                "",
                "Rules for each series of this destination, behind the external labels.",
            ),
            key("send_exemplars", Kind::Bool, "false", "Send exemplars."),
            key("queue_config", Kind::Map(&QUEUE), "", "Waiting times."),
            key("metadata_config", Kind::Map(&METADATA), "", "Metadata of metrics."),
            key("send_native_histograms", Kind::Bool, "", "Native histograms.")
                .warned("native histograms are not scraped: their classic buckets are sent"),
            key("round_robin_dns", Kind::Bool, "", "One connection per lane is kept.").ignored(),
            key("sigv4", Kind::Any, "", "").refused(CLOUD),
            key("azuread", Kind::Any, "", "").refused(CLOUD),
            key("google_iam", Kind::Any, "", "").refused(CLOUD),
        ],
        HTTP,
        PROXY,
        PROXY_VM,
    ],
};

const QUEUE_LESS: &str = "The disk ring stands in for the queue.";

pub(crate) static QUEUE: Section = Section {
    title: "queue_config",
    about: "Waiting times between attempts. The keys of a queue in memory have no meaning here.",
    groups: &[&[
        key(
            "min_backoff",
            Kind::Duration,
            "1s",
            "Shortest wait before a retry. vmagent's default: Prometheus' 30ms hammers a busy hop.",
        ),
        key("max_backoff", Kind::Duration, "1m", "Longest wait before a retry. vmagent's default."),
        key("capacity", Kind::Count, "", QUEUE_LESS).ignored(),
        key("max_shards", Kind::Count, "", QUEUE_LESS).ignored(),
        key("min_shards", Kind::Count, "", QUEUE_LESS).ignored(),
        key("max_samples_per_send", Kind::Count, "", QUEUE_LESS).ignored(),
        key("batch_send_deadline", Kind::Duration, "", QUEUE_LESS).ignored(),
        key("retry_on_http_429", Kind::Bool, "", "429 is always retried.").ignored(),
        key(
            "sample_age_limit",
            Kind::Duration,
            "",
            "`buffer.metrics_age_max` is for all destinations.",
        )
        .warned("not honoured per destination; use buffer.metrics_age_max"),
    ]],
};

pub(crate) static METADATA: Section = Section {
    title: "metadata_config",
    about: "Metadata of metrics: type, help and unit.",
    groups: &[&[
        key("send", Kind::Bool, "true", "Send it."),
        key("send_interval", Kind::Duration, "", "It goes once per family per ten minutes.")
            .ignored(),
        key("max_samples_per_send", Kind::Count, "", "It travels with the samples.").ignored(),
    ]],
};

pub(crate) static LOG_WRITE: Section = Section {
    title: "logs.write[]",
    about: "One destination of logs.",
    groups: &[
        &[
            key("url", Kind::Url, "", "Where blocks are posted. A path ending in `/insert/native` chooses the native format, falling back where the destination lacks it; `/insert/jsonline` chooses JSON lines.").required(),
            key("name", Kind::Text, "", "Unique name: it identifies what the ring holds for this destination; the host and port of the URL by default."),
            key("timeout", Kind::Duration, "30s", "Time one request may take."),
            key("min_backoff", Kind::Duration, "1s", "Shortest wait before a retry."),
            key("max_backoff", Kind::Duration, "1m", "Longest wait before a retry."),
        ],
        HTTP,
        PROXY,
        PROXY_VM,
    ],
};

//! Keys at the top of the file, and those of the agent's own sections.

use super::scrape::{GLOBAL, SCRAPE};
use super::write::{LOG_WRITE, REMOTE_WRITE};
use super::{Kind, Section, key};

const NO_AGENT: &str = "an agent has no use for it; the section is ignored";

pub(crate) static ROOT: Section = Section {
    title: "runnel.yaml",
    about: "The top of the file.",
    groups: &[&[
        key(
            "cluster",
            Kind::Text,
            "",
            "Label `cluster` on every series, field `cluster` on every line.",
        ),
        key("node", Kind::Text, "", "Name of the node this agent runs on."),
        key("global", Kind::Map(&GLOBAL), "", "Defaults of all scrape jobs."),
        key("scrape_configs", Kind::List(&SCRAPE), "", "Scrape jobs."),
        key(
            "scrape_config_files",
            Kind::Texts,
            "",
            "Files with further scrape jobs; `*` may stand in a path. Relative ones start at this file.",
        ),
        key(
            "kubernetes",
            Kind::Map(&KUBERNETES),
            "",
            "The monitor objects of the cluster; absent outside one.",
        ),
        key("remote_write", Kind::List(&REMOTE_WRITE), "", "Destinations of metrics."),
        key("logs", Kind::Map(&LOGS), "", "Log files and their destinations."),
        key("buffer", Kind::Map(&BUFFER), "", "The disk ring."),
        key("link", Kind::Map(&LINK), "", "The share of the hop."),
        key("memory", Kind::Map(&MEMORY), "", "The memory bound."),
        key("server", Kind::Map(&SERVER), "", "The status server."),
        key("rule_files", Kind::Any, "", "Prometheus' rules.").warned(NO_AGENT),
        key("alerting", Kind::Any, "", "Prometheus' Alertmanagers.").warned(NO_AGENT),
        key("storage", Kind::Any, "", "Prometheus' storage.")
            .warned("an agent has no use for it; `buffer` says how much is held"),
        key("remote_read", Kind::Any, "", "Prometheus' remote storage.").warned(NO_AGENT),
        key("tracing", Kind::Any, "", "Prometheus' traces of itself.").warned(NO_AGENT),
        key("otlp", Kind::Any, "", "Prometheus' OTLP receiver.").warned(NO_AGENT),
        key("runtime", Kind::Any, "", "Prometheus' Go runtime.").warned(NO_AGENT),
    ]],
};

pub(crate) static BUFFER: Section = Section {
    title: "buffer",
    about: "The disk ring: what is held until it is delivered.",
    groups: &[&[
        key("path", Kind::Path, "/var/lib/runnel", "Folder of the ring."),
        key(
            "size",
            Kind::Size,
            "8GiB",
            "Disk space it may take, at least 4MiB. The default holds 10,000 samples a second for a day at the measured 9.8 bytes each.",
        ),
        key(
            "metrics_age_max",
            Kind::Duration,
            "0",
            "Age at which metrics are dropped unsent; 0 means never, since the size already bounds them and nothing is to be lost that need not be.",
        ),
        key(
            "logs_age_max",
            Kind::Duration,
            "0",
            "Age at which logs are dropped unsent; 0 means never, for the same reason.",
        ),
    ]],
};

pub(crate) static LINK: Section = Section {
    title: "link",
    about: "The share of the hop: either `rate`, or `capacity` divided among its sharers. Only `rate` has an effect in this version; the others are checked.",
    groups: &[&[
        key(
            "rate",
            Kind::Rate,
            "",
            "Bits per second on the wire, retries and TLS included; no limit by default.",
        ),
        key(
            "backlog_share",
            Kind::Share,
            "50%",
            "Share of the rate that held data may take while fresh data flows.",
        ),
        key("capacity", Kind::Rate, "", "Bits per second of the whole hop."),
        key(
            "share",
            Kind::Share,
            "100%",
            "Share of the capacity that all agents together may take.",
        ),
        key(
            "sharers",
            Kind::Text,
            "auto",
            "Agents among whom that share is divided: a count, or `auto` for the ready ones.",
        ),
        key(
            "windows",
            Kind::List(&LINK_WINDOW),
            "",
            "Times of day with another rate; the first that fits counts.",
        ),
    ]],
};

pub(crate) static LINK_WINDOW: Section = Section {
    title: "link.windows[]",
    about: "A time of day, UTC, with another rate. From 22:00 to 06:00 crosses midnight.",
    groups: &[&[
        key("from", Kind::Time, "", "Begin.").required(),
        key("to", Kind::Time, "", "End.").required(),
        key("rate", Kind::Rate, "", "Bits per second of this agent in that time.").required(),
    ]],
};

pub(crate) static MEMORY: Section = Section {
    title: "memory",
    about: "The memory bound.",
    groups: &[&[key(
        "limit",
        Kind::Size,
        "256MiB",
        "Resident memory the agent is to stay under, at least 16MiB; checked, not enforced in this version.",
    )]],
};

pub(crate) static SERVER: Section = Section {
    title: "server",
    about: "The status server.",
    groups: &[&[key(
        "listen",
        Kind::Address,
        "0.0.0.0:9480",
        "Address it listens on; `:9480` means all interfaces.",
    )]],
};

const KINDS: &str = "The objects of this kind that become targets.";

pub(crate) static KUBERNETES: Section = Section {
    title: "kubernetes",
    about: "The monitor objects of the cluster. A kind that does not stand here is not watched; `{}` watches all of its objects. Checked, but without effect in this version.",
    groups: &[&[
        key("service_monitors", Kind::Map(&MONITORS), "", KINDS),
        key("pod_monitors", Kind::Map(&MONITORS), "", KINDS),
        key("probes", Kind::Map(&MONITORS), "", KINDS),
        key("scrape_configs", Kind::Map(&MONITORS), "", KINDS),
        key("vm_service_scrapes", Kind::Map(&MONITORS), "", KINDS),
        key("vm_pod_scrapes", Kind::Map(&MONITORS), "", KINDS),
        key("vm_node_scrapes", Kind::Map(&MONITORS), "", KINDS),
        key("vm_static_scrapes", Kind::Map(&MONITORS), "", KINDS),
        key("vm_probes", Kind::Map(&MONITORS), "", KINDS),
        key("vm_scrape_configs", Kind::Map(&MONITORS), "", KINDS),
    ]],
};

pub(crate) static MONITORS: Section = Section {
    title: "kubernetes monitors",
    about: "Which objects of a kind become targets.",
    groups: &[&[
        key("enabled", Kind::Bool, "true", "Watch this kind."),
        key("selector", Kind::Map(&LABEL_SELECTOR), "", "Objects by their labels; all by default."),
        key(
            "namespace_selector",
            Kind::Map(&NAMESPACE_SELECTOR),
            "",
            "Objects by their namespace; all by default.",
        ),
    ]],
};

pub(crate) static LABEL_SELECTOR: Section = Section {
    title: "selector",
    about: "Kubernetes' label selector; all parts have to hold.",
    groups: &[&[
        key("matchLabels", Kind::Labels, "", "Labels with these values."),
        key("matchExpressions", Kind::List(&LABEL_EXPRESSION), "", "Conditions on labels."),
    ]],
};

pub(crate) static NAMESPACE_SELECTOR: Section = Section {
    title: "namespace_selector",
    about: "Namespaces by name and by label; all parts have to hold.",
    groups: &[&[
        key("matchNames", Kind::Texts, "", "One of these names."),
        key("matchLabels", Kind::Labels, "", "Labels with these values."),
        key("matchExpressions", Kind::List(&LABEL_EXPRESSION), "", "Conditions on labels."),
    ]],
};

pub(crate) static LABEL_EXPRESSION: Section = Section {
    title: "matchExpressions[]",
    about: "One condition on a label.",
    groups: &[&[
        key("key", Kind::Text, "", "Label.").required(),
        key("operator", Kind::OneOf(&["In", "NotIn", "Exists", "DoesNotExist"]), "", "Comparison.")
            .required(),
        key("values", Kind::Texts, "", "Values of `In` and `NotIn`."),
    ]],
};

pub(crate) static LOGS: Section = Section {
    title: "logs",
    about: "Log files and their destinations. Checked, but without effect in this version.",
    groups: &[&[
        key("pods", Kind::Map(&LOG_PODS), "", "The containers' logs of this node; `{}` takes all."),
        key("files", Kind::List(&LOG_FILE), "", "Further files."),
        key("write", Kind::List(&LOG_WRITE), "", "Destinations."),
    ]],
};

pub(crate) static LOG_PODS: Section = Section {
    title: "logs.pods",
    about: "The containers' logs of this node. A pattern is `namespace/pod/container`, each with `*`; missing parts mean all.",
    groups: &[&[
        key("path", Kind::Path, "/var/log/pods", "Folder that the kubelet writes."),
        key(
            "include",
            Kind::Texts,
            "",
            "Only containers that match one of these patterns; all by default.",
        ),
        key("exclude", Kind::Texts, "", "No container that matches one of these patterns."),
    ]],
};

pub(crate) static LOG_FILE: Section = Section {
    title: "logs.files[]",
    about: "Further files.",
    groups: &[&[
        key(
            "paths",
            Kind::Texts,
            "",
            "Paths with `*`. Relative ones start at the configuration file.",
        )
        .required(),
        key("exclude", Kind::Texts, "", "Paths that are left out."),
        key("fields", Kind::Labels, "", "Fields of every line; they name the stream."),
    ]],
};

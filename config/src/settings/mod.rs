//! The checked settings: what the program runs on, whoever wrote them and however.

mod http;
mod kubernetes;
mod logs;
mod node;
mod relabel;
mod remote_write;
mod scrape;

pub use http::{Auth, HttpClient, OAuth2, Pem, Proxy, SecretSource, Tls, TlsVersion};
pub use kubernetes::{
    ExpressionOp, Kubernetes, KubernetesRole, KubernetesSd, LabelExpression, LabelSelector,
    MonitorKind, Monitors, NamespaceSelector, SdSelector,
};
pub use logs::{LogFile, LogFormat, LogPods, LogWrite, Logs};
pub use node::{Buffer, Link, LinkWindow, Memory, Server, Sharers};
pub use relabel::{LabelMatch, MatchOp, RelabelAction, RelabelRule, Selector};
pub use remote_write::{RemoteWrite, WriteProtocol};
pub use scrape::{
    BadLines, DnsRecord, DnsSd, FileSd, HttpSd, ScrapeJob, ScrapeLimits, StaticGroup,
};

use crate::units::Millis;

/// Everything one agent runs on.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Label `cluster` on every series and field `cluster` on every line; empty means none.
    pub cluster: String,
    /// Name of the node; empty means unknown.
    pub node: String,
    /// Defaults of all scrape jobs.
    pub global: Global,
    /// Jobs in the order of the file, those of `scrape_config_files` behind.
    pub scrape_configs: Vec<ScrapeJob>,
    /// The monitor objects of the cluster; `None` outside one.
    pub kubernetes: Option<Kubernetes>,
    /// Destinations of metrics; names are unique.
    pub remote_write: Vec<RemoteWrite>,
    /// Log files and their destinations.
    pub logs: Option<Logs>,
    /// The disk ring.
    pub buffer: Buffer,
    /// The share of the hop.
    pub link: Link,
    /// The memory bound.
    pub memory: Memory,
    /// The status server.
    pub server: Server,
}

/// Defaults of all scrape jobs and the labels of this agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Global {
    /// Time between two scrapes of a target.
    pub scrape_interval: Millis,
    /// Time one scrape may take.
    pub scrape_timeout: Millis,
    /// Labels of every series, sorted by name. `cluster` is among them when [`Settings::cluster`]
    /// is set.
    pub external_labels: Vec<(String, String)>,
    /// Who wins when a series has a label of the same name as an external one.
    pub external_labels_clash: ExternalLabelsClash,
    /// Default of [`ScrapeJob::honor_timestamps`].
    pub honor_timestamps: bool,
    /// Default of [`ScrapeJob::bad_lines`].
    pub bad_lines: BadLines,
    /// Defaults of [`ScrapeJob::limits`], for jobs that monitor objects make too.
    pub limits: ScrapeLimits,
    /// Rules applied to every discovered target before the job's own (vmagent).
    pub relabel_configs: Vec<RelabelRule>,
    /// Rules applied to every series before the job's own (vmagent).
    pub metric_relabel_configs: Vec<RelabelRule>,
}

/// Who wins when a series has a label of the same name as an external one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalLabelsClash {
    /// vmagent: the external label wins, the series' own is renamed to `exported_<name>`.
    External,
    /// Prometheus: the series' own label stays.
    Series,
}

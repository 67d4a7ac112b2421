//! Scrape jobs and where their targets come from.

use crate::settings::{HttpClient, KubernetesSd, RelabelRule};
use crate::units::{Bytes, Millis};

/// One entry of `scrape_configs`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScrapeJob {
    /// Unique name and default `job` label.
    pub job_name: String,
    /// Time between two scrapes of a target.
    pub scrape_interval: Millis,
    /// Time one scrape may take; never above the interval.
    pub scrape_timeout: Millis,
    /// `http` or `https`.
    pub scheme: String,
    /// Path of the page.
    pub metrics_path: String,
    /// URL parameters, in the order of the file.
    pub params: Vec<(String, Vec<String>)>,
    /// Scraped labels win over the target's.
    pub honor_labels: bool,
    /// Timestamps on the page are used.
    pub honor_timestamps: bool,
    /// Series with a timestamp on the page get stale markers too.
    pub track_timestamps_staleness: bool,
    /// Ask for gzip.
    pub compression: bool,
    /// Keep the connection between two scrapes.
    pub keep_alive: bool,
    /// Send no stale markers.
    pub no_stale_markers: bool,
    /// Align scrapes to multiples of this span.
    pub scrape_align_interval: Option<Millis>,
    /// Offset of the scrape from the aligned time.
    pub scrape_offset: Option<Millis>,
    /// What a line that does not parse does.
    pub bad_lines: BadLines,
    /// HTTP client options.
    pub http: HttpClient,
    /// Rules that make targets of what was discovered.
    pub relabel_configs: Vec<RelabelRule>,
    /// Rules for each scraped series.
    pub metric_relabel_configs: Vec<RelabelRule>,
    /// Limits of one scrape.
    pub limits: ScrapeLimits,
    /// Targets written down.
    pub static_configs: Vec<StaticGroup>,
    /// Targets read from files.
    pub file_sd_configs: Vec<FileSd>,
    /// Targets asked over HTTP.
    pub http_sd_configs: Vec<HttpSd>,
    /// Targets asked from DNS.
    pub dns_sd_configs: Vec<DnsSd>,
    /// Targets asked from a Kubernetes API server.
    pub kubernetes_sd_configs: Vec<KubernetesSd>,
}

/// What a line that does not parse does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLines {
    /// Prometheus: the scrape fails.
    Fail,
    /// vmagent: the line is skipped and counted.
    Skip,
}

/// Limits of one scrape; 0 means none, but for `body_bytes_max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScrapeLimits {
    /// Largest body, on the wire and inflated.
    pub body_bytes_max: Bytes,
    /// Most labels of a series.
    pub label_limit: u64,
    /// Longest label name.
    pub label_name_length_limit: u64,
    /// Longest label value.
    pub label_value_length_limit: u64,
    /// Most samples after relabeling; above it the whole scrape is dropped.
    pub sample_limit: u64,
    /// Most distinct series a target may show within 24 hours; new ones above it are dropped.
    pub series_limit: u64,
    /// Most targets of the job; above it all fail.
    pub target_limit: u64,
}

/// Targets written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticGroup {
    /// Addresses.
    pub targets: Vec<String>,
    /// Labels of all of them.
    pub labels: Vec<(String, String)>,
}

/// Targets read from files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSd {
    /// Paths; the last part may hold `*`. Relative ones are already resolved against the folder of
    /// the file they stand in.
    pub files: Vec<String>,
    /// Slow re-read behind the watch for changes.
    pub refresh_interval: Millis,
}

/// Targets asked over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSd {
    /// Where the list is.
    pub url: String,
    /// Time between two requests.
    pub refresh_interval: Millis,
    /// HTTP client options.
    pub http: HttpClient,
}

/// Targets asked from DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsSd {
    /// Names to look up.
    pub names: Vec<String>,
    /// Record type.
    pub record: DnsRecord,
    /// Port of the targets; unused for SRV.
    pub port: u16,
    /// Time between two look-ups.
    pub refresh_interval: Millis,
}

/// A DNS record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsRecord {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Mail exchangers.
    Mx,
    /// Name servers.
    Ns,
    /// Services.
    Srv,
}

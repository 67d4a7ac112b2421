//! Destinations of metrics.

use crate::settings::{HttpClient, RelabelRule};
use crate::units::Millis;

/// One destination of metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteWrite {
    /// Unique name; identifies the destination's cursor in the ring, so changing a URL's query or
    /// a credential keeps what is held. Default: the URL's host and port.
    pub name: String,
    /// Where blocks are posted.
    pub url: String,
    /// HTTP client options.
    pub http: HttpClient,
    /// Time one request may take.
    pub timeout: Millis,
    /// Rules applied to each series for this destination only, behind the external labels.
    pub write_relabel_configs: Vec<RelabelRule>,
    /// Wire protocol.
    pub protocol: WriteProtocol,
    /// Send exemplars of OpenMetrics pages.
    pub send_exemplars: bool,
    /// Send metric metadata.
    pub send_metadata: bool,
    /// Shortest wait before a retry.
    pub backoff_min: Millis,
    /// Longest wait before a retry.
    pub backoff_max: Millis,
}

/// Wire protocol of a metrics destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteProtocol {
    /// zstd first, snappy remote write 1.0 where the destination refuses it.
    Auto,
    /// Remote write 1.0 under snappy.
    RemoteWrite1,
    /// Remote write 2.0.
    RemoteWrite2,
    /// VictoriaMetrics' remote write: 1.0 protobuf under zstd, no fallback.
    VictoriaMetrics,
}

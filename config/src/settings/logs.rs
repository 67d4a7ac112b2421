//! Log files and their destinations.

use std::path::PathBuf;

use crate::settings::HttpClient;
use crate::units::Millis;

/// Log files and their destinations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs {
    /// The containers' logs of this node.
    pub pods: Option<LogPods>,
    /// Further files.
    pub files: Vec<LogFile>,
    /// Destinations; names are unique.
    pub write: Vec<LogWrite>,
}

/// The containers' logs of this node.
///
/// A pattern is `namespace/pod/container`, each with `*`; missing parts mean all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPods {
    /// Folder that the kubelet writes.
    pub path: PathBuf,
    /// Only containers that match one of these patterns; empty means all.
    pub include: Vec<String>,
    /// No container that matches one of these patterns.
    pub exclude: Vec<String>,
}

/// Further files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Paths with `*`, already resolved against the configuration file's folder.
    pub paths: Vec<String>,
    /// Paths that are left out, resolved too.
    pub exclude: Vec<String>,
    /// Fields of every line; they name the stream.
    pub fields: Vec<(String, String)>,
}

/// One destination of logs.
#[derive(Clone, Debug, PartialEq)]
pub struct LogWrite {
    /// Unique name; identifies the destination's cursor in the ring. Default: the URL's host and port.
    pub name: String,
    /// Where blocks are posted.
    pub url: String,
    /// What the URL's path chose.
    pub format: LogFormat,
    /// HTTP client options.
    pub http: HttpClient,
    /// Time one request may take.
    pub timeout: Millis,
    /// Shortest wait before a retry.
    pub backoff_min: Millis,
    /// Longest wait before a retry.
    pub backoff_max: Millis,
}

/// Wire format of a logs destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// JSON lines and nothing else.
    JsonLine,
    /// Native rows, falling back where the destination does not take them.
    Native,
}

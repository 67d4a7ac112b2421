//! The agent's own resources: disk, hop, memory, server.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::units::{BitsPerSecond, Bytes, Millis};

/// The disk ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Folder of the ring.
    pub path: PathBuf,
    /// Disk space it may take.
    pub size: Bytes,
    /// Age at which metrics are dropped unsent; 0 means never.
    pub metrics_age_max: Millis,
    /// Age at which logs are dropped unsent; 0 means never.
    pub logs_age_max: Millis,
}

/// The share of the hop.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Bytes on the wire per node; `None` means no limit.
    pub rate: Option<BitsPerSecond>,
    /// Share of the rate that backlog may take, 0 to 1.
    pub backlog_share: f64,
}

/// The memory bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Resident memory the agent stays under.
    pub limit: Bytes,
}

/// The status server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Address it listens on.
    pub listen: SocketAddr,
}

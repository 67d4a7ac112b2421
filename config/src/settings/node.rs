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
    /// Bits on the wire per node; `None` means no limit.
    pub rate: Option<BitsPerSecond>,
    /// Share of the rate that backlog may take, 0 to 1.
    pub backlog_share: f64,
    /// Bits on the wire of the whole hop; never set together with `rate`.
    pub capacity: Option<BitsPerSecond>,
    /// Share of the capacity that all agents together may take, 0 to 1.
    pub share: f64,
    /// Agents among whom that share is divided.
    pub sharers: Sharers,
    /// Times of day with another rate; the first that fits counts.
    pub windows: Vec<LinkWindow>,
}

/// Agents among whom the hop is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharers {
    /// The ready agents.
    Auto,
    /// This many; at least one.
    Count(u64),
}

/// A time of day, UTC, with another rate. It crosses midnight when it ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkWindow {
    /// Begin, in minutes since midnight, at most 1440.
    pub from_minute: u16,
    /// End, in minutes since midnight, at most 1440.
    pub to_minute: u16,
    /// Rate of this agent in that time.
    pub rate: BitsPerSecond,
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

//! Which targets exist, as far as somebody else says so.
//!
//! Owns the readers of target lists: written down, in files, over HTTP, in DNS. Never knows what
//! is made of a list (`metrics::target`), and no socket: HTTP comes through [`http::Fetch`], DNS
//! through [`dns::Resolve`].
//! Invariants: a reader always publishes its whole list; a source that fails keeps its last good
//! groups and shows its error; a list that did not change is not published again.
//! Called by the corridor's `mod.rs`, which runs each reader as one task and stops it by dropping
//! the future or the last receiver.

pub mod dns;
pub mod file;
pub mod groups;
pub mod http;
pub mod static_;
mod yaml;

pub use groups::{Discovered, Group, SourceError};

//! When to scrape a target, and its body.
//!
//! Owns the time grid of a target and one exchange with it. Never knows lines, series or rings.
//! The loop that runs targets is the corridor's.

pub mod fetch;
pub mod schedule;

pub use fetch::{ContentType, Encoding, FetchOptions, Fetched, Fetcher, ScrapeError};
pub use schedule::{next_scrape, sample_timestamp};

//! Everything before the disk. The way of one sample:
//! `metrics::discover → metrics::scrape → metrics::exposition → metrics::series →
//! metrics::encode → block`.

pub mod block;
pub mod http;
pub mod labels;
pub mod metrics;
pub mod relabel;

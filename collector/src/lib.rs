//! Everything before the disk. The way of one sample:
//! `metrics::discover → metrics::scrape → metrics::exposition → metrics::series →
//! metrics::encode → block`.

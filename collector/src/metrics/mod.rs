//! The metrics corridor.

pub mod discover;
pub mod encode;
pub mod exposition;
pub mod scrape;
pub mod seam;
pub mod series;
pub mod target;

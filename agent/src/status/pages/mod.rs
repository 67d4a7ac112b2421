//! The pages for people. Each takes what it shows and answers HTML; none asks a room.

mod config;
mod overview;
mod ring;
mod targets;

pub use config::config;
pub use overview::{Overview, overview};
pub use ring::ring;
pub use targets::{Filter, targets};

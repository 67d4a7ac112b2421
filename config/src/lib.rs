//! Configuration: text in, checked settings out.
//!
//! Owns the keys, their defaults and units, variable expansion and the error texts with line and
//! column. Knows no clock, no network, no file and no environment: whatever stands outside the
//! text is handed in by the caller.

pub mod settings;
pub mod units;

pub use settings::Settings;

//! The seam between this corridor and the relabel rules.
//!
//! Owns one trait, so that the rooms on the hot path need not know the rules' type and the tests
//! can put a closure in their place.

use crate::labels::Labels;

/// Rules that rewrite or drop a series.
pub trait Relabel: Send + Sync {
    /// Rewrites `labels` in place; says whether the series is kept.
    fn apply(&self, labels: &mut Labels) -> bool;
}

impl<F: Fn(&mut Labels) -> bool + Send + Sync> Relabel for F {
    fn apply(&self, labels: &mut Labels) -> bool {
        self(labels)
    }
}

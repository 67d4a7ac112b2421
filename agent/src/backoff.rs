//! When to try again: exponential with full jitter.
//!
//! Owns the number of failures in a row. Never sleeps and never reads a clock or a random source:
//! it answers a span, and the caller hands in the random part.
//!
//! Source: facts on remote write, section 3.3: decorrelated jitter, `Retry-After` as a minimum.

use std::time::Duration;

/// The wait of one lane.
#[derive(Clone, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

/// Added to `Retry-After`, as a share of it, so that agents told the same second spread out.
const RETRY_AFTER_SPREAD: f64 = 0.25;

impl Backoff {
    /// Waits of `min` at first and never above `max`.
    pub fn new(min: Duration, max: Duration) -> Self {
        Self { min, max: max.max(min), failures: 0 }
    }

    /// The wait before the next attempt, one more failure counted.
    ///
    /// `random` is uniform in 0..1. The wait is uniform between `min` and the doubling ceiling, so
    /// that many agents that failed together don't return together. `retry_after` is a minimum,
    /// even above `max`: the destination knows better.
    pub fn failed(&mut self, retry_after: Option<Duration>, random: f64) -> Duration {
        let doublings = self.failures.min(20); // 2^20 times any sensible minimum is above any maximum
        self.failures = self.failures.saturating_add(1);
        let ceiling = self.min.saturating_mul(1 << doublings).min(self.max);
        let wait = self.min + (ceiling - self.min).mul_f64(random);
        match retry_after {
            Some(told) => wait.max(told + told.mul_f64(RETRY_AFTER_SPREAD * random)),
            None => wait,
        }
    }

    /// An attempt succeeded.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_ceiling_doubles_up_to_the_maximum() {
        let mut backoff = Backoff::new(SECOND, 5 * SECOND);
        let waits: Vec<_> = (0..5).map(|_| backoff.failed(None, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5]);
        backoff.succeeded();
        assert_eq!(backoff.failed(None, 1.0), SECOND);
    }

    #[test]
    fn jitter_spans_from_the_minimum_to_the_ceiling() {
        let mut backoff = Backoff::new(SECOND, 64 * SECOND);
        for _ in 0..6 {
            backoff.failed(None, 0.5);
        }
        assert_eq!(backoff.clone().failed(None, 0.0), SECOND);
        assert_eq!(backoff.failed(None, 0.999_999).as_secs(), 63);
    }

    #[test]
    fn retry_after_is_a_minimum_even_above_the_maximum() {
        let mut backoff = Backoff::new(SECOND, 5 * SECOND);
        assert_eq!(backoff.failed(Some(60 * SECOND), 0.0), 60 * SECOND);
        assert_eq!(backoff.failed(Some(60 * SECOND), 1.0), 75 * SECOND);
    }

    #[test]
    fn a_very_long_outage_overflows_nothing() {
        let mut backoff = Backoff::new(SECOND, Duration::MAX);
        for _ in 0..100_000 {
            backoff.failed(None, 1.0);
        }
        assert_eq!(backoff.failures(), 100_000);
    }
}

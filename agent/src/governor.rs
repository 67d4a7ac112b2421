//! The governor: how many bytes may go on the wire now.
//!
//! Owns one byte bucket per node. Never knows sockets and never sleeps: it answers the time from
//! which the bytes may go. Everything on the wire is charged, retries and TLS included: a lane asks
//! before a request with what it is about to write and corrects afterwards by what the socket
//! counted.
//!
//! The bucket may go into debt by one request, so that a request larger than the burst still goes;
//! the debt is then waited off, and the rate holds over any longer span.

use std::time::{Duration, Instant};

/// Bytes saved up while nothing is sent: one second's worth would let six nodes fill the hop at
/// once after a quiet spell, so the burst is 100 ms of the rate.
const BURST: Duration = Duration::from_millis(100);

/// A byte bucket.
#[derive(Debug)]
pub struct Governor {
    /// Bytes per second; `None` means no limit.
    rate: Option<f64>,
    /// Bytes that may go now; below zero is debt.
    balance: f64,
    /// When `balance` was true.
    at: Instant,
}

impl Governor {
    /// A bucket of `bits_per_second`, full at `now`.
    pub fn new(bits_per_second: Option<u64>, now: Instant) -> Self {
        let rate = bits_per_second.map(|bits| bits as f64 / 8.0);
        Self { rate, balance: rate.unwrap_or(0.0) * BURST.as_secs_f64(), at: now }
    }

    /// Changes the rate and keeps the balance, up to the new burst.
    pub fn change_rate(&mut self, bits_per_second: Option<u64>, now: Instant) {
        self.refill(now);
        self.rate = bits_per_second.map(|bits| bits as f64 / 8.0);
        self.refill(now);
    }

    /// Charges `bytes` that are about to go when they may, or answers the wait until they may.
    ///
    /// # Errors
    /// The span to wait before asking again.
    pub fn ask(&mut self, bytes: u64, now: Instant) -> Result<(), Duration> {
        self.refill(now);
        let Some(rate) = self.rate else { return Ok(()) };
        if self.balance <= 0.0 {
            // One more nanosecond, so that rounding down can't make the caller ask twice.
            let wait = Duration::from_secs_f64(-self.balance / rate);
            return Err(wait + Duration::from_nanos(1));
        }
        self.balance -= bytes as f64;
        Ok(())
    }

    /// Charges what the socket counted beyond what was asked for; a negative number gives back.
    pub fn correct(&mut self, bytes: i64) {
        if self.rate.is_some() {
            self.balance -= bytes as f64;
        }
    }

    fn refill(&mut self, now: Instant) {
        let Some(rate) = self.rate else {
            self.at = now;
            return;
        };
        let earned = rate * now.saturating_duration_since(self.at).as_secs_f64();
        self.balance = (self.balance + earned).min(rate * BURST.as_secs_f64());
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends requests of `bytes` as fast as allowed for `span` and returns the bytes sent.
    fn send_for(governor: &mut Governor, bytes: u64, span: Duration, start: Instant) -> u64 {
        let (mut now, mut sent) = (start, 0);
        while now < start + span {
            match governor.ask(bytes, now) {
                Ok(()) => sent += bytes,
                Err(wait) => now += wait,
            }
        }
        sent
    }

    #[test]
    fn the_rate_holds_to_one_percent_over_ten_seconds() {
        let start = Instant::now();
        for bytes in [100, 10_000, 300_000] {
            let mut governor = Governor::new(Some(160_000_000), start);
            let sent = send_for(&mut governor, bytes, Duration::from_secs(10), start) as f64;
            let expected = 200_000_000.0;
            assert!((sent - expected).abs() <= expected * 0.012, "{bytes}: {sent}");
        }
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let start = Instant::now();
        let mut governor = Governor::new(None, start);
        assert!((0..1000).all(|_| governor.ask(u64::MAX / 2, start).is_ok()));
    }

    #[test]
    fn corrections_and_new_rates_count() {
        let start = Instant::now();
        let mut governor = Governor::new(Some(8_000), start); // 1000 bytes a second, burst 100
        assert_eq!(governor.ask(100, start), Ok(()));
        governor.correct(500);
        let wait = governor.ask(1, start).expect_err("500 bytes in debt");
        assert_eq!(wait.as_millis(), 500);
        governor.change_rate(Some(80_000), start);
        assert_eq!(governor.ask(1, start).expect_err("still in debt").as_millis(), 50);
    }
}

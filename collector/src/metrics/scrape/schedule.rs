//! The time grid of a target.
//!
//! Owns the phase of a target and the timestamp of its samples. Never knows clocks: `now` is an
//! argument. Pure.
//!
//! Invariant: the grid depends on the target's key and its settings alone and is anchored to the
//! epoch, so that it survives restarts and moves to another owner.
//!
//! Source: `scrapework.go` of vmagent (`run`).

use runnel_config::units::Millis;

/// The first time behind `now_ms` at which the target is to be scraped.
///
/// Without `align` and `offset` the phase is `key / 2^64` of the interval, which spreads targets
/// evenly. With `offset` all targets are scraped that long behind each multiple of the interval.
/// With `align` alone, scrapes fall on multiples of it; where several fit into an interval, the key
/// chooses among them.
///
/// *Units*: milliseconds since the epoch. *Bounds*: an interval of zero counts as one millisecond.
pub fn next_scrape(
    key: u64,
    interval: Millis,
    align: Option<Millis>,
    offset: Option<Millis>,
    now_ms: i64,
) -> i64 {
    let interval = interval.0.clamp(1, INTERVAL_MS_MAX);
    let phase = phase(key, interval, align, offset) as i64;
    let interval = interval as i64;
    // Invariant: 0 <= since < interval, so the result is above `now_ms` by 1 to `interval`.
    let since = now_ms.saturating_sub(phase).rem_euclid(interval);
    now_ms.saturating_add(interval - since)
}

/// The timestamp for the samples of a scrape that began at `real_ms`.
///
/// The grid's time, one interval behind the previous timestamp, as long as it is within a tenth of
/// the interval: constant distances compress best. Beyond that, and at first, the real time.
pub fn sample_timestamp(previous_ms: Option<i64>, interval: Millis, real_ms: i64) -> i64 {
    let interval = interval.0.clamp(1, INTERVAL_MS_MAX);
    let Some(previous_ms) = previous_ms else { return real_ms };
    let planned = previous_ms.saturating_add(interval as i64);
    if real_ms.abs_diff(planned).saturating_mul(10) > interval { real_ms } else { planned }
}

fn phase(key: u64, interval: u64, align: Option<Millis>, offset: Option<Millis>) -> u64 {
    let share = |of: u64| ((u128::from(key) * u128::from(of)) >> 64) as u64;
    match (align, offset) {
        (_, Some(Millis(offset))) if offset > 0 => offset % interval,
        (Some(Millis(align)), _) if align > 0 => share((interval / align).max(1)) * align,
        _ => share(interval),
    }
}

/// Longest interval: a hundred years. It keeps the sums in range and no one waits longer.
const INTERVAL_MS_MAX: u64 = 100 * 366 * 86_400_000;

#[cfg(test)]
mod tests;

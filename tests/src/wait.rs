//! Waiting for a condition, with a deadline.
//!
//! Owns the only pause of the tests: the one between two looks at a condition.

use std::thread;
use std::time::{Duration, Instant};

/// Calls `probe` until it answers `Ok`, and returns that.
///
/// # Panics
/// When the deadline has passed; the message holds the last `Err`.
pub fn eventually<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl FnMut() -> Result<T, String>,
) -> T {
    let end = Instant::now() + deadline;
    loop {
        match probe() {
            Ok(value) => return value,
            Err(found) if Instant::now() >= end => {
                panic!("waited {deadline:?} for {what}, found: {found}")
            }
            Err(_) => thread::sleep(LOOK_EVERY),
        }
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// When the deadline has passed.
pub fn until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    eventually(what, deadline, || condition().then_some(()).ok_or_else(|| "not yet".to_string()));
}

/// True when `condition` held at every look for `span`: for what must *not* happen.
pub fn holds_for(span: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + span;
    while Instant::now() < end {
        if !condition() {
            return false;
        }
        thread::sleep(LOOK_EVERY);
    }
    true
}

/// Pause between two looks: short beside a scrape interval of 200 ms, long beside a look.
const LOOK_EVERY: Duration = Duration::from_millis(10);

//! The link: the one governor of the node, shared by all lanes, and the waiting for it.
//!
//! Owns the lock around the governor and the count of the time waited. The governor itself never
//! sleeps; the lanes do it here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::governor::Governor;

/// The link of the node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Link {
    governor: Arc<Mutex<Governor>>,
    limited_us: Arc<AtomicU64>,
}

impl Link {
    /// A link of `bits_per_second`; `None` means no limit.
    pub fn new(bits_per_second: Option<u64>) -> Self {
        let governor = Governor::new(bits_per_second, Instant::now());
        Self { governor: Arc::new(Mutex::new(governor)), limited_us: Arc::default() }
    }

    /// Changes the rate from now on.
    pub fn change_rate(&self, bits_per_second: Option<u64>) {
        self.with(|governor| governor.change_rate(bits_per_second, Instant::now()));
    }

    /// Waits until `bytes` may go, and charges them.
    pub async fn wait_for(&self, bytes: u64) {
        while let Err(wait) = self.with(|governor| governor.ask(bytes, Instant::now())) {
            let us = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
            self.limited_us.fetch_add(us, Ordering::Relaxed);
            tokio::time::sleep(wait).await;
        }
    }

    /// Charges what the socket counted beyond what was asked for.
    pub fn correct(&self, bytes: i64) {
        self.with(|governor| governor.correct(bytes));
    }

    /// Time that lanes have waited for the rate.
    pub fn limited(&self) -> Duration {
        Duration::from_micros(self.limited_us.load(Ordering::Relaxed))
    }

    fn with<R>(&self, act: impl FnOnce(&mut Governor) -> R) -> R {
        act(&mut self.governor.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

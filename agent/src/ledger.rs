//! The ledger: for each signal and destination, what was taken is delivered, dropped, rejected or
//! held, at every instant.
//!
//! Owns the counts and the law `taken = delivered + dropped + rejected + held`. Every change is one
//! double entry under one lock, so no reader ever sees half of it. Never knows why anything
//! happened: the rooms say what they did, in batches.
//!
//! The law holds by construction; that the rooms told the truth is checked by [`Ledger::snapshot`]'s
//! reader against the counts of the rooms themselves (see `store::audit`).
//!
//! Called from scrape tasks (through `intake`) and from the ring thread. The lock is held for a few
//! additions and never while another lock is taken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Samples.
    Metrics,
}

impl Signal {
    /// The value of the label `signal`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
        }
    }
}

/// How items came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Collected by this process.
    Collected,
    /// Found in the ring at start, collected by an earlier process.
    Recovered,
}

/// Where held items are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a block that is still open.
    Block,
    /// In a sealed block on its way to the ring.
    Queue,
    /// In the ring.
    Ring,
}

/// Why items were dropped by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// A frame of the ring no longer had the bytes that were written.
    Corrupt,
    /// The destination left the configuration.
    DestinationRemoved,
    /// The disk failed and memory could not keep them.
    Disk,
    /// A series stood twice on one page; the first one counts.
    Duplicate,
    /// The ring was full; the oldest gave way.
    Evicted,
    /// Older than the age limit.
    Expired,
    /// A rule of `metric_relabel_configs`.
    MetricRelabel,
    /// A page that as a whole was not acceptable: too long a label, or a bad line of a strict job.
    PageFailed,
    /// The ring did not take blocks in time.
    QueueFull,
    /// `sample_limit`.
    SampleLimit,
    /// `series_limit`.
    SeriesLimit,
    /// A rule of `write_relabel_configs`.
    WriteRelabel,
}

impl Drop {
    /// All reasons, in the order of the arrays here.
    pub const ALL: [Self; 12] = [
        Self::Corrupt,
        Self::DestinationRemoved,
        Self::Disk,
        Self::Duplicate,
        Self::Evicted,
        Self::Expired,
        Self::MetricRelabel,
        Self::PageFailed,
        Self::QueueFull,
        Self::SampleLimit,
        Self::SeriesLimit,
        Self::WriteRelabel,
    ];

    /// The value of the label `reason`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::DestinationRemoved => "destination_removed",
            Self::Disk => "disk",
            Self::Duplicate => "duplicate",
            Self::Evicted => "evicted",
            Self::Expired => "expired",
            Self::MetricRelabel => "metric_relabel",
            Self::PageFailed => "page_failed",
            Self::QueueFull => "queue_full",
            Self::SampleLimit => "sample_limit",
            Self::SeriesLimit => "series_limit",
            Self::WriteRelabel => "write_relabel",
        }
    }

    /// Whether the operator asked for it. All others are loss.
    pub fn wanted(self) -> bool {
        matches!(
            self,
            Self::Duplicate
                | Self::MetricRelabel
                | Self::PageFailed
                | Self::SampleLimit
                | Self::SeriesLimit
                | Self::WriteRelabel
        )
    }
}

/// Why the destination would not have items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// A 400 or another final answer to the smallest piece that could be cut out.
    BadRequest,
    /// The smallest piece is still too large for the destination.
    TooLarge,
    /// The piece could not be decoded to cut it or to change its codec.
    Undecodable,
}

impl Reject {
    /// All reasons, in the order of the arrays here.
    pub const ALL: [Self; 3] = [Self::BadRequest, Self::TooLarge, Self::Undecodable];

    /// The value of the label `reason`.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::Undecodable => "undecodable",
        }
    }
}

/// The counts of one signal for one destination, in items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Collected by this process.
    pub collected: u64,
    /// Found in the ring at start.
    pub recovered: u64,
    /// Answered 2xx.
    pub delivered: u64,
    /// Dropped, by [`Drop`].
    pub dropped: [u64; Drop::ALL.len()],
    /// Rejected, by [`Reject`].
    pub rejected: [u64; Reject::ALL.len()],
    /// Held, by [`Place`].
    pub held: [u64; 3],
    /// Sent again after an answer that never came: part of [`Counts::delivered`] at most once, but
    /// the destination may have them twice.
    pub possible_duplicates: u64,
}

impl Counts {
    /// Items taken.
    pub fn taken(&self) -> u64 {
        self.collected + self.recovered
    }

    /// Items accounted for.
    pub fn accounted(&self) -> u64 {
        let sum = |counts: &[u64]| counts.iter().sum::<u64>();
        self.delivered + sum(&self.dropped) + sum(&self.rejected) + sum(&self.held)
    }

    /// Items dropped against the operator's will, and rejected.
    pub fn lost(&self) -> u64 {
        let unwanted = Drop::ALL.iter().filter(|reason| !reason.wanted());
        unwanted.map(|reason| self.dropped[*reason as usize]).sum::<u64>()
            + self.rejected.iter().sum::<u64>()
    }

    /// Items held at `place`.
    pub fn held_at(&self, place: Place) -> u64 {
        self.held[place as usize]
    }
}

type Accounts = BTreeMap<(Signal, String), Counts>;

/// The ledger of one agent. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    accounts: Arc<Mutex<Accounts>>,
}

impl Ledger {
    /// The account of one signal for one destination, opened when it is new.
    pub fn account(&self, signal: Signal, destination: &str) -> Account {
        self.lock().entry((signal, destination.to_owned())).or_default();
        Account { ledger: self.clone(), key: (signal, destination.to_owned()) }
    }

    /// All accounts as they stand at one instant.
    pub fn snapshot(&self) -> Vec<(Signal, String, Counts)> {
        let accounts = self.lock();
        accounts
            .iter()
            .map(|((signal, name), counts)| (*signal, name.clone(), counts.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Accounts> {
        // A panic elsewhere cannot leave a half-made entry: the arithmetic below does not panic.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One signal of one destination.
#[derive(Clone, Debug)]
pub struct Account {
    ledger: Ledger,
    key: (Signal, String),
}

impl Account {
    /// Takes `items`, which stand at `place` from now on.
    pub fn take(&self, source: Source, place: Place, items: u64) {
        self.post(|counts| {
            *taken(counts, source) += items;
            counts.held[place as usize] += items;
        });
    }

    /// Takes `items` that are dropped at once.
    pub fn take_and_drop(&self, reason: Drop, items: u64) {
        self.post(|counts| {
            counts.collected += items;
            counts.dropped[reason as usize] += items;
        });
    }

    /// `items` went from one place to another.
    pub fn moved(&self, from: Place, to: Place, items: u64) {
        self.post(|counts| {
            leave(counts, from, items);
            counts.held[to as usize] += items;
        });
    }

    /// `items` at `from` were dropped.
    pub fn dropped(&self, from: Place, reason: Drop, items: u64) {
        self.post(|counts| {
            leave(counts, from, items);
            counts.dropped[reason as usize] += items;
        });
    }

    /// Items in the ring were answered for.
    pub fn settled(&self, delivered: u64, rejected: &[(Reject, u64)]) {
        self.post(|counts| {
            let refused: u64 = rejected.iter().map(|(_, items)| items).sum();
            leave(counts, Place::Ring, delivered + refused);
            counts.delivered += delivered;
            for (reason, items) in rejected {
                counts.rejected[*reason as usize] += items;
            }
        });
    }

    /// `items` are sent again although they may have arrived.
    pub fn possible_duplicates(&self, items: u64) {
        self.post(|counts| counts.possible_duplicates += items);
    }

    fn post(&self, entry: impl FnOnce(&mut Counts)) {
        let mut accounts = self.ledger.lock();
        entry(accounts.entry(self.key.clone()).or_default());
    }
}

fn taken(counts: &mut Counts, source: Source) -> &mut u64 {
    match source {
        Source::Collected => &mut counts.collected,
        Source::Recovered => &mut counts.recovered,
    }
}

/// Takes items from a place. More than stand there is a bug of the caller; the count then stays at
/// zero and the law no longer holds, which is what the ledger is there to show.
fn leave(counts: &mut Counts, place: Place, items: u64) {
    let held = &mut counts.held[place as usize];
    debug_assert!(*held >= items, "BUG: {items} items leave {place:?}, which holds {held}");
    *held = held.saturating_sub(items);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_keeps_the_law() {
        let ledger = Ledger::default();
        let account = ledger.account(Signal::Metrics, "a");
        let check = |expected_held: [u64; 3]| {
            let (_, _, counts) = ledger.snapshot().remove(0);
            assert_eq!(counts.held, expected_held);
            assert_eq!(counts.taken(), counts.accounted());
        };
        account.take(Source::Collected, Place::Block, 10);
        check([10, 0, 0]);
        account.take_and_drop(Drop::Duplicate, 3);
        account.moved(Place::Block, Place::Queue, 10);
        check([0, 10, 0]);
        account.moved(Place::Queue, Place::Ring, 8);
        account.dropped(Place::Queue, Drop::QueueFull, 2);
        check([0, 0, 8]);
        account.take(Source::Recovered, Place::Ring, 5);
        account.settled(6, &[(Reject::BadRequest, 1)]);
        account.dropped(Place::Ring, Drop::Evicted, 1);
        check([0, 0, 5]);
        let (_, _, counts) = ledger.snapshot().remove(0);
        assert_eq!((counts.taken(), counts.lost()), (18, 4));
    }

    #[test]
    fn reasons_stand_in_the_order_of_their_arrays() {
        assert!(Drop::ALL.iter().enumerate().all(|(i, reason)| *reason as usize == i));
        assert!(Reject::ALL.iter().enumerate().all(|(i, reason)| *reason as usize == i));
    }
}

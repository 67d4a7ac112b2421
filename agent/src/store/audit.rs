//! The audit: the ledger against the counts of the rooms that hold items.

use crate::ledger::{Counts, Place, Signal};

/// One account with what the rooms themselves count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditedAccount {
    /// What is counted.
    pub signal: Signal,
    /// For whom.
    pub destination: String,
    /// The ledger's counts.
    pub counts: Counts,
    /// Items in open blocks, counted by the intake.
    pub in_blocks: u64,
    /// Items in the ring, counted by the ring's index.
    pub in_ring: u64,
}

impl AuditedAccount {
    /// Whether the law holds and the rooms hold what the ledger says they do.
    pub fn balanced(&self) -> bool {
        self.counts.taken() == self.counts.accounted()
            && self.counts.held_at(Place::Block) == self.in_blocks
            && self.counts.held_at(Place::Ring) == self.in_ring
    }
}

/// All accounts at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// In the order of signal and destination.
    pub accounts: Vec<AuditedAccount>,
}

impl Audit {
    /// Whether every account is balanced.
    pub fn balanced(&self) -> bool {
        self.accounts.iter().all(AuditedAccount::balanced)
    }
}

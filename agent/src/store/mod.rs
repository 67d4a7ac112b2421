//! The store: the ring on its own thread, and the handle that everyone else holds.
//!
//! Owns the thread's commands, the bound on what waits for it, and the ledger's entries about the
//! ring: an item moves into or out of the ring exactly when the ring says so. Never knows what a
//! frame means.
//!
//! Invariant: entries about the ring are made on the ring's thread, right behind the ring's own
//! change; an [`Audit`] runs on that thread too and therefore sees both sides at one instant.
//!
//! Written decision: more than [`QUEUE_BYTES_MAX`] waiting for the disk are refused; the intake
//! drops and counts them.

mod audit;
mod thread;
mod view;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use bytes::Bytes;
use runnel_config::units::Millis;
use tokio::sync::{oneshot, watch};

pub use audit::{Audit, AuditedAccount};
pub use thread::{StoreThread, open};
pub use view::{ReaderView, RingView};

use crate::delivery::{Parcel, Settled};
use crate::ledger::Account;

/// Compressed bytes of blocks that may wait for the ring's thread: a second of a busy node, so that
/// a disk that stalls for a moment loses nothing, and one that stalls for good takes no memory.
const QUEUE_BYTES_MAX: u64 = 8 << 20;

/// A destination as the store knows it: its name in the ring, and its account.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Name of its cursor.
    pub name: String,
    /// Its account.
    pub account: Account,
}

/// A sealed block on its way into the ring.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Who gets it. Its items stand at [`crate::ledger::Place::Queue`] in each account.
    pub destinations: Arc<[Destination]>,
    /// Wire-ready bytes.
    pub body: Bytes,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// Items in it.
    pub items: u64,
    /// Time range of its items, milliseconds since the epoch.
    pub time: (i64, i64),
}

/// Ages at which held items are dropped; `None` means never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgeLimits {
    /// Of metrics.
    pub metrics: Option<Millis>,
}

/// The ring's thread has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreGone;

/// Something to do between two changes of the ring.
type Inspection = Box<dyn FnOnce(&thread::Inside) + Send>;

enum Command {
    AgeLimits(AgeLimits),
    Append(Sealed),
    Destinations(Vec<String>),
    Inspect(Inspection),
    Next {
        destination: String,
        bytes_max: usize,
        raw_max: usize,
        reply: oneshot::Sender<Vec<Parcel>>,
    },
    Settle {
        destination: String,
        settled: Vec<Settled>,
    },
    Stop,
}

/// The handle of the store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    commands: mpsc::Sender<Command>,
    queued_bytes: Arc<AtomicU64>,
    appended: watch::Receiver<u64>,
}

impl Store {
    /// Hands a block to the ring.
    ///
    /// # Errors
    /// The block, when too much is waiting already or the thread has ended.
    pub fn append(&self, sealed: Sealed) -> Result<(), Sealed> {
        let bytes = sealed.body.len() as u64;
        if self.queued_bytes.fetch_add(bytes, Ordering::AcqRel) + bytes > QUEUE_BYTES_MAX {
            self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
            return Err(sealed);
        }
        self.commands.send(Command::Append(sealed)).map_err(|error| match error.0 {
            Command::Append(sealed) => sealed,
            _ => unreachable!("BUG: the command that was sent comes back"),
        })
    }

    /// The number of the newest frame; changes with each append.
    pub fn appended(&self) -> watch::Receiver<u64> {
        self.appended.clone()
    }

    /// The oldest frames that a destination still has to get: at least one where there is any,
    /// and no more than fit the limits.
    ///
    /// # Errors
    /// [`StoreGone`].
    pub async fn next(
        &self,
        destination: &str,
        bytes_max: usize,
        raw_max: usize,
    ) -> Result<Vec<Parcel>, StoreGone> {
        let (reply, answer) = oneshot::channel();
        let destination = destination.to_owned();
        self.send(Command::Next { destination, bytes_max, raw_max, reply })?;
        answer.await.map_err(|_| StoreGone)
    }

    /// Frames of a destination are final.
    ///
    /// # Errors
    /// [`StoreGone`]; the frames will be sent once more by the next process.
    pub fn settle(&self, destination: &str, settled: Vec<Settled>) -> Result<(), StoreGone> {
        if settled.is_empty() {
            return Ok(());
        }
        self.send(Command::Settle { destination: destination.to_owned(), settled })
    }

    /// Declares the destinations. What is held for one that is no longer named is dropped.
    ///
    /// # Errors
    /// [`StoreGone`].
    pub fn set_destinations(&self, destinations: Vec<String>) -> Result<(), StoreGone> {
        self.send(Command::Destinations(destinations))
    }

    /// Changes the age limits.
    ///
    /// # Errors
    /// [`StoreGone`].
    pub fn set_age_limits(&self, limits: AgeLimits) -> Result<(), StoreGone> {
        self.send(Command::AgeLimits(limits))
    }

    /// Runs `look` on the ring's thread, between two changes, and answers what it returns.
    ///
    /// # Errors
    /// [`StoreGone`].
    pub async fn inspect<R: Send + 'static>(
        &self,
        look: impl FnOnce(&thread::Inside) -> R + Send + 'static,
    ) -> Result<R, StoreGone> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Inspect(Box::new(move |inside| {
            // Whoever asked may have gone away; then nobody misses the answer.
            let _ = reply.send(look(inside));
        })))?;
        answer.await.map_err(|_| StoreGone)
    }

    fn send(&self, command: Command) -> Result<(), StoreGone> {
        self.commands.send(command).map_err(|_| StoreGone)
    }
}

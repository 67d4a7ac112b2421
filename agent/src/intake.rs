//! The intake: batches of samples become blocks, one open block per route.
//!
//! Owns the open blocks and the decision when one is sealed. A route is what one or several
//! destinations get alike: the same write relabel rules, the same wish for exemplars and metadata.
//! Never knows targets or the ring's inside.
//!
//! Written decision: when the store refuses a block, its items are dropped and counted
//! (`queue_full`). A scrape never waits for a disk.
//!
//! Called from scrape tasks. One lock per route, held while a batch is compressed (about 0.1 ms per
//! 1,000 samples); order: `routes`, then a route's `open`, then the ledger.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use runnel_collector::block::{BlockBuilder, BlockOptions, Items};
use runnel_collector::metrics::encode::rewrite;
use runnel_collector::metrics::series::Batch;
use runnel_collector::metrics::{DropReason, Outlet};
use runnel_collector::relabel::Rules;

use crate::ledger::{Drop, Place, Source};
use crate::store::{Destination, Sealed, Store};

/// Age at which a block is sealed, however small: vmagent's flush interval.
pub const BLOCK_AGE_MAX: Duration = Duration::from_secs(1);

/// What some destinations get alike.
#[derive(Debug)]
pub struct Route {
    /// Rules of `write_relabel_configs`.
    pub rules: Rules,
    /// Whether exemplars are removed.
    pub strip_exemplars: bool,
    /// Whether metadata goes along.
    pub metadata: bool,
    /// Who gets it.
    pub destinations: Arc<[Destination]>,
}

/// A route with its open block.
pub struct OpenRoute {
    route: Route,
    open: Mutex<OpenBlock>,
}

struct OpenBlock {
    builder: BlockBuilder,
    opened_at: Option<Instant>,
    /// Rewritten batches, reused.
    rewritten: Vec<u8>,
    stripped: Vec<u8>,
}

/// The intake. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    routes: Arc<RwLock<Vec<OpenRoute>>>,
    store: Store,
}

impl Intake {
    /// An intake without routes: what comes is dropped uncounted, since nobody wants it.
    pub fn new(store: Store) -> Self {
        Self { routes: Arc::default(), store }
    }

    /// Replaces the routes. Open blocks of the old ones are sealed and kept.
    pub fn set_routes(&self, routes: Vec<OpenRoute>) {
        let mut current = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        for old in current.iter() {
            old.seal(&mut old.lock(), &self.store);
        }
        *current = routes;
    }

    /// Seals blocks opened at `opened_before` or earlier; all of them when it is `None`.
    pub fn seal(&self, opened_before: Option<Instant>) {
        for route in self.routes.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let mut open = route.lock();
            let due =
                open.opened_at.is_some_and(|at| opened_before.is_none_or(|limit| at <= limit));
            if due {
                route.seal(&mut open, &self.store);
            }
        }
    }

    /// Runs `look` with the items in open blocks by destination, while none of them can change.
    pub fn with_open_items<R>(&self, look: impl FnOnce(&[(String, u64)]) -> R) -> R {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let guards: Vec<_> = routes.iter().map(|route| (route, route.lock())).collect();
        let mut items = Vec::new();
        for (route, open) in &guards {
            for destination in route.route.destinations.iter() {
                items.push((destination.name.clone(), open.builder.items()));
            }
        }
        look(&items)
    }
}

impl Outlet for Intake {
    fn samples(&self, batch: &Batch<'_>) {
        for route in self.routes.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let mut open = route.lock();
            open.take(&route.route, batch);
            if open.builder.is_full() {
                route.seal(&mut open, &self.store);
            }
        }
    }

    fn metadata(&self, bytes: &[u8]) {
        for route in self.routes.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if route.route.metadata {
                route.lock().append(bytes, Items { count: 0, time_min_ms: 0, time_max_ms: 0 });
            }
        }
    }

    fn dropped(&self, reason: DropReason, samples: u64) {
        let reason = match reason {
            DropReason::Duplicate => Drop::Duplicate,
            DropReason::MetricRelabel => Drop::MetricRelabel,
            DropReason::PageFailed => Drop::PageFailed,
            DropReason::SampleLimit => Drop::SampleLimit,
            DropReason::SeriesLimit => Drop::SeriesLimit,
        };
        for route in self.routes.read().unwrap_or_else(PoisonError::into_inner).iter() {
            for destination in route.route.destinations.iter() {
                destination.account.take_and_drop(reason, samples);
            }
        }
    }
}

impl OpenRoute {
    /// A route with an empty block.
    ///
    /// # Errors
    /// In words, when zstd has no memory for its context.
    pub fn new(route: Route) -> Result<Self, String> {
        let builder = BlockBuilder::new(BlockOptions::METRICS)
            .map_err(|error| format!("cannot make a compression context: {error}"))?;
        let (rewritten, stripped) = (Vec::new(), Vec::new());
        let open = OpenBlock { builder, opened_at: None, rewritten, stripped };
        Ok(Self { route, open: Mutex::new(open) })
    }

    fn lock(&self) -> MutexGuard<'_, OpenBlock> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals the open block, if it holds anything, and hands it to the store.
    fn seal(&self, open: &mut OpenBlock, store: &Store) {
        open.opened_at = None;
        let Some(block) = open.builder.seal() else { return };
        let move_all = |act: &dyn Fn(&Destination)| self.route.destinations.iter().for_each(act);
        move_all(&|to| to.account.moved(Place::Block, Place::Queue, block.items));
        let sealed = Sealed {
            destinations: self.route.destinations.clone(),
            body: block.body,
            raw_bytes: block.raw_bytes as u64,
            items: block.items,
            time: (block.time_min_ms, block.time_max_ms),
        };
        if let Err(refused) = store.append(sealed) {
            tracing::warn!(items = refused.items, "the ring does not take blocks in time: dropped");
            move_all(&|to| to.account.dropped(Place::Queue, Drop::QueueFull, refused.items));
        }
    }
}

impl OpenBlock {
    /// Appends a batch the way the route wants it, and enters it in the ledger.
    fn take(&mut self, route: &Route, batch: &Batch<'_>) {
        let (time_min_ms, time_max_ms) = (batch.time_min_ms, batch.time_max_ms);
        let mut samples = batch.samples;
        let (mut rewritten, mut stripped) =
            (std::mem::take(&mut self.rewritten), std::mem::take(&mut self.stripped));
        let mut bytes = batch.bytes;
        // Invariant: a batch is made by our own encoder, so it can be read.
        if route.strip_exemplars {
            stripped.clear();
            rewrite::strip_exemplars(bytes, &mut stripped).expect("a batch is well formed");
            bytes = &stripped;
        }
        if !route.rules.is_empty() {
            rewritten.clear();
            let counts = rewrite::relabel_request(bytes, &route.rules, &mut rewritten)
                .expect("a batch is well formed");
            bytes = &rewritten;
            samples = counts.samples_kept;
            for to in route.destinations.iter() {
                to.account.take_and_drop(Drop::WriteRelabel, counts.samples_dropped);
            }
        }
        for to in route.destinations.iter() {
            to.account.take(Source::Collected, Place::Block, samples);
        }
        if !bytes.is_empty() {
            self.append(bytes, Items { count: samples, time_min_ms, time_max_ms });
        }
        (self.rewritten, self.stripped) = (rewritten, stripped);
    }

    fn append(&mut self, bytes: &[u8], items: Items) {
        self.opened_at.get_or_insert_with(Instant::now);
        self.builder.append(bytes, items);
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}

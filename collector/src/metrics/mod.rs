//! The metrics corridor: from job settings to encoded samples.
//!
//! Owns its tasks: one that follows the plan and the discoverers, one per discoverer, one per
//! target. Never knows blocks, ledger or ring: samples go to an [`Outlet`].
//!
//! Invariants: a change of the plan or of a target list touches only the targets that differ; two
//! tasks never scrape one target; a target that is gone gets its stale markers, one that is
//! replaced or that stops with the agent gets none.

pub mod discover;
pub mod encode;
pub mod exposition;
mod pool;
pub mod scrape;
mod scrape_loop;
pub mod seam;
pub mod series;
pub mod status;
pub mod target;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runnel_config::settings::{Global, ScrapeJob, Settings};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::http::Context;
use discover::Discovered;
use pool::{Discover, PoolView, ScrapePool, Start};
use scrape_loop::{Order, ScrapeLoop};
use series::{Batch, MetadataSeen};
use status::Snapshot;

/// Why samples of a page go nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The series stood on the page already.
    Duplicate,
    /// A rule of `metric_relabel_configs`.
    MetricRelabel,
    /// The page as a whole was not acceptable.
    PageFailed,
    /// `sample_limit`.
    SampleLimit,
    /// `series_limit`.
    SeriesLimit,
}

/// Where the corridor's samples go. Called from many tasks at once; must not wait for long.
pub trait Outlet: Send + Sync {
    /// Takes samples.
    fn samples(&self, batch: &Batch<'_>);

    /// Takes metadata fields of a `WriteRequest`, tags included.
    fn metadata(&self, bytes: &[u8]);

    /// Counts samples that were on a page and go nowhere.
    fn dropped(&self, reason: DropReason, samples: u64);
}

/// What the corridor is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Jobs, names unique.
    pub jobs: Vec<ScrapeJob>,
    /// What all jobs share.
    pub global: Global,
    /// Some destination takes exemplars.
    pub exemplars: bool,
}

impl Plan {
    /// The plan that settings ask for.
    pub fn of(settings: &Settings) -> Self {
        Self {
            jobs: settings.scrape_configs.clone(),
            global: settings.global.clone(),
            exemplars: settings.remote_write.iter().any(|to| to.send_exemplars),
        }
    }
}

/// The running corridor.
#[derive(Debug)]
pub struct Corridor {
    events: mpsc::UnboundedSender<Event>,
    view: View,
    conductor: JoinHandle<()>,
}

/// Reads the corridor. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct View(Arc<Mutex<Shown>>);

#[derive(Debug, Default)]
struct Shown {
    planned: bool,
    pools: BTreeMap<String, PoolView>,
}

impl View {
    /// The corridor as it stands.
    pub fn snapshot(&self) -> Snapshot {
        let shown = self.lock();
        Snapshot {
            targets: shown.pools.values().flat_map(PoolView::targets).collect(),
            jobs: shown.pools.iter().map(|(name, pool)| pool.job(name)).collect(),
            discovered: shown.planned && shown.pools.values().all(|pool| pool.discovered),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// The queue of events is not bounded: plans come one by one, and each discoverer waits for its
// next change before it sends another.
enum Event {
    Discovered { pool: String, source: u64, discovered: Discovered },
    Plan(Box<Plan>, oneshot::Sender<()>),
    Stop,
}

impl Corridor {
    /// Starts a corridor that does nothing until it gets a plan.
    pub fn start(context: Context, outlet: Arc<dyn Outlet>) -> Self {
        let (events, events_in) = mpsc::unbounded_channel();
        let view = View::default();
        let conductor = Conductor {
            context,
            outlet,
            metadata: Arc::new(MetadataSeen::new()),
            large_pages: Arc::default(),
            events: events.clone(),
            view: view.clone(),
            pools: BTreeMap::new(),
            loops: JoinSet::new(),
            discoverers: JoinSet::new(),
        };
        let conductor = tokio::spawn(conductor.run(events_in));
        Self { events, view, conductor }
    }

    /// Follows a new plan; returns once every target that differs was told.
    pub async fn apply(&self, plan: Plan) {
        let (done, wait) = oneshot::channel();
        // Only a corridor that has stopped takes no events, and then there is nothing to change.
        if self.events.send(Event::Plan(Box::new(plan), done)).is_ok() {
            let _ = wait.await;
        }
    }

    /// What reads it.
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// Stops all scrapes; requests under way are given up. No stale markers are sent: the next
    /// process goes on.
    pub async fn stop(self) {
        if self.events.send(Event::Stop).is_ok() {
            // A conductor that ended badly has nothing left to stop.
            let _ = self.conductor.await;
        }
    }
}

/// Follows the plan and the discoverers.
struct Conductor {
    context: Context,
    outlet: Arc<dyn Outlet>,
    metadata: Arc<MetadataSeen>,
    large_pages: Arc<scrape_loop::LargePages>,
    events: mpsc::UnboundedSender<Event>,
    view: View,
    pools: BTreeMap<String, ScrapePool>,
    loops: JoinSet<()>,
    discoverers: JoinSet<()>,
}

impl Conductor {
    async fn run(mut self, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            match event {
                Event::Plan(plan, done) => {
                    self.follow(&plan);
                    // Whoever asked may have gone away.
                    let _ = done.send(());
                }
                Event::Discovered { pool, source, discovered } => {
                    let Some(known) = self.pools.get_mut(&pool) else { continue };
                    if known.discovered(source, discovered) {
                        self.change_targets(&pool);
                    }
                }
                Event::Stop => break,
            }
            while self.loops.try_join_next().is_some() {}
            while self.discoverers.try_join_next().is_some() {}
        }
        for pool in std::mem::take(&mut self.pools).into_values() {
            pool.stop(Order::EndShutdown);
        }
        self.discoverers.shutdown().await;
        while self.loops.join_next().await.is_some() {}
    }

    fn follow(&mut self, plan: &Plan) {
        let gone: Vec<String> = self
            .pools
            .keys()
            .filter(|name| plan.jobs.iter().all(|job| job.job_name != **name))
            .cloned()
            .collect();
        for name in gone {
            if let Some(pool) = self.pools.remove(&name) {
                pool.stop(Order::EndGone);
            }
            self.view.lock().pools.remove(&name);
        }
        for job in &plan.jobs {
            self.follow_job(job, plan);
        }
        self.view.lock().planned = true;
    }

    fn follow_job(&mut self, job: &ScrapeJob, plan: &Plan) {
        let pool = self.pools.entry(job.job_name.clone()).or_default();
        let Some(discoverers) = pool.plan(job, &plan.global, plan.exemplars, &self.context) else {
            return;
        };
        for Discover { source, reader, found, stop } in discoverers {
            let forward = forward(found, job.job_name.clone(), source, self.events.clone());
            self.discoverers.spawn(async move {
                tokio::select! {
                    () = reader => {}
                    () = forward => {}
                    _ = stop => {}
                }
            });
        }
        self.change_targets(&job.job_name);
    }

    /// Starts and stops what the pool says.
    fn change_targets(&mut self, name: &str) {
        let Some(pool) = self.pools.get_mut(name) else { return };
        for start in pool.changes() {
            let Start { target, client, options, board, orders, ended, before } = start;
            let scrape_loop = ScrapeLoop {
                target,
                client,
                options,
                outlet: self.outlet.clone(),
                metadata: self.metadata.clone(),
                large_pages: self.large_pages.clone(),
                board,
                totals: pool.totals(),
            };
            self.loops.spawn(async move {
                if let Some(before) = before {
                    // However the one before ended, it scrapes no more.
                    let _ = before.await;
                }
                scrape_loop.run(orders).await;
                drop(ended);
            });
        }
        self.view.lock().pools.insert(name.to_owned(), pool.view());
    }
}

/// Hands each change of a discoverer's list to the conductor.
async fn forward(
    mut found: watch::Receiver<Discovered>,
    pool: String,
    source: u64,
    events: mpsc::UnboundedSender<Event>,
) {
    while found.changed().await.is_ok() {
        let discovered = found.borrow_and_update().clone();
        let event = Event::Discovered { pool: pool.clone(), source, discovered };
        if events.send(event).is_err() {
            return;
        }
    }
}

//! One scrape pool: a job's discoverers, its targets' loops, and what has to change when either
//! does.
//!
//! Owns which target is scraped by which loop. Starts nothing itself: it answers what is to be
//! started, and the corridor's `mod.rs` does it.
//!
//! Invariant: a target's loop is replaced only when its key differs, that is when anything it
//! depends on does, and the new loop waits for the old one to end.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;

use runnel_config::settings::{DnsSd, ExternalLabelsClash, FileSd, Global, HttpSd, ScrapeJob};
use tokio::sync::{oneshot, watch};

use super::discover::{self, Discovered};
use super::scrape_loop::Order;
use super::series::{ClashPolicy, LabelLimits, SeriesOptions};
use super::status::{
    Board, DROPPED_SHOWN_MAX, DroppedTarget, JobStatus, JobTotals, ScrapeStatus, TargetStatus,
};
use super::target::{Pool, Target, TargetBuilder};
use crate::http::{Client, Context};
use crate::labels::Labels;
use crate::relabel::Rules;

/// A loop that is to be started.
pub struct Start {
    /// The target.
    pub target: Arc<Target>,
    /// The job's client.
    pub client: Arc<Client>,
    /// What its series are like.
    pub options: SeriesOptions,
    /// What the loop writes about itself.
    pub board: Board<ScrapeStatus>,
    /// What the loop is told.
    pub orders: watch::Receiver<Order>,
    /// Dropped by the loop when it has ended.
    pub ended: oneshot::Sender<()>,
    /// Ends when the loop before it has.
    pub before: Option<oneshot::Receiver<()>>,
}

/// A discoverer that is to be started.
pub struct Discover {
    /// Its number in the pool.
    pub source: u64,
    /// Its whole life.
    pub reader: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// What it finds.
    pub found: watch::Receiver<Discovered>,
    /// Ends when it is to stop.
    pub stop: oneshot::Receiver<()>,
}

/// A target that is being scraped.
#[derive(Debug)]
struct Seat {
    target: Arc<Target>,
    board: Board<ScrapeStatus>,
    orders: watch::Sender<Order>,
    ended: oneshot::Receiver<()>,
}

impl Seat {
    fn leave(self, why: Order) -> oneshot::Receiver<()> {
        self.orders.send_replace(why);
        self.ended
    }
}

/// Where targets come from.
#[derive(Clone, Debug, PartialEq)]
enum SourceConfig {
    Dns(DnsSd),
    File(FileSd),
    Http(Box<HttpSd>),
}

#[derive(Debug)]
struct Source {
    id: u64,
    config: SourceConfig,
    found: Discovered,
    /// Dropped to stop the discoverer.
    _running: oneshot::Sender<()>,
}

/// What the job says, ready for use.
#[derive(Debug)]
struct Prepared {
    global: Global,
    exemplars: bool,
    client: Arc<Client>,
    builder: TargetBuilder,
    metric_relabel: Option<Arc<Rules>>,
}

/// One job.
#[derive(Debug, Default)]
pub struct ScrapePool {
    prepared: Option<Prepared>,
    /// The job can't run as it is.
    problem: Option<String>,
    sources: Vec<Source>,
    sources_made: u64,
    seats: BTreeMap<u64, Seat>,
    /// Addresses that are no target.
    dropped: Vec<DroppedTarget>,
    dropped_count: u64,
    totals: Board<JobTotals>,
}

impl ScrapePool {
    /// Follows a job. Answers the discoverers to start; `None` when nothing differs.
    pub fn plan(
        &mut self,
        job: &ScrapeJob,
        global: &Global,
        exemplars: bool,
        context: &Context,
    ) -> Option<Vec<Discover>> {
        if let Some(now) = &self.prepared
            && **now.builder.job() == *job
            && now.global == *global
            && now.exemplars == exemplars
        {
            return None;
        }
        match prepare(job, global, exemplars, context) {
            Ok(prepared) => {
                self.prepared = Some(prepared);
                self.problem = None;
                Some(self.plan_sources(job, context))
            }
            Err(problem) => {
                self.problem = Some(problem);
                Some(Vec::new())
            }
        }
    }

    /// Keeps the discoverers that the job still wants.
    fn plan_sources(&mut self, job: &ScrapeJob, context: &Context) -> Vec<Discover> {
        let mut old = std::mem::take(&mut self.sources);
        let mut start = Vec::new();
        for config in source_configs(job) {
            if let Some(at) = old.iter().position(|source| source.config == config) {
                self.sources.push(old.swap_remove(at));
                continue;
            }
            self.sources_made += 1;
            let (out, found) = watch::channel(Discovered::default());
            let (running, stop) = oneshot::channel();
            match config.clone().reader(out, context) {
                Ok(reader) => {
                    start.push(Discover { source: self.sources_made, reader, found, stop });
                    self.sources.push(Source {
                        id: self.sources_made,
                        config,
                        found: Discovered::default(),
                        _running: running,
                    });
                }
                Err(problem) => self.problem = Some(problem),
            }
        }
        start
    }

    /// A discoverer has found something; false when it is no longer wanted.
    pub fn discovered(&mut self, source: u64, found: Discovered) -> bool {
        match self.sources.iter_mut().find(|known| known.id == source) {
            Some(known) => {
                known.found = found;
                true
            }
            None => false,
        }
    }

    /// Stops the loops of targets that are gone or differ, and answers the loops to start.
    pub fn changes(&mut self) -> Vec<Start> {
        let Some(prepared) = &self.prepared else { return Vec::new() };
        let mut groups = discover::static_::groups(&prepared.builder.job().static_configs);
        groups.extend(self.sources.iter().flat_map(|source| source.found.groups.iter().cloned()));
        let pool = prepared.builder.pool(&groups);
        self.dropped_count = (pool.relabeled_away + pool.duplicates + pool.mistakes) as u64;
        self.dropped = dropped(&pool);

        let mut old = std::mem::take(&mut self.seats);
        let mut wanted = Vec::new();
        let order = pool.over_limit.map_or(Order::Scrape, Order::Fail);
        for target in pool.targets {
            match old.remove(&target.key) {
                Some(seat) => {
                    seat.orders.send_if_modified(|now| std::mem::replace(now, order) != order);
                    self.seats.insert(target.key, Seat { target, ..seat });
                }
                None => wanted.push(target),
            }
        }
        let mut heirs = heirs(old, &wanted);
        let mut start = Vec::new();
        for target in wanted {
            let before = heirs.remove(&target.labels);
            let (seat, change) = take_seat(prepared, target, order, before);
            self.seats.insert(seat.target.key, seat);
            start.push(change);
        }
        start
    }

    /// Stops everything.
    pub fn stop(self, why: Order) {
        for seat in self.seats.into_values() {
            seat.leave(why);
        }
    }

    /// Totals of the job, written by its loops.
    pub fn totals(&self) -> Board<JobTotals> {
        self.totals.clone()
    }

    /// What reads this pool.
    pub fn view(&self) -> PoolView {
        let errors = self.sources.iter().flat_map(|source| &source.found.errors);
        let errors = errors.map(|error| format!("{}: {}", error.source, error.text));
        PoolView {
            targets: self.seats.values().map(|s| (s.target.clone(), s.board.clone())).collect(),
            discovery_errors: self.problem.iter().cloned().chain(errors).collect(),
            dropped: self.dropped.clone(),
            dropped_count: self.dropped_count,
            discovered: self.sources.iter().all(|source| source.found.attempted),
            totals: self.totals.clone(),
        }
    }
}

/// A pool as readers see it; what its loops write shows at once.
#[derive(Debug)]
pub struct PoolView {
    targets: Vec<(Arc<Target>, Board<ScrapeStatus>)>,
    discovery_errors: Vec<String>,
    dropped: Vec<DroppedTarget>,
    dropped_count: u64,
    /// Every discoverer has answered once.
    pub discovered: bool,
    totals: Board<JobTotals>,
}

impl PoolView {
    /// Its targets as they stand.
    pub fn targets(&self) -> impl Iterator<Item = TargetStatus> + '_ {
        self.targets.iter().map(|(target, board)| TargetStatus {
            pool: target.job.job_name.clone(),
            url: target.url.clone(),
            discovered: target.discovered.clone(),
            labels: target.labels.clone(),
            interval: target.interval.duration(),
            timeout: target.timeout.duration(),
            scrape: board.read(),
        })
    }

    /// The job as it stands.
    pub fn job(&self, name: &str) -> JobStatus {
        JobStatus {
            name: name.to_owned(),
            totals: self.totals.read(),
            discovery_errors: self.discovery_errors.clone(),
            dropped: self.dropped.clone(),
            dropped_count: self.dropped_count,
        }
    }
}

impl SourceConfig {
    fn reader(
        self,
        out: watch::Sender<Discovered>,
        context: &Context,
    ) -> Result<Pin<Box<dyn Future<Output = ()> + Send>>, String> {
        Ok(match self {
            Self::Dns(settings) => {
                let resolver = discover::dns::System::new()?;
                Box::pin(discover::dns::run(settings, resolver, out))
            }
            Self::File(settings) => Box::pin(discover::file::run(settings, out)),
            Self::Http(settings) => {
                let client = Client::new(&settings.http, context).map_err(|e| e.to_string())?;
                Box::pin(discover::http::run(*settings, Arc::new(client), out))
            }
        })
    }
}

fn source_configs(job: &ScrapeJob) -> Vec<SourceConfig> {
    let dns = job.dns_sd_configs.iter().cloned().map(SourceConfig::Dns);
    let file = job.file_sd_configs.iter().cloned().map(SourceConfig::File);
    let http = job.http_sd_configs.iter().cloned().map(|sd| SourceConfig::Http(Box::new(sd)));
    dns.chain(file).chain(http).collect()
}

fn prepare(
    job: &ScrapeJob,
    global: &Global,
    exemplars: bool,
    context: &Context,
) -> Result<Prepared, String> {
    // The global rules come first. Source: vmagent.
    let rules = [global.metric_relabel_configs.as_slice(), &job.metric_relabel_configs].concat();
    let rules = Rules::compile(&rules).map_err(|error| error.to_string())?;
    let builder = TargetBuilder::new(Arc::new(job.clone()), global);
    Ok(Prepared {
        global: global.clone(),
        exemplars,
        client: Arc::new(Client::new(&job.http, context).map_err(|error| error.to_string())?),
        builder: builder.map_err(|error| error.to_string())?,
        metric_relabel: (!rules.is_empty()).then(|| Arc::new(rules)),
    })
}

/// What is shown of the addresses that are no target.
fn dropped(pool: &Pool) -> Vec<DroppedTarget> {
    let shown = pool.dropped.iter().take(DROPPED_SHOWN_MAX);
    shown
        .map(|dropped| DroppedTarget {
            discovered: dropped.discovered.clone(),
            reason: dropped.reason.to_string(),
        })
        .collect()
}

/// Stops the loops of targets that are gone. One whose labels live on under another URL is
/// replaced: its series go on, so they get no stale markers.
fn heirs(
    gone: BTreeMap<u64, Seat>,
    wanted: &[Arc<Target>],
) -> HashMap<Labels, oneshot::Receiver<()>> {
    let mut heirs = HashMap::new();
    for seat in gone.into_values() {
        if wanted.iter().any(|target| target.labels == seat.target.labels) {
            heirs.insert(seat.target.labels.clone(), seat.leave(Order::EndReplaced));
        } else {
            seat.leave(Order::EndGone);
        }
    }
    heirs
}

fn take_seat(
    prepared: &Prepared,
    target: Arc<Target>,
    order: Order,
    before: Option<oneshot::Receiver<()>>,
) -> (Seat, Start) {
    let (orders, orders_in) = watch::channel(order);
    let (ended, has_ended) = oneshot::channel();
    let board = Board::<ScrapeStatus>::default();
    let options = series_options(prepared, &target);
    let client = prepared.client.clone();
    let seat = Seat { target: target.clone(), board: board.clone(), orders, ended: has_ended };
    (seat, Start { target, client, options, board, orders: orders_in, ended, before })
}

fn series_options(prepared: &Prepared, target: &Target) -> SeriesOptions {
    let (job, limits) = (&target.job, target.limits);
    SeriesOptions {
        external_labels: prepared.global.external_labels.iter().map(|(n, v)| (n, v)).collect(),
        external_clash: match prepared.global.external_labels_clash {
            ExternalLabelsClash::External => ClashPolicy::External,
            ExternalLabelsClash::Series => ClashPolicy::Series,
        },
        honor_labels: job.honor_labels,
        honor_timestamps: job.honor_timestamps,
        track_timestamps_staleness: job.track_timestamps_staleness,
        no_stale_markers: job.no_stale_markers,
        bad_lines: job.bad_lines,
        relabel: prepared.metric_relabel.clone().map(|rules| rules as _),
        label_limits: LabelLimits {
            count_max: limits.label_limit,
            name_bytes_max: limits.label_name_length_limit,
            value_bytes_max: limits.label_value_length_limit,
        },
        sample_limit: limits.sample_limit,
        series_limit: limits.series_limit,
        body_bytes_max: limits.body_bytes_max.0,
        exemplars: prepared.exemplars,
        ..SeriesOptions::new(target.labels.clone())
    }
}

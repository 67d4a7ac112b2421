//! One target's loop: wait, fetch, hand the page to the series, report.
//!
//! Owns the order of these steps and the target's clock. Never knows how any of them works, nor
//! which other targets exist.
//!
//! One task per target on the network runtime, spawned by the corridor's `mod.rs`. A page is
//! processed on the worker that fetched it (0.4 ms per 1,000 samples); a large one leaves the
//! worker to others and waits for other large ones, so that memory is bounded by one of them.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Mutex, watch};

use crate::http::{Client, Url};
use crate::metrics::exposition::Format;
use crate::metrics::scrape::{
    ContentType, Encoding, FetchOptions, Fetched, Fetcher, next_scrape, sample_timestamp,
};
use crate::metrics::series::{
    Batch, Body, MetadataSeen, PageCounts, PageFault, PageTimes, ScrapeReport, Scratch,
    SeriesOptions, Sink, TargetSeries,
};
use crate::metrics::status::{Board, Health, JobTotals, ScrapeStatus};
use crate::metrics::target::{OverLimit, Target};
use crate::metrics::{DropReason, Outlet};

/// Bodies at least this large are processed one at a time. A gzipped page of 256 KiB has about
/// 20,000 samples and takes 10 ms.
const LARGE_BODY_BYTES: usize = 256 << 10;

/// Characters of an error that are kept: the status page shows it, and an endpoint may answer a
/// whole web page.
const ERROR_CHARS_MAX: usize = 500;

thread_local! {
    /// Buffers that all targets on a worker share.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Held while a large page is processed.
pub type LargePages = Mutex<()>;

/// What a loop is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The target is gone: send stale markers and end.
    EndGone,
    /// Another loop goes on with the same series: end.
    EndReplaced,
    /// The agent stops; another process goes on: end.
    EndShutdown,
    /// The job has too many targets: report a failed scrape each time.
    Fail(OverLimit),
    /// Scrape.
    Scrape,
}

impl Order {
    fn goes_on(self) -> bool {
        matches!(self, Self::Fail(_) | Self::Scrape)
    }
}

/// One target's loop, before it runs.
pub struct ScrapeLoop {
    /// The target.
    pub target: Arc<Target>,
    /// Its job's HTTP client.
    pub client: Arc<Client>,
    /// What its series are like.
    pub options: SeriesOptions,
    /// Where samples go.
    pub outlet: Arc<dyn Outlet>,
    /// Which families were sent when.
    pub metadata: Arc<MetadataSeen>,
    /// Shared by all loops.
    pub large_pages: Arc<LargePages>,
    /// What the status page shows.
    pub board: Board<ScrapeStatus>,
    /// Totals of the job.
    pub totals: Board<JobTotals>,
}

/// What changes from scrape to scrape.
struct Progress {
    series: TargetSeries,
    /// Timestamp of the last samples.
    stamped_ms: Option<i64>,
}

impl ScrapeLoop {
    /// Scrapes until it is told to end.
    pub async fn run(self, mut orders: watch::Receiver<Order>) {
        let ended = match Url::parse(&self.target.url) {
            Ok(url) => self.scrape_until_told(url, &mut orders).await,
            Err(error) => {
                // Invariant: the target room made this URL, so this is not seen in practice.
                let problem = format!("use URL {:?}: {error}", self.target.url);
                self.board.write(|status| status.error = problem);
                return;
            }
        };
        if let (Order::EndGone, mut progress) = ended {
            let mut sink = ToOutlet(&*self.outlet);
            with_scratch(|scratch| progress.series.gone(now_ms(), scratch, &mut sink));
        }
    }

    async fn scrape_until_told(
        &self,
        url: Url,
        orders: &mut watch::Receiver<Order>,
    ) -> (Order, Progress) {
        let options = fetch_options(&self.target, url);
        let mut fetcher = Fetcher::new(self.client.clone(), &options, Arc::default());
        let series = TargetSeries::new(self.options.clone());
        let mut progress = Progress { series, stamped_ms: None };
        loop {
            let order = *orders.borrow_and_update();
            if !order.goes_on() {
                return (order, progress);
            }
            tokio::select! {
                () = self.scrape_when_due(order, &mut fetcher, &mut progress) => {}
                // Without a sender nobody is left to scrape for.
                changed = orders.changed() => if changed.is_err() {
                    return (Order::EndShutdown, progress);
                }
            }
        }
    }

    async fn scrape_when_due(&self, order: Order, fetcher: &mut Fetcher, progress: &mut Progress) {
        let target = &self.target;
        let (align, offset) = (target.job.scrape_align_interval, target.job.scrape_offset);
        let due = next_scrape(target.phase, target.interval, align, offset, now_ms());
        tokio::time::sleep(until(due)).await;
        let began_ms = now_ms();
        let fetched = match order {
            Order::Fail(limit) => {
                Err(format!("the job has {} targets, target_limit is {}", limit.found, limit.limit))
            }
            _ => fetcher.fetch().await.map_err(|error| error.to_string()),
        };
        let large = fetched.as_ref().is_ok_and(|page| page.body.len() >= LARGE_BODY_BYTES);
        let _one_at_a_time = if large { Some(self.large_pages.lock().await) } else { None };
        // Nothing is awaited from here on: an order finds a page processed or not begun.
        let process = || self.process(fetched, began_ms, progress);
        if large { tokio::task::block_in_place(process) } else { process() }
    }

    fn process(&self, fetched: Result<Fetched, String>, began_ms: i64, progress: &mut Progress) {
        let stamp = sample_timestamp(progress.stamped_ms, self.target.interval, began_ms);
        progress.stamped_ms = Some(stamp);
        let (outcome, duration) = match fetched {
            Ok(fetched) => self.page(&fetched, stamp, progress),
            Err(error) => {
                let spent = Duration::from_millis((now_ms() - began_ms).unsigned_abs());
                (Outcome::failed(error), spent)
            }
        };
        self.report(outcome, duration, (began_ms, stamp), progress);
    }

    fn page(&self, fetched: &Fetched, stamp: i64, progress: &mut Progress) -> (Outcome, Duration) {
        let body = match fetched.encoding {
            Encoding::Gzip => Body::Gzip(fetched.body.clone()),
            Encoding::Plain => Body::Plain(fetched.body.clone()),
        };
        let format = match fetched.content_type {
            ContentType::OpenMetrics => Format::OpenMetrics,
            ContentType::Text => Format::Text,
        };
        let times = PageTimes { scrape_ms: stamp, real_ms: now_ms() };
        let mut sink = ToOutlet(&*self.outlet);
        let result = with_scratch(|scratch| {
            progress.series.page(&body, format, times, scratch, &self.metadata, &mut sink)
        });
        let body_bytes = fetched.body.len() as u64;
        let outcome = match result {
            Ok(counts) => Outcome { error: String::new(), counts, body_bytes, fault: None },
            Err(error) => Outcome {
                error: error.to_string(),
                fault: Some(error.fault),
                counts: *error.counts,
                body_bytes,
            },
        };
        (outcome, fetched.duration)
    }

    /// Stale markers of a scrape that failed, the automatic metrics, the status.
    fn report(
        &self,
        outcome: Outcome,
        duration: Duration,
        (began_ms, stamp): (i64, i64),
        progress: &mut Progress,
    ) {
        let up = outcome.error.is_empty();
        let mut sink = ToOutlet(&*self.outlet);
        outcome.count_dropped(&*self.outlet);
        let report = ScrapeReport {
            up,
            duration_s: duration.as_secs_f64(),
            timeout_s: self.target.timeout.duration().as_secs_f64(),
            counts: outcome.counts.clone(),
        };
        with_scratch(|scratch| {
            if !up {
                let times = PageTimes { scrape_ms: stamp, real_ms: now_ms() };
                progress.series.failed(times, scratch, &mut sink);
            }
            progress.series.report(&report, stamp, scratch, &mut sink);
        });
        self.totals.write(|totals| {
            totals.samples += outcome.counts.samples_scraped;
            totals.bad_lines += outcome.counts.bad_lines;
            *(if up { &mut totals.scrapes_ok } else { &mut totals.scrapes_failed }) += 1;
        });
        self.board.write(|status| *status = outcome.status(up, began_ms, duration));
    }
}

/// What came of a scrape.
struct Outcome {
    /// Why it failed; empty when it did not.
    error: String,
    fault: Option<PageFault>,
    counts: PageCounts,
    body_bytes: u64,
}

impl Outcome {
    fn failed(error: String) -> Self {
        Self { error, fault: None, counts: PageCounts::default(), body_bytes: 0 }
    }

    /// Tells the outlet what of the page goes nowhere, so that every sample on it is accounted for.
    fn count_dropped(&self, outlet: &dyn Outlet) {
        let counts = &self.counts;
        let dropped = |reason, samples| {
            if samples > 0 {
                outlet.dropped(reason, samples);
            }
        };
        match &self.fault {
            None => {
                dropped(DropReason::Duplicate, counts.duplicates);
                dropped(DropReason::MetricRelabel, counts.relabel_dropped);
                dropped(DropReason::SeriesLimit, counts.series_limit_dropped);
            }
            Some(PageFault::SampleLimit(_)) => {
                dropped(DropReason::SampleLimit, counts.samples_scraped);
            }
            Some(_) => dropped(DropReason::PageFailed, counts.samples_scraped),
        }
    }

    fn status(self, up: bool, began_ms: i64, duration: Duration) -> ScrapeStatus {
        let bad_line = self.counts.first_bad.as_ref().map(ToString::to_string);
        ScrapeStatus {
            health: if up { Health::Up } else { Health::Down },
            error: self.error.chars().take(ERROR_CHARS_MAX).collect(),
            scraped_at_ms: Some(began_ms),
            duration,
            body_bytes: self.body_bytes,
            samples_scraped: self.counts.samples_scraped,
            samples_kept: self.counts.samples_written,
            bad_lines: self.counts.bad_lines,
            bad_line,
        }
    }
}

/// An outlet as the series room sees it.
struct ToOutlet<'a>(&'a dyn Outlet);

impl Sink for ToOutlet<'_> {
    fn samples(&mut self, batch: &Batch<'_>) {
        self.0.samples(batch);
    }

    fn metadata(&mut self, bytes: &[u8], _families: u64) {
        self.0.metadata(bytes);
    }
}

fn fetch_options(target: &Target, url: Url) -> FetchOptions {
    FetchOptions {
        url,
        compression: target.job.compression,
        keep_alive: target.job.keep_alive,
        timeout: target.timeout.duration(),
        body_bytes_max: target.limits.body_bytes_max,
    }
}

fn with_scratch<R>(act: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with_borrow_mut(act)
}

/// Milliseconds since the epoch.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The span until a time of the wall clock.
fn until(at_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(at_ms - now_ms()).unwrap_or(0))
}

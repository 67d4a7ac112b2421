//! From a discovered address to a target, or to the reason why there is none.
//!
//! Owns which labels relabeling starts from, the URL, the defaults and overrides of one target,
//! its identity, and which targets of a job are one and the same. Never knows where a group was
//! found, nor how or when a target is scraped. Pure: no clock, socket or file.
//! Invariants: the same job, group and address give the same target with the same key; what is
//! not a target always says why; two targets of a pool differ in URL or labels.
//! Called by the corridor whenever a reader of `discover` publishes a list or the configuration
//! changes.
//! Source: vmagent's `promscrape/config.go`.

mod overrides;
mod pool;
#[cfg(test)]
mod tests;
mod url;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use runnel_config::settings::{Global, RelabelRule, ScrapeJob, ScrapeLimits};
use runnel_config::units::Millis;
use twox_hash::XxHash64;

use crate::labels::Labels;
use crate::metrics::discover::Group;
use crate::relabel::{RelabelError, Rules, Verdict};
use overrides::Overrides;

pub use pool::{DROPPED_KEPT_MAX, Diff, OverLimit, Pool, diff};

/// One page to scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Identity: URL, labels and every option that changes how it is scraped or what its series
    /// become. Equal keys need no restart.
    pub key: u64,
    /// Hash of URL and labels alone, the same on every node, after every restart and under any
    /// options: what the scrape phase is derived from.
    pub phase: u64,
    /// The job it belongs to.
    pub job: Arc<ScrapeJob>,
    /// The page, parameters included.
    pub url: String,
    /// Labels of all its series.
    pub labels: Labels,
    /// Labels before relabeling, for the status page.
    pub discovered: Labels,
    /// Time between two scrapes.
    pub interval: Millis,
    /// Time one scrape may take, at most the interval.
    pub timeout: Millis,
    /// Limits of one scrape.
    pub limits: ScrapeLimits,
}

/// A discovered address that is no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Why.
    pub reason: DropReason,
    /// Labels before relabeling.
    pub discovered: Labels,
}

/// Why a discovered address is no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// There is no address.
    Address,
    /// Another address of the job became the same target.
    Duplicate,
    /// A label that overrides a setting does not parse.
    Label {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A relabel rule dropped it: the one case that is no mistake.
    Relabel {
        /// Index of the rule among the global ones and then the job's, from 0.
        rule: usize,
        /// Where the rule stands, `file:line`.
        place: String,
    },
    /// The URL is none.
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Makes the targets of one job.
#[derive(Clone, Debug)]
pub struct TargetBuilder {
    job: Arc<ScrapeJob>,
    rules: Rules,
    /// Hash of every option that a scrape depends on.
    options: u64,
    interval_text: String,
    timeout_text: String,
}

impl TargetBuilder {
    /// Compiles a job's rules. The global ones come first, as in vmagent.
    ///
    /// # Errors
    /// A rule that does not compile.
    pub fn new(job: Arc<ScrapeJob>, global: &Global) -> Result<Self, RelabelError> {
        let rules: Vec<RelabelRule> =
            global.relabel_configs.iter().chain(&job.relabel_configs).cloned().collect();
        Ok(Self {
            rules: Rules::compile(&rules)?,
            options: options(&job, global),
            interval_text: overrides::go_duration(job.scrape_interval),
            timeout_text: overrides::go_duration(job.scrape_timeout),
            job,
        })
    }

    /// The job whose targets are made.
    pub fn job(&self) -> &Arc<ScrapeJob> {
        &self.job
    }

    /// Makes one target.
    ///
    /// # Errors
    /// Why there is none.
    pub fn build(&self, group: &Group, address: &str) -> Result<Target, Box<Dropped>> {
        let discovered = self.discovered(group, address);
        self.relabel(&discovered)
            .map_err(|reason| Box::new(Dropped { reason, discovered: discovered.clone() }))
            .map(|target| Target { discovered, ..target })
    }

    /// What relabeling starts from: the job's settings, then what was discovered, which wins.
    fn discovered(&self, group: &Group, address: &str) -> Labels {
        let mut labels = Labels::new();
        labels.set("job", &self.job.job_name);
        labels.set("__address__", address);
        labels.set("__scheme__", &self.job.scheme);
        labels.set("__metrics_path__", &self.job.metrics_path);
        labels.set("__scrape_interval__", &self.interval_text);
        labels.set("__scrape_timeout__", &self.timeout_text);
        for (name, values) in &self.job.params {
            labels.set(&format!("__param_{name}"), values.first().map_or("", String::as_str));
        }
        for label in &group.labels {
            labels.set(&label.name, &label.value);
        }
        labels
    }

    fn relabel(&self, discovered: &Labels) -> Result<Target, DropReason> {
        let mut labels = discovered.clone();
        if let Verdict::Drop { rule } = self.rules.apply(&mut labels) {
            let place = self.rules.place(rule).to_owned();
            return Err(DropReason::Relabel { rule, place });
        }
        labels.retain(|label| !label.name.starts_with("__meta_"));
        let page = url::page(&labels, &self.job.params)?;
        let set = Overrides::read(&labels, self)?;
        labels.retain(|label| !label.name.starts_with("__"));
        if !labels.contains("instance") {
            labels.set("instance", &page.address);
        }
        let phase = identity(&page.url, &labels);
        let mut key = XxHash64::with_seed(phase);
        (self.options, set.interval, set.timeout, set.limits).hash(&mut key);
        Ok(Target {
            key: key.finish(),
            phase,
            job: self.job.clone(),
            url: page.url,
            labels,
            discovered: Labels::new(),
            interval: set.interval,
            timeout: set.timeout,
            limits: set.limits,
        })
    }
}

impl DropReason {
    /// Whether it is a mistake to be shown as an error, and not what a rule asked for.
    pub fn is_error(&self) -> bool {
        !matches!(self, Self::Duplicate | Self::Relabel { .. })
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("there is no address"),
            Self::Duplicate => f.write_str("another address of the job is the same target"),
            Self::Label { name, value, expected } => {
                write!(f, "cannot read label {name}: expected {expected}, found {value:?}")
            }
            Self::Relabel { rule, place } => {
                write!(f, "dropped by relabel rule {} at {place}", rule + 1)
            }
            Self::Url { url, reason } => write!(f, "cannot read URL {url:?}: {reason}"),
        }
    }
}

/// Hash of URL and labels. The bytes hashed are fixed here, not by a library, since nodes of
/// different versions have to agree.
fn identity(url: &str, labels: &Labels) -> u64 {
    // No text in UTF-8 holds this byte, so no two different lists give the same bytes.
    const END: [u8; 1] = [0xff];
    let mut hash = XxHash64::with_seed(0);
    hash.write(url.as_bytes());
    hash.write(&END);
    for label in labels {
        hash.write(label.name.as_bytes());
        hash.write(&END);
        hash.write(label.value.as_bytes());
        hash.write(&END);
    }
    hash.finish()
}

/// Hash of what a scrape of this job depends on beside URL, labels, times and limits.
///
/// Taking the job apart makes a new setting a compile error here: it either belongs to the hash,
/// or a reload would not reach the targets that run.
fn options(job: &ScrapeJob, global: &Global) -> u64 {
    let ScrapeJob {
        job_name,
        honor_labels,
        honor_timestamps,
        track_timestamps_staleness,
        compression,
        keep_alive,
        no_stale_markers,
        scrape_align_interval,
        scrape_offset,
        bad_lines,
        http,
        metric_relabel_configs,
        // Part of the URL, of the labels, or of the target's own times and limits.
        scheme: _,
        metrics_path: _,
        params: _,
        relabel_configs: _,
        scrape_interval: _,
        scrape_timeout: _,
        limits: _,
        // Where targets come from does not change what they are.
        static_configs: _,
        file_sd_configs: _,
        http_sd_configs: _,
        dns_sd_configs: _,
        kubernetes_sd_configs: _,
    } = job;
    let mut hash = XxHash64::with_seed(0);
    (job_name, http).hash(&mut hash);
    (honor_labels, honor_timestamps, track_timestamps_staleness).hash(&mut hash);
    (compression, keep_alive, no_stale_markers).hash(&mut hash);
    (scrape_align_interval, scrape_offset).hash(&mut hash);
    std::mem::discriminant(bad_lines).hash(&mut hash);
    std::mem::discriminant(&global.external_labels_clash).hash(&mut hash);
    global.external_labels.hash(&mut hash);
    for rule in global.metric_relabel_configs.iter().chain(metric_relabel_configs) {
        // A line inserted above a rule is no change of the rule.
        RelabelRule { place: String::new(), ..rule.clone() }.hash(&mut hash);
    }
    hash.finish()
}

//! A load whose every sample can be named: series that count the scrapes of their target.

use std::collections::{BTreeMap, BTreeSet};

use crate::exporter::{Exporter, Scrape};
use crate::receiver::Receiver;
use crate::server::Reply;

/// An exporter with several targets; the k-th scrape of each shows k in all its series.
#[derive(Debug)]
pub struct Counting {
    exporter: Exporter,
    targets: usize,
    series: usize,
}

/// A page that was shown and whose samples did not arrive in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Path of the target.
    pub path: String,
    /// Number of the scrape.
    pub number: usize,
    /// When it was shown, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Series of it that did arrive.
    pub arrived: usize,
}

impl Counting {
    /// Starts the exporter.
    pub fn start(targets: usize, series: usize) -> Self {
        Self::start_with(targets, series, "")
    }

    /// The same with further lines on each page.
    pub fn start_with(targets: usize, series: usize, more: &str) -> Self {
        let more = more.to_string();
        let exporter = Exporter::start(move |scrape| {
            let mut page = String::from("# TYPE count counter\n");
            for n in 0..series {
                page.push_str(&format!("count{{n=\"{n}\"}} {}\n", scrape.number));
            }
            page.push_str(&more);
            Reply::page(page)
        });
        Self { exporter, targets, series }
    }

    /// Entries of `scrape_configs`, one job per target.
    pub fn jobs(&self, interval: &str) -> String {
        let address = self.exporter.address();
        (0..self.targets)
            .map(|n| {
                format!(
                    "  - {{job_name: t{n}, metrics_path: /t{n}, scrape_interval: {interval}, \
                     scrape_timeout: {interval}, static_configs: [{{targets: [\"{address}\"]}}]}}\n"
                )
            })
            .collect()
    }

    /// Pages shown so far, over all targets.
    pub fn shown(&self) -> usize {
        self.exporter.total()
    }

    /// All scrapes so far.
    pub fn scrapes(&self) -> Vec<Scrape> {
        self.exporter.scrapes()
    }

    /// The scrapes of `shown` of which a series did not arrive at `receiver`.
    pub fn missing(&self, shown: &[Scrape], receiver: &Receiver) -> Vec<Missing> {
        let mut arrived = BTreeMap::<(String, u64), BTreeSet<String>>::new();
        for (labels, sample) in receiver.samples_of("count") {
            if sample.value.is_nan() {
                continue;
            }
            let path = format!("/{}", labels.get("job").map_or("", String::as_str));
            let series = labels.get("n").cloned().unwrap_or_default();
            arrived.entry((path, sample.value as u64)).or_default().insert(series);
        }
        shown
            .iter()
            .filter_map(|scrape| {
                let key = (scrape.path.clone(), scrape.number as u64);
                let arrived = arrived.get(&key).map_or(0, BTreeSet::len);
                (arrived < self.series).then(|| Missing {
                    path: scrape.path.clone(),
                    number: scrape.number,
                    at_ms: scrape.at_ms,
                    arrived,
                })
            })
            .collect()
    }
}

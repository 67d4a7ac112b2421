//! What the metric benches share: targets, gzip, sinks, and the report against the speed of light.

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use libdeflater::{CompressionLvl, Compressor};
use runnel_collector::block::{BlockBuilder, Items};
use runnel_collector::labels::Labels;
use runnel_collector::metrics::exposition::Format;
use runnel_collector::metrics::series::{
    Batch, Body, MetadataSeen, PageTimes, Scratch, SeriesOptions, Sink, TargetSeries,
};

use crate::pages::Pages;

/// Samples on a page of the benches.
pub const SERIES: usize = 1_000;

/// Criterion with few samples: the steps are long and steady, and the machine is shared.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(2))
        .configure_from_args()
}

/// Says what the design allows for a step, beside which the figures stand.
pub fn speed_of_light(step: &str, ns_per_sample: f64) {
    eprintln!("speed of light: {step}: {ns_per_sample} ns/sample");
}

/// Samples as criterion's unit: the figures read as elements per second.
pub fn per_sample(samples: usize) -> Throughput {
    Throughput::Elements(samples as u64)
}

/// Compresses as an exporter does.
pub fn gzip(page: &[u8]) -> Bytes {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut out = vec![0; compressor.gzip_compress_bound(page.len())];
    let len = compressor.gzip_compress(page, &mut out).expect("the bound is enough");
    out.truncate(len);
    out.into()
}

/// The options of a usual target.
pub fn options(target: u64) -> SeriesOptions {
    let instance = format!("10.42.7.{target}:9100");
    let labels: Labels = [
        ("cluster", "leaf-07"),
        ("endpoint", "metrics"),
        ("instance", &instance),
        ("job", "integrations/exporter"),
        ("node", "worker-3"),
        ("prometheus", "monitoring/agent"),
        ("service", "exporter"),
    ]
    .into_iter()
    .collect();
    SeriesOptions::new(labels)
}

/// A target with its pages, ready to be scraped again and again.
pub struct Bench {
    /// The target.
    pub target: TargetSeries,
    /// A worker's memory.
    pub scratch: Scratch,
    seen: MetadataSeen,
    bodies: Vec<Body>,
    turn: usize,
}

impl Bench {
    /// A target whose bodies alternate between a few scrapes.
    pub fn new(options: SeriesOptions, number: u64, compressed: bool) -> Self {
        let pages = Pages { target: number, series: SERIES };
        let body = |scrape| {
            let page = pages.page(scrape);
            if compressed { Body::Gzip(gzip(page.as_bytes())) } else { Body::Plain(page.into()) }
        };
        Self {
            target: TargetSeries::new(options),
            scratch: Scratch::default(),
            seen: MetadataSeen::new(),
            bodies: (0..4).map(body).collect(),
            turn: 0,
        }
    }

    /// Scrapes the next body.
    pub fn scrape(&mut self, sink: &mut dyn Sink) {
        self.turn += 1;
        let at_ms = 1_760_000_000_000 + 5_000 * self.turn as i64;
        let times = PageTimes { scrape_ms: at_ms, real_ms: at_ms };
        let body = &self.bodies[self.turn % self.bodies.len()];
        let (scratch, seen) = (&mut self.scratch, &self.seen);
        let page = self.target.page(body, Format::Text, times, scratch, seen, sink);
        assert_eq!(page.expect("the pages are good").samples_written as usize, SERIES);
    }
}

/// Keeps nothing but the number of bytes.
#[derive(Debug, Default)]
pub struct Count {
    /// Bytes of samples seen.
    pub bytes: usize,
}

impl Sink for Count {
    fn samples(&mut self, batch: &Batch<'_>) {
        self.bytes += batch.bytes.len();
    }

    fn metadata(&mut self, _: &[u8], _: u64) {}
}

/// Appends everything to blocks, as the corridor does.
pub struct Blocks {
    /// The builder.
    pub builder: BlockBuilder,
    /// Bytes of sealed bodies.
    pub sealed_bytes: usize,
    /// Samples in sealed blocks.
    pub sealed_samples: u64,
}

impl Blocks {
    /// Appends to a new builder.
    pub fn new(builder: BlockBuilder) -> Self {
        Self { builder, sealed_bytes: 0, sealed_samples: 0 }
    }

    /// Seals what is there.
    pub fn seal(&mut self) {
        if let Some(block) = self.builder.seal() {
            self.sealed_bytes += block.body.len();
            self.sealed_samples += block.items;
        }
    }
}

impl Sink for Blocks {
    fn samples(&mut self, batch: &Batch<'_>) {
        let items = Items {
            count: batch.samples,
            time_min_ms: batch.time_min_ms,
            time_max_ms: batch.time_max_ms,
        };
        self.builder.append(batch.bytes, items);
        if self.builder.is_full() {
            self.seal();
        }
    }

    fn metadata(&mut self, bytes: &[u8], _: u64) {
        self.builder.append(bytes, Items { count: 0, time_min_ms: 0, time_max_ms: 0 });
    }
}

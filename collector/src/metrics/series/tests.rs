mod accounting;
mod bodies;
mod identity;
mod labels;
mod staleness;

use std::io::Write;
use std::sync::Arc;

use super::*;
use crate::labels::Labels;
use crate::metrics::encode::{Field, Request, STALE_NAN_BITS};

/// Keeps what it was given, as text.
#[derive(Default)]
struct Taken {
    samples: Vec<String>,
    counted: u64,
    metadata: Vec<String>,
}

impl Sink for Taken {
    fn samples(&mut self, batch: &Batch<'_>) {
        assert!(batch.samples > 0 && batch.time_min_ms <= batch.time_max_ms);
        self.counted += batch.samples;
        for field in Request::new(batch.bytes) {
            let Ok(Field::Series(series)) = field else { panic!("{field:?}") };
            let pairs: Vec<(String, String)> = series
                .labels()
                .map(|pair| {
                    let (name, value) = pair.unwrap();
                    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    (text(name), text(value))
                })
                .collect();
            assert!(pairs.is_sorted_by(|a, b| a.0 < b.0), "labels out of order: {pairs:?}");
            assert!(pairs.iter().all(|(_, value)| !value.is_empty()));
            let labels: Labels = pairs.into_iter().collect();
            let name = labels.value("__name__").to_owned();
            let mut rest = labels.clone();
            rest.remove("__name__");
            for sample in series.samples() {
                let sample = sample.unwrap();
                assert!((batch.time_min_ms..=batch.time_max_ms).contains(&sample.timestamp_ms));
                let value = if sample.value.to_bits() == STALE_NAN_BITS {
                    "stale".to_owned()
                } else {
                    sample.value.to_string()
                };
                let exemplars = series.exemplars().count();
                let exemplars =
                    if exemplars > 0 { format!(" +{exemplars}") } else { String::new() };
                self.samples.push(format!(
                    "{name}{} {value} @{}{exemplars}",
                    rest.to_string().replace(", ", ","),
                    sample.timestamp_ms
                ));
            }
        }
    }

    fn metadata(&mut self, bytes: &[u8], families: u64) {
        let before = self.metadata.len();
        for field in Request::new(bytes) {
            let Ok(Field::Metadata(metadata)) = field else { panic!("{field:?}") };
            let m = metadata.read().unwrap();
            self.metadata.push(format!("{} {:?} {:?} {:?}", m.family, m.kind, m.help, m.unit));
        }
        assert_eq!((self.metadata.len() - before) as u64, families);
    }
}

/// A target under test with all that a worker has.
struct Bench {
    target: TargetSeries,
    scratch: Scratch,
    seen: MetadataSeen,
    format: Format,
}

impl Bench {
    fn new(change: impl FnOnce(&mut SeriesOptions)) -> Self {
        let mut options = SeriesOptions::new(Labels::new());
        change(&mut options);
        Self {
            target: TargetSeries::new(options),
            scratch: Scratch::default(),
            seen: MetadataSeen::new(),
            format: Format::Text,
        }
    }

    fn body(&mut self, body: Body, at_ms: i64) -> (Result<PageCounts, PageError>, Taken) {
        let mut taken = Taken::default();
        let times = PageTimes { scrape_ms: at_ms, real_ms: at_ms + 1 };
        let result =
            self.target.page(&body, self.format, times, &mut self.scratch, &self.seen, &mut taken);
        check_account(&result, &taken);
        (result, taken)
    }

    fn page(&mut self, page: &str, at_ms: i64) -> (PageCounts, Taken) {
        let (result, taken) = self.body(plain(page), at_ms);
        (result.unwrap(), taken)
    }

    fn failed(&mut self, at_ms: i64) -> Taken {
        let mut taken = Taken::default();
        let times = PageTimes { scrape_ms: at_ms, real_ms: at_ms + 1 };
        let markers = self.target.failed(times, &mut self.scratch, &mut taken);
        assert_eq!(markers, taken.counted);
        taken
    }

    fn gone(&mut self, at_ms: i64) -> Taken {
        let mut taken = Taken::default();
        let markers = self.target.gone(at_ms, &mut self.scratch, &mut taken);
        assert_eq!(markers, taken.counted);
        taken
    }

    fn report(&mut self, report: &ScrapeReport, at_ms: i64) -> Taken {
        let mut taken = Taken::default();
        let written = self.target.report(report, at_ms, &mut self.scratch, &mut taken);
        assert_eq!(written, taken.counted);
        taken
    }
}

/// The account of samples closes, whatever happened.
fn check_account(result: &Result<PageCounts, PageError>, taken: &Taken) {
    match result {
        Ok(c) => {
            assert_eq!(
                c.samples_scraped,
                c.samples_written + c.duplicates + c.relabel_dropped + c.series_limit_dropped
            );
            assert_eq!(c.samples_written + c.stale_markers, taken.counted);
        }
        Err(_) => assert_eq!((taken.counted, taken.metadata.len()), (0, 0)),
    }
    assert_eq!(taken.samples.len() as u64, taken.counted);
}

fn plain(page: &str) -> Body {
    Body::Plain(page.to_owned().into())
}

fn gzip(page: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(page).unwrap();
    encoder.finish().unwrap()
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

fn rules(
    apply: impl Fn(&mut Labels) -> bool + Send + Sync + 'static,
) -> Option<Arc<dyn crate::metrics::seam::Relabel>> {
    Some(Arc::new(apply))
}

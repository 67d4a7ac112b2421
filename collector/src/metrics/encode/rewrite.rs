//! Rewrites a raw request for one destination: its relabel rules, its lack of exemplars.
//!
//! Owns the decoding and re-encoding around the rules. Never knows the destination.
//! Slow beside the scrape road, and only where a destination has rules of its own.

use super::{
    Field, Malformed, Request, Series, TAG_EXEMPLAR, TAG_METADATA, TAG_SERIES, put_bytes,
    put_labels,
};
use crate::labels::Labels;
use crate::metrics::seam::Relabel;

/// What rewriting did. Invariant: `kept + dropped` are the samples of the request read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Samples written.
    pub samples_kept: u64,
    /// Samples that a rule dropped.
    pub samples_dropped: u64,
}

/// Applies `rules` to each series of `raw` and appends the result to `to`.
///
/// Metadata passes through: rules speak of series.
///
/// # Errors
/// [`Malformed`] when the bytes are not a request; `to` is then as it was.
pub fn relabel_request(
    raw: &[u8],
    rules: &dyn Relabel,
    to: &mut Vec<u8>,
) -> Result<Rewritten, Malformed> {
    let start = to.len();
    let mut counts = Rewritten::default();
    let result = each_series(raw, to, |series, body| {
        let samples = series.samples().count() as u64;
        let mut labels = labels_of(series)?;
        if !rules.apply(&mut labels) || labels.is_empty() {
            counts.samples_dropped += samples;
            return Ok(false);
        }
        counts.samples_kept += samples;
        put_labels(body, &labels);
        series.fields_but(&[super::TAG_LABEL], body)?;
        Ok(true)
    });
    finish(result, to, start).map(|()| counts)
}

/// Appends `raw` without its exemplars to `to`.
///
/// # Errors
/// [`Malformed`] when the bytes are not a request; `to` is then as it was.
pub fn strip_exemplars(raw: &[u8], to: &mut Vec<u8>) -> Result<(), Malformed> {
    let start = to.len();
    let result = each_series(raw, to, |series, body| {
        series.fields_but(&[TAG_EXEMPLAR], body)?;
        Ok(true)
    });
    finish(result, to, start)
}

/// The labels of a series as a set.
pub(crate) fn labels_of(series: Series<'_>) -> Result<Labels, Malformed> {
    let mut labels = Labels::new();
    for label in series.labels() {
        let (name, value) = label?;
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| Malformed);
        labels.set(text(name)?, text(value)?);
    }
    Ok(labels)
}

fn finish(result: Result<(), Malformed>, to: &mut Vec<u8>, start: usize) -> Result<(), Malformed> {
    if result.is_err() {
        to.truncate(start);
    }
    result
}

/// Copies all fields of `raw`; `series` writes the new body of each series or says no to it.
fn each_series(
    raw: &[u8],
    to: &mut Vec<u8>,
    mut series: impl FnMut(Series<'_>, &mut Vec<u8>) -> Result<bool, Malformed>,
) -> Result<(), Malformed> {
    let mut body = Vec::new();
    for field in Request::new(raw) {
        match field? {
            Field::Metadata(metadata) => put_bytes(to, TAG_METADATA, metadata.body()),
            Field::Series(found) => {
                body.clear();
                if series(found, &mut body)? {
                    put_bytes(to, TAG_SERIES, &body);
                }
            }
        }
    }
    Ok(())
}

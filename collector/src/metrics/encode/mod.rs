//! Remote-write 1.0 protobuf, written and read by hand.
//!
//! Owns the wire format of a `WriteRequest`: the order of fields, the varints, the stale marker.
//! Never knows a URL, an authentication or a disk, nor why a series is written.
//! Invariants: a written series has its labels sorted by name, unique and not empty; a reader
//! never panics, whatever the bytes are.
//! Called by `metrics::series` (writes), the sender (split, rewrite), the receiver of the demo and
//! the tests (read), on whichever thread they run.
//!
//! A `WriteRequest` is a sequence of top-level fields, so requests concatenate and halve at any
//! field boundary without being decoded.
//!
//! Source: Prometheus remote-write specification 1.0.

mod out;
mod read;
pub mod rewrite;
pub mod split;
#[cfg(test)]
mod tests;

pub use out::{HeadSpan, Mark, Out};
pub use read::{
    Exemplar, Field, LabelPair, Malformed, MetadataRead, Request, Sample, Series, fuzz_request,
};
pub use rewrite::{Rewritten, relabel_request, strip_exemplars};
pub use split::halve;

use crate::labels::Labels;

/// The value that marks a series as ended. Source: Prometheus `value.StaleNaN`.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The one NaN that is written for any NaN of a page. Source: Prometheus `value.NormalNaN`.
pub const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// Tag of `WriteRequest.timeseries`.
pub(crate) const TAG_SERIES: u8 = 0x0a;
/// Tag of `WriteRequest.metadata`.
pub(crate) const TAG_METADATA: u8 = 0x1a;
/// Tag of `TimeSeries.labels`.
pub(crate) const TAG_LABEL: u8 = 0x0a;
/// Tag of `TimeSeries.samples`.
pub(crate) const TAG_SAMPLE: u8 = 0x12;
/// Tag of `TimeSeries.exemplars`.
pub(crate) const TAG_EXEMPLAR: u8 = 0x1a;
/// Tag of `Label.name`.
pub(crate) const TAG_NAME: u8 = 0x0a;
/// Tag of `Label.value`.
pub(crate) const TAG_VALUE: u8 = 0x12;
/// Tag of a double in field 1 (`Sample.value`).
const TAG_DOUBLE_1: u8 = 0x09;
/// Tag of a double in field 2 (`Exemplar.value`).
const TAG_DOUBLE_2: u8 = 0x11;
/// Tag of a varint in field 1 (`MetricMetadata.type`).
const TAG_VARINT_1: u8 = 0x08;
/// Tag of a varint in field 2 (`Sample.timestamp`).
const TAG_VARINT_2: u8 = 0x10;
/// Tag of a varint in field 3 (`Exemplar.timestamp`).
const TAG_VARINT_3: u8 = 0x18;
/// Tag of `MetricMetadata.metric_family_name`.
const TAG_FAMILY: u8 = 0x12;
/// Tag of `MetricMetadata.help`.
const TAG_HELP: u8 = 0x22;
/// Tag of `MetricMetadata.unit`.
const TAG_UNIT: u8 = 0x2a;

/// Type of a metric family; the numbers are the wire's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MetricType {
    /// Not stated, or `untyped`.
    #[default]
    Unknown = 0,
    /// Only rises.
    Counter = 1,
    /// Rises and falls.
    Gauge = 2,
    /// Cumulative buckets.
    Histogram = 3,
    /// Buckets that may fall.
    GaugeHistogram = 4,
    /// Quantiles.
    Summary = 5,
    /// Constant labels about a thing.
    Info = 6,
    /// One of several states.
    StateSet = 7,
}

/// What a page says of one metric family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// Family name.
    pub family: &'a str,
    /// Type.
    pub kind: MetricType,
    /// Help text, unescaped; may be empty.
    pub help: &'a str,
    /// Unit; may be empty.
    pub unit: &'a str,
}

/// Length of `n` as a varint. Units: bytes.
pub fn varint_len(n: u64) -> usize {
    // Seven bits a byte; zero takes one byte too.
    (70 - (n | 1).leading_zeros() as usize) / 7
}

/// Appends `n` as a varint.
pub fn put_varint(to: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        to.push((n as u8) | 0x80);
        n >>= 7;
    }
    to.push(n as u8);
}

/// Appends one length-delimited field.
pub(crate) fn put_bytes(to: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    to.push(tag);
    put_varint(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

/// Appends one label as a field of a series.
pub fn put_label(to: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let len = 2
        + varint_len(name.len() as u64)
        + name.len()
        + varint_len(value.len() as u64)
        + value.len();
    to.push(TAG_LABEL);
    put_varint(to, len as u64);
    put_bytes(to, TAG_NAME, name);
    put_bytes(to, TAG_VALUE, value);
}

/// Appends a label set as fields of a series.
pub fn put_labels(to: &mut Vec<u8>, labels: &Labels) {
    for label in labels {
        put_label(to, label.name.as_bytes(), label.value.as_bytes());
    }
}

/// Appends one metadata field of a request.
pub fn put_metadata(to: &mut Vec<u8>, metadata: &Metadata<'_>) {
    let mut body = Vec::with_capacity(metadata.family.len() + metadata.help.len() + 16);
    if metadata.kind != MetricType::Unknown {
        body.extend([TAG_VARINT_1, metadata.kind as u8]);
    }
    let texts =
        [(TAG_FAMILY, metadata.family), (TAG_HELP, metadata.help), (TAG_UNIT, metadata.unit)];
    for (tag, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        put_bytes(&mut body, tag, text.as_bytes());
    }
    put_bytes(to, TAG_METADATA, &body);
}

/// The bits that are sent for `value`: every NaN but the stale marker becomes the one NaN.
///
/// A page cannot spell the stale marker, so only our own markers pass through.
pub fn value_bits(value: f64) -> u64 {
    if value.is_nan() && value.to_bits() != STALE_NAN_BITS {
        NORMAL_NAN_BITS
    } else {
        value.to_bits()
    }
}

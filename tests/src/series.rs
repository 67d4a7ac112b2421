//! Series as the tests compare them.

use std::collections::BTreeMap;

/// Labels with the metric name under `__name__`.
pub type Labels = BTreeMap<String, String>;

/// Series with their samples in the order of their timestamps.
pub type Store = BTreeMap<Labels, Vec<Sample>>;

/// One sample.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Unit: milliseconds since the epoch.
    pub at_ms: i64,
    /// Value; [`is_stale`] tells a stale marker.
    pub value: f64,
}

/// The bits of a stale marker. Source: Prometheus' `model/value`.
pub const STALE: u64 = 0x7ff0_0000_0000_0002;

/// True for a stale marker, whose bits set it apart from any other NaN.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE
}

/// A value in words: `stale`, `NaN`, or the number.
pub fn value_text(value: f64) -> String {
    if is_stale(value) { "stale".into() } else { value.to_string() }
}

/// Labels from pairs.
pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// Labels as a selector: `name{a="b"}`.
pub fn labels_text(labels: &Labels) -> String {
    let name = labels.get("__name__").map_or("", String::as_str);
    let rest: Vec<String> = labels
        .iter()
        .filter(|(label, _)| *label != "__name__")
        .map(|(label, value)| format!("{label}={value:?}"))
        .collect();
    format!("{name}{{{}}}", rest.join(", "))
}

/// What two sets of named lists differ in, one line per difference; empty when they are equal.
pub fn diff<K: Ord, V>(
    expected: &BTreeMap<K, V>,
    found: &BTreeMap<K, V>,
    name: impl Fn(&K) -> String,
    compare: impl Fn(&V, &V) -> Option<String>,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, value) in expected {
        match found.get(key) {
            None => lines.push(format!("missing: {}", name(key))),
            Some(other) => {
                if let Some(what) = compare(value, other) {
                    lines.push(format!("differs: {}: {what}", name(key)));
                }
            }
        }
    }
    let surplus = found.keys().filter(|key| !expected.contains_key(*key));
    lines.extend(surplus.map(|key| format!("surplus: {}", name(key))));
    lines
}

/// True when two values are the same as far as VictoriaMetrics keeps them.
///
/// It stores a decimal mantissa and exponent, so the last bits of a float can be lost.
pub fn same_value(expected: f64, found: f64) -> bool {
    if expected.is_nan() || found.is_nan() {
        return is_stale(expected) == is_stale(found) && expected.is_nan() && found.is_nan();
    }
    expected == found || (expected - found).abs() <= expected.abs() * DECIMAL_LOSS
}

/// Measured on node-exporter's page: the largest relative error is below 1e-14.
const DECIMAL_LOSS: f64 = 1e-13;

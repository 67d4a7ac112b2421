use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::metrics::seam::Relabel;

/// The oracle: the messages as prost reads them.
#[derive(Clone, PartialEq, Message)]
struct WriteRequestOracle {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeriesOracle>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<MetadataOracle>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeriesOracle {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelOracle>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<SampleOracle>,
    #[prost(message, repeated, tag = "3")]
    exemplars: Vec<ExemplarOracle>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelOracle {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct SampleOracle {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct ExemplarOracle {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelOracle>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(int64, tag = "3")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct MetadataOracle {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    family: String,
    #[prost(string, tag = "4")]
    help: String,
    #[prost(string, tag = "5")]
    unit: String,
}

fn label(name: &str, value: &str) -> LabelOracle {
    LabelOracle { name: name.to_owned(), value: value.to_owned() }
}

/// Writes a series with our own hands.
fn write(out: &mut Out, series: &TimeSeriesOracle) {
    let mark = out.begin(0);
    let mut labels = Vec::new();
    for label in &series.labels {
        put_label(&mut labels, label.name.as_bytes(), label.value.as_bytes());
    }
    out.replace_labels(mark, &labels);
    for sample in &series.samples {
        out.sample(sample.value, sample.timestamp);
    }
    for exemplar in &series.exemplars {
        let labels = exemplar.labels.iter().map(|l| (l.name.as_bytes(), l.value.as_bytes()));
        out.exemplar(labels, exemplar.value, Some(exemplar.timestamp));
    }
    out.close(mark);
}

/// Reads a request with our own eyes.
fn read(bytes: &[u8]) -> Result<WriteRequestOracle, Malformed> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| Malformed);
    let pair = |pair: Result<LabelPair<'_>, Malformed>| {
        pair.and_then(|(n, v)| Ok(LabelOracle { name: text(n)?, value: text(v)? }))
    };
    let mut request = WriteRequestOracle::default();
    for field in Request::new(bytes) {
        match field? {
            Field::Series(series) => request.timeseries.push(TimeSeriesOracle {
                labels: series.labels().map(pair).collect::<Result<_, _>>()?,
                samples: series
                    .samples()
                    .map(|s| s.map(|s| SampleOracle { value: s.value, timestamp: s.timestamp_ms }))
                    .collect::<Result<_, _>>()?,
                exemplars: series
                    .exemplars()
                    .map(|e| {
                        let e = e?;
                        let labels = e.labels().map(pair).collect::<Result<_, _>>()?;
                        Ok(ExemplarOracle { labels, value: e.value, timestamp: e.timestamp_ms })
                    })
                    .collect::<Result<_, _>>()?,
            }),
            Field::Metadata(metadata) => {
                let m = metadata.read()?;
                request.metadata.push(MetadataOracle {
                    kind: m.kind as i32,
                    family: m.family.to_owned(),
                    help: m.help.to_owned(),
                    unit: m.unit.to_owned(),
                });
            }
        }
    }
    Ok(request)
}

fn one(labels: &[(&str, &str)], value: f64, timestamp: i64) -> TimeSeriesOracle {
    TimeSeriesOracle {
        labels: labels.iter().map(|(n, v)| label(n, v)).collect(),
        samples: vec![SampleOracle { value, timestamp }],
        exemplars: Vec::new(),
    }
}

fn encoded(request: &WriteRequestOracle) -> Vec<u8> {
    let mut out = Out::default();
    for series in &request.timeseries {
        write(&mut out, series);
    }
    let mut bytes = out.bytes().to_vec();
    for m in &request.metadata {
        let kind = if m.kind == 2 { MetricType::Gauge } else { MetricType::Unknown };
        put_metadata(
            &mut bytes,
            &Metadata { family: &m.family, kind, help: &m.help, unit: &m.unit },
        );
    }
    bytes
}

fn sample_request(series: usize) -> WriteRequestOracle {
    let timeseries = (0..series)
        .map(|i| {
            let labels =
                [("__name__", "m"), ("i", &*i.to_string()), ("pad", &*"x".repeat(i % 300))];
            let mut series = one(&labels[..2 + usize::from(i % 300 > 0)], i as f64, 1_000);
            series.exemplars.push(ExemplarOracle {
                labels: vec![label("trace_id", "abc")],
                value: 0.5,
                timestamp: 7,
            });
            series
        })
        .collect();
    let metadata = vec![MetadataOracle { kind: 2, family: "m".into(), ..Default::default() }];
    WriteRequestOracle { timeseries, metadata }
}

#[test]
fn lengths_of_all_sizes_are_minimal() {
    for pad in [1, 60, 100, 105, 110, 120, 127, 128, 129, 300, 16_200, 16_384, 70_000] {
        let mut request = WriteRequestOracle::default();
        let pad = "p".repeat(pad);
        request.timeseries.push(one(&[("a", &pad), ("b", "1")], -0.5, 1_760_000_000_000));
        request.timeseries.push(one(&[], f64::INFINITY, 0));
        let mut expected = request.clone();
        // prost leaves zero fields out; we always write both.
        expected.timeseries.retain(|s| s.samples[0].timestamp != 0);
        let bytes = encoded(&request);
        assert_eq!(WriteRequestOracle::decode(&*bytes).unwrap(), request);
        assert!(bytes.starts_with(&expected.encode_to_vec()), "pad {}", pad.len());
    }
}

#[test]
fn every_nan_but_the_stale_marker_is_the_same_nan() {
    for (bits, expected) in [
        (STALE_NAN_BITS, STALE_NAN_BITS),
        (f64::NAN.to_bits(), NORMAL_NAN_BITS),
        (0xfff8_0000_0000_0123, NORMAL_NAN_BITS),
        (1.5f64.to_bits(), 1.5f64.to_bits()),
    ] {
        assert_eq!(value_bits(f64::from_bits(bits)), expected);
    }
}

#[test]
fn a_request_halves_until_single_fields_are_left() {
    let request = sample_request(9);
    let bytes = encoded(&request);
    let mut pieces = vec![bytes.as_slice()];
    let mut whole = Vec::new();
    while let Some(piece) = pieces.pop() {
        match halve(piece).unwrap() {
            Some((first, second)) => {
                assert!(!first.is_empty() && !second.is_empty());
                pieces.push(second);
                pieces.push(first);
            }
            None => {
                let read = read(piece).unwrap();
                assert_eq!(read.timeseries.len() + read.metadata.len(), 1);
                whole.extend_from_slice(piece);
            }
        }
    }
    assert_eq!(whole, bytes);
    assert_eq!(halve(&bytes[..bytes.len() - 1]), Err(Malformed));
    assert_eq!(halve(b""), Ok(None));
}

#[test]
fn rules_rewrite_and_drop_series_and_leave_the_rest() {
    let request = sample_request(10);
    let rules = |labels: &mut Labels| {
        labels.set("added", "yes");
        labels.remove("pad");
        labels.value("i") != "3"
    };
    let mut to = b"kept".to_vec();
    let counts = relabel_request(&encoded(&request), &rules, &mut to).unwrap();
    assert_eq!(counts, Rewritten { samples_kept: 9, samples_dropped: 1 });
    let after = read(&to[4..]).unwrap();
    assert_eq!(after.metadata, request.metadata);
    assert_eq!(
        after.timeseries[3].labels,
        [label("__name__", "m"), label("added", "yes"), label("i", "4")]
    );
    assert_eq!(after.timeseries[3].samples, request.timeseries[4].samples);
    assert_eq!(after.timeseries[3].exemplars, request.timeseries[4].exemplars);
    let broken = relabel_request(&[0x0a, 0x7f], &rules as &dyn Relabel, &mut to);
    assert_eq!(broken, Err(Malformed));
}

#[test]
fn exemplars_are_stripped() {
    let mut request = sample_request(5);
    let mut to = Vec::new();
    strip_exemplars(&encoded(&request), &mut to).unwrap();
    request.timeseries.iter_mut().for_each(|series| series.exemplars.clear());
    assert_eq!(read(&to).unwrap(), request);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,12}", ".{100,200}", Just(String::new())]
}

prop_compose! {
    fn any_request()(
        series in prop::collection::vec(
            (
                prop::collection::vec((text(), text()), 0..6),
                prop::num::f64::NORMAL,
                any::<i64>(),
                prop::option::of((text(), any::<i64>())),
            ),
            0..8,
        ),
        families in prop::collection::vec((text(), text()), 0..3),
    ) -> WriteRequestOracle {
        WriteRequestOracle {
            timeseries: series.into_iter().map(|(labels, value, timestamp, exemplar)| {
                TimeSeriesOracle {
                    labels: labels.iter().map(|(n, v)| label(n, v)).collect(),
                    samples: vec![SampleOracle { value, timestamp }],
                    exemplars: exemplar.into_iter().map(|(value, timestamp)| ExemplarOracle {
                        labels: vec![label("t", &value)], value: 1.0, timestamp,
                    }).collect(),
                }
            }).collect(),
            metadata: families.into_iter().map(|(family, help)| MetadataOracle {
                kind: 2, family, help, unit: "s".to_owned(),
            }).collect(),
        }
    }
}

proptest! {
    #[test]
    fn what_we_write_we_and_prost_read(request in any_request()) {
        let bytes = encoded(&request);
        prop_assert_eq!(&read(&bytes).unwrap(), &request);
        prop_assert_eq!(&WriteRequestOracle::decode(&*bytes).unwrap(), &request);
        prop_assert_eq!(&read(&request.encode_to_vec()).unwrap(), &request);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_request(&bytes);
        let _ = halve(&bytes);
        let _ = strip_exemplars(&bytes, &mut Vec::new());
    }

    #[test]
    fn a_damaged_request_never_panics(at in 0usize..4_000, byte in any::<u8>()) {
        let mut bytes = encoded(&sample_request(20));
        let at = at % bytes.len();
        bytes[at] = byte;
        fuzz_request(&bytes);
    }
}

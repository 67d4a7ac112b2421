//! Remote-write 1.0 as messages: the oracle of what an agent sends.
//!
//! Source: Prometheus' `prompb/types.proto` and `prompb/remote.proto`.

use prost::Message;

/// One remote-write request.
#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    /// Series with their samples.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
    /// Metric families.
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<Metadata>,
}

/// One series.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    /// Labels.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// Samples.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<WireSample>,
    /// Exemplars.
    #[prost(message, repeated, tag = "3")]
    pub exemplars: Vec<Exemplar>,
}

/// One label.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Label {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// One sample.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct WireSample {
    /// Value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since the epoch.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// One exemplar.
#[derive(Clone, PartialEq, Message)]
pub struct Exemplar {
    /// Labels.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// Value.
    #[prost(double, tag = "2")]
    pub value: f64,
    /// Milliseconds since the epoch.
    #[prost(int64, tag = "3")]
    pub timestamp: i64,
}

/// One metric family.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Metadata {
    /// 1 counter, 2 gauge, 3 histogram, 4 gauge histogram, 5 summary, 6 info, 7 state set.
    #[prost(int32, tag = "1")]
    pub kind: i32,
    /// Family.
    #[prost(string, tag = "2")]
    pub family: String,
    /// Help text.
    #[prost(string, tag = "4")]
    pub help: String,
    /// Unit.
    #[prost(string, tag = "5")]
    pub unit: String,
}

impl WriteRequest {
    /// Decodes a body: zstd (one or several frames) or snappy, by its `Content-Encoding`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn decode_body(encoding: &str, body: &[u8]) -> Result<Self, String> {
        let plain = match encoding {
            "snappy" => snap::raw::Decoder::new()
                .decompress_vec(body)
                .map_err(|e| format!("body is not snappy: {e}"))?,
            "zstd" => {
                zstd::stream::decode_all(body).map_err(|e| format!("body is not zstd: {e}"))?
            }
            other => return Err(format!("unknown content encoding {other:?}")),
        };
        Self::decode(plain.as_slice()).map_err(|e| format!("body is not a write request: {e}"))
    }
}

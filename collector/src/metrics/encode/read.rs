//! Reads a `WriteRequest` without copying.
//!
//! Owns the walk over the fields. Never panics: each step checks what it takes, unknown fields are
//! skipped, and bytes that are no protobuf end the walk with [`Malformed`].

use super::{
    Metadata, MetricType, TAG_EXEMPLAR, TAG_LABEL, TAG_METADATA, TAG_NAME, TAG_SAMPLE, TAG_SERIES,
    TAG_VALUE,
};

/// The bytes are not what the format says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reading a write request: found bytes that are no protobuf of it")
    }
}

impl std::error::Error for Malformed {}

/// One top-level field of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    /// Metadata of one metric family.
    Metadata(MetadataRead<'a>),
    /// One series.
    Series(Series<'a>),
}

/// Walks the top-level fields of a request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    rest: Fields<'a>,
}

impl<'a> Request<'a> {
    /// A walk over `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: Fields(bytes) }
    }

    /// Bytes not walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest.0
    }
}

impl<'a> Iterator for Request<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            return match self.rest.next()? {
                Ok((tag, Wire::Bytes(body))) if tag == u64::from(TAG_SERIES) => {
                    Some(Ok(Field::Series(Series { body })))
                }
                Ok((tag, Wire::Bytes(body))) if tag == u64::from(TAG_METADATA) => {
                    Some(Ok(Field::Metadata(MetadataRead { body })))
                }
                Ok(_) => continue,
                Err(error) => Some(Err(error)),
            };
        }
    }
}

/// One series, still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series<'a> {
    body: &'a [u8],
}

/// One label: name and value.
pub type LabelPair<'a> = (&'a [u8], &'a [u8]);

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Value.
    pub value: f64,
    /// Unit: milliseconds since the epoch.
    pub timestamp_ms: i64,
}

/// One exemplar, its labels still encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar<'a> {
    body: &'a [u8],
    /// Value.
    pub value: f64,
    /// Unit: milliseconds since the epoch; 0 where there is none.
    pub timestamp_ms: i64,
}

impl<'a> Exemplar<'a> {
    /// The labels.
    pub fn labels(&self) -> impl Iterator<Item = Result<LabelPair<'a>, Malformed>> + use<'a> {
        labels(self.body)
    }
}

impl<'a> Series<'a> {
    /// A series from the fields of its message, such as labels alone.
    pub fn from_body(body: &'a [u8]) -> Self {
        Self { body }
    }

    /// The fields of the message.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Appends all fields of the message but those with one of `tags`.
    pub(super) fn fields_but(&self, tags: &[u8], to: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut fields = Fields(self.body);
        loop {
            let before = fields.0;
            let Some(field) = fields.next() else { return Ok(()) };
            let (tag, _) = field?;
            if !tags.iter().any(|&skipped| tag == u64::from(skipped)) {
                let len = before.len() - fields.0.len();
                to.extend_from_slice(before.get(..len).unwrap_or_default());
            }
        }
    }

    /// The labels, in the order of the wire.
    pub fn labels(&self) -> impl Iterator<Item = Result<LabelPair<'a>, Malformed>> + use<'a> {
        labels(self.body)
    }

    /// The samples.
    pub fn samples(&self) -> impl Iterator<Item = Result<Sample, Malformed>> + use<'a> {
        only(self.body, TAG_SAMPLE).map(|body| {
            let mut sample = Sample { value: 0.0, timestamp_ms: 0 };
            for field in Fields(body?) {
                match field? {
                    (0x09, Wire::Fixed64(bits)) => sample.value = f64::from_bits(bits),
                    (0x10, Wire::Varint(n)) => sample.timestamp_ms = n as i64,
                    _ => {}
                }
            }
            Ok(sample)
        })
    }

    /// The exemplars.
    pub fn exemplars(&self) -> impl Iterator<Item = Result<Exemplar<'a>, Malformed>> + use<'a> {
        only(self.body, TAG_EXEMPLAR).map(|body| {
            let body = body?;
            let mut exemplar = Exemplar { body, value: 0.0, timestamp_ms: 0 };
            for field in Fields(body) {
                match field? {
                    (0x11, Wire::Fixed64(bits)) => exemplar.value = f64::from_bits(bits),
                    (0x18, Wire::Varint(n)) => exemplar.timestamp_ms = n as i64,
                    _ => {}
                }
            }
            Ok(exemplar)
        })
    }
}

/// Metadata of one metric family, still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataRead<'a> {
    body: &'a [u8],
}

impl<'a> MetadataRead<'a> {
    /// The fields of the message.
    pub(super) fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Decodes it; texts that are no UTF-8 are malformed.
    pub fn read(&self) -> Result<Metadata<'a>, Malformed> {
        let mut metadata = Metadata::default();
        for field in Fields(self.body) {
            match field? {
                (0x08, Wire::Varint(n)) => metadata.kind = kind_of(n),
                (0x12, Wire::Bytes(text)) => metadata.family = utf8(text)?,
                (0x22, Wire::Bytes(text)) => metadata.help = utf8(text)?,
                (0x2a, Wire::Bytes(text)) => metadata.unit = utf8(text)?,
                _ => {}
            }
        }
        Ok(metadata)
    }
}

/// Walks everything of `bytes`; for the fuzz target.
#[doc(hidden)]
pub fn fuzz_request(bytes: &[u8]) -> u64 {
    let mut seen = 0;
    for field in Request::new(bytes) {
        match field {
            Ok(Field::Series(series)) => {
                seen += series.labels().filter(Result::is_ok).count() as u64;
                seen += series.samples().filter(Result::is_ok).count() as u64;
                for exemplar in series.exemplars().flatten() {
                    seen += exemplar.labels().count() as u64;
                }
            }
            Ok(Field::Metadata(metadata)) => seen += u64::from(metadata.read().is_ok()),
            Err(Malformed) => return seen,
        }
    }
    seen
}

fn labels<'a>(body: &'a [u8]) -> impl Iterator<Item = Result<LabelPair<'a>, Malformed>> + use<'a> {
    only(body, TAG_LABEL).map(|body| {
        let mut pair: LabelPair<'a> = (b"", b"");
        for field in Fields(body?) {
            match field? {
                (tag, Wire::Bytes(text)) if tag == u64::from(TAG_NAME) => pair.0 = text,
                (tag, Wire::Bytes(text)) if tag == u64::from(TAG_VALUE) => pair.1 = text,
                _ => {}
            }
        }
        Ok(pair)
    })
}

/// The bodies of the length-delimited fields with `tag`.
fn only<'a>(
    body: &'a [u8],
    tag: u8,
) -> impl Iterator<Item = Result<&'a [u8], Malformed>> + use<'a> {
    Fields(body).filter_map(move |field| match field {
        Ok((found, Wire::Bytes(body))) if found == u64::from(tag) => Some(Ok(body)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

fn utf8(text: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(text).map_err(|_| Malformed)
}

fn kind_of(n: u64) -> MetricType {
    use MetricType::{Counter, Gauge, GaugeHistogram, Histogram, Info, StateSet, Summary, Unknown};
    let kinds = [Unknown, Counter, Gauge, Histogram, GaugeHistogram, Summary, Info, StateSet];
    usize::try_from(n).ok().and_then(|n| kinds.get(n).copied()).unwrap_or_default()
}

/// The payload of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire<'a> {
    Bytes(&'a [u8]),
    Fixed32,
    Fixed64(u64),
    Varint(u64),
}

/// Walks the fields of one message; stops for good at the first malformed one.
#[derive(Clone, Debug)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    #[inline]
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    #[inline]
    fn varint(&mut self) -> Option<u64> {
        let (&first, rest) = self.0.split_first()?;
        if first < 0x80 {
            self.0 = rest;
            return Some(u64::from(first));
        }
        self.varint_long()
    }

    fn varint_long(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for (i, &byte) in self.0.iter().enumerate().take(10) {
            n |= u64::from(byte & 0x7f) << (7 * i as u32).min(63);
            if byte < 0x80 {
                self.0 = self.0.get(i + 1..)?;
                return Some(n);
            }
        }
        None
    }

    #[inline]
    fn field(&mut self) -> Option<(u64, Wire<'a>)> {
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let len = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(len)?)
            }
            5 => self.take(4).map(|_| Wire::Fixed32)?,
            _ => return None,
        };
        Some((tag, wire))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field().ok_or(Malformed);
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

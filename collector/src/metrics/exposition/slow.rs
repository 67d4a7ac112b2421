//! The lenient road: the grammar of one line.
//!
//! Owns what is accepted. It follows vmagent's reading of text 0.0.4: names are not checked
//! against a character set, blanks and tabs may stand anywhere between tokens, a trailing comma
//! and an empty label set are fine, an unknown escape stays as it is, and what follows a `#`
//! behind the value is a comment or an exemplar. Quoted names (UTF-8) stand inside the braces.
//!
//! Source: VictoriaMetrics `lib/protoparser/prometheus`; Prometheus text format 0.0.4;
//! OpenMetrics 1.0; the UTF-8 proposal of Prometheus (2023-08-21).

use memchr::{memchr, memchr2};

use super::{
    BadReason, ExemplarLine, Format, LINE_BYTES_MAX, LINE_LABELS_MAX, Read, Shapes, Span, number,
};

/// Above this many labels a doubled name is looked for by sorting.
const PAIRWISE_MAX: usize = 32;

/// The parser's buffers, lent for one line.
pub(super) struct Slow<'a> {
    pub(super) format: Format,
    pub(super) names: &'a mut Vec<Span>,
    pub(super) values: &'a mut Vec<Span>,
    pub(super) side: &'a mut Vec<u8>,
    pub(super) shapes: &'a mut Shapes,
}

/// Whether a line holds nothing, or a comment behind blanks.
pub(super) fn is_blank(line: &[u8]) -> bool {
    matches!(skip_blanks(line).first(), None | Some(b'#'))
}

impl Slow<'_> {
    /// Reads one line; the names and values go to the side buffer, unescaped.
    pub(super) fn read(mut self, whole: &[u8]) -> Result<Read, BadReason> {
        self.side.clear();
        self.names.clear();
        self.values.clear();
        if whole.len() > LINE_BYTES_MAX {
            return Err(BadReason::LineBytesMax);
        }
        std::str::from_utf8(whole).map_err(|_| BadReason::Utf8)?;
        let line = skip_blanks(whole);
        let name_len = line.iter().position(|b| matches!(b, b'{' | b' ' | b'\t'));
        let (name, rest) = line.split_at(name_len.unwrap_or(line.len()));
        let mut name_span = self.keep(name);
        let mut rest = skip_blanks(rest);
        if let Some(labels) = rest.strip_prefix(b"{") {
            rest = self.labels(labels, &mut name_span)?;
        }
        if name_span.len == 0 {
            return Err(BadReason::NameMissing);
        }
        self.refuse_doubled_names()?;
        let tail = self.tail(rest)?;
        let shape = self.shapes.enter(self.side, self.names);
        self.shapes.saw(shape);
        let exemplar =
            tail.exemplar.map(|text| Span { start: whole.len() - text.len(), len: text.len() });
        let Tail { value, timestamp_ms, .. } = tail;
        let text_bytes = self.side.len();
        Ok(Read { name: name_span, shape, text_bytes, value, timestamp_ms, next: 0, exemplar })
    }

    /// Reads the labels behind `{`; returns what stands behind `}`.
    fn labels<'l>(&mut self, mut rest: &'l [u8], name: &mut Span) -> Result<&'l [u8], BadReason> {
        loop {
            rest = skip_blanks(rest);
            if let Some(rest) = rest.strip_prefix(b"}") {
                return Ok(rest);
            }
            let (label, after) = self.label_name(rest)?;
            rest = skip_blanks(after);
            if let Some(after) = rest.strip_prefix(b"=") {
                let (value, after) = self.quoted(skip_blanks(after))?;
                rest = skip_blanks(after);
                if label.len > 0 {
                    self.names.push(label);
                    self.values.push(value);
                }
            } else {
                // A quoted text without a value is the metric name.
                if name.len > 0 || label.len == 0 {
                    return Err(BadReason::Labels);
                }
                *name = label;
            }
            if self.names.len() > LINE_LABELS_MAX {
                return Err(BadReason::LabelsMax);
            }
            match rest.split_first() {
                Some((b',', after)) => rest = after,
                Some((b'}', _)) => {}
                _ => return Err(BadReason::Labels),
            }
        }
    }

    /// Reads a label name, quoted or not.
    fn label_name<'l>(&mut self, rest: &'l [u8]) -> Result<(Span, &'l [u8]), BadReason> {
        if rest.first() == Some(&b'"') {
            return self.quoted(rest);
        }
        let len = memchr2(b'=', b'"', rest).ok_or(BadReason::Labels)?;
        let (name, after) = rest.split_at(len);
        if after.first() != Some(&b'=') || memchr2(b',', b'}', name).is_some() {
            return Err(BadReason::Labels);
        }
        let name = name.trim_ascii_end();
        Ok((self.keep(name), after))
    }

    /// Reads a quoted text and unescapes it into the side buffer.
    fn quoted<'l>(&mut self, rest: &'l [u8]) -> Result<(Span, &'l [u8]), BadReason> {
        let mut rest = rest.strip_prefix(b"\"").ok_or(BadReason::Labels)?;
        let start = self.side.len();
        rest = unescape(rest, self.side).ok_or(BadReason::Labels)?;
        Ok((Span { start, len: self.side.len() - start }, rest))
    }

    fn keep(&mut self, text: &[u8]) -> Span {
        let start = self.side.len();
        self.side.extend_from_slice(text);
        Span { start, len: text.len() }
    }

    fn refuse_doubled_names(&self) -> Result<(), BadReason> {
        let text = |span: &Span| span.of(self.side);
        let doubled = if self.names.len() <= PAIRWISE_MAX {
            let mut rest = self.names.as_slice();
            std::iter::from_fn(|| {
                let (first, others) = rest.split_first()?;
                rest = others;
                Some(others.iter().any(|other| text(other) == text(first)))
            })
            .any(|found| found)
        } else {
            let mut sorted: Vec<&[u8]> = self.names.iter().map(text).collect();
            sorted.sort_unstable();
            sorted.windows(2).any(|pair| pair.first() == pair.last())
        };
        if doubled { Err(BadReason::LabelTwice) } else { Ok(()) }
    }

    /// Reads what follows the label set: value, timestamp, comment or exemplar.
    fn tail<'l>(&self, rest: &'l [u8]) -> Result<Tail<'l>, BadReason> {
        let comment = memchr(b'#', rest);
        let (numbers, comment) = rest.split_at(comment.unwrap_or(rest.len()));
        let (value, rest) = token(numbers);
        if value.is_empty() {
            return Err(BadReason::ValueMissing);
        }
        let value = number::value(value).ok_or(BadReason::Value)?;
        let (timestamp, rest) = token(rest);
        let timestamp_ms = match (timestamp.is_empty(), self.format) {
            (true, _) => None,
            (false, Format::Text) => {
                Some(number::text_timestamp(timestamp).ok_or(BadReason::Timestamp)?)
            }
            (false, Format::OpenMetrics) => {
                Some(number::open_metrics_timestamp(timestamp).ok_or(BadReason::Timestamp)?)
            }
        };
        if !skip_blanks(rest).is_empty() {
            return Err(BadReason::Timestamp);
        }
        let exemplar = comment.get(1..).map(skip_blanks).filter(|text| text.starts_with(b"{"));
        Ok(Tail { value, timestamp_ms, exemplar })
    }
}

/// What follows the label set. Invariant: `exemplar` is the end of the line.
struct Tail<'l> {
    value: f64,
    timestamp_ms: Option<i64>,
    exemplar: Option<&'l [u8]>,
}

/// Reads an exemplar from its `{` on: `{labels} value [timestamp in seconds]`.
pub(super) fn exemplar(text: &[u8]) -> Option<ExemplarLine> {
    let (mut names, mut values, mut side) = (Vec::new(), Vec::new(), Vec::new());
    let mut slow = Slow {
        format: Format::OpenMetrics,
        names: &mut names,
        values: &mut values,
        side: &mut side,
        shapes: &mut Shapes::default(),
    };
    let mut no_name = Span::default();
    let rest = slow.labels(text.strip_prefix(b"{")?, &mut no_name).ok()?;
    let tail = slow.tail(rest).ok()?;
    let pairs = names.iter().zip(&values);
    let labels = pairs.map(|(name, value)| (name.of(&side).to_vec(), value.of(&side).to_vec()));
    Some(ExemplarLine {
        labels: labels.filter(|(_, value)| !value.is_empty()).collect(),
        value: tail.value,
        timestamp_ms: tail.timestamp_ms,
    })
}

/// Splits off the first token and the blanks around it.
fn token(rest: &[u8]) -> (&[u8], &[u8]) {
    let rest = skip_blanks(rest);
    let len = memchr2(b' ', b'\t', rest).unwrap_or(rest.len());
    rest.split_at(len)
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let len = text.iter().position(|b| !matches!(b, b' ' | b'\t'));
    text.get(len.unwrap_or(text.len())..).unwrap_or_default()
}

/// Unescapes a text up to its closing quote; returns what stands behind the quote.
///
/// `\\`, `\"` and `\n` are escapes; any other backslash stands for itself, as vmagent has it.
pub(super) fn unescape<'l>(mut rest: &'l [u8], side: &mut Vec<u8>) -> Option<&'l [u8]> {
    loop {
        let at = memchr2(b'"', b'\\', rest)?;
        side.extend_from_slice(rest.get(..at)?);
        if rest.get(at) == Some(&b'"') {
            return rest.get(at + 1..);
        }
        match rest.get(at + 1)? {
            b'n' => side.push(b'\n'),
            &escaped @ (b'"' | b'\\') => side.push(escaped),
            _ => {
                side.push(b'\\');
                rest = rest.get(at + 1..)?;
                continue;
            }
        }
        rest = rest.get(at + 2..)?;
    }
}

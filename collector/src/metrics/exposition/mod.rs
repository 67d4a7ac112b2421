//! The text grammars of metric pages: text 0.0.4, leniently as vmagent reads it, and
//! OpenMetrics 1.0.
//!
//! Owns the grammar: names, label sets, escapes, values, timestamps, exemplars, metadata.
//! Never knows HTTP, targets or configuration, and keeps nothing from one page to the next but
//! [`Shapes`], which is memory of form, not of content.
//! Invariants: results borrow from the page or from the parser's side buffer, so that no line
//! allocates; all names and values handed out are UTF-8 (checked, but kept as bytes: the way goes
//! from bytes to bytes); a line is a sample, metadata, nothing or bad, and a bad line never
//! disturbs its neighbours; nothing panics, whatever the bytes are.
//! Called by `metrics::series` on the scrape workers.
//!
//! Two roads lead through a line. The predicted road ([`fast`]) expects the label names of the
//! line before, compares them as constants and reads only values; any surprise sends the line to
//! the lenient road ([`slow`]), which alone defines the grammar.

mod fast;
mod metadata;
mod number;
mod shape;
mod slow;
mod swar;
#[cfg(test)]
mod tests;

pub use metadata::{MetadataLine, MetadataSays, help_text};
pub use shape::{ShapeId, Shapes};

use memchr::memchr;

/// Longest line. Derivation: ten times the longest that an exporter was seen to write (a JSON
/// text in a label), and small enough to buffer for each worker.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Most labels on a line. Derivation: a hundred times what VictoriaMetrics keeps by default (40).
pub const LINE_LABELS_MAX: usize = 4_096;

/// Which grammar a page follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0: timestamps are seconds, exemplars may follow, `# EOF` ends the page.
    OpenMetrics,
    /// Text 0.0.4: timestamps are milliseconds (or seconds, told by their size, as vmagent does).
    #[default]
    Text,
}

/// A piece of a line's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Where it starts. Units: bytes.
    pub start: usize,
    /// Its length. Units: bytes.
    pub len: usize,
}

impl Span {
    /// The piece of `text`.
    #[inline]
    pub fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start..self.start + self.len).unwrap_or_default()
    }
}

/// One sample of a page.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// What the spans point into: the page, or the parser's side buffer.
    pub text: &'a [u8],
    /// Metric name, never empty.
    pub name: Span,
    /// Label values in the order of the line, unescaped. Their names are the shape's.
    pub values: &'a [Span],
    /// The label names.
    pub shape: ShapeId,
    /// No fewer bytes than name and values have together.
    pub text_bytes: usize,
    /// Value.
    pub value: f64,
    /// Timestamp on the line. Unit: milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
    /// What stands behind the value and begins with `# {`; read by [`Line::exemplar`].
    pub(crate) exemplar: Option<&'a [u8]>,
}

impl Line<'_> {
    /// Whether an exemplar may stand on the line.
    pub fn has_exemplar(&self) -> bool {
        self.exemplar.is_some()
    }

    /// Reads the exemplar; `None` where there is none or it does not parse.
    ///
    /// Allocates: exemplars are few, and only read where a destination takes them.
    pub fn exemplar(&self) -> Option<ExemplarLine> {
        slow::exemplar(self.exemplar?)
    }
}

/// An exemplar: an example behind a sample, such as a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct ExemplarLine {
    /// Labels in the order of the line.
    pub labels: Vec<(Vec<u8>, Vec<u8>)>,
    /// Value.
    pub value: f64,
    /// Unit: milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
}

/// Why a line is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadReason {
    /// No metric name.
    NameMissing,
    /// A label without a value, a missing quote, comma or brace.
    Labels,
    /// The same label twice.
    LabelTwice,
    /// More than [`LINE_LABELS_MAX`] labels.
    LabelsMax,
    /// More than [`LINE_BYTES_MAX`] bytes.
    LineBytesMax,
    /// A timestamp that is no number, or something behind it.
    Timestamp,
    /// Bytes that are no UTF-8.
    Utf8,
    /// A value that is no number.
    Value,
    /// No value.
    ValueMissing,
}

impl BadReason {
    /// What was found, for a person.
    pub fn text(self) -> &'static str {
        match self {
            Self::NameMissing => "no metric name",
            Self::Labels => "the label set does not parse",
            Self::LabelTwice => "the same label stands twice",
            Self::LabelsMax => "more labels than a line may have (4096)",
            Self::LineBytesMax => "longer than a line may be (1 MiB)",
            Self::Timestamp => "the timestamp is no number",
            Self::Utf8 => "the bytes are no UTF-8",
            Self::Value => "the value is no number",
            Self::ValueMissing => "no value",
        }
    }
}

/// What the next line of a page is.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// It does not parse.
    Bad(&'a [u8], BadReason),
    /// `# EOF` of OpenMetrics.
    Eof,
    /// TYPE, HELP or UNIT; only where the parser was asked for metadata.
    Metadata(MetadataLine<'a>),
    /// A sample.
    Sample(Line<'a>),
}

/// Walks the lines of a page; one per worker, its memory is reused.
#[derive(Debug, Default)]
pub struct Parser {
    format: Format,
    metadata: bool,
    at: usize,
    values: Vec<Span>,
    names: Vec<Span>,
    /// Name and labels of a line of the lenient road, unescaped.
    side: Vec<u8>,
}

/// What a road has read of a line; the spans of labels stand in the parser.
#[derive(Clone, Copy, Debug)]
struct Read {
    name: Span,
    shape: ShapeId,
    text_bytes: usize,
    value: f64,
    timestamp_ms: Option<i64>,
    /// Where the next line begins, seen from the start of the text.
    next: usize,
    exemplar: Option<Span>,
}

impl Parser {
    /// Begins a piece of text that starts at the start of a line.
    pub fn begin(&mut self, format: Format, metadata: bool) {
        self.format = format;
        self.metadata = metadata;
        self.at = 0;
    }

    /// The next line of `text` that is something; `None` at the end.
    ///
    /// The last line of `text` needs no newline.
    #[inline]
    pub fn next<'a>(&'a mut self, text: &'a [u8], shapes: &mut Shapes) -> Option<Item<'a>> {
        loop {
            let at = self.at;
            match text.get(at)? {
                b'#' => {
                    let line = self.take_line(text);
                    if line == b"# EOF" && self.format == Format::OpenMetrics {
                        return Some(Item::Eof);
                    }
                    if self.metadata
                        && let Some(metadata) = metadata::read(line)
                    {
                        return Some(Item::Metadata(metadata));
                    }
                }
                b'\n' => self.at += 1,
                _ => {
                    if let Some(read) = fast::read(text, at, self.format, &mut self.values, shapes)
                    {
                        self.at = read.next;
                        return Some(Item::Sample(line_of(text, &self.values, &read, None)));
                    }
                    let line = self.take_line(text);
                    if line.len() > LINE_BYTES_MAX || !slow::is_blank(line) {
                        return Some(self.lenient(line, shapes));
                    }
                }
            }
        }
    }

    /// Takes the line at the cursor, without its line end.
    fn take_line<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let rest = text.get(self.at..).unwrap_or_default();
        let len = memchr(b'\n', rest).unwrap_or(rest.len());
        self.at += len + 1;
        let line = rest.get(..len).unwrap_or_default();
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    fn lenient<'a>(&'a mut self, line: &'a [u8], shapes: &mut Shapes) -> Item<'a> {
        let read = slow::Slow {
            format: self.format,
            names: &mut self.names,
            values: &mut self.values,
            side: &mut self.side,
            shapes,
        };
        match read.read(line) {
            Ok(read) => {
                let exemplar = read.exemplar.map(|span| span.of(line));
                Item::Sample(line_of(&self.side, &self.values, &read, exemplar))
            }
            Err(reason) => Item::Bad(line, reason),
        }
    }
}

#[inline]
fn line_of<'a>(
    text: &'a [u8],
    values: &'a [Span],
    read: &Read,
    exemplar: Option<&'a [u8]>,
) -> Line<'a> {
    Line {
        text,
        name: read.name,
        values,
        shape: read.shape,
        text_bytes: read.text_bytes,
        value: read.value,
        timestamp_ms: read.timestamp_ms,
        exemplar,
    }
}

/// Walks a page of any bytes in both formats: the fuzz entry.
#[doc(hidden)]
pub fn fuzz(page: &[u8]) {
    fuzz_page(page, Format::Text);
    fuzz_page(page, Format::OpenMetrics);
}

/// Walks all lines of `page`. Returns samples and bad lines.
pub(crate) fn fuzz_page(page: &[u8], format: Format) -> (u64, u64) {
    let (mut parser, mut shapes) = (Parser::default(), Shapes::default());
    let (mut samples, mut bad) = (0, 0);
    parser.begin(format, true);
    while let Some(item) = parser.next(page, &mut shapes) {
        match item {
            Item::Bad(..) => bad += 1,
            Item::Eof | Item::Metadata(_) => {}
            Item::Sample(line) => {
                assert!(!line.name.of(line.text).is_empty(), "BUG: a sample without a name");
                assert_eq!(line.values.len(), shapes.len_of(line.shape), "BUG: labels unpaired");
                let _ = line.exemplar();
                samples += 1;
            }
        }
    }
    (samples, bad)
}

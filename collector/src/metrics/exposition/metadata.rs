//! Comment lines that describe a metric family: TYPE, HELP and UNIT.
//!
//! Owns their grammar. A comment that is none of them is a comment.

use std::borrow::Cow;

use crate::metrics::encode::MetricType;

/// What one comment line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataLine<'a> {
    /// Family name; may be quoted on the page.
    pub family: &'a str,
    /// What is said of it.
    pub says: MetadataSays<'a>,
}

/// What is said of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataSays<'a> {
    /// Help text, still escaped; see [`help_text`].
    Help(&'a str),
    /// Type.
    Type(MetricType),
    /// Unit.
    Unit(&'a str),
}

/// Reads a comment line, from its `#` on.
pub(super) fn read(line: &[u8]) -> Option<MetadataLine<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    let (keyword, rest) = token(line.strip_prefix('#')?)?;
    let (family, rest) = family(rest)?;
    let rest = rest.trim_start_matches(BLANKS);
    let says = match keyword {
        "HELP" => MetadataSays::Help(rest),
        "TYPE" => MetadataSays::Type(kind(rest.trim_end_matches(BLANKS))),
        "UNIT" => MetadataSays::Unit(rest.trim_end_matches(BLANKS)),
        _ => return None,
    };
    Some(MetadataLine { family, says })
}

/// Unescapes a help text: `\\` and `\n`, and `\"` as OpenMetrics has it.
pub fn help_text(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some(escaped @ ('\\' | '"')) => plain.push(escaped),
                Some(other) => plain.extend(['\\', other]),
                None => plain.push('\\'),
            },
            (c, false) => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

const BLANKS: [char; 2] = [' ', '\t'];

fn token(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(BLANKS);
    let len = text.find(BLANKS).unwrap_or(text.len());
    (len > 0).then(|| text.split_at(len))
}

/// The family name; a quoted one with an escape is not taken (no exporter writes one).
fn family(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(BLANKS);
    match text.strip_prefix('"') {
        Some(quoted) => {
            quoted.split_once('"').filter(|(name, _)| !name.is_empty() && !name.contains('\\'))
        }
        None => token(text),
    }
}

fn kind(text: &str) -> MetricType {
    match text {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "gaugehistogram" => MetricType::GaugeHistogram,
        "histogram" => MetricType::Histogram,
        "info" => MetricType::Info,
        "stateset" => MetricType::StateSet,
        "summary" => MetricType::Summary,
        _ => MetricType::Unknown,
    }
}

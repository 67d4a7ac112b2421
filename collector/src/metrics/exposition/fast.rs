//! The predicted road: a line as exporters write it, with the label names of a line before.
//!
//! Owns speed, not the grammar: it says `None` to anything that is not exactly
//! `name{a="…",b="…"} number\n` or `name number\n`, perhaps with an integer timestamp of the text
//! format, all ASCII without escapes. The lenient road then reads the line from its start.
//! Invariant: where it says `Some`, the lenient road would have read the same.

use super::swar::find;
use super::{Format, LINE_BYTES_MAX, Read, Shapes, Span, number};

/// Reads the line at `start`.
#[inline]
pub(super) fn read(
    page: &[u8],
    start: usize,
    format: Format,
    values: &mut Vec<Span>,
    shapes: &mut Shapes,
) -> Option<Read> {
    let name_end = find(page, start, b'{', b' ')?;
    let name = Span { start, len: name_end - start };
    if name.len == 0 {
        return None;
    }
    values.clear();
    let (shape, value_at) = match page.get(name_end)? {
        b'{' => labels(page, name_end + 1, values, shapes)?,
        b' ' => (Shapes::BARE, name_end + 1),
        _ => return None,
    };
    let (value, value_end) = number::quick(page, value_at)?;
    let (timestamp_ms, end) = match page.get(value_end)? {
        b'\n' => (None, value_end),
        b' ' if format == Format::Text => {
            let (timestamp, end) = number::integer(page, value_end + 1)?;
            (Some(number::text_timestamp_ms(timestamp)), end)
        }
        _ => return None,
    };
    if page.get(end) != Some(&b'\n') || end - start > LINE_BYTES_MAX {
        return None;
    }
    shapes.saw(shape);
    let text_bytes = end - start;
    Some(Read { name, shape, text_bytes, value, timestamp_ms, next: end + 1, exemplar: None })
}

/// Reads the label set whose first name stands at `at`; returns where the number begins.
#[inline]
fn labels(
    page: &[u8],
    at: usize,
    values: &mut Vec<Span>,
    shapes: &Shapes,
) -> Option<(super::ShapeId, usize)> {
    let mut guess = shapes.guess(page, at)?;
    let mut value_at = guess.value_at;
    loop {
        let quote = find(page, value_at, b'"', b'\\')?;
        if page.get(quote) != Some(&b'"') {
            return None;
        }
        values.push(Span { start: value_at, len: quote - value_at });
        if guess.is_done() {
            // Some clients write a comma behind the last label.
            let close = quote + 1 + usize::from(page.get(quote + 1) == Some(&b','));
            let closed = page.get(close) == Some(&b'}') && page.get(close + 1) == Some(&b' ');
            return closed.then_some((guess.id, close + 2));
        }
        value_at = guess.next_label(page, quote)?;
    }
}

//! YAML text to a JSON value, for target lists only.
//!
//! Owns a reader of what a target list needs: mappings, lists, scalars, all scalars as text.
//! Never knows the shape of a list. Anchors may stand in the text, aliases are refused, so that a
//! small text stays a small value.
//! Confession: config has a whole YAML tree with places; this one goes once that is public.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Deepest nesting: a list of mappings of mappings has three levels.
const DEPTH_MAX: usize = 16;

/// A list or mapping that is still open.
enum Open {
    List(Vec<Value>),
    /// Entries so far, and the key whose value comes next.
    Map(Map<String, Value>, Option<String>),
}

/// Reads one document; nothing at all is [`Value::Null`].
///
/// # Errors
/// Where and why the text is no YAML, or what of it is not supported.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = Value::Null;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let at = error.marker();
            place(at.line(), at.col(), error.info())
        })?;
        let refuse = |reason: &str| Err(place(span.start.line(), span.start.col(), reason));
        let done = match event {
            Event::Alias(_) => return refuse("an alias is not supported in a target list"),
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() >= DEPTH_MAX => {
                return refuse("nested too deep for a target list");
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                Some(Open::List(items)) => Value::Array(items),
                Some(Open::Map(entries, _)) => Value::Object(entries),
                None => return refuse("an end without a start"),
            },
            Event::Scalar(text, style, ..) => scalar(&text, style),
            _ => continue,
        };
        match open.last_mut() {
            None => root = done,
            Some(Open::List(items)) => items.push(done),
            Some(Open::Map(_, key @ None)) => match done {
                Value::String(name) => *key = Some(name),
                _ => return refuse("a key is no text"),
            },
            Some(Open::Map(entries, key)) => {
                let name = key.take().expect("the arm above takes a missing key");
                if entries.contains_key(&name) {
                    return refuse(&format!("key `{name}` stands twice"));
                }
                entries.insert(name, done);
            }
        }
    }
    Ok(root)
}

/// All scalars are text, but for an unquoted nothing.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" if style == ScalarStyle::Plain => Value::Null,
        text => Value::String(text.to_owned()),
    }
}

fn place(line: usize, column: usize, reason: &str) -> String {
    format!("line {line}, column {}: {reason}", column + 1)
}

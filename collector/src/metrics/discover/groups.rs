//! Groups of targets, and how a list of them is written.
//!
//! Owns the type that all readers share and the JSON and YAML shapes of a list. Never knows where
//! the text came from.
//! Source: Prometheus' `file_sd` and `http_sd` formats.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;

use super::yaml;
use crate::labels::Labels;

#[cfg(test)]
mod tests;

/// Addresses that share their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Where the group comes from, for messages: `static:0`, a path, a URL, a DNS name.
    pub source: String,
    /// Addresses.
    pub addresses: Vec<String>,
    /// Labels of all of them, `__meta_*` included.
    pub labels: Labels,
}

/// The state of one reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// The whole list; the same `Arc` until it changes.
    pub groups: Arc<[Group]>,
    /// Whether the first attempt is over, whatever came of it.
    pub attempted: bool,
    /// What is wrong now, one entry per source that fails.
    pub errors: Vec<SourceError>,
}

/// What is wrong with one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// The source: a path, a URL, a DNS name.
    pub source: String,
    /// What was tried and what was found.
    pub text: String,
}

/// Publishes the state of a reader where it differs from what was published before.
pub(super) fn publish(
    out: &watch::Sender<Discovered>,
    groups: Vec<Group>,
    errors: Vec<SourceError>,
) {
    out.send_if_modified(|state| {
        let changed = !state.attempted || state.errors != errors || *state.groups != *groups;
        if *state.groups != *groups {
            state.groups = groups.into();
        }
        state.attempted = true;
        state.errors = errors;
        changed
    });
}

/// What a list may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// Other keys are passed over, as vmagent does for `http_sd`.
    Any,
    /// Other keys are errors, as both products do for `file_sd`: a misspelt key would lose labels.
    Known,
}

#[derive(Debug, Deserialize)]
struct Written {
    #[serde(default)]
    targets: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, Value>>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Reads a list in JSON.
///
/// Shape: `[{"targets": ["host:port"], "labels": {"name": "value"}}]`.
///
/// # Errors
/// The text is no JSON, or no such list.
pub(super) fn from_json(text: &[u8], source: &str, keys: Keys) -> Result<Vec<Group>, String> {
    let value = serde_json::from_slice(text).map_err(|error| format!("expected JSON: {error}"))?;
    from_value(value, source, keys)
}

/// Reads a list in YAML, of the same shape.
///
/// # Errors
/// The text is no YAML, or no such list.
pub(super) fn from_yaml(text: &str, source: &str) -> Result<Vec<Group>, String> {
    from_value(yaml::parse(text)?, source, Keys::Known)
}

fn from_value(value: Value, source: &str, keys: Keys) -> Result<Vec<Group>, String> {
    let items = match value {
        Value::Array(items) => items,
        // An empty file is an empty list.
        Value::Null => Vec::new(),
        other => return Err(format!("expected a list of groups, found {}", kind(&other))),
    };
    let groups = items.into_iter().enumerate();
    groups
        .map(|(index, item)| {
            group(item, source, keys).map_err(|reason| format!("group {}: {reason}", index + 1))
        })
        .collect()
}

fn group(item: Value, source: &str, keys: Keys) -> Result<Group, String> {
    if !item.is_object() {
        return Err(format!("expected a mapping, found {}", kind(&item)));
    }
    let written: Written = serde_json::from_value(item).map_err(|error| error.to_string())?;
    if let (Keys::Known, Some(key)) = (keys, written.others.keys().next()) {
        return Err(format!("unknown key `{key}`, expected `targets` or `labels`"));
    }
    let mut labels = Labels::new();
    for (name, value) in written.labels.unwrap_or_default() {
        let text = scalar(&value)
            .ok_or_else(|| format!("label `{name}`: expected a text, found {}", kind(&value)))?;
        if name.is_empty() {
            return Err("a label has no name".to_owned());
        }
        labels.set(&name, &text);
    }
    Ok(Group { source: source.to_owned(), addresses: written.targets.unwrap_or_default(), labels })
}

/// A label's value: a text, or a number or truth value as it is written.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null => Some(String::new()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "a list",
        Value::Bool(_) => "a truth value",
        Value::Null => "nothing",
        Value::Number(_) => "a number",
        Value::Object(_) => "a mapping",
        Value::String(_) => "a text",
    }
}

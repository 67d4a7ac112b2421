//! Checks a tree against the register: which keys stand in it, and whether each value reads.
//!
//! Owns: the texts about unknown, missing, renamed, ignored and unreadable keys.
//! Never knows: what the values mean together; that is the decoder's part.
//! Invariant: what passes here without an error is read by the decoder without one.
//! Called by `decode`, once per source, before the decoder reads it.

use crate::context::Context;
use crate::register::{self, Fate, Key, Kind, Section};
use crate::scalar;
use crate::suggest;
use crate::yaml::{Entry, Node, Value};

/// Checks a mapping and all below it.
pub(crate) fn check_map(cx: &Context, section: &'static Section, node: &Node, path: &str) {
    if !matches!(node.value, Value::Map(_)) {
        cx.error(node.pos, path, expected(node, "a mapping"));
        return;
    }
    let mut suggested = Vec::new();
    for entry in node.entries() {
        let below = join(path, &entry.key);
        match section.key(&entry.key) {
            Some(key) => check_entry(cx, key, entry, &below),
            None => suggested.extend(unknown(cx, section, entry, &below)),
        }
    }
    for key in section.keys().filter(|key| key.fate == Fate::Required) {
        let missing = node.entry(key.name).is_none_or(|entry| entry.value.is_null());
        // Of a misspelt key it is enough to say that it is misspelt.
        if missing && !suggested.contains(&key.name) {
            cx.error(node.pos, path, format!("`{}` is missing", key.name));
        }
    }
}

/// Checks a list of sections and all below it.
pub(crate) fn check_list(cx: &Context, section: &'static Section, node: &Node, path: &str) {
    if !matches!(node.value, Value::Seq(_)) {
        cx.error(node.pos, path, expected(node, "a list"));
    }
    for (index, item) in node.items().iter().enumerate() {
        check_map(cx, section, item, &format!("{path}[{index}]"));
    }
}

fn check_entry(cx: &Context, key: &Key, entry: &Entry, path: &str) {
    match key.fate {
        Fate::Refused(why) if !entry.value.is_off() => {
            let discovery = key.name.trim_end_matches("_sd_configs");
            cx.error(entry.pos, path, why.replace("{discovery}", discovery));
            return;
        }
        Fate::Renamed(to) => {
            cx.error(entry.pos, path, format!("the key is now called `{to}`"));
            return;
        }
        Fate::Warned(why) if !entry.value.is_off() => {
            cx.warn(entry.pos, path, why.to_owned());
        }
        _ => {}
    }
    if !entry.value.is_null() {
        check_value(cx, &key.kind, &entry.value, path);
    }
}

fn unknown(
    cx: &Context,
    section: &'static Section,
    entry: &Entry,
    path: &str,
) -> Option<&'static str> {
    let name = entry.key.as_str();
    // A suggestion costs a comparison with every key, which a file of rubbish would pay each time.
    if cx.log.is_full() {
        cx.error(entry.pos, path, "unknown key".to_owned());
        return None;
    }
    let readable = |key: &&Key| !matches!(key.fate, Fate::Refused(_) | Fate::Renamed(_));
    let near = suggest::nearest(name, section.keys().filter(readable).map(|key| key.name));
    let text = match near {
        Some(near) => format!("unknown key; did you mean `{near}`?"),
        None => {
            let homes: Vec<_> = register::sections()
                .into_iter()
                .filter(|section| section.key(name).as_ref().is_some_and(readable))
                .map(|section| format!("`{}`", section.title))
                .take(3)
                .collect();
            match homes.is_empty() {
                true => format!("unknown key; `{}` has no such key", section.title),
                false => format!("unknown key here; it belongs to {}", homes.join(" or ")),
            }
        }
    };
    cx.error(entry.pos, path, text);
    near
}

fn check_value(cx: &Context, kind: &Kind, node: &Node, path: &str) {
    match kind {
        Kind::Any => {}
        Kind::Headers => check_headers(cx, node, path),
        Kind::Labels => {
            check_entries(cx, node, path, &|cx, node, path| scalar(cx, &Kind::Text, node, path))
        }
        Kind::List(section) => check_list(cx, section, node, path),
        Kind::Map(section) => check_map(cx, section, node, path),
        Kind::Named(section) => {
            check_entries(cx, node, path, &|cx, node, path| check_map(cx, section, node, path));
        }
        Kind::Params => check_entries(cx, node, path, &check_texts),
        Kind::Regex | Kind::Selectors if matches!(node.value, Value::Seq(_)) => {
            check_texts(cx, node, path);
        }
        Kind::Texts => check_texts(cx, node, path),
        _ => scalar(cx, kind, node, path),
    }
}

fn check_entries(cx: &Context, node: &Node, path: &str, check: &dyn Fn(&Context, &Node, &str)) {
    if !matches!(node.value, Value::Map(_)) {
        cx.error(node.pos, path, expected(node, "a mapping"));
    }
    for entry in node.entries() {
        let below = join(path, &entry.key);
        if entry.key.is_empty() {
            cx.error(entry.pos, path, "found an empty name, expected text".to_owned());
        } else {
            check(cx, &entry.value, &below);
        }
    }
}

fn check_texts(cx: &Context, node: &Node, path: &str) {
    if !matches!(node.value, Value::Seq(_)) {
        cx.error(node.pos, path, expected(node, "a list of text"));
    }
    for (index, item) in node.items().iter().enumerate() {
        let below = format!("{path}[{index}]");
        match item.is_null() {
            true => cx.error(item.pos, &below, expected(item, "text")),
            false => scalar(cx, &Kind::Text, item, &below),
        }
    }
}

fn check_headers(cx: &Context, node: &Node, path: &str) {
    match node.value {
        Value::Map(_) => {
            check_entries(cx, node, path, &|cx, node, path| scalar(cx, &Kind::Text, node, path));
        }
        Value::Seq(_) => check_texts(cx, node, path),
        Value::Scalar { .. } => cx.error(node.pos, path, expected(node, "a list of `Name: value`")),
    }
}

/// Checks one scalar. A secret is never quoted in the message.
fn scalar(cx: &Context, kind: &Kind, node: &Node, path: &str) {
    let Value::Scalar { text, .. } = &node.value else {
        cx.error(node.pos, path, expected(node, "text"));
        return;
    };
    if let Err(wanted) = read(kind, text) {
        let secret =
            matches!(kind, Kind::Secret) || matches!(kind, Kind::Url) && text.contains('@');
        let found = if secret { "a secret".to_owned() } else { node.found() };
        cx.error(node.pos, path, format!("found {found}, expected {wanted}"));
    }
}

/// Reads a scalar as its kind and drops the value.
pub(crate) fn read(kind: &Kind, text: &str) -> Result<(), String> {
    let result = match kind {
        Kind::Address => scalar::parse_address(text).map(drop),
        Kind::Bool => scalar::parse_bool(text).map(drop),
        Kind::Count => scalar::parse_count(text).map(drop),
        Kind::Duration => scalar::parse_duration(text).map(drop),
        Kind::Number => scalar::parse_number(text).map(drop),
        Kind::OneOf(words) => return one_of(words, text),
        Kind::Rate => scalar::parse_rate(text).map(drop),
        Kind::Share => scalar::parse_share(text).map(drop),
        Kind::Size => scalar::parse_size(text).map(drop),
        Kind::SizeBinary => scalar::parse_size_binary(text).map(drop),
        Kind::Time => scalar::parse_time(text).map(drop),
        Kind::Url => scalar::parse_url(text).map(drop),
        Kind::Version => return one_of(&["TLS10", "TLS11", "TLS12", "TLS13"], text),
        _ => Ok(()),
    };
    result.map_err(str::to_owned)
}

fn one_of(words: &[&str], text: &str) -> Result<(), String> {
    if words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(());
    }
    if let Some(near) = suggest::nearest(text, words.iter().copied()) {
        return Err(format!("one of {}; did you mean {near}?", words.join(", ")));
    }
    Err(format!("one of {}", words.join(", ")))
}

fn expected(node: &Node, wanted: &str) -> String {
    format!("found {}, expected {wanted}", node.found())
}

pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

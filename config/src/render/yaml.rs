//! A small YAML writer.
//!
//! Owns: layout and quoting.
//! Never knows: settings.
//! Invariant: what it writes is read back to the same tree, and no text is taken for a variable.

use crate::vars;

/// What is written.
pub(super) enum Out {
    List(Vec<Out>),
    Map(Vec<(String, Out)>),
    /// Any text; quoted where YAML asks for it.
    Text(String),
    /// A number, a duration, a truth value: never quoted.
    Word(String),
}

/// Builds a mapping.
#[derive(Default)]
pub(super) struct Fields(Vec<(String, Out)>);

impl Fields {
    pub fn put(&mut self, key: &str, value: Out) {
        self.0.push((key.to_owned(), value));
    }

    pub fn word(&mut self, key: &str, value: impl ToString) {
        self.put(key, Out::Word(value.to_string()));
    }

    pub fn text(&mut self, key: &str, value: impl Into<String>) {
        self.put(key, Out::Text(value.into()));
    }

    /// A text that is left out when it is empty.
    pub fn text_if(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.text(key, value);
        }
    }

    /// A list that is left out when it is empty.
    pub fn list<T>(&mut self, key: &str, items: &[T], show: impl Fn(&T) -> Out) {
        if !items.is_empty() {
            self.put(key, Out::List(items.iter().map(show).collect()));
        }
    }

    pub fn texts(&mut self, key: &str, items: &[String]) {
        self.list(key, items, |item| Out::Text(item.clone()));
    }

    /// A mapping of texts that is left out when it is empty.
    pub fn pairs(&mut self, key: &str, pairs: &[(String, String)]) {
        if !pairs.is_empty() {
            let one = |(key, value): &(String, String)| (key.clone(), Out::Text(value.clone()));
            self.put(key, Out::Map(pairs.iter().map(one).collect()));
        }
    }

    pub fn done(self) -> Out {
        Out::Map(self.0)
    }
}

/// Writes a document.
pub(super) fn write(root: &Out) -> String {
    let mut out = String::new();
    match root {
        Out::Map(entries) => write_map(entries, 0, false, &mut out),
        other => write_value(other, 0, &mut out),
    }
    out
}

/// Writes a mapping; `inline` when its first key continues a line, behind `- `.
fn write_map(entries: &[(String, Out)], indent: usize, inline: bool, out: &mut String) {
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 || !inline {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&quote(key));
        out.push(':');
        write_value(value, indent, out);
    }
}

/// Writes what stands behind `key:`, the newline included.
fn write_value(value: &Out, indent: usize, out: &mut String) {
    match value {
        Out::Text(text) => out.push_str(&format!(" {}\n", quote(text))),
        Out::Word(word) => out.push_str(&format!(" {word}\n")),
        Out::List(items) if items.is_empty() => out.push_str(" []\n"),
        Out::Map(entries) if entries.is_empty() => out.push_str(" {}\n"),
        Out::Map(entries) => {
            out.push('\n');
            write_map(entries, indent + 2, false, out);
        }
        Out::List(items) => {
            out.push('\n');
            for item in items {
                out.push_str(&" ".repeat(indent + 2));
                out.push('-');
                match item {
                    Out::Map(entries) if !entries.is_empty() => {
                        out.push(' ');
                        write_map(entries, indent + 4, true, out);
                    }
                    item => write_value(item, indent + 2, out),
                }
            }
        }
    }
}

/// Writes a text, in double quotes unless it is plainly a word.
fn quote(text: &str) -> String {
    let text = vars::escape(text);
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/'))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c))
        && !["true", "false", "yes", "no", "on", "off", "y", "n", "null"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text;
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Whatever a YAML reader may take for a break or refuse, the byte order mark included.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

//! Replacement texts: `$1`, `${1}`, `$name` as in Go's `Expand`, and vmagent's `{{label}}`.
//!
//! Owns the two grammars. Never knows which rule a text belongs to. Total: any text is a template;
//! a `$` that opens no reference stands for itself.

use regex::{Captures, Replacer};

use super::pattern::Groups;
use crate::labels::Labels;

/// A replacement text, read once.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Index(usize),
    Name(String),
    Text(String),
}

impl Template {
    /// Reads a text.
    ///
    /// Source: Go's `regexp.Expand`: a name is the longest run of letters, digits and `_`, so
    /// `$1x` is the group named `1x`; `$$` is `$`; an unknown group is empty.
    pub(super) fn new(text: &str) -> Self {
        let mut template = Self(Vec::new());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('$') {
            template.text(before);
            rest = behind;
            if let Some(behind) = rest.strip_prefix('$') {
                template.text("$");
                rest = behind;
            } else if let Some((name, behind)) = reference(rest) {
                template.0.push(match index(name) {
                    Some(index) => Part::Index(index),
                    None => Part::Name(name.to_owned()),
                });
                rest = behind;
            } else {
                template.text("$");
            }
        }
        template.text(rest);
        template
    }

    /// Appends the text with the groups of a match filled in.
    pub(super) fn expand(&self, groups: &Groups<'_>, out: &mut String) {
        for part in &self.0 {
            match part {
                Part::Index(index) => out.push_str(groups.index(*index).unwrap_or_default()),
                Part::Name(name) => out.push_str(groups.name(name).unwrap_or_default()),
                Part::Text(text) => out.push_str(text),
            }
        }
    }

    /// Whether there is no reference, so that [`Template::plain_into`] needs no match.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.0.as_slice(), [] | [Part::Text(_)])
    }

    /// Appends a text without references.
    pub(super) fn plain_into(&self, out: &mut String) {
        if let [Part::Text(text)] = self.0.as_slice() {
            out.push_str(text);
        }
    }

    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(before)) => before.push_str(text),
            _ => self.0.push(Part::Text(text.to_owned())),
        }
    }
}

impl Replacer for &Template {
    fn replace_append(&mut self, groups: &Captures<'_>, out: &mut String) {
        for part in &self.0 {
            let group = match part {
                Part::Index(index) => groups.get(*index),
                Part::Name(name) => groups.name(name),
                Part::Text(text) => {
                    out.push_str(text);
                    continue;
                }
            };
            out.push_str(group.map_or("", |group| group.as_str()));
        }
    }
}

/// Appends `text` with each `{{label}}` replaced by that label's value. One that is not closed
/// stands for itself.
pub(super) fn fill(text: &str, labels: &Labels, out: &mut String) {
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, behind)) = behind.split_once("}}") else {
            out.push_str("{{");
            return out.push_str(behind);
        };
        out.push_str(labels.value(name));
        rest = behind;
    }
    out.push_str(rest);
}

/// The name behind a `$` and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (braced, inner) = match text.strip_prefix('{') {
        Some(inner) => (true, inner),
        None => (false, text),
    };
    let end = inner.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    let rest = if braced { rest.strip_prefix('}')? } else { rest };
    (!name.is_empty()).then_some((name, rest))
}

/// The number that a name is; a leading zero makes it a name, as in Go.
fn index(name: &str) -> Option<usize> {
    let number =
        name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    // Go reads at most nine digits; a larger number is no group of any pattern either way.
    (number && name.len() <= 9).then(|| name.parse().ok()).flatten()
}

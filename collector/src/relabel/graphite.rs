//! vmagent's `graphite` action: a dotted name matched by `*` wildcards, its parts made labels.
//!
//! Owns the two small grammars of the action. Never knows the labels it is applied to.
//! Source: vmagent's `graphite.go`.

/// A pattern: literal parts and `*`, which takes any text without a dot.
#[derive(Clone, Debug)]
pub(super) struct Match(Vec<Option<String>>);

/// A label's value: literal parts and references `$1`, `${1}`; `$0` is the whole name.
#[derive(Clone, Debug)]
pub(super) struct Value(Vec<(Option<usize>, String)>);

impl Match {
    /// Reads a pattern.
    pub(super) fn new(pattern: &str) -> Self {
        let mut parts = Vec::new();
        for (index, text) in pattern.split('*').enumerate() {
            if index > 0 {
                parts.push(None);
            }
            if !text.is_empty() {
                parts.push(Some(text.to_owned()));
            }
        }
        Self(parts)
    }

    /// Whole name and wildcards' texts, where the name matches.
    pub(super) fn groups<'a>(&self, name: &'a str) -> Option<Vec<&'a str>> {
        let mut groups = vec![name];
        let mut rest = name;
        let mut parts = self.0.iter();
        while let Some(part) = parts.next() {
            let Some(text) = part else {
                // A wildcard takes as little as the literal behind it allows.
                let (taken, behind) = match parts.next() {
                    None => (rest, ""),
                    // Two wildcards in a row: vmagent takes the second for the character itself.
                    Some(None) => rest.split_once('*')?,
                    Some(Some(text)) => rest.split_once(text.as_str())?,
                };
                if taken.contains('.') {
                    return None;
                }
                groups.push(taken);
                rest = behind;
                continue;
            };
            rest = rest.strip_prefix(text.as_str())?;
        }
        rest.is_empty().then_some(groups)
    }
}

impl Value {
    /// Reads a value.
    pub(super) fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('$') {
            parts.push((None, before.to_owned()));
            let digits =
                behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (literal, number, end) = match behind.strip_prefix('{') {
                Some(inner) => match inner.find('}') {
                    Some(end) => (end + 2, &inner[..end], end + 2),
                    None => (behind.len(), "", behind.len()),
                },
                None => (digits, &behind[..digits], digits),
            };
            parts.push((number.parse().ok(), format!("${}", &behind[..literal])));
            rest = &behind[end..];
        }
        parts.push((None, rest.to_owned()));
        Self(parts)
    }

    /// Appends the value with the groups filled in; a reference to no group stands for itself.
    pub(super) fn expand(&self, groups: &[&str], out: &mut String) {
        for (index, text) in &self.0 {
            let group = index.and_then(|index| groups.get(index));
            out.push_str(group.copied().unwrap_or(text));
        }
    }
}

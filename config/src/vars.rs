//! Variables in scalars: `${NAME}`, `${NAME:-default}` and vmagent's `%{NAME}`.
//!
//! Owns: what is a variable and what is left alone.
//! Never knows: where values come from; a closure answers.
//! Invariants: names of `${...}` are upper-case letters, digits and underscores, not starting with
//! a digit, so that `$1` and `${1}` of a relabel rule stay as they are. A value is not expanded
//! again. Expansion is per scalar: a value can change a scalar's text, never the tree's shape.
//! Called by `load`, once per source, before anything else looks at the tree.

use std::collections::HashSet;

use crate::yaml::{Node, Pos, TREE_BYTES_MAX, Value, YamlError};

#[cfg(test)]
mod tests;

/// Answers a variable's value, or `None` when it is not set.
pub type Vars<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Expands all scalars and keys of a tree in place.
///
/// Each failure is handed to `fail`, and its scalar stays as it was.
pub(crate) fn expand_tree(node: &mut Node, vars: &Vars, fail: &mut dyn FnMut(YamlError)) {
    let mut bytes_left = TREE_BYTES_MAX;
    walk(node, vars, &mut bytes_left, fail);
}

fn walk(node: &mut Node, vars: &Vars, bytes_left: &mut usize, fail: &mut dyn FnMut(YamlError)) {
    let pos = node.pos;
    match &mut node.value {
        Value::Scalar { text, plain } => replace(text, *plain, pos, vars, bytes_left, fail),
        Value::Seq(items) => {
            items.iter_mut().for_each(|item| walk(item, vars, bytes_left, fail));
        }
        Value::Map(entries) => {
            let mut seen = HashSet::new();
            for entry in entries {
                replace(&mut entry.key, true, entry.pos, vars, bytes_left, fail);
                if !seen.insert(entry.key.clone()) {
                    let text = format!("the key {:?} stands twice in one mapping", entry.key);
                    fail(YamlError { pos: entry.pos, text });
                }
                walk(&mut entry.value, vars, bytes_left, fail);
            }
        }
    }
}

fn replace(
    text: &mut String,
    plain: bool,
    pos: Pos,
    vars: &Vars,
    bytes_left: &mut usize,
    fail: &mut dyn FnMut(YamlError),
) {
    if !text.contains("${") && !text.contains("%{") {
        return;
    }
    match expand(text, vars) {
        Ok(expanded) if expanded.len() > *bytes_left => {
            let text = format!("takes over {TREE_BYTES_MAX} bytes with variables expanded");
            fail(YamlError { pos, text });
        }
        Ok(expanded) => {
            *bytes_left -= expanded.len();
            *text = expanded;
        }
        Err((at, why)) => {
            // Only an unquoted scalar on one line stands in the file as it stands here.
            let inside = if plain && !text.contains('\n') { text[..at].chars().count() } else { 0 };
            fail(YamlError { pos: Pos { column: pos.column + inside, ..pos }, text: why });
        }
    }
}

/// Expands one text.
///
/// `$${NAME}` and `%%{NAME}` give the literal `${NAME}` and `%{NAME}`. The newline that ends a
/// value read from a file is cut.
///
/// # Errors
/// Byte offset and reason: a variable without value and default, a default without its end, an
/// operator other than `:-`.
pub(crate) fn expand(text: &str, vars: &Vars) -> Result<String, (usize, String)> {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text[at..].find(['$', '%']) {
        out.push_str(&text[at..at + found]);
        at += found;
        let rest = &text[at..];
        let sigil = if rest.starts_with('$') { '$' } else { '%' };
        if rest[1..].starts_with(sigil)
            && let Some(reference) = reference(&rest[1..], sigil)
        {
            let len = reference.map_or(1, |reference| reference.len);
            out.push_str(&rest[1..1 + len]);
            at += 1 + len;
            continue;
        }
        match reference(rest, sigil) {
            None => {
                out.push(sigil);
                at += 1;
            }
            Some(Err(why)) => return Err((at, why)),
            Some(Ok(reference)) => {
                out.push_str(&reference.value(vars).map_err(|why| (at, why))?);
                at += reference.len;
            }
        }
    }
    out.push_str(&text[at..]);
    Ok(out)
}

/// One reference as it stands in the text.
struct Reference<'a> {
    name: &'a str,
    default: Option<&'a str>,
    /// Unit: bytes of the text.
    len: usize,
}

impl Reference<'_> {
    fn value(&self, vars: &Vars) -> Result<String, String> {
        if let Some(value) = vars(self.name) {
            return Ok(value.trim_end_matches(['\n', '\r']).to_owned());
        }
        self.default.map(str::to_owned).ok_or_else(|| {
            format!(
                "the variable {0} is not set: looked in the --vars directories, then in the \
                 environment; `${{{0}:-text}}` gives a default",
                self.name
            )
        })
    }
}

/// Reads a reference at the start of `text`; `None` where there is none.
fn reference(text: &str, sigil: char) -> Option<Result<Reference<'_>, String>> {
    let body = text.strip_prefix(sigil)?.strip_prefix('{')?;
    let in_name = |c: char| match sigil {
        '$' => c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_',
        _ => c.is_ascii_alphanumeric() || c == '_',
    };
    let name_len = body.find(|c| !in_name(c))?;
    let (name, rest) = body.split_at(name_len);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if rest.starts_with('}') {
        return Some(Ok(Reference { name, default: None, len: name.len() + 3 }));
    }
    if sigil == '%' || !rest.starts_with(':') {
        return None;
    }
    let Some(default) = rest.strip_prefix(":-") else {
        return Some(Err(format!(
            "after the variable {name} found \":\", expected \"}}\" or \":-\""
        )));
    };
    let Some(default_len) = default.find('}') else {
        return Some(Err(format!("the default of the variable {name} has no closing \"}}\"")));
    };
    let default = &default[..default_len];
    if default.contains("${") {
        return Some(Err(format!("the default of the variable {name} holds another variable")));
    }
    Some(Ok(Reference { name, default: Some(default), len: name.len() + default_len + 5 }))
}

/// Escapes a text so that [`expand`] gives it back as it is.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if matches!(c, '$' | '%') && reference(&text[at..], c).is_some() {
            out.push(c);
        }
        out.push(c);
    }
    out
}

//! RE2 syntax, which Prometheus and vmagent speak, to the syntax of the `regex` crate.
//!
//! Owns: the differences between the two that change what matches or what compiles.
//! Never knows: what the regex is for; it is not anchored here.
//! Invariant: translating twice gives the same as translating once, so that a rendered
//! configuration means what its source meant.
//! Called by the relabel and selector decoders.
//!
//! The differences: `{` that opens no repetition is literal in RE2; `\d`, `\w`, `\s` and `\b` are
//! ASCII; `\Q...\E` quotes; any punctuation may be escaped, `\<` too; a class knows no nested `[`
//! and no `&&`, `--`, `~~`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::iter::Peekable;
use std::str::CharIndices;

use regex::Regex;

#[cfg(test)]
mod tests;

/// Translates a regex and checks that it compiles when anchored.
///
/// # Errors
/// Why the regex does not compile, in one line.
pub(crate) fn translate(text: &str) -> Result<String, String> {
    // It would escape the parenthesis that anchors the regex.
    if !(text.len() - text.trim_end_matches('\\').len()).is_multiple_of(2) {
        return Err("it ends in a backslash".to_owned());
    }
    let translated = Translator { text, chars: text.char_indices().peekable(), out: String::new() };
    let translated = translated.run();
    match Regex::new(&format!("^(?s:{translated})$")) {
        Ok(_) => Ok(translated),
        Err(regex::Error::CompiledTooBig(bytes)) => {
            Err(format!("it compiles to more than {bytes} bytes"))
        }
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim();
            Err(reason.strip_prefix("error: ").unwrap_or(reason).to_owned())
        }
    }
}

/// Translations of one load. A generated file repeats a few regexes thousands of times, and a
/// compilation costs tens of microseconds.
#[derive(Default)]
pub(crate) struct Regexes {
    /// Bounded by the length of the texts read.
    known: RefCell<HashMap<String, Result<String, String>>>,
}

impl Regexes {
    /// As [`translate`], once per text.
    pub fn translate(&self, text: &str) -> Result<String, String> {
        if let Some(known) = self.known.borrow().get(text) {
            return known.clone();
        }
        let result = translate(text);
        self.known.borrow_mut().insert(text.to_owned(), result.clone());
        result
    }
}

struct Translator<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    out: String,
}

impl Translator<'_> {
    fn run(mut self) -> String {
        while let Some((at, c)) = self.chars.next() {
            match c {
                '\\' => self.escape(false),
                '[' => self.class(),
                '{' if !opens_repetition(&self.text[at..]) => self.out.push_str("\\{"),
                '{' => self.repetition(),
                '}' => self.out.push_str("\\}"),
                _ => self.out.push(c),
            }
        }
        self.out
    }

    /// Copies `{n,m}` up to its brace.
    fn repetition(&mut self) {
        self.out.push('{');
        for (_, c) in self.chars.by_ref() {
            self.out.push(c);
            if c == '}' {
                return;
            }
        }
    }

    /// Writes what stands behind a backslash.
    fn escape(&mut self, in_class: bool) {
        let Some((at, c)) = self.chars.next() else {
            self.out.push('\\');
            return;
        };
        match c {
            'd' if in_class => self.out.push_str("0-9"),
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            'w' if in_class => self.out.push_str("0-9A-Za-z_"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            's' if in_class => self.out.push_str("\\t\\n\\f\\r "),
            's' => self.out.push_str("[\\t\\n\\f\\r ]"),
            'S' => self.out.push_str("[^\\t\\n\\f\\r ]"),
            'b' if !in_class && !self.out.ends_with("(?-u:") => self.out.push_str("(?-u:\\b)"),
            'Q' if !in_class => self.quoted(),
            '<' | '>' => self.out.push(c),
            // A property's braces are no repetition: `\p{Greek}`, `\x{10FFFF}`.
            'p' | 'P' | 'x' if self.text[at + 1..].starts_with('{') => {
                self.out.extend(['\\', c]);
                self.chars.next();
                self.repetition();
            }
            _ => self.out.extend(['\\', c]),
        }
    }

    /// Writes the text up to `\E`, or to the end, literally.
    fn quoted(&mut self) {
        while let Some((at, c)) = self.chars.next() {
            if c == '\\' && self.text[at..].starts_with("\\E") {
                self.chars.next();
                return;
            }
            self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
    }

    /// Writes a bracketed class, up to its `]`.
    fn class(&mut self) {
        self.out.push('[');
        if self.chars.next_if(|(_, c)| *c == '^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        while let Some((at, c)) = self.chars.next() {
            match c {
                // Directly behind the opening, `]` is literal.
                ']' if first => self.out.push_str("\\]"),
                ']' => {
                    self.out.push(']');
                    return;
                }
                '[' if self.named_class(at) => {}
                '[' | '&' | '~' => self.out.extend(['\\', c]),
                '-' if self.text[at..].starts_with("--") => self.out.push_str("\\-"),
                '\\' => self.escape(true),
                _ => self.out.push(c),
            }
            first = false;
        }
    }

    /// Copies what the class holds as a class of its own: `[:alpha:]`, and the `[^0-9]` that this
    /// translation writes for `\D`.
    fn named_class(&mut self, at: usize) -> bool {
        let rest = &self.text[at..];
        let negated = ["[^0-9]", "[^0-9A-Za-z_]", "[^\\t\\n\\f\\r ]"];
        let written =
            negated.iter().find(|class| rest.starts_with(**class)).map(|class| class.len());
        let named = rest.strip_prefix("[:").and_then(|rest| rest.find(":]")).map(|end| end + 4);
        let Some(len) = written.or(named) else { return false };
        self.out.push_str(&rest[..len]);
        while self.chars.next_if(|(next, _)| *next < at + len).is_some() {}
        true
    }
}

/// True for `{n}`, `{n,}` and `{n,m}`.
fn opens_repetition(text: &str) -> bool {
    let Some(body) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match body.0.split_once(',') {
        None => digits(body.0),
        Some((min, max)) => digits(min) && (max.is_empty() || digits(max)),
    }
}

//! Go's regex syntax, rewritten for the engine used here.
//!
//! Owns the differences between the two: Perl classes and word boundaries are ASCII in Go, `\Q…\E`
//! quotes, a brace that opens no repetition is a literal, and inside a class `[`, `&&`, `--` and
//! `~~` mean nothing special. Never knows what a pattern is for. Total: any text goes in, and what
//! Go would refuse comes out as something the engine refuses, or at worst reads as a superset.
//! Source: Go's `regexp/syntax`; the `regex` crate's syntax.

/// Rewrites a pattern of Go's syntax.
pub(super) fn translate(pattern: &str) -> String {
    let mut from = Translator { rest: pattern, out: String::with_capacity(pattern.len() + 16) };
    while let Some(c) = from.next() {
        match c {
            '\\' => from.escape(),
            '[' => from.class(),
            '{' if !opens_repetition(from.rest) => from.out.push_str("\\{"),
            c => from.out.push(c),
        }
    }
    from.out
}

/// Removes the anchors at both ends of a pattern that will be anchored anyway.
///
/// Source: vmagent's `RemoveStartEndAnchors`.
pub(super) fn strip_anchors(pattern: &str) -> &str {
    let mut pattern = pattern.trim_start_matches('^');
    while let Some(shorter) = pattern.strip_suffix('$').filter(|p| !p.ends_with('\\')) {
        pattern = shorter;
    }
    pattern
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
}

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn take(&mut self, c: char) -> bool {
        let taken = self.rest.strip_prefix(c);
        self.rest = taken.unwrap_or(self.rest);
        taken.is_some()
    }

    /// What follows a backslash outside a class.
    fn escape(&mut self) {
        match self.next() {
            Some('Q') => self.quote(),
            Some('b') => self.out.push_str(r"(?-u:\b)"),
            Some('B') => self.out.push_str(r"(?-u:\B)"),
            c => self.common_escape(c),
        }
    }

    /// An escape that means the same inside and outside a class.
    fn common_escape(&mut self, c: Option<char>) {
        match c {
            Some('d') => self.out.push_str("[0-9]"),
            Some('D') => self.out.push_str("[^0-9]"),
            Some('s') => self.out.push_str(r"[\t\n\f\r ]"),
            Some('S') => self.out.push_str(r"[^\t\n\f\r ]"),
            Some('w') => self.out.push_str("[0-9A-Za-z_]"),
            Some('W') => self.out.push_str("[^0-9A-Za-z_]"),
            Some(c @ ('p' | 'P' | 'x')) => self.named_escape(c),
            Some(c) if c.is_ascii() && !c.is_ascii_alphanumeric() => self.literal(c),
            Some(c) => self.out.extend(['\\', c]),
            None => self.out.push('\\'),
        }
    }

    /// `\pN`, `\p{Greek}`, `\x7F`, `\x{10FFFF}`: as they are, their braces included.
    fn named_escape(&mut self, c: char) {
        self.out.extend(['\\', c]);
        if self.rest.starts_with('{') {
            let end = self.rest.find('}').map_or(self.rest.len(), |at| at + 1);
            self.out.push_str(&self.rest[..end]);
            self.rest = &self.rest[end..];
        }
    }

    fn quote(&mut self) {
        let (text, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
        self.out.push_str(&regex_syntax::escape(text));
        self.rest = rest;
    }

    fn literal(&mut self, c: char) {
        if regex_syntax::is_meta_character(c) {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    /// A bracketed class, behind its `[`.
    fn class(&mut self) {
        self.out.push('[');
        if self.take('^') {
            self.out.push('^');
        }
        // A bracket or a dash in the first place is a literal.
        if self.take(']') {
            self.out.push_str(r"\]");
        } else if self.take('-') {
            self.out.push_str(r"\-");
        }
        while let Some(c) = self.next() {
            match c {
                ']' => return self.out.push(']'),
                '\\' => {
                    let c = self.next();
                    self.common_escape(c);
                }
                '[' => self.posix_class(),
                '&' | '~' => self.literal(c),
                '-' if self.take('-') => self.out.push_str(r"-\-"),
                c => self.out.push(c),
            }
        }
    }

    /// `[:alpha:]` as it is; any other bracket inside a class is a literal.
    fn posix_class(&mut self) {
        let name = self.rest.strip_prefix(':').and_then(|rest| rest.split_once(":]"));
        match name {
            Some((name, rest)) if name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'^') => {
                self.out.push_str("[:");
                self.out.push_str(name);
                self.out.push_str(":]");
                self.rest = rest;
            }
            _ => self.out.push_str(r"\["),
        }
    }
}

/// Whether `rest`, which stands behind a `{`, makes it `{n}`, `{n,}` or `{n,m}`.
fn opens_repetition(rest: &str) -> bool {
    let Some((counts, _)) = rest.split_once('}') else { return false };
    let (low, high) = counts.split_once(',').unwrap_or((counts, ""));
    !low.is_empty() && [low, high].iter().all(|n| n.bytes().all(|b| b.is_ascii_digit()))
}

//! Series selectors: `name{label="value",other=~"regex" or third!="x"}`.
//!
//! Owns: the grammar, quoting and escapes included.
//! Never knows: series; who evaluates a selector stands in the collector.
//! Invariants: no input panics; each regex of an accepted selector compiles.
//! Called by the relabel decoder for `if`, and by `render` to print one back.
//!
//! Source: MetricsQL's selectors, with Prometheus' quoted UTF-8 names.

use crate::re2;
use crate::settings::{LabelMatch, MatchOp, Selector};

#[cfg(test)]
mod tests;

/// Reads one selector.
///
/// # Errors
/// What was found and expected, with the character it stands at (from 1).
pub fn parse(text: &str) -> Result<Selector, String> {
    let mut parser = Parser { text, at: 0 };
    parser.selector().map_err(|why| {
        let at = text.get(..parser.at).unwrap_or(text).chars().count() + 1;
        format!("{why} at character {at} of {text:?}")
    })
}

/// Prints a selector so that [`parse`] reads the same one back.
pub(crate) fn show(selector: &Selector) -> String {
    let alternatives: Vec<String> =
        selector.alternatives.iter().map(|list| show_all(list)).collect();
    format!("{{{}}}", alternatives.join(" or "))
}

fn show_all(matches: &[LabelMatch]) -> String {
    let one = |item: &LabelMatch| {
        let op = match item.op {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::NotRegex => "!~",
            MatchOp::Regex => "=~",
        };
        let simple = item.name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && item.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && item.name != "or";
        let name = if simple { item.name.clone() } else { quote(&item.name) };
        format!("{name}{op}{}", quote(&item.value))
    };
    matches.iter().map(one).collect::<Vec<_>>().join(",")
}

fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

struct Parser<'a> {
    text: &'a str,
    /// Unit: bytes. Always on a character boundary.
    at: usize,
}

impl Parser<'_> {
    fn selector(&mut self) -> Result<Selector, String> {
        self.skip_space();
        let name = self.name();
        self.skip_space();
        let mut alternatives = if self.take("{") { self.braces()? } else { Vec::new() };
        if let Some(value) = name {
            if alternatives.is_empty() {
                alternatives.push(Vec::new());
            }
            let item = LabelMatch { name: "__name__".to_owned(), op: MatchOp::Equal, value };
            alternatives.iter_mut().for_each(|list| list.insert(0, item.clone()));
        } else if !self.text[..self.at].contains('{') {
            return Err(format!("found {}, expected a metric name or \"{{\"", self.found()));
        }
        self.skip_space();
        match self.rest() {
            "" => Ok(Selector { alternatives }),
            _ => Err(format!("found {}, expected the end", self.found())),
        }
    }

    /// Reads what stands behind `{`, its `}` included. `{}` has one alternative without matchers,
    /// which selects everything.
    fn braces(&mut self) -> Result<Vec<Vec<LabelMatch>>, String> {
        let mut alternatives = vec![Vec::new()];
        loop {
            self.skip_space();
            if self.take("}") {
                return Ok(alternatives);
            }
            let item = self.matcher()?;
            alternatives.last_mut().expect("starts with one, never shrinks").push(item);
            self.skip_space();
            if self.take(",") {
                continue;
            }
            if self.take_or() {
                alternatives.push(Vec::new());
                self.skip_space();
                if self.rest().starts_with('}') {
                    return Err("found \"}\", expected a matcher behind `or`".to_owned());
                }
            } else if !self.rest().starts_with('}') {
                return Err(format!("found {}, expected \",\", `or` or \"}}\"", self.found()));
            }
        }
    }

    fn matcher(&mut self) -> Result<LabelMatch, String> {
        let quoted = self.rest().starts_with(['"', '\'', '`']);
        let name = if quoted { Some(self.string()?) } else { self.name() };
        let Some(name) = name else {
            return Err(format!("found {}, expected a label name", self.found()));
        };
        self.skip_space();
        let op = if self.take("=~") {
            MatchOp::Regex
        } else if self.take("!~") {
            MatchOp::NotRegex
        } else if self.take("!=") {
            MatchOp::NotEqual
        } else if self.take("=") {
            MatchOp::Equal
        } else if quoted {
            // `{"metric.name"}` is the metric's name.
            return Ok(LabelMatch { name: "__name__".to_owned(), op: MatchOp::Equal, value: name });
        } else {
            return Err(format!("found {}, expected =, !=, =~ or !~", self.found()));
        };
        self.skip_space();
        let start = self.at;
        let value = self.string()?;
        let value = match op {
            MatchOp::Equal | MatchOp::NotEqual => value,
            MatchOp::NotRegex | MatchOp::Regex => re2::translate(&value).map_err(|why| {
                self.at = start;
                format!("the regex {value:?} does not compile: {why}")
            })?,
        };
        Ok(LabelMatch { name, op, value })
    }

    /// Reads a bare name with MetricsQL's `\x` escapes; `None` where there is none.
    fn name(&mut self) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        let mut len = 0;
        while let Some((at, c)) = chars.next() {
            let fits = c.is_alphabetic()
                || matches!(c, '_' | ':')
                || !out.is_empty() && (c.is_numeric() || c == '.');
            if fits {
                out.push(c);
                len = at + c.len_utf8();
            } else if let ('\\', Some((at, escaped))) = (c, chars.next()) {
                out.push(escaped);
                len = at + escaped.len_utf8();
            } else {
                break;
            }
        }
        self.at += len;
        (!out.is_empty()).then_some(out)
    }

    /// Reads a string in double, single or back quotes.
    fn string(&mut self) -> Result<String, String> {
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))
        else {
            return Err(format!("found {}, expected a quoted text", self.found()));
        };
        let body = &self.text[self.at + 1..];
        let mut out = String::new();
        let mut at = 0;
        while let Some(c) = body[at..].chars().next() {
            at += c.len_utf8();
            if c == quote {
                self.at += 1 + at;
                return Ok(out);
            }
            if c == '\\' && quote != '`' {
                let (c, len) =
                    unescape(&body[at..]).ok_or("found an unknown escape in a quoted text")?;
                out.push(c);
                at += len;
            } else {
                out.push(c);
            }
        }
        Err(format!("found no closing {quote}"))
    }

    fn take_or(&mut self) -> bool {
        let rest = self.rest();
        let word = rest.get(..2).is_some_and(|word| word.eq_ignore_ascii_case("or"));
        let ends =
            rest.get(2..).is_some_and(|tail| !tail.starts_with(|c: char| c.is_alphanumeric()));
        if word && ends {
            self.at += 2;
        }
        word && ends
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn found(&self) -> String {
        match self.rest().chars().next() {
            Some(c) => format!("{:?}", c.to_string()),
            None => "the end".to_owned(),
        }
    }
}

/// Reads what stands behind a backslash: the character and how many bytes it took.
/// Source: Go's string literals.
fn unescape(text: &str) -> Option<(char, usize)> {
    let c = text.chars().next()?;
    let simple = match c {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' | '"' | '\'' | '`' => c,
        'u' | 'U' | 'x' => return unescape_hex(text, c),
        _ => return None,
    };
    Some((simple, 1))
}

fn unescape_hex(text: &str, kind: char) -> Option<(char, usize)> {
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        _ => 8,
    };
    let code = u32::from_str_radix(text.get(1..1 + digits)?, 16).ok()?;
    // `\xff` is a byte in Go; only those that are characters of their own can be text here.
    let code = if kind == 'x' && code > 0x7f { return None } else { code };
    Some((char::from_u32(code)?, 1 + digits))
}

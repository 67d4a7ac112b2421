//! An independent reader of text pages: the oracle of the end-to-end tests.
//!
//! It shares no code with the agent. It reads the plain Prometheus text format of real exporters
//! and nothing more exotic; a line it cannot read is a panic.

use crate::series::Labels;

/// One line of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Labels with the metric name under `__name__`.
    pub labels: Labels,
    /// Value.
    pub value: f64,
    /// Timestamp in milliseconds when the line has one.
    pub at_ms: Option<i64>,
}

/// Reads a page.
///
/// # Panics
/// On a line that is not plain Prometheus text.
pub fn rows(page: &str) -> Vec<Row> {
    page.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| row(line).unwrap_or_else(|| panic!("reading the line {line:?}")))
        .collect()
}

fn row(line: &str) -> Option<Row> {
    let name_end = line.find(['{', ' '])?;
    let mut labels = Labels::new();
    labels.insert("__name__".into(), line[..name_end].into());
    let mut rest = &line[name_end..];
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (name, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(name.trim().into(), value);
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let mut words = rest.split_whitespace();
    let value = words.next()?.parse().ok()?;
    let at_ms = match words.next() {
        Some(word) => Some(word.parse().ok()?),
        None => None,
    };
    Some(Row { labels, value, at_ms })
}

/// The value up to its closing quote, unescaped, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels;

    fn check(line: &str, expected: (&[(&str, &str)], f64, Option<i64>)) {
        let found = rows(line);
        let (pairs, value, at_ms) = expected;
        assert_eq!(found, [Row { labels: labels(pairs), value, at_ms }], "{line}");
    }

    #[test]
    fn reads_plain_text() {
        check("# HELP a b\na 1", (&[("__name__", "a")], 1.0, None));
        check("a{} +Inf 12", (&[("__name__", "a")], f64::INFINITY, Some(12)));
        check(
            "a{b=\"c, d=\\\"e\\\"\",f=\"\\\\\\n}\"} 1e3",
            (&[("__name__", "a"), ("b", "c, d=\"e\""), ("f", "\\\n}")], 1000.0, None),
        );
    }
}

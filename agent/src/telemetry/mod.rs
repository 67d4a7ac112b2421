//! The agent's metrics about itself, as a text page.
//!
//! Owns names, types, help texts ([`register`]) and the page's grammar. Never knows where a number
//! comes from: each room answers a snapshot, and `status::metrics` writes it here.
//!
//! Invariant: what is not in the register is not on the page, so `docs/metrics.md`, which is made
//! from the register, is complete.

mod register;

use std::fmt::Write;

/// A page being written. Samples of one metric must come one behind the other.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    current: &'static str,
}

impl Page {
    /// Writes one sample.
    ///
    /// # Panics
    /// When `name` or its labels are not as in the register: a bug that the first request for the page shows, and
    /// so the first test.
    pub fn sample(&mut self, name: &'static str, labels: &[(&str, &str)], value: f64) {
        if self.current != name {
            self.current = name;
            let metric = register::find(name);
            let metric = metric.unwrap_or_else(|| panic!("BUG: metric {name} is not registered"));
            let names: Vec<&str> = labels.iter().map(|(label, _)| *label).collect();
            assert_eq!(names, metric.labels, "BUG: labels of {name} are not as registered");
            let kind = metric.kind.name();
            let _ = writeln!(self.text, "# HELP {name} {}\n# TYPE {name} {kind}", metric.help);
        }
        self.text.push_str(name);
        for (i, (label, text)) in labels.iter().enumerate() {
            let open = if i == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{label}=\"");
            escape_into(text, &mut self.text);
            self.text.push('"');
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{close} {value}");
    }

    /// The page.
    pub fn finish(self) -> String {
        self.text
    }
}

fn escape_into(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_head_per_metric_and_escaped_values() {
        let mut page = Page::default();
        page.sample("runnel_targets", &[("state", "up")], 2.0);
        page.sample("runnel_targets", &[("state", "a\"b\\\n")], 0.5);
        let text = page.finish();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("# HELP runnel_targets "));
        assert_eq!(
            lines[1..],
            [
                "# TYPE runnel_targets gauge",
                r#"runnel_targets{state="up"} 2"#,
                r#"runnel_targets{state="a\"b\\\n"} 0.5"#
            ]
        );
    }

    #[test]
    fn the_docs_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
        let expected = register::docs();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &expected).expect("docs are writable");
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            found == expected,
            "docs/metrics.md is not current: run UPDATE=1 cargo test -p runnel"
        );
    }
}

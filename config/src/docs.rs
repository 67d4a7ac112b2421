//! Prints the register as a page: `docs/configuration.md`.
//!
//! Owns: the page's layout and its words about variables and units.
//! Never knows: single keys; it prints what the register says.
//! Invariant: the page in the repository is the one printed here, which a test checks;
//! `UPDATE=1 cargo test -p runnel-config` renews it.
//! Called by that test, and by the binary where it shows the reference.

use crate::register::{self, Fate, Key, Section};

#[cfg(test)]
mod tests;

const HEAD: &str = "\
# Configuration

<!-- Generated from config/src/register by `UPDATE=1 cargo test -p runnel-config`. -->

One YAML file, a superset of a Prometheus one: a `prometheus.yml` or vmagent file works as it is.
Unknown keys, wrong units and missing variables are errors that name file, line and column.
`runnel check --config FILE` prints the resolved file, defaults filled in and secrets masked.

## Variables

`${NAME}` and `${NAME:-default}` stand for a variable: upper-case letters, digits and underscores.
They are looked up in the `--vars` directories, then in the environment.
vmagent's `%{NAME}` works too.
A variable without value and default is an error.
`$1` and `${1}` are left alone, so that relabel rules work as they are.
`$${NAME}` and `%%{NAME}` give the literal text.
A value changes the text of one scalar, never the structure of the file.

## Units

| Type | Examples |
|---|---|
| duration | `500ms`, `30s`, `1h30m`, `1.5h`, `7d`; a bare number means seconds |
| size | `8GiB`, `512MiB`, `16MB`, plain bytes; `MB` is decimal, `MiB` binary |
| rate | `500kbit`, `160Mbit`, `1Gbit`: decimal, bits per second on the wire |
| share | `50%` or `0.5` |
| time of day | `22:00`, UTC |
| path | relative ones start at the folder of the file they stand in |
| regex | RE2, anchored on both sides |

## Reading the tables

A key in **bold** must be given.
Keys that are accepted so that a file of Prometheus or vmagent works as it is, and have no effect, stand below each table.
";

/// The reference of all keys, in Markdown.
pub fn reference() -> String {
    HEAD.to_owned() + &register::sections().into_iter().map(section_text).collect::<String>()
}

fn section_text(section: &Section) -> String {
    let used = |key: &&Key| matches!(key.fate, Fate::Required | Fate::Used);
    let rows: String = section.keys().filter(used).map(row).collect();
    format!(
        "\n## {}\n\n{}\n\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n{rows}{}{}",
        section.title,
        section.about,
        without_effect(section),
        refused(section),
    )
}

fn row(key: &Key) -> String {
    let mark = if key.fate == Fate::Required { "**" } else { "" };
    let default = match key.default {
        "" => String::new(),
        default => format!("`{default}`"),
    };
    format!("| {mark}`{}`{mark} | {} | {default} | {} |\n", key.name, key.kind.name(), key.doc)
}

fn without_effect(section: &Section) -> String {
    let line = |key: &Key| match key.fate {
        Fate::Ignored => format!("- `{}`: {}\n", key.name, key.doc),
        Fate::Warned(why) => format!("- `{}`, with a warning: {why}.\n", key.name),
        _ => String::new(),
    };
    let lines: String = section.keys().map(line).collect();
    if lines.is_empty() { lines } else { format!("\nAccepted without effect:\n\n{lines}") }
}

fn refused(section: &Section) -> String {
    let refused: Vec<String> = section
        .keys()
        .filter(|key| matches!(key.fate, Fate::Refused(_)))
        .map(|key| format!("`{}`", key.name))
        .collect();
    match refused.is_empty() {
        true => String::new(),
        false => format!("\nRefused with a way out: {}.\n", refused.join(", ")),
    }
}

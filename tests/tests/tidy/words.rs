//! Rules about words.

use crate::Finding;
use crate::source::{SourceFile, Tree, words};

/// Functions carry no `get_`, and nothing is a manager, helper or utility.
pub fn names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for kind in ["fn", "struct", "enum", "trait", "mod", "type"] {
            for at in words(&file.code, kind) {
                let name: String = file.code[at + kind.len()..]
                    .trim_start()
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if let Some(what) = bad_name(kind, &name) {
                    findings.push(file.finding(at, &what));
                }
            }
        }
    }
    findings
}

fn bad_name(kind: &str, name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("get_").filter(|_| kind == "fn") {
        return Some(format!("`{name}`; say `{rest}`"));
    }
    let lower = name.to_lowercase();
    let empty = ["manager", "helper", "helpers", "util", "utils"];
    let found = empty.into_iter().find(|word| lower.ends_with(word))?;
    Some(format!("`{name}` ends with `{found}`; say the field's word for what it is"))
}

/// A comment that leaves something open names its issue, and none may be left to be fixed.
pub fn open_ends(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for at in words(&file.comments, OPEN) {
            let rest = &file.comments[at + OPEN.len()..];
            let number = rest.trim_start_matches(['(', ' ', ':']);
            let numbered = number
                .strip_prefix('#')
                .is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()));
            if !numbered {
                findings.push(file.finding(at, "open end without an issue; say `TODO #<number>`"));
            }
        }
        for at in words(&file.comments, BROKEN) {
            findings.push(file.finding(at, "may not be merged; mend it, or open an issue"));
        }
    }
    findings
}

/// Tests wait for a condition.
pub fn sleeps(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !SLEEPERS.contains(&file.path.as_str())) {
        for at in words(&file.code, "sleep(") {
            // Outside test files only what the product's text lacks is a test.
            let in_test = file.is_test() || !file.product[at..].starts_with("sleep(");
            if in_test {
                let what = "a test sleeps; wait for a condition with `tests::eventually`";
                findings.push(file.finding(at, what));
            }
        }
    }
    findings
}

/// Only the command line prints.
pub fn prints(tree: &Tree) -> Vec<Finding> {
    let speaks = |path: &str| {
        path.starts_with("agent/src/cli")
            // Cargo reads what a build script prints.
            || path.ends_with("/build.rs")
    };
    let quiet = tree.product().filter(|file| !speaks(&file.path));
    each(quiet, &["println!", "print!", "eprintln!", "eprint!"], |word| {
        format!("`{word}`; use `tracing`, or print under agent/src/cli")
    })
}

/// A panic of the product states an invariant.
pub fn unwraps(tree: &Tree) -> Vec<Finding> {
    each(tree.product(), &[".unwrap()"], |_| {
        "`.unwrap()`; handle it, or `.expect(\"the invariant that holds\")`".into()
    })
}

/// Each file begins with what it owns; the tests of a file stand under that file's own doc.
pub fn module_docs(tree: &Tree) -> Vec<Finding> {
    let documented = |file: &&SourceFile| file.path.ends_with("/tests.rs");
    let bare = tree.rust().filter(|file| !file.text.starts_with("//!") && !documented(file));
    bare.map(|file| file.finding(0, "no module doc; begin with `//! …`")).collect()
}

/// No file knows where it was written.
pub fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for path in MACHINE_PATHS {
            for (at, _) in file.text.match_indices(path) {
                // `https://host/work/` and `target/work/` are no paths of a machine.
                let before = file.text[..at].chars().next_back();
                if !before.is_some_and(|c| c.is_alphanumeric() || "._-}/".contains(c)) {
                    findings.push(file.finding(at, "a path of one machine; take it out"));
                }
            }
        }
    }
    findings
}

/// Shape: `- [KIND] area: effect`, also over several lines.
pub fn changelog_lines(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path == "docs/changelog.md") {
        let mut offset = 0;
        for line in file.text.split_inclusive('\n') {
            if line.starts_with("- ") && !is_entry(line) {
                let kinds = KINDS.join("|");
                findings.push(
                    file.finding(offset, &format!("another shape; say `- [{kinds}] area: effect`")),
                );
            }
            offset += line.len();
        }
    }
    findings
}

fn is_entry(line: &str) -> bool {
    let Some((kind, rest)) = line.strip_prefix("- [").and_then(|rest| rest.split_once("] ")) else {
        return false;
    };
    let area = rest.split_once(": ").map(|(area, _)| area);
    KINDS.contains(&kind) && area.is_some_and(|area| !area.is_empty() && area.len() <= 40)
}

fn each<'a>(
    files: impl Iterator<Item = &'a SourceFile>,
    banned: &[&str],
    what: impl Fn(&str) -> String,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for word in banned {
            let found = words(&file.product, word).into_iter();
            findings.extend(found.map(|at| file.finding(at, &what(word))));
        }
    }
    findings
}

const OPEN: &str = "TODO";
const BROKEN: &str = "FIXME";
/// The one pause between two looks at a condition, and the one while an agent is measured.
const SLEEPERS: &[&str] = &["benches/src/bin/compare/process.rs", "tests/src/wait.rs"];
/// In two parts each, so that this file is none of its own findings.
const MACHINE_PATHS: &[&str] =
    &[concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/")];
const KINDS: &[&str] = &["BUGFIX", "CHANGE", "ENHANCEMENT", "FEATURE", "PERF", "SECURITY"];

//! Rules about manifests.

use crate::Finding;
use crate::source::{SourceFile, Tree};

/// agent → collector → config, agent → diskring; config and diskring use no member.
pub fn direction(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let Some((_, allowed)) = ALLOWED.iter().find(|(path, _)| *path == file.path) else {
            continue;
        };
        for (offset, name) in dependencies(file) {
            if MEMBERS.contains(&name) && !allowed.contains(&name) {
                let what = format!("depends on `{name}`; the arrow points the other way");
                findings.push(file.finding(offset, &what));
            }
        }
    }
    findings
}

/// Each direct dependency stands once in the workspace, with the reason it is taken.
pub fn reasons(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        for (offset, line) in section(file, |name| name == "workspace.dependencies") {
            let is_member = line.contains("path =");
            let has_reason = line.rsplit_once(" # ").is_some_and(|(_, why)| !why.is_empty());
            if !is_member && !has_reason {
                findings.push(file.finding(offset, "no reason; add `# why it is taken`"));
            }
        }
        if file.path.starts_with("tests/fuzz/") {
            continue; // Not in the workspace, so it cannot take from it.
        }
        for (offset, line) in section(file, is_dependencies) {
            if !line.contains("workspace = true") {
                let what = "a version of its own; take it from the workspace";
                findings.push(file.finding(offset, what));
            }
        }
    }
    findings
}

/// Names that the manifest depends on, with their offsets.
fn dependencies(file: &SourceFile) -> Vec<(usize, &str)> {
    let lines = section(file, is_dependencies);
    let name = |line: &str| line.find(['.', ' ', '=']).unwrap_or(line.len());
    lines.into_iter().map(|(offset, line)| (offset, &line[..name(line)])).collect()
}

fn is_dependencies(section: &str) -> bool {
    // A dev-dependency draws an arrow too.
    section != "workspace.dependencies" && section.ends_with("dependencies")
}

/// The entries of the sections whose name is wanted, with their offsets.
fn section(file: &SourceFile, wanted: impl Fn(&str) -> bool) -> Vec<(usize, &str)> {
    let (mut inside, mut offset, mut lines) = (false, 0, Vec::new());
    for line in file.text.split_inclusive('\n') {
        let text = line.trim();
        if let Some(name) = text.strip_prefix('[') {
            inside = wanted(name.trim_end_matches(']'));
        } else if inside && !text.is_empty() && !text.starts_with('#') {
            lines.push((offset, text));
        }
        offset += line.len();
    }
    lines
}

const MEMBERS: &[&str] =
    &["runnel-config", "runnel-collector", "runnel", "diskring", "benches", "tests"];

/// What each manifest may use of the members; benches and tests may use all.
const ALLOWED: &[(&str, &[&str])] = &[
    ("agent/Cargo.toml", &["runnel-config", "runnel-collector", "diskring"]),
    ("agent/diskring/Cargo.toml", &[]),
    ("collector/Cargo.toml", &["runnel-config"]),
    ("config/Cargo.toml", &[]),
];

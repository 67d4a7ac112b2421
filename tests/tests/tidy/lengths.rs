//! Rules about lengths.

use crate::Finding;
use crate::source::{SourceFile, Tree, closing, words};

/// Files are read as a whole.
pub fn files(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        let lines = file.text.lines().zip(file.code.lines().zip(file.product.lines()));
        // A line counts unless it is one that only the tests have.
        let count = lines.filter(|(_, (code, product))| code == product).count();
        if count > FILE_LINES_MAX {
            let what = format!("{count} lines of at most {FILE_LINES_MAX}; split it by idea");
            findings.push(file.finding(0, &what));
        }
    }
    findings
}

/// Functions fit a screen.
pub fn functions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for at in words(&file.code, "fn") {
            let Some((count, end)) = body(file, at) else { continue };
            if count > FUNCTION_LINES_MAX && !is_excused(file, at, end) {
                let what = format!(
                    "a function of {count} lines of at most {FUNCTION_LINES_MAX}; move straight-line \
                     work to a leaf, or say why in a comment `// Long: …`"
                );
                findings.push(file.finding(at, &what));
            }
        }
    }
    findings
}

/// Lines of the function at `at`, and where it ends; `None` for one without a body.
fn body(file: &SourceFile, at: usize) -> Option<(usize, usize)> {
    // A type such as `[u8; 4]` holds a semicolon too, but only inside brackets.
    let mut depth = 0usize;
    let open = file.code[at..].bytes().position(|byte| match byte {
        b'(' | b'[' => {
            depth += 1;
            false
        }
        b')' | b']' => {
            depth = depth.saturating_sub(1);
            false
        }
        b'{' | b';' | b'=' => depth == 0,
        _ => false,
    })?;
    let open = at + open;
    if file.code.as_bytes()[open] != b'{' {
        return None;
    }
    let end = closing(&file.code, open)?;
    Some((file.text[at..=end].lines().count(), end))
}

/// The excuse stands in the function or in the lines right above it.
fn is_excused(file: &SourceFile, at: usize, end: usize) -> bool {
    let above = file.text[..at].rmatch_indices('\n').nth(EXCUSE_LINES).map_or(0, |(at, _)| at);
    file.comments[above..end].contains("Long: ")
}

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;
/// Lines above a function that may hold its excuse.
const EXCUSE_LINES: usize = 12;

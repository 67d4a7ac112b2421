//! The files that git knows, and Rust text seen without its comments, strings and tests.

use std::fs;
use std::process::Command;

/// All files of the workspace.
pub struct Tree {
    /// In the order of git.
    pub files: Vec<SourceFile>,
}

/// One text file.
pub struct SourceFile {
    /// Path from the workspace's folder.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Rust only: the text with comments and the content of literals blanked; same length, same
    /// lines.
    pub code: String,
    /// Rust only: the text with everything but comments blanked.
    pub comments: String,
    /// Rust only: [`SourceFile::code`] with the items under `#[cfg(test)]` blanked.
    pub product: String,
}

impl Tree {
    /// Reads what git lists, new files included.
    pub fn of_the_workspace() -> Self {
        let folder = tests::workspace();
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(folder)
            .output()
            .expect("git lists the files");
        assert!(output.status.success(), "git ls-files: {output:?}");
        let list = String::from_utf8(output.stdout).expect("paths are text");
        let read = |path: &str| {
            // A file that was just removed or is no text has no style.
            let text = fs::read_to_string(folder.join(path)).ok()?;
            Some((path.to_string(), text))
        };
        let files: Vec<(String, String)> =
            list.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect();
        assert!(files.len() > 10, "git lists only {} files", files.len());
        Self::new(files)
    }

    /// A tree of these paths and texts.
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { files: files.into_iter().map(|(path, text)| SourceFile::new(path, text)).collect() }
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The Rust files of the product: neither tests nor benches.
    pub fn product(&self) -> impl Iterator<Item = &SourceFile> {
        self.rust().filter(|file| !file.is_test())
    }
}

impl SourceFile {
    fn new(path: String, text: String) -> Self {
        let (code, comments) =
            if path.ends_with(".rs") { split(&text) } else { (String::new(), String::new()) };
        let product = without_tests(&code);
        Self { path, text, code, comments, product }
    }

    /// True for a file that only tests or benches use.
    pub fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.starts_with("benches/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("/testing.rs")
    }

    /// A finding on the line of a byte offset.
    pub fn finding(&self, offset: usize, what: &str) -> String {
        let line = self.text[..offset].matches('\n').count() + 1;
        format!("{}:{line}: {what}", self.path)
    }
}

/// Offsets at which `word` stands in `text`; an end of it that is a letter must be a word's end.
pub fn words(text: &str, word: &str) -> Vec<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (first, last) = (word.starts_with(is_word), word.ends_with(is_word));
    text.match_indices(word)
        .filter(|(at, _)| {
            let before = text[..*at].chars().next_back().is_some_and(is_word);
            let behind = text[at + word.len()..].chars().next().is_some_and(is_word);
            !(first && before || last && behind)
        })
        .map(|(at, _)| at)
        .collect()
}

/// Offset of the brace that closes the one at `open`.
pub fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Blanks each item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut bytes = code.as_bytes().to_vec();
    for (start, _) in code.match_indices("#[cfg(test)]") {
        let Some(ahead) = code[start..].find(['{', ';']) else { continue };
        let end = match code.as_bytes()[start + ahead] {
            b'{' => closing(code, start + ahead),
            _ => Some(start + ahead),
        };
        blank(&mut bytes[start..=end.unwrap_or(code.len() - 1)]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn blank(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

/// Splits Rust text into code and comments, each as long as the text.
///
/// The content of string and character literals is in neither.
fn split(text: &str) -> (String, String) {
    let source = text.as_bytes();
    let (mut code, mut comments) = (source.to_vec(), source.to_vec());
    let mut at = 0;
    while at < source.len() {
        let (length, is_comment) = token(&source[at..]);
        let range = at..at + length;
        if is_comment {
            blank(&mut code[range]);
        } else {
            if length > 1 {
                blank(&mut code[range.clone()]);
            }
            blank(&mut comments[range]);
        }
        at += length;
    }
    (String::from_utf8_lossy(&code).into_owned(), String::from_utf8_lossy(&comments).into_owned())
}

/// Length of the comment or literal that the source begins with, or 1, and whether it is a
/// comment.
fn token(source: &[u8]) -> (usize, bool) {
    match source {
        [b'/', b'/', ..] => (length_to(source, b"\n"), true),
        [b'/', b'*', ..] => (block_comment(source), true),
        [b'"', ..] => (string(source, 1), false),
        [b'r', b'"' | b'#', ..] => (raw_string(source).unwrap_or(1), false),
        [b'\'', b'\\', ..] => (2 + length_to(&source[2..], b"'") + 1, false),
        [b'\'', rest @ ..] => (character(rest).map_or(1, |length| length + 2), false),
        _ => (1, false),
    }
}

/// Bytes before `end`, or all.
fn length_to(source: &[u8], end: &[u8]) -> usize {
    source.windows(end.len()).position(|window| window == end).unwrap_or(source.len())
}

fn block_comment(source: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at + 1 < source.len() {
        match &source[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    source.len()
}

fn string(source: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < source.len() {
        match source[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    source.len()
}

/// `r"…"` or `r#"…"#`; `None` for a raw identifier.
fn raw_string(source: &[u8]) -> Option<usize> {
    let hashes = source[1..].iter().take_while(|byte| **byte == b'#').count();
    if source.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let from = hashes + 2;
    Some((from + length_to(&source[from..], &end) + end.len()).min(source.len()))
}

/// Length of the one character before the closing quote; `None` for a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    let length = match rest.first()? {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (rest.get(length) == Some(&b'\'')).then_some(length)
}

//! Errors and warnings with their place in the text.
//!
//! Owns: what a finding is, how it is printed, how many are kept.
//! Never knows: keys, YAML.
//! Invariants: at most [`ERRORS_MAX`] errors and [`WARNINGS_MAX`] warnings are kept, the rest is
//! counted; no finding is kept twice; no text of a secret ever stands in a finding.
//! Called by every other file of this crate, on the thread that called `load`.

use std::cell::RefCell;
use std::fmt;

/// Most errors that one load reports: more than a screen helps nobody.
pub const ERRORS_MAX: usize = 20;

/// Most warnings that one load reports. Larger than [`ERRORS_MAX`], since a warning may stand once
/// per job and all of them are right to show on a status page.
pub const WARNINGS_MAX: usize = 100;

/// One finding: where it stands and what it is.
///
/// Shape: `<file>:<line>:<column>: <key path>: <text>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Name of the file, as the caller gave it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Path of the key, as `scrape_configs[2].scheme`; empty for the whole file.
    pub path: String,
    /// What was found and what was expected.
    pub text: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.text)
    }
}

/// Why a configuration was refused: never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors {
    /// What was found, file by file from top to bottom.
    pub list: Vec<Diagnostic>,
    /// How many more were found and not kept.
    pub more: usize,
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more errors", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// Gathers the findings of one load.
#[derive(Default)]
pub(crate) struct Log {
    errors: RefCell<Kept>,
    warnings: RefCell<Kept>,
}

impl Log {
    /// Adds an error.
    pub fn error(&self, finding: Diagnostic) {
        self.errors.borrow_mut().push(finding, ERRORS_MAX);
    }

    /// Adds a warning.
    pub fn warn(&self, finding: Diagnostic) {
        self.warnings.borrow_mut().push(finding, WARNINGS_MAX);
    }

    /// True when a further error is only counted: its text need not be good.
    pub fn is_full(&self) -> bool {
        self.errors.borrow().list.len() >= ERRORS_MAX
    }

    /// The warnings, or the errors if there is one.
    pub fn finish(self) -> Result<Vec<Diagnostic>, Errors> {
        let errors = self.errors.into_inner();
        if errors.list.is_empty() {
            return Ok(self.warnings.into_inner().sorted());
        }
        let more = errors.more;
        Err(Errors { list: errors.sorted(), more })
    }
}

#[derive(Default)]
struct Kept {
    list: Vec<Diagnostic>,
    more: usize,
}

impl Kept {
    fn push(&mut self, finding: Diagnostic, max: usize) {
        // An alias shows the same place several times; the path differs, the finding does not.
        let same = |kept: &Diagnostic| {
            (&kept.file, kept.line, kept.column, &kept.text)
                == (&finding.file, finding.line, finding.column, &finding.text)
        };
        if self.list.iter().any(same) {
            return;
        }
        if self.list.len() < max {
            self.list.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// Files in the order they were first seen, each from top to bottom.
    fn sorted(mut self) -> Vec<Diagnostic> {
        let mut files: Vec<String> = Vec::new();
        for finding in &self.list {
            if !files.contains(&finding.file) {
                files.push(finding.file.clone());
            }
        }
        self.list.sort_by_key(|finding| {
            let file = files.iter().position(|file| *file == finding.file);
            (file, finding.line, finding.column)
        });
        self.list
    }
}

//! What checker and decoder of one source share: the source, the log of findings, the regexes.
//!
//! Owns: how a place in the source becomes a finding.
//! Never knows: keys.
//! Called by `check` and `decode`.

use crate::diag::{Diagnostic, Log};
use crate::re2::Regexes;
use crate::source::Source;
use crate::yaml::Pos;

/// One source under work.
pub(crate) struct Context<'a> {
    pub source: &'a Source,
    pub log: &'a Log,
    pub regexes: &'a Regexes,
}

impl Context<'_> {
    /// Adds an error.
    pub fn error(&self, pos: Pos, path: &str, text: String) {
        self.log.error(self.finding(pos, path, text));
    }

    /// Adds a warning.
    pub fn warn(&self, pos: Pos, path: &str, text: String) {
        self.log.warn(self.finding(pos, path, text));
    }

    /// Shape: `file:line`.
    pub fn place(&self, pos: Pos) -> String {
        format!("{}:{}", self.source.name, pos.line)
    }

    fn finding(&self, pos: Pos, path: &str, text: String) -> Diagnostic {
        Diagnostic {
            file: self.source.name.clone(),
            line: pos.line,
            column: pos.column,
            path: path.to_owned(),
            text,
        }
    }
}

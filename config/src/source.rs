//! What is read: texts with a name and a folder, and what stands outside them as closures.
//!
//! Owns: the resolution of relative paths.
//! Never knows: files; the caller reads them.
//! Called by the caller of `load` to hand texts in.

use std::path::{Path, PathBuf};

use crate::diag::Diagnostic;
use crate::settings::Settings;

/// One text with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Name shown in messages.
    pub name: String,
    /// Folder that relative paths of this text start at.
    pub folder: PathBuf,
    /// The text.
    pub text: String,
}

impl Source {
    /// A source from the path and the text of a file.
    pub fn new(path: &Path, text: impl Into<String>) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self { name: path.display().to_string(), folder, text: text.into() }
    }

    /// The path itself when it is absolute, otherwise behind the folder.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}

/// Reads the files that a pattern with `*` names, sorted by name; the error says why it could not.
pub type Files<'a> = dyn Fn(&str) -> Result<Vec<Source>, String> + 'a;

/// What a load gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The checked settings.
    pub settings: Settings,
    /// What the user should know, file by file from top to bottom.
    pub warnings: Vec<Diagnostic>,
    /// Names of all sources read, the main one first.
    pub files: Vec<String>,
}

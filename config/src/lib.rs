//! Configuration: text in, checked settings out.
//!
//! Owns: the keys, their defaults and units, variable expansion and the error texts with line and
//! column.
//! Never knows: clock, network, file and environment. Whatever stands outside the text is handed in
//! by the caller.
//! Called by the binary: [`load`] at start and at each reload, [`render`] for `runnel check` and
//! the status page.
//!
//! The way of a text: `yaml` makes a tree whose nodes know their place, `vars` expands its scalars,
//! `check` holds it against the `register` of keys, `decode` makes [`Settings`] of it.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod check;
mod context;
mod decode;
mod diag;
mod docs;
mod re2;
mod register;
mod render;
mod scalar;
mod selector;
pub mod settings;
mod source;
mod suggest;
pub mod units;
mod vars;
mod yaml;

#[cfg(test)]
mod tests;

pub use decode::{FILES_MAX, load, load_relabel};
pub use diag::{Diagnostic, ERRORS_MAX, Errors, WARNINGS_MAX};
pub use docs::reference;
pub use render::render;
pub use selector::parse as parse_selector;
pub use settings::Settings;
pub use source::{Files, Loaded, Source};
pub use vars::Vars;

/// Loads a configuration of any bytes, and what it renders to: the fuzz entry.
///
/// # Panics
/// When the rendered configuration does not load: what `runnel check` prints is a configuration.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = Source { text: text.to_owned(), ..Source::default() };
    let (vars, files) = (|_: &str| None, |_: &str| Ok(Vec::new()));
    if let Ok(loaded) = load(&source, &vars, &files) {
        let rendered = Source { text: render(&loaded.settings), ..Source::default() };
        let again = load(&rendered, &vars, &files);
        assert!(again.is_ok(), "BUG: rendered to\n{}\n{:?}", rendered.text, again.err());
    }
}

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

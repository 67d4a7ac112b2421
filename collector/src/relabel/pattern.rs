//! A regex that has to match a whole text.
//!
//! Patterns are in the syntax of the `regex` crate: config has translated Go's.
//! Owns the choice between the regex engine and the cheaper shapes of `glob`. Never knows what a
//! rule does with a match. Invariants: the dot matches every character; the engine's program is
//! only held where a shape does not answer, since it takes tens of kilobytes.

use regex::{Captures, Regex};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

use super::RelabelCause;
use super::glob::{self, Globs, Slice};
use super::text;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// What every matching text starts with: the cheapest answer for most texts.
    start: String,
    globs: Option<Globs>,
    slice: Option<Slice>,
    engine: Option<Regex>,
}

/// The groups of a match.
pub(super) enum Groups<'a> {
    /// Groups that the engine found.
    Engine(Captures<'a>),
    /// The whole text and the only group.
    Slice {
        /// Group 0.
        whole: &'a str,
        /// Group 1.
        group: &'a str,
    },
}

/// What a rule needs of its pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The groups of a match.
    Groups,
    /// Only whether it matches.
    Match,
}

impl Pattern {
    /// Compiles a pattern; `None` for one that means `(.*)`.
    ///
    /// # Errors
    /// [`RelabelCause::Regex`] where it does not parse or its program would be too large.
    pub(super) fn compile(regex: &str, need: Need) -> Result<Option<Self>, RelabelCause> {
        let bare = strip_anchors(regex);
        let hir = parse(bare)?;
        if glob::is_default(&hir) {
            return Ok(None);
        }
        let globs = Globs::new(&hir);
        let start = globs.as_ref().map_or_else(|| literal_start(&hir), Globs::start);
        let slice = Slice::new(&hir);
        let answered = match need {
            Need::Groups => slice.is_some(),
            Need::Match => globs.is_some(),
        };
        let engine = if answered { None } else { Some(engine(&format!("^(?s:{bare})$"))?) };
        Ok(Some(Self { start, globs, slice, engine }))
    }

    /// Compiles a selector's regex, where `.*` has no special part.
    ///
    /// # Errors
    /// As [`Pattern::compile`].
    pub(super) fn compile_selector(regex: &str) -> Result<Self, RelabelCause> {
        let globs = || Globs::new(&any_text());
        let any = || Self { start: String::new(), globs: globs(), slice: None, engine: None };
        Ok(Self::compile(regex, Need::Match)?.unwrap_or_else(any))
    }

    /// Whether a text that starts with `start` can match.
    pub(super) fn may_match(&self, start: &str) -> bool {
        let len = start.len().min(self.start.len());
        len == 0 || start.as_bytes()[..len] == self.start.as_bytes()[..len]
    }

    /// Whether a text matches as a whole.
    pub(super) fn is_match(&self, text: &str) -> bool {
        if !text::starts_with(text, &self.start) {
            return false;
        }
        match (&self.globs, &self.engine) {
            (Some(globs), _) => globs.is_match(text),
            (None, Some(engine)) => engine.is_match(text),
            (None, None) => self.slice.as_ref().is_some_and(|slice| slice.cut(text).is_some()),
        }
    }

    /// The groups of a text that matches as a whole.
    pub(super) fn groups<'a>(&self, text: &'a str) -> Option<Groups<'a>> {
        if let Some(slice) = &self.slice {
            return slice.cut(text).map(|group| Groups::Slice { whole: text, group });
        }
        if self.globs.as_ref().is_some_and(|globs| !globs.is_match(text)) {
            return None;
        }
        self.engine.as_ref()?.captures(text).map(Groups::Engine)
    }
}

impl<'a> Groups<'a> {
    /// The text of a group by number, `None` where it took no part or is not there.
    pub(super) fn index(&self, index: usize) -> Option<&'a str> {
        match self {
            Self::Engine(groups) => groups.get(index).map(|group| group.as_str()),
            Self::Slice { whole, .. } if index == 0 => Some(whole),
            Self::Slice { group, .. } if index == 1 => Some(group),
            Self::Slice { .. } => None,
        }
    }

    /// The text of a group by name. The shapes are only taken for groups without one.
    pub(super) fn name(&self, name: &str) -> Option<&'a str> {
        match self {
            Self::Engine(groups) => groups.name(name).map(|group| group.as_str()),
            Self::Slice { .. } => None,
        }
    }
}

/// Compiles a pattern that may match anywhere, for `replace_all` and `labelmap_all`. Its dot does
/// not match a line break, as in vmagent.
///
/// # Errors
/// [`RelabelCause::Regex`] where it does not parse or its program would be too large.
pub(super) fn unanchored(regex: &str) -> Result<Regex, RelabelCause> {
    // A regex that means `(.*)` loses its group here, as in vmagent.
    let is_default = glob::is_default(&parse(strip_anchors(regex))?);
    engine(if is_default { ".*" } else { regex })
}

/// Removes the anchors at both ends of a pattern that will be anchored anyway.
///
/// Source: vmagent's `RemoveStartEndAnchors`.
fn strip_anchors(pattern: &str) -> &str {
    let mut pattern = pattern.trim_start_matches('^');
    while let Some(shorter) = pattern.strip_suffix('$').filter(|p| !p.ends_with('\\')) {
        pattern = shorter;
    }
    pattern
}

fn literal_start(hir: &Hir) -> String {
    let first = match hir.kind() {
        HirKind::Concat(parts) => parts.first().map(Hir::kind),
        kind => Some(kind),
    };
    match first {
        Some(HirKind::Literal(text)) => String::from_utf8(text.0.to_vec()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn any_text() -> Hir {
    use regex_syntax::hir::{Dot, Repetition};
    let sub = Box::new(Hir::dot(Dot::AnyChar));
    Hir::repetition(Repetition { min: 0, max: None, greedy: true, sub })
}

fn parse(regex: &str) -> Result<Hir, RelabelCause> {
    let mut parser = ParserBuilder::new().dot_matches_new_line(true).build();
    parser.parse(regex).map_err(|error| RelabelCause::Regex {
        regex: regex.to_owned(),
        reason: match error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            error => error.to_string(),
        },
    })
}

fn engine(regex: &str) -> Result<Regex, RelabelCause> {
    Regex::new(regex).map_err(|error| RelabelCause::Regex {
        regex: regex.to_owned(),
        reason: match error {
            regex::Error::CompiledTooBig(max) => format!("its program is larger than {max} bytes"),
            error => error.to_string(),
        },
    })
}

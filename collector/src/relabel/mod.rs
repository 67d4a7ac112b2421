//! Relabel rules, compiled once and applied to many label sets.
//!
//! Owns what each rule does: Prometheus' actions and vmagent's additions, with vmagent's results
//! where the two differ. Never knows where labels came from or go to; no clock, socket or file.
//! Invariants: applying never fails and never panics, whatever the labels hold; the same rules on
//! the same labels give the same result; a rule that changes nothing allocates nothing but what
//! joining several source labels needs.
//! Called by discovery on each discovered target and by the series room on each new series.
//!
//! An empty value means that a label is absent. Inside one pass over the rules a label that a rule
//! emptied still has a name, as in vmagent: a later `labelmap` copies its empty value. `State`
//! keeps those names apart, so that [`Labels`] holds its own invariant at every step.

mod act;
mod compile;
mod glob;
mod graphite;
mod pattern;
mod selector;
mod template;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::sync::Arc;

use runnel_config::settings::RelabelRule;

use crate::labels::Labels;
use act::State;
use compile::Rule;

/// Compiled rules, in the order they are applied. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Rules(Arc<[Rule]>);

/// What became of a label set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A rule dropped it, or removed its last label.
    Drop {
        /// Index of that rule, from 0.
        rule: usize,
    },
    /// It goes on, as the rules left it.
    Keep,
}

/// Memory that one caller reuses from one label set to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    joined: String,
    filled: String,
    value: String,
    name: String,
}

/// A rule that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelabelError {
    /// Index of the rule, from 0.
    pub rule: usize,
    /// Where the rule stands, `file:line`.
    pub place: String,
    /// What is wrong with it.
    pub cause: RelabelCause,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelabelCause {
    /// `hashmod` by zero.
    Modulus,
    /// A regex that does not parse or is too large.
    Regex {
        /// The regex as written.
        regex: String,
        /// The engine's reason.
        reason: String,
    },
}

impl Rules {
    /// Compiles rules.
    ///
    /// # Errors
    /// [`RelabelError`] for the first rule with a regex that does not compile or a zero modulus.
    pub fn compile(rules: &[RelabelRule]) -> Result<Self, RelabelError> {
        let compiled = rules.iter().enumerate().map(|(index, rule)| {
            compile::rule(rule, names_matter(rules.get(index + 1..).unwrap_or_default()))
                .map_err(|cause| RelabelError { rule: index, place: rule.place.clone(), cause })
        });
        Ok(Self(compiled.collect::<Result<_, _>>()?))
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of rules.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Where a rule stands, `file:line`; empty for an index beyond the rules.
    pub fn place(&self, rule: usize) -> &str {
        self.0.get(rule).map_or("", |rule| &rule.place)
    }

    /// Applies all rules to a label set. After [`Verdict::Drop`] the labels are as that rule saw
    /// or left them.
    pub fn apply(&self, labels: &mut Labels) -> Verdict {
        self.apply_with(labels, &mut Scratch::default())
    }

    /// The same as [`Rules::apply`], with memory that the caller keeps for the next set.
    pub fn apply_with(&self, labels: &mut Labels, scratch: &mut Scratch) -> Verdict {
        let mut state = State::new(labels, scratch);
        // The rule that took the last label, until a later one writes a new label.
        let mut bare_since = None;
        for (index, rule) in self.0.iter().enumerate() {
            if !rule.act(&mut state) || state.is_bare_for_good() {
                return Verdict::Drop { rule: index };
            }
            match (state.has_labels(), bare_since) {
                (true, Some(_)) => bare_since = None,
                (false, None) => bare_since = Some(index),
                _ => {}
            }
        }
        bare_since.map_or(Verdict::Keep, |rule| Verdict::Drop { rule })
    }
}

/// Whether one of `later` looks at the names of all labels, so that it matters which labels an
/// earlier rule emptied.
fn names_matter(later: &[RelabelRule]) -> bool {
    use runnel_config::settings::RelabelAction::{LabelDrop, LabelKeep, LabelMap};
    later.iter().any(|rule| matches!(rule.action, LabelDrop | LabelKeep | LabelMap))
}

impl fmt::Display for RelabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot compile relabel rule {} at {}: ", self.rule + 1, self.place)?;
        match &self.cause {
            RelabelCause::Modulus => f.write_str("modulus is 0, expected at least 1"),
            RelabelCause::Regex { regex, reason } => write!(f, "regex `{regex}`: {reason}"),
        }
    }
}

impl std::error::Error for RelabelError {}

/// Compiles rules made of `data` and applies them to labels made of it: the fuzz entry.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut fields = text.split('\0');
    let mut next = || fields.next().unwrap_or_default().to_owned();
    let labels: Labels = (0..4).map(|_| (next(), next())).filter(|(n, _)| !n.is_empty()).collect();
    let rules: Vec<RelabelRule> = (0..3)
        .map(|_| {
            let kind = next().bytes().next().unwrap_or_default();
            compile::fuzz_rule(kind, [next(), next(), next(), next(), next(), next()])
        })
        .collect();
    if let Ok(rules) = Rules::compile(&rules) {
        rules.apply(&mut labels.clone());
    }
}

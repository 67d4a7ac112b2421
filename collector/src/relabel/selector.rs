//! vmagent's `if`: series selectors that decide whether a rule acts.
//!
//! Owns how a matcher compares. Never knows the rule. A missing label has the empty value; only
//! `__name__` is different: a set without a name is not equal to any name, not even the empty one.
//! Source: vmagent's `if_expression.go`.

use runnel_config::settings::{LabelMatch, MatchOp, Selector};

use super::RelabelCause;
use super::pattern::Pattern;
use super::text::same;
use crate::labels::Labels;

/// Selectors of which one must hold; none at all always hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition(Box<[Box<[Matcher]>]>);

#[derive(Clone, Debug)]
struct Matcher {
    name: String,
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Equal(String),
    Regex(Pattern),
}

impl Condition {
    /// Compiles the selectors of one rule.
    ///
    /// # Errors
    /// [`RelabelCause::Regex`] where a matcher's regex does not compile.
    pub(super) fn compile(selectors: &[Selector]) -> Result<Self, RelabelCause> {
        let alternatives = selectors.iter().flat_map(|selector| &selector.alternatives);
        let compiled = alternatives.map(|matches| matches.iter().map(Matcher::compile).collect());
        Ok(Self(compiled.collect::<Result<_, _>>()?))
    }

    /// Whether the rule acts on these labels.
    pub(super) fn holds(&self, labels: &Labels) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|matchers| matchers.iter().all(|matcher| matcher.holds(labels)))
    }
}

impl Matcher {
    fn compile(from: &LabelMatch) -> Result<Self, RelabelCause> {
        let test = match from.op {
            MatchOp::Equal | MatchOp::NotEqual => Test::Equal(from.value.clone()),
            MatchOp::NotRegex | MatchOp::Regex => {
                Test::Regex(Pattern::compile_selector(&from.value)?)
            }
        };
        let negated = matches!(from.op, MatchOp::NotEqual | MatchOp::NotRegex);
        Ok(Self { name: from.name.clone(), negated, test })
    }

    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.value(&self.name);
        let same = match &self.test {
            Test::Equal(_) if value.is_empty() && self.name == "__name__" => false,
            Test::Equal(expected) => same(value, expected),
            Test::Regex(pattern) => pattern.is_match(value),
        };
        same != self.negated
    }
}

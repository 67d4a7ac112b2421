//! What each rule does to a label set.
//!
//! Owns the actions. Never knows how a rule was written. Called by `Rules::apply`, once per rule.
//! Source of each action's result: vmagent's `promrelabel/relabel.go`.

use twox_hash::XxHash64;

use super::Scratch;
use super::compile::{Op, Replacement, Rule, Source, Target};
use super::graphite;
use super::pattern::{Groups, Pattern};
use super::template::{self, Template};
use super::text::same;
use crate::labels::Labels;

/// A label set on its way through the rules.
pub(super) struct State<'a> {
    labels: &'a mut Labels,
    scratch: &'a mut Scratch,
    /// Labels whose value a rule emptied. They are absent for all but the rules that look at all
    /// names, and kept only where such a rule follows.
    emptied: Vec<String>,
    keeps_emptied: bool,
}

impl<'a> State<'a> {
    pub(super) fn new(labels: &'a mut Labels, scratch: &'a mut Scratch) -> Self {
        Self { labels, scratch, emptied: Vec::new(), keeps_emptied: false }
    }

    /// Whether a label with a value is left.
    pub(super) fn has_labels(&self) -> bool {
        !self.labels.is_empty()
    }

    /// Whether a rule removed the last label, emptied ones included: no later rule is applied.
    pub(super) fn is_bare_for_good(&self) -> bool {
        self.labels.is_empty() && self.emptied.is_empty() && self.keeps_emptied
    }

    /// Writes a label. A label without a name is never kept.
    fn set(&mut self, name: &str, value: &str) {
        if name.is_empty() {
            return;
        }
        self.labels.set(name, value);
        let known = self.emptied.iter().position(|emptied| emptied == name);
        match (value.is_empty(), known) {
            (true, None) if self.keeps_emptied => self.emptied.push(name.to_owned()),
            (false, Some(at)) => drop(self.emptied.swap_remove(at)),
            _ => {}
        }
    }
}

impl Rule {
    /// Applies the rule; says no when it drops the label set.
    pub(super) fn act(&self, state: &mut State<'_>) -> bool {
        if !self.condition.holds(state.labels) {
            return !self.drops_unselected;
        }
        state.keeps_emptied = self.names_matter;
        self.op.act(state)
    }
}

impl Op {
    fn act(&self, state: &mut State<'_>) -> bool {
        match self {
            Self::DropAll => return false,
            Self::IfContains { from, target, keep } => {
                return from.in_target(state, target) == *keep;
            }
            Self::IfEqual { from, keep } => return from.all_equal(state.labels) == *keep,
            Self::IfMatch { from, pattern, keep } => {
                // Most sets are told apart by the first source; joining them all costs more.
                if !pattern.may_match(from.first(state.labels)) {
                    return !*keep;
                }
                let value = from.join(state.labels, &mut state.scratch.joined);
                return pattern.is_match(value) == *keep;
            }
            Self::IfTarget { from, target, keep } => {
                let value = from.join(state.labels, &mut state.scratch.joined);
                return same(value, state.labels.value(target)) == *keep;
            }
            Self::KeepAll => {}
            Self::Case { from, target, upper } => {
                from.write(state, target, |value, out| change_case(value, *upper, out));
            }
            Self::Copy { from, target } => {
                from.write(state, target, |value, out| out.push_str(value));
            }
            Self::Graphite { pattern, labels } => map_graphite(state, pattern, labels),
            Self::HashMod { from, target, modulus } => from.write(state, target, |value, out| {
                // vmagent's hash, not Prometheus' MD5.
                let hash = XxHash64::oneshot(0, value.as_bytes()) % modulus;
                out.push_str(&hash.to_string());
            }),
            Self::LabelMap { pattern, to } => map_labels(state, pattern.as_ref(), to),
            Self::LabelMapAll { regex, to } => map_all_labels(state, regex, to),
            Self::LabelRemove { pattern, matching } => {
                let matches =
                    |name: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
                state.labels.retain(|label| matches(&label.name) != *matching);
                state.emptied.retain(|name| matches(name) != *matching);
                // Here vmagent stops when no label is left.
                state.keeps_emptied = true;
            }
            Self::Replace { from, pattern, target, to } => {
                replace(state, from, pattern.as_ref(), target, to);
            }
            Self::ReplaceAll { from, regex, target, to } => {
                replace_all(state, from, regex, target, to);
            }
            Self::Set { target, text } => state.set(target, text),
        }
        true
    }
}

impl Source {
    /// The joined value; borrows from the labels where there is one source.
    fn join<'a>(&self, labels: &'a Labels, joined: &'a mut String) -> &'a str {
        if let [name] = &*self.names {
            return labels.value(name);
        }
        joined.clear();
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 {
                joined.push_str(&self.separator);
            }
            joined.push_str(labels.value(name));
        }
        joined
    }

    /// What the joined value starts with.
    fn first<'a>(&self, labels: &'a Labels) -> &'a str {
        self.names.first().map_or("", |name| labels.value(name))
    }

    /// Writes what `make` makes of the joined value.
    fn write(&self, state: &mut State<'_>, target: &str, make: impl FnOnce(&str, &mut String)) {
        let mut value = std::mem::take(&mut state.scratch.value);
        value.clear();
        make(self.join(state.labels, &mut state.scratch.joined), &mut value);
        state.set(target, &value);
        state.scratch.value = value;
    }

    fn all_equal(&self, labels: &Labels) -> bool {
        let mut values = self.names.iter().map(|name| labels.value(name));
        let first = values.next();
        first.is_none_or(|first| values.all(|value| same(value, first)))
    }

    fn in_target(&self, state: &State<'_>, target: &str) -> bool {
        let target = state.labels.value(target);
        self.names.iter().all(|name| target.contains(state.labels.value(name)))
    }
}

fn replace(
    state: &mut State<'_>,
    from: &Source,
    pattern: Option<&Pattern>,
    target: &Target,
    to: &Replacement,
) {
    let Scratch { joined, filled, value, name } = &mut *state.scratch;
    let (mut value, mut name) = (std::mem::take(value), std::mem::take(name));
    value.clear();
    name.clear();
    let source = from.join(state.labels, joined);
    let matched = match (pattern, target, to) {
        // A plain template with a pattern that only has to match.
        (Some(pattern), Target::Fixed(_), Replacement::Template(to)) if to.is_plain() => {
            let matched = pattern.is_match(source);
            to.plain_into(&mut value);
            matched
        }
        _ => match groups(pattern, source) {
            Some(groups) => {
                let as_filled = pattern.is_none() && matches!(target, Target::Fixed(_));
                expand(to, as_filled, &groups, state.labels, filled, &mut value);
                if let Target::Groups(target) = target {
                    target.expand(&groups, &mut name);
                }
                true
            }
            None => false,
        },
    };
    match target {
        _ if !matched => {}
        Target::Fixed(target) => state.set(target, &value),
        Target::Groups(_) => state.set(&name, &value),
    }
    (state.scratch.value, state.scratch.name) = (value, name);
}

/// The groups of a match; without a pattern, of `(.*)`.
fn groups<'a>(pattern: Option<&Pattern>, text: &'a str) -> Option<Groups<'a>> {
    match pattern {
        Some(pattern) => pattern.groups(text),
        None => Some(Groups::Slice { whole: text, group: text }),
    }
}

/// Appends the value of a `replace`.
///
/// vmagent fills labels in first and then reads the result as a template, so a `$` in a label's
/// value is a reference; only where the rule has neither a regex nor a `$` of its own, which
/// `as_filled` and the replacement say, is the filled text taken as it is.
fn expand(
    to: &Replacement,
    as_filled: bool,
    groups: &Groups<'_>,
    labels: &Labels,
    filled: &mut String,
    value: &mut String,
) {
    match to {
        Replacement::Template(template) => template.expand(groups, value),
        Replacement::Labels { text, groups: false } if as_filled => {
            template::fill(text, labels, value);
        }
        Replacement::Labels { text, .. } => {
            filled.clear();
            template::fill(text, labels, filled);
            Template::new(filled).expand(groups, value);
        }
    }
}

fn replace_all(
    state: &mut State<'_>,
    from: &Source,
    regex: &regex::Regex,
    target: &str,
    to: &Template,
) {
    let source = from.join(state.labels, &mut state.scratch.joined);
    let replaced = match regex.replace_all(source, to) {
        std::borrow::Cow::Owned(text) if text != source => text,
        _ => return,
    };
    state.set(target, &replaced);
}

/// Copies each label whose name matches to the name that the template makes of it.
///
/// A later copy sees what an earlier one of the same rule wrote, as in vmagent.
fn map_labels(state: &mut State<'_>, pattern: Option<&Pattern>, to: &Template) {
    let mut copies = Vec::new();
    let names = state.labels.iter().map(|label| &label.name).chain(&state.emptied);
    for name in names {
        let mut new_name = String::new();
        match pattern {
            Some(pattern) if to.is_plain() => {
                if !pattern.is_match(name) {
                    continue;
                }
                to.plain_into(&mut new_name);
            }
            _ => match groups(pattern, name) {
                Some(groups) => to.expand(&groups, &mut new_name),
                None => continue,
            },
        }
        if new_name != *name {
            copies.push((name.clone(), new_name));
        }
    }
    for (name, new_name) in copies {
        let value = state.labels.value(&name).to_owned();
        state.set(&new_name, &value);
    }
}

/// Renames all labels; the later one in the order of the old names wins a clash.
fn map_all_labels(state: &mut State<'_>, regex: &regex::Regex, to: &Template) {
    if !state.labels.iter().any(|label| regex.is_match(&label.name)) {
        return;
    }
    let mut renamed = Labels::new();
    for label in state.labels.iter() {
        let name = regex.replace_all(&label.name, to);
        if !name.is_empty() {
            renamed.set(&name, &label.value);
        }
    }
    *state.labels = renamed;
}

fn map_graphite(
    state: &mut State<'_>,
    pattern: &graphite::Match,
    labels: &[(String, graphite::Value)],
) {
    // The groups borrow from the name, which a label of the rule may overwrite.
    let metric = state.labels.value("__name__").to_owned();
    let Some(groups) = pattern.groups(&metric) else { return };
    let mut text = String::new();
    for (name, value) in labels {
        text.clear();
        value.expand(&groups, &mut text);
        state.set(name, &text);
    }
}

/// Appends a text in upper or lower case, one character for one as Go does; a character whose
/// other case takes several stays as it is.
fn change_case(text: &str, upper: bool, out: &mut String) {
    for c in text.chars() {
        let changed = if upper { single(c.to_uppercase()) } else { single(c.to_lowercase()) };
        out.push(match c {
            'İ' if !upper => 'i',
            c => changed.unwrap_or(c),
        });
    }
}

fn single(mut chars: impl ExactSizeIterator<Item = char>) -> Option<char> {
    if chars.len() == 1 { chars.next() } else { None }
}

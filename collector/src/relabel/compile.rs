//! From a rule as written to the work it comes down to.
//!
//! Owns the choice of the cheapest form for each rule. Never applies one. Called by
//! `Rules::compile`, once per rule and configuration.
//! Source of the defaults and of each action's form: vmagent's `promrelabel/config.go`.

use regex::Regex;
use runnel_config::settings::{RelabelAction, RelabelRule};

use super::RelabelCause;
use super::graphite;
use super::pattern::{self, Need, Pattern};
use super::selector::Condition;
use super::template::Template;

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) condition: Condition,
    /// Whether label sets that the condition does not select are dropped: `keep` with `if`.
    pub(super) drops_unselected: bool,
    /// Whether a later rule looks at all names, see `State`.
    pub(super) names_matter: bool,
    pub(super) op: Op,
    pub(super) place: String,
}

/// What a rule does.
#[derive(Debug)]
pub(super) enum Op {
    /// Writes the joined value in one case.
    Case {
        from: Source,
        target: String,
        upper: bool,
    },
    /// Writes the joined value.
    Copy {
        from: Source,
        target: String,
    },
    /// Drops everything.
    DropAll,
    Graphite {
        pattern: graphite::Match,
        labels: Vec<(String, graphite::Value)>,
    },
    HashMod {
        from: Source,
        target: String,
        modulus: u64,
    },
    /// Does nothing.
    KeepAll,
    /// Keeps or drops when all sources are contained in the target.
    IfContains {
        from: Source,
        target: String,
        keep: bool,
    },
    /// Keeps or drops when all sources are equal.
    IfEqual {
        from: Source,
        keep: bool,
    },
    /// Keeps or drops when the joined value matches.
    IfMatch {
        from: Source,
        pattern: Pattern,
        keep: bool,
    },
    /// Keeps or drops when the joined value equals the target.
    IfTarget {
        from: Source,
        target: String,
        keep: bool,
    },
    LabelMap {
        pattern: Option<Pattern>,
        to: Template,
    },
    LabelMapAll {
        regex: Regex,
        to: Template,
    },
    /// Removes the labels whose name matches, or those whose name does not.
    LabelRemove {
        pattern: Option<Pattern>,
        matching: bool,
    },
    Replace {
        from: Source,
        pattern: Option<Pattern>,
        target: Target,
        to: Replacement,
    },
    ReplaceAll {
        from: Source,
        regex: Regex,
        target: String,
        to: Template,
    },
    /// Writes a fixed text.
    Set {
        target: String,
        text: String,
    },
}

/// Source labels and what joins their values.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) names: Box<[String]>,
    pub(super) separator: String,
}

/// The label that `replace` writes.
#[derive(Debug)]
pub(super) enum Target {
    Fixed(String),
    Groups(Template),
}

/// The value that `replace` writes.
#[derive(Debug)]
pub(super) enum Replacement {
    /// Holds `{{label}}`: it has to be filled before it is read as a template. `groups` says
    /// whether it held a `$` as written.
    Labels {
        text: String,
        groups: bool,
    },
    Template(Template),
}

/// Compiles one rule; `names_matter` says whether a later one looks at all names.
///
/// # Errors
/// A regex that does not compile, or a zero modulus.
pub(super) fn rule(rule: &RelabelRule, names_matter: bool) -> Result<Rule, RelabelCause> {
    use RelabelAction::{Keep, KeepMetrics};
    Ok(Rule {
        condition: Condition::compile(&rule.condition)?,
        drops_unselected: matches!(rule.action, Keep | KeepMetrics),
        names_matter,
        op: op(rule)?,
        place: rule.place.clone(),
    })
}

fn op(rule: &RelabelRule) -> Result<Op, RelabelCause> {
    use RelabelAction as Action;
    let from = || source(rule);
    let target = || rule.target_label.clone();
    let to = || Template::new(&rule.replacement);
    Ok(match rule.action {
        Action::Drop | Action::DropMetrics => if_match(rule, false)?,
        Action::DropEqual => Op::IfTarget { from: from(), target: target(), keep: false },
        Action::DropIfContains => Op::IfContains { from: from(), target: target(), keep: false },
        Action::DropIfEqual => Op::IfEqual { from: from(), keep: false },
        Action::Graphite => graphite(rule),
        Action::HashMod if rule.modulus == 0 => return Err(RelabelCause::Modulus),
        Action::HashMod => Op::HashMod { from: from(), target: target(), modulus: rule.modulus },
        Action::Keep | Action::KeepMetrics => if_match(rule, true)?,
        Action::KeepEqual => Op::IfTarget { from: from(), target: target(), keep: true },
        Action::KeepIfContains => Op::IfContains { from: from(), target: target(), keep: true },
        Action::KeepIfEqual => Op::IfEqual { from: from(), keep: true },
        Action::LabelDrop => Op::LabelRemove { pattern: matching(rule)?, matching: true },
        Action::LabelKeep => Op::LabelRemove { pattern: matching(rule)?, matching: false },
        Action::LabelMap => Op::LabelMap { pattern: groups(rule)?, to: to() },
        Action::LabelMapAll => Op::LabelMapAll { regex: unanchored(rule)?, to: to() },
        Action::Lowercase => Op::Case { from: from(), target: target(), upper: false },
        Action::Replace => replace(rule)?,
        Action::ReplaceAll => {
            Op::ReplaceAll { from: from(), regex: unanchored(rule)?, target: target(), to: to() }
        }
        Action::Uppercase => Op::Case { from: from(), target: target(), upper: true },
    })
}

fn source(rule: &RelabelRule) -> Source {
    use RelabelAction::{DropMetrics, KeepMetrics};
    let names = match rule.action {
        DropMetrics | KeepMetrics => ["__name__".to_owned()].into(),
        _ => rule.source_labels.as_slice().into(),
    };
    Source { names, separator: rule.separator.clone() }
}

fn if_match(rule: &RelabelRule, keep: bool) -> Result<Op, RelabelCause> {
    Ok(match (matching(rule)?, keep) {
        (Some(pattern), _) => Op::IfMatch { from: source(rule), pattern, keep },
        (None, true) => Op::KeepAll,
        (None, false) => Op::DropAll,
    })
}

fn replace(rule: &RelabelRule) -> Result<Op, RelabelCause> {
    let (target, text) = (rule.target_label.clone(), rule.replacement.as_str());
    let (groups_in_target, groups) = (target.contains('$'), text.contains('$'));
    let need = if groups_in_target || groups { Need::Groups } else { Need::Match };
    let pattern = compile(rule, need)?;
    if pattern.is_none() && !groups_in_target && !text.contains("{{") {
        match (text, groups) {
            ("$1", _) => return Ok(Op::Copy { from: source(rule), target }),
            (_, false) => return Ok(Op::Set { target, text: text.to_owned() }),
            _ => {}
        }
    }
    // A filled template may gain a `$` from a label's value, so groups are always at hand.
    let (pattern, to) = if text.contains("{{") {
        (groups_of(rule)?, Replacement::Labels { text: text.to_owned(), groups })
    } else {
        (pattern, Replacement::Template(Template::new(text)))
    };
    let target = if groups_in_target {
        Target::Groups(Template::new(&target))
    } else {
        Target::Fixed(target)
    };
    Ok(Op::Replace { from: source(rule), pattern, target, to })
}

fn graphite(rule: &RelabelRule) -> Op {
    let labels = rule.graphite_labels.iter();
    Op::Graphite {
        pattern: graphite::Match::new(&rule.graphite_match),
        labels: labels.map(|(name, value)| (name.clone(), graphite::Value::new(value))).collect(),
    }
}

fn matching(rule: &RelabelRule) -> Result<Option<Pattern>, RelabelCause> {
    compile(rule, Need::Match)
}

fn groups(rule: &RelabelRule) -> Result<Option<Pattern>, RelabelCause> {
    compile(rule, if rule.replacement.contains('$') { Need::Groups } else { Need::Match })
}

fn groups_of(rule: &RelabelRule) -> Result<Option<Pattern>, RelabelCause> {
    compile(rule, Need::Groups)
}

fn compile(rule: &RelabelRule, need: Need) -> Result<Option<Pattern>, RelabelCause> {
    rule.regex.as_deref().map_or(Ok(None), |regex| Pattern::compile(regex, need))
}

fn unanchored(rule: &RelabelRule) -> Result<Regex, RelabelCause> {
    pattern::unanchored(rule.regex.as_deref().unwrap_or(".*"))
}

/// A rule made of arbitrary texts, for the fuzz entry.
pub(super) fn fuzz_rule(kind: u8, texts: [String; 6]) -> RelabelRule {
    use runnel_config::settings::{LabelMatch, MatchOp, Selector};
    const ACTIONS: [RelabelAction; 20] = [
        RelabelAction::Drop,
        RelabelAction::DropEqual,
        RelabelAction::DropIfContains,
        RelabelAction::DropIfEqual,
        RelabelAction::DropMetrics,
        RelabelAction::Graphite,
        RelabelAction::HashMod,
        RelabelAction::Keep,
        RelabelAction::KeepEqual,
        RelabelAction::KeepIfContains,
        RelabelAction::KeepIfEqual,
        RelabelAction::KeepMetrics,
        RelabelAction::LabelDrop,
        RelabelAction::LabelKeep,
        RelabelAction::LabelMap,
        RelabelAction::LabelMapAll,
        RelabelAction::Lowercase,
        RelabelAction::Replace,
        RelabelAction::ReplaceAll,
        RelabelAction::Uppercase,
    ];
    let [source, separator, target, regex, replacement, value] = texts;
    let action = ACTIONS[usize::from(kind) % ACTIONS.len()];
    let op = if kind & 128 == 0 { MatchOp::Equal } else { MatchOp::NotRegex };
    let matcher = LabelMatch { name: source.clone(), op, value: value.clone() };
    let condition = vec![Selector { alternatives: vec![vec![matcher]] }];
    RelabelRule {
        action,
        source_labels: source.split(',').map(str::to_owned).collect(),
        separator,
        graphite_match: regex.clone(),
        graphite_labels: vec![(target.clone(), replacement.clone())],
        target_label: target,
        regex: Some(regex),
        modulus: u64::from(kind),
        replacement,
        condition: if kind & 64 == 0 { Vec::new() } else { condition },
        place: String::new(),
    }
}

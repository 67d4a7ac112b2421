//! Relabel rules.
//!
//! Owns: what each action needs and what it must not have, as Prometheus and vmagent demand it.
//! Called for each list of rules.

use super::view::View;
use crate::selector;
use crate::settings::{RelabelAction, RelabelRule, Selector};
use crate::yaml::Node;

use RelabelAction as Action;

/// All rules of a list below a key.
pub(super) fn rules(view: &View<'_>, key: &str) -> Vec<RelabelRule> {
    view.list(key).iter().map(rule).collect()
}

pub(super) fn rule(view: &View<'_>) -> RelabelRule {
    let word = view.word("action");
    let action = action_of(word);
    let rule = RelabelRule {
        action,
        source_labels: view.texts("source_labels"),
        separator: view.text("separator"),
        target_label: view.text("target_label"),
        regex: regex(view),
        modulus: view.count("modulus"),
        replacement: view.text("replacement"),
        condition: condition(view),
        graphite_match: view.text("match"),
        graphite_labels: view.pairs("labels"),
        place: view.cx.place(view.pos),
    };
    // Of an unknown action nothing is known to be missing.
    if !word.is_empty() {
        check(view, &rule);
    }
    rule
}

fn action_of(word: &str) -> Action {
    match word {
        "drop" => Action::Drop,
        "drop_if_contains" => Action::DropIfContains,
        "drop_if_equal" => Action::DropIfEqual,
        "drop_metrics" => Action::DropMetrics,
        "dropequal" => Action::DropEqual,
        "graphite" => Action::Graphite,
        "hashmod" => Action::HashMod,
        "keep" => Action::Keep,
        "keep_if_contains" => Action::KeepIfContains,
        "keep_if_equal" => Action::KeepIfEqual,
        "keep_metrics" => Action::KeepMetrics,
        "keepequal" => Action::KeepEqual,
        "labeldrop" => Action::LabelDrop,
        "labelkeep" => Action::LabelKeep,
        "labelmap" => Action::LabelMap,
        "labelmap_all" => Action::LabelMapAll,
        "lowercase" => Action::Lowercase,
        "replace_all" => Action::ReplaceAll,
        "uppercase" => Action::Uppercase,
        // The register knows no other word; one that is wrong has been reported.
        _ => Action::Replace,
    }
}

/// The action as it is written.
pub(crate) fn action_word(action: Action) -> &'static str {
    match action {
        Action::Drop => "drop",
        Action::DropEqual => "dropequal",
        Action::DropIfContains => "drop_if_contains",
        Action::DropIfEqual => "drop_if_equal",
        Action::DropMetrics => "drop_metrics",
        Action::Graphite => "graphite",
        Action::HashMod => "hashmod",
        Action::Keep => "keep",
        Action::KeepEqual => "keepequal",
        Action::KeepIfContains => "keep_if_contains",
        Action::KeepIfEqual => "keep_if_equal",
        Action::KeepMetrics => "keep_metrics",
        Action::LabelDrop => "labeldrop",
        Action::LabelKeep => "labelkeep",
        Action::LabelMap => "labelmap",
        Action::LabelMapAll => "labelmap_all",
        Action::Lowercase => "lowercase",
        Action::Replace => "replace",
        Action::ReplaceAll => "replace_all",
        Action::Uppercase => "uppercase",
    }
}

/// The regex; a list is joined by `|`, as vmagent does.
fn regex(view: &View<'_>) -> Option<String> {
    let node = view.node("regex")?;
    let text = match node.text() {
        Some(text) => text.to_owned(),
        None => view.texts("regex").join("|"),
    };
    view.cx
        .regexes
        .translate(&text)
        .map_err(|why| view.error("regex", format!("{text:?} does not compile: {why}")))
        .ok()
}

fn condition(view: &View<'_>) -> Vec<Selector> {
    let Some(node) = view.node("if") else { return Vec::new() };
    let one = |text: &Node| match selector::parse(text.text().unwrap_or_default()) {
        Ok(selector) => Some(selector),
        Err(why) => {
            view.cx.error(text.pos, &crate::check::join(&view.path, "if"), why);
            None
        }
    };
    match node.items() {
        [] => one(node).into_iter().collect(),
        items => items.iter().filter_map(one).collect(),
    }
}

/// What an action asks of one key.
#[derive(Clone, Copy, PartialEq)]
enum Ask {
    Any,
    Must,
    Not,
}

/// Source: `relabel.Config.Validate` of Prometheus, `parseRelabelConfig` of vmagent. A key that
/// the action would not look at is refused as Prometheus does; a `keep` or `drop` without a regex,
/// which only vmagent refuses, is accepted.
fn check(view: &View<'_>, rule: &RelabelRule) {
    use Ask::{Any, Must, Not};
    let selected = view.has("if");
    // Columns: source_labels, target_label, regex.
    let (source, target, regex) = match rule.action {
        Action::Drop | Action::Keep if selected => (Any, Any, Any),
        Action::Drop | Action::Keep => (Must, Any, Any),
        Action::DropEqual | Action::KeepEqual => (Must, Must, Not),
        Action::DropIfContains | Action::KeepIfContains => (Must, Must, Not),
        Action::DropIfEqual | Action::KeepIfEqual => (Must, Not, Not),
        Action::DropMetrics | Action::KeepMetrics if selected => (Not, Any, Any),
        Action::DropMetrics | Action::KeepMetrics => (Not, Any, Must),
        Action::Graphite => (Not, Not, Not),
        Action::HashMod => (Must, Must, Any),
        Action::LabelDrop | Action::LabelKeep => (Not, Not, Any),
        Action::LabelMap | Action::LabelMapAll => (Any, Any, Any),
        Action::Lowercase | Action::Uppercase => (Must, Must, Any),
        Action::Replace => (Any, Must, Any),
        Action::ReplaceAll => (Must, Must, Any),
    };
    let word = action_word(rule.action);
    for (key, ask) in [("source_labels", source), ("target_label", target), ("regex", regex)] {
        let given = match key {
            "source_labels" => !rule.source_labels.is_empty(),
            "target_label" => !rule.target_label.is_empty(),
            _ => view.has("regex"),
        };
        match ask {
            Must if !given => view.error_here(format!("`{key}` is missing, which `{word}` needs")),
            Not if given => view.error(key, format!("`{word}` takes no `{key}`")),
            _ => {}
        }
    }
    check_action(view, rule, word);
}

/// What is special to an action.
fn check_action(view: &View<'_>, rule: &RelabelRule, word: &str) {
    let refuse = |keys: &[&str]| {
        for key in keys.iter().filter(|key| view.has(key)) {
            view.error(key, format!("`{word}` takes no `{key}`"));
        }
    };
    match rule.action {
        Action::DropIfEqual | Action::KeepIfEqual if rule.source_labels.len() == 1 => {
            view.error("source_labels", format!("found one label, `{word}` needs two or more"));
        }
        Action::HashMod if rule.modulus == 0 => {
            view.error("modulus", "found 0, `hashmod` needs a modulus above 0");
        }
        Action::DropEqual | Action::KeepEqual => refuse(&["modulus", "replacement", "separator"]),
        Action::LabelDrop | Action::LabelKeep => refuse(&["modulus", "replacement", "separator"]),
        Action::Graphite => {
            refuse(&["replacement"]);
            if rule.graphite_match.is_empty() {
                view.error_here("`match` is missing, which `graphite` needs");
            }
            if rule.graphite_labels.is_empty() {
                view.error_here("`labels` is missing, which `graphite` needs");
            }
        }
        _ => {}
    }
    if rule.action != Action::Graphite {
        refuse(&["match", "labels"]);
    }
    let names = rule.source_labels.iter().map(|name| ("source_labels", name));
    for (key, name) in names.chain([("target_label", &rule.target_label)]) {
        let broken = name.chars().any(char::is_control);
        if broken || name.is_empty() && key == "source_labels" {
            view.error(key, format!("found {name:?}, expected the name of a label"));
        }
    }
}

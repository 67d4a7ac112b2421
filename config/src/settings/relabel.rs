//! Relabel rules as data. What they do stands in the collector's `relabel`.

use std::hash::{Hash, Hasher};

/// One relabel rule, checked: its regexes compile, its required keys are there.
///
/// Two rules are equal when they do the same: their places do not count, so that a line inserted
/// above a job is no change of the job.
#[derive(Clone, Debug)]
pub struct RelabelRule {
    /// What the rule does.
    pub action: RelabelAction,
    /// Labels whose values are joined.
    pub source_labels: Vec<String>,
    /// What joins them.
    pub separator: String,
    /// Label that is written; may hold `{{label}}` placeholders for `replace` (vmagent).
    pub target_label: String,
    /// Regex in the syntax of the `regex` crate, translated from RE2, not yet anchored; `None`
    /// where the file gave none (means `(.*)`).
    pub regex: Option<String>,
    /// Divisor of `hashmod`.
    pub modulus: u64,
    /// Replacement with `$1` and `${1}` references; may hold `{{label}}` placeholders (vmagent).
    pub replacement: String,
    /// vmagent's `if`: the rule acts only on series that one of these selects; empty means all.
    pub condition: Vec<Selector>,
    /// `graphite`: pattern with `*` wildcards against the metric name.
    pub graphite_match: String,
    /// `graphite`: labels written, with `$1` references.
    pub graphite_labels: Vec<(String, String)>,
    /// Where the rule stands, for messages: `file:line`.
    pub place: String,
}

// === impl RelabelRule ===

impl RelabelRule {
    /// Everything but the place. Taking the rule apart makes a new field a compile error here.
    fn meaning(&self) -> impl PartialEq + Hash + '_ {
        let Self {
            action,
            source_labels,
            separator,
            target_label,
            regex,
            modulus,
            replacement,
            condition,
            graphite_match,
            graphite_labels,
            place: _,
        } = self;
        let written = (target_label, modulus, replacement);
        let graphite = (graphite_match, graphite_labels);
        (action, source_labels, separator, regex, condition, written, graphite)
    }
}

impl PartialEq for RelabelRule {
    fn eq(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }
}

impl Eq for RelabelRule {}

impl Hash for RelabelRule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.meaning().hash(state);
    }
}

/// What a relabel rule does. Source: Prometheus' and vmagent's relabeling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelabelAction {
    /// Drops when the regex matches the joined value.
    Drop,
    /// Drops when all source labels' values are equal (vmagent).
    DropIfEqual,
    /// Drops when the target label's value contains all source values (vmagent).
    DropIfContains,
    /// Drops when the metric name matches the regex (vmagent).
    DropMetrics,
    /// Drops when the target label's value equals the joined value (Prometheus).
    DropEqual,
    /// Maps a graphite name to labels (vmagent).
    Graphite,
    /// Writes the joined value's hash modulo `modulus`.
    HashMod,
    /// Keeps only when the regex matches the joined value.
    Keep,
    /// Keeps only when the target label's value equals the joined value (Prometheus).
    KeepEqual,
    /// Keeps only when the target label's value contains all source values (vmagent).
    KeepIfContains,
    /// Keeps only when all source labels' values are equal (vmagent).
    KeepIfEqual,
    /// Keeps only when the metric name matches the regex (vmagent).
    KeepMetrics,
    /// Removes labels whose name matches.
    LabelDrop,
    /// Removes labels whose name does not match.
    LabelKeep,
    /// Copies labels whose name matches to the replacement name.
    LabelMap,
    /// Replaces all matches inside label names (vmagent).
    LabelMapAll,
    /// Writes the joined value in lower case.
    Lowercase,
    /// Writes the replacement when the regex matches the joined value.
    Replace,
    /// Replaces all matches inside the joined value (vmagent).
    ReplaceAll,
    /// Writes the joined value in upper case.
    Uppercase,
}

/// One series selector: all its matchers must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector {
    /// Alternatives joined by `or`; one of them must hold as a whole.
    pub alternatives: Vec<Vec<LabelMatch>>,
}

/// One matcher of a selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelMatch {
    /// Label name; `__name__` for the metric name.
    pub name: String,
    /// How the value is compared.
    pub op: MatchOp,
    /// Value, or regex in the syntax of the `regex` crate, anchored on use.
    pub value: String,
}

/// How a matcher compares. A missing label has the empty value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `!~`
    NotRegex,
    /// `=~`
    Regex,
}

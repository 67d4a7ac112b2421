//! Keys of a relabel rule.

use super::{Kind, Section, key};

pub(crate) static RELABEL: Section = Section {
    title: "relabel_configs[]",
    about: "One relabel rule, with vmagent's actions beside Prometheus'. Regexes are RE2 and anchored on both sides.",
    groups: &[&[
        key(
            "action",
            Kind::OneOf(ACTIONS),
            "replace",
            "What the rule does; upper and lower case are the same.",
        ),
        key("source_labels", Kind::Texts, "", "Labels whose values are joined."),
        key("separator", Kind::Text, ";", "What joins them."),
        key(
            "regex",
            Kind::Regex,
            "(.*)",
            "What the joined value has to match. Numbered groups are for `replacement`.",
        ),
        key("target_label", Kind::Text, "", "Label that is written."),
        key(
            "replacement",
            Kind::Text,
            "$1",
            "What is written; `$1` and `${1}` are groups of the regex, `{{name}}` is the value of a label.",
        ),
        key("modulus", Kind::Count, "0", "Divisor of `hashmod`."),
        key("if", Kind::Selectors, "", "The rule acts only on series that are selected here."),
        key("match", Kind::Text, "", "`graphite`: pattern of the metric name, with `*`."),
        key("labels", Kind::Labels, "", "`graphite`: labels that are written, with `$1`."),
    ]],
};

/// All actions, as they are written.
const ACTIONS: &[&str] = &[
    "drop",
    "drop_if_contains",
    "drop_if_equal",
    "drop_metrics",
    "dropequal",
    "graphite",
    "hashmod",
    "keep",
    "keep_if_contains",
    "keep_if_equal",
    "keep_metrics",
    "keepequal",
    "labeldrop",
    "labelkeep",
    "labelmap",
    "labelmap_all",
    "lowercase",
    "replace",
    "replace_all",
    "uppercase",
];

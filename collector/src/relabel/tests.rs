//! One table per action, and the odd cases. A rule is written on one line:
//! `action | source=a,b | sep=; | target=x | regex=… | to=… | mod=n | if={a="b"} | match=… | label=…`.

use proptest::prelude::*;
use runnel_config::settings::{LabelMatch, MatchOp, RelabelAction, RelabelRule, Selector};

use super::*;

fn action(name: &str) -> RelabelAction {
    use RelabelAction as Action;
    match name {
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
        "replace" => Action::Replace,
        "replace_all" => Action::ReplaceAll,
        "uppercase" => Action::Uppercase,
        other => panic!("no action {other}"),
    }
}

pub(crate) fn rule(line: &str) -> RelabelRule {
    let mut fields = line.split(" | ");
    let mut rule = RelabelRule {
        action: action(fields.next().unwrap().trim()),
        source_labels: Vec::new(),
        separator: ";".to_owned(),
        target_label: String::new(),
        regex: None,
        modulus: 0,
        replacement: "$1".to_owned(),
        condition: Vec::new(),
        graphite_match: String::new(),
        graphite_labels: Vec::new(),
        place: "test:1".to_owned(),
    };
    for field in fields {
        let (key, value) = field.split_once('=').unwrap();
        let text = value.to_owned();
        match key.trim() {
            "source" => rule.source_labels = value.split(',').map(str::to_owned).collect(),
            "sep" => rule.separator = text,
            "target" => rule.target_label = text,
            "regex" => rule.regex = Some(text),
            "to" => rule.replacement = text,
            "mod" => rule.modulus = value.parse().unwrap(),
            "if" => rule.condition.push(selector(value)),
            "match" => rule.graphite_match = text,
            "label" => {
                let (name, value) = value.split_once(':').unwrap();
                rule.graphite_labels.push((name.to_owned(), value.to_owned()));
            }
            other => panic!("no field {other}"),
        }
    }
    rule
}

/// `{a="b", c=~"d"}`, alternatives joined by ` or `.
fn selector(text: &str) -> Selector {
    let inner = text.trim_matches(['{', '}']);
    let alternatives = inner.split(" or ").map(|all| all.split(", ").map(matcher).collect());
    Selector { alternatives: alternatives.collect() }
}

fn matcher(text: &str) -> LabelMatch {
    let (head, value) = text.strip_suffix('"').unwrap().split_once('"').unwrap();
    let name = head.trim_end_matches(['=', '!', '~']);
    let op = match &head[name.len()..] {
        "=" => MatchOp::Equal,
        "!=" => MatchOp::NotEqual,
        "=~" => MatchOp::Regex,
        "!~" => MatchOp::NotRegex,
        other => panic!("no operator {other}"),
    };
    LabelMatch { name: name.to_owned(), op, value: value.to_owned() }
}

/// `a=b c=d`; `_` in a value stands for a space, a name without `=` is the metric name.
pub(crate) fn labels(text: &str) -> Labels {
    let pairs = text.split_whitespace().map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.replace('_', " ")),
        None => ("__name__".to_owned(), pair.to_owned()),
    });
    pairs.collect()
}

fn compile(lines: &[&str]) -> Rules {
    let rules: Vec<_> = lines.iter().map(|line| rule(line)).collect();
    Rules::compile(&rules).unwrap()
}

/// Rules on separate lines; the expected text is `drop <index>` or the labels.
fn check(rules: &str, input: &str, expected: &str) {
    let lines: Vec<_> = rules.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut set = labels(input);
    let verdict = compile(&lines).apply(&mut set);
    let expected = match expected.strip_prefix("drop ") {
        Some(rule) => (Verdict::Drop { rule: rule.parse().unwrap() }, None),
        None => (Verdict::Keep, Some(labels(expected))),
    };
    let got = (verdict, (verdict == Verdict::Keep).then_some(set));
    assert_eq!(got, expected, "{rules} on {input}");
}

#[test]
fn replace() {
    for (rules, input, expected) in [
        // The default regex copies, joins, and empties when the source is missing.
        ("replace | source=a | target=b", "a=1", "a=1 b=1"),
        ("replace | source=a,b | target=c", "a=1 b=2", "a=1 b=2 c=1;2"),
        ("replace | source=a,b,x | sep=- | target=c", "a=1 b=2", "a=1 b=2 c=1-2-"),
        ("replace | source=a,b | sep= | target=c", "a=1 b=2", "a=1 b=2 c=12"),
        ("replace | source=x | target=b", "a=1 b=2", "a=1"),
        ("replace | source=x | target=b | regex=.+", "a=1 b=2", "a=1 b=2"),
        ("replace | source=x | target=b | regex=.*", "a=1 b=2", "a=1"),
        ("replace | source=a | target=b | regex=.*", "a=1", "a=1 b=1"),
        ("replace | source=a | target=b | regex=^(.*)$", "a=1", "a=1 b=1"),
        ("replace | target=b | to=x", "a=1", "a=1 b=x"),
        ("replace | target=a | to=", "a=1 b=2", "b=2"),
        ("replace | target=b | to=$0", "a=1 b=2", "a=1"),
        ("replace | source=a | target=b | to=<$1>", "a=1", "a=1 b=<1>"),
        // Anchored, whatever the pattern says itself.
        ("replace | source=a | target=b | regex=x | to=y", "a=xx", "a=xx"),
        ("replace | source=a | target=b | regex=^x$ | to=y", "a=x", "a=x b=y"),
        ("replace | source=a | target=b | regex=x|y | to=z", "a=xy", "a=xy"),
        ("replace | source=a | target=b | regex=^x|y$ | to=z", "a=xy", "a=xy"),
        ("replace | source=a | target=b | regex=x\\$$ | to=z", "a=x$", "a=x$ b=z"),
        // Groups.
        ("replace | source=a | target=b | regex=(x)(y)? | to=$1-$2-$3", "a=x", "a=x b=x--"),
        (
            "replace | source=a | target=b | regex=(\\w+):(\\d+) | to=${2}x$1",
            "a=h:9",
            "a=h:9 b=9xh",
        ),
        ("replace | source=a | target=b | regex=x(.*) | to=$1x", "a=xy", "a=xy"),
        ("replace | source=a | target=b | regex=x(?P<r>.*) | to=$r.", "a=xy", "a=xy b=y."),
        ("replace | source=a | target=b | regex=(?P<r>x.*) | to=${r}-$1", "a=xy", "a=xy b=xy-xy"),
        ("replace | source=a | target=b | regex=x((.*)) | to=$1$2", "a=xy", "a=xy b=yy"),
        (
            "replace | source=a | target=b | regex=x(.*) | to=$$1 $ ${1 ${} $-",
            "a=xy",
            "a=xy b=$1_$_${1_${}_$-",
        ),
        ("replace | source=a | target=b | regex=x(.*)z | to=$1", "a=xyz", "a=xyz b=y"),
        ("replace | source=a | target=b | regex=x(.+)z | to=$1", "a=xz", "a=xz"),
        ("replace | source=a | target=b | regex=x(.*)xz | to=$1", "a=xz", "a=xz"),
        // Groups in the target; an empty name is no label.
        ("replace | source=a | target=n_$1 | regex=(.+)", "a=x", "a=x n_x=x"),
        ("replace | source=a | target=n_$1", "a=x", "a=x n_x=x"),
        ("replace | source=a | target=${1} | regex=x(.*) | to=v", "a=x", "a=x"),
        ("replace | target=b;c. | to=v", "a=x", "a=x b;c.=v"),
        // Labels in the replacement.
        ("replace | target=b | to={{a}}-{{x}}.", "a=1", "a=1 b=1-."),
        ("replace | target=b | to={{a}}{{", "a=1", "a=1 b=1{{"),
        ("replace | target=b | to={{a}}", "a=$1", "a=$1 b=$1"),
        ("replace | source=c | target=b | to={{a}}$1", "a=$1. c=x", "a=$1. b=x.x c=x"),
        ("replace | source=c | target=b | regex=x(.+) | to={{a}}$1", "a=1 c=xy", "a=1 b=1y c=xy"),
        ("replace | target={{a}} | to=x", "a=1", "a=1 {{a}}=x"),
        // A label written by one rule is seen by the next.
        (
            "replace | source=a | target=b | to=-$1\nreplace | source=b | target=c | to=-$1",
            "a=1",
            "a=1 b=-1 c=--1",
        ),
        // Removing all labels drops, unless a later rule writes one.
        ("replace | target=b | to=\nreplace | target=a | to=", "a=1", "drop 1"),
        ("replace | target=a | to=\nreplace | target=b | to=x", "a=1", "b=x"),
    ] {
        check(rules, input, expected);
    }
}

#[test]
fn replace_all() {
    for (rules, input, expected) in [
        ("replace_all | source=a | target=a | regex=- | to=.", "a=x-y-z", "a=x.y.z"),
        ("replace_all | source=a,b | target=c | regex=(;) | to=<$1>", "a=x b=y", "a=x b=y c=x<;>y"),
        ("replace_all | source=a | target=a | regex=^x | to=y", "a=xx", "a=yx"),
        ("replace_all | source=a | target=c | regex=q | to=y", "a=xx", "a=xx"),
        ("replace_all | source=a | target=c | regex=b* | to=x", "a=baac", "a=baac c=xaxaxcx"),
        ("replace_all | source=a | target=c | regex=a* | to=x", "a=baac", "a=baac c=xbxcx"),
        // The default regex has no group here, so `$1` is empty.
        ("replace_all | source=a | target=c", "a=xx c=1", "a=xx"),
        ("replace_all | source=q | target=c", "a=xx c=1", "a=xx c=1"),
    ] {
        check(rules, input, expected);
    }
}

#[test]
fn keep_and_drop() {
    for (rules, input, expected) in [
        ("keep | source=a | regex=x|y", "a=y", "a=y"),
        ("keep | source=a | regex=x|y", "a=xy", "drop 0"),
        ("keep | source=a | regex=.+", "b=1", "drop 0"),
        ("keep | source=a | regex=", "b=1", "b=1"),
        ("keep | source=a", "b=1", "b=1"),
        ("drop | source=a | regex=x.*", "a=xy", "drop 0"),
        ("drop | source=a | regex=.*x.*", "a=axb", "drop 0"),
        ("drop | source=a | regex=.+x.+", "a=xb", "a=xb"),
        ("drop | source=a,b | regex=(x|y).*;z", "a=x1 b=z", "drop 0"),
        ("drop | source=a,b | regex=(x|y).*;z", "a=x1 b=q", "a=x1 b=q"),
        ("drop | source=a", "b=1", "drop 0"),
        ("keep_metrics | regex=x|y", "x a=1", "x a=1"),
        ("keep_metrics | regex=x|y", "z a=1", "drop 0"),
        ("drop_metrics | regex=x|y", "x a=1", "drop 0"),
        ("drop_metrics | regex=x|y", "z a=1", "z a=1"),
        ("keep | source=a | regex=x\ndrop | source=b | regex=y", "a=x b=y", "drop 1"),
    ] {
        check(rules, input, expected);
    }
}

#[test]
fn comparing_labels() {
    for (rules, input, expected) in [
        ("keep_if_equal | source=a,b", "a=1 b=1", "a=1 b=1"),
        ("keep_if_equal | source=a,b", "a=1", "drop 0"),
        ("keep_if_equal | source=x,y", "a=1", "a=1"),
        ("keep_if_equal | source=a,b,c", "a=1 b=1 c=2", "drop 0"),
        ("drop_if_equal | source=a,b", "a=1 b=1", "drop 0"),
        ("drop_if_equal | source=a,b", "a=1 b=2", "a=1 b=2"),
        ("drop_if_equal | source=x,y", "a=1", "drop 0"),
        ("keepequal | source=a | target=b", "a=1 b=1", "a=1 b=1"),
        ("keepequal | source=a | target=b", "a=1 b=2", "drop 0"),
        ("keepequal | source=a,c | target=b", "a=1 b=1;2 c=2", "a=1 b=1;2 c=2"),
        ("dropequal | source=a | target=b", "a=1 b=1", "drop 0"),
        ("dropequal | source=a | target=b", "a=1 b=2", "a=1 b=2"),
        ("keep_if_contains | source=a,b | target=c", "a=1 b=2 c=12", "a=1 b=2 c=12"),
        ("keep_if_contains | source=a,b | target=c", "a=1 b=3 c=12", "drop 0"),
        ("keep_if_contains | source=x | target=c", "c=1", "c=1"),
        ("drop_if_contains | source=a,b | target=c", "a=1 b=2 c=12", "drop 0"),
        ("drop_if_contains | source=a,b | target=c", "a=1 b=3 c=12", "a=1 b=3 c=12"),
        ("drop_if_contains | source=x | target=y", "a=1", "drop 0"),
    ] {
        check(rules, input, expected);
    }
}

#[test]
fn hashmod_is_the_hash_of_vmagent() {
    for (rules, input, expected) in [
        ("hashmod | source=a | target=h | mod=123", "a=yyy", "a=yyy h=73"),
        ("hashmod | source=x | target=h | mod=123", "a=yyy", "a=yyy h=81"),
        ("hashmod | source=a | target=h | mod=1", "a=yyy", "a=yyy h=0"),
    ] {
        check(rules, input, expected);
    }
}

#[test]
fn label_names() {
    for (rules, input, expected) in [
        ("labeldrop | regex=a.*", "a=1 ab=2 b=3", "b=3"),
        ("labeldrop | regex=a|b", "a=1 ab=2 b=3", "ab=2"),
        ("labelkeep | regex=a.+", "a=1 ab=2 b=3", "ab=2"),
        ("labelkeep | regex=x", "a=1", "drop 0"),
        ("labeldrop", "a=1", "drop 0"),
        ("labelmap | regex=m_(.+)", "m_=1 m_a=2 b=3", "m_=1 m_a=2 a=2 b=3"),
        ("labelmap | regex=m_(.*)", "m_=1 m_a=2", "m_=1 m_a=2 a=2"),
        ("labelmap | regex=m_(.+) | to=n_${1}_x", "m_a=2", "m_a=2 n_a_x=2"),
        ("labelmap | regex=(.)_(.) | to=${2}_$1", "a_b=2", "a_b=2 b_a=2"),
        ("labelmap | regex=a | to=b", "a=1 b=2 c=3", "a=1 b=1 c=3"),
        ("labelmap | to=x", "a=1 b=2", "a=1 b=2 x=2"),
        ("labelmap", "a=1 b=2", "a=1 b=2"),
        // A copy sees what an earlier copy of the same rule wrote.
        ("labelmap | regex=(?:a(b)|b(c)?) | to=$1$2", "ab=1 b=2", "ab=1 b=1"),
        ("labelmap_all | regex=\\. | to=-", "a.b.c=1 d=2", "a-b-c=1 d=2"),
        ("labelmap_all | regex=b(.) | to=${1}s", "a.bc.bd=1", "a.cs.ds=1"),
        ("labelmap_all | regex=\\. | to=-", "a-b=1 a.b=2", "a-b=2"),
        ("labelmap_all | regex=q | to=-", "a-b=1 a.b=2", "a-b=1 a.b=2"),
    ] {
        check(rules, input, expected);
    }
}

#[test]
fn an_emptied_label_keeps_its_name_for_rules_over_names() {
    for (rules, input, expected) in [
        ("replace | target=a | to=\nlabelmap | regex=a | to=b", "a=1 b=2 c=3", "c=3"),
        ("replace | target=x | to=\nlabelmap | regex=x | to=b", "b=2 c=3", "c=3"),
        (
            "replace | target=a | to=\nreplace | target=a | to=5\nlabelmap | regex=a | to=b",
            "a=1",
            "a=5 b=5",
        ),
        // vmagent goes on while an emptied label is left, and stops once none is.
        (
            "replace | target=a | to=\nlabelkeep | regex=a\nreplace | target=b | to=1",
            "a=1 c=1",
            "b=1",
        ),
        (
            "replace | target=a | to=\nlabelkeep | regex=x\nreplace | target=b | to=1",
            "a=1 c=1",
            "drop 1",
        ),
        ("labeldrop | regex=a\nreplace | target=b | to=1", "a=1", "drop 0"),
    ] {
        check(rules, input, expected);
    }
}

#[test]
fn case() {
    for (rules, input, expected) in [
        ("uppercase | source=a | target=a", "a=bAr1", "a=BAR1"),
        ("lowercase | source=a,b | target=c", "a=X b=Y", "a=X b=Y c=x;y"),
        ("lowercase | source=x | target=c", "a=X c=1", "a=X"),
        ("uppercase | source=a | target=a", "a=straße", "a=STRAßE"),
        ("lowercase | source=a | target=a", "a=ΟΔΟΣİ", "a=οδοσi"),
    ] {
        check(rules, input, expected);
    }
}

#[test]
fn graphite() {
    let rule = "graphite | match=foo.*.*.baz | label=__name__:aaa | label=j:${1}-x$2$9${9}$";
    for (rules, input, expected) in [
        (rule, "foo.b.c.baz", "aaa j=b-xc$9${9}$"),
        (rule, "foo.b.baz", "foo.b.baz"),
        (rule, "foo.b.c.bazz", "foo.b.c.bazz"),
        (rule, "a=1", "a=1"),
        ("graphite | match=*.b | label=j:$0/$1", "a.b", "a.b j=a.b/a"),
        ("graphite | match=a.* | label=j:$1", "a.b.c", "a.b.c"),
        ("graphite | match=a.* | label=j:$1", "a.b", "a.b j=b"),
        ("graphite | match=a | label=j:${x}${", "a", "a j=${x}${"),
    ] {
        check(rules, input, expected);
    }
}

#[test]
fn conditions() {
    for (rules, input, expected) in [
        ("replace | target=x | to=1 | if={a=\"1\"}", "a=1", "a=1 x=1"),
        ("replace | target=x | to=1 | if={a=\"1\"}", "a=2", "a=2"),
        ("replace | target=x | to=1 | if={a=\"1\", b=\"2\"}", "a=1 b=3", "a=1 b=3"),
        ("replace | target=x | to=1 | if={a=\"1\" or b=\"3\"}", "a=2 b=3", "a=2 b=3 x=1"),
        ("replace | target=x | to=1 | if={a=\"1\"} | if={b=\"3\"}", "a=2 b=3", "a=2 b=3 x=1"),
        ("replace | target=x | to=1 | if={a!=\"1\"}", "b=1", "b=1 x=1"),
        ("replace | target=x | to=1 | if={a=\"\"}", "b=1", "b=1 x=1"),
        ("replace | target=x | to=1 | if={a=~\"1|\"}", "b=1", "b=1 x=1"),
        ("replace | target=x | to=1 | if={a=~\".+\"}", "b=1", "b=1"),
        ("replace | target=x | to=1 | if={a!~\"1.*\"}", "a=12", "a=12"),
        ("replace | target=x | to=1 | if={a=~\".*\"}", "b=1", "b=1 x=1"),
        ("replace | target=x | to=1 | if={__name__=\"m\"}", "m", "m x=1"),
        ("replace | target=x | to=1 | if={__name__=~\"m|n\"}", "n", "n x=1"),
        ("replace | target=x | to=1 | if={__name__=\"\"}", "a=1", "a=1"),
        ("replace | target=x | to=1 | if={__name__!=\"\"}", "a=1", "a=1 x=1"),
        // A `keep` whose condition does not hold drops; the other actions do nothing.
        ("keep | if={a=\"1\"}", "a=2", "drop 0"),
        ("keep | if={a=\"1\"}", "a=1", "a=1"),
        ("keep_metrics | if={a=\"1\"}", "a=2", "drop 0"),
        ("keep_if_equal | source=a,b | if={a=\"1\"}", "a=2", "a=2"),
        ("drop | if={a=\"1\"}", "a=2", "a=2"),
        ("drop | if={a=\"1\"}", "a=1", "drop 0"),
        ("drop | source=b | regex=x | if={a=\"1\"}", "a=1", "a=1"),
    ] {
        check(rules, input, expected);
    }
}

/// Patterns, texts that match and texts that do not.
#[test]
fn patterns() {
    let all: &[(&str, &[&str], &[&str])] = &[
        ("", &[""], &["x"]),
        (".*", &["", "a", "a\nb"], &[]),
        (".+", &["a", "\n"], &[""]),
        (".", &["a", "\n", "ä"], &["", "ab"]),
        ("x.*", &["x", "xy"], &["ax"]),
        (".*x", &["x", "yx"], &["xa"]),
        ("x.+y", &["xay"], &["xy"]),
        ("ab.*bc", &["abbc", "abxbc"], &["abc"]),
        (".*a.+b.*", &["axb", "1axb1"], &["ab", "ba"]),
        (".+x.+", &["axb", "äxä"], &["xb", "ax", "x"]),
        (".+x.+", &["xxxx", "xxx"], &["xx"]),
        ("a|b|c|d|e|f", &["a", "f"], &["", "ab"]),
        ("(a|b)(c|d)?e*", &["a", "bd", "acee"], &["ae f", "c"]),
        ("(?i)ab|c", &["AB", "aB", "C"], &["a"]),
        ("[abc]x?", &["a", "bx"], &["x", "abx"]),
        ("a{2}", &["aa"], &["a", "aaa"]),
        (r"[0-9]+", &["12"], &["a"]),
        (r"\w+\.\S*", &["a.b"], &["a-b"]),
        (r"(?-u:\b)x(?-u:\b).", &["x-"], &["xy"]),
        (r"x\$$", &["x$"], &["x"]),
        ("^^a$$", &["a"], &["b"]),
        ("a^b", &[], &["ab", "a^b"]),
        ("(?s).(?-s).", &["\na"], &["a\n"]),
    ];
    for (pattern, yes, no) in all {
        let pattern_ = pattern::Pattern::compile_selector(pattern).unwrap();
        for text in *yes {
            assert!(pattern_.is_match(text), "{pattern} should match {text:?}");
        }
        for text in *no {
            assert!(!pattern_.is_match(text), "{pattern} should not match {text:?}");
        }
    }
}

#[test]
fn errors_say_what_and_where() {
    for (line, expected) in [
        (
            "keep | source=a | regex=(",
            "cannot compile relabel rule 2 at test:1: regex `(`: unclosed group",
        ),
        (
            "keep | if={a=~\"[\"}",
            "cannot compile relabel rule 2 at test:1: regex `[`: unclosed character class",
        ),
        (
            "replace_all | source=a | target=a | regex=*",
            "cannot compile relabel rule 2 at test:1: regex `*`: repetition operator missing expression",
        ),
        (
            "hashmod | source=a | target=a",
            "cannot compile relabel rule 2 at test:1: modulus is 0, expected at least 1",
        ),
    ] {
        let error = Rules::compile(&[rule("labeldrop | regex=x"), rule(line)]).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

proptest! {
    /// The shapes answer as the engine does.
    #[test]
    fn shapes_match_as_the_engine(
        parts in prop::collection::vec(
            prop::sample::select(vec!["a", "b", "ab", ".*", ".+", "(a|b)", "(.*)", "(.+)", "a?", "|", "[ab]", "."]), 0..6),
        texts in prop::collection::vec("[ab\n]{0,6}", 1..8),
    ) {
        let pattern = parts.concat();
        let engine = regex::Regex::new(&format!("^(?s:{pattern})$")).unwrap();
        let only_match = pattern::Pattern::compile_selector(&pattern).unwrap();
        let groups = pattern::Pattern::compile(&pattern, pattern::Need::Groups).unwrap();
        for text in texts {
            prop_assert_eq!(only_match.is_match(&text), engine.is_match(&text), "{} on {:?}", &pattern, &text);
            let Some(with_groups) = &groups else { continue };
            prop_assert_eq!(with_groups.is_match(&text), engine.is_match(&text));
            let expected = engine.captures(&text);
            let got = with_groups.groups(&text);
            prop_assert_eq!(got.is_some(), expected.is_some());
            if let (Some(got), Some(expected)) = (got, expected) {
                for index in 0..4 {
                    prop_assert_eq!(got.index(index), expected.get(index).map(|m| m.as_str()));
                }
            }
        }
    }

    /// No rule on no label set panics.
    #[test]
    fn nothing_panics(data in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz(&data);
    }

    /// The same with text that is mostly rules.
    #[test]
    fn no_rule_panics(parts in prop::collection::vec(
        prop::sample::select(vec!["\0", "\0", "\0", "a", "b,a", "$1", "${", "{{a}}", "(.*)", ".+", "[", "\\", "*.", "é"]), 0..80)
    ) {
        fuzz(parts.concat().as_bytes());
    }
}

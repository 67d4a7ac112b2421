use super::*;

fn check(text: &str, expected: &str) {
    let vars = |name: &str| match name {
        "CLUSTER" => Some("prod\n".to_owned()),
        "EMPTY" => Some(String::new()),
        "NESTED" => Some("${CLUSTER}".to_owned()),
        "lower" => Some("low".to_owned()),
        _ => None,
    };
    let shown = expand(text, &vars).unwrap_or_else(|(at, why)| format!("{at}: {why}"));
    assert_eq!(shown, expected, "for {text:?}");
}

#[test]
fn expansion() {
    check("${CLUSTER}", "prod");
    check("a-${CLUSTER}-${CLUSTER}b", "a-prod-prodb");
    check("${EMPTY}", "");
    check("${EMPTY:-x}", "");
    check("${GONE:-x y:z}", "x y:z");
    check("${GONE:-}", "");
    check("%{CLUSTER} %{lower}", "prod low");
    check("${NESTED}", "${CLUSTER}");
}

#[test]
fn left_alone() {
    for text in [
        "$1",
        "${1}",
        "$${1}",
        "${1}-${2}",
        "$",
        "%",
        "100%",
        "${",
        "%{",
        "${}",
        "${name}",
        "${lower}",
        "$CLUSTER",
        "%CLUSTER",
        "${A",
        "%{not a name}",
        "é${é}",
        "$$",
        "%%",
        "%{1}",
    ] {
        check(text, text);
    }
}

#[test]
fn escapes() {
    check("$${CLUSTER}", "${CLUSTER}");
    check("$${GONE:-x}", "${GONE:-x}");
    check("%%{CLUSTER}", "%{CLUSTER}");
    check("$$${CLUSTER}", "$${CLUSTER}");
}

#[test]
fn failures() {
    check(
        "ab${GONE}",
        "2: the variable GONE is not set: looked in the --vars directories, then in the \
         environment; `${GONE:-text}` gives a default",
    );
    check("${GONE:-x", "0: the default of the variable GONE has no closing \"}\"");
    check("${GONE:?x}", "0: after the variable GONE found \":\", expected \"}\" or \":-\"");
    check("${A:-${B}}", "0: the default of the variable A holds another variable");
}

#[test]
fn escaped_texts_come_back() {
    for text in
        ["${A}", "$${A}", "$$${A}", "%{a}", "${A:-b}", "${A:?", "${A:-", "$1 ${1} $", "a%%{B}${C}"]
    {
        assert_eq!(expand(&escape(text), &|_| None), Ok(text.to_owned()));
    }
}

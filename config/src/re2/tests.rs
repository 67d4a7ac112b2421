use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let once = translate(text).unwrap_or_else(|why| why);
    assert_eq!(once, expected, "for {text:?}");
}

#[track_caller]
fn check_matches(text: &str, value: &str, expected: bool) {
    let once = translate(text).unwrap();
    let twice = translate(&once).unwrap();
    assert_eq!(once, twice, "for {text:?}");
    let regex = Regex::new(&format!("^(?s:{once})$")).unwrap();
    assert_eq!(regex.is_match(value), expected, "for {text:?} as {once:?} on {value:?}");
}

#[test]
fn same_text() {
    for text in [
        "",
        "(.*)",
        "a|b",
        "a{2}",
        "a{2,}b{2,3}",
        "[a-z]+",
        "\\.",
        "(?i)x",
        "\\p{Greek}",
        "[[:alpha:]_]",
    ] {
        check(text, text);
    }
}

#[test]
fn differences() {
    check("{.+}", "\\{.+\\}");
    check("\\d+", "[0-9]+");
    check("[\\d_]", "[0-9_]");
    check("\\Qa.b\\Ec", "a\\.bc");
    check("\\<b\\>", "<b>");
    check("[[a]", "[\\[a]");
    check("[]a]", "[\\]a]");
    check("[a&&b]", "[a\\&\\&b]");
    check("\\bx", "(?-u:\\b)x");
}

#[test]
fn same_matches_as_re2() {
    check_matches("\\d", "٣", false);
    check_matches("\\w+", "é", false);
    check_matches("\\D", "٣", true);
    check_matches("[\\D]", "x", true);
    check_matches("[\\D]", "7", false);
    check_matches("[^\\d]", "7", false);
    check_matches("[\\s\\S]", "x", true);
    check_matches("a.b", "a\nb", true);
    check_matches("{a}", "{a}", true);
    check_matches("[a&&b]", "&", true);
    check_matches("[[:digit:]]", "5", true);
    check_matches("a)|(b", "a", true);
}

#[test]
fn refusals() {
    check("a(", "unclosed group");
    check("(?=a)", "look-around, including look-ahead and look-behind, is not supported");
    check("*", "repetition operator missing expression");
    check("a\\", "it ends in a backslash");
}

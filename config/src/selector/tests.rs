use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let shown = match parse(text) {
        Ok(selector) => {
            let shown = show(&selector);
            assert_eq!(parse(&shown), Ok(selector), "read back from {shown:?}");
            shown
        }
        Err(why) => why,
    };
    assert_eq!(shown, expected, "for {text:?}");
}

#[test]
fn selectors() {
    check("up", r#"{__name__="up"}"#);
    check(" foo:bar { a = \"b\" } ", r#"{__name__="foo:bar",a="b"}"#);
    check(r#"{a="b",c!="d",e=~"f.*",g!~"h"}"#, r#"{a="b",c!="d",e=~"f.*",g!~"h"}"#);
    check(r#"{a="b",}"#, r#"{a="b"}"#);
    check("{}", "{}");
    check("foo{}", r#"{__name__="foo"}"#);
    check(r#"{a="b" or c="d",e="f"}"#, r#"{a="b" or c="d",e="f"}"#);
    check(r#"foo{a="b" or c="d"}"#, r#"{__name__="foo",a="b" or __name__="foo",c="d"}"#);
    check(r#"{or="b"}"#, r#"{"or"="b"}"#);
}

#[test]
fn quotes_and_escapes() {
    check(r#"{"http.requests","a.b"="c"}"#, r#"{__name__="http.requests","a.b"="c"}"#);
    check("{a='b\"c',d=`e\\f`}", r#"{a="b\"c",d="e\\f"}"#);
    check(r#"{a="\t\n\x41\u00e9\\"}"#, "{a=\"\\t\\nAé\\\\\"}");
    check(r"foo\-bar{a\.b='c'}", r#"{__name__="foo-bar","a.b"="c"}"#);
    check(r#"{é="ü"}"#, r#"{"é"="ü"}"#);
}

#[test]
fn refusals() {
    check("", "found the end, expected a metric name or \"{\" at character 1 of \"\"");
    check("{", "found the end, expected a label name at character 2 of \"{\"");
    check("{a}", "found \"}\", expected =, !=, =~ or !~ at character 3 of \"{a}\"");
    check("{a=b}", "found \"b\", expected a quoted text at character 4 of \"{a=b}\"");
    check("{a='b", "found no closing ' at character 4 of \"{a='b\"");
    check("{a='b'} x", "found \"x\", expected the end at character 9 of \"{a='b'} x\"");
    check(
        "{a='b' c='d'}",
        "found \"c\", expected \",\", `or` or \"}\" at character 8 of \"{a='b' c='d'}\"",
    );
    check(
        "{a='b' or }",
        "found \"}\", expected a matcher behind `or` at character 11 of \"{a='b' or }\"",
    );
    check(
        "{a=~'('}",
        "the regex \"(\" does not compile: unclosed group at character 5 of \"{a=~'('}\"",
    );
    check(
        r"{a='\q'}",
        "found an unknown escape in a quoted text at character 4 of \"{a='\\\\q'}\"",
    );
}

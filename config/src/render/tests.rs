use super::scrape::mask_target;
use super::yaml::{Fields, Out, write};
use super::*;
use crate::yaml::{Node, Value, parse};

#[track_caller]
fn check_mask(text: &str, expected: &str) {
    assert_eq!(mask_url(text), expected, "for {text:?}");
}

#[test]
fn passwords_in_urls_are_masked() {
    check_mask("https://a.example/x?y=z", "https://a.example/x?y=z");
    check_mask("https://me@a.example/", "https://me@a.example/");
    check_mask("https://me:pw@a.example/x@y", "https://me:<secret>@a.example/x@y");
    check_mask("https://me:p@w@a.example", "https://me:<secret>@a.example");
    check_mask("https://:pw@a.example?q=a@b", "https://:<secret>@a.example?q=a@b");
    check_mask("http:me:pw@a.example", "<secret>");
    check_mask("http:///me:pw@a.example", "<secret>");
    check_mask("me:pw@:a", "<secret>");
    assert_eq!(mask_target("a.example:80"), "a.example:80");
    assert_eq!(mask_target("me:pw@a.example:80"), "<secret>");
}

/// The tree that is read back, printed as the writer's own structure.
fn back(node: &Node) -> Out {
    match &node.value {
        Value::Map(entries) => {
            Out::Map(entries.iter().map(|e| (e.key.clone(), back(&e.value))).collect())
        }
        Value::Scalar { text, .. } => Out::Text(text.clone()),
        Value::Seq(items) => Out::List(items.iter().map(back).collect()),
    }
}

#[test]
fn what_is_written_is_read_back() {
    let texts = [
        "",
        " ",
        "a",
        "true",
        "null",
        "~",
        "- a",
        "a: b",
        "a #b",
        "'",
        "\"",
        "\\",
        "\n",
        "a\tb",
        "\u{7}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}x",
        "é",
        "😀",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "{a}",
        "[a]",
        "|",
        ">",
        "?",
        "1",
        "1e3",
        "0x1",
        "2020-01-01",
        "<<",
        "=",
        "${1}",
    ];
    let mut fields = Fields::default();
    for text in texts {
        fields.text(&format!("key {text}"), text);
    }
    fields.put("list", Out::List(texts.map(|text| Out::Text(text.to_owned())).into()));
    fields.put("nested", Out::List(vec![Out::List(vec![Out::Map(vec![]), Out::List(vec![])])]));
    let text = write(&fields.done());
    let again = write(&back(&parse(&text).unwrap()));
    assert_eq!(text, again);
    for text in texts {
        let key = format!("key {text}");
        let root = parse(&again).unwrap();
        assert!(
            matches!(&root.entry(&key).unwrap().value.value,
            Value::Scalar { text: read, .. } if read == text),
            "for {text:?}"
        );
    }
}

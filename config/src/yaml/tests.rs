use super::*;

/// Prints a tree in flow style, so that a case fits a line.
fn show(node: &Node) -> String {
    match &node.value {
        _ if node.is_null() => "null".to_owned(),
        Value::Scalar { text, .. } => text.clone(),
        Value::Seq(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|e| format!("{}: {}", e.key, show(&e.value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn check(text: &str, expected: &str) {
    let shown = match parse(text) {
        Ok(node) => show(&node),
        Err(error) => format!("{}:{}: {}", error.pos.line, error.pos.column, error.text),
    };
    assert_eq!(shown, expected, "for {text:?}");
}

#[test]
fn trees() {
    check("", "{}");
    check("# only a comment\n", "{}");
    check("null", "{}");
    check("a: 1\nb: [x, 'y', \"\\n\"]\n", "{a: 1, b: [x, y, \n]}");
    check("a:\n  - b: ~\n  - ''\n", "{a: [{b: null}, ]}");
    check("\u{feff}a: 1", "{a: 1}");
    check("a: !!str null", "{a: null}");
    check("{\"a\": \"b\"}", "{a: b}");
}

#[test]
fn aliases_and_merge_keys() {
    check("a: &x {b: 1}\nc: *x", "{a: {b: 1}, c: {b: 1}}");
    check("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", "{a: {b: 1, c: 2}, d: {c: 3, b: 1}}");
    check(
        "a: &x {b: 1}\nc: &y {b: 2, d: 4}\ne: {<<: [*x, *y]}",
        "{a: {b: 1}, c: {b: 2, d: 4}, e: {b: 1, d: 4}}",
    );
    check("a: &x [*x]", "1:8: found an alias of a node that holds it");
    check("a: {<<: 5}", "1:9: `<<` takes a mapping or a list of mappings");
}

#[test]
fn refusals() {
    check("a: 1\na: 2", "2:1: the key \"a\" stands twice in one mapping");
    check("a: 1\n---\nb: 2", "2:1: found a second document, expected one per file");
    check("[a]: 1", "1:1: found a list as a key, expected text");
    check("a: !thing 1", "1:4: found the tag !thing, expected none");
    check("a: \0", "1:4: found a zero byte, expected text");
}

#[test]
fn depth_is_bounded() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert!(parse(&deep).unwrap_err().text.starts_with("nested deeper"));
    let by_alias: String = (1..70).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect();
    let error = parse(&format!("a0: &a0 x\n{by_alias}")).unwrap_err();
    assert_eq!(error.text, "nested deeper than 64 levels by an alias");
}

#[test]
fn billion_laughs_are_bounded() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for n in 1..10 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        text.push_str(&format!("a{n}: &a{n} [{aliases}]\n"));
    }
    assert!(parse(&text).unwrap_err().text.ends_with("with aliases expanded"));
}

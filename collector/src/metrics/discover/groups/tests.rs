use super::*;

fn show(groups: Result<Vec<Group>, String>) -> String {
    match groups {
        Ok(groups) => {
            let each = groups.iter().map(|g| format!("{} {}", g.addresses.join(","), g.labels));
            each.collect::<Vec<_>>().join("; ")
        }
        Err(reason) => format!("error: {reason}"),
    }
}

#[test]
fn json_lists() {
    for (text, keys, expected) in [
        ("[]", Keys::Known, ""),
        ("null", Keys::Known, ""),
        (r#"[{"targets":["a:1","b:2"],"labels":{"x":"y"}}]"#, Keys::Known, r#"a:1,b:2 {x="y"}"#),
        (r#"[{"targets":["a"]},{"labels":{"x":""}}]"#, Keys::Known, "a {};  {}"),
        (r#"[{"targets":null,"labels":null}]"#, Keys::Known, " {}"),
        (
            r#"[{"targets":["a"],"labels":{"n":5,"b":true,"z":null}}]"#,
            Keys::Known,
            r#"a {b="true", n="5"}"#,
        ),
        (
            r#"[{"target":["a"]}]"#,
            Keys::Known,
            "error: group 1: unknown key `target`, expected `targets` or `labels`",
        ),
        (r#"[{"targets":["a"],"source":"s"}]"#, Keys::Any, "a {}"),
        (
            r#"[{"targets":["a"],"labels":{"":"s"}}]"#,
            Keys::Any,
            "error: group 1: a label has no name",
        ),
        (
            r#"[{},{"labels":{"x":[1]}}]"#,
            Keys::Known,
            "error: group 2: label `x`: expected a text, found a list",
        ),
        (
            r#"[{"targets":[5]}]"#,
            Keys::Known,
            "error: group 1: invalid type: integer `5`, expected a string",
        ),
        ("{}", Keys::Known, "error: expected a list of groups, found a mapping"),
        ("[1]", Keys::Known, "error: group 1: expected a mapping, found a number"),
        ("[", Keys::Known, "error: expected JSON: EOF while parsing a list at line 1 column 1"),
    ] {
        assert_eq!(show(from_json(text.as_bytes(), "s", keys)), expected, "{text}");
    }
}

#[test]
fn yaml_lists() {
    for (text, expected) in [
        ("", ""),
        ("# nothing\n", ""),
        ("- targets: [a:1, 'b']\n  labels: {x: y, n: 5, e: }\n", r#"a:1,b {n="5", x="y"}"#),
        ("- targets:\n  - a\n  - 10.0.0.1:80\n- targets: []\n", "a,10.0.0.1:80 {};  {}"),
        (r#"[{"targets": ["a"], "labels": {"x": "y"}}]"#, r#"a {x="y"}"#),
        (
            "- targets: [a]\n  lables: {}\n",
            "error: group 1: unknown key `lables`, expected `targets` or `labels`",
        ),
        ("targets: [a]\n", "error: expected a list of groups, found a mapping"),
        (
            "- targets: [a\n",
            "error: line 2, column 1: while parsing a flow sequence, expected ',' or ']'",
        ),
        (
            "- targets: &t [a]\n- targets: *t\n",
            "error: line 2, column 12: an alias is not supported in a target list",
        ),
    ] {
        assert_eq!(show(from_yaml(text, "s")), expected, "{text}");
    }
}

#[test]
fn no_cut_list_panics() {
    let text = "- targets: [a:1, 'b']\n  labels: {x: \"y\\n\", n: 5, e: }\n- targets:\n  - c # d\n";
    for end in 0..text.len() {
        let _ = from_yaml(&text[..end], "s");
        let _ = from_json(&text.as_bytes()[..end], "s", Keys::Any);
    }
}

#[test]
fn publishing_the_same_state_wakes_nobody() {
    let (out, mut seen) = watch::channel(Discovered::default());
    let group = |address: &str| Group {
        source: "s".to_owned(),
        addresses: vec![address.to_owned()],
        labels: Labels::new(),
    };
    let error = || SourceError { source: "s".to_owned(), text: "t".to_owned() };
    publish(&out, Vec::new(), Vec::new());
    assert!(seen.has_changed().unwrap(), "the end of the first attempt is news");
    seen.mark_unchanged();
    publish(&out, vec![group("a")], Vec::new());
    assert!(seen.has_changed().unwrap());
    let first = seen.borrow_and_update().groups.clone();
    publish(&out, vec![group("a")], Vec::new());
    assert!(!seen.has_changed().unwrap());
    publish(&out, vec![group("a")], vec![error()]);
    assert!(seen.has_changed().unwrap());
    assert!(Arc::ptr_eq(&first, &seen.borrow_and_update().groups), "an error keeps the list");
}

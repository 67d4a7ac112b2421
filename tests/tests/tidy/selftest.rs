//! Each rule can fail, and does not fail on what is right.

use crate::source::Tree;
use crate::{Rule, dependencies, lengths, rooms, words};

/// `bad` gives one finding on this line, `good` gives none; both are `(path, text)`.
fn check(rule: Rule, bad: (&str, &str), line: usize, good: (&str, &str)) {
    let tree = |(path, text): (&str, &str)| Tree::new([(path.to_string(), text.to_string())]);
    let found = rule(&tree(bad));
    assert_eq!(found.len(), 1, "{bad:?}: {found:?}");
    let place = format!("{}:{line}: ", bad.0);
    assert!(found[0].starts_with(&place), "{place:?}: {found:?}");
    assert!(found[0].contains("; "), "a finding says what instead: {found:?}");
    assert_eq!(rule(&tree(good)), Vec::<String>::new(), "{good:?}");
}

#[test]
fn words_are_found_in_code_only() {
    let lib = |text| ("agent/src/lane.rs", text);
    check(words::names, lib("\nfn get_x() {}"), 2, lib("fn x() {} // fn get_x\nfn getter() {}"));
    check(
        words::names,
        lib("struct RingManager;"),
        1,
        lib("const S: &str = \"struct A Manager\";"),
    );
    check(words::names, lib("mod string_utils;"), 1, lib("struct Utility;"));
    check(
        words::unwraps,
        lib("a.unwrap()"),
        1,
        lib("a.unwrap_or(b)\n#[cfg(test)]\nmod t { a.unwrap() }"),
    );
    check(
        words::unwraps,
        lib("'\"'; '\\''; a.unwrap()"),
        1,
        ("agent/src/lane/tests.rs", "a.unwrap()"),
    );
    check(words::prints, lib("println!()"), 1, ("agent/src/cli/ring.rs", "println!()"));
    check(words::open_ends, lib("// TODO later"), 1, lib("// TODO #12: later\nlet s = \"TODO\";"));
    check(words::open_ends, lib("/* a\n FIXME */"), 2, lib("let x = r#\"// FIXME\"#;"));
    check(words::module_docs, lib("use a;"), 1, lib("//! What it owns."));
}

#[test]
fn sleeps_count_in_tests_only() {
    let product = ("agent/src/lane.rs", "fn f() { sleep(x) }");
    let both = "fn f() {}\n#[cfg(test)]\nmod tests {\n fn f() { thread::sleep(x) }\n}";
    check(words::sleeps, ("agent/src/lane.rs", both), 4, product);
    check(
        words::sleeps,
        ("tests/tests/e2e/kill.rs", "sleep(x)"),
        1,
        ("tests/src/wait.rs", "sleep(x)"),
    );
}

#[test]
fn machine_paths_are_found_anywhere() {
    let bad = format!("see\n{}me/x", "/ho");
    let good = format!("http://host{}rk/x", "/wo");
    check_words(("docs/a.md", &bad), ("docs/a.md", &good));
}

fn check_words(bad: (&str, &str), good: (&str, &str)) {
    check(words::machine_paths, bad, 2, good);
}

#[test]
fn changelog_lines_are_read() {
    let log = |text| ("docs/changelog.md", text);
    let good = "# Changelog\n- [BUGFIX] ring: keeps order, since 0.1, #3\n  and on\n";
    check(words::changelog_lines, log("# x\n- ring: faster\n"), 2, log(good));
    check(words::changelog_lines, log("- [FASTER] ring: faster\n"), 1, log(good));
}

#[test]
fn lengths_are_counted() {
    let function = |lines: usize, excuse: &str| {
        format!("//! Doc.\n{excuse}fn f() -> [u8; 2] {{\n{}}}\n", "    a();\n".repeat(lines))
    };
    let file = "agent/src/lane.rs";
    let (long, short) = (function(69, ""), function(68, ""));
    check(lengths::functions, (file, &long), 2, (file, &short));
    check(lengths::functions, (file, &long), 2, (file, &function(90, "// Long: a table.\n")));
    let with_tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", short, "a();\n".repeat(900));
    check(lengths::files, (file, &"a();\n".repeat(801)), 1, (file, &with_tests));
}

#[test]
fn manifests_are_read() {
    let ring = |text| ("agent/diskring/Cargo.toml", text);
    let bad =
        "[package]\nname = \"diskring\"\n\n[dev-dependencies]\nrunnel-config.workspace = true\n";
    let good = "[dependencies]\ncrc32c.workspace = true\n";
    check(dependencies::direction, ring(bad), 5, ring(good));
    check(dependencies::reasons, ring("[dependencies]\ncrc32c = \"1\"\n"), 2, ring(good));
    let root = |text| ("Cargo.toml", text);
    let good =
        "[workspace.dependencies]\n# All.\nrunnel = { path = \"agent\" }\nserde = \"1\"  # JSON\n";
    check(dependencies::reasons, root("[workspace.dependencies]\nserde = \"1\"\n"), 2, root(good));
}

#[test]
fn rooms_are_watched() {
    let config = |text| ("config/src/units.rs", text);
    check(rooms::purity, config("use std::fs;"), 1, config("// std::fs\nuse std::fmt;"));
    check(
        rooms::purity,
        config("let t = Instant::now();"),
        1,
        ("agent/src/lane.rs", "Instant::now()"),
    );
    let metrics = |text| ("collector/src/metrics/mod.rs", text);
    check(rooms::corridors, metrics("use crate::logs;"), 1, metrics("use crate::labels;"));
    let spawn = "tokio::spawn(x);";
    check(rooms::spawning, ("agent/src/backoff.rs", spawn), 1, ("agent/src/wiring.rs", spawn));
}

#[test]
fn lost_rooms_are_named() {
    let found = rooms::known(&Tree::new([]));
    assert!(found.iter().any(|finding| finding.starts_with("config/src: ")), "{found:?}");
}

//! The house style as tests, over the files that git knows.
//!
//! One rule is one function from the tree to its findings; a finding names file, line and the
//! replacement. `selftest` shows that each rule can fail.

mod dependencies;
mod lengths;
mod rooms;
mod selftest;
mod source;
mod toolchain;
mod words;

use source::Tree;

/// One broken rule at one place: `file:line: what; what instead`.
type Finding = String;

/// A rule of the house.
type Rule = fn(&Tree) -> Vec<Finding>;

fn check(rule: Rule) {
    let findings = rule(&Tree::of_the_workspace());
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn changelog_lines_have_one_shape() {
    check(words::changelog_lines);
}

#[test]
fn corridors_do_not_know_each_other() {
    check(rooms::corridors);
}

#[test]
fn dependencies_have_a_reason() {
    check(dependencies::reasons);
}

#[test]
fn dependencies_point_one_way() {
    check(dependencies::direction);
}

#[test]
fn files_are_short() {
    check(lengths::files);
}

#[test]
fn files_begin_with_their_doc() {
    check(words::module_docs);
}

#[test]
fn functions_are_short() {
    check(lengths::functions);
}

#[test]
fn names_are_the_fields() {
    check(words::names);
}

#[test]
fn nobody_sleeps_in_a_test() {
    check(words::sleeps);
}

#[test]
fn nothing_prints_but_the_command_line() {
    check(words::prints);
}

#[test]
fn nothing_unwraps_outside_tests() {
    check(words::unwraps);
}

#[test]
fn no_path_of_a_machine() {
    check(words::machine_paths);
}

#[test]
fn open_ends_have_a_number() {
    check(words::open_ends);
}

#[test]
fn pure_rooms_are_pure() {
    check(rooms::purity);
}

#[test]
fn spawning_is_left_to_the_wiring() {
    check(rooms::spawning);
}

#[test]
fn the_rooms_of_the_rules_exist() {
    check(rooms::known);
}

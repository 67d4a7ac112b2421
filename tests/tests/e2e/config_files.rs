//! `runnel check`: exit codes and messages.

use tests::Folder;
use tests::agent::runnel;

/// Checks a file that stands alone in a folder; the message has to hold each of `words`.
fn check(text: &str, code: i32, words: &[&str]) {
    let folder = Folder::new("check");
    let file = folder.write("runnel.yaml", text);
    let output = runnel(&["check", "--config", &file.to_string_lossy()]);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{text}\nsaid: {said}");
    for word in words {
        assert!(said.contains(word), "{text}\nshould say {word:?}, said: {said}");
    }
}

#[test]
fn good_files_are_resolved() {
    check("{}\n", 0, &[]);
    check(GOOD, 0, &["job_name: node", "http://127.0.0.1:1/api/v1/write", "scrape_timeout: 10s"]);
}

#[test]
fn secrets_are_masked() {
    let folder = Folder::new("check");
    let file = folder.write("runnel.yaml", GOOD);
    let output = runnel(&["check", "--config", &file.to_string_lossy()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains("hunter2"), "{said}");
    assert!(said.contains("<secret>"), "{said}");
}

#[test]
fn bad_files_are_named_with_line_and_column() {
    check(
        "scrape_configs:\n- job_name: a\n  scrape_intervall: 5s\n",
        64,
        &["runnel.yaml:3:3", "scrape_intervall", "scrape_interval"],
    );
    check("global:\n  scrape_interval: fast\n", 64, &["runnel.yaml:2:20", "fast"]);
    check("global: [\n", 64, &["runnel.yaml:"]);
    check("scrape_configs:\n- metrics_path: /m\n", 64, &["runnel.yaml:2:", "job_name"]);
    check(
        "remote_write:\n- url: ${MISSING_OF_THE_TEST}\n",
        64,
        &["runnel.yaml:2:", "MISSING_OF_THE_TEST"],
    );
    let regex =
        "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - {regex: '(', action: drop}\n";
    check(regex, 64, &["runnel.yaml:4:"]);
    let twice = "scrape_configs:\n- job_name: a\n- job_name: a\n";
    check(twice, 64, &["runnel.yaml:3:"]);
}

#[test]
fn sections_of_no_use_are_accepted_with_a_warning() {
    check("rule_files: [a.yml]\nalerting: {}\nstorage: {}\n", 0, &["rule_files"]);
}

#[test]
fn usage_errors_exit_with_64() {
    for args in
        [&["check", "--config", "no-such-file.yaml"][..], &["no-such-command"], &["run", "--x"]]
    {
        let output = runnel(args);
        assert_eq!(output.status.code(), Some(64), "{args:?}: {output:?}");
    }
    for args in [&["--version"][..], &["--help"], &["run", "--help"], &["check", "--help"]] {
        let output = runnel(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(!output.stdout.is_empty(), "{args:?} says nothing");
    }
}

/// A file with a bit of everything.
const GOOD: &str = "\
global: {scrape_interval: 15s, scrape_timeout: 10s, external_labels: {cluster: c}}
scrape_configs:
- job_name: node
  basic_auth: {username: me, password: hunter2}
  static_configs: [{targets: ['127.0.0.1:9100']}]
remote_write:
- url: http://127.0.0.1:1/api/v1/write
  authorization: {credentials: hunter2}
buffer: {path: ring, size: 64MiB}
";

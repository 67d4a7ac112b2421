//! What an operator types beside `run`: the tables, the offline ring, the demo.

use serde_json::Value;
use tests::agent::runnel;
use tests::{Agent, Counting, Receiver, until};

use crate::SOON;

/// Runs a command that has to succeed and returns what it prints.
fn said(args: &[&str]) -> String {
    let output = runnel(args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn tables_and_json_tell_the_same() {
    let (load, receiver) = (Counting::start(3, 5), Receiver::start());
    let agent = Agent::start(&config(&load, &receiver));
    until("a delivery", SOON, || receiver.samples() > 0);
    let address = agent.url();
    let at = ["--address", address.as_str()];

    let table = said(&[&["targets"], &at[..]].concat());
    assert!(table.starts_with("JOB ") && table.contains("3 targets, 0 dropped"), "{table}");
    let json: Value =
        serde_json::from_str(&said(&[&["targets", "--json"], &at[..]].concat())).expect("JSON");
    assert_eq!(json["activeTargets"].as_array().map(Vec::len), Some(3), "{json}");

    let table = said(&[&["ledger"], &at[..]].concat());
    assert!(table.contains("BALANCED") && table.contains("true"), "{table}");
    let table = said(&[&["ring"], &at[..]].concat());
    assert!(table.contains("64 MiB") && table.contains("DESTINATION"), "{table}");
}

#[test]
fn an_agent_that_is_not_there_is_named() {
    let output = runnel(&["targets", "--address", "http://127.0.0.1:1"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(70), "{error}");
    assert!(error.contains("http://127.0.0.1:1") && error.contains("refused"), "{error}");
}

#[test]
fn the_ring_is_read_from_its_folder() {
    let (_, agent) = stopped_with_a_ring();
    let folder = agent.folder().join("ring").to_string_lossy().into_owned();

    let table = said(&["ring", "inspect", &folder]);
    assert!(table.contains("newest checkpoint") && table.contains("FRAME"), "{table}");
    let json: Value =
        serde_json::from_str(&said(&["ring", "inspect", &folder, "--json"])).expect("JSON");
    let items = json["frames"].as_array().expect("frames").iter();
    let items: u64 = items.map(|frame| frame["items"].as_u64().expect("a count")).sum();
    assert!(said(&["ring", "verify", &folder]).contains(" 0 corrupt"));

    let export = said(&["ring", "export", &folder]);
    let lines: Vec<Value> =
        export.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let exported: usize =
        lines.iter().map(|line| line["values"].as_array().expect("values").len()).sum();
    assert_eq!(exported as u64, items, "the export has every item that the headers count");
    assert!(lines.iter().any(|line| line["metric"]["__name__"] == "count"), "{export}");
}

#[test]
fn a_corrupt_ring_is_said_to_be_one() {
    let (mut receiver, mut agent) = stopped_with_a_ring();
    let folder = agent.folder().join("ring");
    let inspected: Value =
        serde_json::from_str(&said(&["ring", "inspect", &folder.to_string_lossy(), "--json"]))
            .expect("JSON");
    let used = inspected["segments"].as_array().expect("segments").iter();
    let used = used.max_by_key(|segment| segment["items"].as_u64()).expect("a segment");
    let path = folder.join(used["file"].as_str().expect("a name"));
    let mut bytes = std::fs::read(&path).expect("the segment can be read");
    // Inside the payload of the first frame, which begins as every zstd frame does.
    let zstd = bytes.windows(4).position(|four| four == [0x28, 0xb5, 0x2f, 0xfd]).expect("a frame");
    bytes[zstd + 10..zstd + 20].iter_mut().for_each(|byte| *byte ^= 0xff);
    std::fs::write(&path, bytes).expect("the segment can be written");
    let output = runnel(&["ring", "verify", &folder.to_string_lossy()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(70), "{text}");
    assert!(!text.contains(" 0 corrupt"), "{text}");

    // The agent loses the touched frames, says so, and delivers the rest.
    receiver.come_up();
    agent.start_again();
    until("the rest", SOON, || receiver.samples() > 0);
    let ledger = agent.ledger().expect("the agent shows its ledger");
    ledger.assert_balanced();
}

#[test]
fn the_demo_ends_with_a_summary() {
    let text = said(&["demo", "--for", "8s", "--listen", "127.0.0.1:0"]);
    assert!(text.contains("status page   http://127.0.0.1:"), "{text}");
    let summary = text.split("after 8s:").nth(1).expect("a summary");
    assert!(summary.contains("lost       0") && summary.contains("balanced"), "{text}");
    assert!(!summary.contains("taken      0"), "{text}");
}

#[test]
fn completions_and_version_are_there() {
    assert!(said(&["completions", "bash"]).contains("runnel"));
    let version = said(&["--version"]);
    assert!(version.starts_with("runnel ") && version.contains('('), "{version}");
}

fn config(load: &Counting, receiver: &Receiver) -> String {
    let jobs = load.jobs("250ms");
    format!("scrape_configs:\n{jobs}remote_write:\n  - url: {}\n", receiver.url())
}

/// An agent that was stopped while its destination was down, so that its ring holds pages.
fn stopped_with_a_ring() -> (Receiver, Agent) {
    let load = Counting::start(4, 10);
    let mut receiver = Receiver::start();
    receiver.go_down();
    let mut agent = Agent::start(&config(&load, &receiver));
    until("some pages", SOON, || load.shown() >= 20);
    agent.stop();
    (receiver, agent)
}

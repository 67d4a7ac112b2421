//! Rules about what a room may know.

use crate::Finding;
use crate::source::{SourceFile, Tree, words};

/// Pure rooms take bytes and `now`: no clock, no socket, no file, no environment.
pub fn purity(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.product().filter(|file| PURE.iter().any(|room| is_in(file, room))) {
        for (word, instead) in IMPURE {
            for at in words(&file.product, word) {
                findings.push(file.finding(at, &format!("`{word}` in a pure room; {instead}")));
            }
        }
    }
    findings
}

/// Metrics and logs never name each other.
pub fn corridors(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (own, other) in [("metrics", "logs"), ("logs", "metrics")] {
        let own = format!("collector/src/{own}");
        for file in tree.rust().filter(|file| is_in(file, &own)) {
            for path in ["crate::", "super::super::", "runnel_collector::"] {
                for at in words(&file.code, &format!("{path}{other}")) {
                    let what = format!("names `{other}`; what both need stands beside them");
                    findings.push(file.finding(at, &what));
                }
            }
        }
    }
    findings
}

/// Threads and tasks start where the house is wired.
pub fn spawning(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let may = |file: &SourceFile| SPAWNERS.iter().any(|(room, _)| is_in(file, room));
    for file in tree.product().filter(|file| !may(file)) {
        for word in ["spawn(", "spawn_blocking(", "spawn_local(", "spawn_scoped("] {
            for at in words(&file.product, word) {
                let what = format!("`{word}…)`; return the work and let the wiring spawn it");
                findings.push(file.finding(at, &what));
            }
        }
    }
    findings
}

/// The lists of this file name what exists, or what a part to come will bring.
pub fn known(tree: &Tree) -> Vec<Finding> {
    let rooms = PURE.iter().chain(SPAWNERS.iter().map(|(room, _)| room));
    let lost =
        rooms.filter(|room| !TO_COME.contains(room) && !tree.rust().any(|file| is_in(file, room)));
    lost.map(|room| format!("{room}: no such room; correct the lists of this rule")).collect()
}

/// True when the file is the room, or lies in it.
fn is_in(file: &SourceFile, room: &str) -> bool {
    let rest = file.path.strip_prefix(room);
    rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/') || rest.is_empty())
}

/// Rooms without clock, socket and file.
const PURE: &[&str] = &[
    "agent/src/backoff",
    "agent/src/delivery",
    "agent/src/governor",
    "agent/src/ledger",
    "agent/src/send",
    "collector/src/metrics/encode",
    "collector/src/metrics/exposition",
    "collector/src/metrics/series",
    "collector/src/relabel",
    "config/src",
];

/// Rooms that the wiring has not got yet.
const TO_COME: &[&str] = &["collector/src/logs/mod.rs"];

/// Who may spawn, and why.
const SPAWNERS: &[(&str, &str)] = &[
    ("agent/src/cli/demo", "starts a whole agent and its receiver in one process"),
    ("agent/src/status/server", "one task per connection"),
    ("agent/src/store/thread", "owns the ring's one thread"),
    ("agent/src/wiring", "knows who talks to whom"),
    ("benches/src/bin/compare", "runs the load, the sink and the peers"),
    ("collector/src/logs/mod.rs", "the corridor's own threads"),
    ("collector/src/metrics/mod.rs", "the corridor's own tasks"),
];

/// What a pure room may not name, and what it does instead.
const IMPURE: &[(&str, &str)] = &[
    ("SystemTime", "take `now` as an argument"),
    ("Instant::now", "take `now` as an argument"),
    ("TcpStream", "take bytes"),
    ("TcpListener", "take bytes"),
    ("UdpSocket", "take bytes"),
    ("UnixStream", "take bytes"),
    ("hyper", "take bytes"),
    ("tokio", "answer a time and let the caller wait"),
    ("std::fs", "take the text of the file"),
    ("fs::read", "take the text of the file"),
    ("File::open", "take the text of the file"),
    ("std::env", "take what was looked up"),
    ("env::var", "take what was looked up"),
    ("std::thread", "let the wiring spawn"),
];

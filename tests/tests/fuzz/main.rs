//! Each fuzz target runs for a bounded number of inputs, on stable Rust and without cargo-fuzz.
//!
//! What fails is written to `target/fuzz/crashes/<target>`; a mended one moves to
//! `tests/fuzz/seeds/<target>`, where every run begins. To look longer at one target, run its
//! binary under `target/fuzz` by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tests::parts::skip;

#[test]
fn config() {
    check(&TARGETS[0]);
}

#[test]
fn exposition() {
    check(&TARGETS[1]);
}

#[test]
fn relabel() {
    check(&TARGETS[2]);
}

#[test]
fn ring() {
    check(&TARGETS[3]);
}

/// One target: its feature and binary, and where its entry has to be.
struct Target {
    name: &'static str,
    /// Folder whose Rust files hold the entry.
    room: &'static str,
    entry: &'static str,
}

/// To add one: an entry here, a test above, `[[bin]]` and feature in the manifest, a file under
/// `targets`, and seeds.
const TARGETS: [Target; 4] = [
    Target { name: "config", room: "config/src", entry: "pub fn fuzz(" },
    Target { name: "exposition", room: "collector/src/metrics/exposition", entry: "pub fn fuzz(" },
    Target { name: "relabel", room: "collector/src/relabel", entry: "pub fn fuzz(" },
    Target { name: "ring", room: "agent/diskring/src", entry: "pub fn fuzz_recover(" },
];

fn check(target: &Target) {
    let name = target.name;
    if !target.exists() {
        skip::<()>(&format!("`{}` in {}", target.entry, target.room));
        return;
    }
    let Some(binaries) = binaries() else { return };
    let folder = |kind: &str| {
        let path = output().join(kind).join(name);
        fs::create_dir_all(&path).unwrap_or_else(|e| panic!("making {}: {e}", path.display()));
        path
    };
    let crashes = folder("crashes");
    let mut command = Command::new(binaries.join(name));
    command
        .args([RUNS, SECONDS, "-timeout=10", "-rss_limit_mb=1024", "-max_len=8192"])
        .args(["-print_final_stats=1", "-verbosity=1"])
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .arg(folder("corpus"))
        .arg(tests::workspace().join("tests/fuzz/seeds").join(name));
    let done = command.output().unwrap_or_else(|e| panic!("running {command:?}: {e}"));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let tail: Vec<&str> = said.lines().rev().take(40).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    assert!(done.status.success(), "{name} ended with {}:\n{}", done.status, tail.join("\n"));
    assert!(is_guided(&said), "{name} ran without coverage:\n{}", tail.join("\n"));
    let stats: Vec<&str> = said.lines().filter(|line| line.contains("number_of_exec")).collect();
    eprintln!("{name}: {}", stats.join(", "));
}

/// Without instrumentation libFuzzer only guesses; it then says `cov: 0` or names no counters.
fn is_guided(said: &str) -> bool {
    said.contains("inline 8-bit counters") && said.contains(" cov: ") && !said.contains(" cov: 0 ")
}

impl Target {
    fn exists(&self) -> bool {
        contains(&tests::workspace().join(self.room), self.entry)
    }
}

/// True when a Rust file in the folder, however deep, contains the text.
fn contains(folder: &Path, text: &str) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            return contains(&path, text);
        }
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        is_rust && fs::read_to_string(&path).is_ok_and(|found| found.contains(text))
    })
}

/// Where the fuzz build, its corpus and its crashes lie.
fn output() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its own file");
    // <target>/<profile>/deps/<test>
    own.ancestors().nth(3).expect("tests lie in <target>/<profile>/deps").join("fuzz")
}

/// The folder of the built targets, or `None` where they cannot be built.
fn binaries() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

/// Builds all targets whose entries exist, with coverage counters in everything but build scripts
/// and procedural macros: a target is named, so that the flags do not reach the latter.
fn build() -> Option<PathBuf> {
    if Command::new("c++").arg("--version").output().is_err() {
        return skip("a C++ compiler, for libFuzzer");
    }
    let features: Vec<&str> =
        TARGETS.iter().filter(|target| target.exists()).map(|target| target.name).collect();
    take_over_the_lock_file();
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--quiet", "--bins", "--target", "host-tuple", "--manifest-path"])
        .arg(tests::workspace().join("tests/fuzz/Cargo.toml"))
        .arg("--target-dir")
        .arg(output())
        .args(["--features", &features.join(",")])
        .env("RUSTFLAGS", FLAGS.join(" "))
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    let built = command.output().unwrap_or_else(|e| panic!("running {command:?}: {e}"));
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "building the fuzz targets failed:\n{said}");
    Some(output().join(host()).join("debug"))
}

/// The fuzz crate is no member, yet runs on the versions of the workspace: its lock file is a copy,
/// to which cargo adds the fuzzer.
fn take_over_the_lock_file() {
    let from = tests::workspace().join("Cargo.lock");
    let to = tests::workspace().join("tests/fuzz/Cargo.lock");
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    if changed(&to) < changed(&from) {
        fs::copy(&from, &to).unwrap_or_else(|e| panic!("copying {}: {e}", from.display()));
    }
}

fn host() -> String {
    let version = Command::new(env!("CARGO")).arg("-vV").output().expect("cargo tells its version");
    let text = String::from_utf8(version.stdout).expect("cargo writes text");
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("cargo -vV names the host").to_string()
}

const RUNS: &str = "-runs=20000";
const SECONDS: &str = "-max_total_time=20";
/// Those that cargo-fuzz gives for coverage. No address sanitizer: there is no unsafe code.
const FLAGS: &[&str] = &[
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Ccodegen-units=1",
];

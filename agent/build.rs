//! Hands the commit of the build to the program.

use std::process::Command;

fn main() {
    // An image build without the git folder passes the commit in.
    let commit = std::env::var("RUNNEL_COMMIT").ok().or_else(git_commit);
    println!("cargo::rustc-env=RUNNEL_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    println!("cargo::rerun-if-env-changed=RUNNEL_COMMIT");
    for path in ["../.git/HEAD", "../.git/refs/heads"] {
        if std::path::Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

fn git_commit() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let commit = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !commit.trim().is_empty()).then(|| commit.trim().to_owned())
}

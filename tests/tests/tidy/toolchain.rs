//! The toolchain's own rules. Clippy compiles the workspace once more, so it takes minutes cold.

use std::process::Command;

use tests::parts::skip;

#[test]
fn toolchain_clippy_is_content() {
    cargo("clippy", &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]);
}

#[test]
fn toolchain_rustfmt_is_content() {
    cargo("fmt", &["fmt", "--all", "--check"]);
}

fn cargo(component: &str, args: &[&str]) {
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command.args(args).current_dir(tests::workspace());
        command.output().unwrap_or_else(|e| panic!("running {command:?}: {e}"))
    };
    if !run(&[component, "--version"]).status.success() {
        skip::<()>(&format!("cargo {component}"));
        return;
    }
    let output = run(args);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "cargo {} says:\n{said}", args.join(" "));
}

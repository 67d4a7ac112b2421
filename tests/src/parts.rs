//! Real programs from Debian, without manual set-up: VictoriaMetrics, vmagent, Prometheus and
//! node-exporter.
//!
//! Owns a folder under the user's cache: an apt state of its own, the packages and what they
//! unpack to. Nothing of the machine's package state is touched and no root is needed. The mirror
//! is the one that the machine's own apt uses. The first call downloads (about 150 MB), later
//! ones are instant and offline; parallel tests and processes wait for each other at a lock file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

mod sources;

use sources::Mirror;

/// The programs, each there and able to run.
#[derive(Clone, Debug)]
pub struct Parts {
    folder: PathBuf,
}

impl Parts {
    /// VictoriaMetrics, single node.
    pub fn victoria_metrics(&self) -> PathBuf {
        self.program("victoria-metrics")
    }

    /// vmagent.
    pub fn vmagent(&self) -> PathBuf {
        self.program("vmagent")
    }

    /// Prometheus.
    pub fn prometheus(&self) -> PathBuf {
        self.program("prometheus")
    }

    /// node-exporter.
    pub fn node_exporter(&self) -> PathBuf {
        self.program("prometheus-node-exporter")
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join("usr/bin").join(name)
    }
}

/// The programs, or `None` for a test that has to pass without them.
///
/// It then prints `skipped: needs …`, so a test says `let Some(parts) = parts::need() else {
/// return };`.
///
/// # Panics
/// With `CI` set, instead of skipping.
pub fn need() -> Option<Parts> {
    match ensure() {
        Ok(parts) => Some(parts),
        Err(why) => skip(&format!("Debian's VictoriaMetrics and node-exporter: {why}")),
    }
}

/// Says that a test is skipped.
///
/// # Panics
/// With `CI` set: there, a skipped test is a failed one.
pub fn skip<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "needs {what}");
    eprintln!("skipped: needs {what}");
    None
}

/// The programs, downloaded if they are not there yet.
///
/// # Errors
/// What could not be had, in words.
pub fn ensure() -> Result<Parts, String> {
    static DONE: OnceLock<Result<Parts, String>> = OnceLock::new();
    DONE.get_or_init(|| ensure_in(&cache()?)).clone()
}

fn cache() -> Result<PathBuf, String> {
    let own = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    own("RUNNEL_PARTS")
        .or_else(|| own("XDG_CACHE_HOME").map(|p| p.join("runnel-parts")))
        .or_else(|| own("HOME").map(|p| p.join(".cache/runnel-parts")))
        .ok_or_else(|| "none of RUNNEL_PARTS, XDG_CACHE_HOME and HOME is set".into())
}

fn ensure_in(cache: &Path) -> Result<Parts, String> {
    let parts = Parts { folder: cache.join(FOLDER) };
    make(cache)?;
    let lock = cache.join("lock");
    let lock = File::create(&lock).map_err(|e| format!("opening {}: {e}", lock.display()))?;
    lock.lock().map_err(|e| format!("locking {}: {e}", cache.display()))?;
    if !parts.folder.is_dir() {
        let draft = cache.join(format!("{FOLDER}.draft"));
        remove(&draft)?;
        download(cache, &draft)?;
        fs::rename(&draft, &parts.folder)
            .map_err(|e| format!("renaming {}: {e}", draft.display()))?;
    }
    for program in [parts.victoria_metrics(), parts.vmagent(), parts.node_exporter()] {
        run(Command::new(program).arg("--version"))?;
    }
    Ok(parts)
}

/// Fills `draft` with what the packages unpack to.
fn download(cache: &Path, draft: &Path) -> Result<(), String> {
    let mirror = Mirror::of_this_machine()?;
    let apt = cache.join("apt-draft");
    remove(&apt)?;
    for folder in ["lists/partial", "cache/archives/partial", "packages"] {
        make(&apt.join(folder))?;
    }
    let list = apt.join("sid.list");
    fs::write(&list, mirror.line("sid")).map_err(|e| format!("writing {}: {e}", list.display()))?;
    run(apt_get(&apt, &list).arg("update"))?;
    let packages = apt.join("packages");
    run(apt_get(&apt, &list).arg("download").args(PACKAGES).current_dir(&packages))?;
    make(draft)?;
    for package in fs::read_dir(&packages).map_err(|e| format!("listing packages: {e}"))? {
        let package = package.map_err(|e| format!("listing packages: {e}"))?.path();
        run(Command::new("dpkg").arg("-x").arg(package).arg(draft))?;
    }
    remove(&apt)
}

/// `apt-get` with a state of its own, so that it needs no root and changes nothing.
fn apt_get(apt: &Path, list: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let option = |name: &str, value: &Path| format!("{name}={}", value.display());
    for option in [
        option("Dir::Etc::sourcelist", list),
        "Dir::Etc::sourceparts=-".into(),
        option("Dir::State::lists", &apt.join("lists")),
        option("Dir::Cache", &apt.join("cache")),
        "APT::Get::List-Cleanup=false".into(),
        // Else it wants the folder to be readable for its own user, and root to become it.
        "APT::Sandbox::User=".into(),
        "Acquire::Languages=none".into(),
        "Acquire::Retries=3".into(),
    ] {
        command.arg("-o").arg(option);
    }
    command.arg("-qq");
    command
}

/// Runs a command to its end; fails with its last words.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|e| format!("running {}: {e}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_string();
    Err(format!("{} ended with {}: {words}", command.get_program().display(), output.status))
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| format!("making {}: {e}", folder.display()))
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("removing {}: {e}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// What the packages unpack to; another name when [`PACKAGES`] changes.
const FOLDER: &str = "debian-1";
/// `victoria-metrics` holds vmagent too.
const PACKAGES: [&str; 3] = ["victoria-metrics", "prometheus", "prometheus-node-exporter"];

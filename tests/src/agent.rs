//! The agent under test, as its user runs it: the binary, a file, signals and HTTP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use rustix::process::Signal;
use serde_json::Value;

use crate::client::{self, Answer};
use crate::folder::Folder;
use crate::ledger::Ledger;
use crate::page::{Row, rows};
use crate::process::{Process, free_address};
use crate::series::Labels;

/// A running agent with its files in a temporary folder.
#[derive(Debug)]
pub struct Agent {
    address: SocketAddr,
    process: Option<Process>,
    vars: Option<PathBuf>,
    folder: Folder,
}

impl Agent {
    /// Starts one with this configuration and waits until it is ready.
    ///
    /// The ring's place and size and the server's address are added where the text has none.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start(config: &str) -> Self {
        Self::start_in(Folder::new("agent"), None, config)
    }

    /// The same in a folder that holds files already, with a `--vars` folder.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start_in(folder: Folder, vars: Option<PathBuf>, config: &str) -> Self {
        let mut agent = Self { address: free_address(), process: None, vars, folder };
        agent.set_config(config);
        agent.start_again();
        agent
    }

    /// Starts it again after [`Agent::kill9`] or [`Agent::stop`], on the same files.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start_again(&mut self) {
        let mut command = Command::new(binary());
        command.arg("run").arg("--config").arg(self.config_path());
        if let Some(vars) = &self.vars {
            command.arg("--vars").arg(vars);
        }
        let mut process = Process::start("runnel", command, &self.folder.join("log"));
        process.wait_ready(|| client::get(self.address, "/-/ready"));
        self.process = Some(process);
    }

    /// Replaces the configuration file; the agent sees that by itself.
    pub fn set_config(&self, config: &str) {
        let mut text = config.trim_end().to_string();
        if !text.contains("\nbuffer:") {
            let ring = self.folder.join("ring");
            text.push_str(&format!("\nbuffer: {{path: {}, size: 64MiB}}", ring.display()));
        }
        if !text.contains("\nserver:") {
            text.push_str(&format!("\nserver: {{listen: \"{}\"}}", self.address));
        }
        text.push('\n');
        self.folder.write(CONFIG, text);
    }

    /// The configuration file.
    pub fn config_path(&self) -> PathBuf {
        self.folder.join(CONFIG)
    }

    /// Its folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Where its server is, as the commands take it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks its server.
    ///
    /// # Errors
    /// As [`client::get`].
    pub fn get(&self, path: &str) -> Result<Answer, String> {
        client::get(self.address, path)
    }

    /// `POST /-/reload`, with whatever it answers.
    ///
    /// # Errors
    /// No connection, in words.
    pub fn reload(&self) -> Result<Answer, String> {
        client::request("POST", self.address, "/-/reload", &[], b"")
    }

    /// Sends SIGHUP.
    pub fn hang_up(&self) {
        self.running().signal(Signal::HUP);
    }

    /// Its ledger.
    ///
    /// # Errors
    /// It does not answer, or not by the contract, in words.
    pub fn ledger(&self) -> Result<Ledger, String> {
        Ledger::parse(&self.get("/api/v1/ledger")?.text())
    }

    /// Its targets.
    ///
    /// # Errors
    /// It does not answer, or not by the contract, in words.
    pub fn targets(&self) -> Result<Vec<Target>, String> {
        targets(self.address)
    }

    /// Its metrics about itself.
    ///
    /// # Errors
    /// It does not answer, in words.
    pub fn metrics(&self) -> Result<Vec<Row>, String> {
        Ok(rows(&self.get("/metrics")?.text()))
    }

    /// The sum of one of its metrics over the series with these labels.
    ///
    /// # Errors
    /// It does not answer, or has no such series, in words.
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64, String> {
        let matches = |found: &Labels| {
            found.get("__name__").is_some_and(|n| n == name)
                && labels.iter().all(|(l, v)| found.get(*l).is_some_and(|f| f == v))
        };
        let all = self.metrics()?;
        let values: Vec<f64> =
            all.iter().filter(|row| matches(&row.labels)).map(|row| row.value).collect();
        if values.is_empty() {
            return Err(format!("no series {name} {labels:?}"));
        }
        Ok(values.iter().sum())
    }

    /// Ends it as `kill -9` does.
    pub fn kill9(&mut self) {
        self.running_mut().kill9();
        self.process = None;
    }

    /// Stops it by SIGTERM.
    ///
    /// # Panics
    /// When its exit code is not 0.
    pub fn stop(&mut self) {
        let status = self.running_mut().stop();
        let log = self.running().log_tail();
        assert_eq!(status.code(), Some(0), "SIGTERM should end it with 0, found {status}\n{log}");
        self.process = None;
    }

    /// Its log so far, over all its lives.
    pub fn log(&self) -> String {
        self.process.as_ref().map_or_else(
            || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default(),
            Process::log,
        )
    }

    /// Its resident memory in bytes.
    ///
    /// # Errors
    /// It does not answer, in words.
    pub fn resident_bytes(&self) -> Result<f64, String> {
        self.metric("process_resident_memory_bytes", &[])
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("the scenario asks a running agent")
    }

    fn running_mut(&mut self) -> &mut Process {
        self.process.as_mut().expect("the scenario asks a running agent")
    }
}

/// Runs `runnel` with these arguments to its end.
///
/// # Panics
/// When it cannot be started.
pub fn runnel(args: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(args);
    command.output().unwrap_or_else(|e| panic!("running {command:?}: {e}"))
}

/// The binary: `$RUNNEL_BIN`, or the one of this workspace, built once with the profile of the
/// test.
///
/// # Panics
/// When it does not build.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("RUNNEL_BIN").map_or_else(build, PathBuf::from))
}

/// Cargo has built nothing of the agent for us, since a test may only depend on libraries.
fn build() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its own file");
    let profile =
        own.parent().and_then(Path::parent).expect("tests lie in <target>/<profile>/deps");
    let target = profile.parent().expect("tests lie in <target>/<profile>/deps");
    let name = match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--quiet", "--package", "runnel", "--profile", name, "--target-dir"])
        .arg(target)
        .current_dir(crate::workspace());
    let output = command.output().unwrap_or_else(|e| panic!("running {command:?}: {e}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "building the agent failed:\n{words}");
    profile.join("runnel")
}

/// One target as `/api/v1/targets` shows it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Labels after relabeling.
    pub labels: Labels,
    /// URL of the page.
    pub scrape_url: String,
    /// `up`, `down` or `unknown`.
    pub health: String,
    /// Why it is down; empty when it is not.
    pub last_error: String,
}

impl Target {
    /// Its `job`.
    pub fn job(&self) -> &str {
        self.labels.get("job").map_or("", String::as_str)
    }
}

/// Reads the active targets in Prometheus' JSON.
pub(crate) fn targets(address: SocketAddr) -> Result<Vec<Target>, String> {
    let text = client::get(address, "/api/v1/targets")?.text();
    let json: Value =
        serde_json::from_str(&text).map_err(|e| format!("targets are not JSON: {e}: {text}"))?;
    let read = |target: &Value| {
        let labels = target["labels"].as_object()?;
        let labels = labels
            .iter()
            .map(|(name, value)| Some((name.clone(), value.as_str()?.to_string())))
            .collect::<Option<Labels>>()?;
        let word = |key: &str| Some(target[key].as_str()?.to_string());
        Some(Target {
            labels,
            scrape_url: word("scrapeUrl")?,
            health: word("health")?,
            last_error: word("lastError")?,
        })
    };
    let active = json["data"]["activeTargets"].as_array();
    active
        .and_then(|active| active.iter().map(read).collect())
        .ok_or_else(|| format!("targets have an unknown shape: {text}"))
}

/// Name of the configuration file in the agent's folder.
const CONFIG: &str = "runnel.yaml";

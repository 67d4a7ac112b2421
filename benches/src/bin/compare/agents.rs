//! The agents under comparison: which program, which configuration, which flags.
//!
//! Owns everything in which one agent differs from another; both get the same scrape
//! configuration, one destination, a disk queue of their own and otherwise their defaults.
//! Called by `turn` and `big`.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::load::target_address;
use crate::process::{Folder, Process, free_address};
use crate::{MetricsPlan, Outcome};

/// One agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Agent {
    /// This project.
    Runnel,
    /// VictoriaMetrics' agent.
    Vmagent,
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Runnel => "runnel",
            Self::Vmagent => "vmagent",
        })
    }
}

/// Where the programs are.
#[derive(Debug)]
pub struct Programs {
    runnel: PathBuf,
    vmagent: PathBuf,
    work: PathBuf,
}

impl Programs {
    /// Builds runnel and finds vmagent, as far as `agents` needs them.
    ///
    /// # Errors
    /// One of them cannot be had.
    pub fn find(agents: &[Agent]) -> Outcome<Self> {
        let target = target_folder()?;
        let mut programs =
            Self { runnel: target.join("release/runnel"), vmagent: PathBuf::new(), work: target };
        if agents.contains(&Agent::Runnel) {
            build_runnel(&programs.work)?;
            is_there(&programs.runnel)?;
        }
        if agents.contains(&Agent::Vmagent) {
            programs.vmagent = find_vmagent()?;
        }
        Ok(programs)
    }

    /// Starts `agent` on the targets at `exporters`, writing to `sink`.
    ///
    /// # Errors
    /// It cannot be started, or does not become ready.
    pub fn start(
        &self,
        agent: Agent,
        plan: &MetricsPlan,
        exporters: u16,
        sink: u16,
    ) -> Outcome<Process> {
        let folder = Folder::new(&self.work)?;
        let listen = free_address()?;
        let scrape = scrape_config(plan, exporters);
        let url = format!("http://127.0.0.1:{sink}/api/v1/write");
        let (command, ready) = match agent {
            Agent::Runnel => (self.runnel(&folder, &scrape, &url, listen)?, "/-/ready"),
            Agent::Vmagent => (self.vmagent(&folder, &scrape, &url, listen)?, "/health"),
        };
        let mut process = Process::start(&agent.to_string(), command, folder)?;
        process.wait_ready(listen, ready)?;
        Ok(process)
    }

    fn runnel(
        &self,
        folder: &Folder,
        scrape: &str,
        url: &str,
        listen: SocketAddr,
    ) -> Outcome<Command> {
        let config = runnel_config(scrape, url, &folder.path().join("ring"), listen);
        let file = folder.write("runnel.yaml", &config)?;
        let mut command = Command::new(&self.runnel);
        command.arg("run").arg("--config").arg(file);
        Ok(command)
    }

    fn vmagent(
        &self,
        folder: &Folder,
        scrape: &str,
        url: &str,
        listen: SocketAddr,
    ) -> Outcome<Command> {
        let file = folder.write("prometheus.yml", scrape)?;
        let mut command = Command::new(&self.vmagent);
        command
            .arg(format!("-promscrape.config={}", file.display()))
            .arg(format!("-remoteWrite.url={url}"))
            .arg(format!("-remoteWrite.tmpDataPath={}", folder.path().join("queue").display()))
            .arg(format!("-httpListenAddr={listen}"));
        Ok(command)
    }
}

/// The part of the configuration that both agents read, in Prometheus' own words.
fn scrape_config(plan: &MetricsPlan, exporters: u16) -> String {
    let interval_s = plan.interval_s();
    let targets: Vec<String> =
        (0..plan.targets()).map(|i| format!("\"{}\"", target_address(i, exporters))).collect();
    // The limit binds in neither comparison: the huge page is about 200 MB of text.
    format!(
        "global: {{scrape_interval: {interval_s}s, scrape_timeout: {interval_s}s}}\n\
         scrape_configs:\n  - job_name: load\n    max_scrape_size: 1GiB\n    \
         static_configs:\n      - targets: [{}]\n",
        targets.join(", ")
    )
}

/// The whole configuration of runnel: what both read, and where it writes, holds and listens.
fn runnel_config(scrape: &str, url: &str, ring: &Path, listen: SocketAddr) -> String {
    format!(
        "{scrape}remote_write:\n  - url: {url}\n\
         buffer: {{path: \"{}\", size: 512MiB}}\nserver: {{listen: \"{listen}\"}}\n",
        ring.display()
    )
}

/// The build folder that this program lies in: two levels above it.
fn target_folder() -> Outcome<PathBuf> {
    let own = std::env::current_exe().map_err(|e| format!("finding this program: {e}"))?;
    own.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("finding the build folder: {} has no two above it", own.display()))
}

fn build_runnel(target: &Path) -> Outcome<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet", "-p", "runnel", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .stdout(Stdio::null())
        .status()
        .map_err(|e| format!("building runnel: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("building runnel: cargo ended with {status}"))
    }
}

/// `$VMAGENT`, else the one of the end-to-end tests, downloaded when it is not there yet.
fn find_vmagent() -> Outcome<PathBuf> {
    if let Some(path) = std::env::var_os("VMAGENT") {
        let path = PathBuf::from(path);
        return is_there(&path).map(|()| path);
    }
    ::tests::parts::ensure().map(|parts| parts.vmagent())
}

fn is_there(program: &Path) -> Outcome<()> {
    match fs::metadata(program) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(format!("finding {}: found something else than a file", program.display())),
        Err(e) => Err(format!("finding {}: {e}", program.display())),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use runnel_config::{Source, load};

    use super::*;
    use crate::{Cli, What};

    #[test]
    fn runnel_takes_its_configuration() {
        let What::Metrics(plan) = Cli::parse_from(["compare", "metrics", "--targets", "3"]).what
        else {
            panic!("BUG: `metrics` is another subcommand")
        };
        let scrape = scrape_config(&plan, 9_100);
        let url = "http://127.0.0.1:1/api/v1/write";
        let listen = SocketAddr::from(([127, 0, 0, 1], 2));
        let text = runnel_config(&scrape, url, Path::new("/ring"), listen);
        let source = Source::new(Path::new("runnel.yaml"), text);
        let loaded = load(&source, &|_| None, &|_| Ok(Vec::new())).expect("a good configuration");
        assert_eq!(loaded.warnings, []);
        let settings = loaded.settings;
        assert_eq!(settings.scrape_configs[0].static_configs[0].targets.len(), 3);
        assert_eq!(settings.server.listen, listen);
    }
}

//! Agents as processes: started in a folder of their own, watched through `/proc`, ended by id.
//!
//! Owns processes and folders, each cleaned up when dropped. Knows no agent.
//! Called by `agents`, `turn` and `big`, on the main thread.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;

/// What a process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time since its start, user and system. Unit: microseconds.
    pub cpu_us: u64,
    /// Resident memory now.
    pub resident_bytes: u64,
    /// Most resident memory since its start or [`Process::forget_peak`].
    pub peak_bytes: u64,
}

/// A running agent and its folder.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    folder: Folder,
}

impl Process {
    /// Starts `command` with both its outputs in a log in `folder`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(name: &str, mut command: Command, folder: Folder) -> Outcome<Self> {
        let path = folder.path().join(LOG);
        let log = File::create(&path).map_err(|e| format!("making {}: {e}", path.display()))?;
        let errors = log.try_clone().map_err(|e| format!("making {}: {e}", path.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|e| format!("starting {name}: {e}"))?;
        Ok(Self { name: name.to_owned(), child, folder })
    }

    /// Waits until `path` at `address` answers 200.
    ///
    /// # Errors
    /// It ends before, or the deadline passes.
    pub fn wait_ready(&mut self, address: SocketAddr, path: &str) -> Outcome<()> {
        let deadline = Instant::now() + READY_DEADLINE;
        while !answers_200(address, path) {
            self.check_alive()?;
            if Instant::now() > deadline {
                return Err(self.failed(&format!("no 200 at {path} in {READY_DEADLINE:?}")));
            }
            pause(POLL);
        }
        Ok(())
    }

    /// Lets it run until `end`.
    ///
    /// # Errors
    /// It ends before.
    pub fn let_run_until(&mut self, end: Instant) -> Outcome<()> {
        loop {
            self.check_alive()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            pause(left.min(ALIVE_POLL));
        }
    }

    /// What it has used.
    ///
    /// # Errors
    /// It is gone.
    pub fn usage(&self) -> Outcome<Usage> {
        let (stat, status) = (self.read_proc("stat")?, self.read_proc("status")?);
        usage(&stat, &status, clock_ticks_per_second())
            .ok_or_else(|| self.failed("figures in /proc that cannot be read"))
    }

    /// Lets [`Usage::peak_bytes`] start anew. Where the kernel cannot, the peak since its start
    /// stands, which is never less.
    pub fn forget_peak(&self) {
        // 5 resets the peak of the resident set. Source: proc_pid_clear_refs(5).
        let _ = fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5");
    }

    /// Asks it to stop by SIGTERM, and ends it when it does not in time.
    pub fn stop(mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let deadline = Instant::now() + STOP_DEADLINE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            pause(POLL);
        }
    }

    fn check_alive(&mut self) -> Outcome<()> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failed(&format!("it ended with {status}"))),
            Err(e) => Err(self.failed(&format!("no state: {e}"))),
        }
    }

    fn read_proc(&self, file: &str) -> Outcome<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).map_err(|e| self.failed(&format!("no {path}: {e}")))
    }

    /// An error with the end of the log.
    fn failed(&self, found: &str) -> String {
        let log = fs::read(self.folder.path().join(LOG)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n");
        format!("running {}: found {found}; its log ends\n{tail}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that is removed when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes a new one in `parent`. The build folder serves as parent: it lies on a disk, where a
    /// system's temporary folder often is memory.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(parent: &Path) -> Outcome<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("compare-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).map_err(|e| format!("making {}: {e}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in it; returns its path.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Outcome<PathBuf> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(|e| format!("writing {}: {e}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A loopback address that nothing listens on.
///
/// # Errors
/// There is none.
pub fn free_address() -> Outcome<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(|e| format!("looking for a free port: {e}"))
}

/// The one pause of this program: between two looks, and while an agent is measured.
fn pause(span: Duration) {
    thread::sleep(span);
}

fn answers_200(address: SocketAddr, path: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok::<_, std::io::Error>(status)
    };
    ask().is_ok_and(|status| &status == b"HTTP/1.1 200")
}

/// Reads `/proc/<pid>/stat` and `/proc/<pid>/status`. Source: proc_pid_stat(5).
fn usage(stat: &str, status: &str, ticks_per_second: u64) -> Option<Usage> {
    // The program's name stands in parentheses and may hold anything, these included.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = |i: usize| fields.get(i)?.parse::<u64>().ok();
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
    };
    Some(Usage {
        // utime and stime are fields 14 and 15, counted from 1; the name was field 2.
        cpu_us: (ticks(11)? + ticks(12)?) * 1_000_000 / ticks_per_second.max(1),
        resident_bytes: bytes("VmRSS")?,
        peak_bytes: bytes("VmHWM")?,
    })
}

const LOG: &str = "log";
/// Lines of a log that an error shows.
const LOG_TAIL_LINES: usize = 20;
/// Time between two looks at a condition.
const POLL: Duration = Duration::from_millis(20);
/// Time between two looks at whether a measured agent lives; rare, to leave it the machine.
const ALIVE_POLL: Duration = Duration::from_millis(500);
/// A loaded machine starts an agent in seconds.
const READY_DEADLINE: Duration = Duration::from_secs(60);
/// An agent that stops sends its last blocks and stale markers.
const STOP_DEADLINE: Duration = Duration::from_secs(20);
/// A loopback server that is ready answers in milliseconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_proc_are_read() {
        let check = |stat, status, expected| assert_eq!(usage(stat, status, 100), expected);
        let stat = "7 (a) b) S 1 1 1 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 5 0 0";
        let status = "Name:\ta) b\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        let usage =
            Usage { cpu_us: 3_000_000, resident_bytes: 1_024 << 10, peak_bytes: 2_048 << 10 };
        check(stat, status, Some(usage));
        // A zombie has no memory.
        check(stat, "Name:\ta\n", None);
        check("7 (a", status, None);
    }

    #[test]
    fn the_figures_of_a_live_process_can_be_had() {
        let folder = Folder::new(&std::env::temp_dir()).expect("a folder");
        let mut command = Command::new("sleep");
        command.arg("60");
        let process = Process::start("sleep", command, folder).expect("a process");
        let usage = process.usage().expect("figures");
        assert!(usage.peak_bytes >= usage.resident_bytes);
    }
}

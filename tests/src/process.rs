//! Processes of a scenario: started, watched, ended by their id.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::eventually;

/// A running program with its log in a file; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with both its outputs appended to `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Self {
        let open = || {
            File::options()
                .append(true)
                .create(true)
                .open(log)
                .unwrap_or_else(|e| panic!("opening the log {}: {e}", log.display()))
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(open())
            .stderr(open())
            .spawn()
            .unwrap_or_else(|e| panic!("starting {command:?}: {e}"));
        Self { name: name.into(), child, log: log.into() }
    }

    /// How it ended, or `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// The last lines of its log, for failure messages.
    pub fn log_tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(LOG_TAIL_LINES);
        format!("--- log of {} ---\n{}\n---", self.name, lines[from..].join("\n"))
    }

    /// The whole log so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until `ready` answers `Ok`, or fails with the log when the program ends before.
    ///
    /// # Panics
    /// When the program ends or the deadline passes first.
    pub fn wait_ready<T>(&mut self, ready: impl Fn() -> Result<T, String>) -> T {
        let name = self.name.clone();
        eventually(&format!("{name} to be ready"), READY_DEADLINE, || {
            if let Some(status) = self.ended() {
                panic!("{name} ended with {status} before it was ready\n{}", self.log_tail());
            }
            ready().map_err(|found| format!("{found}\n{}", self.log_tail()))
        })
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the program is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal)
            .unwrap_or_else(|e| panic!("signalling {}: {e}\n{}", self.name, self.log_tail()));
    }

    /// Ends it as `kill -9` does and waits until it is gone.
    pub fn kill9(&mut self) {
        if self.ended().is_none() {
            self.child.kill().expect("a running child can be killed");
        }
        let status = self.child.wait().expect("a child can be waited for");
        assert_eq!(
            status.signal(),
            Some(9),
            "{} should have died of signal 9, found {status}\n{}",
            self.name,
            self.log_tail()
        );
    }

    /// Asks it to stop by SIGTERM and returns how it ended.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let name = self.name.clone();
        eventually(&format!("{name} to stop"), STOP_DEADLINE, || {
            self.ended().ok_or_else(|| format!("still running\n{}", self.log_tail()))
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log_tail());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback port that nothing listens on.
///
/// It lies below the kernel's range for outgoing connections, so that none takes it between this
/// answer and its use; the starting point differs between test processes.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in 0..PORT_COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let start = (std::process::id() as u16).wrapping_mul(37);
        let port = PORT_FIRST + start.wrapping_add(step) % PORT_COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("looking for a free loopback port: all {PORT_COUNT} from {PORT_FIRST} are taken");
}

/// A loopback address that nothing listens on.
pub fn free_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()))
}

/// First port handed out; Linux hands outgoing connections those from 32768 on.
const PORT_FIRST: u16 = 12_000;
/// Ports handed out.
const PORT_COUNT: u16 = 20_000;
/// Lines of a log that a failure message shows.
const LOG_TAIL_LINES: usize = 25;
/// A cold start on a loaded machine with two cores takes seconds.
const READY_DEADLINE: Duration = Duration::from_secs(60);
/// VictoriaMetrics flushes its memory when it stops.
const STOP_DEADLINE: Duration = Duration::from_secs(60);

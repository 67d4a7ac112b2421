//! What the kernel says of this process. Linux only; elsewhere the page lacks these figures.

use std::fs;

/// Figures of `/proc/self`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// User and system CPU time in seconds.
    pub cpu_s: f64,
    /// Open file descriptors.
    pub fds: u64,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Highest resident memory in bytes.
    pub resident_peak_bytes: u64,
    /// Start of the process, seconds since the epoch.
    pub start_s: f64,
    /// Threads.
    pub threads: u64,
}

/// Ticks per second of the times in `/proc/self/stat`: `USER_HZ`, 100 on every Linux that Rust
/// supports.
const TICKS_PER_S: f64 = 100.0;

impl Process {
    /// Reads the figures; what can't be read stays zero.
    pub fn read() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let mut process =
            parse(&text("/proc/self/stat"), &text("/proc/self/status"), &text("/proc/stat"));
        process.fds = fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64);
        process
    }
}

fn parse(stat: &str, status: &str, system: &str) -> Process {
    // The command name in parentheses may hold spaces, so fields count from behind it: the first
    // one there is field 3 of proc(5).
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |field: usize| {
        fields.get(field - 3).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / TICKS_PER_S
    };
    let number = |text: &str, name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
        line.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    Process {
        cpu_s: ticks(14) + ticks(15),
        fds: 0,
        resident_bytes: number(status, "VmRSS:") * 1024,
        resident_peak_bytes: number(status, "VmHWM:") * 1024,
        start_s: number(system, "btime ") as f64 + ticks(22),
        threads: number(status, "Threads:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_any_command_name() {
        let rest = (3..=30).map(|n| (n * 100).to_string()).collect::<Vec<_>>().join(" ");
        let process = parse(
            &format!("7 (a) b) {rest}"),
            "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\nThreads:\t5\n",
            "cpu 1 2\nbtime 1000\n",
        );
        let expected = Process {
            cpu_s: 14.0 + 15.0,
            fds: 0,
            resident_bytes: 1 << 20,
            resident_peak_bytes: 2 << 20,
            start_s: 1022.0,
            threads: 5,
        };
        assert_eq!(process, expected);
    }

    #[test]
    fn this_process_has_figures() {
        let process = Process::read();
        assert!(process.resident_bytes > 0 && process.threads > 0 && process.fds > 0);
    }
}

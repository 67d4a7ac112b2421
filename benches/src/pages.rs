//! Metric pages as exporters write them, made by arithmetic: the same seed and scrape give the
//! same bytes on any machine.
//!
//! Owns the look of the lines: the first half of a page reads like node-exporter's, the second
//! like the kubelet's cAdvisor, together about 160 bytes of text a sample. Values move from scrape
//! to scrape as such values do: counters rise, gauges wander, most stay as they are.

use std::fmt::Write;

/// One target's pages.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    /// Which target; pages of two targets differ in names and values.
    pub target: u64,
    /// Samples on a page.
    pub series: usize,
}

impl Pages {
    /// The page at scrape number `scrape`.
    pub fn page(&self, scrape: u64) -> String {
        let mut page = String::with_capacity(self.series * 170 + 4_096);
        let node = self.series / 2;
        self.node_half(scrape, node, &mut page);
        self.container_half(scrape, self.series - node, &mut page);
        page
    }

    fn node_half(&self, scrape: u64, samples: usize, page: &mut String) {
        let mut left = samples;
        for family in 0.. {
            if left == 0 {
                return;
            }
            let (name, kind, label, each) = NODE[family % NODE.len()];
            let lap = family / NODE.len();
            let name = if lap == 0 { name.to_owned() } else { format!("{name}_{lap}") };
            header(page, &name, kind);
            for i in 0..each.min(left) {
                page.push_str(&name);
                self.node_labels(page, label, i);
                let seed = mix(self.target, family as u64 * 1_000 + i as u64);
                number(page, kind, seed, scrape);
            }
            left -= each.min(left);
        }
    }

    fn node_labels(&self, page: &mut String, label: &str, i: usize) {
        let done = match label {
            "" => Ok(()),
            "cpu,mode" => write!(page, "{{cpu=\"{}\",mode=\"{}\"}}", i / 8, MODES[i % 8]),
            "device" => write!(page, "{{device=\"{}{i}\"}}", DEVICES[i % DEVICES.len()]),
            "filesystem" => write!(
                page,
                "{{device=\"/dev/mapper/vg{}-lv_{i}\",device_error=\"\",fstype=\"xfs\",\
                 mountpoint=\"/var/lib/kubelet/pods/{:08x}/volume-{i}\"}}",
                self.target % 4,
                mix(self.target, i as u64) as u32,
            ),
            _ => write!(
                page,
                "{{name=\"systemd-unit-{i}.service\",state=\"active\",type=\"{label}\"}}"
            ),
        };
        done.expect("a string takes everything");
    }

    fn container_half(&self, scrape: u64, samples: usize, page: &mut String) {
        let families = CONTAINER.len();
        for (family, (name, kind)) in CONTAINER.iter().enumerate() {
            // The first families take the remainder of the division.
            let each = samples / families + usize::from(family < samples % families);
            if each == 0 {
                return;
            }
            header(page, name, kind);
            for i in 0..each {
                let id = mix(self.target, 77_000 + i as u64);
                let app = APPS[i % APPS.len()];
                write!(
                    page,
                    "{name}{{container=\"{app}\",id=\"/kubepods.slice/burstable/pod{:08x}-{:04x}\",\
                     image=\"registry.example/platform/{app}:v1.{}\",namespace=\"team-{}\",\
                     pod=\"{app}-{:08x}-{:05x}\"}}",
                    id as u32,
                    (id >> 32) as u16,
                    id % 40,
                    i % 7,
                    (id >> 16) as u32,
                    (id >> 40) as u32 & 0xf_ffff,
                )
                .expect("a string takes everything");
                number(page, kind, mix(id, family as u64), scrape);
            }
        }
    }
}

fn header(page: &mut String, name: &str, kind: &str) {
    writeln!(page, "# HELP {name} Some words about what {name} is.\n# TYPE {name} {kind}")
        .expect("a string takes everything");
}

/// Writes a value as such an exporter would.
fn number(page: &mut String, kind: &str, seed: u64, scrape: u64) {
    let moves = seed % 10;
    let done = match (kind, moves) {
        // Three in ten counters rise by whole steps, two by fractions, the others rest.
        ("counter", 0..3) => writeln!(page, " {}", seed % 100_000 + scrape * (1 + seed % 97)),
        ("counter", 3..5) => {
            writeln!(page, " {:.2}", (seed % 1_000_000) as f64 / 7.0 + scrape as f64 * 0.73)
        }
        ("counter", _) => writeln!(page, " {}", seed % 1_000),
        // Four in ten gauges wander, two are large and written with an exponent.
        (_, 0..4) => writeln!(page, " {}", 4_096 * (mix(seed, scrape) % 500_000)),
        (_, 4..6) => {
            let value = 1.0 + (mix(seed, scrape / 3) % 1_000_000) as f64 / 1e6;
            writeln!(page, " {value:.6}e+09")
        }
        _ => writeln!(page, " {}", seed % 2),
    };
    done.expect("a string takes everything");
}

/// A number that looks like chance.
fn mix(a: u64, b: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_add(0x5851_f42d_4c95_7f2d);
    for _ in 0..2 {
        x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    x ^ (x >> 29)
}

/// Name, type, labels and samples of the node-exporter-like families.
const NODE: [(&str, &str, &str, usize); 14] = [
    ("node_boot_time_seconds", "gauge", "", 1),
    ("node_context_switches_total", "counter", "", 1),
    ("node_cpu_seconds_total", "counter", "cpu,mode", 64),
    ("node_disk_io_time_seconds_total", "counter", "device", 12),
    ("node_disk_read_bytes_total", "counter", "device", 12),
    ("node_filesystem_avail_bytes", "gauge", "filesystem", 40),
    ("node_filesystem_files_free", "gauge", "filesystem", 40),
    ("node_filesystem_readonly", "gauge", "filesystem", 40),
    ("node_filesystem_size_bytes", "gauge", "filesystem", 40),
    ("node_memory_MemAvailable_bytes", "gauge", "", 1),
    ("node_network_receive_bytes_total", "counter", "device", 24),
    ("node_network_transmit_packets_total", "counter", "device", 24),
    ("node_systemd_unit_state", "gauge", "notify", 60),
    ("node_systemd_unit_tasks_current", "gauge", "simple", 60),
];

const MODES: [&str; 8] = ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"];

const DEVICES: [&str; 4] = ["nvme", "lxc", "cilium_", "dm-"];

const CONTAINER: [(&str, &str); 10] = [
    ("container_cpu_cfs_periods_total", "counter"),
    ("container_cpu_cfs_throttled_periods_total", "counter"),
    ("container_cpu_usage_seconds_total", "counter"),
    ("container_fs_reads_bytes_total", "counter"),
    ("container_fs_writes_bytes_total", "counter"),
    ("container_memory_cache", "gauge"),
    ("container_memory_rss", "gauge"),
    ("container_memory_working_set_bytes", "gauge"),
    ("container_network_receive_bytes_total", "counter"),
    ("container_spec_memory_limit_bytes", "gauge"),
];

const APPS: [&str; 9] = [
    "checkout",
    "billing-api",
    "frontend",
    "postgres",
    "keycloak",
    "otel-collector",
    "search-indexer",
    "mail",
    "gateway",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_of_the_promised_form() {
        let pages = Pages { target: 3, series: 1_000 };
        let page = pages.page(0);
        let samples = page.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(samples, 1_000);
        assert!((150..=170).contains(&(page.len() / samples)), "{} bytes", page.len() / samples);
        assert_eq!(page, pages.page(0));
        let moved = page.lines().zip(pages.page(1).lines()).filter(|(a, b)| a != b).count();
        assert!((300..=600).contains(&moved), "{moved} values moved");
    }
}

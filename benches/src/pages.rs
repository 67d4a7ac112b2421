//! Metric pages as exporters write them, the same bytes on any machine.
//!
//! Owns the look of the lines. The first half of a page is a page of Debian's node-exporter 1.11,
//! recorded twice five seconds apart (`testdata/node_exporter.txt`: each sample with its value and
//! by how much it moved); the second reads like the kubelet's cAdvisor. Together about 160 bytes
//! of text a sample. Values move from scrape to scrape as they did in the recording: about three in
//! ten.

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
        for lap in 0.. {
            for line in NODE_EXPORTER.lines() {
                if left == 0 {
                    return;
                }
                if line.starts_with('#') {
                    header_of_lap(page, line, lap);
                } else {
                    self.node_sample(page, line, lap, scrape);
                    left -= 1;
                }
            }
        }
    }

    /// One recorded sample; those that moved differ between targets and go on moving.
    fn node_sample(&self, page: &mut String, line: &str, lap: usize, scrape: u64) {
        let (rest, step) = line.rsplit_once(' ').expect("a recorded line has three parts");
        let (series, value) = rest.rsplit_once(' ').expect("a recorded line has three parts");
        let (name, labels) = match series.find('{') {
            Some(at) => series.split_at(at),
            None => (series, ""),
        };
        let step: f64 = step.parse().expect("a recorded step is a number");
        let lap = if lap == 0 { String::new() } else { format!("_{lap}") };
        let done = if step == 0.0 {
            writeln!(page, "{name}{lap}{labels} {value}")
        } else {
            let value: f64 = value.parse().expect("a recorded value is a number");
            // The place of a target on the way of these values.
            let turn = scrape as f64 + (mix(self.target, series.len() as u64) % 10_000) as f64;
            let value = ((value + step * turn) * 1e6).round() / 1e6;
            writeln!(page, "{name}{lap}{labels} {}", go_float(value))
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
                    "{name}{{container=\"{app}\",id=\"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-\
                     pod{:08x}_{:04x}.slice\",\
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
                number(page, name, mix(id, family as u64), scrape);
            }
        }
    }
}

fn header(page: &mut String, name: &str, kind: &str) {
    writeln!(page, "# HELP {name} Some words about what {name} is.\n# TYPE {name} {kind}")
        .expect("a string takes everything");
}

/// A recorded HELP or TYPE line; on a further lap the family has another name.
fn header_of_lap(page: &mut String, line: &str, lap: usize) {
    let mut words = line.splitn(4, ' ');
    let mut word = || words.next().unwrap_or_default();
    let (hash, keyword, name, rest) = (word(), word(), word(), word());
    let lap = if lap == 0 { String::new() } else { format!("_{lap}") };
    writeln!(page, "{hash} {keyword} {name}{lap} {rest}").expect("a string takes everything");
}

/// Writes a value as cAdvisor would: most rest, many at zero; counters rise by whole steps or by
/// fractions of a second, memory moves by pages.
fn number(page: &mut String, name: &str, seed: u64, scrape: u64) {
    let whole = |value: u64| go_float(value as f64);
    let text = match (name, seed % 10) {
        (name, 0..8) if name.ends_with("_seconds_total") => {
            let value = (seed % 1_000_000) as f64 / 7.0 + scrape as f64 * 0.730_519;
            go_float((value * 1e6).round() / 1e6)
        }
        (
            "container_memory_rss"
            | "container_memory_usage_bytes"
            | "container_memory_working_set_bytes",
            0..5,
        ) => whole(4_096 * (seed % 500_000 + mix(seed, scrape) % 64)),
        ("container_cpu_cfs_periods_total", 0..6) => whole(seed % 100_000 + scrape * (seed % 97)),
        ("container_last_seen", _) => whole(1_790_000_000 + scrape * 5),
        ("container_spec_memory_limit_bytes", _) => whole((1 + seed % 8) << 28),
        (_, 0..4) => whole(seed % 1_000_000),
        _ => "0".to_owned(),
    };
    let done = writeln!(page, " {text}");
    done.expect("a string takes everything");
}

/// A number as Go's client writes it: an exponent from a million on.
fn go_float(value: f64) -> String {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').expect("this format has an exponent");
    match exponent.parse::<i32>().expect("this format has a whole exponent") {
        -4..=5 => format!("{value}"),
        exponent => {
            format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
    }
}

/// A number that looks like chance.
fn mix(a: u64, b: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_add(0x5851_f42d_4c95_7f2d);
    for _ in 0..2 {
        x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    x ^ (x >> 29)
}

/// The recorded page: `series value step` for each sample.
const NODE_EXPORTER: &str = include_str!("../testdata/node_exporter.txt");

const CONTAINER: [(&str, &str); 25] = [
    ("container_blkio_device_usage_total", "counter"),
    ("container_cpu_cfs_periods_total", "counter"),
    ("container_cpu_cfs_throttled_periods_total", "counter"),
    ("container_cpu_cfs_throttled_seconds_total", "counter"),
    ("container_cpu_system_seconds_total", "counter"),
    ("container_cpu_usage_seconds_total", "counter"),
    ("container_cpu_user_seconds_total", "counter"),
    ("container_file_descriptors", "gauge"),
    ("container_fs_reads_bytes_total", "counter"),
    ("container_fs_reads_total", "counter"),
    ("container_fs_writes_bytes_total", "counter"),
    ("container_fs_writes_total", "counter"),
    ("container_last_seen", "gauge"),
    ("container_memory_cache", "gauge"),
    ("container_memory_failcnt", "counter"),
    ("container_memory_mapped_file", "gauge"),
    ("container_memory_max_usage_bytes", "gauge"),
    ("container_memory_rss", "gauge"),
    ("container_memory_swap", "gauge"),
    ("container_memory_usage_bytes", "gauge"),
    ("container_memory_working_set_bytes", "gauge"),
    ("container_processes", "gauge"),
    ("container_sockets", "gauge"),
    ("container_spec_cpu_shares", "gauge"),
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
        let text: usize = page.lines().filter(|l| !l.starts_with('#')).map(|l| l.len() + 1).sum();
        assert!((140..=180).contains(&(text / samples)), "{} bytes", text / samples);
        assert_eq!(page, pages.page(0));
        let moved = page.lines().zip(pages.page(1).lines()).filter(|(a, b)| a != b).count();
        assert!((200..=450).contains(&moved), "{moved} values moved");
    }
}

//! Bad targets: `up 0` with a plain reason, a good neighbour undisturbed, memory bounded.

use std::time::Duration;

use tests::agent::Target;
use tests::process::free_port;
use tests::server::{Reply, gzip};
use tests::{Agent, Authority, Exporter, Folder, Receiver, eventually};

use crate::SOON;

#[test]
fn bad_targets_are_down_with_a_reason() {
    let zoo = Zoo::start();
    let receiver = Receiver::start();
    let config = format!("{}remote_write:\n  - url: {}\n", zoo.config(), receiver.url());
    let agent = Agent::start(&config);
    zoo.check(&receiver, || agent.targets(), &[]);
    let resident = agent.resident_bytes().expect("the agent shows its memory");
    assert!(resident < RESIDENT_BYTES_MAX, "resident memory is {resident} bytes");
    agent.ledger().expect("the agent shows its ledger").assert_balanced();
}

/// One target per way to be bad, and a good one.
pub struct Zoo {
    plain: Exporter,
    _tls: Vec<Exporter>,
    jobs: String,
    _folder: Folder,
}

/// One way to be bad: the target's name, what it answers, and a word of the reason, any of them.
struct Bad {
    name: &'static str,
    reply: Reply,
    words: &'static [&'static str],
}

impl Zoo {
    /// Starts all of them.
    pub fn start() -> Self {
        let bad = bad();
        let plain = Exporter::start(move |scrape| match scrape.path.as_str() {
            "/good" => Reply::page("good 1\n"),
            path => {
                let found = bad.iter().find(|bad| path.strip_prefix('/') == Some(bad.name));
                found.map_or_else(|| Reply::status(404), |bad| bad.reply.clone())
            }
        });
        let folder = Folder::new("zoo");
        let (own, other) = (Authority::new(), Authority::new());
        let ca = folder.write("ca.pem", own.pem());
        let page = |_: &tests::exporter::Scrape| Reply::page("a 1\n");
        let stranger = Exporter::start_tls(other.server(&["127.0.0.1"], false), page);
        let misnamed = Exporter::start_tls(own.server(&["elsewhere.example"], false), page);
        let mut jobs = String::new();
        for name in std::iter::once("good").chain(self::bad().iter().map(|bad| bad.name)) {
            jobs.push_str(&job(name, &plain.address(), ""));
        }
        jobs.push_str(&job("unreachable", &format!("127.0.0.1:{}", free_port()), ""));
        let tls = format!(", scheme: https, tls_config: {{ca_file: \"{}\"}}", ca.display());
        jobs.push_str(&job("unknown_authority", &stranger.address(), &tls));
        jobs.push_str(&job("other_name", &misnamed.address(), &tls));
        jobs.push_str(&job("no_tls", &plain.address(), &tls));
        Self { plain, _tls: vec![stranger, misnamed], jobs, _folder: folder }
    }

    /// A configuration that scrapes them all.
    pub fn config(&self) -> String {
        format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 900ms}}\nscrape_configs:\n{}",
            self.jobs
        )
    }

    /// Checks what `targets` and `receiver` show, but for those targets that are `fine`.
    pub fn check(
        &self,
        receiver: &Receiver,
        targets: impl Fn() -> Result<Vec<Target>, String>,
        fine: &[&str],
    ) {
        for (name, words) in reasons() {
            if fine.contains(&name) {
                continue;
            }
            eventually(&format!("the reason of {name}"), SOON, || {
                let targets = targets()?;
                let target = targets.iter().find(|target| target.job() == name);
                let target = target.ok_or_else(|| format!("no target {name}"))?;
                let reason = target.last_error.to_lowercase();
                let told = words.is_empty() || words.iter().any(|word| reason.contains(word));
                let good = target.health == "down" && !reason.is_empty() && told;
                good.then_some(()).ok_or_else(|| format!("{target:?}, expected one of {words:?}"))
            });
            eventually(&format!("up of {name}"), SOON, || {
                let up = receiver.samples_of("up");
                let up: Vec<f64> =
                    up.iter().filter(|(l, _)| l["job"] == name).map(|(_, s)| s.value).collect();
                let good = !up.is_empty() && up.iter().all(|value| *value == 0.0);
                good.then_some(()).ok_or_else(|| format!("up is {up:?}"))
            });
        }
        self.neighbour_is_undisturbed(receiver);
    }

    fn neighbour_is_undisturbed(&self, receiver: &Receiver) {
        let shown = self.plain.count("/good");
        let times = eventually("the good neighbour's pages", SOON, || {
            let mut times: Vec<i64> =
                receiver.samples_of("good").iter().map(|(_, s)| s.at_ms).collect();
            times.sort_unstable();
            let enough = times.len() >= shown;
            enough.then_some(times).ok_or_else(|| format!("{shown} were shown"))
        });
        let gaps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(
            gaps.iter().all(|gap| (500..=1500).contains(gap)),
            "the good neighbour was disturbed: {gaps:?}"
        );
    }
}

fn job(name: &str, address: &str, keys: &str) -> String {
    format!(
        "  - {{job_name: {name}, metrics_path: /{name}, \
         static_configs: [{{targets: [\"{address}\"]}}]{keys}}}\n"
    )
}

/// A word that the reason of each target has; none where the wording is free.
fn reasons() -> Vec<(&'static str, &'static [&'static str])> {
    let mut all: Vec<(&str, &[&str])> =
        bad().into_iter().map(|bad| (bad.name, bad.words)).collect();
    all.push(("unreachable", &["refused"]));
    all.push(("unknown_authority", &["certificate", "unknown authority", "issuer"]));
    all.push(("other_name", &["certificate", "name"]));
    all.push(("no_tls", &["tls", "message", "handshake"]));
    all
}

/// Those that answer HTTP, or nearly.
fn bad() -> Vec<Bad> {
    const LIMIT: &[&str] = &["limit", "exceed", "larger", "too long", "too large"];
    const TIME: &[&str] = &["time", "deadline"];
    let kind = |name, reply, words| Bad { name, reply, words };
    let good_gzip = gzip(b"a 1\nb 2\nc 3\nd 4\n");
    let zipped = |body: Vec<u8>| Reply::page(body).header("Content-Encoding", "gzip");
    let million: String = (0..1_000_000).map(|n| format!("l{n}=\"v\",")).collect();
    let page = b"a 1\nb 2\n".repeat(100);
    vec![
        kind("status_500", Reply::status(500).body("internal"), &["500"]),
        kind("status_204", Reply::status(204), &["204"]),
        kind("silent", Reply::Silence, TIME),
        kind("slow_head", Reply::page("a 1\n").after(Duration::from_secs(30)), TIME),
        kind(
            "slow_body",
            Reply::Drip { body: page, piece: 1, pause: Duration::from_millis(200) },
            TIME,
        ),
        kind("endless", endless(&[]), &[]),
        kind("endless_gzip", endless(&[("Content-Encoding", "gzip")]), &[]),
        kind("over_the_limit", Reply::page("a 1\n".repeat(5 << 20)), LIMIT),
        kind("gzip_bomb", zipped(gzip(&vec![b'\n'; 256 << 20])), LIMIT),
        kind("broken_gzip", zipped(b"\x1f\x8b\x08 this is not gzip".to_vec()), &[]),
        kind("cut_gzip", zipped(good_gzip[..good_gzip.len() - 12].to_vec()), &[]),
        kind("rubbish", Reply::page(rubbish(1 << 20)), &[]),
        kind("million_labels", Reply::page(format!("a{{{million}}} 1\n")), &[]),
        kind("long_line", Reply::page(format!("a{{b=\"{}\"}} 1\n", "x".repeat(10 << 20))), &[]),
        kind(
            "redirect_loop",
            Reply::status(302).header("Location", "/redirect_loop"),
            &["redirect"],
        ),
        kind("cut_body", Reply::Cut { body: b"a 1\n".to_vec(), announced: 4096 }, &[]),
        kind("closed", Reply::Close, &[]),
        kind("not_http", Reply::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), &[]),
    ]
}

fn endless(headers: &[(&str, &str)]) -> Reply {
    let reply = Reply::Endless { headers: Vec::new(), piece: b"endless 1\n".repeat(1000) };
    headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
}

/// The same bytes at each run, without any readable line.
fn rubbish(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 | 0x80
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// vmagent skips lines that it cannot read, however many, and has no limit on one line.
pub const FINE_FOR_VMAGENT: [&str; 3] = ["rubbish", "million_labels", "long_line"];
/// The limit of the default configuration; a debug build is no larger.
const RESIDENT_BYTES_MAX: f64 = 256.0 * 1024.0 * 1024.0;

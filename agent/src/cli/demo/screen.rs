//! What the demo shows in the terminal.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use runnel_collector::metrics::status::Health;

use super::receiver::{Received, Receiver};
use crate::cli::run::Signals;
use crate::figures::{bytes, count, span};
use crate::ledger::Place;
use crate::status::Face;
use crate::store::Audit;

/// Time between two pictures.
const EVERY: Duration = Duration::from_secs(1);

/// The screen.
pub struct Screen {
    face: Face,
    receiver: Receiver,
    started: Instant,
    /// Lines of the last picture, which the next one overwrites; none where the output is no
    /// terminal.
    drawn: Option<usize>,
    before: Received,
}

impl Screen {
    /// Says what runs and where to look.
    pub fn new(
        face: Face,
        receiver: Receiver,
        listen: SocketAddr,
        exporters: &[(u16, &str)],
    ) -> Self {
        println!("runnel demo: the whole agent against a receiver of its own\n");
        println!("  status page   http://{listen}/");
        println!("  scrapes       itself{}", found(exporters));
        println!("  stop          Ctrl-C\n");
        let drawn = std::io::stdout().is_terminal().then_some(0);
        Self { face, receiver, started: Instant::now(), drawn, before: Received::default() }
    }

    /// Time since it began.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Draws every second until the deadline or a signal.
    pub async fn show_until(&mut self, deadline: Option<Instant>, signals: &mut Signals) {
        let mut tick = tokio::time::interval(EVERY);
        let end = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(end);
        loop {
            tokio::select! {
                _ = tick.tick() => self.draw().await,
                () = &mut end => return,
                _ = signals.next() => return,
            }
        }
    }

    async fn draw(&mut self) {
        let received = self.receiver.received();
        let audit = self.face.audit().await;
        let ring = self.face.ring().await;
        let snapshot = self.face.metrics.snapshot();
        let counts = audit.accounts.first().map(|entry| entry.counts.clone()).unwrap_or_default();
        let held: u64 =
            [Place::Block, Place::Queue, Place::Ring].map(|at| counts.held_at(at)).iter().sum();
        let age = received
            .newest_ms
            .and_then(age)
            .map_or("-".to_owned(), |age| format!("{:.1} s", age.as_secs_f64()));
        let rate = received.samples - self.before.samples;
        self.before = received;
        self.paint(&[
            format!(
                "{:>12}   of {} targets up",
                snapshot.count(Health::Up),
                snapshot.targets.len()
            ),
            format!("{:>12}   samples taken", count(counts.taken())),
            format!(
                "{:>12}   held (ring: {} of {})",
                count(held),
                bytes(ring.used_bytes),
                bytes(ring.budget_bytes)
            ),
            format!(
                "{:>12}   delivered, {} lost, ledger {}",
                count(counts.delivered),
                counts.lost(),
                balance(&audit)
            ),
            format!(
                "{:>12}   received, {rate} a second, {} series, newest {age} old",
                count(received.samples),
                count(received.series)
            ),
        ]);
    }

    /// Overwrites the last picture in a terminal; elsewhere one line a second is enough.
    fn paint(&mut self, lines: &[String]) {
        let mut out = std::io::stdout().lock();
        // A terminal that went away is no reason to stop the demo.
        let _ = match &mut self.drawn {
            Some(drawn) => {
                let up = if *drawn > 0 { format!("\x1b[{drawn}A") } else { String::new() };
                *drawn = lines.len();
                let text: String = lines.iter().map(|line| format!("\x1b[2K{line}\n")).collect();
                write!(out, "{up}{text}")
            }
            None => {
                let words = lines.iter().map(|line| line.trim().replace("   ", " "));
                writeln!(out, "{}", words.collect::<Vec<_>>().join("; "))
            }
        };
        let _ = out.flush();
    }

    /// What was done, at the end.
    pub fn summary(&self, audit: &Audit, uptime: Duration) {
        let received = self.receiver.received();
        let counts = audit.accounts.first().map(|entry| entry.counts.clone()).unwrap_or_default();
        let per_sample = received.bytes as f64 / received.samples.max(1) as f64;
        println!("\nafter {}:", span(uptime.as_secs()));
        println!("  taken      {}", count(counts.taken()));
        println!(
            "  received   {}, {per_sample:.1} bytes a sample on the wire",
            count(received.samples)
        );
        println!("  lost       {}", counts.lost());
        println!("  ledger     {}", balance(audit));
    }
}

fn balance(audit: &Audit) -> &'static str {
    if audit.balanced() { "balanced" } else { "NOT balanced" }
}

fn found(exporters: &[(u16, &str)]) -> String {
    exporters.iter().map(|(port, job)| format!(", {job} at port {port}")).collect()
}

fn age(at_ms: i64) -> Option<Duration> {
    let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(at_ms).ok()?);
    Some(SystemTime::now().duration_since(at).unwrap_or_default())
}

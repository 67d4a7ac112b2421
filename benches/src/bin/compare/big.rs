//! One huge page: resident memory before and while it is scraped.
//!
//! The one target of the load shows a handful of series first; that is idle. Then its page grows,
//! without a change of configuration, and two scrapes of it are waited for: the first builds what
//! the agent remembers of the series, the second works with it.
//! Called by `main`, on its thread.

use std::time::{Duration, Instant};

use crate::agents::{Agent, Programs};
use crate::peer::Peer;
use crate::process::Process;
use crate::{MetricsPlan, Outcome};

/// What a huge page did to one agent.
#[derive(Clone, Copy, Debug)]
pub struct BigTurn {
    /// Who.
    pub agent: Agent,
    /// Resident memory with the small page.
    pub idle_bytes: u64,
    /// Most resident memory until the first huge page was delivered.
    pub first_peak_bytes: u64,
    /// Most resident memory until the second one was delivered.
    pub peak_bytes: u64,
    /// Processor time from growing to the second one's delivery. Unit: microseconds.
    pub cpu_us: u64,
    /// Samples delivered in that time.
    pub samples: u64,
}

/// Scrapes the huge page with one agent.
///
/// # Errors
/// The agent ends, or two huge pages are not delivered before the deadline.
pub fn run(
    agent: Agent,
    programs: &Programs,
    peer: &mut Peer,
    plan: &MetricsPlan,
) -> Outcome<BigTurn> {
    peer.reset()?;
    let mut process = programs.start(agent, plan, peer.ready().exporters, peer.ready().sink)?;
    // Two scrapes of the small page, and time for what a start leaves behind.
    let idle_for = Duration::from_secs(2 * plan.interval_s()).max(IDLE_MIN);
    process.let_run_until(Instant::now() + idle_for)?;
    let idle = process.usage()?;
    process.forget_peak();
    peer.mark()?;
    peer.grow()?;
    let give_up = Instant::now() + deadline(plan);
    let series = plan.series() as u64;
    wait_for(series, peer, &mut process, give_up)?;
    let first = process.usage()?;
    let samples = wait_for(2 * series, peer, &mut process, give_up)?;
    let second = process.usage()?;
    process.stop();
    Ok(BigTurn {
        agent,
        idle_bytes: idle.resident_bytes,
        first_peak_bytes: first.peak_bytes,
        peak_bytes: second.peak_bytes,
        cpu_us: second.cpu_us - idle.cpu_us,
        samples,
    })
}

/// The longest a turn may take: two scrapes as slow as their interval allows, and some for delivery.
pub fn deadline(plan: &MetricsPlan) -> Duration {
    Duration::from_secs(5 * plan.interval_s() + 60)
}

/// Waits until `wanted` samples of the window arrived; returns how many did.
fn wait_for(wanted: u64, peer: &mut Peer, process: &mut Process, give_up: Instant) -> Outcome<u64> {
    loop {
        let tally = peer.read()?;
        if tally.samples >= wanted && tally.refused == 0 {
            return Ok(tally.samples);
        }
        if Instant::now() > give_up || tally.refused > 0 {
            return Err(format!(
                "waiting for {wanted} samples of huge pages: found {} from {} scrapes, {} requests \
                 that cannot be decoded, a peak of {} MiB resident",
                tally.samples,
                tally.scrapes,
                tally.refused,
                process.usage()?.peak_bytes >> 20,
            ));
        }
        process.let_run_until(Instant::now() + POLL)?;
    }
}

/// A start's own peaks and first collections of garbage are over then.
const IDLE_MIN: Duration = Duration::from_secs(15);
/// Time between two looks at the tally.
const POLL: Duration = Duration::from_millis(200);

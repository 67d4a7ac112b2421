//! One turn: one agent, fresh, on the whole load for one measured window.
//!
//! Called by `main`, on its thread.

use std::time::{Duration, Instant};

use crate::agents::{Agent, Programs};
use crate::peer::Peer;
use crate::sink::Tally;
use crate::{MetricsPlan, Outcome};

/// The times of a turn.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// From ready to the start of the window.
    pub warm_up: Duration,
    /// Length of the window.
    pub measured: Duration,
}

impl Window {
    /// Both together.
    pub fn seconds(&self) -> u64 {
        (self.warm_up + self.measured).as_secs()
    }
}

/// What one turn showed.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Who.
    pub agent: Agent,
    /// Real length of the window.
    pub seconds: f64,
    /// Processor time in the window. Unit: microseconds.
    pub cpu_us: u64,
    /// Most resident memory from start to the end of the window.
    pub peak_bytes: u64,
    /// Resident memory at the end of the window.
    pub resident_bytes: u64,
    /// What arrived in the window.
    pub tally: Tally,
}

/// Runs one turn.
///
/// # Errors
/// The agent ends, nothing arrives, or something arrives that cannot be decoded: then there is
/// nothing to compare.
pub fn run(
    agent: Agent,
    programs: &Programs,
    peer: &mut Peer,
    plan: &MetricsPlan,
    window: &Window,
) -> Outcome<Turn> {
    peer.reset()?;
    let mut process = programs.start(agent, plan, peer.ready().exporters, peer.ready().sink)?;
    process.let_run_until(Instant::now() + window.warm_up)?;
    peer.mark()?;
    let (start, before) = (Instant::now(), process.usage()?);
    process.let_run_until(start + window.measured)?;
    let tally = peer.read()?;
    let (after, seconds) = (process.usage()?, start.elapsed().as_secs_f64());
    process.stop();
    if tally.samples == 0 || tally.refused > 0 {
        return Err(format!(
            "running {agent}: found {} samples delivered and {} requests that cannot be decoded",
            tally.samples, tally.refused
        ));
    }
    Ok(Turn {
        agent,
        seconds,
        cpu_us: after.cpu_us - before.cpu_us,
        peak_bytes: after.peak_bytes,
        resident_bytes: after.resident_bytes,
        tally,
    })
}

//! `compare`: runnel beside the peers, in one run, on the same input.
//!
//! Owns the command line and the order of things: plan, peer, agents in turn, table. Knows an
//! agent only from outside: its command line, its configuration file, its process figures and
//! what it delivers. The exporters and the sink run in a process of their own (this program under
//! the hidden subcommand `peer`), so that their cost is not the agent's. Linux only: the figures
//! come from `/proc`, and each target is one loopback address.

mod agents;
mod big;
mod http;
mod load;
mod peer;
mod process;
mod report;
mod sink;
mod state_page;
mod turn;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use agents::{Agent, Programs};
use peer::{Peer, PeerPlan};
use turn::{Turn, Window};

/// What can go wrong, in words: what was tried, on what, what was found.
type Outcome<T> = Result<T, String>;

/// Measures runnel beside the peers it replaces.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Scrape many targets, runnel and vmagent in turn; prints a Markdown table.
    Metrics(MetricsPlan),
    /// The exporters and the sink; started by this program, not by hand.
    #[command(hide = true)]
    Peer(PeerPlan),
}

/// The load and the length of a comparison.
#[derive(Args, Clone, Debug)]
struct MetricsPlan {
    /// Measured seconds of one turn, rounded up to whole scrape intervals.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Turns of each agent.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Targets; with --big there is one.
    #[arg(long, default_value_t = 300)]
    targets: usize,
    /// Series of one target. Default: 1,000, with --big 1,000,000.
    #[arg(long)]
    series: Option<usize>,
    /// Seconds between two scrapes of a target. Default: 5, with --big 30.
    #[arg(long)]
    interval: Option<u64>,
    /// Only this agent.
    #[arg(long, value_enum)]
    only: Option<Agent>,
    /// One huge page instead of many targets: resident memory before and while it is scraped.
    #[arg(long)]
    big: bool,
}

impl MetricsPlan {
    fn series(&self) -> usize {
        self.series.unwrap_or(if self.big { 1_000_000 } else { 1_000 }).max(1)
    }

    fn interval_s(&self) -> u64 {
        self.interval.unwrap_or(if self.big { 30 } else { 5 }).max(1)
    }

    /// A whole number of intervals, so that each target counts the same in the window.
    fn window(&self) -> Window {
        let interval_s = self.interval_s();
        let seconds = self.seconds.max(1).next_multiple_of(interval_s);
        // Targets are spread over the first interval, connections, shapes and caches are made
        // there; the second runs as all later ones, the third is reserve.
        Window {
            warm_up: Duration::from_secs((3 * interval_s).max(15)),
            measured: Duration::from_secs(seconds),
        }
    }

    /// Targets of the load; never more than there are addresses for.
    fn targets(&self) -> usize {
        if self.big { 1 } else { self.targets.clamp(1, load::TARGETS_MAX) }
    }

    fn peer(&self) -> PeerPlan {
        PeerPlan { targets: self.targets(), series: self.series(), big: self.big }
    }

    fn agents(&self) -> Vec<Agent> {
        self.only.map_or_else(|| vec![Agent::Runnel, Agent::Vmagent], |only| vec![only])
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().what {
        What::Metrics(plan) if plan.big => big_page(&plan),
        What::Metrics(plan) => metrics(&plan),
        What::Peer(plan) => peer::serve(&plan),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The comparison under many targets.
fn metrics(plan: &MetricsPlan) -> Outcome<()> {
    let (agents, window, rounds) = (plan.agents(), plan.window(), plan.rounds.max(1));
    let turns = rounds * agents.len();
    eprintln!(
        "{} targets of {} series every {} s; {turns} turns of {} s warm-up and {} s measured: \
         about {} minutes",
        plan.targets(),
        plan.series(),
        plan.interval_s(),
        window.warm_up.as_secs(),
        window.measured.as_secs(),
        (turns as u64 * (window.seconds() + TURN_EXTRA_S)).div_ceil(60),
    );
    let programs = Programs::find(&agents)?;
    let mut peer = Peer::start(&plan.peer())?;
    let mut done: Vec<Turn> = Vec::with_capacity(turns);
    for round in 1..=rounds {
        for &agent in &agents {
            let turn = turn::run(agent, &programs, &mut peer, plan, &window)?;
            eprintln!("round {round}, {agent}: {}", report::summary(&turn));
            done.push(turn);
        }
    }
    print!("{}", report::metrics(plan, peer.ready(), &done));
    Ok(())
}

/// The comparison under one huge page.
fn big_page(plan: &MetricsPlan) -> Outcome<()> {
    let agents = plan.agents();
    eprintln!(
        "one page of {} samples every {} s: at most {} minutes",
        plan.series(),
        plan.interval_s(),
        (agents.len() as u64 * big::deadline(plan).as_secs()).div_ceil(60),
    );
    let programs = Programs::find(&agents)?;
    let mut peer = Peer::start(&plan.peer())?;
    let mut done = Vec::with_capacity(agents.len());
    for agent in agents {
        done.push(big::run(agent, &programs, &mut peer, plan)?);
    }
    print!("{}", report::big(plan, peer.ready(), &done));
    Ok(())
}

/// Starting and stopping an agent, for the planned duration.
const TURN_EXTRA_S: u64 = 3;

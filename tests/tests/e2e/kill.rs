//! kill -9 at any moment: every sample that was durable arrives, and the ledger stays balanced.

use std::time::Duration;

use tests::exporter::now_ms;
use tests::{Agent, Counting, Receiver, eventually, until};

use crate::SOON;

#[test]
fn every_durable_sample_arrives_after_kill_9() {
    let load = Counting::start(TARGETS, 50);
    let mut receiver = Receiver::start();
    let config = format!(
        "scrape_configs:\n{}remote_write:\n  - {{url: \"{}\", remote_timeout: 2s, \
         queue_config: {{min_backoff: 30ms, max_backoff: 200ms}}}}\n",
        load.jobs("250ms"),
        receiver.url()
    );
    let mut agent = Agent::start(&config);
    let mut kills = Vec::new();
    for round in 0..KILLS {
        match round % 3 {
            1 => receiver.go_down(),
            _ => receiver.come_up(),
        }
        // The targets have phases of their own, so that a number of pages is a moment.
        let pages = load.shown() + MOMENTS[round % MOMENTS.len()];
        until("the load to run", SOON, || load.shown() >= pages);
        kills.push(now_ms());
        agent.kill9();
        agent.start_again();
        agent.ledger().expect("the agent shows its ledger").assert_balanced();
    }
    receiver.come_up();
    let shown = load.scrapes();
    let in_a_tail = |at_ms: i64| {
        kills.iter().any(|kill| (kill - UNSYNCED_TAIL_MS..=kill + GRACE_MS).contains(&at_ms))
    };
    let durable: Vec<_> = shown.iter().filter(|scrape| !in_a_tail(scrape.at_ms)).cloned().collect();
    assert!(durable.len() > shown.len() / 4, "the tails leave nothing to be checked");
    eventually("every durable page to arrive", 2 * SOON, || {
        agent.ledger()?.assert_balanced();
        let missing = load.missing(&durable, &receiver);
        missing.is_empty().then_some(()).ok_or_else(|| {
            format!(
                "{} of {} are missing: {missing:?}; kills {kills:?}",
                missing.len(),
                durable.len()
            )
        })
    });
    let lost = load.missing(&shown, &receiver).len();
    eprintln!("{KILLS} kills: {lost} of {} pages lost, all in un-synced tails", shown.len());
    nothing_is_invented(&receiver, &load);
    let ledger = agent.ledger().expect("the agent shows its ledger");
    assert_eq!(ledger.accounts[0].dropped(), 0, "{ledger:#?}");
    agent.stop();
}

/// Every value that arrived was shown; what arrives twice is the same sample.
fn nothing_is_invented(receiver: &Receiver, load: &Counting) {
    let shown = load.scrapes();
    for (labels, sample) in receiver.samples_of("count").iter().filter(|(_, s)| !s.value.is_nan()) {
        let path = format!("/{}", labels["job"]);
        let times: Vec<i64> = shown
            .iter()
            .filter(|s| s.path == path && s.number as f64 == sample.value)
            .map(|s| s.at_ms)
            .collect();
        let near = times.iter().any(|at_ms| (at_ms - sample.at_ms).abs() < 1000);
        assert!(near, "{labels:?} has {sample:?}, shown at {times:?}");
    }
}

#[test]
fn a_clean_stop_loses_nothing() {
    let load = Counting::start(4, 20);
    let mut receiver = Receiver::start();
    receiver.go_down();
    let config = format!(
        "scrape_configs:\n{}remote_write:\n  - url: {}\n",
        load.jobs("250ms"),
        receiver.url()
    );
    let mut agent = Agent::start(&config);
    until("the load to run", SOON, || load.shown() >= 20);
    let before = agent.ledger().expect("the agent shows its ledger");
    agent.stop();
    let stopped = now_ms();
    receiver.come_up();
    agent.start_again();
    let recovered = agent.ledger().expect("the agent shows its ledger");
    recovered.assert_balanced();
    let taken = recovered.accounts[0].taken.get("recovered").copied().unwrap_or_default();
    assert!(taken >= before.accounts[0].held(), "held {before:#?}, then recovered {recovered:#?}");
    // A page shown while the agent was stopping may not have been read to its end.
    let shown: Vec<_> =
        load.scrapes().into_iter().filter(|s| s.at_ms < stopped - GRACE_MS).collect();
    eventually("every page to arrive", SOON, || {
        let missing = load.missing(&shown, &receiver);
        missing.is_empty().then_some(()).ok_or_else(|| format!("missing: {missing:?}"))
    });
    let idle = Duration::from_secs(1);
    assert!(tests::wait::holds_for(idle, || agent.ledger().is_ok_and(|ledger| ledger.balanced)));
}

/// Enough that the pages of 250 ms spread over all phases of a commit of 100 ms.
const TARGETS: usize = 20;
/// How often the agent dies.
const KILLS: usize = 10;
/// Pages between two deaths: from three seconds of load to seven, in odd steps.
const MOMENTS: [usize; 6] = [283, 511, 337, 397, 473, 541];
/// What a kill may cost: a block waits at most a second to be sealed, the group commit takes
/// 100 ms, and a debug build on a loaded machine adds the rest.
const UNSYNCED_TAIL_MS: i64 = 2000;
/// The clock is read before the signal is sent, and a page is noted before it is read.
const GRACE_MS: i64 = 300;

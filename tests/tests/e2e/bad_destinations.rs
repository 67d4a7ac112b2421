//! Bad destinations: whatever one answers, nothing is lost, nothing is stuck, and no other
//! destination is held up.
//!
//! In each scenario the second destination answers well throughout and has to have every page
//! soon after it was shown; the ledger is balanced all along.

use std::time::Duration;

use tests::receiver::{Incoming, Verdict};
use tests::server::Reply;
use tests::{Agent, Counting, Receiver, eventually, until};

use crate::SOON;

#[test]
fn any_status_loses_nothing() {
    let scene = Scene::start("", |incoming| match CODES.get(incoming.number) {
        Some(code) => Verdict::Refuse(Reply::status(*code).body("whatever")),
        None => Verdict::Accept,
    });
    scene.wait_for_requests(CODES.len());
    scene.everything_arrives();
    scene.nothing_is_given_up();
}

#[test]
fn no_answer_at_all_loses_nothing() {
    let scene = Scene::start("", |incoming| {
        let flood = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 4 << 20]].concat();
        let announced = 1 << 20;
        let endless = Reply::Endless { headers: Vec::new(), piece: vec![b'x'; 4096] };
        match incoming.number {
            0 | 1 => Verdict::Refuse(Reply::Close),
            2 => Verdict::Refuse(Reply::Raw(b"\x00\xff not http\r\n\r\n".to_vec())),
            3 => Verdict::Refuse(Reply::Raw(flood)),
            4 => Verdict::Refuse(Reply::Raw(b"HTTP/1.1 ".to_vec())),
            5 => Verdict::Refuse(Reply::Silence),
            6 => Verdict::CommitThen(Reply::Cut { body: b"x".to_vec(), announced }),
            7 => Verdict::CommitThen(endless),
            8 => Verdict::Refuse(Reply::status(503).after(Duration::from_millis(1500))),
            _ => Verdict::Accept,
        }
    });
    scene.wait_for_requests(10);
    scene.everything_arrives();
    scene.nothing_is_given_up();
}

#[test]
fn a_destination_that_never_answers_holds_up_nobody() {
    let scene = Scene::start("", |_| Verdict::Refuse(Reply::Silence));
    scene.wait_for_requests(3);
    scene.the_other_has_everything();
    scene.first.answer(|_| Verdict::Accept);
    scene.everything_arrives();
    scene.nothing_is_given_up();
}

#[test]
fn a_destination_that_is_down_holds_up_nobody() {
    let mut scene = Scene::start("", |_| Verdict::Accept);
    scene.wait_for_requests(2);
    scene.first.go_down();
    let shown = scene.load.shown();
    until("the load to run on", SOON, || scene.load.shown() >= shown + 10);
    scene.the_other_has_everything();
    scene.first.come_up();
    scene.everything_arrives();
    scene.nothing_is_given_up();
}

#[test]
fn a_lost_answer_is_counted_as_a_possible_duplicate() {
    let scene = Scene::start("", |incoming| match incoming.number {
        1 => Verdict::CommitThen(Reply::Close),
        _ => Verdict::Accept,
    });
    scene.wait_for_requests(4);
    scene.everything_arrives();
    scene.nothing_is_given_up();
    let ledger = scene.agent.ledger().expect("the agent shows its ledger");
    assert!(ledger.account("first").possible_duplicates > 0, "{ledger:#?}");
    assert_eq!(ledger.account("second").possible_duplicates, 0, "{ledger:#?}");
}

#[test]
fn a_poison_series_is_rejected_and_its_neighbours_arrive() {
    let scene = Scene::start("poison 1\n", |incoming| match incoming.has_metric("poison") {
        true => Verdict::Refuse(Reply::status(400).body("cannot store poison")),
        false => Verdict::Accept,
    });
    scene.wait_for_requests(10);
    scene.everything_arrives();
    let account = eventually("poison to be rejected", SOON, || {
        let ledger = scene.agent.ledger()?;
        let account = ledger.account("first").clone();
        (account.rejected() > 0).then_some(account).ok_or_else(|| format!("{ledger:?}"))
    });
    // One sample of poison per page, and nothing but poison.
    assert!(account.rejected() <= scene.load.shown() as u64, "{account:#?}");
    assert_eq!(account.dropped(), 0, "{account:#?}");
    assert_eq!(scene.first.samples_of("poison").len(), 0);
    assert!(!scene.second.samples_of("poison").is_empty());
}

#[test]
fn a_body_that_is_too_large_is_split() {
    let few = |incoming: &Incoming| incoming.samples() <= 7;
    let scene = Scene::start("", move |incoming| match few(incoming) {
        true => Verdict::Accept,
        false => Verdict::Refuse(Reply::status(413)),
    });
    scene.wait_for_requests(20);
    scene.everything_arrives();
    scene.nothing_is_given_up();
}

#[test]
fn a_destination_without_zstd_gets_snappy() {
    for code in [400, 415] {
        let scene = Scene::start("", move |incoming| match incoming.encoding.as_str() {
            "snappy" => Verdict::Accept,
            _ => Verdict::Refuse(Reply::status(code)),
        });
        scene.wait_for_requests(4);
        scene.everything_arrives();
        scene.nothing_is_given_up();
        let zstd = scene.first.notes().iter().filter(|note| note.encoding == "zstd").count();
        assert!((1..=2).contains(&zstd), "zstd was tried {zstd} times on {code}");
        let second = scene.second.notes();
        assert!(second.iter().all(|note| note.encoding == "zstd"), "{second:?}");
    }
}

#[test]
fn refused_credentials_park_the_destination() {
    let scene = Scene::start("", |_| Verdict::Refuse(Reply::status(401)));
    scene.wait_for_requests(1);
    let shown = scene.load.shown();
    until("the load to run on", SOON, || scene.load.shown() >= shown + 25);
    let asked = scene.first.requests();
    assert!(asked <= 2, "a parked destination is probed at most every 10 s, not {asked} times");
    scene.the_other_has_everything();
    scene.first.answer(|_| Verdict::Accept);
    scene.everything_arrives();
    scene.nothing_is_given_up();
}

#[test]
fn retry_after_is_the_least_wait() {
    let scene = Scene::start("", |incoming| match incoming.number {
        0 => Verdict::Refuse(Reply::status(429).header("Retry-After", "3")),
        _ => Verdict::Accept,
    });
    scene.wait_for_requests(2);
    let notes = scene.first.notes();
    let waited = notes[1].at_ms - notes[0].at_ms;
    assert!(waited >= 3000, "came back after {waited} ms");
    scene.everything_arrives();
    scene.nothing_is_given_up();
}

/// A load, the agent, a bad destination `first` and a good one `second`.
struct Scene {
    // First, so that it ends before its destinations.
    agent: Agent,
    load: Counting,
    first: Receiver,
    second: Receiver,
}

impl Scene {
    fn start(more: &str, script: impl Fn(&Incoming) -> Verdict + Send + Sync + 'static) -> Self {
        let load = Counting::start_with(2, 10, more);
        let (first, second) = (Receiver::scripted(script), Receiver::start());
        let write = |name: &str, receiver: &Receiver| {
            format!(
                "  - {{name: {name}, url: \"{}\", remote_timeout: 2s, \
                 queue_config: {{min_backoff: 30ms, max_backoff: 200ms}}}}\n",
                receiver.url()
            )
        };
        let config = format!(
            "scrape_configs:\n{}remote_write:\n{}{}",
            load.jobs("500ms"),
            write("first", &first),
            write("second", &second)
        );
        let agent = Agent::start(&config);
        Self { agent, load, first, second }
    }

    /// Waits until the bad destination was asked this often, with the ledger balanced at each
    /// look.
    fn wait_for_requests(&self, count: usize) {
        eventually("requests to the first destination", 2 * SOON, || {
            self.agent.ledger()?.assert_balanced();
            let found = self.first.requests();
            (found >= count).then_some(()).ok_or_else(|| format!("{found} of {count}"))
        });
    }

    /// Everything shown until now arrives at both.
    fn everything_arrives(&self) {
        self.arrives(&self.first, 2 * SOON);
        self.the_other_has_everything();
    }

    /// Everything shown until now arrives at the good one, soon.
    fn the_other_has_everything(&self) {
        self.arrives(&self.second, LAG);
    }

    fn arrives(&self, receiver: &Receiver, deadline: Duration) {
        let shown = self.load.scrapes();
        eventually("all pages to arrive", deadline, || {
            self.agent.ledger()?.assert_balanced();
            let missing = self.load.missing(&shown, receiver);
            let some = missing.len().min(5);
            missing.is_empty().then_some(()).ok_or_else(|| {
                format!("{} of {} are missing, {:?}", missing.len(), shown.len(), &missing[..some])
            })
        });
    }

    fn nothing_is_given_up(&self) {
        let ledger = self.agent.ledger().expect("the agent shows its ledger");
        for account in &ledger.accounts {
            assert_eq!((account.dropped(), account.rejected()), (0, 0), "{account:#?}");
        }
    }
}

/// From a page being shown to its being delivered, on a loaded machine.
const LAG: Duration = Duration::from_secs(15);
/// One of each kind, each answered once, in this order. Left out are 400, which has scenarios of
/// its own, the codes that park for ten seconds each but for one, and 2xx, which is a promise.
const CODES: &[u16] = &[
    503, 100, 101, 103, 199, 300, 301, 302, 303, 304, 305, 307, 308, 399, 402, 405, 406, 407, 408,
    409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 425, 426, 428, 429, 431, 451,
    499, 500, 501, 502, 504, 505, 507, 508, 511, 520, 529, 598, 599, 403,
];

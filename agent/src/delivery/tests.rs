//! A transport that refuses what the case says, and what becomes of the frames.

use runnel_collector::metrics::encode;

use super::*;
use crate::send::Answer;

/// Refuses requests by their content and remembers what it took.
struct Store {
    /// Metric names that make a request a 400.
    poison: &'static [&'static str],
    /// Most series it takes in a request.
    series_max: usize,
    /// Codes answered before anything else, in order.
    codes: Vec<u16>,
    /// The only codec it knows; `None` means both.
    codec: Option<Codec>,
    /// Takes an empty request.
    takes_empty: bool,
    taken: Vec<String>,
    requests: usize,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            poison: &[],
            series_max: usize::MAX,
            codes: Vec::new(),
            codec: None,
            takes_empty: true,
            taken: Vec::new(),
            requests: 0,
        }
    }
}

impl Transport for Store {
    async fn post(&mut self, body: Bytes, codec: Codec) -> Answer {
        self.requests += 1;
        let answer = |code| Answer::Status {
            code,
            retry_after: None,
            sent_twice: false,
            text: String::new(),
        };
        if !self.codes.is_empty() {
            match self.codes.remove(0) {
                0 => return Answer::Failed { reason: "reset".to_owned(), body_sent: true },
                200 => {}
                code => return answer(code),
            }
        }
        if self.codec.is_some_and(|known| known != codec) {
            return answer(400);
        }
        let raw = match codec {
            Codec::Snappy => snap::raw::Decoder::new().decompress_vec(&body).expect("snappy"),
            Codec::Zstd => codec::unpack(&body).expect("zstd"),
        };
        let names = names(&raw);
        match names.iter().any(|name| self.poison.contains(&name.as_str())) {
            _ if names.is_empty() && !self.takes_empty => answer(400),
            true => answer(400),
            false if names.len() > self.series_max => answer(413),
            false => {
                self.taken.extend(names);
                answer(204)
            }
        }
    }
}

fn names(raw: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for field in Request::new(raw) {
        if let Ok(Field::Series(series)) = field {
            let name = series.labels().flatten().find(|label| label.0 == b"__name__");
            names.push(String::from_utf8_lossy(name.expect("a name").1).into_owned());
        }
    }
    names
}

/// A frame of one sample for each name.
fn parcel(seq: u64, names: &[&str]) -> Parcel {
    let mut raw = encode::Out::default();
    for name in names {
        let series = raw.begin(64);
        let mut labels = Vec::new();
        encode::put_label(&mut labels, b"__name__", name.as_bytes());
        raw.replace_labels(series, &labels);
        raw.finish(series, 1.0, 1_000);
    }
    let body = codec::pack_raw(raw.bytes(), Codec::Zstd).expect("fits");
    Parcel { seq, items: names.len() as u64, body }
}

fn zstd() -> CodecChoice {
    CodecChoice { current: Codec::Zstd, may_change: true, proven: true }
}

async fn run(store: &mut Store, parcels: &[Parcel]) -> Outcome {
    deliver(parcels, &mut zstd(), store).await
}

fn settled(seq: u64, delivered: u64, rejected: &[(Reject, u64)]) -> Settled {
    Settled { seq, delivered, rejected: rejected.to_vec() }
}

#[tokio::test]
async fn frames_travel_in_one_request() {
    let mut store = Store::default();
    let outcome = run(&mut store, &[parcel(1, &["a", "b"]), parcel(2, &["c"])]).await;
    assert_eq!(outcome.settled, [settled(1, 2, &[]), settled(2, 1, &[])]);
    assert_eq!((store.requests, store.taken.join("")), (1, "abc".to_owned()));
}

#[tokio::test]
async fn the_poison_is_cornered_and_its_neighbours_arrive() {
    let mut store = Store { poison: &["bad", "worse"], ..Store::default() };
    let names = ["a", "b", "bad", "c", "d", "worse", "e"];
    let outcome = run(&mut store, &[parcel(1, &["x"]), parcel(2, &names), parcel(3, &["y"])]).await;
    let expected =
        [settled(1, 1, &[]), settled(2, 5, &[(Reject::BadRequest, 2)]), settled(3, 1, &[])];
    assert_eq!((outcome.settled, outcome.stopped), (expected.to_vec(), None));
    assert_eq!(store.taken.join(""), "xabcdey");
    assert_eq!(outcome.refusal.as_deref(), Some("answered 400"));
}

#[tokio::test]
async fn a_request_that_is_too_large_is_cut_and_the_lane_is_told() {
    let mut store = Store { series_max: 2, ..Store::default() };
    let outcome =
        run(&mut store, &[parcel(1, &["a", "b", "c", "d", "e"]), parcel(2, &["f"])]).await;
    assert_eq!(outcome.settled, [settled(1, 5, &[]), settled(2, 1, &[])]);
    assert!(outcome.too_large);
    assert_eq!(store.taken.join(""), "abcdef");
}

#[tokio::test]
async fn a_series_that_alone_is_too_large_is_rejected() {
    let mut store = Store { series_max: 0, ..Store::default() };
    let outcome = run(&mut store, &[parcel(1, &["a", "b"])]).await;
    assert_eq!(outcome.settled, [settled(1, 0, &[(Reject::TooLarge, 2)])]);
}

#[tokio::test]
async fn zstd_gives_way_to_snappy_where_only_that_is_taken() {
    let mut store = Store { codec: Some(Codec::Snappy), ..Store::default() };
    let mut codec = CodecChoice { proven: false, ..zstd() };
    let outcome = deliver(&[parcel(1, &["a"]), parcel(2, &["b"])], &mut codec, &mut store).await;
    assert_eq!(outcome.settled.len(), 2);
    assert_eq!((codec.current, store.requests), (Codec::Snappy, 2));
    deliver(&[parcel(3, &["c"])], &mut codec, &mut store).await;
    assert_eq!(store.requests, 3);
}

#[tokio::test]
async fn a_415_changes_the_codec_even_of_a_proven_destination() {
    let mut store = Store { codes: vec![415], ..Store::default() };
    let mut codec = zstd();
    deliver(&[parcel(1, &["a"])], &mut codec, &mut store).await;
    assert_eq!((codec.current, store.taken.join("")), (Codec::Snappy, "a".to_owned()));
}

#[tokio::test]
async fn what_stops_a_delivery_leaves_the_rest_for_later() {
    let cases = [(503, Verdict::BackOff { retry_after: None }), (401, Verdict::Park)];
    for (code, verdict) in cases {
        let mut store = Store { codes: vec![400, 200, code], ..Store::default() };
        let outcome = run(&mut store, &[parcel(1, &["a"]), parcel(2, &["b"])]).await;
        assert_eq!(outcome.settled, [settled(1, 1, &[])]);
        let stop = outcome.stopped.expect("stopped");
        assert_eq!((stop.verdict, outcome.repeated_items), (verdict, 0));
    }
}

#[tokio::test]
async fn a_lost_answer_counts_what_is_sent_again() {
    let mut store = Store { codes: vec![0], ..Store::default() };
    let outcome = run(&mut store, &[parcel(1, &["a", "b"]), parcel(2, &["c"])]).await;
    assert!(outcome.stopped.is_some());
    assert_eq!((outcome.settled.len(), outcome.repeated_items), (0, 3));
}

#[tokio::test]
async fn a_destination_that_refuses_even_nothing_is_parked_and_loses_nothing() {
    let names: Vec<String> = (0..100).map(|i| format!("m{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut store = Store { codes: vec![400; 1000], ..Store::default() };
    let outcome = run(&mut store, &[parcel(1, &names)]).await;
    assert_eq!(outcome.settled, []);
    assert_eq!(outcome.stopped.expect("stopped").verdict, Verdict::Park);
}

#[tokio::test]
async fn a_frame_of_nothing_but_poison_ends_in_bounded_requests() {
    let names = vec!["bad"; 5_000];
    let mut store = Store { poison: &["bad"], ..Store::default() };
    let outcome = run(&mut store, &[parcel(1, &names), parcel(2, &["fine"])]).await;
    let expected = [settled(1, 0, &[(Reject::BadRequest, 5_000)]), settled(2, 1, &[])];
    assert_eq!(outcome.settled, expected);
    assert!(store.requests < 600, "{} requests", store.requests);
}

#[tokio::test]
async fn a_frame_that_is_no_zstd_is_rejected_when_it_is_refused() {
    let broken = Parcel { seq: 1, items: 7, body: Bytes::from_static(b"rubbish") };
    let mut store = Store { codes: vec![400, 400], ..Store::default() };
    let outcome = run(&mut store, &[broken]).await;
    assert_eq!(outcome.settled, [settled(1, 0, &[(Reject::Undecodable, 7)])]);
}

//! One lane: the way of frames from the ring to one destination.
//!
//! Owns when to send and when to wait: batching, backing off, parking, the codec's memory. Never
//! knows samples; what a refused body means is `delivery`'s business, what an answer means is
//! `send`'s.
//!
//! Invariant: one request at a time, oldest frames first, so that the samples of a series arrive
//! in order; and nothing here waits for another destination.
//!
//! One task per lane on the network runtime, spawned by `wiring`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::delivery::{self, CodecChoice, Outcome, Parcel};
use crate::send::{Answer, Codec, Transport, Verdict};
use crate::store::{Destination, Store, StoreGone};

/// Most compressed bytes of one request. Large enough that a 100 ms round trip still moves 10 MB/s
/// and small enough that a lost request repeats little.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// Most raw bytes of one request, under the 32 MiB that VictoriaMetrics takes unpacked.
const REQUEST_RAW_BYTES_MAX: usize = 16 << 20;

/// Wait between two probes of a parked destination.
const PARK_WAIT: Duration = Duration::from_secs(10);

/// Time after which a destination that took only snappy is asked for zstd again.
const CODEC_PROBE: Duration = Duration::from_secs(3600);

/// What a lane is doing, for the status page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LaneState {
    /// Waiting to try again.
    BackingOff,
    /// Nothing to send.
    #[default]
    Idle,
    /// The destination is not as configured; everything is kept.
    Parked,
    /// A request is under way.
    Sending,
}

impl LaneState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::BackingOff, Self::Idle, Self::Parked, Self::Sending];

    /// The value of the label `state`.
    pub fn name(self) -> &'static str {
        match self {
            Self::BackingOff => "backing_off",
            Self::Idle => "idle",
            Self::Parked => "parked",
            Self::Sending => "sending",
        }
    }
}

/// A lane as the status page shows it.
#[derive(Clone, Debug, Default)]
pub struct LaneStatus {
    /// What it is doing.
    pub state: LaneState,
    /// The last thing that went wrong and has not gone right since.
    pub error: Option<String>,
    /// The last refusal of samples.
    pub refusal: Option<String>,
    /// Requests by status code; 0 means no answer.
    pub requests: BTreeMap<u16, u64>,
    /// Bytes on the wire.
    pub wire_bytes: u64,
    /// When a request last succeeded.
    pub delivered_at: Option<Instant>,
    /// What requests are packed with.
    pub codec: Option<Codec>,
}

/// A shared [`LaneStatus`].
#[derive(Clone, Debug, Default)]
pub struct LaneBoard(Arc<Mutex<LaneStatus>>);

impl LaneBoard {
    /// The status at this instant.
    pub fn read(&self) -> LaneStatus {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the status.
    pub fn write(&self, change: impl FnOnce(&mut LaneStatus)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Options of a lane.
#[derive(Clone, Debug)]
pub struct LaneOptions {
    /// Whose frames these are.
    pub destination: Destination,
    /// The codec to begin with.
    pub codec: CodecChoice,
    /// Waits after failures.
    pub backoff: Backoff,
}

/// One lane.
#[derive(Debug)]
pub struct Lane<T> {
    options: LaneOptions,
    store: Store,
    transport: T,
    board: LaneBoard,
    /// The destination's own limit on a request, learned from its 413s.
    request_bytes_max: usize,
    codec_changed_at: Option<Instant>,
}

/// What to do after a delivery.
enum Next {
    Go,
    Wait(LaneState, Duration),
}

impl<T: Transport> Lane<T> {
    /// A lane that has sent nothing yet.
    pub fn new(options: LaneOptions, store: Store, transport: T, board: LaneBoard) -> Self {
        let request_bytes_max = REQUEST_BYTES_MAX;
        Self { options, store, transport, board, request_bytes_max, codec_changed_at: None }
    }

    /// Sends until `stop` turns true or the ring is gone. A request under way is finished.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut appended = self.store.appended();
        let mut probing = false;
        while !*stop.borrow() {
            appended.mark_unchanged();
            let parcels = match self.parcels(probing).await {
                Ok(parcels) => parcels,
                Err(StoreGone) => return,
            };
            if parcels.is_empty() {
                self.board.write(|status| status.state = LaneState::Idle);
                tokio::select! {
                    _ = appended.changed() => {}
                    _ = stop.changed() => {}
                }
                continue;
            }
            match self.send(&parcels).await {
                Ok(Next::Go) => probing = false,
                Ok(Next::Wait(state, wait)) => {
                    probing = true;
                    self.board.write(|status| status.state = state);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        _ = stop.changed() => {}
                    }
                }
                Err(StoreGone) => return,
            }
        }
    }

    /// The oldest frames that fit one request; one alone while the destination is on probation.
    async fn parcels(&mut self, probing: bool) -> Result<Vec<Parcel>, StoreGone> {
        let bytes = if probing { 1 } else { self.request_bytes_max };
        self.store.next(&self.options.destination.name, bytes, REQUEST_RAW_BYTES_MAX).await
    }

    async fn send(&mut self, parcels: &[Parcel]) -> Result<Next, StoreGone> {
        self.board.write(|status| status.state = LaneState::Sending);
        self.probe_codec();
        let before = self.options.codec.current;
        let outcome =
            delivery::deliver(parcels, &mut self.options.codec, &mut self.transport).await;
        if self.options.codec.current != before {
            self.codec_changed_at = Some(Instant::now());
        }
        if outcome.too_large {
            let sent: usize = parcels.iter().map(|parcel| parcel.body.len()).sum();
            self.request_bytes_max = (sent / 2).max(1);
        }
        self.store.settle(&self.options.destination.name, outcome.settled.clone())?;
        let next = self.after(&outcome);
        self.show(&outcome);
        Ok(next)
    }

    fn after(&mut self, outcome: &Outcome) -> Next {
        let Some(stop) = &outcome.stopped else {
            self.options.backoff.succeeded();
            return Next::Go;
        };
        if !outcome.settled.is_empty() {
            self.options.backoff.succeeded();
        }
        self.options.destination.account.possible_duplicates(stop.repeated_items);
        tracing::warn!(
            destination = %self.options.destination.name,
            failures = self.options.backoff.failures() + 1,
            "cannot deliver, everything is kept: {}", stop.reason
        );
        let wait =
            |retry_after, lane: &mut Self| lane.options.backoff.failed(retry_after, random_share());
        match stop.verdict {
            Verdict::BackOff { retry_after, .. } => {
                Next::Wait(LaneState::BackingOff, wait(retry_after, self))
            }
            _ => Next::Wait(LaneState::Parked, wait(Some(PARK_WAIT), self)),
        }
    }

    /// Asks for zstd again from time to time: the destination may have been upgraded.
    fn probe_codec(&mut self) {
        let due = self.codec_changed_at.is_some_and(|at| at.elapsed() >= CODEC_PROBE);
        if due {
            self.options.codec.current = Codec::Zstd;
            self.options.codec.proven = false;
            self.codec_changed_at = None;
        }
    }

    fn show(&self, outcome: &Outcome) {
        let codec = self.options.codec.current;
        self.board.write(|status| {
            status.codec = Some(codec);
            status.error = outcome.stopped.as_ref().map(|stop| stop.reason.clone());
            if let Some(refusal) = &outcome.refusal {
                status.refusal = Some(refusal.clone());
            }
            if !outcome.settled.is_empty() {
                status.delivered_at = Some(Instant::now());
            }
        });
    }
}

/// Counts an answer on a lane's board.
pub fn count_answer(board: &LaneBoard, answer: &Answer, wire_bytes: u64) {
    board.write(|status| {
        *status.requests.entry(answer.code()).or_default() += 1;
        status.wire_bytes += wire_bytes;
    });
}

/// A number in 0..1 that differs between agents and calls. Spread is all that is asked of it.
fn random_share() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(0u8) >> 11) as f64 / (1u64 << 53) as f64
}

//! The ring's thread: commands in, entries in the ledger out.
//!
//! Owns the ring. One std thread, since a disk may block for long, and a blocked network worker
//! would hold up every scrape.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use diskring::{Claims, Frame, OpenError, Options, Order, RealDisk, Reason, Recovery, Ring};
use runnel_config::settings::Buffer;
use runnel_config::units::Millis;
use tokio::sync::{oneshot, watch};

use super::{AgeLimits, Audit, AuditedAccount, Command, ReaderView, RingView, Sealed, Store};
use crate::delivery::{Parcel, Settled};
use crate::intake::Intake;
use crate::ledger::{Account, Drop, Ledger, Place, Signal, Source};

/// Longest time a frame or an acknowledgement waits to be made durable.
const COMMIT_EVERY: Duration = Duration::from_millis(100);

/// Time between two looks for expired frames and for a disk that has come back.
const CARE_EVERY: Duration = Duration::from_secs(10);

/// Looks for a disk that has come back: one in this many rounds of care, about once a minute.
const RETRY_DISK_ROUNDS: u32 = 6;

/// Time to wait for a ring that another process has open: the old pod of a rolling update takes
/// its grace period to end.
const IN_USE_WAIT: Duration = Duration::from_secs(45);

/// Most frames in one request: more would gain nothing and cost memory for each.
const PARCELS_MAX: usize = 64;

/// The tag of frames of samples.
const TAG_METRICS: u8 = 1;

/// The codec of their payload: one zstd frame of remote-write protobuf.
const CODEC_ZSTD: u8 = 1;

/// The running thread.
#[derive(Debug)]
pub struct StoreThread {
    commands: mpsc::Sender<Command>,
    thread: JoinHandle<()>,
}

impl StoreThread {
    /// Makes everything durable and ends the thread.
    pub async fn stop(self) {
        // A thread that is gone has nothing left to make durable.
        let _ = self.commands.send(Command::Stop);
        let ended = tokio::task::spawn_blocking(|| self.thread.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("BUG: the ring's thread ended badly");
        }
    }
}

/// Opens the ring and starts its thread. What is found counts as taken.
///
/// # Errors
/// In words, when another process keeps the ring open or a newer version wrote it.
pub async fn open(
    buffer: &Buffer,
    destinations: Vec<String>,
    ledger: Ledger,
) -> Result<(Store, StoreThread), String> {
    let (commands, commands_in) = mpsc::channel();
    let (opened, has_opened) = oneshot::channel();
    let (appended_in, appended) = watch::channel(0);
    let queued_bytes = Arc::new(AtomicU64::new(0));
    let (buffer, queued) = (buffer.clone(), queued_bytes.clone());
    let work = move || match open_ring(&buffer) {
        Ok((ring, recovery)) => {
            let mut inside = Inside::new(ring, buffer, ledger);
            inside.recovered(&recovery);
            inside.set_destinations(&destinations);
            // Whoever waited may have given up; then the first command ends the thread.
            let _ = opened.send(Ok(()));
            inside.run(&commands_in, &queued, &appended_in);
        }
        Err(error) => drop(opened.send(Err(error))),
    };
    let thread = std::thread::Builder::new()
        .name("runnel-ring".to_owned())
        .spawn(work)
        .map_err(|error| format!("cannot start the ring's thread: {error}"))?;
    has_opened.await.map_err(|_| "BUG: the ring's thread ended while it opened the ring")??;
    let store = Store { commands: commands.clone(), queued_bytes, appended };
    Ok((store, StoreThread { commands, thread }))
}

fn open_ring(buffer: &Buffer) -> Result<(Ring<RealDisk>, Recovery), String> {
    let started = Instant::now();
    loop {
        let options = Options::new(buffer.size.0);
        match Ring::open(options, RealDisk::new(&buffer.path)) {
            Ok(opened) => return Ok(opened),
            Err(error @ OpenError::Locked) if started.elapsed() < IN_USE_WAIT => {
                tracing::warn!("waiting for the ring in {}: {error}", buffer.path.display());
                std::thread::sleep(Duration::from_secs(1));
            }
            Err(error) => {
                return Err(format!("cannot open the ring in {}: {error}", buffer.path.display()));
            }
        }
    }
}

/// The ring with what the agent knows of its readers.
pub struct Inside {
    ring: Ring<RealDisk>,
    buffer: Buffer,
    ledger: Ledger,
    ages: AgeLimits,
    /// When the oldest change that is not durable was made.
    uncommitted_since: Option<Instant>,
}

impl Inside {
    fn new(ring: Ring<RealDisk>, buffer: Buffer, ledger: Ledger) -> Self {
        let ages = AgeLimits::default();
        Self { ring, buffer, ledger, ages, uncommitted_since: None }
    }

    /// Compares the ledger with what the intake and the ring count themselves.
    ///
    /// Sees one instant: blocks can't change while their locks are held, and the ring can't change
    /// since this runs on its thread.
    pub fn audit(&self, ledger: &Ledger, intake: &Intake) -> Audit {
        intake.with_open_items(|open| {
            let in_blocks =
                |name: &str| open.iter().filter(|(to, _)| to == name).map(|(_, items)| items).sum();
            let accounts = ledger.snapshot().into_iter();
            let audited = accounts.map(|(signal, destination, counts)| AuditedAccount {
                in_blocks: in_blocks(&destination),
                in_ring: self.held(&destination).items,
                signal,
                destination,
                counts,
            });
            Audit { accounts: audited.collect() }
        })
    }

    /// The ring as the status pages show it.
    pub fn view(&self) -> RingView {
        let status = self.ring.status();
        let readers = self.ring.reader_names().into_iter().map(|(id, name)| {
            let held = self.ring.held(id, None);
            let oldest = self.ring.next(id, Order::Oldest, None, None);
            ReaderView {
                name: name.to_string(),
                frames: held.frames,
                items: held.items,
                bytes: held.bytes,
                oldest_ms: oldest.map(|meta| meta.time_min_ms),
            }
        });
        let free = u64::from(status.segments_free) * status.segment_bytes;
        RingView {
            path: self.buffer.path.display().to_string(),
            budget_bytes: self.buffer.size.0,
            used_bytes: status.live_bytes,
            free_bytes: free,
            lost_bytes: self.buffer.size.0.saturating_sub(status.disk_bytes),
            segments: u64::from(status.segments),
            segments_free: u64::from(status.segments_free),
            segments_quarantined: u64::from(status.segments_quarantined),
            append_seq: status.append_seq,
            durable_seq: status.durable_seq,
            memory_only: status.memory_only.is_some(),
            io_errors: status.io_errors,
            error: status.memory_only.or(status.last_error),
            readers: readers.collect(),
        }
    }

    fn held(&self, destination: &str) -> diskring::Held {
        self.ring.reader(destination).map(|id| self.ring.held(id, None)).unwrap_or_default()
    }

    fn account(&self, destination: &str) -> Account {
        self.ledger.account(Signal::Metrics, destination)
    }

    /// Works until it is told to stop or every handle is gone.
    fn run(
        &mut self,
        commands: &mpsc::Receiver<Command>,
        queued_bytes: &AtomicU64,
        appended: &watch::Sender<u64>,
    ) {
        let (mut care_at, mut rounds) = (Instant::now() + CARE_EVERY, 0);
        loop {
            let now = Instant::now();
            let commit_at = self.uncommitted_since.map(|since| since + COMMIT_EVERY);
            let wake_at = commit_at.map_or(care_at, |at| at.min(care_at));
            match commands.recv_timeout(wake_at.saturating_duration_since(now)) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Command::Append(sealed)) => {
                    queued_bytes.fetch_sub(sealed.body.len() as u64, Ordering::AcqRel);
                    appended.send_replace(self.append(&sealed));
                }
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.book_removals();
            self.commit_when_due();
            if Instant::now() >= care_at {
                care_at = Instant::now() + CARE_EVERY;
                rounds += 1;
                self.care(rounds);
            }
        }
        self.ring.commit();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::AgeLimits(ages) => self.ages = ages,
            Command::Destinations(names) => self.set_destinations(&names),
            Command::Inspect(look) => look(self),
            Command::Next { destination, bytes_max, raw_max, reply } => {
                // Whoever asked may have gone away; the frames are still there for the next.
                let _ = reply.send(self.next(&destination, bytes_max, raw_max));
            }
            Command::Settle { destination, settled } => {
                settled.iter().for_each(|frame| self.settle(&destination, frame));
            }
            Command::Append(_) | Command::Stop => {
                unreachable!("BUG: the loop takes these itself")
            }
        }
    }

    fn append(&mut self, sealed: &Sealed) -> u64 {
        let readers: Vec<_> =
            sealed.destinations.iter().filter_map(|to| self.ring.reader(&to.name)).collect();
        let frame = Frame {
            kind_tag: TAG_METRICS,
            codec: CODEC_ZSTD,
            items: u32::try_from(sealed.items).unwrap_or(u32::MAX),
            raw_len: u32::try_from(sealed.raw_bytes).unwrap_or(u32::MAX),
            time_min_ms: sealed.time.0,
            time_max_ms: sealed.time.1,
            claims: Claims::of(&readers),
            note: &[],
            payload: &sealed.body,
        };
        let result = self.ring.append(&frame);
        for to in sealed.destinations.iter() {
            match (&result, self.ring.reader(&to.name)) {
                (Ok(_), Some(_)) => to.account.moved(Place::Queue, Place::Ring, sealed.items),
                (Ok(_), None) => {
                    to.account.dropped(Place::Queue, Drop::DestinationRemoved, sealed.items);
                }
                (Err(_), _) => to.account.dropped(Place::Queue, Drop::Disk, sealed.items),
            }
        }
        self.uncommitted_since.get_or_insert_with(Instant::now);
        match result {
            Ok(appended) => appended.seq,
            Err(error) => {
                tracing::error!("a block is dropped: {error}; give buffer.size more room");
                self.ring.status().append_seq
            }
        }
    }

    /// The oldest frames that fit; one at least, where there is any.
    fn next(&mut self, destination: &str, bytes_max: usize, raw_max: usize) -> Vec<Parcel> {
        let Some(reader) = self.ring.reader(destination) else { return Vec::new() };
        let (mut parcels, mut after) = (Vec::new(), None);
        let (mut bytes, mut raw) = (0, 0);
        while let Some(meta) = self.ring.next(reader, Order::Oldest, after, None) {
            after = Some(meta.seq);
            bytes += meta.body_len as usize;
            raw += meta.raw_len as usize;
            let fits = bytes <= bytes_max && raw <= raw_max && parcels.len() < PARCELS_MAX;
            if !parcels.is_empty() && !fits {
                break;
            }
            match self.ring.read(meta.seq) {
                Ok(frame) => parcels.push(Parcel {
                    seq: meta.seq,
                    items: u64::from(meta.items),
                    body: Bytes::from(frame.payload),
                }),
                // A corrupt one is reported as a removal; one that the disk did not give is tried
                // again, so nothing behind it may go first.
                Err(error) => {
                    tracing::warn!(seq = meta.seq, "cannot read a frame: {error}");
                    break;
                }
            }
        }
        self.book_removals();
        parcels
    }

    fn settle(&mut self, destination: &str, frame: &Settled) {
        let Some(reader) = self.ring.reader(destination) else { return };
        // A frame that gave way while it was being sent is counted as removed already.
        if self.ring.acknowledge(reader, frame.seq).is_some() {
            self.account(destination).settled(frame.delivered, &frame.rejected);
            self.uncommitted_since.get_or_insert_with(Instant::now);
        }
    }

    fn set_destinations(&mut self, names: &[String]) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Err(error) = self.ring.readers(&names) {
            // The configuration limits names and their number, so this is not seen in practice.
            tracing::error!("BUG: the ring does not take the destinations: {error}");
        }
        self.book_removals();
        self.uncommitted_since.get_or_insert_with(Instant::now);
    }

    /// What was found at start counts as taken.
    fn recovered(&mut self, recovery: &Recovery) {
        for (reader, name) in self.ring.reader_names() {
            let items = self.ring.held(reader, None).items;
            self.account(&name).take(Source::Recovered, Place::Ring, items);
        }
        for lost in &recovery.lost {
            let account = self.account(&lost.reader);
            account.take(Source::Recovered, Place::Ring, u64::from(lost.items));
            account.dropped(Place::Ring, Drop::Corrupt, u64::from(lost.items));
        }
        tracing::info!(
            frames = recovery.frames,
            corrupt = recovery.corrupt_frames,
            torn = recovery.torn_frames,
            "ring opened"
        );
    }

    fn book_removals(&mut self) {
        for removal in self.ring.take_removals() {
            let reason = match removal.reason {
                Reason::Corrupt => Drop::Corrupt,
                Reason::Evicted => Drop::Evicted,
                Reason::Expired => Drop::Expired,
                Reason::ReaderRemoved => Drop::DestinationRemoved,
                Reason::Acknowledged | Reason::LostOnDisk | Reason::Rejected => Drop::Disk,
            };
            let items = u64::from(removal.items);
            self.account(&removal.reader).dropped(Place::Ring, reason, items);
            tracing::warn!(
                destination = &*removal.reader,
                items,
                from_ms = removal.time_min_ms,
                to_ms = removal.time_max_ms,
                "lost: {}",
                reason.name()
            );
        }
    }

    fn commit_when_due(&mut self) {
        let due = self.uncommitted_since.is_some_and(|since| since.elapsed() >= COMMIT_EVERY);
        if due || self.ring.needs_commit() {
            self.ring.commit();
            self.uncommitted_since = None;
        }
    }

    fn care(&mut self, rounds: u32) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let age = |limit: Millis| i64::try_from(limit.0).unwrap_or(i64::MAX);
        let ages: Vec<(u8, i64)> =
            self.ages.metrics.map(|limit| (TAG_METRICS, age(limit))).into_iter().collect();
        self.ring.expire(now_ms, &ages);
        self.book_removals();
        if rounds.is_multiple_of(RETRY_DISK_ROUNDS) {
            self.ring.retry_disk();
        }
    }
}

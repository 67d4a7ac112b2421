//! A fake remote-write destination: it decodes, keeps, and answers whatever the scenario wants.
//!
//! Invariant: what a scenario reads from it is what was committed, once per delivery; a sample
//! delivered twice stands there twice.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::exporter::now_ms;
use crate::series::{Labels, Sample, Store};
use crate::server::{Handler, Reply, Request, Server};
use crate::wire::{Exemplar, Metadata, WriteRequest};

/// A fake destination on loopback.
#[derive(Debug)]
pub struct Receiver {
    address: std::net::SocketAddr,
    server: Option<Server>,
    shared: Arc<Mutex<State>>,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// How many requests came before.
    pub number: usize,
    /// Value of `Content-Encoding`.
    pub encoding: String,
    /// The body, or what is wrong with it.
    pub write: Result<WriteRequest, String>,
    /// The request.
    pub request: Request,
}

impl Incoming {
    /// True when a series of this metric is in the body.
    pub fn has_metric(&self, name: &str) -> bool {
        let series = self.write.iter().flat_map(|write| &write.timeseries);
        series.flat_map(|s| &s.labels).any(|l| l.name == "__name__" && l.value == name)
    }

    /// Samples in the body.
    pub fn samples(&self) -> usize {
        self.write.iter().flat_map(|write| &write.timeseries).map(|s| s.samples.len()).sum()
    }
}

/// What a destination does with one request.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Keeps it and answers 204; answers 400 to a body that cannot be decoded.
    Accept,
    /// Keeps it and then answers like this: a lost answer.
    CommitThen(Reply),
    /// Keeps nothing.
    Refuse(Reply),
}

/// What a destination noted about one request.
#[derive(Clone, Debug)]
pub struct Note {
    /// When it came, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Value of `Content-Encoding`.
    pub encoding: String,
    /// Value of `Authorization`.
    pub authorization: Option<String>,
    /// Bytes of the body on the wire.
    pub body_bytes: usize,
    /// Samples in it.
    pub samples: usize,
    /// True when it was kept.
    pub committed: bool,
}

type Script = Arc<dyn Fn(&Incoming) -> Verdict + Send + Sync>;

struct State {
    script: Script,
    store: Store,
    exemplars: Vec<(Labels, Exemplar)>,
    metadata: Vec<Metadata>,
    notes: Vec<Note>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} series, {} requests)", self.store.len(), self.notes.len())
    }
}

impl Receiver {
    /// Starts one that accepts everything.
    pub fn start() -> Self {
        let shared = Arc::new(Mutex::new(State {
            script: Arc::new(|_| Verdict::Accept),
            store: Store::new(),
            exemplars: Vec::new(),
            metadata: Vec::new(),
            notes: Vec::new(),
        }));
        let server = Server::start(None, handler(shared.clone()));
        Self { address: server.address(), server: Some(server), shared }
    }

    /// Starts one that answers by `script`.
    pub fn scripted(script: impl Fn(&Incoming) -> Verdict + Send + Sync + 'static) -> Self {
        let receiver = Self::start();
        receiver.answer(script);
        receiver
    }

    /// Answers by `script` from the next request on.
    pub fn answer(&self, script: impl Fn(&Incoming) -> Verdict + Send + Sync + 'static) {
        lock(&self.shared).script = Arc::new(script);
    }

    /// Where blocks are posted.
    pub fn url(&self) -> String {
        format!("http://{}/api/v1/write", self.address)
    }

    /// Closes the port: connections are refused.
    pub fn go_down(&mut self) {
        self.server = None;
    }

    /// Opens the same port again.
    pub fn come_up(&mut self) {
        if self.server.is_none() {
            let handler = handler(self.shared.clone());
            self.server = Some(Server::start_at(self.address, None, handler));
        }
    }

    /// True while the port is open.
    pub fn is_up(&self) -> bool {
        self.server.is_some()
    }

    /// What was kept, each series in the order of its timestamps.
    pub fn store(&self) -> Store {
        let mut store = lock(&self.shared).store.clone();
        store.values_mut().for_each(|samples| samples.sort_by_key(|s| s.at_ms));
        store
    }

    /// Samples kept.
    pub fn samples(&self) -> usize {
        lock(&self.shared).store.values().map(Vec::len).sum()
    }

    /// Samples kept of one metric, over all its series.
    pub fn samples_of(&self, metric: &str) -> Vec<(Labels, Sample)> {
        let mut found = Vec::new();
        for (labels, samples) in &lock(&self.shared).store {
            if labels.get("__name__").is_some_and(|name| name == metric) {
                found.extend(samples.iter().map(|sample| (labels.clone(), *sample)));
            }
        }
        found
    }

    /// Exemplars kept.
    pub fn exemplars(&self) -> Vec<(Labels, Exemplar)> {
        lock(&self.shared).exemplars.clone()
    }

    /// Metric families kept.
    pub fn metadata(&self) -> Vec<Metadata> {
        lock(&self.shared).metadata.clone()
    }

    /// Notes on all requests, in order.
    pub fn notes(&self) -> Vec<Note> {
        lock(&self.shared).notes.clone()
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        lock(&self.shared).notes.len()
    }
}

fn handler(shared: Arc<Mutex<State>>) -> Handler {
    Arc::new(move |request| {
        let encoding = request.header("content-encoding").unwrap_or("").to_string();
        let write = WriteRequest::decode_body(&encoding, &request.body);
        let (script, number) = {
            let mut state = lock(&shared);
            let number = state.notes.len();
            let authorization = request.header("authorization").map(str::to_string);
            state.notes.push(Note {
                at_ms: now_ms(),
                encoding: encoding.clone(),
                authorization,
                body_bytes: request.body.len(),
                samples: 0,
                committed: false,
            });
            (state.script.clone(), number)
        };
        let incoming = Incoming { number, encoding, write, request };
        lock(&shared).notes[number].samples = incoming.samples();
        let verdict = script(&incoming);
        let (reply, commit) = match (verdict, incoming.write) {
            (Verdict::Refuse(reply), _) => (reply, None),
            (_, Err(what)) => (Reply::status(400).body(what), None),
            (Verdict::Accept, Ok(write)) => (Reply::status(204), Some(write)),
            (Verdict::CommitThen(reply), Ok(write)) => (reply, Some(write)),
        };
        if let Some(write) = commit {
            let mut state = lock(&shared);
            state.notes[number].committed = true;
            state.keep(write);
        }
        reply
    })
}

impl State {
    fn keep(&mut self, write: WriteRequest) {
        self.metadata.extend(write.metadata);
        for series in write.timeseries {
            let labels: Labels = series.labels.into_iter().map(|l| (l.name, l.value)).collect();
            let exemplars = series.exemplars.into_iter().map(|e| (labels.clone(), e));
            self.exemplars.extend(exemplars);
            let samples =
                series.samples.iter().map(|s| Sample { at_ms: s.timestamp, value: s.value });
            self.store.entry(labels).or_default().extend(samples);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

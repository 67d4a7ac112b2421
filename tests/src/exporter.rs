//! A fake exporter: pages scripted per scrape, requests recorded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;

use crate::client;
use crate::server::{Reply, Request, Server};

/// A fake exporter on loopback.
#[derive(Debug)]
pub struct Exporter {
    server: Server,
    seen: Arc<Mutex<Vec<Scrape>>>,
}

/// One request as the exporter saw it.
#[derive(Clone, Debug)]
pub struct Scrape {
    /// Path without its query.
    pub path: String,
    /// How many requests of this path came before.
    pub number: usize,
    /// When it came, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The request.
    pub request: Request,
}

impl Exporter {
    /// Starts one that answers each scrape by `script`.
    pub fn start(script: impl Fn(&Scrape) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(None, script)
    }

    /// The same over TLS.
    pub fn start_tls(
        tls: Arc<ServerConfig>,
        script: impl Fn(&Scrape) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Some(tls), script)
    }

    /// Starts one that shows the same page at every scrape.
    pub fn page(text: impl Into<Vec<u8>>) -> Self {
        let text = text.into();
        Self::start(move |_| Reply::page(text.clone()))
    }

    /// Starts one that fetches each page from a real exporter at `upstream` (its address and
    /// path), passes it on and keeps it in `pages`, in the order of the scrapes.
    pub fn recording(upstream: std::net::SocketAddr, path: &str, pages: Pages) -> Self {
        let path = path.to_string();
        Self::start(move |_| match client::get(upstream, &path) {
            Ok(answer) => {
                lock(&pages.0).push(answer.text());
                Reply::page(answer.body)
            }
            Err(e) => Reply::status(502).body(e),
        })
    }

    fn start_with(
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&Scrape) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let counts = Mutex::new(BTreeMap::<String, usize>::new());
        let theirs = seen.clone();
        let handler = move |request: Request| {
            let path = request.path_only().to_string();
            let number = {
                let mut counts = lock(&counts);
                let count = counts.entry(path.clone()).or_default();
                *count += 1;
                *count - 1
            };
            let scrape = Scrape { path, number, at_ms: now_ms(), request };
            let reply = script(&scrape);
            lock(&theirs).push(scrape);
            reply
        };
        Self { server: Server::start(tls, Arc::new(handler)), seen }
    }

    /// `127.0.0.1:port`, as a target.
    pub fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// How often a path was asked for.
    pub fn count(&self, path: &str) -> usize {
        lock(&self.seen).iter().filter(|scrape| scrape.path == path).count()
    }

    /// How often any path was asked for.
    pub fn total(&self) -> usize {
        lock(&self.seen).len()
    }

    /// All requests so far, in order.
    pub fn scrapes(&self) -> Vec<Scrape> {
        lock(&self.seen).clone()
    }
}

/// Pages as a recording exporter passed them on.
#[derive(Clone, Debug, Default)]
pub struct Pages(Arc<Mutex<Vec<String>>>);

impl Pages {
    /// All pages so far, in the order of the scrapes.
    pub fn all(&self) -> Vec<String> {
        lock(&self.0).clone()
    }
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    now.as_millis() as i64
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

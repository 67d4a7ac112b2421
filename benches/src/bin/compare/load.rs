//! The exporters: the pages of all targets, made and compressed before anything is measured.
//!
//! Owns the bytes that a scrape is answered with; answering is one lookup and one write. Each
//! target is one address of 127.0.0.0/8 on a shared port, as targets of a cluster are addresses,
//! so one listener serves all and `instance` tells them apart.
//! Invariant: what is served depends on the target and its number of scrapes only, so both agents
//! get the same pages in the same order.
//! Called by `peer`, one thread per connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use benches::pages::Pages;
use libdeflater::{CompressionLvl, Compressor};

use crate::http::Connection;
use crate::state_page::state_page;
use crate::{Outcome, peer::PeerPlan};

/// Most targets: addresses that [`target_address`] has.
pub const TARGETS_MAX: usize = 250 * 250;

/// The address of one target.
pub fn target_address(target: usize, port: u16) -> SocketAddr {
    let (high, low) = (target / 250, target % 250);
    SocketAddr::from((Ipv4Addr::new(127, 1, high as u8, low as u8 + 1), port))
}

fn target_at(address: SocketAddr) -> Option<usize> {
    match address.ip() {
        IpAddr::V4(ip) => match ip.octets() {
            [127, 1, high, low] if low > 0 => Some(usize::from(high) * 250 + usize::from(low) - 1),
            _ => None,
        },
        IpAddr::V6(_) => None,
    }
}

/// All answers to scrapes.
#[derive(Debug)]
pub struct Load {
    targets: Vec<Versions>,
    /// Served instead of the only target's pages once [`Load::grow`] was called.
    big: Option<Versions>,
    grown: AtomicBool,
    served: AtomicUsize,
}

impl Load {
    /// Makes the pages of `plan`, on all cores.
    pub fn make(plan: &PeerPlan) -> Self {
        let (targets, big) = if plan.big {
            let tiny = Pages { target: 0, series: TINY_SERIES };
            let big = (0..BIG_VERSIONS).map(|scrape| answer(&state_page(plan.series, scrape)));
            (vec![Versions::of(tiny)], Some(Versions::new(big.collect())))
        } else {
            (make_all(plan), None)
        };
        let (grown, served) = (AtomicBool::new(false), AtomicUsize::new(0));
        Self { targets, big, grown, served }
    }

    /// Bytes of text and of gzip of a typical page: the huge one, else the mean of the first ones.
    pub fn page_bytes(&self) -> (u64, u64) {
        let pages: Vec<&Answer> = self
            .big
            .as_ref()
            .map_or(&self.targets[..], std::slice::from_ref)
            .iter()
            .map(|v| &v.answers[0])
            .collect();
        let mean = |size: fn(&Answer) -> usize| {
            (pages.iter().map(|page| size(page)).sum::<usize>() / pages.len().max(1)) as u64
        };
        (mean(|page| page.text_bytes), mean(|page| page.gzip_bytes))
    }

    /// Serves the huge page from now on.
    pub fn grow(&self) {
        self.grown.store(true, Ordering::Relaxed);
    }

    /// Starts anew: small pages, each target at its first version.
    pub fn reset(&self) {
        self.grown.store(false, Ordering::Relaxed);
        for versions in self.targets.iter().chain(&self.big) {
            versions.next.store(0, Ordering::Relaxed);
        }
    }

    /// Scrapes answered since the start.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed) as u64
    }

    /// Listens for scrapes in the background; returns the port.
    ///
    /// # Errors
    /// No port can be had.
    pub fn listen(self: &Arc<Self>) -> Outcome<u16> {
        // All addresses of 127.0.0.0/8 at once are only had with the wildcard; connections from
        // elsewhere end at once, as their address is no target.
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))
            .map_err(|e| format!("listening for scrapes: {e}"))?;
        let port = listener.local_addr().map_err(|e| format!("listening for scrapes: {e}"))?.port();
        let load = Arc::clone(self);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let load = Arc::clone(&load);
                thread::spawn(move || load.serve(stream));
            }
        });
        Ok(port)
    }

    /// Answers the scrapes of one connection until the client closes it.
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let target = target_at(stream.local_addr()?);
        let Some(versions) = target.and_then(|target| self.targets.get(target)) else {
            return Ok(());
        };
        let mut connection = Connection::new(stream)?;
        while connection.next_request()?.is_some() {
            let versions = match &self.big {
                Some(big) if self.grown.load(Ordering::Relaxed) => big,
                _ => versions,
            };
            connection.answer(versions.next())?;
            self.served.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The successive answers of one target; behind the last comes the first.
#[derive(Debug)]
struct Versions {
    answers: Vec<Answer>,
    next: AtomicUsize,
}

impl Versions {
    fn new(answers: Vec<Answer>) -> Self {
        Self { answers, next: AtomicUsize::new(0) }
    }

    fn of(pages: Pages) -> Self {
        Self::new((0..VERSIONS).map(|scrape| answer(&pages.page(scrape))).collect())
    }

    fn next(&self) -> &[u8] {
        let i = self.next.fetch_add(1, Ordering::Relaxed) % self.answers.len();
        &self.answers[i].bytes
    }
}

/// A whole HTTP answer, head and gzip body.
#[derive(Debug)]
struct Answer {
    bytes: Vec<u8>,
    gzip_bytes: usize,
    text_bytes: usize,
}

fn answer(page: &str) -> Answer {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut gzip = vec![0; compressor.gzip_compress_bound(page.len())];
    let gzip_bytes = compressor
        .gzip_compress(page.as_bytes(), &mut gzip)
        .expect("the buffer is as large as the bound");
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Encoding: gzip\r\nContent-Length: {gzip_bytes}\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(&gzip[..gzip_bytes]);
    Answer { bytes, gzip_bytes, text_bytes: page.len() }
}

/// The pages of all targets, in order.
fn make_all(plan: &PeerPlan) -> Vec<Versions> {
    let make = |target: usize| Versions::of(Pages { target: target as u64, series: plan.series });
    let threads = thread::available_parallelism().map_or(1, usize::from).min(plan.targets);
    let share = plan.targets.div_ceil(threads);
    thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|i| {
                let from = (i * share).min(plan.targets);
                let to = (from + share).min(plan.targets);
                scope.spawn(move || (from..to).map(make).collect::<Vec<_>>())
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().expect("making pages does not fail"))
            .collect()
    })
}

/// Successive pages of a target; 300 targets of 1,000 series take about 40 MB so.
const VERSIONS: u64 = 8;
/// Successive huge pages: enough for values that move.
const BIG_VERSIONS: u64 = 2;
/// Series of the target before its page is huge.
const TINY_SERIES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_has_its_address() {
        for (target, address) in
            [(0, "127.1.0.1:9"), (249, "127.1.0.250:9"), (TARGETS_MAX - 1, "127.1.249.250:9")]
        {
            let expected: SocketAddr = address.parse().expect("an address");
            assert_eq!(target_address(target, 9), expected);
            assert_eq!(target_at(expected), Some(target));
        }
        assert_eq!(target_at(SocketAddr::from(([127, 0, 0, 1], 9))), None);
    }

    #[test]
    fn pages_move_and_come_round() {
        let plan = PeerPlan { targets: 3, series: 20, big: false };
        let load = Load::make(&plan);
        assert_eq!(load.targets.len(), 3);
        let served: Vec<&[u8]> = (0..=VERSIONS).map(|_| load.targets[2].next()).collect();
        assert_ne!(served[0], served[1]);
        assert_eq!(served.first(), served.last());
        assert_ne!(load.targets[0].next(), served[0]);
    }
}

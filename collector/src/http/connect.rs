//! The way to an origin: address, TCP, proxy, TLS.
//!
//! Owns opening connections. Never knows HTTP requests, but for the proxy's CONNECT.
//! Called by a session that has no usable connection, within the deadline of its request.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::io::{BoxTransport, Metered, Traffic};
use super::request::Origin;
use super::tls::TlsVersioned;
use super::tls_reason::{plain_reason, tls_cause};
use super::{Client, HttpError, Phase, Sent, tunnel};

/// An open connection between two requests: the socket, its TLS state, and what it is good for.
pub(super) struct Connection {
    /// Counts what passes above TLS.
    pub(super) io: Metered<BoxTransport>,
    pub(super) route: Route,
    /// At least one exchange ended on it, so the peer may have closed it since.
    pub(super) reused: bool,
}

/// Where a connection leads, and how requests on it have to look.
pub(super) struct Route {
    pub(super) origin: Origin,
    /// Generation of the TLS configuration it was opened with; none without TLS.
    pub(super) tls_generation: Option<u64>,
    /// The peer is a proxy that wants absolute URLs.
    pub(super) absolute_form: bool,
    /// `Proxy-Authorization` of each request, in absolute form only.
    pub(super) proxy_authorization: Option<HeaderValue>,
}

/// When a request began and when it has to end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) started: Instant,
    pub(super) deadline: Instant,
}

impl Clock {
    pub(super) fn timeout(&self, peer: &Origin, phase: Phase, sent: Sent) -> HttpError {
        let elapsed = Instant::now().duration_since(self.started);
        HttpError::Timeout { peer: peer.to_string(), phase, elapsed, sent }
    }
}

/// Opens a connection to `origin`, through the client's proxy when it has one for it.
///
/// # Errors
/// Every variant of [`HttpError`] that can come ahead of the request itself.
pub(super) async fn open(
    client: &Client,
    origin: &Origin,
    traffic: &Arc<Traffic>,
    clock: Clock,
) -> Result<Connection, HttpError> {
    let proxy = client.proxies.before(origin).cloned();
    let first = proxy.as_ref().map_or(origin, |proxy| &proxy.origin);
    // Looked up ahead of the socket: without certificates there is nothing to connect for.
    let tls =
        if origin.tls || first.tls { Some(client.tls.current(Instant::now())?) } else { None };
    let tcp = dial(client, first, clock).await?;
    let mut io: BoxTransport = Box::new(Metered::new(tcp, traffic.clone()));
    if let Some(proxy) = &proxy {
        if let Some(tls) = tls.as_ref().filter(|_| proxy.origin.tls) {
            // Our `server_name` is the target's name, never the proxy's.
            let name = &proxy.origin.host;
            io = secure(tls, io, &proxy.origin, name, clock).await?;
        }
        if origin.tls {
            timeout_at(clock.deadline, tunnel::connect(&mut io, proxy, origin))
                .await
                .map_err(|_| clock.timeout(origin, Phase::Proxy, Sent::Nothing))??;
        }
    }
    if let Some(tls) = tls.as_ref().filter(|_| origin.tls) {
        let name = client.tls.server_name().unwrap_or(&origin.host);
        io = secure(tls, io, origin, name, clock).await?;
    }
    let absolute = proxy.filter(|_| !origin.tls);
    let route = Route {
        origin: origin.clone(),
        tls_generation: tls.map(|tls| tls.generation),
        absolute_form: absolute.is_some(),
        proxy_authorization: absolute.and_then(|proxy| proxy.authorization.clone()),
    };
    let io = Metered::holding_write_errors(io, Arc::default());
    Ok(Connection { io, route, reused: false })
}

/// Opens TCP to the first address of `peer` that answers.
///
/// Each address gets an equal share of the time left, so that a dead first address leaves the
/// others their chance.
async fn dial(client: &Client, peer: &Origin, clock: Clock) -> Result<TcpStream, HttpError> {
    let end = clock.deadline.min(Instant::now() + CONNECT_TIME_MAX);
    let late = || clock.timeout(peer, Phase::Connect, Sent::Nothing);
    let addresses = timeout_at(end, resolve(peer)).await.map_err(|_| late())??;
    let mut failure = late();
    for (tried, address) in addresses.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        let share = left / (addresses.len() - tried) as u32;
        match timeout_at(Instant::now() + share, dial_address(client, *address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => {
                failure = HttpError::Connect { peer: peer.to_string(), cause: io_text(&e) };
            }
            Err(_) => failure = late(),
        }
    }
    Err(failure)
}

async fn dial_address(client: &Client, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_nodelay(true)?;
    client.socket.apply(&socket);
    socket.connect(address).await
}

async fn resolve(peer: &Origin) -> Result<Vec<SocketAddr>, HttpError> {
    if let Ok(address) = peer.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, peer.port)]);
    }
    let fail = |cause: String| HttpError::Resolve { host: peer.host.clone(), cause };
    let found =
        lookup_host((peer.host.as_str(), peer.port)).await.map_err(|e| fail(io_text(&e)))?;
    let addresses: Vec<_> = found.take(ADDRESSES_MAX).collect();
    if addresses.is_empty() {
        return Err(fail("the name has no address".to_owned()));
    }
    Ok(addresses)
}

/// Wraps `io` in TLS and verifies that the peer is `name`.
async fn secure(
    tls: &TlsVersioned,
    io: BoxTransport,
    peer: &Origin,
    name: &str,
    clock: Clock,
) -> Result<BoxTransport, HttpError> {
    let fail = |cause| HttpError::Tls { peer: peer.to_string(), cause, sent: Sent::Nothing };
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| fail(format!("{name:?} is no name that a certificate can carry")))?;
    let handshake = TlsConnector::from(tls.config.clone()).connect(name, io);
    let stream = timeout_at(clock.deadline, handshake)
        .await
        .map_err(|_| clock.timeout(peer, Phase::Tls, Sent::Nothing))?
        .map_err(|e| match tls_cause(&e) {
            Some(cause) => fail(plain_reason(cause)),
            None if e.kind() == io::ErrorKind::UnexpectedEof => {
                fail("the peer closed the connection during the handshake".to_owned())
            }
            None => fail(io_text(&e)),
        })?;
    Ok(Box::new(stream))
}

/// An I/O error without the number that the standard library appends.
pub(super) fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// Longest time for address and TCP of one connection: three tries of the kernel's SYN (1, 2, 4 s)
/// fit; beyond that a host does not answer, and the request's deadline may be minutes away.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// Most addresses of one name that are tried; with more, none would get a fair share of the time.
const ADDRESSES_MAX: usize = 8;

//! A scripted HTTP/1.1 server on loopback, good and bad at will.
//!
//! Owns the socket, one accepting thread and one thread per connection; all of them end when the
//! server is dropped. Knows no metrics: [`crate::exporter`] and [`crate::receiver`] give it a
//! handler that turns each request into a [`Reply`].

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

mod request;
#[cfg(test)]
mod tests;

pub use request::Request;

/// What a server does with one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A whole answer.
    Answer {
        /// Status code.
        status: u16,
        /// Headers beside `Content-Length`.
        headers: Vec<(String, String)>,
        /// Body.
        body: Vec<u8>,
        /// How long to wait before it.
        delay: Duration,
    },
    /// The connection is closed before any byte of an answer.
    Close,
    /// A good head that announces more bytes than follow before the connection is closed.
    Cut {
        /// The bytes that follow.
        body: Vec<u8>,
        /// The bytes announced.
        announced: usize,
    },
    /// A good head, then the body in pieces with a pause before each.
    Drip {
        /// The whole body.
        body: Vec<u8>,
        /// Bytes per piece.
        piece: usize,
        /// Pause before each piece.
        pause: Duration,
    },
    /// A chunked body of this piece again and again until the peer goes away.
    Endless {
        /// Headers, such as `Content-Encoding`.
        headers: Vec<(String, String)>,
        /// The piece.
        piece: Vec<u8>,
    },
    /// These bytes instead of HTTP, then the connection is closed.
    Raw(Vec<u8>),
    /// Nothing, until the peer goes away.
    Silence,
}

impl Reply {
    /// Status 200 with a text page.
    pub fn page(body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".into(), "text/plain; version=0.0.4".into())];
        Self::Answer { status: 200, headers, body: body.into(), delay: Duration::ZERO }
    }

    /// Status 200 with a gzipped text page.
    pub fn gzip(body: impl AsRef<[u8]>) -> Self {
        Self::page(gzip(body.as_ref())).header("Content-Encoding", "gzip")
    }

    /// A bare status.
    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: Vec::new(), delay: Duration::ZERO }
    }

    /// The same with one more header; only answers have headers of their own.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } | Self::Endless { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// The same with this body.
    pub fn body(mut self, text: impl Into<Vec<u8>>) -> Self {
        if let Self::Answer { body, .. } = &mut self {
            *body = text.into();
        }
        self
    }

    /// The same after a wait.
    pub fn after(mut self, wait: Duration) -> Self {
        if let Self::Answer { delay, .. } = &mut self {
            *delay = wait;
        }
        self
    }
}

/// Bytes as one gzip member.
///
/// # Panics
/// Never: it writes to memory.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("writing to memory succeeds");
    encoder.finish().expect("writing to memory succeeds")
}

/// Answers each request.
pub type Handler = Arc<dyn Fn(Request) -> Reply + Send + Sync>;

/// A server; its port closes when it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<thread::JoinHandle<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.address)
    }
}

impl Server {
    /// Listens on a port of the kernel's choice.
    ///
    /// # Panics
    /// When loopback has none left.
    pub fn start(tls: Option<Arc<ServerConfig>>, handler: Handler) -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), tls, handler)
    }

    /// Listens on `address`, such as the one that a dropped server had.
    ///
    /// # Panics
    /// When it is taken.
    pub fn start_at(address: SocketAddr, tls: Option<Arc<ServerConfig>>, handler: Handler) -> Self {
        let listener =
            TcpListener::bind(address).unwrap_or_else(|e| panic!("listening on {address}: {e}"));
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        let accepting = thread::spawn(move || accept(&listener, &theirs, tls, &handler));
        Self { address, shared, accepting: Some(accepting) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let connections = {
            let mut state = self.shared.lock();
            state.stopped = true;
            std::mem::take(&mut state.connections)
        };
        self.shared.changed.notify_all();
        for connection in connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        // The accepting thread blocks in the kernel: a connection wakes it.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

#[derive(Default)]
struct Shared {
    /// Guards the flag and the open sockets.
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    connections: Vec<TcpStream>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `span`, or less when the server stops; false when it has stopped.
    fn pause(&self, span: Duration) -> bool {
        let end = Instant::now() + span;
        let mut state = self.lock();
        while !state.stopped {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            state = match self.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        false
    }
}

fn accept(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    tls: Option<Arc<ServerConfig>>,
    handler: &Handler,
) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        {
            let mut state = shared.lock();
            if state.stopped {
                return;
            }
            let Ok(twin) = stream.try_clone() else { continue };
            state.connections.retain(|old| old.peer_addr().is_ok());
            state.connections.push(twin);
        }
        let (shared, tls, handler) = (shared.clone(), tls.clone(), handler.clone());
        thread::spawn(move || {
            let _ = stream.set_nodelay(true);
            let closing = stream.try_clone();
            // A peer that goes away is the peer's right: the connection just ends.
            let _ = match tls.map(ServerConnection::new) {
                None => serve(stream, &shared, &handler),
                Some(Ok(session)) => serve(StreamOwned::new(session, stream), &shared, &handler),
                Some(Err(e)) => panic!("opening a TLS session: {e}"),
            };
            if let Ok(stream) = closing {
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
    }
}

fn serve<S: Read + Write>(stream: S, shared: &Shared, handler: &Handler) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = Request::read(&mut stream)? {
        let keep = request.keep_alive();
        let reply = handler(request);
        if !answer(&mut stream, shared, reply)? || !keep {
            return Ok(());
        }
    }
    Ok(())
}

/// Answers; true when the connection can take another request.
fn answer<S: Read + Write>(
    stream: &mut BufReader<S>,
    shared: &Shared,
    reply: Reply,
) -> io::Result<bool> {
    let out = stream.get_mut();
    match reply {
        Reply::Answer { status, headers, body, delay } => {
            if !shared.pause(delay) {
                return Ok(false);
            }
            out.write_all(&head(status, &headers, Some(body.len())))?;
            out.write_all(&body)?;
            out.flush()?;
            return Ok(true);
        }
        Reply::Close => {}
        Reply::Cut { body, announced } => {
            out.write_all(&head(200, &[], Some(announced)))?;
            out.write_all(&body)?;
            out.flush()?;
        }
        Reply::Drip { body, piece, pause } => {
            out.write_all(&head(200, &[], Some(body.len())))?;
            for part in body.chunks(piece) {
                if !shared.pause(pause) {
                    return Ok(false);
                }
                out.write_all(part)?;
                out.flush()?;
            }
        }
        Reply::Endless { headers, piece } => {
            out.write_all(&head(200, &headers, None))?;
            let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
            chunk.extend_from_slice(&piece);
            chunk.extend_from_slice(b"\r\n");
            while !shared.lock().stopped {
                out.write_all(&chunk)?;
            }
        }
        Reply::Raw(bytes) => {
            out.write_all(&bytes)?;
            out.flush()?;
        }
        Reply::Silence => {
            let _ = io::copy(stream, &mut io::sink());
        }
    }
    Ok(false)
}

fn head(status: u16, headers: &[(String, String)], length: Option<usize>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // 1xx and 204 have no body, and no length either.
    match length {
        Some(_) if status < 200 || status == 204 => {}
        Some(length) => head.push_str(&format!("Content-Length: {length}\r\n")),
        None => head.push_str("Transfer-Encoding: chunked\r\n"),
    }
    head.push_str("\r\n");
    head.into_bytes()
}

//! One request and its answer on one connection.
//!
//! Owns hyper's part: it is set up for each exchange and taken down behind it, driven by the
//! caller's own task. Never knows redirects, retries or credentials.
//!
//! Invariant: a connection is given back only when the request left whole, the answer ended where
//! it said it would, and neither side asked to close.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::http::response::Parts;
use hyper::{HeaderMap, Method, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::time::timeout_at;

use super::connect::{Clock, Connection, Route, io_text};
use super::io::{BoxTransport, Metered, Traffic};
use super::request::Origin;
use super::tls_reason::{plain_reason, tls_cause};
use super::{HttpError, Part, Phase, Sent};

/// A response before it is tied to its session.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) exchange: Exchange,
    /// The request had left whole once before.
    pub(super) repeated: bool,
}

/// Why an exchange has no answer, and whether another try is safe.
pub(super) struct Failure {
    pub(super) error: HttpError,
    /// The peer had closed, and not a byte of an answer had come.
    pub(super) unanswered: bool,
}

type Conn = http1::Connection<TokioIo<Metered<BoxTransport>>, Full<Bytes>>;

/// An exchange whose response headers have come.
pub(super) struct Exchange {
    wire: Wire,
    body: Incoming,
    route: Route,
    clock: Clock,
    /// What the response's headers say about keeping the connection.
    keep: bool,
    /// Held until the end: hyper takes its drop for the wish to close.
    _sender: http1::SendRequest<Full<Bytes>>,
}

/// hyper's connection and the count of what went over it in this exchange.
struct Wire {
    conn: Box<Conn>,
    /// hyper has nothing more to do on it.
    ended: bool,
    progress: Arc<Traffic>,
    sent_before: u64,
    received_before: u64,
    request_bytes: u64,
    body_bytes: u64,
}

/// Sends `request` on `connection` and waits for the response headers.
pub(super) async fn start(
    connection: Connection,
    request: hyper::Request<Full<Bytes>>,
    body_bytes: u64,
    clock: Clock,
) -> Result<Answer, Failure> {
    let Connection { io, route, .. } = connection;
    let method = request.method().clone();
    let request_bytes = head_bytes(&request) + body_bytes;
    let progress = io.traffic().clone();
    let (sent_before, received_before) = (progress.sent(), progress.received());
    let handshake =
        http1::Builder::new().max_buf_size(HEADER_BYTES_MAX).handshake(TokioIo::new(io)).await;
    let (mut sender, conn) = match handshake {
        Ok(parts) => parts,
        Err(e) => {
            let (peer, cause) = (route.origin.to_string(), e.to_string());
            let error = HttpError::Protocol { peer, cause, sent: Sent::Nothing };
            return Err(Failure { error, unanswered: false });
        }
    };
    let mut wire = Wire {
        conn: Box::new(conn),
        ended: false,
        progress,
        sent_before,
        received_before,
        request_bytes,
        body_bytes,
    };
    let waited = timeout_at(clock.deadline, wire.drive(sender.send_request(request))).await;
    let error = match waited {
        Ok(Ok(Ok(response))) => {
            let (head, body) = response.into_parts();
            let keep = may_keep(&method, head.version, head.status, &head.headers);
            let exchange = Exchange { wire, body, route, clock, keep, _sender: sender };
            let Parts { status, headers, .. } = head;
            return Ok(Answer { status, headers, exchange, repeated: false });
        }
        Ok(Ok(Err(e))) => explain(e, &route.origin, wire.sent()),
        Ok(Err(e)) => explain(e, &route.origin, wire.sent()),
        Err(_) => clock.timeout(&route.origin, Phase::Headers, wire.sent()),
    };
    let unanswered = matches!(error, HttpError::Closed { .. }) && !wire.answered();
    Err(Failure { error, unanswered })
}

impl Exchange {
    /// The next piece of the body; none at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let waited = timeout_at(self.clock.deadline, self.wire.drive(self.body.frame())).await;
            let frame = match waited {
                Ok(Ok(None)) => return Ok(None),
                Ok(Ok(Some(Ok(frame)))) => frame,
                Ok(Ok(Some(Err(e)))) => {
                    return Err(explain(e, &self.route.origin, self.wire.sent()));
                }
                Ok(Err(e)) => return Err(explain(e, &self.route.origin, self.wire.sent())),
                Err(_) => {
                    let sent = self.wire.sent();
                    return Err(self.clock.timeout(&self.route.origin, Phase::Body, sent));
                }
            };
            // Trailers say nothing that anyone here asks for.
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    pub(super) fn peer(&self) -> String {
        self.route.origin.to_string()
    }

    /// The connection behind a body that has ended, if it may be used again.
    pub(super) fn release(self) -> Option<Connection> {
        let whole = self.wire.sent_bytes() == self.wire.request_bytes;
        if !self.keep || !whole || self.wire.ended {
            return None;
        }
        let parts = (*self.wire.conn).into_parts();
        let io = parts.io.into_inner();
        parts.read_buf.is_empty().then_some(Connection { io, route: self.route, reused: true })
    }
}

impl Wire {
    /// Waits for `future` while the connection does its work; no task of its own is needed.
    ///
    /// # Errors
    /// hyper's error when the connection ended and left the future without an answer.
    async fn drive<F: Future>(&mut self, future: F) -> Result<F::Output, Option<hyper::Error>> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            let mut failure = None;
            if !self.ended {
                match Pin::new(&mut *self.conn).poll_without_shutdown(cx) {
                    Poll::Ready(Ok(())) => self.ended = true,
                    Poll::Ready(Err(e)) => {
                        self.ended = true;
                        failure = Some(e);
                    }
                    Poll::Pending => {}
                }
            }
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Ok(output)),
                Poll::Pending if self.ended => Poll::Ready(Err(failure)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn sent_bytes(&self) -> u64 {
        self.progress.sent() - self.sent_before
    }

    fn answered(&self) -> bool {
        self.progress.received() > self.received_before
    }

    /// Errs on the side of "whole" by the size of the request's head: the exact point would rest
    /// on our own idea of how hyper writes it.
    fn sent(&self) -> Sent {
        match self.sent_bytes() {
            0 => Sent::Nothing,
            sent if sent >= self.body_bytes => Sent::Whole,
            _ => Sent::Part,
        }
    }
}

/// Bytes of the request's head as hyper writes it: names in lower case, one space behind a colon.
///
/// Only the reuse of a connection rests on it, and a wrong figure merely closes connections.
fn head_bytes<B>(request: &hyper::Request<B>) -> u64 {
    let line = request.method().as_str().len() + request.uri().to_string().len() + 12;
    let headers: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    (line + headers + 2) as u64
}

/// True when the answer's end is marked and neither side wants to close.
fn may_keep(method: &Method, version: Version, status: StatusCode, headers: &HeaderMap) -> bool {
    let says = |word: &str| {
        headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .any(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case(word)))
    };
    let bodiless = *method == Method::HEAD || matches!(status.as_u16(), 204 | 304);
    let marked =
        bodiless || headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    let willing = match version {
        Version::HTTP_11 => !says("close"),
        _ => says("keep-alive"),
    };
    willing && marked && status != StatusCode::SWITCHING_PROTOCOLS
}

/// hyper's error by cause; none means that the connection ended without a word.
fn explain(error: impl Into<Option<hyper::Error>>, peer: &Origin, sent: Sent) -> HttpError {
    let peer = peer.to_string();
    let closed = |cause: &str| HttpError::Closed { peer: peer.clone(), cause: cause.into(), sent };
    let Some(error) = error.into() else {
        return closed("the peer closed the connection without an answer");
    };
    if error.is_parse_too_large() {
        return HttpError::TooLarge { peer, part: Part::Headers, limit: HEADER_BYTES_MAX as u64 };
    }
    let io = std::error::Error::source(&error).and_then(|s| s.downcast_ref::<io::Error>());
    if let Some(io) = io {
        return match tls_cause(io) {
            Some(tls) => HttpError::Tls { peer, cause: plain_reason(tls), sent },
            None if matches!(
                io.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
            ) =>
            {
                HttpError::Protocol { peer, cause: io_text(io), sent }
            }
            None if io.kind() == io::ErrorKind::UnexpectedEof => {
                closed("the peer closed the connection before the end of its answer")
            }
            None => closed(&io_text(io)),
        };
    }
    if error.is_incomplete_message() {
        return closed("the peer closed the connection before the end of its answer");
    }
    if error.is_canceled() || error.is_closed() {
        return closed("the peer closed the connection without an answer");
    }
    HttpError::Protocol { peer, cause: error.to_string(), sent }
}

/// Largest status line and headers of a response, and hyper's buffer while a body is read.
///
/// vmagent stops at 4,096 bytes, which real gateways exceed with their cookies and security
/// policies; 64 KiB is what they themselves allow at most, and no connection holds it when idle.
const HEADER_BYTES_MAX: usize = 64 << 10;

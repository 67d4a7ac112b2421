//! Why a request has no answer, in words that an operator can act on.
//!
//! Owns the causes and their texts. Never knows what the request was for. An answer with any
//! status is no error here: what 500 means is the caller's business.

use std::fmt;
use std::time::Duration;

/// Why a request has no answer, by cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// The peer closed or reset the connection in the middle of the exchange.
    Closed {
        /// `host:port` asked.
        peer: String,
        /// What was seen.
        cause: String,
        /// How much of the request had left.
        sent: Sent,
    },
    /// No TCP connection came about.
    Connect {
        /// `host:port` asked.
        peer: String,
        /// What the last address tried answered.
        cause: String,
    },
    /// Our own credentials, certificate files or headers cannot be used.
    Credentials {
        /// What was read and what was found.
        cause: String,
    },
    /// The peer spoke something else than HTTP/1.1.
    Protocol {
        /// `host:port` asked.
        peer: String,
        /// What was seen.
        cause: String,
        /// How much of the request had left.
        sent: Sent,
    },
    /// The proxy refused.
    Proxy {
        /// Proxy without its credentials.
        proxy: String,
        /// What it answered.
        cause: String,
    },
    /// Redirects led nowhere.
    Redirects {
        /// URL asked first, without credentials.
        url: String,
        /// What was seen.
        cause: String,
    },
    /// The host name has no address.
    Resolve {
        /// Host asked.
        host: String,
        /// What the resolver answered.
        cause: String,
    },
    /// The deadline passed.
    Timeout {
        /// `host:port` asked.
        peer: String,
        /// What was waited for.
        phase: Phase,
        /// Since the request began.
        elapsed: Duration,
        /// How much of the request had left.
        sent: Sent,
    },
    /// No TLS session came about, or TLS ended it.
    Tls {
        /// `host:port` asked.
        peer: String,
        /// Which rule failed.
        cause: String,
        /// How much of the request had left.
        sent: Sent,
    },
    /// The answer is above a limit.
    TooLarge {
        /// `host:port` asked.
        peer: String,
        /// What was too large.
        part: Part,
        /// The limit in bytes.
        limit: u64,
    },
    /// The URL, or a setting, is none that this client can use.
    Url {
        /// What was tried and what was found.
        cause: String,
    },
}

/// How much of a request had been handed to the connection when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sent {
    /// Not a byte.
    Nothing,
    /// Not all of it: no server can have taken it for complete.
    Part,
    /// Possibly all of it: the server may have acted on it.
    Whole,
}

/// What a request was waiting for when its deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The rest of the response body.
    Body,
    /// The address or the TCP connection.
    Connect,
    /// The response headers; sending the request belongs here too.
    Headers,
    /// The proxy's answer to CONNECT.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The OAuth 2.0 token, which another request may be fetching.
    Token,
}

/// A part of an answer that has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Response body, as it came over the wire.
    Body,
    /// Status line and headers.
    Headers,
}

impl HttpError {
    /// True when the whole request may have reached the server: whether it acted on it is unknown.
    pub fn body_sent(&self) -> bool {
        match self {
            Self::Closed { sent, .. }
            | Self::Protocol { sent, .. }
            | Self::Timeout { sent, .. }
            | Self::Tls { sent, .. } => *sent == Sent::Whole,
            Self::TooLarge { .. } => true,
            _ => false,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { peer, cause, .. } => write!(f, "exchange with {peer}: {cause}"),
            Self::Connect { peer, cause } => write!(f, "connect to {peer}: {cause}"),
            Self::Credentials { cause } | Self::Url { cause } => f.write_str(cause),
            Self::Protocol { peer, cause, .. } => {
                write!(f, "read the response of {peer}: not valid HTTP/1.1: {cause}")
            }
            Self::Proxy { proxy, cause } => write!(f, "connect through proxy {proxy}: {cause}"),
            Self::Redirects { url, cause } => write!(f, "follow the redirects of {url}: {cause}"),
            Self::Resolve { host, cause } => write!(f, "resolve {host}: {cause}"),
            Self::Timeout { peer, phase, elapsed, .. } => {
                write!(f, "{phase} {peer}: timed out after {:.3} s", elapsed.as_secs_f64())
            }
            Self::Tls { peer, cause, .. } => write!(f, "TLS with {peer}: {cause}"),
            Self::TooLarge { peer, part, limit } => {
                let or = match part {
                    Part::Body => "",
                    Part::Headers => " or more than 100 fields",
                };
                write!(f, "read the response {part} of {peer}: larger than {limit} bytes{or}")
            }
        }
    }
}

impl std::error::Error for HttpError {}

/// The begin of a text that a peer made up, on one line.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(PEER_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "read the response body of",
            Self::Connect => "connect to",
            Self::Headers => "wait for the response headers of",
            Self::Proxy => "wait for the proxy's tunnel to",
            Self::Tls => "TLS handshake with",
            Self::Token => "wait for the OAuth 2.0 token for",
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "body",
            Self::Headers => "headers",
        })
    }
}

/// Characters of a peer's text in an error: errors are kept per target and shown in tables.
const PEER_CHARS_MAX: usize = 200;

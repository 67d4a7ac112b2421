//! One page of a target.
//!
//! Owns the request that a scrape is, and what of its answer counts as a page. Never knows what
//! stands on the page: the body goes on as it came, compressed.
//!
//! Called by the corridor's loop, one [`Fetcher`] per target.

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use runnel_config::units;
use tokio::time::Instant;

use crate::http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue,
};
use crate::http::{Client, HeaderMap, HttpError, Part, Request, Session, Traffic, Url};

/// What a target's scrape depends on, beside its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchOptions {
    /// URL of the page, with parameters.
    pub url: Url,
    /// Ask for gzip.
    pub compression: bool,
    /// Keep the connection between two scrapes.
    pub keep_alive: bool,
    /// Time for the whole exchange, from the address to the last byte of the body.
    pub timeout: Duration,
    /// Largest body on the wire.
    pub body_bytes_max: units::Bytes,
}

/// Fetches the page of one target, again and again.
#[derive(Debug)]
pub struct Fetcher {
    session: Session,
    request: Request,
    timeout: Duration,
    body_bytes_max: u64,
    /// Size of the last page: most exporters do not announce it, and it hardly changes.
    body_bytes_last: u64,
}

/// A page as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// How `body` is compressed.
    pub encoding: Encoding,
    /// The page, in memory of exactly its size.
    pub body: Bytes,
    /// What the target calls the page.
    pub content_type: ContentType,
    /// From the begin of the exchange to the end of the body.
    pub duration: Duration,
}

/// How a page is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// gzip, possibly of several members.
    Gzip,
    /// Not at all.
    Plain,
}

/// What a target calls its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// `application/openmetrics-text`.
    OpenMetrics,
    /// Everything else; vmagent ignores the header, so no other value is an error.
    Text,
}

/// Why a scrape brought no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScrapeError {
    /// The page is compressed in a way that was not asked for.
    Encoding {
        /// What the target says.
        found: String,
    },
    /// No answer.
    Http(HttpError),
    /// An answer that is not 200.
    Status {
        /// Its status.
        code: u16,
        /// The first bytes of its body, as text.
        body: String,
    },
    /// The body is above the limit.
    TooLarge {
        /// The limit.
        body_bytes_max: units::Bytes,
    },
}

impl Fetcher {
    /// Makes a fetcher; opens nothing. Bytes on the wire are added to `traffic`.
    pub fn new(client: Arc<Client>, options: &FetchOptions, traffic: Arc<Traffic>) -> Self {
        let request = Request { headers: headers(options), ..Request::get(options.url.clone()) };
        Self {
            session: Session::new(client, traffic),
            request,
            timeout: options.timeout,
            body_bytes_max: options.body_bytes_max.0,
            body_bytes_last: 0,
        }
    }

    /// Fetches the page once, within the timeout.
    ///
    /// # Errors
    /// See [`ScrapeError`]; each ends the scrape with `up 0`, and the next may try again at once.
    pub async fn fetch(&mut self) -> Result<Fetched, ScrapeError> {
        let started = Instant::now();
        let response = self.session.request(&self.request, started + self.timeout).await?;
        let status = response.status();
        let found = encoding(response.headers());
        let content_type = content_type(response.headers());
        if status.as_u16() != 200 {
            let gzip = matches!(found, Ok(Encoding::Gzip));
            let head = response.read_head(EXCERPT_WIRE_BYTES_MAX).await;
            return Err(ScrapeError::Status { code: status.as_u16(), body: excerpt(&head, gzip) });
        }
        let encoding = found?;
        // An eighth more, so that a page that grows slowly needs no second allocation.
        let guess = self.body_bytes_last + self.body_bytes_last / 8;
        let body = response.read_body_sized(self.body_bytes_max, guess).await?;
        self.body_bytes_last = body.len() as u64;
        Ok(Fetched { encoding, body, content_type, duration: started.elapsed() })
    }
}

fn headers(options: &FetchOptions) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(ACCEPT_TEXT));
    if options.compression {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if !options.keep_alive {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let timeout = format!("{:.3}", options.timeout.as_secs_f64());
    let timeout = HeaderValue::from_str(&timeout).expect("a number is valid in a header");
    headers.insert(TIMEOUT_HEADER, timeout);
    headers
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, ScrapeError> {
    let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(Encoding::Plain) };
    let text = String::from_utf8_lossy(value.as_bytes());
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Encoding::Plain),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        other => Err(ScrapeError::Encoding { found: other.chars().take(NAME_CHARS_MAX).collect() }),
    }
}

fn content_type(headers: &HeaderMap) -> ContentType {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/openmetrics-text") {
        ContentType::OpenMetrics
    } else {
        ContentType::Text
    }
}

/// The first bytes of an error page, on one line. What is cut or broken simply ends it.
fn excerpt(head: &[u8], gzip: bool) -> String {
    let mut text = Vec::new();
    if gzip {
        // An error here leaves what was inflated before it, which is all that is wanted.
        let _ = flate2::read::GzDecoder::new(head)
            .take(EXCERPT_BYTES_MAX as u64)
            .read_to_end(&mut text);
    } else {
        text.extend_from_slice(&head[..head.len().min(EXCERPT_BYTES_MAX)]);
    }
    let text = String::from_utf8_lossy(&text).replace(|c: char| c.is_control(), " ");
    text.trim().to_owned()
}

impl From<HttpError> for ScrapeError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::TooLarge { part: Part::Body, limit, .. } => {
                Self::TooLarge { body_bytes_max: units::Bytes(limit) }
            }
            other => Self::Http(other),
        }
    }
}

impl fmt::Display for ScrapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding { found } => {
                write!(f, "read the page: Content-Encoding {found:?} is neither gzip nor identity")
            }
            Self::Http(error) => error.fmt(f),
            Self::Status { code, body } if body.is_empty() => {
                write!(f, "read the page: status {code} instead of 200")
            }
            Self::Status { code, body } => {
                write!(f, "read the page: status {code} instead of 200: {body}")
            }
            Self::TooLarge { body_bytes_max } => {
                write!(f, "read the page: larger than the limit of {} bytes", body_bytes_max.0)
            }
        }
    }
}

impl std::error::Error for ScrapeError {}

/// vmagent's: text format 0.0.4. OpenMetrics would change the identity of series (`le="1.0"`).
const ACCEPT_TEXT: &str = "text/plain;version=0.0.4;q=1,*/*;q=0.1";

const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// Bytes of an error page that are read.
const EXCERPT_WIRE_BYTES_MAX: usize = 4 << 10;

/// Bytes of an error page that are shown.
const EXCERPT_BYTES_MAX: usize = 256;

/// Characters shown of a header that the target made up.
const NAME_CHARS_MAX: usize = 64;

#[cfg(test)]
mod tests;

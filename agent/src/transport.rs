//! The way of a body to a metrics destination: headers, the link's rate, the socket.
//!
//! Owns the session of one lane. Never knows what is in a body, and decides nothing about answers.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use runnel_collector::http::{
    Client, HeaderMap, HeaderValue, HttpError, Request, Response, Session, Traffic, Url, header,
};

use crate::lane::{LaneBoard, count_answer};
use crate::link::Link;
use crate::send::{Answer, Codec, Transport};

/// Bytes of an answer's body that are read, to be shown to the operator.
const ANSWER_BYTES_MAX: u64 = 4 << 10;

/// Characters of them that are kept.
const ANSWER_CHARS_SHOWN: usize = 300;

/// Posts to one destination over one connection.
#[derive(Debug)]
pub struct HttpTransport {
    session: Session,
    traffic: Arc<Traffic>,
    url: Url,
    timeout: Duration,
    link: Link,
    board: LaneBoard,
}

impl HttpTransport {
    /// A transport that has not connected yet.
    pub fn new(
        client: Arc<Client>,
        url: Url,
        timeout: Duration,
        link: Link,
        board: LaneBoard,
    ) -> Self {
        let traffic = Arc::<Traffic>::default();
        let session = Session::new(client, traffic.clone());
        Self { session, traffic, url, timeout, link, board }
    }

    async fn exchange(&mut self, request: &Request) -> Result<Answer, HttpError> {
        let deadline = tokio::time::Instant::now() + self.timeout;
        let response = self.session.request(request, deadline).await?;
        let code = response.status().as_u16();
        let (retry_after, sent_twice) = (retry_after(&response), response.repeated());
        // A final answer is worth more than its text: what can't be read of that is left out.
        let body = response.read_body(ANSWER_BYTES_MAX).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        let text = text.trim().chars().take(ANSWER_CHARS_SHOWN).collect();
        Ok(Answer::Status { code, retry_after, sent_twice, text })
    }
}

impl Transport for HttpTransport {
    async fn post(&mut self, body: Bytes, codec: Codec) -> Answer {
        let request = Request { headers: headers(codec), ..Request::post(self.url.clone(), body) };
        let asked = request.body.len() as u64;
        self.link.wait_for(asked).await;
        let before = self.traffic.sent();
        let answer = self.exchange(&request).await.unwrap_or_else(|error| Answer::Failed {
            body_sent: error.body_sent(),
            reason: error.to_string(),
        });
        let wire_bytes = self.traffic.sent() - before;
        self.link.correct(wire_bytes as i64 - asked as i64);
        count_answer(&self.board, &answer, wire_bytes);
        answer
    }
}

/// Headers of one request.
///
/// Source: remote-write 1.0; VictoriaMetrics' remote write (zstd) as vmagent sends it.
fn headers(codec: Codec) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(4);
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "application/x-protobuf");
    set(header::CONTENT_ENCODING, codec.name());
    match codec {
        Codec::Snappy => {
            set(header::HeaderName::from_static("x-prometheus-remote-write-version"), "0.1.0");
        }
        Codec::Zstd => {
            set(header::HeaderName::from_static("x-victoriametrics-remote-write-version"), "1");
        }
    }
    headers
}

/// `Retry-After` in seconds; the form with a date is understood too.
fn retry_after(response: &Response<'_>) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(at.as_second()).ok()?.checked_sub(now.as_secs()).map(Duration::from_secs)
}

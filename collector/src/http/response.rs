//! The answer to a request, as its caller reads it.
//!
//! Owns reading a body: streamed, whole within a limit, or only its begin. Never knows how the
//! request was sent.

use std::fmt;

use bytes::Bytes;
use hyper::header::CONTENT_LENGTH;
use hyper::{HeaderMap, StatusCode};

use super::connect::Connection;
use super::exchange::{Answer, Exchange};
use super::{HttpError, Part};

/// The answer to a request, its body not read yet.
///
/// Dropping it closes the connection; reading the body to its end keeps it.
pub struct Response<'s> {
    status: StatusCode,
    headers: HeaderMap,
    repeated: bool,
    /// None once the body has ended.
    exchange: Option<Exchange>,
    failure: Option<HttpError>,
    slot: &'s mut Option<Connection>,
}

impl<'s> Response<'s> {
    pub(super) fn new(answer: Answer, slot: &'s mut Option<Connection>) -> Self {
        let Answer { status, headers, exchange, repeated } = answer;
        Self { status, headers, repeated, exchange: Some(exchange), failure: None, slot }
    }

    /// Status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Headers of the answer, to be taken.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// True when the request had left whole once before, on a connection that the peer then closed
    /// without an answer: the server may have acted on it twice.
    pub fn repeated(&self) -> bool {
        self.repeated
    }

    /// The next piece of the body as it came; none at its end.
    ///
    /// # Errors
    /// [`HttpError::Timeout`], [`HttpError::Closed`] or [`HttpError::Protocol`]; the same again at
    /// each further call.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let Some(exchange) = &mut self.exchange else { return Ok(None) };
        match exchange.chunk().await {
            Ok(Some(chunk)) => Ok(Some(chunk)),
            Ok(None) => {
                *self.slot = self.exchange.take().and_then(Exchange::release);
                Ok(None)
            }
            Err(failure) => {
                self.exchange = None;
                self.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// Reads the whole body into memory of exactly its size.
    ///
    /// # Errors
    /// As [`Self::chunk`]; [`HttpError::TooLarge`] as soon as it is known to be above `bytes_max`.
    pub async fn read_body(self, bytes_max: u64) -> Result<Bytes, HttpError> {
        self.read_body_sized(bytes_max, 0).await
    }

    /// As [`Self::read_body`], with a guess at the size that spares growing on the way when the
    /// answer does not say it.
    ///
    /// # Errors
    /// As [`Self::read_body`].
    pub async fn read_body_sized(
        mut self,
        bytes_max: u64,
        bytes_guessed: u64,
    ) -> Result<Bytes, HttpError> {
        let announced = content_length(&self.headers);
        if announced.is_some_and(|length| length > bytes_max) {
            return Err(self.too_large(bytes_max));
        }
        // Never above the limit; pages that are not written to cost no memory.
        let capacity = announced.unwrap_or(bytes_guessed).min(bytes_max) as usize;
        let mut body = Vec::with_capacity(capacity);
        while let Some(chunk) = self.chunk().await? {
            if body.len() as u64 + chunk.len() as u64 > bytes_max {
                return Err(self.too_large(bytes_max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(body.into_boxed_slice()))
    }

    /// Reads at most the first `bytes_max` bytes; keeps the connection if the body ends within
    /// them. Whatever fails on the way ends the reading, not more.
    pub async fn read_head(mut self, bytes_max: usize) -> Bytes {
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = self.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > bytes_max {
                body.truncate(bytes_max);
                break;
            }
        }
        Bytes::from(body.into_boxed_slice())
    }

    fn too_large(&self, limit: u64) -> HttpError {
        let peer = self.exchange.as_ref().map(Exchange::peer).unwrap_or_default();
        HttpError::TooLarge { peer, part: Part::Body, limit }
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests;

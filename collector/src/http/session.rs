//! Requests of one target or lane, one after another.
//!
//! Owns at most one kept connection, redirects, and the retry on a connection that the peer closed
//! meanwhile. Never knows what the answers mean.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, COOKIE, HOST, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT,
};
use hyper::{HeaderMap, Method, StatusCode, Uri};
use tokio::time::Instant;
use url::{Position, Url};

use super::auth::secret_header;
use super::connect::{self, Clock, Connection};
use super::error::cut;
use super::exchange::{self, Answer};
use super::io::Traffic;
use super::proxy::url_credentials;
use super::redirect::{self, REDIRECTS_MAX};
use super::request::{Origin, shown};
use super::{Client, HttpError, Request, Response};

/// One keep-alive connection and the right to use a [`Client`].
pub struct Session {
    client: Arc<Client>,
    traffic: Arc<Traffic>,
    idle: Option<Connection>,
}

/// One request on its way through redirects.
struct Hop<'r> {
    request: &'r Request,
    url: Url,
    /// No redirect led away from the host that the credentials are for.
    trusted: bool,
}

impl Session {
    /// A session without a connection; bytes on the wire are added to `traffic`.
    pub fn new(client: Arc<Client>, traffic: Arc<Traffic>) -> Self {
        Self { client, traffic, idle: None }
    }

    /// What this session shares with its like.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Bytes that went over the wire for this session.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// True while a connection is kept for the next request.
    pub fn is_connected(&self) -> bool {
        self.idle.is_some()
    }

    /// Closes the kept connection, if any.
    pub fn close(&mut self) {
        self.idle = None;
    }

    /// Sends `request` and returns the answer once its headers are there; any status is an answer.
    ///
    /// The deadline covers connecting, redirects and reading the body. A kept connection that the
    /// peer has closed meanwhile is replaced once, unless part of an answer to a request that is
    /// not idempotent has come.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn request(
        &mut self,
        request: &Request,
        deadline: Instant,
    ) -> Result<Response<'_>, HttpError> {
        let clock = Clock { started: Instant::now(), deadline };
        let mut hop = Hop { request, url: request.url.clone(), trusted: true };
        let mut seen = Vec::new();
        loop {
            let answer = self.send_authorized(&hop, clock).await?;
            let Some(next) = self.redirected(&hop, &answer)? else {
                return Ok(Response::new(answer, &mut self.idle));
            };
            self.drain(answer).await;
            seen.push(std::mem::replace(&mut hop.url, next));
            // Invariant: `seen` is not empty and ends with where the redirect came from.
            hop.trusted &= seen.last().is_some_and(|from| redirect::same_site(from, &hop.url));
            check_loop(&seen, &hop.url)?;
        }
    }

    fn redirected(&self, hop: &Hop<'_>, answer: &Answer) -> Result<Option<Url>, HttpError> {
        if !self.client.follow_redirects {
            return Ok(None);
        }
        redirect::next(answer.status, &answer.headers, &hop.request.method, &hop.url)
            .map_err(|cause| HttpError::Redirects { url: shown(&hop.request.url), cause })
    }

    /// Sends one hop with credentials; a token that the server refuses is fetched anew, once.
    async fn send_authorized(&mut self, hop: &Hop<'_>, clock: Clock) -> Result<Answer, HttpError> {
        let client = self.client.clone();
        if !hop.trusted {
            let authorization = url_credentials(&hop.url);
            return self.send(hop, authorization, clock).await;
        }
        let own = client.auth.value(clock).await?;
        let authorization = own.clone().or_else(|| url_credentials(&hop.url));
        let answer = self.send(hop, authorization, clock).await?;
        match own {
            Some(used)
                if answer.status == StatusCode::UNAUTHORIZED
                    && client.auth.refused(&used).await =>
            {
                self.drain(answer).await;
                let fresh = client.auth.value(clock).await?;
                self.send(hop, fresh, clock).await
            }
            _ => Ok(answer),
        }
    }

    async fn send(
        &mut self,
        hop: &Hop<'_>,
        authorization: Option<HeaderValue>,
        clock: Clock,
    ) -> Result<Answer, HttpError> {
        let origin = Origin::of(&hop.url)?;
        let Some(connection) = self.take_idle(&origin) else {
            return self.send_fresh(hop, &origin, authorization, clock).await;
        };
        let message = self.message(hop, &connection, authorization.clone())?;
        let body_bytes = hop.request.body.len() as u64;
        let failure = match exchange::start(connection, message, body_bytes, clock).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        // The peer closed while we were idle; what it had not begun to answer may go again.
        let closed = matches!(failure.error, HttpError::Closed { .. });
        let again = failure.unanswered || (closed && hop.request.method.is_idempotent());
        if !again {
            return Err(failure.error);
        }
        let repeated = failure.error.body_sent();
        match self.send_fresh(hop, &origin, authorization, clock).await {
            Ok(answer) => Ok(Answer { repeated, ..answer }),
            // The caller must not take for unsent what may have arrived the first time.
            Err(error) if repeated && !error.body_sent() => Err(failure.error),
            Err(error) => Err(error),
        }
    }

    async fn send_fresh(
        &mut self,
        hop: &Hop<'_>,
        origin: &Origin,
        authorization: Option<HeaderValue>,
        clock: Clock,
    ) -> Result<Answer, HttpError> {
        let connection = connect::open(&self.client, origin, &self.traffic, clock).await?;
        let message = self.message(hop, &connection, authorization)?;
        let body_bytes = hop.request.body.len() as u64;
        exchange::start(connection, message, body_bytes, clock).await.map_err(|f| f.error)
    }

    /// The kept connection, if it leads to `origin`, is open, and our certificates are as they were.
    fn take_idle(&mut self, origin: &Origin) -> Option<Connection> {
        let mut idle = self.idle.take()?;
        let current = match idle.route.tls_generation {
            Some(used) => self.client.tls.generation(Instant::now()) == Some(used),
            None => true,
        };
        (idle.route.origin == *origin && current && idle.reused && idle.io.is_quiet())
            .then_some(idle)
    }

    fn message(
        &self,
        hop: &Hop<'_>,
        connection: &Connection,
        authorization: Option<HeaderValue>,
    ) -> Result<hyper::Request<Full<Bytes>>, HttpError> {
        let Request { method, body, .. } = hop.request;
        let from = if connection.route.absolute_form {
            format!("http://{}{}", authority(&hop.url), path(&hop.url))
        } else {
            path(&hop.url).to_owned()
        };
        let bad = |cause: String| HttpError::Url {
            cause: format!("use URL {}: {cause}", shown(&hop.url)),
        };
        let mut message = hyper::Request::new(Full::new(body.clone()));
        *message.uri_mut() = from.parse::<Uri>().map_err(|e| bad(e.to_string()))?;
        *message.method_mut() = method.clone();
        let headers = message.headers_mut();
        headers.insert(HOST, authority(&hop.url).parse().map_err(|_| bad("bad host".into()))?);
        headers.insert(USER_AGENT, self.client.user_agent.clone());
        self.fill(headers, hop)?;
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(value) = &connection.route.proxy_authorization {
            headers.insert(PROXY_AUTHORIZATION, value.clone());
        }
        if !body.is_empty() || !matches!(*method, Method::GET | Method::HEAD) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        Ok(message)
    }

    /// Adds the caller's headers and those of the settings, which win. Where credentials may not
    /// go, none of the settings' headers go: what they carry is unknown.
    fn fill(&self, headers: &mut HeaderMap, hop: &Hop<'_>) -> Result<(), HttpError> {
        for name in hop.request.headers.keys() {
            let secret = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION].contains(name);
            if secret && !hop.trusted {
                continue;
            }
            headers.remove(name);
            for value in hop.request.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        if !hop.trusted {
            return Ok(());
        }
        let now = Instant::now();
        for (name, _) in &self.client.headers {
            headers.remove(name);
        }
        for (name, value) in &self.client.headers {
            headers.append(name, secret_header(name.as_str(), &value.read(now)?)?);
        }
        Ok(())
    }

    /// Reads a short body that no one wants, so that its connection can be kept.
    async fn drain(&mut self, answer: Answer) {
        Response::new(answer, &mut self.idle).read_head(DRAIN_BYTES_MAX).await;
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("connected", &self.idle.is_some()).finish_non_exhaustive()
    }
}

fn check_loop(seen: &[Url], next: &Url) -> Result<(), HttpError> {
    let fail = |cause: String| {
        let url = seen.first().map(shown).unwrap_or_default();
        Err(HttpError::Redirects { url, cause })
    };
    if seen.contains(next) {
        return fail(format!(
            "a loop through {} after {} redirects",
            cut(&shown(next)),
            seen.len()
        ));
    }
    if seen.len() > REDIRECTS_MAX {
        return fail(format!("still redirected after {REDIRECTS_MAX} redirects"));
    }
    Ok(())
}

/// Host and port as the `Host` header wants them: the port only when it is not the default.
fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// Path and query; never empty.
fn path(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

/// Most bytes read from an answer that is not wanted; above it a new connection is cheaper.
const DRAIN_BYTES_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests;

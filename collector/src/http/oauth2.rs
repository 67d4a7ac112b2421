//! OAuth 2.0 tokens by client credentials.
//!
//! Owns fetching, keeping and forgetting one token. Never knows who uses it. One fetch serves all
//! sessions of a client: the others wait for it, each within its own deadline.
//!
//! Source: RFC 6749 section 4.4; `golang.org/x/oauth2` for what the RFC leaves open.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use runnel_config::settings::{Auth, HttpClient, OAuth2};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use url::{Url, form_urlencoded};

use super::auth::secret_header;
use super::connect::Clock;
use super::error::cut;
use super::request::{Origin, shown};
use super::secret::SecretReader;
use super::{Client, Context, HttpError, Phase, Request, Sent, Session};

/// The token of one client.
pub(super) struct TokenSource {
    settings: OAuth2,
    url: Url,
    origin: Origin,
    secret: SecretReader,
    client: Arc<Client>,
    /// Guards the token; held while one is fetched, which is what makes the others wait.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The last failure and when it was; answered to all for a while.
    failure: Option<(Instant, HttpError)>,
    /// How the token server takes the client's secret, once known.
    style: Option<Style>,
}

struct Token {
    value: HeaderValue,
    /// None: it never expires.
    expires: Option<Instant>,
    /// The client secret it was fetched with.
    secret: Arc<str>,
}

/// How the client's secret goes to the token server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Form,
    Header,
}

/// Shape: the JSON of RFC 6749 section 5.1. Some servers write `expires_in` as a string.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    expires_in: serde_json::Value,
}

impl TokenSource {
    pub(super) fn new(settings: &OAuth2, context: &Context) -> Result<Self, HttpError> {
        let url = Url::parse(&settings.token_url)
            .map_err(|e| HttpError::Url { cause: format!("use token_url: {e}") })?;
        let http = HttpClient {
            auth: Auth::None,
            tls: settings.tls.clone(),
            proxy: settings.proxy.clone(),
            follow_redirects: true,
            headers: Vec::new(),
        };
        Ok(Self {
            origin: Origin::of(&url)?,
            url,
            secret: SecretReader::new(&settings.client_secret, context.file_check_every),
            client: Arc::new(Client::new(&http, context)?),
            settings: settings.clone(),
            state: Mutex::default(),
        })
    }

    /// The header's value, with a token that is valid for a while yet.
    ///
    /// # Errors
    /// Those of the token request, and [`HttpError::Credentials`] for an answer without a token.
    pub(super) async fn value(&self, clock: Clock) -> Result<HeaderValue, HttpError> {
        let mut state = timeout_at(clock.deadline, self.state.lock())
            .await
            .map_err(|_| clock.timeout(&self.origin, Phase::Token, Sent::Nothing))?;
        let now = Instant::now();
        let secret = self.secret.read(now)?;
        if let Some(token) = &state.token
            && token.secret == secret
            && token.expires.is_none_or(|expires| now < expires)
        {
            return Ok(token.value.clone());
        }
        if let Some((at, failure)) = &state.failure
            && now.duration_since(*at) < FAILURE_TIME
        {
            return Err(failure.clone());
        }
        match self.fetch(state.style, secret, clock).await {
            Ok((token, style)) => {
                let value = token.value.clone();
                *state = State { token: Some(token), failure: None, style: Some(style) };
                Ok(value)
            }
            Err(failure) => {
                // An error of a token request never means that the caller's own body was sent.
                let failure = HttpError::Credentials { cause: format!("fetch a token: {failure}") };
                state.failure = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    /// Drops the token if it is still the one that was refused.
    pub(super) async fn forget(&self, used: &HeaderValue) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.value == used) {
            state.token = None;
        }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut found = self.client.problems();
        found.extend(self.secret.problem());
        found
    }

    /// Fetches a token, in the style known or in both, the header first.
    ///
    /// Boxed, since the request inside is the very function that called for a token.
    fn fetch(&self, style: Option<Style>, secret: Arc<str>, clock: Clock) -> Fetching<'_> {
        Box::pin(async move {
            let styles: &[Style] = match style {
                Some(Style::Form) => &[Style::Form],
                Some(Style::Header) => &[Style::Header],
                None => &[Style::Header, Style::Form],
            };
            let mut session = Session::new(self.client.clone(), Arc::default());
            let mut refused = String::new();
            for &style in styles {
                let request = self.request(style, &secret)?;
                let response = session.request(&request, clock.deadline).await?;
                let status = response.status();
                let body = response.read_body(ANSWER_BYTES_MAX).await?;
                if status.is_success() {
                    return Ok((self.token(&body, secret)?, style));
                }
                refused = refusal(&self.url, status, &body);
                if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                    break;
                }
            }
            Err(HttpError::Credentials { cause: refused })
        })
    }

    fn request(&self, style: Style, secret: &str) -> Result<Request, HttpError> {
        let id = &self.settings.client_id;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !self.settings.scopes.is_empty() {
            form.append_pair("scope", &self.settings.scopes.join(" "));
        }
        if style == Style::Form {
            form.append_pair("client_id", id).append_pair("client_secret", secret);
        }
        for (name, value) in &self.settings.endpoint_params {
            form.append_pair(name, value);
        }
        let mut request = Request::post(self.url.clone(), Bytes::from(form.finish()));
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers.insert(CONTENT_TYPE, form_type);
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if style == Style::Header {
            // RFC 6749 section 2.3.1: both are form-encoded ahead of base64.
            let encode = |text: &str| -> String {
                form_urlencoded::byte_serialize(text.as_bytes()).collect()
            };
            let pair = STANDARD.encode(format!("{}:{}", encode(id), encode(secret)));
            let value = secret_header("authorization", &format!("Basic {pair}"))?;
            request.headers.insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    fn token(&self, body: &[u8], secret: Arc<str>) -> Result<Token, HttpError> {
        let answer: Answer = serde_json::from_slice(body).map_err(|e| HttpError::Credentials {
            cause: format!("read the answer of {}: {e}", shown(&self.url)),
        })?;
        let scheme = match answer.token_type.to_ascii_lowercase().as_str() {
            "" | "bearer" => "Bearer".to_owned(),
            _ => answer.token_type,
        };
        let seconds = match &answer.expires_in {
            serde_json::Value::Number(n) => n.as_f64(),
            serde_json::Value::String(text) => text.parse().ok(),
            _ => None,
        };
        // As Go: no span, or zero, means that the token does not expire.
        let span = seconds
            .filter(|&s| s > 0.0)
            .map(|s| Duration::try_from_secs_f64(s).unwrap_or(LIFE_MAX).min(LIFE_MAX));
        let expires = span.map(|span| Instant::now() + span - SLACK.min(span / 2));
        let value = secret_header("authorization", &format!("{scheme} {}", answer.access_token))?;
        Ok(Token { value, expires, secret })
    }
}

type Fetching<'a> = Pin<Box<dyn Future<Output = Result<(Token, Style), HttpError>> + Send + 'a>>;

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A refusal carries its reason in the body (RFC 6749 section 5.2); it never holds the secret.
fn refusal(url: &Url, status: StatusCode, body: &[u8]) -> String {
    let reason = cut(&String::from_utf8_lossy(body));
    format!("{} answered {}: {}", shown(url), status.as_u16(), reason.trim())
}

/// Largest answer of a token server; a token of 64 KiB would not fit a header anyway.
const ANSWER_BYTES_MAX: u64 = 128 << 10;

/// How long a failure is answered to all without asking again, so that the sessions of a client
/// ask a broken token server once per span, not once per scrape.
const FAILURE_TIME: Duration = Duration::from_secs(5);

/// A token is renewed this long before its end (Go's value), or at half its life.
const SLACK: Duration = Duration::from_secs(10);

/// Longest life of a token believed; it keeps the sum with the clock in range.
const LIFE_MAX: Duration = Duration::from_secs(365 * 86_400);

#[cfg(test)]
mod tests;

//! The `Authorization` header of a client.
//!
//! Owns making it from secrets and tokens. Never knows to whom it goes: the session decides.

use std::time::Duration;

use hyper::header::HeaderValue;
use runnel_config::settings::Auth;
use tokio::time::Instant;

use super::connect::Clock;
use super::oauth2::TokenSource;
use super::proxy::basic;
use super::secret::SecretReader;
use super::{Context, HttpError};

/// Who we are to the server.
#[derive(Debug)]
pub(super) enum Authorizer {
    Basic { username: SecretReader, password: SecretReader },
    Header { scheme: String, credentials: SecretReader },
    None,
    Token(Box<TokenSource>),
}

impl Authorizer {
    pub(super) fn new(auth: &Auth, context: &Context) -> Result<Self, HttpError> {
        let every: Duration = context.file_check_every;
        Ok(match auth {
            Auth::Basic { username, password } => Self::Basic {
                username: SecretReader::new(username, every),
                password: SecretReader::new(password, every),
            },
            Auth::Header { scheme, credentials } => Self::Header {
                scheme: scheme.clone(),
                credentials: SecretReader::new(credentials, every),
            },
            Auth::None => Self::None,
            Auth::OAuth2(settings) => Self::Token(Box::new(TokenSource::new(settings, context)?)),
        })
    }

    /// The header's value now; none without credentials.
    pub(super) async fn value(&self, clock: Clock) -> Result<Option<HeaderValue>, HttpError> {
        let now = Instant::now();
        match self {
            Self::Basic { username, password } => {
                let pair = format!("{}:{}", username.read(now)?, password.read(now)?);
                Ok(Some(basic(pair.as_bytes())))
            }
            Self::Header { scheme, credentials } => {
                let credentials = credentials.read(now)?;
                let text = if scheme.is_empty() {
                    credentials.to_string()
                } else {
                    format!("{scheme} {credentials}")
                };
                secret_header("authorization", &text).map(Some)
            }
            Self::None => Ok(None),
            Self::Token(source) => source.value(clock).await.map(Some),
        }
    }

    /// Takes note that a server answered 401 to `used`; true when another try may help.
    pub(super) async fn refused(&self, used: &HeaderValue) -> bool {
        match self {
            Self::Token(source) => {
                source.forget(used).await;
                true
            }
            _ => false,
        }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let found = match self {
            Self::Basic { username, password } => vec![username.problem(), password.problem()],
            Self::Header { credentials, .. } => vec![credentials.problem()],
            Self::None => Vec::new(),
            Self::Token(source) => return source.problems(),
        };
        found.into_iter().flatten().collect()
    }
}

/// A header value that is never shown.
///
/// # Errors
/// [`HttpError::Credentials`] when the secret holds a byte that a header may not carry.
pub(super) fn secret_header(name: &str, text: &str) -> Result<HeaderValue, HttpError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| HttpError::Credentials {
        cause: format!("use the secret of header {name:?}: it holds a control character"),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

//! What all connections of one job or destination share.
//!
//! Owns options, TLS configuration, secrets and tokens. Never knows targets: each of them owns a
//! [`Session`].

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use runnel_config::settings::HttpClient;
use tokio::net::TcpSocket;
use tokio::time::Instant;
use url::Url;

use super::auth::Authorizer;
use super::proxy::{Proxies, ProxyEnvironment};
use super::secret::SecretReader;
use super::tls::{SystemRoots, TlsSource};
use super::{HttpError, Request, Session};

/// What all clients of the process share.
#[derive(Clone, Debug)]
pub struct Context {
    /// Value of `User-Agent`.
    pub user_agent: String,
    /// Proxy settings of the environment.
    pub proxy_environment: ProxyEnvironment,
    /// Options of each socket.
    pub socket: SocketOptions,
    /// Authorities trusted where no `ca` is set.
    pub system_roots: SystemRoots,
    /// Least time between two looks at the same secret or PEM file.
    pub file_check_every: Duration,
}

impl Context {
    /// A context without proxies and socket options; files are looked at once a second.
    pub fn new(user_agent: impl Into<String>) -> Self {
        Self {
            user_agent: user_agent.into(),
            proxy_environment: ProxyEnvironment::default(),
            socket: SocketOptions::default(),
            system_roots: SystemRoots::default(),
            file_check_every: Duration::from_secs(1),
        }
    }
}

/// Sets options on each socket before it connects, so that the first packet carries them.
#[derive(Clone, Default)]
pub struct SocketOptions {
    hook: Option<Arc<SocketHook>>,
}

type SocketHook = dyn Fn(&TcpSocket) -> io::Result<()> + Send + Sync;

impl SocketOptions {
    /// Options set by `hook`, which must not block.
    pub fn new(hook: impl Fn(&TcpSocket) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { hook: Some(Arc::new(hook)) }
    }

    /// An option that the kernel refuses changes quality of service, not delivery: it is ignored.
    pub(super) fn apply(&self, socket: &TcpSocket) {
        if let Some(hook) = &self.hook
            && let Err(cause) = hook(socket)
        {
            tracing::debug!(%cause, "socket option refused");
        }
    }
}

impl fmt::Debug for SocketOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketOptions").field("set", &self.hook.is_some()).finish()
    }
}

/// What all connections of one job or destination share; see the room's documentation.
#[derive(Debug)]
pub struct Client {
    pub(super) tls: TlsSource,
    pub(super) proxies: Proxies,
    pub(super) auth: Authorizer,
    pub(super) headers: Vec<(HeaderName, SecretReader)>,
    pub(super) user_agent: HeaderValue,
    pub(super) follow_redirects: bool,
    pub(super) socket: SocketOptions,
}

impl Client {
    /// Makes a client. Opens nothing; files are read at first use and may appear later.
    ///
    /// # Errors
    /// [`HttpError::Url`] for a proxy or token URL that cannot be used,
    /// [`HttpError::Credentials`] for a header name that cannot be used.
    pub fn new(settings: &HttpClient, context: &Context) -> Result<Self, HttpError> {
        let every = context.file_check_every;
        let mut headers = Vec::with_capacity(settings.headers.len());
        for (name, value) in &settings.headers {
            let name: HeaderName = name.parse().map_err(|_| HttpError::Credentials {
                cause: format!("use header {name:?}: not a valid header name"),
            })?;
            headers.push((name, SecretReader::new(value, every)));
        }
        let user_agent = HeaderValue::from_str(&context.user_agent).map_err(|_| {
            HttpError::Credentials { cause: "use the user agent: not a valid header".to_owned() }
        })?;
        Ok(Self {
            tls: TlsSource::new(&settings.tls, context.system_roots.clone(), every),
            proxies: Proxies::new(&settings.proxy, &context.proxy_environment)?,
            auth: Authorizer::new(&settings.auth, context)?,
            headers,
            user_agent,
            follow_redirects: settings.follow_redirects,
            socket: context.socket.clone(),
        })
    }

    /// Asks once, on a connection of its own, and reads the whole answer.
    ///
    /// # Errors
    /// As [`Session::request`]; [`HttpError::TooLarge`] for a body above `body_bytes_max`.
    pub async fn get(
        self: &Arc<Self>,
        url: &Url,
        headers: HeaderMap,
        deadline: Instant,
        body_bytes_max: u64,
    ) -> Result<(StatusCode, HeaderMap, Bytes), HttpError> {
        let mut session = Session::new(self.clone(), Arc::default());
        let request = Request { headers, ..Request::get(url.clone()) };
        let mut response = session.request(&request, deadline).await?;
        let headers = std::mem::take(response.headers_mut());
        let status = response.status();
        Ok((status, headers, response.read_body(body_bytes_max).await?))
    }

    /// What is wrong with the newest secret and PEM files while older content is in use.
    pub fn problems(&self) -> Vec<String> {
        let headers = self.headers.iter().filter_map(|(_, value)| value.problem());
        self.tls.problem().into_iter().chain(self.auth.problems()).chain(headers).collect()
    }
}

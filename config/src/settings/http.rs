//! HTTP client options, the same for scrape targets, discovery and destinations.

use std::path::PathBuf;

use crate::units::Secret;

/// Where a secret comes from. A file is read again whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// A file whose content, without trailing white space, is the secret.
    File(PathBuf),
    /// The secret itself.
    Inline(Secret),
}

/// Where PEM text comes from. A file is read again whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pem {
    /// A PEM file.
    File(PathBuf),
    /// PEM text; masked, since it may be a key.
    Inline(Secret),
}

/// Options of one HTTP client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpClient {
    /// Who we are.
    pub auth: Auth,
    /// TLS options.
    pub tls: Tls,
    /// The proxy on the way.
    pub proxy: Proxy,
    /// Follow redirects (at most ten). Credentials never follow to another host.
    pub follow_redirects: bool,
    /// Headers added to each request, in order.
    pub headers: Vec<(String, SecretSource)>,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self {
            auth: Auth::None,
            tls: Tls::default(),
            proxy: Proxy::default(),
            follow_redirects: true,
            headers: Vec::new(),
        }
    }
}

/// Who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Auth {
    /// `Authorization: Basic base64(username:password)`.
    Basic {
        /// User name.
        username: SecretSource,
        /// Password; empty when none is given.
        password: SecretSource,
    },
    /// `Authorization: <scheme> <credentials>`.
    Header {
        /// Scheme, `Bearer` by default.
        scheme: String,
        /// Credentials.
        credentials: SecretSource,
    },
    /// No credentials.
    #[default]
    None,
    /// `Authorization: Bearer <token>`, the token fetched by client credentials.
    OAuth2(Box<OAuth2>),
}

/// OAuth 2.0 client credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OAuth2 {
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: SecretSource,
    /// Scopes, joined by a space in the request.
    pub scopes: Vec<String>,
    /// Where tokens are fetched.
    pub token_url: String,
    /// Further form fields of the request.
    pub endpoint_params: Vec<(String, String)>,
    /// TLS options of the token request.
    pub tls: Tls,
    /// Proxy of the token request.
    pub proxy: Proxy,
}

/// A TLS protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// TLS options of a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Authorities to trust instead of the system's.
    pub ca: Option<Pem>,
    /// Certificate chain shown to the server, with its key.
    pub identity: Option<(Pem, Pem)>,
    /// Name to verify instead of the URL's host; also sent as SNI.
    pub server_name: Option<String>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
    /// Lowest version accepted.
    pub version_min: TlsVersion,
    /// Highest version offered.
    pub version_max: TlsVersion,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            ca: None,
            identity: None,
            server_name: None,
            insecure_skip_verify: false,
            version_min: TlsVersion::Tls12,
            version_max: TlsVersion::Tls13,
        }
    }
}

/// The proxy on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// `http://` or `https://` URL of the proxy; user and password in it are sent to the proxy.
    pub url: Option<Secret>,
    /// Hosts, domains and networks reached without it.
    pub no_proxy: Vec<String>,
    /// Take proxy and exceptions from the environment (the caller hands it in).
    pub from_environment: bool,
    /// Headers of the CONNECT request.
    pub connect_headers: Vec<(String, Secret)>,
}

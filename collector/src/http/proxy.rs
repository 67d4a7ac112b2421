//! Which proxy stands before an origin.
//!
//! Owns proxy URLs and the exceptions from them. Never knows sockets, and never reads the
//! environment: the caller hands in what it found there. Pure.
//!
//! Source: `net/http` and `golang.org/x/net/http/httpproxy` of Go, which both peers use.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderName, HeaderValue};
use runnel_config::settings::Proxy;
use url::Url;

use super::HttpError;
use super::request::Origin;

/// Proxy settings of the environment, as the caller found them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxyEnvironment {
    /// Proxy for `http` URLs.
    pub http: Option<String>,
    /// Proxy for `https` URLs.
    pub https: Option<String>,
    /// Exceptions, separated by commas.
    pub no_proxy: Option<String>,
}

impl ProxyEnvironment {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, or the same in lower case, by `lookup`.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let either = |upper: &str| {
            lookup(upper)
                .or_else(|| lookup(&upper.to_ascii_lowercase()))
                .filter(|value| !value.is_empty())
        };
        Self {
            http: either("HTTP_PROXY"),
            https: either("HTTPS_PROXY"),
            no_proxy: either("NO_PROXY"),
        }
    }
}

impl fmt::Debug for ProxyEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<proxy environment>") // The URLs may hold a password.
    }
}

/// One proxy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProxyServer {
    pub(super) origin: Origin,
    /// Value of `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
    /// Further headers of CONNECT.
    pub(super) connect_headers: Vec<(HeaderName, HeaderValue)>,
}

impl fmt::Display for ProxyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.origin.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.origin)
    }
}

/// The proxies of a client and the exceptions from them.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    http: Option<Arc<ProxyServer>>,
    https: Option<Arc<ProxyServer>>,
    exceptions: Vec<Exception>,
    /// Addresses of this machine go without a proxy.
    spare_loopback: bool,
}

impl Proxies {
    /// # Errors
    /// [`HttpError::Url`] when a proxy URL or a header of CONNECT cannot be used.
    pub(super) fn new(settings: &Proxy, env: &ProxyEnvironment) -> Result<Self, HttpError> {
        let headers = connect_headers(settings)?;
        let parse = |url: Option<&str>| url.map(|url| server(url, &headers)).transpose();
        if settings.from_environment {
            let exceptions = env.no_proxy.as_deref().unwrap_or_default().split(',');
            return Ok(Self {
                http: parse(env.http.as_deref())?,
                https: parse(env.https.as_deref())?,
                exceptions: exceptions.filter_map(Exception::parse).collect(),
                spare_loopback: true,
            });
        }
        let proxy = parse(settings.url.as_ref().map(|url| url.reveal()))?;
        let exceptions = settings.no_proxy.iter().flat_map(|entry| entry.split(','));
        Ok(Self {
            http: proxy.clone(),
            https: proxy,
            exceptions: exceptions.filter_map(Exception::parse).collect(),
            // As Prometheus: a list of exceptions brings Go's rule for loopback with it.
            spare_loopback: !settings.no_proxy.is_empty(),
        })
    }

    /// The proxy before `origin`, if any.
    pub(super) fn before(&self, origin: &Origin) -> Option<&Arc<ProxyServer>> {
        let proxy = if origin.tls { self.https.as_ref() } else { self.http.as_ref() }?;
        let host = origin.host.trim_end_matches('.').to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        let loopback = host == "localhost" || address.is_some_and(|a| a.is_loopback());
        if self.spare_loopback && loopback {
            return None;
        }
        let spared = self.exceptions.iter().any(|e| e.matches(&host, address, origin.port));
        (!spared).then_some(proxy)
    }
}

/// One entry of `no_proxy`.
#[derive(Debug, PartialEq, Eq)]
enum Exception {
    Address(IpAddr, Option<u16>),
    All,
    /// `suffix` begins with a dot; `itself` says that the name without the dot counts too.
    Domain {
        suffix: String,
        itself: bool,
        port: Option<u16>,
    },
    Network(IpAddr, u8),
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_ascii_lowercase();
        if entry.is_empty() {
            return None;
        }
        if entry == "*" {
            return Some(Self::All);
        }
        if let Some((address, bits)) = entry.split_once('/') {
            let address: IpAddr = address.parse().ok()?;
            let bits = bits.parse().ok().filter(|&bits| bits <= address_bits(address))?;
            return Some(Self::Network(address, bits));
        }
        if let Ok(address) = entry.trim_matches(['[', ']']).parse() {
            return Some(Self::Address(address, None));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry.as_str(), None),
        };
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Some(Self::Address(address, port));
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let itself = !host.starts_with('.');
        let suffix = if itself { format!(".{host}") } else { host.to_owned() };
        (suffix.len() > 1).then_some(Self::Domain { suffix, itself, port })
    }

    fn matches(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        let port_fits = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match self {
            Self::Address(wanted, p) => address == Some(*wanted) && port_fits(p),
            Self::All => true,
            Self::Domain { suffix, itself, port: p } => {
                let fits = host.ends_with(suffix) || (*itself && host == &suffix[1..]);
                fits && port_fits(p)
            }
            Self::Network(network, bits) => {
                address.is_some_and(|address| in_network(address, *network, *bits))
            }
        }
    }
}

fn address_bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (a, n, size) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    // Invariant: bits <= size, by `Exception::parse`. A shift by 128 is what `None` stands for.
    let shift = size - u32::from(bits);
    a.checked_shr(shift) == n.checked_shr(shift)
}

fn server(
    text: &str,
    headers: &[(HeaderName, HeaderValue)],
) -> Result<Arc<ProxyServer>, HttpError> {
    // The URL may hold a password, so it is not shown.
    let bad = |found: String| HttpError::Url { cause: format!("use the proxy URL: {found}") };
    // As Go: `host:port` without a scheme is an http proxy.
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&text).map_err(|e| bad(e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(format!("scheme {} is neither http nor https", url.scheme())));
    }
    let origin = Origin::of(&url)?;
    let authorization = url_credentials(&url);
    Ok(Arc::new(ProxyServer { origin, authorization, connect_headers: headers.to_vec() }))
}

fn connect_headers(settings: &Proxy) -> Result<Vec<(HeaderName, HeaderValue)>, HttpError> {
    let bad = |name: &str| HttpError::Url {
        cause: format!("use proxy_connect_header {name:?}: not a valid header"),
    };
    let mut headers = Vec::new();
    for (name, value) in &settings.connect_headers {
        let key: HeaderName = name.parse().map_err(|_| bad(name))?;
        let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| bad(name))?;
        value.set_sensitive(true);
        headers.push((key, value));
    }
    Ok(headers)
}

/// Basic auth from user and password in a URL.
pub(super) fn url_credentials(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair = percent_decoded(url.username());
    pair.push(b':');
    pair.extend(percent_decoded(url.password().unwrap_or_default()));
    Some(basic(&pair))
}

/// `Basic base64(pair)`.
pub(super) fn basic(pair: &[u8]) -> HeaderValue {
    let text = format!("Basic {}", STANDARD.encode(pair));
    let mut value = HeaderValue::from_str(&text).expect("base64 is valid in a header");
    value.set_sensitive(true);
    value
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) if bytes[at] == b'%' => {
                out.push(code);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;

//! A request and where it goes.
//!
//! Owns the request a caller hands in and the origin of a URL. Never knows connections or
//! credentials.

use std::fmt;

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use url::{Host, Url};

use super::HttpError;

/// One request. The caller may keep it and send it again: nothing in it is used up.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Absolute `http` or `https` URL. User and password in it become basic auth.
    pub url: Url,
    /// Headers beside those of the client's settings; `host` and `content-length` are added.
    pub headers: HeaderMap,
    /// Body; shared, never copied.
    pub body: Bytes,
}

impl Request {
    /// A GET without headers of its own.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A POST without headers of its own; set `content-type`.
    pub fn post(url: Url, body: Bytes) -> Self {
        Self { method: Method::POST, url, headers: HeaderMap::new(), body }
    }
}

/// Scheme, host and port: what a connection is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) tls: bool,
    /// Name or address, IPv6 without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Origin {
    pub(super) fn of(url: &Url) -> Result<Self, HttpError> {
        let bad =
            |found: &str| HttpError::Url { cause: format!("use URL {}: {found}", shown(url)) };
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(bad("scheme is neither http nor https")),
        };
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(bad("no host in it")),
        };
        let port = url.port_or_known_default().ok_or_else(|| bad("no port in it"))?;
        Ok(Self { tls, host, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A URL as it may be shown: without user, password and query, which may hold a token.
pub(super) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

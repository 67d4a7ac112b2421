//! The one HTTP/1.1 client of the project: scrapes, discovery, tokens and writes go through it.
//!
//! Owns connections, TLS, proxies, credentials, redirects and the limits of an exchange. Never
//! knows what a body means, nor why it is asked for.
//!
//! A [`Client`] is what one job or one destination has in common: options, TLS configuration,
//! secrets, tokens. It is shared by `Arc`. A [`Session`] is what one target or one lane owns: at
//! most one kept connection. Between two requests that connection is its socket and its TLS state
//! and nothing else, since hyper's buffers live only as long as an exchange; 300 targets therefore
//! cost 300 sockets, not 300 buffers.
//!
//! Invariants: nothing is spawned here, an exchange is driven by the task that asked for it and
//! dies with it; every wait ends at the deadline of the request; every buffer has a limit.
//!
//! Called by the scrape, discovery and sending rooms, on the network runtime.

mod auth;
mod client;
mod connect;
mod error;
mod exchange;
mod file;
mod io;
mod oauth2;
mod proxy;
mod redirect;
mod request;
mod response;
mod secret;
mod session;
#[cfg(test)]
pub(crate) mod testing;
mod tls;
mod tls_reason;
mod tls_verify;
mod tunnel;

pub use client::{Client, Context, SocketOptions};
pub use error::{HttpError, Part, Phase, Sent};
pub use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use hyper::{Method, StatusCode};
pub use io::Traffic;
pub use proxy::ProxyEnvironment;
pub use request::Request;
pub use response::Response;
pub use session::Session;
pub use tls::SystemRoots;
pub use url::Url;

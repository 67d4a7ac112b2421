//! Where a redirect leads.
//!
//! Owns the rules of following. Never knows connections or credentials. Pure.

use hyper::header::LOCATION;
use hyper::{HeaderMap, Method, StatusCode};
use url::Url;

use super::error::cut;

/// The URL to ask next with the same method and body; none when the answer is to be taken as it is.
///
/// 301, 302 and 303 are followed for GET and HEAD only: the rewrite of a POST to a GET that
/// browsers do would turn a write into a read that answers 200. 307 and 308 keep method and body.
///
/// # Errors
/// A text when the location cannot be used.
pub(super) fn next(
    status: StatusCode,
    headers: &HeaderMap,
    method: &Method,
    from: &Url,
) -> Result<Option<Url>, String> {
    let followed = match status.as_u16() {
        301..=303 => matches!(*method, Method::GET | Method::HEAD),
        307 | 308 => true,
        _ => false,
    };
    let Some(location) = headers.get(LOCATION).filter(|_| followed) else {
        return Ok(None);
    };
    let location = location.to_str().map_err(|_| "a location that is not ASCII".to_owned())?;
    let mut url = from.join(location).map_err(|e| format!("location {:?}: {e}", cut(location)))?;
    url.set_fragment(None);
    match url.scheme() {
        "http" | "https" => Ok(Some(url)),
        scheme => Err(format!("location with scheme {}, neither http nor https", cut(scheme))),
    }
}

/// True when credentials for `from` may go to `to`: the same host and port, or the same host's
/// move from `http` to `https`, both on their default ports. Never from `https` to `http`.
pub(super) fn same_site(from: &Url, to: &Url) -> bool {
    let ports = (from.port_or_known_default(), to.port_or_known_default());
    let same = from.scheme() == to.scheme() && ports.0 == ports.1;
    let upgrade =
        from.scheme() == "http" && to.scheme() == "https" && ports == (Some(80), Some(443));
    from.host() == to.host() && (same || upgrade)
}

/// Most redirects of one request, as both peers.
pub(super) const REDIRECTS_MAX: usize = 10;

#[cfg(test)]
mod tests;

//! A tunnel through an HTTP proxy.
//!
//! Owns the CONNECT exchange. Never knows TLS: it is handed a stream and leaves it at the first
//! byte behind the proxy's answer.

use hyper::header::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::HttpError;
use super::error::cut;
use super::io::BoxTransport;
use super::proxy::ProxyServer;
use super::request::Origin;

/// Asks `proxy`, at the other end of `io`, for a tunnel to `origin`.
///
/// # Errors
/// [`HttpError::Proxy`] when it answers anything but a 2xx, or no HTTP.
pub(super) async fn connect(
    io: &mut BoxTransport,
    proxy: &ProxyServer,
    origin: &Origin,
) -> Result<(), HttpError> {
    let fail = |cause: String| HttpError::Proxy { proxy: proxy.to_string(), cause };
    let io_fail = |e: std::io::Error| fail(format!("CONNECT {origin}: {e}"));
    io.write_all(&head(proxy, origin)).await.map_err(io_fail)?;
    io.flush().await.map_err(io_fail)?;
    let mut answer = Vec::new();
    loop {
        let read = io.read_buf(&mut answer).await.map_err(io_fail)?;
        if let Some(end) = memchr::memmem::find(&answer, b"\r\n\r\n") {
            // The peer behind the tunnel is a TLS server: it never speaks first.
            let extra = answer.len() > end + 4;
            let line = String::from_utf8_lossy(&answer[..end]);
            return verdict(&line, extra)
                .map_err(|cause| fail(format!("CONNECT {origin}: {cause}")));
        }
        if read == 0 {
            return Err(fail(format!("CONNECT {origin}: it closed the connection")));
        }
        if answer.len() > ANSWER_BYTES_MAX {
            return Err(fail(format!(
                "CONNECT {origin}: the answer is above {ANSWER_BYTES_MAX} bytes"
            )));
        }
    }
}

fn head(proxy: &ProxyServer, origin: &Origin) -> Vec<u8> {
    let mut head = format!("CONNECT {origin} HTTP/1.1\r\nHost: {origin}\r\n").into_bytes();
    let mut push = |name: &str, value: &HeaderValue| {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    };
    for (name, value) in &proxy.connect_headers {
        push(name.as_str(), value);
    }
    if let Some(value) = &proxy.authorization {
        push("Proxy-Authorization", value);
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn verdict(head: &str, extra: bool) -> Result<(), String> {
    let line = head.lines().next().unwrap_or_default();
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..)).unwrap_or_default();
    let code: Option<u16> = status.get(..3).and_then(|code| code.parse().ok());
    match code {
        Some(200..300) if extra => Err("it sent data ahead of the tunnel".to_owned()),
        Some(200..300) => Ok(()),
        Some(_) => Err(format!("it answered {}", cut(status.trim()))),
        None => Err("it answered no HTTP/1.x".to_owned()),
    }
}

/// Largest answer to CONNECT; a refusal's page behind the headers is not read.
const ANSWER_BYTES_MAX: usize = 16 << 10;

//! The status server: sockets, limits, and which path goes to which page.
//!
//! Owns the listener and its connections. Never knows what a page says.
//!
//! Limits: [`CONNECTIONS_MAX`] at once, so that a scan can't take the agent's memory; a request must
//! have arrived within [`HEAD_TIMEOUT`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Connections served at once: a Prometheus or two, a few browsers, the probes of the kubelet.
const CONNECTIONS_MAX: usize = 64;

/// Time in which the head of a request must have arrived.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// An answer before it is HTTP.
#[derive(Debug)]
pub struct Reply {
    /// Status code.
    pub code: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
}

impl Reply {
    /// A page for people.
    pub fn html(body: String) -> Self {
        Self { code: 200, content_type: "text/html; charset=utf-8", body }
    }

    /// An answer for programs.
    pub fn json(body: &serde_json::Value) -> Self {
        Self { code: 200, content_type: "application/json", body: body.to_string() }
    }

    /// Plain text with a status code.
    pub fn text(code: u16, body: impl Into<String>) -> Self {
        Self { code, content_type: "text/plain; charset=utf-8", body: body.into() }
    }
}

/// A request as pages see it.
#[derive(Clone, Debug)]
pub struct Query {
    /// Method in upper case.
    pub method: String,
    /// Path.
    pub path: String,
    /// Decoded parameters, in order.
    pub parameters: Vec<(String, String)>,
}

impl Query {
    /// The first parameter of that name, empty where there is none.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

/// Who answers requests.
pub trait Pages: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, query: Query) -> impl Future<Output = Reply> + Send;
}

/// Serves until `stop` turns true; connections then end with their current request.
pub async fn serve(listener: TcpListener, pages: Arc<impl Pages>, mut stop: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of descriptors: the next accept would fail at once and spin.
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            _ = stop.changed() => return,
        };
        let pages = pages.clone();
        connections.spawn(async move {
            let service = service_fn(|request| {
                let pages = pages.clone();
                async move { Ok::<_, Infallible>(respond(&*pages, request).await) }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .max_buf_size(16 << 10)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!("status connection ended: {error}");
            }
            drop(permit);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn respond(pages: &impl Pages, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let query = Query {
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        parameters: url::form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes())
            .into_owned()
            .collect(),
    };
    let reply = pages.answer(query).await;
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    response
}

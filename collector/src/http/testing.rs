//! Small servers on loopback for the tests of this room and of those that call it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use runnel_config::settings::{HttpClient, Pem};
use runnel_config::units::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::io::BoxTransport;
use super::{Client, Context, HttpError, Request, Session, Url};

/// One request as a server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Number of the connection, from 0.
    pub(crate) connection: usize,
    /// Number of the request on its connection, from 0.
    pub(crate) turn: usize,
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What a server does about one request.
pub(crate) enum Reply {
    /// Closes without a word.
    Close,
    /// Writes, then goes on writing zeros for as long as it can.
    Endless(Vec<u8>),
    /// Writes, then says nothing more and keeps the connection open.
    Hang(Vec<u8>),
    /// Writes and waits for the next request.
    Send(Vec<u8>),
    /// Writes and closes.
    SendAndClose(Vec<u8>),
}

/// An answer with `Content-Length`.
pub(crate) fn page(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    Reply::Send(bytes)
}

pub(crate) fn ok(body: impl AsRef<[u8]>) -> Reply {
    page("200 OK", "", body)
}

/// A server on loopback; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(handle: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_on(None, handle).await
    }

    pub(crate) async fn start_tls(
        config: ServerConfig,
        handle: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_on(Some(Arc::new(config).into()), handle).await
    }

    async fn start_on(
        tls: Option<TlsAcceptor>,
        handle: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            connections: Arc::default(),
        };
        let (seen, connections) = (server.seen.clone(), server.connections.clone());
        let handle = Arc::new(handle);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let (tls, seen, handle) = (tls.clone(), seen.clone(), handle.clone());
                tokio::spawn(async move {
                    let stream: BoxTransport = match tls {
                        None => Box::new(stream),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return,
                        },
                    };
                    serve(stream, number, &seen, &*handle).await;
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    pub(crate) fn https(&self, host: &str) -> Url {
        Url::parse(&format!("https://{host}:{}/", self.address.port())).unwrap()
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("a request came")
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut stream: BoxTransport,
    connection: usize,
    seen: &Mutex<Vec<Seen>>,
    handle: &(impl Fn(&Seen) -> Reply + ?Sized),
) {
    let mut turn = 0;
    while let Some((head, body)) = read_request(&mut stream).await {
        let request = Seen { connection, turn, head, body };
        seen.lock().unwrap().push(request.clone());
        if let Some(host) = request.line().strip_prefix("CONNECT ")
            && let Reply::Send(answer) = handle(&request)
        {
            return tunnel(stream, host, answer).await;
        }
        match handle(&request) {
            Reply::Close => return,
            Reply::Endless(bytes) => {
                let mut wrote = stream.write_all(&bytes).await;
                while wrote.is_ok() {
                    wrote = stream.write_all(&[b'0'; 4096]).await;
                }
                return;
            }
            Reply::Hang(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                return std::future::pending().await;
            }
            Reply::Send(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
            }
            Reply::SendAndClose(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
        }
        turn += 1;
    }
}

/// Plays a proxy: answers CONNECT and, on a 2xx, passes bytes on.
async fn tunnel(mut stream: BoxTransport, host: &str, answer: Vec<u8>) {
    stream.write_all(&answer).await.unwrap();
    stream.flush().await.unwrap();
    if answer.starts_with(b"HTTP/1.1 200") {
        // Names of the tests end in `.test`; all of them stand for loopback.
        let port = host.split(' ').next().unwrap().rsplit(':').next().unwrap();
        let mut target = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut target).await;
    }
}

async fn read_request(stream: &mut BoxTransport) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, String::from_utf8_lossy(&bytes[end..]).into_owned()))
}

/// Tells folders and authorities apart.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A context that looks at files at each use.
pub(crate) fn context() -> Context {
    Context { file_check_every: Duration::ZERO, ..Context::new("runnel/test") }
}

pub(crate) fn client(settings: &HttpClient) -> Arc<Client> {
    Arc::new(Client::new(settings, &context()).unwrap())
}

pub(crate) fn session(settings: &HttpClient) -> Session {
    Session::new(client(settings), Arc::default())
}

/// A deadline that no passing test reaches.
pub(crate) fn far() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// A deadline for servers that never answer: long enough for loopback.
pub(crate) fn near() -> Instant {
    Instant::now() + Duration::from_millis(300)
}

/// Largest body that the helpers below read.
pub(crate) const BODY_BYTES_MAX: u64 = 1 << 20;

pub(crate) async fn get(session: &mut Session, url: Url) -> Result<(u16, Bytes), HttpError> {
    read_until(session, url, far()).await
}

pub(crate) async fn read_until(
    session: &mut Session,
    url: Url,
    deadline: Instant,
) -> Result<(u16, Bytes), HttpError> {
    let response = session.request(&Request::get(url), deadline).await?;
    let status = response.status().as_u16();
    Ok((status, response.read_body(BODY_BYTES_MAX).await?))
}

pub(crate) async fn post(session: &mut Session, url: Url, body: Vec<u8>) -> Result<u16, HttpError> {
    post_until(session, url, body, far()).await
}

pub(crate) async fn post_until(
    session: &mut Session,
    url: Url,
    body: Vec<u8>,
    deadline: Instant,
) -> Result<u16, HttpError> {
    let request = Request::post(url, Bytes::from(body));
    let response = session.request(&request, deadline).await?;
    let status = response.status().as_u16();
    response.read_body(BODY_BYTES_MAX).await?;
    Ok(status)
}

/// A certificate authority of one test.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate with its key, in PEM.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two authorities of one name would differ by their signatures only.
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        params.distinguished_name.push(DnType::CommonName, format!("authority {number}"));
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(crate) fn issue(&self, name: &str) -> Issued {
        self.issue_until(name, 4000)
    }

    /// A certificate whose validity ends with `year`.
    pub(crate) fn issue_until(&self, name: &str, year: i32) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 12, 31);
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        Issued { chain, key: key.serialize_pem() }
    }

    /// A certificate signed by itself and marked as an authority.
    pub(crate) fn self_signed(name: &str, year: i32) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(year, 12, 31);
        let chain = params.self_signed(&key).unwrap().pem();
        Issued { chain, key: key.serialize_pem() }
    }

    /// A server's configuration; it asks for a certificate of `clients` when that is given.
    pub(crate) fn server(&self, name: &str, clients: Option<&Self>) -> ServerConfig {
        server_config(&self.issue(name), clients)
    }
}

pub(crate) fn server_config(issued: &Issued, clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
            let roots = Arc::new(roots);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(issued.chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    builder.with_single_cert(chain, key).unwrap()
}

pub(crate) fn inline(pem: &str) -> Pem {
    Pem::Inline(Secret::new(pem))
}

/// A folder of one test, removed behind it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let path =
            std::env::temp_dir().join(format!("runnel-http-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Replaces a file as the kubelet does: by a rename, so that its inode changes.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, new) = (self.path(name), self.path("new"));
        fs::write(&new, text).unwrap();
        fs::rename(&new, &path).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        Path::join(&self.0, name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

use std::sync::Mutex;

use runnel_config::settings::{Auth, HttpClient, SecretSource};
use runnel_config::units;

use super::*;
use crate::http::testing::{Folder, Reply, Seen, Server, context, far, near, ok, page, session};
use crate::http::{Part, Phase, Sent, SocketOptions};

const LIMIT: u64 = 1 << 20;

async fn get(session: &mut Session, url: Url) -> Result<(u16, Bytes), HttpError> {
    get_until(session, url, far()).await
}

async fn get_until(
    session: &mut Session,
    url: Url,
    deadline: Instant,
) -> Result<(u16, Bytes), HttpError> {
    let response = session.request(&Request::get(url), deadline).await?;
    let status = response.status().as_u16();
    Ok((status, response.read_body(LIMIT).await?))
}

async fn post(session: &mut Session, url: Url, body: Vec<u8>) -> Result<u16, HttpError> {
    post_until(session, url, body, far()).await
}

async fn post_until(
    session: &mut Session,
    url: Url,
    body: Vec<u8>,
    deadline: Instant,
) -> Result<u16, HttpError> {
    let request = Request::post(url, Bytes::from(body));
    let response = session.request(&request, deadline).await?;
    let status = response.status().as_u16();
    response.read_body(LIMIT).await?;
    Ok(status)
}

fn secret(text: &str) -> SecretSource {
    SecretSource::Inline(units::Secret::new(text))
}

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let server = Server::start(|seen| ok(format!("turn {}", seen.turn))).await;
    let mut session = session(&HttpClient::default());
    for turn in 0..3 {
        let (status, body) = get(&mut session, server.url("/metrics?a=b")).await.unwrap();
        assert_eq!((status, &body[..]), (200, format!("turn {turn}").as_bytes()));
        assert!(session.is_connected());
    }
    assert_eq!(post(&mut session, server.url("/w"), vec![b'x'; 300_000]).await, Ok(200));
    assert_eq!(post(&mut session, server.url("/w"), Vec::new()).await, Ok(200));
    assert_eq!(server.connections(), 1);
    let seen = &server.seen()[0];
    assert_eq!(seen.line(), "GET /metrics?a=b HTTP/1.1");
    assert_eq!(seen.header("host"), Some(server.address.to_string().as_str()));
    assert_eq!(seen.header("user-agent"), Some("runnel/test"));
    assert_eq!(seen.header("content-length"), None);
    assert_eq!(server.seen()[3].body.len(), 300_000);
    assert_eq!(server.last().header("content-length"), Some("0"));
    session.close();
    assert!(!session.is_connected());
}

#[tokio::test]
async fn a_connection_is_kept_only_when_both_sides_agree() {
    let cases: [(&[u8], bool); 6] = [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx", true),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", true),
        (b"HTTP/1.1 204 No Content\r\n\r\n", true),
        (b"HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 1\r\n\r\nx", false),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", false),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxtoo much", false),
    ];
    for (answer, kept) in cases {
        let server = Server::start(move |_| Reply::Send(answer.to_vec())).await;
        let mut session = session(&HttpClient::default());
        get(&mut session, server.url("/")).await.unwrap();
        assert_eq!(session.is_connected(), kept, "{}", String::from_utf8_lossy(answer));
    }
    let eof = b"HTTP/1.1 200 OK\r\n\r\nuntil the end";
    let server = Server::start(move |_| Reply::SendAndClose(eof.to_vec())).await;
    let mut session = session(&HttpClient::default());
    assert_eq!(&get(&mut session, server.url("/")).await.unwrap().1[..], b"until the end");
    assert!(!session.is_connected());
}

#[tokio::test]
async fn an_answer_ahead_of_the_whole_request_ends_the_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let answer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        stream.read_exact(&mut [0; 10]).await.unwrap();
        let answer = b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        stream
    };
    let mut session = session(&HttpClient::default());
    // Larger than both socket buffers, so that it cannot leave whole.
    let body = vec![0; 64 << 20];
    let (status, _stream) = tokio::join!(post(&mut session, url, body), answer);
    assert_eq!(status, Ok(413));
    assert!(!session.is_connected());
}

#[tokio::test]
async fn a_refusal_is_read_although_the_peer_stopped_reading() {
    // The server resets the connection while the body is on its way.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let refuse = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 100]).await.unwrap();
            let answer = b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }
    };
    let ask = async {
        for _ in 0..20 {
            let mut session = session(&HttpClient::default());
            assert_eq!(post(&mut session, url.clone(), vec![0; 16 << 20]).await, Ok(413));
            assert!(!session.is_connected());
        }
    };
    tokio::select! {
        () = ask => {}
        () = refuse => {}
    }
}

/// Closes the second request of the first connection without an answer.
fn closes_once(seen: &Seen) -> Reply {
    match (seen.connection, seen.turn) {
        (0, 1) => Reply::Close,
        _ => ok("fine"),
    }
}

#[tokio::test]
async fn a_connection_closed_meanwhile_is_replaced_once() {
    for method in [Method::GET, Method::POST] {
        let server = Server::start(closes_once).await;
        let mut session = session(&HttpClient::default());
        let body = Bytes::from_static(b"block");
        let request = Request { method, ..Request::post(server.url("/"), body) };
        for _ in 0..2 {
            let response = session.request(&request, far()).await.unwrap();
            assert_eq!(response.repeated(), server.connections() == 2);
            assert_eq!(&response.read_body(LIMIT).await.unwrap()[..], b"fine");
        }
        assert_eq!((server.connections(), server.seen().len()), (2, 3), "{}", request.method);
    }
}

#[tokio::test]
async fn what_may_have_arrived_is_never_reported_as_unsent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    // Answers one request, takes a second one, and is gone.
    let serve = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"block") {
            stream.read_buf(&mut seen).await.unwrap();
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        seen.clear();
        while !seen.ends_with(b"block") {
            stream.read_buf(&mut seen).await.unwrap();
        }
        drop(listener);
    };
    let mut session = session(&HttpClient::default());
    let ask = async {
        assert_eq!(post(&mut session, url.clone(), b"block".to_vec()).await, Ok(200));
        post(&mut session, url.clone(), b"block".to_vec()).await.unwrap_err()
    };
    let (error, ()) = tokio::join!(ask, serve);
    assert!(matches!(error, HttpError::Closed { sent: Sent::Whole, .. }), "{error:?}");
}

#[tokio::test]
async fn a_post_that_was_partly_answered_is_not_repeated() {
    let server = Server::start(|seen| match seen.turn {
        0 => ok("fine"),
        _ => Reply::SendAndClose(b"HTTP/1.1 200 OK\r\nconte".to_vec()),
    })
    .await;
    let mut session = session(&HttpClient::default());
    assert_eq!(post(&mut session, server.url("/"), vec![1]).await, Ok(200));
    let error = post(&mut session, server.url("/"), vec![1]).await.unwrap_err();
    assert!(matches!(error, HttpError::Closed { sent: Sent::Whole, .. }), "{error:?}");
    assert!(error.body_sent());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_fresh_connection_that_closes_is_an_error() {
    let server = Server::start(|_| Reply::Close).await;
    let mut session = session(&HttpClient::default());
    let error = get(&mut session, server.url("/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Closed { .. }), "{error:?}");
    assert!(error.to_string().contains("closed the connection"), "{error}");
    assert_eq!(server.connections(), 1);
}

/// What one bad server brings: a fragment of the error's text.
async fn check_bad(
    reply: impl Fn() -> Reply + Send + Sync + 'static,
    deadline: Instant,
    text: &str,
) -> HttpError {
    let server = Server::start(move |_| reply()).await;
    let mut session = session(&HttpClient::default());
    let error = get_until(&mut session, server.url("/"), deadline).await.unwrap_err();
    assert!(error.to_string().contains(text), "{error} should hold {text:?}");
    assert!(!session.is_connected());
    error
}

#[tokio::test]
async fn bad_servers_end_in_plain_errors() {
    let error =
        check_bad(|| Reply::Hang(Vec::new()), near(), "wait for the response headers of").await;
    assert!(matches!(error, HttpError::Timeout { phase: Phase::Headers, .. }), "{error:?}");
    assert!(error.body_sent());

    let slow = || Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow".to_vec());
    let error = check_bad(slow, near(), "read the response body of").await;
    assert!(matches!(error, HttpError::Timeout { phase: Phase::Body, .. }), "{error:?}");

    let endless = || Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec());
    let error = check_bad(endless, far(), "larger than 1048576 bytes").await;
    assert!(matches!(error, HttpError::TooLarge { part: Part::Body, .. }), "{error:?}");

    let announced = || Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n".to_vec());
    check_bad(announced, far(), "larger than 1048576 bytes").await;

    let headers = || Reply::Endless(b"HTTP/1.1 200 OK\r\nx: ".to_vec());
    let error = check_bad(headers, far(), "larger than 65536 bytes").await;
    assert!(matches!(error, HttpError::TooLarge { part: Part::Headers, .. }), "{error:?}");

    let early = || Reply::SendAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".to_vec());
    check_bad(early, far(), "before the end of").await;

    let rubbish = || Reply::Send(b"\x16\x03\x01 no HTTP at all\r\n\r\n".to_vec());
    let error = check_bad(rubbish, far(), "not valid HTTP/1.1").await;
    assert!(matches!(error, HttpError::Protocol { .. }), "{error:?}");

    let chunk =
        || Reply::Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec());
    check_bad(chunk, far(), "not valid HTTP/1.1").await;
}

#[tokio::test]
async fn an_unreachable_target_names_address_and_cause() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut session = session(&HttpClient::default());
    let url = Url::parse(&format!("http://{address}/")).unwrap();
    let error = get(&mut session, url).await.unwrap_err();
    assert_eq!(error.to_string(), format!("connect to {address}: connection refused"));
    assert!(!error.body_sent());
    let url = Url::parse("http://name.invalid/").unwrap();
    let error = get(&mut session, url).await.unwrap_err();
    assert!(matches!(error, HttpError::Resolve { .. }), "{error:?}");
    let error = get(&mut session, Url::parse("ftp://name/").unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("neither http nor https"), "{error}");
}

#[tokio::test]
async fn a_timeout_says_whether_the_body_had_left() {
    let server = Server::start(|_| Reply::Hang(Vec::new())).await;
    let mut session = session(&HttpClient::default());
    let error = post_until(&mut session, server.url("/"), vec![0; 1000], near()).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { sent: Sent::Whole, .. }), "{error:?}");
    // A listener that no one accepts on takes what fits into the socket buffers, no more.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let error = post_until(&mut session, url, vec![0; 64 << 20], near()).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { sent: Sent::Part, .. }), "{error:?}");
    assert!(!error.body_sent());
}

#[tokio::test]
async fn redirects_are_followed_within_reason() {
    let server = Server::start(|seen| {
        let path = seen.line().split(' ').nth(1).unwrap();
        let to = |status: &str, location: &str| {
            page(status, &format!("location: {location}\r\n"), "moved")
        };
        match path {
            "/moved" => to("301 Moved", "/target?x=1"),
            "/kept" => to("308 Kept", "target"),
            "/a" => to("302 Found", "/b"),
            "/b" => to("302 Found", "/a"),
            "/odd" => to("302 Found", "ftp://other/"),
            "/bare" => page("302 Found", "", "no location"),
            path if path.starts_with("/n") => {
                let n: u32 = path[2..].parse().unwrap();
                if n == 0 { ok("end") } else { to("307 Go", &format!("/n{}", n - 1)) }
            }
            path => ok(path),
        }
    })
    .await;
    let mut session = session(&HttpClient::default());
    for (path, expected) in
        [("/moved", "/target?x=1"), ("/kept", "/target"), ("/n10", "end"), ("/plain", "/plain")]
    {
        let (status, body) = get(&mut session, server.url(path)).await.unwrap();
        assert_eq!((status, &body[..]), (200, expected.as_bytes()), "{path}");
    }
    assert_eq!(server.connections(), 1, "one connection serves all hops to one host");
    assert_eq!(get(&mut session, server.url("/bare")).await.unwrap().0, 302);
    for (path, text) in [
        ("/n11", "still redirected after 10"),
        ("/a", "a loop through"),
        ("/odd", "neither http nor https"),
    ] {
        let error = get(&mut session, server.url(path)).await.unwrap_err();
        assert!(matches!(error, HttpError::Redirects { .. }), "{error:?}");
        assert!(error.to_string().contains(text), "{error}");
    }
    assert_eq!(post(&mut session, server.url("/moved"), vec![1]).await, Ok(301));
    assert_eq!(post(&mut session, server.url("/kept"), vec![b'1', b'2']).await, Ok(200));
    assert_eq!(
        (server.last().line(), server.last().body.as_str()),
        ("POST /target HTTP/1.1", "12")
    );
    let mut still = super::super::testing::session(&HttpClient {
        follow_redirects: false,
        ..HttpClient::default()
    });
    assert_eq!(get(&mut still, server.url("/moved")).await.unwrap().0, 301);
}

#[tokio::test]
async fn credentials_stay_with_their_host() {
    let other = Server::start(|_| ok("other")).await;
    let away = other.url("/away");
    let server = Server::start(move |seen| match seen.line() {
        "GET /same HTTP/1.1" => page("302 Found", "location: /end\r\n", ""),
        "GET /away HTTP/1.1" => page("302 Found", &format!("location: {away}\r\n"), ""),
        _ => ok("end"),
    })
    .await;
    let settings = HttpClient {
        auth: Auth::Basic { username: secret("me"), password: secret("pass") },
        headers: vec![("x-scope-orgid".into(), secret("tenant")), ("accept".into(), secret("a/b"))],
        ..HttpClient::default()
    };
    let mut session = session(&settings);
    let mut request = Request::get(server.url("/same"));
    request.headers.insert("x-own", HeaderValue::from_static("own"));
    request.headers.insert("accept", HeaderValue::from_static("own/one"));
    request.headers.insert(COOKIE, HeaderValue::from_static("c=1"));
    session.request(&request, far()).await.unwrap();
    let seen = server.last();
    assert_eq!(seen.header("authorization"), Some("Basic bWU6cGFzcw=="));
    assert_eq!(seen.header("x-scope-orgid"), Some("tenant"));
    assert_eq!(seen.header("accept"), Some("a/b"), "the settings' headers win");
    assert_eq!((seen.header("x-own"), seen.header("cookie")), (Some("own"), Some("c=1")));
    request.url = server.url("/away");
    session.request(&request, far()).await.unwrap();
    let seen = other.last();
    assert_eq!(seen.header("x-own"), Some("own"));
    for name in ["authorization", "x-scope-orgid", "cookie"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn secrets_are_read_again_when_their_file_changes() {
    let folder = Folder::new();
    let server = Server::start(|_| ok("")).await;
    let path = folder.path("token");
    let settings = HttpClient {
        auth: Auth::Header {
            scheme: "Bearer".into(),
            credentials: SecretSource::File(path.clone()),
        },
        ..HttpClient::default()
    };
    let mut session = session(&settings);
    let error = get(&mut session, server.url("/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Credentials { .. }), "{error:?}");
    assert!(error.to_string().contains("token: No such file"), "{error}");
    let steps = [
        (Some("one\n"), "Bearer one", false),
        (Some("two"), "Bearer two", false),
        (Some("\n"), "Bearer two", true), // A bad new file keeps the old secret.
        (None, "Bearer two", true),
        (Some("three"), "Bearer three", false),
    ];
    for (text, expected, problem) in steps {
        match text {
            Some(text) => drop(folder.write("token", text)),
            None => std::fs::remove_file(&path).unwrap(),
        }
        get(&mut session, server.url("/")).await.unwrap();
        assert_eq!(server.last().header("authorization"), Some(expected));
        assert_eq!(!session.client().problems().is_empty(), problem, "{text:?}");
    }
    folder.write("token", "a\u{1}b");
    let error = get(&mut session, server.url("/")).await.unwrap_err();
    assert!(error.to_string().contains("control character"), "{error}");
    assert!(!error.to_string().contains("a\u{1}b"), "the secret is never shown");
}

#[tokio::test]
async fn user_and_password_of_the_url_are_basic_auth() {
    let server = Server::start(|_| ok("")).await;
    let mut session = session(&HttpClient::default());
    let url = Url::parse(&format!("http://me:p%40ss@{}/", server.address)).unwrap();
    get(&mut session, url).await.unwrap();
    assert_eq!(server.last().header("authorization"), Some("Basic bWU6cEBzcw=="));
    assert_eq!(server.last().header("host"), Some(server.address.to_string().as_str()));
}

#[tokio::test]
async fn bytes_on_the_wire_are_counted() {
    let server = Server::start(|_| ok("12345")).await;
    let traffic = Arc::new(Traffic::default());
    let client = super::super::testing::client(&HttpClient::default());
    let mut session = Session::new(client, traffic.clone());
    get(&mut session, server.url("/")).await.unwrap();
    assert_eq!(traffic.sent(), server.last().head.len() as u64);
    assert_eq!(
        traffic.received(),
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345".len() as u64
    );
}

#[tokio::test]
async fn a_body_can_be_streamed_and_read_exactly() {
    let body = vec![b'm'; 500_000];
    let served = body.clone();
    let server = Server::start(move |_| {
        let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for chunk in served.chunks(70_000) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        Reply::Send(bytes)
    })
    .await;
    let mut session = session(&HttpClient::default());
    let request = Request::get(server.url("/"));
    for guess in [0, 1, 500_000, 1 << 40] {
        let response = session.request(&request, far()).await.unwrap();
        assert_eq!(response.read_body_sized(LIMIT, guess).await.unwrap(), body);
    }
    let mut response = session.request(&request, far()).await.unwrap();
    let mut streamed = Vec::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        streamed.extend_from_slice(&chunk);
    }
    assert_eq!(response.chunk().await, Ok(None));
    assert_eq!(streamed, body);
    let response = session.request(&request, far()).await.unwrap();
    assert_eq!(response.read_head(10).await.len(), 10);
    assert_eq!(server.connections(), 1, "only the last body was left unread");
    assert!(!session.is_connected());
}

#[tokio::test]
async fn an_abandoned_request_leaves_a_usable_session() {
    let server = Server::start(|seen| match seen.connection {
        0 => Reply::Hang(Vec::new()),
        _ => ok("fine"),
    })
    .await;
    let mut session = session(&HttpClient::default());
    let request = Request::get(server.url("/"));
    let asked = async {
        while server.seen().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = session.request(&request, far()) => unreachable!("the server never answers"),
        () = asked => {}
    }
    assert_eq!(get(&mut session, server.url("/")).await.unwrap().0, 200);
}

#[tokio::test]
async fn requests_can_be_spawned() {
    let server = Server::start(|_| ok("fine")).await;
    let mut session = session(&HttpClient::default());
    let url = server.url("/");
    let task = tokio::spawn(async move { get(&mut session, url).await });
    assert_eq!(task.await.unwrap().unwrap().0, 200);
}

#[tokio::test]
async fn socket_options_are_set_ahead_of_the_connection() {
    let server = Server::start(|_| ok("")).await;
    let called = Arc::new(Mutex::new(0));
    let count = called.clone();
    let hook = move |socket: &tokio::net::TcpSocket| {
        *count.lock().unwrap() += 1;
        socket.set_tos_v4(0x28)?;
        Err(std::io::Error::other("a refused option changes nothing"))
    };
    let context = crate::http::Context { socket: SocketOptions::new(hook), ..context() };
    let client = Arc::new(Client::new(&HttpClient::default(), &context).unwrap());
    let url = server.url("/");
    let (status, _, body) = client.get(&url, HeaderMap::new(), far(), LIMIT).await.unwrap();
    assert_eq!((status.as_u16(), body.len(), *called.lock().unwrap()), (200, 0, 1));
}

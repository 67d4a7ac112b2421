use std::sync::Mutex;

use runnel_config::settings::{Auth, HttpClient, SecretSource};
use runnel_config::units;

use super::*;
use crate::http::testing::{
    BODY_BYTES_MAX, Folder, Reply, Seen, Server, context, far, get, ok, page, post, session,
};
use crate::http::{Sent, SocketOptions};

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
            assert_eq!(&response.read_body(BODY_BYTES_MAX).await.unwrap()[..], b"fine");
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
    let (status, _, body) =
        client.get(&url, HeaderMap::new(), far(), BODY_BYTES_MAX).await.unwrap();
    assert_eq!((status.as_u16(), body.len(), *called.lock().unwrap()), (200, 0, 1));
}

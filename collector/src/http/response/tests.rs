use runnel_config::settings::HttpClient;
use tokio::time::Instant;

use super::*;
use crate::http::testing::{
    BODY_BYTES_MAX, Reply, Server, far, get, near, post, post_until, read_until, session,
};
use crate::http::{Phase, Request, Sent, Url};

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

/// What one bad server brings: a fragment of the error's text.
async fn check_bad(
    reply: impl Fn() -> Reply + Send + Sync + 'static,
    deadline: Instant,
    text: &str,
) -> HttpError {
    let server = Server::start(move |_| reply()).await;
    let mut session = session(&HttpClient::default());
    let error = read_until(&mut session, server.url("/"), deadline).await.unwrap_err();
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
        assert_eq!(response.read_body_sized(BODY_BYTES_MAX, guess).await.unwrap(), body);
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

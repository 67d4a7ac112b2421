use std::io::Write;

use runnel_config::settings::HttpClient;

use super::*;
use crate::http::Phase;
use crate::http::testing::{Reply, Server, client, ok, page};

const LIMIT: u64 = 1000;

fn options(server: &Server) -> FetchOptions {
    FetchOptions {
        url: server.url("/metrics?collect[]=cpu"),
        compression: true,
        keep_alive: true,
        timeout: Duration::from_secs(30),
        body_bytes_max: units::Bytes(LIMIT),
    }
}

fn fetcher(options: &FetchOptions) -> Fetcher {
    Fetcher::new(client(&HttpClient::default()), options, Arc::default())
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_scrape_asks_as_vmagent_does() {
    let server = Server::start(|_| ok("up 1\n")).await;
    let mut fetcher = fetcher(&options(&server));
    for _ in 0..2 {
        let fetched = fetcher.fetch().await.unwrap();
        assert_eq!(&fetched.body[..], b"up 1\n");
        assert_eq!((fetched.encoding, fetched.content_type), (Encoding::Plain, ContentType::Text));
        assert!(fetched.duration < Duration::from_secs(30));
    }
    let seen = server.last();
    assert_eq!(seen.line(), "GET /metrics?collect[]=cpu HTTP/1.1");
    assert_eq!(seen.header("accept"), Some("text/plain;version=0.0.4;q=1,*/*;q=0.1"));
    assert_eq!(seen.header("accept-encoding"), Some("gzip"));
    assert_eq!(seen.header("x-prometheus-scrape-timeout-seconds"), Some("30.000"));
    assert_eq!(seen.header("user-agent"), Some("runnel/test"));
    assert_eq!(seen.header("connection"), None);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn options_change_what_is_asked() {
    let server = Server::start(|_| ok("up 1\n")).await;
    let options = FetchOptions {
        compression: false,
        keep_alive: false,
        timeout: Duration::from_millis(9_500),
        ..options(&server)
    };
    let mut fetcher = fetcher(&options);
    for _ in 0..2 {
        fetcher.fetch().await.unwrap();
    }
    let seen = server.last();
    assert_eq!(seen.header("accept-encoding"), None);
    assert_eq!(seen.header("x-prometheus-scrape-timeout-seconds"), Some("9.500"));
    assert_eq!(seen.header("connection"), Some("close"));
    assert_eq!(server.connections(), 2);
}

/// Fetches one page: its encoding and type, or part of the error's text.
async fn check(headers: &'static str, expected: Result<(Encoding, ContentType), &str>) {
    let server = Server::start(move |_| page("200 OK", headers, "body")).await;
    let found = fetcher(&options(&server)).fetch().await;
    match (found, expected) {
        (Ok(found), Ok(expected)) => {
            assert_eq!((found.encoding, found.content_type), expected, "{headers}");
        }
        (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
        (found, _) => panic!("{headers}: {found:?}"),
    }
}

#[tokio::test]
async fn headers_of_a_page() {
    use {ContentType::*, Encoding::*};
    check("content-encoding: gzip\r\n", Ok((Gzip, Text))).await;
    check("content-encoding: GZIP \r\n", Ok((Gzip, Text))).await;
    check("content-encoding: identity\r\n", Ok((Plain, Text))).await;
    check("content-encoding:\r\n", Ok((Plain, Text))).await;
    check("content-encoding: br\r\n", Err("Content-Encoding \"br\" is neither")).await;
    check("content-encoding: gzip, gzip\r\n", Err("\"gzip, gzip\"")).await;
    let open = "content-type: application/OpenMetrics-text; version=1.0.0\r\n";
    check(open, Ok((Plain, OpenMetrics))).await;
    check("content-type: text/plain; version=0.0.4\r\n", Ok((Plain, Text))).await;
    check("content-type: application/json\r\n", Ok((Plain, Text))).await;
}

#[tokio::test]
async fn any_status_but_200_is_an_error_with_its_page() {
    let long = "x".repeat(10_000);
    let zipped = gzip("inflated\nreason");
    let cases = [
        (
            "500 Oops",
            "",
            b"no\r\ndatabase\x1b[0m".to_vec(),
            "status 500 instead of 200: no  database",
        ),
        ("204 No Content", "", Vec::new(), "status 204 instead of 200"),
        ("404 Gone", "", b"\xff\xfe".to_vec(), "status 404 instead of 200: \u{fffd}\u{fffd}"),
        ("503 Busy", "content-encoding: gzip\r\n", zipped, "503 instead of 200: inflated reason"),
        ("503 Busy", "content-encoding: gzip\r\n", b"no gzip".to_vec(), "503 instead of 200"),
        ("500 Long", "", long.into_bytes(), "status 500 instead of 200: xxxxxxxx"),
    ];
    for (status, headers, body, text) in cases {
        let server = Server::start(move |_| page(status, headers, &body)).await;
        let error = fetcher(&options(&server)).fetch().await.unwrap_err();
        assert!(matches!(error, ScrapeError::Status { .. }), "{error:?}");
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.to_string().len() < 400, "{error}");
    }
}

#[tokio::test]
async fn limits_and_deadlines_end_a_scrape() {
    let at_limit = Server::start(|_| ok("x".repeat(LIMIT as usize))).await;
    assert_eq!(fetcher(&options(&at_limit)).fetch().await.unwrap().body.len(), LIMIT as usize);
    let above = Server::start(|_| ok("x".repeat(LIMIT as usize + 1))).await;
    let endless = Server::start(|_| Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())).await;
    for server in [above, endless] {
        let error = fetcher(&options(&server)).fetch().await.unwrap_err();
        assert_eq!(error.to_string(), "read the page: larger than the limit of 1000 bytes");
    }
    let slow =
        Server::start(|_| Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".to_vec()))
            .await;
    let mut fetcher =
        fetcher(&FetchOptions { timeout: Duration::from_millis(200), ..options(&slow) });
    let error = fetcher.fetch().await.unwrap_err();
    assert!(
        matches!(error, ScrapeError::Http(HttpError::Timeout { phase: Phase::Body, .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_target_recovers_by_the_next_scrape() {
    let server = Server::start(|seen| match seen.connection {
        0 => Reply::Close,
        1 => page("500 Oops", "", ""),
        _ => ok("up 1\n"),
    })
    .await;
    let mut fetcher = fetcher(&options(&server));
    assert!(matches!(fetcher.fetch().await, Err(ScrapeError::Http(HttpError::Closed { .. }))));
    for _ in 0..2 {
        assert!(matches!(fetcher.fetch().await, Err(ScrapeError::Status { code: 500, .. })));
    }
    assert_eq!(server.connections(), 2, "an error page keeps its connection");
}

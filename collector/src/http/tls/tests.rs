use runnel_config::settings::HttpClient;

use super::*;
use crate::http::testing::{
    Authority, Folder, Issued, Reply, Server, far, inline, near, ok, server_config, session,
};
use crate::http::{Phase, Request, Session, Traffic, Url};

fn trusting(authority: &Authority) -> Tls {
    Tls { ca: Some(inline(&authority.pem)), ..Tls::default() }
}

fn with(tls: Tls) -> HttpClient {
    HttpClient { tls, ..HttpClient::default() }
}

async fn ask(session: &mut Session, url: Url) -> Result<String, HttpError> {
    let response = session.request(&Request::get(url), far()).await?;
    let body = response.read_body(1 << 20).await?;
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

/// Asks a server with `issued` at `localhost`; the text is part of the error, or empty for none.
async fn check(issued: &Issued, tls: Tls, text: &str) {
    let server = Server::start_tls(server_config(issued, None), |_| ok("inside")).await;
    let mut session = session(&with(tls.clone()));
    match ask(&mut session, server.https("localhost")).await {
        Ok(body) => assert_eq!((body.as_str(), text), ("inside", ""), "{tls:?}"),
        Err(error) => {
            assert!(!text.is_empty() && error.to_string().contains(text), "{error} ({text:?})");
            assert!(matches!(error, HttpError::Tls { .. } | HttpError::Credentials { .. }));
            assert!(!error.body_sent());
        }
    }
}

#[tokio::test]
async fn certificates_are_verified_and_refused_with_a_reason() {
    let (ours, other) = (Authority::new(), Authority::new());
    let good = ours.issue("localhost");
    let expired = ours.issue_until("localhost", 2020);
    let named = ours.issue("named.test");
    let tls = trusting(&ours);
    check(&good, tls.clone(), "").await;
    check(&good, trusting(&other), "signed by an unknown authority").await;
    check(&expired, tls.clone(), "the server's certificate expired").await;
    check(&named, tls.clone(), "is for named.test, not for localhost").await;
    let name = |name: &str| Tls { server_name: Some(name.to_owned()), ..tls.clone() };
    check(&named, name("named.test"), "").await;
    check(&good, name("named.test"), "is for localhost, not for named.test").await;
    check(&good, name("no name"), "no name that a certificate can carry").await;
    let any = Tls { insecure_skip_verify: true, ..Tls::default() };
    for issued in [&good, &expired, &named] {
        check(issued, any.clone(), "").await;
    }
    let bad_ca = |pem: &str| Tls { ca: Some(inline(pem)), ..Tls::default() };
    check(&good, bad_ca("nothing"), "inline PEM: no certificate in it").await;
    let reversed =
        Tls { version_min: TlsVersion::Tls13, version_max: TlsVersion::Tls12, ..tls.clone() };
    check(&good, reversed, "the lowest version is above the highest").await;
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        check(&good, Tls { version_min: version, version_max: version, ..tls.clone() }, "").await;
    }
}

#[tokio::test]
async fn a_self_signed_authority_serves_where_it_is_listed_itself() {
    let (good, twin) =
        (Authority::self_signed("localhost", 4000), Authority::self_signed("localhost", 4000));
    let expired = Authority::self_signed("localhost", 2020);
    let named = Authority::self_signed("named.test", 4000);
    let listing = |issued: &Issued| Tls { ca: Some(inline(&issued.chain)), ..Tls::default() };
    check(&good, listing(&good), "").await;
    check(&good, listing(&twin), "CA:TRUE").await;
    check(&expired, listing(&expired), "the server's certificate expired").await;
    check(&named, listing(&named), "is for named.test, not for localhost").await;
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let both = Issued { chain: format!("{odd}{}", good.chain), key: good.key.clone() };
    check(&good, listing(&both), "").await;
    let none = Issued { chain: odd.to_owned(), key: good.key.clone() };
    check(&good, listing(&none), "no certificate in it can be read").await;
}

#[tokio::test]
async fn addresses_are_verified_too() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server("127.0.0.1", None), |_| ok("inside")).await;
    let mut session = session(&with(trusting(&authority)));
    for _ in 0..2 {
        assert_eq!(ask(&mut session, server.https("127.0.0.1")).await.unwrap(), "inside");
    }
    assert_eq!(server.connections(), 1, "a TLS connection is kept");
    let error = ask(&mut session, server.https("localhost")).await.unwrap_err();
    assert!(error.to_string().contains("is for 127.0.0.1, not for localhost"), "{error}");
}

#[tokio::test]
async fn a_server_may_require_a_client_certificate() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = Server::start_tls(ours.server("localhost", Some(&ours)), |_| ok("inside")).await;
    let identity = |issued: &Issued| Some((inline(&issued.chain), inline(&issued.key)));
    let (mine, theirs) = (ours.issue("me"), other.issue("me"));
    let mixed = Issued { chain: mine.chain.clone(), key: theirs.key.clone() };
    let cases = [
        (None, "requires a client certificate"),
        (identity(&theirs), "does not know the authority of our certificate"),
        (identity(&mixed), "the private key does not belong to the certificate"),
        (identity(&mine), ""),
    ];
    for (identity, text) in cases {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let tls = Tls { identity: identity.clone(), version_max: version, ..trusting(&ours) };
            let mut session = session(&with(tls));
            match ask(&mut session, server.https("localhost")).await {
                Ok(body) => assert_eq!((body.as_str(), text), ("inside", "")),
                Err(error) => {
                    let shown = error.to_string();
                    assert!(!text.is_empty() && shown.contains(text), "{shown} ({version:?})");
                }
            }
        }
    }
}

#[tokio::test]
async fn files_are_read_again_when_they_change() {
    let folder = Folder::new();
    let (old, new) = (Authority::new(), Authority::new());
    let before = Server::start_tls(old.server("localhost", Some(&old)), |_| ok("old")).await;
    let after = Server::start_tls(new.server("localhost", Some(&new)), |_| ok("new")).await;
    let tls = Tls {
        ca: Some(Pem::File(folder.path("ca"))),
        identity: Some((Pem::File(folder.path("chain")), Pem::File(folder.path("key")))),
        ..Tls::default()
    };
    let write = |authority: &Authority| {
        let issued = authority.issue("me");
        folder.write("ca", &authority.pem);
        folder.write("chain", &issued.chain);
        folder.write("key", &issued.key);
    };
    let mut session = session(&with(tls));
    let error = ask(&mut session, before.https("localhost")).await.unwrap_err();
    assert!(error.to_string().contains("ca: No such file"), "{error}");
    write(&old);
    for _ in 0..2 {
        assert_eq!(ask(&mut session, before.https("localhost")).await.unwrap(), "old");
    }
    assert_eq!(before.connections(), 1);
    folder.write("chain", "half written");
    assert_eq!(ask(&mut session, before.https("localhost")).await.unwrap(), "old");
    assert_eq!(before.connections(), 1, "a bad new file changes nothing");
    let problems = session.client().problems().join("; ");
    assert!(problems.contains("chain: no certificate in it"), "{problems}");
    write(&old);
    assert_eq!(ask(&mut session, before.https("localhost")).await.unwrap(), "old");
    assert_eq!(before.connections(), 2, "a new certificate means a new connection");
    assert!(session.client().problems().is_empty());
    write(&new);
    assert_eq!(ask(&mut session, after.https("localhost")).await.unwrap(), "new");
    assert!(ask(&mut session, before.https("localhost")).await.is_err());
}

#[tokio::test]
async fn a_server_without_tls_or_without_a_word_is_named() {
    let plain = Server::start(|_| Reply::Close).await;
    let talker = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = talker.local_addr().unwrap().port();
    let mut session = session(&with(Tls { insecure_skip_verify: true, ..Tls::default() }));
    let answer = async {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = talker.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let url = Url::parse(&format!("https://localhost:{port}/")).unwrap();
    let (result, _stream) = tokio::join!(ask(&mut session, url), answer);
    let error = result.unwrap_err();
    assert!(error.to_string().contains("does not speak TLS on this port"), "{error}");
    // Reads for a blank line that a TLS client never sends: it never answers the handshake.
    let request = Request::get(plain.https("localhost"));
    let error = session.request(&request, near()).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { phase: Phase::Tls, .. }), "{error:?}");
}

#[tokio::test]
async fn traffic_under_tls_counts_the_wire() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server("localhost", None), |_| ok("inside")).await;
    let client = crate::http::testing::client(&with(trusting(&authority)));
    let traffic = Arc::new(Traffic::default());
    let mut session = Session::new(client, traffic.clone());
    ask(&mut session, server.https("localhost")).await.unwrap();
    let head = server.last().head.len() as u64;
    assert!(traffic.sent() > head + 200, "{} with a head of {head}", traffic.sent());
    assert!(traffic.received() > 500);
}

#[tokio::test]
async fn sessions_are_resumed() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server("localhost", None), |_| {
        Reply::SendAndClose(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok".to_vec(),
        )
    })
    .await;
    let client = crate::http::testing::client(&with(trusting(&authority)));
    let mut received = Vec::new();
    for _ in 0..2 {
        let mut session = Session::new(client.clone(), Arc::default());
        ask(&mut session, server.https("localhost")).await.unwrap();
        received.push(session.traffic().received());
    }
    assert_eq!(server.connections(), 2);
    // A resumed handshake carries no certificate.
    assert!(received[1] + 200 < received[0], "{received:?}");
}

use std::sync::Arc;

use runnel_config::settings::{HttpClient, Tls};
use runnel_config::units::Secret;

use super::*;
use crate::http::testing::{
    Authority, Reply, Server, context, far, inline, near, ok, page, session,
};
use crate::http::{Client, Context, Phase, Request, Session};

fn origin(url: &str) -> Origin {
    Origin::of(&Url::parse(url).unwrap()).unwrap()
}

fn check_spared(no_proxy: &str, url: &str, spared: bool) {
    let settings = Proxy {
        url: Some(Secret::new("http://proxy.test:3128")),
        no_proxy: vec![no_proxy.to_owned()],
        ..Proxy::default()
    };
    let proxies = Proxies::new(&settings, &ProxyEnvironment::default()).unwrap();
    assert_eq!(proxies.before(&origin(url)).is_none(), spared, "{url} with no_proxy {no_proxy:?}");
}

#[test]
fn exceptions() {
    let cases = [
        ("*", "http://any.test", true),
        ("host.test", "http://host.test", true),
        ("host.test", "http://HOST.test.:8080", true),
        ("host.test", "http://sub.host.test", true),
        ("host.test", "http://nohost.test", false),
        (".host.test", "http://sub.host.test", true),
        (".host.test", "http://host.test", false),
        ("*.host.test", "http://sub.host.test", true),
        ("*.host.test", "http://host.test", false),
        ("host.test:81", "http://host.test:81", true),
        ("host.test:81", "http://host.test", false),
        ("host.test:x", "http://host.test", false),
        ("10.1.2.3", "http://10.1.2.3:9100", true),
        ("10.1.2.3:9100", "http://10.1.2.3:9100", true),
        ("10.1.2.3:9101", "http://10.1.2.3:9100", false),
        ("10.0.0.0/8", "http://10.1.2.3", true),
        ("10.0.0.0/8", "http://11.1.2.3", false),
        ("10.0.0.0/8", "http://ten.test", false),
        ("0.0.0.0/0", "http://11.1.2.3", true),
        ("10.0.0.0/33", "http://10.1.2.3", false),
        ("fd00::/8", "http://[fd12::1]", true),
        ("::/0", "http://[fd12::1]", true),
        ("[fd12::1]", "http://[fd12::1]", true),
        ("fd12::1", "http://[fd12::1]", true),
        ("a.test, b.test", "http://b.test", true),
        (" ,", "http://b.test", false),
        ("other", "http://localhost", true),
        ("other", "http://127.0.0.9", true),
    ];
    for (no_proxy, url, spared) in cases {
        check_spared(no_proxy, url, spared);
    }
}

#[test]
fn settings_and_environment() {
    let env = ProxyEnvironment::from_variables(|name| match name {
        "http_proxy" => Some("user:p%40ss@one.test:1".to_owned()),
        "HTTPS_PROXY" => Some("https://two.test".to_owned()),
        "NO_PROXY" => Some("spared.test".to_owned()),
        _ => None,
    });
    let before = |settings: &Proxy, url: &str| {
        let proxies = Proxies::new(settings, &env).unwrap();
        proxies.before(&origin(url)).map(|proxy| proxy.to_string())
    };
    let from_env = Proxy { from_environment: true, ..Proxy::default() };
    assert_eq!(before(&from_env, "http://a.test").as_deref(), Some("http://one.test:1"));
    assert_eq!(before(&from_env, "https://a.test").as_deref(), Some("https://two.test:443"));
    assert_eq!(before(&from_env, "https://spared.test"), None);
    assert_eq!(before(&from_env, "http://localhost"), None);
    assert_eq!(before(&Proxy::default(), "http://a.test"), None);
    let own = Proxy { url: Some(Secret::new("http://own.test")), ..Proxy::default() };
    assert_eq!(before(&own, "http://spared.test").as_deref(), Some("http://own.test:80"));
    assert_eq!(before(&own, "http://localhost").as_deref(), Some("http://own.test:80"));
    let proxies = Proxies::new(&from_env, &env).unwrap();
    let one = proxies.before(&origin("http://a.test")).unwrap();
    assert_eq!(one.authorization.as_ref().unwrap(), "Basic dXNlcjpwQHNz");
    for bad in ["socks5://a.test:1080", "http://", "http://a:b:c"] {
        let settings = Proxy { url: Some(Secret::new(bad)), ..Proxy::default() };
        let error = Proxies::new(&settings, &env).unwrap_err();
        assert!(error.to_string().contains("use the proxy URL"), "{bad}: {error}");
    }
    assert!(!format!("{env:?}").contains("ss@"), "passwords are masked");
}

fn through(proxy: String, tls: Tls) -> HttpClient {
    let proxy = Proxy {
        url: Some(Secret::new(proxy)),
        connect_headers: vec![("x-hop".to_owned(), Secret::new("yes"))],
        ..Proxy::default()
    };
    HttpClient { proxy, tls, ..HttpClient::default() }
}

#[tokio::test]
async fn http_targets_are_asked_in_absolute_form() {
    let proxy = Server::start(|_| ok("by proxy")).await;
    let settings = through(format!("http://u:p@{}", proxy.address), Tls::default());
    let mut session = session(&settings);
    for path in ["one?a=b", "two"] {
        let url = Url::parse(&format!("http://target.test:81/{path}")).unwrap();
        let response = session.request(&Request::get(url.clone()), far()).await.unwrap();
        assert_eq!(&response.read_body(100).await.unwrap()[..], b"by proxy");
        assert_eq!(proxy.last().line(), format!("GET {url} HTTP/1.1"));
    }
    let seen = proxy.last();
    assert_eq!(seen.header("host"), Some("target.test:81"));
    assert_eq!(seen.header("proxy-authorization"), Some("Basic dTpw"));
    assert_eq!(seen.header("x-hop"), None);
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn https_targets_are_reached_by_connect() {
    let authority = Authority::new();
    let target = Server::start_tls(authority.server("target.test", None), |_| ok("inside")).await;
    let tls = Tls { ca: Some(inline(&authority.pem)), ..Tls::default() };
    let established = |_: &_| Reply::Send(b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec());
    let plain = Server::start(established).await;
    let secure = Server::start_tls(authority.server("proxy.test", None), established).await;
    // The proxy's name has no address: `localhost` has one, and a certificate of its own.
    let local = Server::start_tls(authority.server("localhost", None), established).await;
    let cases = [
        (format!("http://u:p@{}", plain.address), Some(&plain)),
        (format!("https://u:p@localhost:{}", local.address.port()), Some(&local)),
        (format!("https://localhost:{}", secure.address.port()), None),
    ];
    for (url, proxy) in cases {
        let mut session = session(&through(url.clone(), tls.clone()));
        let request = Request::get(target.https("target.test"));
        let Some(proxy) = proxy else {
            let error = session.request(&request, far()).await.unwrap_err();
            assert!(error.to_string().contains("is for proxy.test, not for localhost"), "{error}");
            continue;
        };
        for _ in 0..2 {
            let response = session.request(&request, far()).await.unwrap();
            assert_eq!(&response.read_body(100).await.unwrap()[..], b"inside", "{url}");
        }
        let seen = proxy.last();
        let host = format!("target.test:{}", target.address.port());
        assert_eq!(seen.line(), format!("CONNECT {host} HTTP/1.1"));
        assert_eq!(seen.header("host"), Some(host.as_str()));
        assert_eq!(seen.header("proxy-authorization"), Some("Basic dTpw"));
        assert_eq!(seen.header("x-hop"), Some("yes"));
        assert_eq!(proxy.connections(), 1, "the tunnel is kept");
        assert_eq!(target.last().header("proxy-authorization"), None);
    }
}

#[tokio::test]
async fn a_refusing_proxy_is_named() {
    let cases: [(&[u8], &str); 5] = [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "it answered 407 Proxy Auth"),
        (b"HTTP/1.0 403 Forbidden\r\n\r\n", "it answered 403"),
        (b"SSH-2.0-server\r\n\r\n", "it answered no HTTP/1.x"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "data ahead of the tunnel"),
        (b"", "timeout"),
    ];
    for (answer, text) in cases {
        let proxy = Server::start(move |_| match answer {
            b"" => Reply::Hang(Vec::new()),
            answer => Reply::Send(answer.to_vec()),
        })
        .await;
        let settings = through(format!("http://u:secret@{}", proxy.address), Tls::default());
        let mut session = session(&settings);
        let url = Url::parse("https://target.test/").unwrap();
        let deadline = if answer.is_empty() { near() } else { far() };
        let error = session.request(&Request::get(url), deadline).await.unwrap_err();
        if text == "timeout" {
            assert!(matches!(error, HttpError::Timeout { phase: Phase::Proxy, .. }), "{error:?}");
            continue;
        }
        let shown = error.to_string();
        assert!(matches!(error, HttpError::Proxy { .. }), "{error:?}");
        assert!(shown.contains(text) && shown.contains("CONNECT target.test:443"), "{shown}");
        assert!(shown.contains(&format!("http://{}", proxy.address)), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[tokio::test]
async fn the_environment_is_used_where_asked_for() {
    let proxy = Server::start(|_| page("200 OK", "", "by proxy")).await;
    let proxy_environment =
        ProxyEnvironment { http: Some(format!("http://{}", proxy.address)), ..Default::default() };
    let context = Context { proxy_environment, ..context() };
    let settings = HttpClient {
        proxy: Proxy { from_environment: true, ..Proxy::default() },
        ..HttpClient::default()
    };
    let client = Arc::new(Client::new(&settings, &context).unwrap());
    let mut session = Session::new(client, Arc::default());
    let url = Url::parse("http://target.test/").unwrap();
    session.request(&Request::get(url), far()).await.unwrap();
    assert_eq!(proxy.last().line(), "GET http://target.test/ HTTP/1.1");
}

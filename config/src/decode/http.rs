//! HTTP client options.
//!
//! Owns: which options exclude each other.
//! Called for scrape jobs, discoveries and destinations.

use url::Url;

use super::view::View;
use crate::scalar;
use crate::settings::{Auth, HttpClient, OAuth2, Pem, Proxy, SecretSource, Tls, TlsVersion};
use crate::units::Secret;

/// Headers that the client writes itself. Source: Prometheus' reserved headers.
const RESERVED: [&str; 12] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
    "x-prometheus-remote-write-version",
    "x-prometheus-scrape-timeout-seconds",
    "x-victoriametrics-remote-write-version",
    "te",
];

/// Headers that have keys of their own; vmagent's `headers` may still set them.
const KEYED: [&str; 4] = ["authorization", "host", "proxy-authorization", "user-agent"];

/// The options that stand flat in a mapping.
pub(super) fn client(view: &View<'_>) -> HttpClient {
    let mut proxy = proxy(view);
    for (name, value) in header_lines(view, "proxy_headers") {
        proxy.connect_headers.push((name, Secret::new(value)));
    }
    if !proxy.connect_headers.is_empty() && proxy.url.is_none() && !proxy.from_environment {
        view.error_here("CONNECT headers are given without `proxy_url`");
    }
    HttpClient {
        auth: auth(view),
        tls: tls(view),
        proxy,
        follow_redirects: view.bool("follow_redirects"),
        headers: headers(view),
    }
}

fn auth(view: &View<'_>) -> Auth {
    const KEYS: [&str; 5] =
        ["basic_auth", "authorization", "bearer_token", "bearer_token_file", "oauth2"];
    // An empty token is none, as a variable with an empty default gives it.
    let given = |key: &&str| view.node(key).is_some_and(|node| node.text() != Some(""));
    let given: Vec<&str> = KEYS.into_iter().filter(given).collect();
    if let [first, second, ..] = given[..] {
        view.error(second, format!("stands beside `{first}`, expected one of them"));
    }
    if let Some(basic) = view.map("basic_auth") {
        return basic_auth(&basic);
    }
    if let Some(header) = view.map("authorization") {
        return authorization(&header);
    }
    if let Some(oauth2) = view.map("oauth2") {
        return oauth2_auth(&oauth2);
    }
    match source_of(view, "bearer_token", "bearer_token_file", false) {
        Some(credentials) => Auth::Header { scheme: "Bearer".to_owned(), credentials },
        None => Auth::None,
    }
}

fn basic_auth(view: &View<'_>) -> Auth {
    let username = source_of(view, "username", "username_file", true);
    let password = source_of(view, "password", "password_file", true);
    let empty = || SecretSource::Inline(Secret::default());
    if username.is_none() {
        view.error_here("`username` or `username_file` is missing");
    }
    Auth::Basic {
        username: username.unwrap_or_else(empty),
        password: password.unwrap_or_else(empty),
    }
}

fn authorization(view: &View<'_>) -> Auth {
    let scheme = view.text("type").trim().to_owned();
    if scheme.eq_ignore_ascii_case("basic") {
        view.error("type", "found \"basic\", expected another scheme; use `basic_auth`");
    } else if scheme.is_empty() || !scheme.chars().all(is_token) {
        view.error("type", format!("found {scheme:?}, expected a scheme such as Bearer"));
    }
    match source_of(view, "credentials", "credentials_file", true) {
        Some(credentials) => Auth::Header { scheme, credentials },
        None => {
            view.error_here("`credentials` or `credentials_file` is missing");
            Auth::None
        }
    }
}

fn oauth2_auth(view: &View<'_>) -> Auth {
    let Some(client_secret) = source_of(view, "client_secret", "client_secret_file", true) else {
        view.error_here("`client_secret` or `client_secret_file` is missing");
        return Auth::None;
    };
    Auth::OAuth2(Box::new(OAuth2 {
        client_id: view.text("client_id"),
        client_secret,
        scopes: view.texts("scopes"),
        token_url: view.url_opt("token_url").unwrap_or_default(),
        endpoint_params: view.pairs("endpoint_params"),
        tls: tls(view),
        proxy: proxy(view),
    }))
}

/// A secret given inline or as a file; both are an error.
fn source_of(view: &View<'_>, inline: &str, file: &str, exclusive: bool) -> Option<SecretSource> {
    let text = view.secret_opt(inline).filter(|text| !text.reveal().is_empty());
    let path = view.path_opt(file);
    if exclusive && text.is_some() && path.is_some() {
        view.error(file, format!("stands beside `{inline}`, expected one of them"));
    }
    path.map(SecretSource::File).or(text.map(SecretSource::Inline))
}

fn tls(view: &View<'_>) -> Tls {
    let Some(view) = view.map("tls_config") else { return Tls::default() };
    let cert = pem(&view, "cert", "cert_file");
    let key = pem(&view, "key", "key_file");
    let identity = match (cert, key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (Some(_), None) => {
            view.error_here("a certificate is given without `key` or `key_file`");
            None
        }
        (None, Some(_)) => {
            view.error_here("a key is given without `cert` or `cert_file`");
            None
        }
        (None, None) => None,
    };
    let version_min = version_min(&view);
    let version_max = match view.text("max_version").as_str() {
        "TLS13" => TlsVersion::Tls13,
        "TLS12" => TlsVersion::Tls12,
        old => {
            view.error("max_version", format!("found {old:?}, expected TLS12 or TLS13"));
            TlsVersion::Tls13
        }
    };
    if version_min > version_max {
        view.error("min_version", "is above `max_version`");
    }
    Tls {
        ca: pem(&view, "ca", "ca_file"),
        identity,
        server_name: view.text_opt("server_name").filter(|name| !name.is_empty()),
        insecure_skip_verify: view.bool("insecure_skip_verify"),
        version_min,
        version_max,
    }
}

fn version_min(view: &View<'_>) -> TlsVersion {
    match view.text("min_version").as_str() {
        "TLS13" => TlsVersion::Tls13,
        "TLS12" => TlsVersion::Tls12,
        old => {
            view.warn(
                "min_version",
                format!("found {old:?}, TLS12 is used: no older one is spoken"),
            );
            TlsVersion::Tls12
        }
    }
}

fn pem(view: &View<'_>, inline: &str, file: &str) -> Option<Pem> {
    source_of(view, inline, file, true).map(|source| match source {
        SecretSource::File(path) => Pem::File(path),
        SecretSource::Inline(text) => Pem::Inline(text),
    })
}

fn proxy(view: &View<'_>) -> Proxy {
    let url = view.secret_opt("proxy_url").filter(|url| !url.reveal().is_empty());
    if let Some(url) = &url
        && let Err(expected) = scalar::parse_url(url.reveal())
    {
        view.error("proxy_url", format!("found {}, expected {expected}", mask_url(url.reveal())));
    }
    let from_environment = view.bool("proxy_from_environment");
    if url.is_some() && from_environment {
        view.error("proxy_from_environment", "stands beside `proxy_url`, expected one of them");
    }
    let no_proxy: Vec<String> = view
        .text("no_proxy")
        .split(',')
        .map(|host| host.trim().to_owned())
        .filter(|host| !host.is_empty())
        .collect();
    if url.is_none() && !no_proxy.is_empty() {
        view.error("no_proxy", "is given without `proxy_url`");
    }
    let mut connect_headers = Vec::new();
    for (name, values) in view.params("proxy_connect_header") {
        check_header_name(view, "proxy_connect_header", &name, &[]);
        for value in values {
            check_header_value(view, "proxy_connect_header", &name, &value);
            connect_headers.push((name.clone(), Secret::new(value)));
        }
    }
    Proxy { url, no_proxy, from_environment, connect_headers }
}

/// A URL for a message or a page, its password masked.
pub(crate) fn mask_url(text: &str) -> String {
    match Url::parse(text) {
        // `me:secret@host` parses too, as a URL of the scheme `me`.
        Ok(url) if !url.has_host() && text.contains('@') => "<secret>".to_owned(),
        Ok(url) if url.password().is_none() => text.to_owned(),
        Ok(url) => {
            // The text is kept as written: a parsed URL would print escapes that nobody wrote.
            let Some((head, tail)) = text.split_once("://") else { return "<secret>".to_owned() };
            let authority_len = tail.find(['/', '?', '#', '\\']).unwrap_or(tail.len());
            match tail[..authority_len].rfind('@') {
                Some(at) => format!("{head}://{}:<secret>{}", url.username(), &tail[at..]),
                None => "<secret>".to_owned(),
            }
        }
        // What does not parse may hold a password anywhere.
        Err(_) if text.contains('@') => "<secret>".to_owned(),
        Err(_) => format!("{text:?}"),
    }
}

fn headers(view: &View<'_>) -> Vec<(String, SecretSource)> {
    let mut out = Vec::new();
    for (name, header) in view.named("http_headers") {
        check_header_name(view, "http_headers", name, &KEYED);
        for key in ["values", "secrets"] {
            for value in header.texts(key) {
                check_header_value(&header, key, name, &value);
                out.push((name.to_owned(), SecretSource::Inline(Secret::new(value))));
            }
        }
        for file in header.texts("files") {
            let path = view.cx.source.resolve(&file);
            out.push((name.to_owned(), SecretSource::File(path)));
        }
    }
    for (name, value) in header_lines(view, "headers") {
        if out.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            view.error("headers", format!("the header {name} stands twice"));
        }
        out.push((name, SecretSource::Inline(Secret::new(value))));
    }
    out
}

/// Headers as lines `Name: value`, or as a mapping.
fn header_lines(view: &View<'_>, key: &str) -> Vec<(String, String)> {
    let Some(node) = view.node(key) else { return Vec::new() };
    let mut out = view.pairs(key);
    for line in node.items() {
        let line_text = line.text().unwrap_or_default();
        match line_text.split_once(':') {
            Some((name, value)) => out.push((name.trim().to_owned(), value.trim().to_owned())),
            // The line itself may hold a secret.
            None => view.error(key, "found a line without a colon, expected `Name: value`"),
        }
    }
    for (name, value) in &out {
        check_header_name(view, key, name, &[]);
        check_header_value(view, key, name, value);
    }
    out
}

fn check_header_name(view: &View<'_>, key: &str, name: &str, refused: &[&str]) {
    let lower = name.to_ascii_lowercase();
    if name.is_empty() || !name.chars().all(is_token) {
        view.error(key, format!("found {name:?}, expected the name of a header"));
    } else if RESERVED.contains(&lower.as_str()) {
        view.error(key, format!("the header {name} is written by the client itself"));
    } else if refused.contains(&lower.as_str()) {
        let own = if lower.ends_with("authorization") { "authorization" } else { "headers" };
        view.error(key, format!("the header {name} is not set here; use `{own}`"));
    }
}

/// The value is never quoted: it may be a secret.
fn check_header_value(view: &View<'_>, key: &str, name: &str, value: &str) {
    if value.chars().any(|c| c.is_control() && c != '\t') {
        view.error(key, format!("the value of the header {name} holds a control character"));
    }
}

/// True for the characters of a token. Source: RFC 9110 section 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

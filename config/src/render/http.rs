//! HTTP client options as YAML.

use std::path::Path;

use super::yaml::{Fields, Out};
use crate::decode::mask_url;
use crate::settings::{Auth, HttpClient, OAuth2, Pem, Proxy, SecretSource, Tls, TlsVersion};

/// What stands for a secret.
const MASK: &str = "<secret>";

/// Puts the options flat into a mapping; defaults are left out but for `follow_redirects`.
pub(super) fn client(out: &mut Fields, client: &HttpClient) {
    auth(out, &client.auth);
    tls(out, &client.tls);
    out.word("follow_redirects", client.follow_redirects);
    headers(out, &client.headers);
    proxy(out, &client.proxy);
}

fn auth(out: &mut Fields, auth: &Auth) {
    let mut below = Fields::default();
    match auth {
        Auth::None => {}
        Auth::Basic { username, password } => {
            match username {
                SecretSource::File(path) => below.text("username_file", show(path)),
                // A user name is no secret; Prometheus shows it too.
                SecretSource::Inline(name) => below.text("username", name.reveal()),
            }
            secret(&mut below, "password", "password_file", password);
            out.put("basic_auth", below.done());
        }
        Auth::Header { scheme, credentials } => {
            below.text("type", scheme);
            secret(&mut below, "credentials", "credentials_file", credentials);
            out.put("authorization", below.done());
        }
        Auth::OAuth2(oauth2) => out.put("oauth2", oauth2_fields(oauth2)),
    }
}

fn oauth2_fields(oauth2: &OAuth2) -> Out {
    let mut out = Fields::default();
    out.text("client_id", &oauth2.client_id);
    secret(&mut out, "client_secret", "client_secret_file", &oauth2.client_secret);
    out.texts("scopes", &oauth2.scopes);
    out.text("token_url", mask_url(&oauth2.token_url));
    // A form field may carry a secret, as `password` does.
    let masked: Vec<(String, String)> =
        oauth2.endpoint_params.iter().map(|(name, _)| (name.clone(), MASK.to_owned())).collect();
    out.pairs("endpoint_params", &masked);
    tls(&mut out, &oauth2.tls);
    proxy(&mut out, &oauth2.proxy);
    out.done()
}

fn secret(out: &mut Fields, inline: &str, file: &str, source: &SecretSource) {
    match source {
        SecretSource::File(path) => out.text(file, show(path)),
        SecretSource::Inline(_) => out.text(inline, MASK),
    }
}

fn tls(out: &mut Fields, tls: &Tls) {
    if *tls == Tls::default() {
        return;
    }
    let mut below = Fields::default();
    let mut pem = |inline: &str, file: &str, pem: &Pem| match pem {
        Pem::File(path) => below.text(file, show(path)),
        Pem::Inline(_) => below.text(inline, MASK),
    };
    if let Some(ca) = &tls.ca {
        pem("ca", "ca_file", ca);
    }
    if let Some((cert, key)) = &tls.identity {
        pem("cert", "cert_file", cert);
        pem("key", "key_file", key);
    }
    if let Some(name) = &tls.server_name {
        below.text("server_name", name);
    }
    below.word("insecure_skip_verify", tls.insecure_skip_verify);
    below.text("min_version", version(tls.version_min));
    below.text("max_version", version(tls.version_max));
    out.put("tls_config", below.done());
}

fn version(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::Tls12 => "TLS12",
        TlsVersion::Tls13 => "TLS13",
    }
}

/// All values are masked: which of them are secrets is no longer known.
fn headers(out: &mut Fields, headers: &[(String, SecretSource)]) {
    let mut entries: Vec<(String, Out)> = Vec::new();
    for (index, (name, _)) in headers.iter().enumerate() {
        if headers.iter().take(index).any(|(other, _)| other == name) {
            continue;
        }
        let of_name = headers.iter().filter(|(other, _)| other == name);
        let (mut secrets, mut files) = (Vec::new(), Vec::new());
        for (_, source) in of_name {
            match source {
                SecretSource::File(path) => files.push(show(path)),
                SecretSource::Inline(_) => secrets.push(MASK.to_owned()),
            }
        }
        let mut below = Fields::default();
        below.texts("secrets", &secrets);
        below.texts("files", &files);
        entries.push((name.clone(), below.done()));
    }
    if !entries.is_empty() {
        out.put("http_headers", Out::Map(entries));
    }
}

fn proxy(out: &mut Fields, proxy: &Proxy) {
    if let Some(url) = &proxy.url {
        out.text("proxy_url", mask_url(url.reveal()));
    }
    out.text_if("no_proxy", &proxy.no_proxy.join(","));
    if proxy.from_environment {
        out.word("proxy_from_environment", true);
    }
    let mut entries: Vec<(String, Out)> = Vec::new();
    for (name, _) in &proxy.connect_headers {
        let mask = Out::Text(MASK.to_owned());
        match entries.iter_mut().find(|(other, _)| other == name) {
            Some((_, Out::List(values))) => values.push(mask),
            _ => entries.push((name.clone(), Out::List(vec![mask]))),
        }
    }
    if !entries.is_empty() {
        out.put("proxy_connect_header", Out::Map(entries));
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

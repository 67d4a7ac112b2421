//! Destinations of metrics and of logs.

use std::collections::HashSet;

use url::Url;

use super::view::View;
use super::{http, relabel};
use crate::settings::{LogFormat, LogWrite, RemoteWrite, WriteProtocol};
use crate::units::Millis;

/// `remote_write`.
pub(super) fn remote_writes(view: &View<'_>) -> Vec<RemoteWrite> {
    let mut names = HashSet::new();
    let views = view.list("remote_write");
    views.iter().map(|view| remote_write(view, &mut names)).collect()
}

fn remote_write(view: &View<'_>, names: &mut HashSet<String>) -> RemoteWrite {
    let url = view.url_opt("url").unwrap_or_default();
    let (backoff_min, backoff_max) = {
        let queue = view.map_or_empty("queue_config");
        backoff(&queue)
    };
    RemoteWrite {
        name: name(view, &url, names),
        http: http::client(view),
        timeout: view.interval("remote_timeout"),
        write_relabel_configs: relabel::rules(view, "write_relabel_configs"),
        protocol: protocol(view),
        send_exemplars: view.bool("send_exemplars"),
        send_metadata: view.map_or_empty("metadata_config").bool("send"),
        backoff_min,
        backoff_max,
        url,
    }
}

fn protocol(view: &View<'_>) -> WriteProtocol {
    let message = view.word("protobuf_message");
    let asked = match view.word("protocol") {
        "remote_write_1" => WriteProtocol::RemoteWrite1,
        "remote_write_2" => WriteProtocol::RemoteWrite2,
        "victoriametrics" => WriteProtocol::VictoriaMetrics,
        _ => WriteProtocol::Auto,
    };
    match (message, asked) {
        ("io.prometheus.write.v2.Request", WriteProtocol::Auto) => WriteProtocol::RemoteWrite2,
        ("io.prometheus.write.v2.Request", WriteProtocol::RemoteWrite2) => asked,
        ("prometheus.WriteRequest", WriteProtocol::RemoteWrite2)
        | ("io.prometheus.write.v2.Request", _) => {
            let protocol = view.word("protocol");
            view.error("protobuf_message", format!("contradicts `protocol: {protocol}`"));
            asked
        }
        _ => asked,
    }
}

/// `logs.write`.
pub(super) fn log_writes(view: &View<'_>) -> Vec<LogWrite> {
    let mut names = HashSet::new();
    let views = view.list("write");
    views.iter().map(|view| log_write(view, &mut names)).collect()
}

fn log_write(view: &View<'_>, names: &mut HashSet<String>) -> LogWrite {
    let url = view.url_opt("url").unwrap_or_default();
    let (backoff_min, backoff_max) = backoff(view);
    LogWrite {
        name: name(view, &url, names),
        format: format(view, &url),
        http: http::client(view),
        timeout: view.interval("timeout"),
        backoff_min,
        backoff_max,
        url,
    }
}

fn format(view: &View<'_>, url: &str) -> LogFormat {
    let Ok(parsed) = Url::parse(url) else { return LogFormat::Native };
    let path = parsed.path().trim_end_matches('/');
    if path.ends_with("/insert/jsonline") {
        LogFormat::JsonLine
    } else {
        if !path.ends_with("/insert/native") {
            let expected = "one that ends in /insert/native or /insert/jsonline";
            view.error("url", format!("found the path {path:?}, expected {expected}"));
        }
        LogFormat::Native
    }
}

/// The name given, or the URL's host and port; a given name that is taken is an error.
///
/// The default does not depend on the order of destinations: what is held for one goes with its
/// name. Only a second destination on the same host gets a number.
fn name(view: &View<'_>, url: &str, names: &mut HashSet<String>) -> String {
    let given = view.text_opt("name").filter(|name| !name.is_empty());
    let name = given.unwrap_or_else(|| {
        let url = Url::parse(url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or("unnamed").to_owned();
        let port =
            url.as_ref().and_then(Url::port).map_or(String::new(), |port| format!(":{port}"));
        let first = format!("{host}{port}");
        let further = (2..).map(|n| format!("{first}#{n}"));
        let mut free = std::iter::once(first.clone()).chain(further);
        free.find(|name| !names.contains(name)).unwrap_or(first)
    });
    if !names.insert(name.clone()) {
        view.error("name", format!("the name {name:?} is that of another destination"));
    }
    name
}

fn backoff(view: &View<'_>) -> (Millis, Millis) {
    let (min, max) = (view.interval("min_backoff"), view.interval("max_backoff"));
    if min > max {
        view.error("min_backoff", "is above `max_backoff`");
    }
    (min, max)
}

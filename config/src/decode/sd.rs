//! Where targets come from.

use super::http;
use super::view::View;
use crate::check::join;
use crate::settings::{
    DnsRecord, DnsSd, FileSd, HttpSd, KubernetesRole, KubernetesSd, SdSelector, StaticGroup,
};

/// `static_configs`.
pub(super) fn statics(view: &View<'_>) -> Vec<StaticGroup> {
    let one = |view: View<'_>| {
        let targets = view.texts("targets");
        not_empty(&view, "targets", &targets);
        StaticGroup { targets, labels: view.pairs("labels") }
    };
    view.list("static_configs").into_iter().map(one).collect()
}

/// `file_sd_configs`.
pub(super) fn files(view: &View<'_>) -> Vec<FileSd> {
    let one = |view: View<'_>| {
        let files = view.texts("files");
        not_empty(&view, "files", &files);
        FileSd {
            files: files.iter().filter_map(|file| pattern(&view, "files", file)).collect(),
            refresh_interval: view.interval("refresh_interval"),
        }
    };
    view.list("file_sd_configs").into_iter().map(one).collect()
}

/// A path whose last part may hold `*`, resolved against the source's folder.
pub(super) fn pattern(view: &View<'_>, key: &str, text: &str) -> Option<String> {
    let folder = text.rsplit_once('/').map_or("", |(folder, _)| folder);
    if text.is_empty() || text.contains("://") || folder.contains(['*', '?', '[']) {
        let expected = "a path in whose last part `*` may stand";
        view.error(key, format!("found {text:?}, expected {expected}"));
        return None;
    }
    Some(view.cx.source.resolve(text).display().to_string())
}

/// `http_sd_configs`.
pub(super) fn http_lists(view: &View<'_>) -> Vec<HttpSd> {
    let one = |view: View<'_>| HttpSd {
        url: view.url_opt("url").unwrap_or_default(),
        refresh_interval: view.interval("refresh_interval"),
        http: http::client(&view),
    };
    view.list("http_sd_configs").into_iter().map(one).collect()
}

/// `dns_sd_configs`.
pub(super) fn dns(view: &View<'_>) -> Vec<DnsSd> {
    let one = |view: View<'_>| {
        let record = match view.word("type") {
            "A" => DnsRecord::A,
            "AAAA" => DnsRecord::Aaaa,
            "MX" => DnsRecord::Mx,
            "NS" => DnsRecord::Ns,
            _ => DnsRecord::Srv,
        };
        let names = view.texts("names");
        not_empty(&view, "names", &names);
        if names.is_empty() && view.has("names") {
            view.error("names", "found an empty list, expected names to look up");
        }
        let port = view.count("port");
        if record != DnsRecord::Srv && port == 0 {
            view.error_here(format!("`port` is missing, which `{}` needs", view.word("type")));
        }
        let port = u16::try_from(port).unwrap_or_else(|_| {
            view.error("port", format!("found {port}, expected a port up to 65535"));
            0
        });
        DnsSd { names, record, port, refresh_interval: view.interval("refresh_interval") }
    };
    view.list("dns_sd_configs").into_iter().map(one).collect()
}

/// `kubernetes_sd_configs`.
pub(super) fn kubernetes(view: &View<'_>) -> Vec<KubernetesSd> {
    view.list("kubernetes_sd_configs").iter().map(kubernetes_one).collect()
}

fn kubernetes_one(view: &View<'_>) -> KubernetesSd {
    if view.has("api_server") && view.has("kubeconfig_file") {
        view.error("kubeconfig_file", "stands beside `api_server`, expected one of them");
    }
    let role = role_of(view.word("role"));
    let namespaces = view.map_or_empty("namespaces");
    let attach = view.map_or_empty("attach_metadata");
    let http = http::client(view);
    if view.has("kubeconfig_file") && http != Default::default() {
        let text = "stands beside options of an HTTP client, expected one of them";
        view.error("kubeconfig_file", text);
    }
    KubernetesSd {
        role,
        api_server: view.url_opt("api_server"),
        kubeconfig_file: view.path_opt("kubeconfig_file"),
        own_namespace: namespaces.bool("own_namespace"),
        namespaces: namespaces.texts("names"),
        selectors: selectors(view, role),
        attach_node: attach.bool("node"),
        attach_namespace: attach.bool("namespace"),
        http,
    }
}

fn selectors(view: &View<'_>, role: KubernetesRole) -> Vec<SdSelector> {
    let mut out: Vec<SdSelector> = Vec::new();
    for selector in view.list("selectors") {
        let of = role_of(selector.word("role"));
        if out.iter().any(|other| other.role == of) {
            selector.error("role", format!("`{}` stands twice", role_word(of)));
        } else if !allowed(role, of) && selector.has("role") {
            let (of, role) = (role_word(of), role_word(role));
            selector.error("role", format!("`{of}` does not select for the role `{role}`"));
        }
        out.push(SdSelector {
            role: of,
            label: selector.text("label"),
            field: selector.text("field"),
        });
    }
    out
}

/// Source: the table of selector roles in Prometheus' Kubernetes discovery.
fn allowed(role: KubernetesRole, of: KubernetesRole) -> bool {
    use KubernetesRole::{EndpointSlice, Endpoints, Node, Pod, Service};
    match role {
        Pod => matches!(of, Node | Pod),
        Endpoints => matches!(of, Endpoints | Node | Pod | Service),
        EndpointSlice => matches!(of, EndpointSlice | Node | Pod | Service),
        _ => of == role,
    }
}

fn role_of(word: &str) -> KubernetesRole {
    match word {
        "endpoints" => KubernetesRole::Endpoints,
        "endpointslice" => KubernetesRole::EndpointSlice,
        "ingress" => KubernetesRole::Ingress,
        "node" => KubernetesRole::Node,
        "service" => KubernetesRole::Service,
        _ => KubernetesRole::Pod,
    }
}

/// The role as it is written.
pub(crate) fn role_word(role: KubernetesRole) -> &'static str {
    match role {
        KubernetesRole::Endpoints => "endpoints",
        KubernetesRole::EndpointSlice => "endpointslice",
        KubernetesRole::Ingress => "ingress",
        KubernetesRole::Node => "node",
        KubernetesRole::Pod => "pod",
        KubernetesRole::Service => "service",
    }
}

fn not_empty(view: &View<'_>, key: &str, texts: &[String]) {
    for (index, _) in texts.iter().enumerate().filter(|(_, text)| text.is_empty()) {
        let path = join(&view.path, key);
        view.cx.error(
            view.pos_of(key),
            &format!("{path}[{index}]"),
            "found an empty text".to_owned(),
        );
    }
}

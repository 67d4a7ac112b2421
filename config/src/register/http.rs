//! Keys of an HTTP client, which stand in scrape jobs, discoveries and destinations alike.

use super::{Key, Kind, Section, key};

/// The keys of Prometheus' `http_config`, with vmagent's additions.
pub(super) const HTTP: &[Key] = &[
    key("basic_auth", Kind::Map(&BASIC_AUTH), "", "User and password."),
    key("authorization", Kind::Map(&AUTHORIZATION), "", "The `Authorization` header."),
    key("bearer_token", Kind::Secret, "", "Short for `authorization.credentials`."),
    key("bearer_token_file", Kind::Path, "", "Short for `authorization.credentials_file`."),
    key("oauth2", Kind::Map(&OAUTH2), "", "A token fetched by client credentials."),
    key("tls_config", Kind::Map(&TLS), "", "TLS options."),
    key(
        "follow_redirects",
        Kind::Bool,
        "true",
        "Follow redirects, at most ten; credentials never go to another host.",
    ),
    key("http_headers", Kind::Named(&HEADER), "", "Headers added to each request."),
    key("headers", Kind::Headers, "", "Headers added to each request, in one line each."),
    key("enable_http2", Kind::Bool, "", "Requests go over HTTP/1.1.").ignored(),
];

/// The proxy keys, which `oauth2` has too.
pub(super) const PROXY: &[Key] = &[
    key(
        "proxy_url",
        Kind::Secret,
        "",
        "Proxy on the way, `http://` or `https://`, with user and password if it wants them.",
    ),
    key(
        "no_proxy",
        Kind::Text,
        "",
        "Hosts, domains and networks reached without the proxy, separated by commas.",
    ),
    key(
        "proxy_from_environment",
        Kind::Bool,
        "false",
        "Take `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment.",
    ),
    key("proxy_connect_header", Kind::Params, "", "Headers of the CONNECT request."),
];

const PROXY_LOST: &str = "not honoured: put user and password into `proxy_url`";

/// vmagent's further options of the proxy.
pub(super) const PROXY_VM: &[Key] = &[
    key("proxy_headers", Kind::Headers, "", "Headers of the CONNECT request, in one line each."),
    key("proxy_authorization", Kind::Map(&AUTHORIZATION), "", "Credentials for the proxy.")
        .warned(PROXY_LOST),
    key("proxy_basic_auth", Kind::Map(&BASIC_AUTH), "", "Credentials for the proxy.")
        .warned(PROXY_LOST),
    key("proxy_bearer_token", Kind::Secret, "", "Credentials for the proxy.").warned(PROXY_LOST),
    key("proxy_bearer_token_file", Kind::Path, "", "Credentials for the proxy.").warned(PROXY_LOST),
    key("proxy_oauth2", Kind::Map(&OAUTH2), "", "Credentials for the proxy.").warned(PROXY_LOST),
    key("proxy_tls_config", Kind::Map(&TLS), "", "TLS options of the way to the proxy.")
        .warned("not honoured: a proxy's certificate is checked against the system's authorities"),
];

pub(crate) static BASIC_AUTH: Section = Section {
    title: "basic_auth",
    about: "`Authorization: Basic`. A file is read again whenever it changes.",
    groups: &[&[
        key("username", Kind::Text, "", "User name."),
        key("username_file", Kind::Path, "", "File with the user name."),
        key("password", Kind::Secret, "", "Password."),
        key("password_file", Kind::Path, "", "File with the password."),
    ]],
};

pub(crate) static AUTHORIZATION: Section = Section {
    title: "authorization",
    about: "`Authorization: <type> <credentials>`. A file is read again whenever it changes.",
    groups: &[&[
        key("type", Kind::Text, "Bearer", "Scheme; for `Basic` there is `basic_auth`."),
        key("credentials", Kind::Secret, "", "Credentials."),
        key("credentials_file", Kind::Path, "", "File with the credentials."),
    ]],
};

pub(crate) static OAUTH2: Section = Section {
    title: "oauth2",
    about: "OAuth 2.0 client credentials.",
    groups: &[
        &[
            key("client_id", Kind::Text, "", "Client id.").required(),
            key("client_secret", Kind::Secret, "", "Client secret."),
            key("client_secret_file", Kind::Path, "", "File with the client secret."),
            key("scopes", Kind::Texts, "", "Scopes."),
            key("token_url", Kind::Url, "", "Where tokens are fetched.").required(),
            key("endpoint_params", Kind::Labels, "", "Further form fields of the token request."),
            key("tls_config", Kind::Map(&TLS), "", "TLS options of the token request."),
            key("headers", Kind::Headers, "", "Headers of the token request.")
                .warned("not honoured for the token request"),
        ],
        PROXY,
    ],
};

pub(crate) static TLS: Section = Section {
    title: "tls_config",
    about: "TLS options. Files are read again whenever they change.",
    groups: &[&[
        key(
            "ca",
            Kind::Secret,
            "",
            "PEM text of the authorities to trust instead of the system's.",
        ),
        key("ca_file", Kind::Path, "", "File with them."),
        key("cert", Kind::Secret, "", "PEM text of the certificate shown to the server."),
        key("cert_file", Kind::Path, "", "File with it."),
        key("key", Kind::Secret, "", "PEM text of the certificate's key."),
        key("key_file", Kind::Path, "", "File with it."),
        key(
            "server_name",
            Kind::Text,
            "",
            "Name to verify instead of the URL's host; also sent as SNI.",
        ),
        key("insecure_skip_verify", Kind::Bool, "false", "Accept any certificate."),
        key(
            "min_version",
            Kind::Version,
            "TLS12",
            "Lowest version accepted; below TLS 1.2 none is.",
        ),
        key("max_version", Kind::Version, "TLS13", "Highest version offered."),
    ]],
};

pub(crate) static HEADER: Section = Section {
    title: "http_headers",
    about: "Values of one header; several values are sent as several lines. The page of the resolved configuration masks all of them.",
    groups: &[&[
        key("values", Kind::Texts, "", "Values."),
        key("secrets", Kind::Texts, "", "Values that are secrets."),
        key(
            "files",
            Kind::Texts,
            "",
            "Files with one value each, read again whenever they change.",
        ),
    ]],
};

//! HTTP client: TLS, proxies, credentials, redirects.

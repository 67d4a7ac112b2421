//! The URL of a target and the address it is known by.
//!
//! Owns how `__scheme__`, `__address__`, `__metrics_path__` and `__param_*` become one URL. Never
//! knows the rest of a target.
//! Source: vmagent's `promrelabel/scrape_url.go`.

use url::Url;

use super::DropReason;
use crate::labels::Labels;

/// A page to scrape.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub url: String,
    /// The address with a port, also where the URL has none: the default of label `instance`.
    pub address: String,
}

/// Puts the URL together.
///
/// # Errors
/// No address, or no URL.
pub(super) fn page(labels: &Labels, params: &[(String, Vec<String>)]) -> Result<Page, DropReason> {
    let or = |name: &str, default: &'static str| match labels.value(name) {
        "" => default.to_owned(),
        value => value.to_owned(),
    };
    let mut scheme = or("__scheme__", "http");
    let mut path = or("__metrics_path__", "/metrics");
    let mut address = labels.value("__address__");
    // An address may carry a scheme and a path, which Prometheus refuses.
    for known in ["http", "https"] {
        let behind = address.strip_prefix(known).and_then(|rest| rest.strip_prefix("://"));
        if let Some(behind) = behind {
            (scheme, address) = (known.to_owned(), behind);
            break;
        }
    }
    if let Some(at) = address.find('/') {
        path = address[at..].to_owned();
        address = &address[..at];
    }
    if address.is_empty() {
        return Err(DropReason::Address);
    }
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    let query = query(labels, params);
    let joint = match (query.is_empty(), path.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    let url = format!("{scheme}://{address}{path}{joint}{query}");
    check(&scheme, &url)?;
    let port = match (address.contains(':'), scheme.as_str()) {
        (true, _) => "",
        (false, "https") => ":443",
        (false, _) => ":80",
    };
    Ok(Page { url, address: format!("{address}{port}") })
}

fn check(scheme: &str, url: &str) -> Result<(), DropReason> {
    let failed = |reason: String| DropReason::Url { url: url.to_owned(), reason };
    if scheme != "http" && scheme != "https" {
        return Err(failed("expected scheme http or https".to_owned()));
    }
    Url::parse(url).map(drop).map_err(|error| failed(error.to_string()))
}

/// Parameters, in the order of their names. A label replaces the first value of the job's
/// parameter and leaves the others; a parameter without a label is not sent.
fn query(labels: &Labels, params: &[(String, Vec<String>)]) -> String {
    let mut query = String::new();
    for label in labels {
        let Some(name) = label.name.strip_prefix("__param_") else { continue };
        let of_job = params.iter().find(|(known, _)| known == name);
        let others = of_job.and_then(|(_, values)| values.get(1..)).unwrap_or_default();
        for value in std::iter::once(&label.value).chain(others) {
            if !query.is_empty() {
                query.push('&');
            }
            escape(name, &mut query);
            query.push('=');
            escape(value, &mut query);
        }
    }
    query
}

/// Appends a text as Go's `url.QueryEscape` writes it.
fn escape(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}
